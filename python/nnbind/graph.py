"""Computation graphs: symbolic values, and what computes them from each other.

A node is a formula, not a number: ``h = nn.tanh(x @ w + b)``. An ``nn.Network`` of an input and an
output node computes it. A node can only be made from nodes that exist, so no cycle can be written.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from . import _core
from ._checks import node_name
from ._values import finite_matrix, matrix

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Constant", "Node"]

Shape: TypeAlias = tuple[int | None, int]
Operand: TypeAlias = "Node | ArrayLike"

_serial_numbers = itertools.count()

# What NumPy calls for array + node, and the operators of nodes behind it.
_OPERATORS = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "truediv",
    "power": "pow",
    "matmul": "matmul",
}
_OTHER_NAMES = {"negative": "negate", "true_divide": "divide", "add.reduce": "sum"}


class Node:
    """A value in a computation graph; immutable.

    ``shape`` is (None, columns) for a value with a row for each sample, else (rows, columns).
    Nodes are made by ``nn.Input``, ``nn.Parameter`` and ``nn.Constant``, by functions
    (``nn.tanh(x)``) and layers (``nn.Dense(3)(x)``), and by the operators + - * / ** @ and
    ``x[:, 2:5]`` on nodes, numbers and arrays. As in NumPy, a dimension of 1 is repeated to fit.
    Raises ShapeError, with both shapes in it, where they do not fit.
    """

    __slots__ = ("__weakref__", "_inputs", "_name", "_operator", "_serial", "_shape")

    def __init__(
        self,
        operator: _core.Operator | None,
        inputs: tuple[Node, ...],
        shape: Shape,
        name: str | None,
    ) -> None:
        self._operator, self._inputs, self._shape = operator, inputs, shape
        self._name = node_name(name, "Node")
        self._serial = next(_serial_numbers)

    @property
    def name(self) -> str | None:
        """The name given; None where each network makes one up."""
        return self._name

    @property
    def shape(self) -> Shape:
        """(None, columns), or (rows, columns) where no batch changes the rows."""
        return self._shape

    @property
    def inputs(self) -> tuple[Node, ...]:
        """The nodes it is computed from."""
        return self._inputs

    @property
    def operator(self) -> _core.Operator | None:
        """What computes it; None for an input."""
        return self._operator

    @property
    def kind(self) -> str:
        """What it is: "input", "add", "dense", ..."""
        return "input" if self._operator is None else self._operator.kind

    @property
    def label(self) -> str:
        """Its name, or else what it is and of what, for messages: "add(x, dense)"."""
        if self._name is not None or not self._inputs:
            return self._name or self.kind
        return f"{self.kind}({', '.join(node._name or node.kind for node in self._inputs)})"

    def _shape_text(self) -> str:
        rows, columns = self._shape
        return f"({'n' if rows is None else rows}, {columns})"

    def __repr__(self) -> str:
        return f"<Node {self.label} {self._shape_text()}>"

    def __add__(self, other: Operand) -> Node:
        return apply(_core.add(), self, other)

    def __radd__(self, other: Operand) -> Node:
        return apply(_core.add(), other, self)

    def __sub__(self, other: Operand) -> Node:
        return apply(_core.subtract(), self, other)

    def __rsub__(self, other: Operand) -> Node:
        return apply(_core.subtract(), other, self)

    def __mul__(self, other: Operand) -> Node:
        return apply(_core.multiply(), self, other)

    def __rmul__(self, other: Operand) -> Node:
        return apply(_core.multiply(), other, self)

    def __truediv__(self, other: Operand) -> Node:
        return apply(_core.divide(), self, other)

    def __rtruediv__(self, other: Operand) -> Node:
        return apply(_core.divide(), other, self)

    def __pow__(self, exponent: Operand) -> Node:
        return raised(self, exponent)

    def __rpow__(self, base: Operand) -> Node:
        return raised(base, self)

    def __matmul__(self, other: Operand) -> Node:
        return apply(_core.matmul(), self, other)

    def __rmatmul__(self, other: Operand) -> Node:
        return apply(_core.matmul(), other, self)

    def __neg__(self) -> Node:
        return apply(_core.negate(), self)

    def __pos__(self) -> Node:
        return self

    def __getitem__(self, key: Any) -> Node:
        return apply(_core.slice(*_columns(key, self)), self)

    def _refuse(self, what: str) -> TypeError:
        return TypeError(
            f'[Node] "{self.label}" has no {what}: it is a formula, not numbers; '
            "nn.Network(inputs, outputs).predict computes them"
        )

    def __bool__(self) -> bool:
        raise self._refuse("truth value")

    def __lt__(self, other: object) -> bool:
        raise self._refuse("order")

    __le__ = __gt__ = __ge__ = __lt__

    def __iter__(self) -> Any:
        raise self._refuse("rows to iterate over")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Node:
        """array + node, which is node + array the other way round; no other function of NumPy."""
        numpy_name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        name = _OTHER_NAMES.get(numpy_name, numpy_name)
        if name in _OPERATORS and not options:
            first, second = inputs
            if isinstance(first, Node):
                return getattr(first, f"__{_OPERATORS[name]}__")(second)  # type: ignore[no-any-return]
            return getattr(second, f"__r{_OPERATORS[name]}__")(first)  # type: ignore[no-any-return]
        raise TypeError(
            f'[Node] "{self.label}" is a formula, not numbers: '
            f"NumPy's {numpy_name} does not take it; expected {_instead_of(name)}"
        )

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise self._refuse("array")


class Constant(Node):
    """Numbers that nothing moves: a number (1, 1), a row (w,) or an array (rows, columns)."""

    __slots__ = ()

    def __init__(self, value: ArrayLike, name: str | None = None) -> None:
        operator = _core.constant(finite_matrix(value, "Constant", np.float32))
        super().__init__(operator, (), operator.infer_shape([], []), name)


def apply(operator: _core.Operator, *operands: Operand, name: str | None = None) -> Node:
    """The node of an operator over nodes, numbers and arrays.

    Raises TypeError unless there is a node among them, and ShapeError if the shapes do not fit.
    """
    if not any(isinstance(operand, Node) for operand in operands):
        given = ", ".join(type(operand).__name__ for operand in operands)
        raise TypeError(
            f"[{operator.kind}] got {given}; expected a node, as nn.Input(3): "
            "a formula of nodes is written first, and nn.Network(...).predict computes it"
        )
    nodes = tuple(
        operand
        if isinstance(operand, Node)
        else Constant(finite_matrix(operand, operator.kind, np.float32))
        for operand in operands
    )
    shape = operator.infer_shape([node.label for node in nodes], [node.shape for node in nodes])
    return Node(operator, nodes, shape, name)


def raised(base: Operand, exponent: Operand, *, name: str | None = None) -> Node:
    """base ** exponent, by the simpler operator where the exponent is a number."""
    if isinstance(exponent, Node) or np.ndim(exponent) > 0:
        return apply(_core.power(None), base, exponent, name=name)
    return apply(_core.power(float(matrix(exponent, "power")[0, 0])), base, name=name)


def nodes_behind(outputs: Sequence[Node]) -> list[Node]:
    """The nodes that the outputs need, themselves too, each once and after those it needs."""
    found = dict.fromkeys(outputs)
    waiting = list(found)
    while waiting:
        for node in waiting.pop().inputs:
            if node not in found:
                found[node] = None
                waiting.append(node)
    return sorted(found, key=lambda node: node._serial)


def _instead_of(name: str) -> str:
    """What takes nodes in place of a function of NumPy."""
    from . import functions

    if name in functions.__all__:
        return f"nn.{name}"
    return "a function of nodes, as nn.exp; nn.CustomActivation makes one of a NumPy function"


def _columns(key: Any, node: Node) -> tuple[int, int]:
    """First and count of the columns in ``node[key]``."""
    width, what = node.shape[1], f'[slice] "{node.label}" of {node.shape[1]} columns'
    rows, columns = key if isinstance(key, tuple) and len(key) == 2 else (None, None)
    all_rows = isinstance(rows, slice) and rows == slice(None)
    is_bool = isinstance(columns, bool)  # which Python takes for an int
    if not all_rows or is_bool or not isinstance(columns, slice | int | np.integer):
        raise TypeError(f"{what} got {key!r}; expected columns, as x[:, 2:5] or x[:, 3]")
    if isinstance(columns, slice):
        first, last, step = columns.indices(width)
        if step != 1 or first >= last:
            raise ValueError(f"{what} got {columns}; expected at least one column, in steps of 1")
        return first, last - first
    first = int(columns) + width if columns < 0 else int(columns)
    if not 0 <= first < width:
        raise IndexError(f"{what} has no column {columns}")
    return first, 1
