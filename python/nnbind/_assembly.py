"""Nodes as the list from which the core makes a network's graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from . import _core
from ._checks import word
from .graph import Constant, Node, nodes_behind
from .sources import Input, Parameter

Inputs: TypeAlias = Node | Sequence[Node]
Outputs: TypeAlias = Node | Sequence[Node] | Mapping[str, Node]
# Name, operator or the width of an input, inputs, and the node whose parameters it shares.
Entry: TypeAlias = tuple[str, int | _core.Operator, list[int], int | None]

# Nodes with a class of their own, by kind.
_SOURCES: dict[str, type[Node]] = {"parameter": Parameter, "constant": Constant}


class Assembly(NamedTuple):
    """The inputs, then the other nodes in the order in which they were made."""

    nodes: tuple[Node, ...]
    entries: list[Entry]
    outputs: list[int]
    output_names: tuple[str, ...]


def assemble(inputs: Inputs, outputs: Outputs) -> Assembly:
    """The nodes between inputs and outputs. Raises TypeError or ValueError if they do not fit."""
    sources = _input_list(inputs)
    targets, output_names = _output_list(outputs)
    behind = nodes_behind(targets)
    _check_inputs(sources, behind)
    nodes = tuple(sources) + tuple(node for node in behind if not isinstance(node, Input))
    place = {node: k for k, node in enumerate(nodes)}
    names = _names(nodes, dict(zip(targets, output_names, strict=True)))
    first_of: dict[_core.Operator, int] = {}
    entries: list[Entry] = []
    for k, node in enumerate(nodes):
        if node.operator is None:
            entries.append((names[k], node.shape[1], [], None))
            continue
        shared = None
        if node.operator.has_parameters([source.shape for source in node.inputs]):
            first = first_of.setdefault(node.operator, k)
            shared = None if first == k else first
        entries.append((names[k], node.operator, [place[x] for x in node.inputs], shared))
    places = [place[node] for node in targets]
    return Assembly(nodes, entries, places, tuple(names[k] for k in places))


def reassemble(entries: list[Entry], outputs: list[int]) -> Assembly:
    """The nodes of a network that the core has made from a file."""
    nodes: list[Node] = []
    for name, what, places, _ in entries:
        if isinstance(what, int):
            nodes.append(Input(what, name))
            continue
        inputs = tuple(nodes[place] for place in places)
        shape = what.infer_shape([node.label for node in inputs], [node.shape for node in inputs])
        node_class = _SOURCES.get(what.kind, Node)
        node = node_class.__new__(node_class)
        Node.__init__(node, what, inputs, shape, name)
        nodes.append(node)
    names = tuple(entries[place][0] for place in outputs)
    return Assembly(tuple(nodes), entries, outputs, names)


def _input_list(inputs: Inputs) -> list[Node]:
    sources = list(inputs) if isinstance(inputs, Sequence) else [inputs]
    for node in sources:
        if not isinstance(node, Input):
            raise TypeError(f"[Network] the input {node!r} is none; expected nn.Input(width)")
    if len(set(sources)) < len(sources):
        raise ValueError("[Network] an input is there twice")
    return sources


def _output_list(outputs: Outputs) -> tuple[list[Node], list[str | None]]:
    """The nodes, and the names that they have in this network alone."""
    names: list[str | None]
    if isinstance(outputs, Mapping):
        nodes, names = list(outputs.values()), list(outputs)
        for name in names:
            word(name, "the name of an output", "Network")
    else:
        nodes = list(outputs) if isinstance(outputs, Sequence) else [outputs]
        names = [None] * len(nodes)
    if not nodes:
        raise ValueError("[Network] there is no output; expected at least one")
    for node in nodes:
        if not isinstance(node, Node):
            raise TypeError(f"[Network] the output {node!r} is no node")
    if len(set(nodes)) < len(nodes):
        raise ValueError("[Network] an output is there twice")
    return nodes, names


def _check_inputs(sources: list[Node], behind: list[Node]) -> None:
    needed = {node for node in behind if isinstance(node, Input)}
    for node in sources:
        if node not in needed:
            raise ValueError(f'[Network] the outputs do not need the input "{node.label}"')
    for node in behind:
        if node in needed and node not in sources:
            raise ValueError(
                f'[Network] the outputs need the input "{node.label}", '
                "which is not among the inputs"
            )


def _names(nodes: Sequence[Node], given: Mapping[Node, str | None]) -> list[str]:
    """A name for each node: the one given, or one made up from what the node is."""
    owners: dict[str, Node] = {}
    for node in nodes:
        name = given.get(node) or node.name
        if name is None:
            continue
        owner = owners.setdefault(name, node)
        # A layer called twice is named once; the name of its second node is made up.
        if owner is not node and (owner.operator is None or owner.operator is not node.operator):
            raise ValueError(f'[Network] two nodes are named "{name}"')
    named = {node: name for name, node in owners.items()}
    counts: dict[str, int] = {}
    names = []
    for node in nodes:
        name = named.get(node)
        while name is None:
            base = given.get(node) or node.name or node.kind
            count = counts[base] = counts.get(base, -1) + 1
            candidate = base if count == 0 else f"{base}_{count}"
            name = None if candidate in owners else candidate
        names.append(name)
    return names
