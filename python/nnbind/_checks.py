"""Checks of plain options, shared by what takes them."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any


def integer(value: Any, name: str, least: int, where: str) -> int:
    """The value as an int. Raises TypeError if it is none, ValueError if it is below ``least``."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"[{where}] {name} is {value!r}; expected an integer") from None
    if number < least:
        raise ValueError(f"[{where}] {name} is {number}; expected an integer >= {least}")
    return number


def seed(value: Any, where: str) -> int:
    """The value as a seed. Raises TypeError or ValueError unless it is an int in [0, 2**64)."""
    number = integer(value, "seed", 0, where)
    if number >= 2**64:
        raise ValueError(f"[{where}] seed is {number}; expected 0 <= seed < 2**64")
    return number


def metric_names(metrics: Sequence[str], where: str) -> list[str]:
    """The names as a list. Raises TypeError if there is a bare string or something else in it."""
    if isinstance(metrics, str) or not all(isinstance(name, str) for name in metrics):
        raise TypeError(f"[{where}] metrics is {metrics!r}; expected a list of names")
    return list(metrics)
