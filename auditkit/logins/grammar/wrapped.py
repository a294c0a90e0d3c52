"""What log daemons put around the message of a program."""

import re
from collections.abc import Callable

from auditkit.logins.nouns import Said

REPEATED = re.compile(r"message repeated (?P<times>[0-9]{1,9}) times: \[ (?P<message>.*)\]", re.DOTALL)
"""So rsyslog writes that more of the same came."""
ID = re.compile(r"\[ID [0-9]+ \w+\.\w+\] ")
"""What Solaris writes before a message."""


def bare(message: str) -> tuple[str, int]:
    """A message without what the log daemon put around it, and how often it came."""
    if message.startswith("[ID "):
        message = ID.sub("", message, count=1)
    repeated = REPEATED.fullmatch(message) if message.startswith("message repeated ") else None
    return (repeated["message"], int(repeated["times"])) if repeated else (message, 1)


def unwrapped(program: str, message: str, said: Callable[[str, str], Said | None]) -> Said | None:
    """What a message says, without what the log daemon put around it, and how often it came; `said` reads the rest."""
    words, times = bare(message) if message[:1] in "[m" else (message, 1)
    told = said(program, words)
    return told._replace(times=told.times * times) if told and times != 1 else told
