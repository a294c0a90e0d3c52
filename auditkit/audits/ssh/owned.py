"""Which package brought a file, asked of the host's own package manager in the second round."""

import re
from collections.abc import Iterable, Iterator

from auditkit import answers
from auditkit.answers import Listed
from auditkit.model import Evidence, Gap, Item, Means, Need

_DPKG, _RPM = "/usr/bin/dpkg-query -S", "/usr/bin/rpm -qf"
_WHY = "which package brought a program that sshd is told to use"
_WORD = re.compile(r"/[A-Za-z0-9._/+@:~-]{1,400}")
_MERGED = ("/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/")
_RUNS_ANYTHING = re.compile(
    r"(?:.*/)?(?:(?:ba|da|z|k|c|tc|fi|a)?sh|python[0-9.]*|perl[0-9.]*|ruby[0-9.]*|php[0-9.]*|node|lua[0-9.]*|[gmn]?awk|env"
    r"|nohup|setsid|sudo|doas|su|runuser|xargs|busybox|timeout|nice|script|tmux|screen|expect|tclsh[0-9.]*|cat|echo|printf"
    r"|tee|sed|head|tail|cut|curl|wget|nc|ncat|socat|openssl|base(?:32|64)|ssh|find|dd|systemd-run)"
)
_JOINS = re.compile(r"[;&|`<>\n]|\$\(")
MOST = 50
"""Files that are asked about at once."""


def ask_owner(paths: Iterable[str]) -> tuple[Need, ...]:
    """The needs that tell whose these files are; what may be no word of a command is not asked."""
    wanted = sorted({path for path in paths if _WORD.fullmatch(path)})[:MOST]
    words = dict.fromkeys(name for path in wanted for name in _names(path))
    dpkg = (Need(Means.COMMAND, " ".join((_DPKG, *words)), _WHY),) if words else ()
    listed = (Need(Means.LISTING, path, _WHY) for path in wanted)  # what a disk tells too
    return (*dpkg, *(Need(Means.COMMAND, f"{_RPM} {path}", _WHY) for path in wanted), *listed)


def _names(path: str) -> Iterator[str]:
    """Yield the names under which a package may have brought a file: before and after /bin became a link into /usr."""
    yield path
    if path.startswith("/usr") and path.removeprefix("/usr").startswith(_MERGED):
        yield path.removeprefix("/usr")
    elif path.startswith(_MERGED):
        yield f"/usr{path}"


def owner(evidence: Evidence, path: str) -> str | None:
    """The package that brought a file, as the host says; empty if none did, None if nobody can tell."""
    names = set(_names(path))
    asked = (item for item in evidence.items if item.need.means is Means.COMMAND)
    told = [one for item in asked if (one := _told(item.need, answers.ran(item), names)) is not None]
    told += [one for item in evidence.items if item.source in names and (one := _listed(item)) is not None]
    return next(filter(None, told), "" if told else None)


def _listed(item: Item) -> str | None:
    node = answers.listed(item) if item.need.means is Means.LISTING else None
    return ", ".join(node.packages) if isinstance(node, Listed) and node.packages is not None else None


def _told(need: Need, ran: answers.Ran | Gap, names: set[str]) -> str | None:
    if isinstance(ran, Gap) or ran.status not in (0, 1):
        return None
    command, path = " ".join(need.what.split(" ")[:2]), need.what.split(" ")[2:]
    out = ran.out.decode("utf-8", "surrogateescape")
    if command == _RPM and names & set(path):
        return out.strip().partition("\n")[0][:100] if ran.status == 0 else ""
    if command != _DPKG or not names & set(path):
        return None
    lines = (line.rpartition(": ") for line in out.split("\n") if not line.startswith("diversion by "))
    return next((who for who, _colon, name in lines if name in names), "")


def runs_anything(command: str) -> bool:
    """Whether a command does whatever its words say, so that no package vouches for it: shells and the like, and `;`."""
    program, _blank, words = command.partition(" ")
    return _RUNS_ANYTHING.fullmatch(program) is not None or _JOINS.search(words) is not None
