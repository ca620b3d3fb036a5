"""Every loss and its gradient: against the reference, finite differences, and one another."""

from typing import Any

import numpy as np
import pytest

import nnbind as nn
import reference as ref
from helpers import LOSS_CLASSES, MIXED, assert_close, build, fit, randomize, targets, with_output
from test_reference import LOSS_CASES

LABELS = np.array([2, 0, 1, 1, 2, 2, 0])
ONE_HOT = np.eye(3)[LABELS]


def network(output: str, rng: np.random.Generator) -> tuple[list[ref.Layer], nn.Network]:
    layers = with_output(MIXED, output)
    net = build(layers)
    randomize(net, rng)
    return layers, net


def fixed(output: str, width: int = 3, dtype: Any = np.float64) -> nn.Network:
    """f(x) = g(x): the loss sees the data through the activation alone."""
    dense = nn.Dense(width, output, init=np.eye(width), bias=False)
    return nn.Sequential(nn.Input(width), dense, dtype=dtype)


def formula(width: int, dtype: Any) -> nn.Network:
    """f(x) = x ⊙ θ with θ = 1: the loss knows of no activation."""
    x = nn.Input(width)
    return nn.Network(x, x * nn.Parameter(np.ones((1, width))), dtype=dtype)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("loss", "options", "output"), LOSS_CASES)
def test_value_and_gradient_equal_the_reference(
    loss: str,
    options: dict[str, Any],
    output: str,
    reduction: str,
    weighted: bool,
    rng: np.random.Generator,
) -> None:
    layers, net = network(output, rng)
    x, y = rng.normal(size=(23, 5)), targets(loss, (23, 3), rng)
    weight = rng.uniform(0, 3, size=23) if weighted else None
    ours = LOSS_CLASSES[loss](reduction=reduction, **options)
    value, gradient = net.loss_and_gradient(x, y, ours, sample_weight=weight)
    expected, expected_gradient = ref.loss_and_gradient(
        layers, net.theta, x, y, loss, reduction=reduction, sample_weight=weight, **options
    )
    assert_close(value, expected)
    assert_close(gradient, expected_gradient)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("loss", "options", "output"), LOSS_CASES)
def test_gradient_equals_finite_differences(
    loss: str, options: dict[str, Any], output: str, reduction: str, rng: np.random.Generator
) -> None:
    net = network(output, rng)[1]
    x, y = rng.normal(size=(6, 5)), targets(loss, (6, 3), rng)
    before = net.theta.copy()
    report = nn.check_gradients(net, x, y, LOSS_CLASSES[loss](reduction=reduction, **options))
    assert report.ok, str(report)
    assert report.largest_relative_error <= 1e-6
    np.testing.assert_array_equal(net.theta, before)


@pytest.mark.parametrize("activation", [a for a in ref.ACTIVATIONS if a != "binary"])
def test_gradient_through_every_activation_equals_finite_differences(
    activation: str, rng: np.random.Generator
) -> None:
    net = build([ref.Layer(4, 6, activation), ref.Layer(6, 5, activation), ref.Layer(5, 2)])
    randomize(net, rng)
    report = nn.check_gradients(net, rng.normal(size=(7, 4)), rng.normal(size=(7, 2)), "mse")
    assert report.ok, str(report)


def test_a_wrong_gradient_fails_the_check() -> None:
    square = nn.CustomActivation(lambda t: t * t, lambda t: t, name="square")  # 2 t is right
    net = nn.Sequential(nn.Input(1), nn.Dense(1, square), dtype=np.float64)
    report = nn.check_gradients(net, np.ones((1, 1)), -np.ones((1, 1)), "squared_error")
    assert not report.ok
    assert report.largest_relative_error > 0.1
    assert str(report)


@pytest.mark.parametrize("loss", list(LOSS_CLASSES))
def test_a_name_stands_for_the_class_without_options(loss: str, rng: np.random.Generator) -> None:
    output = {"poisson": "softplus", "binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}
    net = network(output.get(loss, "identity"), rng)[1]
    x, y = rng.normal(size=(4, 5)), targets(loss, (4, 3), rng)
    by_name, by_class = (net.loss_and_gradient(x, y, k) for k in (loss, LOSS_CLASSES[loss]()))
    assert by_name[0] == by_class[0]
    np.testing.assert_array_equal(by_name[1], by_class[1])


@pytest.mark.parametrize(("loss", "options", "output"), LOSS_CASES)
def test_sum_is_n_times_mean_for_several_outputs_too(
    loss: str, options: dict[str, Any], output: str, rng: np.random.Generator
) -> None:
    net = network(output, rng)[1]
    x, y = rng.normal(size=(8, 5)), targets(loss, (8, 3), rng)
    mean, total = (
        net.loss_and_gradient(x, y, LOSS_CLASSES[loss](reduction=r, **options))
        for r in ("mean", "sum")
    )
    assert_close(total[0], 8 * mean[0])
    assert_close(total[1], 8 * mean[1])


@pytest.mark.parametrize("loss", [n for n in LOSS_CLASSES if n not in ("mse", "cross_entropy")])
def test_outputs_are_summed_except_by_mse(loss: str, rng: np.random.Generator) -> None:
    output = {"poisson": "softplus", "binary_cross_entropy": "sigmoid"}.get(loss, "identity")
    x, y = rng.normal(size=(5, 3)), targets(loss, (5, 3), rng)
    whole = fixed(output).evaluate(x, y, loss=loss)["loss"]
    columns = [fixed(output, 1).evaluate(x[:, [k]], y[:, [k]], loss=loss) for k in range(3)]
    assert_close(whole, sum(column["loss"] for column in columns))


def test_mse_is_squared_error_divided_by_the_outputs(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    mse, squared = (fixed("identity").loss_and_gradient(x, y, n) for n in ("mse", "squared_error"))
    assert_close(3 * mse[0], squared[0])
    assert_close(3 * mse[1], squared[1])


# ---- labels --------------------------------------------------------------------------------


@pytest.mark.parametrize("label_dtype", [np.int64, np.int32, np.uint8, np.int8])
@pytest.mark.parametrize(
    ("options", "output"),
    [
        ({}, "softmax"),
        ({}, "log_softmax"),
        ({"from_logits": True}, "identity"),
        ({"label_smoothing": 0.2}, "softmax"),
    ],
)
def test_integer_labels_equal_one_hot_rows(
    options: dict[str, Any], output: str, label_dtype: Any, rng: np.random.Generator
) -> None:
    net = network(output, rng)[1]
    x, loss = rng.normal(size=(7, 5)), nn.CrossEntropy(**options)
    by_label = net.loss_and_gradient(x, LABELS.astype(label_dtype), loss)
    by_row = net.loss_and_gradient(x, ONE_HOT, loss)
    assert_close(by_label[0], by_row[0])
    assert_close(by_label[1], by_row[1])


# ---- fused losses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "output"), [("cross_entropy", "softmax"), ("binary_cross_entropy", "sigmoid")]
)
def test_fused_unfused_and_logits_agree(loss: str, output: str, rng: np.random.Generator) -> None:
    fused = network(output, rng)[1]
    plain = build(with_output(MIXED, "identity"))
    # An identity on top hides the activation: the loss gets bare probabilities.
    inputs = nn.Input(5)
    node: nn.Node = inputs
    for k in with_output(MIXED, output):
        node = nn.Dense(k.units, nn.Activation(k.activation, **k.options), bias=k.bias)(node)
    unfused = nn.Network(inputs, nn.identity(node), dtype=np.float64)
    plain.theta[:] = unfused.theta[:] = fused.theta
    x, y = rng.normal(size=(7, 5)), targets(loss, (7, 3), rng)

    value, gradient = fused.loss_and_gradient(x, y, loss)
    logits = plain.loss_and_gradient(x, y, LOSS_CLASSES[loss](from_logits=True))
    bare = unfused.loss_and_gradient(x, y, loss)
    assert_close(logits[0], value)
    assert_close(logits[1], gradient)
    assert_close(bare[0], value, 1e-10)
    assert_close(bare[1], gradient, 1e-10)


@pytest.mark.parametrize("size", [1e2, 1e4, 1e30])
@pytest.mark.parametrize(
    ("loss", "output"),
    [
        (nn.CrossEntropy(), "softmax"),
        (nn.CrossEntropy(), "log_softmax"),
        (nn.CrossEntropy(from_logits=True), "identity"),
        (nn.BinaryCrossEntropy(), "sigmoid"),
        (nn.BinaryCrossEntropy(from_logits=True), "identity"),
    ],
)
def test_extreme_logits_give_the_exact_finite_loss(
    loss: Any, output: str, size: float, dtype: Any
) -> None:
    right, wrong = np.array([[size, 0.0]], dtype), np.array([[0.0, size]], dtype)
    y = np.array([[1.0, 0.0]], dtype)
    net = fixed(output, 2, dtype)
    # Both outputs of the binary loss count: log(1 + e^0) = log 2 is the second one's share.
    rest = np.log(2) if isinstance(loss, nn.BinaryCrossEntropy) else 0.0
    assert net.loss_and_gradient(right, y, loss)[0] == pytest.approx(rest, abs=1e-6)
    value, gradient = net.loss_and_gradient(wrong, y, loss)
    assert value == pytest.approx(size + rest, rel=1e-6)
    assert np.isfinite(gradient).all()


def test_certain_probabilities_keep_an_unfused_loss_finite(dtype: Any) -> None:
    certain = np.array([[1.0, 0.0]], dtype)
    for y in (certain, 1 - certain):
        for loss in ("cross_entropy", "binary_cross_entropy"):
            value, gradient = formula(2, dtype).loss_and_gradient(certain, y, loss)
            assert np.isfinite(value)
            assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    ("loss", "output", "x", "y"),
    [
        ("binary_cross_entropy", "hard_sigmoid", -3.5, 1.0),
        ("poisson", "relu", -1.0, 5.0),
        ("poisson", "softplus", -90.0, 20.0),
    ],
)
def test_where_a_slope_ends_the_gradient_stays_finite_whatever_the_weight(
    loss: str, output: str, x: float, y: float, dtype: Any
) -> None:
    net = nn.Sequential(nn.Input(1), nn.Dense(1, output, init=np.ones((1, 1))), dtype=dtype)
    value, gradient = net.loss_and_gradient([[x]], [[y]], loss, sample_weight=[1e5])
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_a_saturated_output_that_is_read_keeps_a_finite_gradient(dtype: Any) -> None:
    x = nn.Input(2)
    p = nn.Dense(2, "softmax", init=np.eye(2))(x)
    net = nn.Network(x, {"p": p, "twice": p * 2.0}, dtype=dtype)
    y = {"p": np.array([0]), "twice": np.zeros((1, 2))}
    losses = {"p": "cross_entropy", "twice": "mse"}
    _, gradient = net.loss_and_gradient([[0.0, 1e4]], y, losses, loss_weights={"p": 5.0})
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("labels", [True, False])
def test_thousands_of_classes_lose_no_digits(labels: bool) -> None:
    classes = 20_000
    net = nn.Sequential(nn.Input(1), nn.Dense(classes, "softmax", init="zeros"))
    loss = nn.CrossEntropy(label_smoothing=0.1)
    y = np.array([3]) if labels else np.full((1, classes), 1 / classes, np.float32)
    value, gradient = net.loss_and_gradient([[1.0]], y, loss)
    assert_close(value, np.log(classes), 1e-6)
    assert abs(gradient[classes:].sum(dtype=np.float64)) < 1e-6


def test_the_gradient_of_very_many_samples_keeps_its_digits() -> None:
    net = nn.Sequential(nn.Input(1), nn.Dense(1, init=np.ones((1, 1))), dtype=np.float32)
    x = np.full((300_000, 1), 0.1, np.float32)
    _, gradient = net.loss_and_gradient(x, np.zeros_like(x), "squared_error")
    assert_close(gradient, [0.02, 0.2], 2e-5)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_thousands_of_outputs_lose_no_digits(loss: str) -> None:
    x = nn.Input(100_000)
    net = nn.Network(x, x * nn.Parameter(1.0), dtype=np.float32)
    value = net.evaluate(np.full((1, 100_000), 0.1), np.zeros((1, 100_000)), loss=loss)["loss"]
    assert_close(value, 1e3 if loss == "squared_error" else 1e4, 1e-6)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_small_probabilities_count_in_an_unfused_loss(loss: str, dtype: Any) -> None:
    p = np.array([[1e-30, 1.0]], dtype)
    value, gradient = formula(2, dtype).loss_and_gradient(p, np.array([[1.0, 1.0]]) / 2, loss)
    rest = -np.log(np.finfo(dtype).epsneg) / 2 if loss == "binary_cross_entropy" else 0.0
    assert value == pytest.approx(15 * np.log(10) + rest, rel=1e-6)
    assert gradient[0] == pytest.approx(-0.5, rel=1e-6)  # of the factor, at p ∂d/∂p


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
@pytest.mark.parametrize("output", ["identity", "tanh", "relu", "log_softmax"])
def test_a_layer_that_gives_no_probabilities_is_refused(
    loss: str, output: str, rng: np.random.Generator
) -> None:
    net = network(output, rng)[1]
    x, y = rng.normal(size=(7, 5)), ONE_HOT
    if (loss, output) == ("cross_entropy", "log_softmax"):
        assert np.isfinite(net.loss_and_gradient(x, y, loss)[0])
        return
    message = rf'{loss} takes probabilities, .* has the activation "{output}"; expected "s'
    for call in (net.loss_and_gradient, lambda x, y, loss: fit(net, x, y, loss=loss, epochs=1)):
        with pytest.raises(ValueError, match=message):
            call(x, y, loss)


# ---- single losses -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "y", "f", "value", "slope"),
    [
        (nn.Huber(delta=2.0), 0.0, 2.0, 2.0, 2.0),
        (nn.Huber(delta=2.0), 0.0, -5.0, 8.0, -2.0),
        (nn.Hinge(), 1.0, 0.25, 0.75, -1.0),
        (nn.Hinge(), -1.0, -2.0, 0.0, 0.0),
        (nn.PerceptronCriterion(), 1.0, 0.0, 0.0, -1.0),
        (nn.PerceptronCriterion(), -1.0, 3.0, 3.0, 1.0),
        (nn.PerceptronCriterion(), 1.0, 3.0, 0.0, 0.0),
        (nn.AbsoluteError(), 1.0, -3.0, 4.0, -1.0),
        (nn.AbsoluteError(), 1.0, 1.0, 0.0, 0.0),
        (nn.Poisson(), 0.0, 2.0, 2.0, 1.0),
        (nn.Poisson(log_input=True), 3.0, 0.0, 1.0, -2.0),
    ],
)
def test_values_known_on_paper(
    loss: Any, y: float, f: float, value: float, slope: float, dtype: Any
) -> None:
    net = nn.Sequential(nn.Input(1), nn.Dense(1, init="zeros"), dtype=dtype)
    net.theta[1] = f
    got, gradient = net.loss_and_gradient(np.ones((1, 1), dtype), np.full((1, 1), y, dtype), loss)
    assert got == pytest.approx(value, rel=1e-6, abs=1e-7)
    assert gradient[1] == pytest.approx(slope, rel=1e-6)


def test_the_perceptron_learns_through_the_step(rng: np.random.Generator) -> None:
    x = rng.normal(size=(60, 2))
    y = np.where(x @ [1.0, -2.0] > 0.1, 1.0, -1.0)[:, None]
    net = nn.Sequential(nn.Input(2), nn.Dense(1, "binary", init="zeros"), dtype=np.float64)
    order = np.arange(60)
    fit(net, x, y, loss="perceptron", optimizer=nn.SGD(0.1), epochs=200, batch_size=1,
        sample_order=order)  # fmt: skip
    np.testing.assert_array_equal(net.predict(x), y > 0)
