"""What watches a machine, as a short table for those who ask for everything: `facts.protections` in words."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from auditkit.printable import counted, said
from auditkit.report.look import Options

Dict = Mapping[str, Any]


def who_watches(rows: Sequence[Dict], options: Options) -> Iterator[str]:
    """Yield a line for each kind of protection: what there is of it, and how it is doing."""
    if options.show_all and rows:
        yield "  what watches this machine"
        widest = max(len(said(row["kind"])) for row in rows)
        for kind, alike in groupby(rows, key=lambda row: row["kind"]):
            yield f"    {said(kind):{widest}}  {', '.join(map(_one, alike))}"


def _one(row: Dict) -> str:
    """`fail2ban (runs; jails: sshd)`"""
    words = []
    if row["running"] is not None:
        words.append("runs" if row["running"] else "DOES NOT RUN")
    if row["enabled"] is False:
        words.append("not at boot")
    if row["data_age_days"] is not None:
        words.append(f"data {counted(row['data_age_days'], 'day')} old")
    words += [said(row["detail"])] if row["detail"] else []
    return f"{said(row['name'])}{' (' + '; '.join(words) + ')' if words else ''}"
