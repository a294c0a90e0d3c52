"""What is known of the ways into a host over SSH, as one object that every group of rules reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from auditkit.answers import Process, Shown
from auditkit.model import Evidence, Gap
from auditkit.sshd.criteria import Connection
from auditkit.sshd.doors import Door, Source
from auditkit.sshd.effective import Configuration
from auditkit.sshd.lines import Version


class Password(StrEnum):
    """What is known of the password of an account."""

    SET = "set"
    EMPTY = "empty"
    LOCKED = "locked"
    """A hash behind `!`: no password fits, and without PAM no key either."""
    NONE = "none"
    """Nothing that a password could fit: `*`, `!` alone."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Login:
    """An account, and what decides whether it may log in."""

    name: str
    uid: int
    gid: int
    groups: tuple[str, ...] | None
    """All of its groups by name; None where they are not all known."""
    home: str
    shell: str
    password: Password
    expired: bool | None
    """Whether its last day is over (shadow(5), field 8); None: not known."""


@dataclass(frozen=True, slots=True)
class Dump:
    """What `sshd -T -C` said of a connection: values by keyword in lower case, and the line that set each."""

    connection: Connection
    values: Mapping[str, tuple[str, ...]]
    set_by: Mapping[str, tuple[str, ...]]
    """`FILE:LINE` by keyword in lower case, from `-ddd`."""


@dataclass(frozen=True, slots=True)
class Server:
    """An SSH server that runs, or that is configured to."""

    kind: str
    """`openssh`, `dropbear`, `tinyssh`, or the name of the program."""
    process: Process | None
    """None: it does not run, or nobody could see."""
    main: str
    """The file that configures it."""
    version: Version | None
    banner: str
    configuration: Configuration | None
    """What its files come to; None where it has none, or they were not read."""
    dumps: tuple[Dump, ...]
    doors: tuple[Door, ...]
    """Each way in with a password, and each of which nobody can tell: configuration, account and PAM taken together."""
    shown: tuple[Shown, ...]
    """What it showed over the network."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything at once."""

    evidence: Evidence
    logins: tuple[Login, ...]
    sources: tuple[Source, ...]
    servers: tuple[Server, ...]
    gaps: tuple[Gap, ...]
