"""What the modules of PAM say of an account that comes over SSH, with or without its right password."""

import re
from dataclasses import dataclass

from auditkit.access import accessconf
from auditkit.access.accessconf import Tables
from auditkit.access.nouns import Login, Password
from auditkit.access.pam import ANYTHING, Handler

SUCCESS, IGNORE, DENIED = frozenset({"success"}), frozenset({"ignore"}), frozenset({"auth_err"})
EITHER, QUIET = SUCCESS | DENIED, SUCCESS | IGNORE
FIRST_PERSON = 1000
"""UID_MIN of login.defs(5)."""
SILENT = {"pam_env", "pam_faildelay", "pam_warn", "pam_motd"}
"""They say nothing to the question."""
OF_SERVICES = {"pam_sss": "sss", "pam_ldap": "ldap", "pam_winbind": "winbind", "pam_systemd_home": "systemd"}
"""Modules that know only accounts of a service of nsswitch.conf(5)."""
HARMLESS = {
    *("pam_cap", "pam_group", "pam_mail", "pam_tally", "pam_tally2", "pam_sepermit", "pam_gnome_keyring", "pam_kwallet"),
    *("pam_echo", "pam_issue"),
    *("pam_kwallet5", "pam_loginuid", "pam_keyinit", "pam_limits", "pam_selinux", "pam_systemd", "pam_umask", "pam_lastlog"),
}
"""They let pass, and shut out nobody for long."""
BY_ACCOUNT = {"pam_localuser", "pam_usertype", "pam_securetty", "pam_shells", "pam_succeed_if", "pam_access"}
"""What they say differs by the account, of those that are understood."""
_CONDITION = re.compile(
    r"(uid) (eq|ne|lt|le|gt|ge|<|<=|>|>=|=|!=) ([0-9]{1,10})|(user) (=|!=|in|notin) (\S+)|(user) (ingroup|notingroup) (\S+)"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """An account that PAM is asked about."""

    login: Login
    knows: bool
    """Whether the right password is given, if there is one."""
    empty_taken: bool = False
    """Whether sshd lets PAM take an empty password: PermitEmptyPasswords."""
    shells: tuple[str, ...] | None = None
    """/etc/shells"""
    directories: frozenset[str] = frozenset()
    """The services that accounts come from: nsswitch.conf(5)."""
    closed: bool = False
    """Whether there is a file that lets only root in: nologin(5)."""
    origin: str | None = None
    """The address that it comes from, as sshd tells PAM; None: not known, or sshd tells a name."""
    tables: Tables | None = None
    """What pam_access goes by."""


def says(handler: Handler, asked: Asked, kind: str) -> frozenset[str]:
    """All that a module may say: more than one word where nobody can tell."""
    name, login = handler.module, asked.login
    if name in SILENT:
        return IGNORE
    if name in HARMLESS:
        return QUIET
    if name in OF_SERVICES and OF_SERVICES[name] not in asked.directories:
        return frozenset({"user_unknown", "authinfo_unavail"})
    match name:
        case "pam_unix" | "pam_pwdb":
            return _password(handler, asked) if kind == "auth" else _aged(login)
        case "pam_permit" | "pam_rootok":  # sshd asks as root
            return SUCCESS
        case "pam_deny":
            return DENIED
        case "pam_nologin":
            return DENIED if asked.closed and not login.root else QUIET
        case "pam_localuser":
            return SUCCESS if login.named else frozenset({"perm_denied"})
        case "pam_usertype":
            return _usertype(handler, login)
        case "pam_faillock":
            return {"authfail": DENIED, "authsucc": SUCCESS}.get(
                next(iter({*handler.arguments} & {"authfail", "authsucc"}), ""), QUIET
            )
        case "pam_securetty":
            return EITHER if login.root else SUCCESS
        case "pam_shells":
            return EITHER if asked.shells is None else SUCCESS if login.shell in asked.shells else DENIED
        case "pam_succeed_if":
            return _condition(handler, login)
        case "pam_access":
            return _from_there(handler, asked)
    return ANYTHING


def of_anybody(handler: Handler, nobody: Asked) -> frozenset[str]:
    """All that a module may say of accounts without a password, whoever it is."""
    return ANYTHING if handler.module in BY_ACCOUNT else says(handler, nobody, "auth")


def known(handler: Handler) -> bool:
    """Whether more is known of a module than that it may say anything."""
    names = {"pam_unix", "pam_pwdb", "pam_permit", "pam_rootok", "pam_deny", "pam_nologin", "pam_faillock"}
    return handler.entry or handler.module in names | BY_ACCOUNT | SILENT | HARMLESS


def _password(handler: Handler, asked: Asked) -> frozenset[str]:
    """What pam_unix says of a password: of an empty one where sshd and its line both take one."""
    match asked.login.password:
        case Password.UNKNOWN:
            return EITHER if asked.knows else DENIED
        case Password.SET:
            return SUCCESS if asked.knows else DENIED
        case Password.EMPTY if asked.empty_taken and "nullok" in handler.arguments:
            return SUCCESS
        case Password.EMPTY if asked.empty_taken and "nullok_secure" in handler.arguments:
            return EITHER
    return DENIED


def _aged(login: Login) -> frozenset[str]:
    """What pam_unix says of the account: over, out of date, or sound; without a line of shadow nothing is sound."""
    if login.told_by != "shadow":
        return SUCCESS if login.told_by == "passwd" else frozenset({"authinfo_unavail"})
    if login.expired or login.inactive:
        return frozenset({"acct_expired"})
    return SUCCESS if login.expired is False and login.inactive is False else frozenset({"success", "acct_expired"})


def _from_there(handler: Handler, asked: Asked) -> frozenset[str]:
    """What pam_access says of who comes from there."""
    table = asked.tables.of(handler.arguments) if asked.tables else None
    told = frozenset({True, False}) if table is None else accessconf.lets_in(table, asked.login, asked.origin)
    return frozenset("success" if let_in else "perm_denied" for let_in in told)


def _usertype(handler: Handler, login: Login) -> frozenset[str]:
    if not login.named:
        return EITHER
    person = login.uid >= FIRST_PERSON
    wanted = {"isregular": person, "issystem": not person}
    found = [wanted[word] for word in handler.arguments if word in wanted]
    return EITHER if not found else SUCCESS if all(found) else DENIED


def _condition(handler: Handler, login: Login) -> frozenset[str]:
    """What pam_succeed_if says where its condition is about a number or a name that is known here."""
    words = [word for word in handler.arguments if word not in ("quiet", "quiet_success", "quiet_fail", "use_uid", "debug")]
    told = _CONDITION.fullmatch(" ".join(words))
    if told is None or not login.named or "use_uid" in handler.arguments:
        return EITHER
    holds = _number(login.uid, told[2], int(told[3])) if told[1] else _name(login, told[5] or told[8], told[6] or told[9])
    return EITHER if holds is None else SUCCESS if holds else DENIED


def _number(uid: int, word: str, limit: int) -> bool:
    return {
        "eq": uid == limit, "=": uid == limit, "ne": uid != limit, "!=": uid != limit, "lt": uid < limit, "<": uid < limit,
        "le": uid <= limit, "<=": uid <= limit, "gt": uid > limit, ">": uid > limit, "ge": uid >= limit, ">=": uid >= limit,
    }[word]  # fmt: skip


def _name(login: Login, word: str, names: str) -> bool | None:
    if word in ("ingroup", "notingroup"):
        return None if login.groups is None else (not {*names.split(":")}.isdisjoint(login.groups)) == (word == "ingroup")
    return (login.name in (names.split(":") if word.endswith("in") else [names])) == (word in ("=", "in"))
