"""Writes what was measured: JSON with every run, and a Markdown table with medians and ranges."""

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from measure import Run
from rows import Memory, Row

GROWTH, LIMIT_MIB = 1.15, 80.0  # what the design allows for memory
TIMES = (
    "| what | against | auditkit s | peer s | CPU s | peer CPU s | PSS / RSS MiB | peer PSS / RSS MiB "
    "| peer takes | to reach | |\n|---|---|---|---|---|---|---|---|---|---|---|\n"
)
MEMORIES = "| command | entries | PSS MiB | RSS MiB | largest process MiB | growth | |\n|---|---|---|---|---|---|---|\n"
MARKS = ("<!-- measured: begin -->", "<!-- measured: end -->")


def save(folder: Path, name: str, rows: Sequence[Row | Memory]) -> None:
    """Keep one command's rows as JSON and as a table."""
    times = "".join(line(row) for row in rows if isinstance(row, Row))
    memories = "".join(memory_line(row) for row in rows if isinstance(row, Memory))
    keep(folder, name, rows, (TIMES + times if times else "") + (MEMORIES + memories if memories else ""))


def keep(folder: Path, name: str, rows: Sequence[Any], text: str) -> None:
    """Keep rows as JSON, and the text of their tables."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine(), "rows": [asdict(row) for row in rows]}
    (folder / f"{name}.json").write_text(json.dumps(document, indent=1))
    (folder / f"{name}.md").write_text(f"### {name}\n\n{machine()}.\n\n{text}")


def line(row: Row) -> str:
    """A row of the table of times."""
    pair = row.measured
    met = "" if not row.reach else "reached" if pair.ratio >= row.reach else "**missed**"
    cells = (
        row.what,
        row.peer,
        span(pair.ours),
        span(pair.theirs),
        f"{median(run.cpu for run in pair.ours):.2f}",
        f"{median(run.cpu for run in pair.theirs):.2f}",
        held(pair.our_memory),
        held(pair.their_memory),
        f"{pair.ratio:.2f}x",
        f">= {row.reach:g}x" if row.reach else "",
        "proves nothing: " + "; ".join(pair.problems) if pair.problems else met,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def memory_line(row: Memory) -> str:
    """A row of the table of memory."""
    runs = (row.small, row.large)
    problems = "; ".join(run.problem for run in runs if run.problem)
    met = "reached" if row.growth <= GROWTH and row.large.pss_mib < LIMIT_MIB else "**missed**"
    cells = (
        row.what,
        " -> ".join(f"{count:,}" for count in row.counts),
        " -> ".join(f"{run.pss_mib:.0f}" for run in runs),
        " -> ".join(f"{run.rss_mib:.0f}" for run in runs),
        " -> ".join(f"{run.largest_mib:.0f}" for run in runs),
        f"{row.growth:.2f}x",
        f"proves nothing: {problems}" if problems else met if row.what.startswith("auditkit") else "",
    )
    return "| " + " | ".join(cells) + " |\n"


def span(runs: Sequence[Run]) -> str:
    """The median of the wall times, and the least and the most of them."""
    walls = [run.wall for run in runs]
    return f"{median(walls):.2f} ({min(walls):.2f}-{max(walls):.2f})"


def held(run: Run) -> str:
    """The two sums of memory."""
    return f"{run.pss_mib:.0f} / {run.rss_mib:.0f}"


def machine() -> str:
    """What was measured on, in one line."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    processor = model[1] if model else platform.machine()
    return f"{processor}, {os.cpu_count()} cores, {system}, Python {platform.python_version()}"


def publish(folder: Path, document: Path, marks: tuple[str, str] = MARKS) -> None:
    """Put all tables there are between the two marks of a document."""
    text = document.read_text()
    before, _, rest = text.partition(marks[0])
    _, _, after = rest.partition(marks[1])
    tables = "\n".join(path.read_text() for path in sorted(folder.glob("*.md")))
    document.write_text(f"{before}{marks[0]}\n\n{tables}\n{marks[1]}{after}")
