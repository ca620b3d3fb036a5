"""When to end a fit."""

from __future__ import annotations

from . import _core
from ._checks import MOST_INT, flag, integer, real
from ._options import Options

__all__ = ["EarlyStopping"]


class EarlyStopping(Options):
    """Ends a fit when the monitored loss no longer falls (Prechelt, "Early stopping", 1998).

    The monitored loss is the validation loss if there is one, else the training loss; it no longer
    falls when for ``patience`` epochs it has not fallen by more than ``min_delta`` below its best.
    The parameters of the epoch of that best come back at the end if ``restore_best``. Raises
    ValueError unless patience >= 1 and min_delta >= 0.
    """

    patience: int
    min_delta: float
    restore_best: bool

    def __init__(self, patience: int, min_delta: float = 0.0, restore_best: bool = True) -> None:
        self._set(patience=patience, min_delta=min_delta, restore_best=restore_best)
        self._core()  # checks the numbers

    def _core(self) -> _core.EarlyStopping:
        where = "EarlyStopping"
        return _core.EarlyStopping(
            integer(self.patience, "patience", 1, where, MOST_INT),
            real(self.min_delta, "min_delta", where),
            flag(self.restore_best, "restore_best", where),
        )
