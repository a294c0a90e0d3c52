"""The verdict on what real servers wrote: one run of attacks that a text log, a journal and btmp tell of, each in its way."""

import lzma
from collections.abc import Mapping
from pathlib import Path

import pytest
from held import Held
from machines_in_words import NO_NETWORK, nanoseconds

from auditkit.logins import reading
from auditkit.logins.nouns import Log, Setting
from auditkit.logins.seen import Seen, Verdict
from auditkit.logins.verdict import judged

DATA = Path(__file__).parent / "data"
NOW = nanoseconds("2026-11-24T12:00:00+00:00")
WRITTEN = nanoseconds("2026-11-24T10:30:00+00:00")


def verdict(*names: str) -> Verdict:
    """The verdict on files of the recorded run."""
    readings = []
    for name in names:
        data = (DATA / name).read_bytes()
        data = lzma.decompress(data) if name.endswith(".xz") else data
        log = Log(f"/copy/{name.removesuffix('.xz')}", size=len(data), mtime=WRITTEN)
        readings.append(reading.read(log, Held(data), Setting(NOW)))
    return judged(Seen("vm", tuple(readings), Setting(NOW), office=NO_NETWORK))


def told(found: Verdict) -> tuple[object, ...]:
    """Guesses, names, and who got in."""
    names, successes = found.logins["names"], found.logins["successes"]
    assert isinstance(names, Mapping)
    assert isinstance(successes, list)
    return found.logins["attempts"], names["tried"], [(one["user"], one["address"]) for one in successes]


@pytest.mark.parametrize(
    "names",
    [
        ("auth.traditional.log",),
        ("auth.iso8601.log",),
        ("auth.rfc5424.log",),
        ("auth.iso8601.log", "btmp"),
        ("auth.iso8601.log", "out.journal.xz"),
        ("auth.traditional.log", "out.journal.xz", "btmp"),
    ],
    ids=" and ".join,
)
def test_each_guess_and_each_login_counts_once_however_many_sources_tell_of_it(names: tuple[str, ...]) -> None:
    assert told(verdict(*names)) == (90, 48, [("root", "127.0.0.1")] * 2)


def test_a_journal_supports_what_a_text_log_says() -> None:
    successes = verdict("auth.iso8601.log", "out.journal.xz").logins["successes"]
    assert isinstance(successes, list)
    assert [{"journal", "text"} <= set(one["support"]) for one in successes] == [True, True]


def test_a_line_that_logger_wrote_is_a_claim_and_no_login() -> None:
    found = verdict("auth.certid-and-logger.log")
    assert found.logins["access"] == "unsupported"
    assert [finding.rule.id for finding in found.findings] == ["success-unsupported"]


def test_btmp_alone_tells_of_guesses_and_of_nobody_who_got_in() -> None:
    found = verdict("btmp")
    assert found.logins["attempts"]
    assert (found.logins["access"], found.logins["coverage"]) == ("cannot-tell", "source-missing")
