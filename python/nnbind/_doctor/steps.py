"""Steps that are too long: the learning rate against curvature, weights and gradient."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..optimizers import SGD, Adam, AdamW, Optimizer, RMSProp
from .finding import HARMFUL, HOPELESS, Finding, number
from .probe import Probe, size
from .targets import SQUARES

OWN_SIZES = 10.0
"""A step that changes weights by this many times their own size is far too long."""
HUGE_RATIO = 1e5
"""And so is, with any optimizer, a gradient that is this many times as large as the weights."""
SURVIVED, SURVIVED_SQUARES = 3.0, 1.5
"""So far above 2/λ networks still learn where L is no parabola: they move to where it is flatter.

Measured with networks of 1 to 3 layers: with the cross-entropy on digits all learned at 2, faster
than below 1, and 3 of 12 did not at 4; with the squared error in a regression 1 of 24 with few
units diverged at 1.5, and 7 at 2. See Cohen et al., "Edge of stability", ICLR 2021.
"""


def of_steps(
    probe: Probe,
    optimizer: Optimizer | None,
    rate: float,
    curvatures: tuple[float | None, float | None],
    diverged: bool,
) -> Iterator[Finding]:
    """What is wrong with the learning rate; or else with the gradient beside the weights.

    ``curvatures``: λ of the whole set and of mini-batches. ``diverged``: whether a fit has.
    """
    found = []
    if isinstance(optimizer, SGD):
        found = [*_unstable(probe, optimizer, rate, curvatures, diverged)]
    elif isinstance(optimizer, Adam | AdamW | RMSProp):
        found = [*_longer_than_weights(probe, optimizer, rate)]
    yield from found or _large_gradient(probe, optimizer, rate)


def _unstable(
    probe: Probe,
    optimizer: SGD,
    rate: float,
    curvatures: tuple[float | None, float | None],
    diverged: bool,
) -> Iterator[Finding]:
    """Gradient descent in a valley more curved than the learning rate bears."""
    whole, batch = (curvature or 0.0 for curvature in curvatures)
    curvature = max(whole, batch)
    factor, formula, given = _stability(optimizer)
    squares = any(output.loss_name in SQUARES for output in probe.outputs)
    certain = diverged or _is_parabola(probe)
    bearable = 1.0 if certain else SURVIVED_SQUARES if squares else SURVIVED
    if rate * curvature <= factor * bearable:
        return
    limit = factor / curvature
    severity = HOPELESS if certain else HARMFUL
    if optimizer.clip_norm is not None:
        severity = HARMFUL
        why = "steps jump across the valley, and only clip_norm keeps them from growing"
    elif certain:
        why = "steps grow, each overshooting more than the last"
    else:
        why = (
            "steps grow until they end where the loss is flatter, with dead or saturated units, "
            "or nowhere"
        )
    seen = "the largest curvature found" if whole >= batch else "that of a typical mini-batch"
    yield Finding(
        "learning_rate",
        None,
        f"Learning rate {number(rate)} is above {formula} = {number(limit)} "
        f"({given}λ = {number(curvature)}, {seen}): {why}. Try {limit / 2:.2g}.",
        severity,
        {"learning_rate": rate, "limit": limit, "curvature": curvature},
    )


def _is_parabola(probe: Probe) -> bool:
    """Whether L is one: the squared error of a linear model."""
    return max(probe.twin._layer_indices()) == 1 and all(
        output.loss_name in SQUARES and output.activation == "identity" for output in probe.outputs
    )


def _stability(optimizer: SGD) -> tuple[float, str, str]:
    """The largest stable γλ on a parabola with curvature λ, and how the limit of γ is written.

    The recurrence of (θ, v) has the characteristic polynomial z² - (1 + μ - γλ) z + μ, and with
    Nesterov z² - (1 + μ - (1 + μ) γλ) z + μ (1 - γλ); both leave the unit circle at z = -1.
    """
    mu = optimizer.momentum
    if mu == 0:
        return 2.0, "2/λ", ""
    given = f"momentum μ = {mu:g}, "
    if optimizer.nesterov:
        return 2 * (1 + mu) / (1 + 2 * mu), "2(1 + μ)/((1 + 2μ)λ)", given
    return 2 * (1 + mu), "2(1 + μ)/λ", given


def _longer_than_weights(probe: Probe, optimizer: Optimizer, rate: float) -> Iterator[Finding]:
    """Adam and its kin move each parameter by about γ a step, whatever the gradient's size."""
    sizes = {name: size(block.weights) for name, block in probe.layers.items()}
    shorter = [name for name in sizes if 0 < sizes[name] < rate]
    if not shorter:
        return
    name = min(shorter, key=lambda node: sizes[node])
    yield Finding(
        "learning_rate",
        name,
        f"{type(optimizer).__name__} with learning rate {number(rate)} moves each parameter by "
        f"about {number(rate)} a step, however small the gradient; the weights of "
        f'"{name}" are only {sizes[name]:.2g} in size (root mean square), so a few steps wipe them '
        f"out. Try {sizes[name] / 10:.1g} or less; 0.001 is usual.",
        HARMFUL,
        {"learning_rate": rate, "weight_size": sizes[name]},
    )


def _large_gradient(probe: Probe, optimizer: Optimizer | None, rate: float) -> Iterator[Finding]:
    """A gradient that is huge beside the weights, or makes a step much longer than they are."""
    assert probe.gradient is not None
    sizes = {name: size(block.weights) for name, block in probe.layers.items()}
    gradients = {name: size(block.weights) for name, block in probe.gradients.items()}
    ratios = {name: gradients[name] / sizes[name] for name in gradients if sizes[name] > 0}
    if not ratios:
        return
    name = max(ratios, key=lambda node: ratios[node])
    if isinstance(optimizer, SGD):
        step, norm = rate * ratios[name], float(np.linalg.norm(probe.gradient))
        if optimizer.clip_norm is not None and norm > optimizer.clip_norm:
            step *= optimizer.clip_norm / norm
        too_large = step > OWN_SIZES
        seen = (
            f"so that a step at learning rate {number(rate)} changes its weights by "
            f"{number(step)} times their own size"
        )
    else:
        too_large = ratios[name] > HUGE_RATIO
        seen = f"{number(ratios[name])} times the size of its weights"
    if too_large:
        yield Finding(
            "large_gradient",
            name,
            f'The gradient of "{name}" is {number(gradients[name])} in size (root mean square), '
            f"{seen}. Scale inputs and targets to unit size, begin with smaller weights (the "
            "default initialization), use a smaller learning rate, or clip the gradient "
            "(clip_norm).",
            HARMFUL,
            {"gradient": gradients[name], "ratio": ratios[name]},
        )
