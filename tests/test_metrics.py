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


def test_metrics_of_training_are_of_its_samples(rng: np.random.Generator) -> None:
    net, x, y = problem(rng)
    standing_still = nn.SGD(1e-300)
    history = fit(net, x, y, loss="mse", optimizer=standing_still, epochs=2, batch_size=4,
                  metrics=("mae", "mse"))  # fmt: skip
    values = net.evaluate(x, y, loss="mse", metrics=("mae", "mse"))
    assert_close(history.metrics["mae"], [values["mae"]] * 2)
    assert_close(history.metrics["mse"], [values["mse"]] * 2)
    assert_close(history.loss, [values["loss"]] * 2)
