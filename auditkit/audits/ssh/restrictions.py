"""A. What else opens a door or does not close one: keys of root and of closed accounts, other methods, no brake on guessing."""

from collections import defaultdict
from collections.abc import Iterator

from auditkit.access import needs, seen, telling, ways
from auditkit.access.passwd import SESSIONLESS
from auditkit.access.seen import Login, Password, Seen, Server
from auditkit.access.sources import is_own
from auditkit.audits.ssh.accesses import KEY_FILES, quoted
from auditkit.audits.ssh.opened import Opened, named, opened
from auditkit.keys.use import admits
from auditkit.model import Evidence, Finding, Gap, Quote, Rule, Severity
from auditkit.printable import printable
from auditkit.sshd.effective import METHODS, Effective
from auditkit.sshd.lines import Version

ROOT_KEY = Rule(
    "ssh-root-key",
    "Root can log in with a key",
    Severity.MEDIUM,
    "Whoever has one of these keys is root at once, and the log names no person. With a personal account and sudo it would.",
    'Say PermitRootLogin no where people use sudo; else limit each key: from="192.168.10.0/24" before it, and command= where'
    " a machine uses it.",
    ("sshd_config(5) PermitRootLogin", "CIS Debian 12 5.1.20"),
)
NO_LIST = Rule(
    "ssh-no-allow-list",
    "Every account may log in over SSH",
    Severity.LOW,
    "The account that somebody makes tomorrow, for a test or for a program, can log in too. A list of those who need it"
    " ends that.",
    "Say AllowUsers or AllowGroups.",
    ("sshd_config(5) AllowUsers", "CIS Debian 12 5.1.4"),
)
CLOSED_KEY = Rule(
    "ssh-closed-account-key",
    "An account that was closed still has a key that works",
    Severity.HIGH,
    "Somebody who should be out can still get in. Locking the password (passwd -l) does not stop a key, and a shell that gives"
    " no session does not stop the forwarding of connections into the network.",
    "End the account: usermod --expiredate 1 NAME (undo: usermod --expiredate '' NAME), and take its key out.",
    ("passwd(1) -l", "usermod(8) --expiredate", "sshd_config(5) DisableForwarding"),
)
METHODS_MISUSED = Rule(
    "ssh-methods-misused",
    "AuthenticationMethods does not do what it seems to",
    Severity.MEDIUM,
    "A second factor that somebody has set up does not work as he thinks. A list of AuthenticationMethods with a method that"
    " is off lets nobody in; one that asks for the password first tells a guesser when it is right.",
    "Write the key first: AuthenticationMethods publickey,password.",
    ("sshd_config(5) AuthenticationMethods",),
)
HOSTBASED = Rule(
    "ssh-hostbased",
    "Other hosts say who logs in",
    Severity.HIGH,
    "One broken machine opens this one as well. With HostbasedAuthentication whoever is root on a host that is trusted is"
    " whoever he likes here.",
    "Say HostbasedAuthentication no.",
    ("sshd_config(5) HostbasedAuthentication", "CIS Debian 12 5.1.10, 5.1.11"),
)
KERBEROS = Rule(
    "ssh-kerberos-unused",
    "Kerberos is on, and the host has joined no realm",
    Severity.LOW,
    "It is of no use here, and one more thing that can have a hole. GSSAPIAuthentication lets code of Kerberos be reached"
    " before anybody has logged in.",
    "Say GSSAPIAuthentication no and KerberosAuthentication no.",
    ("sshd_config(5) GSSAPIAuthentication", "CIS Debian 12 5.1.9"),
)
NO_BRAKE = Rule(
    "ssh-no-brake",
    "Nothing slows down who guesses passwords",
    Severity.MEDIUM,
    "Passwords are taken, and each address may try as fast as it can. OpenSSH from 9.8 on makes it wait (PerSourcePenalties).",
    "Best take no passwords. Else: apt install fail2ban (undo: apt remove fail2ban), or an OpenSSH from 9.8 on.",
    ("sshd_config(5) PerSourcePenalties",),
)
LIMITS = Rule(
    "ssh-login-limits",
    "More tries or more time to log in than are good",
    Severity.LOW,
    "Guessing is easier here than it need be, or the service can be blocked. Passwords are taken, and each connection may try"
    " often, or stay open without a login until there is room for nobody else.",
    "Say MaxAuthTries 4 and LoginGraceTime 60.",
    ("sshd_config(5) MaxAuthTries, LoginGraceTime", "CIS Debian 12 5.1.13, 5.1.16"),
)
RULES = (ROOT_KEY, NO_LIST, CLOSED_KEY, METHODS_MISUSED, HOSTBASED, KERBEROS, NO_BRAKE, LIMITS)
NEEDS = (*seen.NEEDS, *KEY_FILES)
MOST_PEOPLE = 4
"""So many accounts of people need no list of who may log in."""
MOST_KEYS = 5
FEW_KEYS = 2
FIRST_PERSON, NOBODY = 1000, 65534
SLOWING = ("pam_faillock", "pam_tally2", "pam_tally")


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what else opens a door, or fails to close one."""
    told = seen.seen(evidence)
    for server in told.alike:
        if server.configuration is None:
            continue
        by_key = tuple(opened(server, evidence))
        yield from _root_keys(told, server, by_key)
        yield from _closed(told, server, by_key)
        yield from _no_list(told, server, by_key)
        yield from _methods(told, server)
        yield from _hostbased(told, server)
        yield from _kerberos(told, server)
        if any(door.sure for door in server.doors):
            yield from _no_brake(told, server)
            yield from _limits(told, server)


def _root_keys(told: Seen, server: Server, by_key: tuple[Opened, ...]) -> Iterator[Finding]:
    for each in by_key:
        if not each.login.root:
            continue
        known = dict(told.evidence.office.known_keys)
        limited = all(line.options.origin is not None or line.options.command is not None for line in each.lines)
        few = len(each.lines) <= FEW_KEYS and (not known or all(line.key.fingerprint in known for line in each.lines))
        count = "a key" if len(each.lines) == 1 else f"{len(each.lines)} keys"
        which = telling.names((named(line, told.evidence) for line in each.lines), MOST_KEYS)
        froms = telling.origins(_from_where(server, each), server, told.evidence)
        may = "can" if each.sure else "may be able to"
        message = (
            f"{telling.note(server)}{printable(each.login.name)} {may} log in with {count} {telling.sources(froms)}: {which};"
            f" {telling.saying(server, each.effective, 'PermitRootLogin')}{_only_under(server, each)}"
        )
        severity = Severity.LOW if limited and few else ROOT_KEY.severity
        if _only_under(server, each) and _all_foreign(told, server, each):
            severity = Severity.HIGH
        quotes = (*telling.quotes(server, each.effective.effects["PermitRootLogin"].set_by), *_quoted(each))
        yield Finding(ROOT_KEY, server.name, message, severity, quotes[: telling.MOST_QUOTES], _less_root(told, server, each))


def _from_where(server: Server, each: Opened) -> tuple[str, ...]:
    """The sources from which one of the keys lets in; where its from= has names alone, all."""
    origins = [line.options.origin for line in each.lines]
    addresses = {source.name: source.address for source in server.sources}
    let_in = [name for name in each.sources if any(text is None or admits(text, addresses.get(name, "")) for text in origins)]
    return tuple(let_in) or each.sources


def _less_root(told: Seen, server: Server, each: Opened) -> str:
    """How to have root log in less: not at all, or where each key runs one command, for such only."""
    effect = each.effective.effects["PermitRootLogin"]
    if all(line.options.command is not None for line in each.lines):
        wanted, first = "forced-commands-only", "Each of these keys runs one command, which goes on with this: "
    else:
        wanted, first = "no", "Log in as yourself and become root with sudo before you do this. Where that works: "
    if effect.value == (wanted,):
        return ""
    return f"{first}{telling.instead(server, told.evidence, effect.set_by, [f'PermitRootLogin {wanted}'])}"


def _only_under(server: Server, each: Opened) -> str:
    """The Match block that alone lets root in, in words; nothing where root may log in anyway."""
    places = each.effective.effects["PermitRootLogin"].set_by
    block = telling.block(server, places[0]) if places else None
    off = telling.general(server, "PermitRootLogin") == ("no",)
    return f", under Match {printable(block.rest.strip()[:80])}, though it is no for everybody else" if block and off else ""


def _all_foreign(told: Seen, server: Server, each: Opened) -> bool:
    """Whether root gets in from addresses alone that are none of the own networks'."""
    let_in = _from_where(server, each)
    addresses = [source.address for source in server.sources if source.name in let_in]
    return bool(addresses) and not any(is_own(address, told.evidence) for address in addresses)


def _quoted(each: Opened) -> Iterator[Quote]:
    yield from map(quoted, each.lines[:MOST_KEYS])


def _closed(told: Seen, server: Server, by_key: tuple[Opened, ...]) -> Iterator[Finding]:
    """Yield the accounts that somebody has closed, each kind once, and that a key still opens."""
    sorted_ = defaultdict[tuple[str, str], list[Opened]](list)
    for each in by_key:
        reason = _reason(each)
        if reason:
            sorted_[reason, "works" if each.sure else "may work"].append(each)
    for (reason, works), several in sorted_.items():
        who = telling.names(each.login.name for each in several)
        message = f"{telling.note(server)}{who} {'has' if len(several) == 1 else 'have'} a key that {works}, though {reason}"
        quotes = tuple(quote for each in several for quote in _quoted(each))[: telling.MOST_QUOTES]
        yield Finding(CLOSED_KEY, server.name, message, CLOSED_KEY.severity, quotes, _ending(several))


def _reason(each: Opened) -> str:
    """Why one would think that the account is closed; nothing where nobody would."""
    if each.login.password is Password.LOCKED:
        return "the password is locked, as with passwd -l"
    effects = each.effective.effects
    off = effects["DisableForwarding"].on or effects["AllowTcpForwarding"].value == ("no",)
    forwards = any(line.options.forwards for line in each.lines) and not off
    return "the shell gives no session: connections are forwarded" if forwards and _ends(each.login) else ""


def _ends(login: Login) -> bool:
    return login.shell in SESSIONLESS


def _ending(several: list[Opened]) -> str:
    """The commands for accounts whose names are fit for one."""
    plain = [each.login.name for each in several if telling.NAME.fullmatch(each.login.name)][: telling.MOST_QUOTES]
    if len(plain) < len(several):
        return ""
    do, undo = (" && ".join(f"sudo usermod --expiredate {day} {name}" for name in plain) for day in ("1", "''"))
    return f"{do} (undo: {undo}); then take the quoted lines out. No sshd needs to be told."


def _no_list(told: Seen, server: Server, by_key: tuple[Opened, ...]) -> Iterator[Finding]:
    if any(telling.general(server, name) != () for name in ("AllowUsers", "AllowGroups")):
        return
    people = [login for login in told.logins if FIRST_PERSON <= login.uid < NOBODY and not _ends(login) and not login.expired]
    if len(people) <= MOST_PEOPLE:
        return
    keyed = {each.login.name for each in by_key}
    used = {door.account for door in server.doors} | keyed | {show.user for show in server.shown}
    known = telling.sees_all_keys(told.evidence) and all(login.password is not Password.UNKNOWN for login in told.logins)
    active = [login for login in told.logins if login.name in used and not _ends(login)]
    wanted = [login.name for login in active if telling.NAME.fullmatch(login.name)] if known and len(active) <= 20 else []
    message = (
        f"{telling.note(server)}all {len(people)} accounts of people may log in: neither AllowUsers nor AllowGroups limits them"
    )
    line = f"AllowUsers {' '.join(wanted)}" if wanted else "AllowGroups ssh-users"
    first = f"Whoever is not in it is locked out, so read it twice: {line}. "
    if not wanted:
        first = "First make the group, and put in who needs it: sudo groupadd ssh-users && sudo usermod -aG ssh-users NAME. "
    yield Finding(NO_LIST, server.name, message, NO_LIST.severity, (), first + telling.closing(server, told.evidence, [line]))


def _methods(told: Seen, server: Server) -> Iterator[Finding]:
    """Yield the lists of AuthenticationMethods that let nobody in, or ask in the wrong order; each value once."""
    known = set()
    for effective in (one.effective for one in server.treated):
        effect = effective.effects["AuthenticationMethods"]
        for listed in effect.value or ():
            wrong = _wrong(listed, effective)
            if wrong and (listed, wrong, effect.set_by) not in known:
                known.add((listed, wrong, effect.set_by))
                message = f"{telling.lines(effect.set_by)} says AuthenticationMethods {printable(listed[:80])}: {wrong}"
                remedy = telling.instead(server, told.evidence, effect.set_by, ["AuthenticationMethods publickey"])
                quotes = telling.quotes(server, effect.set_by)
                yield Finding(METHODS_MISUSED, server.name, message, METHODS_MISUSED.severity, quotes, remedy)


def _wrong(listed: str, effective: Effective) -> str:
    methods = [part.partition(":")[0] for part in listed.split(",")]
    off = [name for name in methods if name in METHODS and _off(effective, METHODS[name][0])]
    if off:
        return f"{telling.names(off)} is off, so this list lets nobody in"
    if len(methods) > 1 and methods[0] in ("password", "keyboard-interactive") and "publickey" in methods:
        return f"it asks for the password first, and so tells a guesser when it is right; write {','.join(_key_first(methods))}"
    return ""


def _key_first(methods: list[str]) -> list[str]:
    return sorted(methods, key=lambda name: name != "publickey")


def _off(effective: Effective, keyword: str) -> bool:
    return keyword in effective.effects and effective.effects[keyword].value == ("no",)


def _saying_yes(server: Server, keyword: str) -> Effective | None:
    """What holds for the first class for which a keyword is `yes`."""
    found = (one.effective for one in server.treated)
    return next((each for each in found if keyword in each.effects and each.effects[keyword].on), None)


def _hostbased(told: Seen, server: Server) -> Iterator[Finding]:
    effective = _saying_yes(server, "HostbasedAuthentication")
    if effective is None:
        return
    files = needs.there(told.evidence, *needs.HOSTBASED)
    ignored = effective.effects["IgnoreRhosts"].on
    trusted = [name for name in files if not (ignored and name.endswith(("/.shosts", "/.rhosts")))]
    named = f"{telling.names(trusted)} name{'s' if len(trusted) == 1 else ''} whom it trusts"
    said = named if trusted else "no file that names whom it trusts was found"
    message = f"{telling.saying(server, effective, 'HostbasedAuthentication')}; {said}"
    severity = HOSTBASED.severity if trusted or not needs.looked_at(told.evidence) else Severity.MEDIUM
    quotes = telling.quotes(server, effective.effects["HostbasedAuthentication"].set_by)
    yield Finding(
        HOSTBASED,
        server.name,
        message,
        severity,
        quotes,
        telling.closing(server, told.evidence, ["HostbasedAuthentication no"]),
    )


def _kerberos(told: Seen, server: Server) -> Iterator[Finding]:
    if not needs.looked_at(told.evidence) or needs.there(told.evidence, *needs.KEYTAB):
        return
    for keyword in ("GSSAPIAuthentication", "KerberosAuthentication"):
        effective = _saying_yes(server, keyword)
        if effective is not None:
            message = f"{telling.saying(server, effective, keyword)}, and /etc/krb5.keytab is not there"
            quotes = telling.quotes(server, effective.effects[keyword].set_by)
            remedy = telling.instead(server, told.evidence, effective.effects[keyword].set_by, [f"{keyword} no"])
            yield Finding(KERBEROS, server.name, message, KERBEROS.severity, quotes, remedy)


def _no_brake(told: Seen, server: Server) -> Iterator[Finding | Gap]:
    effective = server.treated[0].effective
    penalties = effective.effects.get("PerSourcePenalties")
    if penalties is not None and penalties.value != ("no",):
        return
    stack = ways.ways(told.evidence).stack(ways.SERVICE, "auth")
    by_pam = effective.effects["UsePAM"].on and any(each.module in SLOWING for each in stack.handlers)
    if by_pam or needs.there(told.evidence, *needs.BRAKES):
        return
    if not needs.looked_at(told.evidence):
        yield Gap(server.name, "whether anything slows down who guesses passwords was not looked at")
        return
    why = (
        "PerSourcePenalties is no" if penalties is not None else f"OpenSSH {_written(server.version)} has no PerSourcePenalties"
    )
    message = f"{telling.note(server)}passwords are taken, {why}, and neither fail2ban, sshguard nor crowdsec is there"
    quotes = telling.quotes(server, penalties.set_by) if penalties else ()
    yield Finding(NO_BRAKE, server.name, message, NO_BRAKE.severity, quotes)


def _written(version: Version | None) -> str:
    return ".".join(map(str, version or ()))


def _limits(told: Seen, server: Server) -> Iterator[Finding]:
    effects = server.treated[0].effective.effects
    tries, grace = (effects[name].value or ("",) for name in ("MaxAuthTries", "LoginGraceTime"))
    wrong = {
        "MaxAuthTries": ("4", tries[0].isdigit() and int(tries[0]) > 6),
        "LoginGraceTime": ("60", grace[0].isdigit() and not 0 < int(grace[0]) <= 120),
    }
    found = [name for name, (_better, is_wrong) in wrong.items() if is_wrong]
    if found:
        said = "; ".join(telling.saying(server, server.treated[0].effective, name) for name in found)
        quotes = telling.quotes(server, [place for name in found for place in effects[name].set_by])
        lines = [f"{name} {wrong[name][0]}" for name in found]
        remedy = telling.closing(server, told.evidence, lines)
        yield Finding(LIMITS, server.name, f"{telling.note(server)}{said}", LIMITS.severity, quotes, remedy)
