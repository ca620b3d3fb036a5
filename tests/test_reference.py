"""The reference is itself right: against finite differences, and facts known on paper."""

import numpy as np
import pytest

import reference as ref
from helpers import MIXED, targets, with_output

LOSS_CASES = [
    ("squared_error", {}, "tanh"),
    ("mse", {}, "identity"),
    ("absolute_error", {}, "identity"),
    ("huber", {"delta": 0.4}, "identity"),
    ("hinge", {}, "identity"),
    ("perceptron", {}, "identity"),
    ("perceptron", {}, "binary"),
    ("poisson", {}, "softplus"),
    ("poisson", {"log_input": True}, "identity"),
    ("binary_cross_entropy", {}, "sigmoid"),
    ("binary_cross_entropy", {"from_logits": True}, "identity"),
    ("cross_entropy", {}, "softmax"),
    ("cross_entropy", {}, "log_softmax"),
    ("cross_entropy", {}, "sigmoid"),
    ("cross_entropy", {"from_logits": True, "label_smoothing": 0.1}, "identity"),
]


@pytest.mark.parametrize("name", ref.ACTIVATIONS)
def test_activation_pull_back_is_the_transposed_jacobian(
    name: str, rng: np.random.Generator
) -> None:
    t, grad, h = rng.normal(scale=3, size=(20, 4)), rng.normal(size=(20, 4)), 1e-5
    numeric = np.empty_like(t)
    for k in range(4):
        step = h * np.eye(4)[k]
        change = ref.activate(name, t + step) - ref.activate(name, t - step)
        numeric[:, k] = (grad * change).sum(axis=1) / (2 * h)
    np.testing.assert_allclose(ref.pull_back(name, t, grad), numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("loss", "options", "output"), LOSS_CASES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_gradient_equals_finite_differences(
    loss: str, options: dict[str, float], output: str, reduction: str, rng: np.random.Generator
) -> None:
    layers = with_output(MIXED, output)
    theta = rng.normal(scale=0.5, size=sum(k.size for k in layers))
    x, y = rng.normal(size=(6, 5)), targets(loss, (6, 3), rng)

    def value(point: ref.Array) -> tuple[float, ref.Array]:
        return ref.loss_and_gradient(
            layers, point, x, y, loss, reduction=reduction, sample_weight=np.arange(1.0, 7.0),
            l1=0.02, l2=0.3, penalize_bias=True, divide_by_batch_size=True, **options,
        )  # fmt: skip

    directions, h = rng.normal(size=(30, theta.size)), 1e-5
    slopes = [(value(theta + h * u)[0] - value(theta - h * u)[0]) / (2 * h) for u in directions]
    expected = directions @ value(theta)[1]
    np.testing.assert_allclose(slopes, expected, rtol=1e-7, atol=1e-7 * np.abs(expected).max())


def test_layer_penalties_act_on_weights_only_and_add_up(rng: np.random.Generator) -> None:
    plain = [ref.Layer(2, 3), ref.Layer(3, 1)]
    own = [ref.Layer(2, 3, l1=0.1, l2=0.2), ref.Layer(3, 1, l1=0.1, l2=0.2)]
    theta, x, y = rng.normal(size=13), rng.normal(size=(4, 2)), rng.normal(size=(4, 1))
    of_layers = ref.loss_and_gradient(own, theta, x, y, "mse")
    of_network = ref.loss_and_gradient(plain, theta, x, y, "mse", l1=0.1, l2=0.2)
    assert of_layers[0] == pytest.approx(of_network[0], rel=1e-14)
    np.testing.assert_allclose(of_layers[1], of_network[1], rtol=1e-13)
    assert list(np.flatnonzero(~ref.is_weight(plain))) == [6, 7, 8, 12]


def test_theta_is_cut_into_weights_row_by_row_then_bias() -> None:
    theta = np.arange(5.0)
    (block,) = ref.blocks([ref.Layer(4, 1)], theta)
    _, values = ref.forward([ref.Layer(4, 1)], theta, np.array([[1.0, 1.0, 1.0, 2.0]]))
    assert np.shares_memory(block, theta)
    assert values[-1] == 0 + 1 + 2 + 2 * 3 + 4


@pytest.mark.parametrize(
    ("optimizer", "first", "second"),
    [
        (ref.SGD(), -0.1, -0.2),
        (ref.SGD(0.5), -0.1, -0.1 - 0.15),
        (ref.SGD(0.5, nesterov=True), -0.15, -0.15 - 0.175),
        (ref.Adam(epsilon=0), -0.1, -0.2),
        (ref.AdaGrad(epsilon=0), -0.1, -0.1 - 0.1 / np.sqrt(2)),
        (ref.RMSProp(rho=0.75, epsilon=0), -0.2, -0.2 - 0.1 / np.sqrt(7 / 16)),
    ],
)
def test_two_steps_along_a_constant_gradient(
    optimizer: ref.SGD, first: float, second: float
) -> None:
    theta = optimizer.step(np.zeros(1), np.ones(1), 0.1)
    assert theta == pytest.approx(first, rel=1e-12)
    assert optimizer.step(theta, np.ones(1), 0.1) == pytest.approx(second, rel=1e-12)


def test_decoupled_decay_shrinks_weights_before_the_step() -> None:
    adamw = ref.Adam(weight_decay=0.5, epsilon=0, decayed=np.array([True, False]))
    np.testing.assert_allclose(adamw.step(np.ones(2), np.ones(2), 0.1), [0.85, 0.9])
