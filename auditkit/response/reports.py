"""What the reports in a case come to, for the brief, for letters and for who looks: facts, and which entry each is from.

The documents are JSON from a disk: what is not as a report has it counts as unknown, and never as good.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from auditkit.lenient import Object, mapping, mapping_or_none, mappings, number, severity, text, text_or_none, texts
from auditkit.model import Severity
from auditkit.response.nouns import Entry, Kind
from auditkit.response.summary import (
    ACCESS,
    ASKING,
    COVERAGE,
    STATUS,
    WORST,
    Door,
    Judged,
    Kept,
    Lack,
    Logins,
    Matter,
    Ran,
    Source,
    Success,
    Summary,
    Usual,
)

Told = tuple[Kept, Object]


def is_report(entry: Entry) -> bool:
    """Whether an entry is of a command whose report is kept."""
    return entry.said.kind is Kind.COMMAND and "file" in entry.said.data


def summary(kept: Iterable[Kept], entries: Iterable[Entry] = ()) -> Summary:
    """What the reports come to; `entries` of the journal say which commands were run without a report, too."""
    reports = sorted(kept, key=lambda one: one.entry.seq)
    hosts = [(one, host) for one in reports for host in mappings(one.document.get("hosts"))]
    newest = {(_name(one, host), text(one.document.get("command"))): (one, host) for one, host in hosts}
    doors = {_name(one, host): (one, host) for one, host in hosts if _looked_at_doors(host)}
    ran = tuple(map(_ran, sorted({e.seq: e for e in (*entries, *(one.entry for one in reports))}.values(), key=_seq)))
    return Summary(
        logins=tuple(_newest_logins(hosts)),
        judged=tuple(_newest_judged(hosts)),
        doors=tuple(door for one, host in doors.values() for door in _doors(one, host)),
        doors_known=bool(doors),
        lacks=(
            *(lack for one in reports for lack in _unread(one)),
            *(lack for told in newest.values() for lack in _lacks(*told)),
        ),
        ran=tuple(one for one in ran if one),
        not_run=tuple(name for name in ASKING if not any(_asks(name, one) for one in ran if one)),
    )


def _name(one: Kept, host: Object) -> str:
    """What a host is called: `local` is the machine that auditkit ran on, and may be another one in each report."""
    name = text(host.get("host"))
    return one.entry.hand.host if name == "local" else name


def _seq(entry: Entry) -> int:
    return entry.seq


# --- logins


def _newest_logins(hosts: Sequence[Told]) -> Iterator[Logins]:
    """Yield the newest verdict of each host, with the entries of earlier ones that say worse."""
    by_host: dict[str, list[Logins]] = {}
    for one, host in hosts:
        if (told := mapping_or_none(host.get("logins"))) is not None:
            by_host.setdefault(_name(one, host), []).append(_logins(one, host, told))
    for all_of_it in by_host.values():
        newest = all_of_it[-1]
        yield replace(newest, worse_before=tuple(one.entry for one in all_of_it[:-1] if _is_worse(one, newest)))


def _is_worse(earlier: Logins, newest: Logins) -> bool:
    pairs = zip(_badness(earlier), _badness(newest), strict=True)
    return any(before > now for before, now in pairs)


def _badness(one: Logins) -> tuple[int, int, int]:
    asked = max((severity(success.ask) for success in one.successes if success.ask), default=Severity.INFO)
    return ACCESS.index(one.access), COVERAGE.index(one.coverage), asked


def _logins(one: Kept, host: Object, told: Object) -> Logins:
    window = mapping(told.get("window"))
    return Logins(
        entry=one.entry.seq,
        host=_name(one, host),
        access=_word(told.get("access"), ACCESS, "cannot-tell"),
        pattern=text(told.get("pattern")),
        coverage=_word(told.get("coverage"), COVERAGE, "gap"),
        verdict=text(told.get("verdict")),
        start=text_or_none(window.get("from")),
        end=text_or_none(window.get("to")),
        attempts=number(told.get("attempts")),
        sources=tuple(map(_source, mappings(told.get("sources")))),
        more_sources=number(told.get("more_sources")) or 0,
        successes=tuple(map(_success, mappings(told.get("successes")))),
        more_successes=number(told.get("more_successes")) or 0,
        usual=_usual(mapping_or_none(told.get("usual"))),
        gaps=tuple((text_or_none(gap.get("from")), text_or_none(gap.get("to"))) for gap in mappings(told.get("gaps"))),
        tamper=tuple(text(sign.get("text")) for sign in mappings(told.get("tamper"))),
        read=tuple(text(log.get("name")) for log in mappings(told.get("read")) if log.get("tells") is True),
        would_change=texts(told.get("would_change")),
    )


def _source(told: Object) -> Source:
    users = texts(told.get("users"))
    return Source(
        address=text(told.get("address")),
        attempts=number(told.get("attempts")) or 0,
        names=number(told.get("names")) or len(users),
        existing=texts(told.get("existing")),
        first=text_or_none(told.get("first")),
        last=text_or_none(told.get("last")),
        logins=number(told.get("logins")) or 0,
    )


def _success(told: Object) -> Success:
    return Success(
        time=text(told.get("time")),
        user=text(told.get("user")),
        address=text_or_none(told.get("address")),
        method=text_or_none(told.get("method")),
        state=text(told.get("state")),
        ask=text_or_none(told.get("ask")),
        support=texts(told.get("support")),
    )


def _usual(told: Object | None) -> Usual | None:
    if told is None:
        return None
    days, per_day, busiest = (number(told.get(name)) for name in ("days", "per_day", "busiest"))
    return None if days is None or per_day is None or busiest is None else Usual(days, per_day, busiest)


# --- changes and findings


def _newest_judged(hosts: Sequence[Told]) -> Iterator[Judged]:
    """Yield what the newest report of each command says of each host, with the entries of earlier ones that show worse."""
    by_host: dict[tuple[str, str], list[Judged]] = {}
    for one, host in hosts:
        judged = _judged(one, host)
        by_host.setdefault((judged.host, judged.command), []).append(judged)
    for all_of_it in by_host.values():
        newest = all_of_it[-1]
        worse = tuple(one.entry for one in all_of_it[:-1] if _weight(one) > _weight(newest))
        yield replace(newest, worse_before=worse)


def _weight(one: Judged) -> tuple[bool, int]:
    return one.untrusted is not None, max(map(_rank, one.worst), default=-1)


def _rank(matter: Matter) -> int:
    return Severity[matter.severity.upper()]


def _counts(matters: Sequence[Matter], *, of_changes: bool) -> dict[str, int]:
    return dict(Counter(matter.severity for matter in matters if matter.is_change is of_changes))


def _judged(one: Kept, host: Object) -> Judged:
    changes = [change for change in mappings(host.get("changes")) if not change.get("explanation")]
    told = {(text(change.get("path")), text(change.get("rule"))) for change in changes}
    every = mappings(host.get("findings"))
    findings = [found for found in every if (text(found.get("subject")), text(found.get("rule"))) not in told]
    matters = [*map(_change, changes), *map(_finding, findings)]
    explained = sum(number(group.get("changes")) or 0 for group in mappings(host.get("explained")))
    return Judged(
        entry=one.entry.seq,
        command=text(one.document.get("command")),
        host=_name(one, host),
        status=_word(host.get("status"), STATUS, "incomplete"),
        untrusted=text_or_none(host.get("untrusted")),
        baseline=text_or_none(mapping(host.get("baseline")).get("made")),
        changes=_counts(matters, of_changes=True),
        explained=explained,
        findings=_counts(matters, of_changes=False),
        worst=tuple(sorted(matters, key=_rank, reverse=True)[:WORST]),
    )


def _change(told: Object) -> Matter:
    rule, path, change = (text(told.get(name)) for name in ("rule", "path", "change"))
    return Matter(severity(told.get("severity")).word, rule, path, change, is_change=True)


def _finding(told: Object) -> Matter:
    rule, subject, message = (text(told.get(name)) for name in ("rule", "subject", "message"))
    return Matter(severity(told.get("severity")).word, rule, subject, message, is_change=False)


# --- exposure, gaps, commands


def _ssh(host: Object) -> Object:
    return mapping(mapping(host.get("facts")).get("ssh"))


def _looked_at_doors(host: Object) -> bool:
    return isinstance(_ssh(host).get("password_doors"), list)


def _doors(one: Kept, host: Object) -> Iterator[Door]:
    for door in mappings(_ssh(host).get("password_doors")):
        account, origin, method, set_by = (text(door.get(name)) for name in ("account", "from", "method", "set_by"))
        yield Door(one.entry.seq, _name(one, host), account, origin, method, set_by)


def _unread(one: Kept) -> Iterator[Lack]:
    """Yield that a part of a report is none."""
    hosts = one.document.get("hosts")
    if not isinstance(hosts, list) or not hosts or len(mappings(hosts)) < len(hosts):
        yield Lack(one.entry.seq, "", "report", "a part of it is not as auditkit writes reports")


def _lacks(one: Kept, host: Object) -> Iterator[Lack]:
    """Yield what a report could not see of a host."""
    seq, name = one.entry.seq, _name(one, host)
    for gap in mappings(host.get("gaps")):
        yield Lack(seq, name, text(gap.get("subject")), text(gap.get("reason")))
    for door in mappings(_ssh(host).get("password_unknown")):
        yield Lack(seq, name, f"passwords of {text(door.get('account'))}", text(door.get("why")))


def _ran(entry: Entry) -> Ran | None:
    """What an entry says of a command that was run; None for an entry of another kind."""
    if entry.said.kind is not Kind.COMMAND:
        return None
    data = entry.said.data
    hosts = tuple(text(host.get("host")) for host in mappings(data.get("hosts")))
    command, status, error = (text(data.get(name)) for name in ("command", "status", "error"))
    return Ran(entry.seq, command, number(data.get("exit")), status, hosts, error)


def _asks(name: str, one: Ran) -> bool:
    """Whether a command that was run to its end asked what another asks."""
    if one.command == "collect" == name:
        return one.exit in (0, 3)
    return bool(one.status) and (one.command == name or (one.command == "scan" and name != "collect"))


def _word(value: object, words: Sequence[str], otherwise: str) -> str:
    return value if isinstance(value, str) and value in words else otherwise
