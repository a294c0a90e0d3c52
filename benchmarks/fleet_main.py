"""The command line of the benchmarks over SSH."""

import argparse
import compileall
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import fleet_peers
import fleet_rows
import tables
from fleet.fleet import Fleet, tidy
from fleet.images import NoFleetError
from fleet_rows import Traffic
from rows import Row
from vendor_rows import COSTS, Cost

HERE = Path(__file__).resolve().parent
NAMES = ("host", "fifty", "bytes", "audit")
MARKS = ("<!-- fleet: begin -->", "<!-- fleet: end -->")


def main() -> int:
    """Measure what was asked for; 1 if some row proves nothing, because a tool did not do its work."""
    asked = arguments()
    work = asked.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    compileall.compile_dir(HERE.parent / "auditkit", quiet=1)  # as it is where auditkit was installed
    if asked.what in {"setup", "all"}:
        for reason in fleet_peers.setup(work):
            print(f"skipped: {reason}")
    sound = True
    for name, measured in measurements(asked, work).items():
        if asked.what in {name, "all"}:
            sound &= with_fleet(name, measured, work / "results-fleet")
    if asked.what in {"publish", "all"}:
        tables.publish(work / "results-fleet", HERE.parent / "docs" / "benchmarks.md", MARKS)
    return 0 if sound else 1


def measurements(asked: argparse.Namespace, work: Path) -> dict[str, Callable[[Fleet], Iterator[Row | Traffic | Cost]]]:
    """What can be measured, by the names of the command line."""
    return {
        "host": lambda fleet: fleet_rows.host(fleet, work, asked.runs),
        "fifty": lambda fleet: fleet_rows.many_hosts(fleet, work, asked.runs, asked.hosts),
        "bytes": lambda fleet: fleet_rows.traffic(fleet, work),
        "audit": lambda fleet: fleet_rows.who_can_log_in(fleet, work, asked.runs),
    }


def with_fleet(name: str, measured: Callable[[Fleet], Iterator[Row | Traffic | Cost]], results: Path) -> bool:
    """Measure with a fleet that is there for this, print each row as it comes and keep all; false if one proves nothing."""
    home = Path(tempfile.mkdtemp(prefix="auditkit-bench-"))
    kept: list[Row | Traffic | Cost] = []
    try:
        with Fleet(home) as fleet:
            for row in measured(fleet):
                kept.append(row)
                print((tables.line(row) if isinstance(row, Row) else row.line()).rstrip(), flush=True)
    except NoFleetError as reason:
        sys.exit(f"no fleet: {reason}")
    finally:
        tidy(home)
    times = "".join(tables.line(row) for row in kept if isinstance(row, Row))
    counts = "".join(row.line() for row in kept if isinstance(row, Traffic))
    costs = "".join(row.line() for row in kept if isinstance(row, Cost))
    heads = ((tables.TIMES, times), (fleet_rows.TRAFFIC, counts), (COSTS, costs))
    tables.keep(results, name, kept, "".join(head + lines for head, lines in heads if lines))
    return not any(row.problem if isinstance(row, Traffic) else row.measured.problems for row in kept)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benchmarks/fleet", description=__doc__)
    parser.add_argument("what", choices=("setup", *NAMES, "all", "publish"))
    parser.add_argument("--work", type=Path, default=HERE / ".work", help="where the corpus, peers and results are kept")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each side")
    parser.add_argument("--hosts", type=int, default=50, help="how many machines (fifty)")
    return parser.parse_args()
