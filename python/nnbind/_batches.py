"""Batches of a memory-mapped X of another dtype, converted one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core


def must_be_converted_by_batch(X: Any, dtype: np.dtype[Any]) -> bool:
    """Whether X is a memmap that the core cannot borrow, so that a conversion would be a copy."""
    return isinstance(X, np.memmap) and X.ndim == 2 and X.dtype != dtype


class ConvertedBatches:
    """An iterable of batches in the order in which the core would take them."""

    def __init__(
        self,
        net: _core.Network,
        X: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int,
        orders: NDArray[np.int64] | None,
        shuffle: bool,
        seed: int,
    ) -> None:
        self.net, self.X, self.y = net, X, np.asanyarray(y)
        self.sample_weight = None if sample_weight is None else np.asanyarray(sample_weight)
        self.batch_size, self.orders, self.shuffle, self.seed = batch_size, orders, shuffle, seed
        self.epoch = 0

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        order = self._order()
        self.epoch += 1
        for first in range(0, len(order), self.batch_size):
            rows = order[first : first + self.batch_size]
            batch = (self.X[rows], self.y[rows])  # the core converts
            yield batch if self.sample_weight is None else (*batch, self.sample_weight[rows])

    def _order(self) -> NDArray[np.int64]:
        if self.orders is not None:
            return self.orders if self.orders.ndim == 1 else self.orders[self.epoch]
        if self.shuffle:
            return self.net._epoch_order(self.seed, len(self.X))
        return np.arange(len(self.X))
