"""The chain of a journal: no byte of it can be changed, added or taken out without its being found, at the right entry."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from itertools import zip_longest
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.errors import FormatError
from auditkit.response import chain
from auditkit.response.nouns import SCHEMA, Entry, Hand, Journal, Kind, Said

ZONE = timezone(timedelta(hours=-3, minutes=-30))
HOSTILE = (
    "two\nlines\r\n",
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe\u2066",
    "no UTF-8: \udcff\udc80",
    '","hash":"',
    "\0\u2028\\",
    "💀",
)


def hand(minute: int = 0) -> Hand:
    return Hand("anna", "ws-03", "auditkit 0.1.0", datetime(2026, 11, 24, 9, 12, minute, 5, tzinfo=ZONE))


def journal(*said: Said) -> Journal:
    """A journal of an opening and what was said after it."""
    told = Journal()
    for number, one in enumerate((Said(Kind.OPENED, "failed logins", {"schema": SCHEMA, "case": "2026-001"}), *said)):
        told = Journal((*told.entries, chain.following(told, hand(number), one)))
    return told


def written(told: Journal) -> bytes:
    return b"".join(map(chain.line, told.entries))


GOOD = journal(
    *(Said(Kind.OBSERVATION, text, {"at": "2026-11-24T03:10:00Z"}) for text in HOSTILE[:2]),
    Said(Kind.FILE, "copied", {"file": "evidence/0004-auth.log", "sha256": "0" * 64, "size": 5, "also": [{"a": None}]}),
)
TEXT = written(GOOD)


def found_at(content: bytes) -> int:
    """The entry from which on a journal is not believed; 0 if all of it is."""
    told = chain.read(content)
    if told.broken:
        return told.broken.seq
    return len(told.entries) + 1 if told.torn else 0


def first_other_line(content: bytes) -> int:
    """The first line that is not as it was, counted from 1."""
    pairs = zip_longest(content.splitlines(keepends=True), TEXT.splitlines(keepends=True))
    return next(number for number, (now, then) in enumerate(pairs, 1) if now != then)


def test_what_was_written_is_read() -> None:
    assert chain.read(TEXT) == GOOD
    assert found_at(TEXT) == 0


def test_every_changed_byte_is_found_where_it_stands() -> None:
    for place in range(len(TEXT)):
        for other in {TEXT[place] ^ 1, TEXT[place] ^ 0x20, TEXT[place] ^ 0x80, 0, 10, 32} - {TEXT[place]}:
            changed = TEXT[:place] + bytes([other]) + TEXT[place + 1 :]
            assert found_at(changed) == first_other_line(changed), (place, other)


def test_every_added_byte_is_found_where_it_stands() -> None:
    for place in range(len(TEXT) + 1):
        for other in b"\n\0 {}a0,\xff":
            longer = TEXT[:place] + bytes([other]) + TEXT[place:]
            assert found_at(longer) == first_other_line(longer), (place, other)


def test_every_byte_that_is_taken_out_is_found_where_it_stood() -> None:
    for place in range(len(TEXT)):
        shorter = TEXT[:place] + TEXT[place + 1 :]
        assert found_at(shorter) == first_other_line(shorter), place


def test_where_it_was_cut_off_only_the_head_tells() -> None:
    """Cut within an entry it is torn, cut after one it is whole: that some are gone shows who has a later head."""
    ends = {at + 1: number for number, at in enumerate((i for i, byte in enumerate(TEXT) if byte == 10), 1)}
    first = min(ends)
    for size in range(len(TEXT)):
        told = chain.read(TEXT[:size])
        entries = sum(end <= size for end in ends)
        assert (len(told.entries), bool(told.torn)) == (entries, size not in ends and size > 0)
        assert bool(told.broken) == (size < first)  # a case has its name only once its first entry is written
        assert told.head != GOOD.head


@pytest.mark.parametrize("order", [(0, 2, 1, 3), (0, 1, 3), (0, 1, 1, 2, 3), (1, 0, 2, 3), (3,), (0, 1, 2, 2)])
def test_entries_that_were_moved_doubled_or_taken_out_are_found(order: tuple[int, ...]) -> None:
    lines = TEXT.splitlines(keepends=True)
    right = next(number for number, line in enumerate((*order, -1)) if line != number)
    assert found_at(b"".join(lines[at] for at in order)) == right + 1


def test_an_entry_that_was_hashed_anew_does_not_fit_the_next_one() -> None:
    lines = TEXT.splitlines(keepends=True)
    old = GOOD.entries[1]
    lines[1] = chain.line(chain.following(Journal(GOOD.entries[:1]), old.hand, Said(old.said.kind, "never happened", {})))
    told = chain.read(b"".join(lines))
    assert told.broken
    assert (told.broken.seq, told.broken.reason) == (
        3,
        "it does not follow the entry before: one was changed, added or taken out",
    )


def forged(**changes: Any) -> bytes:
    """A first line that hangs together and says something that auditkit never writes."""
    given = {**json.loads(chain.line(GOOD.entries[0])), **changes}
    given.pop("hash")
    bare = json.dumps(given, separators=(",", ":")).encode()
    return bare[:-1] + b',"hash":"' + sha256(bare).hexdigest().encode() + b'"}\n'


def test_a_forged_line_would_be_read_if_it_were_as_auditkit_writes_it() -> None:
    assert found_at(forged(text="another title")) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": True}, {"seq": 1.0}, {"seq": "1"}, {"seq": 0}, {"seq": 10**30}, {"time": "2026-11-24"}, {"time": None},
        {"time": "2026-11-24T09:12:00.5Z"}, {"time": "0001-01-01T00:00:00.000000Z"}, {"zone": "-00:00"}, {"zone": "+24:00"},
        {"zone": "+01:75"}, {"zone": "+٠١:00"}, {"actor": 7}, {"kind": "gossip"}, {"kind": "action"}, {"text": None},
        {"text": "\ud800"}, {"data": []}, {"data": {"x": float("nan")}}, {"data": {"schema": "auditkit/incident/2"}},
        {"data": {"schema": SCHEMA, "x": "\udfff"}}, {"prev": "1" * 64}, {"prev": 0}, {"more": 1},
    ],
    ids=str,
)  # fmt: skip
def test_what_auditkit_never_writes_is_no_entry(changes: dict[str, Any]) -> None:
    assert found_at(forged(**changes)) == 1


@pytest.mark.parametrize("line", [b"[" * 100_000, b"{}", b"null", b"1" * 5000, b'{"seq":1,"seq":1}', b"\xff", b" "])
def test_no_line_makes_the_reader_fail(line: bytes) -> None:
    assert found_at(line + b"\n") == 1
    assert found_at(TEXT + line + b"\n") == 5


@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail(content: bytes) -> None:
    assert found_at(content) == 1
    assert found_at(TEXT + content) in (0 if not content else 5, 5)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
)


CLOCK = st.datetimes(datetime(1970, 1, 2), datetime(9990, 1, 1), timezones=st.timezones())  # noqa: DTZ001 - see timezones


@given(TEXTS, TEXTS, st.dictionaries(TEXTS, VALUES, max_size=3), CLOCK)
def test_whatever_somebody_notes_is_read_as_it_was_written(
    text: str, actor: str, data: dict[str, object], time: datetime
) -> None:
    entry = chain.following(GOOD, Hand(actor, "h", "t", time), Said(Kind.ACTION, text, data))
    told = chain.read(TEXT + chain.line(entry))
    assert told.broken is None
    assert chain.line(told.entries[-1]) == chain.line(entry)
    assert (told.entries[-1].said.text, told.entries[-1].hand.actor) == (text, actor)


@pytest.mark.parametrize("said", [Said(Kind.ACTION, "\ud800"), Said(Kind.ACTION, "", {"x": float("inf")})])
def test_what_could_not_be_read_is_not_written(said: Said) -> None:
    with pytest.raises(FormatError, match="text and numbers"):
        chain.following(GOOD, hand(), said)


def test_an_entry_is_no_place_for_a_log() -> None:
    with pytest.raises(FormatError, match="at most 1 MiB"):
        chain.following(GOOD, hand(), Said(Kind.ACTION, "x" * chain.LONGEST))


def test_the_hash_of_a_line_is_one_that_stock_tools_take() -> None:
    """As the reference says; for somebody who has no auditkit."""
    for line, entry in zip(TEXT.splitlines(keepends=True), GOOD.entries, strict=True):
        command = """sed 's/,"hash":"[0-9a-f]*"}$/}/' | tr -d '\\n' | sha256sum"""
        told = subprocess.run(["sh", "-c", command], input=line, capture_output=True, check=True).stdout
        assert told.split()[0].decode() == entry.hash


def test_what_a_crash_leaves_of_an_entry_is_told_from_what_somebody_wrote() -> None:
    line = chain.line(chain.following(GOOD, hand(), Said(Kind.ACTION, "called them")))
    for left in (*pieces(line), line[:50] + b"\0" * 4096, b"\0" * 100):
        told = chain.read(TEXT + left)
        assert (told.entries, told.broken, told.torn) == (GOOD.entries, None, left)
    for foreign in (b"x", b" ", b'{"seq":4,', b"\0{", line[:20] + b"\n"):
        told = chain.read(TEXT + foreign)
        assert told.broken
        assert told.broken.seq == 5


def pieces(line: bytes) -> Iterator[bytes]:
    return (line[:size] for size in range(1, len(line)))


def test_the_head_is_the_hash_of_the_last_entry() -> None:
    last: Entry = GOOD.entries[-1]
    assert (GOOD.head, Journal().head) == (last.hash, "0" * 64)
    assert last.hand.time.astimezone(UTC).isoformat() == "2026-11-24T12:42:03.000005+00:00"
