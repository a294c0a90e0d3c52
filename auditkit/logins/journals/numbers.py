"""Sequence numbers of journal entries: which ones a file has, and which ones no file of a machine has.

journald counts the entries that it writes, over all of its files: those of the system and those of each user. So a number
that is missing in one file is in another one of the machine, or it was lost, or taken out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from auditkit.logins.nouns import Notes

MOST = 20_000
"""Runs of a file that are remembered; with more of them its numbers are not compared."""
SHOWN = 3
ELSEWHERE = "these entries are in another journal file of the machine, or they were lost or taken out"


class Run(NamedTuple):
    """Numbers without a gap; times are nanoseconds since 1970."""

    first: int
    last: int
    begin: int
    end: int


@dataclass(slots=True)
class Count:
    """Follows the numbers of one file; `add` each of them, then `done`."""

    notes: Notes
    _runs: list[Run] = field(default_factory=list)
    _first: int = 0
    _last: int = 0
    _begin: int = 0
    _end: int = 0
    _odd: int = 0

    def add(self, number: int, time: int) -> None:
        """The number of the next entry."""
        if number != self._last + 1 or not self._last:
            self._turn(number, time)
        self._last, self._end = number, time

    def _turn(self, number: int, time: int) -> None:
        if self._last and number <= self._last:
            self._odd += 1
        if self._last and len(self._runs) <= MOST:
            self._runs.append(Run(self._first, self._last, self._begin, self._end))
        self._first, self._begin = number, time

    def done(self, numbering: str, elsewhere: str = ELSEWHERE, orderly: bool = True) -> None:
        """Write into the notes which numbers there are, and what is odd about them; `elsewhere` says of missing ones."""
        if not self._last:
            return
        self._turn(0, 0)
        self._odd -= 1
        if self._odd and orderly:
            self.notes.smells(f"its sequence numbers run backwards {self._odd} times: journald writes no such file")
        self.notes.remarks.extend(_remarks(missing(self._runs), elsewhere))
        if len(self._runs) <= MOST:
            self.notes.numbering, self.notes.runs = numbering, list(self._runs)


def missing(runs: Iterable[Run]) -> list[Run]:
    """The numbers between the lowest and the highest that no run has, with the times around them."""
    gaps: list[Run] = []
    last: Run | None = None
    for run in sorted(runs):
        if last is not None and run.first > last.last + 1:
            gaps.append(Run(last.last + 1, run.first - 1, last.end, run.begin))
        if last is None or run.last > last.last:
            last = run
    return gaps


def absent(all_notes: Iterable[Notes]) -> list[Run]:
    """The numbers that none of the files of a machine has, of those that were counted together.

    journald removes the files first whose numbers begin lowest. So while none begins at 1, what is missing between the
    numbers of the oldest one may be in a file that was removed, and is left out. A machine that stopped at once, and a
    file that was not given, leave such gaps, too.
    """
    together: dict[str, list[list[Run]]] = {}
    for notes in all_notes:
        if notes.numbering and notes.runs:
            together.setdefault(notes.numbering, []).append([Run(*run) for run in notes.runs])
    return [gap for files in together.values() for gap in _unexplained(files)]


def _unexplained(files: Iterable[list[Run]]) -> list[Run]:
    oldest, *others = sorted(sorted(runs) for runs in files)
    removed = oldest[-1].last if oldest[0].first > 1 else 0
    return [gap for gap in missing([*oldest, *(run for runs in others for run in runs)]) if gap.first > removed]


def _remarks(gaps: list[Run], elsewhere: str) -> list[str]:
    if not gaps:
        return []
    count = sum(gap.last - gap.first + 1 for gap in gaps)
    widest = sorted(gaps, key=lambda gap: gap.first - gap.last)[:SHOWN]
    named = ", ".join(f"{gap.first} to {gap.last}" if gap.first < gap.last else f"{gap.first}" for gap in sorted(widest))
    more = f" and in {len(gaps) - SHOWN} more places" if len(gaps) > SHOWN else ""
    return [f"{count} sequence {'number is' if count == 1 else 'numbers are'} missing ({named}{more}): {elsewhere}"]
