"""P. Files of keys that somebody has made fast against taking a key out, or whose times do not fit together."""

import re
from collections.abc import Iterator

from auditkit import answers
from auditkit.access import needs
from auditkit.model import Evidence, Finding, Gap, Means, Need, Rule, Severity
from auditkit.printable import counted, printable

NEEDS = needs.KEYS
KEY_FILE_FAST = Rule(
    "key-file-immutable",
    "A file of keys cannot be changed, not even by root",
    Severity.MEDIUM,
    "With the flag i nobody can take a key out, with a only add some: intruders set it so that their key stays. Few set it to"
    " protect the file.",
    "See which keys are in it, and keep a copy as evidence: cp -p FILE FILE.before. Then: chattr -i -a FILE (undo: chattr +i"
    " FILE).",
    ("chattr(1)", "MITRE ATT&CK T1222.002"),
)
KEY_FILE_TIMES = Rule(
    "key-file-times",
    "A file of keys was touched after the time that it says it was written",
    Severity.INFO,
    "The time of the last writing (mtime) can be set to anything, that of the last change (ctime) cannot. They differ after"
    " chmod, chown, mv and a restore from a backup; also after somebody wrote to the file and set its time back.",
    "stat FILE shows both. Look into the logs of the day of the change, and whether every key in it is wanted.",
    ("stat(1)", "MITRE ATT&CK T1070.006"),
)
RULES = (KEY_FILE_FAST, KEY_FILE_TIMES)
DAY = 24 * 3600
MOST = 50
"""Files that are asked about."""
_FLAGS, _TIMES = "/usr/bin/lsattr -d", "/usr/bin/stat -c %Y,%Z,%n"
_WHY = "whether somebody has made files of keys fast, or set their times back"
_WORD = re.compile(r"/[!-~]{1,400}")
_FLAGGED = re.compile(r"([A-Za-z-]{10,40}) (/.+)")
_STATED = re.compile(r"([0-9]{1,12}),([0-9]{1,12}),(/.+)")


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """The flags and the times of the files of keys that are there."""
    files = sorted(item.source for need in needs.KEYS for item in needs.items(evidence, need) if _WORD.fullmatch(item.source))
    words = " ".join(files[:MOST])
    return tuple(Need(Means.COMMAND, f"{command} {words}", _WHY) for command in (_FLAGS, _TIMES)) if words else ()


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield the files of keys that are fast, and those whose times do not fit together."""
    for line in _lines(evidence, _FLAGS):
        flagged = _FLAGGED.fullmatch(line)
        if flagged and set(flagged[1]) & {"i", "a"}:
            names = " and ".join(letter for letter in "ia" if letter in flagged[1])
            message = f"{printable(flagged[2])} has the flag {names}"
            yield Finding(KEY_FILE_FAST, flagged[2], message, KEY_FILE_FAST.severity)
    stated = [found for line in _lines(evidence, _TIMES) if (found := _STATED.fullmatch(line))]
    apart = {found[3]: (int(found[2]) - int(found[1])) // DAY for found in stated}
    late = [f"{printable(file)} by {counted(days, 'day')}" for file, days in apart.items() if days > 0]
    if late:
        yield Finding(KEY_FILE_TIMES, "files of keys", f"changed after they were written: {', '.join(late)}", Severity.INFO)


def _lines(evidence: Evidence, command: str) -> Iterator[str]:
    """Yield what a command wrote of these files, line by line."""
    for item in evidence.items:
        if item.need.means is Means.COMMAND and item.need.why == _WHY and item.need.what.startswith(command):
            ran = answers.ran(item)
            out = b"" if isinstance(ran, Gap) else ran.out
            yield from out.decode("utf-8", "surrogateescape").split("\n")
