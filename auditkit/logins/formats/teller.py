"""Turns what programs say into events, or counts it at once where nobody wants them."""

import re
from typing import NamedTuple

from auditkit.logins.formats.meaning import told_of
from auditkit.logins.grammar.wrapped import bare
from auditkit.logins.nouns import NOBODY, Event, Notes, Said, What
from auditkit.logins.tally import SERVICES, TALLIED, Tally

WORDS = ("Accepted ", "Failed ", "session opened", "sshd", "dropbear", "ogin", "ogged in", "LOGIN", "uth")
"""One of these stands in each line that TELLS fits: asked first, for there are logs in which no line can be read."""
TELLS = re.compile(
    r"(?! ).*?(?:\b(?:Accepted|Failed) [\w/-]{1,40} for |session opened for user"
    r"|\b(?:sshd(?:-session)?|dropbear|login)(?:\[|: )"
    r"|\b[Ll]ogged in\b|\bLOGIN (?:ON|FROM) |\bOK LOGIN\b|\bLogin(?: successful|: user=)|\b[Aa]uth(?:entication)? succeeded)",
    re.DOTALL,
).match

SHAPES = 256
"""Kinds of lines that were not understood, which are counted one by one."""
EXAMPLE = 300
DIGITS = 12
"""Of a pid, there are less."""
WORD = re.compile(r"[A-Za-z][a-z'_-]*[:;,.]?")
NOISE = What.NOISE


class At(NamedTuple):
    """When a line was written, its number, and the bytes before it."""

    time: int
    line: int
    offset: int


class Teller:
    """Turns what programs say into events, and gives those that are only counted to the tally, if there is one."""

    def __init__(self, notes: Notes, tally: Tally | None) -> None:
        self.notes, self.tally = notes, tally
        self.events: list[Event] = []

    def tell(  # noqa: PLR0913, PLR0917 - called for many lines of a log: plain arguments cost least
        self, host: str | None, program: str, pid: str | None, message: str, at: At, times: int = 1
    ) -> bool:
        """Take what a program said so often; False if it is one that tells nothing of logins."""
        told = told_of(program, message)
        if told is None:
            return False
        if told.what is What.UNKNOWN:
            self.unknown(program, bare(message)[0], at.line)
        self.take(told, host or "", program, pid, at, times)
        return True

    def take(  # noqa: PLR0913, PLR0917 - as above
        self,
        told: Said,
        host: str,
        program: str,
        pid: str | None,
        at: At,
        times: int = 1,
    ) -> None:
        """Take what is said."""
        tally, (time, line, offset) = self.tally, at
        what, user, address, port, method, key, each, detail, actor = told
        times *= each
        if tally is not None and what is NOISE:
            tally.passed[NOISE] += times
        elif tally is not None and what in TALLIED:
            if pid and pid.isdecimal():
                address, port, user = tally.connection(host, pid, address, port, user)
            source = tally.source(SERVICES.get(program, program), address or "")
            tally.count(source, what, user, method, times, time, line, offset)
            if detail in NOBODY:
                tally.nobody(user)
        else:
            number = int(pid) if pid and pid.isdecimal() and len(pid) < DIGITS else None
            said = what, time, host, program, number, user, address, port, method, key, times, detail, line, offset, actor, None
            (self.events.append if tally is None else tally.add)(Event._make(said))

    def unknown(self, program: str, message: str, line: int) -> None:
        """Count a line that was not understood, by what is common to its kind."""
        unknown = self.notes.unknown
        shape = f"{program}: {' '.join(WORD.findall(message[:EXAMPLE])[:8])}"
        if shape not in unknown and len(unknown) >= SHAPES:
            shape = "others"
        unknown[shape] = unknown.get(shape, 0) + 1
        self.notes.examples.setdefault(shape, (line, f"{program}: {message[:EXAMPLE]}"))


def may_tell(line: str) -> bool:
    """Whether a line that cannot be read may tell of a login; what goes on with the one before begins with a blank."""
    return any(word in line for word in WORDS) and TELLS(line) is not None
