"""Texts that are addresses: the C library of this machine is asked of each, as sshd asks it."""

import ipaddress
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.keys import addresses

ZEROS = st.sampled_from(["", "", "0", "00", "0" * 15, "0" * 22])
NUMBER = st.one_of(st.integers(0, 300), st.sampled_from([65535, 65536, 2**24 - 1, 2**24, 2**32 - 1, 2**32, 2**64 - 1, 2**64]))
FORM = st.sampled_from(["{}{}", "0{}{:o}", "0x{}{:x}", "0X{}{:X}"])
PART = st.one_of(st.builds(str.format, FORM, ZEROS, NUMBER), st.sampled_from(["", "08", "0x", "x", "-1", " 1", "1 "]))


def known(text: str) -> addresses.Address | None:
    """The address that getaddrinfo(3) takes a text for."""
    try:
        found = socket.getaddrinfo(text, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return None
    return ipaddress.ip_address(found[0][4][0])


@settings(max_examples=500, deadline=None)
@given(st.lists(PART, min_size=1, max_size=5).map(".".join).filter(lambda text: 0 < len(text) <= addresses.LONGEST))
def test_numbers_with_dots_are_the_addresses_that_the_c_library_takes_them_for(text: str) -> None:
    assert addresses.number(text) == known(text)


@pytest.mark.parametrize(
    "text", ["::1", "::ffff:10.1.2.3", "1::2::3", "12345::", "1:2:3:4:5:6:7:8", ":", "::g", "[::1]", "name"]
)
def test_so_are_those_with_colons(text: str) -> None:
    assert addresses.number(text) == known(text)


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.0.0.0/00008", "10.0.0.0/8"),
        ("0000000000000000000000012.1", "10.0.0.1/32"),
        ("fe80::/10", "fe80::/10"),
        ("10.0.0.0/+8", None),
        ("10.0.0.0/ 8", None),
        ("10.0.0.0/-0", None),
        ("10.0.0.0/0x8", None),
        ("10.0.0.0/129", None),
        ("10.0.0.0/", None),
        ("10.0.0.*", None),
        ("fe80::1%lo", None),
        ("fe80::%lo/10", None),
        ("1".zfill(64), None),
    ],
)
def test_a_word_of_a_list_is_a_network_or_a_pattern(text: str, network: str | None) -> None:
    """As sshd of OpenSSH 9.2 has it: `sshd -T -C addr=...` with each as Match Address."""
    assert addresses.network(text) == (None if network is None else ipaddress.ip_network(network))


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.0.0.0/128", "10.0.0.1/8", "::1/0"])
def test_a_mask_that_does_not_fit_is_no_pattern(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        addresses.network(text)
