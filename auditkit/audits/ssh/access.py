"""A. Who can log in with a password: from where, as whom, by which line; what cannot be told is said, never passed over.

What else opens a door, or does not close one, is in restrictions.py.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from auditkit.access import finding, needs, seen, telling
from auditkit.access.passwd import SESSIONLESS
from auditkit.access.seen import Login, Seen, Server
from auditkit.access.sources import ITSELF, is_own
from auditkit.model import Evidence, Finding, Gap, Rule, Severity
from auditkit.printable import printable
from auditkit.sshd.doors import Door, Method
from auditkit.sshd.reading import Place

NEEDS = seen.NEEDS
follow = seen.follow

_KEYWORDS = ("sshd_config(5)", "dev-sec ssh-baseline sshd-27, sshd-29")
FROM_OUTSIDE = Rule(
    "ssh-password-from-outside",
    "An account can log in with a password from outside the own networks",
    Severity.HIGH,
    "A password can be guessed, or has been lost elsewhere, and whoever has it is in. The whole internet tries, day and"
    " night; where the host can be reached from there, it is a matter of time.",
    "Take keys in place of passwords: PasswordAuthentication no, KbdInteractiveAuthentication no.",
    _KEYWORDS,
)
FROM_INSIDE = Rule(
    "ssh-password-from-inside",
    "An account can log in with a password from the own networks",
    Severity.MEDIUM,
    "Whoever is in the office, or on one machine of it, may guess: that is how one machine becomes all. For these addresses"
    " sshd offers a password, or keyboard-interactive that asks for one.",
    "Take keys in place of passwords: PasswordAuthentication no, KbdInteractiveAuthentication no.",
    _KEYWORDS,
)
BY_KEYBOARD = Rule(
    "ssh-password-by-keyboard-interactive",
    "PasswordAuthentication is no, and passwords are taken all the same",
    Severity.HIGH,
    "Passwords can still be guessed over the network, though somebody has turned that off. Keyboard-interactive is a second"
    " way to ask for the very same password: with UsePAM it is on unless a line says no.",
    "Turn it off too: KbdInteractiveAuthentication no (until OpenSSH 8.6: ChallengeResponseAuthentication no).",
    ("sshd_config(5) KbdInteractiveAuthentication", "/usr/share/doc/openssh-server/README.Debian.gz"),
)
BY_MATCH = Rule(
    "ssh-password-by-match",
    "A Match block takes passwords that are off for everybody else",
    Severity.HIGH,
    "Who reads the first lines believes that there are no passwords. For the users or addresses of the block there are.",
    "Take the block out, or narrow it; give these accounts keys.",
    ("sshd_config(5) Match",),
)
EMPTY = Rule(
    "ssh-empty-password",
    "An account can log in over SSH without any password",
    Severity.CRITICAL,
    "Whoever knows the name of the account is in, and is asked for nothing. PermitEmptyPasswords lets sshd take an empty"
    " password, and the field of this account in /etc/shadow is empty.",
    "Say PermitEmptyPasswords no, and lock the account: passwd -l NAME (undo: passwd -u NAME).",
    ("sshd_config(5) PermitEmptyPasswords", "CIS Debian 12 5.1.19"),
)
ROOT = Rule(
    "ssh-root-password",
    "Root can log in with a password",
    Severity.CRITICAL,
    "One guessed or lost password is the whole machine, and no log says which person it was. Everybody knows the name root,"
    " and PermitRootLogin yes lets it try passwords.",
    "Say PermitRootLogin prohibit-password, or no where people use sudo.",
    ("sshd_config(5) PermitRootLogin", "CIS Debian 12 5.1.20"),
)
UNKNOWN = Rule(
    "ssh-password-unknown",
    "Whether a password lets somebody in cannot be told",
    Severity.MEDIUM,
    "It may be that people get in with a password, and from here nobody can say. PAM asks modules, or accounts come from"
    " servers, of which nothing can be seen on this host.",
    "See for yourself, as an account that should not get in: ssh -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1"
    " NAME@HOST. Where no passwords are wanted, say PasswordAuthentication no and KbdInteractiveAuthentication no: then"
    " nothing is asked, whatever PAM would say.",
    ("pam.d(5)", "sshd_config(5) UsePAM"),
)
RULES = (FROM_OUTSIDE, FROM_INSIDE, BY_KEYBOARD, BY_MATCH, EMPTY, ROOT, UNKNOWN)
MOST_MATCHES = 20
"""Match blocks that are told of one by one."""
SWITCH = {
    Method.PASSWORD: "PasswordAuthentication",
    Method.KEYBOARD: "KbdInteractiveAuthentication",
    Method.NOTHING: "PermitEmptyPasswords",
}
"""The keyword that turns a method on."""


@dataclass(frozen=True, slots=True)
class Way:
    """What one account may do with a password at one server."""

    login: str
    methods: tuple[Method, ...]
    sources: tuple[str, ...]
    set_by: tuple[Place, ...]
    why: str = ""


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield who can log in with a password, and of whom that cannot be told."""
    told = seen.seen(evidence)
    yield from told.gaps
    if not (told.servers or evidence.host.startswith(needs.DISK)) and (why := finding.hidden(evidence)):
        yield Gap("SSH servers", why)  # a disk without one is no gap: it says so beside "could not be checked"
    roots = {login.name for login in told.logins if login.root}
    for server in (each for each in told.alike if each.judged):
        ways = defaultdict[tuple[Rule, tuple[object, ...]], list[Way]](list)
        for way in _ways(server, sure=True):
            rule = _rule(told, server, way, root=way.login in roots)
            ways[rule, (way.methods, way.sources, way.set_by, way.why)].append(way)
        for (rule, _same), alike in ways.items():
            yield _finding(told, server, rule, alike)
        yield from _unknown(told, server)
        yield from _unused_matches(told, server)
        yield from _empty_taken(told, server)


def _ways(server: Server, *, sure: bool) -> Iterator[Way]:
    """Yield for each account how it gets in, or may: one that needs no password is not told to have one besides."""
    by_account = defaultdict[tuple[str, str], list[Door]](list)
    open_ones = {(door.account, door.source) for door in server.doors if door.sure}
    for door in server.doors:
        if door.sure == sure and (sure or (door.account, door.source) not in open_ones):
            by_account[door.account, door.why].append(door)
    for (account, why), found in by_account.items():
        doors = [door for door in found if door.method is Method.NOTHING] or found
        methods = tuple(dict.fromkeys(door.method for door in doors))
        froms = tuple(dict.fromkeys(door.source for door in doors))
        yield Way(account, methods, froms, tuple(dict.fromkeys(place for door in doors for place in door.set_by)), why)


def _rule(told: Seen, server: Server, way: Way, *, root: bool) -> Rule:
    """The one rule that says it best: what the strongest reason is, and what the fix."""
    if Method.NOTHING in way.methods:
        return EMPTY
    if root:
        return ROOT
    if server.kind == "openssh" and _by_match(server, way):
        return BY_MATCH
    if way.methods == (Method.KEYBOARD,):
        return BY_KEYBOARD
    return FROM_OUTSIDE if _outside(told, server, way) else FROM_INSIDE


def _login(told: Seen, name: str) -> Login:
    return next(login for login in told.logins if login.name == name)


def _outside(told: Seen, server: Server, way: Way) -> bool:
    """Whether it is open to an address that is not of the own networks."""
    addresses = [source.address for source in server.sources if source.name in way.sources]
    return any(not is_own(address, told.evidence) for address in addresses if address != ITSELF.address)


def _by_match(server: Server, way: Way) -> bool:
    """Whether all of it is owed to Match blocks: it is off where none holds."""
    if server.configuration is None or not way.set_by:
        return False
    off = all(telling.general(server, SWITCH[method]) == ("no",) for method in way.methods)
    return off and any(telling.block(server, place) for place in way.set_by)


# --- findings


def _finding(told: Seen, server: Server, rule: Rule, alike: Sequence[Way]) -> Finding:
    first = alike[0]
    froms = telling.origins(first.sources, server, told.evidence)
    switches = [SWITCH[method] for method in first.methods]
    dead = telling.dead(server, {*switches, *({"PermitRootLogin"} if rule is ROOT else ())})
    how = f"without any password {telling.sources(froms)}" if rule is EMPTY else f"with a password {telling.sources(froms)}"
    words = [
        f"{telling.note(server)}{telling.names(_shown(told, way.login) for way in alike)} can log in {how}",
        f" (method: {', '.join(method.value for method in first.methods)}){_reason(server, first, rule)}",
        f"; {telling.names(map(telling.shown, dead))} {'is' if len(dead) == 1 else 'are'} never used" if dead else "",
        telling.offered(server),
        f". {first.why}, whether it is right or not" if first.why else "",
    ]
    quotes = telling.quotes(server, (*first.set_by, *_root_lines(server, first, rule), *dead))
    severity = _severity(told, server, rule, first)
    return Finding(rule, server.name, "".join(words), severity, quotes, _remedy(told, server, rule, alike))


def _shown(told: Seen, name: str) -> str:
    """An account, with what is odd about it."""
    login = _login(told, name)
    ends = login.shell in SESSIONLESS
    return f"{name} (whose shell gives no session, but whose connections are forwarded)" if ends else name


def _reason(server: Server, way: Way, rule: Rule) -> str:
    """Which lines it is owed to, in words."""
    effective = server.of(way.login, way.sources[0])
    if effective is None:
        return ": it was not started with -s, which would shut passwords out" if server.kind == "dropbear" else ""
    switches = [SWITCH[method] for method in way.methods]
    said = [telling.saying(server, effective, keyword) for keyword in switches]
    if rule is ROOT:
        said.append(telling.saying(server, effective, "PermitRootLogin"))
    if rule is BY_KEYBOARD:
        said.insert(0, f"{telling.saying(server, effective, 'PasswordAuthentication')}, but")
        return f": {said[0]} {'; '.join(said[1:])}, and UsePAM is yes"
    matched = [line for place in way.set_by if (line := telling.block(server, place))]
    under = f", under Match {printable(matched[0].rest.strip()[:80])}" if matched else ""
    return f": {'; '.join(said)}{under}"


def _root_lines(server: Server, way: Way, rule: Rule) -> tuple[Place, ...]:
    effective = server.of(way.login, way.sources[0])
    return effective.effects["PermitRootLogin"].set_by if rule is ROOT and effective else ()


def _severity(told: Seen, server: Server, rule: Rule, way: Way) -> Severity:
    """By the rule, higher where the internet reaches the server, lower where only the office or nobody does."""
    if server.running is False or way.sources == (ITSELF.name,):
        return Severity.LOW
    if way.why:
        return Severity.CRITICAL
    if rule in (EMPTY, ROOT) or rule is FROM_INSIDE:
        return rule.severity
    if not _outside(told, server, way):
        return Severity.MEDIUM
    return Severity.CRITICAL if _public(server) else rule.severity


def _public(server: Server) -> bool:
    """Whether it listens at an address of the internet."""
    listens = [each.address for each in server.process.listens] if server.process else []
    return any(ip_address(address).is_global for address in (*listens, *(show.address for show in server.shown)) if address)


def _remedy(told: Seen, server: Server, rule: Rule, alike: Sequence[Way]) -> str:
    if server.kind != "openssh":
        return (
            "Put a key into the account first, and log in with it. Then start dropbear with -s, which shuts out all passwords:"
            ' Debian has DROPBEAR_EXTRA_ARGS="-s" in /etc/default/dropbear, Alpine DROPBEAR_OPTS="-s" in /etc/conf.d/dropbear,'
            " OpenWrt uci set dropbear.@dropbear[0].PasswordAuth=off, RootPasswordAuth=off and uci commit dropbear; restart it"
            " (undo: take that out again). Log in with a second session before you close this one."
            f" {telling.again(told.evidence)}"
        )
    first = alike[0]
    fix = _lines(server, rule, first)
    if rule is BY_MATCH:
        return telling.keys_first(server, told.evidence) + telling.commented(
            server, told.evidence, _under_match(server, first.set_by)
        )
    text = telling.closing(server, told.evidence, fix, telling.overriding(server, fix))
    return f"{text}{_locking(alike)}" if rule is EMPTY else telling.keys_first(server, told.evidence) + text


def _locking(alike: Sequence[Way]) -> str:
    """The commands that lock the accounts whose names are fit for one."""
    plain = [way.login for way in alike if telling.NAME.fullmatch(way.login)][: telling.MOST_QUOTES]
    do, undo = (" && ".join(f"sudo passwd {option} {name}" for name in plain) for option in ("-l", "-d"))
    return f" And lock the password: {do} (undo: {undo})." if plain else ""


def _under_match(server: Server, places: Iterable[Place]) -> tuple[Place, ...]:
    return tuple(place for place in places if telling.block(server, place))


def _lines(server: Server, rule: Rule, way: Way) -> list[str]:
    """The lines that close it."""
    if rule is EMPTY:
        return ["PermitEmptyPasswords no"]
    if rule is ROOT:
        return ["PermitRootLogin prohibit-password"]
    keyboard = [f"{telling.keyboard(server.version)} no"]
    return keyboard if rule is BY_KEYBOARD else ["PasswordAuthentication no", *keyboard]


def _unknown(told: Seen, server: Server) -> Iterator[Finding | Gap]:
    """Yield of whom it cannot be told, by the reason: a finding where PAM or a directory decides, else a gap."""
    by_reason = defaultdict[tuple[str, tuple[str, ...]], list[Way]](list)
    for way in _ways(server, sure=False):
        by_reason[way.why, telling.origins(way.sources, server, told.evidence)].append(way)
    for (why, froms), alike in by_reason.items():
        who = telling.names(way.login for way in alike)
        message = (
            f"{telling.note(server)}whether {who} can log in with a password {telling.sources(froms)} cannot be told: {why}"
        )
        if why.startswith(("PAM", "accounts come", "a Kerberos")):
            yield Finding(UNKNOWN, server.name, message, UNKNOWN.severity)
        else:
            yield Gap(server.name, message)


def _empty_taken(told: Seen, server: Server) -> Iterator[Finding]:
    """Yield that empty passwords are taken where no account has one yet."""
    found = [one.effective for one in server.treated if one.effective.effects["PermitEmptyPasswords"].on]
    if not found or any(door.method is Method.NOTHING for door in server.doors):
        return
    places = found[0].effects["PermitEmptyPasswords"].set_by
    message = (
        f"{telling.saying(server, found[0], 'PermitEmptyPasswords')}; no account that may log in has an empty password now"
    )
    remedy = telling.instead(server, told.evidence, places, ["PermitEmptyPasswords no"])
    severity = Severity.LOW if server.running is False else Severity.MEDIUM
    yield Finding(EMPTY, server.name, f"{telling.note(server)}{message}", severity, telling.quotes(server, places), remedy)


def _unused_matches(told: Seen, server: Server) -> Iterator[Finding]:
    """Yield the Match blocks that turn passwords on and let nobody in now: they wait for an account or a password."""
    used = {place for door in server.doors for place in door.set_by}
    places = [place for place in _turning_on(server) if place not in used]
    if len(places) > MOST_MATCHES:
        where = f"{telling.shown(places[MOST_MATCHES])} and {len(places) - MOST_MATCHES - 1} lines more"
        message = f"{where} take passwords under a Match; no account is there whom they let in now"
        yield Finding(BY_MATCH, server.name, message, Severity.LOW)
    for place in places[:MOST_MATCHES]:
        line = telling.block(server, place)
        if line:
            where = f"{telling.shown(place)} takes passwords under Match {printable(line.rest.strip()[:80])}"
            remedy = telling.commented(server, told.evidence, [place])
            quotes = telling.quotes(server, [place])
            yield Finding(
                BY_MATCH, server.name, f"{where}; no account is there whom this lets in now", Severity.LOW, quotes, remedy
            )


def _turning_on(server: Server) -> Iterator[Place]:
    """Yield the lines under a Match that turn on passwords which are off for everybody else."""
    switches = (SWITCH[Method.PASSWORD], SWITCH[Method.KEYBOARD])
    for file in server.configuration.files.read if server.configuration else ():
        for each in telling.read_of(server, file):
            name = each.keyword.name if each.keyword else ""
            if name in switches and each.value == ("yes",) and telling.general(server, name) == ("no",):
                yield each.at


# --- facts


def facts(evidence: Evidence) -> Mapping[str, object]:
    """`servers`, `password_doors` and `password_unknown` of `facts.ssh`; the doors only where something was judged."""
    told = seen.seen(evidence)
    known = {"servers": [_server_fact(server) for server in told.servers]}
    judged = [server for server in told.servers if server.judged and server.running is not False]
    if not told.servers:
        unknown_too = finding.hidden(evidence) or told.gaps
        return {"ssh": {"servers": []} if unknown_too else {"servers": [], "password_doors": [], "password_unknown": []}}
    if not judged and not all(server.judged for server in told.servers):
        return {"ssh": known}
    doors = [fact for server in judged for fact in _door_facts(told, server)]
    unknown = [fact for server in judged for fact in _unknown_facts(told, server)]
    return {"ssh": {**known, "password_doors": _once(doors), "password_unknown": _once(unknown)}}


def _server_fact(server: Server) -> Mapping[str, object]:
    where = [each.place for each in server.process.listens] if server.process else []
    return {
        "kind": server.kind,
        "program": server.program,
        "pid": server.process.pid if server.process else None,
        "config": server.main,
        "version": ".".join(map(str, server.version)) if server.version else None,
        "banner": server.banner,
        "listens": where,
        "running": server.running,
        "judged": server.judged,
        "why": server.why,
    }


def _door_facts(told: Seen, server: Server) -> Iterator[Mapping[str, object]]:
    same = defaultdict[tuple[str, str, str], list[str]](list)
    for door in (each for each in server.doors if each.sure):
        same[door.account, door.method.value, _set_by(door)].append(door.source)
    for (account, method, by), sources in same.items():
        for name in telling.origins(sources, server, told.evidence):
            yield {"account": account, "from": name, "method": method, "set_by": by, "server": server.name}


def _set_by(door: Door) -> str:
    return ", ".join(map(str, door.set_by)) or "default"


def _unknown_facts(told: Seen, server: Server) -> Iterator[Mapping[str, object]]:
    for way in _ways(server, sure=False):
        for name in telling.origins(way.sources, server, told.evidence):
            yield {"account": way.login, "from": name, "why": way.why, "server": server.name}
    for one in server.left:
        yield {"account": one.account, "from": one.origin, "why": one.why, "server": server.name}


def _once(facts: Iterable[Mapping[str, object]]) -> list[Mapping[str, object]]:
    return list({tuple(fact.items()): fact for fact in facts}.values())
