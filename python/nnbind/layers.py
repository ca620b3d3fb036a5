"""What networks are made from."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from . import _core
from ._checks import integer
from ._core import Activation, Initializer

__all__ = ["Activation", "Dense", "Input"]


@dataclass(frozen=True)
class Input:
    """The input of a network: X is (n, width)."""

    width: int
    name: str | None = None

    def __post_init__(self) -> None:
        integer(self.width, "width", 1, "Input")


class Dense:
    """A fully connected layer Y = g(X W + b): X (n, inputs), W (inputs, units), b (units,).

    ``activation`` is a name or an ``nn.Activation``; ``init`` a name, an ``nn.init`` object or an
    array of weights, by default what suits the activation; ``l1`` and ``l2`` add l1 · ‖W‖₁ and
    l2/2 · ‖W‖² of this layer to the loss; ``dropout`` is the part of the units dropped in training,
    the others being scaled by 1 / (1 - dropout) (Srivastava et al., JMLR 2014).

    Raises ValueError if an option is not allowed, naming the allowed ones.
    """

    def __init__(
        self,
        units: int,
        activation: str | Activation = "identity",
        *,
        init: str | Initializer | ArrayLike | None = None,
        bias: bool = True,
        l1: float = 0.0,
        l2: float = 0.0,
        dropout: float = 0.0,
        name: str | None = None,
    ) -> None:
        self.units = units
        self.activation = (
            activation if isinstance(activation, Activation) else Activation(activation)
        )
        self.name = name
        self.options = _core.DenseOptions(
            units=units,
            activation=self.activation,
            init=_initializer(init),
            bias=bias,
            l1=l1,
            l2=l2,
            dropout=dropout,
            name=name or "",
        )

    def __repr__(self) -> str:
        return f"Dense({self.units}, {self.activation.name!r})"


def _initializer(init: str | Initializer | ArrayLike | None) -> Initializer | None:
    if init is None or isinstance(init, Initializer):
        return init
    if isinstance(init, str):
        return Initializer(init)
    return Initializer.array(init)
