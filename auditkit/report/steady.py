"""What words say apart from their numbers, which grow from night to night by themselves; addresses are no such numbers."""

import re

_SPACE = " \u00a0\u202f"
_V6 = "[0-9A-Fa-f]*(?:::|(?::[0-9A-Fa-f]+){4,})[0-9A-Fa-f:]*"
_V4 = r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.])"
_NUMBER = re.compile(rf"(?P<address>{_V6}|{_V4})|[0-9]+(?:[{_SPACE}][0-9]{{3}}(?![0-9]))*(?P<words>(?: [a-z]+){{1,2}})?")
_PLURAL = {"are": "is", "were": "was", "have": "has"}
_ENDING = re.compile("(?:ie|e|s|y)+$")


def steady(text: str) -> str:
    """The text with `#` for each number, and what it counts in no number: `1 day`, `2 days` and `10 000 days` are the same.

    Only to be held against another one: it is not to be shown.
    """
    return _NUMBER.sub(_uncounted, text)


def _uncounted(found: re.Match[str]) -> str:
    if found["address"]:
        return found[0]
    words = (found["words"] or "").split()
    return " ".join(("#", *(_ENDING.sub("", _PLURAL.get(word, word)) for word in words)))
