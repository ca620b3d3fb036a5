"""R(theta): L1, L2 and both, of the network and of a layer, in the loss and in its gradient."""

from typing import Any

import numpy as np
import pytest

import nnbind as nn
import reference as ref
from helpers import MIXED, assert_close, build, fit, randomize

CASES: list[tuple[Any, dict[str, Any]]] = [
    (nn.L1(0.3), {"l1": 0.3}),
    (nn.L2(0.7), {"l2": 0.7}),
    (nn.L1L2(0.3, 0.7), {"l1": 0.3, "l2": 0.7}),
    (nn.L1(0.3, bias=True), {"l1": 0.3, "penalize_bias": True}),
    (nn.L2(0.7, bias=True), {"l2": 0.7, "penalize_bias": True}),
    (nn.L2(0.7, divide_by_batch_size=True), {"l2": 0.7, "divide_by_batch_size": True}),
    (
        nn.L1L2(0.3, 0.7, bias=True, divide_by_batch_size=True),
        {"l1": 0.3, "l2": 0.7, "penalize_bias": True, "divide_by_batch_size": True},
    ),
]
OF_LAYERS = [
    ref.Layer(5, 6, "tanh", l1=0.2),
    ref.Layer(6, 4, "silu", l2=0.5, bias=False),
    ref.Layer(4, 3, l1=0.1, l2=0.4),
]


def data(rng: np.random.Generator) -> tuple[Any, Any]:
    return rng.normal(size=(11, 5)), rng.normal(size=(11, 3))


@pytest.mark.parametrize("layers", [MIXED, OF_LAYERS], ids=["plain", "of layers too"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("regularizer", "options"), [(None, {}), *CASES])
def test_loss_and_gradient_equal_the_reference(
    regularizer: Any,
    options: dict[str, Any],
    reduction: str,
    layers: list[ref.Layer],
    rng: np.random.Generator,
) -> None:
    net, (x, y) = build(layers), data(rng)
    randomize(net, rng)
    loss = nn.SquaredError(reduction=reduction)
    value, gradient = net.loss_and_gradient(x, y, loss, regularizer=regularizer)
    expected = ref.loss_and_gradient(
        layers, net.theta, x, y, "squared_error", reduction=reduction, **options
    )
    assert_close(value, expected[0])
    assert_close(gradient, expected[1])


@pytest.mark.parametrize(("regularizer", "options"), CASES)
def test_training_minimizes_the_loss_it_reports(
    regularizer: Any, options: dict[str, Any], rng: np.random.Generator
) -> None:
    net, (x, y) = build(OF_LAYERS), data(rng)
    theta = net.theta.copy()
    history = fit(net, x, y, loss="mse", optimizer=nn.SGD(0.1), epochs=3, regularizer=regularizer)
    losses = []
    for _ in range(3):
        value, gradient = ref.loss_and_gradient(OF_LAYERS, theta, x, y, "mse", **options)
        losses.append(value)
        theta = theta - 0.1 * gradient
    assert_close(history.loss, losses)
    assert_close(net.theta, theta)


def test_evaluation_is_of_the_data_alone(rng: np.random.Generator) -> None:
    net, (x, y) = build(OF_LAYERS), data(rng)
    expected = np.mean((net.predict(x) - y) ** 2)
    assert net.evaluate(x, y, loss="mse")["loss"] == pytest.approx(expected, rel=1e-12)


def test_a_penalty_alone_pulls_weights_to_zero_and_leaves_biases() -> None:
    net = nn.Sequential(nn.Input(2), nn.Dense(2), dtype=np.float64)
    net.theta[:] = 1.0
    x, y = np.zeros((1, 2)), np.ones((1, 2))
    net.train_step(x, y, loss="mse", optimizer=nn.SGD(0.1), regularizer=nn.L2(2.0))
    np.testing.assert_allclose(net.theta, [0.8, 0.8, 0.8, 0.8, 1.0, 1.0])


def test_l1_leaves_a_zero_weight_at_zero() -> None:
    net = nn.Sequential(nn.Input(2), nn.Dense(2, init="zeros"), dtype=np.float64)
    x, y = np.ones((1, 2)), np.zeros((1, 2))
    net.train_step(x, y, loss="mse", optimizer=nn.SGD(0.1), regularizer=nn.L1(1.0))
    np.testing.assert_array_equal(net.theta, np.zeros(6))


@pytest.mark.parametrize("make", [nn.L1, nn.L2, lambda a: nn.L1L2(a, 0.0)])
@pytest.mark.parametrize("amount", [-1.0, float("nan")])
def test_impossible_amounts_are_refused(make: Any, amount: float) -> None:
    with pytest.raises(ValueError, match="expected a number >= 0"):
        make(amount)
