"""What `sshd -T -ddd` writes, of OpenSSH 8.4 to 10.6: values, the line that set each, and lines that it refuses.

Since 10.4 keywords are spelled as in sshd_config(5), and some values otherwise: all are read as OpenSSH 9.2 has them.
"""

import re
from dataclasses import dataclass

from auditkit.access.nouns import Dump
from auditkit.answers import Ran
from auditkit.sshd.criteria import Connection
from auditkit.sshd.effective import Refusal
from auditkit.sshd.lines import Version, lowered
from auditkit.sshd.reading import Place

MOST_LINES = 20_000
"""Lines of a dump or of its debugging that are read."""
SAME = {"without-password": "prohibit-password", "true": "yes", "false": "no", "SILENT": "QUIET", "DEBUG": "DEBUG1"}
SPOILED = ("loglevel",)
"""What `-d` itself changes."""
_WORD = re.compile(r"[A-Za-z0-9]+")
_FRACTION = re.compile(r"(?<=[0-9])\.0+(?![0-9])")
_TIMES = (
    "logingracetime",
    "clientaliveinterval",
    "persourcepenalties",
    "rekeylimit",
    "unusedconnectiontimeout",
    "channeltimeout",
)
_SETTING = re.compile(r"debug3: (.{1,4096}):([0-9]{1,9}) setting ([A-Za-z0-9]+)(?: |$)")
_REFUSED = re.compile(r"(?!debug[0-9]: )(.{1,4096}?):? line ([0-9]{1,9}): (.*)")
_WARNED = re.compile(r"(?:Deprecated|Unsupported) option|ignoring")
_VERSION = re.compile(r"\bOpenSSH_([0-9]{1,3})\.([0-9]{1,3})")
_AGAIN = "reprocess config"
"""What sshd calls its main file when it reads it for a connection."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of asking sshd."""

    dump: Dump | None
    """None: it gave none."""
    version: Version | None
    refused: tuple[Refusal, ...] = ()
    """The lines it would not start with."""
    complaint: str = ""
    """Its last words, where it gave no dump."""


def answer(ran: Ran, main: str, who: Connection) -> Answer:
    """What sshd said of a connection, its main file being `main`."""
    told = _text(ran.complaints)
    if ran.status == 0 and ran.out:
        return Answer(Dump(who, values(_text(ran.out)), _set_by(told, main)), version("\n".join(told)))
    refused = tuple(_refusals(told, main))
    words = [line for line in told if line and not line.startswith("debug")]
    ended = "it was ended because of its time or size" if ran.status is None else ""
    return Answer(None, version("\n".join(told)), refused, ended or (words[-1][:200] if words else "it says nothing"))


def values(lines: list[str]) -> dict[str, tuple[str, ...]]:
    """A dump by keyword in lower case, one text for each line."""
    found: dict[str, list[str]] = {}
    for line in lines:
        name, blank, value = line.partition(" ")
        name = lowered(name)
        if blank and _WORD.fullmatch(name) and name not in SPOILED:
            value = _FRACTION.sub("", value) if name in _TIMES else value
            found.setdefault(name, []).append(SAME.get(value, value))
    return {name: tuple(texts) for name, texts in found.items()}


def version(text: str) -> Version | None:
    """The version that a banner, `sshd -V` or its debugging names."""
    found = _VERSION.search(text)
    return (int(found[1]), int(found[2])) if found else None


def _text(data: bytes) -> list[str]:
    return data.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n")[:MOST_LINES]


def _set_by(told: list[str], main: str) -> dict[str, tuple[str, ...]]:
    """The lines that set each keyword, in the order in which they were read; of a connection's own reading, those alone."""
    first: dict[str, dict[str, None]] = {}
    again: dict[str, dict[str, None]] = {}
    reading = first
    for line in told:
        if found := _SETTING.match(line):
            file = main if found[1] == _AGAIN else found[1]
            reading.setdefault(lowered(found[3]), {})[f"{file}:{found[2]}"] = None
        elif _AGAIN in line:
            reading = again
    return {name: tuple(lines) for name, lines in {**first, **again}.items()}


def _refusals(told: list[str], main: str) -> list[Refusal]:
    found = [match for line in told if not _WARNED.search(line) and (match := _REFUSED.match(line))]
    return [Refusal(Place(main if one[1] == _AGAIN else one[1], int(one[2])), one[3][:200]) for one in found]
