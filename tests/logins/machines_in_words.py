"""Machines written as texts: logs line by line, what is known besides, and what must be said of them.

A case is a sentence, then parts that begin with `-- NAME --`. `machine` has a word and its values in each line; `answer` every
line of what is said; anything else is a source by its name, with `mtime=...`, `absent` or `unreadable` behind it where that
matters. In a log `x52 +22s STAMP ...` stands for 52 lines, 22 seconds apart: in these `{4000+}` counts up, `{a|b}` takes turns.
Lines that stand for many put a log in the order of its stamps. Lines of `journal` have, between stamp and host, who wrote them:
`STAMP _COMM=sshd,_UID=0 vm sshd[1]: ...`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from held import Held

from auditkit.logins import reading
from auditkit.logins.nouns import Condition, Log, Setting
from auditkit.logins.seen import Account, Head, KeyLine, Past, Seen, Verdict, Verified
from auditkit.logins.verdict import judged, quoted
from auditkit.model import Finding, Office
from auditkit.printable import printable

MARK = re.compile(r"^-- (.+) --\n", re.MULTILINE)
MANY = re.compile(r"x([0-9]+) \+([0-9.]+)([smhd]) (\S+) (.*)")
TURNS = re.compile(r"\{([^{}]*)\}")
LINE = re.compile(r"(\S+) (\S+) (\S+) ([^\s\[:]+)(?:\[([0-9]+)\])?: (.*)")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
NO_NETWORK = Office(networks=())


def parts(case: str) -> tuple[str, dict[str, str]]:
    """The sentence of a case, and its parts by name."""
    sentence, *rest = MARK.split(case)
    return sentence.strip(), dict(zip(rest[::2], rest[1::2], strict=True))


def written_out(text: str) -> str:
    """A log with all its lines."""
    lines: list[str] = []
    many = False
    for line in text.splitlines():
        match = MANY.fullmatch(line)
        many = many or match is not None
        lines += _many(match) if match else [line]
    return "".join(f"{line}\n" for line in (sorted(lines, key=lambda line: line[:19]) if many else lines))


def _many(match: re.Match[str]) -> Iterator[str]:
    number, step, unit, stamp, rest = match.groups()
    start = datetime.fromisoformat(stamp)
    for turn in range(int(number)):
        at = start + turn * timedelta(**{UNITS[unit]: float(step)})
        yield f"{at.isoformat()} {TURNS.sub(lambda found, turn=turn: _turn(found[1], turn), rest)}"


def _turn(choice: str, turn: int) -> str:
    if choice.endswith("+"):
        return str(int(choice[:-1]) + turn)
    words = choice.split("|")
    return words[turn % len(words)]


def nanoseconds(stamp: str) -> int:
    """A time of ISO 8601 as auditkit has it."""
    at = datetime.fromisoformat(stamp)
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 10**9 + since.microseconds * 1000


def exported(text: str) -> bytes:
    """Lines of a journal as `journalctl -o json` writes them."""
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        match = LINE.fullmatch(line)
        assert match, line
        stamp, trusted, host, program, pid, message = match.groups()
        entry = {
            "__REALTIME_TIMESTAMP": str(nanoseconds(stamp) // 1000),
            "__CURSOR": f"s=1;i={number:x};b=1;m=1;t=1;x=1",
            "_HOSTNAME": host,
            "SYSLOG_IDENTIFIER": program,
            "SYSLOG_PID": pid or "1",
            "_PID": pid or "1",
            "_TRANSPORT": "syslog",
            "MESSAGE": message,
            **dict(word.split("=", 1) for word in trusted.split(",")),
        }
        entries.append(json.dumps(entry))
    return "".join(f"{entry}\n" for entry in entries).encode()


def seen(files: Mapping[str, str]) -> Seen:
    """A machine of these parts."""
    known = Seen("vm", (), Setting(0), office=NO_NETWORK)
    for line in files.get("machine", "").splitlines():
        known = _knows(known, *line.split(" ", 1))
    for title, text in files.items():
        if title not in ("machine", "answer"):
            known = _with(known, title, text)
    return known


def _with(known: Seen, title: str, text: str) -> Seen:
    """The machine with one more source."""
    name, *words = title.split(" ")
    told = dict(word.split("=", 1) for word in words if "=" in word)
    log = Log(name, mtime=nanoseconds(told["mtime"]) if "mtime" in told else None)
    for condition in (Condition.ABSENT, Condition.UNREADABLE):
        if condition in words:
            return replace(known, asked=(*known.asked, replace(log, condition=condition, reason=text.strip())))
    written = written_out(text)
    data = exported(written) if name == "journal" else written.encode("utf-8", "surrogateescape")
    read = reading.read(replace(log, size=len(data)), Held(data), known.setting)
    if Condition.TRUNCATED in words:
        read = replace(read, log=replace(read.log, condition=Condition.TRUNCATED, reason="the rest of it did not come"))
    return replace(known, readings=(*known.readings, read))


def _knows(known: Seen, word: str, value: str = "") -> Seen:
    """The machine with one thing more that is known of it."""
    values = value.split()
    past = known.past or Past()
    match word:
        case "now":
            return replace(known, setting=replace(known.setting, now=nanoseconds(value)))
        case "zone":
            return replace(known, setting=replace(known.setting, zone=ZoneInfo(value), zone_known=True))
        case "since":
            return replace(known, since=nanoseconds(value))
        case "until":
            return replace(known, until=nanoseconds(value))
        case "accounts":
            return replace(known, accounts={name: Account(None) for name in values})
        case "key":
            line = KeyLine(values[1], values[2], " ".join(values[3:]))
            return replace(known, keys={**(known.keys or {}), values[0]: (line,)})
        case "known-key":
            keys = (*known.office.known_keys, (values[0], " ".join(values[1:])))
            return replace(known, office=replace(known.office, known_keys=keys))
        case "networks":
            return replace(known, office=replace(known.office, networks=tuple(values)))
        case "before":
            login = values[0], values[1], values[2] if len(values) > 2 else ""
            return replace(known, past=replace(past, logins={**past.logins, login: None}, last=1))
        case "head-before":
            return replace(known, past=replace(past, heads=(*past.heads, _head(values))))
        case "head":
            return replace(known, heads=(*known.heads, _head(values)))
        case "verified":
            one = Verified(values[0], values[1] == "PASS", " ".join(values[2:]))
            return replace(known, verified=(*known.verified, one))
    raise AssertionError(word)


def _head(values: list[str]) -> Head:
    """NAME INODE SIZE LENGTH DIGEST."""
    return Head(values[0], int(values[1]), int(values[2]), int(values[3]), values[4])


def answer(known: Seen, files: Mapping[str, str]) -> str:
    """Every line of what is said of a machine, once the lines were fetched that are quoted."""
    verdict = judged(known)
    verdict = quoted(verdict, dict(_fetched(verdict, files)))
    logins = verdict.logins
    axes = f"{logins['access']}, {logins['pattern']}, {logins['coverage']}\n"
    return axes + f"{logins['verdict']}\n" + "".join(_logins(verdict)) + "".join(_rest(verdict))


def _fetched(verdict: Verdict, files: Mapping[str, str]) -> Iterator[tuple[tuple[str, int], str]]:
    """Yield the words of the lines that a verdict wants, by where they begin."""
    texts = {title.split(" ")[0]: written_out(text).encode("utf-8", "surrogateescape") for title, text in files.items()}
    for wanted in verdict.wanted:
        line = texts[wanted.source][wanted.offset :].partition(b"\n")[0]
        yield (wanted.source, wanted.line), line.decode("utf-8", "surrogateescape")


def _logins(verdict: Verdict) -> Iterator[str]:
    successes = verdict.logins["successes"]
    assert isinstance(successes, list)
    for one in successes:
        time = str(one["time"]).replace("T", " ")[:19]
        yield f"login {time} {one['user']} {one['address']} {one['state']}: {', '.join(one['support'])}\n"


def _rest(verdict: Verdict) -> Iterator[str]:
    yield from map(said, sorted(verdict.findings, key=lambda one: (-one.severity, one.rule.id, one.subject)))
    yield from (f"gap {printable(gap.subject)}: {gap.reason}\n" for gap in verdict.gaps)


def said(finding: Finding) -> str:
    """A finding as a case writes it."""
    head = f"{finding.severity.word} {finding.rule.id} {finding.subject}: {finding.message}\n"
    return head + "".join(f"  {quote.source}:{quote.line}: {quote.text}\n" for quote in finding.quotes)
