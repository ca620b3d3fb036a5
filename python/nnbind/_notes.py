"""What a file keeps of the caller's own arguments of a fit, who must give them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from ._training import Fit

Notes: TypeAlias = dict[str, bool | int | float | str]

GIVEN_AGAIN = ("validation_data", "sample_order", "sample_weight", "class_weight")


def notes_of(fit: Fit) -> Notes:
    """Of a fit whose X is a list of arrays, before rows are kept out, or an iterable."""
    notes: Notes = {name: getattr(fit, name) is not None for name in GIVEN_AGAIN}
    notes["validation_fraction"] = float(fit.validation_fraction)
    if fit.y is not None:
        notes["samples"] = _samples(fit.X[0])
        notes["dtype"] = ", ".join(_dtype(part) for part in fit.X)
    return notes


def _samples(part: Any) -> int:
    try:
        return len(part)
    except TypeError:  # the core says what is wrong with it
        return 0


def _dtype(part: Any) -> str:
    return str(part.dtype) if hasattr(part, "dtype") else type(part).__name__


def compare_notes(new: Notes, old: Notes, where: str) -> None:
    """Raise ValueError unless a fit that goes on is given what it was begun with.

    A fit that was begun from C++ has no notes: there the core's own checks must do.
    """
    if not old:
        return
    for name in GIVEN_AGAIN:
        if new[name] != old.get(name):
            began = f"with {name}; give it again" if old.get(name) else f"without {name}"
            raise ValueError(f"[{where}] the fit began {began}")
    if ("samples" in new) != ("samples" in old):
        kind = "arrays X and y" if "samples" in old else "an iterable of batches"
        raise ValueError(f"[{where}] the fit began with {kind}")
    for name in ("samples", "dtype"):
        if new.get(name) != old.get(name):
            raise ValueError(
                f"[{where}] X has {name} {new.get(name)}; the fit began with {old.get(name)}"
            )
