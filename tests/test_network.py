"""What a network is: its layers, its one vector theta, its copies and its seeds."""

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nnbind as nn
import reference as ref
from helpers import MIXED, build, fit, same_bits


def test_parameters_are_counted_layer_by_layer() -> None:
    net = nn.mlp(8, [9, 9, 9], 4)
    assert [layer.parameter_count for layer in net.layers] == [81, 90, 90, 40]
    assert net.parameter_count == net.theta.size == 301
    assert (net.inputs, net.outputs) == (8, 4)


def test_summary_names_every_layer_and_ends_with_the_total() -> None:
    net = nn.Sequential(nn.Input(8), nn.Dense(9, "tanh", name="first"), nn.Dense(4, name="last"))
    text = net.summary()
    for word in ("first", "last", "tanh", "81", "40"):
        assert word in text
    assert text.rstrip().endswith("total parameters: 121")


def test_layers_say_what_they_are() -> None:
    net = nn.Sequential(nn.Input(3), nn.Dense(2, "relu", name="hidden"), nn.Dense(1, bias=False))
    hidden, output = net.layers
    assert (hidden.name, hidden.inputs, hidden.units) == ("hidden", 3, 2)
    assert str(hidden.activation) == "relu"
    assert hidden.weights.shape == (3, 2)
    assert hidden.bias is not None
    assert hidden.bias.shape == (2,)
    assert output.bias is None
    assert output.parameter_count == 2
    assert net.parameter_count == 3 * 2 + 2 + 2


def test_unnamed_layers_get_names_of_their_own() -> None:
    names = [layer.name for layer in nn.mlp(2, [3, 3, 3], 1).layers]
    assert len(set(names)) == 4


def test_mlp_is_the_sequential_of_its_dense_layers(dtype: Any) -> None:
    mlp = nn.mlp(3, [5, 4], 2, activation="tanh", output="softmax", seed=7, dtype=dtype)
    dense = [nn.Dense(5, "tanh"), nn.Dense(4, "tanh"), nn.Dense(2, "softmax")]
    sequential = nn.Sequential(nn.Input(3), *dense, seed=7, dtype=dtype)
    x = np.ones((2, 3), dtype)
    assert same_bits(mlp.theta, sequential.theta)
    assert same_bits(mlp.predict(x), sequential.predict(x))


def test_the_default_dtype_is_float32() -> None:
    net = nn.mlp(2, [], 1)
    assert net.dtype == np.float32
    assert net.theta.dtype == net.predict(np.ones((1, 2), np.float32)).dtype == np.float32


# ---- theta and its views ---------------------------------------------------------------------


def test_theta_holds_each_layer_as_weights_row_by_row_then_bias(dtype: Any) -> None:
    net = build(MIXED, dtype)
    net.theta[:] = np.arange(net.theta.size)
    for layer, k, block in zip(net.layers, MIXED, ref.blocks(MIXED, net.theta), strict=True):
        np.testing.assert_array_equal(layer.weights, block[: k.inputs])
        if k.bias:
            np.testing.assert_array_equal(layer.bias, block[-1])


def test_theta_and_layer_arrays_are_views_not_copies(dtype: Any) -> None:
    net = nn.mlp(3, [4], 2, dtype=dtype)
    assert net.theta.ndim == net.gradient.ndim == 1
    assert net.theta.flags.c_contiguous
    assert net.gradient.shape == net.theta.shape
    assert np.shares_memory(net.theta, net.theta)
    assert not np.shares_memory(net.theta, net.gradient)
    for layer in net.layers:
        assert np.shares_memory(layer.weights, net.theta)
        assert np.shares_memory(layer.bias, net.theta)
        assert layer.weights.flags.writeable


def test_writing_theta_changes_predictions(dtype: Any) -> None:
    net = nn.mlp(2, [], 1, dtype=dtype)
    net.theta[:] = [2, 3, 4]
    assert net.predict(np.array([[10, 100]], dtype)) == [[20 + 300 + 4]]
    layer = net.layers[0]
    assert layer.bias is not None
    layer.bias[:] = 5
    layer.weights[0, 0] = 1
    assert net.predict(np.array([[10, 100]], dtype)) == [[10 + 300 + 5]]


def test_views_see_each_training_step(rng: np.random.Generator) -> None:
    net = nn.mlp(3, [4], 1, dtype=np.float64)
    theta, weights = net.theta, net.layers[1].weights
    before, old = theta.copy(), weights.copy()
    net.train_step(rng.normal(size=(5, 3)), np.ones((5, 1)), loss="mse", optimizer=nn.SGD(0.1))
    assert not np.array_equal(theta, before)
    assert not np.array_equal(weights, old)
    assert same_bits(theta, net.theta)


def test_views_keep_the_network_alive() -> None:
    views: list[Any] = [
        nn.mlp(50, [60], 1, seed=1).theta,
        nn.mlp(50, [60], 1, seed=1).layers[0].weights,
        nn.mlp(50, [60], 1, seed=1).layers[0].bias,
        nn.mlp(50, [60], 1, seed=1).gradient,
    ]
    expected = [view.copy() for view in views]
    gc.collect()
    for _ in range(20):  # would take freed memory over
        nn.mlp(50, [60], 1, seed=2).theta[:] = 1e30
    for view, value in zip(views, expected, strict=True):
        np.testing.assert_array_equal(view, value)


def test_a_network_that_holds_its_layers_is_freed() -> None:
    net = nn.mlp(3, [4], 1)
    net.first = net.layers[0]  # type: ignore[attr-defined]
    alive = weakref.ref(net)
    del net
    gc.collect()
    assert alive() is None


class Hasty(nn.Sequential):
    """A network that looks at itself too early."""

    def __init__(self) -> None:
        self.count = self.parameter_count
        super().__init__(nn.Input(3), nn.Dense(1))


BARE = nn.Network.__new__(nn.Network)
X = np.ones((2, 3), np.float32)


@pytest.mark.parametrize(
    "use",
    [
        Hasty,
        lambda: BARE.theta,
        lambda: BARE.predict(X),
        lambda: BARE.predict([[1, 2, 3]]),
        lambda: fit(BARE, X, X, loss="mse", epochs=1),
        lambda: BARE.copy(),
        lambda: nn.Layer.__new__(nn.Layer).name,
        lambda: repr(nn.Layer.__new__(nn.Layer)),
        lambda: nn.History.__new__(nn.History).loss,
        lambda: nn.Activation.__new__(nn.Activation).name,
        lambda: nn.tanh(nn.Dense(1, nn.Activation.__new__(nn.Activation))(nn.Input(3))),
        lambda: nn.Dense(1, init=nn.init.Initializer.__new__(nn.init.Initializer)),
        lambda: nn.schedules.Schedule.__new__(nn.schedules.Schedule).rate(0),
    ],
)
def test_what_is_not_initialized_is_refused(use: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match=r"not been initialized; call super\(\).__init__\(\) first"):
        use()


def test_a_network_is_not_made_twice() -> None:
    first = nn.Sequential(nn.Input(3), nn.Dense(2))
    a = nn.Input(5)
    for net in (first, first.copy(), first.astype(np.float64), pickle.loads(pickle.dumps(first))):
        theta, text, nodes = net.theta.copy(), repr(net), net.nodes
        with pytest.raises(RuntimeError, match=r"\[Network\] this network is made already"):
            nn.Network.__init__(net, a, nn.Dense(4)(a))
        assert (repr(net), net.nodes) == (text, nodes)
        assert same_bits(net.theta, theta)
    with pytest.raises(RuntimeError, match=r"\[Network\] this network is made already"):
        nn.Sequential.__init__(first, a, nn.Dense(4))


@pytest.mark.parametrize("values", [np.zeros(5), np.zeros((21, 1)), 1.0])
def test_a_theta_of_another_shape_is_refused(values: Any) -> None:
    net = nn.mlp(3, [4], 1)
    before = net.theta.copy()
    with pytest.raises(nn.ShapeError, match=r"\[Network\.theta\] theta has .*expected \(21,\)"):
        net.theta = values
    assert same_bits(net.theta, before)


@pytest.mark.parametrize("value", [1e300, np.inf, np.nan])
def test_a_theta_that_is_not_finite_is_refused(value: float) -> None:
    net = nn.mlp(2, [3], 1)
    before = net.theta.copy()
    with pytest.raises(ValueError, match=r"\[Network.theta\] theta has a NaN or an infinity"):
        net.theta = np.full(net.parameter_count, value)
    assert same_bits(net.theta, before)


def test_theta_may_be_set_from_its_own_view() -> None:
    net = nn.mlp(3, [4], 1)
    expected = net.theta[::-1].copy()
    net.theta = net.theta[::-1]
    assert same_bits(net.theta, expected)


def test_gradient_shows_the_last_gradient(rng: np.random.Generator) -> None:
    net = nn.mlp(3, [4], 1, dtype=np.float64)
    _, gradient = net.loss_and_gradient(rng.normal(size=(5, 3)), np.ones((5, 1)), "mse")
    np.testing.assert_array_equal(net.gradient, gradient)
    assert not np.shares_memory(net.gradient, gradient)


# ---- copies, seeds ---------------------------------------------------------------------------


def test_a_copy_is_equal_and_independent(rng: np.random.Generator, dtype: Any) -> None:
    net = nn.mlp(3, [4], 2, seed=3, dtype=dtype)
    x, y = rng.normal(size=(9, 3)).astype(dtype), rng.normal(size=(9, 2)).astype(dtype)
    fit(net, x, y, loss="mse", epochs=2)
    twin = net.copy()
    assert same_bits(twin.theta, net.theta)
    assert same_bits(twin.predict(x), net.predict(x))
    assert twin.seed == net.seed
    before = net.theta.copy()
    fit(twin, x, y, loss="mse", epochs=2)
    assert same_bits(net.theta, before)
    assert not same_bits(net.theta, twin.theta)


class Named(nn.Sequential):
    """A class of the user's own, whose constructor sets what its methods need."""

    def __init__(self, words: list[str]) -> None:
        super().__init__(nn.Input(2), nn.Dense(len(words)))
        self.words = words


@pytest.mark.parametrize(
    "copied", [nn.Network.copy, copy.copy, copy.deepcopy, lambda net: net.astype(np.float64)]
)
def test_a_copy_is_of_the_same_class_with_its_attributes(copied: Callable[[Any], Any]) -> None:
    net = Named(["yes", "no"])
    fit(net, np.zeros((3, 2)), np.ones((3, 2)), loss="mse", epochs=1)
    twin = copied(net)
    assert type(twin) is Named
    assert twin.words == net.words
    assert twin.history is not None
    assert net.history is not None
    assert twin.history.loss == net.history.loss
    assert twin._training is None  # the fit is the first network's: its optimizer trains that alone


def test_a_network_of_another_dtype_goes_on_as_the_first_would(rng: np.random.Generator) -> None:
    net = nn.mlp(3, [20], 1, dropout=0.5, dtype=np.float64)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=(30, 1))
    fit(net, x, y, loss="mse", epochs=3, batch_size=7)
    twins = [net.astype(np.float64), net.astype(np.float32).astype(np.float64)]
    for twin in twins:
        losses = [n.loss_and_gradient(x, y, "mse", training=True)[0] for n in (net, twin)]
        assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    for n in (net, twins[0]):
        fit(n, x, y, loss="mse", epochs=2, batch_size=7)
    assert same_bits(net.theta, twins[0].theta)


def test_another_dtype_takes_over_numbers_that_are_not_finite() -> None:
    net = nn.Sequential(nn.Input(2), nn.BatchNorm(), dtype=np.float64)
    net.theta[0], net.state[0] = 1e300, np.nan
    twin = net.astype(np.float32)
    assert (np.isposinf(twin.theta[0]), np.isnan(twin.state[0])) == (True, True)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ([np.nan, 0, 1, 1], "has a NaN or an infinity"),
        ([0, 0, 1, np.inf], "has a NaN or an infinity"),
        ([0, 0, 1, -0.1], "has a variance below 0"),
    ],
)
def test_a_state_that_is_none_is_refused(state: Any, message: str) -> None:
    net = nn.Sequential(nn.Input(2), nn.BatchNorm(name="norm"))
    with pytest.raises(ValueError, match=rf'^\[Network\.state\] state of "norm" {message}'):
        net.state = state
    np.testing.assert_array_equal(net.state, [0, 0, 1, 1])
    net.state = np.array([-3, 0, 0, 2])
    np.testing.assert_array_equal(net.state, [-3, 0, 0, 2])


def test_the_same_seed_gives_the_same_theta(dtype: Any) -> None:
    first, same, other = (nn.mlp(4, [5], 2, seed=s, dtype=dtype) for s in (11, 11, 12))
    assert first.seed == 11
    assert same_bits(first.theta, same.theta)
    assert not same_bits(first.theta, other.theta)


@pytest.mark.parametrize("init", ["normal", "he_normal", "glorot_uniform", "lecun_uniform"])
def test_float32_parameters_are_the_rounded_float64_ones(init: str) -> None:
    def theta(dtype: Any) -> Any:
        dense = [nn.Dense(33, "tanh", init=init), nn.Dense(7, init=init)]
        return nn.Sequential(nn.Input(21), *dense, seed=5, dtype=dtype).theta

    np.testing.assert_array_equal(theta(np.float32), theta(np.float64).astype(np.float32))


def test_reset_returns_to_the_parameters_of_the_seed(rng: np.random.Generator) -> None:
    net = nn.mlp(3, [4], 1, seed=9, dtype=np.float64)
    first = net.theta.copy()
    fit(net, rng.normal(size=(6, 3)), rng.normal(size=(6, 1)), loss="mse", epochs=3)
    assert not same_bits(net.theta, first)
    net.reset()
    assert same_bits(net.theta, first)


def test_predictions_own_their_memory(rng: np.random.Generator) -> None:
    net = nn.mlp(3, [4], 2, dtype=np.float64)
    x = rng.normal(size=(5, 3))
    first = net.predict(x)
    kept = first.copy()
    net.predict(x + 1)
    np.testing.assert_array_equal(first, kept)
    assert not np.shares_memory(first, net.theta)


def test_predict_into_an_array_of_the_callers(rng: np.random.Generator, dtype: Any) -> None:
    net = nn.mlp(3, [4], 2, dtype=dtype)
    x, out = rng.normal(size=(5, 3)).astype(dtype), np.empty((5, 2), dtype)
    assert net.predict(x, out=out) is out
    assert same_bits(out, net.predict(x))


def test_predicting_no_rows_gives_no_rows() -> None:
    assert nn.mlp(3, [4], 2).predict(np.empty((0, 3), np.float32)).shape == (0, 2)
