"""The command line of the benchmarks."""

import argparse
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import getting
import rows
import tables
from rows import Memory, Row

HERE = Path(__file__).resolve().parent
NAMES = ("many", "large", "memory", "help")


def main() -> int:
    """Measure what was asked for; 1 if some row proves nothing, because a tool did not do its work."""
    asked = arguments()
    work = asked.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    if asked.what in {"setup", "all"}:
        for reason in getting.setup(work):
            print(f"skipped: {reason}")
    sound = True
    for name, measured in measurements(asked, work).items():
        if asked.what in {name, "all"}:
            sound &= told(work / "results", name, measured())
    if asked.what == "publish":
        tables.publish(work / "results", HERE.parent / "docs" / "benchmarks.md")
    return 0 if sound else 1


def measurements(asked: argparse.Namespace, work: Path) -> dict[str, Callable[[], Iterator[Row | Memory]]]:
    """What can be measured, by the names of the command line."""
    command = tuple(shlex.split(asked.auditkit))
    counts = (asked.entries // 10, asked.entries)
    return {
        "many": lambda: rows.many(command, work, asked.runs, asked.aide, asked.only),
        "large": lambda: rows.large(command, work, asked.runs, asked.large_mib),
        "memory": lambda: rows.memory(command, work, counts, asked.aide),
        "help": lambda: rows.start(command, work, asked.runs),
    }


def told(folder: Path, name: str, measured: Iterator[Row | Memory]) -> bool:
    """Print each row as it comes and keep all; false if one proves nothing."""
    kept: list[Row | Memory] = []
    for row in measured:
        kept.append(row)
        print((tables.line(row) if isinstance(row, Row) else tables.memory_line(row)).rstrip(), flush=True)
    tables.save(folder, name, kept)
    return not any(problems_of(row) for row in kept)


def problems_of(row: Row | Memory) -> bool:
    """Whether a row proves nothing."""
    return bool(row.measured.problems) if isinstance(row, Row) else bool(row.small.problem or row.large.problem)


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="benchmarks/integrity", description=__doc__)
    parser.add_argument("what", choices=("setup", *NAMES, "all", "publish"))
    parser.add_argument("--work", type=Path, default=HERE / ".work", help="where corpora, peers and results are kept")
    parser.add_argument("--auditkit", default=str(Path(sys.executable).with_name("auditkit")), metavar="COMMAND")
    parser.add_argument("--aide", default="", metavar="PROGRAM", help="one more AIDE, built by yourself (0.20 has BLAKE3)")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each side")
    parser.add_argument("--only", default="", metavar="WORD", help="only peers whose name contains it (many)")
    parser.add_argument("--large-mib", type=int, default=1024, help="the size of each of the four large files")
    parser.add_argument("--entries", type=int, default=1_000_000, help="the larger number of entries (memory)")
    return parser.parse_args()
