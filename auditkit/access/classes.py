"""Which accounts and sources an sshd treats alike: those for whom the same Match lines hold.

Each class is judged once, by what sshd itself says of one of its connections where it was asked.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from auditkit.access import asking
from auditkit.access.configuring import Configured
from auditkit.access.matching import Told, match_lines, matching
from auditkit.access.nouns import Dump, Left, Login, Treated
from auditkit.answers import Process, Shown
from auditkit.model import Gap, Need
from auditkit.sshd.criteria import Connection
from auditkit.sshd.doors import Source
from auditkit.sshd.effective import Configuration, Effect, Effective
from auditkit.sshd.keywords import Keyword, Rule
from auditkit.sshd.lines import lowered
from auditkit.sshd.reading import Place

MOST_STEPS = 400_000
"""Lines of the configuration times classes that are gone through."""
FEW_CLASSES, MOST_CLASSES = 4, 200
MOST_COMMANDS = 40
MOST_PLACES = 8
"""Addresses and ports of one server that are told apart."""
MANY = ("AuthorizedKeysFile", "AuthenticationMethods", "PermitOpen", "PermitListen", "ChannelTimeout", "RevokedKeys")
"""Keywords whose value is several words on one line."""
DECIDING = (
    *("PasswordAuthentication", "KbdInteractiveAuthentication", "UsePAM", "PermitEmptyPasswords", "PermitRootLogin"),
    *("AuthenticationMethods", "PubkeyAuthentication", "HostbasedAuthentication", "GSSAPIAuthentication", "RefuseConnection"),
    *("KerberosAuthentication", "AllowUsers", "AllowGroups", "DenyUsers", "DenyGroups", "AuthorizedKeysFile", "PAMServiceName"),
    *("AuthorizedKeysCommand", "TrustedUserCAKeys"),
)
"""What decides who may come in: where we and sshd differ about it, that is said."""
_ABSENT = {"UsePAM": "no"}
"""What it means that sshd does not tell of a keyword: it was built without that."""


@dataclass(slots=True)
class Class:
    """Connections for which the same Match lines hold."""

    who: Connection
    """One of them."""
    where: Connection
    members: list[tuple[Login, Source]]
    askable: bool
    """Whether sshd can be asked about it: all that a Match line asks of the connection is known."""
    plain: bool
    """Whether no Match line holds but `Match all`: then sshd says the same without a connection."""
    by_domain: bool = False
    """Whether a Match line asks for the routing domain: then sshd has to be told one."""


def places(configured: Configured, shown: Iterable[Shown]) -> tuple[tuple[Connection, ...], tuple[Left, ...]]:
    """Where a server is connected to, as far as its Match lines tell that apart; an address is None where it is not known."""
    process, configuration = configured.found.process, configured.configuration
    words = {lowered(word).partition("=")[0] for line in match_lines(configuration) for word in line.words}
    ports = _ports(configured, process)
    known = [show.address for show in shown if show.address]
    if not words & {"localaddress", "localport"}:
        return (Connection(local_address=(known or ["127.0.0.1"])[0], local_port=ports[0]),), ()
    listens = process.listens if process else ()
    everywhere = ("0.0.0.0", "::")  # noqa: S104 - it is compared
    addresses: list[str | None] = [None if each.address in everywhere else each.address for each in listens]
    addresses = list(dict.fromkeys((*known, *addresses))) or [None]
    found = tuple(Connection(local_address=address, local_port=port) for port in ports for address in addresses)
    left = len(found) - MOST_PLACES
    told = Left("every account", "anywhere", f"{left} more of the addresses and ports that it listens on were not tried")
    return found[:MOST_PLACES], (told,) if left > 0 else ()


def _ports(configured: Configured, process: Process | None) -> list[int]:
    listening = list(process.ports) if process else []
    if not listening and configured.configuration:
        said = configured.configuration.of(Connection()).effects["ListenAddress"].value or ()
        texts = (each.partition(" ")[0].rpartition(":")[2] for each in said)
        listening = [int(text) for text in texts if text.isdigit() and len(text) < 6]
    return list(dict.fromkeys(listening)) or [22]


def classes(
    configuration: Configuration, logins: Sequence[Login], sources: Sequence[Source], wheres: Sequence[Connection]
) -> tuple[tuple[Class, ...], tuple[Left, ...]]:
    """The classes of these connections, and whom that leaves out where there are more than are tried."""
    lines = matching(configuration)
    most = max(FEW_CLASSES, min(MOST_CLASSES, MOST_STEPS // max(1, configuration.start.steps)))
    by_name = configuration.of(Connection()).effects["UseDNS"].value != ("no",)
    found: dict[tuple[object, ...], Class] = {}
    left: dict[str, None] = {}
    for where, login, source in product(wheres, logins, sources):
        who = connection(login, source, where, by_name=by_name)
        told = lines.told(who)
        key = None if told is None else _key(told, who)
        if told is None or key is None or (key not in found and len(found) >= most):
            left[login.name] = None
            continue
        askable = None not in told or (lines.is_askable(told) and not by_name and where.local_address is not None)
        one = found.setdefault(key, Class(who, where, [], askable, lines.is_plain(told), lines.by_domain))
        one.members.append((login, source))
    return tuple(found.values()), tuple(_left(left, len(lines.lines)))


def connection(login: Login, source: Source, where: Connection, *, by_name: bool) -> Connection:
    """The connection of an account from a source; what nobody can know of it is None."""
    user = login.name if login.named else None
    host = None if by_name else source.address
    return replace(where, user=user, host=host, address=source.address, groups=login.groups)


def _key(told: Told, who: Connection) -> tuple[object, ...]:
    """What tells a class: which lines hold; where that is not known, the connection itself."""
    own = (who.user, who.address) if None in told else None
    return ((who.local_address, who.local_port, own), *told)


def _left(names: dict[str, None], lines: int) -> Iterator[Left]:
    if names:
        few = ", ".join(tuple(names)[:3])
        yield Left(f"{len(names)} accounts ({few} ...)", "anywhere", f"there are {lines} Match lines to try for each")


def questions(configured: Configured, found: Sequence[Class]) -> tuple[Need, ...]:
    """What to ask sshd about one connection of each class; where no Match line holds, it has said all already."""
    command = asking.base(configured.found)
    if command is None:
        return ()
    needs = (asking.about(command, _asked(each)) for each in found if each.askable and not each.plain)
    return tuple(dict.fromkeys(need for need in needs if need))[:MOST_COMMANDS]


def _asked(one: Class) -> Connection:
    """The connection of a class that sshd is asked about: of an account with a plain name, if there is one."""
    login, source = next((each for each in one.members if asking.plain(each[0].name)), one.members[0])
    local, domain = one.where.local_address or "127.0.0.1", "" if one.by_domain else None
    return replace(one.who, user=login.name, host=source.address, address=source.address, local_address=local, domain=domain)


def treated(configured: Configured, found: Sequence[Class], dumps: Sequence[Dump]) -> Iterator[Treated | Gap]:
    """Yield each class with what holds for it, and a gap where sshd says otherwise than we do: its word counts."""
    configuration = configured.configuration
    if configuration is None:
        return
    without = next((each for each in dumps if each.connection == Connection()), None)
    by_asked = {_spec(each.connection): each for each in dumps}
    told: dict[Gap, None] = {}
    for one in found:
        mine = configuration.of(one.who)
        dump = without if one.plain else next(filter(None, (by_asked.get(spec) for spec in _specs(one))), None)
        for said in filter(None, (dump or without,)):
            mine, different = overlaid(mine, said, configuration.files.known, every=dump is not None)
            told |= dict.fromkeys(Gap(configured.found.main, text) for text in different)
        yield Treated(mine, tuple(one.members), one.where, dump)
    yield from told


def _spec(who: Connection) -> tuple[object, ...]:
    return who.user, who.address, who.local_address, who.local_port, who.domain


def _specs(one: Class) -> Iterator[tuple[object, ...]]:
    local, domain = one.where.local_address or "127.0.0.1", "" if one.by_domain else None
    return ((login.name, source.address, local, one.where.local_port, domain) for login, source in one.members)


def overlaid(mine: Effective, dump: Dump, known: Mapping[str, Keyword], *, every: bool) -> tuple[Effective, list[str]]:
    """What holds by sshd's own word, with our lines where it agrees; and in words where it does not.

    `every`: of every keyword; else, as the dump is of another connection, only of those that no Match block changes.
    """
    effects = dict(mine.effects)
    different = []
    for name, effect in mine.effects.items():
        if not every and known[lowered(name)].in_match:
            continue
        lines = dump.values.get(lowered(name)) or ((_ABSENT[name],) if name in _ABSENT else None)
        keyword = known[lowered(name)]
        if lines is None and keyword.alone and not keyword.default:
            lines = ()
        if lines is None or _written(effect, keyword) == sorted(lines):
            continue
        lines_of = dump.set_by.get(lowered(name), ())
        by = tuple(map(_place, lines_of[: 1 if keyword.rule is Rule.FIRST else None])) or effect.set_by
        effects[name] = Effect(_value(name, lines, keyword), by)
        if name in DECIDING and effect.value is not None:
            different.append(
                f"of {name} sshd itself says {_shown(lines)}, its files came to {_shown(effect.value)}: its word counts"
            )
    if mine.refusals:
        where = ", ".join(f"{each.at}" for each in mine.refusals[:3])
        different.append(f"sshd takes lines that are not understood here ({where}): its word counts")
    return replace(mine, effects=effects, refusals=(), gaps=() if every else mine.gaps), different


def _written(effect: Effect, keyword: Keyword) -> list[str] | None:
    """A value as the lines of a dump, in no order."""
    if effect.value is None:
        return None
    return sorted(effect.value) if keyword.alone else [" ".join(effect.value)]


def _value(name: str, lines: tuple[str, ...], keyword: Keyword) -> tuple[str, ...]:
    if keyword.alone or name not in MANY:
        return lines
    return tuple(" ".join(lines).split(" "))


def _shown(words: tuple[str, ...]) -> str:
    return " ".join(words)[:100] or "nothing"


def _place(text: str) -> Place:
    file, _colon, line = text.rpartition(":")
    return Place(file, int(line))
