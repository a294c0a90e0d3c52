"""What is said of processes, of the kernel and of programs that give rights, on recorded evidence; and of real processes."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from auditkit import answers
from auditkit.answers import Listening, Process
from auditkit.audits import listeners
from auditkit.audits.listeners.seen import LISTENERS
from auditkit.audits.persistence import kernel, privileged, running
from auditkit.audits.persistence.seen import Seen
from auditkit.collect import collect
from auditkit.commands.auditing import followed
from auditkit.hosts import now
from auditkit.hosts.local import Local
from auditkit.model import Audit, Evidence, Finding, Gap, Item, Means, Need

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = 10**9
PROCESS: dict[str, object] = {
    "parent": 1, "uid": 0, "started": 1000.0, "name": "x", "program": "/usr/bin/x", "arguments": ["/usr/bin/x"], "unit": "/",
    "kernel": False, "zombie": False, "elsewhere": False, "loads": [], "code": [], "memory": [], "packet": False,
}  # fmt: skip
VIEWS: dict[str, object] = {"uid": 0, "asked": 9, "most": 9, "groups": True, "hidden": [], "covered": [], "packets": 0}
NODE: dict[str, object] = {
    "mode": 0o100755, "uid": 0, "gid": 0, "size": 9, "links": 1, "mtime": 1, "ctime": 1, "target": None, "capabilities": None,
    "packages": ["p"],
}  # fmt: skip


def item(means: Means, what: str, source: str, data: bytes) -> Item:
    return Item(Need(means, what), source, data, NOON, "")


def process(pid: int, **other: object) -> Item:
    return item(Means.PROCESSES, "all", f"/proc/{pid}", json.dumps(PROCESS | {"pid": pid} | other).encode())


def views(**other: object) -> Item:
    return item(Means.PROCESSES, "all", "/proc", json.dumps(VIEWS | other).encode())


def node(path: str, what: str = "", means: Means = Means.LISTING, **other: object) -> Item:
    return item(means, what or path, path, json.dumps(NODE | other).encode())


def file(path: str, text: str, what: str = "") -> Item:
    return item(Means.FILE, what or path, path, text.encode())


def said(judge: Callable[[Seen], Iterable[Finding | Gap]], *items: Item) -> list[str]:
    told = judge(Seen(Evidence("h", NOON, items)))
    return [
        f"gap {one.reason}" if isinstance(one, Gap) else f"{one.severity.word} {one.rule.id}: {one.message}" for one in told
    ]


def listening(pid: int, program: str, address: str) -> Item:
    told = Process(pid, 1, 0, 1000.0, program, (program,), "", (Listening("tcp", address, 80),))
    return Item(LISTENERS, f"/proc/{pid}", answers.written(told), NOON, "")


ANY = "0.0.0.0"


@pytest.mark.parametrize(
    ("program", "address", "expected"),
    [
        (
            "/opt/x",
            ANY,
            "high process-deleted: x (pid 7, uid 0) runs /opt/x, which was deleted, and listens on tcp 0.0.0.0:80;",
        ),
        ("/usr/bin/x", ANY, "medium process-outdated: 1 of them: x; of these listen for others: x"),
        ("/usr/bin/x", "127.0.0.1", "info process-outdated: 1 of them: x"),
        ("/memfd:x", ANY, "high process-in-memory: x (pid 7, uid 0) runs /memfd:x (deleted), and listens on tcp 0.0.0.0:80"),
    ],
)
def test_a_program_that_is_gone_and_listens_is_told_of_once(program: str, address: str, expected: str) -> None:
    gone = f"{program} (deleted)"
    items = (views(), process(7, program=gone), listening(7, gone, address), node("/usr/bin/x", ctime=2000 * SECOND))
    (told,) = said(running.judge, *items)
    assert told.startswith(expected)
    evidence = Evidence("h", NOON, items)
    assert [one for one in listeners.judge(evidence) if isinstance(one, Finding)] == []
    without = Evidence("h", NOON, tuple(each for each in items if each.need.means is not Means.PROCESSES))
    assert [one.rule.id for one in listeners.judge(without) if isinstance(one, Finding)] == ["listener-program-deleted"]
    elsewhere = Evidence("h", NOON, (process(7, program=gone, elsewhere=True), *without.items))
    assert [one.rule.id for one in listeners.judge(elsewhere) if isinstance(one, Finding)] == ["listener-program-deleted"]


def test_ordinary_processes_are_not_spoken_of() -> None:
    kthread = process(2, kernel=True, program="", arguments=[], name="kworker/0:1")
    assert said(running.judge, views(), process(7), kthread, process(8, zombie=True, program="", arguments=[])) == []


RUNNING: list[tuple[str, dict[str, Any], list[str]]] = [
    (
        "a program in memory",
        {"program": "/memfd:a (deleted)", "arguments": ["[kworker/0:1]"]},
        [
            "critical process-disguised: x (pid 7, uid 0) calls itself [kworker/0:1] and runs /memfd:a (deleted)",
            "high process-in-memory: x (pid 7, uid 0) runs /memfd:a (deleted)",
        ],
    ),
    (
        "a thread of the kernel by its name alone",
        {"name": "kworker/0:1", "program": "/usr/bin/x"},
        ["critical process-disguised: kworker/0:1 (pid 7, uid 0) calls itself kworker/0:1 and runs /usr/bin/x"],
    ),
    (
        "a shell that somebody else types into",
        {"program": "/usr/bin/dash", "talks": True},
        ["critical shell-on-a-connection: x (pid 7, uid 0) runs /usr/bin/dash, and its input is a connection of TCP"],
    ),
    (
        "an interpreter on a connection",
        {"program": "/usr/bin/python3.11", "talks": True},
        ["high shell-on-a-connection: x (pid 7, uid 0) runs /usr/bin/python3.11, and its input is a connection of TCP"],
    ),
    ("a server that inetd has started", {"program": "/usr/sbin/in.ftpd", "talks": True}, []),
    (
        "a script where everybody may write",
        {"program": "/usr/bin/bash", "arguments": ["bash", "-x", "/dev/shm/a"]},
        ["high process-from-temporary: x (pid 7, uid 0) runs code of /dev/shm/a"],
    ),
    ("an editor of a file there", {"program": "/usr/bin/vim", "arguments": ["vim", "/tmp/a"]}, []),
    ("code in memory", {"code": ["/memfd:b (deleted)"]}, ["high process-in-memory: x (pid 7, uid 0) runs /memfd:b (deleted)"]),
    (
        "a handle of one",
        {"memory": ["/memfd:c (deleted)"]},
        ["high process-in-memory: x (pid 7, uid 0) runs /memfd:c (deleted)"],
    ),
    (
        "a runtime of containers",
        {"program": "/memfd:runc_cloned:/proc/self/exe (deleted)"},
        ["info process-in-memory: x (pid 7, uid 0) runs /memfd:runc_cloned:/proc/self/exe (deleted)"],
    ),
    (
        "a program that was deleted",
        {"program": "/opt/x (deleted)"},
        ["high process-deleted: x (pid 7, uid 0) runs /opt/x, which was deleted; nothing lies there now"],
    ),
    (
        "a program of everybody's",
        {"program": "/dev/shm/x", "unit": "/system.slice/a.service"},
        ["high process-from-temporary: x (pid 7, uid 0), in /system.slice/a.service runs code of /dev/shm/x"],
    ),
    (
        "a library of everybody's",
        {"code": ["/tmp/l.so"]},
        ["high process-from-temporary: x (pid 7, uid 0) runs code of /tmp/l.so"],
    ),
    (
        "a library before all others",
        {"loads": ["LD_PRELOAD=/usr/lib/l.so"]},
        ["medium process-preloaded: x (pid 7, uid 0) runs /usr/bin/x with LD_PRELOAD=/usr/lib/l.so"],
    ),
    ("a directory of libraries", {"loads": ["LD_LIBRARY_PATH=/opt/lib"]}, []),
    ("who hears packets", {"packet": True}, ["medium process-hears-packets: x (pid 7, uid 0) runs /usr/bin/x"]),
    ("a client of DHCP", {"packet": True, "program": "/usr/sbin/dhclient"}, []),
    ("a container", {"elsewhere": True, "program": "/app (deleted)", "loads": ["LD_PRELOAD=/j.so"], "packet": True}, []),
]


@pytest.mark.parametrize(("other", "lines"), [each[1:] for each in RUNNING], ids=[each[0] for each in RUNNING])
def test_a_process_that_is_odd(other: dict[str, Any], lines: list[str]) -> None:
    assert said(running.judge, views(), process(7, **other)) == lines


@pytest.mark.parametrize(
    ("other", "line"),
    [
        ({"ctime": 2000 * SECOND}, "info process-outdated: 1 of them: x"),
        ({"ctime": 500 * SECOND}, "high process-deleted"),
        ({"ctime": 2000 * SECOND, "packages": []}, "high process-deleted"),
        ({"ctime": 2000 * SECOND, "mode": 0o100777}, "high process-deleted"),
    ],
    ids=["an update", "older than the process", "of no package", "everybody may have put it there"],
)
def test_only_what_a_package_has_put_there_since_explains_that_a_program_is_gone(other: dict[str, Any], line: str) -> None:
    (told,) = said(running.judge, views(), process(7, program="/usr/bin/x (deleted)"), node("/usr/bin/x", **other))
    assert told.startswith(line)


def test_a_library_of_a_package_is_less_and_one_of_nobody_more() -> None:
    loaded = process(7, loads=["LD_PRELOAD=/usr/lib/l.so"])
    for packages, severity in ((["jemalloc"], "low"), ([], "high"), (None, "medium")):
        (told,) = said(running.judge, views(), loaded, node("/usr/lib/l.so", packages=packages))
        assert told.startswith(f"{severity} process-preloaded")


def test_many_processes_of_one_program_are_one_finding() -> None:
    (told,) = said(running.judge, views(), *(process(pid, program="/opt/x (deleted)") for pid in (7, 8, 9)))
    assert told.endswith("nothing lies there now; so do 2 more")


def test_what_hides() -> None:
    hidden, covered = process(7, program="/opt/r", unit="/u"), process(8)
    assert said(running.judge, hidden, covered, views(hidden=[7], covered=[8], packets=2)) == [
        "critical process-hidden: x (pid 7, uid 0), in /u runs /opt/r: the list of /proc leaves it out",
        "critical process-hidden: pid 8: something is mounted over its directory",
        "high process-hears-packets: 2 sockets hear packets, and no process has them",
    ]


def test_who_is_not_root_and_who_has_not_asked_for_all_says_so() -> None:
    assert said(running.judge, views(uid=1000), process(7, program=""), process(8)) == [
        "gap what 1 of 2 run, and whether any hides, only root sees"
    ]
    assert said(running.judge, views(asked=5, groups=False)) == [
        "gap whether any hides was only asked of the numbers up to 5 of 9"
    ]


# --- the kernel


def module(name: str) -> Item:
    return file(f"/sys/module/{name}/initstate", "live\n", kernel.STATES.what)


def loaded(*names: str) -> Item:
    return file("/proc/modules", "".join(f"{name} 16384 0 - Live 0x0 (OE)\n" for name in names))


DEP = "/lib/modules/6.1.0/modules.dep"
RELEASE = file("/proc/sys/kernel/osrelease", "6.1.0\n")


def test_an_ordinary_kernel_is_not_spoken_of() -> None:
    dep = file(DEP, "kernel/net/ip_tables.ko.xz: kernel/a.ko\nkernel/drivers/snd-hda.ko:\n")
    assert said(kernel.judge, RELEASE, file("/proc/sys/kernel/tainted", "0\n"), loaded("ip_tables", "snd_hda"), dep) == []
    assert said(kernel.judge) == []


@pytest.mark.parametrize(
    ("items", "line"),
    [
        (
            (file("/proc/sys/kernel/tainted", "12288\n"), loaded("nvidia"), module("nvidia")),
            "low kernel-tainted: it has had a module of another tree and an unsigned module: nvidia (OE)",
        ),
        (
            (file("/proc/sys/kernel/tainted", "2\n"),),
            "medium kernel-tainted: it has had a module loaded by force, which is not loaded any more",
        ),
        ((loaded("a"), module("a"), module("b")), "critical module-hidden: b is in /sys/module, and not in /proc/modules"),
        ((loaded("a", "b"), module("a")), "critical module-hidden: b is in /proc/modules, and not in /sys/module"),
        ((RELEASE, loaded("evil"), file(DEP, "kernel/a.ko:\n")), f"high module-without-file: evil: not in {DEP}"),
        (
            (file("/proc/sys/kernel/core_pattern", "|/opt/c %p\n"), node("/opt/c", packages=[])),
            "high kernel-runs-program: /proc/sys/kernel/core_pattern names /opt/c: of no package",
        ),
        (
            (
                file("/proc/sys/fs/binfmt_misc/q", "enabled\ninterpreter /opt/q\n", kernel.FORMATS.what),
                node("/opt/q", packages=[]),
            ),
            "high kernel-runs-program: /proc/sys/fs/binfmt_misc/q names /opt/q: of no package",
        ),
        (
            (file("/sys/class/net/eth0/flags", "0x1103\n", kernel.FLAGS.what),),
            "medium interface-promiscuous: eth0 is promiscuous",
        ),
        (
            (node("/sys/fs/bpf/prog", kernel.PINNED.what, mode=0o100600),),
            "info ebpf-pinned: /sys/fs/bpf/prog",
        ),
    ],
    ids=lambda value: value.split(":")[0] if isinstance(value, str) else "",
)
def test_a_kernel_that_is_odd(items: tuple[Item, ...], line: str) -> None:
    (told,) = said(kernel.judge, *items)
    assert told.startswith(line)


def test_a_port_of_a_bridge_and_programs_of_packages_are_usual() -> None:
    port = node("/sys/class/net/veth1/brport", kernel.PORTS.what, mode=0o040755)
    assert said(kernel.judge, file("/sys/class/net/veth1/flags", "0x1103\n", kernel.FLAGS.what), port) == []
    core = file("/proc/sys/kernel/core_pattern", "|/usr/lib/systemd/systemd-coredump %P\n")
    assert said(kernel.judge, core, node("/usr/lib/systemd/systemd-coredump")) == []


# --- what gives rights

NET_RAW, SETUID = "0100000200200000000000000000000000000000", "0100000280000000000000000000000000000000"


def gives(path: str, **other: object) -> Item:
    return node(path, "/**", Means.PRIVILEGED, **other)


@pytest.mark.parametrize(
    ("path", "other", "line"),
    [
        ("/usr/bin/sudo", {"mode": 0o104755}, ""),
        ("/usr/bin/ping", {"capabilities": NET_RAW}, ""),
        ("/usr/bin/wall", {"mode": 0o102755}, ""),
        ("/usr/bin/find", {"mode": 0o104755}, "critical privileged-shell: /usr/bin/find: setuid of uid 0"),
        ("/usr/bin/perl", {"capabilities": SETUID}, "critical privileged-shell: /usr/bin/perl: cap_setuid=ep"),
        ("/opt/t", {"mode": 0o104755, "packages": []}, "high privileged-unpackaged: /opt/t: setuid of uid 0"),
        ("/usr/bin/odd", {"mode": 0o104755}, "low privileged-unusual: /usr/bin/odd: setuid of uid 0"),
        ("/usr/bin/su", {"mode": 0o104757}, "low privileged-unusual: /usr/bin/su: setuid of uid 0; everybody may change it"),
        ("/var/lib/docker/overlay2/a/diff/bin/su", {"mode": 0o104755, "packages": []}, "info privileged-in-layers"),
        ("/tmp/x", {"packages": []}, "low program-where-none-belongs: /tmp/x"),
        ("/dev/ttyp", {"mode": 0o100600, "packages": []}, "medium hidden-place: /dev/ttyp"),
        ("/run/initramfs/bin/sh", {"packages": []}, ""),
        ("/opt/t", {"mode": 0o104755, "packages": None}, ""),
    ],
)  # fmt: skip
def test_a_program_that_gives_rights(path: str, other: dict[str, Any], line: str) -> None:
    told = said(privileged.judge, gives(path, **other))
    assert len(told) == bool(line)
    assert all(each.startswith(line) for each in told)


def test_a_setuid_copy_of_a_shell_is_one_by_its_size_whatever_it_is_called() -> None:
    shell = node("/bin/bash", size=12345)
    told = said(privileged.judge, shell, gives("/var/lib/docker/overlay2/x", mode=0o104755, size=12345, packages=[]))
    assert told == ["critical privileged-shell: /var/lib/docker/overlay2/x: setuid of uid 0"]


# --- real ones

MEMORY = """
import os
handle = os.memfd_create("m")
os.write(handle, open("/bin/sleep", "rb").read())
os.execve(handle, ["[kworker/u9]", "61"], {})
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_real_processes_are_found_and_the_ordinary_ones_beside_them_are_not(tmp_path: Path) -> None:
    shutil.copy("/bin/sleep", tmp_path / "gone")
    words = [[sys.executable, "-c", MEMORY], [str(tmp_path / "gone"), "61"], ["/bin/sleep", "61"], ["/bin/sleep", "61"]]
    environments: list[dict[str, str]] = [{}, {}, {"LD_PRELOAD": "/tmp/nothing.so"}, {}]
    started = [
        subprocess.Popen(each, env=environment, stderr=subprocess.DEVNULL)
        for each, environment in zip(words, environments, strict=True)
    ]
    here, there = socket.create_server(("127.0.0.1", 0)), socket.socket()
    there.connect(here.getsockname())
    shell = subprocess.Popen(["/bin/sh", "-i"], stdin=there.fileno(), stdout=there.fileno(), stderr=there.fileno())
    try:
        end = time.monotonic() + 20
        while not all(Path(f"/proc/{one.pid}/cmdline").read_bytes().endswith(b"\x0061\0") for one in started):
            assert time.monotonic() < end
            time.sleep(0.01)
        (tmp_path / "gone").unlink()
        memory, gone, preloaded, _plain = (f"/proc/{one.pid}/cmdline" for one in started)
        talking, every = f"/proc/{shell.pid}/cmdline", {memory, gone, preloaded, _plain, f"/proc/{shell.pid}/cmdline"}
        told = [one for one in of_this_machine() if {quote.source for quote in one.quotes} & every]
    finally:
        here.close()
        there.close()
        for one in (*started, shell):
            one.kill()
            one.wait()
    assert {(one.rule.id, quote.source) for one in told for quote in one.quotes if quote.source.endswith("cmdline")} >= {
        ("process-disguised", memory),
        ("process-in-memory", memory),
        ("process-deleted", gone),
        ("process-preloaded", preloaded),
        ("shell-on-a-connection", talking),
    }
    assert all(_plain != quote.source for one in told for quote in one.quotes)


def of_this_machine() -> list[Finding]:
    """What is said of what runs here."""

    def judge(evidence: Evidence) -> Iterable[Finding | Gap]:
        return running.judge(Seen(evidence))

    def follow(evidence: Evidence) -> tuple[Need, ...]:
        return tuple(dict.fromkeys(running.follow(Seen(evidence))))

    host = Local()
    audit = Audit("running", "", running.NEEDS, running.RULES, judge, follow=follow)  # type: ignore[arg-type]
    first = collect(host, running.NEEDS, lambda: now(host))
    evidence = followed(first, lambda more: collect(host, more, lambda: now(host)), (audit,))
    return [one for one in judge(evidence) if isinstance(one, Finding)]
