"""Learning-rate schedules, to be given to an optimizer in place of a number.

A schedule is a function of the optimizer's step t = 0, 1, 2, ...: n samples in batches of m make
ceil(n / m) steps an epoch. ``ReduceOnPlateau`` alone counts in epochs and looks at the loss. A
schedule belongs to one optimizer.
"""

from __future__ import annotations

from . import _core
from ._core import Schedule

__all__ = [
    "Constant",
    "Cosine",
    "Exponential",
    "InverseScaling",
    "ReduceOnPlateau",
    "Schedule",
    "Step",
]


def Constant(rate: float) -> Schedule:
    """Always ``rate``."""
    return _core.constant_rate(rate)


def Step(rate: float, every: int, factor: float = 0.1) -> Schedule:
    """rate · factor^⌊t / every⌋."""
    return _core.step_decay(rate, every, factor)


def Exponential(rate: float, every: int, factor: float) -> Schedule:
    """rate · factor^(t / every)."""
    return _core.exponential_decay(rate, every, factor)


def Cosine(rate: float, steps: int, warmup: int = 0, final: float = 0.0) -> Schedule:
    """Up to ``rate`` in ``warmup`` steps, then half a cosine down to ``final`` at t = ``steps``.

    rate · (t + 1) / warmup for t < warmup; then final + (rate - final) (1 + cos(π u)) / 2 with
    u = (t - warmup) / (steps - warmup). Loshchilov and Hutter, "SGDR", ICLR 2017.
    """
    return _core.cosine_decay(rate, steps, warmup, final)


def InverseScaling(rate: float, power: float = 0.5) -> Schedule:
    """rate / (t + 1)^power."""
    return _core.inverse_scaling(rate, power)


def ReduceOnPlateau(
    rate: float,
    factor: float = 0.1,
    patience: int = 10,
    min_delta: float = 1e-4,
    min_rate: float = 0.0,
) -> Schedule:
    """Multiplies the rate by ``factor``, down to ``min_rate``, when the loss no longer falls.

    The monitored loss is the validation loss if there is one, else the training loss; it no longer
    falls when it has not been ``min_delta`` below its best for ``patience`` epochs.
    """
    return _core.reduce_on_plateau(rate, factor, patience, min_delta, min_rate)
