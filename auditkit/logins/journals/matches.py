"""Which entries of a journal can tell of logins: what journalctl is asked for, and what is decoded of a file."""

from collections.abc import Iterable, Iterator

from auditkit.logins.grammar import PROGRAMS
from auditkit.logins.journals.entries import WANTED
from auditkit.logins.journals.messages import MEANINGS
from auditkit.logins.journals.trust import LONGEST, NAMES

FACILITIES = ("4", "10")
"""auth and authpriv: what PAM writes for any program, and programs that we do not know yet."""
VAGUE = frozenset(("log", "auth"))
"""Names of processes that many programs have; what they write is found by its identifier."""
FIELDS = ",".join(sorted(name.decode() for name in WANTED))
"""What `journalctl --output-fields` is given, where it knows that (systemd 236): the rest is of no use here."""
LEFT_OUT = frozenset(("kernel",))
"""A program that says too much: of what it tells in text logs, the journal knows boots by their identity."""
Match = tuple[str, str]


def matches(programs: Iterable[str] = PROGRAMS) -> tuple[Match, ...]:
    """Field and value of what is of interest, sorted; an entry that has one of them is.

    What claims to be of a program (SYSLOG_IDENTIFIER) is in it beside what is (_COMM): a forged entry shall be seen.
    """
    names = {program.partition("(")[0] for program in programs} - LEFT_OUT
    processes = {process.decode() for name in names for process in NAMES.get(name.encode(), ())}
    processes |= {name.rpartition("/")[2][:LONGEST] for name in names}
    return tuple(
        sorted(
            {
                *(("SYSLOG_FACILITY", facility) for facility in FACILITIES),
                *(("SYSLOG_IDENTIFIER", name) for name in names),
                *(("_COMM", process) for process in processes - VAGUE),
                *(("MESSAGE_ID", identity.decode()) for identity in MEANINGS),
            }
        )
    )


def arguments(programs: Iterable[str] = PROGRAMS) -> list[str]:
    """The matches as journalctl takes them: alternatives of one field, and `+` between fields.

    `journalctl -o export --all ARGUMENTS` gives what formats/export.py reads. Only these entries are in it: they are no
    heartbeat of the machine.
    """
    return list(_alternatives(matches(programs)))


def _alternatives(all_matches: Iterable[Match]) -> Iterator[str]:
    before = ""
    for field, value in all_matches:
        if before and field != before:
            yield "+"
        yield f"{field}={value}"
        before = field
