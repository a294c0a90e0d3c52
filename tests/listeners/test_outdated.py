"""A version that a service shows matters by whether its package misses an update: both audits' evidence of one machine."""

from dataclasses import replace
from pathlib import Path

import pytest
from listening import Words
from test_accounts import parts, told
from test_packages_audit import machine

from auditkit.audits import listeners
from auditkit.audits.listeners.shown import SHOWS_VERSION
from auditkit.model import Finding

SERVICE = """x
-- listens --
7 33 /usr/sbin/nginx @0.0.0.0:80
-- says --
http tcp 80 = nginx{at}
-- packages --
/usr/sbin/nginx nginx 1.22.1-9
"""
OFFICE, OUTSIDE = "", " at=203.0.113.7"
SEEN = " to other networks than the office's"
TODAY = "nginx 1.22.1-9\n"
NEWER = "nginx 1.22.1-10\n"


def said(disk: Path, lists: dict[str, str], at: str = OFFICE) -> str:
    """What is said of the version that nginx shows, on a machine with these lists."""
    of_packages = machine({"installed": "nginx 1.22.1-9\nlibc6 2\n", **lists}, disk)
    evidence = Words(parts(SERVICE.format(at=at))).evidence()
    both = replace(evidence, items=(*evidence.items, *of_packages.items))
    (one,) = (one for one in listeners.judge(both) if isinstance(one, Finding) and one.rule is SHOWS_VERSION)
    return told(one).partition(" nginx: ")[2].partition("; put")[0] + f" ({one.severity.word})"


@pytest.mark.parametrize(
    ("lists", "at", "expected"),
    [
        ({"security 2026-11-24": NEWER}, OFFICE, ", and misses an update: 1.22.1-10 is offered (medium)"),
        ({"security 2026-11-24": TODAY}, OFFICE, ", for which its lists have no newer one (info)"),
        (
            {"security 2026-11-24": TODAY},
            OUTSIDE,
            " to other networks than the office's, for which its lists have no newer one (low)",
        ),
        ({"security 2026-11-24": "libc6 3\n" + TODAY}, OFFICE, ", for which its lists have no newer one (info)"),
        ({"security 2026-11-01": TODAY}, OFFICE, " (low)"),
        ({}, OFFICE, " (low)"),
        ({}, OUTSIDE, f"{SEEN} (medium)"),
    ],
    ids=[
        "late",
        "today",
        "today, seen from outside",
        "another is late",
        "old lists",
        "no lists",
        "no lists, seen from outside",
    ],
)
def test_a_version_matters_where_an_update_is_missing(tmp_path: Path, lists: dict[str, str], at: str, expected: str) -> None:
    assert said(tmp_path, lists, at) == "nginx shows its version" + expected
