"""How far a run looked, as text and back; what is read was written by whoever can write to the database."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from auditkit.history.tables import damaged
from auditkit.lifetimes import Base, Look


def written(look: Look) -> str:
    """The text of a look."""
    base = look.base
    return json.dumps({
        "begun": _moment(look.begun), "ended": _moment(look.ended), "parts": sorted(look.parts), "whole": look.whole,
        "mends": look.mends, "base": base and [base.place, base.number, base.made], "gaps": sorted(look.gaps),
        "hosts": sorted(look.hosts), "took": sorted(look.took), "machine": look.machine, "tool": look.tool,
    })  # fmt: skip


def look_of(number: int, text: str) -> Look:
    """The look of a run.

    Raises:
        FormatError: the text is none.
    """
    try:
        told = json.loads(text)
        base = told["base"]
        return Look(
            number=number,
            begun=_time(told["begun"]),
            ended=_time(told["ended"]),
            parts=_words(told["parts"]),
            whole=told["whole"] is True,
            mends=told["mends"] is True,
            base=None if base is None else Base(_word(base[0]), int(base[1]), _word(base[2])),
            gaps=_words(told["gaps"]),
            hosts=_words(told["hosts"]),
            took=_words(told["took"]),
            machine=_word(told["machine"]),
            tool=_word(told.get("tool", "")),
        )
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise damaged("how far a run looked is not told as it should be") from error


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


def _time(told: Any) -> datetime:
    time = datetime.fromisoformat(told)
    if time.tzinfo is None:
        raise ValueError("no zone")
    return time


def _word(told: Any) -> str:
    if not isinstance(told, str):
        raise TypeError("no text")
    return told


def _words(told: Iterable[Any]) -> frozenset[str]:
    if not isinstance(told, list):
        raise TypeError("no list")
    return frozenset(map(_word, told))
