"""Tables of text, for the terminal and for notebooks, and numbers in them."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_NUMBERS = 6  # of larger arrays the shape and the first ones are shown


def numbers(values: NDArray[Any]) -> str:
    """A single number, a few of them in brackets, or the shape and the first few."""
    values = values + 0.0  # not -0
    flat = values.ravel()
    if flat.size == 1:
        return f"{flat[0]:.4g}"
    shape = tuple(size for size in values.shape[:-1] if size > 1)
    if flat.size > _MOST_NUMBERS:
        dimensions = " × ".join(str(size) for size in values.shape)
        return f"({dimensions}) {', '.join(f'{x:.4g}' for x in flat[:4])}, ..."
    return _brackets(values.reshape(*shape, values.shape[-1]))


def _brackets(values: NDArray[Any]) -> str:
    if values.ndim == 0:
        return f"{float(values):.4g}"
    return f"[{', '.join(_brackets(np.asarray(part)) for part in values)}]"


def text_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows in columns, under a title."""
    lines = [header, *rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    texts = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([title, *(f"  {text}" for text in texts)])


def html_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same as HTML, every text escaped."""

    def line(cells: Sequence[str], tag: str) -> str:
        style = "text-align: left; padding: 1px 12px 1px 0"
        texts = "".join(f'<{tag} style="{style}">{html.escape(cell)}</{tag}>' for cell in cells)
        return f"<tr>{texts}</tr>"

    caption = f'<caption style="text-align: left; font-weight: bold">{html.escape(title)}</caption>'
    body = "".join(line(row, "td") for row in rows)
    return f"<table>{caption}<thead>{line(header, 'th')}</thead><tbody>{body}</tbody></table>"
