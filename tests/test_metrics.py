"""Every metric against its formula, and where metrics are seen."""

from typing import Any

import numpy as np
import pytest

import nnbind as nn
from helpers import assert_close, fit, problem


def test_regression_metrics_equal_their_formulas(rng: np.random.Generator) -> None:
    net = nn.mlp(4, [6], 1, dtype=np.float64)
    x, y = rng.normal(size=(31, 4)), rng.normal(size=(31, 1))
    r = y - net.predict(x)
    values = net.evaluate(x, y, loss="squared_error", metrics=("mse", "mae", "r2"))
    assert list(values) == ["loss", "mse", "mae", "r2"]
    expected = [(r**2).mean(), (r**2).mean(), np.abs(r).mean()]
    expected.append(1 - (r**2).sum() / ((y - y.mean()) ** 2).sum())
    assert_close(list(values.values()), expected)


def test_mse_and_mae_are_means_over_outputs_too(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    r = y - net.predict(x)
    values = net.evaluate(x, y, loss="absolute_error", metrics=("mse", "mae"))
    assert_close([values["mse"], values["mae"]], [(r**2).mean(), np.abs(r).mean()])


@pytest.mark.parametrize("one_hot", [False, True])
def test_accuracy_is_the_share_of_right_classes(one_hot: bool, rng: np.random.Generator) -> None:
    net = nn.mlp(4, [6], 3, output="softmax", dtype=np.float64)
    x, labels = rng.normal(size=(40, 4)), rng.integers(3, size=40)
    y: Any = np.eye(3)[labels] if one_hot else labels
    values = net.evaluate(x, y, loss="cross_entropy", metrics=("accuracy",))
    assert values["accuracy"] == np.mean(net.predict(x).argmax(axis=1) == labels)


def test_binary_accuracy_is_the_share_of_right_sides_of_one_half(rng: np.random.Generator) -> None:
    net = nn.mlp(4, [6], 2, output="sigmoid", dtype=np.float64)
    x, y = rng.normal(size=(40, 4)), rng.integers(2, size=(40, 2)).astype(float)
    values = net.evaluate(x, y, loss="binary_cross_entropy", metrics=("binary_accuracy",))
    assert values["binary_accuracy"] == np.mean((net.predict(x) >= 0.5) == (y == 1))


@pytest.mark.parametrize("loss", ["mse", "hinge"])
def test_accuracy_of_signs_is_the_share_of_right_signs(loss: str, rng: np.random.Generator) -> None:
    net = nn.mlp(4, [6], 1, activation="tanh", output="tanh", dtype=np.float64)
    x, y = rng.normal(size=(300, 4)), np.where(rng.normal(size=(300, 1)) > 0, 1.0, -1.0)
    values = net.evaluate(x, y, loss=loss, metrics=("accuracy", "binary_accuracy"))
    right = np.mean((net.predict(x) >= 0) == (y > 0))
    assert [values["accuracy"], values["binary_accuracy"]] == [right, right]
    history = fit(net.copy(), x, y, loss=loss, epochs=1, optimizer=nn.SGD(1e-300),
                  metrics=["accuracy"], batch_size=32)  # fmt: skip
    assert history.metrics["accuracy"] == [right]


@pytest.mark.parametrize("ones", ["training", "validation"])
def test_both_sets_of_a_fit_have_one_convention(ones: str, rng: np.random.Generator) -> None:
    net = nn.mlp(4, [6], 1, activation="tanh", output="tanh", dtype=np.float64)
    x = rng.normal(size=(300, 4))
    mixed = np.where(rng.normal(size=(300, 1)) > 0, 1.0, -1.0)
    sets = {"training": (x, mixed), "validation": (x, mixed), ones: (x, np.ones((300, 1)))}
    history = fit(net, *sets["training"], loss="mse", epochs=2, optimizer=nn.SGD(1e-300),
                  metrics=["accuracy"], validation_data=sets["validation"])  # fmt: skip
    for name, key in [("training", "accuracy"), ("validation", "val_accuracy")]:
        right = np.mean((net.predict(x) >= 0) == (sets[name][1] > 0))
        assert history.metrics[key] == [right, right]


def test_accuracy_of_a_perceptron_is_that_of_its_classes(rng: np.random.Generator) -> None:
    x = rng.normal(size=(100, 2))
    y = np.where(x @ [1.0, -2.0] > 0.3, 1.0, -1.0)[:, None]
    net = nn.Sequential(nn.Input(2), nn.Dense(1, "binary"), dtype=np.float64)
    for loss in ("perceptron", "mse"):
        value = net.evaluate(x, y, loss=loss, metrics=["accuracy"])["accuracy"]
        assert value == np.mean((net.predict(x) == 1) == (y == 1))


def test_binary_accuracy_knows_logits_and_logarithms() -> None:
    x, labels = 3 * np.eye(3), [0, 1, 2]
    for loss, output in [
        (nn.CrossEntropy(), "softmax"),
        (nn.CrossEntropy(), "log_softmax"),
        (nn.CrossEntropy(from_logits=True), "identity"),
    ]:
        weights = np.eye(3) if output != "identity" else np.eye(3) - 0.1
        net = nn.Sequential(nn.Input(3), nn.Dense(3, output, init=weights), dtype=np.float64)
        assert (
            net.evaluate(x, labels, loss=loss, metrics=["binary_accuracy"])["binary_accuracy"] == 1
        )


@pytest.mark.parametrize("n", [1, 3, 64, 96, 300])
def test_r2_of_a_constant_that_is_missed_is_nil(n: int, rng: np.random.Generator) -> None:
    net = nn.mlp(4, [6], 1, dtype=np.float64)
    x, y = rng.normal(size=(n, 4)), np.full((n, 1), 0.1)
    assert net.evaluate(x, y, loss="mse", metrics=["r2"])["r2"] == 0
    history = fit(net, x, y, loss="mse", epochs=1, batch_size=7, metrics=["r2"])
    assert history.metrics["r2"] == [0]


def test_r2_of_a_constant_that_is_met_is_one(rng: np.random.Generator) -> None:
    net = nn.Sequential(nn.Input(4), nn.Dense(2, init="zeros"), dtype=np.float64)
    x, y = rng.normal(size=(300, 4)), np.zeros((300, 2))
    assert net.evaluate(x, y, loss="mse", metrics=["r2"])["r2"] == 1
    assert fit(net, x, y, loss="mse", epochs=1, metrics=["r2"]).metrics["r2"] == [1]
    y[:, 1] = 0.1
    assert net.evaluate(x, y, loss="mse", metrics=["r2"])["r2"] == 0.5


def test_metrics_of_training_are_of_its_samples(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    standing_still = nn.SGD(1e-300)
    history = fit(net, x, y, loss="mse", optimizer=standing_still, epochs=2, batch_size=4,
                  metrics=("mae", "mse"))  # fmt: skip
    values = net.evaluate(x, y, loss="mse", metrics=("mae", "mse"))
    assert_close(history.metrics["mae"], [values["mae"]] * 2)
    assert_close(history.metrics["mse"], [values["mse"]] * 2)
    assert_close(history.loss, [values["loss"]] * 2)
