"""Who may act as another account that is root without a password, or in a group that is as good as root: ways in two steps."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from auditkit.access.nouns import Login
from auditkit.audits.accounts.people import People, people
from auditkit.audits.accounts.powers import POWERS, powers_of
from auditkit.audits.accounts.privileges import NOTHING, OWN, Privileges, asked_for, is_root, privileges
from auditkit.model import Evidence, Quote
from auditkit.sudoers import disguise, permitting
from auditkit.sudoers.matching import Judge
from auditkit.sudoers.nouns import Kind, Member, Members, Rule


@dataclass(frozen=True, slots=True)
class Detour:
    """A way to root by way of somebody else."""

    login: Login
    through: str
    """The account or `group NAME` as which it may act."""
    why: str
    """What makes root of that."""
    asked: str
    quote: Quote
    tool: str


@lru_cache(2)
def detours(evidence: Evidence) -> tuple[Detour, ...]:
    """Every way to root by way of one account or more, of those that are not root without a password anyway."""
    told, everybody = privileges(evidence), people(evidence)
    free = _free(evidence)
    steps = tuple(_steps(everybody, told))
    found: dict[tuple[str, str], Detour] = {}
    for _round in range(len(steps) + 1):
        more = {
            (each.login.name, each.asked): Detour(
                each.login, each.through, free[each.through], each.asked, each.quote, each.tool
            )
            for each in steps
            if each.through in free and each.login.name not in free
        }
        found |= {key: each for key, each in more.items() if key not in found}
        fresh = {name: f"may act as {each.through}" for (name, asked), each in more.items() if asked == NOTHING}
        if not fresh:
            break
        free |= fresh
    return tuple(found.values())


def _free(evidence: Evidence) -> dict[str, str]:
    """The accounts that are root without a password, and the groups, and by what."""
    by_group = {name: f"is in group {groups[0]}" for name, groups in powers_of(evidence).items()}
    groups = {f"group {name}": power.why for name, power in POWERS.items() if power.root}
    grants = privileges(evidence).grants
    return groups | by_group | {g.login.name: f"is root by {g.tool}" for g in grants if g.asked == NOTHING and is_root(g)}


def _steps(everybody: People, told: Privileges) -> Iterator[Detour]:
    """Yield who may act as whom, where that is not root itself."""
    logins = [login for login in everybody.logins if login.uid]
    rules = [rule for rule in told.policy.rules if rule.runas_users is not None or rule.runas_groups is not None]
    as_others = [rule for rule in told.doas_rules if rule.permits and rule.target not in (None, "root", "0")]
    if told.cut:
        return  # of that there is a gap
    targets = _Targets(everybody, told.judge, logins)
    for rule in rules:
        if told.judge.roots(rule) is True or not _acts(rule, told.judge):
            continue
        for login in logins:
            person = everybody.persons[login.name]
            if told.judge.user(rule.users, person) and told.judge.here(rule.hosts) is not False:
                asked = asked_for(told, person, rule)
                yield from (
                    Detour(login, name, "", asked, rule.quote, "sudo") for name in targets.of(rule) if name != login.name
                )
    for each in as_others:
        for login in logins:
            person = everybody.persons[login.name]
            asking = permitting.Asking(login.name, login.uid, person.groups, (login.gid, *person.gids))
            if each.command is None and permitting.means(each, asking):
                asked = NOTHING if "nopass" in each.options else OWN
                yield Detour(login, each.target or "", "", asked, each.quote, "doas")


def _acts(rule: Rule, judge: Judge) -> bool:
    """Whether a rule gives more than a single harmless command."""
    commands = judge.commands(rule.command)
    return any(not each.negated and (each.kind is Kind.ALL or disguise.why(each) is not None) for each in commands)


@dataclass(slots=True)
class _Targets:
    """As whom rules let act, each list worked out once."""

    everybody: People
    judge: Judge
    logins: list[Login]
    known: dict[tuple[Members | None, Members | None], tuple[str, ...]] | None = None

    def of(self, rule: Rule) -> tuple[str, ...]:
        """Accounts by name, and `group NAME`."""
        self.known = self.known if self.known is not None else {}
        key = (rule.runas_users, rule.runas_groups)
        if key not in self.known:
            users = rule.runas_users or ()
            names = [
                each.name
                for each in self.logins
                if users and self.judge.user(users, self.everybody.persons[each.name], "Runas")
            ]
            groups = [f"group {name}" for name in POWERS if self._group(rule.runas_groups or (), name)]
            self.known[key] = (*names, *groups)
        return self.known[key]

    def _group(self, members: Members, name: str, depth: int = 0) -> bool:
        there = any(team.name == name for team in self.everybody.teams or ())
        return there and any(self._is(each, name, depth) and not each.negated for each in members)

    def _is(self, member: Member, name: str, depth: int) -> bool:
        inner: Mapping[tuple[str, str], Members] = self.judge.aliases
        if member.kind is Kind.ALIAS and ("Runas", member.text) in inner:
            return depth < 8 and self._group(inner["Runas", member.text], name, depth + 1)
        return member.kind is Kind.ALL or member.text == name
