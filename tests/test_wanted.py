"""`audit --list` and `audit --needs`: what is known before anything is asked, and the lines of sudoers for it."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from test_accounts import ONLY as ACCOUNTS

from auditkit.audits import AUDITS, accounts, preload, protections, ssh
from auditkit.commands import wanted
from auditkit.model import ON_DISK, Audit, Means, Need


def auditkit(*words: str) -> subprocess.CompletedProcess[str]:
    """What `auditkit audit` says."""
    argv = [sys.executable, "-m", "auditkit", "audit", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def audit(*needs: Need, then: tuple[Need, ...] = ()) -> Audit:
    """An audit with these needs."""
    return Audit("one", "a subject", needs, (), lambda _evidence: iter(()), then=then)


def command(what: str) -> Need:
    return Need(Means.COMMAND, what, "why")


def test_every_rule_is_listed_under_its_audit_the_worst_first() -> None:
    lines = list(wanted.rule_lines(ACCOUNTS))
    assert lines[:3] == [
        "accounts: Accounts",
        "  empty-password          critical  An account needs no password",
        "  uid-zero-by-overflow    critical  A uid that does not look like 0 is read as 0",
    ]
    listed = [line.split()[0] for line in wanted.rule_lines(AUDITS) if line.startswith("  ")]
    assert sorted(listed) == sorted(rule.id for each in AUDITS for rule in each.rules)


def test_the_list_needs_no_host_and_no_right(tmp_path: Path) -> None:
    done = auditkit("--list", "--only", "preload")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "\n".join((*wanted.rule_lines((preload.AUDIT,)), ""))
    told = json.loads(auditkit("--list", "--format", "json", "-o", str(tmp_path / "rules.json")).stdout or "null")
    assert told is None
    kept = json.loads((tmp_path / "rules.json").read_text())
    assert kept["schema"] == "auditkit/rules/1"
    assert {(rule["audit"], rule["id"]) for rule in kept["rules"]} == {(a.name, rule.id) for a in AUDITS for rule in a.rules}
    assert all(rule["why"] and rule["remedy"] for rule in kept["rules"])


def test_what_a_host_is_asked_is_told_by_audit() -> None:
    needs = (
        Need(Means.FILE, "/etc/shadow", "why", secret=True),
        Need(Means.STATUS, "/etc", "why"),
        command("/usr/bin/id -u"),
        Need(Means.BANNER, "ssh", "why"),
        Need(Means.LISTENERS, "all", "why"),
    )
    assert list(wanted.need_lines("local", (audit(*needs, then=(command("/usr/bin/stat -c *"),)),))) == [
        "local: this machine; what root alone may read needs root (sudo auditkit), else it is a gap",
        "",
        "one: a subject",
        "  read: /etc/shadow  (facts only: it may hold secrets)",
        "  mode and owner: /etc",
        "  run: /usr/bin/id -u",
        "  who listens: /proc/net/tcp, tcp6, udp, udp6, and /proc/PID/fd",
        "  contacted: the ports on which SSH servers listen: the own login over SSH, up to three connections for local",
        "  then run: /usr/bin/stat -c *",
        "",
        "# sudoers for `become: sudo` (visudo -f /etc/sudoers.d/auditkit). The probe reads every file above as root, and",
        "# what can read every file can do everything: a narrower rule for it would only look narrower.",
        "audit ALL=(root) NOPASSWD: ALL",
        "",
        "# Who runs only the commands, by hand or with another tool, needs no more than these in its place, word by word.",
        "# Commands that follow from answers are not among them: `*` in their place would stand for any words.",
        "Cmnd_Alias AUDITKIT = \\",
        "    /usr/bin/id -u",
        "audit ALL=(root) NOPASSWD: AUDITKIT",
    ]


def test_every_need_of_every_audit_is_told() -> None:
    told = wanted.need_document(["local"], AUDITS)["hosts"][0]["audits"]
    asked = {(one["audit"], need["means"], need["what"]) for one in told for need in one["needs"]}
    assert asked == {(each.name, need.means.value, need.what) for each in AUDITS for need in each.needs}


def test_it_is_told_in_words_of_every_means() -> None:
    assert set(wanted.HEADS) == set(Means)
    assert [each.name for each in AUDITS if (each.follow is None) != (not each.then)] == []
    lines = list(wanted.need_lines("local", AUDITS))
    assert [each.name for each in AUDITS if f"{each.name}: {each.title}" not in lines] == []


@pytest.mark.parametrize("word", ["root:/mnt/disk", "evidence:file"])
def test_where_nothing_runs_nothing_is_to_be_allowed(word: str) -> None:
    told = wanted.need_document([word], AUDITS)["hosts"][0]
    means = {need["means"] for one in told["audits"] for need in (*one["needs"], *one["then"])}
    assert means == ({each.value for each in ON_DISK} & means if word.startswith("root:") else set())
    assert told["sudoers"] == []


def test_hosts_are_not_contacted_and_must_be_known() -> None:
    done = auditkit("--needs", "ssh://audit@192.168.99.99", "root:/nowhere", "--only", "preload")
    assert done.returncode == 0
    assert "ssh://audit@192.168.99.99: asked over one connection to its SSH port" in done.stdout
    assert "root:/nowhere: files of a mounted disk" in done.stdout
    unknown = auditkit("--needs", "nobody")
    assert (unknown.returncode, unknown.stdout) == (2, "")


def test_what_is_no_report_has_no_form_of_one(tmp_path: Path) -> None:
    done = auditkit("--list", "--format", "csv", "-o", str(tmp_path / "rules.csv"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "auditkit: error: --list and --needs have no form csv\nhint: take --format text or --format json\n"


def test_an_answer_that_ends_in_an_error_leaves_no_file(tmp_path: Path) -> None:
    assert auditkit("--needs", "nobody", "-o", str(tmp_path / "needs.txt")).returncode == 2
    assert list(tmp_path.iterdir()) == []


def sudoers(*audits: Audit) -> str:
    """The lines of sudoers as a file."""
    return "\n".join((*wanted.sudoers("local", audits), ""))


def allowed(text: str, *commands: list[str]) -> list[bool]:
    """Which commands sudo lets the account run by these lines, in a mount namespace; first `visudo -c` reads them."""
    checks = "".join(f"sudo -l -U nobody -- {shlex.join(each)} >/dev/null 2>&1; echo $?\n" for each in commands)
    script = f"cat >$0 && chmod 440 $0 && visudo -qcf $0 && mount --bind $0 /etc/sudoers && {{ {checks} }}"
    with tempfile.NamedTemporaryFile() as file:
        argv = ["unshare", "--mount", "sh", "-c", script, file.name]
        lines = text.replace(f"{wanted.ACCOUNT} ALL=(root) NOPASSWD: ALL\n", "").replace(f"{wanted.ACCOUNT} ALL", "nobody ALL")
        done = subprocess.run(argv, input=lines, capture_output=True, text=True, check=False, timeout=60)
    assert not done.returncode, done.stdout + done.stderr
    return [line == "0" for line in done.stdout.split()]


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("visudo"), reason="sudo is not installed, or cannot be asked")
def test_sudo_allows_what_is_asked_and_nothing_else() -> None:
    odd = audit(command(r"/usr/bin/env -f=${a:b},%{c}\n [d] *?! #e"), command("/usr/bin/id"))
    text = sudoers(odd, protections.AUDIT, ssh.AUDIT)
    needs = (need for each in (odd, protections.AUDIT, ssh.AUDIT) for need in each.needs)
    asked = [need.what.split(" ") for need in needs if need.means is Means.COMMAND]
    there = [words for words in asked if Path(words[0]).exists()]
    assert allowed(text, *there) == [True] * len(there)
    others = (["/usr/bin/id", "-u"], ["/usr/bin/env", "sh"], ["/usr/bin/env", "-f=${a:b},%{c}\\n", "d", "x", "#e"], ["/bin/sh"])
    assert allowed(text, *others) == [False] * len(others)


def test_no_line_allows_more_than_what_is_asked() -> None:
    """A command without words would be allowed with any, and `*` stands for any number of them: sudoers(5)."""
    text = sudoers(*AUDITS)
    assert '    /usr/sbin/iptables-save "", \\\n' in text
    for line in re.findall(r"(?m)^    (.*?)(?:, \\)?$", text):
        assert re.fullmatch(r'/\S+ (?:""|(?:[^\\,:=*?\[\]!#]|\\.)+)', line), line


def test_all_that_is_run_is_named_by_a_whole_path() -> None:
    for each in (accounts.AUDIT, preload.AUDIT, protections.AUDIT, ssh.AUDIT):
        assert all(need.what.startswith("/") for need in (*each.needs, *each.then) if need.means is Means.COMMAND)
