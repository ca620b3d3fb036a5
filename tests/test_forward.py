"""predict against the plain NumPy network."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference as ref
from helpers import MIXED, assert_close, build, randomize, same_bits

TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}


def test_a_deep_mixed_network_equals_the_reference(dtype: Any, rng: np.random.Generator) -> None:
    net = build(MIXED, dtype)
    randomize(net, rng)
    x = rng.normal(size=(37, 5)).astype(dtype)
    expected = ref.forward(MIXED, net.theta.astype(float), x.astype(float))[1][-1]
    assert_close(net.predict(x), expected, TOLERANCE[dtype])


@given(
    widths=st.lists(st.integers(1, 70), min_size=2, max_size=4),
    n=st.integers(1, 130),
    activation=st.sampled_from(ref.ACTIVATIONS),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_any_shape_equals_the_reference(
    widths: list[int], n: int, activation: str, dtype: Any
) -> None:
    rng = np.random.default_rng(n)
    pairs = list(itertools.pairwise(widths))
    layers = [ref.Layer(inputs, units, "tanh") for inputs, units in pairs]
    # A step would turn rounding into a whole unit: it gets exact pre-activations below.
    layers[-1] = ref.Layer(*pairs[-1], "identity" if activation == "binary" else activation)
    net = build(layers, dtype)
    randomize(net, rng)
    x = rng.normal(size=(n, widths[0])).astype(dtype)
    expected = ref.forward(layers, net.theta.astype(float), x.astype(float))[1][-1]
    assert_close(net.predict(x), expected, 10 * TOLERANCE[dtype])


def test_the_step_is_exact_on_whole_numbers(dtype: Any, rng: np.random.Generator) -> None:
    layers = [ref.Layer(19, 33, "binary"), ref.Layer(33, 5)]
    net = build(layers, dtype)
    net.theta[:] = rng.integers(-3, 4, size=net.theta.size)
    x = rng.integers(-3, 4, size=(50, 19)).astype(dtype)
    expected = ref.forward(layers, net.theta.astype(float), x.astype(float))[1][-1]
    np.testing.assert_array_equal(net.predict(x), expected)


@pytest.mark.parametrize("n", [1, 2, 31, 64, 65])
def test_a_row_does_not_depend_on_the_rows_around_it(
    n: int, dtype: Any, rng: np.random.Generator
) -> None:
    net = build(MIXED, dtype)
    x = rng.normal(size=(100, 5)).astype(dtype)
    assert_close(net.predict(x[:n]), net.predict(x)[:n], TOLERANCE[dtype])


def test_predict_twice_gives_the_same_bits(dtype: Any, rng: np.random.Generator) -> None:
    net, x = build(MIXED, dtype), rng.normal(size=(33, 5)).astype(dtype)
    assert same_bits(net.predict(x), net.predict(x))
