"""What a program writes without end: all of it and as it is, in pieces, and never from a program that is not root's."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditkit.hosts.local import Local
from auditkit.model import Gap, Item, Means, Need
from auditkit.probe import commands, streams
from auditkit.probe.chain import Chain

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a program that is root's has to be made")


@pytest.fixture
def program() -> Iterator[Path]:
    """A place for a program that nobody but root may change."""
    path = Path("/opt/auditkit-stream")
    path.parent.mkdir(exist_ok=True)
    yield path
    path.unlink(missing_ok=True)


def made(program: Path, script: str) -> Need:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Need(Means.COMMAND, f"{program} a b", long=True)


def said(need: Need) -> list[bytes]:
    told = list(Local().take((need,)))
    assert all(isinstance(one, Item) for one in told)
    return [one.data for one in told if isinstance(one, Item)]


def test_all_that_a_program_writes_comes_as_it_is(program: Path) -> None:
    *pieces, end = said(
        made(program, "head -c 5000000 /dev/zero; printf '\\377 $6$abcdefgh$0123456789abcdef'; echo x >&2; exit 3")
    )
    assert {piece[:1] for piece in pieces} == {b">"}
    assert b"".join(piece[1:] for piece in pieces) == bytes(5_000_000) + b"\xff $6$abcdefgh$0123456789abcdef"
    assert end == b"=3\nx\n"


def test_a_program_that_is_ended_is_not_said_to_have_ended(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "SECONDS", 0.2)
    *pieces, end = said(made(program, "echo begun; sleep 100"))
    assert b"".join(piece[1:] for piece in pieces) == b"begun\n"
    assert end == b"=-\n"


def test_one_that_never_stops_is_ended_at_the_bound(program: Path) -> None:
    need = made(program, "exec cat /dev/zero")
    root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    chain = Chain(root)
    told = [
        data or b"" for _number, data, _why in streams.run(chain, [(0, need.what.encode(), False)], commands.Watch(), 3 << 20)
    ]
    chain.close()
    os.close(root)
    assert 3 << 20 <= sum(map(len, told)) < 8 << 20
    assert told[-1] == b"=-\n"


def test_what_others_could_have_put_there_is_not_run(program: Path) -> None:
    need = made(program, "echo never")
    os.chown(program, 65534, 65534)
    (told,) = Local().take((need,))
    assert isinstance(told, Gap)
    assert told.reason.startswith("not run")


def test_one_that_is_not_there_is_nothing() -> None:
    assert list(Local().take((Need(Means.COMMAND, "/opt/no-such-program a", long=True),))) == []
