"""net.trace and net.activations: every number of a backpropagation."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import assert_close, problem


def neuron() -> tuple[nn.Network, nn.Trace]:
    """The lecture's σ(w1 x + w2 y + b), and its trace on one sample."""
    x, y = nn.Input(1, "x"), nn.Input(1, "y")
    w1, w2 = nn.Parameter(0.5, name="w1"), nn.Parameter(-1.0, name="w2")
    b = nn.Parameter(2.0, name="b")
    net = nn.Network([x, y], nn.sigmoid(w1 * x + w2 * y + b), dtype=np.float64)
    return net, net.trace({"x": [[4.0]], "y": [[3.0]]}, [[1.0]], "squared_error")


def test_trace_of_the_lectures_neuron_is_the_hand_computation() -> None:
    trace = neuron()[1]
    f = 1 / (1 + math.exp(-1))
    to_t = 2 * (f - 1) * f * (1 - f)
    assert trace.loss == pytest.approx((f - 1) ** 2)
    assert trace["add_1"].value.item() == 1
    assert trace["sigmoid"].gradient.item() == pytest.approx(2 * (f - 1))
    expected = {"w1": 4 * to_t, "w2": 3 * to_t, "b": to_t, "x": 0.5 * to_t, "y": -to_t}
    for name, gradient in expected.items():
        assert trace[name].gradient.item() == pytest.approx(gradient)
    edge = next(edge for edge in trace.edges if edge.consumer == "sigmoid")
    assert edge.producer == "add_1"
    assert edge.value.item() == 1
    assert edge.local_derivative is not None
    assert edge.local_derivative.item() == pytest.approx(f * (1 - f))
    assert edge.gradient.item() == pytest.approx(to_t)


def test_trace_reads_like_the_hand_computation() -> None:
    forward, backward, parameters = str(neuron()[1]).split("\n\n")
    assert forward.index("w1 · x") < forward.index("add + b") < forward.index("0.7311")
    assert "squared_error(sigmoid)" in forward.splitlines()[-1]
    assert backward.index("sigmoid") < backward.index("multiply_1") < backward.index("\n  x ")
    assert "∂(sigmoid)/∂(add_1) = 0.1966" in backward
    assert "-0.5379 · 0.1966 = -0.1058" in backward
    assert "-0.1058 · (-1) = 0.1058" in backward
    assert parameters.splitlines()[2].split() == ["w1", "0.5", "-0.423"]


def test_trace_adds_up_to_loss_and_gradient(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    penalty = nn.L2(0.3)
    trace = net.trace(x, y, "mse", regularizer=penalty)
    value, gradient = net.loss_and_gradient(x, y, "mse", regularizer=penalty)
    assert trace.loss == pytest.approx(value)
    assert trace.penalty > 0
    blocks = [node.parameter_gradient for node in trace.nodes.values()]
    assert_close(np.concatenate([b.ravel() for b in blocks if b is not None]), gradient)
    np.testing.assert_array_equal(trace["dense"].parameters, net.parameters["dense"])


def test_terms_of_a_node_that_fans_out_add_up() -> None:
    x = nn.Input(2, "x")
    h = nn.Dense(3, "tanh", name="h")(x)
    outputs = {"a": nn.Dense(1)(h * h + h), "b": nn.Dense(2)(h)}
    net = nn.Network(x, outputs, dtype=np.float64)
    y = {"a": np.ones((4, 1)), "b": np.zeros((4, 2))}
    trace = net.trace(np.ones((4, 2)), y, "mse", loss_weights=[1.0, 0.25])
    terms = [edge.gradient for edge in trace.edges if edge.producer == "h"]
    assert len(terms) == 4
    assert_close(sum(terms), trace["h"].gradient)
    assert [output.weight for output in trace.outputs] == [1.0, 0.25]
    assert sum(output.weight * output.value for output in trace.outputs) == pytest.approx(
        trace.loss
    )
    assert "multiply (input 2)" in str(trace)


def test_losses_are_taken_apart_where_they_can_be(rng: np.random.Generator) -> None:
    x, labels = rng.normal(size=(4, 3)), [0, 1, 1, 0]
    net = nn.mlp(3, [4], 2, output="softmax", dtype=np.float64)
    trace = net.trace(x, labels, "cross_entropy")
    assert not trace.outputs[0].fused
    p = trace["dense_1"].value
    assert_close(trace["dense_1"].gradient, -np.eye(2)[labels] / p / 4)
    step = nn.mlp(3, [], 1, output="binary", dtype=np.float64)
    fused = step.trace(x, np.array([[1.0], [-1], [1], [-1]]), "perceptron")
    assert fused.outputs[0].fused
    assert "∂L/∂(t of dense)" in str(fused)


def test_wide_local_derivatives_are_left_out() -> None:
    net = nn.mlp(3, [65], 1)
    trace = net.trace(np.ones((2, 3)), np.ones((2, 1)), "mse")
    assert all(edge.local_derivative is None for edge in trace.edges)
    assert "too wide to show" in str(trace)
    wider = net.trace(np.ones((2, 3)), np.ones((2, 1)), "mse", widest=65)
    shapes = [
        edge.local_derivative.shape for edge in wider.edges if edge.local_derivative is not None
    ]
    assert shapes == [(2, 65, 3), (2, 1, 65)]


def test_notebooks_show_escaped_tables() -> None:
    x = nn.Input(1, "<b>")
    net = nn.Network(x, nn.Dense(1, name="a & b")(x))
    page = net.trace([[1.0]], [[1.0]], "mse")._repr_html_()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert "a &amp; b" in page
    assert page.count("<table>") == page.count("</table>") == 3


def test_unknown_nodes_are_named_and_so_are_the_known() -> None:
    trace = neuron()[1]
    assert list(trace)[:3] == ["x", "y", "w1"]
    assert len(trace) == 10
    assert "10 nodes" in repr(trace)
    with pytest.raises(KeyError, match=r'no node "h"; the nodes are "x", "y"'):
        trace["h"]


def test_large_values_are_shown_by_shape_and_a_few_numbers(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    assert "(23 × 4)" in str(net.trace(x, y, "mse"))


def test_trace_checks_its_arguments(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    with pytest.raises(nn.ShapeError, match=r"\[Network.trace\] X has shape"):
        net.trace(x[:, :2], y, "mse")
    with pytest.raises(ValueError, match="widest"):
        net.trace(x, y, "mse", widest=-1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_activations_are_the_values_of_all_nodes(dtype: Any, rng: np.random.Generator) -> None:
    x = nn.Input(3, "x")
    w = nn.Parameter((3, 4), name="w")
    h = nn.tanh(x @ w, name="h")
    net = nn.Network(x, nn.BatchNorm(name="y")(h), dtype=dtype)
    for n in (1, 5, 300):
        samples = rng.normal(size=(n, 3)).astype(dtype)
        values = net.activations(samples)
        assert list(values) == ["x", "w", "matmul", "h", "y"]
        np.testing.assert_array_equal(values["x"], samples)
        np.testing.assert_array_equal(values["w"], net.parameters["w"])
        assert_close(values["h"], np.tanh(samples @ net.parameters["w"]), 1e-6)
        np.testing.assert_array_equal(values["y"], net.predict(samples))
        assert values["h"].dtype == dtype
    assert values["h"].base is None  # memory of its own


def test_activations_from_many_threads(rng: np.random.Generator) -> None:
    net, x, _ = problem(rng, n=500)
    expected = net.activations(x)["dense_1"]
    with ThreadPoolExecutor(4) as pool:
        for values in pool.map(lambda _: net.activations(x), range(20)):
            np.testing.assert_array_equal(values["dense_1"], expected)


def test_activations_check_their_arguments() -> None:
    x, y = nn.Input(2, "x"), nn.Input(3, "y")
    net = nn.Network([x, y], nn.Dense(1)(nn.concatenate([x, y])))
    with pytest.raises(nn.ShapeError, match=r"\[Network.activations\]"):
        net.activations({"x": np.ones((4, 2)), "y": np.ones((5, 3))})
    with pytest.raises(nn.ShapeError, match=r"\[Network.activations\]"):
        net.activations([np.ones((4, 2)), np.ones((4, 2))])
    assert net.activations([np.ones((4, 2)), np.ones((4, 3))])["dense"].shape == (4, 1)
