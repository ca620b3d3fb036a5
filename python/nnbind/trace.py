"""Backpropagation with every number kept: what ``net.trace`` returns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from numpy.typing import NDArray

from . import _core
from ._table import html_table, numbers, text_table

__all__ = ["Trace", "TracedEdge", "TracedNode", "TracedOutput"]

Array: TypeAlias = NDArray[Any]

_SIGNS = {"add": " + ", "subtract": " - ", "multiply": " · ", "divide": " / ", "matmul": " @ "}


@dataclass(frozen=True, eq=False)
class TracedNode:
    """A node of the graph, with its numbers."""

    name: str
    kind: str
    """What its operator is: "input", "add", "dense", ..."""
    activation: str
    """What it ends with: "identity" where that is nothing."""
    inputs: tuple[str, ...]
    """The names of the nodes that it reads."""
    value: Array
    """(n, width), or (rows, width) where no batch changes it."""
    gradient: Array
    """∂L/∂value, of the same shape."""
    parameters: Array | None
    """Its own block of θ; None if it has none."""
    parameter_gradient: Array | None
    """∂L/∂(parameters), R(θ) and all nodes that share them included."""


@dataclass(frozen=True, eq=False)
class TracedEdge:
    """An edge of the graph, with its numbers."""

    producer: str
    consumer: str
    input: int
    """Which input of the consumer it is, from 0."""
    value: Array
    """What goes along it forward: the producer's value."""
    local_derivative: Array | None
    """∂consumer/∂producer, (n, consumer's width, producer's width); of what is no batch, all
    elements count as its width. None where it is too wide."""
    gradient: Array
    """What comes back along it: a term of the producer's ∂L/∂value."""


@dataclass(frozen=True, eq=False)
class TracedOutput:
    """What the loss makes of an output."""

    node: str
    loss: str
    """The name of the loss."""
    value: float
    weight: float
    """L is the sum of weight · value over the outputs, and R(θ)."""
    gradient: Array
    """∂L/∂output through this loss: a term of the node's ∂L/∂value."""
    fused: bool
    """Whether the loss has a slope only for the pre-activation t of the output, as the perceptron
    criterion after the binary activation: then each derivative by this node is one by its t."""


class Trace:
    """One forward and one backward pass over a batch, with all numbers on all nodes and edges.

    ``trace["h"]`` is the ``TracedNode`` named h; ``nodes`` and ``edges`` hold all of them. ``loss``
    is L with R(θ), ``penalty`` R(θ) alone. ``str`` of it is a table for the terminal; notebooks
    show it as HTML.
    """

    def __init__(self, trace: _core.Trace) -> None:
        names = [node.name for node in trace.nodes]
        self.loss = trace.loss
        self.penalty = trace.penalty
        self.nodes: dict[str, TracedNode] = {
            node.name: TracedNode(
                node.name,
                node.kind,
                node.activation,
                tuple(names[k] for k in node.inputs),
                node.value,
                node.gradient,
                node.parameters,
                node.parameter_gradient,
            )
            for node in trace.nodes
        }
        self.edges: tuple[TracedEdge, ...] = tuple(
            TracedEdge(
                names[edge.producer],
                names[edge.consumer],
                edge.input,
                self.nodes[names[edge.producer]].value,
                edge.local_derivative,
                edge.gradient,
            )
            for edge in trace.edges
        )
        self.outputs: tuple[TracedOutput, ...] = tuple(
            TracedOutput(
                names[output.node],
                output.loss,
                output.value,
                output.weight,
                output.gradient,
                output.fused,
            )
            for output in trace.outputs
        )

    def __getitem__(self, name: str) -> TracedNode:
        try:
            return self.nodes[name]
        except KeyError:
            known = ", ".join(f'"{known}"' for known in self.nodes)
            raise KeyError(f'[Trace] there is no node "{name}"; the nodes are {known}') from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __repr__(self) -> str:
        return f"<Trace of {len(self.nodes)} nodes, L = {self.loss:.6g}>"

    def __str__(self) -> str:
        return "\n\n".join(text_table(*part) for part in self._tables())

    def _repr_html_(self) -> str:
        return "".join(html_table(*part) for part in self._tables())

    def _tables(self) -> list[tuple[str, list[str], list[list[str]]]]:
        tables = [
            ("forward, from the inputs to L", ["node", "is", "value"], self._forward()),
            (
                "backward, from L to the inputs",
                ["node", "∂L/∂node", "through", "local derivative", "∂L along the edge"],
                self._backward(),
            ),
        ]
        parameters = self._parameters()
        if parameters:
            tables.append(("parameters θ", ["node", "θ", "∂L/∂θ"], parameters))
        return tables

    def _forward(self) -> list[list[str]]:
        rows = [
            [node.name, self._formula(node), numbers(node.value)] for node in self.nodes.values()
        ]
        terms = [
            f"{'' if output.weight == 1 else f'{output.weight:g} · '}{output.loss}({output.node})"
            for output in self.outputs
        ]
        if self.penalty:
            terms.append("R(θ)")
        return [*rows, ["L", " + ".join(terms), f"{self.loss:.4g}"]]

    def _formula(self, node: TracedNode) -> str:
        """What the node computes from which others: "a + b", "tanh(x W + b)", "input"."""
        if node.kind in _SIGNS and len(node.inputs) == 2:
            return _SIGNS[node.kind].join(node.inputs)
        if node.kind == "dense" and node.parameters is not None:
            (x,) = node.inputs
            bias = "" if node.parameters.shape[0] == self.nodes[x].value.shape[1] else " + b"
            t = f"{x} W{bias}"
            return t if node.activation == "identity" else f"{node.activation}({t})"
        return f"{node.kind}({', '.join(node.inputs)})" if node.inputs else node.kind

    def _backward(self) -> list[list[str]]:
        rows: list[list[str]] = []
        for node in reversed(self.nodes.values()):
            first = [node.name, numbers(node.gradient)]
            for terms in [*self._from_losses(node), *self._from_consumers(node)]:
                rows.append([*first, *terms])
                first = ["", ""]
        return rows

    def _from_losses(self, node: TracedNode) -> Iterator[list[str]]:
        for output in self.outputs:
            if output.node == node.name:
                variable = f"t of {node.name}" if output.fused else node.name
                yield [output.loss, f"∂L/∂({variable})", numbers(output.gradient)]

    def _from_consumers(self, node: TracedNode) -> Iterator[list[str]]:
        fused = {output.node for output in self.outputs if output.fused}
        for edge in reversed(self.edges):
            if edge.producer != node.name:
                continue
            several = self.nodes[edge.consumer].inputs.count(node.name) > 1
            through = f"{edge.consumer} (input {edge.input + 1})" if several else edge.consumer
            above = f"t of {edge.consumer}" if edge.consumer in fused else edge.consumer
            local = edge.local_derivative
            text = "too wide to show" if local is None else numbers(local)
            product = numbers(edge.gradient)
            upper = self.nodes[edge.consumer].gradient
            if local is not None and local.size == upper.size == edge.gradient.size == 1:
                factor = f"({text})" if text.startswith("-") else text
                product = f"{numbers(upper)} · {factor} = {product}"
            yield [through, f"∂({above})/∂({node.name}) = {text}", product]

    def _parameters(self) -> list[list[str]]:
        return [
            [node.name, numbers(node.parameters), numbers(node.parameter_gradient)]
            for node in self.nodes.values()
            if node.parameters is not None and node.parameter_gradient is not None
        ]
