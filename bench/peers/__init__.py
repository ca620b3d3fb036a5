"""The libraries of the bench: one module each, with `prepare(problem) -> Session`."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from bench.workloads import Floats, Problem

TITLES = {"nnbind": "nnbind", "torch": "PyTorch", "jax": "JAX", "sklearn": "scikit-learn"}


@dataclass(frozen=True)
class Session:
    """A library ready to train: what is left to time is the steps alone."""

    train: Callable[[int], None]  # that many epochs, going on from where it is
    theta: Callable[[], Floats]  # all parameters, in nnbind's order
    version: str
    kernel: str  # what the library says it computes with on this machine


def installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def prepare(name: str, problem: Problem) -> Session:
    """The library called `name`, holding the problem's data and first weights."""
    module = importlib.import_module(f"bench.peers.{name}")
    return cast(Session, module.prepare(problem))
