"""Hidden units through which no gradient passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from .finding import HARMFUL, HOPELESS, Finding, percent, span, together
from .layers import Array
from .probe import Probe, Values

DEAD_SHARE = 0.5  # sound networks of ten layers begin with up to a third
SATURATED_SHARE = 0.5
FLAT = 1e-3
"""A slope |g'| below this lets hardly any gradient through."""

REVIVE = (
    "The usual causes are a learning rate that is too large, a strongly negative bias, inputs far "
    "from unit scale, or very many layers. Begin anew with a smaller learning rate and "
    'init="he_normal", or use leaky_relu.'
)
LOOSEN = 'Scale the inputs to unit size and begin with smaller weights (init="glorot_uniform").'

SLOPES: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda y: y * (1 - y),
    "tanh": lambda y: 1 - y * y,
    "hard_sigmoid": lambda y: np.where((y > 0) & (y < 1), 1 / 6, 0.0),
}
"""g' from y = g(t), of the activations that saturate."""


def of_units(probe: Probe) -> Iterator[Finding]:
    """What is wrong with the hidden values."""
    dead: list[Finding] = []
    steps: list[Finding] = []
    flat: dict[str, list[Finding]] = {}
    for layer in probe.hidden:
        if layer.activation == "relu":
            dead += _dead(layer)
        elif layer.activation in SLOPES:
            flat.setdefault(layer.activation, []).extend(_saturated(layer))
        elif layer.activation == "binary":
            steps.append(_step_function(layer))
    yield from together(
        dead,
        lambda layers: (
            f"In {layers} {span(dead, 'share', percent)} of the ReLU units give 0 for all rows: "
            f"they are dead, no gradient reaches their weights. {REVIVE}"
        ),
    )
    for activation, cases in flat.items():
        yield from together(cases, _saturated_in(activation, cases))
    yield from together(
        steps,
        lambda layers: (
            f"Of {layers} the activation is binary, whose slope is 0: no gradient passes through "
            "them, and no layer before them learns. Use sigmoid or tanh in hidden layers."
        ),
    )


def _step_function(layer: Values) -> Finding:
    return Finding(
        "flat_activation",
        layer.node,
        f'"{layer.node}" uses the binary activation, whose slope is 0: no gradient passes '
        "through it, and no layer before it learns. Use sigmoid or tanh in hidden layers.",
        HARMFUL,
    )


def _dead(layer: Values) -> Iterator[Finding]:
    rows, units = layer.values.shape
    dead = int(np.sum(~(layer.values > 0).any(axis=0)))
    share = dead / units
    if share < DEAD_SHARE or rows < 2:
        return
    before = ", nor the layers before" if dead == units else ""
    yield Finding(
        "dead_relu",
        layer.node,
        f'{dead} of the {units} ReLU units of "{layer.node}" ({share:.0%}) give 0 for all {rows} '
        f"rows: they are dead, no gradient reaches their weights{before}. {REVIVE}",
        HOPELESS if dead == units else HARMFUL,
        {"dead": dead, "units": units, "share": share, "rows": rows},
    )


def _saturated(layer: Values) -> Iterator[Finding]:
    flat = np.abs(SLOPES[layer.activation](layer.values)) < FLAT
    share = float(flat.mean())
    if share < SATURATED_SHARE:
        return
    rows, units = layer.values.shape
    always = int(flat.all(axis=0).sum())
    stuck = f", {always} of the {units} units for all {rows} rows" if always else ""
    yield Finding(
        "saturated",
        layer.node,
        f'{share:.0%} of the outputs of "{layer.node}" lie where {layer.activation} is flat (slope '
        f"below {FLAT:g}){stuck}. Hardly any gradient passes through them, so they and the layers "
        f"before them learn slowly. {LOOSEN}",
        HOPELESS if share > 0.99 else HARMFUL,
        {"share": share, "units_always": always},
    )


def _saturated_in(activation: str, cases: list[Finding]) -> Callable[[str], str]:
    return lambda layers: (
        f"In {layers} {span(cases, 'share', percent)} of the outputs lie where {activation} is "
        f"flat (slope below {FLAT:g}). Hardly any gradient passes through them, so they and the "
        f"layers before them learn slowly. {LOOSEN}"
    )
