"""Names of hosts as Ansible writes many at once: `web[01:20].lan`, `db-[a:f]`, `ws[1:9:2]:2222`.

As ansible-core has it (parsing/utils/addresses.py, plugins/inventory/__init__.py), but for ranges that hold nothing, which are
a mistake here.
"""

import re
import string
from collections.abc import Sequence
from itertools import product
from math import prod

MOST = 10_000
"""Hosts that one pattern may stand for."""
LONGEST = 1000
"""Characters of a pattern; a name in the DNS has at most 253."""
_BRACKETED = re.compile(r"\[(?!\w*:\w+(?::\w+)?\])(?P<host>.+)\]:(?P<port>[0-9]{1,5})")
"""`[fd00::3]:22`; `[a:c]:22` are three names."""
_WITH_PORT = re.compile(r"(?P<host>(?:[^:\[\]]|\[[^\]]*\])+):(?P<port>[0-9]{1,5})")
_RANGE = re.compile(r"\[([^\[\]]*)\]")
_NUMBER = re.compile(r"[0-9]{1,9}")


def expanded(pattern: str) -> tuple[tuple[str, ...], str]:
    """The names that a pattern stands for, and the port behind them; an empty one where there is none.

    Raises:
        ValueError: says in words what is wrong with it.
    """
    found = _BRACKETED.fullmatch(pattern) or _WITH_PORT.fullmatch(pattern)
    host, port = (found["host"], found["port"]) if found else (pattern, "")
    if len(host) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    fixed = _RANGE.split(host)[::2]
    if any(sign in text for text in fixed for sign in "[]"):
        raise ValueError("has a bracket without its other half")
    ranges: list[Sequence[str]] = []
    for inner in _RANGE.findall(host):
        ranges.append(_values(inner))
        if (count := prod(map(len, ranges))) > MOST:
            raise ValueError(f"stands for {count} hosts or more, and {MOST} are the most")
    return tuple(_joined(fixed, chosen) for chosen in product(*ranges)), port


def _joined(fixed: Sequence[str], chosen: Sequence[str]) -> str:
    return fixed[0] + "".join(value + text for value, text in zip(chosen, fixed[1:], strict=True))


def _values(text: str) -> Sequence[str]:
    """What the range between two brackets stands for; a long one is not written out before it is known how long it is."""
    first, second, *more = text.split(":") if ":" in text else ("", "")
    step = more[0] if more else "1"
    if not second or len(more) > 1 or not _NUMBER.fullmatch(step) or int(step) == 0:
        raise ValueError("has a range that is not written like [1:20], [01:20], [a:f] or [1:20:2]")
    letters = string.ascii_letters
    if len(first) == len(second) == 1 and first in letters and second in letters:
        found: Sequence[str] = letters[letters.index(first) : letters.index(second) + 1 : int(step)]
    else:
        found = _numbers(first or "0", second, int(step))
    if not found:
        raise ValueError("has a range that ends before it begins")
    return found


def _numbers(first: str, last: str, step: int) -> Sequence[str]:
    if not (_NUMBER.fullmatch(first) and _NUMBER.fullmatch(last)):
        raise ValueError("has a range that is not from a number or letter to another one")
    width = len(first) if first.startswith("0") and len(first) > 1 else 0
    if width and width != len(last):
        raise ValueError("has a range whose ends are not equally long, though it begins with a zero")
    found = range(int(first), int(last) + 1, step)
    if len(found) > MOST:
        raise ValueError(f"stands for {len(found)} hosts or more, and {MOST} are the most")
    return [str(number).zfill(width) for number in found]
