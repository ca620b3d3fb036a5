"""The activations g(t) and their derivatives g'(t), all in one picture.

No formula is typed here: the curves come out of a network of one neuron, y = g(w x + b) with w = 1
and b = 0. Its prediction at x = t is g(t). The target g(t) - 1 and the loss |y - f| have ∂d/∂f = 1,
so what backpropagation gives for b is ∂L/∂b = g'(t). Finite differences of g check it.
Softmax and log-softmax are missing: each of their outputs depends on all inputs of the layer.
Look at where g' is near 0: there a neuron learns nothing.
"""

from dataclasses import dataclass

import matplotlib
import numpy as np
from numpy.typing import NDArray

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt

PICTURE = "activations.png"
NAMES = [name for name in nn.Activation.names() if "softmax" not in name]
STEP = 1e-5  # h of the finite differences

Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Result:
    """The largest |g' - finite difference| by name, on a grid that avoids the kinks; and g'(0)."""

    errors: dict[str, float]
    at_zero: dict[str, float]

    @property
    def largest_error(self) -> float:
        return max(self.errors.values())


def neuron(name: str) -> nn.Network:
    """y = g(1 x + 0), in double precision."""
    dense = nn.Dense(1, name, init="zeros")
    net = nn.Sequential(nn.Input(1), dense, dtype=np.float64)
    net.layers[0].weights[:] = 1
    return net


def value(net: nn.Network, t: Curve) -> Curve:
    """g at every t."""
    return net.predict(t[:, None])[:, 0].astype(np.float64)


def derivative(net: nn.Network, t: Curve) -> Curve:
    """g' at every t: ∂L/∂b, one sample at a time."""
    slopes = np.empty_like(t)
    for i, (x, y) in enumerate(zip(t, value(net, t) - 1, strict=True)):
        net.loss_and_gradient([[x]], [[y]], "absolute_error")
        slopes[i] = net.gradient[1]  # θ = (w, b)
    return slopes


def main() -> Result:
    t = np.linspace(-5, 5, 400)  # no point is near the kinks, which are at 0 and ±3
    errors: dict[str, float] = {}
    at_zero: dict[str, float] = {}
    figure, panels = plt.subplots(3, 5, figsize=(14, 8), sharey=True, layout="constrained")
    for name, axes in zip(NAMES, panels.flat, strict=False):
        net = neuron(name)
        g, slope = value(net, t), derivative(net, t)
        difference = (value(net, t + STEP) - value(net, t - STEP)) / (2 * STEP)
        errors[name] = float(np.abs(slope - difference).max())
        at_zero[name] = float(derivative(net, np.zeros(1))[0])
        axes.axhline(0, color="0.8", linewidth=0.8)
        axes.plot(t, g, color="#0072B2", label="g(t)")
        axes.plot(t, slope, color="#D55E00", linestyle="--", label="g'(t)")
        axes.set(title=name, xlim=(-5, 5), ylim=(-2.2, 2.2))
    for axes in panels.flat[len(NAMES) :]:
        axes.axis("off")
    panels.flat[-1].legend(
        *panels.flat[0].get_legend_handles_labels(), loc="center", fontsize="large"
    )
    figure.suptitle("Activations and their derivatives, the latter from backpropagation")
    figure.supxlabel("t")
    figure.savefig(PICTURE, dpi=120)

    result = Result(errors, at_zero)
    print("activation    g'(0)   largest |g' - finite difference|")
    for name in NAMES:
        print(f"{name:12}  {at_zero[name]:.3f}   {errors[name]:.1e}")
    print(f"all: at most {result.largest_error:.1e}; picture: {PICTURE}")
    return result


if __name__ == "__main__":
    main()
