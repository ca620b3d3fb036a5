"""The claims of examples/computation_graph.py: the trace is the computation by hand."""

from pathlib import Path

import pytest

from lecture import load_script


def test_the_trace_is_the_computation_by_hand_and_a_step_lowers_the_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    script = load_script("computation_graph")
    result = script.main()
    assert result.largest_error <= 1e-15
    assert set(script.by_hand()) == set(result.trace)
    assert result.loss_after < result.loss
    assert Path(script.PICTURE).stat().st_size > 10_000
    printed = capsys.readouterr().out
    assert str(result.trace) in printed
    assert "w1 · x" in printed
