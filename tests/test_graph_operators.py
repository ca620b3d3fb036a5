"""Each operator against NumPy, its gradient against differences, and layers against their parts."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import nnbind as nn
import reference as ref
from helpers import assert_close, same_bits

N, W = 7, 3


def values(seed: int = 0) -> dict[str, Any]:
    """Positive samples x and z (n, 3) and c (n, 1), away from the kinks."""
    rng = np.random.default_rng(seed)
    return {
        "x": rng.uniform(0.2, 2.0, size=(N, W)),
        "z": rng.uniform(0.2, 2.0, size=(N, W)),
        "c": rng.uniform(0.2, 2.0, size=(N, 1)),
    }


ROW, MATRIX = np.array([0.5, 1.5, 0.25]), np.arange(1.0, 7.0).reshape(3, 2) / 4
# A formula of x, z and c; F is nnbind for nodes, and NumPy for arrays.
FORMULAS: dict[str, Callable[..., Any]] = {
    "x + z": lambda F, x, z, c: x + z,
    "x + c": lambda F, x, z, c: x + c,
    "c + row": lambda F, x, z, c: c + ROW,
    "row + x": lambda F, x, z, c: ROW + x,
    "1 + x": lambda F, x, z, c: 1 + x,
    "x - z": lambda F, x, z, c: x - z,
    "1 - x": lambda F, x, z, c: 1 - x,
    "c - x": lambda F, x, z, c: c - x,
    "x * z": lambda F, x, z, c: x * z,
    "x * x": lambda F, x, z, c: x * x,
    "x * c": lambda F, x, z, c: x * c,
    "row * x": lambda F, x, z, c: ROW * x,
    "x / z": lambda F, x, z, c: x / z,
    "2 / x": lambda F, x, z, c: 2 / x,
    "x / row": lambda F, x, z, c: x / ROW,
    "x ** 3": lambda F, x, z, c: x**3,
    "x ** -0.5": lambda F, x, z, c: x**-0.5,
    "x ** z": lambda F, x, z, c: x**z,
    "x ** c": lambda F, x, z, c: x**c,
    "2 ** x": lambda F, x, z, c: 2**x,
    "x ** row": lambda F, x, z, c: x**ROW,
    "-x": lambda F, x, z, c: -x,
    "+x": lambda F, x, z, c: +x * 1,
    "x @ matrix": lambda F, x, z, c: x @ MATRIX,
    "columns": lambda F, x, z, c: x[:, 1:3] * x[:, :2],
    "a column": lambda F, x, z, c: x[:, 1:2] if F is np else x[:, 1],
    "the last column": lambda F, x, z, c: x[:, 2:] if F is np else x[:, -1],
    "concatenate": lambda F, x, z, c: F.concatenate([x, c, z], *([1] if F is np else [])),
    "sum": lambda F, x, z, c: x.sum(1, keepdims=True) if F is np else F.sum(x),
    "mean": lambda F, x, z, c: x.mean(1, keepdims=True) if F is np else F.mean(x),
    "exp": lambda F, x, z, c: F.exp(x),
    "log": lambda F, x, z, c: F.log(x),
    "negate": lambda F, x, z, c: F.negative(x) if F is np else F.negate(x),
    "functions": lambda F, x, z, c: F.add(F.subtract(x, z), F.multiply(c, x)),
    "more functions": lambda F, x, z, c: F.divide(F.power(x, 2), F.matmul(x, np.ones((3, 3)))),
}  # fmt: skip


def parts_of(formula: str) -> tuple[list[nn.Node], nn.Node]:
    """The inputs that the formula reads, and its node."""
    nodes = {"x": nn.Input(W, "x"), "z": nn.Input(W, "z"), "c": nn.Input(1, "c")}
    node = FORMULAS[formula](nn, **nodes)
    waiting, found = [node], set()
    while waiting:
        waiting += (last := waiting.pop()).inputs
        found |= {last}
    return [source for source in nodes.values() if source in found], node


@pytest.mark.parametrize("formula", list(FORMULAS))
def test_formulas_of_nodes_are_those_of_arrays(formula: str, dtype: Any) -> None:
    inputs, node = parts_of(formula)
    net = nn.Network(inputs, node, dtype=dtype)
    given = {name: array.astype(dtype) for name, array in values().items()}
    expected = FORMULAS[formula](np, **given)
    x = {str(source.name): given[str(source.name)] for source in inputs}
    assert node.shape == (None, expected.shape[1])
    assert_close(net.predict(x), expected, 1e-14 if dtype is np.float64 else 1e-6)


@pytest.mark.parametrize("formula", list(FORMULAS))
def test_formulas_hand_the_gradient_to_each_of_their_values(formula: str) -> None:
    """Values of each kind: a batch that a layer computes, and a fixed row of parameters."""
    rng = np.random.default_rng(1)
    source = nn.Input(2)
    layers = [nn.softplus(nn.Dense(width)(source)) + 0.1 for width in (W, W, 1)]
    fixed = [nn.Parameter(rng.uniform(0.5, 1.5, size=(1, width))) for width in (W, W, 1)]
    x, y = rng.normal(size=(N, 2)), None
    for k in range(4):  # all batches; then one of them fixed
        operands = [fixed[j] if j == k - 1 else layers[j] for j in range(3)]
        if formula == "concatenate" and k > 0:
            continue  # does not mix both kinds
        node = FORMULAS[formula](nn, *operands)
        if node.shape[0] is not None:
            node = nn.mean(layers[0]) * node
        net = nn.Network(source, node, dtype=np.float64)
        y = rng.normal(size=(N, node.shape[1]))
        report = nn.check_gradients(net, x, y, "mse", tolerance=1e-6)
        assert report.ok, report


@pytest.mark.parametrize("name", ref.ACTIVATIONS)
def test_an_activation_is_a_function_too(name: str, dtype: Any) -> None:
    x = np.linspace(-4.1, 4.3, 12).reshape(4, 3).astype(dtype)
    net = nn.Sequential(nn.Input(3), getattr(nn, name), dtype=dtype)
    assert [node.kind for node in net.nodes] == ["input", name]
    tolerance = 1e-12 if dtype is np.float64 else 1e-6
    assert_close(net.predict(x), ref.activate(name, x.astype(float)), tolerance)


def test_functions_take_the_options_of_their_activation() -> None:
    x = np.array([[-2.0, 3.0]])
    for function, alpha in ((nn.leaky_relu, 0.25), (nn.elu, 0.5)):
        source = nn.Input(2)
        net = nn.Network(source, function(source, alpha), dtype=np.float64)
        assert_close(net.predict(x), ref.activate(function.__name__, x, alpha=alpha))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("activation", ref.ACTIVATIONS)
def test_dense_is_a_product_a_sum_and_an_activation(activation: str, bias: bool) -> None:
    """Values, losses and gradients of the fused layer are those of its parts."""
    rng = np.random.default_rng(2)
    x, w, b = rng.normal(size=(N, 4)), rng.normal(size=(4, 3)), rng.normal(size=3)
    block = np.vstack([w, b]) if bias else w
    source = nn.Input(4)
    dense = nn.Dense(3, activation, init=block, bias=bias)(source)
    product = source @ nn.Parameter(w)
    parts = getattr(nn, activation)(product + nn.Parameter(b) if bias else product)
    nets = [nn.Network(source, node, dtype=np.float64) for node in (dense, parts)]
    one, other = nets
    assert same_bits(one.theta, other.theta)
    assert_close(one.predict(x), other.predict(x), 1e-14)
    loss = "cross_entropy" if "softmax" in activation else "mse"
    y = rng.dirichlet(np.ones(3), size=N)
    of_one, of_other = (net.loss_and_gradient(x, y, loss) for net in nets)
    assert_close(of_one[0], of_other[0], 1e-14)
    assert_close(of_one[1], of_other[1], 1e-13)


def test_a_shared_layer_adds_its_gradients() -> None:
    rng = np.random.default_rng(3)
    a, b = nn.Input(4, "a"), nn.Input(4, "b")
    layer, head = nn.Dense(3, "tanh"), rng.normal(size=(6, 1))
    twice = nn.Network([a, b], nn.concatenate([layer(a), layer(b)]) @ head, dtype=np.float64)
    assert twice.parameter_count == 15
    assert len(twice.layers) == len(twice.parameters) == 1
    apart = nn.Network(
        [a, b],
        nn.concatenate([nn.Dense(3, "tanh")(a), nn.Dense(3, "tanh")(b)]) @ head,
        dtype=np.float64,
    )
    apart.theta = np.tile(twice.theta, 2)
    x, y = {"a": rng.normal(size=(N, 4)), "b": rng.normal(size=(N, 4))}, rng.normal(size=(N, 1))
    assert_close(twice.predict(x), apart.predict(x))
    shared, separate = (net.loss_and_gradient(x, y, "mse")[1] for net in (twice, apart))
    assert_close(shared, separate[:15] + separate[15:], 1e-13)
    assert nn.check_gradients(twice, x, y, "mse").ok


def test_a_value_used_twice_gets_both_gradients() -> None:
    source = nn.Input(2)
    h = nn.Dense(3, "tanh")(source)
    net = nn.Network(source, nn.sum(h * h + h), dtype=np.float64)
    rng = np.random.default_rng(4)
    assert nn.check_gradients(net, rng.normal(size=(N, 2)), rng.normal(size=(N, 1)), "mse").ok


def test_regularization_takes_rows_for_a_bias_and_matrices_for_weights() -> None:
    source = nn.Input(2)
    w, b = nn.Parameter([[1.0], [-3.0]]), nn.Parameter(5.0)
    net = nn.Network(source, source @ w + b, dtype=np.float64)
    x, y = np.zeros((1, 2)), np.full((1, 1), 5.0)
    assert net.loss_and_gradient(x, y, "mse", regularizer=nn.L1(0.1))[0] == pytest.approx(0.4)
    with_bias = nn.L1(0.1, bias=True)
    assert net.loss_and_gradient(x, y, "mse", regularizer=with_bias)[0] == pytest.approx(0.9)


def test_a_sum_over_very_many_columns_keeps_its_digits() -> None:
    x = nn.Input(1_000_000)
    net = nn.Network(x, nn.sum(x), dtype=np.float32)
    assert_close(net.predict(np.full((1, 1_000_000), 0.1, np.float32)), [[1e5]], 1e-5)
