"""HTML: one file that needs nothing else, for a screen, for paper, and for who reads with ears or fingers."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from auditkit.printable import counted, grouped, printable, said
from auditkit.report.access import also, fallen, keys_head, left_out, unseen_on
from auditkit.report.document import Document
from auditkit.report.html.attempts import Chart, by_host, on_all
from auditkit.report.html.blast import Picture, picture
from auditkit.report.html.fleet import Row, rows
from auditkit.report.html.front import WIDE, Front, front
from auditkit.report.html.machine import Rows, machine
from auditkit.report.html.opened import Matrix, matrix
from auditkit.report.html.steps import Step, commands, steps
from auditkit.report.html.times import shown
from auditkit.report.look import Options
from auditkit.report.table import against_each_other, worst_first

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_DOORS, MOST_FALLS = 2000, 200
GUESSED = ("Host", "Guesses", "The first", "The last", "Logins", "To be asked about")
Dict = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Access:
    """Who can log in, on all hosts."""

    sentence: str
    doors: Rows
    unknown: Rows
    unchecked: Rows
    keys: str
    matrix: Matrix
    picture: Picture | None
    falls: tuple[tuple[str, ...], ...]
    more_falls: int
    unseen: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All but the hosts."""

    front: Front
    tool: str
    command: str
    started: str
    finished: str
    steps: tuple[Step, ...]
    commands: tuple[str, ...]
    rows: tuple[Row, ...]
    beside: tuple[str, ...]
    """What holding hosts against each other came to."""
    guesses: Chart | None
    """Who was attacked when, of several hosts."""
    guessed: Rows
    access: Access | None
    gaps: Rows


def pieces(document: Document, options: Options) -> Iterator[str]:
    """Yield the page, host by host; what it may run and how it looks is named by hash (CSP Level 3), and it loads nothing."""
    templates = _templates()
    style, script = (templates.get_template(name).render().strip() for name in ("page.css", "page.js"))
    hashes = {"style_hash": _hash(style), "script_hash": _hash(script)}
    yield templates.get_template("top.html").render(page=page(document), style=style, script=script, **hashes)
    hosts = worst_first(document["hosts"])
    one = templates.get_template("host.html")
    for number, host in enumerate(hosts, 1):
        told = machine(host, number, document, show_all=options.show_all)
        yield one.render(host=told, alone=len(hosts) == 1, show_all=options.show_all)
    yield templates.get_template("end.html").render(tool=document["tool"], script=script) + "\n"


def page(document: Document) -> Page:
    """What stands above the hosts."""
    known, hosts = document.get("access"), worst_first(document["hosts"])
    return Page(
        front(document),
        document["tool"],
        document["command"],
        shown(document["started"]),
        shown(document["finished"]),
        tuple(steps(document)),
        tuple(commands(document)),
        tuple(rows(document)),
        tuple(line.strip() for line in against_each_other(hosts, WIDE)),
        on_all(hosts) if len(hosts) > 1 else None,
        _bounded(GUESSED, tuple(by_host(hosts))),
        _access(known) if known else None,
        _gaps(document),
    )


def _access(known: Dict) -> Access:
    passwords = known["passwords"]
    doors = tuple(
        tuple(printable(door[name]) for name in ("host", "account", "from", "method", "set_by")) for door in passwords["doors"]
    )
    unknown = tuple(
        (printable(one.get("host", "")), printable(one["account"]), one["from"], one["why"]) for one in passwords["unknown"]
    )
    unchecked = tuple((printable(one["host"]), "; ".join(one["why"])) for one in passwords["unchecked"])
    return Access(
        passwords["sentence"],
        _bounded(("Host", "Account", "From", "Method", "Set by"), doors),
        _bounded(("Host", "Account", "From", "Why"), unknown),
        _bounded(("Host", "Why"), unchecked),
        keys_head(known["keys"]).strip().removeprefix("keys").strip()
        if known["keys"]
        else "No key that opens an account was found.",
        matrix(known),
        picture(known),
        tuple((fallen(fall), *also(fall)) for fall in known["reach"][:MOST_FALLS]),
        max(len(known["reach"]) - MOST_FALLS, 0),
        tuple(line.strip() for line in (*unseen_on(known["unseen"]), *left_out(known))),
    )


def _bounded(columns: tuple[str, ...], told: tuple[tuple[str, ...], ...]) -> Rows:
    return Rows(columns, told[:MOST_DOORS], max(len(told) - MOST_DOORS, 0))


def _gaps(document: Document) -> Rows:
    """How many gaps each host has, and why the first is there."""
    told = tuple(
        (
            f"host-{number}",
            printable(host["host"]),
            grouped(len(host["gaps"])),
            f"{printable(host['gaps'][0]['subject'])}: {said(host['gaps'][0]['reason'])}",
        )
        for number, host in enumerate(worst_first(document["hosts"]), 1)
        if host["gaps"]
    )
    return Rows(("Host", "Gaps", "The first of them"), told)


def _templates() -> "Environment":
    """The templates; every text that they are given passes through said(), and then through the escaping of HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - only where HTML is asked for

    made = Environment(
        loader=PackageLoader("auditkit.report.html"), autoescape=True, undefined=StrictUndefined, finalize=_told,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {"shown": printable, "grouped": grouped, "counted": counted}
    return made


def _told(value: object) -> object:
    """A value of the report as it may be shown; what a template has made is not a plain str."""
    return said(value) if type(value) is str else value


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode("ascii")
