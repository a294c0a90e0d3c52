"""The `logins` object of a report: the three axes, the sentence, and all that it rests on. schema.json says what is in it."""

from collections.abc import Iterator, Mapping, Sequence

from auditkit.logins import entered, sentence
from auditkit.logins.covering import Cover
from auditkit.logins.following import Deed
from auditkit.logins.guesses import Attacker
from auditkit.logins.joining import Joined, words
from auditkit.logins.nouns import Condition, What
from auditkit.logins.patterns import Pattern
from auditkit.logins.signals import Signal
from auditkit.logins.streams import Told
from auditkit.logins.successes import Success
from auditkit.logins.tally import REST
from auditkit.logins.wording import lasting
from auditkit.model import Severity
from auditkit.words import written

Object = Mapping[str, object]
ADDRESSES = 200
"""Addresses that stand in a report; `more_sources` counts the rest."""
NAMES = 50
LOGINS = 1000
"""Logins that stand in a report: so many of the latest, and of those that need a question."""
MOMENTS = 300
DEEDS = 20
"""Of one session."""
SHAPES = 20
WITNESSES = 8
PROBED = 200
"""Addresses that stand in a report though they guessed nothing."""


def told(joined: Joined, pattern: Pattern, signals: Sequence[Signal], ask: Sequence[tuple[Success, Severity]]) -> Object:
    """The object; `ask` are logins that something speaks against, the worst first."""
    seen, coverage = joined.seen, joined.coverage
    asked = {id(one): how for one, how in ask}
    odd = [one for one in joined.successes if not one.real or id(one) in asked]
    told = {id(one) for one in (*odd[:LOGINS], *joined.successes[-LOGINS:])}
    return {
        "access": sentence.access(joined),
        "pattern": pattern.word,
        "coverage": sentence.coverage(joined),
        "verdict": sentence.sentence(joined, pattern, [one for one, _ in ask]),
        "why_not": sentence.why_not(joined),
        "window": {"from": written(coverage.start), "to": written(coverage.end)},
        "attempts": pattern.guesses,
        "not_understood": sum(sum(reading.notes.unknown.values()) for reading in seen.readings),
        "sources": [_source(joined, pattern, one) for one in pattern.active[:ADDRESSES]],
        "more_sources": max(len(pattern.active) - ADDRESSES, 0),
        "probed": list(_probed(joined))[:PROBED],
        "successes": [
            {**_success(joined, one), "ask": asked[id(one)].word if id(one) in asked else None}
            for one in joined.successes
            if id(one) in told
        ],
        "more_successes": len(joined.successes) - len(told),
        "outside": {
            "logins": len(joined.outside),
            "of_who_guessed": [_success(joined, one) for one in sentence.outside(joined, pattern)[:NAMES]],
        },
        "zone": str(seen.setting.zone) if seen.setting.zone_known else None,
        "why": pattern.why,
        "names": {
            "tried": len(pattern.names),
            "exist": list(pattern.existing[:NAMES]) if pattern.existence_known else None,
            "not_stock": list(pattern.staff[:NAMES]),
        },
        "usual": _usual(pattern),
        "read": [*map(_read, joined.coverage.covers)],
        "files": list(_files(joined)),
        "gaps": [{"from": written(start), "to": written(end)} for start, end in coverage.gaps],
        "tamper": [{"kind": one.kind, "source": one.source, "line": one.line, "text": one.text} for one in joined.signs],
        "signals": [one.document() for one in signals],
        "elsewhere": _elsewhere(joined),
        "timeline": _timeline(joined),
        "unknown": list(_unknown(joined)),
        "would_change": list(_would_change(joined)),
    }


def _source(joined: Joined, pattern: Pattern, one: Attacker) -> Object:
    users = sorted(one.names, key=lambda name: (-one.names[name], name))
    return {
        "address": one.address,
        "attempts": one.between(joined.seen.since, joined.seen.until),
        "users": users[:NAMES],
        "first": written(one.first),
        "last": written(one.last),
        "names": len(users),
        "existing": [name for name in users if name in pattern.existing][:NAMES],
        "services": sorted(one.services),
        "probes": one.probes,
        "logins": joined.logins_from[one.address],
        "other_logins": joined.others_from[one.address],
        "told_by": [
            {"name": witness.name, "kind": witness.kind, "guesses": witness.guesses} for witness in one.witnesses[:WITNESSES]
        ],
        "lines": [{"source": source, "line": line, "offset": offset} for source, line, offset in one.lines[:4]],
    }


def _probed(joined: Joined) -> Iterator[Object]:
    """Yield addresses that offered keys, or connected and said nothing, and guessed at no secret."""
    for one in sorted(joined.attackers.values(), key=lambda one: (-one.probes, one.address)):
        if one.address not in ("", REST) and not one.guesses:
            span = {"first": written(one.first), "last": written(one.last)}
            yield {"address": one.address, "probes": one.probes, "connections": one.others[What.SCANNED], **span}


def _success(joined: Joined, one: Success) -> Object:
    lines = (joined.seen.keys or {}).get(one.key, ())
    return {
        "time": written(one.time) or "",
        "user": one.user,
        "address": one.address,
        "port": next((each.event.port for each in one.told if each.event.port is not None), None),
        "method": one.event.method or None,
        "fingerprint": one.key or None,
        "support": sorted(one.support),
        "state": str(one.state),
        "service": one.service,
        "key_of": dict(joined.seen.office.known_keys).get(one.key),
        "key_lines": [{"account": line.account, "where": line.where, "comment": line.comment} for line in lines],
        "missing": list(one.missing),
        "guesses_before": joined.before(one).guesses,
        "lasted": entered.lasted(one) or None,
        "did": [_deed(deed) for deed in joined.deeds(one)[:DEEDS]],
        "lines": [_line(each) for each in one.told[:6]],
    }


def _deed(deed: Deed) -> Object:
    return {"time": written(deed.event.time), "what": words(deed.event), "sure": deed.sure}


def _line(one: Told) -> Object:
    return {"source": one.source, "line": one.event.line, "offset": one.event.offset}


def _usual(pattern: Pattern) -> Object | None:
    if pattern.usual is None:
        return None
    return {"days": pattern.usual.days, "per_day": pattern.usual.per_day, "busiest": pattern.usual.busiest}


def _read(cover: Cover) -> Object:
    """One stream: what it covers, and how often it has lines."""
    stream = cover.stream
    return {
        "name": stream.name,
        "kind": stream.kind,
        "tells": stream.tells,
        "first": written(stream.first),
        "last": written(stream.last),
        "lines": sum(reading.notes.lines for reading in stream.readings),
        "heartbeat": lasting(cover.beat),
        "heartbeat_learned": cover.learned,
        "silences": [
            {"from": written(one.start), "to": written(one.end), "why": one.why or None} for one in cover.silences[:NAMES]
        ],
        "missing": list(cover.missing),
    }


def _files(joined: Joined) -> Iterator[Object]:
    """Yield each source that was looked for, and how it was found."""
    for reading in joined.seen.readings:
        log, notes = reading.log, reading.notes
        yield {
            "name": log.name,
            "format": reading.format.name if reading.format else None,
            "condition": str(log.condition),
            "reason": log.reason or None,
            "size": log.size,
            "lines": notes.lines,
            "first": written(notes.first),
            "last": written(notes.last),
            "year_by": str(notes.year_by),
            "malformed": notes.malformed,
            "remarks": list(notes.remarks),
        }
    for log in joined.seen.asked:
        yield {"name": log.name, "format": None, "condition": str(log.condition), "reason": log.reason or None}


def _elsewhere(joined: Joined) -> Sequence[Object]:
    """Logins to mail and files, which open no shell, and those at the machine itself: counted by service and user."""
    counts: dict[tuple[str, str], int] = {}
    for one in joined.every:
        if joined.within(one.time) and (one.mail or one.local):
            about = "at the machine" if one.local else one.event.program, one.user
            counts[about] = counts.get(about, 0) + 1
    return [{"service": service, "user": user, "logins": n} for (service, user), n in sorted(counts.items())][:NAMES]


OF_MATTER = (
    *(What.ACCOUNT, What.SCHEDULED, What.LOG_CLEARED, What.BOOTED, What.STOPPED, What.CLOCK),
    *(What.KEY_HELD, What.CREDENTIAL_HELD),
)
"""What stands in a timeline besides logins and who guessed most."""


def _timeline(joined: Joined) -> list[Object]:
    """What matters, by its time: logins, what was done in them, changes of accounts, boots, when guessing begins and ends."""
    found: list[tuple[int, str, Told | None]] = []
    for success in joined.successes[-MOMENTS:]:
        if success.time is not None:
            claim = "" if success.real else f" ({success.state})"
            found.append((success.time, f"{words(success.event)}{claim}", success.told[0]))
            found += [(deed.event.time or 0, words(deed.event), deed.told) for deed in joined.deeds(success)[:DEEDS]]
    for what in OF_MATTER:
        found += [(one.event.time or 0, words(one.event), one) for one in joined.told(what)[-MOMENTS:]]
    for one in sorted(joined.attackers.values(), key=lambda one: -one.guesses)[:5]:
        if one.first is None or one.last is None or one.guesses < 2 or one.address == REST or not joined.within(one.first):
            continue
        found += [(one.first, f"guesses begin from {one.address}", None), (one.last, f"guesses end from {one.address}", None)]
    once = {(time, text): one for time, text, one in found}
    rows = sorted(once.items(), key=lambda row: row[0])
    return [{"time": written(time), "what": text, "line": one and _line(one)} for (time, text), one in rows[-MOMENTS:]]


def _unknown(joined: Joined) -> Iterator[Object]:
    """Yield what was not understood, by its kind, the most frequent first."""
    for reading in joined.seen.readings:
        notes = reading.notes
        for shape, times in sorted(notes.unknown.items(), key=lambda row: -row[1])[:SHAPES]:
            line, text = notes.examples.get(shape, (0, ""))
            yield {"source": reading.log.name, "shape": shape, "times": times, "line": line, "example": text[:300]}


def _would_change(joined: Joined) -> Iterator[str]:
    """Yield what is not known and could change the verdict."""
    kinds = {cover.stream.kind for cover in joined.coverage.telling}
    if joined.successes and any(not one.support & {"journal", "wtmp", "lastlog", "audit"} for one in joined.successes):
        yield "a login that only text logs tell of: any account of the machine can write such lines (logger)"
    if "journal" not in kinds:
        yield "a journal of that time would show which program wrote each line"
    if not any(cover.stream.kind == "wtmp" for cover in joined.coverage.covers):
        yield "wtmp or lastlog would support or contradict logins"
    unread = [log.name for log in joined.seen.asked if log.condition is not Condition.ABSENT]
    if unread:
        yield f"what could not be read: {', '.join(unread[:5])}"
    if joined.coverage.gaps:
        yield "what happened in the gaps"
    told = any(stream.count(What.CONNECTED) for stream in joined.streams)
    if not told and (joined.seen.log_level or "INFO").upper() in ("INFO", "FATAL", "ERROR", "QUIET"):
        yield "with LogLevel VERBOSE sshd names the key of each try, and where it stands"
    if joined.seen.keys is None and any(one.key for one in joined.successes):
        yield "the files of keys would show whose key it was"
    yield "a log that the machine could not change (a log server) would show what was taken out of these"
