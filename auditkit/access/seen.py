"""What is known of the ways into a host over SSH, as one object that every group of rules reads."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from auditkit.access import (
    accounts,
    arguments,
    asking,
    classes,
    configuring,
    dump,
    finding,
    matching,
    needs,
    sources,
    views,
    ways,
)
from auditkit.access.classes import Class
from auditkit.access.configuring import Configured
from auditkit.access.finding import Found
from auditkit.access.keyfiles import filled
from auditkit.access.needs import NEEDS
from auditkit.access.nouns import Dump, Left, Login, Password, Seen, Server, Treated
from auditkit.answers import SIDE_BY_SIDE, Shown
from auditkit.model import Evidence, Gap, Means, Need
from auditkit.printable import printable
from auditkit.sshd.criteria import Connection
from auditkit.sshd.doors import Door, Method, Source
from auditkit.sshd.effective import Configuration, Refusal

__all__ = ["NEEDS", "Dump", "Login", "Password", "Seen", "Server", "Treated", "follow", "seen"]

MOST_LOGINS = 200


@lru_cache(SIDE_BY_SIDE)
def seen(evidence: Evidence) -> Seen:
    """All that is known of the ways into a host: accounts, sources, servers with their doors, and what could not be told."""
    known = _known(evidence)
    told = [_server(evidence, each, known.logins, known.froms, known.left) for each in known.begun]
    own = [gap for server, gaps_of in told for gap in (*gaps_of, *_unjudged(server))]
    gaps = (*known.of_logins, *known.of_servers, *own) if known.begun else known.of_servers
    return Seen(evidence, known.logins, known.froms, tuple(server for server, _gaps in told), tuple(dict.fromkeys(gaps)))


def _unjudged(server: Server) -> Iterator[Gap]:
    for one in server.left:
        yield Gap(server.name, f"whether {one.account} can log in from {one.origin} was not judged: {one.why}")


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """What is wanted in a second round: files that others name, and sshd's own word on each class of connections."""
    known = _known(evidence)
    wanted: list[Need] = list(configuring.more(evidence))
    found = [one for one in known.begun if isinstance(one, Configured)]
    if any(one.version is None for one in found):
        wanted += [needs.DPKG, needs.APK]
    wanted += [need for one in found for need in _asks(evidence, one, known.logins, known.froms)]
    wanted += [Need(Means.FILE, path, ways.WHY_PAM) for path in ways.missing(evidence, ways.services(evidence))]
    wanted += ways.access_files(evidence)
    wanted += [needs.shell(path) for path in accounts.shells(evidence)] if known.begun else []
    wanted += [need for each in known.begun for need in _views(evidence, each)]
    return tuple(dict.fromkeys(wanted))


def _views(evidence: Evidence, begun: Configured | Found) -> tuple[Need, ...]:
    """What to ask of the files that a server sees, and when it has read them."""
    found, configuration = (begun.found, begun.configuration) if isinstance(begun, Configured) else (begun, None)
    if found.process is None:
        return ()
    files, pid_file = configuring.places(configuration), configuring.pid_file(configuration)
    return tuple(views.wanted(evidence, found.process, files, pid_file))


class _Known(NamedTuple):
    """What is known before sshd is asked for its own word."""

    logins: tuple[Login, ...]
    of_logins: tuple[Gap, ...]
    begun: tuple[Configured | Found, ...]
    of_servers: tuple[Gap, ...]
    froms: tuple[Source, ...]
    left: tuple[Left, ...]


@lru_cache(SIDE_BY_SIDE)
def _known(evidence: Evidence) -> _Known:
    logins, of_logins = accounts.logins(evidence)
    servers, of_servers = finding.found(evidence)
    begun = tuple(_begun(evidence, each) for each in servers)
    froms, left = sources.sources(evidence, _configurations(begun), _shown(servers), ways.origins(evidence))
    return _Known(logins, of_logins, begun, of_servers, froms, left)


def _begun(evidence: Evidence, found: Found) -> Configured | Found:
    return configuring.configured(evidence, found) if found.kind == "openssh" else found


def _configurations(begun: Iterable[Configured | Found]) -> list[Configuration]:
    return [each.configuration for each in begun if isinstance(each, Configured) and each.configuration]


def _shown(servers: Iterable[Found]) -> list[Shown]:
    return [show for each in servers for show in each.shown]


def _asks(evidence: Evidence, one: Configured, logins: Sequence[Login], froms: Sequence[Source]) -> Iterator[Need]:
    command = asking.base(one.found)
    if command is not None and command != needs.DUMP.what:
        yield Need(Means.COMMAND, command, asking.WHY)
    if one.configuration:
        yield from classes.questions(one, _classes(evidence, one, logins, froms)[0])


def _classes(
    evidence: Evidence, one: Configured, logins: Sequence[Login], froms: Sequence[Source]
) -> tuple[tuple[Class, ...], tuple[Left, ...]]:
    if one.configuration is None:
        return (), ()
    wheres, more = classes.places(one, one.found.shown)
    chosen, left = judged(evidence, logins, one)
    found, rest = classes.classes(one.configuration, chosen, _reaching(one.found, froms), wheres)
    return found, (*left, *rest, *more)


def judged(evidence: Evidence, logins: Sequence[Login], one: Configured) -> tuple[tuple[Login, ...], tuple[Left, ...]]:
    """The accounts that matter: all that something could let in, roots first."""
    named = {word for line in matching.match_lines(one.configuration) for text in line.words for word in text.split(",")}
    homes = _homes_with_keys(evidence)
    keyed = _with_keys_elsewhere(evidence, logins)
    let_in = _let_in_without(evidence, one, logins)
    found = [login for login in logins if login in let_in or login.name in keyed or _matters(login, named, homes)]
    found.sort(key=lambda login: (not login.root, login.named, login.password in (Password.NONE, Password.LOCKED)))
    left = found[MOST_LOGINS:]
    told = (Left(f"{len(left)} accounts", "anywhere", f"there are more than {MOST_LOGINS}"),) if left else ()
    return tuple(found[:MOST_LOGINS]), told


def _matters(login: Login, named: set[str], homes: set[str]) -> bool:
    if login.root or not login.named or login.name in named:
        return True
    return login.password not in (Password.NONE, Password.LOCKED) or login.home.rstrip("/") in homes


def _homes_with_keys(evidence: Evidence) -> set[str]:
    held = (item for need in needs.KEYS for item in needs.items(evidence, need))
    return {item.source.rpartition("/.ssh/")[0] for item in held}


def _with_keys_elsewhere(evidence: Evidence, logins: Iterable[Login]) -> set[str]:
    """The accounts for which a line of AuthorizedKeysFile, in whatever block, names a file that was taken."""
    taken = {item.source for item in evidence.items if item.need.why == needs.KEYS[0].why}
    words = {
        word for line in configuring.named(evidence, "AuthorizedKeysFile") for word in line if not word.startswith(".ssh/")
    }
    return {login.name for login in logins if any(filled(word, login) in taken for word in words)} if words else set()


def _let_in_without(evidence: Evidence, one: Configured, logins: Sequence[Login]) -> frozenset[Login]:
    """The accounts that PAM or Kerberos may let in though no password of theirs is in a file, by any line of any block."""
    effects = one.configuration.of(Connection()).effects if one.configuration else {}
    tickets = (
        [*configuring.named(evidence, "KerberosAuthentication"), effects["KerberosAuthentication"].value] if effects else []
    )
    if any(not value or value[0].lower() != "no" for value in tickets):
        return frozenset(logins)
    if not effects or effects["UsePAM"].on is False:
        return frozenset()
    asked, names = ways.ways(evidence), ways.services(evidence)
    if set(ways.named_services(evidence)) - set(names):
        return frozenset(logins)
    open_ones = [name for name in names if asked.may_let_in_without(name)]
    return frozenset(login for login in logins if any(asked.lets_in_without(name, login) for name in open_ones))


def _reaching(found: Found, froms: Sequence[Source]) -> tuple[Source, ...]:
    """The sources from which a server can be reached, by the addresses it listens on."""
    listens = {each.address for each in found.process.listens if each.protocol == "tcp"} if found.process else set()
    if not listens:
        return tuple(froms)
    if all(address == "::1" or address.startswith("127.") for address in listens):
        return (sources.ITSELF,)
    four_only = all(":" not in address for address in listens)
    return tuple(source for source in froms if not (four_only and ":" in source.address))


# --- one server


def _server(
    evidence: Evidence, begun: Configured | Found, logins: Sequence[Login], froms: Sequence[Source], left: tuple[Left, ...]
) -> tuple[Server, tuple[Gap, ...]]:
    if isinstance(begun, Configured):
        server, gaps = _openssh(evidence, begun, logins, froms)
        return replace(server, left=(*server.left, *left) if server.judged else ()), gaps
    server = _bare(begun)
    why = "" if begun.kind == "tinyssh" else "it is no server whose configuration is understood here"
    if begun.contained:
        why = f"{begun.contained}, so its accounts are not those of the host"
    elif begun.kind == "dropbear" and begun.process:
        return _dropbear(server, logins, _reaching(begun, froms), ways.ways(evidence).shells)
    elif begun.kind == "dropbear":
        why = "with which options it is started is not known"
    return replace(server, why=why), (_untold(server, why),) if why else ()


def _untold(server: Server, why: str) -> Gap:
    return Gap(server.name, f"who may log in there cannot be told: {why}")


def _bare(found: Found) -> Server:
    banner = next((show.banner for show in found.shown), "")
    version = dump.version(banner)
    return Server(
        found.kind, found.process, found.main, version, banner, None, (), (), found.shown,
        program=found.program, options=found.started.lines, running=found.running, distinct=found.distinct,
    )  # fmt: skip


def _openssh(
    evidence: Evidence, one: Configured, logins: Sequence[Login], froms: Sequence[Source]
) -> tuple[Server, tuple[Gap, ...]]:
    server = replace(_bare(one.found), version=one.version, configuration=one.configuration)
    if one.configuration is None or one.version is None or not logins:
        why = one.why or "which accounts there are is not known"
        return replace(server, why=why), (_untold(server, why),)
    found, left = _classes(evidence, one, logins, froms)
    answers = list(asking.dumps(evidence, one.found))
    dumps = tuple(each.dump for each in (one.answer, *answers) if each and each.dump)
    told = tuple(classes.treated(one, found, dumps))
    treated = tuple(each for each in told if isinstance(each, Treated))
    differences = tuple(each for each in told if isinstance(each, Gap))
    asked = ways.ways(evidence)
    doors = _merged(door for each in treated for door in asked.through(each, one.version))
    unread = tuple(dict.fromkeys(gap for each in treated for gap in each.effective.gaps))
    reach, refused = _reaching(one.found, froms), _refused(one)
    server = replace(server, sources=reach, dumps=dumps, treated=treated, refused=refused, left=left)
    if refused and server.running is not False:
        why = f"it would not start with {_lines_of(refused)}, so what runs is not what its files say"
        return replace(server, why=why), (_untold(server, why), *differences, *unread)
    server = replace(server, unread=_changed(evidence, one))
    server = replace(server, doors=doors, left=(*server.left, *_disguised(server), *_behind(server)))
    return server, (*differences, *unread, *_silent(one), *_hidden(one))


def _disguised(server: Server) -> Iterator[Left]:
    """Yield that a program which hides its name may do otherwise than its files say."""
    if server.process is not None and finding.is_disguised(server.process):
        why = f"{printable(server.program)} is an sshd under another name, and may do otherwise than its files say"
        yield Left("anybody", "anywhere", why)


def _changed(evidence: Evidence, one: Configured) -> tuple[str, ...]:
    if one.found.process is None:
        return ()
    files, pid_file = configuring.places(one.configuration), configuring.pid_file(one.configuration)
    return views.changed_since(evidence, one.found.process, files, pid_file)


def _behind(server: Server) -> Iterator[Left]:
    """Yield that what was judged is not what the server goes by, as long as it has not read its files again."""
    if server.unread:
        yield Left("anybody", "anywhere", f"{views.shown(server.unread)} changed after it last read its configuration")


def _lines_of(refused: Sequence[Refusal]) -> str:
    """The line, or how many lines, that it refuses."""
    return printable(str(refused[0].at)) if len(refused) == 1 else f"{len(refused)} lines"


def _refused(one: Configured) -> tuple[Refusal, ...]:
    """The lines it will not start with: by its own word where it was asked."""
    if one.answer and (one.answer.dump or one.answer.refused):
        return one.answer.refused
    return one.configuration.of(Connection()).refusals if one.configuration else ()


def _silent(one: Configured) -> Iterator[Gap]:
    """Yield why sshd itself would not say what its configuration comes to, where no line of it is to blame."""
    if one.answer and not one.answer.dump and not _refused(one):
        told = printable(one.answer.complaint)
        yield Gap(one.found.main, f"sshd itself does not say what it comes to ({told}), so only its files were judged")


def _hidden(one: Configured) -> Iterator[Gap]:
    """Yield that nobody knows how it was started: -f and -o count before its files."""
    if one.found.unseen:
        yield Gap("sshd", "its process was not seen, so whether it was started with another file or options is not known")


def _merged(doors: Iterable[Door]) -> tuple[Door, ...]:
    """Each door once, though a server listens in several places: one that is sure before one that is not."""
    found: dict[tuple[str, str, Method], Door] = {}
    for door in doors:
        key = (door.account, door.source, door.method)
        if key not in found or (door.sure and not found[key].sure):
            found[key] = door
    return tuple(found.values())


def _dropbear(
    server: Server, logins: Sequence[Login], froms: Sequence[Source], shells: tuple[str, ...] | None
) -> tuple[Server, tuple[Gap, ...]]:
    """A dropbear, by the options it was started with: svr-auth.c and svr-authpasswd.c of dropbear 2020.81 to 2025.88.

    It knows no PAM, and no last day of an account; a shell that is not in /etc/shells keeps an account out.
    """
    if server.process is None:
        return server, ()
    given = arguments.dropbear(server.process)
    if not given.whole or not logins:
        why = "with which options it was started is not known" if logins else "which accounts there are is not known"
        return replace(server, why=why), (_untold(server, why),)
    doors = []
    for login in logins:
        grouped = not given.group or login.root or (None if login.groups is None else given.group in login.groups)
        let_in = given.passwords and grouped is not False and not (login.root and not (given.root and given.root_passwords))
        shelled = not shells or not login.named or login.shell in shells
        password = login.bare or login.password
        fits = {Password.SET: True, Password.UNKNOWN: None, Password.EMPTY: given.blank}.get(password, False)
        if let_in and fits is not False and shelled:
            sure = bool(fits and grouped)
            why = "" if sure else "whether it has a password, or is in the group of -G, is not known"
            method = Method.NOTHING if password is Password.EMPTY else Method.PASSWORD
            doors += [Door(login.name, source.name, method, sure, (), why) for source in froms]
    return replace(server, doors=tuple(doors), sources=tuple(froms)), ()
