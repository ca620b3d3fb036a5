"""Losses d(y, f): what a prediction f costs when the target is y.

Every loss sums over a sample's outputs; ``MeanSquaredError`` alone averages over them as well.
Then ``reduction`` makes one number of a batch of m samples: "mean" is (1/m) Σ_i w_i d(y_i, f_i),
"sum" is Σ_i w_i d(y_i, f_i), with sample weights w (1 unless given). Each class has a name that may
be used in its place: ``loss="cross_entropy"``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from . import _core
from ._checks import flag, real, text
from ._options import Options

__all__ = [
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Hinge",
    "Huber",
    "Loss",
    "MeanSquaredError",
    "PerceptronCriterion",
    "Poisson",
    "SquaredError",
]


class Loss(Options):
    """What all losses have. Raises ValueError if an option is not allowed."""

    reduction: str

    def __init__(self, *, reduction: str = "mean") -> None:
        text(reduction, "reduction", type(self).__name__, '"mean" or "sum"')
        self._set(reduction=reduction)
        self._core()  # checks the options

    def _core(self) -> _core.Loss:
        raise TypeError(
            f"[{type(self).__name__}] has no formula; expected a loss as nn.CrossEntropy() or an "
            "nn.CustomLoss"
        )


class SquaredError(Loss):
    """Σ (y - f)², the lecture's ‖y - f‖²: "squared_error"."""

    def _core(self) -> _core.Loss:
        return _core.squared_error(self.reduction)


class MeanSquaredError(Loss):
    """(1/outputs) Σ (y - f)²: "mse"."""

    def _core(self) -> _core.Loss:
        return _core.mean_squared_error(self.reduction)


class AbsoluteError(Loss):
    """Σ |y - f|, with slope 0 at y = f: "absolute_error"."""

    def _core(self) -> _core.Loss:
        return _core.absolute_error(self.reduction)


class Huber(Loss):
    """Σ r²/2 where |r| <= delta, else delta (|r| - delta/2), with r = f - y: "huber" (1964)."""

    delta: float

    def __init__(self, delta: float = 1.0, *, reduction: str = "mean") -> None:
        self._set(delta=delta)
        super().__init__(reduction=reduction)

    def _core(self) -> _core.Loss:
        return _core.huber(real(self.delta, "delta", "Huber"), self.reduction)


class Hinge(Loss):
    """Σ max(0, 1 - y f), targets -1 and 1: "hinge"."""

    def _core(self) -> _core.Loss:
        return _core.hinge(self.reduction)


class PerceptronCriterion(Loss):
    """Σ max(0, -y f), targets -1 and 1, with slope -y where y f <= 0: "perceptron".

    After the "binary" activation it is applied to the pre-activation: Rosenblatt's rule (1958).
    """

    def _core(self) -> _core.Loss:
        return _core.perceptron_criterion(self.reduction)


class Poisson(Loss):
    """Σ f - y log f for a rate f > 0 and counts y >= 0: "poisson". Σ eᶠ - y f if ``log_input``."""

    log_input: bool

    def __init__(self, log_input: bool = False, *, reduction: str = "mean") -> None:
        self._set(log_input=log_input)
        super().__init__(reduction=reduction)

    def _core(self) -> _core.Loss:
        log_input = flag(self.log_input, "log_input", "Poisson")
        return _core.poisson(log_input, self.reduction)


class BinaryCrossEntropy(Loss):
    """-Σ y log p + (1 - y) log(1 - p), targets in [0, 1]: "binary_cross_entropy".

    p is the output. After the "sigmoid" activation both are computed at once from the
    pre-activation, stably, unless another node reads that output; ``from_logits`` does so after the
    "identity" activation. Else log p and log(1 - p) end where p rounds to 0 and 1, and a layer
    whose activation does not keep to [0, 1] is refused.
    """

    from_logits: bool

    def __init__(self, from_logits: bool = False, *, reduction: str = "mean") -> None:
        self._set(from_logits=from_logits)
        super().__init__(reduction=reduction)

    def _core(self) -> _core.Loss:
        from_logits = flag(self.from_logits, "from_logits", "BinaryCrossEntropy")
        return _core.binary_cross_entropy(from_logits, self.reduction)


class CrossEntropy(Loss):
    """-Σ_k y_k log p_k: "cross_entropy".

    Targets are integer labels (n,), or rows (n, classes) that are one-hot or any distribution.
    After the "softmax" or "log_softmax" activation both are computed at once from the
    pre-activation, stably, unless another node reads that output; ``from_logits`` does so after the
    "identity" activation. Else log p ends where p rounds to 0, and a layer whose activation does
    not keep to [0, 1] is refused.
    ``label_smoothing`` s replaces y by (1 - s) y + s / classes (Szegedy et al., CVPR 2016).
    """

    from_logits: bool
    label_smoothing: float

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, *, reduction: str = "mean"
    ) -> None:
        self._set(from_logits=from_logits, label_smoothing=label_smoothing)
        super().__init__(reduction=reduction)

    def _core(self) -> _core.Loss:
        where = "CrossEntropy"
        from_logits = flag(self.from_logits, "from_logits", where)
        smoothing = real(self.label_smoothing, "label_smoothing", where)
        return _core.cross_entropy(from_logits, smoothing, self.reduction)


LossArgument: TypeAlias = str | Loss | Sequence[str | Loss] | Mapping[str, str | Loss]
LossWeights: TypeAlias = Sequence[float] | Mapping[str, float] | None


def core_losses(
    loss: LossArgument, weights: LossWeights, outputs: Sequence[str], where: str
) -> list[tuple[_core.Loss, float]]:
    """The core's loss and its weight for each output.

    ``loss`` is one for all, a list in the order of the outputs or a dict by name; ``weights`` is
    a list, or a dict in which 1 need not stand. Raises TypeError or ValueError if they do not fit.
    """
    if weights is None and isinstance(loss, str | Loss):
        return [(_core_loss(loss, where), 1.0)] * len(outputs)
    if isinstance(loss, Mapping | list | tuple):
        losses = [_core_loss(one, where) for one in _for_each(loss, outputs, f"[{where}] loss")]
    else:
        losses = [_core_loss(loss, where)] * len(outputs)
    if isinstance(weights, Mapping):
        weights = dict.fromkeys(outputs, 1.0) | dict(weights)
    given = [1.0] * len(outputs)
    if weights is not None:
        listed = _for_each(weights, outputs, f"[{where}] loss_weights")
        given = [real(weight, "loss_weights", where) for weight in listed]
    return list(zip(losses, given, strict=True))


def _for_each(values: Any, outputs: Sequence[str], what: str) -> Sequence[Any]:
    """The values in the order of the outputs, whether they come in that order or by name."""
    if isinstance(values, Mapping):
        if set(values) != set(outputs):
            raise ValueError(f"{what} has names {list(values)}; expected {list(outputs)}")
        return [values[name] for name in outputs]
    if not isinstance(values, Sequence):
        raise TypeError(f"{what} is {values!r}; expected a list or a dict by name of the output")
    if len(values) != len(outputs):
        raise ValueError(f"{what} has {len(values)} entries; expected one for each of {outputs}")
    return values


def _core_loss(loss: Any, where: str) -> _core.Loss:
    if isinstance(loss, str):
        return _core.loss_from_name(text(loss, "loss", where), where)
    if isinstance(loss, Loss):
        return loss._core()
    raise TypeError(f"[{where}] loss is {loss!r}; expected a name or e.g. nn.CrossEntropy()")
