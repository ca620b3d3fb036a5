"""Dropout: which units it silences, how it keeps their mean, and when it is off."""

from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import fit, same_bits

UNITS = 40


def decoding_net(rate: float, seed: int = 0) -> nn.Network:
    """f(x) = sum_j 2^j h_j, where each h_j is 1 before dropout: the binary digits are the mask."""
    return nn.Sequential(
        nn.Input(1),
        nn.Dense(UNITS, init=np.vstack([np.zeros((1, UNITS)), np.ones((1, UNITS))]), dropout=rate),
        nn.Dense(1, init=2.0 ** np.arange(UNITS)[:, None], bias=False),
        seed=seed,
        dtype=np.float64,
    )


def masks(net: nn.Network, rate: float, steps: int) -> Any:
    """The masks of so many training steps, (steps, UNITS), read from the losses |0 - f|."""
    optimizer = nn.SGD(1e-300)  # moves nothing
    rows = []
    for _ in range(steps):
        loss = net.train_step(
            np.ones((1, 1)), np.zeros((1, 1)), loss="absolute_error", optimizer=optimizer
        )
        number = round(loss * (1 - rate))
        assert number == pytest.approx(loss * (1 - rate), abs=1e-3)  # kept units are 1 / (1 - p)
        rows.append([number >> j & 1 for j in range(UNITS)])
    return np.array(rows)


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.75])
def test_masks_keep_each_unit_with_its_probability(rate: float) -> None:
    kept = masks(decoding_net(rate), rate, 500)
    deviation = np.sqrt(rate * (1 - rate))
    assert abs(kept.mean() - (1 - rate)) < 4.5 * deviation / np.sqrt(kept.size)
    assert np.all(abs(kept.mean(axis=0) - (1 - rate)) < 4.5 * deviation / np.sqrt(500))
    correlation = np.corrcoef(kept.T) - np.eye(UNITS)
    assert np.abs(correlation).max() < 6 / np.sqrt(500)
    assert len(np.unique(kept, axis=0)) > 250  # each step has a mask of its own


def test_each_sample_of_a_batch_has_a_mask_of_its_own() -> None:
    net, optimizer = decoding_net(0.5), nn.SGD(1e-300)
    x, y = np.ones((200, 1)), np.zeros((200, 1))
    for _ in range(8):
        # One common mask gives any number; the mean of 200 masks is near that of all masks.
        loss = net.train_step(x, y, loss="absolute_error", optimizer=optimizer)
        assert loss == pytest.approx(2.0**UNITS - 1, rel=0.25)


def test_the_mean_of_what_passes_is_preserved() -> None:
    net = nn.mlp(1, [64], 1, dtype=np.float64, dropout=0.3)
    net.theta[:] = 0.5
    x, y = np.ones((4000, 1)), np.zeros((4000, 1))
    seen = net.train_step(x, y, loss="absolute_error", optimizer=nn.SGD(1e-300))
    assert seen == pytest.approx(net.predict(x).mean(), rel=5e-3)


def test_dropout_is_off_outside_training(rng: np.random.Generator) -> None:
    with_dropout = nn.mlp(4, [6, 5], 2, seed=1, dtype=np.float64, dropout=0.5)
    without = nn.mlp(4, [6, 5], 2, seed=1, dtype=np.float64)
    x, y = rng.normal(size=(9, 4)), rng.normal(size=(9, 2))
    assert same_bits(with_dropout.theta, without.theta)
    assert same_bits(with_dropout.predict(x), without.predict(x))
    assert with_dropout.evaluate(x, y, loss="mse") == without.evaluate(x, y, loss="mse")
    ours, plain = (net.loss_and_gradient(x, y, "mse") for net in (with_dropout, without))
    assert ours[0] == plain[0]
    assert same_bits(ours[1], plain[1])
    assert nn.check_gradients(with_dropout, x, y, "mse").ok


def test_the_gradient_passes_through_the_mask_alone() -> None:
    # h_j = m_j / (1 - p) of a bias 1; df/db_j is 2^j times the same m_j / (1 - p).
    net = decoding_net(0.5)
    before = net.theta.copy()
    x, y = np.zeros((1, 1)), np.zeros((1, 1))
    loss = net.train_step(x, y, loss="absolute_error", optimizer=nn.SGD(1.0))
    step = (before - net.theta)[UNITS : 2 * UNITS]
    assert set(step / 2.0 ** np.arange(UNITS)) <= {0.0, 2.0}
    assert step.sum() == loss


def test_the_same_seed_gives_the_same_training(rng: np.random.Generator, dtype: Any) -> None:
    x, y = rng.normal(size=(50, 4)).astype(dtype), rng.normal(size=(50, 1)).astype(dtype)

    def train(seed: int) -> tuple[Any, list[float]]:
        net = nn.mlp(4, [20], 1, dtype=dtype, dropout=0.4)
        history = fit(net, x, y, loss="mse", epochs=3, batch_size=8, seed=seed)
        return net.theta, history.loss

    first, same, other = train(1), train(1), train(2)
    assert same_bits(first[0], same[0])
    assert first[1] == same[1]
    assert not same_bits(first[0], other[0])


def test_training_steps_of_equal_networks_drop_the_same_units() -> None:
    first, same, other = (masks(decoding_net(0.5, seed), 0.5, 5) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 2.0, float("nan")])
def test_impossible_rates_are_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="dropout"):
        nn.Dense(3, dropout=rate)
