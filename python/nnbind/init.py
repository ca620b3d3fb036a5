"""Initial weights: W (inputs, units) of a layer; its bias starts at zero.

Each name below is a string for ``Dense(init=...)`` too, in snake case: ``"he_normal"``. An array of
one's own does as well: (inputs, units), or (inputs + 1, units) with the bias as the last row. By
default He (normal) goes with ReLU and its kin, LeCun (normal) with SELU, Glorot (uniform) with all
others. Draws are made in double precision and rounded: the same seed gives the same weights on
every platform, and a float32 network holds the rounded weights of the float64 one. Numbers that are
not finite, a negative ``std`` and a ``low`` above ``high`` are a ValueError.
"""

from __future__ import annotations

from . import _core
from ._checks import real
from ._core import Initializer

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LeCunNormal",
    "LeCunUniform",
    "Normal",
    "Uniform",
    "Zeros",
]


def Zeros() -> Initializer:
    """All weights 0: every unit of a layer then stays the same as its neighbours."""
    return _core.Initializer("zeros")


def Constant(value: float) -> Initializer:
    """All weights ``value``."""
    return _core.Initializer.constant(real(value, "value", "Constant"))


def Normal(std: float = 0.05, mean: float = 0.0) -> Initializer:
    """Normal with mean ``mean`` and standard deviation ``std``."""
    where = "Normal"
    return _core.Initializer.normal(real(std, "std", where), real(mean, "mean", where))


def Uniform(low: float = -0.05, high: float = 0.05) -> Initializer:
    """Uniform on [low, high)."""
    where = "Uniform"
    return _core.Initializer.uniform(real(low, "low", where), real(high, "high", where))


def LeCunNormal() -> Initializer:
    """Normal with variance 1 / inputs (LeCun et al., "Efficient BackProp", 1998)."""
    return _core.Initializer("lecun_normal")


def LeCunUniform() -> Initializer:
    """Uniform with variance 1 / inputs (LeCun et al., "Efficient BackProp", 1998)."""
    return _core.Initializer("lecun_uniform")


def GlorotNormal() -> Initializer:
    """Normal with variance 2 / (inputs + units) (Glorot and Bengio, AISTATS 2010)."""
    return _core.Initializer("glorot_normal")


def GlorotUniform() -> Initializer:
    """Uniform with variance 2 / (inputs + units) (Glorot and Bengio, AISTATS 2010)."""
    return _core.Initializer("glorot_uniform")


def HeNormal() -> Initializer:
    """Normal with variance 2 / inputs (He et al., ICCV 2015)."""
    return _core.Initializer("he_normal")


def HeUniform() -> Initializer:
    """Uniform with variance 2 / inputs (He et al., ICCV 2015)."""
    return _core.Initializer("he_uniform")
