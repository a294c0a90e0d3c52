"""The nouns: frozen data that travels from touching a machine over judging it to telling of it.

Paths and other text from a host are `str` decoded from UTF-8 with `surrogateescape` at the host's edge, so that any
bytes survive; they are shown only through `printable()`. Times are nanoseconds since 1970 in UTC or aware datetimes.
"""

import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum


class Kind(StrEnum):
    """What an entry is, as lstat tells."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    BLOCK = "block device"
    CHARACTER = "character device"
    FIFO = "fifo"
    SOCKET = "socket"


_TYPES = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFBLK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK)
OF_MODE = dict(zip(_TYPES, Kind, strict=True))
"""The kind of a node by the type in its mode, S_IFMT: inode(7)."""


class Level(StrEnum):
    """How closely a path is watched."""

    CONTENT = "content"
    METADATA = "metadata"
    GROWING = "growing"
    ROTATED = "rotated"
    EXISTS = "exists"
    IGNORE = "ignore"


class Severity(IntEnum):
    """How much a finding matters; ordered, and written as its word."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """The severity as reports and policies write it."""
        return self.name.lower()


class State(StrEnum):
    """How the work on one host ended; nothing but `ok` is called clean."""

    OK = "ok"
    FINDINGS = "findings"
    PARTIAL = "partial"
    """It answered, but not everything could be seen."""
    UNTRUSTED = "untrusted"
    UNREACHABLE = "unreachable"
    AUTH_FAILED = "auth-failed"
    HOSTKEY_UNKNOWN = "hostkey-unknown"
    HOSTKEY_CHANGED = "hostkey-changed"
    THROTTLED = "throttled"
    NO_SHELL = "no-shell"
    SUDO_REFUSED = "sudo-refused"
    TIMEOUT = "timeout"
    LIED = "lied"
    """What it says contradicts itself, the protocol, or what another way to look at it shows."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What could not be seen, and why: a gap is never a pass."""

    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Watch:
    """One line of a policy: which paths, how closely, how severe, and why."""

    path: str
    """An absolute path or glob; a directory means all below it; `~` is each home directory."""
    level: Level
    severity: Severity = Severity.MEDIUM
    why: str = ""
    keep: bool = False
    """Whether the baseline keeps the text of small files, so that a report can show the difference."""
    cross_mounts: bool = False
    """Whether the scan goes on into other file systems mounted below."""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """What to watch on one kind of machine; the first matching watch wins."""

    name: str
    watches: tuple[Watch, ...]
    digests: tuple[str, ...] = ("blake3",)
    text: str = ""
    """The YAML it was read from: it goes into the baseline, so that an edited policy cannot blind a check."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One path as a scan found it; `None` means this host, or this level, cannot show it."""

    path: str
    kind: Kind
    mode: int | None = None
    """Permission bits with setuid, setgid and sticky: 0o4755."""
    uid: int | None = None
    gid: int | None = None
    owner: str | None = None
    group: str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    ctime_ns: int | None = None
    btime_ns: int | None = None
    inode: int | None = None
    links: int | None = None
    device: str | None = None
    """`major:minor` of the file system (directories) or of the device node."""
    flags: str | None = None
    """chattr letters that matter: `i` immutable, `a` append-only."""
    digests: tuple[str, ...] | None = None
    """`blake3:HEX` and the like, one per algorithm."""
    target: str | None = None
    """Where a symlink points, as written in it."""
    xattrs: tuple[tuple[str, str], ...] | None = None
    """Name and value of extended attributes (capabilities, ACLs, labels); values in hex."""
    content: str | None = None
    """The text of a small file whose watch says `keep`."""


class ChangeKind(StrEnum):
    """What happened to a path between two scans."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a change is accounted for, and how well that is proved."""

    by: str
    text: str
    proof: str
    """`signed`, `local` or `none`."""


@dataclass(frozen=True, slots=True)
class Change:
    """One path that is not as it was; `attributes` names what differs."""

    path: str
    change: ChangeKind
    before: Entry | None
    after: Entry | None
    attributes: tuple[str, ...]
    severity: Severity
    level: Level
    rule: str
    """The id of the rule that judged it."""
    note: str = ""
    """What a reader should know beyond the attributes: `moved from /a`, `grew by 12 KiB`."""
    why: str = ""
    """Why the policy watches this path."""
    explanation: Explanation | None = None


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the mount table."""

    point: str
    kind: str
    """The file system type: ext4, overlay, tmpfs."""
    source: str
    root: str
    """The directory of that file system which is mounted: not `/` for a bind mount."""
    device: str
    options: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a finding means, written once beside the code that applies it."""

    id: str
    title: str
    severity: Severity
    why: str
    """First what it means, for whoever decides; then how it works, for whoever administers."""
    remedy: str
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Quote:
    """The words a finding rests on."""

    source: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that needs a person: the rule it breaks, on what, and the words it rests on."""

    rule: Rule
    subject: str
    message: str
    severity: Severity
    quotes: tuple[Quote, ...] = ()
    remedy: str = ""
    """Instead of the rule's remedy, where the case has a better one."""
    window: bool = False
    """Whether what it names was changed, or started, in the window of time that was asked about."""


class Means(StrEnum):
    """How a piece of evidence is had: docs/reference/needs.md says what each does; `answers` reads what is no file."""

    FILE = "file"
    STATUS = "status"
    COMMAND = "command"
    LISTENERS = "listeners"
    BANNER = "banner"
    PORT = "port"
    LISTING = "listing"
    UNOWNED = "unowned"
    PRIVILEGED = "privileged"
    PROCESSES = "processes"
    PACKAGES = "packages"
    TIMES = "times"
    LIBRARIES = "libraries"
    LOG = "log"


ON_DISK = frozenset(Means) - {Means.COMMAND, Means.LISTENERS, Means.BANNER, Means.PORT, Means.PROCESSES, Means.LIBRARIES}
"""What a mounted disk shows too; the rest is of a machine that runs."""
OUTSIDE = frozenset((Means.BANNER, Means.PORT))
"""What is seen from outside of the host, so that nothing on it is asked."""


@dataclass(frozen=True, slots=True)
class Need:
    """What an audit wants from a host: data, so that one round trip collects it all."""

    means: Means
    what: str
    """A path or glob, words of a command, or a service; `~/` begins a path in the home of every account."""
    why: str = ""
    secret: bool = False
    """Whether it holds secrets, so that the host's side passes on only facts of it."""
    optional: bool = True
    """Whether a host without it is complete all the same."""
    long: bool = False
    """Whether it may be far longer than others are: it then comes in pieces, each an Item; a file names a path and no glob."""

    @property
    def several(self) -> bool:
        """Whether it may stand for more than one path."""
        return self.what.startswith("~/") or not set(self.what).isdisjoint("*?[")


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of evidence as taken; parsing it is judging."""

    need: Need
    source: str
    data: bytes
    taken: datetime
    digest: str


TIMES = ("mtime", "ctime", "btime")
PASSING = (*TIMES, "inode", "links")
"""Attributes that change with every writing: told only where nothing else is to be told."""
OWNERS = {"uid": "owner", "gid": "group"}
"""How attributes that are numbers of somebody are called."""


@dataclass(frozen=True, slots=True)
class Office:
    """What the auditor's own configuration says, as far as judges need it."""

    networks: tuple[str, ...] = (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1918
        *("169.254.0.0/16", "127.0.0.0/8"),  # link-local, RFC 3927; loopback
        *("fc00::/7", "fe80::/10", "::1/128"),  # RFC 4193
    )
    """The own address ranges: where auditkit.yaml sets none, what is private, link-local or loopback."""
    known_keys: tuple[tuple[str, str], ...] = ()
    """Fingerprint of a key, and whose it is."""
    active: bool = False
    """Whether services may be asked what only who needs no password gets."""


@dataclass(frozen=True, slots=True)
class BaselineFacts:
    """Which baseline a host was compared with."""

    file: str
    made: datetime
    sequence: int
    signer: str | None
    entries: int
    policy: str
    listeners: tuple[Mapping[str, object], ...] | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """An update that a host lacked when an earlier run looked: the first of them that saw it."""

    package: str
    """`name:architecture`"""
    version: str
    """The one that was offered."""
    security: bool
    seen: datetime
    """When that run was."""
    listed: datetime | None
    """The date of the list that named it then."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that was taken from one host, and what could not be."""

    host: str
    taken: datetime
    items: tuple[Item, ...] = ()
    gaps: tuple[Gap, ...] = ()
    office: Office = Office()
    """Of whoever judges, not of who took it."""
    unasked: tuple[Need, ...] = ()
    """What could not be asked: a disk runs nothing, and old evidence knows no new question."""
    before: BaselineFacts | None = field(default=None, compare=False)
    """The newest baseline of the host, for judges of what is new since; None where there is none."""
    missed: tuple[Missed, ...] = ()
    """What earlier runs kept, which is of the auditor's side as well."""

    def was_asked(self, need: Need) -> bool:
        """Whether the host was asked this, so that no item and no gap means that nothing is there."""
        return all((need.means, need.what) != (each.means, each.what) for each in self.unasked)

    def of(self, need: Need) -> tuple[Item, ...]:
        """Every item that was taken for this need."""
        return tuple(item for item in self.items if item.need == need)


@dataclass(frozen=True, slots=True)
class Audit:
    """One subject that is judged: what it needs, the rules it knows, and the judge."""

    name: str
    title: str
    needs: tuple[Need, ...]
    rules: tuple[Rule, ...]
    judge: Callable[[Evidence], Iterator[Finding | Gap]]
    facts: Callable[[Evidence], Mapping[str, object]] | None = None
    """What the report tells of the host besides findings, by subject: `{"ssh": {"keys": [...]}}`."""
    follow: Callable[[Evidence], tuple[Need, ...]] | None = None
    """What is wanted besides, once the needs are there: the files that they name, say; it is asked again with these."""
    then: tuple[Need, ...] = ()
    """The kinds of needs that `follow` may come to, with `*` for what the answers fill in: for who wants to know before."""


@dataclass(frozen=True, slots=True)
class HostReport:
    """What is said of one host."""

    host: str
    baseline: BaselineFacts | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    notes: tuple[str, ...] = ()
    """Facts for the reader that are no findings: there is no baseline yet, the policy changed since."""
    facts: Mapping[str, object] = field(default_factory=dict)
    untrusted: str | None = None
    """Why nothing was compared: signature, sequence or chain is wrong."""
    state: State = State.OK
    """How reaching and asking it ended; what the findings and gaps make of that is for the document to say."""
