"""A program: pools of processes and threads beside a network that is or was trained.

``python pool_work.py KIND`` prints, for a pool after a fit, during one and after that, whether all
workers computed what this process does. A program of its own, so that a hang is none of the test
run's; a module, since workers that are spawned import what they call.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

import nnbind as nn

WORKERS = 2
RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 128)).astype(np.float32)
Y = RNG.normal(size=(600, 16)).astype(np.float32)
# Large enough for several threads: 70 million operations a step.
OPTIONS: dict[str, Any] = {"loss": "mse", "batch_size": 300, "progress": False}


def network(seed: int) -> nn.Network:
    return nn.mlp(128, [256], 16, seed=seed)


def work(net: nn.Network) -> bytes:
    """All bits of a prediction, a fit and a prediction after it; the network stays as it is."""
    twin = net.copy()
    twin.fit(X, Y, epochs=2, **OPTIONS)
    return net.predict(X).tobytes() + twin.theta.tobytes() + twin.predict(X).tobytes()


def threads_of_work(net: nn.Network) -> tuple[int, int]:
    """How many threads work may use in this process, and how many it has brought, with its own."""
    before = len(os.listdir("/proc/self/task"))
    work(net)
    return nn.get_num_threads(), 1 + len(os.listdir("/proc/self/task")) - before


Nets = list[nn.Network]


def pool(method: str, nets: Nets) -> list[bytes]:
    with multiprocessing.get_context(method).Pool(WORKERS) as workers:
        return workers.map(work, nets)


def processes(method: str, nets: Nets) -> list[bytes]:
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(WORKERS, mp_context=context) as executor:
        return list(executor.map(work, nets))


def threads(nets: Nets) -> list[bytes]:
    with ThreadPoolExecutor(WORKERS) as executor:
        return list(executor.map(work, nets))


def joblib(backend: str, nets: Nets) -> list[bytes]:
    from joblib import Parallel, delayed

    answers: list[bytes] = Parallel(WORKERS, backend=backend)(delayed(work)(net) for net in nets)
    return answers


KINDS: dict[str, Callable[[Nets], list[bytes]]] = {
    "pool, fork": lambda nets: pool("fork", nets),
    "pool, spawn": lambda nets: pool("spawn", nets),
    "pool, forkserver": lambda nets: pool("forkserver", nets),
    "futures, fork": lambda nets: processes("fork", nets),
    "futures, spawn": lambda nets: processes("spawn", nets),
    "futures, threads": threads,
    "joblib, loky": lambda nets: joblib("loky", nets),
    "joblib, threading": lambda nets: joblib("threading", nets),
}


@contextmanager
def fit_in_a_thread() -> Iterator[None]:
    """Another thread trains a network, from before the context's body begins until it ends."""
    begun, end = threading.Event(), threading.Event()

    def watch(*_: Any) -> bool:
        begun.set()
        return end.is_set()

    def train() -> None:
        network(9).fit(X, Y, epochs=10**9, callbacks=[watch], **OPTIONS)

    thread = threading.Thread(target=train)
    thread.start()
    try:
        assert begun.wait(60)
        yield
    finally:
        end.set()
        thread.join()


def main(kind: str) -> None:
    warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
    nn.set_num_threads(2)
    nets = [network(seed) for seed in range(4)]
    expected = [work(net) for net in nets]  # a team has been at work
    print("after a fit:", KINDS[kind](nets) == expected, flush=True)
    with fit_in_a_thread():
        print("during a fit:", KINDS[kind](nets) == expected, flush=True)
    print("here:", [work(net) for net in nets] == expected)


if __name__ == "__main__":
    main(sys.argv[1])
