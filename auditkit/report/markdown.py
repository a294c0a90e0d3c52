"""Markdown for a ticket (CommonMark with the tables of GitHub): the verdict, what to do, changes folded, and every gap.

What others wrote makes no mark, no link, no picture and no tag in it.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from auditkit.printable import counted, grouped, printable, said
from auditkit.report.differences import second, told
from auditkit.report.document import CLEAN, Document, apart, judged, meaning, severity, state, status, worst
from auditkit.report.explained import unaccepted
from auditkit.report.findings import what
from auditkit.report.folding import folded, minor, part
from auditkit.report.items import Dict, Item, Sort, hosts, items
from auditkit.report.lasting import gone, held
from auditkit.report.look import Options, mark
from auditkit.report.marks import escaped, fenced
from auditkit.report.pasting import command_line
from auditkit.report.table import verdict, worst_first
from auditkit.report.verdict import of_host

COLUMNS = ("Host", "Status", "State", "Worst", "Changes", "Findings", "Gaps")


def pieces(document: Document, options: Options) -> Iterator[str]:
    """Yield the page: what it comes to, the hosts at a glance, and each host, the worst first."""
    known = worst_first(hosts(document))
    yield f"# auditkit {escaped(document['command'])}: {worst(map(status, known))}\n\n"
    yield f"{escaped(document['tool'])}, {escaped(document['started'])} to {escaped(document['finished'])}\n\n"
    plain = Options(width=options.width, show_all=options.show_all)
    yield f"**{escaped(verdict(known, plain) if len(known) > 1 else of_host(known[0]))}**\n\n"
    if passwords := document.get("access", {}).get("passwords"):
        yield f"{escaped(passwords['sentence'])}\n\n"
    yield from _table(known)
    told_of = [host for host in known if len(known) == 1 or options.show_all or _is_worth_telling(host)]
    if left := len(known) - len(told_of):
        yield f"Of {counted(left, 'clean host')} there is nothing more to tell.\n\n"
    for host in told_of:
        yield from _host(host, document, options)
    yield from _meanings(told_of, document)
    if document["next"]:
        yield f"## Next\n\n{fenced(map(command_line, document['next']))}\n"


def _is_worth_telling(host: Dict) -> bool:
    """Whether there is more to say of a host of several than that it is clean."""
    calm = not host["logins"] or (host["logins"]["access"], host["logins"]["coverage"]) == ("none-seen", "complete")
    more = (host["findings"], host.get("accepted"), host["gaps"], host["notes"], gone(host))
    return status(host) != CLEAN or not calm or any(more)


def _table(known: Sequence[Dict]) -> Iterator[str]:
    """Yield the hosts at a glance."""
    yield f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n"
    for host in known:
        against = judged(host)
        numbers = (len(against) - len(apart(host)), len(apart(host)), len(host["gaps"]))
        how_bad = max(map(severity, against)).word if against else "-"
        cells = (printable(host["host"]), status(host), state(host), how_bad, *map(grouped, numbers))
        yield f"| {' | '.join(map(escaped, cells))} |\n"
    yield "\n"


def _host(host: Dict, document: Document, options: Options) -> Iterator[str]:
    """Yield a host: its verdict, logins, findings, changes, what is accepted, gaps, notes."""
    yield f"## {escaped(printable(host['host']))}: {status(host)}\n\n{escaped(of_host(host))}\n\n"
    if host["logins"]:
        yield f"Logins: {escaped(host['logins']['verdict'])}\n\n"
    if since := held(host):
        yield f"{escaped(since[:1].upper() + since[1:])}.\n\n"
    yield from _findings(host, document)
    yield from _changes(host, options)
    yield from _section("Gone", (line for line, _one in gone(host)))
    listed = list(items(host, options))
    yield from _section("Accepted", (f"{item.message}: {item.excuse}" for item in listed if item.sort is Sort.ACCEPTED))
    yield from _section("Logins", _logins(listed))
    yield from _section("Not seen", (item.message.removeprefix("not seen: ") for item in listed if item.sort is Sort.GAP))
    yield from _section("Notes", host["notes"])


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield a list below a heading; nothing where there is none."""
    first = True
    for line in lines:
        yield f"### {title}\n\n" if first else ""
        yield f"- {escaped(line)}\n"
        first = False
    yield "" if first else "\n"


def _findings(host: Dict, document: Document) -> Iterator[str]:
    """Yield the findings by severity, the worst first, and for all of one rule once what to do."""
    ordered = sorted(apart(host), key=lambda finding: (-severity(finding), finding["rule"], finding["remedy"]))
    for how_bad, group in groupby(ordered, key=severity):
        yield f"### Findings: {how_bad.word}\n\n"
        for (rule, remedy), alike in groupby(group, key=lambda finding: (finding["rule"], finding["remedy"])):
            title = meaning(document, rule)["title"]
            yield f"**{escaped(rule) or 'no rule'}**{f': {escaped(title)}' if title else ''}\n\n"
            for finding in alike:
                yield from _finding(finding)
            yield f"\n{fenced([said(remedy)])}\n" if remedy else "\n"


def _meanings(told_of: Sequence[Dict], document: Document) -> Iterator[str]:
    """Yield once for each rule of the findings why it matters."""
    told = sorted({finding["rule"] for host in told_of for finding in apart(host)})
    known = [(rule, meaning(document, rule)["why"]) for rule in told]
    yield "## Why it matters\n\n" if any(why for _rule, why in known) else ""
    yield from (f"- **{escaped(rule) or 'no rule'}**: {escaped(why)}\n" for rule, why in known if why)
    yield "\n" if any(why for _rule, why in known) else ""


def _finding(finding: Dict) -> Iterator[str]:
    yield f"- {escaped(what(finding))}{_mark(finding)}\n"
    for quote in finding["quotes"]:
        line = f":{quote['line']}" if quote["line"] else ""
        yield f"  - {escaped(printable(quote['source']) + line + ': ' + printable(quote['text']))}\n"


def _changes(host: Dict, options: Options) -> Iterator[str]:
    """Yield the changes, the worst first; a tree as one line, and minor ones that say the same, unless all are asked for."""
    changes = [change for change in host["changes"] if options.show_all or not change["explanation"]]
    trees = folded(changes)
    rows = [(change, below, 0) for change, below in trees] if options.show_all else minor(trees)
    ordered = sorted(rows, key=lambda row: -severity(row[0]))
    yield from _section("Changes", (_change(*row) for row in ordered))
    yield from _section("Explained", (_explained(one) for one in unaccepted(host) if not options.show_all))


def _change(change: Dict, below: int, like: int) -> str:
    """`added /opt/x and 312 entries below (high, path-added): directory 0755 root:root`."""
    many = f" and {counted(below, 'entry')} below" if below else ""
    many += f" and {grouped(like)} more like it below {printable(part(change['path']))}" if like else ""
    why = change["explanation"]
    because = f"; explained: {said(why['text'])} ({why['proof']})" if why else ""
    words = ", ".join(filter(None, told(change)))
    head = f"{change['change']} {printable(change['path'])}{many} ({change['severity']}, {said(change['rule'])})"
    return f"{head}: {words}{because}".removesuffix(": ") + mark(change)


def _mark(finding: Dict) -> str:
    return f" **{mark(finding).strip()}**" if mark(finding) else ""


def _explained(one: Dict) -> str:
    return (
        f"{counted(one['changes'], 'change')} by {counted(one['causes'], 'cause')} ({said(one['by'])}, proof: {one['proof']})"
    )


def _logins(listed: Iterable[Item]) -> Iterator[str]:
    """Yield each login with its time: each is to be confirmed by the person."""
    for item in listed:
        if item.sort is Sort.LOGIN:
            yield f"{second(item.of['time'])} {item.message}"
