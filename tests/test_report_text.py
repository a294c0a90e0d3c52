"""Text reports, whole, as an admin reads them at night."""

import struct
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from auditkit import report, words
from auditkit.model import (
    BaselineFacts,
    Change,
    ChangeKind,
    Entry,
    Explanation,
    Finding,
    Gap,
    HostReport,
    Kind,
    Level,
    Quote,
    Rule,
    Severity,
)
from auditkit.report import document

NIGHT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
BASE = BaselineFacts("/b/web1.7", datetime(2026, 8, 1, 12, 0, 5, tzinfo=UTC), 7, "anna@office", 41_208, "linux")
TWIN = Rule("uid-zero-twin", "A second account is root", Severity.CRITICAL, "Two roots.", "Close it.")
FILE = Entry("/", Kind.FILE, mode=0o644, uid=0, gid=0, owner="root", group="root", size=84, mtime_ns=1_785_585_600 * 10**9)
LATER = 1_795_487_400 * 10**9
HOSTILE = "/tmp/\x1b[31m\u202eevil\n\udcff\\"
CAP_SETUID = struct.pack("<IIIII", 0x02000001, 1 << 7, 0, 0, 0).hex()


def changed(
    path: str, rule: str, severity: Severity, old: dict[str, Any], new: dict[str, Any], *attributes: str, note: str = ""
) -> Change:
    """A path that is not as it was."""
    before, after = replace(FILE, path=path, **old), replace(FILE, path=path, **new)
    return Change(path, ChangeKind.CHANGED, before, after, attributes, severity, Level.CONTENT, rule, note)


def added(path: str, severity: Severity = Severity.MEDIUM, rule: str = "path-added", **more: Any) -> Change:
    """A path that was not there."""
    return Change(path, ChangeKind.ADDED, None, replace(FILE, path=path, **more), (), severity, Level.CONTENT, rule)


def removed(path: str, **more: Any) -> Change:
    """A path that is gone."""
    return Change(
        path, ChangeKind.REMOVED, replace(FILE, path=path, **more), None, (), Severity.LOW, Level.CONTENT, "path-removed"
    )


def told(*hosts: HostReport, following: tuple[str, ...] = (), **options: Any) -> str:
    """The text of a report on these hosts."""
    made = document.to_document(document.Report("check", "auditkit 0.1", NIGHT, NIGHT, hosts, following))
    return "".join(report.render(made, "text", report.Options(**options)))


NIGHTLY = HostReport(
    "web1",
    BASE,
    {"entries": 41_208},
    (
        added("/etc/cron.d/upd", Severity.HIGH),
        changed(
            "/etc/hosts",
            "content-changed",
            Severity.MEDIUM,
            {},
            {"size": 99, "mtime_ns": LATER},
            "digest",
            "size",
            "mtime",
            "ctime",
        ),
        changed("/etc/localtime", "link-retargeted", Severity.MEDIUM, {"target": "UTC"}, {"target": HOSTILE}, "target"),
        changed("/etc/motd", "times-changed", Severity.LOW, {"inode": 1}, {"mtime_ns": LATER, "inode": 2}, "mtime", "inode"),
        changed("/etc/shadow", "attributes-changed", Severity.HIGH, {}, {"uid": 33, "owner": "www-data"}, "uid"),
        changed("/usr/bin/passwd", "setuid-gained", Severity.HIGH, {}, {"mode": 0o4755}, "mode"),
        changed(
            "/usr/bin/py", "capability-gained", Severity.HIGH, {}, {"xattrs": (("security.capability", CAP_SETUID),)}, "xattrs"
        ),
        changed("/usr/sbin/sshd", "content-changed-quietly", Severity.CRITICAL, {}, {}, "digest"),
        changed("/var/x", "kind-changed", Severity.MEDIUM, {}, {"kind": Kind.SYMLINK}, "kind", note="file → symlink"),
        removed("/etc/gone"),
        *(
            replace(added(f"/usr/lib/{name}"), explanation=Explanation("package", text, "signed"))
            for name, text in (("a", "vim 9.1-2"), ("b", "vim 9.1-2"), ("c", "sudo 1.9-3"))
        ),
    ),
    (
        Finding(TWIN, "account toor", "toor has uid 0", Severity.CRITICAL, (Quote("/etc/passwd", 3, "toor:x:0:0:\x1b]0;:"),)),
        Finding(TWIN, "account app", "app has uid 0", Severity.LOW, remedy="Ask Bob."),
    ),
    (Gap("/root", "permission denied"), *(Gap(f"/home/{name}", "permission denied") for name in "abc")),
    ("the policy changed since the baseline was made",),
)


def test_a_night() -> None:
    """One line a change, worst last; findings, gaps, notes; the verdict and what to do."""
    assert (
        told(NIGHTLY, following=("auditkit explain content-changed-quietly", "auditkit accept web1 '/etc/a b'"))
        == r"""web1  against baseline 7 of 2026-08-01 12:00:05Z, signed by anna@office  (41 208 paths)
  U /etc/motd                                           low       times-changed
      mtime 2026-08-01 12:00:00Z → 2026-11-24 02:30:00Z, inode 1 → 2
  - /etc/gone        file 0644 root:root, 84 bytes      low       path-removed
  M /etc/hosts                                          medium    content-changed
      content changed, size 84 → 99, modified 2026-11-24 02:30:00Z
  M /etc/localtime                                      medium    link-retargeted
      target UTC → /tmp/\x1b[31m\xe2\x80\xaeevil\x0a\xff\\
  T /var/x           file → symlink                     medium    kind-changed
  + /etc/cron.d/upd  file 0644 root:root, 84 bytes      high      path-added
  U /etc/shadow      owner root → www-data              high      attributes-changed
  U /usr/bin/passwd  mode 0644 → 4755                   high      setuid-gained
  U /usr/bin/py      capabilities none → cap_setuid=ep  high      capability-gained
  ? /usr/sbin/sshd                                      critical  content-changed-quietly
      content changed, size and time of change did not
  3 changes are explained by 2 package upgrades (signed; --all shows them)
      sudo 1.9-3
      vim 9.1-2
  ! app has uid 0  low  uid-zero-twin
      do: Ask Bob.
  ! toor has uid 0  critical  uid-zero-twin
      /etc/passwd:3: toor:x:0:0:\x1b]0;:
      do: Close it.
  gap  /root: permission denied
  gap  3 paths below /home: permission denied
  note  the policy changed since the baseline was made
web1: 10 changes, 2 findings (2 critical, 4 high, 3 medium, 3 low), 4 gaps: NOT CLEAN

Next:
  auditkit explain content-changed-quietly
  auditkit accept web1 '/etc/a b'
"""
    )


@pytest.mark.parametrize(
    ("host", "verdict"),
    [
        (
            HostReport("web1", BASE, {"entries": 41_208}),
            "web1: looked at everything that the policy watches (41 208 paths); nothing changed",
        ),
        (
            HostReport("web1", counts={"entries": 7}, gaps=(Gap("/root", "denied"),)),
            "web1: INCOMPLETE: 1 gap; nothing is known of what could not be seen; nothing found in the rest",
        ),
        (HostReport("web1", gaps=(Gap("integrity", "no baseline"),)), "web1: INCOMPLETE: 1 gap; nothing was looked at"),
        (HostReport("web1", untrusted="the seal is bad"), "web1: UNTRUSTED: nothing was compared: the seal is bad"),
    ],
)
def test_the_last_line_of_a_host_is_its_verdict(host: HostReport, verdict: str) -> None:
    """The last line of a host says how it stands, and only one that was wholly seen may be called good."""
    assert told(host).rstrip().split("\n")[-1] == verdict


def test_hostile_commands_can_be_pasted_and_do_nothing_to_the_terminal() -> None:
    """What cannot be shown stands in the shell's own notation, one word as before."""
    assert told(following=("auditkit accept web1 '/a\x1b[2J b\udcff'", "auditkit 'open\x1b")) == (
        "Next:\n  auditkit accept web1 $'/a\\x1b[2J b\\xff'\n  # not to be pasted: auditkit 'open\\x1b\n"
    )


def test_a_narrow_terminal_and_colours() -> None:
    """What finds no room goes on below; colours are plain SGR around whole lines."""
    host = HostReport(
        "web1",
        changes=(changed("/usr/bin/passwd", "setuid-gained", Severity.HIGH, {}, {"mode": 0o4755, "size": 9}, "mode", "size"),),
    )
    assert told(host, width=60, color=True) == (
        "web1\n"
        "\x1b[31m  U /usr/bin/passwd    high      setuid-gained\x1b[0m\n"
        "\x1b[31m      mode 0644 → 4755, size 84 → 9\x1b[0m\n"
        "\x1b[31mweb1: 1 change (1 high): NOT CLEAN\x1b[0m\n"
        "\n"
    )


def test_a_new_tree_is_one_line_but_hides_no_setuid_program() -> None:
    """The directory stands for what is below it and no worse; with few entries each is told."""
    tree = [added(f"/opt/x/{number}") for number in range(30)]
    few = [added("/srv", kind=Kind.DIRECTORY, size=None), added("/srv/a")]
    host = HostReport(
        "web1",
        changes=(
            added("/opt/x", kind=Kind.DIRECTORY, mode=0o755, size=None),
            *tree,
            added("/opt/x/su", Severity.HIGH, "setuid-gained", mode=0o4755),
            *few,
        ),
    )
    assert (
        told(host)
        == """\
web1
  + /opt/x and 30 entries below  directory 0755 root:root       medium    path-added
  + /srv                         directory 0644 root:root       medium    path-added
  + /srv/a                       file 0644 root:root, 84 bytes  medium    path-added
  + /opt/x/su                    file 4755 root:root, 84 bytes  high      setuid-gained
web1: 34 changes (1 high, 33 medium): NOT CLEAN

"""
    )


def test_minor_changes_that_say_the_same_are_one_line() -> None:
    """After an upgrade hundreds are left that nobody reads; another kind, note or severity among them stands by itself."""
    place = "/usr/lib/python3.13"
    leftovers = tuple(replace(added(f"{place}/{n}/x.pyc", Severity.LOW), note="nothing compiled it again") for n in range(40))
    strange = (added(f"{place}/7/y.pyc", Severity.LOW), added(f"{place}/9/su", Severity.HIGH, "setuid-gained", mode=0o4755))
    host = HostReport("web1", changes=(*leftovers, *strange))
    assert (
        told(host)
        == """\
web1
  + /usr/lib/python3.13/0/x.pyc                                 low       path-added
      nothing compiled it again, and 39 more like it below /usr/lib/python3.13 (--all shows them)
  + /usr/lib/python3.13/7/y.pyc  file 0644 root:root, 84 bytes  low       path-added
  + /usr/lib/python3.13/9/su     file 4755 root:root, 84 bytes  high      setuid-gained
web1: 42 changes (1 high, 41 low): NOT CLEAN

"""
    )
    assert told(host, show_all=True).count("x.pyc") == 40
    few = HostReport("web1", changes=leftovers[:5])
    assert told(few).count("x.pyc") == 5


def test_what_contradicts_its_package_stands_last_of_its_severity() -> None:
    """A tired reader looks at the last lines."""
    host = HostReport(
        "web1",
        changes=(
            changed("/usr/sbin/sshd", "package-file-altered", Severity.HIGH, {}, {}, "digest"),
            added("/usr/x", Severity.HIGH),
        ),
    )
    assert [line.split()[1] for line in told(host).split("\n")[1:3]] == ["/usr/x", "/usr/sbin/sshd"]


@pytest.mark.parametrize(
    ("of_change", "of_finding", "ordered"),
    [
        (Severity.HIGH, Severity.MEDIUM, ["!", "+"]),
        (Severity.HIGH, Severity.HIGH, ["+", "!"]),
        (Severity.LOW, Severity.HIGH, ["+", "!"]),
        (Severity.LOW, Severity.INFO, ["!", "+"]),
    ],
)
def test_the_worst_of_a_host_stands_last_be_it_a_change_or_a_finding(
    of_change: Severity, of_finding: Severity, ordered: list[str]
) -> None:
    """Next to the gaps and the verdict, where the eye rests: not above all the remarks."""
    rule = Rule("a-rule", "A rule", of_finding, "So it is.", "")
    found = Finding(rule, "sshd", "it is so", of_finding)
    host = HostReport("web1", changes=(added("/usr/x", of_change),), findings=(found,))
    assert [line.split()[0] for line in told(host).split("\n")[1:3]] == ordered


def test_the_worst_is_named_again_where_a_screen_of_other_things_stands_behind_it() -> None:
    severities = (Severity.HIGH,) * 3 + (Severity.CRITICAL, Severity.HIGH)
    grave = tuple(Finding(TWIN, f"a{n}", f"a{n} has uid 0", severity) for n, severity in enumerate(severities))
    few, many = (tuple(Gap(f"/{n}", f"reason {n}") for n in range(number)) for number in (3, 30))
    assert told(HostReport("web1", findings=grave, gaps=few)).count("a3 has uid 0") == 1
    *_, one, two, three, rest, verdict, _ = told(HostReport("web1", findings=grave, gaps=many)).splitlines()
    assert one == "  critical: a3 has uid 0  uid-zero-twin"
    assert (two[:7], three[:7]) == ("  high:", "  high:")
    assert rest == "  ... and 2 more that are high or critical, further up"
    assert verdict.endswith("NOT CLEAN")


def test_who_upgraded_is_said_once() -> None:
    """Packages stand below the command that installed them; those of which it is not known who did it, below that."""
    apt = "`apt-get full-upgrade` by anna, 2026-11-20 10:1"
    texts = [*(f"lib{n} 1 → 2 ({apt}{n % 3})" for n in range(10)), "vim 9.1-2 (2026-11-21 08:00)", "old 1 removed (`apt x`, )"]
    changes = tuple(replace(added(f"/{text}"), explanation=Explanation("package", text, "signed")) for text in texts)
    assert (
        told(HostReport("web1", changes=changes), width=80)
        == """\
web1
  12 changes are explained by 12 package upgrades (signed; --all shows them)
      10 by `apt-get full-upgrade` by anna, 2026-11-20:
        lib0 1 → 2, lib1 1 → 2, lib2 1 → 2, lib3 1 → 2, lib4 1 → 2, lib5 1 → 2,
        lib6 1 → 2, lib7 1 → 2, and 2 more
      old 1 removed (`apt x`, )
      vim 9.1-2 (2026-11-21 08:00)
web1: looked at everything that was asked for; nothing found

"""
    )


def test_the_difference_of_a_kept_text() -> None:
    """A short unified diff, hostile lines made harmless, the rest counted."""
    old, new = "a\nb\nc\n", "a\n\x1b[2J\nc\n" + "".join(f"{n}\n" for n in range(30))
    text = told(
        HostReport("h", changes=(changed("/f", "content-changed", Severity.LOW, {"content": old}, {"content": new}, "digest"),))
    )
    assert text.split("\n")[1:9] == [
        "  M /f  content changed  low       content-changed",
        "        @@ -1,3 +1,33 @@",
        "         a",
        "        -b",
        "        +\\x1b[2J",
        "         c",
        "        +0",
        "        +1",
    ]
    assert text.split("\n")[-4] == "        ... and 15 more lines"


def test_texts_that_would_cost_too_much_are_not_compared() -> None:
    """difflib needs the square of the lines: a saved report must not stop the reader for hours."""
    long, many = "x" * 70_000, "a\n" * 2_000
    text = told(
        HostReport(
            "h",
            changes=(
                changed("/f", "content-changed", Severity.LOW, {"content": long}, {"content": ""}, "digest"),
                changed("/g", "content-changed", Severity.LOW, {"content": many}, {"content": ""}, "digest"),
            ),
        )
    )
    assert "        the texts are too long to be shown here\n" in text
    assert "        the texts have too many lines to be compared here\n" in text


def test_all_texts_together_are_bounded() -> None:
    """200 lines of differences in all; each file that is cut says so."""
    new = {"content": "".join(f"{n}\n" for n in range(30))}
    many = tuple(changed(f"/{n}", "content-changed", Severity.LOW, {"content": ""}, new, "digest") for n in range(30))
    lines = told(HostReport("h", changes=many)).split("\n")
    assert sum(line.startswith("        +") for line in lines) <= 200
    assert sum("more line" in line for line in lines) == 30


def test_many_gaps_are_counted() -> None:
    """Twenty lines, then the number of the rest."""
    gaps = tuple(Gap(f"/d{number}/f", "denied") for number in range(30))
    text = told(HostReport("h", gaps=gaps))
    assert text.count("  gap  /d") == 20
    assert "  gap  ... and 10 more (--format json names all)\n" in text
    assert "clean" not in text.lower()


def test_a_timeline_shows_what_was_backdated() -> None:
    """What changed its status since a moment, as `--since` asks."""
    moment = {
        "time": "2026-11-24T02:30:00.000000001Z",
        "path": HOSTILE,
        "kind": "file",
        "modified": "2019-01-01T00:00:00.000000000Z",
    }
    host = HostReport("h", facts={"timeline": [{**moment, "backdated": True}, {**moment, "path": "/b", "backdated": False}]})
    assert told(host) == (
        "h\n"
        "  2026-11-24 02:30:00Z  /tmp/\\x1b[31m\\xe2\\x80\\xaeevil\\x0a\\xff\\\\  file"
        ", says it was modified 2019-01-01 00:00:00Z: BACKDATED\n"
        "  2026-11-24 02:30:00Z  /b  file\n"
        "h: looked at everything that was asked for; nothing found\n"
        "\n"
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (struct.pack("<IIIII", 0x02000001, 1 << 7, 0, 0, 0), "cap_setuid=ep"),
        (struct.pack("<IIIII", 0x02000000, 1 << 10, 1 << 13, 0, 0), "cap_net_bind_service=p cap_net_raw=i"),
        (struct.pack("<IIIII", 0x02000001, 1, 1, 1 << 8, 0), "cap_checkpoint_restore=ep cap_chown=eip"),
        (struct.pack("<III", 0x01000001, 1 << 21, 0), "cap_sys_admin=ep"),
        (struct.pack("<IIIIII", 0x03000001, 1 << 7, 0, 1 << 30, 0, 1000), "cap_setuid,cap_62=ep rootid=1000"),
        (struct.pack("<IIIII", 0x02000000, 0, 0, 0, 0), "="),
        (b"", None),
        (b"\1\0\0\2", None),
    ],
)
def test_file_capabilities_in_words(data: bytes, said: str | None) -> None:
    """All three revisions of linux/capability.h; what is none of them stays in hex."""
    assert words.capability(data) == said


def test_acls_in_words() -> None:
    """As getfacl(1) writes them, numbers for names."""
    entries = ((1, 6, 2**32 - 1), (2, 6, 1000), (4, 4, 2**32 - 1), (16, 6, 2**32 - 1), (32, 0, 2**32 - 1))
    data = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    said = "user::rw-,user:1000:rw-,group::r--,mask::rw-,other::---"
    assert words.decoded("system.posix_acl_access", data.hex()) == said
    assert words.acl(data[:-1]) is None
    assert words.acl(struct.pack("<IHHI", 2, 64, 7, 0)) is None


def test_other_attributes_stay_harmless() -> None:
    """Unknown ones in hex, labels as text, and what is no hex at all printable."""
    assert words.attributes({"user.a": "1b", "security.selinux": "611b00", "user.b": "\x1b"}) == {
        "user.a": "1b",
        "security.selinux": "a\\x1b",
        "user.b": "\\x1b",
    }


def test_what_is_the_same_on_many_hosts_is_said_once_but_nothing_that_is_high() -> None:
    weak = Rule("ssh-algorithm-weak", "Weak", Severity.LOW, "Old.", "MACs -hmac-sha1, then: auditkit audit")
    hosts = []
    for name in ("ws-01", "ws-02", "ws-03"):
        minor = Finding(weak, "sshd", "it offers hmac-sha1", Severity.LOW, (), f"MACs -hmac-sha1, then: auditkit audit {name}")
        twin = Finding(TWIN, "account toor", "toor has uid 0, as root has", Severity.CRITICAL)
        own = Finding(weak, "dropbear", f"it offers {name.removeprefix('ws-0')}des-cbc", Severity.LOW)
        hosts.append(HostReport(name, counts={"audits": 1}, findings=(minor, twin, own)))
    shown = told(*hosts)
    assert shown.count("it offers hmac-sha1") == 1
    assert (
        "on 3 hosts: ws-01, ws-02, ws-03\n"
        "  ! sshd: it offers hmac-sha1  low  ssh-algorithm-weak\n"
        "      do: MACs -hmac-sha1, then: auditkit audit HOST\n"
    ) in shown
    assert shown.count("toor has uid 0") == 3
    assert shown.count("des-cbc") == 3
    assert shown.count("  ! and 1 finding that others have as well, above\n") == 3
    assert shown.count(": 3 findings (1 critical, 2 low): NOT CLEAN") == 3
    assert told(*hosts, show_all=True).count("it offers hmac-sha1") == 3
    assert told(*hosts[:2]).count("it offers hmac-sha1") == 2


def test_a_remark_is_one_line_beside_what_is_to_be_done() -> None:
    remark = Rule("ssh-rsa-size", "Short keys are taken", Severity.INFO, "So it is.", "Say more.")
    findings = (
        Finding(TWIN, "bob", "bob is root", TWIN.severity, (Quote("/etc/passwd", 3, "bob"),)),
        Finding(remark, "sshd", "1024 is enough", Severity.INFO, (Quote("/etc/ssh/sshd_config", 1, "RequiredRSASize 1024"),)),
    )
    host = HostReport("web1", findings=findings)
    text = told(host)
    assert "  ! sshd: 1024 is enough  info  ssh-rsa-size\n  ! bob is root" in text
    assert "Say more." not in text
    assert "      do: Close it." in text
    assert "Say more." in told(host, show_all=True)


def test_quotes_and_what_to_do_are_broken_at_the_width_of_the_reader_and_no_command_is() -> None:
    remedy = (
        "See what it does. Turn it off: mv /etc/cron.d/upd /root/ (undo: mv /root/upd /etc/cron.d/); systemctl reload cron."
    )
    quote = Quote("/etc/cron.d/upd", 3, "* * * * * root /usr/local/sbin/upd --from https://mirror.example/upd \x1b --quiet")
    found = Finding(TWIN, "/etc/cron.d/upd", "it is odd", Severity.HIGH, (quote,), remedy=remedy)
    lines = told(HostReport("web1", findings=(found,)), width=70).splitlines()
    assert lines[1:-2] == [
        "  ! /etc/cron.d/upd: it is odd  high  uid-zero-twin",
        "      /etc/cron.d/upd:3: * * * * * root /usr/local/sbin/upd --from",
        "          https://mirror.example/upd \\x1b --quiet",
        "      do: See what it does. Turn it off:",
        "          mv /etc/cron.d/upd /root/ (undo: mv /root/upd /etc/cron.d/);",
        "          systemctl reload cron.",
    ]
