"""`python -m bench.quiet`: what a fit leaves behind, in CPU time and to NumPy's own products.

The first figure is the CPU time that the process takes while it sleeps after a fit: libgomp's
threads wait for the next region, and must not do so by spinning. The others are the times of a
product of NumPy's, on its own threads, right after a fit and after a rest, in turns.
"""

import argparse
import statistics
import time

import numpy as np

import nnbind as nn
from bench import machine

REST = 0.05  # seconds, by when all threads sleep


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.quiet", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    X = random.standard_normal((512, 256), dtype=np.float32)
    y = random.standard_normal((512, 10), dtype=np.float32)
    square = random.standard_normal((512, 512), dtype=np.float32)
    net, optimizer = nn.mlp(256, [256], 10), nn.SGD(1e-3)

    def fit() -> None:
        net.fit(X, y, loss="mse", optimizer=optimizer, epochs=2, batch_size=256, progress=False)

    def product() -> float:
        start = time.perf_counter()
        _ = square @ square
        return (time.perf_counter() - start) * 1e6

    fit()
    start = time.process_time()
    time.sleep(1)
    idle = (time.process_time() - start) * 1e3
    after_rest, after_fit = [], []
    for _ in range(arguments.rounds):
        time.sleep(REST)
        after_rest.append(product())
        fit()
        after_fit.append(product())
    print(f"{machine.processor()}, {machine.cores()} cores, {nn.get_num_threads()} threads")
    print(f"CPU time in the second after a fit: {idle:.1f} ms")
    for when, times in ("after a rest", after_rest), ("right after a fit", after_fit):
        median, best = statistics.median(times), min(times)
        print(f"NumPy's 512 × 512 product {when}: {median:.0f} µs, at best {best:.0f} µs")


if __name__ == "__main__":
    main()
