"""The derivatives of a network beside ∂L/∂θ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import _core
from ._objective import core_objective
from .losses import LossArgument, LossWeights
from .regularizers import L1L2

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from .network import ClassWeight, Parts


class Derivatives(_core.Network):
    """All are of the network as it predicts: no dropout, running statistics. None changes it.

    Raise ShapeError, TypeError or ValueError if the arrays do not fit or hold a NaN or an infinity.
    """

    def astype(self, dtype: DTypeLike) -> Derivatives:
        """A copy whose parameters and state are of another dtype."""
        raise NotImplementedError

    def input_gradient(
        self,
        X: Parts,
        y: Parts,
        loss: LossArgument,
        *,
        loss_weights: LossWeights = None,
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeight = None,
    ) -> NDArray[np.floating[Any]] | Any:
        """∂L/∂X of the reduced loss, (n, inputs); with several inputs a dict of arrays by name.

        The 1/n of a mean is in it: row i is ∂d(y_i, f(x_i))/∂x_i / n.
        """
        where = "Network.input_gradient"
        losses, _, weights = core_objective(
            self, where, y, loss, loss_weights, sample_weight, class_weight
        )
        return self._input_gradient(X, y, losses, weights)

    def per_sample_gradients(
        self,
        X: Parts,
        y: Parts,
        loss: LossArgument,
        *,
        loss_weights: LossWeights = None,
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeight = None,
    ) -> NDArray[np.floating[Any]]:
        """∂(w_i d(y_i, f(x_i)))/∂θ for each sample, (n, parameter_count).

        Neither the loss's reduction nor R is in it: the mean of the rows, or for a loss with
        reduction "sum" their sum, is the gradient of the reduced loss.
        """
        where = "Network.per_sample_gradients"
        losses, _, weights = core_objective(
            self, where, y, loss, loss_weights, sample_weight, class_weight
        )
        return self._per_sample_gradients(X, y, losses, weights)

    def jacobian(
        self, X: Parts, wrt: Literal["inputs", "theta"] = "inputs"
    ) -> NDArray[np.floating[Any]] | Any:
        """∂f(x_i)/∂x_i, (n, outputs, inputs), or ∂f(x_i)/∂θ, (n, outputs, parameter_count).

        By several inputs it is a dict of arrays by name. Several outputs count as one: their
        columns stand side by side. Each output takes a backward pass.
        """
        if wrt == "inputs":
            return self._input_jacobian(X)
        if wrt == "theta":
            return self._parameter_jacobian(X)
        raise ValueError(f"[Network.jacobian] wrt is {wrt!r}; expected 'inputs' or 'theta'")

    def hessian_vector_product(
        self,
        X: Parts,
        y: Parts,
        loss: LossArgument,
        v: ArrayLike,
        *,
        loss_weights: LossWeights = None,
        regularizer: L1L2 | None = None,
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeight = None,
    ) -> NDArray[np.floating[Any]]:
        """H v for v (parameter_count,), where H is the Hessian of L(θ) with R(θ).

        Not exact: by central differences of gradients along v, in float64 whatever the network's
        dtype, which is the result's. A float64 network takes four gradients, error O(h⁴); a float32
        one two, error O(h²), which its dtype cannot show. A kink near θ, as ReLU's, shows in it.
        """
        where = "Network.hessian_vector_product"
        losses, r, weights = core_objective(
            self, where, y, loss, loss_weights, sample_weight, class_weight, regularizer
        )
        precise = self.dtype == np.float64
        net = self if precise else self.astype(np.float64)
        product = net._hessian_vector_product(X, y, losses, v, r, weights, precise)
        return product.astype(self.dtype, copy=False)
