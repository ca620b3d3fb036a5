"""The training doctor on signals that vanish or explode, and on networks written as formulas."""

import re
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from diagnosis_cases import BINARY, LABELS, X, Y, chain, kinds, only
from helpers import same_bits


def test_vanishing_gradients_are_found() -> None:
    net = chain([*[10] * 9, 1], "sigmoid", dtype=np.float64)
    found = only(nn.diagnose(net, X, Y, "mse"))
    assert found.kind == "vanishing_gradient"
    assert found.numbers["first"] < 1e-3 * found.numbers["last"]


def test_exploding_gradients_are_found() -> None:
    wide = nn.init.Normal(4 / np.sqrt(30))  # tanh units in the chaotic regime
    layers = [nn.Dense(30, "tanh", init=wide) for _ in range(25)]
    net = nn.Sequential(nn.Input(3), *layers, nn.Dense(1), dtype=np.float64)
    found = only(nn.diagnose(net, X, Y, "mse"))
    assert found.kind == "exploding_gradient"
    assert found.numbers["first"] > 1e3 * found.numbers["last"]


def deep(activation: str, init: Any) -> nn.Network:
    hidden = [nn.Dense(100, activation, init=init) for _ in range(20)]
    return nn.Sequential(nn.Input(3), *hidden, nn.Dense(1), dtype=np.float64)


@pytest.mark.parametrize(("activation", "cure"), [("relu", "he_normal"), ("tanh", "glorot_unif")])
def test_signals_that_vanish_forward_and_back_are_found(activation: str, cure: str) -> None:
    found = only(nn.diagnose(deep(activation, nn.init.Normal(0.05)), X, Y, "mse"))
    assert found.kind == "vanishing_signal"
    forward, backward = found.numbers["forward"], found.numbers["backward"]
    assert [*forward] == [*backward] == ["dense", *(f"dense_{k}" for k in range(1, 20))]
    assert forward["dense_19"] < 1e-3 * forward["dense"]
    assert backward["dense"] < 1e-3 * backward["dense_19"]
    assert "weights are too small" in found.sentence
    assert f'init="{cure}' in found.sentence


def test_the_numbers_of_a_signal_are_root_mean_squares() -> None:
    net = deep("relu", nn.init.Normal(0.05))
    values = net.activations(X)
    found = only(nn.diagnose(net, X, Y, "mse"))
    for node in ("dense", "dense_19"):
        rms = np.sqrt(np.mean(values[node] ** 2))
        assert found.numbers["forward"][node] == pytest.approx(rms, rel=1e-12)


def test_kinks_are_not_taken_for_curvature_where_signals_vanish() -> None:
    x, y = nn.datasets.circles(400)
    layers = [nn.Dense(64, "relu", init="normal") for _ in range(10)]
    net = nn.Sequential(nn.Input(2), *layers, nn.Dense(1, "sigmoid"))
    found = nn.diagnose(net, x, y, "binary_cross_entropy", optimizer=nn.SGD(0.1))
    assert kinds(found) == ["vanishing_signal"]
    assert found.curvature is None


def test_signals_that_explode_through_relus_are_found() -> None:
    found = only(nn.diagnose(deep("relu", nn.init.Normal(1.0)), X, Y, "mse"))
    assert found.kind == "exploding_signal"
    assert found.numbers["last"] > 1e3 * found.numbers["first"]
    assert "weights are too large" in found.sentence
    assert 'init="he_normal"' in found.sentence


def test_saturated_layers_are_one_finding() -> None:
    net = deep("tanh", nn.init.Normal(1.0))
    found = nn.diagnose(net, X, Y, "mse")
    assert sorted(kinds(found)) == ["exploding_gradient", "saturated"]
    saturated = next(f for f in found if f.kind == "saturated")
    assert len(saturated.numbers["layers"]) >= 18
    assert re.match(r'In \d+ layers \("dense', saturated.sentence)
    assert re.search(r"\d+% to \d+% of the outputs", saturated.sentence)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_deep_networks_with_default_weights_keep_their_signals(activation: str) -> None:
    for width in (30, 100):
        layers = [nn.Dense(width, activation) for _ in range(20)]
        net = nn.Sequential(nn.Input(3), *layers, nn.Dense(1))
        assert nn.diagnose(net, X, Y, "mse").ok


@pytest.mark.parametrize("normalization", [nn.BatchNorm, nn.LayerNorm])
def test_normalization_keeps_the_signal_of_small_weights(normalization: Any) -> None:
    layers: list[Any] = []
    for _ in range(10):
        layers += [nn.Dense(32, init=nn.init.Normal(0.01)), normalization(), nn.relu]
    net = nn.Sequential(nn.Input(3), *layers, nn.Dense(1))
    state = net.state.copy()
    assert nn.diagnose(net, X, Y, "mse").ok
    assert same_bits(net.state, state)


def test_residual_branches_that_begin_small_keep_the_signal() -> None:
    x = nn.Input(3)
    h = nn.Dense(32)(x)
    for _ in range(8):
        h = h + nn.Dense(32, init=nn.init.Normal(1e-4))(nn.Dense(32, "relu")(h))
    assert nn.diagnose(nn.Network(x, nn.Dense(1)(h)), X, Y, "mse").ok


def test_branches_are_not_compared_with_each_other() -> None:
    a, b = nn.Input(3, name="a"), nn.Input(3, name="b")
    u = nn.Dense(1, name="u")(nn.Dense(5, "relu", name="deep")(a))
    net = nn.Network([a, b], {"u": u, "v": nn.Dense(1, name="v")(b)})
    data = {"a": X * 1e3, "b": X * 1e-3}
    found = nn.diagnose(net, data, {"u": Y, "v": Y}, "mse")
    assert set(kinds(found)) == {"input_scale", "large_gradient"}


# ---- Formulas -----------------------------------------------------------------------------------


def formula(*matrices: Any, activation: Any = nn.tanh, output: Any = nn.sigmoid) -> nn.Network:
    """output(activation(... activation(x @ W0 + b0) ...) @ W_last)."""
    x = nn.Input(3, name="x")
    h: Any = x
    for k, W in enumerate(matrices[:-1]):
        bias = nn.Parameter(np.zeros((1, W.shape[1])), name=f"b{k}")
        h = activation(h @ nn.Parameter(W, name=f"W{k}") + bias)
    h = h @ nn.Parameter(matrices[-1], name="V")
    return nn.Network(x, output(h) if output else h, dtype=np.float64)


def test_equal_columns_of_a_parameter_are_found(rng: np.random.Generator) -> None:
    zeros = np.zeros((3, 5)), np.zeros((5, 1))
    found = only(nn.diagnose(formula(*zeros), X, BINARY, "mse"))
    assert (found.kind, found.node) == ("equal_units", "W0")
    assert found.numbers == {"units": 5}
    healthy = formula(rng.normal(size=(3, 5)), np.zeros((5, 2)), output=nn.softmax)
    assert nn.diagnose(healthy, X, LABELS, "cross_entropy").ok
    assert nn.diagnose(formula(np.zeros((3, 5)), rng.normal(size=(5, 1))), X, BINARY, "mse").ok


def test_equal_columns_with_different_biases_are_healthy(rng: np.random.Generator) -> None:
    net = formula(np.full((3, 5), 0.3), np.full((5, 1), 0.3))
    net.parameters["b0"][:] = rng.normal(size=(1, 5))
    assert nn.diagnose(net, X, BINARY, "mse").ok


def test_large_parameters_and_saturated_formulas_are_found(rng: np.random.Generator) -> None:
    net = formula(5e4 * rng.normal(size=(3, 5)), rng.normal(size=(5, 1)))
    nodes = {finding.kind: finding.node for finding in nn.diagnose(net, X, BINARY, "mse")}
    assert nodes == {"large_weights": "W0", "saturated": "tanh"}


def test_signals_that_vanish_in_a_formula_are_found(rng: np.random.Generator) -> None:
    matrices = [0.02 * rng.normal(size=(3 if k == 0 else 40, 40)) for k in range(8)]
    last = rng.normal(size=(40, 1))
    found = only(nn.diagnose(formula(*matrices, last, activation=nn.relu), X, BINARY, "mse"))
    assert found.kind == "vanishing_signal"
    assert 'init="he_normal"' in found.sentence


def test_steps_of_adam_that_wipe_out_a_parameter_are_found(rng: np.random.Generator) -> None:
    net = formula(0.5 * rng.normal(size=(3, 5)), rng.normal(size=(5, 1)))
    found = only(nn.diagnose(net, X, BINARY, "mse", optimizer=nn.Adam(5.0)))
    assert (found.kind, found.node) == ("learning_rate", "W0")
