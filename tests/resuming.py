"""What tests of fits that are gone on with share: fits of many kinds, and what is compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import nnbind as nn
from helpers import same_bits

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 4)), RNG.normal(size=(60, 2))
X_VAL, Y_VAL = RNG.normal(size=(20, 4)), RNG.normal(size=(20, 2))
VALIDATION = (X_VAL, Y_VAL)

OPTIMIZERS: dict[str, Callable[[Any], nn.Optimizer]] = {
    "sgd": lambda rate: nn.SGD(rate),
    "momentum": lambda rate: nn.SGD(rate, momentum=0.9, clip_norm=1.0),
    "adam": lambda rate: nn.Adam(rate),
}


def begin(
    callbacks: Sequence[Callable[[Any, nn.History], object]] = (),
    *,
    optimizer: str = "adam",
    dropout: float = 0.25,
    plateau: bool = True,
    stopping: bool = False,
    min_delta: float = 0,
    epochs: int = 12,
    dtype: Any = np.float64,
    **options: Any,
) -> nn.Network:
    """A network after its fit, or as far as callbacks have let it come."""
    net = nn.Sequential(
        nn.Input(4),
        nn.Dense(9, "tanh", dropout=dropout),
        nn.BatchNorm(),
        nn.Dense(2),
        seed=3,
        dtype=dtype,
    )
    rate = nn.schedules.ReduceOnPlateau(0.02, 0.5, patience=2) if plateau else 0.02
    net.fit(
        *(options.pop("data", (X, Y))),
        loss="mse",
        optimizer=OPTIMIZERS[optimizer](rate),
        epochs=epochs,
        batch_size=7,
        early_stopping=nn.EarlyStopping(3, min_delta) if stopping else None,
        metrics=["mae"],
        callbacks=callbacks,
        progress=False,
        **options,
    )
    return net


def assert_same(net: nn.Network, expected: nn.Network) -> None:
    """Bit for bit, but for the seconds."""
    assert same_bits(net.theta, expected.theta)
    assert same_bits(net.state, expected.state)
    assert net.history is not None
    assert expected.history is not None
    for name in ("loss", "val_loss", "learning_rate", "metrics", "best_epoch"):
        assert getattr(net.history, name) == getattr(expected.history, name), name
