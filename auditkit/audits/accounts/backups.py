"""What the last change to the tables of accounts was: each with the copy that useradd, passwd and the like leave, as"
" `passwd-`."""

from collections.abc import Iterator, Mapping

from auditkit.access import needs
from auditkit.access.passwd import Line, lines_of
from auditkit.audits.accounts.people import MOST_QUOTES, listed
from auditkit.model import Evidence, Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable

_WHY = "what was changed last in the tables of accounts"
BEFORE = tuple(Need(Means.FILE, f"/etc/{name}-", _WHY, secret=True) for name in ("passwd", "shadow", "group"))
NOW = (needs.PASSWD, needs.SHADOW, needs.GROUP)
NEEDS = (*NOW, *BEFORE)
CHANGED_LAST = Rule(
    "accounts-changed-last",
    "The last change to the tables of accounts",
    Severity.INFO,
    "useradd, usermod, passwd and vipw keep the table as it was before them, as /etc/passwd- and the like. What differs is the"
    " last"
    " thing that was done to accounts; after an incident it is looked at first. An editor keeps no such copy.",
    "Ask who did it. ls -l --time-style=full-iso /etc/passwd /etc/passwd- tells when.",
    ("passwd(5)", "MITRE ATT&CK T1136.001"),
)
RULES = (CHANGED_LAST,)
_FIELDS = {
    "/etc/passwd": {1: "password", 2: "uid", 3: "group", 5: "home", 6: "shell"},
    "/etc/shadow": {1: "password", 2: "day of the password", 4: "longest age", 7: "last day"},
    "/etc/group": {2: "number", 3: "members"},
}


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what was done last."""
    said: list[str] = []
    quotes: list[Quote] = []
    for now, before in zip(NOW, BEFORE, strict=True):
        tables = (needs.text(evidence, now), needs.text(evidence, before))
        if tables[0] is None or tables[1] is None:
            continue
        for words, line in _differences(now.what, _lines(now.what, tables[0]), _lines(before.what, tables[1])):
            said.append(f"{words} ({now.what})")
            quotes.append(line.quote)
    if said:
        yield Finding(CHANGED_LAST, "accounts", listed(said), CHANGED_LAST.severity, tuple(quotes[:MOST_QUOTES]))


def _lines(source: str, text: str) -> Mapping[str, Line]:
    return {line.fields[0]: line for line in reversed(lines_of(source, text)[0]) if len(line.fields) > 1 and line.fields[0]}


def _differences(table: str, now: Mapping[str, Line], before: Mapping[str, Line]) -> Iterator[tuple[str, Line]]:
    for name, line in now.items():
        if name not in before:
            yield f"{printable(name)} is new", line
        elif line.fields != before[name].fields:
            yield f"{printable(name)} has changed: {_what(table, line, before[name])}", line
    for name, line in before.items():
        if name not in now:
            yield f"{printable(name)} is gone", line


def _what(table: str, line: Line, before: Line) -> str:
    pairs = zip((*line.fields, *[""] * 9), (*before.fields, *[""] * 9), strict=False)
    differing = [at for at, (now, then) in enumerate(pairs) if now != then]
    told = [_FIELDS[table][at] for at in differing if at in _FIELDS[table]]
    return " and ".join(told) or "field"
