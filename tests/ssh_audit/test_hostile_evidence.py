"""Hosts lie: whatever stands in any piece of evidence, every group judges on, and what it says may be shown."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import DEBIAN
from stock import KEY, debian, host_key

from auditkit.audits import ssh
from auditkit.audits.ssh import crypto, hostkeys, keyfiles, keys, observed, overrides, pam, persistence, privates, ways
from auditkit.model import Evidence, Finding, Item

GROUPS = (crypto, hostkeys, keyfiles, keys, observed, overrides, pam, persistence, privates, ways)
EVERYTHING = debian(
    files={
        "/home/anna/.ssh/authorized_keys": f'from="10.0.0.0/8",environment="A=b" {KEY}\n',
        "/home/anna/.ssh/config": "ForwardAgent yes\n",
        "/home/anna/.ssh/known_hosts": f"host {KEY}\n",
        "/home/anna/.ssh/id_rsa": f"openssh no {host_key('user').split()[1]}\n",
        "/etc/ssh/sshd_config": DEBIAN
        + "TrustedUserCAKeys /etc/ssh/ca\nAuthorizedKeysFile /etc/ssh/keys/%u .ssh/authorized_keys\n",
        "/etc/ssh/ca": KEY,
    }
)
"""A machine of which there is a piece of evidence of each kind."""
PIECES = st.binary(max_size=30) | st.sampled_from(
    [b"\0", b"\n", b"\xff\xfe", b"{}", b"0\n\0", b"/", b"-1", b"9" * 5000, b"[[[[", b"\x1b[31m"]
)


@pytest.fixture(scope="module")
def plain() -> Evidence:
    """What is taken of it."""
    return EVERYTHING.evidence()


def spoilt(taken: Evidence, which: int, at: int, piece: bytes) -> Evidence:
    """The evidence with something else in the place of some bytes of one piece of it."""

    def items() -> Iterator[Item]:
        for number, item in enumerate(taken.items):
            cut = at % (len(item.data) + 1)
            yield replace(item, data=item.data[:cut] + piece + item.data[cut + len(piece) :]) if number == which else item

    return replace(taken, items=tuple(items()))


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_no_group_breaks_on_spoilt_evidence_and_all_it_says_may_be_shown(plain: Evidence, data: st.DataObject) -> None:
    which = data.draw(st.integers(0, len(plain.items) - 1), "which")
    taken = spoilt(plain, which, data.draw(st.integers(0, 4000), "at"), data.draw(PIECES, "piece"))
    for group in GROUPS:
        for one in group.judge(taken):
            if isinstance(one, Finding):
                assert one.message.isprintable()
    ssh.facts(taken)
    ssh.follow(taken)
