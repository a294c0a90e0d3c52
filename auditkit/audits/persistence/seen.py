"""The evidence of persistence, read once: what lies where, whose it is, since when, and what is written in it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from auditkit import answers
from auditkit.answers import Listed
from auditkit.model import OF_MODE, Evidence, Gap, Item, Kind, Means, Need, Quote
from auditkit.packages.layout import joined
from auditkit.packages.unowned import named
from auditkit.printable import few, printable
from auditkit.words import written

LINKS = 8
"""Symlinks on the way to one file."""
EVERYTHING = Need(
    Means.PRIVILEGED,
    "/**",
    "setuid and setgid programs, file capabilities, programs and devices where none belong,"
    " files of the system that others may write to",
)
PASSWD = Need(Means.FILE, "/etc/passwd", "which accounts and groups are of people")
LAYERS = re.compile(
    r"/var/lib/(docker|containers|containerd|lxc|lxd|incus|machines|rancher|kubelet|snapd)/|/snap/|/run/(docker|containerd)/|/var/snap/"
    r"|/(home/[^/]+|root)/\.local/share/(containers|docker)/|/var/cache/pbuilder/"
)
"""Storage of containers, snaps and chroots of builds."""
OF_SYSTEM = re.compile(r"/run/initramfs/|/dev/\.lxc[\w-]*\Z|/run/wrappers/")
"""What the system itself makes that looks odd."""
MOST_QUOTED = 200
_DAY = 86_400 * 10**9
_S_IFMT = 0o170000
_FIRST_PERSON, _NOBODY = 1000, 65534
_MERGED = re.compile(r"/(bin|sbin|lib|lib32|lib64|libx32)(?=/|\Z)")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file."""

    number: int
    text: str


@dataclass(frozen=True)
class Seen:
    """What was taken of a host."""

    evidence: Evidence
    by_need: dict[tuple[str, str], list[Item]] = field(init=False)

    def __post_init__(self) -> None:
        by: dict[tuple[str, str], list[Item]] = {}
        for item in self.evidence.items:
            held = by.setdefault((item.need.means, item.need.what), [])
            if not held or held[0].need == item.need:  # who else asked the same has the same answer once more
                held.append(item)
        object.__setattr__(self, "by_need", by)

    def of(self, means: Means, what: str) -> list[Item]:
        """Every item that was taken for it, whoever asked."""
        return self.by_need.get((means, what), [])

    @cached_property
    def nodes(self) -> dict[str, Listed]:
        """What lies at each path that was listed for anybody; what a host says of one and makes no sense is none."""
        found: dict[str, Listed] = {}
        for (means, _what), items in self.by_need.items():
            if means in (Means.LISTING, Means.UNOWNED, Means.PRIVILEGED):
                for item in items:
                    node = answers.listed(item)
                    if isinstance(node, Listed):
                        found[node.path] = node
        return found

    def listed(self, need: Need) -> Iterator[Listed]:
        """Yield what lies at each path that was listed for a need, but for what makes no sense."""
        return (self.nodes[item.source] for item in self.of(need.means, need.what) if item.source in self.nodes)

    def malformed(self, means: Means, what: str) -> Iterator[Gap]:
        """Yield what of these makes no sense."""
        return (told for item in self.of(means, what) if isinstance(told := answers.listed(item), Gap))

    @cached_property
    def texts(self) -> dict[str, bytes]:
        """What is written in each file that was read."""
        return {item.source: item.data for item in self.evidence.items if item.need.means is Means.FILE and not item.need.long}

    def lines(self, path: str) -> Iterator[Line]:
        """Yield the lines of a file that was read, those that end with a backslash joined; none of one that was not."""
        held, first = "", 0
        for number, text in enumerate(self.texts.get(path, b"").decode("utf-8", "surrogateescape").split("\n"), 1):
            first = first or number
            held += text.removesuffix("\\")
            if not text.endswith("\\"):
                yield Line(first, held)
                held, first = "", 0
        if held:
            yield Line(first, held)

    @cached_property
    def accounts(self) -> tuple[tuple[str, int, str], ...]:
        """Name, number and group of each account of PASSWD; a line that is off is none."""
        rows = (line.text.split(":") for line in self.lines(PASSWD.what))
        return tuple(
            (row[0], int(row[2][:10]), row[3]) for row in rows if len(row) > 3 and row[2].isascii() and row[2].isdigit()
        )

    def node(self, path: str) -> Listed | None:
        """What lies there, under whichever of two names that stand for one place."""
        return self.nodes.get(path) or self.nodes.get(real(path)) or self.nodes.get(_MERGED.sub(r"/\1", path))

    def end(self, node: Listed) -> Listed | str:
        """What a symlink leads to in the end: a node, or a path where nothing is, or that was not looked at yet."""
        path = node.path
        for _ in range(LINKS):
            if node.target is None:
                return node
            path = joined(node.path, node.target)
            after = self.node(path)
            if after is None:
                return path
            node = after
        return path


def part(path: str, number: int) -> str:
    """A part of a path: the second of `/sys/module` is `module`; empty where it has fewer."""
    return path.split("/")[number] if path.count("/") >= number else ""


def is_person(uid: int) -> bool:
    """Whether an account of this number is one of people."""
    return _FIRST_PERSON <= uid != _NOBODY


def real(path: str) -> str:
    """A path with the links of a merged /usr resolved."""
    return "/usr" + path if _MERGED.match(path) else path


def kind(node: Listed) -> Kind:
    """What a node is, by its mode: file, directory, link or another."""
    return OF_MODE[node.mode & _S_IFMT]


def is_known(node: Listed) -> bool:
    """Whether its name is one that the system itself writes, with no package."""
    return named(node.path, kind(node)) is not None


def may_change(node: Listed) -> str:
    """Who besides root may write to a file; nothing where nobody may."""
    if node.target is not None:
        return ""
    if node.mode & 0o002:
        return "everybody"
    if node.uid:
        return f"uid {node.uid}"
    return f"group {node.gid}" if node.mode & 0o020 and node.gid else ""


def whose(node: Listed) -> str:
    """`of no package, root 0644, changed 2026-11-24 12:00`"""
    packages = "whose package is not known" if node.packages is None else ", ".join(node.packages) or "of no package"
    older = f", written {day(node.mtime)} by what it says" if node.ctime - node.mtime > _DAY else ""
    return f"{packages}, uid {node.uid}, mode {node.mode & 0o7777:04o}, changed {day(node.ctime)}{older}"


def day(moment: int) -> str:
    """A time in nanoseconds to the minute, UTC."""
    return (written(moment) or "?")[:16].replace("T", " ")


def about(node: Listed) -> Quote:
    """What lies there, as a quote."""
    leads = f" -> {node.target}" if node.target is not None else ""
    return Quote(node.path, 0, f"{leads.strip()} {whose(node)}".strip())


def quoted(path: str, line: Line) -> Quote:
    """A line of a file."""
    return Quote(path, line.number, line.text.strip()[:MOST_QUOTED])


def listing(paths: Sequence[str], most: int = 5) -> str:
    """Paths as a sentence has them."""
    return few(list(map(printable, paths)), most)
