"""The command line of the benchmarks of logs."""

import argparse
import shlex
import sys
from pathlib import Path

import logins_rows
import tables

HERE = Path(__file__).resolve().parent
MARKS = ("<!-- logins: begin -->", "<!-- logins: end -->")
LINES = 1_000_000


def main() -> int:
    """Measure, or publish what was measured; 1 if some row proves nothing, because a tool did not do its work."""
    asked = arguments()
    work, sound = asked.work.resolve(), True
    if asked.what in {"log", "all"}:
        kept = []
        for row in logins_rows.rows(tuple(shlex.split(asked.auditkit)), work, asked.lines, asked.runs, asked.only):
            kept.append(row)
            print(tables.line(row).rstrip(), flush=True)
        text = tables.TIMES + "".join(map(tables.line, kept)) + logins_rows.memory(kept)
        tables.keep(work / "results-logins", "log", kept, text)
        sound = not any(row.measured.problems for row in kept)
    if asked.what in {"publish", "all"}:
        tables.publish(work / "results-logins", HERE.parent / "docs" / "benchmarks.md", MARKS)
    return 0 if sound else 1


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benchmarks/logins", description=__doc__)
    parser.add_argument("what", choices=("log", "publish", "all"))
    parser.add_argument("--work", type=Path, default=HERE / ".work", help="where the log and results are kept")
    parser.add_argument("--auditkit", default=str(Path(sys.executable).with_name("auditkit")), metavar="COMMAND")
    parser.add_argument("--lines", type=int, default=LINES, help="lines of the log")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each side")
    parser.add_argument("--only", default="", metavar="WORD", help="only peers whose name contains this")
    return parser.parse_args()
