"""`facts.accounts` of the report: each account with what is known of it, and whether it is as good as root."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from auditkit.access import accounts
from auditkit.access.nouns import Login
from auditkit.audits.accounts.become import Detour, detours
from auditkit.audits.accounts.known import known
from auditkit.audits.accounts.people import People, has_session, people
from auditkit.audits.accounts.powers import GSHADOW, powers_of
from auditkit.audits.accounts.privileges import DOAS, NOTHING, OWN, SUDOERS, Grant, gap_of, is_root, privileges, usable
from auditkit.model import Evidence

MOST_COMMANDS = 20


@dataclass(frozen=True, slots=True)
class _Held:
    """What one account holds that may make root of it."""

    groups: tuple[str, ...]
    grants: tuple[Grant, ...]
    detours: tuple[Detour, ...]


def facts(evidence: Evidence) -> Mapping[str, object]:
    """Every account that files name."""
    everybody, sure = people(evidence), _sure(evidence)
    if not everybody.logins:
        return {}
    powers, grants, around = powers_of(evidence), defaultdict[str, list[Grant]](list), defaultdict[str, list[Detour]](list)
    for grant in privileges(evidence).grants:
        grants[grant.login.name].append(grant)
    for detour in detours(evidence):
        if detour.asked in (NOTHING, OWN):
            around[detour.login.name].append(detour)
    held = {
        login.name: _Held(powers.get(login.name, ()), (*grants[login.name],), (*around[login.name],))
        for login in everybody.logins
    }
    return {"accounts": [_fact(everybody, login, held[login.name], sure=sure) for login in everybody.logins]}


def _sure(evidence: Evidence) -> bool:
    """Whether one of whom nothing is found is surely not root: all files were read, and all groups are known."""
    told, everybody = privileges(evidence), people(evidence)
    files = (SUDOERS, *DOAS[:1], GSHADOW)
    unread = any(not evidence.was_asked(need) or gap_of(evidence, need.what) for need in files)
    unclear = told.policy.unread or told.policy.broken or told.doas_broken or told.unknown or told.cut
    elsewhere = everybody.elsewhere or accounts.directories(evidence, "sudoers") - {"files"}
    return not (unread or unclear or elsewhere) and everybody.teams is not None


def _fact(everybody: People, login: Login, held: _Held, *, sure: bool) -> Mapping[str, object]:
    password = known(everybody, login)
    by = [*(["uid 0"] if login.uid == 0 else []), *(f"group {name}" for name in held.groups)]
    strong = [grant for grant in held.grants if usable(grant) and grant.asked in (NOTHING, OWN) and is_root(grant)]
    by += dict.fromkeys(grant.tool for grant in strong if grant.sure)
    by += dict.fromkeys(f"{each.tool} as {each.through}" for each in held.detours)
    asked = {grant.asked for grant in strong if grant.sure} | {each.asked for each in held.detours}
    free = bool(held.groups) or login.uid == 0 or NOTHING in asked
    return {
        "name": login.name,
        "uid": login.uid,
        "kind": everybody.kind(login),
        "home": login.home,
        "shell": login.shell,
        "session": has_session(login) and not login.barred,
        "expired": login.expired,
        "groups": None if login.groups is None else list(login.groups),
        "password": {"state": password.state, "scheme": password.scheme, "expires": password.expires},
        "last_change": password.changed.isoformat() if password.changed else None,
        "sudo": [_granted(grant) for grant in held.grants[:MOST_COMMANDS]],
        "root": True if by else False if sure and not strong else None,
        "root_by": by,
        "root_without_password": free if by else None,
    }


def _granted(grant: Grant) -> Mapping[str, object]:
    return {
        "tool": grant.tool,
        "command": grant.command.written,
        "asked": grant.asked,
        "file": grant.quote.source,
        "line": grant.quote.line,
    }
