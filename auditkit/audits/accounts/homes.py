"""Homes and what logins run from them: who besides the owner may write there."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from auditkit.access.nouns import Login
from auditkit.answers import Step
from auditkit.audits.accounts.people import NEEDS as OF_PEOPLE
from auditkit.audits.accounts.people import People, fitted, has_session, listed, people
from auditkit.audits.accounts.writers import status, statuses, writers
from auditkit.model import Evidence, Finding, Gap, Need, Rule, Severity
from auditkit.printable import printable

_WHY = "who may write to homes, and to what logins run from them"
_DOTFILES = (
    *("~/.*profile", "~/.*rc", "~/.*log[io]*", "~/.zshenv", "~/.pam_environment", "~/.xsession", "~/.forward", "~/.k5login"),
    *("~/.ssh", "~/.ssh/rc", "~/.ssh/environment", "~/.ssh/config", "~/.config", "~/.local", "~/bin", "~/.netrc", "~/.gnupg"),
)
DOTFILES = tuple(dict.fromkeys(status(path, _WHY) for path in _DOTFILES))
NEEDS = (*OF_PEOPLE, *DOTFILES)
HOME_OPEN = Rule(
    "home-writable",
    "Others may write to a home, or to a directory above it",
    Severity.HIGH,
    "Somebody else can take over this account the next time its owner logs in. Whoever may write to the home puts a .profile,"
    " .bashrc or .ssh of his own into it.",
    "chmod go-w PATH (undo: chmod with the mode that ls -ld showed before). Then look at what is in it, and when it came.",
    ("CIS Debian Linux Benchmark 7.2.9", "SCAP Security Guide file_permissions_home_directories", "MITRE ATT&CK T1546.004"),
)
DOTFILE_OPEN = Rule(
    "dotfile-writable",
    "Others may change what an account runs when it logs in",
    Severity.HIGH,
    "Somebody else can take over this account the next time its owner logs in. Shells, ssh and the desktop read these files at"
    " each login and do what they say.",
    "chmod go-w PATH, and chown to the account (undo: the mode and owner that ls -ld showed before). First see what is in it.",
    ("CIS Debian Linux Benchmark 7.2.10", "SCAP Security Guide file_permission_user_init_files", "MITRE ATT&CK T1546.004"),
)
HOME_OF_ANOTHER = Rule(
    "home-of-another",
    "A home belongs to another account",
    Severity.MEDIUM,
    "One person's files and settings belong to somebody else, who can use them to act as that person. Its owner may put"
    " anything into the home; or the account was deleted and made anew, and the files of the one before are still there.",
    "chown NAME: PATH (undo: chown back to the owner that ls -ld showed before), after you know whose the files are.",
    ("CIS Debian Linux Benchmark 7.2.9", "SCAP Security Guide file_ownership_home_directories"),
)
ROOT_HOME_READABLE = Rule(
    "root-home-readable",
    "Everybody may look into the home of root",
    Severity.LOW,
    "Secrets of whoever runs the machine may be read by every account on it. In /root lie histories, notes and copies of"
    " configuration, often readable one by one once the directory can be entered.",
    "chmod 0700 /root (undo: chmod 0755 /root).",
    ("SCAP Security Guide", "Debian Policy 10.9"),
)
RULES = (HOME_OPEN, DOTFILE_OPEN, HOME_OF_ANOTHER, ROOT_HOME_READABLE)
_PATH = re.compile(r"(?:/[A-Za-z0-9._@+ -]{1,100}){1,20}")
MOST_HOMES = 2_000
Ways = Mapping[str, tuple[Step, ...]]
Statuses = Mapping[str, tuple[tuple[str, tuple[Step, ...] | Gap], ...]]


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield who may write to homes."""
    everybody = people(evidence)
    homes = _homes(everybody)
    found = statuses(evidence, _WHY)
    taken = {path: tuple(way for _path, way in found.get(path, ())) for path in homes}
    yield from _not_seen(evidence, homes)
    yield from (way for several in taken.values() for way in several if isinstance(way, Gap))
    told = {path: way for path, several in taken.items() for way in several if not isinstance(way, Gap)}
    yield from _open(everybody, homes, told)
    yield from _foreign(everybody, homes, told)
    yield from _readable(homes, told)
    yield from _dotfiles(found, everybody, homes, told)


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """The status of the homes of accounts that log in."""
    return tuple(status(path, _WHY) for path in _homes(people(evidence)) if _PATH.fullmatch(path))[:MOST_HOMES]


def _homes(everybody: People) -> dict[str, list[Login]]:
    """The homes of accounts whose shell gives a session, and who lives in each."""
    found = defaultdict[str, list[Login]](list)
    for login in everybody.logins:
        if has_session(login) and login.home.strip("/"):
            found[f"/{login.home.strip('/')}"].append(login)
    return found


def _not_seen(evidence: Evidence, homes: Mapping[str, list[Login]]) -> Iterator[Gap]:
    unasked = [path for path in homes if not evidence.was_asked(status(path, _WHY)) or not _PATH.fullmatch(path)]
    if unasked or len(homes) > MOST_HOMES:
        names = listed([printable(path) for path in unasked]) or f"more than {MOST_HOMES}"
        yield Gap("homes", f"whether others may write there was not looked at: {names}")


def _uids(logins: list[Login]) -> frozenset[int]:
    return frozenset(login.uid for login in logins)


def _open(everybody: People, homes: Mapping[str, list[Login]], told: Ways) -> Iterator[Finding]:
    found = {}
    for path, way in told.items():
        others = [
            each for each in writers(way, everybody, _uids(homes[path])) if not _owner(each.path, each.names, way, everybody)
        ]
        if others:
            found[path] = others
    worst = any(login.uid == 0 for path in found for login in homes[path])
    if found:
        said = dict.fromkeys(writer.told for several in found.values() for writer in several)
        names = listed([printable(login.name) for path in found for login in homes[path]])
        severity = Severity.CRITICAL if worst else HOME_OPEN.severity
        yield Finding(HOME_OPEN, "homes", f"{listed(list(said))}; there is the home of {names}", severity)


def _owner(path: str, names: frozenset[str], way: tuple[Step, ...], everybody: People) -> bool:
    """Whether this is the owner of the home itself, of whom home-of-another tells."""
    owner = everybody.names.get(way[0].uid, f"#{way[0].uid}")
    return path == way[0].path and names == {owner}


def _foreign(everybody: People, homes: Mapping[str, list[Login]], told: Ways) -> Iterator[Finding]:
    found = [
        (path, login)
        for path, way in told.items()
        for login in homes[path]
        if way[0].uid and way[0].uid not in _uids(homes[path])
    ]
    if found:
        words = [
            f"{printable(path)} of {printable(login.name)} belongs to {_whose(everybody, told[path][0].uid)}"
            for path, login in found
        ]
        remedy = fitted(HOME_OF_ANOTHER.remedy, [login.name for _path, login in found])
        yield Finding(HOME_OF_ANOTHER, "homes", listed(words), HOME_OF_ANOTHER.severity, (), remedy)


def _whose(everybody: People, uid: int) -> str:
    name = everybody.names.get(uid)
    return printable(name) if name else f"uid {uid}, whom no account has"


def _readable(homes: Mapping[str, list[Login]], told: Ways) -> Iterator[Finding]:
    for path, way in told.items():
        if any(login.uid == 0 for login in homes[path]) and way[0].mode & 0o005 and not way[0].mode & 0o002 and path == "/root":
            message = f"{printable(path)} has mode {way[0].mode & 0o7777:04o}"
            yield Finding(ROOT_HOME_READABLE, "homes", message, ROOT_HOME_READABLE.severity)


def _dotfiles(found: Statuses, everybody: People, homes: Mapping[str, list[Login]], told: Ways) -> Iterator[Finding | Gap]:
    said: dict[str, None] = {}
    whose: dict[str, None] = {}
    worst = False
    for path, way in (each for need in DOTFILES for each in found.get(need.what, ())):
        home = _home(path, homes)
        if isinstance(way, Gap):
            yield way
        elif home:
            others = writers(_below(way, told.get(home)), everybody, _uids(homes[home]))
            said |= dict.fromkeys(writer.told for writer in others)
            whose |= dict.fromkeys(printable(login.name) for login in homes[home] if others)
            worst = worst or (bool(others) and any(login.uid == 0 for login in homes[home]))
    if said:
        severity = Severity.CRITICAL if worst else DOTFILE_OPEN.severity
        yield Finding(
            DOTFILE_OPEN, "homes", f"{listed(list(said))}; it is read at the login of {listed(list(whose))}", severity
        )


def _home(path: str, homes: Mapping[str, list[Login]]) -> str:
    """The home that a path is in; empty where nobody who logs in lives there."""
    while path.strip("/") and path not in homes:
        path = path.rpartition("/")[0]
    return path if path in homes else ""


def _below(way: tuple[Step, ...], home: tuple[Step, ...] | None) -> tuple[Step, ...]:
    """The part of a way below the home; all of it where a link leads out of the home."""
    at = next((number for number, step in enumerate(way) if home and step.path == home[0].path), len(way))
    return way[:at]
