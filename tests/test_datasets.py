"""Data sets: their shapes, classes, geometry and order, and what they refuse."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers import same_bits
from nnbind import datasets

MAKERS: dict[str, Callable[..., datasets.Data]] = {
    name: getattr(datasets, name) for name in datasets.__all__
}
every_data_set = pytest.mark.parametrize("name", list(MAKERS))


def by_class(data: datasets.Data) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    X, y = data
    return X[y[:, 0] == 0], X[y[:, 0] == 1]


@every_data_set
def test_shapes_and_dtypes(name: str) -> None:
    X, y = MAKERS[name](37)
    assert X.shape == (37, 2)
    assert y.shape == (37, 1)
    assert X.dtype == y.dtype == np.float32
    assert X.flags.c_contiguous
    assert y.flags.c_contiguous
    assert np.isfinite(X).all()


@every_data_set
@pytest.mark.parametrize("n", [2, 3, 100, 101])
def test_halves_are_balanced(name: str, n: int) -> None:
    y = MAKERS[name](n)[1]
    assert (y == 0).sum() == n - n // 2
    assert (y == 1).sum() == n // 2


@every_data_set
def test_the_order_is_random(name: str) -> None:
    y = MAKERS[name](1000)[1][:, 0]
    # Independent neighbours differ 500 ± 16 times: sorted classes once, alternating ones 999 times.
    assert 420 < np.count_nonzero(np.diff(y)) < 580


@every_data_set
def test_a_seed_gives_the_same_bits_and_another_seed_other_data(name: str) -> None:
    first, again, other = (MAKERS[name](50, seed=seed) for seed in (3, 3, 4))
    assert same_bits(first[0], again[0])
    assert same_bits(first[1], again[1])
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[1], other[1])


@every_data_set
def test_labels_replace_the_targets_and_nothing_else(name: str) -> None:
    plain, signed = MAKERS[name](60), MAKERS[name](60, labels=(-1, 1))
    assert same_bits(plain[0], signed[0])
    np.testing.assert_array_equal(signed[1], 2 * plain[1] - 1)


def test_clouds_have_their_centres_and_spread() -> None:
    for k, points in enumerate(by_class(datasets.clouds(40_000, distance=5.0, spread=0.7))):
        centre = (2 * k - 1) * 2.5 / np.sqrt(2)
        np.testing.assert_allclose(points.mean(axis=0), [centre, centre], atol=0.02)
        np.testing.assert_allclose(points.std(axis=0), 0.7, atol=0.02)


def test_circles_have_their_radii() -> None:
    outer, inner = by_class(datasets.circles(500, ratio=0.3, noise=0.0))
    np.testing.assert_allclose(np.hypot(*outer.T), 1.0, rtol=1e-6)
    np.testing.assert_allclose(np.hypot(*inner.T), 0.3, rtol=1e-6)
    assert np.abs(outer.mean(axis=0)).max() < 0.15  # all around


def test_moons_are_half_circles_that_interleave() -> None:
    upper, lower = by_class(datasets.moons(500, noise=0.0))
    np.testing.assert_allclose(np.hypot(*upper.T), 1.0, rtol=1e-6)
    np.testing.assert_allclose(np.hypot(*(lower - [1.0, 0.5]).T), 1.0, rtol=1e-6)
    assert upper[:, 1].min() >= 0
    assert lower[:, 1].max() <= 0.5
    assert upper[:, 0].max() > lower[:, 0].min()


def test_spirals_have_opposite_arms_of_the_given_turns() -> None:
    for sign, arm in zip(
        (1, -1), by_class(datasets.spirals(500, turns=2.0, noise=0.0)), strict=True
    ):
        radius = np.hypot(*arm.T)
        assert radius.max() <= 1
        angle = 2 * np.pi * 2.0 * radius
        expected = sign * radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
        np.testing.assert_allclose(arm, expected, atol=1e-5)


@pytest.mark.parametrize("name", ["circles", "moons", "spirals"])
def test_noise_is_the_standard_deviation_about_the_curve(name: str) -> None:
    exact, noisy = (MAKERS[name](20_000, noise=noise)[0] for noise in (0.0, 0.2))
    np.testing.assert_allclose((noisy - exact).std(axis=0), 0.2, atol=0.005)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clouds", ["distance", "spread"]),
        ("circles", ["noise"]),
        ("moons", ["noise"]),
        ("spirals", ["turns", "noise"]),
    ],
)
def test_the_largest_options_give_finite_samples(name: str, options: list[str]) -> None:
    X, _ = MAKERS[name](1000, **dict.fromkeys(options, np.nextafter(1e30, 0)))
    assert np.isfinite(X).all()


BAD_OPTIONS: list[tuple[str, dict[str, Any], Any, str]] = [
    (
        "clouds",
        {"distance": -1.0},
        ValueError,
        r"distance is -1.0; expected 0 <= distance < 1e\+30",
    ),
    ("clouds", {"spread": np.nan}, ValueError, "spread is nan"),
    ("clouds", {"spread": np.inf}, ValueError, "spread is inf"),
    ("clouds", {"spread": 1e39}, ValueError, r"spread is 1e\+39"),
    ("clouds", {"distance": 1e300}, ValueError, r"distance is 1e\+300"),
    ("moons", {"noise": 1e300}, ValueError, r"noise is 1e\+300"),
    ("spirals", {"turns": 1e308}, ValueError, r"turns is 1e\+308"),
    ("clouds", {"spread": "wide"}, TypeError, "spread is 'wide'; expected a number"),
    ("circles", {"ratio": 1.0}, ValueError, r"ratio is 1.0; expected 0 <= ratio < 1"),
    ("circles", {"ratio": -0.1}, ValueError, "ratio is -0.1"),
    ("circles", {"ratio": "0.5"}, TypeError, "ratio is '0.5'; expected a number"),
    ("circles", {"noise": -0.1}, ValueError, "noise is -0.1"),
    ("moons", {"noise": None}, TypeError, "noise is None"),
    ("spirals", {"turns": -2.0}, ValueError, "turns is -2.0"),
    ("spirals", {"noise": -0.1}, ValueError, "noise is -0.1"),
]


@pytest.mark.parametrize(("name", "options", "error", "message"), BAD_OPTIONS)
def test_wrong_options_are_refused(
    name: str, options: dict[str, Any], error: Any, message: str
) -> None:
    with pytest.raises(error, match=rf"\[datasets.{name}\] {message}"):
        MAKERS[name](10, **options)


BAD_COMMON: list[tuple[dict[str, Any], Any, str]] = [
    ({"n": 0}, ValueError, "n is 0; expected an integer >= 2"),
    ({"n": 1}, ValueError, "n is 1; expected an integer >= 2"),
    ({"n": 10.0}, TypeError, "n is 10.0; expected an integer"),
    ({"seed": -1}, ValueError, "seed is -1"),
    ({"seed": None}, TypeError, "seed is None"),
    ({"labels": (1, 1)}, ValueError, r"labels is \(1, 1\); expected two different numbers"),
    ({"labels": (0, 1, 2)}, ValueError, "labels is"),
    ({"labels": (0, np.nan)}, ValueError, "labels is"),
    ({"labels": 1}, ValueError, "labels is 1"),
    ({"labels": ("no", "yes")}, TypeError, "labels has dtype str"),
]


@every_data_set
@pytest.mark.parametrize(("options", "error", "message"), BAD_COMMON)
def test_wrong_n_seed_or_labels_are_refused(
    name: str, options: dict[str, Any], error: Any, message: str
) -> None:
    with pytest.raises(error, match=rf"\[datasets.{name}\] {message}"):
        MAKERS[name](**{"n": 10, **options})
