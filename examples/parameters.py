"""Counting parameters: how many numbers are in θ?

A fully connected layer Y = g(X W + b) with p inputs and q units has p q weights and q biases,
(p + 1) q parameters. In the picture each line is one of them: a weight, or from a circle marked 1
a bias. The lecture's 8-9-9-9-4 network has (8+1) 9 + (9+1) 9 + (9+1) 9 + (9+1) 4 = 301.
The lecture's slide says 305, but its own four terms 81 + 90 + 90 + 40 add up to 301.
"""

from typing import NamedTuple

import matplotlib

import nnbind as nn

matplotlib.use("Agg")  # draw into a file, without a screen
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

PICTURE = "parameters.png"
SLIDE = 305  # what the lecture's slide gives as the sum


class Count(NamedTuple):
    """The parameters of a network: of each layer, of all, and what kind they are."""

    layers: list[int]
    total: int
    weights: int
    biases: int


def count(net: nn.Network) -> Count:
    """Add up the sizes of every layer's W and b."""
    weights = [layer.weights.size for layer in net.layers]
    biases = [0 if layer.bias is None else layer.bias.size for layer in net.layers]
    per_layer = [w + b for w, b in zip(weights, biases, strict=True)]
    return Count(per_layer, sum(per_layer), sum(weights), sum(biases))


def draw_network(net: nn.Network, axes: Axes) -> None:
    """The network, and below each of its layers where its parameters come from."""
    nn.plot_network(net, axes)
    for x, layer in enumerate(net.layers):
        text = f"({layer.inputs} + 1) · {layer.units} = {layer.parameter_count}"
        axes.text(x + 0.5, -5.5, text, ha="center", va="top")


def main() -> Count:
    net = nn.mlp(8, [9, 9, 9], 4, activation="tanh")
    found = count(net)
    print(net.summary())
    for layer, parameters in zip(net.layers, found.layers, strict=True):
        print(f"{layer.name}: ({layer.inputs} + 1) * {layer.units} = {parameters}")
    print(f"{found.weights} weights + {found.biases} biases = {found.total} = the size of θ")
    print(f"The lecture's slide says {SLIDE}: its terms, the ones above, add up to {found.total}.")

    figure, axes = plt.subplots(figsize=(10, 6), layout="constrained")
    draw_network(net, axes)
    terms = " + ".join(str(parameters) for parameters in found.layers)
    axes.set_title(f"{found.weights} weights + {found.biases} biases: {terms} = {found.total}")
    figure.savefig(PICTURE, dpi=120)
    print(f"picture: {PICTURE}")
    return found


if __name__ == "__main__":
    main()
