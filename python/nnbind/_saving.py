"""Networks as files and bytes, which the core writes and reads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from . import _core
from ._assembly import Assembly, reassemble
from ._checks import flag

if TYPE_CHECKING:
    from pathlib import Path

Saved = TypeVar("Saved", bound="Saving")


class Saving(_core.Network):
    """Saves, pickles and copies itself."""

    _assembly: Assembly
    _training: _core.Training | None = None  # the last fit

    def save(self, path: str | bytes | os.PathLike[Any], *, training_state: bool = False) -> None:
        """Write the network into one file, from which ``nn.load`` makes it again.

        A safetensors file: architecture, θ under readable names ("dense.weights"), running
        statistics, seed and numbers of trained epochs and steps. It is written beside ``path``,
        synced and renamed: whatever happens, ``path`` is the old file or the new one, whole.

        With ``training_state`` also its last fit, from which ``nn.resume`` goes on: its options,
        optimizer, schedule, early stopping and history. Called from a callback, as
        ``nn.Checkpoint`` does, that is the fit which runs.

        Raises ValueError, naming the node, if one is an operator of one's own, as an
        ``nn.CustomActivation``: a file holds no code. With ``training_state`` also if the loss is
        one's own, if there is no fit (``nn.fit_many`` keeps none), or if the network or its
        optimizer has made steps since its last whole epoch. OSError if the file cannot be written,
        and BusyError if another thread trains the network.
        """
        file = file_path(path, "Network.save")
        if not flag(training_state, "training_state", "Network.save"):
            self._save(file)
        elif self._training is None:
            raise ValueError(
                "[Network.save] there is no training_state: Network.fit keeps one, nn.fit_many and "
                "nn.load do not"
            )
        else:
            self._save_with_training(file, self._training)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return _unpickled, (type(self), self._to_bytes()), self._attributes()

    def copy(self: Saved) -> Saved:
        """The same function with parameters of its own; it shares history and attributes."""
        twin = type(self).__new__(type(self))
        _core.Network.__init__(twin, self)
        twin._assembly = self._assembly
        twin.__dict__.update(self._attributes())
        return twin

    __copy__ = copy

    def __deepcopy__(self: Saved, memo: dict[int, Any]) -> Saved:
        from copy import deepcopy  # half a millisecond that not every import need take

        twin = self.copy()
        memo[id(self)] = twin
        twin.__dict__.update(deepcopy(self._attributes(), memo))
        return twin

    def _attributes(self) -> dict[str, Any]:
        """What Python knows beside the core: the history, and attributes of the user's own."""
        own = ("_assembly", "_training")
        return {name: value for name, value in vars(self).items() if name not in own}


def file_path(path: str | bytes | os.PathLike[Any], where: str) -> Path:
    """The path of a file, in whatever form it comes. Raises ValueError if no file can have it."""
    from pathlib import Path  # nine milliseconds that an import without a file need not take

    file = os.fsdecode(path)
    try:
        possible = b"\0" not in os.fsencode(file)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise ValueError(f"[{where}] path is {path!r}; expected no NUL and no lone surrogate in it")
    return Path(file)


def made_from(cls: type[Saved], source: bytes | Path, *training: _core.Training) -> Saved:
    """The network of a file, whose fit fills ``training``, or of a file's contents.

    Raises FileError or OSError.
    """
    net = cls.__new__(cls)
    _core.Network.__init__(net, source, *training)
    net._assembly = reassemble(net._entries(), net._output_places())
    return net


# Pickles name this function.
def _unpickled(cls: type[Saved], contents: bytes) -> Saved:
    return made_from(cls, contents)
