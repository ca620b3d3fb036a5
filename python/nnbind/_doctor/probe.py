"""What the training doctor measures: parameters, values and gradients, on a float64 copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._batches import lone
from ..losses import Loss, LossArgument, core_losses
from ..optimizers import SGD
from .data import Data, doubles, thinned
from .layers import Array, Block, activations, blocks, blocks_of, layers_of, ways

if TYPE_CHECKING:
    from ..network import Network

GRADIENT_FLOPS = 1e9
"""About what one gradient may cost: a large network is looked at in fewer rows."""
FEWEST_ROWS = 32
RESCALING = {"batch_norm", "layer_norm", "add", "subtract", "multiply", "divide", "log", "power"}
"""What may bring an input to unit scale inside the network."""


@dataclass(frozen=True)
class Values:
    """What a hidden node gives for the rows looked at: (rows, units)."""

    node: str
    activation: str
    values: Array


@dataclass(frozen=True)
class Output:
    """What an output gives, and what belongs to it."""

    name: str
    activation: str
    loss: str | Loss
    loss_name: str
    prediction: Array
    target: NDArray[Any]

    def option(self, name: str) -> bool:
        """Whether its loss has this option, as from_logits, and it is on."""
        return bool(getattr(self.loss, name, False))

    @property
    def numbers(self) -> Array | None:
        """The targets, where they are finite numbers beside the predictions, and no labels."""
        if self.target.shape != self.prediction.shape or self.target.dtype.kind not in "fiub":
            return None
        target = np.asarray(self.target, np.float64)
        return target if target.size and np.isfinite(target).all() else None


@dataclass
class Probe:
    """The facts about a network at its θ, of which the findings are made."""

    twin: Network
    layers: dict[str, Block]
    activations: dict[str, str]
    """Of the nodes that have one, the identity of a fully connected layer included."""
    data: Data | None = None
    refusal: str | None = None
    """Why there is no gradient: the loss's own words on the data."""
    gradient: Array | None = None
    gradients: dict[str, Block] = field(default_factory=dict)
    """The gradient, layer by layer."""
    inputs: dict[str, Array] = field(default_factory=dict)
    """Those that the network does not rescale itself."""
    hidden: list[Values] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    signals: dict[str, tuple[float, float]] = field(default_factory=dict)
    """The root mean squares of the hidden values that layers read, and of ∂L/∂ them."""

    @property
    def output_names(self) -> list[str]:
        """The names of the output nodes."""
        return self.twin.output_names

    @property
    def last_layers(self) -> set[str]:
        """The layers that give the outputs."""
        return {layer.name for layer in layers_of(self.twin) if layer.is_output}

    @property
    def finite(self) -> bool:
        """Whether θ is."""
        return bool(np.isfinite(self.twin.theta).all())


def examine_parameters(net: Network) -> Probe:
    """What can be seen without data."""
    twin = net.astype(np.float64)
    return Probe(twin, blocks(twin), activations(twin))


def examine(net: Network, data: Data, most_rows: int) -> Probe:
    """Everything, on at most that many rows. Raises what ``loss_and_gradient`` raises, except what
    the loss refuses in the data: that is the ``refusal``."""
    probe = examine_parameters(net)
    twin = probe.twin
    affordable = int(GRADIENT_FLOPS / (6 * twin.parameter_count + 1))
    data = probe.data = thinned(data, max(min(most_rows, affordable), FEWEST_ROWS))
    try:
        probe.gradient = data.gradient(twin)
    except _core.ShapeError:
        raise
    except ValueError as error:
        probe.refusal = str(error)
    if probe.gradient is not None:
        probe.gradients = blocks_of(twin, probe.gradient)
    probe.inputs = _inputs(twin, data)
    if probe.finite:
        _normalize_by_batch(probe, data)
    _look_inside(probe, data)
    if probe.gradient is not None and probe.finite:
        probe.signals = _signals(twin, data)
    return probe


def _look_inside(probe: Probe, data: Data) -> None:
    twin, kinds, names = probe.twin, probe.activations, probe.output_names
    losses = core_losses(data.loss, data.loss_weights, names, "diagnose")
    values = {node: doubles(v) for node, v in twin.activations(lone(data.X)).items()}
    for node in kinds:
        if node not in names:
            probe.hidden.append(Values(node, kinds[node], values[node]))
    for k, node in enumerate(names):
        kind, loss = kinds.get(node, "identity"), _loss_of(data.loss, k, node)
        probe.outputs.append(Output(node, kind, loss, losses[k][0].name, values[node], data.y[k]))


def _normalize_by_batch(probe: Probe, data: Data) -> None:
    """Give a batch normalization the statistics of the rows, with which it trains.

    A step moves them to (1 - m) s + m b, b being those of the batch: one from s = 0 and one from
    s = 1 tell b.
    """
    twin = probe.twin
    if not twin.state.size or probe.gradient is None or not np.isfinite(probe.gradient).all():
        return
    steps = []
    for start in (0.0, 1.0):
        other = twin.copy()
        other.state[:] = start
        try:
            other.train_step(
                lone(data.X),
                lone(data.y),
                loss=data.loss,
                loss_weights=data.loss_weights,
                optimizer=SGD(1e-30),
            )
        except _core.DivergenceError:
            return
        steps.append(doubles(other.state).copy())
    moved = 1 - (steps[1] - steps[0])
    twin.state[:] = np.where(moved > 0, steps[0] / np.where(moved > 0, moved, 1), twin.state)


def _signals(twin: Network, data: Data) -> dict[str, tuple[float, float]]:
    read = {node for way in ways(twin) for node in way.nodes}
    if not read:
        return {}
    trace = twin.trace(
        lone(data.X),
        lone(data.y),
        data.loss,
        loss_weights=data.loss_weights,
        sample_weight=data.sample_weight,
        widest=0,
    )
    return {name: (size(trace[name].value), size(trace[name].gradient)) for name in read}


def _loss_of(loss: LossArgument, output: int, name: str) -> str | Loss:
    if isinstance(loss, str | Loss):
        return loss
    return loss[name] if isinstance(loss, Mapping) else loss[output]


def _inputs(twin: Network, data: Data) -> dict[str, Array]:
    """The inputs that something else than a rescaling reads."""
    read = {x for node in twin.nodes if node.kind not in RESCALING for x in node.inputs}
    # The inputs are the first nodes.
    named = zip(twin.input_names, twin.nodes, data.X, strict=False)
    return {name: doubles(part) for name, node, part in named if node in read}


def size(values: Array) -> float:
    """The root mean square."""
    return float(np.linalg.norm(values) / np.sqrt(values.size))
