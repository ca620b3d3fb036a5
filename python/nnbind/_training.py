"""A fit's arguments, checked and made ready for the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from ._batches import ConvertedBatches, lone, must_be_converted_by_batch
from ._checks import integer, metric_names
from ._checks import seed as checked_seed
from ._watcher import Watcher
from ._weights import sample_weights
from .losses import LossArgument, LossWeights, core_losses
from .optimizers import SGD, GradientDescent, Optimizer, core_optimizer
from .regularizers import L1L2, core_regularizer
from .stopping import EarlyStopping

WHERE = "Network.fit"


@dataclass(eq=False, repr=False)
class Fit:
    """The arguments of ``Network.fit``."""

    X: Any
    y: Any
    loss: LossArgument
    loss_weights: LossWeights
    optimizer: Optimizer | None
    epochs: int
    batch_size: int | None
    validation_data: tuple[Any, ...] | None
    validation_fraction: float
    early_stopping: EarlyStopping | None
    regularizer: L1L2 | None
    metrics: Sequence[str]
    shuffle: bool
    sample_order: Any
    sample_weight: Any
    class_weight: Any
    callbacks: Sequence[Callable[[Any, _core.History], object]]
    progress: bool
    seed: int | None

    def run(self, net: _core.Network, history: _core.History) -> None:
        """Check and fit; ``history.started`` once the checks have passed."""
        self._check_options(net)
        if self.y is None:
            self._check_iterable()
        else:
            self.X = _core.parts(self.X, net.input_names, f"[{WHERE}] X")
            self.y = _core.parts(self.y, net.output_names, f"[{WHERE}] y")
            self._split_validation()
            self.sample_weight = sample_weights(
                self.sample_weight, self.class_weight, lone(self.y), net, WHERE
            )
            self._check_order()
            if must_be_converted_by_batch(self.X, net.dtype):
                self._convert_by_batch(net)
            else:
                self.X, self.y = lone(self.X), lone(self.y)
        with Watcher(net, history, self.callbacks, self.epochs, self.progress) as watcher:
            self._fit(net, history, watcher)

    def _fit(self, net: _core.Network, history: _core.History, watcher: Watcher) -> None:
        net._fit(
            self.X,
            self.y,
            losses=core_losses(self.loss, self.loss_weights, net.output_names, WHERE),
            optimizer=core_optimizer(self.optimizer or SGD(0.01), WHERE),
            epochs=self.epochs,
            batch_size=self.batch_size or 0,
            validation=self.validation_data,
            early_stopping=None if self.early_stopping is None else self.early_stopping._core(),
            regularizer=core_regularizer(self.regularizer, WHERE),
            metrics=metric_names(self.metrics, WHERE),
            shuffle=bool(self.shuffle),
            sample_order=None if self.sample_order is None else self.sample_order.reshape(-1),
            sample_weight=self.sample_weight,
            seed=self.seed,
            end_epoch=watcher.end_epoch,
            interval=watcher.interval,
            history=history,
        )

    def _check_options(self, net: _core.Network) -> None:
        self.epochs = integer(self.epochs, "epochs", 0, WHERE)
        if self.batch_size is not None:
            self.batch_size = integer(self.batch_size, "batch_size", 1, WHERE)
        self.seed = net.seed if self.seed is None else checked_seed(self.seed, WHERE)
        if isinstance(self.optimizer, GradientDescent) and self.batch_size is not None:
            raise ValueError(f"[{WHERE}] nn.GradientDescent uses the whole set; no batch_size")
        if not isinstance(self.early_stopping, EarlyStopping | None):
            raise TypeError(
                f"[{WHERE}] early_stopping is {self.early_stopping!r}; expected nn.EarlyStopping"
            )
        if not isinstance(self.validation_data, tuple | None) or (
            self.validation_data is not None and len(self.validation_data) not in (2, 3)
        ):
            raise TypeError(f"[{WHERE}] validation_data is not (X, y) or (X, y, sample_weight)")
        for callback in self.callbacks:
            if not callable(callback):
                raise TypeError(f"[{WHERE}] {callback!r} is no callback; expected a function")

    def _check_iterable(self) -> None:
        if not hasattr(self.X, "__iter__") or isinstance(self.X, np.ndarray | Mapping):
            raise TypeError(f"[{WHERE}] y is missing; only an iterable of (X, y) needs none")
        for name in ("batch_size", "sample_order", "sample_weight", "class_weight"):
            if getattr(self, name) is not None:
                raise ValueError(f"[{WHERE}] an iterable of batches takes no {name}")
        if self.validation_fraction:
            raise ValueError(f"[{WHERE}] an iterable of batches takes no validation_fraction")

    def _split_validation(self) -> None:
        """Takes the last rows for validation."""
        fraction = self.validation_fraction
        if not 0 <= fraction < 1:
            raise ValueError(
                f"[{WHERE}] validation_fraction is {fraction}; expected 0 <= fraction < 1"
            )
        if fraction == 0:
            return
        if self.validation_data is not None:
            raise ValueError(f"[{WHERE}] both validation_data and validation_fraction given")
        parts = [*self.X, *self.y] + ([] if self.sample_weight is None else [self.sample_weight])
        arrays = [part if isinstance(part, np.ndarray) else np.asarray(part) for part in parts]
        n = len(arrays[0])
        kept = n - round(n * fraction)
        if any(len(array) != n for array in arrays) or not 0 < kept < n:
            shapes = " and ".join(str(array.shape) for array in arrays)
            raise _core.ShapeError(
                f"[{WHERE}] validation_fraction {fraction} cannot split arrays of shapes {shapes}"
            )
        inputs, outputs = len(self.X), len(self.X) + len(self.y)
        last = [array[kept:] for array in arrays]
        self.validation_data = (lone(last[:inputs]), lone(last[inputs:outputs]), *last[outputs:])
        self.X = [array[:kept] for array in arrays[:inputs]]
        self.y = [array[:kept] for array in arrays[inputs:outputs]]
        if self.sample_weight is not None:
            self.sample_weight = arrays[-1][:kept]

    def _check_order(self) -> None:
        if self.sample_order is None:
            return
        order = self.sample_order = np.asarray(self.sample_order)
        n = len(self.X[0])
        if order.shape not in ((n,), (self.epochs, n)):
            raise _core.ShapeError(
                f"[{WHERE}] sample_order has shape {order.shape}; "
                f"expected ({n},) or ({self.epochs}, {n})"
            )

    def _convert_by_batch(self, net: _core.Network) -> None:
        assert self.seed is not None
        self.X = ConvertedBatches(
            net,
            self.X,
            self.y,
            self.sample_weight,
            self.batch_size or len(self.X[0]),
            self.sample_order,
            self.shuffle,
            self.seed,
        )
        self.y = self.sample_weight = self.sample_order = None
