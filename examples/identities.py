"""Why activations must not be linear: a deep network of identities is one affine map.

With g(t) = t the layers multiply out: ((X W1 + b1) W2 + b2) W3 + b3 = X W + b with W = W1 W2 W3 and
b = (b1 W2 + b2) W3 + b3. Depth then adds parameters, but no new functions: fitted to y = sin x, the
deep identity network reaches the error of the best straight line and no less. The same network
with tanh follows the curve.
"""

from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt

PICTURE = "identities.png"

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Result:
    """The largest difference between net and product, and the mean squared error of each fit."""

    collapse_error: float
    best_line: float
    affine: float
    deep_identity: float
    deep_tanh: float


def collapse(net: nn.Network) -> tuple[Array, Array]:
    """W and b of the one affine map that a network of identity layers is."""
    W, b = np.eye(net.inputs), np.zeros(net.inputs)
    for layer in net.layers:
        assert layer.bias is not None
        W, b = W @ layer.weights, b @ layer.weights + layer.bias
    return W, b


def collapse_error(rng: np.random.Generator) -> float:
    """max |f(X) - (X W + b)| for a 5-7-6-8-3 network of identities with random θ."""
    net = nn.mlp(5, [7, 6, 8], 3, activation="identity", dtype=np.float64)
    net.theta[:] = rng.normal(size=net.parameter_count)
    X = rng.normal(size=(100, 5))
    W, b = collapse(net)
    return float(np.abs(net.predict(X) - (X @ W + b)).max())


def fitted(hidden: list[int], activation: str, X: Array, y: Array) -> nn.Network:
    """A 1-hidden-1 network after 2000 steps of Adam on the whole set."""
    net = nn.mlp(1, hidden, 1, activation=activation, seed=1, dtype=np.float64)
    rate = nn.schedules.Cosine(0.02, steps=2000)
    net.fit(X, y, loss="mse", optimizer=nn.Adam(rate), epochs=2000, progress=False)
    return net


def main() -> Result:
    X = np.linspace(-np.pi, np.pi, 200)[:, None]
    y = np.sin(X)
    nets = {
        "one affine layer": fitted([], "identity", X, y),
        "1-8-8-1, identity": fitted([8, 8], "identity", X, y),
        "1-8-8-1, tanh": fitted([8, 8], "tanh", X, y),
    }
    affine, identity, tanh = (net.evaluate(X, y, loss="mse")["loss"] for net in nets.values())
    design = np.hstack([X, np.ones_like(X)])
    line = design @ np.linalg.lstsq(design, y, rcond=None)[0]  # the best of all straight lines
    result = Result(
        collapse_error(np.random.default_rng(0)),
        float(((line - y) ** 2).mean()),
        affine,
        identity,
        tanh,
    )
    W, b = collapse(nets["1-8-8-1, identity"])
    print(f"5-7-6-8-3 of identities against X W + b: differ by {result.collapse_error:.1e} at most")
    offset = round(b[0], 5) + 0.0  # no -0
    print(f"1-8-8-1 of identities after training: f(x) = {W[0, 0]:.5f} x + b, b = {offset:.5f}")
    print("mean squared error on y = sin x:")
    print(f"  best straight line      {result.best_line:.6f}")
    for name, net in nets.items():
        loss = net.evaluate(X, y, loss="mse")["loss"]
        print(f"  {name:22}  {loss:.6f}, {net.parameter_count} parameters")

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    axes.plot(X, y, color="0.75", linewidth=6, label="target sin x")
    styles = [("#E69F00", "-", 3.5), ("black", "--", 1.5), ("#0072B2", "-", 1.5)]
    for (name, net), (color, style, width) in zip(nets.items(), styles, strict=True):
        error = net.evaluate(X, y, loss="mse")["loss"]
        label = f"{name}: mse {error:.2g}"
        axes.plot(X, net.predict(X), color=color, linestyle=style, linewidth=width, label=label)
    axes.set(xlabel="x", ylabel="f(x)", title="Depth without a non-linearity is one affine map")
    axes.legend()
    figure.savefig(PICTURE, dpi=120)
    print(f"picture: {PICTURE}")
    return result


if __name__ == "__main__":
    main()
