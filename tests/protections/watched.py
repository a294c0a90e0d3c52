"""A machine in words, and the evidence that auditkit would have taken of what watches it: for tests of judges.

A case is a sentence, then parts that begin with `-- name --`: files by their path, what commands write as `-- $ COMMAND --`
(`! STATUS COMPLAINT` for one that fails), and

    -- units --      `UNIT ACTIVE ENABLED [ended=DATE] [result=WORD]`, one a line, as systemd knows them
    -- there --      paths that are there, one a line
    -- listed --     `DAYS PATH`: how old what lies there is
    -- processes --  `PID PROGRAM ARGUMENTS @ADDRESS:PORT`; `udp@` for UDP
    -- comm --       names of all processes, on a machine without systemd
    -- gaps --       `SUBJECT: reason`
    -- without --    paths and units of the plain machine that this one has not
    -- disk --       it is a mounted disk, on which nothing runs
    -- findings --   every line of the answer

What a case does not say is as on a plain Debian 12 whose nftables drops what no rule names.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from meant import fits

from auditkit import answers
from auditkit.answers import Listening, Process
from auditkit.audits import protections
from auditkit.commands import auditing
from auditkit.model import ON_DISK, Evidence, Gap, Item, Means, Need
from auditkit.probe.hashes import scrubbed

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
THERE = (
    "/sbin/init",
    "/usr/sbin/nft",
    "/usr/lib/systemd/systemd-timesyncd",
    "/usr/lib/systemd/systemd-journald",
    "/var/log/journal",
    "/etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service",
    "/etc/systemd/system/sysinit.target.wants/nftables.service",
)
UNITS = ("systemd-timesyncd.service active enabled", "nftables.service active enabled")
NFT_CONF = (
    "#!/usr/sbin/nft -f\nflush ruleset\ntable inet filter {\n\tchain input {\n"
    "\t\ttype filter hook input priority filter; policy drop;\n\t\ttcp dport 22 accept\n\t}\n}\n"
)
FILES = {"/etc/nftables.conf": NFT_CONF}
INPUT = {"family": "inet", "table": "filter", "name": "input", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}
COMMANDS = {
    "/usr/sbin/nft -j -t list ruleset": json.dumps(
        {"nftables": [{"metainfo": {}}, {"table": {"family": "inet", "name": "filter"}}, {"chain": INPUT}]}
    ),
    "/usr/bin/timedatectl show": "Timezone=Etc/UTC\nNTP=yes\nNTPSynchronized=yes\n",
}
SSHD = "700 /usr/sbin/sshd -D @0.0.0.0:22 @[::]:22"


@dataclass(frozen=True)
class Watched:
    """One machine."""

    files: Mapping[str, str] = field(default_factory=lambda: FILES)
    commands: Mapping[str, str] = field(default_factory=lambda: COMMANDS)
    units: tuple[str, ...] = UNITS
    there: tuple[str, ...] = THERE
    listed: tuple[tuple[int, str], ...] = ()
    processes: tuple[str, ...] = (SSHD,)
    comm: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    runs: bool = True

    def evidence(self) -> Evidence:
        """What is taken of it, round by round."""
        first = self._answers(protections.AUDIT.needs)
        return auditing.followed(first, self._answers, (protections.AUDIT,))

    def _answers(self, needs: tuple[Need, ...]) -> Evidence:
        asked = [need for need in needs if self.runs or need.means in ON_DISK]
        unasked = tuple(need for need in needs if need not in asked)
        items = (Item(need, source, data, NOW, "") for need in asked for source, data in self._told(need))
        return Evidence("srv-01", NOW, tuple(items), self.gaps, unasked=unasked)

    def _told(self, need: Need) -> Iterator[tuple[str, bytes]]:
        match need.means:
            case Means.FILE:
                comms = {f"/proc/{pid}/comm": f"{name}\n" for pid, name in enumerate(self.comm, 1)}
                texts = ((path, text) for path, text in {**self.files, **comms}.items() if fits(path, need.what))
                yield from ((path, scrubbed(text.encode("utf-8", "surrogateescape"))) for path, text in texts)
            case Means.STATUS:
                yield from ((path, way(path)) for path in self.there if fits(path, need.what))
            case Means.LISTING:
                yield from ((path, lstat(days)) for days, path in self.listed if fits(path, need.what))
            case Means.COMMAND:
                text = self._written(need.what)
                yield from () if text is None else ((need.what, ran(text)),)
            case Means.LISTENERS:
                yield from ((f"/proc/{one.pid}", answers.written(one)) for one in map(process, self.processes))

    def _written(self, command: str) -> str | None:
        if command.startswith("/usr/bin/systemctl show ") and self.units:
            return shown(self.units, command.partition(" -- ")[2].split(" "))
        return self.commands.get(command)


def watched(case: Mapping[str, str]) -> Watched:
    """The machine of a case."""
    without = set(case.get("without", "").split())
    units = {line.split()[0]: line for line in (*UNITS, *case.get("units", "").splitlines()) if line.split()[0] not in without}
    commands = {**COMMANDS, **{name[2:]: text for name, text in case.items() if name.startswith("$ ")}}
    return Watched(
        {path: text for path, text in {**FILES, **case}.items() if path.startswith("/") and path not in without},
        {name: text for name, text in commands.items() if name.split(" ")[0] not in without},
        tuple(units.values()) if "comm" not in case else (),
        tuple(path for path in dict.fromkeys((*THERE, *case.get("there", "").split())) if path not in without),
        tuple((int(days), path) for days, path in (line.split(" ", 1) for line in case.get("listed", "").splitlines())),
        tuple(case.get("processes", SSHD).splitlines()),
        tuple(case.get("comm", "").split()),
        tuple(Gap(*line.split(": ", 1)) for line in case.get("gaps", "").splitlines()),
        "disk" not in case,
    )


def way(path: str) -> bytes:
    """The status of a path and of each directory above it, which are in order."""
    steps = [f"100644 0 0 {path}"]
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        steps.append(f"40755 0 0 {path}")
    return "".join(f"{step}\0" for step in steps).encode()


def lstat(days: int) -> bytes:
    """A file of root's that was last changed so many days ago."""
    when = int((NOW - timedelta(days=days)).timestamp() * 1e9)
    told = {"mode": 0o100644, "uid": 0, "gid": 0, "size": 1, "links": 1, "mtime": when, "ctime": when}
    return json.dumps({**told, "target": None, "capabilities": None, "packages": None}).encode()


def ran(text: str) -> bytes:
    """What a command came to."""
    if text.startswith("! "):
        _sign, status, complaint = text.rstrip("\n").split(" ", 2)
        return f"{status}\n\0{complaint}".encode()
    return f"0\n{text}\0".encode()


def shown(units: tuple[str, ...], asked: list[str]) -> str:
    """What `systemctl show` says of these units, those that are not there too."""
    found = {line.split()[0]: line.split() for line in units}
    return "\n\n".join(_paragraph(name, found.get(name, [name, "inactive", ""])) for name in asked) + "\n"


def _paragraph(name: str, words: list[str]) -> str:
    more = dict(word.split("=") for word in words[3:])
    ended = f"Fri {more['ended']} 03:10:00 UTC" if "ended" in more else ""
    loaded = "loaded" if words[2] else "not-found"
    return (
        f"Names={name}\nLoadState={loaded}\nActiveState={words[1]}\nSubState=dead\nUnitFileState={words[2]}\n"
        f"Result={more.get('result', 'success')}\nExecMainExitTimestamp={ended}"
    )


def process(line: str) -> Process:
    """`700 /usr/sbin/sshd -D @0.0.0.0:22 udp@0.0.0.0:69`"""
    pid, program, *rest = line.split()
    places = [word.partition("@") for word in rest if "@" in word]
    listens = [(sort or "tcp", *place.rpartition(":")[::2]) for sort, _at, place in places]
    words = tuple(word for word in rest if "@" not in word)
    told = tuple(Listening(sort, address.strip("[]"), int(port)) for sort, address, port in listens)
    return Process(int(pid), 1, 0, 1.0, program, (program, *words), "", told)


def aged(machine: Watched, *listed: tuple[int, str]) -> Watched:
    """The same with more that is so many days old."""
    return replace(machine, listed=(*machine.listed, *listed))
