"""What `journalctl --verify` says of the files of a journal, and what it cannot say."""

import re
from collections.abc import Iterator
from typing import NamedTuple

RESULT = re.compile(r"(PASS|FAIL): (.+?)(?: \(([^()]*)\))?")
SEALED = re.compile(r"=> Validated from (.+) to (.+), final (.+) entries not sealed\.")
UNSEALED = re.compile(r"=> No sealing yet, (.+) of entries not sealed\.")
WRONG = re.compile(r"([0-9a-f]+): (.+)|File corruption detected at (.+):([0-9a-f]+) \(of .+\)\.?")
PROGRESS = re.compile("\x1b\\[[0-9;]*[A-Za-z]|[\u2588\u2591#]+ +[0-9]+%")
LINES, WORDS = 10_000, 300
CANNOT = (
    "well-formed is not complete: a journal that was exported, cut and built again passes, with unbroken sequence numbers; "
    "only a sealing key that is kept elsewhere, or a copy on another machine, shows that"
)
"""What PASS does not say, for whoever reports it."""


class Verified(NamedTuple):
    """What is said of one file."""

    name: str
    passed: bool
    reason: str
    """Why it failed: `Bad message`, and the first thing that is wrong."""
    sealed: str
    """Until when its seal was good, as journalctl writes it; empty if it is not sealed, or no key was given."""


def verified(text: str) -> list[Verified]:
    """The files that `journalctl --verify` names, in its order, from what it writes on stdout and stderr.

    `passed` False is a tamper indicator, or damage: a file that was open when the machine lost power fails, too. `passed`
    True means well-formed and no more: show CANNOT with it, unless `sealed` is set.
    """
    files: list[Verified] = []
    wrong = ""
    for line in _lines(text):
        if found := RESULT.fullmatch(line):
            reason = ": ".join(filter(None, (found[3] or "", wrong))) if found[1] == "FAIL" else ""
            files.append(Verified(found[2], found[1] == "PASS", reason[:WORDS], ""))
            wrong = ""
        elif files and (found := SEALED.fullmatch(line)):
            files[-1] = files[-1]._replace(sealed=found[2][:WORDS])
        elif not wrong and not UNSEALED.fullmatch(line) and WRONG.fullmatch(line):
            wrong = line
    return files


def remarks(files: list[Verified]) -> Iterator[str]:
    """Yield what a person should know of it, for each file that failed and once for those that passed."""
    for file in files:
        if not file.passed:
            yield f"journalctl --verify: {file.name} is damaged or was changed ({file.reason})"
    passed = [file for file in files if file.passed and not file.sealed]
    if passed:
        yield f"journalctl --verify: {len(passed)} of {len(files)} files are well-formed; {CANNOT}"


def _lines(text: str) -> Iterator[str]:
    for line in text.replace("\r", "\n").split("\n")[:LINES]:
        yield PROGRESS.sub("", line).strip()
