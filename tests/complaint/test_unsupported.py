"""Whom no letter is written about, and when the logs do not support one: each with the reason, and what would help."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letters_given import AUTH, NOW, SUSPECT, Document, guesses, judge, letter, of_journal, of_lines

from auditkit.commands.answering import schema
from auditkit.errors import UsageError
from auditkit.logins.nouns import Setting
from auditkit.report.letter import plain
from auditkit.report.shape import fault

ATTEMPTS = of_lines(guesses())
TRADITIONAL = "Nov 24 03:%M:%S"


def refused(*reports: Document, address: str = SUSPECT, **asked: Any) -> tuple[str, str]:
    with pytest.raises(UsageError) as error:
        judge(*reports, address=address, **asked)
    assert error.value.exit_code == 2
    return str(error.value), error.value.hint


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("10.1.2.3", "10.1.2.3 is a private address: there is nobody to write to"),
        ("::ffff:192.168.1.1", "192.168.1.1 is a private address: there is nobody to write to"),
        ("127.0.0.1", "127.0.0.1 is the loopback of the machine itself: there is nobody to write to"),
        ("::1", "::1 is the loopback of the machine itself: there is nobody to write to"),
        ("169.254.1.1", "169.254.1.1 is a link-local address: there is nobody to write to"),
        ("fe80::1", "fe80::1 is a link-local address: there is nobody to write to"),
        ("fd00::1", "fd00::1 is a private address: there is nobody to write to"),
        ("100.64.3.4", "100.64.3.4 is an address that the customers of a provider share within it (CGNAT)"),
        ("224.0.0.1", "224.0.0.1 is a multicast address: there is nobody to write to"),
        ("255.255.255.255", "255.255.255.255 is no address of a machine: there is nobody to write to"),
        ("0.0.0.0", "0.0.0.0 is no address of a machine: there is nobody to write to"),
        ("240.0.0.1", "240.0.0.1 is a private address: there is nobody to write to"),
        ("64:ff9b::808:808", "64:ff9b::808:808 is a translated address, which hides another one"),
        ("2002:808:808::1", "2002:808:808::1 is a translated address, which hides another one"),
    ],
)
def test_nobody_writes_about_an_address_that_is_no_machine_of_somebody_else(address: str, why: str) -> None:
    said, hint = refused(ATTEMPTS, address=address)
    assert said.startswith(why)
    assert hint == "look in your own network for who has it: such an address has no abuse desk"


@pytest.mark.parametrize("address", ["evil.example", "45.148.10.7/24", "45.148.10.7\nBcc: x", "", "fe80::1%eth0", "0x7f000001"])
def test_what_is_no_address_is_said_to_be_none(address: str) -> None:
    said, hint = refused(ATTEMPTS, address=address)
    assert said.endswith("is no IP address")
    assert hint == "write one address, as the report has it"


def test_nobody_writes_about_himself() -> None:
    mine = of_lines(guesses())
    mine["hosts"][0]["facts"]["listeners"] = [{"address": SUSPECT, "port": 22, "protocol": "tcp"}]
    look = "look at that machine: auditkit scan"
    own = "45.148.10.7 lies in 45.148.0.0/16, which auditkit.yaml calls your own"
    assert refused(ATTEMPTS, networks=("45.148.0.0/16",)) == (own, look)
    assert refused(ATTEMPTS, hosts=("ws-03.lan", SUSPECT)) == (f"{SUSPECT} is a machine of yours", look)
    assert refused(mine) == (f"{SUSPECT} is a machine of yours", look)


def test_an_address_that_no_report_has_is_not_written_about() -> None:
    assert refused() == ("the case has no report of logins", "make one: auditkit logins HOST --case N")
    assert refused(ATTEMPTS, address="45.1.1.1") == (
        "no report of the case has attempts from 45.1.1.1",
        "make one that has: auditkit logins HOST --case N",
    )
    many = of_lines(guesses())
    many["hosts"][0]["logins"]["more_sources"] = 7
    assert refused(many, address="45.1.1.1")[1].startswith("make the report of a shorter time, which then names it")


def test_who_only_offers_keys_or_connects_is_not_written_about() -> None:
    begin = "2026-11-24T05:00:00Z srv-01 sshd[9]: "
    key = f"{begin}Failed publickey for root from 45.7.7.7 port 9 ssh2: ED25519 SHA256:abc"
    scan = f"{begin}Did not receive identification string from 45.6.6.6 port 9"
    document = of_lines([*guesses(), key, scan])
    assert refused(document, address="45.7.7.7")[0] == (
        "45.7.7.7 offered 1 key, and guessed at no password: that is how every scanner of the internet looks, too"
    )
    assert refused(document, address="45.6.6.6")[0].startswith(
        "45.6.6.6 connected and tried no login, and guessed at no password"
    )


def test_a_few_attempts_are_no_ground_and_ten_are() -> None:
    assert refused(of_lines(guesses(9))) == (
        "9 attempts from 45.148.10.7: too few for a letter, which takes 10: it may be somebody who mistypes",
        "wait whether it comes back",
    )
    assert judge(of_lines(guesses(10))).attempts == 10


def test_logs_that_somebody_may_have_been_at_are_no_ground() -> None:
    assert refused(of_lines([*guesses(), *guesses(3, stamp="2026-11-24T01:%M:%SZ")])) == (
        "the logs of srv-01 show signs of tampering: what they say is no ground for a letter",
        "clear that up first; a log server or a firewall may tell the same on better ground",
    )


def test_lines_that_any_user_can_write_are_no_ground_where_the_journal_knows_better() -> None:
    """logger(1) writes into the text log and into the journal, which knows that it was logger."""
    said = [f"Failed password for root from {SUSPECT} port {4000 + at} ssh2" for at in range(20)]
    forged = of_journal(said)
    assert judge(forged).attempts == 20
    by_logger = of_journal([f"{text}\n_COMM=logger" for text in said])
    assert refused(by_logger)[0] == (
        "lines that tell of 45.148.10.7 were written by another program than the server, as any user can with logger(1)"
    )


def test_a_text_log_that_the_journal_does_not_bear_out_is_no_ground() -> None:
    begin = "2026-11-24T00:{:02}:30Z srv-01 sshd[9]: "
    lines = [begin.format(at) + f"Failed password for root from {SUSPECT} port {4000 + at} ssh2" for at in range(15)]
    others = [f"Connection closed by 192.168.1.{at % 250} port 9 [preauth]" for at in range(1000)]
    text = (AUTH, "".join(f"{line}\n" for line in lines).encode())
    assert refused(of_journal(others, log=text))[0].startswith(
        "only a text log of srv-01 tells of 45.148.10.7, and its journal of the same time does not"
    )


def with_file(**changed: Any) -> Callable[[], Document]:
    def make() -> Document:
        document = of_lines(guesses(stamp=TRADITIONAL))
        document["hosts"][0]["logins"]["files"][0] |= changed
        return document

    return make


def with_source(**changed: Any) -> Callable[[], Document]:
    def make() -> Document:
        document = of_lines(guesses())
        document["hosts"][0]["logins"]["sources"][0] |= changed
        return document

    return make


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (with_file(year_by="assumed"), "the year of the log of srv-01 is only assumed: its stamps have none"),
        (
            lambda: of_lines(guesses(stamp=TRADITIONAL), setting=Setting(NOW, UTC, zone_known=False)),
            "the zone of the stamps in the log of srv-01 is not known, and a desk needs exact times",
        ),
        (
            with_source(first=None, last=None),
            "the lines that tell of 45.148.10.7 have no times",
        ),
    ],
)
def test_times_that_are_not_sure_are_no_ground(make: Callable[[], Document], why: str) -> None:
    said, hint = refused(make())
    assert said.startswith(why)
    assert (
        hint
        == "make the report on the machine itself, or on its disk (root:DIR); for a zone, say it: auditkit logins FILE --zone"
    )


def test_stamps_that_say_their_zone_need_no_machine_that_does() -> None:
    assert judge(of_lines(guesses(), setting=Setting(NOW, UTC, zone_known=False))).attempts == 20


def test_where_no_line_can_be_shown_there_is_no_letter() -> None:
    document = of_lines(guesses())
    for line in document["hosts"][0]["logins"]["sources"][0]["lines"]:
        line["text"] = line["text"].replace(SUSPECT, "45.1.1.1")
    said, hint = refused(document)
    assert said == f"the reports have no line of {SUSPECT} that can be shown: one that has its address, and no name of yours"
    assert hint.startswith("make a new report")


def test_the_newest_report_of_a_machine_that_has_the_address_counts() -> None:
    older, newer = of_lines(guesses(12)), of_lines(guesses(30))
    newer["started"] = "2026-12-01T00:00:00Z"
    other = of_lines(guesses(10, address="45.1.1.1"))
    other["started"] = "2026-12-02T00:00:00Z"
    assert judge(newer, other, older).attempts == 30


def test_the_same_log_as_a_host_and_as_a_file_counts_once() -> None:
    one, file = of_lines(guesses(30), host="local"), of_lines(guesses(20), host="./auth.log")
    other = of_lines(guesses(15, host="db.office.lan"), host="db")
    assert (judge(one, file).attempts, judge(one, file).machines) == (20, 1)
    assert (judge(file, one).attempts, judge(file, one).machines) == (30, 1)
    assert (judge(one, other).attempts, judge(one, other).machines) == (45, 2)


def test_of_an_ipv6_address_it_is_said_what_else_its_machine_may_use() -> None:
    one, other = "2a01:4f8:1:2::7", "2a01:4f8:1:2::8"
    assert judge(of_lines(guesses(address=one)), address=one).checks[-1] == (
        "a machine may use any IPv6 address of 2a01:4f8:1:2::/64: no other one is in the reports; a letter is about one address"
    )
    both = of_lines([*guesses(address=one), *guesses(3, address=other, stamp="2026-11-24T04:%M:%SZ")])
    assert "1 other address of it guessed, too" in judge(both, address=one).checks[-1]


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each text, number and truth value of a document."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from places(part, (*path, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from places(part, (*path, number))
    else:
        yield path


SOUND = of_lines([*guesses(), *guesses(3, address="45.1.1.1", stamp="2026-11-24T04:%M:%SZ")])
PLACES = [path for path in places(SOUND) if path[0] == "hosts"]
ODD = st.one_of(
    st.text(max_size=20), st.sampled_from(["", "x\ny: z", "9999999999.000000000Z", "0001-01-01T00:00:00.0Z", SUSPECT, "*"])
)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(PLACES), ODD, st.integers(0, 10**18)), min_size=1, max_size=6))
def test_a_report_that_somebody_wrote_by_hand_makes_a_letter_or_is_refused(
    changes: list[tuple[tuple[Any, ...], str, int]],
) -> None:
    """Its digest is what the journal says, and its shape is that of a report: no more is known of it."""
    document = json.loads(json.dumps(SOUND))
    for path, text, number in changes:
        inside = document
        for step in path[:-1]:
            inside = inside[step]
        old = inside[path[-1]]
        inside[path[-1]] = text if isinstance(old, str) else number if type(old) is int else old
    if fault(document, schema()) is not None:
        return
    try:
        told = plain.letter(letter(judge(document)))
    except UsageError as error:
        told = str(error)
    assert all(line.isprintable() for line in told.split("\n"))
