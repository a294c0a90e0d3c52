"""One host of the page: its verdict, and all that the report knows of it, ready to be laid out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from auditkit.model import Severity
from auditkit.printable import counted, grouped, printable, said
from auditkit.report.document import Document, apart, meaning, severity, state, status
from auditkit.report.explained import PROOFS, sentence
from auditkit.report.findings import what
from auditkit.report.html.ages import Ages, ages
from auditkit.report.html.attempts import Chart, chart
from auditkit.report.html.fleet import tone
from auditkit.report.html.times import shown
from auditkit.report.html.tree import Tree, marked, tree
from auditkit.report.html.trend import Trend, trend
from auditkit.report.lasting import gone, held
from auditkit.report.logins import ACCESS, COVERAGE, PATTERN
from auditkit.report.look import mark
from auditkit.report.verdict import of_host

MOST_ROWS = 200
MOST_MINOR = 50
"""Findings of one rule below medium that are shown."""
MOST_SUBJECTS, MOST_GAPS = 20, 500
BY_RUN = ("Run", "Command", "Told", "New", "Gone", "Not looked for", "State")
Dict = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as the page of a host shows it."""

    what: str
    mark: str
    first: str
    quotes: tuple[str, ...]
    window: bool


@dataclass(frozen=True, slots=True)
class Alike:
    """The findings of one rule."""

    severity: str
    rule: str
    found: tuple[Found, ...]
    more: int
    remedy: str
    references: tuple[str, ...]
    open: bool
    news: int
    """How many of them were not told in the run before."""
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A table: its columns, its rows, and how many rows more there are."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Machine:
    """A host as its part of the page shows it."""

    anchor: str
    name: str
    state: str
    tone: str
    verdict: str
    against: str
    since: str
    """What became of what earlier runs told."""
    trend: Trend | None
    by_run: Rows
    gone: tuple[str, ...]
    unknown: Rows
    """What was told before, and this run did not look for, though it was asked to."""
    axes: tuple[tuple[str, str], ...]
    sentence: str
    chart: Chart | None
    logins: tuple[tuple[str, Rows], ...]
    would_change: tuple[str, ...]
    tree: Tree
    rules: tuple[tuple[str, str, str], ...]
    """What the rules of the changes mean: id, title, why."""
    explained: tuple[tuple[str, tuple[str, ...]], ...]
    findings: tuple[Alike, ...]
    accepted: tuple[str, ...]
    ages: Ages | None
    tables: tuple[tuple[str, Rows], ...]
    gaps: Rows
    notes: tuple[str, ...]


def machine(host: Dict, number: int, document: Document, *, show_all: bool) -> Machine:
    """What is to be said of a host; `show_all`: of explained changes too."""
    changes = [change for change in host["changes"] if show_all or not change["explanation"]]
    logins = host["logins"]
    since, by_run = held(host), trend(host, document)
    return Machine(
        anchor=f"host-{number}",
        name=host["host"],
        state=state(host),
        tone=tone(state(host)) if status(host) != "findings" else "bad",
        verdict=of_host(host),
        against=_against(host),
        since=since[:1].upper() + since[1:],
        trend=by_run,
        by_run=Rows(BY_RUN, by_run.rows if by_run else ()),
        gone=tuple(line for line, _one in gone(host)[:MOST_ROWS]),
        unknown=_unknown(host),
        axes=_axes(logins) if logins else (),
        sentence=logins["verdict"] if logins else "",
        chart=chart(logins) if logins else None,
        logins=tuple(_logins(logins)) if logins else (),
        would_change=tuple(logins.get("would_change", ())) if logins else (),
        tree=tree(changes),
        rules=tuple(_rules(changes, document)),
        explained=tuple(_explained(host["explained"])),
        findings=tuple(_findings(host, document)),
        accepted=tuple(f"until {one['until']}: {what(one)}: {one['reason']}{mark(one)}" for one in host.get("accepted", ())),
        ages=ages(host, document["finished"]),
        tables=tuple(_tables(host["facts"])),
        gaps=_gaps(host["gaps"]),
        notes=tuple(host["notes"]),
    )


def _against(host: Dict) -> str:
    base = host["baseline"]
    if not base:
        return "Not compared with a baseline."
    signer = f"signed by {printable(base['signer'])}" if base["signer"] else "UNSIGNED"
    return f"Against baseline {base['sequence']} of {shown(base['made'])}, {signer}, {counted(base['entries'], 'path')}."


def _unknown(host: Dict) -> Rows:
    """What may still be there."""
    missed = [one for one in host.get("since", {}).get("unknown", ()) if not one.get("beyond")]
    worst_first = sorted(missed, key=severity, reverse=True)
    told = tuple((what(one), one["severity"], shown(one["last_seen"])) for one in worst_first[:MOST_ROWS])
    return Rows(("What", "Severity", "Told last"), told, len(missed) - len(told))


def _axes(logins: Dict) -> tuple[tuple[str, str], ...]:
    """Access, pattern and coverage in words."""
    why = f": {logins['why']}" if logins.get("why") else ""
    pattern = f"{PATTERN.get(logins['pattern'], logins['pattern'])}{why}"
    return ("access", ACCESS[logins["access"]]), ("pattern", pattern), ("coverage", COVERAGE[logins["coverage"]])


def _explained(groups: Sequence[Dict]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for group in groups:
        yield f"{sentence(group)} ({PROOFS.get(group['proof'], 'not proved')})", tuple(group.get("texts", ()))[:MOST_ROWS]


# --- findings


def _findings(host: Dict, document: Document) -> Iterator[Alike]:
    """Yield the findings by rule, the worst first."""
    key = {id(one): (-severity(one), "window" not in one, one["rule"], one["remedy"]) for one in apart(host)}
    ordered = sorted(apart(host), key=lambda one: key[id(one)])
    for _kind, group in groupby(ordered, key=lambda one: (one["severity"], one["rule"], one["remedy"])):
        alike = sorted(group, key=lambda one: "news" not in one)  # none of these is among those that are left out
        grave = severity(alike[0]) >= Severity.MEDIUM
        shown_ = alike if grave else alike[:MOST_MINOR]
        yield Alike(
            alike[0]["severity"], alike[0]["rule"], tuple(map(_found, shown_)), len(alike) - len(shown_), alike[0]["remedy"],
            tuple(dict.fromkeys(text for one in alike for text in one["references"])), severity(alike[0]) >= Severity.HIGH,
            sum("news" in one for one in alike), *_meaning(document, alike[0]["rule"]),
        )  # fmt: skip


def _meaning(document: Document, rule: str) -> tuple[str, str]:
    known = meaning(document, rule)
    return known["title"], known["why"]


def _rules(changes: Sequence[Dict], document: Document) -> Iterator[tuple[str, str, str]]:
    for rule in sorted({change["rule"] for change in changes}):
        title, why = _meaning(document, rule)
        if title or why:
            yield rule, title, why


def _found(finding: Dict) -> Found:
    return Found(what(finding), *marked(finding), tuple(map(_quote, finding["quotes"])), "window" in finding)


def _quote(quote: Dict) -> str:
    line = f":{quote['line']}" if quote["line"] else ""
    return f"{printable(quote['source'])}{line}: {printable(quote['text'])}"


# --- logins


def _logins(logins: Dict) -> Iterator[tuple[str, Rows]]:
    """Yield the tables behind the sentence on logins."""
    told: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...]
    if logins["successes"]:
        columns = ("Time", "Account", "From", "How", "State", "Told by", "Guesses before", "Ask")
        odd = [one for one in logins["successes"] if one.get("ask")]
        rest = [one for one in logins["successes"] if not one.get("ask")]
        rows = [*odd, *rest[-MOST_ROWS:]]
        yield "Logins to confirm", Rows(columns, tuple(map(_login, rows)), len(rest) - len(rest[-MOST_ROWS:]))
    if logins["sources"]:
        columns = ("Address", "Guesses", "Names", "Names that exist", "First", "Last")
        rows = logins["sources"][:MOST_ROWS]
        more = len(logins["sources"]) - len(rows) + logins.get("more_sources", 0)
        yield "Who guessed", Rows(columns, tuple(map(_source, rows)), more)
    if moments := logins.get("timeline", ()):
        rows = moments[-MOST_ROWS:]
        told = tuple((shown(one["time"]), one["what"], _place(one["line"])) for one in rows)
        yield "What matters, by its time", Rows(("Time", "What", "Where it stands"), told, len(moments) - len(rows))
    if read := logins.get("read", ()):
        told = tuple((printable(one["name"]), grouped(one["lines"]), shown(one["first"]), shown(one["last"])) for one in read)
        yield (
            "Logs that were read",
            Rows(("Log", "Lines", "First", "Last"), told[:MOST_ROWS], len(told) - len(told[:MOST_ROWS])),
        )
    signs = [(one["kind"], f"{printable(one['source'])}:{one['line']}", one["text"]) for one in logins.get("tamper", ())]
    if signs:
        yield "Signs of tampering", Rows(("Sign", "Where", "What"), tuple(signs))
    if kinds := logins.get("unknown", ()):
        told = tuple(
            (grouped(one["times"]), f"{printable(one['source'])}:{one['line']}", printable(one["example"])) for one in kinds
        )
        yield (
            "Lines that were not understood, one of each kind",
            Rows(("Lines", "Where", "Example"), told[:MOST_ROWS], len(told[MOST_ROWS:])),
        )


def _login(one: Dict) -> tuple[str, ...]:
    key = f", key {one['fingerprint']}" if one["fingerprint"] else ""
    whose = f" of {one['key_of']}" if one.get("key_of") else ""
    how = f"{one['method'] or one.get('service') or 'not known'}{key}{whose}"
    state_ = {
        "bare": "only its own line tells of it",
        "sourceless": "no server tells of it",
        "unsupported": "UNSUPPORTED",
        "forged": "FORGED",
    }
    return (
        shown(one["time"]), printable(one["user"]) or "''", printable(one["address"] or "the machine itself"), how,
        state_.get(one.get("state", ""), "supported"), ", ".join(one["support"]) or "nothing else",
        grouped(one.get("guesses_before", 0)), str(one.get("ask") or "-"),
    )  # fmt: skip


def _source(one: Dict) -> tuple[str, ...]:
    address = {"*": "all others", "": "not in its lines"}.get(one["address"], printable(one["address"]))
    exist = ", ".join(printable(name)[:40] for name in one.get("existing", ())[:8])
    names = one.get("names", len(one["users"]))
    return address, grouped(one["attempts"]), grouped(names), exist or "-", shown(one["first"]), shown(one["last"])


def _place(line: Dict | None) -> str:
    return f"{printable(line['source'])}:{line['line']}" if line else "-"


# --- facts


def _tables(facts: Dict) -> Iterator[tuple[str, Rows]]:
    """Yield what is known of the host besides, as tables."""
    told: tuple[tuple[str, ...], ...]
    columns: tuple[str, ...]
    if moments := facts.get("timeline", ()):
        told = tuple(_moment(one) for one in moments[:MOST_ROWS])
        yield (
            "Files whose status changed",
            Rows(("Time", "Path", "Kind", "Says it was modified"), told, len(moments) - len(told)),
        )
    if listeners := facts.get("listeners", ()):
        told = tuple(_listener(one) for one in listeners[:MOST_ROWS])
        columns = ("Port", "Address", "Program", "Service", "From outside", "Says")
        yield "What listens", Rows(columns, told, len(listeners) - len(told))
    if protections := facts.get("protections", ()):
        told = tuple(_protection(one) for one in protections[:MOST_ROWS])
        yield (
            "What watches this machine",
            Rows(("Kind", "Name", "Runs", "At boot", "Detail"), told, len(protections) - len(told)),
        )
    if accounts := facts.get("accounts", ()):
        able = [one for one in accounts if one["session"] or one["root"] is not False]
        told = tuple(_account(one) for one in able[:MOST_ROWS])
        columns = ("Account", "Kind", "Password", "Root", "Groups")
        yield "Accounts with a session, or as good as root", Rows(columns, told, len(able) - len(told))


def _moment(one: Dict) -> tuple[str, ...]:
    modified = shown(one["modified"]) if one.get("modified") else "-"
    return (
        shown(one["time"]) if one["time"] else "not known",
        printable(one["path"]),
        one["kind"],
        f"BACKDATED: {modified}" if one.get("backdated") else modified,
    )


def _listener(one: Dict) -> tuple[str, ...]:
    outside = "not known" if one.get("exposed") is None else "yes" if one["exposed"] else "no"
    program = one["process"] or one.get("program") or "not known"
    return f"{one['port']}/{one['protocol']}", one["address"], program, one.get("service") or "-", outside, one["banner"] or "-"


def _protection(one: Dict) -> tuple[str, ...]:
    words = {True: "yes", False: "no", None: "not known"}
    return one["kind"], one["name"], words[one["running"]], words[one["enabled"]], one["detail"] or "-"


def _account(one: Dict) -> tuple[str, ...]:
    root = {True: f"yes: {', '.join(one['root_by'])}", False: "no", None: "not known"}[one["root"]]
    groups = "not known" if one["groups"] is None else ", ".join(one["groups"])
    return printable(one["name"]), one["kind"], one["password"]["state"], root, groups


def _gaps(gaps: Sequence[Dict]) -> Rows:
    """The gaps by reason: each reason once, with what it is said of."""
    reasons: dict[tuple[str, str, str], list[str]] = {}
    for gap in sorted(gaps, key=lambda gap: "news" not in gap):
        since = " ".join(marked(gap))
        reasons.setdefault((gap["reason"], gap["subject"].rpartition("/")[0], since), []).append(printable(gap["subject"]))
    rows = tuple((_subjects(subjects), said(reason), since) for (reason, _parent, since), subjects in reasons.items())
    dated = any(row[2].strip() for row in rows)
    columns, told = ("What", "Why", "Since"), rows[:MOST_GAPS]
    return Rows(columns if dated else columns[:2], told if dated else tuple(row[:2] for row in told), len(rows) - len(told))


def _subjects(subjects: Sequence[str]) -> str:
    more = (
        f" and {grouped(len(subjects) - MOST_SUBJECTS)} more (--format json names all)" if len(subjects) > MOST_SUBJECTS else ""
    )
    return f"{', '.join(subjects[:MOST_SUBJECTS])}{more}"
