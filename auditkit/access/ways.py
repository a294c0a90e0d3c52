"""The ways in with a password: what the configuration lets through, and the account and PAM do not stop."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from auditkit.access import accounts, classes, modules, needs, pam
from auditkit.access.modules import Asked
from auditkit.access.nouns import Login, Password, Treated
from auditkit.access.pam import Stack
from auditkit.model import Evidence, Gap, Means
from auditkit.sshd import doors
from auditkit.sshd.doors import Door, Method, Sure
from auditkit.sshd.effective import Effect, Effective
from auditkit.sshd.lines import Version

SERVICE = "sshd"
ANYBODY = "PAM takes any password"
WHY_PAM = "what PAM asks of who logs in over SSH, from a file that others take in"
MOST_FILES = 40


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
    stacks: dict[tuple[str, str], Stack] = field(default_factory=dict)
    known: dict[tuple[object, ...], frozenset[bool]] = field(default_factory=dict)

    def through(self, one: Treated, version: Version) -> Iterator[Door]:
        """Yield the doors of a class: those that stand open, and those of which nobody can tell."""
        for login, source in one.who:
            by_name = _yes(one.effective.effects["UseDNS"]) is not False
            who = classes.connection(login, source, one.where, by_name=by_name)
            for door in doors.through(one.effective, login.account, source, who, version):
                word = self.word(login, door.method, one.effective)
                if word.opens is not False:
                    unsure = "" if door.sure else _unsure(one.effective, login)
                    yield replace(door, sure=door.sure and word.opens is True, why=unsure or word.why)

    def word(self, login: Login, method: Method, found: Effective) -> Word:
        """Whether the account lets itself in by a method, where the configuration does."""
        empty = _yes(found.effects["PermitEmptyPasswords"])
        by_pam = _yes(found.effects["UsePAM"])
        if by_pam is None:
            words = {self._by_pam(login, method, found, empty=empty).opens, _by_shadow(login, method, empty).opens}
            return Word(words.pop()) if len(words) == 1 else Word(None, "whether sshd asks PAM is not known")
        word = self._by_pam(login, method, found, empty=empty) if by_pam else _by_shadow(login, method, empty)
        kerberos = method is Method.PASSWORD and _yes(found.effects["KerberosAuthentication"]) is not False
        if kerberos and word.opens is not True:
            return Word(None, "a Kerberos server says whether its password is right (KerberosAuthentication)")
        return word

    def _by_pam(self, login: Login, method: Method, found: Effective, *, empty: Sure) -> Word:
        name = _service(found)
        auth, account = self.stack(name, "auth"), self.stack(name, "account")
        asked = Asked(login, True, empty is not False, self.shells, self.directories, self.closed)
        let_in = self._runs(account, "account", asked)
        if let_in == {False}:
            return Word(False)
        with_it, without = (self._runs(auth, "auth", replace(asked, knows=knows)) for knows in (True, False))
        if method is Method.NOTHING and login.password not in (Password.EMPTY, Password.UNKNOWN):
            with_it = without = without if without == {True} else frozenset({False})
        maybe = with_it | without
        if True not in maybe:
            return Word(False)
        sure = let_in == {True} and {True} in (with_it, without) and not (empty is None and login.password is Password.EMPTY)
        if sure:
            return Word(True, ANYBODY if without == {True} and login.password is not Password.EMPTY else "")
        return Word(None, _why(login, auth, account))

    def stack(self, service: str, kind: str) -> Stack:
        """What a service asks."""
        key = (service, kind)
        if key not in self.stacks:
            self.stacks[key] = pam.stack(self.files, service, kind)
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
    return Ways(pam_files(evidence), named, closed, frozenset(accounts.directories(evidence, "passwd")))


def pam_files(evidence: Evidence) -> dict[str, bytes | Gap]:
    """Every file of PAM that was taken, and a gap for each that could not be read."""
    whats = {need.what for need in needs.PAM}
    wanted = (item for item in evidence.items if item.need.means is Means.FILE)
    found: dict[str, bytes | Gap] = {i.source: i.data for i in wanted if i.need.what in whats or i.need.why == WHY_PAM}
    gaps = {
        gap.subject: gap for gap in evidence.gaps if gap.subject.startswith(tuple(f"{place}/" for place in needs.PAM_PLACES))
    }
    return {**gaps, **found}


def services(found: Iterable[Effective]) -> tuple[str, ...]:
    """The services of PAM that sshd asks."""
    return tuple(dict.fromkeys((SERVICE, *map(_service, found))))


def missing(evidence: Evidence, services: Iterable[str]) -> tuple[str, ...]:
    """The files of PAM that are wanted besides: of services, and of what these take in."""
    files = pam_files(evidence)
    names = (*services, *pam.includes(files))
    wanted = dict.fromkeys(name for name in names if pam.found(files, name)[1] is None)
    paths = (path for name in wanted for path in ((name,) if name.startswith("/") else _paths(name)))
    whats = {need.what for need in needs.PAM}
    return tuple(path for path in paths if path not in whats and path.startswith(needs.PAM_PLACES))[:MOST_FILES]


def _paths(name: str) -> tuple[str, ...]:
    return tuple(f"{place}/{name}" for place in needs.PAM_PLACES)


def _service(found: Effective) -> str:
    effect = found.effects.get("PAMServiceName")
    return effect.value[0] if effect and effect.value else SERVICE


def _by_shadow(login: Login, method: Method, empty: Sure) -> Word:
    """What sshd itself makes of an account, without PAM."""
    if login.expired or method is Method.KEYBOARD:
        return Word(False)
    fits = {Password.SET: method is Method.PASSWORD, Password.EMPTY: empty, Password.UNKNOWN: None}.get(login.password, False)
    if fits is False:
        return Word(False)
    if fits is None:
        return Word(None, _unknown(login))
    return Word(True) if login.expired is False else Word(None, f"whether {login.name} is over is not known")


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
    if odd:
        return f"PAM asks {odd[0].module or 'a module that cannot be read'} ({odd[0].at}), which is not understood here"
    if not auth.handlers or not account.handlers:
        return "what PAM asks is not known: its files were not taken"
    return (
        "whether its last day is over is not known"
        if login.expired is None or login.inactive is None
        else "PAM may let it in or not"
    )


def _unsure(found: Effective, login: Login) -> str:
    """Why nobody can tell what the configuration does."""
    if found.gaps:
        return f"its configuration was not read whole: {found.gaps[0].subject} {found.gaps[0].reason}"
    if found.refusals:
        return f"it would not start with {found.refusals[0].at}, so what runs is not what its files say"
    if login.groups is None:
        return "the groups of the account are not known"
    return "a Match line asks what is not known here"


def _yes(effect: Effect) -> Sure:
    return None if effect.value is None else effect.value == ("yes",)
