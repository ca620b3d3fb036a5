"""Checks of plain options, shared by what takes them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ._core import Initializer


def integer(value: Any, name: str, least: int, where: str) -> int:
    """The value as an int, which no bool is.

    Raises TypeError if it is none, ValueError if it is below ``least``.
    """
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None:
        raise TypeError(f"[{where}] {name} is {value!r}; expected an integer")
    if number < least:
        raise ValueError(f"[{where}] {name} is {number}; expected an integer >= {least}")
    return number


def real(value: Any, name: str, where: str, expected: str = "a number") -> float:
    """The value as a float. Raises TypeError if it is none, as a bool or a string."""
    try:
        if not isinstance(value, bool | np.bool_ | str | bytes):
            return float(value)
    except (TypeError, ValueError):
        pass
    raise TypeError(f"[{where}] {name} is {value!r}; expected {expected}")


def flag(value: Any, name: str, where: str) -> bool:
    """The value as a bool. Raises TypeError if it is none."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"[{where}] {name} is {value!r}; expected True or False")
    return bool(value)


def node_name(name: Any, where: str) -> str | None:
    """The name of a node or a layer. Raises TypeError unless it is None or a string with text."""
    if not isinstance(name, str | None) or name == "":
        raise TypeError(f"[{where}] name is {name!r}; expected a string or None")
    return name


def seed(value: Any, where: str) -> int:
    """The value as a seed. Raises TypeError or ValueError unless it is an int in [0, 2**64)."""
    number = integer(value, "seed", 0, where)
    if number >= 2**64:
        raise ValueError(f"[{where}] seed is {number}; expected 0 <= seed < 2**64")
    return number


def initializer(init: str | Initializer | ArrayLike | None, where: str) -> Initializer | None:
    """The initializer behind a name, an object or an array of weights; None stays None."""
    if init is None or isinstance(init, Initializer):
        return init
    if isinstance(init, str):
        return Initializer(init)
    return Initializer.array(init, where)


def metric_names(metrics: Sequence[str], where: str) -> list[str]:
    """The names as a list. Raises TypeError if there is a bare string or something else in it."""
    if isinstance(metrics, str) or not all(isinstance(name, str) for name in metrics):
        raise TypeError(f"[{where}] metrics is {metrics!r}; expected a list of names")
    return list(metrics)
