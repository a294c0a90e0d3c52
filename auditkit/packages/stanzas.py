"""Paragraphs of fields, in which Debian keeps nearly all: deb822(5)."""

from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.packages.reading import lines, note, shown


@dataclass(slots=True)
class Stanza:
    """The fields of one paragraph by their name in lower case, each with its lines, and what was odd in it."""

    line: int
    fields: dict[str, list[str]]
    odd: list[str]

    def first(self, name: str) -> str:
        """What stands on the line of a field; empty where it is not there."""
        return self.fields.get(name, [""])[0]


def stanzas(whole: str) -> Iterator[Stanza]:
    """Yield the paragraphs; the first of two fields with one name counts, and a line that is no field is told of."""
    stanza, value = Stanza(1, {}, []), list[str]()
    for number, line in lines(whole):
        if not line.strip():
            if stanza.fields or stanza.odd:
                yield stanza
            stanza, value = Stanza(number + 1, {}, []), []
        elif line[0] in " \t":
            value.append(line)
        else:
            name, colon, first = line.partition(":")
            value = [first.strip()]
            if not colon or not name.strip():
                note(stanza.odd, f"line {number} is no field: {shown(line)}")
            elif stanza.fields.setdefault(name.strip().lower(), value) is not value:
                note(stanza.odd, f"line {number} repeats a field: {shown(name)}")
    if stanza.fields or stanza.odd:
        yield stanza
