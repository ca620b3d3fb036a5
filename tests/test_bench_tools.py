"""The bench's tools: thread sweep, import time, wheel size, peak memory, a neighbour's core."""

from __future__ import annotations

import os
import struct
import sys
import zipfile
from pathlib import Path

import pytest
from bench import extras, machine, threads
from bench.footprint import elf, importing, memory, neighbour, size
from bench.workloads import WORKLOADS

import nnbind as nn
from cpp_build import ROOT


def cell_of(one: list[float], several: list[float]) -> threads.Cell:
    return threads.Cell(64, 32, one, several, round_trips=[110.0, 550.0])


def test_a_cell_is_slower_if_both_measures_say_so() -> None:
    cell = cell_of(one=[10.0, 11.0, 20.0], several=[20.0, 22.0, 11.0])
    assert (cell.ratio, cell.ratio_of_best) == (2.0, 1.1)
    assert cell.slower
    assert not cell_of([10.0, 10.0, 10.0], [10.0, 12.0, 12.0]).slower
    assert not cell_of([10.0, 5.0, 10.0], [10.0, 10.0, 10.0]).slower
    assert threads.describe(cell).endswith("cores 110–550 ns apart")


def test_a_cell_is_measured_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "measure_round_trip", lambda _: 66.0)
    try:
        cell = threads.measure(4, 8, threads=2, rounds=3, seconds=0.001, limits_program=Path())
    finally:
        nn.set_num_threads(None)
    assert [len(cell.one), len(cell.several)] == [3, 3]
    assert cell.round_trips == [66, 66]
    assert 0 < cell.ratio_of_best < 100


def test_the_heat_map_is_drawn(tmp_path: Path) -> None:
    cells = [cell_of([2.0], [1.0]) for _ in threads.WIDTHS for _ in threads.BATCHES]
    cells[0].round_trips.append(50.0)
    assert threads.apart(cells) == "50, 110, 550 ns"
    threads.draw(cells, 2, tmp_path / "threads.png")
    assert (tmp_path / "threads.png").read_bytes().startswith(b"\x89PNG")


def test_the_slowest_modules_are_those_after_numpy() -> None:
    listing = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:      9000 |       9000 |   numpy._core\n"
        "import time:       100 |      90000 | numpy\n"
        "import time:       250 |        250 |   nnbind._load\n"
        "import time:      1500 |       1750 | nnbind\n"
    )
    assert importing.slowest(listing) == {"nnbind": 1.5, "nnbind._load": 0.25}


def elf_file(section_type: int) -> bytes:
    """An ELF header and the header of one section of that type."""
    header = bytearray(64)
    header[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<Q", header, 40, 64)
    struct.pack_into("<HH", header, 58, 64, 1)
    return bytes(header) + struct.pack("<II", 0, section_type) + bytes(56)


@pytest.mark.parametrize(
    ("binary", "expected"),
    [(elf_file(2), False), (elf_file(11), True), (b"not an ELF file at all", True)],
)
def test_a_symbol_table_is_seen(binary: bytes, expected: bool) -> None:
    assert elf.is_stripped(binary) is expected


def test_the_size_of_a_wheel(tmp_path: Path) -> None:
    wheel = tmp_path / "nnbind.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("nnbind/_core_v3.cpython-311.so", elf_file(11) + bytes(10_000))
        archive.writestr("nnbind/_core_v2.cpython-311.so", elf_file(2))
        archive.writestr("nnbind/__init__.py", "")
    found = size.measure(wheel)
    assert (found.levels, found.missing, found.stripped) == (["v2", "v3"], ["v4"], False)
    assert found.total == wheel.stat().st_size
    assert found.modules["_core_v3.cpython-311.so"] < 200


def test_the_package_is_compressed_without_its_caches(tmp_path: Path) -> None:
    for name in ("a.py", "__pycache__/a.pyc", "b/c.py"):
        path = tmp_path / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1")
    (tmp_path / "zip").write_bytes(size.compressed(tmp_path / "package"))
    with zipfile.ZipFile(tmp_path / "zip") as archive:
        assert archive.namelist() == ["package/a.py", "package/b/c.py"]


def test_the_limit_of_memory() -> None:
    found = memory.Memory("M1", data=100, parameters=10, activations=5, before_fit=120, peak=200)
    assert found.limit == 100 + 40 + 5 + 10e6


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_memory_of_a_fit_holds_at_least_its_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    found = memory.in_own_process("M1", threads=1)
    assert found.peak >= found.before_fit >= found.data > 60_000 * 784 * 4


def test_extras_are_measured_in_turns() -> None:
    steps = extras.measure(WORKLOADS["M1"], rounds=2, seconds=0.0)
    assert all(len(times) == 2 and min(times) > 0 for times in steps.values())
    assert extras.ratio(steps, extras.PLAIN) == 1
    assert len(steps) == 8


def test_a_distribution_counts_stalls() -> None:
    steps = neighbour.distribution([50.0] * 97 + [1000.0, 1020.0, 1051.0])
    assert (steps.median, steps.longest, steps.stalls, steps.count) == (50, 1051, 1, 100)
    assert steps.mean == pytest.approx(79.21)


def test_the_share_lost_to_a_neighbour() -> None:
    assert neighbour.share_lost(2) == pytest.approx(4 / 3)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="pins a process")
def test_steps_are_timed_beside_a_busy_core() -> None:
    with neighbour.busy_core(min(os.sched_getaffinity(0))):
        times = neighbour.step_times(WORKLOADS["T1"], seconds=0.001)
    assert len(times) > 300
    assert min(times) > 0
