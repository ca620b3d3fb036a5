"""Derivatives beside the gradient: finite differences, the analytic Hessian, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from bench.derivatives.workload import hessian_vector_product, make_problem
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import nnbind as nn
from helpers import assert_close, problem, randomize, same_bits

Floats = NDArray[Any]


def differences(f: Callable[[], Any], values: Floats) -> Floats:
    """∂f/∂values by central differences, of shape (*f's, *values'); `values` is moved in place."""
    slopes = []
    flat = values.reshape(-1)
    assert np.shares_memory(flat, values)
    for i, center in enumerate(flat.copy()):
        h = 1e-5 * max(1.0, abs(center))
        flat[i] = center + h
        up = np.array(f())
        flat[i] = center - h
        slopes.append((up - f()) / (2 * h))
        flat[i] = center
    return np.stack(slopes, axis=-1).reshape(*np.shape(up), *values.shape)


def reduced(net: nn.Network, x: Any, y: Any, loss: Any, **options: Any) -> float:
    return net.evaluate(x, y, loss=loss, **options)["loss"]


def of_each_sample(jacobian: Floats) -> Floats:
    """∂f_i/∂x_i out of all ∂f_i/∂x_j, (n, outputs, n, inputs)."""
    return np.stack([jacobian[i, :, i] for i in range(len(jacobian))])


def woven() -> tuple[nn.Network, dict[str, Floats], dict[str, Floats]]:
    """Two inputs, two outputs, a layer that is used twice, parameters that are nodes."""
    rng = np.random.default_rng(3)
    a, b = nn.Input(3, name="a"), nn.Input(2, name="b")
    scale = nn.Parameter(rng.normal(size=(1, 3)), name="scale")
    layer = nn.Dense(4, "tanh")
    h = layer(a * nn.exp(scale)) * layer(a) + nn.Dense(4, "sigmoid")(b)
    h = nn.Dropout(0.4)(nn.BatchNorm()(h))
    outputs = {"kind": nn.Dense(3, "softmax")(h), "size": nn.sum(h * h) + nn.mean(b)}
    net = nn.Network([a, b], outputs, dtype=np.float64)
    net.state = rng.uniform(0.5, 1.5, size=net.state.shape)
    x = {"a": rng.normal(size=(5, 3)), "b": rng.normal(size=(5, 2))}
    y = {"kind": rng.dirichlet(np.ones(3), size=5), "size": rng.normal(size=(5, 1))}
    return net, x, y


WOVEN_LOSS: dict[str, str | nn.Loss] = {
    "kind": "cross_entropy",
    "size": nn.SquaredError(reduction="sum"),
}


@given(
    n=st.integers(1, 6),
    widths=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    output=st.sampled_from(["identity", "sigmoid", "softmax"]),
    seed=st.integers(0, 99),
)
def test_all_are_right_for_any_shape(n: int, widths: list[int], output: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs, *hidden, outputs = widths
    net = nn.mlp(inputs, hidden, outputs, "tanh", output, dtype=np.float64)
    randomize(net, rng)
    x, y, w = rng.normal(size=(n, inputs)), rng.normal(size=(n, outputs)), rng.uniform(1, 2, n)
    loss = nn.SquaredError()
    by_x = net.input_gradient(x, y, loss, sample_weight=w)
    assert_close(by_x, differences(lambda: reduced(net, x, y, loss, sample_weight=w), x), 1e-7)
    rows = net.per_sample_gradients(x, y, loss, sample_weight=w)
    for i in range(n):
        of_sample = partial(reduced, net, x[[i]], y[[i]], loss, sample_weight=w[[i]])
        assert_close(rows[i], differences(of_sample, net.theta), 1e-7)
    assert_close(net.jacobian(x), of_each_sample(differences(lambda: net.predict(x), x)), 1e-7)
    theta = differences(lambda: net.predict(x), net.theta)
    assert_close(net.jacobian(x, "theta"), theta, 1e-7)


def test_several_inputs_and_outputs() -> None:
    net, x, y = woven()
    slopes: Any = net.input_gradient(x, y, WOVEN_LOSS)
    by_inputs: Any = net.jacobian(x)
    assert list(slopes) == list(by_inputs) == ["a", "b"]

    def prediction() -> Floats:
        predictions: Any = net.predict(x)
        return np.hstack(list(predictions.values()))

    def loss() -> float:
        return reduced(net, x, y, WOVEN_LOSS)

    for name, values in x.items():
        assert_close(slopes[name], differences(loss, values), 1e-7)
        assert_close(by_inputs[name], of_each_sample(differences(prediction, values)), 1e-7)
    assert_close(net.jacobian(x, "theta"), differences(prediction, net.theta), 1e-7)
    rows = net.per_sample_gradients(list(x.values()), y, WOVEN_LOSS, loss_weights=[2, 0.5])
    for i, row in enumerate(rows):
        xi, yi = ({name: a[[i]] for name, a in arrays.items()} for arrays in (x, y))
        of_sample = partial(reduced, net, xi, yi, WOVEN_LOSS, loss_weights=[2, 0.5])
        assert_close(row, differences(of_sample, net.theta), 1e-7)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_gradients_of_the_samples_make_the_gradient(
    rng: np.random.Generator, reduction: str, dtype: Any
) -> None:
    net, x, y = problem(rng)
    net = net.astype(dtype)
    loss = nn.SquaredError(reduction=reduction)
    rows = net.per_sample_gradients(x, y, loss)
    assert rows.dtype == dtype
    gradient = net.loss_and_gradient(x, y, loss)[1]
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    assert_close(getattr(rows, reduction)(axis=0), gradient, tolerance)


def test_labels_and_class_weights(rng: np.random.Generator) -> None:
    net = nn.mlp(4, [5], 3, output="softmax", dtype=np.float64)
    x, labels = rng.normal(size=(6, 4)), np.array([0, 1, 2, 2, 1, 0])
    rows = net.per_sample_gradients(x, labels, "cross_entropy", class_weight={1: 3.0})
    plain = net.per_sample_gradients(x, np.eye(3)[labels], "cross_entropy")
    assert_close(rows, plain * np.where(labels == 1, 3.0, 1.0)[:, None])


def test_the_hessian_of_least_squares_is_the_analytic_one(
    rng: np.random.Generator, dtype: Any
) -> None:
    net = nn.mlp(4, [], 3, dtype=dtype)
    x, y, v = rng.normal(size=(9, 4)), rng.normal(size=(9, 3)), rng.normal(size=15)
    found = net.hessian_vector_product(x, y, "squared_error", v, regularizer=nn.L1L2(0.7, 0.3))
    extended = np.hstack([x, np.ones((9, 1))])
    hessian = np.kron(2 / 9 * extended.T @ extended, np.eye(3))
    hessian[np.arange(12), np.arange(12)] += 0.3  # the weights, not the biases
    assert found.dtype == dtype
    assert_close(found, hessian @ v, 1e-6 if dtype == np.float32 else 1e-11)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-10), (np.float32, 2e-7)])
def test_the_hessian_is_the_slope_of_the_gradient(
    rng: np.random.Generator, dtype: Any, tolerance: float
) -> None:
    net, x, y = problem(rng)
    net = net.astype(dtype)  # and back: the same θ in both
    x, y = x.astype(dtype), y.astype(dtype)
    twin = net.astype(np.float64)
    hessian = differences(lambda: twin.loss_and_gradient(x, y, "mse")[1], twin.theta)
    for k, v in enumerate(np.eye(twin.parameter_count)):
        product = net.hessian_vector_product(x, y, "mse", v)
        assert product.dtype == dtype
        assert_close(product, hessian[:, k], max(tolerance, 1e-8))  # as good as `differences` is
    u, v = rng.normal(size=(2, twin.parameter_count))
    products = [twin.hessian_vector_product(x, y, "mse", w) for w in (u, v)]
    assert_close(u @ products[1], v @ products[0], 1e-10)


def test_the_hessian_is_that_of_an_exact_product() -> None:
    arrays = make_problem(32)
    x, y, theta, v = (a.astype(float) for a in (arrays.X, arrays.y, arrays.theta, arrays.v))
    exact = hessian_vector_product(x, y, theta, v) / 32
    net = nn.mlp(40, [100, 100], 10, "tanh", dtype=np.float64)
    net.theta = theta
    assert_close(net.hessian_vector_product(x, y, "squared_error", v), exact, 1e-11)
    single = net.astype(np.float32).hessian_vector_product(x, y, "squared_error", v)
    assert_close(single, exact, 1e-7)


@pytest.mark.parametrize("v", [[1.0, 0.0], [0.6, -0.8]])
def test_a_large_parameter_does_not_lengthen_the_step_of_the_others(v: list[float]) -> None:
    x, bias = nn.Input(1), 1e4
    w = nn.Parameter(0.5)
    net = nn.Network(x, nn.tanh(w * x) + nn.Parameter(bias), dtype=np.float64)
    X = np.array([[1.0], [2.0]])
    f, slope = np.tanh(0.5 * X), X / np.cosh(0.5 * X) ** 2
    curvature = -2 * f * slope * X
    residual = f + bias - (bias + np.array([[0.0], [1.0]]))
    hessian = np.array(
        [
            [2 * np.mean(slope**2 + residual * curvature), 2 * np.mean(slope)],
            [2 * np.mean(slope), 2.0],
        ]
    )
    product = net.hessian_vector_product(X, [[bias], [bias + 1]], "squared_error", v)
    assert_close(product, hessian @ v, 1e-6)


@pytest.mark.parametrize("threads", [2, 5])
def test_any_number_of_threads_gives_the_same_bits(
    rng: np.random.Generator, dtype: Any, threads: int, restore_threads: None
) -> None:
    net = nn.mlp(30, [80, 40], 6, "tanh", "softmax", dtype=dtype)
    x, y = rng.normal(size=(201, 30)), rng.dirichlet(np.ones(6), size=201)
    v = rng.normal(size=net.parameter_count)

    def everything() -> list[NDArray[Any]]:
        return [
            net.input_gradient(x, y, "cross_entropy"),
            net.per_sample_gradients(x, y, "cross_entropy"),
            net.jacobian(x),
            net.jacobian(x, "theta"),
            net.hessian_vector_product(x, y, "cross_entropy", v),
        ]

    nn.set_num_threads(1)
    alone = everything()
    nn.set_num_threads(threads)
    assert all(map(same_bits, alone, everything()))


def test_nothing_is_changed_and_results_own_their_memory(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    net.loss_and_gradient(x, y, "mse")
    before = [net.theta.copy(), net.gradient.copy(), net.state.copy()]
    v = np.ones(net.parameter_count)
    results = [
        net.input_gradient(x, y, "mse"),
        net.per_sample_gradients(x, y, "mse"),
        net.jacobian(x),
        net.jacobian(x, "theta"),
        net.hessian_vector_product(x, y, "mse", v),
    ]
    assert all(result.flags.owndata and result.flags.writeable for result in results)
    with pytest.raises(ValueError, match="NaN"):
        net.hessian_vector_product(x, y, "mse", v * np.nan)
    assert all(map(same_bits, before, [net.theta, net.gradient, net.state]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda net, x, y: net.jacobian(x, "weights"), ValueError, "expected 'inputs' or 'theta'"),
        (lambda net, x, y: net.jacobian(x[:, 1:]), nn.ShapeError, r"expected \(n, 4\)"),
        (lambda net, x, y: net.jacobian(x * np.nan, "theta"), ValueError, "NaN in row 0"),
        (lambda net, x, y: net.jacobian(x[:0]), nn.ShapeError, "at least one row"),
        (lambda net, x, y: net.jacobian(x.astype(complex)), TypeError, "complex"),
        (
            lambda net, x, y: net.hessian_vector_product(x, y, "mse", np.ones(3)),
            nn.ShapeError,
            r"v has shape \(3,\)",
        ),
        (
            lambda net, x, y: net.per_sample_gradients(x, y[:, :1], "mse"),
            nn.ShapeError,
            r"y has shape \(23, 1\); expected \(23, 2\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    rng: np.random.Generator, call: Any, error: type[Exception], message: str
) -> None:
    net, x, y = problem(rng)
    with pytest.raises(error, match=rf"\[Network\.\w+\] .*{message}"):
        call(net, x, y)
