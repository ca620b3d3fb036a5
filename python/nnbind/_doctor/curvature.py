"""The curvature of L: the largest eigenvalue of its Hessian."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .data import Data
from .layers import Array
from .probe import Probe

if TYPE_CHECKING:
    from ..network import Network

STEP = 1e-7
"""So short that hardly a ReLU has its kink inside, where a difference of gradients is no slope."""
ITERATIONS = 30
TOLERANCE = 1e-3
BATCHES = 5
SHORTER = 0.25
AGREEMENT = 0.25
"""So far may H v of two steps differ. Where kinks lie inside both, it grows as the step shrinks."""


def largest(probe: Probe, seconds: float) -> float | None:
    """λ, the largest eigenvalue of the Hessian of L at θ; None if none is positive."""
    data, twin = probe.data, probe.twin
    assert data is not None
    product = _hessian(twin, data)
    found = _lanczos(product, twin.parameter_count, seconds)
    assert probe.gradient is not None
    rounding = 1e-15 / _step(twin) * float(np.linalg.norm(probe.gradient))
    return found if found is not None and found > 100 * rounding else None


def trusted(probe: Probe) -> bool:
    """Whether a shorter step finds the same H v.

    It does not where the values inside the network are smaller than what a step changes them by:
    then jumps at the kinks of a ReLU, divided by the step, look like a curvature.
    """
    data, twin = probe.data, probe.twin
    assert data is not None
    if twin.parameter_count == 0:
        return False
    v = np.random.default_rng(1).normal(size=twin.parameter_count)
    v /= np.linalg.norm(v)
    long, short = (_hessian(twin, data, factor)(v) for factor in (1.0, SHORTER))
    assert probe.gradient is not None
    rounding = 1e-15 / (SHORTER * _step(twin)) * float(np.linalg.norm(probe.gradient))
    apart = float(np.linalg.norm(long - short))
    return apart <= AGREEMENT * float(np.linalg.norm(long)) + rounding


def largest_of_batches(probe: Probe, batch_size: int | None, seconds: float) -> float | None:
    """The median of λ over some mini-batches; None if the batch is the whole set."""
    data, twin = probe.data, probe.twin
    assert data is not None
    if batch_size is None or batch_size >= data.rows:
        return None
    random = np.random.default_rng(0)
    found = []
    for _ in range(BATCHES):
        rows = np.sort(random.choice(data.rows, batch_size, replace=False))
        product = _hessian(twin, data.take(rows))
        found.append(_lanczos(product, twin.parameter_count, seconds / BATCHES) or 0.0)
    return float(np.median(found)) or None


def _step(twin: Network) -> float:
    return STEP * max(1.0, float(np.sqrt(np.mean(twin.theta**2))))


def _hessian(twin: Network, data: Data, factor: float = 1.0) -> Callable[[Array], Array]:
    """v ↦ H v ≈ (g(θ + h v) - g(θ - h v)) / 2h for ‖v‖ = 1."""
    theta = twin.theta.copy()
    h = factor * _step(twin)

    def product(v: Array) -> Array:
        try:
            twin.theta[:] = theta + h * v
            above = data.gradient(twin)
            twin.theta[:] = theta - h * v
            return (above - data.gradient(twin)) / (2 * h)
        finally:
            twin.theta[:] = theta

    return product


def _lanczos(product: Callable[[Array], Array], size: int, seconds: float) -> float | None:
    """The largest eigenvalue of a symmetric matrix from its products with vectors.

    The three-term recurrence H v_k = β_k v_{k-1} + α_k v_k + β_{k+1} v_{k+1} makes a tridiagonal
    matrix whose extreme eigenvalues tend to those of H, faster than in power iteration and
    whatever the signs (Lanczos 1950; Golub and Van Loan, "Matrix Computations", section 10.1).
    Rounding lets found eigenvalues come again, which does not harm the largest.
    """
    end = time.monotonic() + seconds
    v = np.random.default_rng(0).normal(size=size)
    v /= np.linalg.norm(v)
    before, beta = np.zeros(size), 0.0
    diagonal: list[float] = []
    beside: list[float] = []
    found = -np.inf
    for _ in range(min(ITERATIONS, size)):
        w = product(v) - beta * before
        alpha = float(w @ v)
        if not np.isfinite(alpha):
            return None
        diagonal.append(alpha)
        matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
        last, found = found, float(np.linalg.eigvalsh(matrix)[-1])
        w -= alpha * v
        beta = float(np.linalg.norm(w))
        settled = len(diagonal) > 5 and abs(found - last) <= TOLERANCE * abs(found)
        if settled or beta <= 1e-9 * np.abs(matrix).max() or time.monotonic() > end:
            break
        beside.append(beta)
        before, v = v, w / beta
    return found if found > 1e-12 else None
