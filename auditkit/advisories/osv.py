"""Records of OSV, osv.dev: one as JSON, many as lines of JSON, or a zip of them. Of distributions and of PyPI; others
are passed over.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from packaging.utils import canonicalize_name

from auditkit.advisories import ID, NAME, VERSION, Advice, Feed, Gathered, Key, bad, day, newest, word

KIND = "records of OSV"
LARGEST_RECORD = 8 << 20
MOST_RECORDS = 500_000
CODENAMES = {"8": "jessie", "9": "stretch", "10": "buster", "11": "bullseye", "12": "bookworm", "13": "trixie", "14": "forky"}
"""Of Debian, whose releases OSV calls by number."""
_ECOSYSTEM = re.compile(r"(Debian|Ubuntu|Alpine):(?:Pro:)?v?([0-9.]+)(?::LTS|:Pro)*")


def is_one(begin: str) -> bool:
    """Whether a file that begins so is a record, or lines of them."""
    return re.match(r"\s*\{", begin) is not None and re.search(r'"(?:schema_version|affected|modified)"\s*:', begin) is not None


def records(data: bytes) -> Iterator[bytes]:
    """Yield each record of a file: all of it, or each line."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        yield from (line for line in data.split(b"\n") if line.strip())
    else:
        yield data


def read(found: Iterable[bytes], file: str, digest: str) -> Feed:
    """What the records say.

    Raises:
        FormatError: one of them is none.
    """
    gathered, days = Gathered(), list[date | None]()
    for number, data in enumerate(found, 1):
        if number > MOST_RECORDS or len(data) > LARGEST_RECORD:
            bad(f"it has more than {MOST_RECORDS} records, or one longer than {LARGEST_RECORD} bytes")
        try:
            record = json.loads(data)
        except (ValueError, RecursionError):
            bad(f"record {number} is no JSON")
        if not isinstance(record, dict) or not isinstance(record.get("affected", []), list):
            bad(f"record {number} is none of OSV")
        days.append(day(record.get("modified")))
        if not record.get("withdrawn"):
            _take(gathered, record)
    return Feed(file, KIND, digest, newest(days), gathered.all())


def _take(gathered: Gathered, record: Mapping[str, Any]) -> None:
    name = word(record.get("id"), "an id", ID)
    others = [each for key in ("aliases", "upstream", "related") for each in _list(record.get(key)) if key != "related"]
    names = tuple(word(each, "an id", ID) for each in others)
    for affected in record.get("affected", []):
        package = affected.get("package") if isinstance(affected, dict) else None
        if not isinstance(package, dict):
            bad(f"what {name} affects is not understood")
        key = _key(str(package.get("ecosystem", ""))[:100], package.get("name"))
        if key is None:
            continue
        for begun, fixed in _spans(name, affected):
            if begun == "0" or key[0] == "pypi":
                since = begun if begun != "0" else ""
                gathered.add(key, Advice(name, fixed, names=names, published=day(record.get("published")), introduced=since))


def _key(ecosystem: str, package: object) -> Key | None:
    """Which release and package that is; None for what is of no use here."""
    if ecosystem == "PyPI":
        return "pypi", "", canonicalize_name(word(package, "a package", NAME))
    found = _ECOSYSTEM.fullmatch(ecosystem)
    if found is None:
        return None
    release = CODENAMES.get(found[2], found[2]) if found[1] == "Debian" else found[2]
    return found[1].lower(), release, word(package, "a source package", NAME)


def _spans(name: str, affected: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield with which version a hole begins and with which it ends; with none where nothing closes it."""
    for span in _list(affected.get("ranges")):
        begun = ""
        for event in _list(span.get("events")) if isinstance(span, dict) and span.get("type") == "ECOSYSTEM" else ():
            if not isinstance(event, dict):
                bad(f"a range of {name} is not understood")
            if "introduced" in event:
                begun = word(event["introduced"], "a version", VERSION)
            elif begun and "fixed" in event:
                yield begun, word(event["fixed"], "a version", VERSION)
                begun = ""
        if begun:
            yield begun, ""


def _list(told: object) -> list[Any]:
    if told is None:
        return []
    if not isinstance(told, list):
        bad("a list in it is none")
    return told
