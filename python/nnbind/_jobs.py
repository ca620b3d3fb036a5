"""The fits of many networks as the core takes them: what they share is there once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._batches import lone
from ._checks import row_numbers, rows_of
from ._core import History, ShapeError
from ._weights import sample_weights
from .losses import core_losses
from .optimizers import core_optimizer

if TYPE_CHECKING:
    from ._training import Fit
    from .network import Network

WHERE = "fit_many"


class Jobs:
    """The core's jobs, and the sets (X, y, what messages call it) that they share."""

    def __init__(self) -> None:
        self.list: list[_core.FitJob] = []
        self.sets: list[tuple[Any, Any, str]] = []
        self.trained: list[tuple[Network, History]] = []
        # By the identities of the arrays, which are kept with what was made of them.
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._splits: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._class_weights: dict[tuple[Any, ...], Any] = {}
        self._losses: dict[tuple[str, ...], list[tuple[_core.Loss, float]]] = {}

    def add(self, fit: Fit, net: Network, samples: Any) -> None:
        """A job with the arguments of the network's own fit; on some rows alone, if not None.

        Raises ShapeError, TypeError or ValueError if they do not fit.
        """
        fit.check_options(net)
        fit.take_parts(net)
        rows, held_out, validation_weight = None, None, None
        if samples is None:
            self._split(fit)
        else:
            rows, held_out = _rows(fit, samples, len(self.list))
        data = self._number(fit.X, fit.y, "")
        validation = data if held_out is not None else None
        if held_out is not None:
            validation_weight = fit.sample_weight
        elif fit.validation_data is not None:
            X, y, *weight = fit.validation_data
            what = f"[{WHERE}] validation "
            X = _core.parts(X, net.input_names, what + "X")
            y = _core.parts(y, net.output_names, what + "y")
            validation = self._number(X, y, "validation ")
            validation_weight = weight[0] if weight else None
        history = History()
        self.list.append(
            _core.FitJob(
                network=net,
                losses=self._losses_of(fit, net),
                optimizer=core_optimizer(fit.optimizer, WHERE),
                options=fit.core_options(),
                data=data,
                sample_weight=self._weights(fit, net, rows),
                samples=rows,
                validation=validation,
                validation_weight=validation_weight,
                validation_samples=held_out,
                history=history,
            )
        )
        self.trained.append((net, history))

    def _number(self, X: list[Any], y: list[Any], what: str) -> int:
        """The number of a set, which is new if its arrays are."""
        key = (*map(id, X), *map(id, y), what)
        if key not in self._numbers:
            self._numbers[key] = len(self.sets)
            self.sets.append((lone(X), lone(y), what))
        return self._numbers[key]

    def _split(self, fit: Fit) -> None:
        """Takes the last rows for validation: slices that are the same for all networks."""
        given = [*fit.X, *fit.y]
        key = tuple(map(id, given))
        if key not in self._splits:
            fit.split_validation()
            self._splits[key] = (fit.X, fit.y, fit.sample_weight, fit.validation_data, given)
        fit.X, fit.y, fit.sample_weight, fit.validation_data, _ = self._splits[key]

    def _losses_of(self, fit: Fit, net: Network) -> list[tuple[_core.Loss, float]]:
        names = tuple(net.output_names)
        if names not in self._losses:
            self._losses[names] = core_losses(fit.loss, fit.loss_weights, names, WHERE)
        return self._losses[names]

    def _weights(self, fit: Fit, net: Network, rows: NDArray[np.int64] | None) -> Any:
        """The weight of each sample, as in the network's own fit."""
        given, class_weight = fit.sample_weight, fit.class_weight
        if class_weight is None:
            return given
        y = lone(fit.y)
        if isinstance(class_weight, str) and rows is not None and len(fit.y) == 1:
            labels = rows_of(y, f"[{WHERE}] y")
            return _balanced(given, class_weight, labels, net, rows)
        key = (*map(id, fit.y), tuple(net.output_names), net.outputs)
        if key not in self._class_weights:
            self._class_weights[key] = sample_weights(given, class_weight, y, net, WHERE)
        return self._class_weights[key]


def _balanced(
    given: Any, class_weight: str, y: NDArray[Any], net: Network, rows: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The weights of all samples, balanced among these rows; others do not matter."""
    if given is None:
        weights = np.ones(len(y))
    else:
        given = _core.numbers(given, f"[{WHERE}] sample_weight")
        if given.shape != (len(y),):
            raise ShapeError(
                f"[{WHERE}] sample_weight has shape {given.shape}; expected {(len(y),)}"
            )
        weights, given = given.astype(np.float64), given[rows]
    weights[rows] = sample_weights(given, class_weight, y[rows], net, WHERE)
    return weights


def _rows(fit: Fit, samples: Any, k: int) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    """The rows that network k is trained on, and those for its validation, if there are any."""
    if isinstance(samples, tuple) and len(samples) == 2 and np.ndim(samples[0]) > 0:
        if fit.validation_data is not None or fit.validation_fraction:
            raise ValueError(
                f"[{WHERE}] samples[{k}] has rows for validation; expected no validation_data "
                "and no validation_fraction"
            )
        return _indices(fit, samples[0], k), _indices(fit, samples[1], k)
    rows = _indices(fit, samples, k)
    if not fit.keeps_rows_out():
        return rows, None
    kept = fit.rows_to_train_on(len(rows))
    if not 0 < kept < len(rows):
        raise ShapeError(
            f"[{WHERE}] validation_fraction {fit.validation_fraction} cannot split samples[{k}] "
            f"of shape {rows.shape}"
        )
    return rows[:kept], rows[kept:]


def _indices(fit: Fit, samples: Any, k: int) -> NDArray[np.int64]:
    rows = _core.numbers(samples, f"[{WHERE}] samples[{k}]")
    if rows.ndim != 1 or len(rows) == 0:
        raise ShapeError(
            f"[{WHERE}] samples[{k}] has shape {rows.shape}; expected (n,) with n >= 1"
        )
    return row_numbers(rows, len(rows_of(fit.X[0], f"[{WHERE}] X")), f"samples[{k}]", WHERE)
