"""Gradient descent in one dimension, and what its learning rate γ does.

A neuron with one weight and no bias, f(x) = w·x, has a parabola as its loss L(w), the mean of
(y - w·x)²: a step w ← w - γ L'(w) multiplies the distance to the minimum by 1 - γ L''. Look for
steps on one side for γ < 1/L'', from side to side but closer for 1/L'' < γ < 2/L'', and farther and
farther beyond. On the right f(x) = tanh(w·x), a loss of two valleys: from the same start a small γ
ends in the near one, a larger γ steps over the ridge into the other, here the deeper one.
"""

from typing import NamedTuple

import matplotlib
import numpy as np
from numpy.typing import NDArray

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

PICTURE = "learning_rates.png"
STEPS = 12
RATES = (0.2, 0.6, 1.7, 2.05)  # γ in units of 1/L''
COLOURS = dict(zip(RATES, ("#0072B2", "#009E73", "#E69F00", "#D55E00"), strict=True))

Array = NDArray[np.float64]


class Descent(NamedTuple):
    """w and L(w) before each step and after the last."""

    weights: Array
    losses: Array


class Result(NamedTuple):
    minimum: float
    parabola: dict[float, Descent]  # by γ L''
    valleys: dict[float, Descent]  # by γ


def neuron(activation: str, w: float) -> nn.Network:
    """f(x) = g(w·x), without a bias."""
    layer = nn.Dense(1, activation, init=np.array([[w]]), bias=False)
    return nn.Sequential(nn.Input(1), layer, dtype=np.float64)


def descend(net: nn.Network, X: Array, y: Array, rate: float, steps: int) -> Descent:
    """Gradient descent: each step takes all samples."""
    optimizer = nn.GradientDescent(rate)
    weights, losses = [net.theta[0]], []
    for _ in range(steps):
        losses.append(net.train_step(X, y, loss="mse", optimizer=optimizer))
        weights.append(net.theta[0])
    losses.append(net.evaluate(X, y, loss="mse")["loss"])
    return Descent(np.array(weights), np.array(losses))


def loss_at(net: nn.Network, X: Array, y: Array, weights: Array) -> Array:
    """L(w) for each of the weights."""
    losses = []
    for w in weights:
        net.theta[0] = w
        losses.append(net.evaluate(X, y, loss="mse")["loss"])
    return np.array(losses)


def draw_descent(axes: Axes, descent: Descent, colour: str, label: str) -> None:
    """The way of (w, L(w)) on the loss."""
    axes.plot(*descent, "o-", color=colour, markersize=4, linewidth=1, label=label)


def main() -> Result:
    X, y = np.array([[-1.0], [0.5], [1.5], [2.0]]), np.array([[-1.4], [0.7], [2.1], [2.8]])
    curvature = 2 * np.mean(X**2)  # L''
    minimum = float(np.sum(X * y) / np.sum(X**2))
    print(f"f(x) = w·x: L'' = {curvature:.3f}, minimum at w = {minimum:.3f}, start at w = 0")
    parabola = {r: descend(neuron("identity", 0), X, y, r / curvature, STEPS) for r in RATES}
    for rate, (_, losses) in parabola.items():
        print(f"  γ = {rate}/L'': L goes from {losses[0]:.2f} to {losses[-1]:.3g} in {STEPS} steps")

    bent_X = np.array([[8.0], [0.3], [0.4], [0.5], [0.6]])
    bent_y = np.array([[-0.6], [0.7], [0.8], [0.9], [0.9]])
    valleys = {r: descend(neuron("tanh", -1), bent_X, bent_y, r, 60) for r in (0.05, 1.0)}
    for rate, (weights, losses) in valleys.items():
        print(f"f(x) = tanh(w·x), γ = {rate}: ends at w = {weights[-1]:.2f}, L = {losses[-1]:.3f}")

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
    w = np.linspace(minimum - 3, minimum + 3, 201)
    left.plot(w, loss_at(neuron("identity", 0), X, y, w), color="gray")
    for rate, descent in parabola.items():
        draw_descent(left, descent, COLOURS[rate], f"γ = {rate}/L''")
        middle.plot(
            descent.losses, "o-", color=COLOURS[rate], markersize=4, label=f"γ = {rate}/L''"
        )
    left.set(title="f(x) = w·x: the way of w", xlabel="w", ylabel="L(w)")
    middle.set(title="f(x) = w·x: L by step", xlabel="step", ylabel="L(w)", yscale="log")

    w = np.linspace(-1.5, 4, 301)
    right.plot(w, loss_at(neuron("tanh", 0), bent_X, bent_y, w), color="gray")
    for (rate, descent), colour in zip(valleys.items(), ("#0072B2", "#D55E00"), strict=True):
        draw_descent(right, descent, colour, f"γ = {rate}")
    right.set(title="f(x) = tanh(w·x): two valleys", xlabel="w", ylabel="L(w)")
    for axes in (left, middle, right):
        axes.legend()
    figure.savefig(PICTURE, dpi=120)
    print(f"picture: {PICTURE}")
    return Result(minimum, parabola, valleys)


if __name__ == "__main__":
    main()
