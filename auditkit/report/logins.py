"""The verdict on logins as people read it: the sentence, who got in, who tried, what was done, where the lines are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auditkit.model import Severity
from auditkit.printable import counted, grouped, said
from auditkit.report.look import Options, painted, wrapped

Dict = Mapping[str, Any]
FEW, MANY = 6, 200
"""Rows of a table, and with --all."""
LONG = 40
"""Characters of a name that are shown."""
ACCESS = {
    "none-seen": "no success seen",
    "seen": "success seen",
    "unsupported": "success claimed, and nothing supports it",
    "cannot-tell": "cannot tell",
}
COVERAGE = {
    "complete": "complete for the window",
    "gap": "with gaps",
    "source-missing": "sources are missing",
    "tamper": "signs of tampering",
}
PATTERN = {
    "background-noise": "background noise",
    "focused-guessing": "focused guessing",
    "spray": "spray, many addresses as one",
    "credential-known": "a credential is known to somebody",
    "not-enough-data": "not enough data",
}
COLOURS = {"seen": "medium", "unsupported": "high", "cannot-tell": "high", "tamper": "high", "gap": "medium"}


def attempted(logins: Dict | None, options: Options) -> Iterator[str]:
    """Yield the sentence, and the three axes below it."""
    if not logins:
        return
    yield from _wrapped(logins["verdict"], "  logins  ", options)
    axes = (("access", ACCESS, "access"), ("pattern", PATTERN, "pattern"), ("coverage", COVERAGE, "coverage"))
    for name, words, key in axes:
        word = str(logins[key])
        why = f": {said(logins['why'])}" if key == "pattern" and logins.get("why") else ""
        line = f"{name:9} {words.get(word) or said(word)}{why}"
        yield from (painted(each, COLOURS.get(word, ""), options) for each in _wrapped(line, " " * 10, options, 20))


def who_tried(logins: Dict | None, options: Options) -> Iterator[str]:
    """Yield the tables behind the sentence: the shorter ones for all, the longer ones with --all."""
    if not logins:
        return
    yield from _logins(logins.get("successes", ()), options)
    yield from _sources(logins, options)
    yield from _timeline(logins, options)
    yield from _read(logins, options)
    yield from _unknown(logins.get("unknown", ()), options)
    if options.show_all or logins["access"] != "none-seen" or logins["coverage"] != "complete":
        yield from _would_change(logins.get("would_change", ()), options)


def _logins(successes: Sequence[Dict], options: Options) -> Iterator[str]:
    """Yield who got in: first those that something speaks against, the worst first, then the latest others."""
    if not successes:
        return
    states = ("forged", "unsupported", "sourceless")
    odd = [one for one in successes if one.get("ask") or one.get("state") in states or one.get("guesses_before")]
    odd.sort(key=lambda one: -Severity[str(one.get("ask") or "info").upper()])
    rest = [one for one in successes if not any(one is other for other in odd)]
    yield "  logins to confirm: ask each person whether that was him"
    for one in (*odd[: _most(options)], *rest[-max(_most(options) - len(odd), 0) :]):
        yield from _login(one, options)
    left = len(successes) - min(len(odd), _most(options)) - min(len(rest), max(_most(options) - len(odd), 0))
    if left > 0:
        yield f"    {grouped(left)} more (--all shows them)"


def _login(one: Dict, options: Options) -> Iterator[str]:
    who = f"{said(one['user']) or chr(39) * 2} from {said(one['address'] or 'the machine itself')}"
    how = said(one["method"] or one.get("service") or "")
    state = one.get("state", "supported")
    claim = {"forged": "FORGED ", "unsupported": "UNSUPPORTED ", "sourceless": "no server tells of it "}.get(state, "")
    support = ", ".join(map(said, one["support"])) or "nothing else"
    before = f"; {counted(one['guesses_before'], 'guess')} before" if one.get("guesses_before", 0) > 1 else ""
    before = "; 1 guess before" if one.get("guesses_before") == 1 else before
    line = f"{_time(one['time'])}  {who}  {how}  {claim}told by {support}{before}"
    colour = "high" if state in ("forged", "unsupported") else ""
    yield from (painted(each, colour, options) for each in _wrapped(line, "    ", options, 8))
    if one["fingerprint"]:
        yield from _wrapped(f"key {said(one['fingerprint'])}{_key_of(one)}", "        ", options, 12)
    for deed in one.get("did", ())[: _most(options)]:
        sure = "" if deed["sure"] else " (by root while it was open)"
        yield from _wrapped(f"then {_time(deed['time'])} {said(deed['what'])}{sure}", "        ", options, 12)


def _key_of(one: Dict) -> str:
    """`, anna's laptop, on ~anna/.ssh/authorized_keys:3`"""
    whose = f", {said(one['key_of'])}" if one.get("key_of") else ""
    lines = [f"{said(line['where'])}" for line in one.get("key_lines", ())[:2]]
    return whose + (f", on {' and '.join(lines)}" if lines else "")


def _sources(logins: Dict, options: Options) -> Iterator[str]:
    """Yield the table of addresses, the most guesses first."""
    rows = logins["sources"]
    if not rows:
        return
    yield "  who tried       guesses  names  exist  first seen         last seen"
    known = logins.get("names", {}).get("exist") is not None
    for one in rows[: _most(options)]:
        exist = len(one.get("existing", ())) if known else "?"
        names = one.get("names", len(one["users"]))
        first, last = _minute(one["first"]), _minute(one["last"])
        address = said(one["address"]) or _nowhere(one.get("services", ()))
        address = "all others" if address == "*" else address
        numbers = f"{grouped(one['attempts']):>8} {grouped(names):>6} {exist:>6}  {first:17}  {last}"
        if len(address) > 12:
            yield f"    {address}"
        yield f"    {address if len(address) < 13 else '':<13}{numbers}"
        yield from _wrapped(f"at {_names(one)}", " " * 8, options, 8)
    left = len(rows) + logins.get("more_sources", 0) - _most(options)
    if left > 0:
        yield f"    {counted(left, 'address')} more (--all shows them)"
    usual = logins.get("usual")
    if usual:
        days = counted(usual["days"], "day")
        busiest = f"the busiest of {days} had {grouped(usual['busiest'])}"
        yield f"    a usual day here has {grouped(usual['per_day'])} guesses, {busiest}"


def _nowhere(services: Sequence[str]) -> str:
    """What is said of guesses without an address: those at a server came from somewhere."""
    return "not in its lines" if {"sshd", "dropbear"} & set(services) else "the machine itself"


def _short(name: str) -> str:
    """A name as the table has it; of one that is absurdly long its beginning."""
    shown = said(name) or "''"
    return shown if len(shown) <= LONG else f"{shown[: LONG - 3]}..."


def _names(one: Dict) -> str:
    """Those that exist first."""
    exist = [_short(name) for name in one.get("existing", ())][:5]
    others = dict.fromkeys(_short(name) for name in one["users"] if name not in one.get("existing", ()))
    rest = list(others)[: max(8 - len(exist), 0)]
    more = one.get("names", len(one["users"])) - len(exist) - len(rest)
    shown = ", ".join([*(f"{name} (exists)" for name in exist), *rest]) or "no name"
    return f"{shown} and {more} more" if more > 0 else shown


def _timeline(logins: Dict, options: Options) -> Iterator[str]:
    """Yield what matters by its time, with where it stands."""
    rows = logins.get("timeline", ())
    if not rows:
        return
    zone = f"; the machine's zone is {said(logins['zone'])}" if logins.get("zone") else ""
    yield f"  what matters, by its time in UTC{zone}"
    most = MANY if options.show_all else 2 * FEW
    for row in rows[-most:]:
        at = f" [{_place(row['line'])}]" if row.get("line") else ""
        yield from _wrapped(f"{_time(row['time'])}  {said(row['what'])}{at}", "    ", options, 27)
    if len(rows) > most:
        yield f"    {grouped(len(rows) - most)} earlier ones (--all shows them)"


def _place(line: Dict) -> str:
    """`auth.log:120 byte 9188`: where a line stands."""
    name = said(str(line["source"]).rpartition("/")[2])
    return f"{name}:{line['line']}" + (f" byte {line['offset']}" if line["offset"] else "")


def _read(logins: Dict, options: Options) -> Iterator[str]:
    """Yield what was read and how far it reaches; silences and what looks like tampering."""
    rows = logins.get("read", ())
    if rows:
        yield "  what says so"
    for row in rows:
        reach = f"{_time(row['first'])} to {_time(row['last'])}" if row["first"] else "without a line"
        beat = f", at least a line in {said(row['heartbeat'])}" if row["heartbeat_learned"] else ""
        yield from _wrapped(f"{said(row['name'])}: {counted(row['lines'], 'line')}, {reach}{beat}", "    ", options, 8)
    for file in logins.get("files", ()):
        for remark in file.get("remarks", ())[: _most(options)]:
            yield from _wrapped(f"{said(file['name'])}: {said(remark)}", "    ", options, 8)
        if file["condition"] != "read" and (file["condition"] != "absent" or options.show_all or not rows):
            why = f": {said(file['reason'])}" if file.get("reason") else ""
            yield from _wrapped(f"{said(file['name'])}: {said(file['condition'])}{why}", "    ", options, 8)
    for gap in logins.get("gaps", ()):
        yield f"    no line at all from {_time(gap['from'])} to {_time(gap['to'])}"


def _unknown(rows: Sequence[Dict], options: Options) -> Iterator[str]:
    """Yield what was not understood: one line of each kind."""
    if not rows:
        return
    number = sum(row["times"] for row in rows)
    yield f"  not understood  {counted(number, 'line')}, by kind"
    for row in rows[: _most(options)]:
        yield from _wrapped(
            f"{grouped(row['times'])} like {said(row['source'])}:{row['line']}: {said(row['example'])}", "    ", options, 8
        )


def _would_change(rows: Sequence[str], options: Options) -> Iterator[str]:
    if rows:
        yield "  what would change this"
    for row in rows:
        yield from _wrapped(said(row), "    ", options, 6)


def _most(options: Options) -> int:
    return MANY if options.show_all else FEW


def _time(written: str | None) -> str:
    """`2026-11-24 09:54:59Z`, without the fraction."""
    if not written:
        return "?"
    shown = said(written).replace("T", " ")
    return shown.partition(".")[0] + "Z" if "." in shown else shown


def _minute(written: str | None) -> str:
    """`2026-11-24 09:54Z`."""
    shown = _time(written)
    return f"{shown[:-4]}Z" if shown.endswith("Z") else shown


def _wrapped(text: str, indent: str, options: Options, hang: int | None = None) -> list[str]:
    """A paragraph at the width of the reader."""
    return wrapped(said(text), indent, len(indent) if hang is None else hang, options)
