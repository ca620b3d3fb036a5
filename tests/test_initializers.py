"""Initial weights: their distribution by name, the default by activation, arrays of one's own."""

import math
from typing import Any

import numpy as np
import pytest

import nnbind as nn

INPUTS, UNITS = 300, 500
VARIANCE = {
    "lecun": 1 / INPUTS,
    "glorot": 2 / (INPUTS + UNITS),
    "he": 2 / INPUTS,
}


def weights(init: Any, activation: str = "identity", seed: int = 0) -> Any:
    dense = nn.Dense(UNITS, activation, init=init)
    net = nn.Sequential(nn.Input(INPUTS), dense, seed=seed, dtype=np.float64)
    np.testing.assert_array_equal(net.layers[0].bias, 0)
    return net.layers[0].weights.copy()


def assert_moments(w: Any, variance: float, mean: float = 0.0) -> None:
    """Mean and variance within 5 standard deviations of their estimates, in all and by column."""
    n = w.size
    assert abs(w.mean() - mean) < 5 * math.sqrt(variance / n)
    assert abs(w.var() / variance - 1) < 5 * math.sqrt(2 / n)
    rows = w.shape[0]
    assert np.all(abs(w.mean(axis=0) - mean) < 5 * math.sqrt(variance / rows))


@pytest.mark.parametrize("family", list(VARIANCE))
def test_normal_initializers(family: str) -> None:
    w, variance = weights(f"{family}_normal"), VARIANCE[family]
    assert_moments(w, variance)
    z = w / math.sqrt(variance)
    for bound, share in ((1, 0.682689), (2, 0.954500), (3, 0.997300)):
        inside = np.mean(np.abs(z) < bound)
        assert abs(inside - share) < 5 * math.sqrt(share * (1 - share) / z.size)
    assert 4 < np.abs(z).max() < 6.5  # the tails are not cut


@pytest.mark.parametrize("family", list(VARIANCE))
def test_uniform_initializers(family: str) -> None:
    w, variance = weights(f"{family}_uniform"), VARIANCE[family]
    bound = math.sqrt(3 * variance)
    assert_moments(w, variance)
    assert 0.999 * bound < np.abs(w).max() <= bound
    counts, _ = np.histogram(w, bins=20, range=(-bound, bound))
    expected = w.size / 20
    assert ((counts - expected) ** 2 / expected).sum() < 55  # chi^2, 19 degrees of freedom


def test_draws_do_not_follow_one_another() -> None:
    w = weights("normal").ravel()
    for lag in (1, 2, 3, 4, UNITS):
        correlation = np.corrcoef(w[:-lag], w[lag:])[0, 1]
        assert abs(correlation) < 5 / math.sqrt(w.size)


@pytest.mark.parametrize(
    ("name", "instance"),
    [
        ("zeros", nn.init.Zeros()),
        ("normal", nn.init.Normal(std=0.05, mean=0)),
        ("uniform", nn.init.Uniform(low=-0.05, high=0.05)),
        ("lecun_normal", nn.init.LeCunNormal()),
        ("lecun_uniform", nn.init.LeCunUniform()),
        ("glorot_normal", nn.init.GlorotNormal()),
        ("glorot_uniform", nn.init.GlorotUniform()),
        ("he_normal", nn.init.HeNormal()),
        ("he_uniform", nn.init.HeUniform()),
    ],
)
def test_a_name_stands_for_the_object(name: str, instance: Any) -> None:
    np.testing.assert_array_equal(weights(name), weights(instance))


def test_options_of_the_plain_initializers() -> None:
    assert np.all(weights(nn.init.Constant(0.25)) == 0.25)
    assert np.all(weights("zeros") == 0)
    assert_moments(weights(nn.init.Normal(std=0.2, mean=1.5)), 0.04, mean=1.5)
    w = weights(nn.init.Uniform(low=1, high=3))
    assert_moments(w, 4 / 12, mean=2)
    assert w.min() >= 1
    assert w.max() <= 3


@pytest.mark.parametrize(
    ("activation", "default"),
    [
        *[(a, "he_normal") for a in ("relu", "leaky_relu", "elu", "gelu", "silu", "softplus")],
        ("selu", "lecun_normal"),
        *[
            (a, "glorot_uniform")
            for a in ("identity", "binary", "sigmoid", "tanh", "softsign", "hard_sigmoid")
        ],
        ("softmax", "glorot_uniform"),
        ("log_softmax", "glorot_uniform"),
    ],
)
def test_the_default_follows_the_activation(activation: str, default: str) -> None:
    np.testing.assert_array_equal(weights(None, activation), weights(default, activation))


def test_each_layer_draws_numbers_of_its_own() -> None:
    dense = [nn.Dense(8, init="normal"), nn.Dense(8, init="normal")]
    first, second = nn.Sequential(nn.Input(8), *dense).layers
    assert not np.intersect1d(first.weights, second.weights).size


# ---- an array of one's own -------------------------------------------------------------------


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_gives_the_weights(order: Any, dtype: Any, rng: np.random.Generator) -> None:
    w = np.asarray(rng.normal(size=(3, 2)), order=order)
    (layer,) = nn.Sequential(nn.Input(3), nn.Dense(2, init=w), dtype=dtype).layers
    np.testing.assert_array_equal(layer.weights, w.astype(dtype))
    np.testing.assert_array_equal(layer.bias, 0)
    assert not np.shares_memory(layer.weights, w)


def test_one_more_row_gives_the_bias(rng: np.random.Generator) -> None:
    block = rng.normal(size=(4, 2))
    net = nn.Sequential(nn.Input(3), nn.Dense(2, init=block), dtype=np.float64)
    np.testing.assert_array_equal(net.theta, block.ravel())


def test_whole_numbers_are_taken_too() -> None:
    net = nn.Sequential(nn.Input(2), nn.Dense(2, init=np.eye(2, dtype=int)), dtype=np.float64)
    np.testing.assert_array_equal(net.layers[0].weights, np.eye(2))


@pytest.mark.parametrize("shape", [(2, 3), (5, 2), (3, 3), (6,), (1, 3, 2), ()])
def test_an_array_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(nn.ShapeError, match=r"init|weights"):
        nn.Sequential(nn.Input(3), nn.Dense(2, init=np.ones(shape)))


def test_a_layer_without_bias_takes_no_row_for_it() -> None:
    with pytest.raises(nn.ShapeError):
        nn.Sequential(nn.Input(3), nn.Dense(2, init=np.ones((4, 2)), bias=False))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_must_be_finite(bad: float) -> None:
    with pytest.raises(ValueError, match=r"NaN|inf"):
        nn.Sequential(nn.Input(1), nn.Dense(1, init=np.array([[bad]])))


@pytest.mark.parametrize("init", [nn.init.Constant(1e300), nn.init.Normal(1e300), [[1e300]]])
def test_weights_must_be_finite_in_float32_too(init: Any) -> None:
    x = nn.Input(1)
    for y in (nn.Dense(1, init=init, name="y")(x), nn.matmul(x, nn.Parameter((1, 1), init, "y"))):
        assert np.isfinite(nn.Network(x, y, dtype=np.float64).theta).all()
        with pytest.raises(ValueError, match='weights of "y" are larger than a float32 can be'):
            nn.Network(x, y)


@pytest.mark.parametrize("init", [np.ones((3, 2), complex), np.full((3, 2), "a")])
def test_an_array_of_another_kind_is_refused(init: Any) -> None:
    with pytest.raises(TypeError):
        nn.Sequential(nn.Input(3), nn.Dense(2, init=init))


def test_an_unknown_name_lists_the_allowed_ones() -> None:
    with pytest.raises(ValueError, match=r"'?xavier'?.*glorot_uniform"):
        nn.Sequential(nn.Input(3), nn.Dense(2, init="xavier"))
