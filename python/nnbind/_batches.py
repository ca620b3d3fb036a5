"""Batches of memory-mapped samples of another dtype, converted one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core


def lone(parts: list[Any]) -> Any:
    """The parts of an X or a y as the core takes them: a single one by itself."""
    return parts[0] if len(parts) == 1 else parts


def must_be_converted_by_batch(X: list[Any], dtype: np.dtype[Any]) -> bool:
    """Whether there is a memmap that the core cannot borrow: a conversion would be a copy."""
    return any(isinstance(part, np.memmap) and part.ndim == 2 and part.dtype != dtype for part in X)


class ConvertedBatches:
    """An iterable of batches in the order in which the core would take them."""

    def __init__(
        self,
        net: _core.Network,
        X: list[Any],
        y: list[Any],
        sample_weight: Any,
        batch_size: int,
        orders: NDArray[np.int64] | None,
        shuffle: bool,
        seed: int,
        epoch: int,
    ) -> None:
        self.net = net
        self.X, self.y = [np.asanyarray(part) for part in X], [np.asanyarray(part) for part in y]
        self.sample_weight = None if sample_weight is None else np.asanyarray(sample_weight)
        self.batch_size, self.orders, self.shuffle, self.seed = batch_size, orders, shuffle, seed
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        order = self._order()
        self.epoch += 1
        for first in range(0, len(order), self.batch_size):
            rows = order[first : first + self.batch_size]
            batch = tuple(lone([part[rows] for part in parts]) for parts in (self.X, self.y))
            # The core converts.
            yield batch if self.sample_weight is None else (*batch, self.sample_weight[rows])

    def _order(self) -> NDArray[np.int64]:
        if self.orders is not None:
            return self.orders if self.orders.ndim == 1 else self.orders[self.epoch]
        if self.shuffle:
            return self.net._epoch_order(self.seed, len(self.X[0]))
        return np.arange(len(self.X[0]))
