"""A block that another machine is to apply: that machine is asked whom it must not hit."""

from pathlib import Path

from conftest import Cli
from sshd import free_place, start

from auditkit.incident import cases

SUSPECT, ADMIN = "198.51.100.7", "192.0.2.10"


def block(cli: Cli, host: str, *words: str) -> tuple[int, str, str, cases.Case]:
    """What the proposal comes to, and its case."""
    (cli.home / "auditkit.yaml").write_text(f"hosts: {{srv: {host}}}\n")
    store = ("--store", str(cli.store))
    assert cli.run("incident", "open", "failed logins", *store).code == 0
    done = cli.run("incident", "block", "1", SUSPECT, "--host", "srv", *words, *store)
    return done.code, done.out, done.err, cases.all_of(str(cli.store))[0]


def test_a_server_over_ssh_is_asked_for_its_own_surroundings(cli: Cli, tmp_path: Path) -> None:
    server = start(tmp_path / "sshd", "PermitRootLogin yes")
    try:
        (cli.home / ".ssh").mkdir(exist_ok=True)
        (cli.home / ".ssh/known_hosts").write_text(server.known)
        host = f"{{address: 127.0.0.1, port: {server.port}, user: {server.user}, identity: {server.key}}}"
        code, out, err, case = block(cli, host, "--tool", "sshd", "--allow", ADMIN)
    finally:
        server.end()
    assert code in (0, 3), err
    assert "# - 127.0.0.1: where this very login of auditkit comes from\n" in out
    assert "as root, on srv." in out
    assert case.read().entries[-1].said.data["host"] == "srv"


def test_a_server_that_cannot_be_asked_gets_no_proposal(cli: Cli) -> None:
    with free_place() as port:
        code, out, _err, case = block(cli, f"{{address: 127.0.0.1, port: {port.getsockname()[1]}, user: x}}", "--timeout", "5")
    assert (code, out) == (3, "")
    assert len(case.read().entries) == 1
