"""NaN, infinities, huge weights, and units that are copies of each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .finding import HARMFUL, HOPELESS, Finding, number, span, together
from .layers import Array, Block
from .probe import Probe

LARGE_WEIGHT = 1e3

RESET = (
    "Training cannot mend it: net.reset() draws new ones; then train with a smaller learning rate."
)
SHRINK = (
    "with inputs of unit scale weights are around 1 or below. Large weights saturate units and "
    "make gradients explode. A smaller learning rate, clip_norm or nn.L2 keeps them small."
)
DRAW = 'Begin with random weights, for example init="glorot_uniform".'


def of_parameters(probe: Probe) -> Iterator[Finding]:
    """What is wrong with θ."""
    nonfinite: list[Finding] = []
    for name, values in probe.twin.parameters.items():
        bad = int(np.sum(~np.isfinite(values)))
        if bad:
            nonfinite.append(_nonfinite(name, bad, values.size))
    yield from together(
        nonfinite,
        lambda layers: (
            f"In {layers} {span(nonfinite, 'count')} parameters are NaN or infinite, and so is all "
            f"that is computed with them. {RESET}"
        ),
    )
    if not probe.twin.parameter_count:
        yield Finding(
            "no_parameters",
            None,
            "The network has no parameters, so there is nothing that it could learn.",
            HOPELESS,
        )
    yield from _of_layers(probe)


def _of_layers(probe: Probe) -> Iterator[Finding]:
    large: list[Finding] = []
    equal: list[Finding] = []
    for name, block in probe.layers.items():
        values = _with_bias(block)
        if not np.isfinite(values).all():
            continue
        largest = float(np.max(np.abs(block.weights)))
        if largest > LARGE_WEIGHT:
            large.append(_large(name, largest))
        if values.shape[1] > 1 and name not in probe.last_layers:
            equal += _copies(probe, name, values)
    yield from together(
        large,
        lambda layers: (
            f"The largest weights of {layers} are {span(large, 'largest')} in size; {SHRINK}"
        ),
    )
    yield from together(
        equal,
        lambda layers: (
            f"In {layers} all units are copies of each other: their parameters are equal, and so "
            "are their gradients. They will stay equal, and a layer can do no more than a single "
            f"unit could. {DRAW}"
        ),
    )


def _nonfinite(name: str, bad: int, size: int) -> Finding:
    are = "is" if bad == 1 else "are"
    return Finding(
        "nonfinite_parameters",
        name,
        f'{bad} of the {size} parameters of "{name}" {are} NaN or infinite, and so is all that is '
        f"computed with them. {RESET}",
        HOPELESS,
        {"count": bad, "parameters": size},
    )


def _large(name: str, largest: float) -> Finding:
    return Finding(
        "large_weights",
        name,
        f'The largest weight of "{name}" is {number(largest)} in size; {SHRINK}',
        HARMFUL,
        {"largest": largest},
    )


def _copies(probe: Probe, name: str, values: Array) -> Iterator[Finding]:
    """Equal units with equal gradients never become different."""
    if np.any(values != values[:, :1]):
        return
    if name in probe.gradients:
        gradient = _with_bias(probe.gradients[name])
        if np.ptp(gradient, axis=1).max() > 1e-9 * np.abs(gradient).max():
            return
    same = "the same in each" if values.any() else "all zero"
    units = values.shape[1]
    yield Finding(
        "equal_units",
        name,
        f'The {units} units of "{name}" are copies of each other: their parameters are {same}, and '
        "so are their gradients. They will stay equal, and the layer can do no more than a single "
        f"unit could. {DRAW}",
        HOPELESS,
        {"units": units},
    )


def _with_bias(block: Block) -> Array:
    return block.weights if block.bias is None else np.vstack([block.weights, block.bias])
