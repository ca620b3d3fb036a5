"""Targets that the loss refuses, that no output can reach, or far from unit scale."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from .finding import HARMFUL, HOPELESS, NOTABLE, Finding, number, percent
from .inputs import FAR
from .layers import Array
from .probe import Output, Probe

RANGES = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "binary": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, np.inf),
    "softplus": (0.0, np.inf),
    "log_softmax": (-np.inf, 0.0),
}
"""Where the outputs of an activation lie."""

SQUARES = ("squared_error", "mse")
DISTANCES = (*SQUARES, "absolute_error", "huber")
SIGNS = ("hinge", "perceptron")


def of_targets(probe: Probe) -> Iterator[Finding]:
    """What is wrong with y."""
    findings: list[Finding] = []
    for output in probe.outputs:
        findings += [*_refused(output)] or [*_beyond_range(output), *_scale(output)]
    yield from findings
    if probe.refusal is not None and not findings:
        words = re.sub(r"^\[[^]]*\] ", "", probe.refusal)
        yield Finding(
            "refused", None, f"The loss cannot be computed, fit would refuse: {words}.", HOPELESS
        )


def _refused(output: Output) -> Iterator[Finding]:
    """What the loss itself says no to, in words."""
    if output.option("from_logits") and output.activation != "identity":
        yield Finding(
            "output_loss",
            output.name,
            "from_logits=True says that the loss is to apply the last activation itself, but "
            f'"{output.name}" already has {output.activation}. Use an identity output, or leave '
            "from_logits out.",
            HOPELESS,
        )
    target = output.numbers
    words = None if target is None else _condition(output, target)
    if target is not None and words is not None:
        span = {"lowest": float(target.min()), "highest": float(target.max())}
        yield Finding("target_range", output.name, words, HOPELESS, span)


def _condition(output: Output, target: Array) -> str | None:
    """The loss's condition on its targets, where they break it."""
    name, low, high = output.loss_name, target.min(), target.max()
    span = f'those of "{output.name}" go from {number(low)} to {number(high)}'
    if name in SIGNS and np.any(np.abs(target) != 1):
        if np.isin(target, (0, 1)).all():
            span = f'those of "{output.name}" are 0 and 1. Write 2 * y - 1'
        return f"The {name} loss wants targets -1 and 1; {span}."
    if name == "poisson" and low < 0:
        return (
            f"The poisson loss is for counts y >= 0; {span}. For values of either sign use "
            "squared_error."
        )
    if name == "binary_cross_entropy" and (low < 0 or high > 1):
        hint = "For values use squared_error, for the labels of several classes cross_entropy."
        if np.isin(target, (-1, 1)).all():
            hint = "For classes -1 and 1 write (y + 1) / 2."
        return f"binary_cross_entropy wants targets between 0 and 1; {span}. {hint}"
    sums = target.sum(axis=1)
    if name == "cross_entropy" and (low < 0 or np.abs(sums - 1).max() > 1e-3):
        return (
            "cross_entropy wants integer labels, or rows that are distributions over the classes: "
            f"not negative, with sum 1; {span}, with sums from {number(sums.min())} to "
            f"{number(sums.max())}. If several classes may be true at once, use a sigmoid output "
            "and binary_cross_entropy."
        )
    return None


def _beyond_range(output: Output) -> Iterator[Finding]:
    """Targets that the output's activation cannot give."""
    name, target = output.loss_name, output.numbers
    approached = name in DISTANCES or name in SIGNS or name == "poisson"
    if name == "perceptron" and output.activation == "binary":
        approached = False  # the loss takes the pre-activation
    if name == "poisson" and output.option("log_input"):
        approached = False
    if target is None or not approached or output.activation not in RANGES:
        return
    low, high = RANGES[output.activation]
    share = float(np.mean((target < low) | (target > high)))
    if share == 0:
        return
    bounds = f"between {low:g} and {high:g}"
    if not np.isfinite(low + high):
        bounds = f"from {low:g} on" if np.isfinite(low) else f"up to {high:g}"
    yield Finding(
        "target_range",
        output.name,
        f'{percent(share)} of the targets of "{output.name}" cannot be reached: they go from '
        f"{number(target.min())} to {number(target.max())}, but {output.activation} gives only "
        f"values {bounds}. The units run to the end of their range and stay there. Use an identity "
        "output, or scale the targets into the range.",
        HARMFUL,
        {"share": share, "lowest": float(target.min()), "highest": float(target.max())},
    )


def _scale(output: Output) -> Iterator[Finding]:
    """Regression targets far from unit scale, whose squares make huge gradients."""
    target = output.numbers
    if target is None or output.loss_name not in SQUARES or output.activation in RANGES:
        return
    mean, deviation = float(target.mean()), float(target.std())
    largest = max(abs(mean), deviation)
    if largest <= FAR:
        return
    yield Finding(
        "target_scale",
        output.name,
        f'The targets of "{output.name}" have mean {number(mean)} and standard deviation '
        f"{number(deviation)}. The gradient of the squared error grows with them, so that steps "
        "become too long, and the first of them only serve to reach the mean. Standardize the "
        "targets, (y - y.mean(0)) / y.std(0), and undo it after predict.",
        HARMFUL if largest > 100 * FAR else NOTABLE,
        {"mean": mean, "standard_deviation": deviation},
    )
