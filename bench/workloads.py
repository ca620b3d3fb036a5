"""What is trained: network, data, first weights and sample order, the same for every library."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Workload:
    """A classifier (ReLU hidden layers, softmax cross-entropy) under plain SGD, in float32."""

    name: str
    widths: tuple[int, ...]
    batch_size: int
    samples: int  # a multiple of the batch size: every step has the same shape
    learning_rate: float

    @property
    def title(self) -> str:
        return f"{'-'.join(map(str, self.widths))}, batch {self.batch_size}"

    @property
    def steps(self) -> int:
        """Steps of one epoch."""
        return self.samples // self.batch_size

    @property
    def flops(self) -> int:
        """Useful flops of one step: the products X W, Xᵀ dT and, past the first layer, dT Wᵀ."""
        products = [2 * self.batch_size * p * q for p, q in pairwise(self.widths)]
        return 3 * sum(products) - products[0]

    def layers(self, theta: Floats) -> Iterator[tuple[Floats, Floats]]:
        """Views of each layer's weights (inputs, units) and bias (units) in `theta`."""
        start = 0
        for inputs, units in pairwise(self.widths):
            block = theta[start : start + (inputs + 1) * units].reshape(inputs + 1, units)
            yield block[:-1], block[-1]
            start += block.size


@dataclass(frozen=True)
class Problem:
    """A workload's arrays: X (n, inputs), labels y (n,), sample order (n,) and first weights."""

    workload: Workload
    X: Floats
    y: NDArray[np.int64]
    order: NDArray[np.int64]
    theta: Floats


def make_problem(workload: Workload) -> Problem:
    """The same arrays in every process.

    X is centred, so that training is stable and rounding does not grow: all libraries reach the
    same loss to float32's precision. The labels are noisy, so that long runs stay away from a loss
    of zero, where denormal gradients would slow some libraries and not others.
    """
    random = np.random.default_rng(1)
    inputs, outputs = workload.widths[0], workload.widths[-1]
    X = random.random((workload.samples, inputs), dtype=np.float32) * 2 - 1
    scores = X @ random.standard_normal((inputs, outputs), dtype=np.float32)
    noise = random.standard_normal(scores.shape, dtype=np.float32) * scores.std()
    y = np.argmax(scores + noise, axis=1)
    size = sum((p + 1) * q for p, q in pairwise(workload.widths))
    theta = np.zeros(size, dtype=np.float32)
    for weights, _ in workload.layers(theta):  # He; the biases start at zero
        weights[:] = random.normal(0.0, np.sqrt(2 / len(weights)), weights.shape)
    return Problem(workload, X, y, random.permutation(workload.samples), theta)


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("M1", (784, 128, 10), batch_size=32, samples=12_800, learning_rate=0.05),
        Workload("T1", (8, 9, 9, 9, 4), batch_size=32, samples=12_800, learning_rate=0.05),
    )
}
