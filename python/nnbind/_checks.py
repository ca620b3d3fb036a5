"""Checks of plain options, shared by what takes them."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from ._core import Initializer

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MOST_INDEX = 2**63 - 1  # what the core's Index holds
MOST_INT = 2**31 - 1  # what its int holds


def integer(value: Any, name: str, least: int, where: str, most: int = MOST_INDEX) -> int:
    """The value as an int, which no bool is.

    Raises TypeError if it is none, ValueError unless it is ``least`` to ``most``.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise TypeError(f"[{where}] {name} is {value!r}; expected an integer")
    if number < least:
        raise ValueError(f"[{where}] {name} is {number}; expected an integer >= {least}")
    if number > most:
        raise ValueError(f"[{where}] {name} is {number}; expected an integer <= {most}")
    return number


def real(value: Any, name: str, where: str, expected: str = "a number") -> float:
    """The value as a float. Raises TypeError if it is no real number, as a bool or a string."""
    number: object = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    # Python takes bools for numbers, and NumPy its durations.
    if isinstance(number, bool | np.timedelta64) or not isinstance(number, Real):
        raise TypeError(f"[{where}] {name} is {value!r}; expected {expected}")
    try:
        return float(number)
    except OverflowError:
        raise ValueError(f"[{where}] {name} is larger than a float64 can be") from None


def flag(value: Any, name: str, where: str) -> bool:
    """The value as a bool. Raises TypeError if it is none."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"[{where}] {name} is {value!r}; expected True or False")
    return bool(value)


def text(value: Any, name: str, where: str, expected: str = "a string") -> str:
    """The value as text. Raises TypeError if it is no string, ValueError if it is not UTF-8."""
    if not isinstance(value, str):
        raise TypeError(f"[{where}] {name} is {value!r}; expected {expected}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"[{where}] {name} is {value!r}, which has no UTF-8") from None
    return value


def word(value: Any, name: str, where: str, expected: str = "a string") -> str:
    """The value as text. Raises TypeError if it is none or empty, ValueError if not UTF-8."""
    given = text(value, name, where, expected)
    if not given:
        raise TypeError(f"[{where}] {name} is ''; expected {expected}")
    return given


def node_name(name: Any, where: str) -> str | None:
    """The name of a node or a layer.

    Raises TypeError unless it is None or a string with text, ValueError if it is too long.
    """
    if name is None:
        return None
    given = word(name, "name", where, "a string or None")
    size = len(given.encode())
    if size > _core.longest_name:
        raise ValueError(f"[{where}] name has {size} bytes; expected at most {_core.longest_name}")
    return given


def seed(value: Any, where: str) -> int:
    """The value as a seed. Raises TypeError or ValueError unless it is an int in [0, 2**64)."""
    return integer(value, "seed", 0, where, 2**64 - 1)


def listed(values: Iterable[Any], name: str, where: str) -> list[Any]:
    """The values as a list. Raises TypeError if there are none to list, or letters or bytes."""
    try:
        if not isinstance(values, str | bytes):
            return list(values)
    except TypeError:
        pass
    raise TypeError(f"[{where}] {name} is {values!r}; expected a list")


def rows_of(part: Any, what: str) -> NDArray[Any]:
    """The samples of an input or an output as an array. Raises TypeError or ShapeError if none."""
    array = _core.numbers(part, what)
    if array.ndim == 0:
        raise _core.ShapeError(f"{what} has shape (); expected a row for each sample")
    return array


def row_numbers(rows: NDArray[Any], n: int, name: str, where: str) -> NDArray[np.int64]:
    """The numbers of some of n rows. Raises TypeError or ValueError if there is another in it."""
    if rows.dtype.kind not in "iu":
        raise TypeError(f"[{where}] {name} has dtype {rows.dtype.name}; expected integers")
    for entry in (rows.min(initial=0), rows.max(initial=0)):
        if not 0 <= entry < n:
            raise ValueError(f"[{where}] {name} has the entry {entry}; expected 0 <= entry < {n}")
    return rows.astype(np.int64, copy=False)


def initializer(init: str | Initializer | ArrayLike | None, where: str) -> Initializer | None:
    """The initializer behind a name, an object or an array of weights; None stays None."""
    if init is None or isinstance(init, Initializer):
        return init
    if isinstance(init, str):
        return Initializer(init)
    return Initializer.array(init, where)


def metric_names(metrics: Sequence[str], where: str) -> list[str]:
    """The names as a list. Raises TypeError if there is a bare string or something else in it."""
    names = listed(metrics, "metrics", where)
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"[{where}] metrics is {metrics!r}; expected a list of names")
    return [text(name, "a metric", where) for name in names]
