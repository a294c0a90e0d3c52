"""What messages of sshd mean: the text it writes, then what must be said of it."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.logins.grammar import said
from auditkit.logins.nouns import Said, What

DATA = Path(__file__).parent / "data"
MEANS = {
    "invalid_user": {What.INVALID_USER},
    "fail": {What.FAILED},
    "closed": {What.CLOSED},
    "disconnecting": {What.CLOSED, What.EXCEEDED},
    "accept": {What.ACCEPTED},
}
"""The words of adversarial.jsonl."""
ADVERSARIAL = [json.loads(line) for line in (DATA / "adversarial.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("case", ADVERSARIAL, ids=range(len(ADVERSARIAL)))
def test_hostile_names_and_key_ids_move_no_blame(case: dict[str, dict[str, str]]) -> None:
    message, expected = str(case["line"]).split("]: ", 1)[1], case["expect"]
    if message.startswith("message repeated"):
        message = message.split("[ ", 1)[1].removesuffix("]")
    found = said("sshd", message)
    assert found is not None
    assert found.what in MEANS[expected["ev"]]
    assert (found.user, found.address) == (expected["user"], expected["ip"])
    assert found.port == expected.get("port", found.port)


KEY = "SHA256:uStpBajnhIGFEEEY+EsaXcH7U7xPErj4yAKWc2aS/wM"
OF_OLD = "8c:e3:aa:0f:64:51:02:f7:14:79:89:3f:65:84:7c:30"
RULED_OUT = "correct key but not from a permitted host (host=h.example, ip=192.0.2.7"
MESSAGES = [
    (
        f"Accepted publickey for alice from 192.0.2.7 port 52100 ssh2: ED25519 {KEY}",
        Said(What.ACCEPTED, "alice", "192.0.2.7", 52100, "publickey", KEY),
    ),
    (
        f"Accepted publickey for alice from 2001:db8::7 port 5 ssh2: RSA-CERT {KEY} ID a: b (serial 3) CA RSA SHA256:PX",
        Said(What.ACCEPTED, "alice", "2001:db8::7", 5, "publickey", KEY, detail="ID a: b (serial 3) CA RSA SHA256:PX"),
    ),
    (
        "Accepted keyboard-interactive/pam for x from ::ffff:192.0.2.7 port 9 ssh2",
        Said(What.ACCEPTED, "x", "192.0.2.7", 9, "keyboard-interactive/pam"),
    ),
    ("Accepted password for x from fe80::1%eth0 port 9 ssh2", Said(What.ACCEPTED, "x", "fe80::1%eth0", 9, "password")),
    ("Accepted newmethod for x, somehow", Said(What.ACCEPTED, method="newmethod", detail="x, somehow")),
    ("Failed password for illegal user x from 192.0.2.7", Said(What.FAILED, "x", "192.0.2.7", method="password")),
    ("Failed none for x from 192.0.2.7 port 4 ssh2", Said(What.FAILED, "x", "192.0.2.7", 4, "none")),
    (
        f'Failed hostbased for dan from 192.0.2.7 port 4 ssh2: RSA {OF_OLD}, client user "d"',
        Said(
            What.FAILED,
            "dan",
            "192.0.2.7",
            4,
            "hostbased",
            OF_OLD,
            detail='client user "d"',
        ),
    ),
    ("Failed password for x from UNKNOWN port 65535 ssh2", Said(What.FAILED, "x", method="password")),
    (
        "error: PAM: Authentication failure for x from attacker.example",
        Said(What.FAILED, "x", "attacker.example", method="pam", detail="Authentication failure"),
    ),
    ("Illegal user test from 192.0.2.7", Said(What.INVALID_USER, "test", "192.0.2.7")),
    ("Connection closed by 192.0.2.7", Said(What.CLOSED, address="192.0.2.7")),
    ("Connection closed by authenticating user root 192.0.2.7 port 9 [preauth]", Said(What.CLOSED, "root", "192.0.2.7", 9)),
    ("Disconnected from user root 192.0.2.7 port 9", Said(What.ENDED, "root", "192.0.2.7", 9)),
    (
        "Received disconnect from 2001:10::1: 11: Bye 192.0.2.9 [preauth]",
        Said(What.CLOSED, address="2001:10::1", detail="11: Bye 192.0.2.9"),
    ),
    (
        "Received disconnect from 192.0.2.7 port 9:14: no more [preauth]",
        Said(What.CLOSED, address="192.0.2.7", port=9, detail="14: no more"),
    ),
    ("Disconnecting: Too many authentication failures for root [preauth]", Said(What.EXCEEDED, "root")),
    (
        "error: maximum authentication attempts exceeded for invalid user x from 192.0.2.7 port 9 ssh2 [preauth]",
        Said(What.EXCEEDED, "x", "192.0.2.7", 9),
    ),
    (
        "Bad protocol version identification 'x' from 192.0.2.9' from 192.0.2.7 port 9",
        Said(What.SCANNED, address="192.0.2.7", port=9, detail="'x' from 192.0.2.9'"),
    ),
    ("error: kex_exchange_identification: banner line too long", Said(What.SCANNED, detail="banner line too long")),
    ("refused connect from evil.example (::ffff:192.0.2.7)", Said(What.REFUSED, address="192.0.2.7")),
    (
        "drop connection #10 from [2001:db8::7]:40046 on [2001:db8::1]:22 past MaxStartups",
        Said(What.REFUSED, address="2001:db8::7", port=40046, detail="past MaxStartups"),
    ),
    (
        "srclimit_penalise: 192.0.2.7/32: activating ipv4 penalty of 16 seconds for penalty: failed authentication",
        Said(
            What.REFUSED, address="192.0.2.7", detail="activating ipv4 penalty of 16 seconds for penalty: failed authentication"
        ),
    ),
    ("PerSourcePenalties logging rate-limited: additional 45 connections dropped", Said(What.UNLOGGED, times=45)),
    ("exited MaxStartups throttling after 00:05:00, 12 connections dropped", Said(What.UNLOGGED, times=12)),
    (
        f"/etc/ssh/keys/root:3: Authentication tried for root with {RULED_OUT}, required=10.0.0.0/8).",
        Said(What.KEY_HELD, "root", "192.0.2.7", detail="/etc/ssh/keys/root:3, required=10.0.0.0/8)."),
    ),
    (
        f"Authentication tried for root with {RULED_OUT}).",
        Said(What.KEY_HELD, "root", "192.0.2.7", detail=")."),
    ),
    (
        "fatal: Access denied for user bob by PAM account configuration [preauth]",
        Said(What.CREDENTIAL_HELD, "bob", detail="by PAM account configuration"),
    ),
    (
        "User bob from gw.example not allowed because not listed in AllowUsers",
        Said(What.DENIED, "bob", "gw.example", detail="not listed in AllowUsers"),
    ),
    ("ROOT LOGIN REFUSED FROM ::ffff:192.0.2.7", Said(What.DENIED, "root", "192.0.2.7")),
    (
        f"Accepted key ED25519 {KEY} found at /root/.ssh/authorized_keys:1",
        Said(What.KEY_FOUND, key=KEY, detail="/root/.ssh/authorized_keys:1"),
    ),
    ('Connection from 192.0.2.7 port 9 on 192.0.2.1 port 22 rdomain ""', Said(What.CONNECTED, address="192.0.2.7", port=9)),
    (
        "Starting session: shell on pts/0 for alice from 192.0.2.7 port 9 id 0",
        Said(What.OPENED, "alice", "192.0.2.7", 9, detail="shell on pts/0"),
    ),
    ("Close session: user alice from 192.0.2.7 port 9 id 0", Said(What.ENDED, "alice", "192.0.2.7", 9)),
    ("Server listening on :: port 22.", Said(What.LISTENING, detail=":: port 22")),
    ("reverse mapping checking getaddrinfo for h [192.0.2.7] failed - POSSIBLE BREAK-IN ATTEMPT!", Said(What.NOISE)),
    ("Postponed publickey for git from 192.0.2.7 port 5 ssh2 [preauth]", Said(What.NOISE)),
    ("Something that no sshd has written yet", Said(What.UNKNOWN)),
]


@pytest.mark.parametrize(("message", "expected"), MESSAGES)
def test_what_sshd_means(message: str, expected: Said) -> None:
    assert said("sshd-session", message) == expected


# --- whatever a client calls himself ----------------------------------------------------------------------------------

C_STYLE = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r", 0: "\\000", 92: "\\\\"}


def vis(text: bytes) -> bytes:
    """What sshd's log.c makes of a text: strnvis(3) with VIS_CSTYLE, VIS_NL, VIS_TAB and VIS_OCTAL."""
    return "".join(C_STYLE.get(b) or (chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in text).encode()


def logged(message: bytes, stages: int, stripped: bool) -> str:
    """A message as it stands in the log: encoded once, or twice before somebody is in, cut, and its end stripped perhaps."""
    if stages == 2:
        message = vis(message)[:1023] + b" [preauth]"
    text = vis(message)[:500].decode()
    return text.strip() if stripped else text


TRICKS = st.sampled_from(
    [
        b" from 10.9.9.9 port 9 ssh2",
        b" 10.9.9.9 port 9",
        b" [preauth]",
        b"\x01" * 20,
        b" " * 30,
        b"\n",
        b"Accepted password for root from ",
        b"invalid user ",
        b"\\",
        b"\xff",
        b"10.9.9.9",
        b" ssh2",
        b"user ",
        b"message repeated 9 times: [ ",
        b"]",
        b" via 10.9.9.9",
        b"a",
    ]
)
NAMES = st.one_of(st.lists(TRICKS, max_size=12).map(b"".join), st.binary(max_size=220)).map(
    lambda name: name.replace(b":", b"").replace(b"\0", b"")
)
ADDRESSES = st.sampled_from(["192.0.2.7", "2001:db8:1111:2222:3333:4444:5555:6666"])
KEY_ID = st.lists(
    TRICKS | st.just(b": Authentication tried for root with correct key but not from a permitted host (host=x, ip=10.9.9.9).")
)


class Form(NamedTuple):
    """A message of sshd with a name in it."""

    encoded: int
    """How often: what is written before somebody is in, twice by sshd up to 9."""
    longest: int
    text: str
    whats: set[What]


def message_of(form: Form, name: bytes, address: str, key_id: bytes) -> bytes:
    """The message before it is encoded."""
    parts = form.text.replace("{at}", address).replace("{port}", "4711").encode().split(b"{}")
    return name.join(parts).replace(b"{id}", key_id)


def shown(form: Form, name: bytes) -> str:
    """A name as it stands in the log."""
    for _ in range(form.encoded):
        name = vis(name)
    return name.decode()


WRITTEN = (
    Form(1, 100, "Invalid user {} from {at} port {port}", {What.INVALID_USER}),
    Form(1, 100, "Failed password for invalid user {} from {at} port {port} ssh2", {What.FAILED}),
    Form(1, 100, "Failed keyboard-interactive/pam for invalid user {} from {at} port {port} ssh2", {What.FAILED}),
    Form(1, 100, "Failed publickey for invalid user {} from {at} port {port} ssh2: ED25519 SHA256:abc", {What.FAILED}),
    Form(
        1,
        100,
        "Failed publickey for root from {at} port {port} ssh2: RSA-CERT SHA256:abc ID {id} (serial 0) CA RSA SHA256:x",
        {What.FAILED},
    ),
    Form(1, 100, "Postponed keyboard-interactive for invalid user {} from {at} port {port} ssh2", {What.NOISE}),
    Form(1, 100, "error: PAM: Authentication failure for illegal user {} from {at}", {What.FAILED}),
    Form(
        2,
        100,
        "error: maximum authentication attempts exceeded for invalid user {} from {at} port {port} ssh2",
        {What.EXCEEDED},
    ),
    Form(2, 187, "Connection closed by invalid user {} {at} port {port}", {What.CLOSED}),
    Form(2, 187, "Connection reset by authenticating user {} {at} port {port}", {What.CLOSED}),
    Form(2, 187, "Disconnected from invalid user {} {at} port {port}", {What.CLOSED}),
    Form(2, 187, "Disconnecting invalid user {} {at} port {port}: Too many authentication failures", {What.CLOSED}),
    Form(
        2,
        187,
        "Disconnecting invalid user {} {at} port {port}: Change of username or service not allowed: (a,x) -> ({id},x)",
        {What.CLOSED},
    ),
    Form(2, 187, "ssh_dispatch_run_fatal: Connection from invalid user {} {at} port {port}: invalid format", {What.SCANNED}),
    Form(2, 187, "Unable to negotiate with {at} port {port}: no matching cipher found. Their offer: {id}", {What.SCANNED}),
    Form(2, 187, "Received disconnect from {at} port {port}:11: {id}", {What.CLOSED}),
    Form(1, 200, "Bad protocol version identification '{}' from {at} port {port}", {What.SCANNED}),
    Form(1, 200, "banner exchange: Connection from {at} port {port}: invalid format", {What.SCANNED}),
)


FORMS = st.sampled_from(WRITTEN)


@settings(max_examples=400)
@given(FORMS, NAMES, KEY_ID, ADDRESSES, st.booleans())
def test_whatever_a_client_calls_himself_he_is_who_sshd_saw(
    form: Form, name: bytes, key_id: list[bytes], address: str, stripped: bool
) -> None:
    name, key = name[: form.longest], b"".join(key_id)
    written = logged(message_of(form, name, address, key), form.encoded, stripped)
    found = said("sshd", written)
    assert found is not None
    assert found.what in form.whats
    assert (found.address, found.port) in ((address, 4711), (address, None), (None, None))
    if len(written) < 380 and found.what is not What.NOISE:
        assert found.address == address
        assert found.user in (None, "root", shown(form, name))


@pytest.mark.parametrize("form", [form for form in WRITTEN if "{}" in form.text], ids=lambda form: str(form.text))
@pytest.mark.parametrize(
    "ending", [" 10.9.9.9 port 9", " from 10.9.9.9 port 9", " from 10.9.9.9 port 9 ssh2", "' from 10.9.9.9 port 9"]
)
def test_who_pushes_his_address_off_the_end_leaves_no_other_in_its_place(form: Form, ending: str) -> None:
    """A name of control characters, an ending of its own, and as much before or behind it as it takes to be cut there."""
    for last in (ending.encode(), ending.encode() + b" [preauth]"):
        for control in range(form.longest - len(last)):
            left = form.longest - len(last) - control
            name = b"\x01" * control + last
            short = 500 - len(form.text.partition("{}")[0]) - len(shown(form, name))
            for cut in (b"a" * short + name, name + b" " * left) if 0 <= short <= left else (name + b" " * left,):
                found = said("sshd", logged(message_of(form, cut, "192.0.2.7", b""), form.encoded, True))
                assert found is not None
                assert found.address in ("192.0.2.7", None)


@given(st.binary(max_size=600))
def test_no_message_raises(raw: bytes) -> None:
    said("sshd", raw.decode("utf-8", "surrogateescape"))
