"""What is minimized, L(θ), as the core knows it."""

from __future__ import annotations

from typing import Any, TypeAlias

from . import _core
from ._weights import sample_weights
from .losses import LossArgument, LossWeights, core_losses
from .regularizers import L1L2, core_regularizer

Objective: TypeAlias = tuple[list[tuple[_core.Loss, float]], _core.Regularizer, Any]


def core_objective(
    net: _core.Network,
    where: str,
    y: Any,
    loss: LossArgument,
    loss_weights: LossWeights,
    sample_weight: Any,
    class_weight: Any,
    regularizer: L1L2 | None = None,
) -> Objective:
    """The loss of each output with its weight, R, and the weight of each sample, or None.

    Raises ShapeError, TypeError or ValueError if they do not fit.
    """
    losses = core_losses(loss, loss_weights, net.output_names, where)
    r = core_regularizer(regularizer, where)
    return losses, r, sample_weights(sample_weight, class_weight, y, net, where)
