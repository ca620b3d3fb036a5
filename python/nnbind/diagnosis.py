"""The training doctor: what a teacher would see in a network that does not learn."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from . import _core
from ._batches import ConvertedBatches, lone
from ._checks import integer
from ._core import History
from ._doctor import curvature, probe
from ._doctor.data import gather
from ._doctor.finding import HOPELESS, Finding
from ._doctor.inputs import of_inputs
from ._doctor.outputs import of_outputs
from ._doctor.parameters import of_parameters
from ._doctor.signals import of_signals
from ._doctor.steps import of_steps
from ._doctor.targets import of_targets
from ._doctor.units import of_units
from .losses import LossArgument, LossWeights
from .optimizers import Optimizer, core_optimizer
from .regularizers import L1L2

if TYPE_CHECKING:
    from ._training import Fit
    from .network import Network

__all__ = ["Diagnosis", "Finding", "diagnose"]

WORST = 3
"""So many findings stand in the message of a fit that diverged."""


class Diagnosis:
    """What ``nn.diagnose`` found, the worst first.

    It is a collection of its findings: ``len`` counts them, iteration goes through them, and it is
    true if there are any. ``str`` of it says them in plain words.
    """

    def __init__(self, findings: list[Finding], curvature: float | None) -> None:
        self._findings = tuple(sorted(findings, key=lambda finding: -finding.severity))
        self._curvature = curvature

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the worst first."""
        return self._findings

    @property
    def curvature(self) -> float | None:
        """λ, the largest eigenvalue of the Hessian of L at θ: plain gradient descent is stable
        below a learning rate of 2/λ. None where it was not found, is not positive, or differences
        of gradients do not tell it."""
        return self._curvature

    @property
    def ok(self) -> bool:
        """Whether there are no findings."""
        return not self._findings

    def __len__(self) -> int:
        return len(self._findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)

    def __repr__(self) -> str:
        kinds = ", ".join(finding.kind for finding in self._findings)
        return f"<Diagnosis: {kinds or 'ok'}>"

    def __str__(self) -> str:
        if self._findings:
            return _paragraphs(self._findings)
        if self._curvature is None:
            return "Nothing wrong was found."
        limit = 2 / self._curvature
        return (
            "Nothing wrong was found. Plain gradient descent is stable here below a learning rate "
            f"of 2/λ = {limit:.3g}."
        )


def _paragraphs(findings: Iterable[Finding]) -> str:
    wrapper = textwrap.TextWrapper(width=88, break_long_words=False, break_on_hyphens=False)
    return "\n\n".join(wrapper.fill(finding.sentence) for finding in findings)


def diagnose(
    net: Network,
    X: Any,
    y: Any,
    loss: LossArgument,
    *,
    loss_weights: LossWeights = None,
    optimizer: Optimizer | None = None,
    regularizer: L1L2 | None = None,
    sample_weight: ArrayLike | None = None,
    batch_size: int | None = None,
) -> Diagnosis:
    """Look for the well-known reasons why a network learns badly or not at all.

    X, y, ``loss`` and the rest are what ``net.fit`` gets; a large X is looked at in some thousand
    rows, evenly spaced. With the ``optimizer`` its learning rate is compared with 2/λ, where λ is
    the largest eigenvalue of the Hessian of L, found by the Lanczos method from differences of
    gradients; with ``batch_size`` also for mini-batches of that size, whose λ is larger.

    All is computed on a float64 copy: the network does not change. Raises ShapeError, TypeError or
    ValueError if ``net.loss_and_gradient`` would because of a shape, a dtype or an option. What the
    loss refuses in the data is a finding instead.
    """
    if not isinstance(net, _core.Network):
        raise TypeError(f"[diagnose] net is {net!r}; expected an nn.Network")
    data = gather(
        net, X, y, loss, sample_weight, loss_weights=loss_weights, regularizer=regularizer
    )
    if optimizer is not None:
        core_optimizer(optimizer, "diagnose")  # or it is none
    if batch_size is not None:
        batch_size = integer(batch_size, "batch_size", 1, "diagnose")
    with np.errstate(all="ignore"):  # what overflows is a finding, no warning
        facts = probe.examine(net, data, most_rows=4096)
        return _diagnosis(facts, optimizer, batch_size, seconds=10)


def explanation(net: Network, fit: Fit, history: History) -> str:
    """What the doctor says on the parameters that a fit which diverged is back at; or nothing.

    Without arrays, after a fit on an iterable, only the parameters are looked at. Bounded to a
    thousand rows and about a second. A fit must not fail in another way because of a diagnosis:
    an error in it means that there is nothing to say.
    """
    X, y, weight = fit.X, fit.y, fit.sample_weight
    if isinstance(X, ConvertedBatches):
        X, y, weight = lone(X.X), lone(X.y), X.sample_weight
    assert fit.optimizer is not None  # since the options were checked
    # Of the last epoch, for the optimizer is reset.
    rate = history.learning_rate[-1] if history.learning_rate else fit.optimizer.learning_rate
    try:
        with np.errstate(all="ignore"):
            if y is None:
                facts = probe.examine_parameters(net)
            else:
                data = gather(
                    net, X, y, fit.loss, weight,
                    loss_weights=fit.loss_weights, regularizer=fit.regularizer,
                )  # fmt: skip
                facts = probe.examine(net, data, most_rows=1000)
            found = _diagnosis(facts, fit.optimizer, fit.batch_size, seconds=0.3, diverged_at=rate)
    except Exception:
        return ""
    if found.ok:
        return ""
    more = len(found) - WORST
    also = f"\n\n(and {more} more: see nn.diagnose)" if more > 0 else ""
    return f"What nn.diagnose sees there:\n\n{_paragraphs(found.findings[:WORST])}{also}"


def _diagnosis(
    facts: probe.Probe,
    optimizer: Optimizer | None,
    batch_size: int | None,
    seconds: float,
    diverged_at: float | None = None,
) -> Diagnosis:
    """Causes stand before what follows from them. ``diverged_at`` is the learning rate then."""
    before = [*of_inputs(facts), *of_targets(facts)]
    if not facts.finite:  # a forward pass would say NaN, and no more
        return Diagnosis([*of_parameters(facts), *before], None)
    findings = [*before, *of_outputs(facts), *of_parameters(facts), *of_units(facts)]
    wrong_loss = any(f.kind == "output_loss" and f.severity == HOPELESS for f in findings)
    if facts.gradient is None or wrong_loss:  # whose gradient means nothing
        return Diagnosis(findings, None)
    signals, rate, whole, batch = [*of_signals(facts)], 0.0, None, None
    if optimizer is not None:
        rate = optimizer.learning_rate if diverged_at is None else diverged_at
    if curvature.trusted(facts):
        whole = curvature.largest(facts, seconds)
        if optimizer is not None:
            batch = curvature.largest_of_batches(facts, batch_size, seconds)
    steps = [*of_steps(facts, optimizer, rate, (whole, batch), diverged_at is not None)]
    if any(finding.kind.startswith("exploding") for finding in signals):  # which is why
        steps = [finding for finding in steps if finding.kind != "large_gradient"]
    return Diagnosis([*signals, *steps, *findings], whole)
