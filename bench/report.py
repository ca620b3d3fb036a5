"""The Markdown table of a record, and its place in the README."""

from pathlib import Path

from bench import machine
from bench.peers import TITLES
from bench.record import Record, Row
from bench.text import percent, three_digits


def markers(level: str) -> tuple[str, str]:
    """What the table of an instruction-set level (v4) stands between."""
    return f"<!-- bench {level} -->", f"<!-- /bench {level} -->"


def markdown(record: Record) -> str:
    """One line a workload, one column a library, and below it what the numbers are."""
    peers = list(dict.fromkeys(peer for series in record.series.values() for peer in series))
    lines = [
        f"| network | {' | '.join(TITLES[peer] for peer in peers)} | FMA limit | cores apart |",
        "|---" + "|--:" * (len(peers) + 2) + "|",
    ]
    for workload in record.workloads:
        rows = {row.peer: row for row in record.rows(workload)}
        best = min(row.median for row in rows.values())
        cells = [_cell(rows[peer], best) if peer in rows else "" for peer in peers]
        cells.append(three_digits(record.limit(workload)))
        cells.append(machine.nanoseconds(record.round_trips[workload.name]))
        lines.append(f"| {workload.title} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", _legend(record)])


def around_table(readme: Path, level: str) -> tuple[str, str]:
    """The README before and after that table; ValueError if it has no markers."""
    begin, end = markers(level)
    before, _, rest = readme.read_text().partition(begin)
    _, marker, after = rest.partition(end)
    if not marker:
        raise ValueError(f"[bench] {readme} has no markers; expected {begin} and {end}")
    return before, after


def write_readme(readme: Path, level: str, text: str) -> None:
    """Put `text` between the README's markers of that level."""
    before, after = around_table(readme, level)
    begin, end = markers(level)
    readme.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def _cell(row: Row, best: float) -> str:
    """Median and spread; below them threads, how many times nnbind's, and share of the peak."""
    median = three_digits(row.median)
    if row.median == best:
        median = f"**{median}**"
    facts = [f"{row.threads} thr"]
    if row.ratio and row.peer != "nnbind":
        facts.append(f"{three_digits(row.ratio)}×")
    spread = f"{three_digits(row.low)}–{three_digits(row.high)}"
    return f"{median} ({spread})<br>{', '.join([*facts, percent(row.share)])}"


def _legend(record: Record) -> str:
    versions = {
        peer: series.version
        for by_peer in record.series.values()
        for peer, series in by_peer.items()
    }
    used = [
        f"{TITLES[peer]} {version} ({', '.join(record.kernels[peer])})"
        for peer, version in versions.items()
    ]
    absent = [f"{TITLES[peer]} was not installed. " for peer in record.absent]
    rounds = len(record.limits)
    return (
        f"µs per training step (plain SGD, float32, ReLU where nothing else is said, "
        f"cross-entropy), the whole epoch divided by its steps: median (quartiles) of {rounds} "
        f"interleaved rounds, the row's best in bold, each library in a process of its own. Below "
        f"it the better number of threads (thr) of 1 and {record.cores}, how many times nnbind's "
        f"time it is (×), and the useful flops as a share of the "
        f"{record.peak:.0f} GFLOP/s of multiply-adds measured in the same run on the "
        f"{record.cores} cores of this machine ({record.processor}), with which the step would "
        f"take the FMA limit. Cores apart: how long a value took from one to another and back, "
        f"before and after each process of the row; where it reached several times the least, "
        f"two threads were slower for a while. "
        f"All libraries start from the same weights and reach the same loss. "
        f"{''.join(absent)}{', '.join(used)}; {record.date[:10]}."
    )
