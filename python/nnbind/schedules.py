"""Learning-rate schedules, to be given to an optimizer in place of a number.

A schedule is a function of the optimizer's step t = 0, 1, 2, ...: n samples in batches of m make
ceil(n / m) steps an epoch. ``ReduceOnPlateau`` alone counts in epochs and looks at the loss. Each
optimizer takes a copy, as new. All raise ValueError unless rates are positive, factors in (0, 1],
periods at least 1, all other numbers at least 0, ``warmup`` < ``steps``, and ``final`` and
``min_rate`` at most ``rate``.
"""

from __future__ import annotations

from . import _core
from ._checks import MOST_INT, integer, real
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
    return _core.constant_rate(real(rate, "rate", "Constant"))


def Step(rate: float, every: int, factor: float = 0.1) -> Schedule:
    """rate · factor^⌊t / every⌋."""
    where = "Step"
    return _core.step_decay(
        real(rate, "rate", where), integer(every, "every", 1, where), real(factor, "factor", where)
    )


def Exponential(rate: float, every: int, factor: float) -> Schedule:
    """rate · factor^(t / every)."""
    where = "Exponential"
    return _core.exponential_decay(
        real(rate, "rate", where), integer(every, "every", 1, where), real(factor, "factor", where)
    )


def Cosine(rate: float, steps: int, warmup: int = 0, final: float = 0.0) -> Schedule:
    """Up to ``rate`` in ``warmup`` steps, then half a cosine down to ``final`` at t = ``steps``.

    rate · (t + 1) / warmup for t < warmup; then final + (rate - final) (1 + cos(π u)) / 2 with
    u = (t - warmup) / (steps - warmup). Loshchilov and Hutter, "SGDR", ICLR 2017.
    """
    where = "Cosine"
    return _core.cosine_decay(
        real(rate, "rate", where),
        integer(steps, "steps", 1, where),
        integer(warmup, "warmup", 0, where),
        real(final, "final", where),
    )


def InverseScaling(rate: float, power: float = 0.5) -> Schedule:
    """rate / (t + 1)^power."""
    where = "InverseScaling"
    return _core.inverse_scaling(real(rate, "rate", where), real(power, "power", where))


def ReduceOnPlateau(
    rate: float,
    factor: float = 0.1,
    patience: int = 10,
    min_delta: float = 1e-4,
    min_rate: float = 0.0,
) -> Schedule:
    """Multiplies the rate by ``factor``, down to ``min_rate``, when the loss no longer falls.

    The monitored loss is the validation loss if there is one, else the training loss; it no longer
    falls when for ``patience`` epochs it has not fallen by more than ``min_delta`` below its best.
    """
    where = "ReduceOnPlateau"
    return _core.reduce_on_plateau(
        real(rate, "rate", where),
        real(factor, "factor", where),
        integer(patience, "patience", 1, where, MOST_INT),
        real(min_delta, "min_delta", where),
        real(min_rate, "min_rate", where),
    )
