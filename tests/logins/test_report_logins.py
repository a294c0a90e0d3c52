"""The verdict as a person reads it at night: at 80 columns, the sentence first."""

from pathlib import Path

from machines_in_words import parts, seen

from auditkit.logins.verdict import judged
from auditkit.report import logins
from auditkit.report.look import Options

CASES = Path(__file__).parent.parent / "cases" / "logins"


def shown(name: str, *, show_all: bool = False) -> str:
    """What is shown of a case: the sentence with its axes, and the tables."""
    _sentence, case = parts((CASES / f"{name}.txt").read_text("utf-8"))
    told = judged(seen(case)).logins
    look = Options(width=80, show_all=show_all)
    return "\n".join((*logins.attempted(told, look), *logins.who_tried(told, look), ""))


def test_a_guess_that_hit() -> None:
    assert shown("guess-then-hit") == GUESS_THEN_HIT


def test_what_may_not_be_missed_fits_on_a_screen() -> None:
    for path in CASES.glob("*.txt"):
        lines = shown(path.stem).splitlines()
        assert len(lines) < 60
        assert all(len(line) <= 80 for line in lines if "/" not in line)


GUESS_THEN_HIT = """\
  logins  30 guesses from 198.51.100.7 in 116 seconds at root, which exists; 1
          login, of root from 198.51.100.7 at 2026-11-24 09:02:00Z, seen in
          auth.log, which covers 21 to 24 Nov 2026
          access    success seen
          pattern   a credential is known to somebody: 30 guesses from
                    198.51.100.7, and then a login
          coverage  complete for the window
  logins to confirm: ask each person whether that was him
    2026-11-24 09:02:00Z  root from 198.51.100.7  password  told by end,
        session, text; 30 guesses before
        then 2026-11-24 09:03:10Z account for backdoor, new user: name=backdoor,
            UID=0, GID=0, home=/home/backdoor, shell=/bin/bash, from=/dev/pts/0
            (by root while it was open)
  who tried       guesses  names  exist  first seen         last seen
    198.51.100.7       30      1      1  2026-11-24 09:00Z  2026-11-24 09:01Z
        at root (exists)
  what matters, by its time in UTC
    2026-11-24 09:00:00Z  guesses begin from 198.51.100.7
    2026-11-24 09:01:56Z  guesses end from 198.51.100.7
    2026-11-24 09:02:00Z  accepted password for root from 198.51.100.7 port
                           40100 [auth.log:100 byte 10659]
    2026-11-24 09:03:10Z  account for backdoor, new user: name=backdoor, UID=0,
                           GID=0, home=/home/backdoor, shell=/bin/bash,
                           from=/dev/pts/0 [auth.log:102 byte 10873]
  what says so
    /var/log/auth.log: 106 lines, 2026-11-21 12:17:01Z to 2026-11-24 11:17:01Z,
        at least a line in 2 h
  what would change this
    a login that only text logs tell of: any account of the machine can write
      such lines (logger)
    a journal of that time would show which program wrote each line
    wtmp or lastlog would support or contradict logins
    with LogLevel VERBOSE sshd names the key of each try, and where it stands
    a log that the machine could not change (a log server) would show what was
      taken out of these
"""
