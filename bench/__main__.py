"""`python -m bench`: measure, check, and write the table and the picture."""

import argparse
from pathlib import Path

import nnbind as nn
from bench import machine, picture, report, runner
from bench.peers import TITLES
from bench.workloads import WORKLOADS

README = Path(__file__).parent.parent / "README.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--peers", nargs="+", choices=TITLES, default=list(TITLES))
    parser.add_argument("--seconds", type=float, default=1.0, help="timing of each process")
    parser.add_argument("--quick", action="store_true", help="one short round; writes nothing")
    parser.add_argument("--write-readme", action="store_true", help="renew the README's table")
    arguments = parser.parse_args()
    level = str(nn.show_config()["isa"])  # which has results of its own
    if arguments.quick:
        arguments.rounds, arguments.seconds = 1, 0.1
    if arguments.write_readme:
        report.around_table(README, level)  # fails now rather than after minutes of measuring

    record = runner.run(
        [WORKLOADS[name] for name in arguments.workloads],
        arguments.peers,
        arguments.rounds,
        arguments.seconds,
    )
    table = report.markdown(record)
    print(table)
    if arguments.quick:
        return
    machine.RESULTS.mkdir(exist_ok=True)
    record.save(machine.RESULTS / f"training-{level}.json")
    picture.draw(record, machine.RESULTS / f"training-{level}.png")
    if arguments.write_readme:
        link = f"![µs per training step of each library](bench/results/training-{level}.png)"
        report.write_readme(README, level, f"{table}\n\n{link}")


if __name__ == "__main__":
    main()
