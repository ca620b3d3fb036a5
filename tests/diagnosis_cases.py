"""Networks and data for the tests of the training doctor."""

from collections.abc import Sequence
from typing import Any

import numpy as np

import nnbind as nn

X = np.random.default_rng(0).normal(size=(200, 3))
Y = np.sin(X[:, :1])
LABELS = (X[:, 0] > 0).astype(np.int64)
BINARY = LABELS[:, None].astype(float)
ONE_HOT = np.eye(2)[LABELS]
BRANCH_LOSS = {"value": "mse", "kind": "cross_entropy"}


def kinds(diagnosis: nn.Diagnosis) -> list[str]:
    return [finding.kind for finding in diagnosis.findings]


def only(diagnosis: nn.Diagnosis) -> nn.Finding:
    """The one finding there is."""
    assert len(diagnosis) == 1, str(diagnosis)
    return diagnosis.findings[0]


def chain(
    units: Sequence[int], activation: str = "tanh", output: str = "identity", **options: Any
) -> nn.Network:
    return nn.mlp(3, units[:-1], units[-1], activation=activation, output=output, **options)


def linear(loss: str = "squared_error") -> tuple[nn.Network, Any, float]:
    """A linear model, its targets, and the largest eigenvalue of its Hessian."""
    y = X @ [[1.0], [2.0], [-1.0]] + 0.3
    augmented = np.hstack([X, np.ones((len(X), 1))])
    hessian = 2 * augmented.T @ augmented / len(X)
    return chain([1], dtype=np.float64), y, float(np.linalg.eigvalsh(hessian)[-1])


def branches(**options: Any) -> nn.Network:
    """Two inputs and two outputs, with a layer that is called twice and activation nodes."""
    a, b = nn.Input(3, name="a"), nn.Input(2, name="b")
    shared = nn.Dense(6, "relu", name="shared")
    h = nn.concatenate([shared(a), shared(nn.tanh(nn.Dense(3)(b), name="squashed"))])
    value, kind = nn.Dense(1)(h), nn.softmax(nn.Dense(2)(h))
    return nn.Network([a, b], {"value": value, "kind": kind}, **options)
