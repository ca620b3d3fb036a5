"""One finding of the training doctor, and how its numbers are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

HOPELESS = 3
HARMFUL = 2
NOTABLE = 1


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong. ``str`` of it is its sentence."""

    kind: str
    """A name for programs: "dead_relu", "learning_rate", ..."""
    node: str | None
    """The layer, input or output concerned; None for the whole network."""
    sentence: str
    """What is seen, why it matters, and what helps."""
    severity: int
    """3: nothing can be learned like this; 2: learning suffers; 1: worth knowing."""
    numbers: dict[str, Any] = field(default_factory=dict)
    """What was measured, by name."""

    def __str__(self) -> str:
        return self.sentence


def number(value: float) -> str:
    """Three digits: 0.0312, 50000, 1.2e+09."""
    return f"{float(f'{value:.3g}'):g}"


def some(items: Sequence[str], most: int = 3) -> str:
    """The first few: "a, b, c and 5 more"."""
    left = len(items) - most
    return ", ".join(items[:most]) + (f" and {left} more" if left > 0 else "")


def percent(share: float) -> str:
    """A share of 1, which is not 0."""
    return "Less than 1%" if share < 0.01 else f"{share:.0%}"


def together(cases: Sequence[Finding], sentence: Callable[[str], str]) -> Iterator[Finding]:
    """One finding for all layers with the same illness; a single one as it is.

    ``sentence`` gets the layers in words. Each layer's numbers are under "layers" then.
    """
    if len(cases) < 2:
        yield from cases
        return
    names = [f'"{case.node}"' for case in cases]
    yield Finding(
        cases[0].kind,
        cases[0].node,
        sentence(f"{len(cases)} layers ({some(names)})"),
        max(case.severity for case in cases),
        {"layers": {case.node: case.numbers for case in cases}},
    )


def span(cases: Sequence[Finding], key: str, write: Callable[[float], str] = number) -> str:
    """From the least to the most of a number: "3 to 7", or "3"."""
    values = [case.numbers[key] for case in cases]
    low, high = write(min(values)), write(max(values))
    return low if low == high else f"{low} to {high}"
