"""Packages that pip and pipx have installed, beside those of the system: told, and held against advisories of PyPI.

What was installed stands in the name of a directory, `requests-2.31.0.dist-info`; no list on the host says what is newer.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from auditkit import answers
from auditkit.advisories import Advice, Feed
from auditkit.audits.packages.advised import FIX_MISSING
from auditkit.audits.packages.seen import MOST_QUOTES
from auditkit.model import Evidence, Finding, Gap, Means, Need, Quote
from auditkit.printable import printable

_WHY = "which packages pip and pipx have installed"
NEEDS = tuple(
    Need(Means.TIMES, f"{place}/*.dist-info", _WHY)
    for place in (
        "/usr/local/lib/python3*/dist-packages",
        "/usr/local/lib/python3*/site-packages",
        "/opt/*/lib/python3*/site-packages",
        "/opt/pipx/venvs/*/lib/python3*/site-packages",
        "~/.local/lib/python3*/site-packages",
        "~/.local/share/pipx/venvs/*/lib/python3*/site-packages",
        "~/.local/pipx/venvs/*/lib/python3*/site-packages",
    )
)
PYPI = ("pypi", "")
"""How feeds call it, as distribution and release."""
_PLACE = re.compile(r"(/.*)/([A-Za-z0-9][A-Za-z0-9._]{0,150})-([A-Za-z0-9][A-Za-z0-9.!+_]{0,100})\.dist-info", re.DOTALL)
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Installed:
    """One package in one place."""

    name: str
    version: str
    place: str
    put: datetime
    """When its directory was last written to."""


def installed(evidence: Evidence) -> Iterator[Installed | Gap]:
    """Yield what pip has installed; a directory whose name is no package's is passed over, as pip does."""
    for need in NEEDS:
        for item in evidence.of(need):
            told = answers.times(item)
            if isinstance(told, Gap):
                yield told
                continue
            for path, moment in told.items():
                if found := _PLACE.fullmatch(path):
                    yield Installed(found[2], found[3], found[1], moment)


def judge(evidence: Evidence, feeds: Sequence[Feed]) -> Iterator[Finding | Gap]:
    """Yield one finding for all fixes of PyPI that are missing, and a gap for versions that are none."""
    missing, odd = list[tuple[Installed, Advice]](), 0
    for one in installed(evidence):
        if isinstance(one, Gap):
            yield one
            continue
        for feed in feeds:
            for advice in feed.advice.get((*PYPI, canonicalize_name(one.name)), ()):
                is_open = _is_open(one.version, advice)
                odd += is_open is None
                missing += [(one, advice)] if is_open else []
    if odd:
        yield Gap("advisories", f"{odd} of PyPI name versions, or are of packages with versions, that cannot be compared")
    if missing:
        names = dict.fromkeys(printable(one.name) for one, _advice in missing)
        ids = dict.fromkeys(advice.id for _one, advice in missing)
        message = f"packages of pip lack fixes: {', '.join(list(names)[:MOST_QUOTES])}; {', '.join(list(ids)[:MOST_QUOTES])}"
        plain = [name for name in names if _PLAIN.fullmatch(name)]
        remedy = (
            f"python3 -m pip install --upgrade {' '.join(plain[:MOST_QUOTES])}, with the pip of that place; pipx upgrade-all"
        )
        yield Finding(FIX_MISSING, "pip", message, FIX_MISSING.severity, tuple(map(_quote, missing[:MOST_QUOTES])), remedy)


def _is_open(version: str, advice: Advice) -> bool | None:
    """Whether a version has the hole, and a later one has not; None where they cannot be compared."""
    try:
        own = Version(version)
        return bool(advice.fixed) and Version(advice.introduced or "0") <= own < Version(advice.fixed)
    except InvalidVersion:
        return None


def _quote(pair: tuple[Installed, Advice]) -> Quote:
    one, advice = pair
    return Quote(one.place, 0, f"{one.name} {one.version}: {advice.id} is closed in {advice.fixed}")


def facts(evidence: Evidence) -> Mapping[str, object]:
    """`facts.python`: each package with its place."""
    found = [
        {"name": one.name, "version": one.version, "place": one.place, "installed": f"{one.put:%Y-%m-%dT%H:%M:%SZ}"}
        for one in installed(evidence)
        if isinstance(one, Installed)
    ]
    return {"python": found} if found else {}
