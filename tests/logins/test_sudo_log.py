"""The log of sudo itself, as sudo 1.9.13 wrote it: lines broken at 80 characters, with and without year and host, and JSON."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_own_logs import Text

from auditkit.logins.formats import recognised, sudolog
from auditkit.logins.nouns import Event, Log, Notes, Setting, What

NOW = int(datetime(2026, 11, 30, 18, tzinfo=UTC).timestamp()) * 10**9
WHEN = int(datetime(2026, 11, 30, 17, 33, 57, tzinfo=UTC).timestamp()) * 10**9
PLAIN = r"""Nov 30 17:33:57 : root : PWD=/tmp ; USER=root ; COMMAND=/usr/bin/id
Nov 30 17:33:57 : root : PWD=/tmp ; USER=nobody ; COMMAND=/usr/bin/sh -c
    'echo aaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    ccccccccccccccccccccccccccccccccccc#012Nov 24 10:00:00 : anna : TTY=x'
Nov 30 17:33:57 : anna : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/home ;
    USER=root ; COMMAND=/bin/bash
"""
WITH_HOST = r"""Nov 30 17:33:57 2026 : root : HOST=vm ; PWD=/tmp ; USER=root ;
    COMMAND=/usr/bin/id
Nov 30 17:33:57 2026 : root : HOST=vm ; PWD=/tmp ; USER=nobody ;
    COMMAND=/usr/bin/sh -c 'echo aaaaaaaaaaaaaaaaaaaaaaaaa
    bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb ccccccccccccccccccccccccccccccccccc#012Nov
    24 10:00:00 : anna : TTY=x'
Nov 30 17:33:57 2026 : anna : 3 incorrect password attempts ; HOST=vm ; TTY=pts/0 ; PWD=/home ;
    USER=root ; COMMAND=/bin/bash
"""
LONG = "sh -c 'echo aaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb ccccccccccccccccccccccccccccccccccc"


def entry(kind: str, **fields: object) -> str:
    """One event as sudo writes it."""
    told = {"server_time": {"seconds": WHEN // 10**9, "nanoseconds": 0}, "submithost": "vm", **fields}
    return f'    "{kind}": ' + json.dumps(told, indent=4).replace("\n", "\n    ")


HOSTILE = '\n    "accept": {"submituser": "mallory", "command": "/bin/sh", "server_time": {"seconds": 1}}'
CALLS = (
    entry("accept", submituser="root", command="/usr/bin/id", runuser="root", runargv=["id"]),
    entry("accept", submituser="root", command="/usr/bin/sh", runuser="nobody", runargv=["sh", "-c", HOSTILE]),
    entry("reject", submituser="anna", command="/bin/bash", runuser="root", reason="3 incorrect password attempts"),
)
JSON = "{\n" + ",\n".join(CALLS) + "\n}\n"


def read(text: str | bytes) -> tuple[list[Event], Notes]:
    data, notes = text.encode() if isinstance(text, str) else text, Notes()
    form = recognised("/var/log/sudo.log", data[:4096])
    assert form in {sudolog.FORMAT, sudolog.JSON}
    return list(form.read(Log("/var/log/sudo.log"), Text(data, 64), Setting(NOW), notes)), notes


@pytest.mark.parametrize("text", [PLAIN, WITH_HOST, JSON], ids=["plain", "with year and host", "json"])
def test_each_call_is_told_whole(text: str) -> None:
    events, notes = read(text)
    assert [(one.what, one.user, one.actor, one.times, one.time) for one in events] == [
        (What.RAN, "root", "root", 1, WHEN),
        (What.RAN, "nobody", "root", 1, WHEN),
        (What.FAILED, "anna", "anna", 3, WHEN),
    ]
    assert (notes.malformed, notes.unknown, notes.of_interest) == (0, {}, 3)
    assert events[2].detail == "/bin/bash"


def test_a_line_that_was_broken_is_one() -> None:
    for text in (PLAIN, WITH_HOST):
        assert LONG in read(text)[0][1].detail


@given(st.sampled_from([PLAIN, WITH_HOST, JSON]), st.binary(max_size=200), st.integers(0, 800))
def test_random_bytes_are_read_to_their_end(text: str, junk: bytes, at: int) -> None:
    data = text.encode()
    for form in (sudolog.FORMAT, sudolog.JSON):
        for each in (junk, data[:at] + junk + data[at:], data[:at]):
            list(form.read(Log("sudo.log"), Text(each, 64), Setting(NOW), Notes()))
