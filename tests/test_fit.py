"""fit: what an epoch does, in which order, and what the history says of it."""

from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import assert_close, fit, problem, same_bits


def manual_epochs(
    net: nn.Network, orders: Any, x: Any, y: Any, batch_size: int, **options: Any
) -> list[float]:
    """The same training by train_step: the mean loss over the samples of each epoch."""
    means = []
    for order in orders:
        starts = range(0, len(order), batch_size)
        batches = [order[i : i + batch_size] for i in starts]
        losses = [net.train_step(x[rows], y[rows], **options) for rows in batches]
        means.append(float(np.average(losses, weights=[len(rows) for rows in batches])))
    return means


@pytest.mark.parametrize("batch_size", [1, 5, 23, 100, None])
@pytest.mark.parametrize("regularizer", [None, nn.L1L2(0.01, 0.2, divide_by_batch_size=True)])
def test_an_order_of_ones_own_equals_a_loop_of_train_steps(
    batch_size: int | None, regularizer: Any, rng: np.random.Generator
) -> None:
    net, x, y = problem(rng)
    by_hand, orders = net.copy(), np.stack([rng.permutation(23) for _ in range(3)])
    settings = {"loss": "mse", "regularizer": regularizer}
    history = fit(
        net, x, y, optimizer=nn.SGD(0.1, 0.5), epochs=3, batch_size=batch_size,
        sample_order=orders, **settings,
    )  # fmt: skip
    optimizer = nn.SGD(0.1, 0.5)
    losses = manual_epochs(by_hand, orders, x, y, batch_size or 23, optimizer=optimizer, **settings)
    assert_close(net.theta, by_hand.theta)
    assert_close(history.loss, losses)


def test_one_order_serves_every_epoch(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    other, order = net.copy(), rng.permutation(23)
    fit(net, x, y, loss="mse", epochs=3, batch_size=4, sample_order=order)
    fit(other, x, y, loss="mse", epochs=3, batch_size=4, sample_order=np.tile(order, (3, 1)))
    assert same_bits(net.theta, other.theta)


def test_without_shuffling_rows_come_as_they_stand(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    other = net.copy()
    fit(net, x, y, loss="mse", epochs=2, batch_size=4, shuffle=False)
    fit(other, x, y, loss="mse", epochs=2, batch_size=4, sample_order=np.arange(23))
    assert same_bits(net.theta, other.theta)


def visits(epochs: int, n: int, **options: Any) -> list[list[int]]:
    """The order in which fit visits the samples, an epoch a list.

    Sample i alone moves weight i, the step at time t by 2^-t: the binary digits are the times.
    """
    net = nn.Sequential(nn.Input(n), nn.Dense(1, init="zeros", bias=False), dtype=np.float64)
    halving = nn.SGD(nn.schedules.Exponential(1.0, 1, 0.5))
    fit(net, np.eye(n), np.full((n, 1), 1e6), loss="absolute_error", optimizer=halving,
        epochs=epochs, batch_size=1, **options)  # fmt: skip
    numbers = np.round(net.theta * 2.0 ** (epochs * n)).astype(int)
    times = [np.flatnonzero(numbers >> (epochs * n - t) & 1) for t in range(epochs * n)]
    assert all(len(samples) == 1 for samples in times)
    flat = [int(samples[0]) for samples in times]
    return [flat[e * n : (e + 1) * n] for e in range(epochs)]


def test_each_epoch_is_a_new_permutation_of_all_samples() -> None:
    orders = visits(epochs=4, n=11)
    for order in orders:
        assert sorted(order) == list(range(11))
    assert len({tuple(order) for order in orders}) == 4


def test_the_visits_follow_the_given_order() -> None:
    order = [3, 1, 4, 0, 2]
    assert visits(epochs=2, n=5, sample_order=np.array(order)) == [order, order]
    assert visits(epochs=1, n=5, shuffle=False) == [[0, 1, 2, 3, 4]]


def test_the_seed_of_fit_decides_the_order() -> None:
    assert visits(epochs=2, n=11, seed=1) == visits(epochs=2, n=11, seed=1)
    assert visits(epochs=2, n=11, seed=1) != visits(epochs=2, n=11, seed=2)


def test_networks_of_one_seed_train_alike_with_no_seed_given(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    other = nn.mlp(4, [6, 5], 2, activation="tanh", dtype=np.float64)
    for each in (net, other):
        fit(each, x, y, loss="mse", epochs=3, batch_size=4)
    assert same_bits(net.theta, other.theta)


# ---- the history -----------------------------------------------------------------------------


def test_every_list_of_the_history_has_one_value_an_epoch(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    history = fit(net, x, y, loss="mse", epochs=5, batch_size=4, metrics=("mae", "r2"),
                  validation_data=(x, y))  # fmt: skip
    assert history.epochs == 5
    for values in (history.loss, history.val_loss, history.learning_rate, history.seconds):
        assert isinstance(values, list)
        assert len(values) == 5
    assert sorted(history.metrics) == ["mae", "r2", "val_mae", "val_r2"]
    assert all(len(values) == 5 for values in history.metrics.values())
    assert history.learning_rate == [0.01] * 5
    assert all(seconds >= 0 for seconds in history.seconds)
    assert net.history is history


def test_without_validation_there_is_no_validation_loss(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    history = fit(net, x, y, loss="mse", epochs=2, metrics=("mae",))
    assert history.val_loss == []
    assert list(history.metrics) == ["mae"]


def test_validation_is_the_loss_of_the_data_after_each_epoch(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    held = rng.normal(size=(9, 4)), rng.normal(size=(9, 2))
    after = []
    history = fit(net, x, y, loss="mse", epochs=3, batch_size=4, regularizer=nn.L2(0.5),
                  validation_data=held, metrics=("mae",),
                  callbacks=[lambda n, _: after.append(n.evaluate(*held, loss="mse",
                                                                  metrics=("mae",)))])  # fmt: skip
    assert_close(history.val_loss, [values["loss"] for values in after])
    assert_close(history.metrics["val_mae"], [values["mae"] for values in after])


def test_a_fraction_takes_the_last_rows(rng: np.random.Generator) -> None:
    net, x, y = problem(rng, n=20)
    other = net.copy()
    settings = {"loss": "mse", "epochs": 3, "batch_size": 4, "seed": 1}
    first = fit(net, x, y, validation_fraction=0.25, **settings)
    second = fit(other, x[:15], y[:15], validation_data=(x[15:], y[15:]), **settings)
    assert same_bits(net.theta, other.theta)
    assert first.val_loss == second.val_loss


def test_best_epoch_is_that_of_the_least_monitored_loss(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    held = rng.normal(size=(9, 4)), 2 * rng.normal(size=(9, 2))
    history = fit(net, x, y, loss="mse", optimizer=nn.SGD(0.4), epochs=60, validation_data=held)
    assert history.best_epoch == int(np.argmin(history.val_loss))
    history = fit(net, x, y, loss="mse", optimizer=nn.SGD(0.4), epochs=10)
    assert history.best_epoch == int(np.argmin(history.loss))
