"""Every activation and its derivative, and both over the whole range of floats."""

import math
from typing import Any

import numpy as np
import pytest

import nnbind as nn
import reference as ref
from helpers import assert_close, build

LIMITS: dict[
    str, tuple[float | None, float | None]
] = {  # name -> (g(-inf), g(+inf)); None: |t| itself
    "identity": (None, None),
    "binary": (0, 1),
    "sigmoid": (0, 1),
    "tanh": (-1, 1),
    "relu": (0, None),
    "leaky_relu": (None, None),
    "elu": (-1, None),
    "selu": (-ref.SELU_SCALE * ref.SELU_ALPHA, None),
    "softplus": (0, None),
    "softsign": (-1, 1),
    "gelu": (0, None),
    "silu": (0, None),
    "hard_sigmoid": (0, 1),
}
SLOPES: dict[str, tuple[float, float]] = {
    "identity": (1, 1),
    "leaky_relu": (0.01, 1),
    "selu": (0, ref.SELU_SCALE),
}


def scalar(name: str, dtype: Any, **options: float) -> nn.Network:
    """f(x) = g(x) for one number x."""
    net = build([ref.Layer(1, 1, name, **options)], dtype)  # type: ignore[arg-type]
    net.theta[:] = [1, 0]
    return net


def derivative(net: nn.Network, t: Any) -> Any:
    """g'(t): the gradient of |y - f| for the bias, with y on the other side of 0 than f."""
    x = np.array([[t]], net.dtype)
    side = 1 if net.predict(x).item() >= 0 else -1
    return side * net.loss_and_gradient(x, np.array([[-side]], net.dtype), "absolute_error")[1][1]


def grid(dtype: Any) -> Any:
    """Numbers of every size, both signs: from the tiniest to (almost) the largest."""
    info = np.finfo(dtype)
    sizes = np.concatenate([np.geomspace(1e-30, 1e30, 61), [info.tiny, info.max / 4, info.max / 2]])
    near = np.array([0.1, 0.3, 0.6, 1.5, 5.0, 8.0, 15.0, 40.0, 88.0, 89.0, 104.0, 708.0, 746.0])
    values = np.concatenate([[0.0], sizes, near])
    return np.concatenate([values, -values]).astype(dtype)


@pytest.mark.parametrize("name", ref.ACTIVATIONS)
def test_value_and_pull_back_equal_the_reference(name: str, rng: np.random.Generator) -> None:
    layers = [ref.Layer(3, 5, name)]
    net = build(layers)
    net.theta[:] = rng.normal(size=20)
    x, y = 3 * rng.normal(size=(40, 3)), rng.normal(size=(40, 5))
    assert_close(net.predict(x), ref.forward(layers, net.theta, x)[1][-1])
    value, gradient = net.loss_and_gradient(x, y, "squared_error")
    expected = ref.loss_and_gradient(layers, net.theta, x, y, "squared_error")
    assert_close(value, expected[0])
    assert_close(gradient, expected[1])


@pytest.mark.parametrize(("name", "alpha"), [("leaky_relu", 0.3), ("elu", 0.5), ("elu", 2.0)])
def test_alpha_is_the_option_of_the_negative_side(name: str, alpha: float) -> None:
    x = np.array([[-2.0], [-0.5], [0.5], [2.0]])
    net = scalar(name, np.float64, alpha=alpha)
    assert_close(net.predict(x), ref.activate(name, x, alpha=alpha))
    for t in x.ravel():
        expected = ref.pull_back(name, np.array([t]), np.ones(1), alpha=alpha)
        assert_close(derivative(net, t), expected[0])


@pytest.mark.parametrize("name", list(LIMITS))
def test_values_and_derivatives_hold_over_the_whole_float_range(name: str, dtype: Any) -> None:
    net, t = scalar(name, dtype), grid(dtype)
    info = np.finfo(dtype)
    value, slope = net.predict(t[:, None])[:, 0], np.array([derivative(net, u) for u in t])
    with np.errstate(over="ignore", under="ignore"):
        wide = t.astype(float)
        expected, slopes = ref.activate(name, wide), ref.pull_back(name, wide, np.ones_like(wide))
    tolerance = 16 * info.eps
    np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(slope, slopes, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", list(LIMITS))
def test_far_out_the_value_is_the_limit(name: str, dtype: Any) -> None:
    net, far = scalar(name, dtype), np.finfo(dtype).max
    below, above = net.predict(np.array([[-far], [far]], dtype))[:, 0]
    low, high = LIMITS[name]
    low_slope, high_slope = SLOPES.get(name, (0, 1))
    eps = 4 * np.finfo(dtype).eps
    # selu times the largest float would overflow: there, infinity is the right answer.
    if name != "selu":
        np.testing.assert_allclose(above, high_slope * far if high is None else high, rtol=eps)
    np.testing.assert_allclose(below, -low_slope * far if low is None else low, rtol=eps)


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("sigmoid", lambda t: math.exp(t)),
        ("softplus", lambda t: math.exp(t)),
        ("silu", lambda t: t * math.exp(t)),
        ("gelu", lambda t: t * math.erfc(-t / math.sqrt(2)) / 2),
    ],
)
def test_small_tails_keep_their_relative_precision(name: str, exact: Any, dtype: Any) -> None:
    t = (
        np.array([-12.0, -11.0, -9.5], dtype)
        if name == "gelu"
        else np.array([-80, -60, -40], dtype)
    )
    expected = [exact(float(u)) for u in t]
    value = scalar(name, dtype).predict(t[:, None])[:, 0]
    np.testing.assert_allclose(value, expected, rtol=1e-4 if dtype is np.float32 else 1e-10)


@pytest.mark.parametrize("name", ["tanh", "elu", "selu", "softsign", "silu", "gelu"])
def test_values_near_zero_keep_their_relative_precision(name: str, dtype: Any) -> None:
    t = np.geomspace(1e-20, 1e-3, 18).astype(dtype) * np.array([1, -1], dtype).repeat(9)
    value = scalar(name, dtype).predict(t[:, None])[:, 0]
    expected = ref.activate(name, t.astype(float))
    np.testing.assert_allclose(value, expected, rtol=32 * np.finfo(dtype).eps)


def test_the_kinks_are_as_documented(dtype: Any) -> None:
    assert scalar("binary", dtype).predict(np.zeros((1, 1), dtype)) == 1
    assert derivative(scalar("relu", dtype), 0.0) == 0
    for t, slope in ((-3.0, 0), (3.0, 0), (2.999, 1 / 6), (-2.999, 1 / 6)):
        assert derivative(scalar("hard_sigmoid", dtype), t) == pytest.approx(slope)
    assert derivative(scalar("binary", dtype), 0.5) == 0


# ---- softmax ---------------------------------------------------------------------------------


def row_net(name: str, dtype: Any) -> nn.Network:
    """f(x) = g(x) for a row of four."""
    return nn.Sequential(
        nn.Input(4), nn.Dense(4, name, init=np.eye(4), bias=False), seed=0, dtype=dtype
    )


def test_softmax_rows_sum_to_one_however_large(dtype: Any, rng: np.random.Generator) -> None:
    scale = np.geomspace(1e-10, 1e30, 50)[:, None]
    p = row_net("softmax", dtype).predict((scale * rng.normal(size=(50, 4))).astype(dtype))
    assert np.all(p >= 0)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=8 * np.finfo(dtype).eps)


def test_softmax_of_opposite_extremes(dtype: Any) -> None:
    big = np.finfo(dtype).max
    rows = [[big, big, -big, -big], [-big, -big, -big, -big], [big, 0, 0, -big], [1e4, 0, 0, 0]]
    p = row_net("softmax", dtype).predict(np.array(rows, dtype))
    expected = [[0.5, 0.5, 0.0, 0.0], [0.25] * 4, [1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]
    np.testing.assert_allclose(p, expected, rtol=1e-6)


def test_log_softmax_stays_finite_where_softmax_is_zero(dtype: Any) -> None:
    rows = np.array([[1e4, 0, -1e4, 0], [500, -500, 0, 0]], dtype)
    log_p = row_net("log_softmax", dtype).predict(rows)
    assert_close(log_p, rows - rows.max(axis=1, keepdims=True), 1e-6)


def test_softmax_is_not_moved_by_a_constant(rng: np.random.Generator) -> None:
    x = rng.normal(size=(6, 4))
    net = row_net("softmax", np.float64)
    np.testing.assert_allclose(net.predict(x + 64), net.predict(x), rtol=1e-13)


def test_activations_are_equal_by_name_and_alpha() -> None:
    leaky = nn.Activation("leaky_relu", 0.2)
    assert leaky == nn.Activation("leaky_relu", 0.2)
    assert hash(leaky) == hash(nn.Activation("leaky_relu", 0.2))
    for other in (nn.Activation("leaky_relu"), nn.Activation("relu"), "leaky_relu", None):
        assert leaky != other
