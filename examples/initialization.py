"""The signal through 20 layers of 100 units from five initializations, with tanh and with ReLU.

With T = XW and weights of variance s², Var(T) is 100 s² times the mean of X², and on the way back
the mean of (∂L/∂X)² is 100 s² times that of (∂L/∂T)². So LeCun (s² = 1/inputs) and Glorot (s² =
2/(inputs + units)), the same for equal widths, nearly keep the signal of tanh, as tanh(t) ≈ t near
0; ReLU throws half of it away, which He's s² = 2/inputs makes up for. Look for lines that stay
level. With std 0.05 the signal vanishes; with std 1 it explodes, and Y = tanh(T) saturates at ±1.
"""

from typing import Any, NamedTuple

import matplotlib
import numpy as np
from numpy.typing import NDArray

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt

PICTURE = "initialization.png"
DEPTH, WIDTH, SAMPLES = 20, 100, 50
INITIALIZERS = {
    "normal, std 0.05": nn.init.Normal(0.05),
    "normal, std 1": nn.init.Normal(1.0),
    "LeCun": nn.init.LeCunNormal(),
    "Glorot": nn.init.GlorotNormal(),
    "He": nn.init.HeNormal(),
}
STYLES = dict(
    zip(
        INITIALIZERS, ("#E69F00 v", "#D55E00 ^", "#0072B2 s", "#56B4E9 x", "#009E73 o"), strict=True
    )
)

Array = NDArray[np.float64]


class Signal(NamedTuple):
    """Layer by layer, from the first to the last."""

    forward: Array  # Var(Y)
    backward: Array  # mean square of ∂L/∂T, where that of ∂L/∂Y of the last layer is 1


def forward(net: nn.Network, layers: list[nn.Dense], X: Array) -> Array:
    """Var(Y) of each layer, over samples and units, by a network of that layer alone."""
    variances: list[np.floating[Any]] = []
    Y: NDArray[np.floating[Any]] = X
    for dense, theta in zip(layers, net.theta.reshape(DEPTH, -1), strict=True):
        alone = nn.Sequential(nn.Input(WIDTH), dense, dtype=np.float64)
        alone.theta = theta
        Y = alone.predict(Y)
        variances.append(np.var(Y))
    return np.array(variances)


def backward(net: nn.Network, X: Array, y: Array) -> Array:
    """Mean of (∂L/∂T)² of each layer. For one sample ∂L/∂b, a block of ∂L/∂θ, is ∂L/∂T."""
    squares = np.zeros(DEPTH)
    for sample, target in zip(X, y, strict=True):
        _, gradient = net.loss_and_gradient(sample[None], target[None], "absolute_error")
        biases = gradient.reshape(DEPTH, -1)[:, -WIDTH:]  # W comes before b
        squares += np.mean(biases**2, axis=1)
    return squares / len(X)


def measure(activation: str, init: nn.init.Initializer, X: Array, y: Array) -> Signal:
    """The signal in an untrained network. |y - f| has the derivative ±1, however large f is."""
    layers = [nn.Dense(WIDTH, activation, init=init) for _ in range(DEPTH)]
    net = nn.Sequential(nn.Input(WIDTH), *layers, dtype=np.float64, seed=0)
    return Signal(forward(net, layers, X), backward(net, X, y))


def main() -> dict[str, dict[str, Signal]]:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2, SAMPLES, WIDTH))
    signals = {
        activation: {name: measure(activation, init, X, y) for name, init in INITIALIZERS.items()}
        for activation in ("tanh", "relu")
    }

    figure, axes = plt.subplots(2, 2, figsize=(12, 8), sharex=True, layout="constrained")
    for (activation, by_init), (left, right) in zip(signals.items(), axes, strict=True):
        print(f"{activation}, after {DEPTH} layers forward and back:")
        for name, signal in by_init.items():
            print(f"  {name:17} Var(Y) {signal.forward[-1]:8.1e}, ", end="")
            print(f"mean of (∂L/∂T)² {signal.backward[0]:8.1e}")
            colour, marker = STYLES[name].split()
            for place, values in ((left, signal.forward), (right, signal.backward)):
                layer = range(1, DEPTH + 1)
                place.plot(layer, values, color=colour, marker=marker, markersize=5, label=name)
        left.set(title=f"{activation}: forward", ylabel="Var(Y)", yscale="log")
        right.set(title=f"{activation}: backward", ylabel="mean of (∂L/∂T)²", yscale="log")
    for place in axes[-1]:
        place.set(xlabel="layer", xticks=range(1, DEPTH + 1, 2))
    axes[0, 0].legend()
    figure.savefig(PICTURE, dpi=120)
    print(f"picture: {PICTURE}")
    return signals


if __name__ == "__main__":
    main()
