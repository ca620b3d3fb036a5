"""The peak memory of a fit: `python -m bench.footprint.memory M1`, a JSON line out."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import nnbind as nn
from bench.runner import answer_of_module
from bench.workloads import WORKLOADS, Workload

SAMPLES = {"M1": 60_000, "L2": 4_096}  # MNIST's, and a network larger than its data
ALLOWANCE = 10e6


@dataclass(frozen=True)
class Memory:
    """Bytes that a process holds at most during a fit, beyond those after its imports."""

    workload: str
    data: int
    parameters: int
    activations: int  # of one batch: a number for each unit and sample
    before_fit: int  # of which the data and the network
    peak: int

    @property
    def limit(self) -> float:
        return self.data + 4 * self.parameters + self.activations + ALLOWANCE


def status(key: str) -> int:
    """VmRSS (held now) or VmHWM (the most since it was reset) of this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


def fit(workload: Workload, samples: int) -> Memory:
    """One epoch on random numbers."""
    start = status("VmRSS")
    inputs, *hidden, outputs = workload.widths
    random = np.random.default_rng(1)
    X = random.random((samples, inputs), dtype=np.float32)
    y = random.integers(outputs, size=samples)
    net = nn.mlp(inputs, hidden, outputs, output="softmax", dtype=np.float32)
    before_fit = status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins anew
    net.fit(
        X, y, loss="cross_entropy", optimizer=nn.SGD(1e-3), epochs=1,
        batch_size=workload.batch_size, progress=False,
    )  # fmt: skip
    return Memory(
        workload=workload.name,
        data=X.nbytes + y.nbytes,
        parameters=net.theta.nbytes,
        activations=4 * workload.batch_size * sum(workload.widths[1:]),
        before_fit=before_fit - start,
        peak=status("VmHWM") - start,
    )


def measure(name: str) -> Memory:
    """In this process; a first fit brings what is loaded once."""
    fit(WORKLOADS["T1"], 64)
    return fit(WORKLOADS[name], SAMPLES[name])


def in_own_process(name: str, threads: int) -> Memory:
    return Memory(**answer_of_module(["bench.footprint.memory", name], threads))


if __name__ == "__main__":
    print(json.dumps(asdict(measure(sys.argv[1]))))
