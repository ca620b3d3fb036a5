"""What is to be seen of a network: every number of a backpropagation, and its drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _core
from ._checks import integer
from ._objective import core_objective
from .losses import LossArgument, LossWeights
from .regularizers import L1L2

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from .drawing import GraphDrawing
    from .network import ClassWeight, Parts
    from .trace import Trace


class Inspection(_core.Network):
    """Looks at the network as it predicts: no dropout, running statistics. Nothing changes it."""

    def trace(
        self,
        X: Parts,
        y: Parts,
        loss: LossArgument,
        *,
        loss_weights: LossWeights = None,
        regularizer: L1L2 | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeight = None,
        widest: int = 64,
    ) -> Trace:
        """A forward and a backward pass with every number: ``print(net.trace(X, y, "mse"))``.

        For a small batch: each operator's local derivatives ∂out/∂in are found sample by sample.
        Those of more than ``widest`` outputs or inputs are left out. A loss and the activation
        before it, which training takes together, are taken apart where they can be. Raises
        ShapeError, TypeError or ValueError if the arrays do not fit.
        """
        from .trace import Trace

        where = "Network.trace"
        losses, r, weights = core_objective(
            self, where, y, loss, loss_weights, sample_weight, class_weight, regularizer
        )
        return Trace(self._trace(X, y, losses, r, weights, integer(widest, "widest", 0, where)))

    def graph(self) -> GraphDrawing:
        """The computation graph as a drawing: ``net.graph().save("network.svg")``.

        ``str`` of it is its text in Graphviz's DOT language.
        """
        from .drawing import GraphDrawing

        return GraphDrawing(self._to_dot())
