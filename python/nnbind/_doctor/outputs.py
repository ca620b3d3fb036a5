"""Losses that do not go with the output's activation; outputs that are wrong and stuck."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .finding import HARMFUL, HOPELESS, NOTABLE, Finding, number, percent
from .probe import Output, Probe
from .targets import DISTANCES, RANGES, SQUARES
from .units import FLAT, SLOPES

WRONG_SHARE = 0.05


def of_outputs(probe: Probe) -> Iterator[Finding]:
    """What is wrong between outputs and losses."""
    for output in probe.outputs:
        yield from _single_class(output)
        if probe.refusal is None:  # which says it of a layer
            yield from _no_probabilities(output)
        yield from _squared_softmax(output)
        yield from _wrong_and_flat(output)


def _single_class(output: Output) -> Iterator[Finding]:
    name, single = output.loss_name, output.prediction.shape[1] == 1
    if single and output.activation in ("softmax", "log_softmax"):
        seen = f'"{output.name}" is a {output.activation} over a single unit, which always is '
        seen += "1" if output.activation == "softmax" else "0"
    elif single and name == "cross_entropy":
        seen = f'"{output.name}" is a single unit, and cross_entropy over a single class is blind'
    else:
        return
    yield Finding(
        "output_loss",
        output.name,
        f"{seen}: nothing can be learned. For two classes use one sigmoid unit with "
        "binary_cross_entropy, or two softmax units with cross_entropy.",
        HOPELESS,
    )


def _no_probabilities(output: Output) -> Iterator[Finding]:
    """Losses that take the logarithm of something that is no probability, or no rate."""
    name, f = output.loss_name, output.prediction
    if output.option("from_logits"):
        return
    if name == "cross_entropy" and output.activation not in ("softmax", "log_softmax"):
        if f.shape[1] == 1:
            return  # said already
        if f.min() >= 0 and np.abs(f.sum(axis=1) - 1).max() < 1e-3:
            return
        if output.activation in ("sigmoid", "hard_sigmoid"):
            why = (
                "whose outputs need not sum to 1: the loss is 0 as soon as all of them are 1, "
                "whatever the input"
            )
        else:
            why = "whose outputs are no probabilities, and the loss takes their logarithm"
        advice = "Use a softmax output (or, after identity, nn.CrossEntropy(from_logits=True))"
        if output.activation == "sigmoid":
            advice += "; if several classes may be true at once, binary_cross_entropy"
    elif name == "binary_cross_entropy" and np.any((f < 0) | (f > 1)):
        span = f"{number(f.min())} to {number(f.max())}"
        why = f"whose outputs go from {span} and are no probabilities"
        advice = (
            "Use a sigmoid output (or, after identity, nn.BinaryCrossEntropy(from_logits=True))"
        )
    elif name == "poisson" and not output.option("log_input") and np.any(f <= 0):
        lowest = number(f.min())
        why = (
            f"whose lowest output is {lowest}: a rate is above 0, and the loss takes its logarithm"
        )
        advice = "Use a softplus output (or, after identity, nn.Poisson(log_input=True))"
    else:
        return
    yield Finding(
        "output_loss",
        output.name,
        f'{name} is used on "{output.name}" with the activation {output.activation}, {why}. '
        f"{advice}.",
        HOPELESS,
        {"lowest": float(f.min()), "highest": float(f.max())},
    )


def _squared_softmax(output: Output) -> Iterator[Finding]:
    if (
        output.loss_name in SQUARES
        and output.activation == "softmax"
        and output.prediction.shape[1] > 1
    ):
        yield Finding(
            "output_loss",
            output.name,
            f'"{output.name}" is a softmax under {output.loss_name}. It can be trained, but '
            "where the network is sure and wrong the gradient is nearly 0, so it learns slowly. "
            "cross_entropy has no such flat places.",
            NOTABLE,
        )


def _wrong_and_flat(output: Output) -> Iterator[Finding]:
    """Sure and wrong, with a loss that lets the flat activation block the gradient."""
    name, target = output.loss_name, output.numbers
    fused = name == "binary_cross_entropy" and output.activation == "sigmoid"
    if target is None or fused or output.activation not in SLOPES or name not in (
        *DISTANCES, "binary_cross_entropy"
    ):  # fmt: skip
        return
    low, high = RANGES[output.activation]
    if np.any((target < low) | (target > high)):
        return  # said already
    f = output.prediction
    stuck = (np.abs(SLOPES[output.activation](f)) < FLAT) & (np.abs(f - target) > (high - low) / 2)
    share = float(stuck.mean())
    if share <= WRONG_SHARE:
        return
    yield Finding(
        "wrong_and_saturated",
        output.name,
        f'{percent(share)} of the outputs of "{output.name}" are sure and wrong: more than half '
        f"the range off, where {output.activation} is flat (slope below {FLAT:g}). Under {name} "
        "hardly any gradient is left to correct them. Begin with smaller weights and scaled "
        "inputs, or use a sigmoid output with binary_cross_entropy, which has no flat places.",
        HARMFUL,
        {"share": share},
    )
