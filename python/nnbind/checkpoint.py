"""A callback that saves a fit as it goes."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from ._checks import flag, integer
from ._core import History
from ._options import Fixed
from ._saving import file_path
from .network import Network

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Checkpoint"]

EPOCH = "{epoch}"


class Checkpoint(Fixed):
    """Saves network and training state after epochs.

    Among the callbacks of a fit: ``callbacks=[nn.Checkpoint("net.safetensors")]``.
    ``nn.resume(path, X, y)`` goes on from such a file, and ``nn.load(path)`` reads its network. A
    file is written whole or not at all: a process that dies leaves the one of before.

    ``every``: after each so many epochs. "{epoch}" in the file's name stands for the number of
    completed epochs, and then the last ``keep`` files of such names are kept: files of lower epochs
    are removed, those of earlier runs too. ``best``: only after an epoch whose monitored loss is
    the lowest so far, as ``EarlyStopping`` counts them.

    Put it last among callbacks that change the network, so that it saves what they did. Raises
    TypeError or ValueError if an option is not allowed; in a fit OSError if a file cannot be
    written, and ValueError if the loss, or a node, is the user's own: a file holds no code.
    """

    path: Path
    every: int
    keep: int
    best: bool

    def __init__(
        self,
        path: str | bytes | os.PathLike[Any],
        every: int = 1,
        keep: int = 1,
        best: bool = False,
    ) -> None:
        where = "Checkpoint"
        self._set(
            path=file_path(path, where),
            every=integer(every, "every", 1, where),
            keep=integer(keep, "keep", 1, where),
            best=flag(best, "best", where),
        )
        if not self.path.name or self.path.is_dir():
            raise ValueError(f"[{where}] path is {path!r}; expected that of a file")
        if EPOCH in str(self.path.parent):
            raise ValueError(f"[{where}] path is {path!r}; only the file's name may have {EPOCH}")
        if "{" in self.path.name.replace(EPOCH, ""):  # "{epoch:03d}", of other libraries
            raise ValueError(f"[{where}] path is {path!r}; expected no braces but {EPOCH}")
        if keep > 1 and EPOCH not in self.path.name:
            raise ValueError(f"[{where}] keep is {keep}; several files need {EPOCH} in their name")

    def __call__(self, net: Network, history: History) -> None:
        """Save if this epoch is due."""
        due = history.epochs % self.every == 0
        if due and (not self.best or history.best_epoch == history.epochs - 1):
            net.save(self._file(history.epochs), training_state=True)
            self._remove_old(history.epochs)

    def _file(self, epoch: int) -> Path:
        return self.path.with_name(self.path.name.replace(EPOCH, str(epoch)))

    def _remove_old(self, epoch: int) -> None:
        """Of the files up to this epoch all but the last; a run of before may have left some."""
        if EPOCH not in self.path.name:
            return
        number = r"([1-9][0-9]*)"
        name = re.compile(number.join(map(re.escape, self.path.name.split(EPOCH))))
        found = (name.fullmatch(file) for file in os.listdir(self.path.parent))
        epochs = sorted({int(match[1]) for match in found if match})
        for old in [known for known in epochs if known <= epoch][: -self.keep]:
            self._file(old).unlink(missing_ok=True)
