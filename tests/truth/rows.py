"""Rows of the truth table, as texts: the settings of a system, and who gets in how.

== title
needs: 9.9                      the first OpenSSH that has what it is about
accounts:
    alice  password key         words, see WORDS; NAME=VALUE for uid, groups, home, shell
/etc/ssh/sshd_config:           a file, relative to nothing; without one the system's own stays
    UsePAM yes
/home/alice/.ssh/rc 0755 root:  mode and owner, where they are not the usual ones
sources: office internet        from where it is tried; without it from the office
lets in:
    alice: password, key                        and in no other way, and nobody else
    alice from internet: key (forwards only)
cannot tell:
    alice: why no audit can know it
others: any                     accounts of the system that the row does not name may have doors too
certificate for: alice root     the client's key is signed by {ca} for these names
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent / "rows"
Version = tuple[int, int]
NETWORKS = {"office": "10.99.0", "internet": "203.0.113", "branch": "198.51.100"}
"""Where clients are, three bytes each; every attempt comes from another address, so that sshd punishes none."""
WORDS = {
    "password": "the password that the client has",
    "empty": "an empty password",
    "locked": "that password, behind the `!` of passwd -l",
    "bang": "`!`, as useradd leaves it",
    "hash-in-passwd": "that password, in /etc/passwd itself",
    "empty-in-passwd": "an empty password, in /etc/passwd itself",
    "no-shadow": "no line in /etc/shadow",
    "nonsense": "what is no hash of anything",
    "must-change": "that password, which has to be changed at the next login: chage -d 0",
    "aged": "that password, which was not changed for too long, and then longer: chage -M 7 -I 7",
    "expired": "its last day is over: usermod -e 1",
    "nologin": "the shell /usr/sbin/nologin",
    "open-home": "everybody may write to its home",
    "key": "`~/.ssh/authorized_keys` with the client's key",
    "key2": "the same in authorized_keys2",
}
"""What an account may be given; without a password it has `*`. `key=OPTIONS` writes them before the key."""
RUNS, FORWARDS, CHANGES = "runs only", "forwards only", "changes the password first"
HEADERS = (
    "needs",
    "accounts",
    "sources",
    "lets in",
    "cannot tell",
    "others",
    "certificate for",
    "says",
    "runs",
    "port",
    "wrong so far",
)
REASONS = ("cannot tell", "wrong so far")
_ATTEMPT = re.compile(r"(?P<account>\S+)(?: from (?P<source>\S+))?: (?P<ways>.+)")
_FILE = re.compile(r"(?P<path>/\S+)(?: (?P<mode>[0-7]{4}))?(?: (?P<owner>[a-z]+))?(?: -> (?P<link>\S+))?:")


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody of the system."""

    name: str
    words: frozenset[str]
    values: Mapping[str, str]

    @property
    def home(self) -> str:
        """Its home directory."""
        return self.values.get("home", "/root" if self.name == "root" else f"/home/{self.name}")


@dataclass(frozen=True, slots=True)
class File:
    """A file of the system; `owner` is empty for the account whose home it is in, or root."""

    text: str
    mode: str = ""
    owner: str = ""
    link: str = ""
    """Where it points, if it is one."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way in: an account, from where, and by which methods one after the other."""

    account: str
    source: str
    method: str
    """`password`, `keyboard-interactive`, `none`, `key`, `certificate`; `key+password` where the one asks for the other."""
    what: str = ""
    """RUNS: nothing is forwarded; FORWARDS: no command runs; CHANGES: neither, before that; nothing: both."""

    def __str__(self) -> str:
        return f"{self.account} from {self.source}: {self.method}" + (f" ({self.what})" if self.what else "")


@dataclass(frozen=True, slots=True)
class Row:
    """One system."""

    title: str
    group: str
    """The file of rows that it stands in."""
    needs: Version = (0, 0)
    accounts: tuple[Account, ...] = ()
    files: Mapping[str, File] = field(default_factory=dict)
    sources: tuple[str, ...] = ("office",)
    lets_in: frozenset[Way] = frozenset()
    before: tuple[Version, frozenset[Way]] = ((0, 0), frozenset())
    """A version, and who older ones let in."""
    cannot_tell: Mapping[str, str] = field(default_factory=dict)
    others: bool = False
    principals: tuple[str, ...] = ()
    says: tuple[tuple[str, tuple[str, ...]], ...] = ()
    later: Mapping[str, File] = field(default_factory=dict)
    runs: str = ""
    port: int = 22
    wrong: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.group}: {self.title}"

    def true(self, version: Version) -> frozenset[Way]:
        """Who gets in where this OpenSSH runs."""
        return self.before[1] if version < self.before[0] else self.lets_in

    @property
    def stock(self) -> bool:
        """Whether nothing of it is changed but accounts and their keys."""
        return self.title == "stock Debian"

    @property
    def judged(self) -> tuple[str, ...]:
        """How auditkit looks at it: no file of a disk tells what somebody started by hand, and not all let it in as root."""
        return ("live", *(() if self.runs else ("disk",)), *(("wire",) if self.stock else ()))

    @property
    def names(self) -> frozenset[str]:
        """Of its accounts."""
        return frozenset(account.name for account in self.accounts)

    @property
    def slug(self) -> str:
        """Its name in one word."""
        return re.sub(r"[^\w=.]+", "-", str(self)).strip("-")

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the client's keys that it has somewhere."""
        texts = [one.text for one in self.files.values()]
        named = [name for text in texts for name in re.findall(r"\{(\w+)\}", text)]
        return tuple(dict.fromkeys(name for name in named if name != "ca"))


def rows() -> tuple[Row, ...]:
    """Every row of every file."""
    return tuple(row for path in sorted(HERE.glob("*.txt")) for row in parse(path.read_text("utf-8"), path.stem))


def parse(text: str, group: str) -> Iterator[Row]:
    """Yield the rows of a text.

    Raises:
        ValueError: what it says of a row is no row.
    """
    for part in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        yield _row(title, group, dict(_sections(body)))


def _sections(body: str) -> Iterator[tuple[str, str]]:
    """Yield each header with what is indented below it, or stands behind it."""
    header, lines = "", list[str]()
    for line in [*body.split("\n"), "end:"]:
        if line.startswith("    "):
            lines.append(line[4:])
        elif line and not line.startswith("#"):
            if header:
                yield header, "\n".join(lines)
            header, lines = line, []


def _row(title: str, group: str, sections: Mapping[str, str]) -> Row:
    plain = [header for header in sections if "/" not in header.partition(":")[0]]
    told = {header.partition(":")[0]: header.partition(":")[2].strip() for header in plain}
    older = next((name for name in told if name.startswith("lets in before ")), "")
    if unknown := set(told) - {*HEADERS, older}:
        raise ValueError(f"{title}: {unknown}")
    sources = tuple(told.get("sources", "office").split())
    accounts = tuple(_account(line) for line in sections.get("accounts:", "").splitlines())
    files = {path: file for one in accounts for path, file in _keys(one)}
    files.update(_file(header, text) for header, text in sections.items() if header.startswith("/"))
    later = dict(_file(header[6:], text) for header, text in sections.items() if header.startswith("later /"))
    says = tuple(
        (line.split(": ")[0], tuple(line.split(": ")[1].split(", "))) for line in sections.get("says:", "").splitlines()
    )
    ways = {name: frozenset(_ways(sections.get(f"{name}:", ""), sources)) for name in ("lets in", older)}
    untold, wrong = (dict(line.split(": ", 1) for line in sections.get(f"{name}:", "").splitlines()) for name in REASONS)
    others, principals = told.get("others") == "any", tuple(told.get("certificate for", "").split())
    needs, before = _version(told.get("needs", "0.0")), (_version(older.rpartition(" ")[2] or "0.0"), ways[older])
    return Row(
        title, group, needs, accounts, files, sources, ways["lets in"], before, untold, others, principals,
        says, later, told.get("runs", ""), int(told.get("port", "22")), wrong,
    )  # fmt: skip


def _version(text: str) -> Version:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def _account(line: str) -> Account:
    name, *words = line.split()
    values = dict(word.split("=", 1) for word in words if "=" in word)
    plain = frozenset(word for word in words if "=" not in word)
    if unknown := plain - set(WORDS):
        raise ValueError(f"{name}: {unknown}")
    return Account(name, plain, values)


def _keys(account: Account) -> Iterator[tuple[str, File]]:
    """Yield the files of keys that the words of an account stand for."""
    for word, name in (("key", "authorized_keys"), ("key2", "authorized_keys2")):
        if word in account.words or word in account.values:
            options = account.values.get(word, "")
            yield f"{account.home}/.ssh/{name}", File(f"{options} {{key}}\n".lstrip())


def _file(header: str, text: str) -> tuple[str, File]:
    """A file: `\\r` and `\\ufeff` are written so, and `\\c` at the end is no end of line."""
    found = _FILE.fullmatch(header)
    if not found:
        raise ValueError(header)
    whole = text.replace("\\r", "\r").replace("\\ufeff", "\ufeff") + "\n"
    return found["path"], File(whole.removesuffix("\\c\n"), found["mode"] or "", found["owner"] or "", found["link"] or "")


def _ways(text: str, sources: tuple[str, ...]) -> Iterator[Way]:
    for line in text.splitlines():
        found = _ATTEMPT.fullmatch(line)
        if not found:
            raise ValueError(line)
        for way in found["ways"].split(", "):
            method, _, what = way.partition(" (")
            for source in (found["source"],) if found["source"] else sources:
                yield Way(found["account"], source, method, what.removesuffix(")"))
