"""The command line of the benchmarks of audits."""

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import audits_rows
import tables
import vendor_rows

HERE = Path(__file__).resolve().parent
MARKS = ("<!-- audits: begin -->", "<!-- audits: end -->")


def main() -> int:
    """Measure, or publish what was measured; 1 if some row proves nothing, because a tool did not do its work."""
    asked = arguments()
    work, sound = asked.work.resolve(), True
    for name, measured in measurements(asked, work).items():
        if asked.what not in {name, "all"}:
            continue
        kept: list[vendor_rows.Cost] = []
        for row in audits_rows.rows(measured(), work, asked.runs, asked.only):
            kept.append(row)
            print(row.line().rstrip(), flush=True)
        tables.keep(work / "results-audits", name, kept, vendor_rows.COSTS + "".join(row.line() for row in kept))
        sound &= not any(row.measured.problems for row in kept)
    if asked.what in {"publish", "all"}:
        tables.publish(work / "results-audits", HERE.parent / "docs" / "benchmarks.md", MARKS)
    return 0 if sound else 1


def measurements(asked: argparse.Namespace, work: Path) -> dict[str, Callable[[], audits_rows.Machine]]:
    """What can be measured, by the names of the command line."""
    return {
        "server": lambda: audits_rows.server(work),
        "host": lambda: audits_rows.Machine("this machine", tuple(shlex.split(asked.auditkit))),
    }


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benchmarks/audits", description=__doc__)
    parser.add_argument("what", choices=("server", "host", "publish", "all"))
    parser.add_argument("--work", type=Path, default=HERE / ".work", help="where results are kept")
    parser.add_argument("--auditkit", default=str(Path(sys.executable).with_name("auditkit")), metavar="COMMAND")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each side")
    parser.add_argument("--only", default="", metavar="WORD", help="only peers whose name contains this")
    return parser.parse_args()
