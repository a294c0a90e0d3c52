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
ELSEWHERE = frozenset(
    {
        "Read-only file system",
        "No space left on device",
        "Disk quota exceeded",
        "Permission denied",
        "Operation not permitted",
        "Cannot allocate memory",
        "Too many open files",
        "Too many open files in system",
        "Required key not available",
    }
)
"""Reasons that lie in the machine, not in the file: journalctl writes notes of its own to /var/tmp, and says FAIL here too."""


class Verified(NamedTuple):
    """What is said of one file."""

    name: str
    passed: bool | None
    """None: it could not be looked through."""
    reason: str
    """Why it failed or could not be looked through: `Bad message`, and the first thing that is wrong."""
    sealed: str
    """Until when its seal was good, as journalctl writes it; empty if it is not sealed, or no key was given."""


def verified(text: str) -> list[Verified]:
    """The files that `journalctl --verify` names, in its order, from what it writes on stdout and stderr.

    `passed` False is a tamper indicator, or damage: a file that was open when the machine lost power fails, too. `passed`
    True means well-formed and no more: a journal that was exported, cut and built again passes, with unbroken sequence numbers;
    only a sealing key that is kept elsewhere, or a copy on another machine, shows that.
    """
    files: list[Verified] = []
    wrong = ""
    for line in _lines(text):
        if found := RESULT.fullmatch(line):
            reason = ": ".join(filter(None, (found[3] or "", wrong))) if found[1] == "FAIL" else ""
            passed = None if found[3] in ELSEWHERE else found[1] == "PASS"
            files.append(Verified(found[2], passed, reason[:WORDS], ""))
            wrong = ""
        elif files and (found := SEALED.fullmatch(line)):
            files[-1] = files[-1]._replace(sealed=found[2][:WORDS])
        elif not wrong and not UNSEALED.fullmatch(line) and WRONG.fullmatch(line):
            wrong = line
    return files


def _lines(text: str) -> Iterator[str]:
    for line in text.replace("\r", "\n").split("\n")[:LINES]:
        yield PROGRESS.sub("", line).strip()
