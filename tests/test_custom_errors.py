"""What custom activations and losses must not return, and what happens when they raise."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import fit, same_bits
from test_custom import SQUARE, data, net_with

RESULTS: list[tuple[Callable[..., Any], type[Exception], str]] = [
    (lambda t: t[:, :1], nn.ShapeError, r"shape \(23, 1\); expected \(23, 6\)"),
    (lambda t: t[0], nn.ShapeError, r"shape \(6,\); expected \(23, 6\)"),
    (lambda t: 1.0, nn.ShapeError, r"shape \(\); expected \(23, 6\)"),
    (lambda t: t * 1j, TypeError, "dtype complex128; expected real numbers"),
    (lambda t: None, TypeError, "dtype object"),
    (lambda t: np.ma.masked_less(t, 0), TypeError, "masked"),
    (lambda t: np.where(t == t[4, 0], np.nan, t), ValueError, "has a NaN in row 4"),
]


@pytest.mark.parametrize("part", ["function", "derivative"])
@pytest.mark.parametrize(("wrong", "error", "message"), RESULTS)
def test_wrong_results_of_an_activation_are_refused(
    part: str, wrong: Any, error: type[Exception], message: str, rng: np.random.Generator
) -> None:
    parts = {"function": np.tanh, "derivative": np.ones_like, part: wrong}
    mine = nn.CustomActivation(**parts, name="mine")
    net = nn.mlp(4, [6], 2, activation=mine, dtype=np.float64)
    with pytest.raises(error, match=rf"\[mine\] the result of {part} .*{message}"):
        net.loss_and_gradient(*data(rng), "mse")


@pytest.mark.parametrize(
    ("part", "wrong", "message"),
    [
        ("value", lambda y, f: (y - f) ** 2, r"shape \(23, 2\); expected \(23,\)"),
        ("derivative", lambda y, f: (y - f)[:, 0], r"shape \(23,\); expected \(23, 2\)"),
        ("value", lambda y, f: np.full(23, np.nan), "has a NaN in row 0"),
    ],
)
def test_wrong_results_of_a_loss_are_refused(
    part: str, wrong: Any, message: str, rng: np.random.Generator
) -> None:
    parts: dict[str, Any] = {"value": SQUARE.value, "derivative": SQUARE.derivative, part: wrong}
    with pytest.raises(ValueError, match=rf"\[custom\] the result of {part} .*{message}"):
        net_with("tanh").loss_and_gradient(*data(rng), nn.CustomLoss(**parts))


@pytest.mark.parametrize("make", [nn.CustomActivation, nn.CustomLoss])
def test_what_is_no_function_is_refused(make: Any) -> None:
    with pytest.raises(TypeError, match="is 3; expected a function"):
        make(np.tanh, 3)
    with pytest.raises(TypeError, match="name"):
        make(np.tanh, np.tanh, name=3)
    with pytest.raises(ValueError, match="reduction"):
        nn.CustomLoss(np.tanh, np.tanh, reduction="median")


def test_a_custom_loss_takes_no_labels() -> None:
    with pytest.raises(nn.ShapeError, match=r"y\[:, None\]"):
        net_with("tanh").evaluate(np.ones((3, 4)), np.array([0, 1, 1]), loss=SQUARE)


# ---- what they raise -------------------------------------------------------------------------


class Broken(Exception):
    pass


def failing(calls: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which raises when it is called for the (calls + 1)-th time."""
    count = iter(range(calls))

    def call(*arguments: Any) -> Any:
        if next(count, None) is None:
            raise Broken
        return function(*arguments)

    return call


PARTS: dict[str, Callable[..., Any]] = {
    "function": np.tanh,
    "derivative": lambda t: 1 - np.tanh(t) ** 2,
    "value": SQUARE.value,
    "gradient": SQUARE.derivative,
}


def packed_net(parts: dict[str, Any]) -> tuple[nn.Network, nn.Loss]:
    """With layers so large that a fit keeps their parameters in another order, and with a state."""
    g = nn.CustomActivation(parts["function"], parts["derivative"])
    first, second = nn.Dense(80), nn.Dense(80)
    net = nn.Sequential(
        nn.Input(4), nn.BatchNorm(), first, second, g, nn.Dense(2), dtype=np.float64
    )
    return net, nn.CustomLoss(parts["value"], parts["gradient"])


@pytest.mark.parametrize("part", list(PARTS))
def test_an_error_ends_the_fit_after_the_last_whole_step(
    part: str, rng: np.random.Generator
) -> None:
    x, y = data(rng, 20)
    expected, loss = packed_net(PARTS)
    fit(expected, x[:10], y[:10], loss=loss, epochs=1, shuffle=False)
    net, loss = packed_net({**PARTS, part: failing(1, PARTS[part])})
    with pytest.raises(Broken):
        fit(net, x, y, loss=loss, epochs=1, batch_size=10, shuffle=False)
    assert same_bits(net.theta, expected.theta)
    assert same_bits(net.state, expected.state)
    assert net.history is not None
    assert net.history.epochs == 0


def test_an_error_passes_through_predict_and_the_network_stays_usable() -> None:
    function = failing(1, np.tanh)
    net = net_with(nn.CustomActivation(function, np.ones_like))
    with pytest.raises(Broken):
        net.predict(np.ones((3, 4)))
    with pytest.raises(Broken):
        net.train_step(np.ones((3, 4)), np.ones((3, 2)), loss="mse", optimizer=nn.SGD(0.1))


def test_a_loss_that_is_infinite_is_a_divergence(rng: np.random.Generator) -> None:
    loss = nn.CustomLoss(lambda y, f: np.full(len(y), np.inf), SQUARE.derivative)
    with pytest.raises(nn.DivergenceError):
        fit(net_with("tanh"), *data(rng), loss=loss, epochs=1)


def test_ctrl_c_in_a_function_ends_the_fit() -> None:
    def interrupted(_: Any) -> Any:
        raise KeyboardInterrupt

    net = net_with(nn.CustomActivation(interrupted, np.ones_like))
    with pytest.raises(KeyboardInterrupt):
        fit(net, np.ones((3, 4)), np.ones((3, 2)), loss="mse", epochs=1)
