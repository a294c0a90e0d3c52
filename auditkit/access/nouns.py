"""The nouns of `access`: accounts, SSH servers, how connections are treated, and what there is to see of them all."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from auditkit.answers import Process, Shown, name_of
from auditkit.model import Evidence, Gap
from auditkit.sshd.criteria import Connection
from auditkit.sshd.doors import Account, Door, Source
from auditkit.sshd.effective import MAIN, VENDOR, Configuration, Effective, Refusal
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
    inactive: bool | None = False
    """Whether its password is out of date for longer than PAM takes it (shadow(5), field 7); None: not known."""
    bare: Password | None = None
    """What is known of the password that sshd goes by without PAM, where that is another one: it asks /etc/shadow always."""
    barred: bool = False
    """Whether sshd refuses it whatever it shows: its shell is not there, or is nothing that runs."""
    shut: bool | None = False
    """Whether that password begins with `!`, for which sshd without PAM lets no key in either; None: not known."""
    told_by: str = "shadow"
    """Where PAM looks for its last days: in `shadow`, in `passwd`, which has none, or `nowhere`, as its line is missing."""
    named: bool = True
    """False: it stands for all accounts that are in no file here, those of a directory service."""

    @property
    def root(self) -> bool:
        """Whether it is root, whatever it is called."""
        return self.uid == 0

    @property
    def account(self) -> Account:
        """It as the configuration of sshd asks for it."""
        return Account(self.name, self.uid, self.groups)


@dataclass(frozen=True, slots=True)
class Dump:
    """What `sshd -T -C` said of a connection: values by keyword in lower case, and the line that set each."""

    connection: Connection
    values: Mapping[str, tuple[str, ...]]
    """One text for each line of the dump, in its order; words that mean the same as one of OpenSSH 9.2 are that one."""
    set_by: Mapping[str, tuple[str, ...]]
    """`FILE:LINE` by keyword in lower case, from `-ddd`."""


@dataclass(frozen=True, slots=True)
class Left:
    """Who was not judged, from where, and why."""

    account: str
    origin: str
    why: str


@dataclass(frozen=True, slots=True)
class Treated:
    """Accounts and sources that an sshd treats alike, and how."""

    effective: Effective
    """What holds for them: sshd's own word where there is one, else what its files come to."""
    who: tuple[tuple[Login, Source], ...]
    where: Connection
    """Address and port that they connect to."""
    dump: Dump | None = None


def title(program: str, main: str, options: Sequence[str]) -> str:
    """What an sshd is called that was started so: `sshd -f /srv/sshd_config -p 2222`."""
    port = next((found[1] for line in options if (found := _PORT.fullmatch(line))), "")
    file = "" if main in ("", MAIN, VENDOR) else f" -f {main}"
    return f"{name_of(program) or 'sshd'}{file}{f' -p {port}' if port else ''}"


_PORT = re.compile(r"""port(?:\s*=\s*|\s+)["']?([0-9]{1,5})["']?\s*""", re.IGNORECASE)


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
    program: str = ""
    options: tuple[str, ...] = ()
    """Lines that its command line adds before the first of the file."""
    running: bool | None = None
    """None: nobody could see."""
    treated: tuple[Treated, ...] = ()
    refused: tuple[Refusal, ...] = ()
    """Lines for which it will not start again; its own words where there are some."""
    why: str = ""
    """Why nothing is said of who may come in; empty where it is."""
    left: tuple[Left, ...] = ()
    """Who was not judged, as there is too much to judge."""
    sources: tuple[Source, ...] = ()
    """From where it can be reached, as far as that makes a difference."""
    unread: tuple[str, ...] = ()
    """Files of its configuration that were changed after it last read them."""
    distinct: str = ""
    """What tells it from another one that would be called the same."""

    @property
    def name(self) -> str:
        """It as reports name it: by its program, and its file or port where that is not the usual one."""
        if self.kind == "openssh":
            return f"{title(self.program, self.main, self.options)}{f' ({self.distinct})' if self.distinct else ''}"
        return f"{self.kind}{f' on port {self.ports[0]}' if self.ports else ''}"

    @property
    def ports(self) -> tuple[int, ...]:
        """Where it listens, or has shown itself."""
        told = self.process.ports if self.process else ()
        return told or tuple(dict.fromkeys(show.port for show in self.shown))

    def of(self, account: str, source: str) -> Effective | None:
        """What holds for an account from a source; None where that was not judged."""
        members = ((one.effective, login.name, each.name) for one in self.treated for login, each in one.who)
        return next((effective for effective, name, place in members if (name, place) == (account, source)), None)

    @property
    def judged(self) -> bool:
        """Whether `doors` says who may come in."""
        return not self.why


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything at once."""

    evidence: Evidence
    logins: tuple[Login, ...]
    sources: tuple[Source, ...]
    servers: tuple[Server, ...]
    gaps: tuple[Gap, ...]

    @property
    def alike(self) -> tuple[Server, ...]:
        """The servers of which something is known, one of those that share a configuration."""
        known: dict[tuple[object, ...], Server] = {}
        for each in self.servers:
            if each.judged or each.configuration:
                known.setdefault((each.kind, each.main, each.options, each.doors), each)
        return tuple(known.values())
