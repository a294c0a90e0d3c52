"""What the reports in a case come to, for the brief, for letters and for who looks: facts, and which entry each is from.

The documents are JSON from a disk: what is not as a report has it counts as unknown, and never as good.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

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

Host = Mapping[str, Any]
Told = tuple[Kept, Host]


def is_report(entry: Entry) -> bool:
    """Whether an entry is of a command whose report is kept."""
    return entry.said.kind is Kind.COMMAND and "file" in entry.said.data


def summary(kept: Iterable[Kept], entries: Iterable[Entry] = ()) -> Summary:
    """What the reports come to; `entries` of the journal say which commands were run without a report, too."""
    reports = sorted(kept, key=lambda one: one.entry.seq)
    hosts = [(one, host) for one in reports for host in _objects(one.document.get("hosts"))]
    newest = {(_name(one, host), _text(one.document.get("command"))): (one, host) for one, host in hosts}
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


def _name(one: Kept, host: Host) -> str:
    """What a host is called: `local` is the machine that auditkit ran on, and may be another one in each report."""
    name = _text(host.get("host"))
    return one.entry.hand.host if name == "local" else name


def _seq(entry: Entry) -> int:
    return entry.seq


# --- logins


def _newest_logins(hosts: Sequence[Told]) -> Iterator[Logins]:
    """Yield the newest verdict of each host, with the entries of earlier ones that say worse."""
    by_host: dict[str, list[Logins]] = {}
    for one, host in hosts:
        if (told := _object(host.get("logins"))) is not None:
            by_host.setdefault(_name(one, host), []).append(_logins(one, host, told))
    for all_of_it in by_host.values():
        newest = all_of_it[-1]
        yield replace(newest, worse_before=tuple(one.entry for one in all_of_it[:-1] if _is_worse(one, newest)))


def _is_worse(earlier: Logins, newest: Logins) -> bool:
    pairs = zip(_badness(earlier), _badness(newest), strict=True)
    return any(before > now for before, now in pairs)


def _badness(one: Logins) -> tuple[int, int, int]:
    asked = max((_severity(success.ask) for success in one.successes if success.ask), default=Severity.INFO)
    return ACCESS.index(one.access), COVERAGE.index(one.coverage), asked


def _logins(one: Kept, host: Host, told: Host) -> Logins:
    window = _object(told.get("window")) or {}
    return Logins(
        entry=one.entry.seq,
        host=_name(one, host),
        access=_word(told.get("access"), ACCESS, "cannot-tell"),
        pattern=_text(told.get("pattern")),
        coverage=_word(told.get("coverage"), COVERAGE, "gap"),
        verdict=_text(told.get("verdict")),
        start=_text_or_none(window.get("from")),
        end=_text_or_none(window.get("to")),
        attempts=_number(told.get("attempts")),
        sources=tuple(map(_source, _objects(told.get("sources")))),
        more_sources=_number(told.get("more_sources")) or 0,
        successes=tuple(map(_success, _objects(told.get("successes")))),
        more_successes=_number(told.get("more_successes")) or 0,
        usual=_usual(_object(told.get("usual"))),
        gaps=tuple((_text_or_none(gap.get("from")), _text_or_none(gap.get("to"))) for gap in _objects(told.get("gaps"))),
        tamper=tuple(_text(sign.get("text")) for sign in _objects(told.get("tamper"))),
        read=tuple(_text(log.get("name")) for log in _objects(told.get("read")) if log.get("tells") is True),
        would_change=_texts(told.get("would_change")),
    )


def _source(told: Host) -> Source:
    users = _texts(told.get("users"))
    return Source(
        address=_text(told.get("address")),
        attempts=_number(told.get("attempts")) or 0,
        names=_number(told.get("names")) or len(users),
        existing=_texts(told.get("existing")),
        first=_text_or_none(told.get("first")),
        last=_text_or_none(told.get("last")),
        logins=_number(told.get("logins")) or 0,
    )


def _success(told: Host) -> Success:
    return Success(
        time=_text(told.get("time")),
        user=_text(told.get("user")),
        address=_text_or_none(told.get("address")),
        method=_text_or_none(told.get("method")),
        state=_text(told.get("state")),
        ask=_text_or_none(told.get("ask")),
        support=_texts(told.get("support")),
    )


def _usual(told: Host | None) -> Usual | None:
    if told is None:
        return None
    days, per_day, busiest = (_number(told.get(name)) for name in ("days", "per_day", "busiest"))
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


def _judged(one: Kept, host: Host) -> Judged:
    changes = [change for change in _objects(host.get("changes")) if not change.get("explanation")]
    told = {(_text(change.get("path")), _text(change.get("rule"))) for change in changes}
    every = _objects(host.get("findings"))
    findings = [found for found in every if (_text(found.get("subject")), _text(found.get("rule"))) not in told]
    matters = [*map(_change, changes), *map(_finding, findings)]
    explained = sum(_number(group.get("changes")) or 0 for group in _objects(host.get("explained")))
    return Judged(
        entry=one.entry.seq,
        command=_text(one.document.get("command")),
        host=_name(one, host),
        status=_word(host.get("status"), STATUS, "incomplete"),
        untrusted=_text_or_none(host.get("untrusted")),
        baseline=_text_or_none((_object(host.get("baseline")) or {}).get("made")),
        changes=_counts(matters, of_changes=True),
        explained=explained,
        findings=_counts(matters, of_changes=False),
        worst=tuple(sorted(matters, key=_rank, reverse=True)[:WORST]),
    )


def _change(told: Host) -> Matter:
    rule, path, change = (_text(told.get(name)) for name in ("rule", "path", "change"))
    return Matter(_severity(told.get("severity")).word, rule, path, change, is_change=True)


def _finding(told: Host) -> Matter:
    rule, subject, message = (_text(told.get(name)) for name in ("rule", "subject", "message"))
    return Matter(_severity(told.get("severity")).word, rule, subject, message, is_change=False)


# --- exposure, gaps, commands


def _ssh(host: Host) -> Host:
    return _object((_object(host.get("facts")) or {}).get("ssh")) or {}


def _looked_at_doors(host: Host) -> bool:
    return isinstance(_ssh(host).get("password_doors"), list)


def _doors(one: Kept, host: Host) -> Iterator[Door]:
    for door in _objects(_ssh(host).get("password_doors")):
        account, origin, method, set_by = (_text(door.get(name)) for name in ("account", "from", "method", "set_by"))
        yield Door(one.entry.seq, _name(one, host), account, origin, method, set_by)


def _unread(one: Kept) -> Iterator[Lack]:
    """Yield that a part of a report is none."""
    hosts = one.document.get("hosts")
    if not isinstance(hosts, list) or not hosts or len(_objects(hosts)) < len(hosts):
        yield Lack(one.entry.seq, "", "report", "a part of it is not as auditkit writes reports")


def _lacks(one: Kept, host: Host) -> Iterator[Lack]:
    """Yield what a report could not see of a host."""
    seq, name = one.entry.seq, _name(one, host)
    for gap in _objects(host.get("gaps")):
        yield Lack(seq, name, _text(gap.get("subject")), _text(gap.get("reason")))
    for door in _objects(_ssh(host).get("password_unknown")):
        yield Lack(seq, name, f"passwords of {_text(door.get('account'))}", _text(door.get("why")))


def _ran(entry: Entry) -> Ran | None:
    """What an entry says of a command that was run; None for an entry of another kind."""
    if entry.said.kind is not Kind.COMMAND:
        return None
    data = entry.said.data
    hosts = tuple(_text(host.get("host")) for host in _objects(data.get("hosts")))
    command, status, error = (_text(data.get(name)) for name in ("command", "status", "error"))
    return Ran(entry.seq, command, _number(data.get("exit")), status, hosts, error)


def _asks(name: str, one: Ran) -> bool:
    """Whether a command that was run to its end asked what another asks."""
    if one.command == "collect" == name:
        return one.exit in (0, 3)
    return bool(one.status) and (one.command == name or (one.command == "scan" and name != "collect"))


# --- JSON from a disk


def _object(value: object) -> Host | None:
    return value if isinstance(value, Mapping) else None


def _objects(value: object) -> list[Host]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _number(value: object) -> int | None:
    """A count; what is none is unknown."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _word(value: object, words: Sequence[str], otherwise: str) -> str:
    return value if isinstance(value, str) and value in words else otherwise


def _severity(value: object) -> Severity:
    """How much something matters; what is no severity matters much, for it was written by nobody we know."""
    try:
        return Severity[_text(value).upper()]
    except KeyError:
        return Severity.HIGH
