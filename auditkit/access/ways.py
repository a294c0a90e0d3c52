"""The ways in with a password: what the configuration lets through, and the account and PAM do not stop."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from auditkit.access import accessconf, accounts, asking, classes, configuring, modules, needs, pam
from auditkit.access.accessconf import Tables
from auditkit.access.modules import Asked
from auditkit.access.nouns import Login, Password, Treated
from auditkit.access.pam import Stack
from auditkit.model import Evidence, Gap, Means, Need
from auditkit.printable import printable
from auditkit.sshd import doors
from auditkit.sshd.doors import Door, Method, Sure
from auditkit.sshd.effective import Effective
from auditkit.sshd.lines import Version

SERVICE = "sshd"
ANYBODY = "PAM takes any password"
WHY_PAM = "what PAM asks of who logs in over SSH, from a file that others take in"
MOST_FILES, MOST_SERVICES = 40, 5
SHELLS_OF_NOBODY = frozenset({"/usr/sbin/nologin", "/sbin/nologin", "/usr/bin/false", "/bin/false"})
"""By their whole paths: anybody may call a shell of his own nologin."""
SFTP = "internal-sftp"
"""What sshd runs itself, without the shell of the account."""
_OVER = "whether its last day is over is not known"


@dataclass(frozen=True, slots=True)
class Word:
    """Whether a password would be taken for an account, and why that cannot be told, or what is odd about it."""

    opens: Sure
    why: str = ""


@dataclass(slots=True)
class Ways:
    """What PAM and the accounts of a host make of a login."""

    files: Mapping[str, bytes | Gap]
    """Of PAM, by their paths."""
    shells: tuple[str, ...] | None
    closed: bool
    directories: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()
    """The services whose files were asked for: of another one nobody knows whether it is there."""
    tables: Tables | None = None
    """What pam_access goes by; None where no line asks it."""
    stacks: dict[tuple[str, str], Stack] = field(default_factory=dict)
    known: dict[tuple[object, ...], frozenset[bool]] = field(default_factory=dict)

    def through(self, one: Treated, version: Version) -> Iterator[Door]:
        """Yield the doors of a class: those that stand open, and those of which nobody can tell."""
        for login, source in one.who:
            by_name = one.effective.effects["UseDNS"].on is not False
            who = classes.connection(login, source, one.where, by_name=by_name)
            for door in doors.through(one.effective, login.account, source, who, version):
                word = self.word(login, door.method, one.effective, None if by_name else source.address)
                if word.opens is not False:
                    unsure = "" if door.sure else _unsure(one.effective, login)
                    yield replace(door, sure=door.sure and word.opens is True, why=unsure or word.why)

    def word(self, login: Login, method: Method, found: Effective, origin: str | None = None) -> Word:
        """Whether the account lets itself in by a method and from an address, where the configuration does."""
        state = self.account(login, found, origin)
        if state.opens is False or self.useless(login, found):
            return Word(False)
        empty = found.effects["PermitEmptyPasswords"].on
        by_pam = found.effects["UsePAM"].on
        if by_pam is None:
            words = {self._by_pam(login, method, found, origin, empty=empty).opens, _by_shadow(login, method, empty).opens}
            return Word(words.pop()) if len(words) == 1 else Word(None, "whether sshd asks PAM is not known")
        word = self._by_pam(login, method, found, origin, empty=empty) if by_pam else _by_shadow(login, method, empty)
        kerberos = method is Method.PASSWORD and found.effects["KerberosAuthentication"].on is not False
        local = "KerberosOrLocalPasswd" not in found.effects or found.effects["KerberosOrLocalPasswd"].on
        if kerberos and (word.opens is not True or local is not True):
            return Word(None, "a Kerberos server says whether its password is right (KerberosAuthentication)")
        return Word(None, state.why) if word.opens and state.opens is None else word

    def account(self, login: Login, found: Effective, origin: str | None = None) -> Word:
        """Whether the state of an account lets it in, whatever it shows, and why not: of a password nothing is said."""
        chroot = found.effects["ChrootDirectory"].value
        if login.barred and (chroot is None or chroot[0].lower() == "none"):
            why = f"the account has the shell {printable(login.shell[:80])}, which is not there, or does not run"
            return Word(None if chroot is None else False, why)
        by_pam = found.effects["UsePAM"].on
        words = [self._by_stack(login, found, origin)] if by_pam is not False else []
        words += [_by_state(login)] if by_pam is not True else []
        return words[0] if len({word.opens for word in words}) == 1 else Word(None, "whether sshd asks PAM is not known")

    def _by_stack(self, login: Login, found: Effective, origin: str | None) -> Word:
        """Whether the account stack of PAM lets an account in: with UsePAM yes nothing else looks at its state."""
        told = self.stack(_service(found), "account")
        let_in = self._runs(told, "account", self._asked(login, origin, empty=None))
        if len(let_in) > 1:
            return Word(None, _why(login, Stack(()), told))
        return Word(True) if True in let_in else Word(False, f"the account {_ended(login) or 'is shut out by PAM'}")

    def useless(self, login: Login, found: Effective, *, forwards: bool = True, command: str = "") -> bool:
        """Whether whoever gets in can do nothing: no session, no forwarding, and no sftp that needs no shell.

        `forwards` and `command` are those of the key.
        """
        effects = found.effects
        disabled = effects["DisableForwarding"].on is True
        tcp = forwards and not disabled and effects["AllowTcpForwarding"].value != ("no",)
        tunnel = not disabled and effects["PermitTunnel"].value != ("no",)
        runs = [command]
        for name in ("Subsystem", "ForceCommand"):
            value = effects[name].value
            runs += (SFTP,) if value is None else value
        ends = login.shell in SHELLS_OF_NOBODY and not any(SFTP in text for text in runs)
        closed = self.closed and not login.root and effects["UsePAM"].on is False  # sshd looks at nologin(5) itself
        return (ends or closed) and not tcp and not tunnel

    def _asked(self, login: Login, origin: str | None, *, empty: Sure) -> Asked:
        where = origin if self.tables else ""
        return Asked(login, True, empty is not False, self.shells, self.directories, self.closed, where, self.tables)

    def _by_pam(self, login: Login, method: Method, found: Effective, origin: str | None, *, empty: Sure) -> Word:
        name = _service(found)
        auth, asked = self.stack(name, "auth"), self._asked(login, origin, empty=empty)
        with_it, without = (self._runs(auth, "auth", replace(asked, knows=knows)) for knows in (True, False))
        if method is Method.NOTHING and login.password not in (Password.EMPTY, Password.UNKNOWN):
            with_it = without = without if without == {True} else frozenset({False})
        if True not in with_it | without:
            return Word(False)
        if {True} in (with_it, without) and not (empty is None and login.password is Password.EMPTY):
            return Word(True, ANYBODY if without == {True} and login.password is not Password.EMPTY else "")
        return Word(None, _why(login, auth, self.stack(name, "account")))

    def may_let_in_without(self, service: str) -> bool:
        """Whether a service may let in some account whose password is in no file: then each is asked about by itself."""
        nobody = self._asked(Login("nobody", 65534, 65534, (), "", "/bin/sh", Password.NONE, expired=False), None, empty=None)
        told = self.stack(service, "auth")
        return not told.handlers or True in pam.outcomes(told.handlers, lambda handler: modules.of_anybody(handler, nobody))

    def lets_in_without(self, service: str, login: Login) -> bool:
        """Whether a service may let in an account, whatever is known of its password."""
        return True in self._runs(self.stack(service, "auth"), "auth", self._asked(login, None, empty=None))

    def stack(self, service: str, kind: str) -> Stack:
        """What a service asks."""
        key = (service, kind)
        if key not in self.stacks:
            self.stacks[key] = pam.stack(self.files, service, kind, known=service in self.asked)
        return self.stacks[key]

    def _runs(self, stack: Stack, kind: str, asked: Asked) -> frozenset[bool]:
        if not stack.handlers:  # nobody has said what it asks
            return frozenset({True, False})
        key = (id(stack), asked)
        if key not in self.known:
            self.known[key] = pam.outcomes(stack.handlers, lambda handler: modules.says(handler, asked, kind))
        return self.known[key]


def ways(evidence: Evidence) -> Ways:
    """What there is to know of PAM and the accounts of a host."""
    shells = needs.text(evidence, needs.PAM_FACTS[2])
    closed = any(needs.items(evidence, need) for need in needs.PAM_FACTS[:2])
    named = None if shells is None else tuple(row.strip() for row in shells.split("\n") if row.startswith("/"))
    services_of = frozenset(accounts.directories(evidence, "passwd"))
    return Ways(pam_files(evidence), named, closed, services_of, _looked_for(evidence), tables(evidence))


def tables(evidence: Evidence) -> Tables | None:
    """What pam_access goes by; None where no line of PAM asks it."""
    lines = tuple(_asking_access(evidence))
    if not lines:
        return None
    wanted = [*needs.SECURITY, *access_files(evidence)]
    files: dict[str, bytes | Gap] = {i.source: i.data for need in wanted for i in needs.items(evidence, need)}
    gaps = {gap.subject: gap for gap in evidence.gaps if any(fits(gap.subject, need) for need in wanted)}
    return Tables({**gaps, **files}, frozenset(need.what for need in wanted if evidence.was_asked(need)))


def fits(path: str, need: Need) -> bool:
    """Whether a path is one that a need is for, or lies above it."""
    folder = need.what.rpartition("/")[0]
    return path == need.what or need.what.startswith(f"{path.rstrip('/')}/") or (need.several and path.startswith(f"{folder}/"))


def access_files(evidence: Evidence) -> tuple[Need, ...]:
    """The files that lines of pam_access name."""
    named = {accessconf.named(each) for each in _asking_access(evidence)} - {accessconf.DEFAULT}
    return tuple(Need(Means.FILE, path, accessconf.WHY) for path in sorted(named) if asking.readable(path))[:MOST_FILES]


def origins(evidence: Evidence) -> tuple[str, ...]:
    """Each address and network that makes a difference to pam_access."""
    told = tables(evidence)
    return tuple(accessconf.origins(told.files.values())) if told else ()


def _asking_access(evidence: Evidence) -> Iterator[tuple[str, ...]]:
    """Yield the arguments of each line of PAM that asks pam_access."""
    for data in pam_files(evidence).values():
        for _number, words in pam.lines(data) if isinstance(data, bytes) else ():
            if len(words) > 2 and pam.name_of(words[2]) == "pam_access":
                yield words[3:]


def pam_files(evidence: Evidence) -> dict[str, bytes | Gap]:
    """Every file of PAM that was taken, and a gap for each that could not be read."""
    whats = {need.what for need in needs.PAM}
    wanted = (item for item in evidence.items if item.need.means is Means.FILE)
    found: dict[str, bytes | Gap] = {i.source: i.data for i in wanted if i.need.what in whats or i.need.why == WHY_PAM}
    gaps = {
        gap.subject: gap for gap in evidence.gaps if gap.subject.startswith(tuple(f"{place}/" for place in needs.PAM_PLACES))
    }
    return {**gaps, **found}


def services(evidence: Evidence) -> tuple[str, ...]:
    """The services of PAM that sshd may ask, as far as their files are asked for."""
    return tuple(name for name in named_services(evidence) if pam.askable(name))[:MOST_SERVICES]


def named_services(evidence: Evidence) -> tuple[str, ...]:
    """The services of PAM that sshd may ask: its own, and each that a line names, whichever version reads it."""
    named = (words[0] for words in configuring.named(evidence, "PAMServiceName") if words)
    return tuple(dict.fromkeys((SERVICE, *named)))


def _looked_for(evidence: Evidence) -> frozenset[str]:
    """The services whose files were asked for, wherever they might be."""
    files = {name: [Need(Means.FILE, path) for path in _paths(name)] for name in services(evidence)}
    return frozenset(name for name, needs_of in files.items() if all(map(evidence.was_asked, needs_of)))


def missing(evidence: Evidence, services: Iterable[str]) -> tuple[str, ...]:
    """The files of PAM that are wanted besides: of services, and of what these take in."""
    files = pam_files(evidence)
    names = (*services, *pam.includes(files))
    wanted = dict.fromkeys(name for name in names if pam.askable(name) and pam.found(files, name)[1] is None)
    paths = (path for name in wanted for path in ((name,) if name.startswith("/") else _paths(name)))
    whats = {need.what for need in needs.PAM}
    return tuple(path for path in paths if path not in whats)[:MOST_FILES]


def _paths(name: str) -> tuple[str, ...]:
    return tuple(f"{place}/{name}" for place in needs.PAM_PLACES)


def _service(found: Effective) -> str:
    effect = found.effects.get("PAMServiceName")
    return effect.value[0] if effect and effect.value else SERVICE


def _by_state(login: Login) -> Word:
    """What sshd itself makes of the state of an account, without PAM."""
    if login.shut:
        return Word(False, "the account is locked, and UsePAM of sshd is no")
    if login.expired:
        return Word(False, "the account has expired")
    known = login.shut is False and login.expired is False
    return Word(True) if known else Word(None, _OVER if login.expired is None else "whether it is locked is not known")


def _ended(login: Login) -> str:
    """Why PAM would shut an account out, where its line in shadow(5) tells."""
    if login.told_by == "nowhere":
        return "has no line in /etc/shadow"
    over = "has expired" if login.expired else "has a password that is out of date for too long" if login.inactive else ""
    return over if login.told_by == "shadow" else ""


def _by_shadow(login: Login, method: Method, empty: Sure) -> Word:
    """What sshd itself makes of a password, without PAM."""
    password = login.bare or login.password
    fits = {Password.SET: method is Method.PASSWORD, Password.EMPTY: empty, Password.UNKNOWN: None}.get(password, False)
    if method is Method.KEYBOARD or fits is False:
        return Word(False)
    return Word(True) if fits else Word(None, _unknown(login))


def _unknown(login: Login) -> str:
    if not login.named:
        return "accounts come from elsewhere, and which have a password is not known here"
    return (
        "which accounts have a password is not known"
        if login.password is Password.UNKNOWN
        else "whether an empty one is taken is not known"
    )


def _why(login: Login, auth: Stack, account: Stack) -> str:
    """Why nobody can tell what PAM says."""
    odd = [handler for stack in (auth, account) for handler in stack.handlers if not modules.known(handler)]
    gaps = (*auth.gaps, *account.gaps)
    if not login.named or login.password is Password.UNKNOWN:
        return _unknown(login)
    if gaps:
        return f"PAM asks what is not known here: {gaps[0].subject} {gaps[0].reason}"
    access = [handler for stack in (auth, account) for handler in stack.handlers if handler.module == "pam_access"]
    if access and not odd:
        return f"what pam_access ({access[0].at}) goes by is not known, or names what is not known here"
    if odd:
        return f"PAM asks {odd[0].module or 'a module that cannot be read'} ({odd[0].at}), which is not understood here"
    if not account.handlers:
        return "what PAM asks is not known: its files were not taken"
    return _OVER if login.expired is None or login.inactive is None else "PAM may let it in or not"


def _unsure(found: Effective, login: Login) -> str:
    """Why nobody can tell what the configuration does."""
    if found.gaps:
        return f"its configuration was not read whole: {found.gaps[0].subject} {found.gaps[0].reason}"
    if found.refusals:
        return f"it would not start with {found.refusals[0].at}, so what runs is not what its files say"
    if login.groups is None:
        return "the groups of the account are not known"
    return "a Match line asks what is not known here"
