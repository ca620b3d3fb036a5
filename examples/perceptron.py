"""Rosenblatt's perceptron: one neuron f(x) = 1 if w·x + b >= 0 else 0, and a line w·x + b = 0.

The perceptron criterion max(0, -y (w·x + b)) with y = ±1, minimized sample by sample with γ = 1, is
Rosenblatt's rule: after a mistake, w <- w + y x and b <- b + y. On two clouds that a line separates
it ends without a mistake. No line separates a ring inside a ring, and the rule wanders for ever
(grey: the line after each epoch). With four tanh neurons before it, the same output neuron with the
same loss closes around the inner ring (dashed: the lines of the four).
"""

from typing import NamedTuple

import matplotlib
import numpy as np
from numpy.typing import NDArray

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

PICTURE = "perceptron.png"
BLUE, ORANGE = "#0072B2", "#D55E00"

Array = NDArray[np.float32]


class Accuracies(NamedTuple):
    """The part of the samples on the right side; for one neuron on circles, over its epochs."""

    clouds: float
    circles: float  # the mean over the epochs
    best_line: float
    several_neurons: float


def perceptron(X: Array, y: Array, epochs: int) -> list[nn.Network]:
    """One neuron trained by Rosenblatt's rule from w = 0 and b = 0, as it is after each epoch."""
    net = nn.Sequential(nn.Input(2), nn.Dense(1, "binary", init="zeros"))
    rule, loss = nn.SGD(1.0), nn.PerceptronCriterion()
    trail: list[nn.Network] = []
    for _ in range(epochs):
        net.fit(X, y, loss=loss, optimizer=rule, epochs=1, batch_size=1, progress=False)
        trail.append(net.copy())
    return trail


def several_neurons(X: Array, y: Array) -> nn.Network:
    """Four tanh neurons before the one of the perceptron, which keeps its loss."""
    net = nn.mlp(2, [4], 1, activation="tanh", output="binary")
    adam = nn.Adam(0.01)
    net.fit(X, y, loss="perceptron", optimizer=adam, epochs=300, batch_size=20, progress=False)
    return net


def accuracy(net: nn.Network, X: Array, y: Array) -> float:
    """The part of the samples whose output is 1 where y is 1, and 0 where y is -1."""
    return float((net.predict(X) == (y > 0)).mean())


def best_line(X: Array, y: Array) -> float:
    """The accuracy of the best line of all, over 180 directions and every offset."""
    best = 0.0
    for angle in np.linspace(0, np.pi, 180, endpoint=False):
        along = X @ [np.cos(angle), np.sin(angle)]
        right = np.cumsum(y[np.argsort(along), 0])  # (+1 before the cut) - (-1 before the cut)
        best = max(best, 0.5 + float(np.abs(right).max()) / len(y))
    return best


def draw_lines(net: nn.Network, axes: Axes, color: str = "black") -> None:
    """The line w·x + b = 0 of each neuron of the first layer."""
    first = net.layers[0]
    assert first.bias is not None
    for w, b in zip(first.weights.T, first.bias, strict=True):
        start, direction = -b * w / (w @ w), np.array([-w[1], w[0]])
        style = "-" if first.units == 1 else "--"
        axes.axline(start, start + direction, color=color, linestyle=style, linewidth=1)


def draw(net: nn.Network, X: Array, y: Array, axes: Axes) -> None:
    """The samples, what the output is at each point of the plane, and the lines."""
    size = 1.15 * float(np.abs(X).max())
    ticks = np.linspace(-size, size, 300, dtype=np.float32)
    plane = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    side = net.predict(plane).reshape(300, 300)
    axes.contourf(ticks, ticks, side, levels=[-0.5, 0.5, 1.5], colors=[ORANGE, BLUE], alpha=0.15)
    draw_lines(net, axes)
    for label, color, marker in ((-1, ORANGE, "o"), (1, BLUE, "^")):
        x1, x2 = X[y[:, 0] == label].T
        axes.scatter(x1, x2, s=12, color=color, marker=marker, label=f"y = {label}")
    axes.set(xlim=(-size, size), ylim=(-size, size), aspect="equal", xlabel="$x_1$", ylabel="$x_2$")


def main() -> Accuracies:
    clouds = nn.datasets.clouds(200, distance=6.0, spread=1.0, labels=(-1, 1), seed=1)
    circles = nn.datasets.circles(400, ratio=0.5, noise=0.08, labels=(-1, 1), seed=0)
    line = perceptron(*clouds, epochs=20)[-1]
    trail = perceptron(*circles, epochs=20)
    curve = several_neurons(*circles)
    found = Accuracies(
        clouds=accuracy(line, *clouds),
        circles=float(np.mean([accuracy(net, *circles) for net in trail])),
        best_line=best_line(*circles),
        several_neurons=accuracy(curve, *circles),
    )
    print(f"one neuron on clouds:     {found.clouds:.1%} right")
    print(f"one neuron on circles:    {found.circles:.1%} right (mean of {len(trail)} epochs)")
    print(f"the best line on circles: {found.best_line:.1%} right")
    print(f"2-4-1, tanh, on circles:  {found.several_neurons:.1%} right")

    figure, panels = plt.subplots(1, 3, figsize=(14, 5), layout="constrained")
    for earlier in trail[:-1]:
        draw_lines(earlier, panels[1], color="0.6")
    draw(line, *clouds, panels[0])
    draw(trail[-1], *circles, panels[1])
    draw(curve, *circles, panels[2])
    panels[0].set_title(f"one neuron: {found.clouds:.0%} right")
    panels[1].set_title(f"one neuron: {found.circles:.0%} right on average")
    panels[2].set_title(f"2-4-1, tanh: {found.several_neurons:.0%} right")
    panels[0].legend(loc="upper left")
    figure.savefig(PICTURE, dpi=120)
    print(f"picture: {PICTURE}")
    return found


if __name__ == "__main__":
    main()
