"""Where a graph begins: inputs, which samples fill, and parameters, which training moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from . import _core
from ._checks import initializer, integer
from ._core import Initializer
from ._values import finite_matrix
from .graph import Node

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Input", "Parameter"]

_HINT = ": a tuple is a shape, initial values are a list or an array"


class Input(Node):
    """The input of a network: X is (n, width)."""

    __slots__ = ()

    def __init__(self, width: int, name: str | None = None) -> None:
        super().__init__(None, (), (None, integer(width, "width", 1, "Input")), name)


class Parameter(Node):
    """Numbers that training moves: (rows, columns), the same for each sample.

    ``value`` is a number (1, 1), or an array or a list of initial values, (w,) being taken for the
    row (1, w). Or it is a shape, a tuple (rows, columns), and ``init`` a name, an ``nn.init``
    object or an array, by default Glorot's (uniform). Each network has a copy of its own in θ.
    R(θ) takes several rows for weights, and a single row for a bias.
    Raises ShapeError, TypeError or ValueError if they do not fit.
    """

    __slots__ = ()

    def __init__(
        self,
        value: ArrayLike | tuple[int, int],
        init: str | Initializer | ArrayLike | None = None,
        name: str | None = None,
    ) -> None:
        if isinstance(value, tuple):
            if len(value) != 2:
                raise _core.ShapeError(
                    f"[Parameter] shape is {value}; expected (rows, columns){_HINT}"
                )
            rows, columns = (_size(size, value) for size in value)
            start = initializer(init, "Parameter") or Initializer("glorot_uniform")
        elif init is not None:
            raise ValueError("[Parameter] both values and init given; init goes with a tuple")
        else:
            values = finite_matrix(value, "Parameter", np.float64)
            (rows, columns), start = values.shape, Initializer.array(values, "Parameter")
        operator = _core.parameter(rows, columns, start)
        super().__init__(operator, (), operator.infer_shape([], []), name)


def _size(size: object, shape: tuple[object, ...]) -> int:
    try:
        return integer(size, "shape", 1, "Parameter")
    except TypeError:
        raise TypeError(f"[Parameter] shape is {shape}; expected two integers{_HINT}") from None
