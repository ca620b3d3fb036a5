"""A training whose every field and tensor holds anything: refused by name, or gone on with."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from hostile_files import write
from resuming import X, Y
from test_resume_hostile import MISSING, at, read, with_nan

VALUES = [
    *(MISSING, None, True, -1, 0, 1, 1.5, -0.5, 1e308, "", "x", "NaN", [], [[]], [1], {}, {"x": 1}),
    *(2**31, 2**53, 2**63, 2**64 - 1, 2**64, -(2**63)),
]


def fields(json: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all values, containers too."""
    items = json.items() if isinstance(json, dict) else enumerate(json)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from fields(value, (*path, key))


STOPPING = nn.EarlyStopping(9, restore_best=False)
KINDS: dict[str, Callable[[], dict[str, Any]]] = {
    "sgd": lambda: {"optimizer": nn.SGD(0.01)},
    "momentum": lambda: {
        "optimizer": nn.SGD(nn.schedules.Step(0.01, 2), 0.9, clip_norm=1.0),
        "regularizer": nn.L1L2(0.1, 0.2),
    },
    "adam": lambda: {
        "optimizer": nn.Adam(nn.schedules.Cosine(0.01, 9, 2)),
        "loss": nn.Huber(2.0),
        "metrics": ["mae", "r2"],
    },
    "adamw": lambda: {
        "optimizer": nn.AdamW(nn.schedules.ReduceOnPlateau(0.01, patience=1)),
        "early_stopping": STOPPING,
        "validation_fraction": 0.25,
    },
    "rmsprop": lambda: {"optimizer": nn.RMSProp(nn.schedules.Exponential(0.01, 2, 0.5))},
    "adagrad": lambda: {"optimizer": nn.AdaGrad(nn.schedules.InverseScaling(0.01))},
}


def saved_by(kind: str, path: Path) -> None:
    net = nn.Sequential(nn.Input(4), nn.BatchNorm(), nn.Dense(2), dtype=np.float64)
    options = {"loss": "mse", **KINDS[kind]()}
    net.fit(X[:8], Y[:8], epochs=2, batch_size=4, progress=False, **options)
    net.save(path, training_state=True)


def resumed(path: Path) -> nn.Network | None:
    """The network after an epoch more; None if the file is refused by the name of a field."""
    try:
        return nn.resume(path, X[:8], Y[:8], epochs=3, progress=False)
    except nn.DivergenceError:  # a learning rate may be large
        return None
    except ValueError as error:
        message = str(error)
    assert re.match(r"\[(load|resume|Network\.fit)\] ", message), message
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_may_hold_anything(kind: str, tmp_path: Path) -> None:
    """It is refused, or the fit goes on: never a crash, nor a network that is not finite."""
    path = tmp_path / "net"
    saved_by(kind, path)
    metadata, training, tensors = read(path)
    assert resumed(path) is not None
    for field in fields(training):
        for value in VALUES:
            changed = copy.deepcopy(training)
            container, key = at(*field)(changed)
            if container[key] == value:
                continue
            if value is MISSING:
                del container[key]
            else:
                container[key] = value
            write(path, {**metadata, "training": json.dumps(changed)}, tensors)
            net = resumed(path)
            assert net is None or np.isfinite(net.theta).all(), (field, value)
            is_wrong = isinstance(value, list | dict) or value is None
            no_notes = field == ("notes",) and value == {}  # as of a fit begun from C++
            assert net is None or not is_wrong or no_notes, (field, value)


CHANGES: list[Callable[[Any], Any]] = [
    lambda a: a[:-1],
    lambda a: np.append(a, a[-1:], axis=0),
    lambda a: a[None],
    lambda a: a.astype(np.float32),
    with_nan,
    lambda a: np.full_like(a, np.inf),
    lambda a: np.full_like(a, -np.inf),
    lambda a: np.full_like(a, 1e308),
    lambda a: np.full_like(a, -1e308),
    lambda a: np.full_like(a, -1.0),
    np.zeros_like,
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_tensor_may_hold_anything(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "net"
    saved_by(kind, path)
    metadata, _, tensors = read(path)
    for name in [None, *tensors]:
        for change in CHANGES:
            changed = dict(tensors)
            if name is None:
                changed["more"] = np.zeros(2)
            elif changed[name].size > 0:
                changed[name] = change(changed[name])
            write(path, metadata, changed)
            resumed(path)
            write(path, metadata, {k: v for k, v in changed.items() if k != name})
            assert name is None or resumed(path) is None, name
