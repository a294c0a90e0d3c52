"""The audit of /etc/ld.so.preload, on recorded evidence."""

from datetime import UTC, datetime

import pytest

from auditkit.audits import preload
from auditkit.model import Evidence, Item

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def subjects(text: bytes) -> list[str]:
    """The libraries that are found in a file with that text."""
    item = Item(preload.PRELOAD, "/etc/ld.so.preload", text, NOW, "")
    told = preload.judge(Evidence("host", NOW, (item,)))
    return [one.subject for one in told]


@pytest.mark.parametrize(
    ("text", "libraries"),
    [
        (b"", []),
        (b"\n \t\n# nothing\n", []),
        (b"/lib/evil.so", ["/lib/evil.so"]),
        (b"/lib/a.so:/lib/b.so /lib/c.so\t/lib/d.so\n", ["/lib/a.so", "/lib/b.so", "/lib/c.so", "/lib/d.so"]),
        (b"/lib/a.so # /lib/b.so\n/tmp/\xff.so\n", ["/lib/a.so", "/tmp/\udcff.so"]),
    ],
)
def test_every_library_is_a_finding(text: bytes, libraries: list[str]) -> None:
    assert subjects(text) == libraries


def test_a_host_without_the_file_is_as_it_should_be() -> None:
    assert not list(preload.judge(Evidence("host", NOW)))


def test_the_words_are_quoted_harmlessly() -> None:
    item = Item(preload.PRELOAD, "/etc/ld.so.preload", b"# x\n/lib/\x1b[2J.so\n", NOW, "")
    (finding,) = preload.judge(Evidence("host", NOW, (item,)))
    assert finding.message == "every program loads /lib/\\x1b[2J.so"  # type: ignore[union-attr]
    (quote,) = finding.quotes  # type: ignore[union-attr]
    assert (quote.line, quote.text) == (2, "/lib/\x1b[2J.so"), "as it stands there: the report makes it harmless"
