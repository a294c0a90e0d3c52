"""Who may sign: the allowed_signers file of ssh-keygen(1), section ALLOWED SIGNERS.

    anna@example.com namespaces="auditkit",valid-before="20270101Z" ssh-ed25519 AAAAC3Nza... laptop

Strict where ssh-keygen is lazy: every line is read, and one that is wrong is named, whoever is looked for.
"""

import re
from base64 import b64decode
from binascii import Error
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from auditkit import opening
from auditkit.errors import ConfigError
from auditkit.keys import patterns
from auditkit.keys.times import FORM as TIME_FORM
from auditkit.keys.wire import take
from auditkit.printable import printable

LIMIT = 1024 * 1024
KINDS = (
    "ssh-ed25519",
    "ssh-rsa",
    "ssh-dss",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
"""Key types a line may hold; what cannot be verified (ssh-dss) is refused only when such a key signs."""
FORM = 'write it like: anna@example.com namespaces="auditkit" ssh-ed25519 AAAA...'

# Possessive, so that no line of quotes and backslashes costs more than its length.
_PRINCIPALS = re.compile(r'(?:"([^"]+)"|([^ \t"]+))[ \t]+(.*)', re.DOTALL)
_OPTIONS = re.compile(r'((?:\\"|[^ \t"]|"(?:\\"|[^"])*+")++)[ \t]+(.*)', re.DOTALL)
_OPTION = re.compile(r'([A-Za-z-]++)(?:="((?:\\"|[^"])*+)")?+(,|\Z)')


@dataclass(frozen=True, slots=True)
class Allowed:
    """One line of the file: whose key it is and what it is good for."""

    principals: str
    """Names or patterns with commas between them, as written."""
    kind: str
    key: bytes
    line: int
    authority: bool = False
    """Whether the key only signs certificates, and certificates sign."""
    namespaces: str | None = None
    after: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Signers:
    """An allowed_signers file as read."""

    file: str
    lines: tuple[Allowed, ...]

    def of(self, key: bytes, authority: bool = False) -> tuple[Allowed, ...]:
        """The lines that hold this public key, as a signer or as a certificate authority."""
        return tuple(line for line in self.lines if line.key == key and line.authority == authority)


def read(path: str, zone: tzinfo | None = None) -> Signers:
    """The signers of a file; dates without Z are of this zone, or of the machine's if there is none.

    Raises:
        ConfigError: it cannot be read, or a line is wrong.
    """
    try:
        data = opening.content(path, LIMIT + 1)
    except OSError as error:
        raise ConfigError(f"{printable(path)} cannot be read: {error.strerror}", "name the allowed_signers file") from error
    return parse(data, path, zone)


def parse(data: bytes, file: str, zone: tzinfo | None = None) -> Signers:
    """The signers that stand in `data`; `file` is what errors call it.

    Raises:
        ConfigError: it is too large, or a line is wrong.
    """
    if len(data) > LIMIT:
        raise ConfigError(f"{printable(file)} is larger than {LIMIT} bytes", "check that it is an allowed_signers file")
    lines = []
    for line, text in enumerate(data.decode("utf-8", "surrogateescape").split("\n"), 1):
        stripped = text.strip(" \t\r")
        if stripped and not stripped.startswith("#"):
            try:
                lines.append(_allowed(stripped, line, zone))
            except ValueError as error:
                raise ConfigError(f"{printable(file)}, line {line}: {error}", FORM) from error
    return Signers(file, tuple(lines))


def objection(line: Allowed, namespace: str, when: datetime) -> str:
    """Why this line does not allow a signature for `namespace` at that time; nothing if it does."""
    now = when.replace(microsecond=0)
    if line.namespaces is not None and not patterns.among(namespace, line.namespaces):
        return f"allows the namespaces {printable(line.namespaces[:60])!r}, not {namespace!r}"
    if line.after and now < line.after:
        return f"allows it only from {date(line.after.timestamp())} on"
    if line.before and now > line.before:
        return f"allowed it only until {date(line.before.timestamp())}"
    return ""


def date(seconds: float) -> str:
    """A moment as messages name it."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return "the end of time"


def _allowed(text: str, line: int, zone: tzinfo | None) -> Allowed:
    """One line that is no comment; ValueError says in words what is wrong with it."""
    if "\0" in text:
        raise ValueError("a zero byte")
    start = _PRINCIPALS.fullmatch(text)
    if not start:
        raise ValueError("there is no key after the principals")
    principals, rest = start[1] or start[2], start[3]
    if all(name.startswith("!") or not name for name in principals.split(",")):
        raise ValueError("the principals name nobody")
    options: dict[str, str] = {}
    if rest.split(maxsplit=1)[:1] and rest.split(maxsplit=1)[0] not in KINDS:
        split = _OPTIONS.fullmatch(rest)
        if not split:
            raise ValueError("there is no key after the options, or a quote stays open")
        options, rest = _options(split[1]), split[2]
    kind, key = _key(rest)
    after, before = _time("valid-after", options, zone), _time("valid-before", options, zone)
    if after and before and before <= after:
        raise ValueError("valid-before is not later than valid-after")
    return Allowed(principals, kind, key, line, "cert-authority" in options, options.get("namespaces"), after, before)


def _key(text: str) -> tuple[str, bytes]:
    words = text.split(maxsplit=2)
    if len(words) < 2 or words[0] not in KINDS:
        word = printable(words[0][:60]) if words else "nothing"
        raise ValueError(f"a public key is expected, not {word}")
    try:
        key = b64decode(words[1], validate=True)
        kind, _ = take(key)
    except (Error, ValueError) as error:
        raise ValueError("the key is damaged") from error
    if kind != words[0].encode():
        raise ValueError(f"the key is not the {words[0]} it says it is")
    return words[0], key


def _options(text: str) -> dict[str, str]:
    """Option names in lower case and their values: `namespaces="git,auditkit",cert-authority`."""
    options: dict[str, str] = {}
    place, comma = 0, ","
    while comma:
        found = _OPTION.match(text, place)
        name = found[1].lower() if found else ""
        if not found or name not in ("cert-authority", "namespaces", "valid-after", "valid-before"):
            raise ValueError(f"an option is expected, not {printable(text[place : place + 60]) or 'nothing'}")
        if (found[2] is None) != (name == "cert-authority"):
            raise ValueError(f'the value of {name} is missing or out of place: {name}="..." wants its quotes')
        if name in options and name != "cert-authority":
            raise ValueError(f"{name} stands twice")
        options[name] = (found[2] or "").replace('\\"', '"')
        place, comma = found.end(), found[3]
    return options


def _time(name: str, options: dict[str, str], zone: tzinfo | None) -> datetime | None:
    """A date or time in one of the forms `20270101`, `202701011530` and `20270101153000`, with Z for UTC."""
    if name not in options:
        return None
    found = TIME_FORM.fullmatch(options[name])
    if not found:
        raise ValueError(f"{name} is no time like 20270101 or 202701011530Z")
    try:
        naive = datetime(*(int(part or 0) for part in found.groups()[:6]))  # type: ignore[arg-type]  # noqa: DTZ001
        moment = naive.replace(tzinfo=UTC) if found[7] else naive.replace(tzinfo=zone).astimezone(UTC)
        seconds = moment.timestamp()
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name} is no time there is") from error
    if seconds <= 0:
        raise ValueError(f"{name} is not later than 1970")
    return moment
