"""The bench: what it measures, what stops it, and what it writes."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench import machine, reference, report, runner
from bench.derivatives import peer, peers
from bench.derivatives import workload as derivatives
from bench.machine import Peak
from bench.record import Record, Series
from bench.workloads import WORKLOADS, make_problem

import nnbind as nn
from cpp_build import ROOT
from helpers import assert_close, fit


@pytest.fixture
def record() -> Record:
    """Two rounds of two libraries: the other one better on two threads."""
    workload = WORKLOADS["M1"]
    nnbind = Series("1.0", "v4", 2.0, {1: [20.0, 30.0], 2: [40.0, 50.0]})
    torch = Series("2.0", "AVX512", 2.0, {1: [400.0, 600.0], 2: [100.0, 200.0]})
    peaks = [Peak(200.0, 300.0), Peak(250.0, 400.0)]
    series = {"M1": {"nnbind": nnbind, "torch": torch}}
    return Record("2026-01-02T03:04:05", "A CPU", 2, [workload], peaks, series)


@pytest.mark.parametrize(("name", "flops"), [("M1", 13_090_816), ("T1", 47_232)])
def test_flops_are_those_of_the_useful_products(name: str, flops: int) -> None:
    assert WORKLOADS[name].flops == flops


def test_the_reference_and_nnbind_reach_the_same_loss() -> None:
    workload = replace(WORKLOADS["T1"], samples=320)
    problem = make_problem(workload)
    net = nn.mlp(8, [9, 9, 9], 4, output="softmax")
    net.theta = problem.theta
    fit(net, problem.X, problem.y, loss="cross_entropy", optimizer=nn.SGD(workload.learning_rate),
        epochs=1, batch_size=workload.batch_size, sample_order=problem.order)  # fmt: skip
    expected = reference.loss_after_epoch(problem)
    assert_close(reference.loss_of(problem, net.theta), expected, runner.TOLERANCE / 10)


@pytest.mark.parametrize("loss", [2.001, 1.999, np.nan, np.inf])
def test_a_library_that_trains_otherwise_stops_the_bench(loss: float) -> None:
    runner.check_loss("torch", WORKLOADS["M1"], 2.0001, 2.0)
    with pytest.raises(runner.WrongLoss, match=r"\[bench\] torch on 784-128-10, batch 32 has loss"):
        runner.check_loss("torch", WORKLOADS["M1"], loss, 2.0)


def test_a_row_is_the_median_at_the_better_number_of_threads(record: Record) -> None:
    ours, torch = record.rows(WORKLOADS["M1"])
    assert (ours.threads, ours.median, ours.low, ours.high, ours.ratio) == (1, 25, 20, 30, 1)
    assert (torch.threads, torch.median, torch.ratio) == (2, 150, 6)
    assert record.limit(WORKLOADS["M1"]) == pytest.approx(13_090_816 / 400e3)


def test_a_record_is_saved_with_every_round(record: Record, tmp_path: Path) -> None:
    record.save(tmp_path / "latest.json")
    saved = json.loads((tmp_path / "latest.json").read_text())
    assert saved["series"]["M1"]["torch"]["rounds"] == {"1": [400, 600], "2": [100, 200]}
    assert [row["peer"] for row in saved["rows"]] == ["nnbind", "torch"]


def test_the_table_has_a_line_for_each_workload(record: Record) -> None:
    header, _, line, *_ = report.markdown(record).splitlines()
    assert header == "| network | nnbind | PyTorch | FMA limit |"
    assert line.startswith("| 784-128-10, batch 32 | **25.0** (20.0–30.0)")
    assert "150 (100–200), **6.00×**" in line


def test_only_what_stands_between_the_markers_is_replaced(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    for _ in range(2):
        report.write_readme(readme, "new")
        assert readme.read_text() == f"before\n{report.BEGIN}\nnew\n{report.END}\nafter\n"


@pytest.mark.parametrize("text", ["", report.BEGIN, report.END, f"{report.END}{report.BEGIN}"])
def test_a_readme_without_markers_is_left_alone(text: str, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(text)
    with pytest.raises(ValueError, match="markers"):
        report.write_readme(readme, "new")
    assert readme.read_text() == text


def test_a_run_measures_each_library_on_one_core_and_on_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)  # whose bench each process runs
    monkeypatch.setattr(machine, "compiled_peak", lambda: nullcontext(Path()))
    monkeypatch.setattr(machine, "measure_peak", lambda _: Peak(200.0, 400.0))
    monkeypatch.setattr(machine, "cores", lambda: 2)
    record = runner.run([WORKLOADS["T1"]], ["nnbind"], rounds=1, seconds=0.01)
    series = record.series["T1"]["nnbind"]
    assert series.version == nn.__version__
    assert {threads: len(times) for threads, times in series.rounds.items()} == {1: 1, 2: 1}
    assert 0 < record.rows(WORKLOADS["T1"])[0].median < 1e5


@pytest.mark.parametrize("task", derivatives.TASKS)
def test_derivatives_are_compared_with_plain_numpy_before_they_are_timed(task: str) -> None:
    problem = derivatives.make_problem(6)
    session, expected = peers.nnbind(problem), derivatives.answers(problem)[task]
    (way,) = session.ways[task]
    assert peer.error_of(session, task, way, expected, 6) < peer.TOLERANCE / 10
    with pytest.raises(peer.WrongResult, match="is off by"):
        peer.error_of(session, task, way, expected * (1 + 2 * peer.TOLERANCE), 6)
    with pytest.raises(peer.WrongResult, match="shape"):
        peer.error_of(session, task, way, expected[..., 1:], 6)
