"""Ways to reach a machine: HOSTS has one line per kind; `open_host("root:/mnt/disk")` gives one that answers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import Protocol, runtime_checkable

from auditkit.config import Config
from auditkit.errors import UsageError
from auditkit.model import ON_DISK, OUTSIDE, Gap, Item, Need
from auditkit.printable import printable
from auditkit.probe import means, pool
from auditkit.strict import near

HOSTS: Mapping[str, str] = {
    "local": "auditkit.hosts.local",
    "root": "auditkit.hosts.root",
    "ssh": "auditkit.hosts.ssh",
    "device": "auditkit.hosts.device",
    "evidence": "auditkit.hosts.recorded",
}
"""Kind of host to the module whose `connect(word, reach)` reaches it."""

Seen = pool.Seen
"""What a scan yields: ("blocks", [bytes]), ("gap", path, reason), ("seen", entries, bytes read)."""

Ask = tuple[str, int, tuple[str, ...], bool]
"""Path of a log, how many of its first bytes, by which algorithms, and whether it rotates."""
Beginning = tuple[str, str, str]
"""Path that was asked for, name of the file that was read for it, digest field."""


NOT_TAKEN = "was not taken: the evidence is older than this question"
SECONDS = 3600.0
"""How long the work on a host over a network may take if nobody says otherwise."""

Known = Callable[[], Iterator[bytes]]
"""The blocks of a baseline, from the first one, as often as it is called and at the same time."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What every host of a run is reached with."""

    config: Config = field(default_factory=Config)
    timeout: float | None = None
    """Seconds that the work on one host may take, from its first packet on."""
    ask: Callable[[str], str] | None = None
    """Asks a person for a passphrase or password; None where nobody is there to be asked."""
    home: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


class Host(Protocol):
    """A machine, a mounted disk or evidence of one, that can be asked but never changed."""

    name: str
    facts: Mapping[str, object]
    """What reaching it showed: address, login, algorithms; nothing where nothing had to be reached."""

    def close(self) -> None:
        """Leave it; nothing may be asked any more."""
        ...

    def scan(self, request: Mapping[str, object], known: Known | None = None) -> Iterator[Seen]:
        """Yield blocks of entries in path order, gaps, and how much was seen.

        A host over a network need not send what is in `known` already.
        """
        ...

    def take(self, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
        """Yield what was asked for, and why anything of it could not be had."""
        ...

    def beginnings(self, asked: Sequence[Ask]) -> Iterator[Beginning]:
        """Yield digests of how logs and their rotations begin."""
        ...

    def mounts(self) -> bytes:
        """The mount table as /proc/self/mountinfo has it, with the paths as this host's root sees them."""
        ...


@runtime_checkable
class Suspect(Protocol):
    """A live host, whose word can be held against another look at it."""

    def present(self, paths: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        """Yield path, inode and time of change, in ns, of each that answers to its name, listed or not."""
        ...


@runtime_checkable
class Distant(Suspect, Protocol):
    """A host whose files are hashed there, so that some of them can be fetched and hashed here."""

    def content(self, paths: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield path and digests of files whose bytes were fetched and hashed here; no digests of what is not handed out."""
        ...


@runtime_checkable
class Limited(Protocol):
    """A host that cannot be asked everything."""

    def gives(self, need: Need) -> bool:
        """Whether it can be asked this at all, be there an answer or not."""
        ...


@runtime_checkable
class Near(Protocol):
    """A host whose files lie on this machine."""

    root: str
    """Where they lie."""


@runtime_checkable
class Past(Protocol):
    """What a machine answered once."""

    taken: datetime
    """When."""
    kind: str
    """How it was reached then, one of HOSTS."""
    path: str
    """The file that holds it."""
    fetched: Mapping[str, tuple[str, ...]]
    """The files whose content was asked for, with the digests of what came: none where it was refused."""
    signer: str | None
    """Who vouches for it; None where nobody was asked."""

    @property
    def asked(self) -> Iterable[Need]:
        """What it was asked then."""
        ...


def now(host: Host) -> datetime:
    """The time that a host is judged by: for what it answered once, that moment, else this one."""
    return host.taken if isinstance(host, Past) else datetime.now(UTC)


def open_host(word: str, reach: Reach | None = None) -> Host:
    """The host that a word of the command line means.

    Raises:
        UsageError: the word is of no known kind.
        HostError: it cannot be reached; `state` says why.
    """
    reach = reach or Reach()
    host: Host = import_module(HOSTS[kind_of(word, reach.config)]).connect(word, reach)
    return host


def kind_of(word: str, config: Config) -> str:
    """Which of HOSTS reaches what the word means.

    Raises:
        UsageError: none of them.
    """
    kind, colon, _rest = word.partition(":")
    if word in config.hosts:
        return "device" if config.hosts[word].ports else "ssh"
    if kind in HOSTS and kind != "device" and (colon or kind == "local"):
        return kind
    if colon:
        raise UsageError(
            f"{printable(word)} is no host that auditkit knows how to reach",
            "name `local`, a host of auditkit.yaml, ssh://user@host, root:/mnt/disk or evidence:FILE",
        )
    hint = near(word, ("local", *config.hosts)) if config.hosts else "name it under hosts: there, or write ssh://[user@]host"
    raise UsageError(f"{printable(word)} is no host of auditkit.yaml", hint)


def is_here(word: str) -> bool:
    """Whether what the word means is on this machine: no network lies before it."""
    return word == "local" or word.startswith(("root:", "evidence:"))


def named(words: Iterable[str], config: Config) -> tuple[str, ...]:
    """The words with each `@GROUP` and `@all` as the hosts in it, in their order, each once.

    Raises:
        UsageError: a word is no host, or a group has none.
    """
    found: dict[str, None] = {}
    for word in words:
        found.update(dict.fromkeys(_group(word, config) if word.startswith("@") else (word,)))
    for word in found:
        if kind_of(word, config) == "ssh":
            import_module("auditkit.ssh.route").wanted(word, config)  # before it is asked or kept: it may hold a password
    return tuple(found)


def _group(word: str, config: Config) -> tuple[str, ...]:
    """The hosts of auditkit.yaml that a group has."""
    hosts = tuple(name for name, host in config.hosts.items() if word == "@all" or word[1:] in host.groups)
    if hosts:
        return hosts
    if word == "@all":
        raise UsageError("there are no hosts in auditkit.yaml", "name them under hosts:")
    groups = {f"@{group}" for host in config.hosts.values() for group in host.groups}
    raise UsageError(f"{printable(word)} is no group of auditkit.yaml", near(word, ("@all", *groups)))


def taken_below(root: bytes, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
    """Yield what was asked for below a root that this machine can read, and, where it is its own, of what runs here.

    What is seen from outside is for the host to add; of another root what only a running machine has is left out.
    """
    given = [need for need in needs if need.means in ON_DISK or (root == b"/" and need.means not in OUTSIDE)]
    asked = [question(need) for need in given]
    for number, path, data, why in means.taken(root, asked):
        source = path.decode("utf-8", "surrogateescape")
        if data is None:
            yield Gap(source, why)
        else:
            yield Item(given[number], source, data, datetime.now(UTC), "")


def question(need: Need) -> means.Need:
    """A need as the probe is asked it."""
    return str(need.means), need.what.encode("utf-8", "surrogateescape"), need.secret, need.optional, need.long
