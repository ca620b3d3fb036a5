"""Functions of nodes: the formulas of a computation graph.

Each takes nodes, numbers and arrays, one node at least, and returns a node; ``name`` names it. An
(n, w) goes with another (n, w), and as in NumPy with (n, 1), (1, w) and (1, 1), which are repeated.
Raises ShapeError, with both shapes in it, where they do not fit.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import _core
from ._checks import real
from ._core import Activation
from .graph import Node, Operand, apply, raised

__all__ = [
    "add",
    "binary",
    "concatenate",
    "divide",
    "elu",
    "exp",
    "gelu",
    "hard_sigmoid",
    "identity",
    "leaky_relu",
    "log",
    "log_softmax",
    "matmul",
    "mean",
    "multiply",
    "negate",
    "power",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "subtract",
    "sum",
    "tanh",
]


def add(a: Operand, b: Operand, *, name: str | None = None) -> Node:
    """a + b."""
    return apply(_core.add(), a, b, name=name)


def subtract(a: Operand, b: Operand, *, name: str | None = None) -> Node:
    """a - b."""
    return apply(_core.subtract(), a, b, name=name)


def multiply(a: Operand, b: Operand, *, name: str | None = None) -> Node:
    """a * b, element by element."""
    return apply(_core.multiply(), a, b, name=name)


def divide(a: Operand, b: Operand, *, name: str | None = None) -> Node:
    """a / b, element by element."""
    return apply(_core.divide(), a, b, name=name)


def power(a: Operand, b: Operand, *, name: str | None = None) -> Node:
    """a ** b, element by element. Its slope in a node b, aᵇ log a, exists for a > 0."""
    return raised(a, b, name=name)


def negate(x: Operand, *, name: str | None = None) -> Node:
    """-x."""
    return apply(_core.negate(), x, name=name)


def exp(x: Operand, *, name: str | None = None) -> Node:
    """eˣ, element by element."""
    return apply(_core.exp(), x, name=name)


def log(x: Operand, *, name: str | None = None) -> Node:
    """The natural logarithm, element by element."""
    return apply(_core.log(), x, name=name)


def sum(x: Operand, *, name: str | None = None) -> Node:
    """Σ_j x_ij, the sum of each row: (n, w) -> (n, 1)."""
    return apply(_core.sum(), x, name=name)


def mean(x: Operand, *, name: str | None = None) -> Node:
    """Σ_j x_ij / w, the mean of each row: (n, w) -> (n, 1)."""
    return apply(_core.mean(), x, name=name)


def matmul(x: Operand, w: Operand, *, name: str | None = None) -> Node:
    """x @ w: (n, k) and (k, m) -> (n, m), where w is a parameter, a constant or made of those."""
    return apply(_core.matmul(), x, w, name=name)


def concatenate(values: Sequence[Operand], *, name: str | None = None) -> Node:
    """The columns of 2 to 16 values, side by side: (n, w), (n, v), ... -> (n, w + v + ...)."""
    if not isinstance(values, Sequence):
        raise TypeError(f"[concatenate] got {values!r}; expected a list of nodes")
    return apply(_core.concatenate(), *values, name=name)


def _activated(activation: Activation, x: Operand, name: str | None) -> Node:
    return apply(_core.activation(activation), x, name=name)


def identity(x: Operand, *, name: str | None = None) -> Node:
    """x."""
    return _activated(Activation("identity"), x, name)


def binary(x: Operand, *, name: str | None = None) -> Node:
    """1 where x >= 0, else 0; its slope is 0."""
    return _activated(Activation("binary"), x, name)


def sigmoid(x: Operand, *, name: str | None = None) -> Node:
    """1 / (1 + e⁻ˣ)."""
    return _activated(Activation("sigmoid"), x, name)


def tanh(x: Operand, *, name: str | None = None) -> Node:
    """tanh x."""
    return _activated(Activation("tanh"), x, name)


def relu(x: Operand, *, name: str | None = None) -> Node:
    """max(0, x)."""
    return _activated(Activation("relu"), x, name)


def leaky_relu(x: Operand, alpha: float = 0.01, *, name: str | None = None) -> Node:
    """x where x > 0, else alpha x."""
    return _activated(Activation("leaky_relu", real(alpha, "alpha", "leaky_relu")), x, name)


def elu(x: Operand, alpha: float = 1.0, *, name: str | None = None) -> Node:
    """x where x > 0, else alpha (eˣ - 1) (Clevert et al., 2016)."""
    return _activated(Activation("elu", real(alpha, "alpha", "elu")), x, name)


def selu(x: Operand, *, name: str | None = None) -> Node:
    """λ x where x > 0, else λ α (eˣ - 1), with fixed λ and α (Klambauer et al., 2017)."""
    return _activated(Activation("selu"), x, name)


def softplus(x: Operand, *, name: str | None = None) -> Node:
    """log(1 + eˣ)."""
    return _activated(Activation("softplus"), x, name)


def softsign(x: Operand, *, name: str | None = None) -> Node:
    """x / (1 + |x|)."""
    return _activated(Activation("softsign"), x, name)


def gelu(x: Operand, *, name: str | None = None) -> Node:
    """x Φ(x), Φ being the normal distribution function (Hendrycks and Gimpel, 2016)."""
    return _activated(Activation("gelu"), x, name)


def silu(x: Operand, *, name: str | None = None) -> Node:
    """x σ(x), σ being the sigmoid (Elfwing et al., 2018)."""
    return _activated(Activation("silu"), x, name)


def hard_sigmoid(x: Operand, *, name: str | None = None) -> Node:
    """x/6 + 1/2, cut to [0, 1]."""
    return _activated(Activation("hard_sigmoid"), x, name)


def softmax(x: Operand, *, name: str | None = None) -> Node:
    """e^{x_j} / Σ_k e^{x_k} along each row."""
    return _activated(Activation("softmax"), x, name)


def log_softmax(x: Operand, *, name: str | None = None) -> Node:
    """x_j - log Σ_k e^{x_k} along each row."""
    return _activated(Activation("log_softmax"), x, name)
