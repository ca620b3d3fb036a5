"""What a run of the bench found: every round's times, and the figures drawn from them."""

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench.machine import Limits
from bench.workloads import Workload


@dataclass
class Series:
    """One library on one workload: a step's microseconds in each round, by number of threads."""

    version: str
    kernel: str
    loss: float
    rounds: dict[int, list[float]] = field(default_factory=dict)


def quartiles(times: list[float]) -> tuple[float, float]:
    """The first and the third: half of the times lie between them."""
    if len(times) == 1:
        return times[0], times[0]
    low, _, high = statistics.quantiles(times, method="inclusive")
    return low, high


@dataclass(frozen=True)
class Row:
    """A library's result on a workload, with its better number of threads."""

    workload: str
    peer: str
    threads: int
    median: float  # µs a step
    low: float  # the quartiles
    high: float
    ratio: float | None  # to nnbind's median; None where nnbind was not measured
    share: float  # of all cores' FMA peak, by useful flops


@dataclass
class Record:
    """All that was measured in one run."""

    date: str
    processor: str
    cores: int
    workloads: list[Workload]
    absent: list[str] = field(default_factory=list)  # peers that are not installed
    limits: list[Limits] = field(default_factory=list)  # of each round
    series: dict[str, dict[str, Series]] = field(default_factory=dict)  # by workload, by peer
    # ns between two cores, by workload: before each process, and after the last of a round
    round_trips: dict[str, list[float]] = field(default_factory=dict)

    @property
    def peak(self) -> float:
        """GFLOP/s of all cores in the best of the rounds: what the machine can do."""
        return max(limits.all_cores for limits in self.limits)

    def limit(self, workload: Workload) -> float:
        """Microseconds of a step at the FMA peak of all cores."""
        return workload.flops / self.peak / 1e3

    def rows(self, workload: Workload) -> list[Row]:
        """Each library's result on `workload`, in the order they ran."""
        best = {
            peer: min(series.rounds.items(), key=lambda item: statistics.median(item[1]))
            for peer, series in self.series[workload.name].items()
        }
        medians = {peer: statistics.median(times) for peer, (_, times) in best.items()}
        ours = medians.get("nnbind")
        return [
            Row(
                workload=workload.name,
                peer=peer,
                threads=threads,
                median=medians[peer],
                low=quartiles(times)[0],
                high=quartiles(times)[1],
                ratio=medians[peer] / ours if ours else None,
                share=self.limit(workload) / medians[peer],
            )
            for peer, (threads, times) in best.items()
        ]

    @property
    def kernels(self) -> dict[str, list[str]]:
        """What each library computes with, by peer; more than one if its processes differ."""
        found: dict[str, list[str]] = {}
        for by_peer in self.series.values():
            for peer, series in by_peer.items():
                if series.kernel not in found.setdefault(peer, []):
                    found[peer].append(series.kernel)
        return found

    def save(self, path: Path) -> None:
        """Write everything, the derived rows too, as JSON."""
        rows = [asdict(row) for workload in self.workloads for row in self.rows(workload)]
        path.write_text(json.dumps({"rows": rows, **asdict(self)}, indent=1) + "\n")
