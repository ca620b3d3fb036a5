"""Sample weights and class weights."""

from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import assert_close, fit

LABELS = np.array([2, 0, 1, 1, 2, 2, 0])
ONE_HOT = np.eye(3)[LABELS]


def test_a_weight_of_two_equals_the_sample_twice_in_a_sum(rng: np.random.Generator) -> None:
    net = nn.mlp(5, [6], 3, dtype=np.float64)
    x, y, loss = rng.normal(size=(4, 5)), rng.normal(size=(4, 3)), nn.SquaredError(reduction="sum")
    weighted = net.loss_and_gradient(x, y, loss, sample_weight=np.array([1.0, 2.0, 0.0, 1.0]))
    repeated = net.loss_and_gradient(x[[0, 1, 1, 3]], y[[0, 1, 1, 3]], loss)
    assert_close(weighted[0], repeated[0])
    assert_close(weighted[1], repeated[1])


def test_the_mean_divides_by_samples_not_by_weights(rng: np.random.Generator) -> None:
    net = nn.mlp(5, [6], 3, dtype=np.float64)
    x, y = rng.normal(size=(4, 5)), rng.normal(size=(4, 3))
    plain = net.loss_and_gradient(x, y, "mse")[0]
    doubled = net.loss_and_gradient(x, y, "mse", sample_weight=np.full(4, 2.0))[0]
    evaluated = net.evaluate(x, y, loss="mse", sample_weight=np.full(4, 2.0))["loss"]
    assert_close([doubled, evaluated], [2 * plain, 2 * plain])


CLASS_WEIGHTS = [
    ({0: 1.0, 1: 2.0, 2: 0.5}, [1.0, 2.0, 0.5]),
    ({1: 2.0}, [1.0, 2.0, 1.0]),
    (np.array([1.0, 2.0, 0.5]), [1.0, 2.0, 0.5]),
    ("balanced", [7 / (3 * 2), 7 / (3 * 2), 7 / (3 * 3)]),
]


@pytest.mark.parametrize(("class_weight", "of_class"), CLASS_WEIGHTS)
@pytest.mark.parametrize("y", [LABELS, ONE_HOT], ids=["labels", "one_hot"])
def test_class_weights_are_the_sample_weights_of_the_labels(
    class_weight: Any, of_class: list[float], y: Any, rng: np.random.Generator
) -> None:
    by_class = nn.mlp(5, [6], 3, output="softmax", dtype=np.float64)
    by_sample = by_class.copy()
    x, weight = rng.normal(size=(7, 5)), rng.uniform(0.5, 2, size=7)
    settings = {"loss": "cross_entropy", "epochs": 3, "batch_size": 3, "seed": 1}
    first = fit(by_class, x, y, class_weight=class_weight, sample_weight=weight, **settings)
    total = weight * np.array(of_class)[LABELS]
    second = fit(by_sample, x, y, sample_weight=total, **settings)
    assert_close(first.loss, second.loss)
    assert_close(by_class.theta, by_sample.theta)


def test_class_weights_of_a_binary_column(rng: np.random.Generator) -> None:
    by_class = nn.mlp(5, [4], 1, output="sigmoid", dtype=np.float64)
    by_sample = by_class.copy()
    x, y = rng.normal(size=(8, 5)), np.array([[0.0, 1, 1, 1, 0, 1, 1, 1]]).T
    settings = {"loss": "binary_cross_entropy", "epochs": 2}
    fit(by_class, x, y, class_weight={0: 3.0, 1: 0.5}, **settings)
    fit(by_sample, x, y, sample_weight=np.where(y[:, 0] == 0, 3.0, 0.5), **settings)
    assert_close(by_class.theta, by_sample.theta)


def test_class_weights_of_signs(rng: np.random.Generator) -> None:
    net = nn.mlp(5, [4], 1, output="tanh", dtype=np.float64)
    x, y = rng.normal(size=(8, 5)), np.array([[-1.0, 1, 1, 1, -1, 1, 1, 1]]).T
    given: list[Any] = [np.array([3.0, 0.5]), {-1: 3.0, 1: 0.5}]
    losses = [net.evaluate(x, y, loss="hinge", class_weight=w)["loss"] for w in given]
    of_samples = np.where(y[:, 0] < 0, 3.0, 0.5)
    expected = net.evaluate(x, y, loss="hinge", sample_weight=of_samples)["loss"]
    assert_close(losses, [expected, expected])
    positive = y[:, 0] > 0  # as a batch may be
    ones = [net.evaluate(x[positive], y[positive], loss="hinge", class_weight=w) for w in given]
    half = net.evaluate(x[positive], y[positive], loss="hinge", sample_weight=np.full(6, 0.5))
    assert ones == [half, half]


@pytest.mark.parametrize(
    ("y", "class_weight", "message"),
    [
        (np.full((4, 1), 0.99), {0: 2.0}, r"y has \[0.99\] in row 0; class_weight expects labels"),
        (np.full((4, 1), 0.99), "balanced", "class_weight expects labels"),
        (
            np.array([[0.0], [1], [2], [0]]),
            {0: 2.0},
            r"y has \[2.0\] in row 2; class_weight expects",
        ),
        (np.array([[-1.0], [1], [0], [1]]), {1: 2.0}, r"y has \[0.0\] in row 2; class_weight"),
        (np.array([[0.0], [1], [1], [0]]), {-1: 2.0}, "has the label -1; expected some of 0, 1"),
        (np.array([[0.0], [1], [1], [0]]), {3: 2.0}, "has the label 3; expected some of 0, 1"),
        (np.array([[-1.0], [1], [1], [1]]), {0: 2.0}, "has the label 0; expected some of -1, 1"),
        (np.array([[1.0], [0], [np.nan], [1]]), {0: 2.0}, "y has a NaN in row 2"),
    ],
)
def test_class_weights_want_classes(y: Any, class_weight: Any, message: str) -> None:
    net = nn.mlp(5, [4], 1, output="tanh", dtype=np.float64)
    with pytest.raises(ValueError, match=message):
        net.evaluate(np.ones((4, 5)), y, loss="mse", class_weight=class_weight)


@pytest.mark.parametrize("y", [[[0.2, 0.8]], [[1.0, 1.0]], [[0.0, 0.0]]])
def test_class_weights_want_one_hot_rows(y: Any) -> None:
    net = nn.mlp(5, [4], 2, output="softmax", dtype=np.float64)
    with pytest.raises(ValueError, match="class_weight expects labels, one-hot rows"):
        net.evaluate(np.ones((1, 5)), y, loss="mse", class_weight={1: 2.0})


@pytest.mark.parametrize("entry", ["evaluate", "loss_and_gradient", "train_step"])
def test_class_weights_work_in_every_entry_point(entry: str, rng: np.random.Generator) -> None:
    net = nn.mlp(4, [6], 3, output="softmax", dtype=np.float64)
    x, y = rng.normal(size=(23, 4)), rng.integers(3, size=23)
    of_class = np.array([2.0, 0.5, 1.0])
    options: dict[str, Any] = {"loss": "cross_entropy"}
    if entry == "train_step":
        options["optimizer"] = nn.SGD(1e-300)  # leaves the network as it is
    call = getattr(net, entry)
    by_class = call(x, y, class_weight=of_class, **options)
    if entry == "train_step":
        options["optimizer"] = nn.SGD(1e-300)
    by_sample = call(x, y, sample_weight=of_class[y], **options)
    np.testing.assert_equal(by_class, by_sample)
