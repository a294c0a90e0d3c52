"""Which keys are offered, in which order: from files and agents as they are, without any server."""

import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from sshd import agent, keygen

from auditkit.keys import wire
from auditkit.model import Gap
from auditkit.ssh import Hop, keys


def hop(*identities: Path, socket: str | None = None, only: bool = False) -> Hop:
    return Hop("there", "127.0.0.1", 22, "anna", identities=tuple(map(str, identities)), agent=socket, identities_only=only)


def names(way: Hop) -> list[str]:
    """What is offered, and why anything is not."""
    return [f"left out: {each.reason}" if isinstance(each, Gap) else each.name for each in keys.offers(way, None)]


def test_files_are_offered_in_their_order(tmp_path: Path) -> None:
    one, two = keygen(tmp_path / "one"), keygen(tmp_path / "two")
    assert names(hop(two, tmp_path / "none", one)) == [str(two), str(one)]


def test_what_the_agent_holds_of_them_comes_first_and_others_last(tmp_path: Path) -> None:
    file, held, stranger = (keygen(tmp_path / name) for name in ("file", "held", "stranger"))
    with agent(tmp_path, stranger, held) as socket:
        offered = names(hop(file, held, socket=socket))
        assert offered[:2] == [f"{held} (agent)", str(file)]
        assert (len(offered), offered[2].endswith("(agent)")) == (3, True)
        assert names(hop(file, held, socket=socket, only=True)) == offered[:2]


def test_all_together_are_no_more_than_a_server_takes(tmp_path: Path) -> None:
    files = [keygen(tmp_path / f"file{at}") for at in range(3)]
    with agent(tmp_path, *(keygen(tmp_path / f"held{at}") for at in range(9))) as socket:
        assert len(names(hop(*files, socket=socket))) == keys.TRIES


def test_the_public_half_is_enough_for_a_key_of_the_agent(tmp_path: Path) -> None:
    own = keygen(tmp_path / "own")
    with agent(tmp_path, own) as socket:
        own.unlink()
        assert names(hop(tmp_path / "own.pub", socket=socket, only=True)) == [f"{own}.pub (agent)"]


def test_a_certificate_comes_before_its_key(tmp_path: Path) -> None:
    authority, own = keygen(tmp_path / "ca"), keygen(tmp_path / "own", kind="ecdsa")
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "anna", "-n", "anna", f"{own}.pub"], check=True)
    offered = [each.key_type for each in keys.offers(hop(own), None) if isinstance(each, keys.Offer)]
    assert offered == ["ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256"]


def test_what_is_damaged_is_left_out(tmp_path: Path) -> None:
    own = keygen(tmp_path / "own")
    own.write_bytes(own.read_bytes()[:200])
    assert names(hop(own))  # its public half is still there; it is found out when it has to sign
    (tmp_path / "pem").write_text("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n")
    (tmp_path / "pem").chmod(0o600)
    assert names(hop(tmp_path / "pem")) == [f"left out: {tmp_path}/pem is damaged"]


@given(st.binary(max_size=300))
def test_whatever_stands_in_files_is_no_crash(data: bytes) -> None:
    keys._public_half(data)
    wire.certified(data)
    wire.type_of(data)
