"""Networks from files."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from ._saving import file_path, made_from
from .network import Network
from .sequential import Sequential

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["load"]


def load(path: str | bytes | os.PathLike[Any]) -> Network:
    """The network that ``net.save(path)`` wrote, of its dtype; a chain is an ``nn.Sequential``.

    The file may come from a stranger: it holds no code, and everything in it is checked before
    memory is asked for. NaN and infinite parameters are a RuntimeWarning that names the node.

    Raises FileError (a ValueError), naming the field, if the file is damaged, of a later version or
    no model; OSError if it cannot be read.
    """
    net = network_from(file_path(path, "load"))
    for name in _not_finite(net):
        warnings.warn(f'[load] "{name}" has a NaN or an infinity', RuntimeWarning, stacklevel=2)
    return net


def network_from(path: Path, *training: _core.Training) -> Network:
    """The network of a file, and in ``training`` the fit that is in it."""
    net = made_from(Network, path, *training)
    if net._is_chain():
        net.__class__ = Sequential
    return net


def _not_finite(net: Network) -> list[str]:
    names = [name for name, block in net.parameters.items() if not np.isfinite(block).all()]
    return names if np.isfinite(net.state).all() else [*names, "state"]
