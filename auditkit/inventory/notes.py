"""What of an inventory was not taken, said once for all places where it is so."""

from auditkit.printable import printable
from auditkit.strict import Value

MOST = 50


class Notes:
    """Notes of one file."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._places: dict[str, dict[int, None]] = {}

    def add(self, value: Value, what: str) -> None:
        """Note something of a value; the value itself is not told, for it may be a secret."""
        self._places.setdefault(printable(f"{value.key[:100]} {what}"), {})[value.line] = None

    def told(self) -> tuple[str, ...]:
        """Each note with the first line that it is about."""
        source = printable(self._source)
        lines = [f"{source}:{min(places)}: {what}{_more(len(places) - 1)}" for what, places in self._places.items()]
        rest = len(lines) - MOST
        return (*lines[:MOST], f"{source}: {rest} more notes of this kind") if rest > 0 else tuple(lines)


def _more(count: int) -> str:
    return f" (and on {count} more lines)" if count > 1 else " (and on one more line)" if count else ""
