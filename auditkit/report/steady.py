"""What words say apart from their numbers, which grow from night to night by themselves; addresses are no such numbers."""

import re

_SPACE = " \u00a0\u202f"
_V6 = "[0-9A-Fa-f]*(?:::|(?::[0-9A-Fa-f]+){4,})[0-9A-Fa-f:]*"
_V4 = r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.])"
_NUMBER = re.compile(rf"(?P<address>{_V6}|{_V4})|[0-9]+(?:[{_SPACE}][0-9]{{3}}(?![0-9]))*(?P<words>(?: [a-z]+){{1,2}})?")
_PLURAL = {"are": "is", "were": "was", "have": "has"}
_ENDING = re.compile("(?:ie|e|s|y)+$")
_DAYS = r"at (?:most|least) [0-9 ]+ days? \([^;()]*\)"
_AGE = re.compile(
    rf"; available {_DAYS}(?:, {_DAYS})?|; since when it is available is not known"
    r"|; this host may have missed it since [0-9-]+|; waiting since [0-9-]+ at the latest: auditkit saw \S+ missing then"
    r"|; so do [0-9]+ more$"
)
"""Since when something is so, and how many more are: what rules on updates and processes say of that comes and goes."""


def steady(text: str) -> str:
    """The text with `#` for each number, and what it counts in no number: `1 day`, `2 days` and `10 000 days` are the same.

    Left out is since when it has been so.
    Only to be held against another one: it is not to be shown.
    """
    return _NUMBER.sub(_uncounted, _AGE.sub("", text))


def _uncounted(found: re.Match[str]) -> str:
    if found["address"]:
        return found[0]
    words = (found["words"] or "").split()
    return " ".join(("#", *(_ENDING.sub("", _PLURAL.get(word, word)) for word in words)))
