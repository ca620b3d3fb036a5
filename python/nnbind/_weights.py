"""Class weights as weights of the samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._core import ShapeError


def class_weights(class_weight: Any, y: Any, outputs: int) -> NDArray[np.float64]:
    """The weight of each sample (n,): that of its class.

    ``class_weight`` is {label: weight} (labels left out weigh 1), an array with a weight for each
    class, or "balanced": n / (classes · count of the class), as in scikit-learn. ``y`` holds
    labels, one-hot rows, or a column of 0 and 1 or of -1 and 1. Raises ShapeError or ValueError.
    """
    labels = _labels(np.asarray(y))
    if isinstance(class_weight, str):
        return _balanced(class_weight, labels)
    classes = max(outputs, 2)
    if isinstance(class_weight, Mapping):
        table = {int(label): float(weight) for label, weight in class_weight.items()}
    else:
        weights = np.asarray(class_weight, dtype=float)
        if weights.shape != (classes,):
            raise ShapeError(
                f"[Network.fit] class_weight has shape {weights.shape}; expected ({classes},)"
            )
        table = dict(enumerate(weights.tolist()))
    for label, weight in table.items():
        if not (np.isfinite(weight) and weight >= 0):
            raise ValueError(
                f"[Network.fit] class_weight of label {label} is {weight}; expected a number >= 0"
            )
    return np.array([table.get(label, 1.0) for label in labels.tolist()])


def _labels(y: NDArray[Any]) -> NDArray[np.int64]:
    if y.ndim == 2 and y.shape[1] > 1:
        return np.asarray(np.argmax(y, axis=1), np.int64)
    return y.reshape(len(y)).astype(np.int64)


def _balanced(name: str, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    if name != "balanced":
        raise ValueError(
            f'[Network.fit] class_weight is "{name}"; '
            'expected "balanced", {label: weight} or an array'
        )
    classes, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray((len(labels) / (len(classes) * counts))[inverse])
