"""What a configuration of sshd comes to: the value of every keyword for one connection, and which line set it.

Sshd reads its configuration twice, and so do we: once at its start, where what stands outside of Match blocks counts and every
line must be sound; once more for each connection, where only matching Match blocks count and override the first reading.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from auditkit.errors import FormatError
from auditkit.keys.addresses import number
from auditkit.model import Gap
from auditkit.sshd import keywords
from auditkit.sshd.criteria import Connection, Holds, holds
from auditkit.sshd.keywords import Keyword, Rule
from auditkit.sshd.lines import Refused, Version, lowered
from auditkit.sshd.merging import listened, merged, overridden, written
from auditkit.sshd.reading import DIRECTORY, Files, Place, Statement
from auditkit.sshd.values import Value, ignored, unsupported

MAIN = f"{DIRECTORY}/sshd_config"
VENDOR = "/usr/etc/ssh/sshd_config"
"""What sshd of SUSE reads where there is no file of the host's own."""
DEEPEST = 16
MOST_STEPS = 1 << 18
"""So many lines are gone through at most, those of a file once for each time it is included."""
MOST_REFUSALS = 100
MOST_PORTS = 256
MOST_SUBSYSTEMS = 256
OLDEST: Version = (8, 4)


@dataclass(frozen=True, slots=True)
class Effect:
    """What holds of one keyword."""

    value: Value | None
    """One text, or one for each line that adds up; None: nobody can tell, for a file was not read or a field not known."""
    set_by: tuple[Place, ...] = ()
    """The lines that say so; none where it is the default."""

    @property
    def origin(self) -> str:
        """Where it comes from, in words."""
        return ", ".join(map(str, self.set_by)) or "default"

    @property
    def on(self) -> bool | None:
        """Whether it is `yes`; None: nobody can tell."""
        return None if self.value is None else self.value == ("yes",)


@dataclass(frozen=True, slots=True)
class Dead:
    """A line that has no effect, and the line that wins."""

    keyword: str
    line: Place
    winner: Place


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line for which sshd would not start, or would drop the connection."""

    at: Place
    reason: str


@dataclass(frozen=True, slots=True)
class Effective:
    """What sshd would do with a connection; with refusals it would do nothing at all, and the effects are what would be."""

    effects: Mapping[str, Effect]
    """By the name of the keyword as sshd_config(5) writes it."""
    dead: tuple[Dead, ...]
    refusals: tuple[Refusal, ...]
    gaps: tuple[Gap, ...]

    @property
    def starts(self) -> bool:
        """Whether sshd would start with it, as far as its files were read."""
        return not self.refusals


@dataclass(slots=True)
class Held:
    """What one reading has come to."""

    values: dict[str, Value] = field(default_factory=dict)
    adding: dict[str, list[str]] = field(default_factory=dict)
    """Of keywords whose lines add up, until all is read."""
    lines: dict[str, list[Place]] = field(default_factory=dict)
    dead: list[Dead] = field(default_factory=list)
    open: set[str] = field(default_factory=set)
    """Keywords of which something unknown may have been said."""


@dataclass(slots=True)
class Reading:
    """One reading of the configuration: of its start where there is no connection."""

    files: Files
    who: Connection | None = None
    held: Held = field(default_factory=Held)
    refusals: list[Refusal] = field(default_factory=list)
    gaps: dict[Gap, None] = field(default_factory=dict)
    steps: int = 0
    broken: bool = False
    """Whether it ended early."""

    def file(self, name: str, active: Holds, depth: int = 0, *, before: bool = False, never: bool = False) -> None:
        """Go through a file.

        `active`: whether its lines count; `before`: in the second reading, whether no Match line was met yet, so that
        lines do not count but Match lines do; `never`: it is included where a Match line does not hold.

        Raises:
            FormatError: it includes itself, or comes to more lines than any configuration.
        """
        if depth > DEEPEST:
            raise FormatError(f"{name}: includes itself, or files are included more than {DEEPEST} deep")
        statements = self.files.statements(name)
        if isinstance(statements, Gap):
            self._unread(statements, active, before=before)
            return
        for statement in statements:
            self.steps += 1
            if self.steps > MOST_STEPS:
                raise FormatError(f"{statement.at}: more lines are included than any configuration of sshd has")
            match lowered(statement.line.keyword):
                case "match":
                    active, before = self._match(statement, never=never), False
                case "include" if not statement.refused:
                    self._include(statement, active, depth, before=before)
                case _:
                    self._line(statement, active)

    def _match(self, statement: Statement, *, never: bool) -> Holds:
        try:
            found = holds(statement.line, None if never else self.who, self.files.version)
        except Refused as refusal:
            self._refuse(statement, str(refusal))
            return None
        return False if never else found

    def _include(self, statement: Statement, active: Holds, depth: int, *, before: bool) -> None:
        for glob in statement.line.words:
            names = self.files.named(glob)
            if isinstance(names, Gap):
                self._unread(names, active, before=before)
                continue
            for name in names:
                self.file(name, active, depth + 1, before=before, never=not before and active is False)

    def _line(self, statement: Statement, active: Holds) -> None:
        """One line that is no Match and no Include."""
        keyword, name = statement.keyword, statement.keyword.name if statement.keyword else ""
        if self.who is None and active is False and keyword and not statement.in_match:
            self._refuse(statement, f"{statement.line.keyword} is not allowed within a Match block")
        elif statement.refused:
            if not (name == "Subsystem" and active is False):
                self._refuse(statement, statement.refused)
        elif keyword and statement.value:
            self._set(statement, keyword, active)

    def _set(self, statement: Statement, keyword: Keyword, active: Holds) -> None:
        held, name = self.held, keyword.name
        old = held.values.get(name)
        if name == "AuthenticationMethods" and "any" in statement.value and old and (8, 7) <= self.files.version < (9, 5):
            self._refuse(statement, "AuthenticationMethods: any must appear alone")
        elif name == "Subsystem" and old and not keyword.in_match and statement.value[0].split()[0] in _names(old):
            self._refuse(statement, "Subsystem is already defined")
        elif name == "Port" and len(self.held.adding.get(name, ())) >= MOST_PORTS:
            self._refuse(statement, "Port: too many of them")
        elif name == "Subsystem" and old and len(old) >= MOST_SUBSYSTEMS:
            raise FormatError(f"{statement.at}: more subsystems than any configuration of sshd has")
        elif active is None:
            if old is None or keyword.rule is not Rule.FIRST:
                held.open.add(name)
        elif active and (self.who is None or keyword.in_match or name == "PermitUserEnvironment"):
            self._count(statement.at, keyword, old, statement.value)

    def _count(self, at: Place, keyword: Keyword, old: Value | None, value: Value) -> None:
        """Let a line count; where it changes nothing it is dead, where it replaces what was there the earlier lines are."""
        held, name = self.held, keyword.name
        if keyword.rule is Rule.ADD:
            held.adding.setdefault(name, []).extend(value)
            held.lines.setdefault(name, []).append(at)
            return
        new = merged(keyword, old, value, self.files.version)
        lines = held.lines.setdefault(name, [])
        held.values[name] = new
        if old is not None and new == old:
            held.dead.append(Dead(name, at, lines[0]))
            return
        if keyword.rule is Rule.LAST:
            held.dead.extend(Dead(name, line, at) for line in lines)
            lines.clear()
        lines.append(at)

    def _unread(self, gap: Gap, active: Holds, *, before: bool) -> None:
        """What could not be read may say anything that its place allows."""
        if active is False and not before:
            return
        self.gaps[gap] = None
        for keyword in self.files.known.values():
            settled = keyword.name in self.held.values and keyword.rule is Rule.FIRST
            if not settled and (self.who is None or keyword.in_match):
                self.held.open.add(keyword.name)

    def _refuse(self, statement: Statement, reason: str) -> None:
        if len(self.refusals) < MOST_REFUSALS:
            self.refusals.append(Refusal(statement.at, reason))


@dataclass(frozen=True, slots=True)
class Configuration:
    """A configuration that was read once, to be asked about many connections."""

    files: Files
    start: Reading

    def of(self, who: Connection) -> Effective:
        """What holds for a connection."""
        second = Reading(self.files, who)
        if not self.start.broken:
            _gone_through(second)
        refusals = dict.fromkeys((*self.start.refusals, *second.refusals))
        gaps = dict.fromkeys((*self.start.gaps, *second.gaps))
        first = self.start.held
        dead = (*first.dead, *second.held.dead, *_overridden(first, second.held))
        effects = {k.name: _effect(k, first, second.held, self.files.version) for k in _told(self.files.known)}
        return Effective(effects | {"ListenAddress": _listening(effects)}, dead, tuple(refusals), tuple(gaps))


def read(
    files: Mapping[str, bytes | Gap],
    version: Version,
    *,
    main: str = MAIN,
    asked: Collection[str] | None = None,
) -> Configuration:
    """A configuration from its files, by their absolute paths; a Gap stands for one that could not be read.

    `version` is that of OpenSSH, (9, 2); `asked` are the globs of Include lines that were looked up, see globs(): what
    any other one names is not known. Without it `files` are all files there are.

    Raises:
        FormatError: the version is older than any whose rules are known here.
    """
    if version < OLDEST:
        raise FormatError(f"OpenSSH {version[0]}.{version[1]} is older than any whose configuration is understood")
    start = Reading(Files(files if main in files else {**files, main: Gap(main, "is missing")}, version, asked, main))
    _gone_through(start)
    _imply(start.held, version)
    start.refusals.extend(_senseless(start))
    return Configuration(start.files, start)


def _imply(held: Held, version: Version) -> None:
    """Until OpenSSH 8.6 ChallengeResponseAuthentication turns keyboard-interactive on, whatever its own keyword says."""
    if version < (8, 7):
        on = held.values.get("ChallengeResponseAuthentication", ("yes",)) == ("yes",)
        if on:
            held.values["KbdInteractiveAuthentication"] = ("yes",)
            held.lines["KbdInteractiveAuthentication"] = held.lines.get("ChallengeResponseAuthentication", [])
        if "ChallengeResponseAuthentication" in held.open:
            held.open.add("KbdInteractiveAuthentication")


def _gone_through(reading: Reading) -> None:
    """Read all; what ends it early is a refusal, and leaves all open."""
    held, start = reading.held, reading.who is None
    try:
        reading.file(reading.files.main, start, before=not start)
    except FormatError as error:
        reading.broken = True
        reading.refusals.append(Refusal(Place(reading.files.main, 0), str(error)))
        held.open.update(keyword.name for keyword in reading.files.known.values())
    held.values.update({name: tuple(values) for name, values in held.adding.items()})


def _told(known: Mapping[str, Keyword]) -> Iterator[Keyword]:
    """Yield the keywords that have an effect."""
    return (k for k in known.values() if not k.means and k.read is not ignored and k.read is not unsupported)


def _effect(keyword: Keyword, first: Held, second: Held, version: Version) -> Effect:
    """What both readings come to for one keyword."""
    name, default = keyword.name, keywords.default(keyword, version)
    base, over = first.values.get(name), second.values.get(name)
    lines = second.lines[name] if over is not None else first.lines.get(name, [])
    if name in second.open or (name in first.open and over is None):
        return Effect(None, tuple(lines))
    value = default if base is None else base
    value = value if over is None else overridden(keyword, value, over, version)
    return Effect(written(keyword, value, default), tuple(lines))


def _listening(effects: Mapping[str, Effect]) -> Effect:
    """Every address with every port that sshd listens on."""
    said, ports, family = (effects[name] for name in ("ListenAddress", "Port", "AddressFamily"))
    if said.value is None or ports.value is None or family.value is None:
        return Effect(None, said.set_by)
    return Effect(listened(said.value, ports.value, family.value[0]), said.set_by or ports.set_by or family.set_by)


def _overridden(first: Held, second: Held) -> Iterator[Dead]:
    """Yield the lines that Match blocks override for a connection."""
    for name, winners in second.lines.items():
        alive = set(winners)
        yield from (Dead(name, line, winners[0]) for line in first.lines.get(name, ()) if line not in alive)


def _names(subsystems: Value) -> tuple[str, ...]:
    return tuple(line.partition(" ")[0] for line in subsystems)


def _senseless(start: Reading) -> Iterator[Refusal]:
    """Yield what sshd refuses of the whole of a configuration."""
    held = start.held
    for what in ("AuthorizedKeys", "AuthorizedPrincipals"):
        name = f"{what}Command"
        if lowered(held.values.get(name, ("none",))[0]) != "none" and f"{name}User" not in held.values:
            yield Refusal(held.lines[name][0], f"{name} without {name}User")
    family = held.values.get("AddressFamily", ("any",))[0]
    for address in held.values.get("ListenAddress", ()):
        if family != "any" and not _by_name(address) and (family == "inet6") != address.startswith("["):
            yield Refusal(held.lines["ListenAddress"][0], f"ListenAddress {address[:60]} is not of AddressFamily {family}")
    methods = held.values.get("AuthenticationMethods", ("any",))
    if methods != ("any",) and not any(_possible(listed, held) for listed in methods):
        yield Refusal(held.lines["AuthenticationMethods"][0], "AuthenticationMethods: every list has a method that is off")


def _by_name(address: str) -> bool:
    """Whether an address to listen on is the name of a host, of which nothing is known here."""
    return number(address.partition(" ")[0].rpartition(":")[0].strip("[]")) is None


METHODS = {
    "publickey": ("PubkeyAuthentication", "yes"),
    "password": ("PasswordAuthentication", "yes"),
    "keyboard-interactive": ("KbdInteractiveAuthentication", "yes"),
    "hostbased": ("HostbasedAuthentication", "no"),
    "gssapi-with-mic": ("GSSAPIAuthentication", "no"),
    "gssapi-keyex": ("GSSAPIKeyExchange", "no"),
}
"""The keyword that turns a method of authentication on, and its default."""


def _possible(listed: str, held: Held) -> bool:
    """Whether each method of a list is on."""
    switches = (METHODS.get(method.partition(":")[0]) for method in listed.split(","))
    return all(switch is None or held.values.get(switch[0], (switch[1],)) == ("yes",) for switch in switches)
