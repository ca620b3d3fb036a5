"""Small data sets in the plane, for lectures and tests: two classes, from a seed.

Each function returns (X, y): X float32 (n, 2), one sample a row, and y float32 (n, 1), the target
of each sample. Targets are 0 and 1 unless ``labels`` gives two other values: ``labels=(-1, 1)`` is
what the perceptron criterion and the hinge loss want. The samples are in random order, and the
classes have n/2 samples each (the first has one more if n is odd). The same arguments give the same
data.

All raise TypeError for what is no number, and ValueError for a number that is not allowed, as one
from 1e30 on: X would not be finite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from . import _core
from ._checks import integer, real
from ._checks import seed as checked_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["circles", "clouds", "moons", "spirals"]

Data: TypeAlias = "tuple[NDArray[np.float32], NDArray[np.float32]]"


def clouds(
    n: int,
    *,
    distance: float = 6.0,
    spread: float = 1.0,
    labels: Sequence[float] = (0.0, 1.0),
    seed: int = 0,
) -> Data:
    """Two Gaussian clouds: x = ∓ (distance/2) (1, 1)/√2 + spread · ε with ε ~ N(0, I).

    ``distance`` is that of the two centres, ``spread`` the standard deviation in each direction.
    The wrong side of the best line is reached with probability Φ(-distance / (2 spread)).

    Returns X (n, 2) and y (n, 1), labels[0] around the centre at the lower left. Raises ValueError
    unless n >= 2, distance >= 0, spread >= 0 and the two labels differ.
    """
    draw = _Draw("clouds", n, labels, seed)
    distance = draw.number("distance", distance)
    spread = draw.number("spread", spread)
    along = (draw.classes - 0.5) * distance / math.sqrt(2)
    return draw.samples(along, along, spread)


def circles(
    n: int,
    *,
    ratio: float = 0.5,
    noise: float = 0.1,
    labels: Sequence[float] = (0.0, 1.0),
    seed: int = 0,
) -> Data:
    """A ring inside a ring: x = r (cos φ, sin φ) + noise · ε, φ uniform on [0, 2π), ε ~ N(0, I).

    The outer ring has r = 1, the inner one r = ``ratio``; with ratio 0 it is a disc of noise.

    Returns X (n, 2) and y (n, 1), labels[0] outside and labels[1] inside. Raises ValueError unless
    n >= 2, 0 <= ratio < 1, noise >= 0 and the two labels differ.
    """
    draw = _Draw("circles", n, labels, seed)
    ratio = draw.number("ratio", ratio, below=1)
    noise = draw.number("noise", noise)
    angle = draw.uniform(2 * math.pi)
    radius = np.where(draw.classes == 0, 1.0, ratio)
    return draw.samples(radius * np.cos(angle), radius * np.sin(angle), noise)


def moons(
    n: int, *, noise: float = 0.1, labels: Sequence[float] = (0.0, 1.0), seed: int = 0
) -> Data:
    """Two half circles that reach into one another, φ uniform on [0, π), ε ~ N(0, I):

    x = (cos φ, sin φ) + noise · ε, and x = (1 - cos φ, 1/2 - sin φ) + noise · ε.

    Returns X (n, 2) and y (n, 1), labels[0] on the upper one. Raises ValueError unless n >= 2,
    noise >= 0 and the two labels differ.
    """
    draw = _Draw("moons", n, labels, seed)
    noise = draw.number("noise", noise)
    angle = draw.uniform(math.pi)
    upper = draw.classes == 0
    first = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    second = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    return draw.samples(first, second, noise)


def spirals(
    n: int,
    *,
    turns: float = 1.5,
    noise: float = 0.02,
    labels: Sequence[float] = (0.0, 1.0),
    seed: int = 0,
) -> Data:
    """Two arms of a spiral: x = ± r (cos φ, sin φ) + noise · ε, φ = 2π · turns · r, ε ~ N(0, I).

    The radius r = √u, u uniform on [0, 1), fills the arms about evenly. The arms of one class
    and the other are 1 / (2 turns) apart.

    Returns X (n, 2) and y (n, 1), labels[0] on the arm with the plus sign. Raises ValueError unless
    n >= 2, turns >= 0, noise >= 0 and the two labels differ.
    """
    draw = _Draw("spirals", n, labels, seed)
    turns = draw.number("turns", turns)
    noise = draw.number("noise", noise)
    radius = np.sqrt(draw.uniform(1.0))
    angle = 2 * math.pi * turns * radius
    signed = np.where(draw.classes == 0, radius, -radius)
    return draw.samples(signed * np.cos(angle), signed * np.sin(angle), noise)


class _Draw:
    """One data set in the making: its checks, its random numbers and each sample's class."""

    def __init__(self, name: str, n: int, labels: Sequence[float], seed: int) -> None:
        self.where = f"datasets.{name}"
        self.n = integer(n, "n", 2, self.where)
        self.labels = self._two_values(labels)
        self.rng = np.random.default_rng(checked_seed(seed, self.where))
        self.classes = self.rng.permutation(np.arange(self.n) % 2)

    def number(self, name: str, value: Any, below: float = 1e30) -> float:
        """The option as a float in [0, below): as large as keeps X finite in float32."""
        number = real(value, name, self.where)
        if not 0 <= number < below:
            raise ValueError(f"[{self.where}] {name} is {number}; expected 0 <= {name} < {below:g}")
        return number

    def uniform(self, end: float) -> NDArray[np.float64]:
        """(n,) draws from [0, end)."""
        return self.rng.uniform(0, end, self.n)

    def samples(
        self, first: NDArray[np.float64], second: NDArray[np.float64], noise: float
    ) -> Data:
        """X, the two coordinates (n,) each with normal noise, and y."""
        X = np.column_stack([first, second]) + noise * self.rng.standard_normal((self.n, 2))
        return X.astype(np.float32), self.labels[self.classes][:, None]

    def _two_values(self, labels: Any) -> NDArray[np.float32]:
        expected = "expected two different numbers"
        with np.errstate(over="ignore"):  # an infinity is refused
            values = _core.numbers(labels, f"[{self.where}] labels").astype(np.float32)
        if values.shape != (2,) or values[0] == values[1] or not np.isfinite(values).all():
            raise ValueError(f"[{self.where}] labels is {labels!r}; {expected}")
        return values
