"""Regularization R(θ), added to the reduced loss of a batch."""

from __future__ import annotations

from . import _core
from ._checks import flag, real
from ._options import Options

__all__ = ["L1", "L1L2", "L2"]


class L1L2(Options):
    """R = l1 · ‖W‖₁ + l2/2 · ‖W‖² over all weights of the network.

    ``bias`` takes the biases in; ``divide_by_batch_size`` divides R by the number of samples of the
    batch (scikit-learn's convention). Raises ValueError unless l1 and l2 are finite and >= 0.
    """

    l1: float
    l2: float
    bias: bool
    divide_by_batch_size: bool

    def __init__(
        self,
        l1: float = 0.0,
        l2: float = 0.0,
        bias: bool = False,
        divide_by_batch_size: bool = False,
    ) -> None:
        self._set(l1=l1, l2=l2, bias=bias, divide_by_batch_size=divide_by_batch_size)
        self._core()  # checks the numbers

    def _core(self) -> _core.Regularizer:
        where = type(self).__name__
        return _core.Regularizer(
            real(self.l1, "l1", where),
            real(self.l2, "l2", where),
            flag(self.bias, "bias", where),
            flag(self.divide_by_batch_size, "divide_by_batch_size", where),
        )


class L1(L1L2):
    """R = a · ‖W‖₁."""

    def __init__(self, a: float, bias: bool = False, divide_by_batch_size: bool = False) -> None:
        super().__init__(a, 0.0, bias, divide_by_batch_size)


class L2(L1L2):
    """R = a/2 · ‖W‖²."""

    def __init__(self, a: float, bias: bool = False, divide_by_batch_size: bool = False) -> None:
        super().__init__(0.0, a, bias, divide_by_batch_size)


def core_regularizer(regularizer: L1L2 | None, where: str) -> _core.Regularizer:
    """The core's regularizer behind an object or None."""
    if regularizer is None:
        return _core.Regularizer()
    if isinstance(regularizer, L1L2):
        return regularizer._core()
    raise TypeError(f"[{where}] regularizer is {regularizer!r}; expected nn.L1, nn.L2 or nn.L1L2")
