"""The machine: its name, its cores and its limits."""

import datetime
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("limits.cpp")
RESULTS = Path(__file__).with_name("results")


@dataclass(frozen=True)
class Limits:
    """GFLOP/s of float32 multiply-adds, of one core alone and of all at once."""

    one_core: float
    all_cores: float


def about() -> dict[str, Any]:
    """The date and the machine, which begin the record of each measurement."""
    date = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    return {"date": date, "processor": processor(), "cores": cores()}


def save(name: str, record: dict[str, Any]) -> None:
    """Write a record to bench/results/name, after the date and the machine."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / name).write_text(json.dumps({**about(), **record}, indent=1) + "\n")


def cores() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The processor's name as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@contextmanager
def compiled_limits() -> Iterator[Path]:
    """The program of limits.cpp, built for this machine by the system's compiler ($CXX)."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder, "limits")
        compiler = os.environ.get("CXX", "c++")
        flags = ["-std=c++20", "-O3", "-march=native", "-pthread"]
        subprocess.run([compiler, *flags, str(SOURCE), "-o", str(program)], check=True)
        yield program


def measure_limits(program: Path) -> Limits:
    return Limits(*_answer(program, str(cores())))


def measure_round_trip(program: Path) -> float:
    """The nanoseconds in which a value goes from one core to another and back; 0 if there is but
    one. What changes from moment to moment here is where a virtual machine's cores are."""
    return _answer(program)[0] if cores() > 1 else 0.0


def nanoseconds(trips: list[float]) -> str:
    """The least and the most of some round trips: '108–122 ns'; nothing where there are none."""
    return f"{min(trips):.0f}–{max(trips):.0f} ns" if any(trips) else ""


def _answer(program: Path, *words: str) -> list[float]:
    command = [str(program), *words]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return list(map(float, answer.split()))
