"""wtmp, btmp and utmp(5): who was on a machine, whose password was wrong, and when it was up.

sshd writes into wtmp only where a terminal was asked for: commands, sftp and scp leave nothing there. In btmp it leaves one
record for each wrong password, and one more for each connection to an account that does not exist.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator
from functools import lru_cache, partial

from auditkit.logins.formats.layouts import MICROSECONDS, SECONDS, Fields, Records, chosen, sound
from auditkit.logins.formats.records import REMEMBERED, SECOND, origin, text
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting, What

RUN_LEVEL, BOOT_TIME, NEW_TIME, OLD_TIME, USER_PROCESS, DEAD_PROCESS = 1, 2, 3, 4, 7, 8
LOGIN_PROCESS = 6
NAME = re.compile(r"(?:^|/)([wbu])tmpx?(?:[.-][^/]*)?$")
DATABASE = b"SQLite format 3\0"
A_CONNECTION = 600 * SECOND
"""Records of one process at one name within this time are of one connection."""
NAME_BYTES = 32
SERVICE = re.compile(r"([a-z]+)(?::|\d+$)")
NOWHERE = bytes(16)
A_DAY = 86400 * SECOND
EMPTIED = "record that says it is empty, and has a name in it"
TERMINALS = ("tty", "console", "hvc", "xvc")


def named(name: str, beginning: bytes) -> str:
    """`w`, `b` or `u` for what kind of file it is, by its name or else by what its first records are; or nothing."""
    if beginning.startswith(DATABASE):
        return ""
    found = NAME.search(name)
    records = _kinds(beginning)
    if found and (records or not any(beginning)):
        return found[1]
    return "" if not records else "b" if records == {LOGIN_PROCESS} else "w"


def _kinds(beginning: bytes) -> set[int]:
    """The types of the records in the first bytes of a file."""
    start = len(beginning) - len(beginning.lstrip(b"\0"))
    sample = beginning[max(0, start - 1) :]
    layout = chosen(sample)
    return {fields[0] for _place, fields in sound(layout, sample)} if layout else set()


@lru_cache(maxsize=2 * REMEMBERED)
def came(line: bytes, host: bytes, binary: bytes) -> tuple[str, str | None, str]:
    """The program that let somebody in, where he came from, and the line with what else the record says of where from."""
    at, named_host = text(line), text(host)
    address, other = origin(binary, named_host)
    told = f"{at}, host {other}" if other else at
    if binary != NOWHERE:
        return service(at, address), address, told
    # a user's own terminals write themselves into wtmp, by a helper that takes any text for the host
    return service(at, None), address, f"{told}, by its text only" if address else told


def service(line: str, address: str | None) -> str:
    """The program that wrote a record, as far as its line tells: `ssh:notty`, `ftpd4711`, `tty1`; or nothing.

    A pseudo terminal is opened by window managers too: only a service that saw a connection writes the address as well.
    """
    if line.startswith("ssh:"):
        return "sshd"
    if line.startswith(TERMINALS):
        return "login"
    if line.startswith("pts/"):
        return "sshd" if address else ""
    found = SERVICE.match(line)
    return found[1] if found else ""


class Sessions:
    """What the records of wtmp or utmp say, one after the other; who sits on which line is kept in mind."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self._on: OrderedDict[bytes, tuple[str, str | None, str]] = OrderedDict()
        self._before: int | None = None
        """The time before the clock was set."""

    def event(self, number: int, offset: int, fields: Fields, time: int) -> Event:
        """What one record says."""
        kind, _padding, pid, line, _id, user, host, _seconds, _micro, binary = fields
        what, program, name, address, detail = What.NOISE, "", None, None, ""
        if kind == USER_PROCESS and user[0]:
            what, name = What.OPENED, text(user)
            program, address, detail = came(line, host, binary)
            self._sits(line, (name, address, program))
        elif kind in (DEAD_PROCESS, USER_PROCESS):
            what, detail = What.ENDED, text(line)
            name, address, program = self._on.pop(line, (text(user) or None, None, ""))
        elif kind == BOOT_TIME:
            what, detail = What.BOOTED, text(host)
            self._on.clear()
        elif kind == RUN_LEVEL and text(user) == "shutdown":
            what, detail = What.STOPPED, text(host)
        elif kind == OLD_TIME:
            self._before = time
        elif kind == NEW_TIME:
            what, detail = What.CLOCK, self._set(time)
        elif not kind:
            what, name, detail = What.UNKNOWN, text(user), text(line)
            self._emptied(number, f"{name} on {detail}")
        return Event(what, time, "", program, pid, name, address, None, "", "", 1, detail, number, offset)

    def _sits(self, line: bytes, who: tuple[str, str | None, str]) -> None:
        self._on[line] = who
        self._on.move_to_end(line)
        if len(self._on) > REMEMBERED:
            self._on.popitem(last=False)

    def _emptied(self, number: int, example: str) -> None:
        self.notes.unknown[EMPTIED] = self.notes.unknown.get(EMPTIED, 0) + 1
        self.notes.examples.setdefault(EMPTIED, (number, example))

    def _set(self, time: int) -> str:
        before, self._before = self._before, None
        return "" if before is None else f"by {(time - before) / SECOND:+g} s"


class Refusals:
    """What the records of btmp say, one after the other: which are guesses, as far as that can be told.

    sshd writes the same record for a wrong password and, before any, for a connection to an account that does not exist. Which
    accounts exist a machine tells; where it does not, one record is taken for no guess of each connection that has several.
    """

    def __init__(self, setting: Setting) -> None:
        accounts = setting.accounts
        self._exist = None if accounts is None else frozenset(cut(name) for name in accounts)
        self._seen: OrderedDict[tuple[int, bytes, bytes], tuple[int, int]] = OrderedDict()
        """Process, name and address to the records so far, and when the last one was."""
        self._of_sshd = self._doubtful = self._no_guess = 0

    def event(self, number: int, offset: int, fields: Fields, time: int) -> Event:
        """What one record says."""
        _kind, _padding, pid, line, _id, user, host, _seconds, _micro, binary = fields
        what, name, method = What.FAILED, text(user), ""
        program, address, detail = came(line, host, binary)
        if program == "sshd":
            self._of_sshd += 1
            if name != "root" and (self._exist is None or name not in self._exist):
                what, method = self._of_nobody(self._before(pid, user, binary, time))
        return Event(what, time, "", program, pid, name, address, None, method, "", 1, detail, number, offset)

    def _of_nobody(self, before: int) -> tuple[What, str]:
        """What a record is, of a name that may not exist, behind so many of the same connection."""
        if self._exist is not None:
            return (What.FAILED, "") if before else (What.INVALID_USER, "")
        self._doubtful += not before
        self._no_guess += before == 1
        return What.FAILED, "none" if before == 1 else ""

    def remarks(self) -> Iterator[str]:
        """Yield between which numbers the guesses are, where it cannot be said."""
        if self._doubtful and self._exist is None:
            least, taken, most = self._of_sshd - self._doubtful, self._of_sshd - self._no_guess, self._of_sshd
            yield (
                f"{most:,} records of sshd are taken for {taken:,} guesses, and may be {least:,} to {most:,}: there is one "
                "more of each connection to an account that does not exist, and which exist is not known"
            )

    def _before(self, pid: int, user: bytes, address: bytes, time: int) -> int:
        """How many records of the same connection came before."""
        key = pid, user, address
        count, last = self._seen.get(key, (0, time))
        if not 0 <= time - last <= A_CONNECTION:
            count = 0
        self._seen[key] = count + 1, time
        self._seen.move_to_end(key)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return count


def cut(name: str) -> str:
    """A name as far as a record has room for it."""
    return text(name.encode("utf-8", "surrogateescape")[:NAME_BYTES])


def told(tells: Sessions | Refusals, pulse: Pulse, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield what each record says."""
    latest, later = setting.now + A_DAY, 0
    for number, offset, fields in Records(data, notes).each():
        time = fields[SECONDS] * SECOND + fields[MICROSECONDS] * 1000
        later += time > latest
        pulse.beat(time, number)
        yield tells.event(number, offset, fields, time)
    pulse.done()
    notes.of_interest = notes.lines
    if later:
        notes.remarks.append(f"{later:,} records are of a time after they were taken")
    if notes.zeroed and not notes.lines:
        notes.remarks.append("it is nothing but zeros")


def sessions(log: Log, data: Bytes, setting: Setting, notes: Notes, *, ordered: bool = True) -> Iterator[Event]:
    """Yield what wtmp says; utmp is in no order: each line has a place of its own."""
    yield from told(Sessions(notes), Pulse(notes, ordered=ordered), data, setting, notes)
    if ordered and (emptied := notes.unknown.get(EMPTIED)):
        records = "1 record that holds a name is" if emptied == 1 else f"{emptied:,} records that hold names are"
        notes.smells(f"{records} set to EMPTY, which nothing does in wtmp that adds to it")


def refusals(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield what btmp says."""
    tells = Refusals(setting)
    yield from told(tells, Pulse(notes), data, setting, notes)
    notes.remarks.extend(tells.remarks())


def _is(kind: str, name: str, beginning: bytes) -> bool:
    return named(name, beginning) == kind


WTMP = Format("wtmp", "wtmp", "wtmp", partial(_is, "w"), sessions)
BTMP = Format("btmp", "btmp", "btmp", partial(_is, "b"), refusals)
UTMP = Format("utmp", "utmp", "wtmp", partial(_is, "u"), partial(sessions, ordered=False))
