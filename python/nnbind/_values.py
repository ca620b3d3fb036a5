"""The numbers that stand in formulas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike

_MOST_VALUES = 2**31 - 1  # of a node, as the core has it


def matrix(value: ArrayLike, where: str) -> np.ndarray[Any, Any]:
    """The numbers as a matrix; those of one row may come as a number or a vector."""
    try:
        array = _core.numbers(value, f"[{where}] value")
    except TypeError as error:
        # Small things are best shown; what an object says of itself is better still.
        is_array = isinstance(value, np.ndarray) and value.ndim > 0
        if is_array or not str(error).startswith(f"[{where}]"):
            raise
        raise TypeError(f"[{where}] got {value!r}; expected real numbers") from None
    if array.size > _MOST_VALUES:
        raise _core.ShapeError(
            f"[{where}] value has shape {array.shape}; expected at most {_MOST_VALUES} numbers"
        )
    if array.ndim > 2:
        raise _core.ShapeError(f"[{where}] value has shape {array.shape}; expected (rows, columns)")
    return array.reshape(1, -1) if array.ndim < 2 else array


def finite_matrix(value: ArrayLike, where: str, dtype: DTypeLike) -> np.ndarray[Any, Any]:
    """As ``matrix``. Raises ValueError for a NaN, an infinity, or what is one in ``dtype``."""
    array = matrix(value, where)
    if not np.isfinite(array).all():
        raise ValueError(f"[{where}] value has a NaN or an infinity; expected finite numbers")
    with np.errstate(over="ignore"):
        fits = np.isfinite(array.astype(dtype))
    if not fits.all():
        raise ValueError(
            f"[{where}] value has {array[~fits][0]:g}, which does not fit {np.dtype(dtype)}; "
            f"expected numbers up to {np.finfo(dtype).max:.2g}"
        )
    return array
