"""A computation graph, forward and backward: `python examples/computation_graph.py`.

The artificial neuron f(x, y) = σ(w1 x + w2 y + b) of the lecture, written with Python's own
operators, on one sample with the loss L = (f - target)². The trace shows each node's value v and
∂L/∂v; by hand, the chain rule gives the same numbers. Look at the graph: going back along an edge,
∂L is multiplied by the local derivative of the operator that the edge leads to.
"""

import math
from typing import Any, NamedTuple, TypeAlias

import matplotlib
import numpy as np
from numpy.typing import NDArray

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

Place: TypeAlias = tuple[float, float]

PICTURE = "computation_graph.png"
X, Y, TARGET = 2.0, -1.0, 0.0
W1, W2, B = 1.5, 3.0, 1.0
RATE = 0.5  # γ

# Where the picture shows each node: (column, row).
PLACES: dict[str, Place] = {
    "x": (0, 4), "w1": (0, 3), "y": (0, 2), "w2": (0, 1), "b": (0, 0),
    "multiply": (1, 3.5), "multiply_1": (1, 1.5), "add": (2, 2.5), "add_1": (3, 1.5),
    "sigmoid": (4, 1.5),
}  # fmt: skip
SIGNS = {"add": "+", "multiply": "×", "sigmoid": "σ"}


class Result(NamedTuple):
    largest_error: float
    """Between the trace and the computation by hand, over all values and gradients."""
    loss: float
    loss_after: float
    """After one step of gradient descent."""
    trace: nn.Trace


def main() -> Result:
    x, y = nn.Input(1, name="x"), nn.Input(1, name="y")
    w1, w2 = nn.Parameter(W1, name="w1"), nn.Parameter(W2, name="w2")
    b = nn.Parameter(B, name="b")
    f = nn.sigmoid(w1 * x + w2 * y + b)
    net = nn.Network([x, y], f, dtype=np.float64)

    sample, target = {"x": [[X]], "y": [[Y]]}, [[TARGET]]
    trace = net.trace(sample, target, "squared_error")
    print(trace)
    error = max(
        max(abs(trace[name].value.item() - value), abs(trace[name].gradient.item() - gradient))
        for name, (value, gradient) in by_hand().items()
    )
    print(f"\nlargest difference from the computation by hand: {error:.1e}")

    net.train_step(sample, target, loss="squared_error", optimizer=nn.SGD(RATE))
    after = net.evaluate(sample, target, loss="squared_error")["loss"]
    print(f"one step θ ← θ - γ ∂L/∂θ, γ = {RATE}: L falls from {trace.loss:.4f} to {after:.4f}")

    figure, axes = plt.subplots(figsize=(12, 6), layout="constrained")
    draw(trace, axes)
    figure.savefig(PICTURE, dpi=110)
    print(f"picture: {PICTURE}")
    return Result(error, trace.loss, after, trace)


def by_hand() -> dict[str, tuple[float, float]]:
    """The value v and ∂L/∂v of each node, by the chain rule on paper."""
    t = W1 * X + W2 * Y + B
    out = 1 / (1 + math.exp(-t))
    to_out = 2 * (out - TARGET)  # L = (f - target)²
    to_t = to_out * out * (1 - out)  # σ' = σ (1 - σ); a sum hands ∂L on as it is
    return {
        "sigmoid": (out, to_out),
        "add_1": (t, to_t),
        "add": (W1 * X + W2 * Y, to_t),
        "multiply": (W1 * X, to_t),
        "multiply_1": (W2 * Y, to_t),
        "b": (B, to_t),
        "w1": (W1, to_t * X),  # ∂(w1 x)/∂w1 = x
        "x": (X, to_t * W1),
        "w2": (W2, to_t * Y),
        "y": (Y, to_t * W2),
    }


def draw(trace: nn.Trace, axes: Axes) -> None:
    """The graph: values above the edges, ∂L coming back below them."""
    for edge in trace.edges:
        connect(axes, PLACES[edge.producer], PLACES[edge.consumer], edge.value, edge.gradient)
    out = trace["sigmoid"]
    connect(axes, PLACES["sigmoid"], (5, 1.5), out.value, out.gradient)
    circle(axes, (5, 1.5), f"L\n{trace.loss:.3f}", "#fde3c8")
    for name, node in trace.nodes.items():
        color = {"input": "#d7e9f7", "parameter": "#dcefdc"}.get(node.kind, "white")
        circle(axes, PLACES[name], SIGNS.get(node.kind, name), color)
    axes.set(xlim=(-0.4, 5.4), ylim=(-0.6, 4.6), title="σ(w1 x + w2 y + b), forward and backward")
    axes.plot([], [], color="#0072b2", label="forward: value")
    axes.plot([], [], color="#d55e00", label="backward: ∂L/∂value")
    axes.legend(loc="upper right", frameon=False)
    axes.axis("off")


def circle(axes: Axes, place: Place, text: str, color: str) -> None:
    """A node."""
    axes.scatter(*place, s=1500, c=color, edgecolors="black", zorder=2)
    axes.text(*place, text, ha="center", va="center", zorder=3, fontsize=12)


def connect(
    axes: Axes, start: Place, end: Place, value: NDArray[Any], gradient: NDArray[Any]
) -> None:
    """An edge with its two numbers."""
    arrow = {"arrowstyle": "-|>", "color": "gray", "shrinkA": 20, "shrinkB": 20}
    axes.annotate("", end, start, arrowprops=arrow)
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
    style: dict[str, Any] = {
        "textcoords": "offset points",
        "fontsize": 12,
        "ha": "center",
        "va": "center",
    }
    for number, color, offset in ((value, "#0072b2", 9), (gradient, "#d55e00", -9)):
        axes.annotate(f"{number.item():.3g}", middle, (0, offset), color=color, bbox=box, **style)


if __name__ == "__main__":
    main()
