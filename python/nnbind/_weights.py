"""Class weights as weights of the samples."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _core
from ._checks import real
from ._core import ShapeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EXPECTED = "class_weight expects labels, one-hot rows or a column of 0 and 1 or of -1 and 1"


def sample_weights(
    sample_weight: Any, class_weight: Any, y: Any, net: _core.Network, where: str
) -> Any:
    """The weight of each sample (n,): its own times that of its class; None if neither is given.

    ``class_weight`` is {label: weight} (labels left out weigh 1), an array with a weight for each
    class, in the order of the labels, or "balanced": n / (classes · count of the class), as in
    scikit-learn. ``y`` holds labels, one-hot rows, or a column of 0 and 1 or of -1 and 1. Raises
    ShapeError or ValueError, also for other targets, for labels that are no class, and with several
    outputs: whose classes would be meant?
    """
    if class_weight is None:
        return sample_weight
    names = net.output_names
    if len(names) > 1:
        raise ValueError(
            f"[{where}] class_weight is for a single output, and the network has {names}; "
            "expected sample_weight"
        )
    if isinstance(class_weight, str) and class_weight != "balanced":
        raise ValueError(
            f'[{where}] class_weight is "{class_weight}"; expected "balanced", {{label: weight}} '
            "or an array"
        )
    (y,) = _core.parts(y, names, f"[{where}] y")
    labels = _labels(_core.numbers(y, f"[{where}] y"), net.outputs, where)
    weights = _of_classes(class_weight, labels, net.outputs, where)
    if sample_weight is None:
        return weights
    given = _core.numbers(sample_weight, f"[{where}] sample_weight")
    if given.shape != weights.shape:
        raise ShapeError(
            f"[{where}] sample_weight has shape {given.shape}; expected {weights.shape}"
        )
    return weights * given


def _of_classes(
    class_weight: Any, labels: NDArray[np.int64], outputs: int, where: str
) -> NDArray[np.float64]:
    if isinstance(class_weight, str):
        return _balanced(labels)
    classes = list(range(max(outputs, 2)))
    if outputs == 1 and (labels == -1).any():
        classes = [-1, 1]
    if isinstance(class_weight, Mapping):
        table = {
            _label(label, where): real(weight, f"class_weight of label {label}", where)
            for label, weight in class_weight.items()
        }
    else:
        weights = _core.numbers(class_weight, f"[{where}] class_weight")
        if weights.dtype == np.bool_:
            raise TypeError(f"[{where}] class_weight has dtype bool; expected numbers")
        if weights.shape != (len(classes),):
            raise ShapeError(
                f"[{where}] class_weight has shape {weights.shape}; expected ({len(classes)},)"
            )
        table = dict(zip(classes, weights.astype(np.float64).tolist(), strict=True))
    for label, weight in table.items():
        # In these samples, which may be a batch, though it is one of the two.
        absent = outputs == 1 and label == -1 and not (labels == 0).any()
        if label not in classes and not absent:
            raise ValueError(
                f"[{where}] class_weight has the label {label}; expected some of "
                f"{', '.join(map(str, classes))}"
            )
        if not (np.isfinite(weight) and weight >= 0):
            raise ValueError(
                f"[{where}] class_weight of label {label} is {weight}; expected a number >= 0"
            )
    return np.array([table.get(label, 1.0) for label in labels.tolist()])


def _label(label: Any, where: str) -> int:
    if not isinstance(label, bool):  # which Python takes for an integer
        if isinstance(label, Integral):
            return int(label)
        if isinstance(label, Real) and float(label).is_integer():
            return int(float(label))
    raise TypeError(f"[{where}] class_weight has the label {label!r}; expected an integer")


def _labels(y: NDArray[Any], outputs: int, where: str) -> NDArray[np.int64]:
    if y.ndim == 2 and y.shape[1] > 1:
        one_hot = ((y == 0) | (y == 1)).all(axis=1) & (y.sum(axis=1) == 1)
        _require(one_hot | ~np.isfinite(y).all(axis=1), y, where)
        return np.asarray(np.argmax(y, axis=1), np.int64)
    if y.ndim == 0 or y.size != len(y):
        raise ShapeError(f"[{where}] y has shape {y.shape}; {_EXPECTED}")
    column = y.reshape(len(y))
    with np.errstate(invalid="ignore"):  # a NaN is refused later, by name and row
        is_label = column == np.round(column)
        if outputs == 1:
            is_label = np.isin(column, [-1, 1] if (column == -1).any() else [0, 1])
        _require(is_label | ~np.isfinite(column), y, where)
        return column.astype(np.int64)


def _require(is_label: NDArray[np.bool_], y: NDArray[Any], where: str) -> None:
    if not is_label.all():
        row = int(np.argmin(is_label))
        raise ValueError(f"[{where}] y has {y[row].tolist()} in row {row}; {_EXPECTED}")


def _balanced(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    classes, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray((len(labels) / (len(classes) * counts))[inverse])
