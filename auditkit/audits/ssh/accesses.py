"""Which line of which file of keys opens which account, as each server reads it: for every group that judges keys."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

from auditkit import answers
from auditkit.access import asking, classes, configuring, matching, needs, views, ways
from auditkit.access.keyfiles import expanded, filled, plain, taken
from auditkit.access.membership import Groups, groups, takes_groups
from auditkit.access.nouns import Login, Password, Seen, Server, Treated
from auditkit.access.revoked import Lists, lists, lists_wanted, taken_back
from auditkit.access.seen import seen
from auditkit.access.sources import ITSELF
from auditkit.access.ways import Ways
from auditkit.answers import SIDE_BY_SIDE
from auditkit.audits.ssh.settings import OPENSSH
from auditkit.keys import use
from auditkit.keys.authorized import Line
from auditkit.keys.use import Effect, Way
from auditkit.model import Evidence, Gap, Means, Need, Quote
from auditkit.printable import printable
from auditkit.sshd import doors
from auditkit.sshd.criteria import Connection
from auditkit.sshd.doors import Source, Sure
from auditkit.sshd.effective import Effective

FIRST, SECOND = needs.KEYS
FIRST_WAY = Need(Means.STATUS, FIRST.what, "who may write to the keys that open accounts")
SECOND_WAY = Need(Means.STATUS, SECOND.what, "who may write to the keys that open accounts")
KEY_FILES = (FIRST, SECOND, FIRST_WAY, SECOND_WAY)
MOST_FILES = 1000
"""Files of keys in unusual places that are asked for."""
MOST_OPTIONS = 200
AT_HOME = re.compile(r"/\.ssh/authorized_keys2?\Z")
"""Behind the home of an account, where sshd looks for keys unless it is told otherwise."""
_KEYS_ONLY = ("prohibit-password",)
_OF_ROOT = frozenset({"publickey", "hostbased", "gssapi-with-mic"})
"""Methods that root may use where PermitRootLogin is prohibit-password."""
_NO_SERVER = "no server is known that reads it"
NOBODY = Login("?", -1, -1, None, "", "", Password.UNKNOWN, None)
"""Whose keys they are is not known."""


@dataclass(frozen=True, slots=True)
class Access:
    """A line of a file of keys, the account it is for, and what it does there."""

    login: Login
    line: Line
    effect: Effect
    server: str
    """The file that configures the server which reads it; empty where none does."""
    treated: tuple[Treated, ...] = ()
    """How that server treats the account."""
    steps: tuple[answers.Step, ...] = ()
    """The way to the file, where it was looked at."""
    everywhere: bool = True
    """Whether a server takes it from all sources that make a difference, its from= aside."""

    @property
    def account(self) -> str:
        """Its name."""
        return self.login.name

    @property
    def root(self) -> bool:
        """Whether it is root, by whatever name."""
        return self.login.root

    @property
    def second(self) -> bool:
        """Whether it lies in the file that is easily forgotten."""
        return self.line.file.endswith("/.ssh/authorized_keys2")

    @property
    def alive(self) -> bool:
        """Whether it lets somebody in, as far as anybody can tell."""
        return self.effect.effective is not False

    @property
    def forwards(self) -> bool:
        """Whether the key opens connections from that host to others: the line and, as far as is known, the server."""
        on = (_forwards(one.effective) for one in self.treated)
        return self.line.options.forwards and (not self.treated or any(each is not False for each in on))

    @property
    def quote(self) -> Quote:
        """The line as people compare it."""
        return quoted(self.line)


def quoted(line: Line) -> Quote:
    """A line of a file of keys as people compare it: its options, and the fingerprint in place of the key."""
    options = ",".join(line.options.written)[:MOST_OPTIONS]
    words = (options, line.key.type, line.key.fingerprint, line.comment[:60])
    return Quote(line.file, line.number, " ".join(word for word in words if word))


def _forwards(effective: Effective) -> bool | None:
    """Whether TCP forwarding is on; None where nobody can tell."""
    tcp, off = (effective.effects[name].value for name in ("AllowTcpForwarding", "DisableForwarding"))
    if tcp in (("no",), ("remote",)) or off == ("yes",):
        return False
    return None if tcp is None or off is None else True


@dataclass(frozen=True, slots=True)
class Reading:
    """A server, and one way in which it treats the connections of an account."""

    server: Server
    treated: Treated
    admitted: tuple[tuple[Source, Sure], ...] = ()
    """From where its lists let the account in; the same for every line, so that it is asked once."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a host that decides what its keys do."""

    told: Seen
    ways: Ways
    groups: Groups
    revoked: Lists

    def way(self, steps: tuple[answers.Step, ...], login: Login) -> Way | None:
        """The way to a file that StrictModes looks at."""
        return way_of(steps, login, self.groups)


Where = TypeVar("Where")
What = TypeVar("What")
Everybody = Mapping[Login, tuple[Reading, ...]]
"""How every server treats every account."""


@lru_cache(SIDE_BY_SIDE)
def accesses(evidence: Evidence) -> tuple[Access | Gap, ...]:
    """Each line of each file for each account that it may be for, and what is no line."""
    return tuple(_accesses(seen(evidence)))


def _accesses(told: Seen) -> Iterator[Access | Gap]:
    read = taken(told.evidence)
    looked = {item.source: answers.way(item) for item in told.evidence.items if item.need.means is Means.STATUS}
    yield from dict.fromkeys(one for lines in read.values() for one in lines if isinstance(one, Gap))
    yield from (way for file, way in looked.items() if file in read and isinstance(way, Gap))
    everybody = _everybody(told)
    yield from _not_asked(told, everybody)
    yield from _not_known(told)
    known = Known(told, ways.ways(told.evidence), groups(told.evidence, told.logins), lists(told.evidence))
    owned, named = set[str](), _grouped((plain(file), file) for file in read)
    usual = _grouped((AT_HOME.sub("", plain(file)), file) for file in read if AT_HOME.search(file))
    for login, readings in everybody.items():
        files = _of_login(login, readings, named, usual)
        asked = [replace(one, admitted=tuple(admitted(one.server, login, one.treated))) for one in readings if files]
        for file in files:
            owned.add(file)
            way = looked.get(file, ())
            lines = (line for line in read[file] if isinstance(line, Line))
            yield from (_access(known, login, line, asked, () if isinstance(way, Gap) else way) for line in lines)
    for file in read.keys() - owned:
        lines = (line for line in read[file] if isinstance(line, Line))
        yield from (Access(NOBODY, line, Effect(None, "whose keys these are is not known"), "") for line in lines)


def _everybody(told: Seen) -> Everybody:
    """How every server treats each account: it counts as open where one of them lets it in."""
    servers = [(server, _by_name(server)) for server in told.servers if server.kind == OPENSSH]
    logins = (login for login in told.logins if login.named)
    return {
        login: tuple(Reading(server, one) for server, by_name in servers for one in _treated(server, login, by_name))
        for login in logins
    }


def _by_name(server: Server) -> Mapping[str, Sequence[Treated]]:
    """The ways in which a server treats each account."""
    found = defaultdict[str, list[Treated]](list)
    for one in server.treated:
        for name in dict.fromkeys(who.name for who, _source in one.who):
            found[name].append(one)
    return found


def _treated(server: Server, login: Login, by_name: Mapping[str, Sequence[Treated]]) -> Iterator[Treated]:
    """Yield how a server treats an account: of one that no password would open, what its files say."""
    told = by_name.get(login.name, ())
    if not told and server.treated and not matching.match_lines(server.configuration):
        told = [replace(server.treated[0], who=())]
    elif not told and server.configuration is not None:
        effective = server.configuration.of(Connection(user=login.name, groups=login.groups))
        told = [Treated(effective, (), Connection())]
    yield from told


def _grouped(pairs: Iterable[tuple[Where, What]]) -> Mapping[Where, Sequence[What]]:
    """What belongs to each place."""
    found = defaultdict[Where, list[What]](list)
    for where, what in pairs:
        found[where].append(what)
    return found


def _of_login(
    login: Login, readings: tuple[Reading, ...], named: Mapping[str, Sequence[str]], usual: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """The files that are read for an account, and those in its home that one might take for such."""
    home = plain(f"/{login.home}/").rstrip("/")
    paths = dict.fromkeys(path for one in readings for path in expanded(one.treated.effective, login) or ())
    return tuple(dict.fromkeys((*usual.get(home, ()), *(file for path in paths for file in named.get(path, ())))))


def _elsewhere(told: Seen, everybody: Everybody) -> tuple[str, ...]:
    """The files of keys in unusual places: those that servers read, and those that any line names, whatever the version."""
    pairs = ((login, one) for login, readings in everybody.items() for one in readings)
    paths = [path for login, one in pairs for path in expanded(one.treated.effective, login) or ()]
    words = (word for line in configuring.named(told.evidence, "AuthorizedKeysFile") for word in line)
    paths += [filled(word, login) for word in words if word.lower() != "none" for login in everybody]
    return tuple(path for path in dict.fromkeys(paths) if not AT_HOME.search(path))


def wanted(evidence: Evidence) -> tuple[Need, ...]:
    """The files of keys that lie elsewhere than in ~/.ssh/authorized_keys, the way to each, and lists of revoked keys."""
    told = seen(evidence)
    paths = [path for path in _elsewhere(told, _everybody(told)) if asking.readable(path)][:MOST_FILES]
    files = (need for path in paths for need in (replace(FIRST, what=path), replace(FIRST_WAY, what=path)))
    return (*files, *lists_wanted(evidence))


def _not_asked(told: Seen, everybody: Everybody) -> Iterator[Gap]:
    """Yield the files of keys that were not looked at, because of their names or their number."""
    paths = _elsewhere(told, everybody)
    if odd := [path for path in paths if not asking.readable(path)]:
        more = f" and in {len(odd) - 1} more files" if len(odd) > 1 else ""
        yield Gap(odd[0], f"the keys in it{more} were not looked at, because of {'their names' if more else 'its name'}")
    if len(paths) - len(odd) > MOST_FILES:
        yield Gap("keys", f"more than {MOST_FILES} files of keys; those in the rest are not judged")
    yield from _too_late(told, everybody)


def _too_late(told: Seen, everybody: Everybody) -> Iterator[Gap]:
    """Yield a gap for each line that names files of keys elsewhere which were not asked for: old evidence knows no new one."""
    late: dict[tuple[str, str], None] = {}
    for login, readings in everybody.items():
        for one in readings:
            paths = expanded(one.treated.effective, login) or ()
            if any(not told.evidence.was_asked(replace(FIRST, what=path)) for path in paths if not AT_HOME.search(path)):
                late[one.server.name, one.treated.effective.effects["AuthorizedKeysFile"].origin] = None
    for name, origin in late:
        yield Gap(name, f"the files of keys that {printable(origin)} names may not all have been looked at")


def _not_known(told: Seen) -> Iterator[Gap]:
    """Yield a gap for each server of which nobody can tell where it takes keys from."""
    for server in told.servers:
        if server.kind == OPENSSH and not server.treated and server.configuration is None:
            why = "from where it takes keys besides ~/.ssh/authorized_keys is not known"
            yield Gap(server.name, f"{why}: {server.why}" if server.why else why)


def _access(known: Known, login: Login, line: Line, readings: Sequence[Reading], steps: tuple[answers.Step, ...]) -> Access:
    """A line for an account: alive where one server lets it in, dead where every one of them surely does not."""
    found = [(one, _effect(known, line, login, one, steps)) for one in readings]
    if not found:
        effect = use.effect(line, use.Server(known.told.evidence.taken), known.way(steps, login))
        effect = effect if effect.effective is False else Effect(None, effect.reason or _NO_SERVER)
        return Access(login, line, effect, "", (), steps)
    best = next((value for value in (True, None) if any(effect.effective is value for _one, effect in found)), False)
    unread = {each.reason for one in readings for each in _not_read(line, login, one.treated)} if best is False else set()
    first, effect = next((pair for pair in found if pair[1].effective is best and pair[1].reason not in unread), found[0])
    treated = tuple(one.treated for one, each in found if each.effective is not False)
    others = [one.name for one in known.told.servers if one.kind != OPENSSH or not (one.treated or one.configuration)]
    if best is False and others:
        effect = Effect(None, f"{effect.reason}; but {printable(others[0][:60])} may take it, of which that is not known")
    behind = [one.server for one in readings if one.server.unread]
    if effect.effective is False and behind and not line.dead:
        why = f"{views.shown(behind[0].unread)} changed after {printable(behind[0].name)} last read its configuration"
        effect = Effect(None, f"{effect.reason}; but {why}")
    by_server = _grouped((id(pair[0].server), pair) for pair in found)
    everywhere = any(_everywhere(several) for several in by_server.values())
    return Access(login, line, effect, first.server.main, treated, steps, everywhere)


def _everywhere(found: Sequence[tuple[Reading, Effect]]) -> bool:
    """Whether a server takes a line from wherever it can be reached, as far as its own lists and blocks decide that."""
    pairs = [(source, let_in, effect) for one, effect in found for source, let_in in one.admitted]
    shut = {source.name for source, let_in, effect in pairs if let_in is False or effect.effective is False}
    alive = any(effect.effective is not False for _one, effect in found)
    return alive and not shut and {source.name for source, _let_in, _effect in pairs} != {ITSELF.name}


def _effect(known: Known, line: Line, login: Login, one: Reading, steps: tuple[answers.Step, ...]) -> Effect:
    """What a line does for connections that are treated alike."""
    if line.dead:
        return Effect(False, line.dead)
    told = [*_not_read(line, login, one.treated), *_shut_out(known, line, login, one)]
    told += taken_back(line, one.treated.effective, known.revoked)
    told.append(use.effect(line, _server(known.told.evidence, one), known.way(steps, login)))
    certain = [each for each in told if each.effective is False]
    return next(iter(certain), None) or next((each for each in told if each.effective is None), Effect(True))


def _not_read(line: Line, login: Login, one: Treated) -> Iterator[Effect]:
    """Yield why the file that the line stands in is not read for the account."""
    paths, effect = expanded(one.effective, login), one.effective.effects["AuthorizedKeysFile"]
    if paths is None:
        yield Effect(None, "AuthorizedKeysFile of sshd is not known")
    elif plain(line.file) not in paths:
        yield Effect(False, f"AuthorizedKeysFile of sshd is {printable(' '.join(effect.value or ())[:80])} ({effect.origin})")


def _server(evidence: Evidence, one: Reading) -> use.Server:
    """The settings by which sshd takes a key or not."""
    value = {name: effect.value for name, effect in one.treated.effective.effects.items()}
    accepted = value.get("PubkeyAcceptedAlgorithms", value.get("PubkeyAcceptedKeyTypes"))
    bits, strict, dns = (value.get(name) for name in ("RequiredRSASize", "StrictModes", "UseDNS"))
    return use.Server(
        evidence.taken,
        accepted=None if accepted is None else ",".join(accepted),
        rsa_bits=int(bits[0][:9]) if bits and bits[0].isdecimal() else None,
        strict=None if strict is None else strict == ("yes",),
        dns=None if dns is None else dns == ("yes",),
        groups=takes_groups(evidence, one.server),
    )


def way_of(steps: tuple[answers.Step, ...], login: Login, groups: Groups | None = None) -> Way | None:
    """The way that StrictModes looks at: it ends at the home of the account where the file is in there."""
    if not steps:
        return None
    homes = {
        "/" + login.home.strip("/"),
        AT_HOME.sub("", steps[0].path),
    }
    end = next((place for place, step in enumerate(steps) if place and step.path in homes), len(steps) - 1)
    gone = steps[: end + 1]
    alone = (groups.alone(step, login) if groups and step.mode & 0o020 else None for step in gone)
    return Way(gone, login.uid, tuple(alone))


def _shut_out(known: Known, line: Line, login: Login, one: Reading) -> Iterator[Effect]:
    """Yield why an account does not get in with a key, whatever the key."""
    effective = one.treated.effective
    value = {name: effect.value for name, effect in effective.effects.items()}
    if value["PubkeyAuthentication"] == ("no",):
        yield Effect(False, "PubkeyAuthentication of sshd is no")
    root = value["PermitRootLogin"] if login.root else ("yes",)
    lists = value["AuthenticationMethods"]
    if lists and lists != ("any",) and not any(_ends_well(each, root) for each in lists):
        shown = f"AuthenticationMethods of sshd is {printable(' '.join(lists)[:80])}"
        yield Effect(False, f"{shown}, and PermitRootLogin {root[0]}" if root == _KEYS_ONLY else shown)
    if root == ("no",) or (root == ("forced-commands-only",) and line.options.command is None):
        yield Effect(False, f"PermitRootLogin of sshd is {root[0]}")
    yield from _state(known, login, one.treated)
    if known.ways.useless(login, effective, forwards=line.options.forwards, command=line.options.command or ""):
        yield Effect(False, "the account has no session, its shell gives none, and nothing is forwarded")
    yield from _lists(one)
    unknown = [name for name in ("PubkeyAuthentication", "AuthenticationMethods") if value[name] is None]
    if unknown or root is None:
        yield Effect(None, f"{', '.join(unknown) or 'PermitRootLogin'} of sshd is not known")


def _ends_well(methods: str, root: tuple[str, ...] | None) -> bool:
    """Whether a list of methods has a key, and nothing beside it that root is refused (auth_root_allowed() of auth.c)."""
    names = {each.partition(":")[0] for each in methods.split(",")}
    return "publickey" in names and not (root == _KEYS_ONLY and names - _OF_ROOT)


def _state(known: Known, login: Login, one: Treated) -> Iterator[Effect]:
    """Yield whether the state of an account, or PAM, shuts it out, from everywhere that is treated alike."""
    by_name = one.effective.effects["UseDNS"].on is not False
    froms = {None if by_name else source.address for who, source in one.who if who.name == login.name} or {None}
    words = dict.fromkeys(known.ways.account(login, one.effective, origin) for origin in sorted(froms, key=str))
    told = {word.opens for word in words}
    if True not in told:
        yield next(Effect(word.opens, word.why) for word in words if word.opens is None or told == {False})


def _lists(one: Reading) -> Iterator[Effect]:
    """Yield whether AllowUsers and its like shut the account out, from everywhere that is treated alike."""
    told = [let_in for _source, let_in in one.admitted]
    if told and all(each is False for each in told):
        yield Effect(False, "AllowUsers, AllowGroups, DenyUsers or DenyGroups of sshd shut the account out")
    elif told and True not in told:
        yield Effect(None, "whether AllowUsers and its like let the account in is not known")


def admitted(server: Server, login: Login, one: Treated) -> Iterator[tuple[Source, Sure]]:
    """Yield for each source that is treated alike whether AllowUsers and its like let the account in; None: not known."""
    by_name = one.effective.effects["UseDNS"].on is not False
    for source in (source for who, source in one.who if who.name == login.name):
        connection = classes.connection(login, source, one.where, by_name=by_name)
        yield source, None if server.version is None else doors.admitted(one.effective, connection, server.version)
