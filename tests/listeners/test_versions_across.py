"""Services that say another version on one machine than on the others, and what is the same on many told once with its line."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from listening import Words
from test_accounts import parts

from auditkit.across import versions
from auditkit.audits import judge, listeners
from auditkit.model import Finding, HostReport
from auditkit.report.document import of_host
from auditkit.report.folding import on_many

HOSTS = (("srv-1", "nginx", "1.22.1-9"), ("srv-2", "nginx", "1.22.1-9"), ("srv-3", "nginx-old", "1.22.0-1"))
"""Name, what it shows, and what is installed."""
WORDS = st.text(max_size=3)
NGINX = """x
-- listens --
700 0 /usr/sbin/nginx @0.0.0.0:80
-- says --
http tcp 80 = {}
-- packages --
/usr/sbin/nginx nginx {}
"""


def host(*shows: tuple[str, str]) -> dict[str, Any]:
    """A host's document, as far as this goes."""
    return {"facts": {"listeners": [{"shows": [{"product": name, "version": version}]} for name, version in shows]}}


@pytest.mark.parametrize(
    ("others", "found"),
    [
        (["1.22.1", "1.22.1", "1.18.0"], ["ws-2"]),
        (["1.22.1", "1.22.1", "1.22.1"], []),
        (["1.22.1", "1.18.0"], []),
        (["1.22.1", "1.20.0", "1.18.0"], []),
        (["1.22.1", "1.22.1", "1.18.0", "1.20.0"], []),
        (["1.22.1", "1.22.1", ""], []),
    ],
)
def test_who_is_alone_with_a_version_is_named_where_most_agree(others: list[str], found: list[str]) -> None:
    told = {f"ws-{number}": host(("nginx", version)) for number, version in enumerate(others)}
    assert list(versions.findings(told)) == found


def test_the_finding_says_what_the_others_have() -> None:
    told = {"a": host(("nginx", "2\x1b")), "b": host(("nginx", "1")), "c": host(("nginx", "1")), "d": {"facts": {}}}
    ((word, (finding,)),) = versions.findings(told).items()
    assert (word, finding.message) == ("a", r"nginx is 2\x1b here, and 1 on 2 others")


@given(st.dictionaries(WORDS, st.lists(st.tuples(WORDS, WORDS), max_size=3), max_size=6))
def test_who_has_what_most_have_is_never_named(shows: dict[str, list[tuple[str, str]]]) -> None:
    told = {word: host(*each) for word, each in shows.items()}
    for word, findings in versions.findings(told).items():
        for finding in findings:
            of_all = [dict(reversed(each)).get(finding.subject) for each in shows.values()]
            assert of_all.count(dict(reversed(shows[word])).get(finding.subject)) * 2 < len(of_all)


def test_one_line_for_many_hosts_stands_once_whatever_their_versions() -> None:
    """`put server_tokens off;` on 3 hosts, of which one shows another version."""
    told = {}
    for word, service, installed in HOSTS:
        evidence = Words(parts(NGINX.format(service, installed))).evidence()
        found = tuple(one for one in judge(evidence, (listeners.AUDIT,)) if isinstance(one, Finding))
        told[word] = of_host(HostReport(word, findings=found))["findings"]
    shared = {one.finding["rule"]: one for one in on_many(told)}
    assert shared["banner-shows-version"].hosts == ("srv-1", "srv-2", "srv-3")
    assert "put `server_tokens off;`" in shared["banner-shows-version"].finding["message"]
