"""Networks that are chains of layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import _core
from ._checks import listed
from ._core import Activation
from .custom import CustomActivation
from .graph import Node, apply
from .layers import Dense
from .network import Network
from .sources import Input

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

__all__ = ["Sequential", "mlp"]


class Sequential(Network):
    """A chain: ``nn.Sequential(nn.Input(8), nn.Dense(9, "tanh"), nn.BatchNorm(), nn.Dense(4))``.

    A layer is what makes a node of a node: ``nn.Dense(4)``, ``nn.tanh``, or a function of one's
    own; or an ``nn.Activation``. ``seed`` draws the initial θ; ``dtype`` is float32 or float64.
    """

    def __init__(
        self,
        source: Input,
        *layers: Callable[[Node], Node] | Activation,
        seed: int = 0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if not isinstance(source, Input):
            raise TypeError(f"[Sequential] the first layer is {source!r}; expected nn.Input(width)")
        if not layers:
            raise ValueError("[Sequential] has no layers; expected at least one")
        node: Node = source
        for layer in layers:
            node = _over(layer, node)
        super().__init__(source, node, seed=seed, dtype=dtype)


def _over(layer: object, node: Node) -> Node:
    if isinstance(layer, Activation):
        return apply(_core.activation(layer), node)
    after = None if isinstance(layer, type) or not callable(layer) else layer(node)
    if isinstance(after, Node):
        return after
    raise TypeError(
        f"[Sequential] {layer!r} is no layer; expected what makes a node of a node, as "
        "nn.Dense(4), nn.tanh or a function of one's own"
    )


def mlp(
    inputs: int,
    hidden: Sequence[int],
    outputs: int,
    activation: str | Activation | CustomActivation = "relu",
    output: str | Activation | CustomActivation = "identity",
    seed: int = 0,
    dtype: DTypeLike = np.float32,
    dropout: float = 0.0,
) -> Network:
    """A multi-layer perceptron, ``hidden`` being the units of its hidden layers.

    ``activation`` and ``dropout`` are those of the hidden layers, ``output`` is the activation of
    the output layer.
    """
    widths = listed(hidden, "hidden", "mlp")
    layers = [Dense(units, activation, dropout=dropout) for units in widths]
    return Sequential(Input(inputs), *layers, Dense(outputs, output), seed=seed, dtype=dtype)
