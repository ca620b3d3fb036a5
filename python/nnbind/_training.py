"""A fit's arguments, checked and made ready for the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _core
from ._batches import ConvertedBatches, lone, must_be_converted_by_batch
from ._checks import flag, integer, listed, metric_names, real, rows_of
from ._checks import seed as checked_seed
from ._notes import Notes, compare_notes, notes_of
from ._saving import Saving
from ._watcher import Watcher
from ._weights import sample_weights
from .losses import LossArgument, LossWeights, core_losses
from .optimizers import SGD, GradientDescent, Optimizer, core_optimizer
from .regularizers import L1L2, core_regularizer
from .stopping import EarlyStopping


@dataclass(eq=False, repr=False)
class Fit:
    """The arguments of ``Network.fit``, and what its messages call it."""

    X: Any
    y: Any
    epochs: int
    batch_size: int | None
    validation_data: tuple[Any, ...] | None
    validation_fraction: float
    shuffle: bool
    sample_weight: Any
    class_weight: Any
    progress: bool
    seed: int | None
    # What not every kind of fit has.
    loss: LossArgument = ()
    loss_weights: LossWeights = None
    optimizer: Optimizer | None = None
    early_stopping: EarlyStopping | None = None
    regularizer: L1L2 | None = None
    metrics: Sequence[str] = ()
    sample_order: Any = None
    callbacks: Sequence[Callable[[Any, _core.History], object]] = ()
    where: str = "Network.fit"

    def run(
        self, net: Saving, history: _core.History, training: _core.Training | None = None
    ) -> None:
        """Check and fit, or go on with ``training``; ``history.started`` once the checks pass."""
        self.check_options(net)
        if self.y is not None:
            self.take_parts(net)
        notes = notes_of(self)
        if training is not None:
            compare_notes(notes, training.notes, self.where)
            training.epochs = self.epochs
        if self.y is None:
            self._check_iterable()
        training = training or self._new_training(net, notes)
        if self.y is not None:
            self.split_validation()
            self.sample_weight = sample_weights(
                self.sample_weight, self.class_weight, lone(self.y), net, self.where
            )
            self._check_order()
            if must_be_converted_by_batch(self.X, net.dtype):
                self._convert_by_batch(net, training)
            else:
                self.X, self.y = lone(self.X), lone(self.y)
        done = training.epochs_done
        with Watcher(net, history, self.callbacks, self.epochs, self.progress, done) as watcher:
            self._fit(net, training, history, watcher)

    def _new_training(self, net: _core.Network, notes: Notes) -> _core.Training:
        return _core.Training(
            net,
            losses=core_losses(self.loss, self.loss_weights, net.output_names, self.where),
            optimizer=core_optimizer(self.optimizer, self.where),
            options=self.core_options(),
            notes=notes,
        )

    def _fit(
        self, net: Saving, training: _core.Training, history: _core.History, watcher: Watcher
    ) -> None:
        before, net._training = net._training, training  # callbacks may save it
        try:
            net._fit(
                training,
                self.X,
                self.y,
                validation=self.validation_data,
                sample_order=None if self.sample_order is None else self.sample_order.reshape(-1),
                sample_weight=self.sample_weight,
                end_epoch=watcher.end_epoch,
                interval=watcher.interval,
                history=history,
                where=self.where,
            )
        finally:
            if not history.started:
                net._training = before

    def take_parts(self, net: _core.Network) -> None:
        """X and y as lists of arrays in the order of the network's inputs and outputs."""
        self.X = _core.parts(self.X, net.input_names, f"[{self.where}] X")
        self.y = _core.parts(self.y, net.output_names, f"[{self.where}] y")

    def check_options(self, net: _core.Network) -> None:
        """Raise TypeError or ValueError if an option is not allowed, as far as Python can see."""
        self.epochs = integer(self.epochs, "epochs", 0, self.where)
        if self.batch_size is not None:
            self.batch_size = integer(self.batch_size, "batch_size", 1, self.where)
        self.seed = net.seed if self.seed is None else checked_seed(self.seed, self.where)
        if self.optimizer is None:
            self.optimizer = SGD(0.01)
        self.shuffle = flag(self.shuffle, "shuffle", self.where)
        self.progress = flag(self.progress, "progress", self.where)
        self.validation_fraction = real(self.validation_fraction, "validation_fraction", self.where)
        if isinstance(self.optimizer, GradientDescent) and self.batch_size is not None:
            raise ValueError(f"[{self.where}] nn.GradientDescent uses the whole set; no batch_size")
        if not isinstance(self.early_stopping, EarlyStopping | None):
            raise TypeError(
                f"[{self.where}] early_stopping is {self.early_stopping!r}; "
                "expected nn.EarlyStopping"
            )
        if not isinstance(self.validation_data, tuple | None) or (
            self.validation_data is not None and len(self.validation_data) not in (2, 3)
        ):
            raise TypeError(
                f"[{self.where}] validation_data is not (X, y) or (X, y, sample_weight)"
            )
        self.callbacks = listed(self.callbacks, "callbacks", self.where)
        for callback in self.callbacks:
            if not callable(callback):
                raise TypeError(f"[{self.where}] {callback!r} is no callback; expected a function")

    def core_options(self) -> _core.FitOptions:
        """The options as the core takes them, once they are checked."""
        assert self.seed is not None
        return _core.FitOptions(
            epochs=self.epochs,
            batch_size=self.batch_size or 0,
            early_stopping=None if self.early_stopping is None else self.early_stopping._core(),
            regularizer=core_regularizer(self.regularizer, self.where),
            metrics=metric_names(self.metrics, self.where),
            shuffle=self.shuffle,
            seed=self.seed,
            where=self.where,
        )

    def _check_iterable(self) -> None:
        if not hasattr(self.X, "__iter__") or isinstance(self.X, np.ndarray | Mapping):
            raise TypeError(f"[{self.where}] y is missing; only an iterable of (X, y) needs none")
        for name in ("batch_size", "sample_order", "sample_weight", "class_weight"):
            if getattr(self, name) is not None:
                raise ValueError(f"[{self.where}] an iterable of batches takes no {name}")
        if self.validation_fraction:
            raise ValueError(f"[{self.where}] an iterable of batches takes no validation_fraction")
        if isinstance(self.optimizer, GradientDescent):
            raise ValueError(
                f"[{self.where}] nn.GradientDescent uses the whole set; expected nn.SGD for batches"
            )

    def split_validation(self) -> None:
        """Takes the last rows for validation."""
        if not self.keeps_rows_out():
            return
        parts, names = [*self.X, *self.y], ["X"] * len(self.X) + ["y"] * len(self.y)
        if self.sample_weight is not None:
            parts, names = [*parts, self.sample_weight], [*names, "sample_weight"]
        arrays = [
            part if isinstance(part, np.ndarray) else _core.numbers(part, f"[{self.where}] {name}")
            for part, name in zip(parts, names, strict=True)
        ]
        n = len(arrays[0]) if arrays[0].ndim > 0 else 0
        kept = self.rows_to_train_on(n)
        if any(array.shape[:1] != (n,) for array in arrays) or not 0 < kept < n:
            shapes = " and ".join(str(array.shape) for array in arrays)
            raise _core.ShapeError(
                f"[{self.where}] validation_fraction {self.validation_fraction} cannot split "
                f"arrays of shapes {shapes}"
            )
        inputs, outputs = len(self.X), len(self.X) + len(self.y)
        last = [array[kept:] for array in arrays]
        self.validation_data = (lone(last[:inputs]), lone(last[inputs:outputs]), *last[outputs:])
        self.X = [array[:kept] for array in arrays[:inputs]]
        self.y = [array[:kept] for array in arrays[inputs:outputs]]
        if self.sample_weight is not None:
            self.sample_weight = arrays[-1][:kept]

    def keeps_rows_out(self) -> bool:
        """Whether the last rows are for validation. Raises ValueError if they cannot be."""
        fraction = self.validation_fraction
        if not 0 <= fraction < 1:
            raise ValueError(
                f"[{self.where}] validation_fraction is {fraction}; expected 0 <= fraction < 1"
            )
        if fraction and self.validation_data is not None:
            raise ValueError(f"[{self.where}] both validation_data and validation_fraction given")
        return fraction > 0

    def rows_to_train_on(self, n: int) -> int:
        """How many of n rows then remain."""
        return n - round(n * self.validation_fraction)

    def _check_order(self) -> None:
        if self.sample_order is None:
            return
        order = _core.numbers(self.sample_order, f"[{self.where}] sample_order")
        self.sample_order = order
        n = len(rows_of(self.X[0], f"[{self.where}] X"))
        if order.shape not in ((n,), (self.epochs, n)):
            raise _core.ShapeError(
                f"[{self.where}] sample_order has shape {order.shape}; "
                f"expected ({n},) or ({self.epochs}, {n})"
            )

    def _convert_by_batch(self, net: _core.Network, training: _core.Training) -> None:
        self.X = ConvertedBatches(
            net,
            training,
            self.X,
            self.y,
            self.sample_weight,
            self.batch_size,
            self.sample_order,
            self.where,
        )
        self.y = self.sample_weight = self.sample_order = None
