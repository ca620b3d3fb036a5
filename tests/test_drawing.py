"""Pictures of networks."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import nnbind as nn

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")


def graph() -> nn.GraphDrawing:
    x = nn.Input(2, 'the "input"')
    return nn.Network(x, nn.Dense(3, "tanh", name="h")(x)).graph()


def test_text_names_nodes_and_shapes() -> None:
    text = str(graph())
    assert text.startswith("digraph")
    assert r"the \"input\"" in text
    assert r"h\ndense tanh\n9 parameters" in text
    assert "(n, 2)" in text


def test_dot_files_need_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    drawing = graph()
    drawing.save(tmp_path / "net.dot")
    assert (tmp_path / "net.dot").read_text(encoding="utf-8") == str(drawing)
    with pytest.raises(RuntimeError, match="Graphviz's program dot"):
        drawing.save(tmp_path / "net.svg")
    assert drawing._repr_svg_() is None
    assert "&quot;(n, 2)&quot;" in drawing._repr_html_()


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected one of \.svg, \.png, \.pdf, \.dot"):
        graph().save(tmp_path / "net.gif")


@needs_dot
@pytest.mark.parametrize(
    ("name", "start"), [("a.svg", b"<?xml"), ("a.png", b"\x89PNG"), ("a.pdf", b"%PDF")]
)
def test_pictures_are_made_by_dot(name: str, start: bytes, tmp_path: Path) -> None:
    graph().save(tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


@needs_dot
def test_notebooks_show_the_picture() -> None:
    svg = graph()._repr_svg_()
    assert svg is not None
    assert "the &quot;input&quot;" in svg
    assert graph()._repr_html_() == svg


def test_plot_network_draws_a_line_for_each_weight_and_bias() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    net = nn.Sequential(nn.Input(3), nn.Dense(4, "relu", dropout=0.5), nn.Dense(2, bias=False))
    _, ax = plt.subplots()
    assert nn.plot_network(net, ax) is ax
    (lines,) = [c for c in ax.collections if hasattr(c, "get_segments")]
    assert len(lines.get_segments()) == net.parameter_count
    shown = np.asarray(lines.get_array())
    assert set(np.round(shown, 6)) == set(np.round(net.theta.astype(float), 6))
    assert nn.plot_network(net) is not ax
    plt.close("all")


def test_plot_network_refuses_what_it_cannot_show() -> None:
    pytest.importorskip("matplotlib")
    x = nn.Input(2)
    shared = nn.Dense(2)
    for node in (nn.Dense(1)(x * x), nn.Dense(1)(shared(x) + x), shared(shared(x)), nn.exp(x)):
        with pytest.raises(ValueError, match=r"\[plot_network\].*net.graph\(\)"):
            nn.plot_network(nn.Network(x, node))
    with pytest.raises(ValueError, match=r"2-100-1; expected at most"):
        nn.plot_network(nn.mlp(2, [100], 1))
