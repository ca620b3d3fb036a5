"""Fits that are gone on with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from numpy.typing import ArrayLike

from . import _core
from ._core import FileError, History
from ._saving import file_path
from ._training import Fit
from .model_file import network_from
from .network import ClassWeight, Network, Parts

__all__ = ["resume"]


def resume(
    path: str | bytes | os.PathLike[Any],
    X: Parts | Iterable[tuple[Any, ...]],
    y: Parts | None = None,
    *,
    epochs: int | None = None,
    validation_data: tuple[Any, ...] | None = None,
    sample_order: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    class_weight: ClassWeight = None,
    callbacks: Sequence[Callable[[Network, History], object]] = (),
    progress: bool = True,
) -> Network:
    """Go on with the fit that a file was saved from; return the network when it is done.

    The file is one of ``nn.Checkpoint`` or of ``net.save(path, training_state=True)``. θ,
    ``net.history`` (but its seconds), the order of the samples, dropout, momenta, learning rate and
    early stopping are, bit for bit, those of a fit that was never interrupted.

    ``X`` and ``y`` are those of the fit, as are ``validation_data``, ``sample_order``,
    ``sample_weight`` and ``class_weight``, where it had them: of X the length and the dtype are
    compared, of these whether they are there, and no values. ``callbacks`` may be others. The file
    keeps all other options. ``epochs``: how many to make in all, by default as many as the fit was
    to make.

    Raises FileError (a ValueError), naming the field, if the file is damaged or has no training
    state; OSError if it cannot be read; ValueError if the arguments are not those that the fit
    began with, or it had ended and returned to its best epoch and ``epochs`` asks for more; and
    what ``Network.fit`` raises.
    """
    training = _core.Training()
    net = network_from(file_path(path, "resume"), training)
    call = Fit(
        X=X,
        y=y,
        epochs=training.epochs if epochs is None else epochs,
        batch_size=training.batch_size or None,
        validation_data=validation_data,
        validation_fraction=_validation_fraction(training, path),
        shuffle=training.shuffle,
        sample_order=sample_order,
        sample_weight=sample_weight,
        class_weight=class_weight,
        callbacks=callbacks,
        progress=progress,
        seed=training.seed,
        where="resume",
    )
    net.history = History()
    call.run(net, net.history, training)
    return net


def _validation_fraction(training: _core.Training, path: Any) -> float:
    fraction = training.notes.get("validation_fraction", 0.0)
    if isinstance(fraction, float) and 0 <= fraction < 1:
        return fraction
    raise FileError(
        f"[resume] {os.fsdecode(path)}: training.notes.validation_fraction is {fraction!r}; "
        "expected 0 <= fraction < 1"
    )
