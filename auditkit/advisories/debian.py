"""Debian's security tracker as one JSON file: `{SOURCE: {CVE: {"releases": {CODENAME: {"status", "fixed_version", ...}}}}}`.

`fixed_version` "0" says that the release never had the hole; `unimportant` ones are no holes.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date

from auditkit.advisories import ID, NAME, VERSION, Advice, Feed, Gathered, bad, word

KIND = "Debian's security tracker"
_BEGIN = re.compile(r'\s*\{\s*"[^"]{1,200}"\s*:\s*\{\s*"(?:CVE-|TEMP-)[^"]{1,60}"\s*:\s*\{')
_BLANK = re.compile(r"[\s,]*")
_COLON = re.compile(r"\s*:\s*")


def is_one(begin: str) -> bool:
    """Whether a file that begins so is of the tracker."""
    return _BEGIN.match(begin) is not None


def read(text: str, file: str, digest: str, made: date | None) -> Feed:
    """What the file says.

    Raises:
        FormatError: it is no such file.
    """
    found = Gathered()
    for source, holes in _members(text):
        word(source, "a source package", NAME)
        if not isinstance(holes, dict):
            bad(f"of {source} it says nothing that is understood")
        for name, hole in holes.items():
            word(name, "an id", ID)
            for codename, told in _releases(hole):
                if (advice := _advice(name, told)) is not None:
                    found.add(("debian", codename, source), advice)
    return Feed(file, KIND, digest, made, found.all())


def _members(text: str) -> Iterator[tuple[str, object]]:
    """Yield the fields of an object one by one, so that they are not all held at once."""
    decoder = json.JSONDecoder(parse_constant=lambda _word: bad("it is no JSON"))
    at = text.find("{") + 1
    try:
        while True:
            at = _blank(text, at)
            if text[at : at + 1] == "}":
                break
            name, at = decoder.raw_decode(text, at)
            colon = _COLON.match(text, at)
            if not isinstance(name, str) or colon is None:
                bad("it is no JSON object")
            value, at = decoder.raw_decode(text, colon.end())
            yield name, value
    except (ValueError, RecursionError):
        bad("it is no JSON, or cut off")
    if text[at + 1 :].strip():
        bad("something stands after its end")


def _blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _releases(hole: object) -> Iterator[tuple[str, Mapping[str, object]]]:
    releases = hole.get("releases", {}) if isinstance(hole, dict) else None
    if not isinstance(releases, dict):
        bad("what it says of a hole is not understood")
    for codename, told in releases.items():
        if not isinstance(told, dict):
            bad("what it says of a release is not understood")
        yield word(codename, "a release", NAME), told


def _advice(name: str, told: Mapping[str, object]) -> Advice | None:
    """What is said, but of what is no hole there."""
    status, fixed = told.get("status"), told.get("fixed_version", "")
    if told.get("urgency") == "unimportant" or status == "undetermined" or fixed == "0":
        return None
    if status not in ("open", "resolved"):
        bad(f"the state of {name} is not understood")
    minor = bool(told.get("nodsa")) or bool(told.get("nodsa_reason"))
    return Advice(name, word(fixed, "a version", VERSION) if status == "resolved" else "", minor)
