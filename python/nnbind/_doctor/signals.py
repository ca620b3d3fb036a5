"""Signals that vanish or explode on the way through the layers, forward or back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .finding import HARMFUL, HOPELESS, Finding, number
from .layers import Way, ways
from .probe import Probe, size

RATIO = 1e3
HOPELESS_RATIO = 1e6
OFF = 1.25
"""Weights this many times too large or too small are the cause, layer upon layer."""

ADVICE = {
    "he_normal": "He's weights: √(2/inputs), of relu and its kin",
    "glorot_uniform": "Glorot's: √(2/(inputs + units)), of tanh",
    "lecun_normal": "LeCun's: √(1/inputs), of selu",
}
INIT = {
    **dict.fromkeys(("relu", "leaky_relu", "elu", "gelu", "silu"), "he_normal"),
    **dict.fromkeys(("identity", "tanh", "softsign"), "glorot_uniform"),
    "selu": "lecun_normal",
}
"""The initialization that keeps the signal. No weights keep it through a sigmoid."""


@dataclass(frozen=True)
class Course:
    """What becomes of a signal from the first node to the last of a way, in root mean squares."""

    way: Way
    sizes: tuple[float, ...]

    @property
    def growth(self) -> float:
        """From the first to the last; 1 where that says nothing."""
        first, last = self.sizes[0], self.sizes[-1]
        sound = all(np.isfinite(self.sizes)) and min(self.sizes) > 0
        return last / first if sound else 1.0

    def told(self, back: bool) -> str:
        """The numbers in words, in the direction in which the signal goes."""
        ends = [*zip(self.sizes, self.way.nodes, strict=True)]
        (start, begin), (stop, end) = (ends[-1], ends[0]) if back else (ends[0], ends[-1])
        return f'from {number(start)} at "{begin}" to {number(stop)} at "{end}"'


def of_signals(probe: Probe) -> Iterator[Finding]:
    """What is wrong with values and ∂L/∂values from layer to layer: the worst of each kind."""
    found: dict[str, tuple[float, Finding]] = {}
    for way in ways(probe.twin):
        if any(node not in probe.signals for node in way.nodes):
            continue
        forward = Course(way, tuple(probe.signals[node][0] for node in way.nodes))
        backward = Course(way, tuple(probe.signals[node][1] for node in way.nodes))
        finding = _judge(probe, forward, backward)
        extent = max(abs(np.log(forward.growth)), abs(np.log(backward.growth)))
        if finding is not None and extent > found.get(finding.kind, (0.0,))[0]:
            found[finding.kind] = (float(extent), finding)
    yield from (finding for _, finding in found.values())


def _judge(probe: Probe, forward: Course, backward: Course) -> Finding | None:
    ahead, back = forward.growth, 1 / backward.growth
    of_signal = _beyond(ahead)
    growth = ahead if of_signal else back
    if not _beyond(growth):
        return None
    vanishes = growth < 1
    name, verb = ("vanishing", "vanish") if vanishes else ("exploding", "explode")
    changes = "falls" if vanishes else "grows"
    if of_signal:
        seen = (
            f"Signals {verb} on the way through the network: what the layers read {changes} "
            f"{forward.told(back=False)} (root mean square)"
        )
        if _beyond(back) and (back < 1) == vanishes:
            seen += f", and on the way back ∂L/∂value {changes} {backward.told(back=True)}"
    else:
        seen = (
            f"Gradients {verb} on the way back: ∂L/∂value {changes} {backward.told(back=True)} "
            "(root mean square)"
        )
    course = forward if of_signal else backward
    return Finding(
        f"{name}_{'signal' if of_signal else 'gradient'}",
        course.way.nodes[-1 if of_signal else 0],
        f"{seen}. {_follows(vanishes, of_signal)} {_cure(probe, course.way, vanishes)}",
        HOPELESS if max(growth, 1 / growth) > HOPELESS_RATIO else HARMFUL,
        {
            "first": course.sizes[0],
            "last": course.sizes[-1],
            "forward": dict(zip(forward.way.nodes, forward.sizes, strict=True)),
            "backward": dict(zip(backward.way.nodes, backward.sizes, strict=True)),
        },
    )


def _beyond(growth: float) -> bool:
    return not 1 / RATIO <= growth <= RATIO


def _follows(vanishes: bool, of_signal: bool) -> str:
    if vanishes and of_signal:
        return "The output hardly depends on the input, and no layer learns."
    if vanishes:
        return "The first layers hardly move while the last one learns."
    return "No learning rate suits all layers."


def _cure(probe: Probe, way: Way, vanishes: bool) -> str:
    """The cause, if it is the size of the weights, and what helps."""
    off: list[tuple[float, str]] = []
    for layer in way.layers:
        weights = probe.layers[layer.name].weights
        inputs, units = weights.shape
        init = INIT.get(layer.activation)
        if init is None or layer.is_output or not weights.any():
            continue
        sound = {
            "he_normal": 2 / inputs,
            "glorot_uniform": 2 / (inputs + units),
            "lecun_normal": 1 / inputs,
        }[init] ** 0.5
        ratio = size(weights) / sound
        text = (
            f'The weights are too {"small" if vanishes else "large"}: those of "{layer.name}" have '
            f"the size {number(size(weights))} (root mean square), and with {inputs} inputs and "
            f'{layer.activation} {number(sound)} keeps the signal. Begin with init="{init}" '
            f"({ADVICE[init]})."
        )
        off.append((1 / ratio if vanishes else ratio, text))
    worst = max(off, default=(0.0, ""))
    if worst[0] > OFF:
        return worst[1]
    if vanishes:
        return (
            "Use relu (or tanh) rather than sigmoid in the hidden layers, the default "
            "initialization, fewer layers, or normalization between them."
        )
    return (
        "Begin with smaller weights (the default initialization), clip the gradient (clip_norm), "
        "or put normalization between the layers."
    )
