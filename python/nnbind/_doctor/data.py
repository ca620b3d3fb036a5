"""The rows that the training doctor looks at, with what the loss is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._batches import lone
from ..losses import LossArgument, LossWeights, core_losses
from ..regularizers import L1L2
from .layers import Array

if TYPE_CHECKING:
    from ..network import Network


@dataclass(frozen=True)
class Data:
    """The rows looked at, a part for each input and output, and what L is made of."""

    X: list[NDArray[Any]]
    y: list[NDArray[Any]]
    sample_weight: NDArray[Any] | None
    loss: LossArgument
    loss_weights: LossWeights = None
    regularizer: L1L2 | None = None

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.X[0])

    def take(self, rows: slice | NDArray[np.intp]) -> Data:
        """The same for some of the rows."""
        weight = self.sample_weight
        return Data(
            [part[rows] for part in self.X],
            [part[rows] for part in self.y],
            None if weight is None else weight[rows],
            self.loss,
            self.loss_weights,
            self.regularizer,
        )

    def gradient(self, twin: Network) -> Array:
        """∂L/∂θ, as a step of training sees it."""
        with _named_diagnose():
            _, gradient = twin.loss_and_gradient(
                lone(self.X),
                lone(self.y),
                self.loss,
                loss_weights=self.loss_weights,
                regularizer=self.regularizer,
                sample_weight=self.sample_weight,
                training=True,  # a dropout has the same mask each time, for no step is made
            )
        return doubles(gradient)


def gather(
    net: Network, X: Any, y: Any, loss: LossArgument, sample_weight: Any, **more: Any
) -> Data:
    """The caller's arguments. Raises TypeError or ValueError if there is no such loss."""
    where = "diagnose"
    core_losses(loss, more.get("loss_weights"), net.output_names, where)
    return Data(
        _numbers(_core.parts(X, net.input_names, f"[{where}] X"), f"[{where}] X"),
        _numbers(_core.parts(y, net.output_names, f"[{where}] y"), f"[{where}] y"),
        None if sample_weight is None else _core.numbers(sample_weight, f"[{where}] sample_weight"),
        loss,
        **more,
    )


def _numbers(parts: list[Any], what: str) -> list[NDArray[Any]]:
    return [_core.numbers(part, what) for part in parts]


@contextmanager
def _named_diagnose() -> Iterator[None]:
    """An error of the network names the function that was called."""
    try:
        yield
    except (ValueError, TypeError) as error:
        words = re.sub(r"^\[[^]]*\]", "[diagnose]", str(error))
        raise type(error)(words) from None


def thinned(data: Data, most: int) -> Data:
    """At most ``most`` rows, evenly spaced. Arrays that do not fit together stay as they are."""
    weight = [] if data.sample_weight is None else [data.sample_weight]
    lengths = {part.shape[:1] for part in [*data.X, *data.y, *weight]}
    if len(lengths) > 1 or () in lengths:
        return data
    return data.take(slice(None, None, max(1, -(-data.rows // most))))


def doubles(values: NDArray[Any]) -> Array:
    """In double precision."""
    return np.asarray(values, np.float64)
