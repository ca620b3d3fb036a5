"""When early stopping stops, and which parameters it leaves."""

from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import assert_close, fit, same_bits


def valley(epochs: int, **stopping: Any) -> tuple[nn.Network, nn.History, list[Any]]:
    """Training pulls w from 0 towards 1; the validation loss has its least value near 1/2."""
    net = nn.Sequential(nn.Input(1), nn.Dense(1, init="zeros", bias=False), dtype=np.float64)
    one, half, thetas = np.ones((1, 1)), np.full((1, 1), 0.5), []
    history = fit(net, one, one, loss="mse", optimizer=nn.SGD(0.05), epochs=epochs,
                  validation_data=(one, half), early_stopping=nn.EarlyStopping(**stopping),
                  callbacks=[lambda n, _: thetas.append(n.theta.copy())])  # fmt: skip
    return net, history, thetas


W = 1 - 0.9 ** np.arange(1, 101)  # w after each epoch of the valley
BEST = int(np.argmin((W - 0.5) ** 2))


@pytest.mark.parametrize("patience", [1, 3, 10])
def test_training_stops_after_patience_epochs_without_improvement(patience: int) -> None:
    net, history, thetas = valley(100, patience=patience)
    assert_close(np.concatenate(thetas), W[: history.epochs])
    assert history.best_epoch == BEST
    assert history.epochs == len(history.val_loss) == BEST + patience + 1
    assert same_bits(net.theta, thetas[BEST])


def test_the_last_weights_stay_if_asked() -> None:
    net, history, thetas = valley(100, patience=3, restore_best=False)
    assert same_bits(net.theta, thetas[-1])
    assert history.best_epoch == BEST


def test_improvements_below_min_delta_do_not_count() -> None:
    losses = (W - 0.5) ** 2
    best, last, delta = np.inf, 0, 0.01
    for epoch, loss in enumerate(losses):
        if loss < best - delta:
            best, last = loss, epoch
        if epoch - last == 2:
            break
    _, history, _ = valley(100, patience=2, min_delta=delta)
    assert history.epochs == epoch + 1 < BEST + 3


def test_the_best_weights_are_restored_at_the_last_epoch_too() -> None:
    net, history, thetas = valley(BEST + 3, patience=50)
    assert history.epochs == BEST + 3
    assert same_bits(net.theta, thetas[BEST])


def test_without_validation_the_training_loss_is_watched() -> None:
    net = nn.Sequential(nn.Input(1), nn.Dense(1, init="zeros", bias=False), dtype=np.float64)
    one = np.ones((1, 1))
    history = fit(net, one, one, loss="mse", optimizer=nn.SGD(1e-300), epochs=50,
                  early_stopping=nn.EarlyStopping(4))  # fmt: skip
    assert history.epochs == 5
