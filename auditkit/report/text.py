"""Text for a terminal: one line a change, the worst last, and at the end the verdict and what to do next.

+ /etc/cron.d/upd   file 0644 root:root, 84 bytes       high      path-added
? /usr/sbin/sshd    content changed, size and time ...  critical  content-changed-quietly
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Any

from auditkit.model import Severity, State
from auditkit.printable import clipped, counted, grouped, printable, said
from auditkit.report.access import sentence_on_passwords, who_on_all, who_on_one
from auditkit.report.differences import letter, second, text_lines, told
from auditkit.report.document import FINDINGS, INCOMPLETE, UNTRUSTED, Document, apart, severity, state, status
from auditkit.report.entered import who_got_in
from auditkit.report.explained import PROOFS, sentence, unaccepted
from auditkit.report.findings import accepted, of_one_rule
from auditkit.report.folding import OnMany, folded, minor, on_many, part, said_by
from auditkit.report.items import items
from auditkit.report.lasting import few, gone, gone_on, held
from auditkit.report.logins import attempted, who_tried
from auditkit.report.look import Options, mark, painted, wrapped
from auditkit.report.pasting import command_line
from auditkit.report.table import against_each_other, overview, verdict, worst_first
from auditkit.report.verdict import of_host
from auditkit.report.watching import who_watches

MOST_OF_A_TEXT, MOST_OF_ALL_TEXTS = 20, 200
MOST_PATHS = 20
MOST_MOMENTS = 200
MOST_CAUSES, MOST_COMMANDS = 8, 4
STEP = " → "
MOST_NAMED = 8
"""Hosts that are named of those that share a finding."""
MOST_WORST = 3
SCREEN = 20
"""Lines behind the worst of a host from which on it is named once more at its end."""
LEAST_ALIKE = 3
"""From so many gaps in one directory for one reason on, they are one line."""
_BY = re.compile(r"(.+?) \((`.*`.*), (\d{4}-\d\d-\d\d) \d\d:\d\d\)")
"""A cause of which it is known which command it was, by whom, and when."""
_RAISE = re.compile("[:;] (raise --timeout(?:, or see why it is slow)?)$")
"""How a gap ends that is there because time was too short."""
CONTRADICTED = ("package-file-altered", "setuid-gained", "capability-gained", "content-changed-quietly")
"""Rules that stand last among changes as bad as these: nothing that is done on purpose looks like them."""

RECORDS = ("package-record-changed",)
"""Rules of which one line tells of all changes, as long as nobody asks for each: they say the same of every one."""

Dict = Mapping[str, Any]


def pieces(document: Document, options: Options) -> Iterator[str]:
    """Yield the report line by line; of several hosts first the table, and then only what needs a person."""
    hosts = document["hosts"]
    known = document.get("access")
    told = _several(hosts, options, known) if len(hosts) > 1 else (_one(host, options, known) for host in hosts)
    for line in chain(chain.from_iterable(told), _unkept(document), _next(document)):
        yield line + "\n"


def _several(hosts: Sequence[Dict], options: Options, known: Dict | None) -> Iterator[Iterable[str]]:
    """Yield who got in, the table, who can log in, each host that is not ok, the worst last, and what all come to."""
    yield chain(who_got_in(hosts, options), overview(hosts, options))
    yield against_each_other(hosts, options)
    yield who_on_all(known, options)
    yield ("",)
    fine = [host for host in hosts if state(host) == State.OK and not options.show_all]
    told = [host for host in hosts if host not in fine]
    shared = [] if options.show_all else on_many({host["host"]: apart(host) for host in told})
    yield from _shared(shared, options)
    for host in reversed(worst_first(told)):
        yield _one(host, options, above=[one.said for one in shared if host["host"] in one.hosts])
    if notes := list(_notes(fine)):
        yield (*notes, "")
    yield sentence_on_passwords(known, options)
    yield (verdict(hosts, options), "")


def _notes(hosts: Sequence[Dict]) -> Iterator[str]:
    """Yield once each what is to be known of hosts that are ok, with their number or name."""
    noted = Counter(note for host in hosts for note in host["notes"])
    for note, number in noted.items():
        first = next(printable(host["host"]) for host in hosts if note in host["notes"])
        whose = first if number == 1 else f"{first} and {grouped(number - 1)} more that are ok"
        yield f"  note  {whose}: {said(note)}"
    if line := gone_on(hosts):
        yield f"  note  {line}"
    numbers = (sum(len(apart(host)) for host in hosts), "remark"), (sum(map(_accepted, hosts)), "accepted risk")
    yield from (f"  note  {counted(many, noun)} on hosts that are ok (--all shows them)" for many, noun in numbers if many)


def _accepted(host: Dict) -> int:
    return len(host.get("accepted", ()))


def _shared(shared: Sequence[OnMany], options: Options) -> Iterator[Iterable[str]]:
    """Yield what is the same on many hosts, each once with their names, the worst last."""
    for one in sorted(shared, key=lambda one: (severity(one.finding), one.finding["rule"])):
        names = ", ".join(map(printable, one.hosts[:MOST_NAMED]))
        more = f" and {grouped(len(one.hosts) - MOST_NAMED)} more (--all shows each)" if len(one.hosts) > MOST_NAMED else ""
        yield chain((f"on {counted(len(one.hosts), 'host')}: {names}{more}",), of_one_rule([one.finding], options), ("",))


def _one(host: Dict, options: Options, known: Dict | None = None, above: Sequence[object] = ()) -> Iterator[str]:
    """Yield all that is to be said of a host, and an empty line.

    `known`: who can log in, where it is the only one; `above`: what was said of it and others already, by `said_by`.
    """
    left = [finding for finding in host["findings"] if said_by(finding, host["host"]) not in above]
    rest = {**host, "findings": left} if above else host
    many = counted(len(host["findings"]) - len(left), "finding")
    count = [f"  ! and {many} that others have as well, above"] if above else []
    yield from chain(_head(host), count, _body(rest, options))
    behind = [*_behind(rest, options), *who_on_one(known, options)]
    yield from chain(behind, _worst(host, options) if len(behind) > SCREEN else (), _foot(host, options), ("",))


def _head(host: Dict) -> Iterator[str]:
    """Yield which host it is, and what it was compared with."""
    name, base = printable(host["host"]), host["baseline"]
    if not base:
        yield name
        return
    made = printable(base["made"].replace("T", " "))
    signer = f"signed by {printable(base['signer'])}" if base["signer"] else "UNSIGNED"
    yield f"{name}  against baseline {base['sequence']} of {made}, {signer}  ({counted(base['entries'], 'path')})"


def _body(host: Dict, options: Options) -> Iterator[str]:
    """Yield what was found: changes and findings, the worst of each last, and last those of which one is the worst."""
    yield from attempted(host["logins"], options)
    parts = _what_changed(host, options), _what_is_wrong(host, options)
    yield from chain.from_iterable(reversed(parts) if _is_change_worst(host) else parts)


def _behind(host: Dict, options: Options) -> Iterator[str]:
    """Yield what else is to be known."""
    yield from accepted(host.get("accepted", ()), options)
    yield from who_tried(host["logins"], options)
    yield from _timeline(host["facts"].get("timeline", ()), options)
    yield from who_watches(host["facts"].get("protections", ()), options)
    yield from _gaps(host["gaps"])
    yield from (f"  note  {said(note)}" for note in host["notes"])


def _is_change_worst(host: Dict) -> bool:
    """Whether a change that nothing explains is worse than any finding: it is not to be lost above a page of these."""
    changes = [severity(change) for change in host["changes"] if not change["explanation"]]
    return bool(changes) and max(changes) > max(map(severity, apart(host)), default=Severity.INFO)


def _what_changed(host: Dict, options: Options) -> Iterator[str]:
    changes = [change for change in host["changes"] if options.show_all or not change["explanation"]]
    yield from _changes(changes, options)
    if not options.show_all:
        yield from (f"  {line}" for line in _explained(unaccepted(host), options))


def _what_is_wrong(host: Dict, options: Options) -> Iterator[str]:
    ordered = sorted(apart(host), key=lambda finding: (severity(finding), "window" in finding, finding["rule"]))
    for _rule, alike in groupby(ordered, key=lambda finding: (severity(finding), finding["rule"], finding["remedy"])):
        yield from of_one_rule(list(alike), options)


def _changes(changes: Sequence[Dict], options: Options) -> Iterator[str]:
    records = [] if options.show_all else [change for change in changes if change["rule"] in RECORDS]
    if len(records) > 1:
        changes = [change for change in changes if change["rule"] not in RECORDS]
        what = f"  U {_whole(records[0]['path'])} and {counted(len(records) - 1, 'more record')} of the package manager"
        yield painted(f"{what} (--all shows them)  {records[0]['severity']}  {said(records[0]['rule'])}", "low", options)
    trees = folded(changes)
    shown_ = [(change, below, 0) for change, below in trees] if options.show_all else minor(trees)
    ordered = sorted(shown_, key=lambda one: (severity(one[0]), one[0]["rule"] in CONTRADICTED))
    widest = _widths([_columns(*one) for one in ordered], options)
    left = MOST_OF_ALL_TEXTS
    for change, below, like in ordered:
        for line in _laid_out(_columns(change, below, like), widest, options):
            yield painted(line, change["severity"], options)
        shown = text_lines(change, min(MOST_OF_A_TEXT, left))
        left = max(0, left - len(shown))
        yield from (f"        {line}" for line in shown)


def _columns(change: Dict, below: int, like: int) -> tuple[str, tuple[str, ...], str, str]:
    """What stands where in the line of a change: letter and path, what differs, severity, rule."""
    name = _whole(change["path"]) + (f" and {counted(below, 'entry')} below" if below else "")
    parts = [said(change["note"])] if like and change["note"] else [] if like else [one for one in told(change) if one]
    if like:
        name = _whole(change["path"])
        parts.append(f"and {grouped(like)} more like it below {_whole(part(change['path']))} (--all shows them)")
    if change["explanation"]:
        parts.append(f"explained: {said(change['explanation']['text'])} ({change['explanation']['proof']})")
    return f"{letter(change)} {name}", tuple(parts), change["severity"], f"{said(change['rule'])}{mark(change)}"


def _whole(path: str) -> str:
    """A path, so that a blank at its end is seen."""
    shown = printable(path)
    return f"{shown[:-1]}\\x20" if shown.endswith(" ") else shown


def _widths(rows: Iterable[tuple[str, tuple[str, ...], str, str]], options: Options) -> tuple[int, int]:
    """Columns for the path and for what differs, as wide as the lines need that fit; others get a line more."""
    rows = list(rows)
    most = options.width * 2 // 5
    path = max((len(row[0]) for row in rows if len(row[0]) <= most), default=0)
    room = options.width - path - max((len(row[3]) for row in rows), default=0) - 16
    differing = [len(", ".join(row[1])) for row in rows if len(row[0]) <= path]
    return path, max((length for length in differing if length <= room), default=0)


def _laid_out(row: tuple[str, tuple[str, ...], str, str], widest: tuple[int, int], options: Options) -> Iterator[str]:
    """Yield the line of a change, and below it what found no room in it."""
    name, parts, how_bad, rule = row
    path, middle = widest
    differing = ", ".join(parts)
    if len(name) <= path and len(differing) <= middle:
        yield f"  {name:{path}}  {differing:{middle}}  {how_bad:8}  {rule}".rstrip()
        return
    yield f"  {name:{path + 2 + middle}}  {how_bad:8}  {rule}".rstrip()
    yield from (f"      {line}" for line in _filled(parts, options.width - 6))


def _filled(parts: Iterable[str], width: int) -> Iterator[str]:
    """Yield lines of as many parts as they hold; none, which may be a name, is broken."""
    line = ""
    for one in parts:
        if line and len(line) + 2 + len(one) > width:
            yield line + ","
            line = one
        else:
            line = f"{line}, {one}" if line else one
    if line:
        yield line


def _explained(groups: Iterable[Dict], options: Options) -> Iterator[str]:
    for group in groups:
        yield f"{sentence(group)} ({PROOFS.get(group['proof'], 'not proved')}; --all shows them)"
        yield from _causes(group, options)


def _causes(group: Dict, options: Options) -> Iterator[str]:
    """Yield what was installed, renewed and removed, below the command that did it, and how many more there are."""
    by_command: dict[str, list[str]] = {}
    for text in sorted(group.get("texts", ()), key=lambda text: STEP in text):  # what came and went before what was renewed
        command, step = _done_by(text)
        by_command.setdefault(command, []).append(step)
    alone = by_command.pop("", [])
    most = sorted(by_command.items(), key=lambda one: -len(one[1]))[:MOST_COMMANDS]
    for command, steps in most:
        yield f"    {grouped(len(steps))} by {command}:"
        rest = [f"and {grouped(len(steps) - MOST_CAUSES)} more"] if len(steps) > MOST_CAUSES else []
        yield from (f"      {line}" for line in _filled([*steps[:MOST_CAUSES], *rest], options.width - 8))
    yield from (f"    {step}" for step in alone[:MOST_CAUSES])
    told_of = sum(len(steps) for _command, steps in most) + len(alone[:MOST_CAUSES])
    if group.get("texts") and group["causes"] > told_of:
        yield f"    and {grouped(group['causes'] - told_of)} more"


def _done_by(text: str) -> tuple[str, str]:
    """The command that a cause names, with who ran it and on which day, and what it did; no command where none is named."""
    found = _BY.fullmatch(said(text))
    return (f"{found[2]}, {found[3]}", found[1]) if found else ("", said(text))


def _timeline(moments: Sequence[Dict], options: Options) -> Iterator[str]:
    """Yield what changed its status since the moment that was asked for, what was backdated first."""
    shown = moments if options.show_all else moments[:MOST_MOMENTS]
    for moment in shown:
        time = second(moment["time"]) if moment["time"] else "at no known time"
        line = f"  {time}  {printable(moment['path'])}  {printable(moment['kind'])}"
        if moment.get("backdated") and moment.get("modified"):
            yield painted(f"{line}, says it was modified {second(moment['modified'])}: BACKDATED", "high", options)
        else:
            yield line
    if rest := len(moments) - len(shown):
        yield f"  ... and {grouped(rest)} more since then (--all shows them)"


def _gaps(gaps: Sequence[Dict]) -> Iterator[str]:
    """Yield a line for each gap, one for many in one directory, the number of those that are too many, and once what to do."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    hints = []
    for gap in sorted(gaps, key=lambda gap: "news" not in gap):  # so that none of these is among those that are only counted
        reason, *hint = _RAISE.split(gap["reason"], 1)[:2]
        hints += hint
        groups.setdefault((gap["subject"].rpartition("/")[0], reason, mark(gap)), []).append(gap["subject"])
    lines = [
        (f"{line}{new}", number)
        for (parent, reason, new), names in groups.items()
        for line, number in _alike(parent, reason, names)
    ]
    yield from (f"  gap  {line}" for line, _number in lines[:MOST_PATHS])
    if rest := sum(number for _line, number in lines[MOST_PATHS:]):
        yield f"  gap  ... and {grouped(rest)} more (--format json names all)"
    if hints:
        yield f"      do: {max(hints, key=len)}"


def _alike(parent: str, reason: str, names: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield lines for gaps of one directory and one reason, each with the number of gaps in it."""
    if len(names) >= LEAST_ALIKE and names[0].startswith("/"):
        yield f"{counted(len(names), 'path')} below {printable(parent or '/')}: {said(reason)}", len(names)
    else:
        yield from ((f"{printable(name)}: {said(reason)}", 1) for name in names)


def _worst(host: Dict, options: Options) -> Iterator[str]:
    """Yield a line for each of the worst that was told further up: nobody scrolls back at night."""
    grave = [item for item in items(host, options) if item.against and item.severity >= Severity.HIGH]
    grave.sort(key=lambda item: item.severity, reverse=True)
    for item in grave[:MOST_WORST]:
        line = clipped(f"  {item.severity.word}: {item.line}", options.width, "...")
        yield painted(line, item.severity.word, options)
    if len(grave) > MOST_WORST:
        yield f"  ... and {grouped(len(grave) - MOST_WORST)} more that are high or critical, further up"


def _foot(host: Dict, options: Options) -> Iterator[str]:
    """Yield what became of what earlier runs told, and the verdict, the last line of a host, where the eye rests."""
    yield from (f"  {line}" for line in few(line for line, _one in gone(host)))
    if since := held(host):
        yield from wrapped(since, "  ", 4, options)
    colour = {UNTRUSTED: "critical", FINDINGS: "high", INCOMPLETE: "medium"}.get(status(host), "good")
    yield painted(f"{printable(host['host'])}: {of_host(host)}", colour, options)


def _unkept(document: Document) -> Iterator[str]:
    """Yield why the history has nothing of this run, where it should have."""
    if note := document.get("history", {}).get("note"):
        yield from (f"note  {said(note)}", "")


def _next(document: Document) -> Iterator[str]:
    if document["next"]:
        yield "Next:"
    yield from (f"  {command_line(command)}" for command in document["next"])
