"""What was taken of a host, by what was asked for, and what its services come to: every group of protections reads it here."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from auditkit import answers
from auditkit.answers import Listed, Process, Ran
from auditkit.audits.protections.tools import TOOLS, Tool
from auditkit.model import Evidence, Gap, Item, Means, Need

SHOWN = ("Names", "LoadState", "ActiveState", "SubState", "UnitFileState", "Result", "ExecMainExitTimestamp")
_MORE_UNITS = ("crowdsec-firewall-bouncer.service", "systemd-journal-upload.service", "borgmatic.service", "freshclam.service")
_UNITS = tuple(dict.fromkeys(unit for tool in TOOLS for unit in (*tool.units, *_MORE_UNITS)))
_WHY_ENABLED = "which services start at boot"

PROGRAMS = tuple(Need(Means.STATUS, path, f"whether {tool.name} is installed") for tool in TOOLS for path in tool.programs)
STARTERS = tuple(Need(Means.STATUS, path, f"whether {tool.name} runs every day") for tool in TOOLS for path in tool.files)
WANTED = tuple(
    Need(Means.STATUS, path, _WHY_ENABLED)
    for path in ("/etc/systemd/system/*.wants/*", "/etc/rc2.d/S*", "/etc/runlevels/default/*", "/etc/runlevels/boot/*")
)
SHOW = Need(
    Means.COMMAND,
    f"/usr/bin/systemctl show --property={','.join(SHOWN)} -- {' '.join(_UNITS)}",
    "which of the services that watch this machine start at boot, and run",
)
COMM = Need(Means.FILE, "/proc/[0-9]*/comm", "which programs run, where systemd does not tell")
SYSTEM = tuple(
    Need(Means.STATUS, path, "whether a disk holds a system that boots")
    for path in ("/sbin/init", "/usr/sbin/init", "/usr/lib/systemd/systemd", "/lib/systemd/systemd")
)
NEEDS = (*PROGRAMS, *STARTERS, *WANTED, SHOW, *SYSTEM)

_RUNNING = frozenset(("active", "reloading", "activating"))
_ENABLED = frozenset(("enabled", "enabled-runtime", "alias", "generated", "linked", "linked-runtime"))
_OFF = frozenset(("disabled", "masked", "masked-runtime", "bad"))
_RANK = re.compile(r"S[0-9]{2}")
DAY = 86_400


@dataclass(frozen=True, slots=True)
class State:
    """What a tool comes to; None: nobody can tell."""

    installed: bool | None
    enabled: bool | None
    running: bool | None


@dataclass(frozen=True, slots=True)
class Machine:
    """All of one host."""

    evidence: Evidence
    held: Mapping[tuple[Means, str], tuple[Item, ...]]
    """What was taken, by what was asked."""
    units: Mapping[str, Mapping[str, str]] | None
    """What systemd says of each unit by each of its names; None where it does not run here, or was not asked."""
    running: frozenset[str] | None
    """The names of all processes, where systemd does not tell."""
    wanted: frozenset[str]
    """Units and init scripts that start at boot."""
    gaps: list[Gap] = field(default_factory=list)
    """Answers that make no sense."""

    @property
    def is_alive(self) -> bool:
        """Whether anything could be asked that only a running machine answers."""
        return self.evidence.was_asked(SHOW)

    @property
    def is_system(self) -> bool:
        """Whether there is a machine that something could watch: a disk may hold anything, and a container has no init."""
        return self.is_alive or bool(self.there(*SYSTEM))

    def items(self, need: Need) -> tuple[Item, ...]:
        """What was taken for a need, whoever asked."""
        return self.held.get((need.means, need.what), ())

    def there(self, *needs: Need) -> tuple[str, ...]:
        """The paths that are there, by their status."""
        return tuple(item.source for need in needs for item in self.items(need))

    def text(self, need: Need) -> str | None:
        """The text of a file; None where it was not taken."""
        found = self.items(need)
        return decoded(found[0].data) if found else None

    def texts(self, *needs: Need) -> dict[str, str]:
        """The texts of files by path, in the order of the needs and then of the paths."""
        return {item.source: decoded(item.data) for need in needs for item in sorted(self.items(need), key=_source)}

    def listed(self, *needs: Need) -> tuple[Listed, ...]:
        """What lies at paths."""
        told = (answers.listed(item) for need in needs for item in self.items(need))
        return tuple(one for one in self._sound(told) if isinstance(one, Listed))

    def ran(self, need: Need) -> Ran | None:
        """What a command wrote; None where it is not there, was not run, or makes no sense."""
        told = (answers.ran(item) for item in self.items(need))
        return next((one for one in self._sound(told) if isinstance(one, Ran)), None)

    def said(self, need: Need) -> str | None:
        """What a command wrote that ended well."""
        ran = self.ran(need)
        return decoded(ran.out) if ran is not None and ran.status == 0 else None

    def processes(self, need: Need) -> tuple[Process, ...]:
        """The processes that listen, as far as the host tells of them soundly."""
        told = (answers.process(item) for item in self.items(need))
        return tuple(one for one in self._sound(told) if isinstance(one, Process))

    def saw(self, *needs: Need) -> bool:
        """Whether all of this was looked for, so that what was not taken is not there."""
        subjects = [gap.subject.rstrip("/") for gap in self.evidence.gaps]
        return all(map(self.evidence.was_asked, needs)) and not any(
            subject and (need.what == subject or need.what.startswith(f"{subject}/")) for need in needs for subject in subjects
        )

    def age(self, moment: float) -> int:
        """Whole days from a moment, in seconds since 1970, to when the evidence was taken; what lies ahead is of today."""
        return max(0, int((self.evidence.taken.timestamp() - moment) // DAY))

    def starters(self, tool: Tool) -> tuple[Need, ...]:
        """What else than a service may run a tool."""
        return tuple(Need(Means.STATUS, path) for path in tool.files)

    def state(self, tool: Tool) -> State:
        """Whether a tool is installed, starts at boot and runs."""
        needs = [Need(Means.STATUS, path) for path in tool.programs]
        installed: bool | None = bool(self.there(*needs))
        if not installed and not all(map(self.evidence.was_asked, needs)):
            installed = None
        return State(installed, self._is_enabled(tool), self._runs(tool))

    def _is_enabled(self, tool: Tool) -> bool | None:
        """Whether anything starts it: systemd's word first, then links of any init and files of cron."""
        if self.there(*self.starters(tool)):
            return True
        said = {self.units.get(unit, {}).get("UnitFileState", "") for unit in tool.units} if self.units is not None else set()
        if said & _ENABLED:
            return True
        if said & _OFF:
            return False
        if not tool.units:
            return False if tool.files else None
        names = {*tool.units, *(unit.rpartition(".")[0] for unit in tool.units)}
        return bool(names & self.wanted)

    def _runs(self, tool: Tool) -> bool | None:
        if self.units is not None:
            said = {self.units.get(unit, {}).get("ActiveState", "") for unit in tool.units}
            return bool(said & _RUNNING) if tool.units and said != {""} else None
        if self.running is None or not tool.is_daemon:
            return None
        return not self.running.isdisjoint(tool.processes)

    def _sound(self, told: Iterator[object]) -> Iterator[object]:
        for one in told:
            if isinstance(one, Gap):
                self.gaps.append(one)
            else:
                yield one


def machine(evidence: Evidence) -> Machine:
    """What was taken of a host."""
    held: dict[tuple[Means, str], dict[str, Item]] = {}
    for item in evidence.items:
        held.setdefault((item.need.means, item.need.what), {}).setdefault(item.source, item)
    found = {asked: tuple(items.values()) for asked, items in held.items()}
    names = [item.source.rpartition("/")[2] for need in WANTED for item in found.get((need.means, need.what), ())]
    told = Machine(
        evidence, found, None, None, frozenset(_RANK.sub("", name, count=1) if _RANK.match(name) else name for name in names)
    )
    comms = frozenset(decoded(item.data).rstrip("\n") for item in told.items(COMM)) or None
    return Machine(evidence, found, units(told.said(SHOW)), comms, told.wanted, told.gaps)


def more(told: Machine) -> Iterator[Need]:
    """Yield what is wanted besides: the names of processes, where systemd says nothing."""
    if told.is_alive and told.units is None:
        yield COMM


def units(shown: str | None) -> dict[str, dict[str, str]] | None:
    """What `systemctl show` says, by each name of each unit: paragraphs of `Name=value`."""
    if shown is None:
        return None
    found: dict[str, dict[str, str]] = {}
    for paragraph in shown.split("\n\n"):
        fields = dict(line.split("=", 1) for line in paragraph.split("\n") if "=" in line)
        found.update(dict.fromkeys(fields.get("Names", "").split(), fields))
    return found or None


def moment(text: str) -> float | None:
    """Seconds since 1970 of a time as systemd writes it in UTC or a named zone: `Tue 2026-11-24 03:10:00 UTC`."""
    found = re.search(r"([0-9]{4}-[0-9]{2}-[0-9]{2}) ([0-9]{2}:[0-9]{2}:[0-9]{2})", text)
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00").timestamp() if found else None
    except ValueError:
        return None


def decoded(data: bytes) -> str:
    """Text whose bytes survive."""
    return data.decode("utf-8", "surrogateescape")


def is_loopback(address: str) -> bool:
    """Whether nobody outside of this machine reaches an address."""
    return address.startswith("127.") or address in ("::1", "::ffff:127.0.0.1")


def _source(item: Item) -> str:
    return item.source
