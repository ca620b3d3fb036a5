"""Optimizers: how a gradient g moves theta.

``learning_rate`` γ is a number or a schedule of ``nn.schedules``. With ``clip_norm`` c, g is first
multiplied by min(1, c / ‖g‖₂) (Pascanu, Mikolov, Bengio, ICML 2013). The momenta belong to the
optimizer and fit one network, the first that it trains: a further fit goes on with them, another
network raises ValueError. Copies and pickles have the options alone, no momenta and no steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from . import _core
from ._checks import flag, real
from ._core import Schedule
from ._options import Fixed

__all__ = ["SGD", "AdaGrad", "Adam", "AdamW", "GradientDescent", "Optimizer", "RMSProp"]


class Optimizer(Fixed):
    """What all optimizers have. Raises ValueError if an option is not allowed."""

    clip_norm: float | None

    _options = ("learning_rate",)
    _instead = "make a new one, with a schedule of nn.schedules for a learning rate that changes"

    def __init__(self, core: _core.Optimizer) -> None:
        self._core = core

    @property
    def iterations(self) -> int:
        """Steps made so far."""
        return self._core.iterations

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return self._core.learning_rate

    def reset(self) -> None:
        """Forget the momenta, the network they belong to, and the steps.

        Raises BusyError while a fit or a step uses the optimizer, also from a callback.
        """
        self._core.reset()

    def __copy__(self) -> Optimizer:
        from copy import deepcopy  # half a millisecond that not every import need take

        return deepcopy(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, learning rate {self.learning_rate:g}>"


class SGD(Optimizer):
    """θ ← θ - γ g; with momentum μ, v ← μ v - γ g and θ ← θ + v.

    With ``nesterov`` θ ← θ + μ v - γ g (Nesterov 1983, as in Sutskever et al., ICML 2013).
    """

    momentum: float
    nesterov: bool

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *,
        clip_norm: float | None = None,
    ) -> None:
        make = partial(_core.sgd, nesterov=flag(nesterov, "nesterov", "SGD"))
        super().__init__(_made(self, make, learning_rate, clip_norm, momentum=momentum))
        self._set(nesterov=bool(nesterov))


class GradientDescent(SGD):
    """θ ← θ - γ g with the gradient of the whole set in each step; fit takes no batches then."""

    def __init__(
        self, learning_rate: float | Schedule = 0.01, *, clip_norm: float | None = None
    ) -> None:
        super().__init__(learning_rate, clip_norm=clip_norm)


class Adam(Optimizer):
    """θ ← θ - γ m̂ / (√v̂ + ε) (Kingma and Ba, ICLR 2015).

    m ← β₁ m + (1 - β₁) g, v ← β₂ v + (1 - β₂) g², m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ).
    """

    beta1: float
    beta2: float
    epsilon: float

    def __init__(
        self,
        learning_rate: float | Schedule = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        clip_norm: float | None = None,
    ) -> None:
        options = {"beta1": beta1, "beta2": beta2, "epsilon": epsilon}
        super().__init__(_made(self, _core.adam, learning_rate, clip_norm, **options))


class AdamW(Optimizer):
    """As Adam, after W ← (1 - γ λ) W for the weights (Loshchilov and Hutter, ICLR 2019).

    λ is ``weight_decay``; biases do not decay.
    """

    beta1: float
    beta2: float
    epsilon: float
    weight_decay: float

    def __init__(
        self,
        learning_rate: float | Schedule = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 1e-2,
        *,
        clip_norm: float | None = None,
    ) -> None:
        options = {"beta1": beta1, "beta2": beta2, "epsilon": epsilon}
        options["weight_decay"] = weight_decay
        super().__init__(_made(self, _core.adamw, learning_rate, clip_norm, **options))


class RMSProp(Optimizer):
    """v ← ρ v + (1 - ρ) g², θ ← θ - γ g / (√v + ε) (Tieleman and Hinton, 2012)."""

    rho: float
    epsilon: float

    def __init__(
        self,
        learning_rate: float | Schedule = 1e-3,
        rho: float = 0.9,
        epsilon: float = 1e-8,
        *,
        clip_norm: float | None = None,
    ) -> None:
        options = {"rho": rho, "epsilon": epsilon}
        super().__init__(_made(self, _core.rmsprop, learning_rate, clip_norm, **options))


class AdaGrad(Optimizer):
    """v ← v + g², θ ← θ - γ g / (√v + ε) (Duchi, Hazan, Singer, JMLR 2011)."""

    epsilon: float

    def __init__(
        self,
        learning_rate: float | Schedule = 1e-2,
        epsilon: float = 1e-10,
        *,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(_made(self, _core.adagrad, learning_rate, clip_norm, epsilon=epsilon))


def core_optimizer(optimizer: object, where: str) -> _core.Optimizer:
    """The core's optimizer behind an object."""
    if isinstance(optimizer, Optimizer):
        if not hasattr(optimizer, "_core"):
            raise TypeError(
                f"[{where}] optimizer has not been initialized; call super().__init__() first"
            )
        return optimizer._core
    raise TypeError(f"[{where}] optimizer is {optimizer!r}; expected an object as nn.SGD(0.01)")


def _made(
    optimizer: Optimizer,
    make: Callable[..., _core.Optimizer],
    learning_rate: float | Schedule,
    clip_norm: float | None,
    **options: float,
) -> _core.Optimizer:
    """What the core makes of the options.

    Raises TypeError, by name, for what is no number, ValueError for a rate that is not positive.
    """
    where = type(optimizer).__name__
    if not isinstance(learning_rate, Schedule):
        rate = real(learning_rate, "learning_rate", where, "a number or a schedule of nn.schedules")
        if not 0 < rate < math.inf:
            raise ValueError(f"[{where}] learning_rate is {rate:g}; expected a positive number")
        learning_rate = _core.constant_rate(rate)
    if clip_norm is not None:
        clip_norm = real(clip_norm, "clip_norm", where, "a number or None")
    numbers = {name: real(value, name, where) for name, value in options.items()}
    optimizer._set(**numbers, clip_norm=clip_norm)
    return make(schedule=learning_rate, clip_norm=clip_norm, **numbers)
