"""What holds for any graph: values as in NumPy, gradients as by differences, float32 near float64.

A failure names the seed and the size of its graph.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnbind as nn
from helpers import assert_close, fit, same_bits
from random_graphs import random_network

graphs = given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 14))


def data(seed: int, n: int = 6) -> tuple[dict[str, Any], Any]:
    rng = np.random.default_rng(seed)
    x = {"x": rng.normal(size=(n, 3)), "z": rng.normal(size=(n, 2))}
    return x, rng.normal(size=(n, 2))


@graphs
def test_any_graph_computes_what_numpy_computes(seed: int, steps: int) -> None:
    (net, in_numpy), (x, _) = random_network(seed, steps), data(seed)
    assert_close(net.predict(x), in_numpy(x), 1e-11)


@pytest.mark.parametrize("training", [False, True])
@graphs
def test_the_gradient_of_any_graph_is_right(training: bool, seed: int, steps: int) -> None:
    (net, _), (x, y) = random_network(seed, steps), data(seed)
    report = nn.check_gradients(net, x, y, "squared_error", tolerance=1e-6, training=training)
    assert report.ok, report


@graphs
def test_single_precision_is_near_double_precision(seed: int, steps: int) -> None:
    (net, _), (x, y) = random_network(seed, steps), data(seed)
    single = net.astype(np.float32)
    assert_close(single.predict(x), net.predict(x), 1e-4)
    assert_close(
        single.loss_and_gradient(x, y, "mse")[1], net.loss_and_gradient(x, y, "mse")[1], 1e-3
    )


@graphs
def test_a_copy_trains_to_the_same_bits(seed: int, steps: int) -> None:
    (net, _), (x, y) = random_network(seed, steps), data(seed, n=11)
    twin = net.copy()
    for one in (net, twin):
        fit(one, x, y, loss="mse", epochs=2, batch_size=4, optimizer=nn.SGD(0.01), seed=1)
    assert same_bits(net.theta, twin.theta)
    assert same_bits(net.state, twin.state)
    assert net.nodes == twin.nodes
