"""Backpropagation against finite differences."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from . import _core
from .losses import Loss, core_loss
from .network import Network
from .regularizers import L1L2, core_regularizer

__all__ = ["GradientReport", "check_gradients"]


@dataclass(frozen=True)
class GradientReport:
    """How far a gradient is from central differences; ``str`` of it has a line for each layer."""

    check: _core.GradientCheck
    tolerance: float

    @property
    def max_relative_error(self) -> float:
        """The largest error over all parameters."""
        return self.check.largest_relative_error

    @property
    def ok(self) -> bool:
        """Whether no error is above the tolerance."""
        return self.max_relative_error <= self.tolerance

    def __str__(self) -> str:
        lines = [
            f"{entry.node}: relative error {entry.largest_relative_error:.1e} at "
            f"({entry.row}, {entry.col}): {entry.analytic:.9g} by backpropagation, "
            f"{entry.numerical:.9g} by differences"
            for entry in self.check.nodes
        ]
        verdict = "ok" if self.ok else "WRONG"
        return "\n".join([*lines, f"{verdict} at tolerance {self.tolerance:g}"])


def check_gradients(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    loss: str | Loss,
    *,
    regularizer: L1L2 | None = None,
    step: float = 1e-5,
    tolerance: float = 1e-6,
) -> GradientReport:
    """Compare each ∂L/∂θ_i with (L(θ + h e_i) - L(θ - h e_i)) / 2h, h = step · max(1, |θ_i|).

    The check is made in float64, whatever the network's dtype, with dropout off. An error is
    relative to the larger of both values and of a thousandth of the gradient's largest entry. At a
    kink, as ReLU's at 0, differences and slope rightly disagree. Raises what
    ``net.loss_and_gradient`` raises.
    """
    where = "check_gradients"
    twin = net.astype("float64")
    check = twin._check_gradients(
        X, y, core_loss(loss, where), core_regularizer(regularizer, where), step
    )
    return GradientReport(check, tolerance)
