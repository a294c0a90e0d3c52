"""Files made of hosts: what `baseline` and `collect` share of making them and of telling what came of each host."""

from collections.abc import Sequence
from dataclasses import dataclass

from auditkit.commands import answering, options, running
from auditkit.errors import AuditkitError
from auditkit.fleet import Result
from auditkit.model import State
from auditkit.printable import printable


@dataclass(frozen=True, slots=True)
class Made:
    """What is to be said of a file that was made."""

    lines: tuple[str, ...]
    complete: bool

    @property
    def state(self) -> str:
        """How it ended, in one of State's words."""
        return str(State.OK if self.complete else State.PARTIAL)


def made(words: Sequence[str], run: options.Setting, work: running.Work[Made], nothing: str) -> int:
    """Make the file of each host, say as they finish what came of it, and give the exit status.

    `nothing` is said of a host without one.

    Raises:
        AuditkitError: there is none of the only host.
    """
    results = running.over(words, run, work, lambda one: one.state)
    return max((_told(result, run, nothing, alone=len(words) == 1) for result in results), key=running.WORST.index)


def _told(result: Result[Made], run: options.Setting, nothing: str, *, alone: bool) -> int:
    """Say what came of one host and give the exit status for it; of several each speaks for itself."""
    if result.value is not None:
        for line in result.value.lines:
            answering.say(run, line)
        return 0 if result.value.complete else 3
    error = result.error or AuditkitError("nothing came of it")
    if alone:
        raise error
    answering.say(run, f"{printable(result.word)}: {nothing}: {error}")
    if error.hint:
        answering.say(run, f"  hint: {error.hint}")
    return error.exit_code
