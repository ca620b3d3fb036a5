"""scikit-learn's published example plot_mlp_training_curves, reproduced to 6 decimals.

Its MLPClassifier(random_state=0) draws, from one RandomState(0), each layer's weights and then its
bias, and at the start of each epoch shuffles the sample order of the epoch before.
"""

import math
from typing import Any

import numpy as np
import pytest

import nnbind as nn
import reference as ref
from helpers import fit

datasets = pytest.importorskip("sklearn.datasets")
preprocessing = pytest.importorskip("sklearn.preprocessing")

RATE, PENALTY = 0.2, 1e-4
CASES = [
    ("iris", 400, 0.0, False, 0.096950),
    ("iris", 139, 0.9, False, 0.049530),
    ("iris", 143, 0.9, True, 0.049540),
    ("digits", 15, 0.0, False, 0.243802),
    ("digits", 15, 0.9, False, 0.041297),
    ("digits", 15, 0.9, True, 0.042898),
]


def example(name: str, epochs: int) -> tuple[Any, Any, list[ref.Layer], list[Any], Any]:
    """X, labels, the layers, each layer's (inputs + 1, units) block, the order of each epoch."""
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    x = preprocessing.MinMaxScaler().fit_transform(x)
    layers = [ref.Layer(x.shape[1], 100, "relu"), ref.Layer(100, y.max() + 1, "softmax")]

    random, parameters = np.random.RandomState(0), []
    for k in layers:
        bound = math.sqrt(6 / (k.inputs + k.units))
        weights = random.uniform(-bound, bound, (k.inputs, k.units))
        parameters.append(np.vstack([weights, random.uniform(-bound, bound, k.units)]))

    orders = [np.arange(len(x))]
    for _ in range(epochs):
        permutation = np.arange(len(x))
        random.shuffle(permutation)
        orders.append(orders[-1][permutation])
    return x, y, layers, parameters, np.stack(orders[1:])


@pytest.mark.parametrize(("name", "epochs", "momentum", "nesterov", "published"), CASES)
def test_the_last_loss_is_the_published_one(
    name: str, epochs: int, momentum: float, nesterov: bool, published: float
) -> None:
    x, y, layers, parameters, orders = example(name, epochs)
    dense = [nn.Dense(k.units, k.activation, init=p)
             for k, p in zip(layers, parameters, strict=True)]  # fmt: skip
    net = nn.Sequential(nn.Input(x.shape[1]), *dense, dtype=np.float64)
    history = fit(
        net, x, y, loss="cross_entropy", optimizer=nn.SGD(RATE, momentum, nesterov),
        epochs=epochs, batch_size=min(200, len(x)), sample_order=orders,
        regularizer=nn.L2(PENALTY, divide_by_batch_size=True),
    )  # fmt: skip
    assert round(history.loss[-1], 6) == published


@pytest.mark.parametrize(("name", "epochs", "momentum", "nesterov", "published"), CASES)
def test_the_reference_reproduces_it_as_well(
    name: str, epochs: int, momentum: float, nesterov: bool, published: float
) -> None:
    x, y, layers, parameters, orders = example(name, epochs)
    theta = np.concatenate([block.ravel() for block in parameters])
    one_hot, optimizer = np.eye(y.max() + 1)[y], ref.SGD(momentum, nesterov)
    for order in orders:
        total = 0.0
        for rows in np.split(order, range(200, len(x), 200)):
            loss, gradient = ref.loss_and_gradient(
                layers, theta, x[rows], one_hot[rows], "cross_entropy",
                l2=PENALTY, divide_by_batch_size=True,
            )  # fmt: skip
            total += loss * len(rows)
            theta = optimizer.step(theta, gradient, RATE)
    assert round(total / len(x), 6) == published
