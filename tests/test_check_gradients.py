"""nn.check_gradients: over graphs, and each operator by itself."""

from typing import Any

import numpy as np
import pytest

import nnbind as nn


def everything() -> nn.Network:
    """Several kinds of operators, a shared layer, a fixed value, two outputs."""
    x, y = nn.Input(3, "x"), nn.Input(2, "y")
    w = nn.Parameter((1, 4), init="glorot_normal", name="w")
    layer = nn.Dense(4, "tanh", name="layer")
    h = layer(layer(nn.concatenate([x, y])[:, 1:5])) * nn.exp(w) + nn.sum(x) / 3
    scaled = nn.LayerNorm(name="norm")(h) ** 2
    return nn.Network([x, y], {"a": nn.Dense(2)(scaled), "b": nn.sigmoid(nn.mean(h) - y[:, 1])})


def test_right_gradients_are_right_and_each_parameter_block_has_a_line(
    rng: np.random.Generator,
) -> None:
    net = everything()
    before = net.theta.copy()
    data = {"x": rng.normal(size=(6, 3)), "y": rng.normal(size=(6, 2))}
    targets = {"a": rng.normal(size=(6, 2)), "b": rng.uniform(size=(6, 1))}
    loss = {"a": "mse", "b": "binary_cross_entropy"}
    report = nn.check_gradients(net, data, targets, loss, regularizer=nn.L2(0.1))
    assert report.ok, str(report)
    assert report.largest_relative_error <= 1e-6
    assert report.largest_operator_error <= 1e-6
    assert [entry.node for entry in report.check.nodes] == list(net.parameters)
    assert {"w", "layer", "norm"} <= {entry.node for entry in report.check.nodes}
    for name in net.parameters:
        assert f"{name}: relative error" in str(report)
    np.testing.assert_array_equal(net.theta, before)


def wrong_square(dtype: Any = np.float64) -> nn.Network:
    square = nn.CustomActivation(lambda t: t * t, lambda t: t, name="square")  # 2 t is right
    layers = [nn.Dense(3, "tanh"), nn.Dense(3, square, name="middle"), nn.Dense(1)]
    return nn.Sequential(nn.Input(2), *layers, dtype=dtype)


def test_a_wrong_custom_activation_is_named(rng: np.random.Generator) -> None:
    net = wrong_square()
    report = nn.check_gradients(net, rng.normal(size=(5, 2)), rng.normal(size=(5, 1)), "mse")
    assert not report.ok
    (name,) = report.wrong
    assert net.node(name).kind == "square"
    assert "gradient of input 1" in str(report)
    assert "is wrong" in str(report)
    assert "WRONG at tolerance" in str(report)


def test_relu_at_zero_is_a_kink_and_no_error() -> None:
    net = nn.Sequential(nn.Input(1), nn.Dense(1, "relu", init="zeros"), dtype=np.float64)
    report = nn.check_gradients(net, np.ones((1, 1)), np.ones((1, 1)), "squared_error")
    assert report.ok
    assert report.kinks >= 2  # of the weight and of the bias
    assert "kink" in str(report)
    assert "left out" in str(report)


def test_a_kink_next_to_the_point_is_no_kink() -> None:
    net = nn.Sequential(nn.Input(1), nn.Dense(1, "relu", init="zeros"), dtype=np.float64)
    net.theta[:] = [0, 2e-6]  # closer than the step
    report = nn.check_gradients(net, np.ones((1, 1)), np.ones((1, 1)), "squared_error")
    assert report.ok
    assert report.kinks == 0


def test_training_checks_dropout_and_the_batchs_statistics(rng: np.random.Generator) -> None:
    layers: list[Any] = [
        nn.Dense(6, "tanh", dropout=0.3),
        nn.BatchNorm(),
        nn.Dropout(0.5),
        nn.Dense(1),
    ]
    net = nn.Sequential(nn.Input(3), *layers, dtype=np.float64)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 1))
    state = net.state.copy()
    step = nn.check_gradients(net, x, y, "mse", training=True)
    inference = nn.check_gradients(net, x, y, "mse")
    assert step.ok, str(step)
    assert inference.ok, str(inference)
    assert step.check.nodes[0].analytic != inference.check.nodes[0].analytic
    np.testing.assert_array_equal(net.state, state)


def test_tolerance_decides(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 1))
    assert nn.check_gradients(wrong_square(), x, y, "mse", tolerance=10).ok
    with pytest.raises(ValueError, match="tolerance"):
        nn.check_gradients(wrong_square(), x, y, "mse", tolerance=0)
    with pytest.raises(ValueError, match="step"):
        nn.check_gradients(wrong_square(), x, y, "mse", step=-1)


def fitted(activation: str) -> tuple[nn.Network, np.ndarray, np.ndarray]:
    """A network, samples, and its own predictions as targets: L is exactly 0."""
    x = np.random.default_rng(0).normal(size=(20, 3))
    net = nn.mlp(3, [4], 1, activation, dtype=np.float64)
    return net, x, net.predict(x)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_a_loss_of_exactly_zero_is_no_error(activation: str) -> None:
    report = nn.check_gradients(*fitted(activation), "mse")
    assert report.ok, str(report)


def test_rounding_of_large_outputs_is_no_error(rng: np.random.Generator) -> None:
    for seed in range(5):
        net = nn.mlp(3, [5, 4], 2, "sigmoid", dtype=np.float64, seed=seed)
        list(net.parameters.values())[-1][-1] = 1e4  # the biases of the output
        x = rng.normal(size=(20, 3))
        report = nn.check_gradients(net, x, net.predict(x), "mse")
        assert report.ok, str(report)


def test_xor_by_hand_has_kinks_and_no_error() -> None:
    net = nn.mlp(2, [2], 1, "relu", dtype=np.float64)
    first, second = net.parameters.values()
    first[:] = [[1, 1], [1, 1], [0, -1]]
    second[:] = [[1], [-2], [0]]
    x = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    report = nn.check_gradients(net, x, np.array([[0.0], [1], [1], [0]]), "mse")
    assert report.ok, str(report)
    assert report.kinks > 0


def zeros(*layers: Any) -> nn.Network:
    return nn.Sequential(nn.Input(2), nn.Dense(3, "relu", init="zeros", name="r"), *layers)


@pytest.mark.parametrize("training", [False, True])
def test_samples_on_a_kink_with_slopes_of_both_signs_are_kinks(training: bool) -> None:
    x = np.random.default_rng(0).normal(size=(50, 2))
    t = np.random.default_rng(1).normal(size=(50, 1))
    report = nn.check_gradients(zeros(nn.Dense(1)), x, t, "mse", training=training)
    assert report.ok, str(report)
    assert report.check.nodes[0].kinks == 9
    corners = np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]])  # the slopes cancel each other
    t = np.array([[0.0], [1], [1], [0]])
    assert nn.check_gradients(zeros(nn.Dense(1)), corners, t, "mse").ok


def test_units_on_a_kink_in_one_sample_are_kinks() -> None:
    layers = [nn.Dense(4, "tanh"), nn.Dense(4, "relu"), nn.Dense(1)]
    net = nn.Sequential(nn.Input(2), *layers)
    x = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    report = nn.check_gradients(net, x, np.array([[1.0], [0], [0], [1]]), "mse")
    assert report.ok, str(report)
    assert report.kinks > 0


def test_an_error_beside_kinks_stays_wrong(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    wrong = nn.CustomActivation(lambda t: t * t + t, lambda t: t + 1, name="square")
    node = nn.Input(2)
    r = nn.Dense(3, "relu", init="zeros", name="r")(node)
    beside = nn.Dense(3, wrong)(node)
    net = nn.Network(node, nn.Dense(1, name="last")(nn.concatenate([r, beside])))
    report = nn.check_gradients(net, x, y, "mse")
    assert not report.ok
    errors = {entry.node: entry.largest_relative_error for entry in report.check.nodes}
    good = {"r", "last"}
    assert {name for name, error in errors.items() if error > 1e-6} == errors.keys() - good
    assert [net.node(name).kind for name in report.wrong] == ["square"]


def test_an_error_above_samples_without_kinks_stays_wrong(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    x[::2] = 0  # on the kinks of the biases
    wrong = nn.CustomActivation(lambda t: t * t + t, lambda t: t + 1, name="square")
    layers = [nn.Dense(3, "tanh", name="h"), nn.Dense(3, "relu", name="r"), nn.Dense(3, wrong)]
    report = nn.check_gradients(nn.Sequential(nn.Input(2), *layers, nn.Dense(1)), x, y, "mse")
    errors = {entry.node: entry for entry in report.check.nodes}
    for name in ["h", "r"]:
        assert errors[name].largest_relative_error > 1e-3
        assert errors[name].kinks == 0


def test_the_first_value_that_is_not_finite_is_named() -> None:
    x = nn.Input(2)
    net = nn.Network(x, nn.sum(nn.log(x, name="logarithm") * nn.Dense(2)(x)))
    data, t = np.array([[1.0, 2], [3, -1]]), np.ones((2, 1))
    with pytest.raises(
        ValueError, match=r'\[check_gradients\].*"logarithm" \(log\).* NaN at \(1, 1\)'
    ):
        nn.check_gradients(net, data, t, "mse")
    with pytest.raises(ValueError, match=r'the loss "mse" of "dense" is not finite: it is inf'):
        nn.check_gradients(nn.Sequential(nn.Input(2), nn.Dense(1)), data, 1e200 * t, "mse")


def test_a_report_at_a_prompt_is_one_line(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 1))
    wrong = nn.check_gradients(wrong_square(), x, y, "mse")
    assert repr(wrong).startswith("<GradientReport: WRONG, relative errors up to ")
    right = nn.check_gradients(zeros(nn.Dense(1)), x, y, "mse")
    assert repr(right).startswith("<GradientReport: ok, ")
    assert repr(right).endswith(f", {right.kinks} kinks>")


def test_messages_name_check_gradients() -> None:
    net = nn.mlp(2, [3], 1)
    x, y = np.ones((4, 2)), np.ones((4, 1))
    with pytest.raises(nn.ShapeError, match=r"\[check_gradients\] X .* at least one row"):
        nn.check_gradients(net, x[:0], y[:0], "mse")
    with pytest.raises(nn.ShapeError, match=r"\[check_gradients\] y has shape \(3, 1\)"):
        nn.check_gradients(net, x, y[:3], "mse")
    with pytest.raises(TypeError, match=r"\[check_gradients\] net is str; expected an nnbind"):
        nn.check_gradients("a", x, y, "mse")  # type: ignore[arg-type]


def leaky(rng: np.random.Generator, *layers: Any) -> tuple[nn.Network, Any, Any]:
    """A network, and samples of which that in row 40 lies on every kink."""
    x, y = rng.normal(size=(60, 4)), rng.normal(size=(60, 1))
    x[40] = 0
    hidden = [nn.Dense(8, "leaky_relu", name=name) for name in "ab"]
    net = nn.Sequential(nn.Input(4), *hidden, *layers, nn.Dense(1, name="c"), dtype=np.float64)
    return net, x, y


@pytest.mark.parametrize("training", [False, True])
def test_the_order_of_the_samples_says_nothing_about_the_gradient(
    training: bool, rng: np.random.Generator
) -> None:
    net, x, y = leaky(rng, nn.LayerNorm(name="n"), nn.Dropout(0.2))
    kinks = set()
    for shift in (0, -40, 20):
        x_moved, y_moved = np.roll(x, shift, 0), np.roll(y, shift, 0)
        report = nn.check_gradients(net, x_moved, y_moved, "mse", training=training)
        assert report.ok, str(report)
        kinks.add(tuple(entry.kinks for entry in report.check.nodes))
    assert len(kinks) == 1


@pytest.mark.parametrize("shift", [0, -40])
def test_an_error_beside_a_late_kink_stays_wrong(shift: int, rng: np.random.Generator) -> None:
    wrong = nn.CustomActivation(lambda t: t * t + t, lambda t: t + 1, name="square")
    net, x, y = leaky(rng, wrong)
    report = nn.check_gradients(net, np.roll(x, shift, 0), np.roll(y, shift, 0), "mse")
    errors = {entry.node: entry.largest_relative_error for entry in report.check.nodes}
    assert errors["a"] > 1e-3
    assert errors["b"] > 1e-3
    assert [net.node(name).kind for name in report.wrong] == ["square"]


@pytest.mark.parametrize("shift", [0, -40])
def test_an_error_at_a_late_kink_alone_stays_wrong(shift: int, rng: np.random.Generator) -> None:
    def slope(t: Any) -> Any:
        return np.where(t == 0, 5.0, 1.0 + 2 * t)

    net, x, y = leaky(rng, nn.CustomActivation(lambda t: t * t + t, slope, name="square"))
    report = nn.check_gradients(net, np.roll(x, shift, 0), np.roll(y, shift, 0), "mse")
    assert not report.ok
    assert report.check.nodes[0].largest_relative_error > 1e-4
