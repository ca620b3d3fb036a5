"""Samples one by one, in mini-batches, or all at once: the same forward pass, the same gradient.

The rows of Y = g(X W + b) are the outputs of the single samples. With the mean loss over n samples
∂L/∂θ is the mean of the gradients of equal mini-batches, and Σ (m_k / n) ∂L_k/∂θ if they have m_k
samples each; with reduction="sum" it is their plain sum. So a mini-batch gradient is right on
average. Its error falls with m as σ √((n - m) / (m (n - 1))), about σ/√m, where σ is the spread of
the single samples' gradients.
"""

from dataclasses import dataclass

import matplotlib
import numpy as np
from numpy.typing import NDArray

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt

PICTURE = "batches.png"
SIZES = [1, 2, 4, 8, 16, 32, 64, 128]
SHOWN = {4: "#E69F00", 16: "#009E73", 64: "#0072B2"}  # batch sizes in the scatter plot

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Result:
    """The largest difference of each equality, and the spread of mini-batch gradients by size m."""

    forward: float
    equal: float
    unequal: float
    total: float
    spread: dict[int, float]
    expected: dict[int, float]


def gradients(net: nn.Network, batches: list[tuple[Array, Array]], loss: nn.Loss) -> Array:
    """∂L_k/∂θ of each batch k: (batches, parameters)."""
    return np.array([net.loss_and_gradient(X, y, loss)[1] for X, y in batches])


def shuffled(X: Array, y: Array, m: int, rng: np.random.Generator) -> list[tuple[Array, Array]]:
    """Mini-batches of m samples that together are one epoch, in a random order."""
    order = rng.permutation(len(X))
    return [(X[rows], y[rows]) for rows in np.split(order, range(m, len(X), m))]


def gap(a: Array, b: Array) -> float:
    """The largest difference, relative to the largest value."""
    return float(np.abs(a - b).max() / np.abs(b).max())


def main() -> Result:
    rng = np.random.default_rng(0)
    n = 2048
    X = rng.normal(size=(n, 3))
    y = np.sin(X[:, :1]) + X[:, 1:2] * X[:, 2:] + 0.1 * rng.normal(size=(n, 1))
    net = nn.mlp(3, [8], 1, activation="tanh", dtype=np.float64)
    mean, total = nn.SquaredError(), nn.SquaredError(reduction="sum")

    one_by_one = np.vstack([net.predict(x[None, :]) for x in X])
    full = net.loss_and_gradient(X, y, mean)[1].astype(np.float64)
    equal = shuffled(X, y, 32, rng)
    unequal = shuffled(X, y, 300, rng)  # 6 of 300 and one of 248 samples
    sizes = np.array([len(batch_y) for _, batch_y in unequal])
    full_sum = net.loss_and_gradient(X, y, total)[1].astype(np.float64)

    epochs = {m: gradients(net, shuffled(X, y, m, rng), mean) for m in SIZES}
    sigma = np.sqrt(((epochs[1] - full) ** 2).sum(axis=1).mean())
    result = Result(
        forward=gap(one_by_one, net.predict(X).astype(np.float64)),
        equal=gap(gradients(net, equal, mean).mean(axis=0), full),
        unequal=gap(sizes / n @ gradients(net, unequal, mean), full),
        total=gap(gradients(net, unequal, total).sum(axis=0), full_sum),
        spread={m: float(np.sqrt(((epochs[m] - full) ** 2).sum(axis=1).mean())) for m in SIZES},
        expected={m: float(sigma * np.sqrt((n - m) / (m * (n - 1)))) for m in SIZES},
    )
    print("largest relative difference from the whole set of 2048 samples at once:")
    print(f"  outputs, one by one                  {result.forward:.1e}")
    print(f"  mean gradient of 64 batches of 32    {result.equal:.1e}")
    print(f"  weighted mean of 6 of 300, 1 of 248  {result.unequal:.1e}")
    print(f"  the same, summed                     {result.total:.1e}")
    print("batch size m, error of a batch gradient, and what σ says")
    for m in SIZES:
        print(f"  {m:4}  {result.spread[m]:.4f}  {result.expected[m]:.4f}")
    draw(result, epochs, full)
    return result


def draw(result: Result, epochs: dict[int, Array], full: Array) -> None:
    """Mini-batch gradients around the full one, and their distance from it against m."""
    figure, (cloud, spread) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    for m, color in SHOWN.items():
        cloud.scatter(*epochs[m][:, -2:].T, s=10, color=color, label=f"m = {m}")
    cloud.plot(*full[-2:], "k+", markersize=16, markeredgewidth=2, label="all samples")
    cloud.set(xlabel="∂L/∂w, the last weight", ylabel="∂L/∂b, the last bias")
    cloud.set_title("the mini-batch gradients of one epoch")
    cloud.margins(y=0.15)
    cloud.legend(loc="lower center", ncols=4)
    spread.loglog(SIZES, list(result.expected.values()), color="0.6", label="from σ: about σ/√m")
    spread.loglog(SIZES, list(result.spread.values()), "o", color="#D55E00", label="measured")
    spread.set(xlabel="batch size m", ylabel="‖batch gradient - full gradient‖, root mean square")
    spread.set_title("their distance from the full gradient")
    spread.set_xticks(SIZES, [str(m) for m in SIZES])
    spread.set_yticks([1, 2, 4, 8], ["1", "2", "4", "8"])
    spread.minorticks_off()
    spread.legend()
    figure.savefig(PICTURE, dpi=120)
    print(f"picture: {PICTURE}")


if __name__ == "__main__":
    main()
