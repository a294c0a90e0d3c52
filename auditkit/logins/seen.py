"""All that is known of one machine when it is judged who logged in, and what the judgment comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from auditkit.logins.nouns import Log, Setting
from auditkit.logins.reading import Reading
from auditkit.model import Finding, Gap, Office


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the machine, as far as logins go."""

    uid: int | None


@dataclass(frozen=True, slots=True)
class KeyLine:
    """A line of authorized_keys that a key stands on."""

    account: str
    where: str
    """FILE:LINE."""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """How a log began, and how long it was: a log that only grows keeps its beginning, also when it is rotated and packed."""

    name: str
    inode: int | None
    size: int
    """Bytes, once unpacked."""
    length: int
    """How many bytes of its beginning `digest` is over; less than was asked for where the log is shorter."""
    digest: str


Login = tuple[str, str, str]
"""User, address and fingerprint; the empty word where there was none."""


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier runs kept of a machine."""

    heads: tuple[Head, ...] = ()
    logins: Mapping[Login, int | None] = field(default_factory=dict)
    """Each login that was seen, and when for the first time; None where that is not known any more."""
    last: int | None = None
    """When the latest of these runs was."""
    first: int | None = None
    """When the first of them was, where that is known: logins since then are held against what was seen by then."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What `journalctl --verify` said of one journal."""

    name: str
    passed: bool | None
    """None: it could not look it through."""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was taken of one machine; None is what is not known, and never the same as nothing."""

    host: str
    readings: tuple[Reading, ...]
    setting: Setting
    asked: tuple[Log, ...] = ()
    """Sources that were looked for and could not be read, with their condition: absent ones, too."""
    accounts: Mapping[str, Account] | None = None
    keys: Mapping[str, tuple[KeyLine, ...]] | None = None
    """Fingerprint, as in `SHA256:...`, to the lines that it stands on; None where the files of keys were not all read."""
    office: Office = field(default_factory=Office)
    """Own networks, and whose keys are known."""
    since: int | None = None
    until: int | None = None
    newest: int | None = None
    """The last line of all, where the sources are copies of whenever: nothing is expected of the time behind it."""
    past: Past | None = None
    heads: tuple[Head, ...] = ()
    """Of the logs as they are now, once for each `length` of `past.heads`, so that both can be held together."""
    verified: tuple[Verified, ...] = ()
    log_level: str | None = None
    """LogLevel of sshd: from VERBOSE on it tells more of each login."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line that the verdict quotes."""

    source: str
    line: int
    offset: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of the logins of one machine."""

    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    logins: Mapping[str, object]
    """`logins` of the report, as schema.json has it."""
    notes: tuple[str, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    """Lines of texts whose words are worth fetching: `verdict.quoted` lets the findings quote them."""
    evidence: tuple[tuple[Wanted, ...], ...] = ()
    """Lines that tell of each of the first sources of `logins`: with their words `evidence.told` puts them there."""
    exists: Mapping[str, bool] = field(default_factory=dict)
    """Name that was tried from there to whether there is such an account, as far as that is known."""
    logged_in: Mapping[Login, int | None] = field(default_factory=dict)
    """What the next run is to have as `Past.logins`, with what it had before."""
