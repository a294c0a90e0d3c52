"""Which words name a run of the history."""

import re

LAST = "last"
_RUN = re.compile(r"20[0-9]{2,6}(T[0-9]{0,6}Z?(-[0-9a-f]{0,6})?(-[0-9]+)?)?")
"""The name of a run, or the beginning of it: a year at least."""


def is_run(word: str) -> bool:
    """Whether a word names a run, and no host or file."""
    return word == LAST or bool(_RUN.fullmatch(word))
