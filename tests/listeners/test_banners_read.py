"""What services say, and what is read of it; each file in cases/banners is one service as it was heard.

A case is a sentence, then `-- heard --`: the question, and a line for each part of the answer, as Python writes bytes; then
`-- reading --`: every field that is not empty. What is not called `not run` was heard of the daemon that the sentence names.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from test_accounts import parts

from auditkit import banners
from auditkit.banners import READERS, Heard, Reading
from auditkit.banners.certificates import certificate
from auditkit.model import Gap, Item, Means, Need

CASES = sorted((Path(__file__).parent.parent / "cases" / "banners").glob("*.txt"))
NEED = Need(Means.PORT, "http tcp 80")
LISTENED_ONLY = {"listen"}
"""Nothing but what a service says by itself: any line is a case of it."""
SHOWABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f]*")


def heard(case: str) -> Heard:
    """What a case says was heard."""
    question, *lines = parts(case)["heard"].splitlines()
    service, protocol, port = question.split()
    said = tuple(line.encode("ascii").decode("unicode_escape").encode("latin-1") for line in lines)
    return Heard(service, protocol, "192.168.10.2", int(port), "answered", said)


def told(reading: Reading) -> str:
    """A reading as a case writes it."""
    products = [f"product {each.name} {each.version}".rstrip() for each in reading.products]
    rest = [f"{name} {text}" for name in ("system", "host", "clear", "open") if (text := getattr(reading, name))]
    return "\n".join([f"banner {reading.banner}", *products, *rest, ""])


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_what_a_service_tells_of_itself(path: Path) -> None:
    case = path.read_text()
    assert told(banners.read(heard(case))) == parts(case)["reading"]


def test_every_protocol_has_a_case() -> None:
    spoken = {heard(path.read_text()).service for path in CASES}
    in_tls = {name.rstrip("s") for name in banners.IN_TLS} | banners.IN_TLS
    assert set(READERS) - spoken - in_tls - LISTENED_ONLY == set()


@given(st.sampled_from(sorted(READERS)), st.lists(st.binary(max_size=300), max_size=4))
def test_no_bytes_break_a_reader_and_none_of_them_reaches_a_terminal(service: str, said: list[bytes]) -> None:
    reading = READERS[service](tuple(said))
    shown = [reading.banner, reading.system, reading.host, reading.clear, reading.open]
    shown += [text for product in reading.products for text in (product.name, product.version)]
    assert all(SHOWABLE.fullmatch(text) and len(text) < 500 for text in shown)


CUT = [(heard(path.read_text()).service, heard(path.read_text()).parts) for path in CASES]


@given(st.sampled_from(CUT), st.integers(0, 5000), st.integers(0, 255))
def test_an_answer_with_a_wrong_byte_or_without_its_end_is_read_without_an_error(
    case: tuple[str, tuple[bytes, ...]], at: int, byte: int
) -> None:
    service, said = case
    for part in (part for part in said if part):
        broken = part[: at % len(part)] + bytes((byte,)) + part[at % len(part) + 1 :]
        READERS[service]((broken, *said[1:]))
        READERS[service]((*said[:-1], broken))
        READERS[service]((part[: at % len(part)],))


def test_what_gives_something_away_is_said_only_where_it_was_given() -> None:
    """A refusal of each store is no answer: whoever takes it for one cries wolf, and the other way round is worse."""
    opened = {path.stem for path in CASES if banners.read(heard(path.read_text())).open}
    assert opened == {
        "redis-open", "memcached", "mongodb-open", "elasticsearch-open", "vnc-open", "snmp-public", "x11-open",
    }  # fmt: skip


# --- what goes into evidence and comes out


@given(
    st.builds(
        Heard,
        st.sampled_from(sorted(READERS)),
        st.sampled_from(("tcp", "udp")),
        st.sampled_from(("192.168.10.2", "fe80::1")),
        st.integers(1, 65535),
        st.sampled_from(banners.OUTCOMES),
        st.lists(st.binary(max_size=50), max_size=4).map(tuple),
        st.binary(max_size=50),
        st.sampled_from(("", "TLSv1.3")),
        st.booleans(),
    )
)
def test_what_was_heard_is_written_and_read_again(one: Heard) -> None:
    assert banners.heard(Item(NEED, one.place, banners.written(one), datetime(2026, 11, 24, tzinfo=UTC), "")) == one


@given(st.one_of(st.binary(max_size=200), st.sampled_from((b"[]", b"{}", b'{"service":1}', b"null", b"1e999"))))
def test_what_makes_no_sense_is_a_gap(data: bytes) -> None:
    assert isinstance(banners.heard(Item(NEED, "192.168.10.2:80", data, datetime(2026, 11, 24, tzinfo=UTC), "")), Gap)


# --- certificates


@given(st.binary(max_size=200))
@example(b"\x30\x80")
@example(b"\x30\x84\xff\xff\xff\xff")
@example(b"\x30\x04\x30\x02\xa0\x00")
def test_no_bytes_break_the_reader_of_certificates(data: bytes) -> None:
    assert certificate(data) is None
