"""Of files that hold secrets beside lines that run something only those lines leave a host."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.probe import guarded, take

KINDS = {
    "openvpn": b"/etc/openvpn/a.conf",
    "wireguard": b"/etc/wireguard/wg0.conf",
    "syslog-ng": b"/etc/syslog-ng/conf.d/a.conf",
    "wget": b"/root/.wgetrc",
    "pip": b"/etc/pip.conf",
    "at": b"/var/spool/cron/atjobs/a00001",
}


def of(kind: str, text: bytes) -> bytes:
    """What of such a file may travel."""
    which = guarded.kind(KINDS[kind])
    assert which is not None
    return guarded.reduced(which, text)


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("wireguard", b"[Interface]\nPrivateKey = s3cret=\nPostUp = /opt/x\n", b"\n\nPostUp = /opt/x\n"),
        ("wireguard", b"preup=a\n#PostUp = b\n", b"preup=a\n\n"),
        ("openvpn", b"up /a\n<key>\nup /b\n</key>\ndown /c\n", b"up /a\n\n\n\ndown /c\n"),
        ("openvpn", b"<connection>\nup /a\n</connection>\nupdown /b\n", b"\nup /a\n\n\n"),
        ("openvpn", b"<key>\nup /a", b"\n"),
        ("syslog-ng", b'f { program(\n  "/a"\n "/b"); };\npassword(\n "s3cret")\n', b'f { program( "/a" "/b"); };\n\n\n\n\n'),
        ("wget", b"password=s3cret\nUse-AskPass = /a\n", b"\nUse-AskPass = /a\n"),
        ("pip", b"[global]\nindex-url = https://s3cret@a/\n\n  b\nproxy = c\n  d\n", b"\nindex-url = https://<hidden>@a/\n\n\n\n\n"),
        ("pip", b"find-links =\n  https://a/\n  https://u:s3cret@b/\n", b"find-links = https://a/ https://<hidden>@b/\n\n\n"),
        ("at", b"umask 22\nA=s3cret\\ x; export A\ncd / || {\n", b"umask 22\nA=<hidden>; export A\ncd / || {\n"),
        ("at", b'A=one"\n"s3cret"\n"; export A\ntrue\n', b"A=<hidden>; export A\n\n\ntrue\n"),
        *(
            ("at", line, line)
            for line in (
                *(b"A=$(evil); export A\n", b"B=`evil`; export B\n", b"C=x; export D\n", b"A=x; export A; evil\n"),
                b"LD_PRELOAD=/a; export LD_PRELOAD\n",
            )
        ),
    ],
)  # fmt: skip
def test_only_what_runs_something_travels(kind: str, text: bytes, told: bytes) -> None:
    assert of(kind, text) == told


@given(
    st.sampled_from(sorted(KINDS)),
    st.binary(max_size=400) | st.text('A="\n\\; export ABup<key>/(', max_size=200).map(str.encode),
)
def test_lines_keep_their_numbers_whatever_they_are(kind: str, text: bytes) -> None:
    assert of(kind, text).count(b"\n") == text.count(b"\n")


@given(
    st.sampled_from(["openvpn", "wireguard", "syslog-ng", "wget", "pip"]),
    st.lists(st.text("abc =:.#<>\"'/", max_size=12), max_size=8),
)
def test_what_names_nothing_that_runs_stays_on_the_host(kind: str, lines: list[str]) -> None:
    assert not of(kind, "\n".join(lines).encode()).strip()


@given(st.dictionaries(st.from_regex(r"[A-KM-Z][A-Z_]{0,8}", fullmatch=True), st.text(min_size=1, max_size=40), max_size=5))
def test_of_what_at_writes_no_value_travels(variables: dict[str, str]) -> None:
    lines = [name.encode() + b"=" + written(value) + b"; export " + name.encode() + b"\n" for name, value in variables.items()]
    told = of("at", b"#!/bin/sh\n" + b"".join(lines) + b"true\n")
    assert re.fullmatch(rb"#!/bin/sh\n(?:(?:\w+=<hidden>; export \w+)?\n|(?:PATH|SHELL|ENV)=.*\n)*true\n", told, re.DOTALL)


def written(value: str) -> bytes:
    """A value as at.c writes it, byte by byte."""
    plain = re.sub(rb"[^A-Za-z0-9%/{\[\]=}@+#,.:_\n-]", lambda found: b"\\" + found[0], value.encode())
    return plain.replace(b"\n", b'"\n"')


def test_a_link_from_elsewhere_opens_no_way_around_it(tmp_path: Path) -> None:
    (tmp_path / "etc/wireguard").mkdir(parents=True)
    (tmp_path / "etc/wireguard/wg0.conf").write_text("PrivateKey = s3cret=\nPostUp = true\n")
    (tmp_path / "etc/motd").symlink_to("wireguard/wg0.conf")
    told = [data for _number, _path, data, _why in take.take(bytes(tmp_path), [(b"/etc/motd", False, True, False)])]
    assert told == [b"\nPostUp = true\n"]
