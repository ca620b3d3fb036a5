"""`python -m bench.footprint`: import time, wheel size, peak memory, and a shared core."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import machine
from bench.footprint import importing, memory, neighbour, size


def mark(found: float, limit: float) -> str:
    return "  BEYOND" if found > limit else ""


def import_time(rounds: int) -> dict[str, Any]:
    found = importing.measure(rounds)
    print(
        f"import nnbind beyond NumPy: median {found.median:.1f} ms, best {found.best:.1f}, "
        f"CPU time {found.cpu:.1f}; limit {found.limit:g}"
        f"{mark(found.median, found.limit)}. The slowest modules, by themselves:"
    )
    print("  " + ", ".join(f"{name} {ms:.1f}" for name, ms in found.slowest.items()))
    return asdict(found)


def wheel_size(wheel: Path | None) -> dict[str, Any]:
    found = size.measure(wheel)
    what = wheel.name if wheel else "the package, compressed like a wheel"
    print(
        f"{what}: {found.total / 1e6:.2f} MB with the levels {', '.join(found.levels)}, "
        f"{'stripped' if found.stripped else 'NOT stripped'}; limit {found.limit / 1e6:g} MB"
        + (f", of a wheel, which has {', '.join(found.missing)} besides" if found.missing else "")
        + mark(found.total, found.limit)
    )
    print("  " + ", ".join(f"{name} {n / 1e6:.2f} MB" for name, n in found.modules.items()))
    return asdict(found)


def peak_memory() -> list[dict[str, Any]]:
    rows = []
    for name in memory.SAMPLES:
        found = memory.in_own_process(name, machine.cores())
        rows.append({"limit": found.limit, **asdict(found)})
        print(
            f"peak memory of a fit of {name}: {found.peak / 1e6:.1f} MB; limit "
            f"{found.limit / 1e6:.1f} = data {found.data / 1e6:.1f} + 4 × parameters "
            f"{found.parameters / 1e6:.1f} + activations {found.activations / 1e6:.1f} + 10"
            f"{mark(found.peak, found.limit)}"
        )
    return rows


def shared_core(rounds: int, seconds: float) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for name in ("M1", "M2", "L1"):
        found = neighbour.measure(name, machine.cores(), rounds, seconds)
        alone, shared = found["alone"], found["with a neighbour"]
        limit = neighbour.share_lost(machine.cores())
        rows[name] = {"limit": limit, **{title: asdict(steps) for title, steps in found.items()}}
        times = shared.mean / alone.mean
        print(f"{name}, a neighbour on one core: {times:.2f} times the time of a step; "
              f"limit {limit:.2f}{mark(times, limit)}")  # fmt: skip
        for title, steps in found.items():
            print(
                f"  {title:16} mean {steps.mean:8.1f} µs, median {steps.median:8.1f}, "
                f"p99 {steps.p99:8.1f}, longest {steps.longest:8.1f}; "
                f"{steps.stalls} of {steps.count} stalled by more than 1 ms"
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.footprint", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of the fits beside a neighbour")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each such fit")
    parser.add_argument("--wheel", type=Path, help="measure this file, not the package")
    parser.add_argument("--quick", action="store_true", help="short; writes nothing")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 1, 0.2
    record: dict[str, Any] = {
        "import": import_time(5 if arguments.quick else 25),
        "size": wheel_size(arguments.wheel),
    }
    if Path("/proc/self/clear_refs").exists():  # Linux, whose files and affinities these read
        record["memory"] = peak_memory()
        if machine.cores() > 1:
            record["neighbour"] = shared_core(arguments.rounds, arguments.seconds)
    if not arguments.quick:
        machine.save("footprint.json", record)


if __name__ == "__main__":
    main()
