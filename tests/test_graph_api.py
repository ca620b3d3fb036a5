"""Formulas of nodes: how they are written, named and refused, and the networks made of them."""

import copy
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import assert_close, fit, same_bits


def sources() -> tuple[nn.Node, nn.Node]:
    return nn.Input(2, name="x"), nn.Input(3, name="z")


# ---- the two examples with which it all began ------------------------------------------------


def test_a_skip_connection_is_written_as_it_is_drawn() -> None:
    x = nn.Input(2, name="x")
    h = nn.Dense(16, "tanh")(x)
    y = nn.Dense(1, "sigmoid")(nn.concatenate([x, h]))
    net = nn.Network(x, y)
    hidden, output = net.layers
    X = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    values = np.tanh(X @ hidden.weights + hidden.bias)
    t = np.hstack([X, values]) @ output.weights + output.bias
    assert_close(net.predict(X), 1 / (1 + np.exp(-t)), 1e-6)


def test_a_neuron_is_written_as_its_formula() -> None:
    x, y = nn.Input(1, name="x"), nn.Input(1, name="y")
    w1, w2, b = nn.Parameter(0.5), nn.Parameter(-2.0), nn.Parameter(0.25)
    z = nn.sigmoid(w1 * x + w2 * y + b)
    net = nn.Network([x, y], z, dtype=np.float64)
    np.testing.assert_array_equal(net.theta, [0.5, -2.0, 0.25])
    given = {"x": np.array([[3.0], [1.0]]), "y": np.array([[1.0], [-1.0]])}
    t = 0.5 * given["x"] - 2.0 * given["y"] + 0.25
    assert_close(net.predict(given), 1 / (1 + np.exp(-t)))


# ---- nodes -----------------------------------------------------------------------------------


def test_a_node_knows_its_name_shape_and_inputs() -> None:
    x, _ = sources()
    h = nn.Dense(4, name="h")(x)
    fixed = nn.Parameter((2, 3), "zeros") + 1
    assert (x.name, x.shape, x.inputs) == ("x", (None, 2), ())
    assert (h.name, h.shape, h.inputs) == ("h", (None, 4), (x,))
    assert (fixed.name, fixed.shape, fixed.kind) == (None, (2, 3), "add")
    assert repr(h) == "<Node h (n, 4)>"
    assert repr(fixed) == "<Node add(parameter, constant) (2, 3)>"


def test_a_node_cannot_be_changed() -> None:
    x, _ = sources()
    for name in ("name", "shape", "inputs", "operator", "anything"):
        with pytest.raises(AttributeError):
            setattr(x, name, None)


THREE: Any = 3
ARRAY: Any = np.ones((4, 2))
DENSE: Any = nn.Dense
REFUSED: list[tuple[Callable[[Any, Any], Any], type[Exception], str]] = [
    (lambda x, z: x + z, nn.ShapeError, r'\[add\] "x" \(n, 2\), "z" \(n, 3\)'),
    (lambda x, z: x * np.ones(4), nn.ShapeError, r'"x" \(n, 2\), "constant" \(1, 4\)'),
    (lambda x, z: x * np.ones((5, 2)), nn.ShapeError, r'"constant" \(5, 2\)'),
    (lambda x, z: x @ nn.Parameter((3, 2)), nn.ShapeError, r'"x" \(n, 2\), "parameter" \(3, 2\)'),
    (lambda x, z: x @ nn.tanh(z), nn.ShapeError, r'"x" \(n, 2\), "tanh\(z\)" \(n, 3\)'),
    (lambda x, z: nn.concatenate([x, nn.Constant([1.0])]), nn.ShapeError, "concatenate"),
    (lambda x, z: nn.concatenate([x]), nn.ShapeError, "2 to 16"),
    (lambda x, z: nn.concatenate(x), TypeError, "list"),
    (lambda x, z: x + "a", TypeError, "real numbers"),
    (lambda x, z: x + None, TypeError, "real numbers"),
    (lambda x, z: x * np.ones(2, complex), TypeError, "complex128"),
    (lambda x, z: x * np.ones((1, 1, 2)), nn.ShapeError, r"\(1, 1, 2\)"),
    (lambda x, z: x * np.ma.masked_less(np.ones(2), 2), TypeError, "masked"),
    (lambda x, z: x + np.nan, ValueError, "NaN"),
    (lambda x, z: [x] * x, TypeError, "has no array"),
    (lambda x, z: nn.add(1, 2), TypeError, r"\[add\] got int, int; expected a node"),
    (lambda x, z: nn.tanh(np.ones(3)), TypeError, "ndarray"),
    (lambda x, z: nn.Dense(3)(ARRAY), TypeError, "ndarray"),
    (lambda x, z: np.exp(x), TypeError, r'"x" is a formula.*exp .*expected nn\.exp$'),
    (lambda x, z: np.asarray(x), TypeError, "formula"),
    (lambda x, z: bool(x), TypeError, "truth value"),
    (lambda x, z: 0 < x < 1, TypeError, "order"),
    (lambda x, z: list(x), TypeError, "iterate"),
    (lambda x, z: x[0], TypeError, r"x\[:, 2:5\]"),
    (lambda x, z: x[:, "a"], TypeError, "columns"),
    (lambda x, z: x[1:, :], TypeError, "columns"),
    (lambda x, z: z[:, ::2], ValueError, "steps of 1"),
    (lambda x, z: z[:, ::-1], ValueError, "steps of 1"),
    (lambda x, z: z[:, 3:], ValueError, '"z" of 3 columns.*at least one'),
    (lambda x, z: z[:, 3], IndexError, "no column 3"),
    (lambda x, z: z[:, -4], IndexError, "no column -4"),
    (lambda x, z: nn.Input(2, name=THREE), TypeError, "name"),
    (lambda x, z: nn.Input(2, name=""), TypeError, "name"),
    (lambda x, z: nn.Parameter((3,)), nn.ShapeError, r"\(3,\); expected \(rows, columns\)"),
    (lambda x, z: nn.Parameter((3, 0)), ValueError, "shape"),
    (lambda x, z: nn.Parameter((3, 2.5)), TypeError, "shape"),
    (lambda x, z: nn.Parameter((3, 2), np.ones((2, 3))), nn.ShapeError, r"\(3, 2\)"),
    (lambda x, z: nn.Parameter(1.0, "zeros"), ValueError, "init"),
    (lambda x, z: nn.Parameter("zeros"), TypeError, "real numbers"),
    (lambda x, z: nn.Parameter([np.inf]), ValueError, "infinity"),
    (lambda x, z: nn.Dropout(1.0), ValueError, "rate"),
    (lambda x, z: nn.BatchNorm(momentum=2.0), ValueError, "momentum"),
    (lambda x, z: nn.BatchNorm(epsilon=0.0), ValueError, "epsilon"),
    (lambda x, z: nn.LayerNorm(epsilon=-1.0), ValueError, "epsilon"),
    (lambda x, z: x ** np.nan, ValueError, "exponent"),
]  # fmt: skip


@pytest.mark.parametrize(("write", "error", "message"), REFUSED)
def test_what_is_no_formula_is_refused_where_it_is_written(
    write: Callable[[Any, Any], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        write(*sources())


# ---- networks --------------------------------------------------------------------------------

BAD_NETWORKS: list[tuple[Callable[[Any, Any], Any], type[Exception], str]] = [
    (lambda x, z: nn.Network(x, nn.tanh(x + z[:, :2])), ValueError, 'need the input "z"'),
    (lambda x, z: nn.Network([x, z], nn.tanh(x)), ValueError, 'do not need the input "z"'),
    (lambda x, z: nn.Network([x, x], nn.tanh(x)), ValueError, "twice"),
    (lambda x, z: nn.Network(x, x), ValueError, 'output "x" is an input'),
    (lambda x, z: nn.Network(x, [nn.tanh(x)] * 2), ValueError, "output is there twice"),
    (lambda x, z: nn.Network(x, []), ValueError, "no output"),
    (lambda x, z: nn.Network([], nn.Parameter(1.0) * 2), ValueError, "input"),
    (lambda x, z: nn.Network(x, [nn.tanh(x), nn.Parameter(1.0) * 2]), ValueError, r"\(1, 1\)"),
    (lambda x, z: nn.Network(nn.tanh(x), nn.tanh(nn.tanh(x))), TypeError, "expected nn.Input"),
    (lambda x, z: nn.Network(x, THREE), TypeError, "output 3 is no node"),
    (lambda x, z: nn.Network(x, [THREE]), TypeError, "no node"),
    (lambda x, z: nn.Network(x, nn.Dropout(0.5)(x)), ValueError, "dropout"),
    (lambda x, z: nn.Network(x, nn.Dense(1, name="x")(x)), ValueError, 'two nodes are named "x"'),
    (lambda x, z: nn.Network(x, nn.tanh(x), dtype=int), TypeError, "float32 or float64"),
    (lambda x, z: nn.Network(x, nn.tanh(x), seed=-1), ValueError, "seed"),
    (lambda x, z: nn.Sequential(x, lambda node: THREE), TypeError, "no layer"),
    (lambda x, z: nn.Sequential(x, DENSE), TypeError, "no layer"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "error", "message"), BAD_NETWORKS)
def test_impossible_networks_are_refused(
    make: Callable[[Any, Any], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(*sources())


@pytest.mark.parametrize("layer", [nn.Dense(4), nn.BatchNorm(name="it"), nn.LayerNorm()])
def test_a_layer_keeps_to_the_width_of_its_first_call(layer: Any) -> None:
    x, z = sources()
    layer(x)
    words = '"it"' if layer.name else re.escape(repr(layer))
    message = rf'{words} was called on "x" \(n, 2\) before, now on "z" \(n, 3\)'
    with pytest.raises(nn.ShapeError, match=message):
        layer(z)
    layer(nn.tanh(x))


def test_what_has_no_parameters_takes_any_width() -> None:
    x, z = sources()
    dropout = nn.Dropout(0.5)
    assert (dropout(x).shape, dropout(z).shape) == ((None, 2), (None, 3))


def test_arrays_come_to_the_node_from_the_left(rng: np.random.Generator) -> None:
    x, _ = sources()
    a, w = np.array([[2.0, 3.0]]), rng.normal(size=(3, 2))
    y = nn.concatenate([a + x, a - x, a * x, a / x, a**x, np.float64(2) * x])
    values = rng.uniform(1, 2, size=(5, 2))
    expected = [a + values, a - values, a * values, a / values, a**values, 2 * values]
    net = nn.Network(x, y, dtype=np.float64)
    assert_close(net.predict(values), np.hstack(expected), 1e-12)
    fixed = nn.Network(x, x @ (w.T @ nn.Parameter(w)), dtype=np.float64)
    assert_close(fixed.predict(values), values @ (w.T @ w), 1e-12)


def test_names_are_given_or_made_up_in_order() -> None:
    x = nn.Input(2)
    first, second = nn.Dense(3)(x), nn.Dense(3, name="dense")(x)
    net = nn.Network(x, {"answer": nn.tanh(first + second)})
    assert net.input_names == ["input"]
    assert net.output_names == ["answer"]
    assert list(net.parameters) == ["dense_1", "dense"]
    assert net.node("dense") is second
    assert net.node("dense_1") is first
    assert net.node("answer") is net.nodes[-1]
    with pytest.raises(ValueError, match=r"no node 'tanh'.*answer"):
        net.node("tanh")


def test_the_layer_index_is_the_longest_path_from_an_input() -> None:
    x, _ = sources()
    w = nn.Parameter((2, 2)) * 2
    h = nn.tanh(x)
    y = nn.Dense(2, name="y")(nn.tanh(h) @ w + x)
    net = nn.Network(x, y)
    assert [net.layer_index(node) for node in (x, h, y, w)] == [0, 1, 5, 0]
    assert net.layer_index("y") == 5
    with pytest.raises(ValueError, match=r"no node <Node y .* in it, but in another network"):
        net.layer_index(nn.tanh(x, name="y"))


def test_each_network_of_a_node_has_a_theta_of_its_own() -> None:
    x, _ = sources()
    h = nn.Dense(3, "tanh")(x)
    whole, part = nn.Network(x, nn.Dense(1)(h), seed=1), nn.Network(x, h, seed=1)
    np.testing.assert_array_equal(whole.theta[:9], part.theta)
    part.theta[:] = 0
    assert np.any(whole.theta[:9] != 0)


def test_parameters_are_views_by_name(dtype: Any) -> None:
    x, _ = sources()
    w = nn.Parameter([[1.0, 2.0], [3.0, 4.0]], name="w")
    y = nn.Dense(3, name="y")(nn.BatchNorm(name="norm")(x @ w))
    net = nn.Network(x, y, dtype=dtype)
    blocks = net.parameters
    assert {name: block.shape for name, block in blocks.items()} == {
        "w": (2, 2), "norm": (2, 2), "y": (3, 3),
    }  # fmt: skip
    np.testing.assert_array_equal(blocks["w"], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(blocks["norm"], [[1, 1], [0, 0]])
    np.testing.assert_array_equal(net.state, [0, 0, 1, 1])
    assert same_bits(np.concatenate([block.ravel() for block in blocks.values()]), net.theta)
    blocks["w"][:] = 0
    np.testing.assert_array_equal(net.predict(np.ones((1, 2))), net.predict(np.zeros((1, 2))))


def test_sequential_takes_any_function_of_a_node() -> None:
    net = nn.Sequential(
        nn.Input(2), nn.Dense(4), nn.LayerNorm(), nn.tanh, lambda h: h * h, nn.Dense(1)
    )
    kinds = [node.kind for node in net.nodes]
    assert kinds == ["input", "dense", "layer_norm", "tanh", "multiply", "dense"]


def test_copies_keep_parameters_and_state(rng: np.random.Generator) -> None:
    net = nn.Sequential(
        nn.Input(2), nn.Dense(4), nn.BatchNorm(), nn.tanh, nn.Dense(1), dtype=np.float64
    )
    x, y = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    fit(net, x, y, loss="mse", epochs=2)
    for twin in (net.copy(), copy.deepcopy(net), net.astype(np.float64)):
        assert same_bits(twin.theta, net.theta)
        assert same_bits(twin.state, net.state)
        assert same_bits(twin.predict(x), net.predict(x))
        assert twin.nodes == net.nodes
    assert_close(net.astype(np.float32).predict(x), net.predict(x), 1e-6)
    before = net.state.copy()
    fit(twin, x, y, loss="mse", epochs=1)
    assert not same_bits(twin.state, before)
    assert same_bits(net.state, before)


def test_a_deep_graph_needs_no_recursion() -> None:
    x = nn.Input(1)
    node: nn.Node = x
    for _ in range(3000):
        node = node + 0.001
    net = nn.Network(x, node, dtype=np.float64)
    assert net.predict(np.zeros((1, 1)))[0, 0] == pytest.approx(3.0)
    assert net.layer_index(node) == 3000
