"""The networks, their parameters and samples, and what each library must predict."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bench.workloads import Floats


@dataclass(frozen=True)
class Workload:
    """f(X; theta) of a chain of fully connected layers in float32, for a batch of rows."""

    widths: tuple[int, ...]
    activation: str  # of the hidden layers
    batch: int

    @property
    def title(self) -> str:
        return f"{'-'.join(map(str, self.widths))} {self.activation}, batch {self.batch}"


WORKLOADS = {
    "S-relu": Workload((40, 100, 100, 10), "relu", 1),
    "S-tanh": Workload((40, 100, 100, 10), "tanh", 1),
    "M1-1": Workload((784, 128, 10), "relu", 1),
    "M1-256": Workload((784, 128, 10), "relu", 256),
}

Parameters = list[tuple[Floats, Floats]]  # of each layer: weights (inputs, units), bias (units,)


def parameters(workload: Workload) -> Parameters:
    """The same in every process."""
    random = np.random.default_rng(1)
    return [
        (
            random.normal(0, p**-0.5, (p, q)).astype(np.float32),
            random.normal(0, 0.1, q).astype(np.float32),
        )
        for p, q in pairwise(workload.widths)
    ]


def samples(workload: Workload) -> Floats:
    shape = workload.batch, workload.widths[0]
    return np.random.default_rng(2).standard_normal(shape, dtype=np.float32)


def answer(workload: Workload) -> Floats:
    """The prediction in float64, rounded."""
    values = samples(workload).astype(np.float64)
    *hidden, (last_weights, last_bias) = parameters(workload)
    for weights, bias in hidden:
        values = values @ weights + bias
        values = np.tanh(values) if workload.activation == "tanh" else np.maximum(values, 0)
    result: Floats = (values @ last_weights + last_bias).astype(np.float32)
    return result
