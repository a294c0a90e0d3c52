"""Runs of lines: whatever is understood once for many must be what each line says when it is read by itself."""

from dataclasses import replace

import pytest
from held import Held
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.logins.formats import counting, templates
from auditkit.logins.formats.counting import Counts, Piece
from auditkit.logins.formats.meaning import own_words
from auditkit.logins.formats.runs import NAME, PEER, RHOST, PlainNames, shape
from auditkit.logins.formats.templates import Template
from auditkit.logins.nouns import Event, Log, Setting
from auditkit.logins.reading import Reading, read
from auditkit.logins.tally import Tally

NOW = 1_796_000_000 * 10**9
PLAIN = PlainNames(own_words())
PAM = "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost="
GUESS = [
    "Invalid user {user} from {peer}",
    "pam_unix(sshd:auth): check pass; user unknown",
    PAM + "{address} ",
    "Failed password for invalid user {user} from {peer} ssh2",
    "Connection closed by invalid user {user} {peer} [preauth]",
]
OF_ROOT = [
    PAM + "{address}  user={user}",
    "Failed password for {user} from {peer} ssh2",
    "message repeated 2 times: [ Failed password for {user} from {peer} ssh2]",
    "PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost={address}  user={user}",
    "error: maximum authentication attempts exceeded for {user} from {peer} ssh2 [preauth]",
    "Disconnecting authenticating user {user} {peer}: Too many authentication failures [preauth]",
]
PERSON = [
    "Accepted publickey for {user} from {peer} ssh2: ED25519 SHA256:x",
    "pam_unix(sshd:session): session opened for user {user}(uid=1000) by (uid=0)",
    PAM + "{address} ",
    "Received disconnect from {peer}:11: disconnected by user",
    "Disconnected from user {user} {peer}",
    "pam_unix(sshd:session): session closed for user {user}",
]
SCAN = ["error: kex_exchange_identification: Connection closed by remote host", "Connection closed by {peer}"]
NAMES = ["root", "git2", "anna", "user", "from", "invalid", "a b", "", "x] y", "root from 192.0.2.99 port 1 ssh2",
         "admin 192.0.2.98 port 4711 [preauth]", "port 5", "zqx", "Qz-7_j", "192.0.2.1", "gate sshd[7]: x", "é"]  # fmt: skip
ADDRESSES = [
    "192.0.2.1",
    "192.0.2.10",
    "2001:db8::a",
    "::ffff:192.0.2.1",
    "2001:DB8::A",
    "h.example",
    "UNKNOWN",
    "fe80::1%eth0",
]
TAGS = ["gate sshd", "gate sshd", "gate sshd-session", "shop sshd", "gate CRON", "sshd"]
Visit = tuple[list[str], str, str, str, str, int, list[int], int]
VISITS = st.tuples(
    st.sampled_from([GUESS, GUESS, OF_ROOT, PERSON, SCAN]),
    st.sampled_from(NAMES),
    st.sampled_from(ADDRESSES),
    st.sampled_from(["4711", "47", "0", "04711", "471100", "1"]),
    st.sampled_from(TAGS),
    st.integers(7, 9),  # few processes, whose numbers come again
    st.lists(st.integers(0, 5), max_size=6),  # which of the lines
    st.sampled_from([0, 0, 1, 70, -2]),  # seconds between two lines
)


def text_of(visits: list[Visit]) -> str:
    """What the daemons write of visits, one after the other."""
    clock, text = 40_000, ""
    for said, user, address, port, tag, pid, which, step in visits:
        for at in which or range(len(said)):
            clock += step
            stamp = f"Nov 24 {clock // 3600:02}:{clock // 60 % 60:02}:{clock % 60:02}"
            message = said[at % len(said)].format(user=user, address=address, peer=f"{address} port {port}")
            text += f"{stamp} {tag}[{pid}]: {message}\n"
    return text


def known(raw: bytes, size: int, told: list[Event] | None = None) -> tuple[object, ...]:
    made: Reading = read(
        Log("/var/log/auth.log", mtime=NOW), Held(raw, size), Setting(NOW), told.append if told is not None else None
    )
    tally = made.tally
    notes = replace(made.notes, host="")  # of a sample of the lines, which damage may leave out
    return tally.sources, tally.unknown, tally.kept, tally.strangers, tally.counts, tally.names, notes


@given(st.lists(VISITS, min_size=1, max_size=12))
def test_runs_give_what_their_lines_give_one_by_one(
    visits: list[Visit],
) -> None:
    raw = text_of(visits).encode()
    assert known(raw, 1 << 20) == known(raw, 1 << 20, told=[])
    assert known(raw, 1 << 20)[:4] == known(raw, 61)[:4]


@given(st.lists(VISITS, min_size=1, max_size=8), st.data())
def test_damaged_runs_give_what_their_lines_give(visits: list[Visit], data: st.DataObject) -> None:
    raw = bytearray(text_of(visits).encode())
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=12)):
        raw[at] = data.draw(st.sampled_from(b"\n\r\0 :[]0159aA\xc3\x1b"))
    assert known(bytes(raw), 1 << 20) == known(bytes(raw), 1 << 20, told=[])


@pytest.mark.parametrize(
    ("said", "text", "cut"),
    [
        ("Invalid user git2 from 192.0.2.7 port 47", f"Invalid user{NAME}from{PEER}", ("192.0.2.7", "47", "git2")),
        ("Invalid user a b from 192.0.2.7 port 47", f"Invalid user a{NAME}from{PEER}", ("192.0.2.7", "47", "b")),
        ("Invalid user from from 192.0.2.7 port 47", f"Invalid user from from{PEER}", ("192.0.2.7", "47", "")),
        (
            "Failed password for root from 192.0.2.7 port 47 ssh2",
            f"Failed password for root from{PEER} ssh2",
            ("192.0.2.7", "47", ""),
        ),
        (f"{PAM}192.0.2.7 ", f"{PAM.removesuffix(' rhost=')}{RHOST} ", ("192.0.2.7", "", "")),
        ("Invalid user x from 192.0.2.7 port 047", "Invalid user x from 192.0.2.7 port 047", ("", "", "")),
        ("Invalid user x from 192.0.2.7 port ", "Invalid user x from 192.0.2.7 port ", ("", "", "")),
        ("Server listening on 0.0.0.0", "Server listening on 0.0.0.0", ("", "", "")),
    ],
)
def test_address_port_and_plain_names_are_cut_out(said: str, text: str, cut: tuple[str, str, str]) -> None:
    assert shape(said, PLAIN) == (text, *cut)


def test_a_run_begins_with_a_line_and_never_within_one() -> None:
    text = (
        "Nov 24 10:00:00 gate sshd[7]: one\nNov 24 10:00:00 gate sshd[7]: two\nNov 24 10:00:01 gate sshd[7]: three\n"
        "Nov 24 10:00:01 shop sshd[7]: Nov 24 10:00:01 gate sshd[7]: four\nfive"
    )
    piece = Piece(Counts(Tally()), text, 15, "gate", single=False)
    assert [piece.messages(at) if pid else piece.words(at) for at, pid in enumerate(piece.pids)] == [
        ["one", "two"],
        ["three"],
        "Nov 24 10:00:01 shop sshd[7]: Nov 24 10:00:01 gate sshd[7]: four",
        "five",
    ]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Templates are learned from a handful of runs, and what they tell is added up after a few."""
    monkeypatch.setattr(templates, "DUE", 3)
    monkeypatch.setattr(counting, "TOLD", 2)


@pytest.mark.usefixtures("quick")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(VISITS, min_size=4, max_size=10), st.lists(VISITS, max_size=12), st.data())
def test_runs_that_fit_a_template_give_what_their_lines_give(
    often: list[Visit], visits: list[Visit], data: st.DataObject
) -> None:
    raw = bytearray((text_of(often) * 4 + text_of(often + visits) + text_of(visits)).encode())
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=4)):
        raw[at] = data.draw(st.sampled_from(b"\n\r\0 :[]0159aA\xc3\x1b"))
    assert known(bytes(raw), 997) == known(bytes(raw), 1 << 20, told=[])


@pytest.mark.usefixtures("quick")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(VISITS, min_size=4, max_size=10), st.lists(VISITS, max_size=8))
def test_a_template_cuts_what_is_cut_without_one(often: list[Visit], visits: list[Visit]) -> None:
    text = text_of([*often, *visits]).removesuffix("\n")
    counts = Counts(Tally())
    plainly = counts.templates.cut(text, 15, "gate", single=False)
    for _ in range(3):
        assert counts.templates.cut(text, 15, "gate", single=False)[2] == plainly[2]


@pytest.mark.parametrize(
    ("said", "sound"),
    [
        (f"Invalid user{NAME}from{PEER}", True),
        (f"pam_unix(sshd:auth): check pass{RHOST} \nFailed password for{NAME}from{PEER} ssh2", True),
        ("Server listening on 0.0.0.0", True),
        (f"Invalid user root from 192.0.2.1 port 1 from{PEER}", False),  # who comes from there has both cut out
        (f"Invalid user{NAME}rhost=192.0.2.1 from{PEER}", False),
        (f"Invalid user port{NAME}from{PEER}", False),
        (f"Invalid user{NAME}zqx from{PEER}", False),  # a name that is tried
        ("Invalid user " + "x" * 1000, False),
    ],
)
def test_a_template_is_a_shape_that_whoever_says_it_has(said: str, sound: bool) -> None:
    assert Template("sshd", said).is_sound(PLAIN) is sound
