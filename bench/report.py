"""The Markdown table of a record, and its place in the README."""

from pathlib import Path

from bench.peers import TITLES
from bench.record import Record, Row

BEGIN, END = "<!-- bench -->", "<!-- /bench -->"


def markdown(record: Record) -> str:
    """One line a workload, one column a library, and below it what the numbers are."""
    peers = list(dict.fromkeys(peer for series in record.series.values() for peer in series))
    lines = [
        "| network | " + " | ".join(TITLES[peer] for peer in peers) + " | FMA limit |",
        "|---" + "|--:" * (len(peers) + 1) + "|",
    ]
    for workload in record.workloads:
        rows = {row.peer: row for row in record.rows(workload)}
        cells = [_cell(rows[peer]) if peer in rows else "" for peer in peers]
        limit = _three_digits(record.limit(workload))
        lines.append(f"| {workload.title} | " + " | ".join(cells) + f" | {limit} |")
    return "\n".join([*lines, "", _legend(record)])


def around_table(readme: Path) -> tuple[str, str]:
    """The README before and after its table; ValueError if it has no markers."""
    before, _, rest = readme.read_text().partition(BEGIN)
    _, marker, after = rest.partition(END)
    if not marker:
        raise ValueError(f"[bench] {readme} has no markers; expected {BEGIN} and {END}")
    return before, after


def write_readme(readme: Path, text: str) -> None:
    """Put `text` between the markers of the README."""
    before, after = around_table(readme)
    readme.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def _cell(row: Row) -> str:
    """Median, spread, and how many times nnbind's."""
    spread = f"{_three_digits(row.low)}–{_three_digits(row.high)}"
    if row.peer == "nnbind":
        return f"**{_three_digits(row.median)}** ({spread}), {_percent(row.share)} of peak"
    ratio = f", **{_three_digits(row.ratio)}×**" if row.ratio else ""
    return f"{_three_digits(row.median)} ({spread}){ratio}"


def _three_digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:#.3g}"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.1 else f"{share:.1%}"


def _legend(record: Record) -> str:
    versions = {
        f"{TITLES[peer]} {series.version}"
        for by_peer in record.series.values()
        for peer, series in by_peer.items()
    }
    rounds = len(record.peaks)
    return (
        f"µs per training step (plain SGD, float32, ReLU, softmax cross-entropy), the whole epoch "
        f"divided by its steps: median (min–max) of {rounds} interleaved rounds, each library in "
        f"a process of its own with the better of 1 and {record.cores} threads; × is the ratio to "
        f"nnbind. All start from the same weights and reach the same loss. FMA limit: the step's "
        f"useful flops at the {record.peak.all_cores:.0f} GFLOP/s measured in the same run on the "
        f"{record.cores} cores of this machine ({record.processor}). "
        f"{', '.join(sorted(versions))}; {record.date[:10]}."
    )
