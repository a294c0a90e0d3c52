"""What Defaults lines of sudoers open: no password at all, variables that load code, a path of others, a password for ever."""

import re
from collections.abc import Iterable, Iterator

from auditkit.access import needs
from auditkit.audits.accounts.people import MOST_QUOTES, listed, people
from auditkit.audits.accounts.privileges import NEEDS as OF_SUDO
from auditkit.audits.accounts.privileges import NOTHING, Grant, Privileges, privileges, usable, worth
from auditkit.audits.accounts.writers import status, statuses, writers
from auditkit.model import Evidence, Finding, Gap, Need, Rule, Severity
from auditkit.printable import printable
from auditkit.sudoers.nouns import Setting

_BACK = "visudo -f FILE (undo: write the line back). Keep a root session open."
AUTHENTICATION_OFF = Rule(
    "sudo-authentication-off",
    "A setting makes sudo ask for no password",
    Severity.HIGH,
    "With !authenticate, or for members of exempt_group, every rule is as if it said NOPASSWD: whoever gets into the account is"
    " root at once. The rules themselves look harmless.",
    f"Take the setting out: {_BACK}",
    ("sudoers(5) authenticate", "SCAP Security Guide sudo_remove_no_authenticate", "MITRE ATT&CK T1548.003"),
)
KEEPS_VARIABLES = Rule(
    "sudo-keeps-variables",
    "sudo hands on variables that load code",
    Severity.HIGH,
    "Whoever was allowed one harmless command as root is as good as root. With LD_PRELOAD, PYTHONPATH and the like in"
    " env_keep, or with !env_reset or setenv, that command loads a library or module of his own.",
    f"Take these names out of env_keep, and env_reset back in: {_BACK}",
    ("sudoers(5) env_keep", "MITRE ATT&CK T1574.006"),
)
PATH_OPEN = Rule(
    "sudo-path-open",
    "The path that sudo gives to commands leads through directories of others",
    Severity.HIGH,
    "Programs that run as root find others by secure_path. Whoever may write to one of its directories, or where one is"
    " relative,"
    " has his own program run as root.",
    f"Write only directories of root: secure_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin. {_BACK}",
    ("sudoers(5) secure_path", "MITRE ATT&CK T1574.007"),
)
LAX = Rule(
    "sudo-lax-settings",
    "Settings of sudo weaken the password that it asks for",
    Severity.LOW,
    "The password that stands between an account and root is asked for too seldom, or shown. One that is remembered without"
    " end or for all terminals opens root to whatever else runs in the account; one that is shown while it is typed is read by"
    " others.",
    f"Take the setting out, so that the default holds: {_BACK}",
    ("sudoers(5)", "CIS Debian Linux Benchmark 5.2.6"),
)
RULES = (AUTHENTICATION_OFF, KEEPS_VARIABLES, PATH_OPEN, LAX)
NEEDS = OF_SUDO
_LOADERS = re.compile(
    r"(?:\*|LD_\w*\*?|DYLD_\w*\*?|PYTHON(?:PATH|HOME|STARTUP|INSPECT|USERBASE|\*)|PERL(?:5LIB|LIB|5OPT|5DB|\*)|RUBY(?:LIB|OPT)"
    r"|NODE_(?:OPTIONS|PATH)|BASH_ENV|ENV|SHELLOPTS|PS4|IFS|CLASSPATH|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|GCONV_PATH|LUA_(?:PATH|INIT)"
    r"|PHPRC|GIT_\w*|LESSOPEN|LESSCLOSE|TERMINFO|PATH)"
)
_WHY = "who may write to directories in which root finds programs by sudo"
_FOREVER = 8 * 60
"""Minutes."""


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what settings of sudo open."""
    told = privileges(evidence)
    yield from _authentication(evidence, told)
    yield from _variables(evidence, told)
    yield from _path(evidence, told)
    lax = [(each, why) for each in in_force(told.policy.settings) if (why := _lax(each))]
    if lax:
        message = "; ".join(dict.fromkeys(why for _each, why in lax))
        yield _finding(LAX, message, LAX.severity, (each for each, _why in lax))


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """The status of the directories of secure_path."""
    return tuple(status(path, _WHY) for path in _directories(privileges(evidence))[0])


def in_force(settings: Iterable[Setting]) -> tuple[Setting, ...]:
    """The settings that hold: of one name for the same whom the last."""
    return tuple({(each.name, each.scope, each.bound): each for each in settings}.values())


def _finding(rule: Rule, message: str, severity: Severity, settings: Iterable[Setting]) -> Finding:
    quotes = tuple(dict.fromkeys(each.quote for each in settings))[:MOST_QUOTES]
    return Finding(rule, "sudo", message, severity, quotes)


def _authentication(evidence: Evidence, told: Privileges) -> Iterator[Finding]:
    by = [grant for grant in told.grants if grant.by_setting and (grant.everything or worth(grant))]
    if by:
        names = listed([people(evidence).named(grant.login) for grant in by])
        message = f"a rule without PASSWD asks for nothing there: so {names} may become root"
        settings = (grant.by_setting for grant in by if grant.by_setting)
        yield _finding(AUTHENTICATION_OFF, message, AUTHENTICATION_OFF.severity, settings)
        return
    off = [each for each in told.policy.settings if each.name == "authenticate" and each.on is False]
    if off:
        yield _finding(AUTHENTICATION_OFF, "nobody becomes root by it now", Severity.LOW, off)


def _variables(evidence: Evidence, told: Privileges) -> Iterator[Finding]:
    """Yield the settings that hand on variables: severe only where somebody has a limited command to use them with."""
    found = [(each, words) for each in told.policy.settings if (words := _handed_on(each))]
    if not found:
        return
    limited = [grant for grant in told.grants if usable(grant) and not grant.everything and not _master(grant, told.grants)]
    names = listed([people(evidence).named(grant.login) for grant in limited])
    use = (
        f": {names} may run single commands, and be root with these"
        if names
        else "; nobody has only single commands to use them with"
    )
    severity = KEEPS_VARIABLES.severity if names else Severity.LOW
    message = f"{listed([word for _each, words in found for word in words])}{use}"
    yield _finding(KEEPS_VARIABLES, message, severity, (each for each, _words in found))


def _master(grant: Grant, grants: Iterable[Grant]) -> bool:
    """Whether the account may run any command for no more than it is asked for here."""
    own = [each.asked for each in grants if each.login.name == grant.login.name and each.everything]
    return NOTHING in own or grant.asked in own


def _handed_on(setting: Setting) -> tuple[str, ...]:
    if setting.name == "env_reset" and setting.on is False:
        return ("all variables (!env_reset)",)
    if setting.name == "setenv" and setting.on:
        return ("any variable (setenv)",)
    if setting.name not in ("env_keep", "env_check") or setting.operator not in ("=", "+"):
        return ()
    names = (word.partition("=")[0] for word in setting.value.split())
    return tuple(printable(name) for name in names if _LOADERS.fullmatch(name))


def _directories(told: Privileges) -> tuple[tuple[str, ...], tuple[str, ...], tuple[Setting, ...]]:
    """The directories of secure_path, those that are no absolute path, and the lines that set them."""
    found = [each for each in in_force(told.policy.settings) if each.name == "secure_path" and each.operator == "="]
    words = [word for each in found for word in each.value.split(":")]
    plain = tuple(dict.fromkeys(word.rstrip("/") for word in words if needs.PLAIN.fullmatch(word) and word.strip("/")))
    return plain[:40], tuple(word for word in words if not word.startswith("/")), tuple(found)


def _path(evidence: Evidence, told: Privileges) -> Iterator[Finding | Gap]:
    plain, relative, settings = _directories(told)
    said = [f"{printable(word) or 'an empty name'} is the directory in which one stands" for word in relative]
    found = statuses(evidence, _WHY)
    for path in plain:
        for _path, way in found.get(path, ()):
            if isinstance(way, Gap):
                yield way
            else:
                said += [writer.told for writer in writers(way, people(evidence))]
    if said:
        yield _finding(PATH_OPEN, listed(said), PATH_OPEN.severity, settings)


def _lax(setting: Setting) -> str:
    """Why a setting is lax; empty if it is not."""
    match setting.name, setting.on:
        case "visiblepw", True:
            return "visiblepw: the password may be typed where it is seen"
        case "tty_tickets", False:
            return "!tty_tickets: a password holds for all terminals of the account"
    number = _number(setting.value)
    if setting.name == "timestamp_timeout" and number is not None and (number < 0 or number > _FOREVER):
        return (
            "timestamp_timeout: a password is remembered without end"
            if number < 0
            else f"a password holds for {number:g} minutes"
        )
    if setting.name == "timestamp_type" and setting.value == "global":
        return "timestamp_type=global: a password holds for all terminals of the account"
    return ""


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?[0-9]{1,9}(?:\.[0-9]{0,9})?", text) else None
