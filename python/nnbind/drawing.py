"""Pictures of networks: by Graphviz, and by matplotlib."""

from __future__ import annotations

import html
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import _core
from ._core import Activation, Layer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .network import Network

__all__ = ["GraphDrawing", "plot_network"]

_FORMATS = (".svg", ".png", ".pdf")
_MOST_UNITS = 24
_MOST_LAYERS = 12


class GraphDrawing:
    """A computation graph as a drawing, made by ``net.graph()``.

    ``str`` of it is its text in the DOT language. Pictures are made of that by Graphviz's program
    ``dot``, where it is installed; notebooks show them by themselves.
    """

    def __init__(self, dot: str) -> None:
        self._dot = dot

    def __str__(self) -> str:
        return self._dot

    def __repr__(self) -> str:
        return f"<GraphDrawing, {len(self._dot.splitlines())} lines of DOT>"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file; its ending says as what: .svg, .png, .pdf, or .dot for the text.

        Raises ValueError for another ending, and RuntimeError if there is no program ``dot``, which
        .dot does without.
        """
        suffix = Path(path).suffix.lower()
        if suffix == ".dot":
            Path(path).write_text(self._dot, encoding="utf-8")
        elif suffix in _FORMATS:
            Path(path).write_bytes(self._render(suffix[1:]))
        else:
            raise ValueError(
                f"[GraphDrawing.save] {os.fspath(path)!r} ends with {suffix!r}; "
                f"expected one of {', '.join([*_FORMATS, '.dot'])}"
            )

    def _render(self, kind: str) -> bytes:
        program = shutil.which("dot")
        if program is None:
            raise RuntimeError(
                f"[GraphDrawing.save] .{kind} needs Graphviz's program dot, which was not found "
                "(apt-get install graphviz, or brew install graphviz); .dot needs nothing"
            )
        done = subprocess.run(
            [program, f"-T{kind}"], input=self._dot.encode(), capture_output=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"[GraphDrawing.save] dot failed: {done.stderr.decode().strip()}")
        return done.stdout

    def _repr_svg_(self) -> str | None:
        return self._render("svg").decode() if shutil.which("dot") else None

    def _repr_html_(self) -> str:
        return self._repr_svg_() or f"<pre>{html.escape(self._dot)}</pre>"


def plot_network(net: Network, ax: Axes | None = None) -> Axes:
    """Draw a small chain of ``nn.Dense`` layers as circles and lines.

    A line is a weight: blue where it is negative, red where it is positive, and the thicker the
    larger it is. The small circles marked 1 are the biases' inputs. ``ax`` is where to draw, by
    default on new axes, which are returned.

    Raises ValueError if the network is no chain of dense layers, activations and dropout, or if it
    is too large to be seen; ``net.graph()`` draws any network. Needs matplotlib
    (``pip install nnbind[plot]``).
    """
    if not isinstance(net, _core.Network):
        raise TypeError(f"[plot_network] net is {net!r}; expected an nn.Network")
    layers = _chain(net)
    widths = [layers[0].inputs, *(layer.units for layer in layers)]
    if max(widths) > _MOST_UNITS or len(widths) > _MOST_LAYERS:
        raise ValueError(
            f"[plot_network] the network is {'-'.join(map(str, widths))}; expected at most "
            f"{_MOST_LAYERS} layers of {_MOST_UNITS} units. net.graph() draws larger ones"
        )
    plt, collections = _matplotlib()
    if ax is None:
        size = (2 + 1.6 * len(widths), 1.8 + 0.5 * max(widths))
        ax = plt.subplots(figsize=size, layout="constrained")[1]
    _draw_weights(ax, layers, plt, collections)
    labels = ["input", *_labels(net)]
    for place, width in enumerate(widths):
        _draw_units(ax, place, width, "#d7e9f7" if place == 0 else "white")
        ax.text(place, -max(widths) / 2 - 0.3, labels[place], ha="center", va="top", fontsize=9)
    ax.set_xlim(-0.5, len(widths) - 0.5)
    ax.set_ylim(-max(widths) / 2 - 1.3, max(widths) / 2 + 1)
    ax.axis("off")
    return ax


def _matplotlib() -> tuple[Any, Any]:
    try:
        from matplotlib import collections, pyplot
    except ImportError:
        raise ImportError(
            "[plot_network] matplotlib is not installed; pip install nnbind[plot] brings it"
        ) from None
    return pyplot, collections


def _chain(net: Network) -> list[Layer]:
    """The dense layers of a chain, from the input to the output."""
    transparent = {*Activation.names(), "dropout", "input", "dense"}
    for node in net.nodes:
        custom = node.operator is not None and node.operator.runs_alone
        sources = 0 if node.kind == "input" else 1
        if not (custom or node.kind in transparent) or len(node.inputs) != sources:
            raise ValueError(
                f"[plot_network] there is {node.kind!r} in the network; expected a chain of dense "
                "layers, activations and dropout. net.graph() draws any network"
            )
    layers = list(net.layers)
    fan_out = [sum(node in other.inputs for other in net.nodes) for node in net.nodes]
    dense = sum(node.kind == "dense" for node in net.nodes)
    if max(fan_out) > 1 or not layers or dense != len(layers) or len(net.input_names) > 1:
        raise ValueError(
            "[plot_network] the network is no chain of dense layers, each with weights of its own; "
            "net.graph() draws any network"
        )
    return layers


def _labels(net: Network) -> list[str]:
    """The name of each layer, and its activations: its own, and the nodes after it."""
    names: list[list[str]] = []
    layers = iter(net.layers)
    for node in net.nodes:
        if node.kind == "dense":
            layer = next(layers)
            names.append([layer.name, layer.activation.name])
        elif names and node.kind != "dropout":
            if names[-1][1] == "identity":
                names[-1].pop()
            names[-1].append(node.kind)
    return [name + "\n" + ", ".join(activations) for name, *activations in names]


def _heights(width: int) -> list[float]:
    return [(width - 1) / 2 - k for k in range(width)]


def _draw_units(ax: Axes, place: int, width: int, color: str) -> None:
    x = [place] * width
    ax.scatter(x, _heights(width), s=220, c=color, edgecolors="black", zorder=3)


def _draw_weights(ax: Axes, layers: list[Layer], plt: Any, collections: Any) -> None:
    """Lines from each layer's inputs, and from the input 1 of its biases, to its units."""
    lines, weights = [], []
    for place, layer in enumerate(layers):
        starts: list[tuple[float, float]] = [(place, height) for height in _heights(layer.inputs)]
        rows = list(layer.weights)
        if layer.bias is not None:
            corner = (place + 0.15, (layer.inputs + 1) / 2)
            ax.scatter(*corner, s=110, c="#eeeeee", edgecolors="gray", zorder=3)
            ax.annotate("1", corner, ha="center", va="center", fontsize=7, zorder=4)
            starts.append(corner)
            rows.append(layer.bias)
        for start, row in zip(starts, rows, strict=True):
            for height, weight in zip(_heights(layer.units), row, strict=True):
                lines.append((start, (place + 1, height)))
                weights.append(float(weight))
    largest = max(map(abs, weights)) or 1.0
    segments = collections.LineCollection(
        lines,
        cmap="coolwarm",
        norm=plt.Normalize(-largest, largest),
        linewidths=[0.8 + 3 * abs(weight) / largest for weight in weights],
        zorder=1,
    )
    segments.set_array(weights)
    ax.add_collection(segments)
    ax.figure.colorbar(segments, ax=ax, label="weight", shrink=0.7)
