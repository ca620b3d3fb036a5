"""Layers: callables from node to node that own parameters, or act in training only.

A layer may be called on several nodes of one width: in each network these calls share its
parameters, and their gradients add up. ``nn.Sequential`` calls one layer after the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _core
from ._checks import flag, initializer, integer, node_name, real
from ._core import Activation, Initializer
from ._options import Fixed
from .custom import CustomActivation
from .graph import Node, apply

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Activation", "BatchNorm", "Dense", "Dropout", "LayerNorm"]


class _Layer(Fixed):
    """An operator of its own under a name."""

    name: str | None

    def __init__(self, operator: _core.Operator, name: str | None) -> None:
        self._operator = operator
        self._set(name=node_name(name, type(self).__name__))
        self._first_call: tuple[int, str] | None = None  # the width, and the node in words

    def __call__(self, x: Node) -> Node:
        """The layer over a node, of the same shape.

        Raises ShapeError if that is not as wide as the node of the first call, where the layer has
        parameters.
        """
        return self._apply(x, self.name)

    def _apply(self, x: Node, name: str | None) -> Node:
        """The operator over a node of the width of the first call: so many are its parameters."""
        if not isinstance(x, Node) or not self._operator.has_parameters([x.shape]):
            return apply(self._operator, x, name=name)
        width, now = x.shape[1], f'"{x.label}" {x._shape_text()}'
        if self._first_call is not None and self._first_call[0] != width:
            first = self._first_call
            raise _core.ShapeError(
                f"[{type(self).__name__}] {self._words()} was called on {first[1]} before, now on "
                f"{now}; expected {first[0]} columns again: its calls share the parameters"
            )
        y = apply(self._operator, x, name=name)
        self._first_call = self._first_call or (width, now)
        return y

    def _words(self) -> str:
        return repr(self) if self.name is None else f'"{self.name}"'


class Dense(_Layer):
    """A fully connected layer Y = g(X W + b): X (n, inputs), W (inputs, units), b (units,).

    ``activation`` is a name, an ``nn.Activation`` or an ``nn.CustomActivation``; ``init`` a name,
    an ``nn.init`` object or an array of weights, by default what suits the activation; ``l1`` and
    ``l2`` add l1 · ‖W‖₁ and l2/2 · ‖W‖² of this layer to the loss; ``dropout`` is the part of the
    units dropped in training, the others being scaled by 1 / (1 - dropout) (Srivastava et al.,
    JMLR 2014).

    A custom activation, and the dropout after it, are nodes of their own. ``name`` names the last
    of them, whose value is Y; the node of X W + b, with the parameters, gets a made-up name. Of
    that node ``net.layers`` and ``net.parameters`` tell: its activation is "identity".

    Raises ValueError or TypeError if an option is not allowed, naming the allowed ones.
    """

    units: int
    activation: Activation | CustomActivation

    def __init__(
        self,
        units: int,
        activation: str | Activation | CustomActivation = "identity",
        *,
        init: str | Initializer | ArrayLike | None = None,
        bias: bool = True,
        l1: float = 0.0,
        l2: float = 0.0,
        dropout: float = 0.0,
        name: str | None = None,
    ) -> None:
        self._set(units=integer(units, "units", 1, "Dense"), activation=_activation(activation))
        dropout = real(dropout, "dropout", "Dense")
        fused = self.activation
        self._after: list[_core.Operator] = []  # the layer's own, as its name is
        if isinstance(fused, CustomActivation):
            self._after.append(fused._new_operator())
            if dropout:
                self._after.append(_core.dropout(dropout))
            fused, dropout = Activation("identity"), 0.0
        options = _core.DenseOptions(
            units=self.units,
            activation=fused,
            init=initializer(init, "Dense"),
            bias=flag(bias, "bias", "Dense"),
            l1=real(l1, "l1", "Dense"),
            l2=real(l2, "l2", "Dense"),
            dropout=dropout,
        )
        super().__init__(_core.dense(options), name)

    def __call__(self, x: Node) -> Node:
        """The layer over a node: (n, inputs) -> (n, units).

        Raises ShapeError if the node is not as wide as that of the first call.
        """
        y = self._apply(x, None if self._after else self.name)
        for operator in self._after:
            y = apply(operator, y, name=self.name if operator is self._after[-1] else None)
        return y

    def __repr__(self) -> str:
        return f"Dense({self.units}, {self.activation.name!r})"


def _activation(activation: Any) -> Activation | CustomActivation:
    if isinstance(activation, Activation | CustomActivation):
        return activation
    if isinstance(activation, str):
        return Activation(activation)
    raise TypeError(
        f'[Dense] activation is {activation!r}; expected a name as "tanh", an nn.Activation or an '
        "nn.CustomActivation"
    )


class Dropout(_Layer):
    """Drops elements in training: each is 0 with probability ``rate``, else times 1 / (1 - rate).

    Elsewhere it does nothing. Srivastava et al., JMLR 2014. Raises ValueError unless
    0 <= rate < 1.
    """

    rate: float

    def __init__(self, rate: float, name: str | None = None) -> None:
        self._set(rate=real(rate, "rate", "Dropout"))
        super().__init__(_core.dropout(self.rate), name)

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"


class BatchNorm(_Layer):
    """Each column scaled by what it has over the batch: γ (x - μ) / √(σ² + epsilon) + β.

    In training μ and σ² are the mean and the variance (divided by n) of the batch, elsewhere the
    running ones in ``net.state``, which each step of training moves:
    running ← (1 - momentum) running + momentum · batch, the variance being divided by n - 1 there.
    A batch of one sample leaves that variance as it is. Its parameters (2, w) are γ, at first 1,
    and β, at first 0. Raises ValueError unless 0 <= momentum <= 1 and epsilon >= 1.2e-38. Ioffe and
    Szegedy, ICML 2015.
    """

    momentum: float
    epsilon: float

    def __init__(
        self, momentum: float = 0.1, epsilon: float = 1e-5, name: str | None = None
    ) -> None:
        where = "BatchNorm"
        self._set(
            momentum=real(momentum, "momentum", where), epsilon=real(epsilon, "epsilon", where)
        )
        super().__init__(_core.batch_norm(self.momentum, self.epsilon), name)

    def __repr__(self) -> str:
        return f"BatchNorm(momentum={self.momentum:g}, epsilon={self.epsilon:g})"


class LayerNorm(_Layer):
    """Each row scaled by what it has over its columns: γ (x - μ) / √(σ² + epsilon) + β.

    μ and σ² are the mean and the variance of the row, in training and elsewhere. Its parameters
    (2, w) are γ, at first 1, and β, at first 0. Raises ValueError unless epsilon >= 1.2e-38. Ba,
    Kiros and Hinton, 2016.
    """

    epsilon: float

    def __init__(self, epsilon: float = 1e-5, name: str | None = None) -> None:
        self._set(epsilon=real(epsilon, "epsilon", "LayerNorm"))
        super().__init__(_core.layer_norm(self.epsilon), name)

    def __repr__(self) -> str:
        return f"LayerNorm(epsilon={self.epsilon:g})"
