"""A loss that stops being finite ends the training, and the best parameters stay."""

import itertools
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import fit, problem, same_bits


def test_a_diverging_fit_says_so_and_leaves_finite_parameters(
    rng: np.random.Generator, dtype: Any
) -> None:
    net = nn.mlp(4, [6], 2, dtype=dtype)
    x, y = rng.normal(size=(23, 4)).astype(dtype), rng.normal(size=(23, 2)).astype(dtype)
    with pytest.raises(nn.DivergenceError, match=r"^\[Network\.fit\] .*epoch"):
        fit(net, x, y, loss="squared_error", optimizer=nn.SGD(1e3), epochs=1000, batch_size=4)
    assert issubclass(nn.DivergenceError, ArithmeticError)
    assert np.isfinite(net.theta).all()
    assert np.isfinite(net.predict(x)).all()


@pytest.mark.parametrize("validated", [False, True])
def test_after_divergence_the_parameters_are_those_of_the_best_epoch(
    validated: bool, rng: np.random.Generator
) -> None:
    net, x, y = problem(rng)
    thetas = []

    def explode_at_five(network: nn.Network, history: nn.History) -> None:
        thetas.append(network.theta.copy())
        if history.epochs == 5:
            network.theta[:] = 1e200

    with pytest.raises(nn.DivergenceError):
        fit(net, x, y, loss="mse", optimizer=nn.SGD(0.05), epochs=10,
            callbacks=[explode_at_five], validation_data=(x, y) if validated else None)  # fmt: skip
    history = net.history
    assert history is not None
    assert len(thetas) == 5
    assert all(a > b for a, b in itertools.pairwise(history.loss[:5]))
    assert same_bits(net.theta, thetas[4])
    assert history.best_epoch == 4


def test_parameters_that_the_last_step_has_blown_up_are_a_divergence() -> None:
    net = nn.mlp(2, [4], 1)
    before = net.theta.copy()
    x, y = np.ones((20, 2), np.float32), np.full((20, 1), 100, np.float32)
    with pytest.raises(nn.DivergenceError, match=r"theta is no longer finite in epoch 0 .* began"):
        fit(net, x, y, loss="mse", epochs=1, optimizer=nn.SGD(3e38))
    assert same_bits(net.theta, before)
    assert net.history is not None
    assert net.history.epochs == 0


def test_a_validation_loss_that_is_not_finite_is_a_divergence(rng: np.random.Generator) -> None:
    net = nn.mlp(2, [4], 1)
    before = net.theta.copy()
    x, y = rng.normal(size=(20, 2)).astype(np.float32), rng.normal(size=(20, 1)).astype(np.float32)
    far = x * np.float32(1e25)
    with pytest.raises(nn.DivergenceError, match="the validation loss is no longer finite"):
        fit(net, x, y, loss="mse", epochs=5, validation_data=(far, y),
            early_stopping=nn.EarlyStopping(2))  # fmt: skip
    assert same_bits(net.theta, before)


def test_a_diverging_step_says_so() -> None:
    net = nn.mlp(1, [], 1, dtype=np.float64)
    net.theta[:] = 1e200
    before = net.theta.copy()
    with pytest.raises(nn.DivergenceError, match=r"^\[Network\.train_step\]"):
        net.train_step(np.ones((1, 1)), np.ones((1, 1)), loss="mse", optimizer=nn.SGD(0.1))
    assert same_bits(net.theta, before)


def test_an_optimizer_can_go_on_after_a_divergence(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    optimizer = nn.Adam(0.01)
    with pytest.raises(nn.DivergenceError):
        fit(net, x, y * 1e200, loss="mse", optimizer=optimizer, epochs=3)
    history = fit(net, x, y, loss="mse", optimizer=optimizer, epochs=3)
    assert np.isfinite(history.loss).all()
