"""Hosts that lie, and configurations that were made to wear out who reads them: bounded, and never called clean."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import DEBIAN, HASH, Machine, sshd

from auditkit import audits
from auditkit.access import arguments, views
from auditkit.access.seen import follow, seen
from auditkit.answers import Listening, Process, Shown
from auditkit.audits import ssh
from auditkit.audits.ssh import access
from auditkit.model import Finding, Gap, Means, Need

CLOSED = "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM yes\n"
MAIN = "/etc/ssh/sshd_config"


def told(machine: Machine) -> tuple[list[Finding | Gap], dict[str, list[dict[str, str]]]]:
    """What is said of a machine, and its facts."""
    taken = machine.evidence()
    facts = access.facts(taken).get("ssh", {})
    return list(audits.judge(taken, [ssh.AUDIT])), facts  # type: ignore[return-value]


def clean(machine: Machine) -> bool:
    """Whether somebody would read that nobody can log in with a password."""
    said, facts = told(machine)
    empty = facts.get("password_doors") == [] and facts.get("password_unknown") == []
    return empty and not any(isinstance(one, Gap) for one in said)


def test_the_machine_of_these_tests_is_clean_without_what_they_add() -> None:
    shown = Shown(
        "192.168.10.2", 22, "SSH-2.0-OpenSSH_9.2p1 Debian-2", user="anna", methods=("publickey",), source="192.168.10.9"
    )
    assert clean(Machine({MAIN: CLOSED}, processes=(sshd(),), shown=(shown,)))


IDLE = Process(300, 1, 0, 1.0, "/usr/sbin/cupsd", ("/usr/sbin/cupsd",), "", (Listening("tcp", "127.0.0.1", 631),))


def test_a_host_without_a_server_is_clean_only_where_who_listens_was_seen() -> None:
    assert clean(Machine(processes=(IDLE,)))
    for unseen, words in (
        (Machine(), "who does was not seen"),
        (
            Machine(processes=(IDLE, replace(IDLE, pid=None, parent=None, uid=None, started=None, program=""))),
            "cannot all be seen",
        ),
    ):
        said, facts = told(unseen)
        assert facts == {"servers": []}, "nobody is said to be shut out"
        assert [one.subject for one in said if isinstance(one, Gap) and words in one.reason] == ["SSH servers"]


def test_an_sshd_whose_process_is_hidden_is_never_called_clean() -> None:
    """Who mounts something over /proc/PID hides with which options it was started; systemd may wait in its place."""
    shown = Shown("192.168.10.2", 22, "SSH-2.0-OpenSSH_9.2p1", user="anna", methods=("publickey",), source="192.168.10.9")
    nobodys = Process(None, None, None, None, "", (), "", (Listening("tcp", "0.0.0.0", 22),))
    systemd = Process(1, 0, 0, 1.0, "/usr/lib/systemd/systemd", ("/sbin/init",), "", (Listening("tcp", "::", 22),))
    for processes, is_clean in (((), False), ((nobodys,), False), ((IDLE,), False), ((IDLE, systemd), True)):
        hidden = Machine({MAIN: CLOSED}, processes=processes, shown=(shown,))
        assert clean(hidden) == is_clean
        words = [one.reason for one in told(hidden)[0] if isinstance(one, Gap) and "its process was not seen" in one.reason]
        assert bool(words) != is_clean


def test_of_a_disk_nobody_can_tell_what_is_started_from_it() -> None:
    taken = replace(Machine().evidence(), host="root:/mnt")
    assert "SSH servers" not in [one.subject for one in ssh.judge(taken)], "a disk without a server lacks nothing"
    assert access.facts(taken) == {"ssh": {"servers": []}}, "and of nobody it is said that he is shut out"


def test_an_sshd_by_another_name_is_judged_by_the_title_that_it_gives_itself() -> None:
    title = ("sshd: /usr/lib/.cache/kworker -f /etc/ssh/open_config [listener] 0 of 10-100 startups",)
    renamed = replace(sshd(), pid=31, program="/usr/lib/.cache/kworker", arguments=title)
    renamed = replace(renamed, listens=(Listening("tcp", "0.0.0.0", 2222),))
    both = Machine({MAIN: CLOSED, "/etc/ssh/open_config": "UsePAM yes\n"}, processes=(sshd(), renamed))
    _said, facts = told(both)
    assert "kworker -f /etc/ssh/open_config" in [one.name for one in seen(both.evidence()).servers]
    assert sorted(str(one["judged"]) for one in facts["servers"]) == ["False", "True"]
    assert not clean(both)


def test_two_that_share_a_file_are_told_apart_by_their_ports() -> None:
    title = ("sshd: /usr/sbin/sshd -p 2200 -o PasswordAuthentication=yes [listener] 0 of 10-100 startups",)
    second = replace(sshd(), pid=701, arguments=title, listens=(Listening("tcp", "0.0.0.0", 2200),))
    _said, facts = told(Machine({MAIN: CLOSED}, processes=(sshd(), second)))
    assert {(one["account"], one["server"]) for one in facts["password_doors"]} == {("anna", "sshd -p 2200")}


def test_of_very_many_blocks_only_some_are_told_one_by_one() -> None:
    lines = [f"Match User u{n}\n  PasswordAuthentication yes\nX11Forwarding no\n" for n in range(2_000)]
    said, _facts = told(Machine({MAIN: CLOSED + "".join(lines)}, processes=(sshd(),)))
    assert len(said) < 100
    assert any("and 1979 lines more take passwords" in one.message for one in said if isinstance(one, Finding))


MANY = ",".join(f"u{n}" for n in range(10_000))
HOSTILE = {
    "ten thousand blocks, the last one opens": CLOSED
    + "".join(f"Match User u{n} Address 10.{n // 250}.{n % 250}.0/24\nBanner none\n" for n in range(10_000))
    + "Match User anna\nPasswordAuthentication yes\n",
    "ten thousand users on one line": f"{CLOSED}Match User {MANY},anna\nPasswordAuthentication yes\n",
    "a loop of includes": CLOSED + "Include /etc/ssh/sshd_config\n",
    "a line of a megabyte": CLOSED + "Banner " + "x" * (1 << 20) + "\nMatch User anna\nPasswordAuthentication yes\n",
    "no text at all": CLOSED + "\0\1\2\udcff\n\1\2\udcff yes\n",
    "an include of what nobody reads": CLOSED + "Include /root/.ssh/id_rsa /etc/ssh/*_key /etc/x/*/y\n",
    "a number of lines that no file has": "#\n" * 300_000 + CLOSED,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_configuration_that_was_made_to_wear_us_out_is_never_called_clean(name: str) -> None:
    text = HOSTILE[name].encode("utf-8", "surrogateescape")
    assert not clean(Machine({MAIN: text}, processes=(sshd(),)))


def test_more_accounts_than_are_judged_are_said() -> None:
    names = [f"u{n}" for n in range(3000)]
    passwd = "".join(f"{name}:x:{1000 + n}:100::/home/{name}:/bin/sh\n" for n, name in enumerate(names))
    shadow = "".join(f"{name}:{HASH}:20000:0:99999:7:::\n" for name in names)
    machine = Machine({MAIN: DEBIAN, "/etc/passwd": passwd, "/etc/shadow": shadow}, processes=(sshd(),))
    said, facts = told(machine)
    assert Gap("sshd", "whether 2800 accounts can log in from anywhere was not judged: there are more than 200") in said
    assert facts["password_unknown"] == [
        {"account": "2800 accounts", "from": "anywhere", "why": "there are more than 200", "server": "sshd"}
    ]
    findings = [one for one in said if isinstance(one, Finding) and one.rule is access.FROM_OUTSIDE]
    assert [one.message.partition(" can")[0] for one in findings] == ["u0, u1, u2 and 197 others"]


def test_more_networks_than_are_tried_are_said() -> None:
    many = "".join(f"Match Address 10.{n}.0.0/16\nBanner none\n" for n in range(90))
    said, facts = told(Machine({MAIN: CLOSED + many}, processes=(sshd(),)))
    assert facts["password_unknown"]
    assert any(isinstance(one, Gap) and "51 more networks" in one.reason for one in said)


# --- what a host says is no command


def commands(machine: Machine) -> list[str]:
    """What is run besides stat(1), whose paths are plain ones (test_views.py)."""
    return [need.what for need in follow(machine.evidence()) if need.means is Means.COMMAND and need.why != views.WHY]


def test_sshd_is_asked_once_for_each_class_of_connections_with_all_fields() -> None:
    match = "Match User anna Address 10.0.0.0/8\nPasswordAuthentication yes\n"
    assert commands(Machine({MAIN: CLOSED + match}, processes=(sshd(),))) == [
        "/usr/sbin/sshd -T -ddd -C user=anna,host=10.0.0.1,addr=10.0.0.1,laddr=127.0.0.1,lport=22"
    ]
    assert commands(Machine({MAIN: CLOSED}, processes=(sshd(),))) == [], "it has said all already"


def test_forty_classes_are_asked_about_and_no_more() -> None:
    many = "".join(f"Match Address 10.{n}.0.0/16\nBanner none\n" for n in range(90))
    assert 30 <= len(commands(Machine({MAIN: CLOSED + many}, processes=(sshd(),)))) <= 40


@pytest.mark.parametrize("name", ["a;reboot", "-oProxyCommand=x", "a b", "a,addr=1.1.1.1", "$(id)", "ä", ""])
def test_a_name_that_is_no_plain_word_is_in_no_command(name: str) -> None:
    files = {MAIN: f"{CLOSED}Match User *\nX11Forwarding yes\n", "/etc/passwd": f"{name}:x:1000:1000::/home/x:/bin/sh\n"}
    files["/etc/shadow"] = f"{name}:{HASH}:20000:0:99999:7:::\n"
    assert commands(Machine(files, processes=(sshd(),))) == []


@pytest.mark.parametrize(
    ("process", "asked"),
    [
        (sshd("-D", "-f", "/etc/ssh/b"), ["/usr/sbin/sshd -T -ddd -f /etc/ssh/b"]),
        (sshd("-D", "-o", "UsePAM no"), ["/usr/sbin/sshd -T -ddd -o UsePAM=no"]),
        (sshd("-D", "-f", "/etc/ssh/b", uid=1000), []),
        (sshd("-D", "-f", "/etc/shadow"), []),
        (sshd("-D", "-f", "/etc/ssh/ssh_host_rsa_key"), []),
        (sshd("-D", "-f", "/etc/../etc/ssh/b"), []),
        (sshd("-D", "-f", "relative"), []),
        (sshd("-D", program="/tmp/sshd"), []),
        (sshd("-D", "-f", "/etc/ssh/$(reboot)"), []),
    ],
)
def test_only_what_root_started_from_a_known_program_is_asked_and_no_secret_is_read(process: Process, asked: list[str]) -> None:
    machine = Machine({MAIN: CLOSED}, processes=(process,))
    wanted = follow(machine.evidence())
    assert commands(machine) == asked
    secrets = ("/etc/shadow", "/etc/ssh/ssh_host_rsa_key", "/etc/../etc/ssh/b", "relative")
    assert not [need for need in wanted if need.what in secrets]


def test_an_include_that_would_catch_a_private_key_is_not_read_but_said() -> None:
    machine = Machine(
        {MAIN: f"{CLOSED}Include /etc/ssh/ssh_host_*\nInclude /etc/ssh/*\nInclude /srv/x.conf\n"}, processes=(sshd(),)
    )
    assert [need.what for need in follow(machine.evidence()) if need.means is Means.FILE] == ["/srv/x.conf"]
    assert Gap("/etc/ssh/ssh_host_*", "the files that this Include names were not looked up") in told(machine)[0]


def test_a_hash_that_stands_in_a_configuration_is_not_shown() -> None:
    said, _facts = told(Machine({MAIN: f"root:{HASH} x\nRootPassword {HASH}\n"}))
    assert HASH not in "".join(map(repr, said))


words = st.sampled_from(
    ["-D", "-f", "-o", "/etc/ssh/b", "UsePAM=no", "Port 2", "-p", "22", "-oX y", "-", "--", "-4e", "\0", "ä", ""]
)


@settings(max_examples=60)
@given(st.lists(words, max_size=8), st.booleans())
def test_no_command_line_breaks_the_reader_or_becomes_more_than_plain_words(given_words: list[str], title: bool) -> None:
    whole = (
        (f"sshd: /usr/sbin/sshd {' '.join(given_words)} [listener] 0 of 10-100 startups",) if title else ("sshd", *given_words)
    )
    started = arguments.started(Process(7, 1, 0, None, "/usr/sbin/sshd", whole, "", ()))
    for word in started.again or ():
        assert word.isprintable()
        assert " " not in word


@settings(max_examples=40, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from(["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/nsswitch.conf", MAIN, "/etc/default/ssh"]),
)
def test_no_bytes_in_any_file_break_what_is_seen(data: bytes, name: str) -> None:
    machine = Machine({MAIN: DEBIAN, name: data})
    taken = machine.evidence()
    assert not [one for one in audits.judge(taken, [ssh.AUDIT]) if isinstance(one, Gap) and "broke on" in one.reason]
    assert all(isinstance(need, Need) for need in follow(taken))
    assert seen(taken).servers


def running(*arguments: str, pid: int = 700, parent: int = 1, port: int | None = 22) -> Process:
    places = (Listening("tcp", "0.0.0.0", port),) if port else ()
    return Process(pid, parent, 0, 1.0, "/usr/sbin/sshd", arguments, "", places)


@pytest.mark.parametrize("title", ["sshd: /usr/sbin/sshd -D -o Passw", "sshd: /usr/sbin/sshd", "sshd: ", "sshd: anna@pts/0"])
def test_a_title_that_does_not_tell_how_a_server_was_started_is_no_reason_to_believe_the_usual_file(title: str) -> None:
    said, facts = told(Machine({MAIN: CLOSED}, processes=(running(title),)))
    assert Gap("sshd", "who may log in there cannot be told: its command line is not known whole") in said
    assert "password_doors" not in facts


def test_the_process_of_a_login_is_no_server_whatever_it_forwards() -> None:
    listener = sshd("-D", pid=700)
    logins = (
        running("sshd: anna [priv]", pid=800, parent=700, port=None),
        running("sshd: anna@pts/0", pid=801, parent=800, port=6010),
        running("sshd: [accepted]", pid=802, parent=700, port=None),
    )
    assert len(seen(Machine({MAIN: CLOSED}, processes=(listener, *logins)).evidence()).servers) == 1
    another = running("sshd: anna@pts/0", pid=900, parent=1, port=2222)
    assert len(seen(Machine({MAIN: CLOSED}, processes=(listener, another)).evidence()).servers) == 2


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ExecStart=/usr/sbin/sshd -fo'\"\\\n$%xé\x1b\0", max_size=200))
def test_whatever_a_unit_says_what_it_starts_is_told_or_passed_over(text: str) -> None:
    found = list(arguments.by_unit(f"{text}\nExecStart=/usr/sbin/sshd -D -f /etc/ssh/b\n"))
    assert [one.main for _program, one in found][-1:] == ["/etc/ssh/b"] or text.endswith("\\")
    assert all(program.endswith("/sshd") for program, _one in found)
