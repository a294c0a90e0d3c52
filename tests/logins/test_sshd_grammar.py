"""What messages of sshd mean: the text it writes, then what must be said of it."""

import json
from pathlib import Path

import pytest

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
        'Failed hostbased for dan from 192.0.2.7 port 4 ssh2: RSA 8c:e3:aa:0f:64:51:02:f7:14:79:89:3f:65:84:7c:30, client user "d"',
        Said(
            What.FAILED, "dan", "192.0.2.7", 4, "hostbased", "8c:e3:aa:0f:64:51:02:f7:14:79:89:3f:65:84:7c:30",
            detail='client user "d"',
        ),
    ),
    ("Failed password for x from UNKNOWN port 65535 ssh2", Said(What.FAILED, "x", method="password")),
    ("error: PAM: Authentication failure for x from attacker.example", Said(What.FAILED, "x", "attacker.example", method="pam", detail="Authentication failure")),
    ("Illegal user test from 192.0.2.7", Said(What.INVALID_USER, "test", "192.0.2.7")),
    ("Connection closed by 192.0.2.7", Said(What.CLOSED, address="192.0.2.7")),
    ("Connection closed by authenticating user root 192.0.2.7 port 9 [preauth]", Said(What.CLOSED, "root", "192.0.2.7", 9)),
    ("Disconnected from user root 192.0.2.7 port 9", Said(What.ENDED, "root", "192.0.2.7", 9)),
    ("Received disconnect from 2001:10::1: 11: Bye 192.0.2.9 [preauth]", Said(What.CLOSED, address="2001:10::1", detail="11: Bye 192.0.2.9")),
    ("Received disconnect from 192.0.2.7 port 9:14: no more [preauth]", Said(What.CLOSED, address="192.0.2.7", port=9, detail="14: no more")),
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
        Said(What.REFUSED, address="192.0.2.7", detail="activating ipv4 penalty of 16 seconds for penalty: failed authentication"),
    ),
    ("PerSourcePenalties logging rate-limited: additional 45 connections dropped", Said(What.UNLOGGED, times=45)),
    ("exited MaxStartups throttling after 00:05:00, 12 connections dropped", Said(What.UNLOGGED, times=12)),
    (
        "/etc/ssh/keys/root:3: Authentication tried for root with correct key but not from a permitted host (host=h.example, "
        "ip=192.0.2.7, required=10.0.0.0/8).",
        Said(What.KEY_HELD, "root", "192.0.2.7", detail=", required=10.0.0.0/8)."),
    ),
    (
        "Authentication tried for root with correct key but not from a permitted host (host=h.example, ip=192.0.2.7).",
        Said(What.KEY_HELD, "root", "192.0.2.7", detail=")."),
    ),
    ("fatal: Access denied for user bob by PAM account configuration [preauth]", Said(What.CREDENTIAL_HELD, "bob", detail="by PAM account configuration")),
    ("User bob from gw.example not allowed because not listed in AllowUsers", Said(What.DENIED, "bob", "gw.example", detail="not listed in AllowUsers")),
    ("ROOT LOGIN REFUSED FROM ::ffff:192.0.2.7", Said(What.DENIED, "root", "192.0.2.7")),
    (f"Accepted key ED25519 {KEY} found at /root/.ssh/authorized_keys:1", Said(What.KEY_FOUND, key=KEY, detail="/root/.ssh/authorized_keys:1")),
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
]  # fmt: skip


@pytest.mark.parametrize(("message", "expected"), MESSAGES)
def test_what_sshd_means(message: str, expected: Said) -> None:
    assert said("sshd-session", message) == expected
