"""The bench: what it measures, what stops it, and what it writes."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench import machine, many, reference, report, runner
from bench.derivatives import peer, peers
from bench.derivatives import workload as derivatives
from bench.inference import __main__ as inference
from bench.inference import peer as predictor
from bench.inference.workload import WORKLOADS as PREDICTIONS
from bench.inference.workload import answer
from bench.machine import Limits
from bench.peer import split
from bench.peers import prepare
from bench.record import Record, Series
from bench.workloads import WORKLOADS, make_problem

import nnbind as nn
from cpp_build import ROOT
from helpers import assert_close

BEGIN, END = report.markers("v3")


@pytest.fixture
def record() -> Record:
    """Two rounds of two libraries: the other one better on two threads."""
    workload = WORKLOADS["M1"]
    nnbind = Series("1.0", "v4", 2.0, {1: [20.0, 30.0], 2: [40.0, 50.0]})
    torch = Series("2.0", "AVX512", 2.0, {1: [400.0, 600.0], 2: [100.0, 200.0]})
    limits = [Limits(200.0, 300.0), Limits(250.0, 400.0)]
    series = {"M1": {"nnbind": nnbind, "torch": torch}}
    return Record(
        "2026-01-02T03:04:05", "A CPU", 2, [workload], ["jax"], limits, series, {"M1": [220, 66]}
    )


@pytest.mark.parametrize(
    ("name", "flops"),
    [("T0", 224), ("T1", 47_232), ("M1", 13_090_816), ("L2", 34_359_738_368), ("H1", 219_540_000)],
)
def test_flops_are_those_of_the_useful_products(name: str, flops: int) -> None:
    assert WORKLOADS[name].flops == flops


def test_a_title_counts_equal_layers() -> None:
    assert WORKLOADS["H1"].title == "28-300×5-1 tanh, batch 100"
    assert WORKLOADS["T1"].title == "8-9-9-9-4, batch 32"


@pytest.mark.parametrize("name", ["T0", "T1", "H1"])  # sigmoid, softmax, tanh
def test_the_reference_and_nnbind_reach_the_same_loss(name: str) -> None:
    workload = WORKLOADS[name]
    problem = make_problem(replace(workload, samples=10 * workload.batch_size))
    session = prepare("nnbind", problem)
    session.train(1)
    expected = reference.loss_after_epoch(problem)
    assert abs(expected - reference.loss_of(problem, problem.theta)) > 1e-3
    assert_close(reference.loss_of(problem, session.theta()), expected, runner.TOLERANCE / 10)


def test_every_class_has_a_sample() -> None:
    workload = WORKLOADS["L2"]
    assert len(set(make_problem(workload).y)) == workload.widths[-1]


@pytest.mark.parametrize(
    ("epochs", "expected"), [(0.3, (1, 1)), (2.2, (2, 1)), (5, (5, 1)), (12, (5, 3))]
)
def test_epochs_are_timed_in_blocks(epochs: float, expected: tuple[int, int]) -> None:
    assert split(epochs) == expected


@pytest.mark.parametrize("loss", [2.001, 1.999, np.nan, np.inf])
def test_a_library_that_trains_otherwise_stops_the_bench(loss: float) -> None:
    runner.check_loss("torch", WORKLOADS["M1"], 2.0001, 2.0)
    with pytest.raises(runner.WrongLoss, match=r"\[bench\] torch on 784-128-10, batch 32 has loss"):
        runner.check_loss("torch", WORKLOADS["M1"], loss, 2.0)


def test_a_row_is_the_median_at_the_better_number_of_threads(record: Record) -> None:
    ours, torch = record.rows(WORKLOADS["M1"])
    assert (ours.threads, ours.median, ours.low, ours.high, ours.ratio) == (1, 25, 22.5, 27.5, 1)
    assert (torch.threads, torch.median, torch.ratio) == (2, 150, 6)
    assert record.limit(WORKLOADS["M1"]) == pytest.approx(13_090_816 / 400e3)


def test_a_record_is_saved_with_every_round(record: Record, tmp_path: Path) -> None:
    record.save(tmp_path / "record.json")
    saved = json.loads((tmp_path / "record.json").read_text())
    assert saved["series"]["M1"]["torch"]["rounds"] == {"1": [400, 600], "2": [100, 200]}
    assert [row["peer"] for row in saved["rows"]] == ["nnbind", "torch"]


def test_the_table_has_a_line_for_each_workload(record: Record) -> None:
    header, _, line, *_ = report.markdown(record).splitlines()
    assert header == "| network | nnbind | PyTorch | FMA limit | cores apart |"
    assert line == (
        "| 784-128-10, batch 32 | **25.0** (22.5–27.5)<br>1 thr, 131% "
        "| 150 (125–175)<br>2 thr, 6.00×, 22% | 32.7 | 66–220 ns |"
    )


def test_one_core_is_not_apart_from_another(record: Record) -> None:
    record.round_trips["M1"] = [0, 0]
    assert report.markdown(record).splitlines()[2].endswith("| 32.7 |  |")


def test_where_a_peer_wins_the_table_shows_it(record: Record) -> None:
    record.series["M1"]["torch"].rounds[2] = [5.0, 5.0]
    assert "| 25.0 (" in report.markdown(record)
    assert "| **5.00** (5.00–5.00)<br>2 thr, 0.200×," in report.markdown(record)


def test_the_legend_names_kernels_and_who_is_absent(record: Record) -> None:
    legend = report.markdown(record).splitlines()[-1]
    assert "JAX was not installed. nnbind 1.0 (v4), PyTorch 2.0 (AVX512); 2026-01-02." in legend


def test_no_process_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    environment = runner.environment(2)
    assert "OPENBLAS_CORETYPE" not in environment
    assert environment["OMP_NUM_THREADS"] == "2"


def test_only_what_stands_between_the_markers_is_replaced(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    other = "\n".join(report.markers("v4"))
    readme.write_text(f"{other}\nbefore\n{BEGIN}\nold\n{END}\nafter\n")
    for _ in range(2):
        report.write_readme(readme, "v3", "new")
        assert readme.read_text() == f"{other}\nbefore\n{BEGIN}\nnew\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["", BEGIN, END, f"{END}{BEGIN}", "".join(report.markers("v4"))])
def test_a_readme_without_markers_is_left_alone(text: str, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(text)
    with pytest.raises(ValueError, match="markers"):
        report.write_readme(readme, "v3", "new")
    assert readme.read_text() == text


def test_a_run_measures_each_library_on_one_core_and_on_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)  # whose bench each process runs
    monkeypatch.setattr(machine, "compiled_limits", lambda: nullcontext(Path()))
    monkeypatch.setattr(machine, "measure_limits", lambda _: Limits(200.0, 400.0))
    monkeypatch.setattr(machine, "measure_round_trip", lambda _: 66.0)
    monkeypatch.setattr(machine, "cores", lambda: 2)
    monkeypatch.setattr(runner, "installed", lambda peer: peer == "nnbind")
    record = runner.run([WORKLOADS["T1"]], ["nnbind", "torch"], rounds=1, seconds=0.01)
    assert record.absent == ["torch"]
    assert record.round_trips == {"T1": [66, 66, 66]}
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


@pytest.mark.parametrize("name", PREDICTIONS)
def test_predictions_are_compared_with_plain_numpy_before_they_are_timed(name: str) -> None:
    times = predictor.measure("nnbind", PREDICTIONS[name], seconds=0.01)
    assert list(times) == ["nnbind", "nnbind, out="]
    assert all(0 < time["us"] < 1e5 for time in times.values())
    expected = answer(PREDICTIONS[name])
    with pytest.raises(predictor.WrongResult, match=r"\[bench\] nnbind predicts"):
        predictor.check("nnbind", expected + 1e-2, expected)


def test_predictions_are_summed_up_over_the_rounds() -> None:
    rounds = [
        {"nnbind": {"us": us, "p99": 9.0}, "JAX": {"us": 3 * us, "p99": 99.0}} for us in (1, 2, 4)
    ]
    ours, jax = inference.summary("S-relu", rounds)
    assert ours == {
        "workload": "S-relu", "title": "nnbind",
        "us": 2, "low": 1, "high": 4, "p99": 9, "ratio": 1,
    }  # fmt: skip
    assert (jax["title"], jax["ratio"]) == ("JAX", 3)
    assert "| JAX | **6** | 3–12 | 99 | 3× |" in inference.table([ours, jax], 3)


def test_many_networks_are_compared_before_they_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "COUNT", 3)
    monkeypatch.setattr(machine, "cores", lambda: 2)
    seconds = many.measure(rounds=2, epochs=1)
    assert [len(each) for each in seconds.values()] == [2, 2, 2]
    monkeypatch.setattr(nn, "fit_many", lambda *_, **__: None)
    with pytest.raises(many.Different):
        many.measure(rounds=1, epochs=1)
