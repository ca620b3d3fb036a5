"""Activations and losses of one's own, as Python functions of NumPy arrays.

They are called for each mini-batch of a training, for all rows by ``loss_and_gradient``, and for at
most 96 rows at a time by predictions and evaluations, on copies of their numbers: with the GIL, and
on a single thread, to which they keep the whole network. So they are slower than what is built in:
on a 20-64-64-1 network and batches of 32, a step takes 3 to 4 times as long with a tanh written
with NumPy, and 1.6 times with such a squared error.
What they return is checked: an array of real numbers of the right shape, and no NaN in rows where
the arguments are finite. What they raise ends a fit; the network stays as its last step left it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import _core
from ._checks import word
from ._options import Fixed
from .graph import Node, apply
from .losses import Loss

__all__ = ["CustomActivation", "CustomLoss"]


class CustomActivation(Fixed):
    """An activation: ``function(t)`` is g(t) and ``derivative(t)`` is g'(t), element by element.

    Slower than a built-in one: Python is called for each mini-batch, on a single thread.

    Both take an array (n, units) of the network's dtype and return one of its shape. The object is
    a function of nodes, ``g(x)``, and an activation of ``nn.Dense(3, g)``, whose initializer is
    then Glorot's. Messages and nodes are named after ``name``.
    """

    name: str
    function: Callable[..., Any]
    derivative: Callable[..., Any]

    def __init__(
        self,
        function: Callable[..., Any],
        derivative: Callable[..., Any],
        name: str = "custom",
    ) -> None:
        _check(name, "CustomActivation", function=function, derivative=derivative)
        self._set(name=name, function=function, derivative=derivative)
        self._operator = self._new_operator()

    def _new_operator(self) -> _core.Operator:
        return _core.custom_activation(self.name, self)

    def __call__(self, x: Node, *, name: str | None = None) -> Node:
        """g over a node, of the same shape."""
        return apply(self._operator, x, name=name)

    def __repr__(self) -> str:
        return f"CustomActivation({self.name!r})"


class CustomLoss(Loss):
    """A loss: ``value(y, f)`` is d(y_i, f_i), (n,), and ``derivative(y, f)`` ∂d/∂f, (n, outputs).

    Slower than a built-in one: Python is called for each mini-batch, on a single thread.

    y and f are arrays (n, outputs) of the network's dtype; f is the output, not its pre-activation.
    ``reduction``, sample weights and ``loss_weights`` come on top. Messages begin with ``name``.
    """

    value: Callable[..., Any]
    derivative: Callable[..., Any]
    name: str

    def __init__(
        self,
        value: Callable[..., Any],
        derivative: Callable[..., Any],
        name: str = "custom",
        *,
        reduction: str = "mean",
    ) -> None:
        _check(name, "CustomLoss", value=value, derivative=derivative)
        self._set(value=value, derivative=derivative, name=name)
        super().__init__(reduction=reduction)

    def _core(self) -> _core.Loss:
        return _core.custom_loss(self.name, self, self.reduction)


def _check(name: str, where: str, **functions: Any) -> None:
    word(name, "name", where)
    for argument, function in functions.items():
        if not callable(function):
            raise TypeError(f"[{where}] {argument} is {function!r}; expected a function")
