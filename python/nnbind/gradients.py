"""Backpropagation against finite differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import _core
from ._checks import flag, real
from .losses import LossArgument, LossWeights, core_losses
from .network import Network, Parts
from .regularizers import L1L2, core_regularizer

__all__ = ["GradientReport", "check_gradients"]


@dataclass(frozen=True)
class GradientReport:
    """How far gradients are from central differences.

    ``str`` of it has a line for each block of parameters, and for each operator or loss that is
    wrong or has kinks. ``check`` holds the numbers.
    """

    check: _core.GradientCheck

    @property
    def tolerance(self) -> float:
        """What relative errors may be."""
        return self.check.tolerance

    @property
    def largest_relative_error(self) -> float:
        """The largest error over all parameters."""
        return self.check.largest_relative_error

    @property
    def largest_operator_error(self) -> float:
        """The largest error over all operators and losses by themselves."""
        return self.check.largest_operator_error

    @property
    def wrong(self) -> tuple[str, ...]:
        """The names of the nodes whose operator, or loss, is wrong by itself."""
        entries = self.check.operators
        bad = [entry.node for entry in entries if entry.largest_relative_error > self.tolerance]
        return tuple(dict.fromkeys(bad))

    @property
    def kinks(self) -> int:
        """How many entries are kinks, which no error counts."""
        return self.check.kinks

    @property
    def ok(self) -> bool:
        """Whether no error is above the tolerance."""
        return self.check.ok

    def __repr__(self) -> str:
        kinks = f", {self.kinks} kink{'' if self.kinks == 1 else 's'}" if self.kinks else ""
        return (
            f"<GradientReport: {'ok' if self.ok else 'WRONG'}, relative errors up to "
            f"{self.largest_relative_error:.1e} "
            f"(operators {self.largest_operator_error:.1e}){kinks}>"
        )

    def __str__(self) -> str:
        return self.check.report()


def check_gradients(
    net: Network,
    X: Parts,
    y: Parts,
    loss: LossArgument,
    *,
    loss_weights: LossWeights = None,
    regularizer: L1L2 | None = None,
    step: float = 1e-5,
    tolerance: float = 1e-6,
    training: bool = False,
) -> GradientReport:
    """Compare gradients with differences (f(x + h) - f(x - h)) / 2h, h = step · max(1, |x|).

    First ∂L/∂θ by backpropagation. Then each operator by itself, at the values that it meets in the
    first 32 samples, for each of its inputs and its parameters; and each loss: so that the report
    says which is wrong.

    An error is relative to the largest of both values, of the differences to the left and to the
    right, and of a thousandth of the gradient's largest entry. Where it is above ``tolerance``,
    smaller steps are tried. A kink is where the differences to the left and to the right disagree
    at any step, while the gradient lies between them or is one of them, as at ReLU's 0; of ∂L/∂θ,
    also where so much is true of some samples and the gradient is right over the others. Kinks are
    counted and shown, and are no errors.

    The check is made in float64, whatever the network's dtype, with dropout off and running
    statistics; with ``training`` as a training step sees it, with its dropout, and normalized by
    the batch. It leaves the network as it is. Raises what ``net.loss_and_gradient`` raises, and
    ValueError unless step and tolerance are positive, or where the loss, or a value on the way to
    it, is not finite; TypeError unless ``net`` is a Network.
    """
    where = "check_gradients"
    if not isinstance(net, Network):
        raise TypeError(f"[{where}] net is {type(net).__name__}; expected an nnbind.Network")
    losses = core_losses(loss, loss_weights, net.output_names, where)
    twin = net.copy() if net.dtype == np.float64 else net.astype(np.float64)
    r = core_regularizer(regularizer, where)
    step, tolerance = real(step, "step", where), real(tolerance, "tolerance", where)
    training = flag(training, "training", where)
    check = twin._check_gradients(X, y, losses, r, step, tolerance, training)
    return GradientReport(check)
