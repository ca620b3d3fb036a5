"""Batches of memory-mapped samples of another dtype, converted one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from ._checks import row_numbers, rows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROWS_AT_ONCE = 1024


def lone(parts: list[Any]) -> Any:
    """The parts of an X or a y as the core takes them: a single one by itself."""
    return parts[0] if len(parts) == 1 else parts


def must_be_converted_by_batch(X: list[Any], dtype: np.dtype[Any]) -> bool:
    """Whether there is a memmap that the core cannot borrow: a conversion would be a copy."""
    return any(isinstance(part, np.memmap) and part.ndim == 2 and part.dtype != dtype for part in X)


def _rows(part: Any, n: int, what: str) -> NDArray[Any]:
    array = rows_of(part, what)
    if len(array) != n:
        raise _core.ShapeError(f"{what} has shape {array.shape}; expected {n} rows")
    return array


class ConvertedBatches:
    """An iterable of batches in the order in which the core would take them.

    Raises ShapeError, TypeError or ValueError, as the core would, if the arrays do not fit.
    """

    def __init__(
        self,
        net: _core.Network,
        training: _core.Training,
        X: list[Any],
        y: list[Any],
        sample_weight: Any,
        batch_size: int | None,
        orders: NDArray[Any] | None,
        where: str,
    ) -> None:
        n = len(rows_of(X[0], f"[{where}] X"))
        self.net, self.batch_size = net, batch_size or n
        self.X = [_rows(part, n, f"[{where}] X") for part in X]
        self.y = [_rows(part, n, f"[{where}] y") for part in y]
        self.sample_weight = sample_weight
        if sample_weight is not None:
            self.sample_weight = _rows(sample_weight, n, f"[{where}] sample_weight")
        self.orders = orders
        if orders is not None:
            self.orders = row_numbers(orders, n, "sample_order", where)
        self.shuffle, self.seed, self.epoch = training.shuffle, training.seed, training.epochs_done
        self._check(training, n, where)

    def _check(self, training: _core.Training, n: int, where: str) -> None:
        """All samples, some at a time: so a fit that is refused has not changed the network."""
        for first in range(0, max(n, 1), _ROWS_AT_ONCE):
            rows = slice(first, first + _ROWS_AT_ONCE)
            prefix = f"from row {first} on, " if first else ""
            self.net._check_batch(training, *self._batch(rows), where, prefix)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        order = self._order()
        self.epoch += 1
        for first in range(0, len(order), self.batch_size):
            batch = self._batch(order[first : first + self.batch_size])
            yield batch if self.sample_weight is not None else batch[:2]

    def _batch(self, rows: Any) -> tuple[Any, Any, Any]:
        """X, y and weights of these rows, which the core converts."""
        weight = self.sample_weight
        X, y = (lone([part[rows] for part in parts]) for parts in (self.X, self.y))
        return X, y, None if weight is None else weight[rows]

    def _order(self) -> NDArray[np.int64]:
        if self.orders is not None:
            return self.orders if self.orders.ndim == 1 else self.orders[self.epoch]
        if self.shuffle:
            return self.net._epoch_order(self.seed, len(self.X[0]))
        return np.arange(len(self.X[0]))
