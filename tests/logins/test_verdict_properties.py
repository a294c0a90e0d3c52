"""What holds of every verdict, whatever the sources say: it never breaks, and nobody gets in by what was only tried."""

import json
from importlib.resources import files

import jsonschema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.logins.formats import syslog
from auditkit.logins.nouns import Condition, Event, Format, Log, Notes, Setting, What
from auditkit.logins.reading import Reading
from auditkit.logins.seen import Account, Seen
from auditkit.logins.tally import Tally
from auditkit.logins.verdict import judged
from auditkit.report import logins as text
from auditkit.report.look import Options

SCHEMA = json.loads(files("auditkit.report").joinpath("schema.json").read_text("utf-8"))
VALID = jsonschema.Draft202012Validator({**SCHEMA["$defs"]["logins"], "$defs": SCHEMA["$defs"]})
KINDS = ("text", "journal", "wtmp", "btmp", "lastlog", "audit", "windows")
FORMS = {kind: Format(kind, kind, kind, syslog.FORMAT.recognises, syslog.FORMAT.read) for kind in KINDS}
HOUR = 3600 * 10**9
NOW = 500_000 * HOUR
MOMENTS = st.none() | st.integers(NOW - 400 * HOUR, NOW) | st.integers(-(2**70), 2**70)
WORDS = st.sampled_from(("", "root", "anna", "a b", "\x1b[2J", "\udcff", "x" * 200, "\n", "\u202e"))
ADDRESSES = st.sampled_from((None, "", "192.0.2.1", "198.51.100.7", "2001:db8::1", "evil.example", "*", "\x00"))
EVENTS = st.builds(
    Event,
    what=st.sampled_from(list(What)),
    time=MOMENTS,
    host=WORDS,
    program=st.sampled_from(("sshd", "sshd-session", "sudo", "systemd-logind", "login", "vsftpd", "")),
    pid=st.none() | st.integers(1, 5),
    user=st.none() | WORDS,
    address=ADDRESSES,
    port=st.none() | st.integers(0, 3),
    method=st.sampled_from(("", "password", "publickey", "pam", "none")),
    key=st.sampled_from(("", "SHA256:a")),
    times=st.integers(1, 3),
    detail=WORDS,
    line=st.integers(0, 9),
    offset=st.integers(0, 9),
    actor=st.none() | WORDS,
    forged=st.none() | st.booleans(),
)
LOGS = st.builds(
    Log,
    name=st.sampled_from(("/var/log/auth.log", "/var/log/auth.log.1", "/var/log/auth.log.3.gz", "wtmp", "/x/system.journal")),
    size=st.none() | st.integers(0, 99),
    mtime=MOMENTS,
    condition=st.sampled_from(list(Condition)),
)


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    """A source that says anything."""
    notes, tally = Notes(lines=draw(st.integers(0, 9))), Tally()
    notes.first, notes.last = draw(MOMENTS), draw(MOMENTS)
    notes.hours = draw(st.dictionaries(st.integers(NOW // HOUR - 100, NOW // HOUR), st.integers(1, 9), max_size=30))
    spans = st.lists(st.tuples(st.integers(NOW - 99 * HOUR, NOW), st.integers(NOW - 99 * HOUR, NOW)), max_size=3)
    notes.silences = draw(spans)
    notes.backward = [(1, start, end) for start, end in draw(spans)]
    notes.unknown = draw(st.dictionaries(WORDS, st.integers(1, 3), max_size=2))
    tally.extend(draw(st.lists(EVENTS, max_size=12)))
    kind = draw(st.sampled_from(KINDS))
    return Reading(draw(LOGS), draw(st.sampled_from((FORMS[kind], None))), notes, tally)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(readings(), max_size=4), st.lists(LOGS, max_size=2), MOMENTS, MOMENTS, st.booleans())
def test_a_verdict_never_breaks_and_is_one_of_the_schema(
    found: list[Reading], asked: list[Log], since: int | None, until: int | None, known: bool
) -> None:
    accounts = {"root": Account(0)} if known else None
    seen = Seen("vm", tuple(found), Setting(NOW), asked=tuple(asked), since=since, until=until, accounts=accounts)
    verdict = judged(seen)
    VALID.validate(verdict.logins)
    shown = "".join((*text.attempted(verdict.logins, Options()), *text.who_tried(verdict.logins, Options(show_all=True))))
    assert shown.isprintable()


TRIES = EVENTS.filter(lambda event: event.what not in (What.ACCEPTED, What.OPENED, What.ENDED))  # only who was in has an end


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(TRIES, max_size=20))
def test_nothing_but_a_success_is_one(events: list[Event]) -> None:
    """Failures, refusals, closed connections, whatever they are called: access stays `none-seen` where the log covers it."""
    notes = Notes(lines=9, first=NOW - 2 * HOUR, last=NOW)
    reading = Reading(Log("/var/log/auth.log"), FORMS["text"], notes, Tally().extend(events))
    assert judged(Seen("vm", (reading,), Setting(NOW))).logins["access"] == "none-seen"


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EVENTS, max_size=20), st.integers(0, 20))
def test_no_other_line_hides_a_success(events: list[Event], at: int) -> None:
    """A login that the server wrote, by the journal's word, stays a login among any lines around it."""
    hit = Event(What.ACCEPTED, NOW - HOUR, "vm", "sshd", 4711, "carl", "203.0.113.9", 4711, "password", forged=False)
    notes = Notes(lines=9, first=NOW - 2 * HOUR, last=NOW)
    reading = Reading(Log("/x/system.journal"), FORMS["journal"], notes, Tally().extend([*events[:at], hit, *events[at:]]))
    logins = judged(Seen("vm", (reading,), Setting(NOW))).logins
    assert logins["access"] == "seen"
    successes = logins["successes"]
    assert isinstance(successes, list)
    assert [one["state"] for one in successes if one["address"] == "203.0.113.9"] == ["supported"]


def test_without_any_source_nothing_can_be_told() -> None:
    verdict = judged(Seen("vm", (), Setting(NOW)))
    assert (verdict.logins["access"], verdict.logins["coverage"]) == ("cannot-tell", "source-missing")
    assert verdict.gaps
