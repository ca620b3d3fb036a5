"""Columns of X far from unit scale, of very different scales, or constant."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .finding import HARMFUL, NOTABLE, Finding, number, some
from .layers import Array
from .probe import Probe

FAR = 10.0
"""A column whose mean or standard deviation is beyond this is far from unit scale."""
TINY = 0.01
"""And so is one that never leaves [-TINY, TINY]."""
UNLIKE = 100.0
"""Columns the ratio of whose sizes is beyond this have very different scales."""

STANDARDIZE = (
    "Standardize the columns: (X - X.mean(0)) / X.std(0), with the same numbers for new data."
)


def of_inputs(probe: Probe) -> Iterator[Finding]:
    """What is wrong with X."""
    for name, x in probe.inputs.items():
        if x.ndim == 2 and len(x) > 1 and np.isfinite(x).all():
            constant = (x == x[0]).all(axis=0)
            yield from _constant(name, x[0], constant)
            yield from _scales(name, x, ~constant)


def _constant(name: str, row: Array, constant: Array) -> Iterator[Finding]:
    # A column of zeros, as at the border of an image, does nothing at all.
    columns = np.flatnonzero(constant & (row != 0))
    if not len(columns):
        return
    listed = some([f"{j} (always {number(row[j])})" for j in columns])
    yield Finding(
        "constant_input",
        name,
        f'Constant columns in input "{name}": {listed}. They tell the network nothing that a bias '
        "does not, and large ones make training unstable. Leave them out.",
        HARMFUL if np.abs(row[columns]).max() > FAR else NOTABLE,
        {"columns": columns.tolist()},
    )


def _scales(name: str, x: Array, varied: Array) -> Iterator[Finding]:
    mean, deviation, largest = x.mean(axis=0), x.std(axis=0), np.abs(x).max(axis=0)
    size = np.maximum(np.abs(mean), deviation)
    far, tiny = varied & (size > FAR), varied & (largest < TINY)
    if far.any() or tiny.any():
        columns = np.flatnonzero(far | tiny)
        worst = sorted(columns, key=lambda j: -max(size[j], 1 / largest[j]))
        listed = some(
            [
                f"column {j} (mean {number(mean[j])}, standard deviation {number(deviation[j])})"
                for j in worst
            ]
        )
        why = (
            "Large columns saturate units and allow only tiny learning rates"
            + (", while tiny ones are hardly heard" if tiny.any() else "")
            if far.any()
            else "The network hardly hears them, and learns from them slowly"
        )
        yield Finding(
            "input_scale",
            name,
            f'{len(columns)} of the {x.shape[1]} columns of input "{name}" are far from mean 0 and '
            f"standard deviation 1: {listed}. {why}. {STANDARDIZE}",
            HARMFUL,
            {
                "columns": columns.tolist(),
                "mean": mean[columns].tolist(),
                "standard_deviation": deviation[columns].tolist(),
            },
        )
    elif varied.any() and largest[varied].max() > UNLIKE * largest[varied].min():
        columns = np.flatnonzero(varied)
        high, low = columns[largest[varied].argmax()], columns[largest[varied].argmin()]
        yield Finding(
            "input_scales_differ",
            name,
            f'The columns of input "{name}" have very different scales: column {high} reaches '
            f"{number(largest[high])}, column {low} only {number(largest[low])}. The large one "
            "sets how long a step may be, and the weights of the small one then hardly move. "
            + STANDARDIZE,
            HARMFUL,
            {"largest": float(largest[high]), "smallest": float(largest[low])},
        )
