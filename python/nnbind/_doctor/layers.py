"""The layers of a network, also of one written as formulas, and the ways from one to the next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import _core

if TYPE_CHECKING:
    from ..graph import Node
    from ..network import Network

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """The parameters of a layer, or ∂L/∂ of them."""

    weights: Array
    bias: Array | None


@dataclass(frozen=True)
class Layer:
    """A place where weights are multiplied: a call of a Dense, or x @ W with an nn.Parameter W."""

    name: str
    """Of the parameters: the Dense, or W."""
    node: Node
    bias: str | None
    """The nn.Parameter b of x @ W + b."""
    activation: str
    """Its own, or the one that is called on it alone."""
    is_output: bool

    @property
    def reads(self) -> Node:
        """What it multiplies."""
        return self.node.inputs[0]


@dataclass(frozen=True)
class Way:
    """From the first hidden value that a layer reads to what a last layer reads."""

    nodes: tuple[str, ...]
    layers: tuple[Layer, ...]
    """Those after the first of the nodes."""


def layers_of(twin: Network) -> list[Layer]:
    """All of them, in the order of the nodes."""
    names = dict(zip(twin.nodes, twin._node_names(), strict=True))
    kinds, readers = activations(twin), _readers(twin)
    dense: dict[Any, str] = {}  # called twice it has several nodes and one name
    found = []
    for node in twin.nodes:
        if node.kind == "dense":
            name = dense.setdefault(node.operator, names[node])
        elif node.kind == "matmul" and node.inputs[1].kind == "parameter":
            name = names[node.inputs[1]]
        else:
            continue
        activation, bias, end = kinds.get(names[node], "identity"), None, node
        while activation == "identity" and len(readers[end]) == 1:
            after = readers[end][0]
            addend = _bias(after, end)
            if addend is not None:
                bias = names[addend]
            elif names[after] in kinds and after.kind != "dense":
                activation = kinds[names[after]]
            else:
                break
            end = after
        found.append(Layer(name, node, bias, activation, names[end] in twin.output_names))
    return found


def _readers(twin: Network) -> dict[Node, list[Node]]:
    readers: dict[Node, list[Node]] = {node: [] for node in twin.nodes}
    for node in twin.nodes:
        for source in node.inputs:
            readers[source].append(node)
    return readers


def _bias(node: Node, product: Node) -> Node | None:
    """b, if the node is product + b or b + product."""
    others = [x for x in node.inputs if x is not product]
    fits = node.kind == "add" and len(others) == 1 and others[0].kind == "parameter"
    return others[0] if fits and others[0].shape == (1, product.shape[1]) else None


def activations(twin: Network) -> dict[str, str]:
    """Of the nodes that have one, the identity of a fully connected layer included."""
    layers = {layer.name: layer.activation.name for layer in twin.layers}
    of_operator: dict[Any, str] = {}
    known = set(_core.Activation.names())
    found = {}
    for name, node in zip(twin._node_names(), twin.nodes, strict=True):
        if node.kind == "dense":
            found[name] = of_operator.setdefault(node.operator, layers.get(name, "identity"))
        elif node.kind in known:
            found[name] = node.kind
    return found


def blocks(twin: Network) -> dict[str, Block]:
    """The parameters, layer by layer."""
    found = {
        layer.name: Block(_copy(layer.weights), None if layer.bias is None else _copy(layer.bias))
        for layer in twin.layers
    }
    parameters = twin.parameters
    for layer in layers_of(twin):
        if layer.name not in found:
            bias = None if layer.bias is None else _copy(parameters[layer.bias])[0]
            found[layer.name] = Block(_copy(parameters[layer.name]), bias)
    return found


def blocks_of(twin: Network, vector: Array) -> dict[str, Block]:
    """A vector like θ, layer by layer: read through the layers' own views."""
    theta = twin.theta.copy()
    twin.theta[:] = vector
    try:
        return blocks(twin)
    finally:
        twin.theta[:] = theta


def _copy(values: NDArray[Any]) -> Array:
    return np.array(values, np.float64)


def ways(twin: Network) -> Iterator[Way]:
    """Each from a value that layers read, with none such behind it, to one with none before it.

    Values that layers read, not those that they give: beside a residual branch that begins small
    the sum is what goes on. Values on different branches are on no way together.
    """
    names = dict(zip(twin.nodes, twin._node_names(), strict=True))
    layers = layers_of(twin)
    behind = _behind(twin)
    read = {layer.reads for layer in layers if layer.reads.inputs and layer.reads.shape[0] is None}
    values = [node for node in twin.nodes if node in read]
    bit = dict(zip(twin.nodes, count(), strict=False))
    for last in values:
        if any(behind[node] >> bit[last] & 1 for node in values if node is not last):
            continue
        before = [node for node in values if behind[last] >> bit[node] & 1]
        for first in before:
            if first is last or any(
                behind[first] >> bit[node] & 1 for node in before if node is not first
            ):
                continue
            between = [
                node
                for node in twin.nodes
                if behind[last] >> bit[node] & 1 and behind[node] >> bit[first] & 1
            ]
            yield Way(
                tuple(names[node] for node in between if node in read),
                tuple(layer for layer in layers if layer.node in between[1:]),
            )


def _behind(twin: Network) -> dict[Node, int]:
    """The nodes that each is computed from, itself included, as a set of bits."""
    found: dict[Node, int] = {}
    for k, node in enumerate(twin.nodes):
        found[node] = 1 << k
        for source in node.inputs:
            found[node] |= found[source]
    return found
