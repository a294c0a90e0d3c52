"""CISA's catalog of known exploited vulnerabilities: which holes are used in attacks. It has no versions, so it only ranks."""

import json
import re

from auditkit.advisories import ID, Feed, bad, day, word

KIND = "CISA's catalog of exploited vulnerabilities"
_BEGIN = re.compile(r'"(?:catalogVersion|cveID)"\s*:')


def is_one(begin: str) -> bool:
    """Whether a file that begins so is the catalog."""
    return begin.lstrip().startswith("{") and _BEGIN.search(begin) is not None


def read(data: bytes, file: str, digest: str) -> Feed:
    """What the catalog says.

    Raises:
        FormatError: it is no such catalog.
    """
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        bad("it is no JSON, or cut off")
    holes = told.get("vulnerabilities") if isinstance(told, dict) else None
    if not isinstance(holes, list) or not all(isinstance(each, dict) for each in holes):
        bad("it has no list of vulnerabilities")
    names = frozenset(word(each.get("cveID"), "an id", ID) for each in holes)
    return Feed(file, KIND, digest, day(told.get("dateReleased")), exploited=names)
