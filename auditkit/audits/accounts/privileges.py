"""What accounts may do as root by sudo and doas: both files read, and for each account the rules that count.

Of sudo the last rule that fits a command decides; so the rules are gone through from the last to the first.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from auditkit.access import accounts, needs
from auditkit.access.nouns import Login, Password
from auditkit.audits.accounts.people import NEEDS as OF_PEOPLE
from auditkit.audits.accounts.people import People, people
from auditkit.model import Evidence, Gap, Item, Means, Need, Quote
from auditkit.printable import printable
from auditkit.sudoers import disguise, doas, permitting, reading
from auditkit.sudoers.matching import Judge, Person
from auditkit.sudoers.matching import judge as judge_of
from auditkit.sudoers.nouns import Kind, Member, Policy, Rule, Setting

SUDO_WHY = "who may run what as root with sudo"
DOAS_WHY = "who may run what as root with doas"
SUDOERS = Need(Means.FILE, reading.MAIN, SUDO_WHY)
ELSEWHERE = tuple(Need(Means.FILE, path, SUDO_WHY) for path in reading.OTHERS)
DROP_INS = Need(Means.FILE, "/etc/sudoers.d/*", SUDO_WHY)
HOSTNAME = Need(Means.FILE, "/etc/hostname", "which rules of sudoers are about this host")
DOAS = tuple(Need(Means.FILE, path, DOAS_WHY) for path in ("/etc/doas.conf", "/etc/doas.d/*.conf"))
NEEDS = (*OF_PEOPLE, SUDOERS, DROP_INS, *ELSEWHERE, HOSTNAME, *DOAS)
NOTHING, OWN, ROOTS = "nothing", "its own password", "the password of root"
ANYTHING = "any command"
MOST_PAIRS = 300_000
"""Accounts times rules that are gone through."""
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Grant:
    """A command that an account may run as root."""

    login: Login
    command: Member
    """Of kind ALL: any."""
    asked: str
    """What it is asked for: `nothing`, `its own password`, `the password of root`."""
    quote: Quote
    tool: str = "sudo"
    tags: tuple[str, ...] = ()
    users: tuple[Member, ...] = ()
    """Whom the rule names."""
    sure: bool = True
    """Whether it is certain that the rule means the account and this host."""
    by_setting: Setting | None = None
    """The Defaults line for which no password is asked."""

    @property
    def everything(self) -> bool:
        """Whether it may run any command."""
        return self.command.kind is Kind.ALL and not self.command.digests


@dataclass(frozen=True, slots=True)
class Privileges:
    """What the files of a host say of root."""

    policy: Policy
    judge: Judge
    taken: bool
    """Whether /etc/sudoers is there and was read."""
    doas_rules: tuple[doas.Rule, ...]
    doas_broken: tuple[doas.Broken, ...]
    grants: tuple[Grant, ...]
    unknown: tuple[tuple[str, Quote], ...]
    """Lists of which nobody can tell here whom they mean, and where they stand."""
    cut: bool
    """Whether there are too many accounts and rules to go through them all."""


@lru_cache(2)
def privileges(evidence: Evidence) -> Privileges:
    """What accounts may do as root."""
    everybody = people(evidence)
    policy = sudo_policy(evidence)
    judge = judge_of(policy, host_name(evidence))
    read, broken = _doas(evidence)
    there = (*everybody.logins, *_strangers(everybody, policy))
    logins = there[: MOST_PAIRS // max(1, len(policy.rules) + len(read))]
    found = [grant for login in logins if login.uid for grant in _of_sudo(everybody, policy, judge, login)]
    found += [grant for login in logins if login.uid for grant in _of_doas(everybody, read, login)]
    taken = bool(policy.files)
    return Privileges(policy, judge, taken, read, broken, tuple(found), _unknown(policy), len(logins) < len(there))


def host_name(evidence: Evidence) -> str:
    """The name of the host in /etc/hostname."""
    rows = (row.strip() for row in (needs.text(evidence, HOSTNAME) or "").split("\n"))
    name = next((row for row in rows if row and not row.startswith("#")), "")
    return name if len(name) <= _LONGEST_NAME else ""


def _strangers(everybody: People, policy: Policy) -> tuple[Login, ...]:
    """Accounts that rules name and no file has, where a directory service may have them."""
    if not everybody.elsewhere:
        return ()
    lists = [rule.users for rule in policy.rules]
    lists += [members for (kind, _name), members in policy.aliases.items() if kind == "User"]
    names = dict.fromkeys(each.text for members in lists for each in members if each.kind is Kind.WORD and not each.negated)
    known = {login.name.lower() for login in everybody.logins}
    return tuple(
        Login(name, accounts.ELSEWHERE, -1, None, "", "", Password.UNKNOWN, None, None)
        for name in names
        if name.lower() not in known and not name.startswith("#")
    )


def _person(everybody: People, login: Login) -> Person:
    return everybody.persons.get(login.name) or Person(login.name, login.uid, login.gid, (), (), whole=False)


# --- reading


def sudo_policy(evidence: Evidence) -> Policy:
    """What the files of sudo come to, as far as they were asked for."""
    files = _files(evidence, SUDO_WHY)
    asked = frozenset(need.what for need in (SUDOERS, DROP_INS, *ELSEWHERE) if evidence.was_asked(need))
    while True:
        policy = reading.policy(files, asked, host_name(evidence))
        more = frozenset(path for path in policy.wanted if evidence.was_asked(_file(path)))
        if not more or len(asked) > reading.MOST_FILES:
            return policy
        asked |= more


def wanted(evidence: Evidence) -> tuple[Need, ...]:
    """The files that sudoers includes."""
    files, asked = _files(evidence, SUDO_WHY), frozenset(need.what for need in (SUDOERS, DROP_INS, *ELSEWHERE))
    found: dict[str, None] = {}
    for _round in range(reading.DEEPEST):
        more = reading.policy(files, asked, host_name(evidence)).wanted
        if not more or len(found) > reading.MOST_FILES:
            break
        found.update(dict.fromkeys(more))
        asked |= frozenset(more)
    return tuple(_file(path) for path in found)


def _file(path: str) -> Need:
    return Need(Means.FILE, path, SUDO_WHY)


def _files(evidence: Evidence, why: str) -> Mapping[str, bytes | str]:
    """The files taken for this reason, and why others were not."""
    lost: dict[str, bytes | str] = {gap.subject: gap.reason for gap in evidence.gaps}
    return lost | {item.source: item.data for item in evidence.items if _is(item, why)}


def _is(item: Item, why: str) -> bool:
    return item.need.means is Means.FILE and item.need.why == why


def _doas(evidence: Evidence) -> tuple[tuple[doas.Rule, ...], tuple[doas.Broken, ...]]:
    rules: list[doas.Rule] = []
    broken: list[doas.Broken] = []
    for item in (item for item in evidence.items if _is(item, DOAS_WHY)):
        read = doas.rules(item.source, item.data[: doas.LONGEST].decode("utf-8", "surrogateescape"))
        rules += () if isinstance(read, doas.Broken) else read
        broken += [read] if isinstance(read, doas.Broken) else []
    return tuple(rules), tuple(broken)


# --- sudo


def _of_sudo(everybody: People, policy: Policy, judge: Judge, login: Login) -> Iterator[Grant]:
    """Yield what a login may run as root; of what is denied nothing is said, for any command but one is any command."""
    person = _person(everybody, login)
    for rule, command, sure in decisions(policy, judge, person):
        if not command.negated:
            asked, setting = _asked(policy, judge, person, rule, command)
            yield Grant(login, command, asked, rule.quote, "sudo", rule.tags, rule.users, sure, setting)


def decisions(policy: Policy, judge: Judge, person: Person) -> Iterator[tuple[Rule, Member, bool]]:
    """Yield each command that may or may not be run as root, that decides first, and whether that is certain.

    The last rule comes first, and none behind one of all commands; of a command that stands in several rules the last one.
    """
    met: set[tuple[str, str | None]] = set()
    for rule in reversed(policy.rules):
        user, host = judge.user(rule.users, person), judge.here(rule.hosts)
        roots = judge.roots(rule, _runas_default(policy))
        if not user or host is False or roots is False:
            continue  # of whom nobody can tell whether it is meant, `unknown` tells
        sure = host is True and roots is True
        for command in reversed(judge.commands(rule.command)):
            key = (command.kind.value + command.text, command.arguments)
            if key not in met:
                yield rule, command, sure
            if sure and not command.digests:
                met.add(key)
                if command.kind is Kind.ALL:
                    return


def asked_for(told: "Privileges", person: Person, rule: Rule) -> str:
    """What sudo asks for before a rule lets somebody act as another account."""
    return _asked(told.policy, told.judge, person, rule, rule.command)[0]


def _runas_default(policy: Policy) -> str:
    told = [each.value for each in policy.settings if each.name == "runas_default" and not each.scope]
    return told[-1] if told else "root"


def _asked(policy: Policy, judge: Judge, person: Person, rule: Rule, command: Member) -> tuple[str, Setting | None]:
    """What sudo asks for before it runs a command, and the setting that decides it."""
    if "NOPASSWD" in rule.tags:
        return NOTHING, None
    flags = {name: flag(policy, judge, person, name, command) for name in ("authenticate", "targetpw", "rootpw", "runaspw")}
    exempt = next((each for each in reversed(policy.settings) if each.name == "exempt_group" and each.value), None)
    if exempt is not None and "PASSWD" not in rule.tags and judge.user((Member(Kind.GROUP, exempt.value),), person):
        return NOTHING, exempt
    authenticate = flags["authenticate"]
    if authenticate is not None and authenticate.on is False and "PASSWD" not in rule.tags:
        return NOTHING, authenticate
    roots = any(flags[name] is not None and getattr(flags[name], "on", None) for name in ("targetpw", "rootpw", "runaspw"))
    return (ROOTS if roots else OWN), None


def flag(policy: Policy, judge: Judge, person: Person, name: str, command: Member) -> Setting | None:
    """The line that decides a setting for an account and a command: the last one that fits."""
    found = None
    for each in policy.settings:
        if each.name == name and _holds(each, judge, person, command):
            found = each
    return found


def _holds(setting: Setting, judge: Judge, person: Person, command: Member) -> bool:
    """Whether a Defaults line is about this; a list of which nobody can tell is taken to be."""
    match setting.scope:
        case ":":
            return judge.user(setting.bound, person) is not False
        case "@":
            return judge.here(setting.bound) is not False
        case ">":
            return judge.user(setting.bound, Person("root", 0, 0, ("root",), (0,)), "Runas") is not False
        case "!":
            named = {each.text for one in setting.bound for each in judge.commands(one)}
            return command.text in named or any(one.kind is Kind.ALL for one in setting.bound)
    return True


def _unknown(policy: Policy) -> tuple[tuple[str, Quote], ...]:
    """The netgroups and groups of other directories that rules name."""
    members = [(each, rule.quote) for rule in policy.rules for each in rule.users]
    names = {name for kind, name in policy.aliases if kind == "User"}
    members += [(each, Quote("", 0, "")) for name in names for each in policy.aliases["User", name]]
    odd = [(each.written, quote) for each, quote in members if each.kind is Kind.NETGROUP or each.text.startswith(":")]
    return tuple(dict.fromkeys(odd))


# --- doas


def _of_doas(everybody: People, rules: tuple[doas.Rule, ...], login: Login) -> Iterator[Grant]:
    """Yield what a login may run as root, the last rule first."""
    person = _person(everybody, login)
    asking = permitting.Asking(login.name, login.uid, person.groups, (login.gid, *person.gids))
    for rule in reversed(rules):
        if not permitting.means(rule, asking) or rule.target not in (None, "root", "0"):
            continue
        if rule.permits:
            words = None if rule.arguments is None else " ".join(rule.arguments)
            command = Member(Kind.ALL) if rule.command is None else Member(Kind.COMMAND, rule.command, arguments=words)
            yield Grant(login, command, NOTHING if "nopass" in rule.options else OWN, rule.quote, "doas")
        if rule.command is None:
            return


# --- what a grant comes to


@dataclass(frozen=True, slots=True)
class Worth:
    """What a grant is worth."""

    why: str
    reads: bool = False
    """Whether it only reads all files."""


def worth(grant: Grant) -> Worth | None:
    """Why a grant is as good as root; None: no way is known."""
    if grant.everything:
        return Worth(ANYTHING)
    shown = f"`{printable(grant.command.written[:120])}`"
    if "SETENV" in grant.tags:
        return Worth(f"{shown} (SETENV: with any variables, LD_PRELOAD too)")
    told = disguise.why(grant.command)
    if told is None:
        return None
    why, reads = told
    if "NOEXEC" in grant.tags and why == disguise.PAGES:
        return None
    return Worth(f"{shown} ({why})", reads)


def is_root(grant: Grant) -> bool:
    """Whether a grant makes root of the account."""
    value = worth(grant)
    return value is not None and not value.reads


def usable(grant: Grant) -> bool:
    """Whether the account can give what is asked for: one without a password has none to give."""
    return grant.asked != OWN or grant.login.password not in (Password.NONE, Password.LOCKED)


def gap_of(evidence: Evidence, path: str) -> Gap | None:
    """Why a file was not read."""
    return needs.unread(evidence, path)
