"""The accounts of a host, and what decides whether each may log in: passwords, last days, groups.

Where accounts may come from elsewhere, one that is not named stands for all of them.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC

from auditkit import answers
from auditkit.access import needs
from auditkit.access.nouns import Login, Password
from auditkit.access.passwd import EMPTY, SHADOWED, Line, lines_of
from auditkit.model import Evidence, Gap

LOCAL = frozenset({"files", "compat", "systemd", "mymachines"})
"""Services of nsswitch.conf(5) whose accounts stand in files that are read here, or cannot log in."""
ELSEWHERE = -1
"""The uid of what stands for accounts of which no file tells."""
DAY = 86_400
MOST_SHELLS = 40
_NUMBER = re.compile(r"-?[0-9]{1,9}")
_ACTION = re.compile(r"\[[^\]]*\]")


def logins(evidence: Evidence) -> tuple[tuple[Login, ...], tuple[Gap, ...]]:
    """The accounts of a host, the first of each name, and what is not known of them.

    One that is not named stands for all that a directory service may add.
    """
    text = needs.text(evidence, needs.PASSWD)
    if text is None:
        return (), (Gap("accounts", f"who may log in was not judged, as {needs.PASSWD.what} was not taken"),)
    lines, gaps = lines_of(needs.PASSWD.what, text)
    shadow = _shadow(evidence)
    groups = _groups(evidence)
    found: dict[str, Login] = {}
    for line in lines:
        uid = line.glibc if line.glibc is not None else line.musl if _musl(evidence) else None
        if uid is not None and not line.nis and line.fields[0] not in found:
            found[line.fields[0]] = _login(line, uid, shadow, groups, _day(evidence))
    barred = set(_barred(evidence))
    found = {name: replace(login, barred=True) if login.shell in barred else login for name, login in found.items()}
    elsewhere = tuple(_elsewhere(evidence, lines))
    if shadow is None and any(login.password is Password.UNKNOWN for login in found.values()):
        gaps += (Gap("passwords", f"which accounts have one is not known, as {needs.SHADOW.what} was not taken"),)
    return (*found.values(), *map(_directory, elsewhere)), (*gaps, *map(_not_seen, elsewhere))


def _musl(evidence: Evidence) -> bool:
    """Whether the libc may be musl, which has no nsswitch.conf and takes lines that glibc passes over."""
    return needs.text(evidence, needs.NSSWITCH) is None


def _day(evidence: Evidence) -> int:
    """The day since 1970 on which the evidence was taken, as shadow(5) counts."""
    return int(evidence.taken.astimezone(UTC).timestamp() // DAY)


def _login(
    line: Line, uid: int, shadow: Mapping[str, Line] | None, groups: Mapping[str, tuple[str, ...]] | None, day: int
) -> Login:
    fields = (*line.fields, *("",) * 7)
    name, gid = fields[0], int(fields[3]) if fields[3].isascii() and fields[3].isdigit() and len(fields[3]) < 12 else -1
    entry = shadow.get(name) if shadow is not None else None
    own = None if groups is None else tuple(dict.fromkeys((*groups.get(f":{gid}", ()), *groups.get(name, ()))))
    password = _password(line, entry, known=shadow is not None)
    bare = Password.UNKNOWN if shadow is None else _fact(entry) if entry else password
    expired, inactive = (None, None) if shadow is None else _over(entry, day)
    shut = None if shadow is None else _is_shut(entry or line)
    told_by = "passwd" if line.password != SHADOWED else "nowhere" if shadow is not None and not entry else "shadow"
    return Login(name, uid, gid, own, fields[5], line.shell, password, expired, inactive, bare, shut=shut, told_by=told_by)


def _is_shut(line: Line) -> bool | None:
    """Whether the password begins with `!`; None where only that it is locked is told, as evidence did once."""
    return line.mark == "!" if line.mark or not line.password.startswith("locked") else None


def _password(line: Line, entry: Line | None, *, known: bool) -> Password:
    """What is known of a password: /etc/shadow is asked where the field is `x`, and only there."""
    if line.password == SHADOWED and not known:
        return Password.UNKNOWN
    return _fact(line) if line.password != SHADOWED else _fact(entry) if entry else Password.NONE


def _fact(line: Line) -> Password:
    """What the second field of a line says by itself."""
    kind, _blank, scheme = line.password.partition(" ")
    if kind == "locked":
        return Password.LOCKED if scheme and line.mark != "*" else Password.NONE
    if line.password == SHADOWED:
        return Password.NONE
    return {"set": Password.SET, EMPTY: Password.EMPTY, "none": Password.NONE}.get(kind, Password.UNKNOWN)


def shells(evidence: Evidence) -> tuple[str, ...]:
    """The shells of the accounts, as far as they are to be looked at."""
    lines, _gaps = lines_of(needs.PASSWD.what, needs.text(evidence, needs.PASSWD) or "")
    named = dict.fromkeys(line.shell for line in lines if len(line.fields) > 6)
    return tuple(shell for shell in named if needs.PLAIN.fullmatch(shell))[:MOST_SHELLS]


def _barred(evidence: Evidence) -> Iterator[str]:
    """Yield the shells that are not there, or are nothing that runs; none where nobody has looked.

    Of a disk a part may not be mounted: there one is missing only where another shell lies in the same directory.
    """
    told = {shell: next(needs.read(evidence, needs.shell(shell), answers.way), None) for shell in shells(evidence)}
    found = {shell.rpartition("/")[0] for shell, way in told.items() if isinstance(way, tuple)}
    runs = bool(needs.items(evidence, needs.LISTENERS))
    for shell, way in told.items():
        whole = bool(found) if runs else shell.rpartition("/")[0] in found
        looked = evidence.was_asked(needs.shell(shell)) and needs.unread(evidence, shell) is None
        if (way is None and whole and looked) or (isinstance(way, tuple) and not _runs(way[0].mode)):
            yield shell


def _runs(mode: int) -> bool:
    """Whether a file of this mode can be run by somebody: inode(7)."""
    return mode & 0o170000 == 0o100000 and mode & 0o111 != 0


def _over(entry: Line | None, day: int) -> tuple[bool | None, bool | None]:
    """Whether an account is over, and its password too long out of date; None where the line does not say.

    On the very last day versions of PAM and sshd differ: then nobody can tell.
    """
    if entry is None:
        return False, False
    fields = (*entry.fields, *("",) * 9)
    changed, longest, grace, last = (_whole(fields[at]) for at in (2, 4, 6, 7))
    expired = _past(day, last) if last != 0 else None
    if changed is None or longest is None or grace is None:
        return expired, None
    if changed == 0 or longest < 0 or grace < 0:
        return expired, False
    return expired, _past(day - changed, longest + grace)


def _past(day: int, last: int | None) -> bool | None:
    return None if last is None or day == last else last >= 0 and day > last


def _whole(field: str) -> int | None:
    """A number of shadow(5); -1 where the field is empty, None where nobody can read it."""
    return -1 if not field else int(field) if _NUMBER.fullmatch(field) else None


def _shadow(evidence: Evidence) -> Mapping[str, Line] | None:
    text = needs.text(evidence, needs.SHADOW)
    if text is None:
        return None
    lines, _gaps = lines_of(needs.SHADOW.what, text)
    named = defaultdict[str, list[Line]](list)
    for line in lines:
        before = named.get(line.fields[0])
        if not line.nis and line.aged is not False and not (before and before[-1].aged):
            named[line.fields[0]].append(line)
    return {name: each[0] if len({line.fields[1] for line in each}) == 1 else _either(each[0]) for name, each in named.items()}


def _either(line: Line) -> Line:
    """Where it depends on the version of libc which of several lines of an account counts: one of which nothing is known."""
    return Line(line.source, line.number, (line.fields[0], "<unknown>", *("?",) * 6, ""))


def _groups(evidence: Evidence) -> Mapping[str, tuple[str, ...]] | None:
    """The groups that list each account, and as `:GID` the name of each group; None where more may come from elsewhere."""
    text = needs.text(evidence, needs.GROUP)
    if text is None or directories(evidence, "group", "initgroups") - LOCAL:
        return None
    found = defaultdict[str, list[str]](list)
    names: dict[int, str] = {}
    lines, _gaps = lines_of(needs.GROUP.what, text)
    for line in (each for each in lines if each.group is not None):
        name = names.setdefault(line.group or 0, line.fields[0])  # sshd asks for numbers, and then for the name of each
        found[f":{line.group}"] = [name]
        for member in dict.fromkeys("".join(line.fields[3:4]).split(",")):
            found[member].append(name)
    return {name: tuple(dict.fromkeys(each)) for name, each in found.items()}


# --- accounts of which no file tells


def _elsewhere(evidence: Evidence, lines: tuple[Line, ...]) -> Iterator[tuple[str, str]]:
    """Yield what accounts may come from besides the files, and where that is said."""
    services = directories(evidence, "passwd")
    yield from ((name, needs.NSSWITCH.what) for name in sorted(services - LOCAL))
    if "compat" in services and any(line.nis and line.fields[0][:1] == "+" for line in lines):
        yield "nis", needs.PASSWD.what
    if "systemd" in services and (records := needs.there(evidence, *needs.USERDB)):
        yield "systemd", records[0]


def directories(evidence: Evidence, *tables: str) -> set[str]:
    """The services that nsswitch.conf names for tables; sss not where the host has no configuration of sssd."""
    found: set[str] = set()
    for row in (needs.text(evidence, needs.NSSWITCH) or "").split("\n"):
        name, colon, rest = row.partition("#")[0].partition(":")
        if colon and name.strip() in tables:
            found |= set(_ACTION.sub(" ", rest).split())
    idle = needs.looked_at(evidence) and not needs.there(evidence, *needs.SSSD)
    return found - {"sss"} if idle else found


def _directory(told: tuple[str, str]) -> Login:
    return Login(f"accounts of {told[0]}", ELSEWHERE, -1, None, "", "", Password.UNKNOWN, None, None, named=False)


def _not_seen(told: tuple[str, str]) -> Gap:
    return Gap(told[1], f"accounts come from {told[0]} too: who they are, and who of them may log in, cannot be told here")
