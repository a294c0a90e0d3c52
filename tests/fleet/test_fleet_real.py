"""auditkit and real SSH servers: what is seen over SSH is what is there, and nothing stays behind, whatever goes wrong."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import SCHEMA, SOURCE, Cli, Outcome, text_of, without_past, write_policy

from auditkit import evidence
from fleet.fleet import NETWORK, Fleet
from fleet.machines import HERE, PASSWORD, Machine, opened, until

WATCHED = ({"path": "/etc", "level": "content"}, {"path": "/srv", "level": "content"})
SILENT = str(NETWORK[9999])
"""An address of the network that nobody has."""
ENDLESS = "srv/endless"
Files = dict[str, tuple[int, ...]]
SHELLS = ("audit", "noisy", "tcsh", "zsh", "fish")


def watch(fleet: Fleet, *watches: dict[str, Any], digests: tuple[str, ...] = ("sha256",), **more: Any) -> Path:
    """An auditkit.yaml of all machines, and the policy that it names."""
    policy = fleet.home / "policy.yaml"
    write_policy(policy, watches or WATCHED, digests)
    fleet.config(**{"defaults": {"policy": str(policy)}, **more})
    return policy


def states(outcome: Outcome) -> dict[str, str]:
    """Host to its state, of a JSON report that is as the schema has it."""
    return {name: str(host["state"]) for name, host in hosts(outcome).items()}


def hosts(outcome: Outcome) -> dict[str, dict[str, Any]]:
    document = json.loads(outcome.out)
    SCHEMA.validate(document)
    return {str(host["host"]): host for host in document["hosts"]}


def check(fleet: Fleet, *words: str) -> Outcome:
    return fleet.auditkit("check", *words, "--format", "json")


def at_work(fleet: Fleet, machine: Machine) -> list[str]:
    """What runs there that is not the SSH server's."""
    return [line for line in fleet.processes(machine) if not line.startswith(("sshd", "/usr/sbin/dropbear"))]


def endless(machine: Machine) -> None:
    """A file that takes minutes to read and no room on the disk."""
    (machine.root / "srv").mkdir(exist_ok=True)
    with (machine.root / ENDLESS).open("wb") as file:
        file.truncate(1 << 40)


def in_the_middle(machine: Machine, client: "subprocess.Popen[bytes]") -> None:
    """Wait until it is read."""
    at_it(machine, client)
    assert client.poll() is None


def at_it(machine: Machine, client: "subprocess.Popen[bytes]") -> None:
    """Wait until it is read, or the client has ended before."""
    until(lambda: f"/{ENDLESS}" in opened(machine) or client.poll() is not None, "the work is in full swing")


# what is seen


def test_over_ssh_all_is_seen_as_on_the_machine_itself(fleet: Fleet) -> None:
    (machine,) = fleet.up([("py", 1)], shared=(SOURCE, sys.prefix))
    own = subprocess.run([*machine.inside, sys.executable, "-V"], check=False, capture_output=True, text=True)
    if own.stdout.strip() != f"Python {sys.version.split()[0]}":
        pytest.skip("this Python is not the one of the Debian that the fleet is made of, so it does not run there")
    plant(machine.root / "srv")
    watch(
        fleet,
        {"path": "/etc", "level": "content"},
        {"path": "/srv", "level": "content"},
        {"path": "/usr/bin", "level": "content"},
    )
    policy = machine.root / "dev/shm/policy.yaml"
    policy.write_bytes((fleet.home / "policy.yaml").read_bytes())
    there = ["env", "HOME=/dev/shm", f"PYTHONPATH={SOURCE}", sys.executable, "-m", "auditkit"]
    local = [*there, "baseline", "local", "--policy", "/dev/shm/policy.yaml", "--store", "/dev/shm/store"]
    done = subprocess.run([*machine.inside, *local], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert fleet.auditkit("baseline", "py-1").code == 0
    (here,) = (machine.root / "dev/shm/store").glob("baselines/*/*.baseline.zst")
    seen = body(stored(fleet, "py-1"))
    assert seen == body(here)
    assert len(seen) > 1000


def plant(folder: Path) -> None:
    """Entries of every kind, with names that no parser likes."""
    strange = [b"a\nnew line", b"not \xff utf-8", b" spaces ", b"-rf", b"'\"$(id)`", b"\\x41", "\u202edrow".encode()]
    for name in strange:
        Path(os.fsdecode(os.path.join(os.fsencode(folder), name))).write_bytes(name)
    (folder / "setuid").write_bytes(b"#!/bin/sh\n")
    (folder / "setuid").chmod(0o4755)
    os.link(folder / "setuid", folder / "other name")
    (folder / "to nowhere").symlink_to("/no/such\nplace")
    os.mkfifo(folder / "pipe")
    os.mknod(folder / "null", 0o600 | 0o020000, os.makedev(1, 3))
    os.chown(folder / "pipe", 12345, 54321)
    with (folder / "sparse").open("wb") as file:
        file.truncate(5_000_000)
    os.utime(folder / "sparse", ns=(1, -1_500_000_001))
    deep = folder / "deep"
    for depth in range(30):
        deep = deep / f"level {depth}"
    deep.mkdir(parents=True)
    for number in range(300):
        (deep / str(number)).write_text(str(number))


def stored(fleet: Fleet, name: str) -> Path:
    """Its newest baseline."""
    return max((fleet.home / "store/baselines" / name).glob("*.baseline.zst"))


def body(path: Path) -> list[str]:
    """The entries of a baseline as they stand in it, without what is said of it before and after."""
    return [line for line in text_of(path) if not line.startswith("{")]


@pytest.mark.parametrize("kind", ["py", "nopy", "bb", "trixie"])
def test_every_kind_of_machine_is_unchanged_until_something_changes(fleet: Fleet, kind: str) -> None:
    (machine,) = fleet.up([(kind, 1)])
    (machine.root / "srv").mkdir(exist_ok=True)
    (machine.root / "srv/kept").write_text("as it was\n")
    watch(fleet)
    made = fleet.auditkit("baseline", machine.name)
    assert made.code == 0, made.err
    assert ("  note  no Python runs there: " in made.out) == (kind in ("nopy", "bb"))
    unchanged = check(fleet, machine.name)
    assert (unchanged.code, unchanged.changes, unchanged.gaps) == (0, {}, {})
    (machine.root / "srv/kept").write_text("as it is\n")
    (machine.root / "etc/new").write_text("was not here\n")
    changed = check(fleet, machine.name)
    kinds = {path: change["change"] for path, change in changed.changes.items() if path.count("/") > 1}
    assert kinds == {"/srv/kept": "changed", "/etc/new": "added"}
    assert "digest" in changed.changes["/srv/kept"]["attributes"]
    assert (changed.code, states(changed)) == (1, {machine.name: "findings"})


@pytest.mark.parametrize("kind", ["py", "nopy", "bb"])
def test_a_file_too_large_for_the_time_hides_no_other_change(fleet: Fleet, kind: str) -> None:
    (machine,) = fleet.up([(kind, 1)])
    place = machine.root / "srv/tree"
    place.mkdir(parents=True)
    for name in ("changed", "removed", "setuid"):
        (place / name).write_text(name)
    watch(fleet, {"path": "/srv", "level": "content"})
    assert fleet.auditkit("baseline", machine.name).code == 0
    endless(machine)
    (place / "changed").write_text("as it was not")
    (place / "removed").unlink()
    (place / "setuid").chmod(0o4755)
    (place / "added").write_text("new")
    words = ("check", machine.name, "--format", "json", "--timeout", "5")
    told, tolerant = (fleet.end(client) for client in [fleet.start(*words), fleet.start(*words, "--fail-on", "none")])
    assert {path: rule for path, rule in told.rules.items() if path.count("/") > 1} == {
        f"/{ENDLESS}": "path-added",
        "/srv/tree/added": "path-added",
        "/srv/tree/changed": "content-changed",
        "/srv/tree/removed": "path-removed",
        "/srv/tree/setuid": "setuid-gained",
    }
    # a machine that has much else to do may also have no time left for what is asked after the scan
    assert {f"/{ENDLESS}"} <= set(told.gaps) <= {f"/{ENDLESS}", "/", "second look"}
    assert told.gaps[f"/{ENDLESS}"].startswith("not read, ")
    assert (told.code, tolerant.code) == (1, 3)
    assert at_work(fleet, machine) == []


@pytest.mark.parametrize("kind", ["py", "nopy"])
def test_no_login_shell_and_no_noise_disturbs(fleet: Fleet, kind: str) -> None:
    (machine,) = fleet.up([(kind, 1)])
    users = [user for user in SHELLS if (kind, user) != ("nopy", "fish")]
    watch(
        fleet,
        hosts={
            user: {"address": machine.address, "user": user, "become": "sudo", "identity": str(fleet.key)} for user in users
        },
    )
    with fleet.known_hosts.open("a") as known:
        known.writelines(f"{user} {machine.host_key}\n" for user in users)
    made = fleet.auditkit("baseline", *users)
    assert made.code == 0, made.err
    assert states(check(fleet, *users)) == dict.fromkeys(users, "ok")
    assert len({tuple(body(stored(fleet, user))) for user in users}) == 1


def test_an_unchanged_machine_sends_little_however_much_it_has(fleet: Fleet) -> None:
    (machine,) = fleet.up([("py", 1)])
    watch(fleet, {"path": "/usr", "level": "content"}, {"path": "/etc", "level": "content"})
    assert fleet.auditkit("baseline", "py-1").code == 0
    before, _ = fleet.received(machine)
    unchanged = check(fleet, "py-1")
    assert (unchanged.code, unchanged.host["counts"]["entries"] > 10_000) == (0, True)
    assert fleet.received(machine)[0] - before < 64 << 10


def test_a_machine_behind_another_is_reached_through_it(fleet: Fleet) -> None:
    before, behind = fleet.up([("py", 2)])
    watch(fleet, hosts={behind.name: {"jump": before.name}})
    assert fleet.auditkit("baseline", behind.name).code == 0
    assert f"from {before.address} port" in fleet.log(behind)
    assert str(NETWORK[1]) not in fleet.log(behind)


@pytest.mark.parametrize("way", [{"become": "doas"}, {"transport": "openssh"}])
def test_every_way_in_sees_the_same(fleet: Fleet, way: dict[str, str]) -> None:
    fleet.up([("py", 1)])
    watch(fleet)
    assert fleet.auditkit("baseline", "py-1").code == 0
    watch(fleet, hosts={"py-1": way})
    again = check(fleet, "py-1")
    assert (again.code, again.changes, again.gaps) == (0, {}, {})
    assert way.items() <= again.host["facts"]["connection"].items()


@pytest.mark.parametrize(("kind", "state"), [("py", "lied"), ("nopy", "findings"), ("bb", "findings")])
def test_evidence_is_judged_elsewhere_as_the_machine_was(fleet: Fleet, hider: Path, kind: str, state: str) -> None:
    """What a library hides Python finds; nothing else there can look past it."""
    (machine,) = fleet.up([(kind, 1)])
    logs = machine.root / "var/log/site"
    logs.mkdir(parents=True)
    for name in ("grows.log", "turns.log"):
        (logs / name).write_text(f"old {name}\n")
    watch(
        fleet,
        {"path": "/var/log/site/turns.log*", "level": "rotated", "severity": "high"},
        {"path": "/var/log/site/*.log", "level": "growing", "severity": "high"},
        *WATCHED,
    )
    assert fleet.auditkit("baseline", machine.name).code == 0
    with (logs / "grows.log").open("a") as log:
        log.write("new\n")
    (logs / "turns.log").rename(logs / "turns.log.1")
    (logs / "turns.log").write_text("new\n")
    with (machine.root / "etc/passwd").open("a") as accounts:
        accounts.write("toor:x:0:0::/root:/bin/sh\n")
    (machine.root / "etc/evil.conf").write_text("hidden\n")
    shutil.copy(hider, machine.root / "lib/hide.so")
    (machine.root / "etc/ld.so.preload").write_text("/lib/hide.so\n")
    taken = fleet.auditkit("collect", machine.name, "-o", "taken")
    assert taken.out.startswith(f"{machine.name}: evidence of "), taken.err
    live = fleet.auditkit("scan", machine.name, "--format", "json")
    home = fleet.home / "elsewhere"
    home.mkdir()
    other = Cli(home, home, home)
    for brought in (stored(fleet, machine.name), fleet.home / "taken"):
        shutil.copy(brought, other.home / brought.name)
    base = ("--baseline", stored(fleet, machine.name).name)
    later = other.run("scan", "evidence:taken", "--store", str(other.store), *base, "--format", "json")
    assert later.out, later.err

    said = ("host", "state", "status", "counts", "changes", "findings", "gaps", "untrusted")
    assert [without_past(later.host[key]) for key in said] == [without_past(live.host[key]) for key in said]
    assert (later.code, live.host["state"], live.host["counts"]["explained"]) == (1, state, 3)
    rules = {finding["rule"] for finding in live.host["findings"]}
    assert rules >= {"uid-zero-twin", "preload-in-force", *(["name-hidden"] if state == "lied" else ())}


def test_the_whole_fleet_leaves_its_evidence_in_one_directory(fleet: Fleet) -> None:
    machines = fleet.up([("py", 2), ("bb", 1)])
    watch(fleet)
    os.kill(machines[1].pid, signal.SIGKILL)
    told = fleet.auditkit("collect", "@all", "-o", "taken/", "--timeout", "20")
    assert told.code == 3
    assert "py-2: NOTHING TAKEN: " in told.out
    made = {path.name.split(".")[0]: path for path in (fleet.home / "taken").iterdir()}
    assert made.keys() == {"py-1", "bb-1"}
    for name, path in made.items():
        with closing(evidence.read(str(path))) as file:
            assert (file.header.host, file.header.kind) == (name, "ssh")


def test_a_killed_collection_leaves_no_evidence(fleet: Fleet) -> None:
    (machine,) = fleet.up([("py", 1)])
    watch(fleet)
    endless(machine)
    before = sorted(fleet.home.iterdir())
    client = fleet.start("collect", machine.name, "-o", "taken")
    in_the_middle(machine, client)
    client.kill()
    fleet.end(client)
    assert sorted(fleet.home.iterdir()) == before


# what goes wrong


def test_what_is_wrong_with_one_machine_is_said_of_it_alone(fleet: Fleet) -> None:
    well, odd, *_ = fleet.up([("py", 2), ("pw", 1)])
    stranger = fleet.home / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)
    place = {"address": odd.address, "identity": str(fleet.key), "become": "none"}
    watch(
        fleet,
        hosts={
            "no-shell": place | {"user": "nologin"},
            "no-sudo": place | {"user": "plain", "become": "sudo"},
            "no-key": place | {"user": "audit", "identity": str(stranger)},
            "not-there": place | {"address": SILENT},
            odd.name: {"become": "sudo"},
        },
    )
    with fleet.known_hosts.open("a") as known:
        known.writelines(f"{name} {odd.host_key}\n" for name in ("no-shell", "no-sudo", "no-key", "not-there"))
    assert fleet.auditkit("baseline", well.name, odd.name).code == 0
    told = check(fleet, "@all")
    assert states(told) == {
        "py-1": "ok",
        "py-2": "ok",
        "pw-1": "auth-failed",
        "no-shell": "no-shell",
        "no-sudo": "sudo-refused",
        "no-key": "auth-failed",
        "not-there": "unreachable",
    }
    assert told.code == 3
    assert all(host["gaps"] for host in hosts(told).values() if host["state"] not in ("ok", "findings"))


def test_a_host_key_that_nobody_knows_or_that_changed_stops_before_the_login(fleet: Fleet) -> None:
    known, new = fleet.up([("py", 2)])
    watch(fleet)
    fleet.known_hosts.write_text(f"{known.address} {new.host_key}\n")
    told = check(fleet, "@all")
    assert states(told) == {known.name: "hostkey-changed", new.name: "hostkey-unknown"}
    assert told.code == 3
    assert new.address in json.dumps(hosts(told)[new.name]["gaps"])
    assert not any("Accepted" in fleet.log(machine) for machine in (known, new))


def test_a_password_is_read_where_it_is_given_and_nowhere_else(fleet: Fleet) -> None:
    (machine,) = fleet.up([("pw", 1)])
    watch(fleet)
    made = fleet.auditkit("baseline", machine.name, "--password-fd", "0", given=f"{PASSWORD}\n".encode())
    assert (made.code, PASSWORD in made.out + made.err) == (0, False), made.err
    assert states(check(fleet, machine.name)) == {machine.name: "auth-failed"}


def test_nothing_outside_the_own_networks_is_contacted(fleet: Fleet) -> None:
    (machine,) = fleet.up([("py", 1)])
    (fleet.home / "auditkit.yaml").write_text("networks: [192.168.7.0/24]\n")
    told = check(fleet, machine.word)
    assert told.code == 3
    assert machine.address in json.dumps(told.host["gaps"])
    assert fleet.log(machine).count("from ") == 0


def test_a_server_that_keeps_us_out_for_a_while_is_called_throttled(fleet: Fleet) -> None:
    (machine,) = fleet.up([("trixie", 1)])
    watch(fleet)
    knock = f"import socket; print(socket.create_connection(({machine.address!r}, 22), 10).recv(99))"
    knocked = [*fleet.prefix, sys.executable, "-c", knock]
    until(lambda: b"Not allowed" in subprocess.run(knocked, check=True, capture_output=True).stdout, "sshd penalizes us")
    assert states(check(fleet, machine.name, "--timeout", "8")) == {machine.name: "throttled"}


def test_a_machine_that_dies_leaves_the_others_alone(fleet: Fleet) -> None:
    dead, well = fleet.up([("py", 2)])
    watch(fleet)
    assert fleet.auditkit("baseline", "@all").code == 0
    os.kill(dead.pid, signal.SIGKILL)
    told = check(fleet, "@all")
    assert (told.code, states(told)) == (3, {dead.name: "unreachable", well.name: "ok"})


# nothing stays behind


@pytest.mark.parametrize("kind", ["py", "nopy", "bb"])
def test_nothing_stays_on_a_machine(fleet: Fleet, kind: str) -> None:
    (machine,) = fleet.up([(kind, 1)])
    watch(fleet)
    usual, before = logged_in(fleet, machine)
    assert fleet.auditkit("baseline", machine.name).code == 0
    assert check(fleet, machine.name).code == 0
    # without Python nobody looks at what lies where: that is a gap
    assert fleet.auditkit("scan", machine.name, "--format", "json").code in ((0, 1) if kind == "py" else (1, 3))
    until(lambda: fleet.processes(machine) == [], "the sessions have ended")
    assert differing(before, fleet.files(machine)) <= usual


@pytest.mark.parametrize("kind", ["py", "nopy", "bb"])
def test_a_killed_client_leaves_nothing_running_and_no_file(fleet: Fleet, kind: str) -> None:
    (machine,) = fleet.up([(kind, 1)])
    watch(fleet)
    endless(machine)
    usual, before = logged_in(fleet, machine)
    client = fleet.start("baseline", machine.name)
    in_the_middle(machine, client)
    client.kill()
    fleet.end(client)
    until(lambda: fleet.processes(machine) == [], "all of it has ended")
    assert differing(before, fleet.files(machine)) <= usual


def logged_in(fleet: Fleet, machine: Machine) -> tuple[set[str], Files]:
    """What any login changes there, as PAM writes the message of the day; and all files after one."""
    before = fleet.files(machine)
    assert fleet.ssh(machine, "true").returncode == 0
    until(lambda: fleet.processes(machine) == [], "the session has ended")
    after = fleet.files(machine)
    return differing(before, after), after


def differing(before: Files, after: Files) -> set[str]:
    """The paths of files that came, went or changed."""
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def test_a_cut_cable_ends_both_sides(fleet: Fleet) -> None:
    machines = fleet.up([("py", 1), ("nopy", 1)])
    watch(fleet)
    for machine in machines:
        endless(machine)
    seconds, clients = cut_off(fleet, machines)
    for machine, client in zip(machines, clients, strict=True):
        told = fleet.end(client)
        assert told.code == 3, told.err
        why = {"py": f"not done within {seconds} seconds", "nopy": f"/{ENDLESS}: not read, "}[machine.kind]
        assert why in told.out + told.err
    until(lambda: not any(at_work(fleet, machine) for machine in machines), "the machines give up by themselves")
    for machine in machines:
        fleet.mend(machine)


def cut_off(fleet: Fleet, machines: Sequence[Machine]) -> tuple[int, list["subprocess.Popen[bytes]"]]:
    """Clients whose cables are cut in the middle of their work, and the seconds that each was given.

    A scan gives up a large file by itself when half of its time is over, and that is nine tenths of what the client has left.
    Where clients took long to get to work, as on a busy machine, the cut may come later: others, with more time, try again.
    """
    for seconds in (8, 16, 32, 64):
        began = time.monotonic()
        clients = [fleet.start("baseline", machine.name, "--timeout", str(seconds)) for machine in machines]
        for machine, client in zip(machines, clients, strict=True):
            at_it(machine, client)
            fleet.cut(machine)
        if time.monotonic() - began < 0.4 * seconds:
            assert [client.poll() for client in clients] == [None, None]
            return seconds, clients
        for machine, client in zip(machines, clients, strict=True):
            fleet.mend(machine)
            client.kill()
            fleet.end(client)
        until(lambda: not any(at_work(fleet, machine) for machine in machines), "all of it has ended")
    pytest.fail("no client gets to work in time")


# the fleet itself


def test_a_fleet_is_gone_without_a_trace_once_it_is_down(fleet: Fleet) -> None:
    (machine,) = fleet.up([("py", 1)])
    pids, metric = [fleet.controller, machine.pid], fleet.metric
    assert f"unreachable {NETWORK} metric {metric}" in routes()
    fleet.down()
    assert not any(os.path.exists(f"/proc/{pid}") for pid in pids)
    assert f"metric {metric}" not in routes()
    assert str(fleet.home) not in Path("/proc/self/mounts").read_text()


def test_a_fleet_does_not_outlive_a_killed_test_run(tmp_path: Path, fleet: Fleet) -> None:
    fleet.down()  # this one only says whether there can be any
    home = tmp_path / "other"
    by_hand = [sys.executable, str(HERE), "up", "py:1", "--home", str(home)]
    with subprocess.Popen(by_hand, stdout=subprocess.PIPE, text=True) as tests:
        try:
            assert tests.stdout is not None
            root = Path(tests.stdout.readline().split()[-1])
            assert root.exists()
        finally:
            tests.kill()
    until(lambda: not root.parent.exists(), "its machines are gone")
    until(lambda: str(home) not in commands(), "its processes are gone")


def routes() -> str:
    return subprocess.run(["ip", "route"], check=True, capture_output=True, text=True).stdout


def commands() -> str:
    """The command lines of all processes."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_text(errors="replace"))
        except OSError:
            continue
    return "\n".join(found)


def test_a_client_outside_the_fleet_reaches_nobody(fleet: Fleet) -> None:
    (machine,) = fleet.up([("py", 1)])
    with pytest.raises(OSError, match=r"Network is unreachable|No route to host"):
        socket.create_connection((machine.address, machine.port), 10)


def test_of_four_machines_that_differs_which_has_another_program_than_the_others(fleet: Fleet) -> None:
    """With no baseline and no vendor's word; one of them has no Python, so that all are asked for SHA-256."""
    machines = fleet.up([("py", 3), ("nopy", 1)])
    watch(fleet, {"path": "/usr/bin", "level": "content"}, {"path": "/usr/sbin", "level": "content"})
    evil = machines[1].root / "usr/bin/ssh-keygen"
    evil.write_bytes(evil.read_bytes() + b"\0")
    told = hosts(fleet.auditkit("scan", *(machine.name for machine in machines), "--format", "json"))
    rules = {
        name: [(one["rule"], one["severity"], one["subject"]) for one in host["findings"] if "hosts" in one["rule"]]
        for name, host in told.items()
    }
    assert rules == {
        machine.name: [("unlike-other-hosts", "high", "/usr/bin/ssh-keygen")] * (machine is machines[1]) for machine in machines
    }
    for host in told.values():
        assert host["counts"]["packages_compared"] > 90
        assert host["counts"]["paths_compared"] > 400


SAYS = """
import socket
with socket.create_server(("0.0.0.0", 21)) as server:
    print(flush=True)
    while True:
        server.accept()[0].sendall(b"220 (vsFTPd 3.0.3)\\r\\n")
"""
"""A service that says something, whatever it is asked."""


@pytest.mark.parametrize("kind", ["py", "bb"])
def test_what_listens_on_a_machine_is_heard_from_the_station(fleet: Fleet, kind: str) -> None:
    (machine,) = fleet.up([(kind, 1)])
    watch(fleet)
    with serving(machine):
        told = fleet.auditkit("audit", machine.name, "--only", "listeners", "--format", "json")
    (fact,) = (fact for fact in hosts(told)[machine.name]["facts"]["listeners"] if fact["port"] == 21)
    assert (fact["banner"], fact["outcome"], fact["service"]) == ("220 (vsFTPd 3.0.3)", "answered", "ftp")
    assert {"clear-text-login", "banner-shows-version"} <= {finding["rule"] for finding in told.host["findings"]}


def test_of_a_machine_behind_another_the_ports_are_not_contacted(fleet: Fleet) -> None:
    before, behind = fleet.up([("py", 2)])
    watch(fleet, hosts={behind.name: {"jump": before.name}})
    with serving(behind):
        told = fleet.auditkit("audit", behind.name, "--only", "listeners", "--format", "json")
    why = "not looked at: another machine makes the connections to this host"
    assert told.gaps["ftp tcp 21"] == why


@contextmanager
def serving(machine: Machine) -> Iterator[None]:
    """A service on port 21 of a machine."""
    command = ["nsenter", f"--target={machine.pid}", "--net", sys.executable, "-c", SAYS]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as service:
        assert service.stdout is not None
        service.stdout.readline()
        yield
        service.kill()
