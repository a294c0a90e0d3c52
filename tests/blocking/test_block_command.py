"""`incident block` from the command line, on a machine of which all is known, and on one over SSH."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import pytest
from apart import GATEWAY4, SERVER4, Apart, apart, can_be_made
from conftest import SOURCE, Cli, Outcome

from auditkit.incident import cases, surroundings
from auditkit.response.nouns import Kind

SUSPECT, ADMIN, COLLEAGUE = "198.51.100.7", "192.0.2.10", "192.0.2.20"
CONFIG = "networks: [192.168.10.0/24, 127.0.0.0/8]\nhosts: {ws-03: {address: 192.168.10.3}}\n"
BEHIND_SUDO = "import os, subprocess, sys; os.environ.clear(); sys.exit(subprocess.run(sys.argv[1:]).returncode)"


def case_of(cli: Cli) -> cases.Case:
    """A case in the store."""
    if not cli.store.exists():
        assert cli.run("incident", "open", "failed logins", "--store", str(cli.store)).code == 0
    return cases.all_of(str(cli.store))[0]


def block(cli: Cli, *words: str) -> Outcome:
    case_of(cli)
    return cli.run("incident", "block", "1", *words, "--store", str(cli.store))


# --- whatever machine this is


def test_the_case_notes_what_was_proposed_and_nothing_is_done(cli: Cli) -> None:
    done = block(cli, SUSPECT, "--tool", "nft", "--for", "10m", "--port", "22", "--allow", ADMIN, "--by", "anna")
    assert done.code in (0, 3)
    *_, entry = case_of(cli).read().entries
    assert (entry.said.kind, entry.hand.actor) == (Kind.PROPOSAL, "anna")
    name = socket.gethostname()
    assert entry.said.text == (
        f"a block of {SUSPECT} at port 22 for 10 minutes by nft was proposed for {name}; nothing was changed"
    )
    commands = entry.said.data["commands"]
    assert isinstance(commands, list)
    assert [line for line in done.out.splitlines() if line and not line.startswith("#")] == commands
    assert f"auditkit incident note 1 'blocked {SUSPECT} by nft for 10 minutes on {name}' --kind action" in done.out
    assert case_of(cli).read().broken is None


def test_a_proposal_goes_to_a_file(cli: Cli) -> None:
    place = cli.home / "block.sh"
    done = block(cli, SUSPECT, "--tool", "ufw", "--allow", ADMIN, "-o", str(place))
    assert (done.out, done.err) == ("", f"auditkit: {place} is written; entry 2 of case {case_of(cli).id} tells of it\n")
    assert "ufw prepend deny" in place.read_text()


def test_a_program_is_told_what_the_case_notes(cli: Cli) -> None:
    done = block(cli, SUSPECT, "--tool", "sshd", "--allow", ADMIN, "--format", "json")
    told = json.loads(done.out)
    assert (told["tool"], told["target"], told["seconds"], told["entry"]) == ("sshd", f"{SUSPECT}/32", 180, 2)
    assert all(f"\n{line}\n" in told["text"] for line in told["commands"])


def test_a_closed_case_takes_no_proposal(cli: Cli) -> None:
    case_of(cli)
    cli.run("incident", "close", "1", "--store", str(cli.store))
    done = block(cli, SUSPECT, "--tool", "nft", "--allow", ADMIN)
    assert (done.code, done.out) == (2, "")
    assert "was closed" in done.err


def test_a_block_that_is_refused_is_not_noted(cli: Cli) -> None:
    for words, reason in (
        (("127.0.0.1",), "127.0.0.1 is this machine itself"),
        (("198.51.100.0/22",), "198.51.100.0/22 is too wide: 1024 addresses"),
        ((SUSPECT, "--allow", SUSPECT), "198.51.100.7 (named with --allow)"),
        ((SUSPECT, "--for", "permanent"), "auditkit proposes no block without an end"),
        ((SUSPECT, "--port", "22;reboot"), "22;reboot is no port"),
        ((SUSPECT, "--host", "root:/mnt"), "root:/mnt: on a mounted disk nothing runs that could block"),
        ((SUSPECT, "--host", "evidence:x"), "evidence:x: evidence tells who was connected then"),
        ((SUSPECT, "--host", "@all"), "--host takes one machine"),
        ((SUSPECT, "--host", "$(reboot)"), "$(reboot) is no host of auditkit.yaml"),
        (("198.51.100.0/24", "--tool", "fail2ban", "--allow", ADMIN), "fail2ban bans one address at a time"),
        (("$(reboot)",), "$(reboot) is no address and no net"),
        ((SUSPECT, "-o", "/nowhere/x"), "/nowhere/x cannot be written"),
        ((SUSPECT, "-o", "/"), "/ cannot be written"),
    ):
        done = block(cli, *words)
        assert (done.code, done.out) == (2, ""), words
        assert reason in done.err
        assert "hint: " in done.err
    assert len(case_of(cli).read().entries) == 1


def test_a_name_is_not_looked_up(cli: Cli) -> None:
    """Neither that of a suspect, which would ask his name server, nor those of auditkit.yaml."""
    done = block(cli, "mail.example")
    assert (done.code, "mail.example is no address and no net" in done.err) == (2, True)


# --- a machine of which all is known


@dataclass(frozen=True)
class Place:
    """A server, a store, and how auditkit is run there."""

    pair: Apart
    cli: Cli

    def block(self, *words: str, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """What a block there comes to; words of a shell may stand before the program."""
        given = ["incident", "block", "1", *words, "--store", str(self.cli.store), "--config", str(self.cli.home / "a.yaml")]
        command = " ".join(map(quote, [sys.executable, "-m", "auditkit", *given]))
        own = {"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE, "HOME": str(self.cli.home), **environment}
        return self.pair.sh(f"{before} {command}", own)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server whose name server is 203.0.113.53 and at which somebody listens on port 22."""
    if not can_be_made():
        pytest.skip("takes root and namespaces")
    home = tmp_path_factory.mktemp("home")
    (home / "resolv.conf").write_text("nameserver 198.51.100.53\n")
    (home / "a.yaml").write_text(CONFIG)
    cli = Cli(home, home / "tree", home / "policy.yaml")
    case_of(cli)
    with apart((SUSPECT, ADMIN, COLLEAGUE), f"mount --bind {home}/resolv.conf /etc/resolv.conf;") as pair, pair.listening(22):
        yield Place(pair, cli)


def test_what_the_machine_has_around_it_is_found_and_told(place: Place) -> None:
    done = place.block(SUSPECT, "--tool", "nft", SSH_CONNECTION=f"{ADMIN} 50022 {SERVER4} 22")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line for line in done.stdout.splitlines() if line.startswith("# - ")]
    assert f"# - {ADMIN}: where your SSH session comes from" in lines
    assert "# - 192.168.10.0/24, 127.0.0.0/8: of networks: in auditkit.yaml" in lines
    assert "# - 192.168.10.3: ws-03 of auditkit.yaml" in lines
    assert "# - 203.0.113.1, 2001:db8:5::1: the default gateway" in lines
    assert "# - 198.51.100.53: a name server that this machine asks" in lines
    assert any(line.startswith("# - 203.0.113.0/24, 2001:db8:5::/64") and line.endswith("the network at out") for line in lines)
    assert f"elements = {{ 127.0.0.0/8, {ADMIN}, 192.168.10.0/24, {SERVER4} }}" in done.stdout


OWN = {
    ADMIN: "where your SSH session comes from",
    SERVER4: "an address of this machine itself",
    "203.0.113.77": "the network at out",
    GATEWAY4: "the default gateway",
    "198.51.100.53": "a name server that this machine asks",
    "2001:db8:5::77": "the network at out",
    "192.168.10.7": "of networks: in auditkit.yaml",
    "192.168.10.3": "ws-03 of auditkit.yaml",
}


@pytest.mark.parametrize(("target", "why"), OWN.items())
def test_a_block_that_would_hit_the_own_side_is_refused(place: Place, target: str, why: str) -> None:
    done = place.block(target, "--tool", "nft", SSH_CONNECTION=f"{ADMIN} 50022 {SERVER4} 22")
    assert (done.returncode, done.stdout) == (2, "")
    assert f"a block of {target} would hit your own side" in done.stderr
    assert why in done.stderr


def test_sudo_does_not_hide_from_where_one_came(place: Place) -> None:
    """It takes SSH_CONNECTION away; the shell above it still has it."""
    hiding = f"{quote(sys.executable)} -c {quote(BEHIND_SUDO)}"
    wrapped = place.block(ADMIN, "--tool", "nft", before=hiding, SSH_CONNECTION=f"{ADMIN} 50022 {SERVER4} 22")
    assert "where your SSH session comes from" in wrapped.stderr


def test_who_is_connected_to_ssh_is_not_blocked_unless_a_person_says_that_he_is_nobody(place: Place) -> None:
    with connected(place.pair, COLLEAGUE):
        refused = place.block(COLLEAGUE, "--tool", "nft")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert f"{COLLEAGUE} is connected to port 22" in refused.stderr
        assert "hint: see who it is" in refused.stderr
        wanted = place.block(COLLEAGUE, "--tool", "nft", "--not-ours")
        assert (wanted.returncode, "say that the sessions from there are nobody's of yours" in wanted.stdout) == (0, True)
    assert place.block(COLLEAGUE, "--tool", "nft").returncode == 0


def test_without_a_tool_that_is_named_one_that_is_there_is_chosen(place: Place) -> None:
    done = place.block(SUSPECT)
    if shutil.which("nft"):
        assert (done.returncode, "# Tool: nft; seen there: nft (installed)" in done.stdout) == (0, True)
    else:
        assert (done.returncode, "--tool" in done.stderr) == (2, True)


def test_where_sshd_is_above_and_nobody_says_from_where_one_came_it_is_a_gap(tmp_path: Path) -> None:
    told = tmp_path / "told"
    (tmp_path / "sshd-session").symlink_to("/bin/sh")
    python = "from auditkit.incident import surroundings; print(*surroundings.clients({}))"
    script = f"{quote(sys.executable)} -c {quote(python)} > {told}; :"
    subprocess.run([tmp_path / "sshd-session", "-c", script], env={"PYTHONPATH": SOURCE}, check=True)
    assert "sshd is above this process" in told.read_text()
    assert list(surroundings.clients({"SSH_CLIENT": "192.0.2.10 1 22"})) == ["192.0.2.10 1 22"]


_CONNECT = "import socket, sys\none"
_STAY = """
print("ready", flush=True)
sys.stdin.read()
one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1] + [0] * 7))
"""


class connected:  # noqa: N801 - it reads as a word
    """Somebody who is connected to port 22 of the server, as long as he is."""

    def __init__(self, pair: Apart, source: str) -> None:
        script = f"{_CONNECT} = socket.create_connection(({SERVER4!r}, 22), source_address=({source!r}, 0)){_STAY}"
        words = ["nsenter", f"--target={pair.others}", "--net", "--", sys.executable, "-c", script]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> None:
        assert self.process.stdout
        assert self.process.stdout.readline() == b"ready\n"

    def __exit__(self, *_error: object) -> None:
        self.process.communicate(b"")
