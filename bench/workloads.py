"""What is trained: network, data, first weights and sample order, the same for every library."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class Workload:
    """A classifier under plain SGD, in float32: softmax and cross-entropy, or one sigmoid unit and
    binary cross-entropy where there is one output. They are listed in workloads.json."""

    name: str
    widths: tuple[int, ...]
    batch_size: int
    samples: int  # a multiple of the batch size: every step has the same shape
    activation: Literal["relu", "tanh"]  # of the hidden layers
    learning_rate: float

    @property
    def title(self) -> str:
        """Long runs of equal layers are counted: 28-300×5-1."""
        runs = [(width, len(list(run))) for width, run in groupby(map(str, self.widths))]
        widths = "-".join(f"{width}×{n}" if n > 4 else "-".join([width] * n) for width, n in runs)
        tanh = " tanh" if self.activation == "tanh" else ""
        return f"{widths}{tanh}, batch {self.batch_size}"

    @property
    def binary(self) -> bool:
        """Whether the output is one sigmoid unit."""
        return self.widths[-1] == 1

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
    of zero, where denormal gradients would slow some libraries and not others. Each class has a
    sample: scikit-learn makes an output for those only that it has seen.
    """
    random = np.random.default_rng(1)
    inputs, outputs = workload.widths[0], workload.widths[-1]
    X = random.random((workload.samples, inputs), dtype=np.float32) * 2 - 1
    scores = X @ random.standard_normal((inputs, outputs), dtype=np.float32)
    noise = random.standard_normal(scores.shape, dtype=np.float32) * scores.std()
    scores += noise
    y = (scores[:, 0] > 0).astype(np.int64) if workload.binary else np.argmax(scores, axis=1)
    y[:outputs] = np.arange(outputs)
    size = sum((p + 1) * q for p, q in pairwise(workload.widths))
    theta = np.zeros(size, dtype=np.float32)
    gain = 2 if workload.activation == "relu" else 1  # He's, or LeCun's; the biases start at zero
    for weights, _ in workload.layers(theta):
        weights[:] = random.normal(0.0, np.sqrt(gain / len(weights)), weights.shape)
    return Problem(workload, X, y, random.permutation(workload.samples), theta)


# By name, from the file that the C++ benchmark reads too.
WORKLOADS: dict[str, Workload] = {
    entry["name"]: Workload(**{**entry, "widths": tuple(entry["widths"])})
    for entry in json.loads(Path(__file__).with_name("workloads.json").read_text())
}
