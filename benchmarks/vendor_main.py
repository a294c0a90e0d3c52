"""The command line of the benchmarks of the vendors' word."""

import argparse
import shlex
import sys
from pathlib import Path

import tables
import vendor_rows
from vendor_rows import Cost

HERE = Path(__file__).resolve().parent
ROWS = {"server": vendor_rows.server, "upgrade": vendor_rows.upgrade}
MARKS = ("<!-- vendor: begin -->", "<!-- vendor: end -->")


def main() -> int:
    """Measure what was asked for; 1 if some row proves nothing, because a tool did not do its work."""
    asked = arguments()
    work, sound = asked.work.resolve(), True
    for name, measured in ROWS.items():
        if asked.what in {name, "all"}:
            kept: list[Cost] = []
            for row in measured(tuple(shlex.split(asked.auditkit)), work, asked.runs):
                kept.append(row)
                print(row.line().rstrip(), flush=True)
            tables.keep(work / "results-vendor", name, kept, vendor_rows.COSTS + "".join(row.line() for row in kept))
            sound &= not any(row.measured.problems for row in kept)
    if asked.what in {"publish", "all"}:
        tables.publish(work / "results-vendor", HERE.parent / "docs" / "benchmarks.md", MARKS)
    return 0 if sound else 1


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benchmarks/vendor", description=__doc__)
    parser.add_argument("what", choices=(*ROWS, "all", "publish"))
    parser.add_argument("--work", type=Path, default=HERE / ".work", help="where systems and results are kept")
    parser.add_argument("--auditkit", default=str(Path(sys.executable).with_name("auditkit")), metavar="COMMAND")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each side")
    return parser.parse_args()
