"""What a sudoers file says: rules, Defaults, aliases, and lines that are none of these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from auditkit.model import Quote


class Kind(StrEnum):
    """What a member of a list is."""

    ALL = "ALL"
    ALIAS = "alias"
    WORD = "word"
    """A name, or `#` and a number: a user, a host, a group of a `(user:group)`."""
    GROUP = "group"
    """`%name`, `%#gid`, `%:name`"""
    NETGROUP = "netgroup"
    NETWORK = "network"
    COMMAND = "command"
    MYSELF = "myself"
    """`()`: whoever asks, as himself."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a list of users, hosts, groups or commands."""

    kind: Kind
    text: str = ""
    """As meant, escapes undone: of a command its path or pattern, of a group what stands behind `%`."""
    negated: bool = False
    arguments: str | None = None
    """Of a command: None any, empty none at all, else a pattern with single blanks between the words."""
    digests: tuple[str, ...] = ()

    @property
    def written(self) -> str:
        """It as a person would write it."""
        sign = {Kind.GROUP: "%", Kind.NETGROUP: "+", Kind.ALL: "ALL", Kind.MYSELF: "()"}.get(self.kind, "")
        words = "" if self.arguments is None else " " + (self.arguments or '""')
        return f"{'!' * self.negated}{sign}{self.text}{words}"


Members = tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may run one command where and as whom; what is said of several commands at once is repeated for each."""

    users: Members
    hosts: Members
    command: Member
    runas_users: Members | None = None
    """None: as whom `runas_default` says, which is root."""
    runas_groups: Members | None = None
    tags: tuple[str, ...] = ()
    """Those in force: `NOPASSWD`, `SETENV`; of two that contradict each other the last."""
    options: tuple[tuple[str, str], ...] = ()
    """`CWD`, `CHROOT`, `TIMEOUT` and the like."""
    quote: Quote = field(default=Quote("", 0, ""), compare=False)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a Defaults line."""

    name: str
    operator: str
    """Empty for a flag that is set, `!` for one that is not, else `=`, `+`, `-`."""
    value: str = ""
    scope: str = ""
    """For whom: empty for all, `:` users, `@` hosts, `>` whom it is run as, `!` commands."""
    bound: Members = ()
    quote: Quote = field(default=Quote("", 0, ""), compare=False)

    @property
    def on(self) -> bool | None:
        """Whether a flag is set; None where it is none."""
        return {"": True, "!": False}.get(self.operator)


@dataclass(frozen=True, slots=True)
class Include:
    """A file or directory that is to be read at this place."""

    path: str
    """As written."""
    directory: bool
    quote: Quote = field(default=Quote("", 0, ""), compare=False)


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for a list."""

    kind: str
    """`User`, `Runas`, `Host` or `Cmnd`."""
    name: str
    members: Members
    quote: Quote = field(default=Quote("", 0, ""), compare=False)


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that sudo does not understand, and so leaves out."""

    quote: Quote
    why: str


Entry = Rule | Setting | Include | Alias | Broken


@dataclass(frozen=True, slots=True)
class Policy:
    """All that the files of a host say together, in the order in which sudo reads it."""

    rules: tuple[Rule, ...] = ()
    settings: tuple[Setting, ...] = ()
    aliases: Mapping[tuple[str, str], Members] = field(default_factory=dict)
    """By kind and name."""
    broken: tuple[Broken, ...] = ()
    files: tuple[str, ...] = ()
    """Those that count, in their order."""
    skipped: tuple[str, ...] = ()
    """Those in a directory that is read that sudo passes over for their names."""
    unread: tuple[tuple[str, str], ...] = ()
    """What is to be read and was not, and why."""
    wanted: tuple[str, ...] = ()
    """Paths and globs that nobody has asked for yet."""
