"""Databases of packages that an intruder wrote, and odd ones that are sound: nothing he made up explains anything."""

import os
from pathlib import Path

from conftest import Cli, without_past
from disks import AFTER, BEFORE, NEW, OLD, Apk, Pacman, Rpm, checked, installed, left, sha256

EVIL = {"usr/bin/evil": "nobody's\n"}


def findings(host: dict[str, object], rule: str) -> list[dict[str, str]]:
    return [one for one in host["findings"] if one["rule"] == rule]  # type: ignore[attr-defined]


def explained(host: dict[str, object], path: str) -> tuple[str, str] | None:
    (told,) = [one["explanation"] for one in host["changes"] if one["path"] == path]  # type: ignore[attr-defined]
    return (told["text"], told["proof"]) if told else None


def test_a_package_that_should_be_signed_and_is_not_weighs_more(rpm: Rpm) -> None:
    installed(rpm)
    rpm.put("demo", NEW, {**AFTER, **EVIL}, signed=False)
    host = checked(rpm)
    assert explained(host, "/usr/bin/evil") == (f"demo {OLD} → {NEW}", "local")
    (found,) = findings(host, "explained-by-the-host-alone")
    assert found["severity"] == "medium"
    assert found["message"].endswith(f"on the host's word alone; no key that is given signed demo:noarch {NEW}")
    assert rpm.cli.check().code == 1


def test_signatures_taken_away_from_a_changed_header_leave_it_unsigned(rpm: Rpm) -> None:
    """Whoever removes signature and digests has no contradiction to be found by, and no signature either."""
    installed(rpm)
    rpm.put("demo", NEW, AFTER)
    (rpm.cli.tree / "usr/sbin/demod").write_text("NEW daemon\n")
    rpm.forge(sha256("new daemon\n"), sha256("NEW daemon\n"), stripped=True)
    host = checked(rpm)
    assert explained(host, "/usr/sbin/demod") == (f"demo {OLD} → {NEW}", "local")
    assert findings(host, "explained-by-the-host-alone")[0]["severity"] == "medium"


def test_a_second_header_of_a_package_that_its_vendor_signed_adds_no_path_to_it(rpm: Rpm) -> None:
    installed(rpm)
    planted = rpm.build("demo", NEW, {**AFTER, **EVIL}, signed=False)
    rpm.rpm("-U", "--justdb", planted)
    blobs = rpm.blobs("demo")
    rpm.put("demo", OLD, BEFORE)
    rpm.put("demo", NEW, AFTER)
    rpm.add(*blobs)
    (rpm.cli.tree / "usr/bin/evil").write_text(EVIL["usr/bin/evil"])
    host = checked(rpm)
    assert left(rpm, host) == {
        "/usr/bin/evil": ("package-file-altered", "on this host a path of demo, which its vendor ships without it")
    }


def test_a_database_of_another_package_system_that_appeared_explains_nothing(cli: Cli, rpm: Rpm) -> None:
    alpine = Apk(cli)
    installed(alpine)
    rpm.put("evil", NEW, EVIL)
    host = checked(alpine)
    assert left(rpm, host) == {"/usr/bin/evil": ("path-added", "")}
    (found,) = findings(host, "package-system-appeared")
    assert (found["subject"], found["message"]) == ("rpm", "a database of rpm with 1 package: it explains nothing")


def test_two_package_systems_that_were_there_each_explain_their_own(cli: Cli, rpm: Rpm) -> None:
    alpine = Apk(cli)
    rpm.put("tool", OLD, {"usr/bin/tool": "old tool\n"})
    installed(alpine)
    rpm.put("tool", NEW, {"usr/bin/tool": "new tool\n"})
    alpine.put("demo", NEW, AFTER)
    host = checked(alpine)
    assert {path for path in left(alpine, host) if not path.startswith("/var/lib/rpm")} == set()
    assert explained(host, "/usr/bin/tool") == (f"tool {OLD} → {NEW}", "signed")
    assert explained(host, "/usr/sbin/demod") == (f"demo {OLD} → {NEW}", "local")
    assert not findings(host, "package-system-appeared")


def test_a_second_database_of_rpm_is_told_and_the_first_place_counts(rpm: Rpm) -> None:
    installed(rpm)
    rpm.put("demo", NEW, AFTER)
    planted = rpm.cli.tree / "usr/lib/sysimage/rpm"
    planted.mkdir(parents=True)
    (planted / "rpmdb.sqlite").write_bytes((rpm.cli.tree / "var/lib/rpm/rpmdb.sqlite").read_bytes())
    rpm.put("demo", OLD, BEFORE)
    host = checked(rpm)
    gap = {
        "subject": "/var/lib/rpm/rpmdb.sqlite",
        "reason": "there are two databases of rpm: only /usr/lib/sysimage/rpm/rpmdb.sqlite is read",
    }
    assert gap in without_past(host["gaps"])


def test_a_database_that_one_link_leads_to_is_one(rpm: Rpm) -> None:
    place = rpm.cli.tree / "usr/lib/sysimage/rpm"
    place.parent.mkdir(parents=True)
    (rpm.cli.tree / "var/lib/rpm").rename(place)
    (rpm.cli.tree / "var/lib/rpm").symlink_to("../../usr/lib/sysimage/rpm")
    rpm.own = "/usr/lib/sysimage/rpm"
    installed(rpm)
    rpm.put("demo", NEW, AFTER)
    host = checked(rpm)
    assert left(rpm, host) == {}
    assert not host["gaps"]


def test_a_page_of_the_database_that_is_lost_is_a_gap(rpm: Rpm) -> None:
    """Or whatever was on it would have been removed, as a package is."""
    installed(rpm)
    rpm.put("demo", NEW, AFTER)
    place = rpm.cli.tree / "var/lib/rpm/rpmdb.sqlite"
    data = place.read_bytes()
    (blob,) = rpm.blobs("other")
    page = data.index(blob[:40]) // 4096 * 4096
    place.write_bytes(data[:page] + bytes(4096) + data[page + 4096 :])
    host = checked(rpm)
    assert any("of rpmdb.sqlite" in gap["subject"] and "lost" in gap["reason"] for gap in host["gaps"])


def test_a_package_says_nothing_of_what_a_link_of_its_own_making_leads_to(cli: Cli) -> None:
    """`filesystem` says where /bin leads; that a directory of some other package leads there would pass one file as another."""
    disk = Pacman(cli)
    installed(disk)
    disk.put("filesystem", NEW, {"usr/libexec/x": "-> ../bin"})
    disk.packages["tool"] = NEW, {"usr/libexec/x/evil": EVIL["usr/bin/evil"]}
    disk.write()
    (cli.tree / "usr/bin/evil").write_text(EVIL["usr/bin/evil"])
    assert left(disk, checked(disk))["/usr/bin/evil"] == ("path-added", "")


def test_of_a_ghost_the_content_is_nobodys(rpm: Rpm) -> None:
    installed(rpm)
    rpm.put("demo", NEW, {**AFTER, "usr/bin/ghost": "what the vendor saw\n"}, {"usr/bin/ghost": "%ghost "})
    (rpm.cli.tree / "usr/bin/ghost").write_text("what the vendor saw\n")
    (rpm.cli.tree / "usr/bin/ghost").chmod(0o755)
    assert left(rpm, checked(rpm)).keys() == {"/usr/bin/ghost"}


def test_what_the_vendor_does_not_want_verified_is_not_vouched_for(rpm: Rpm) -> None:
    said = {"usr/sbin/demod": "%verify(not filedigest size mode) "}
    rpm.put("demo", OLD, BEFORE, said)
    installed(rpm)
    rpm.put("demo", NEW, AFTER, said)
    (rpm.cli.tree / "usr/sbin/demod").write_text("new daemon, and a door\n")
    assert left(rpm, checked(rpm)).keys() == {"/usr/sbin/demod"}


def test_configuration_that_an_upgrade_leaves_alone_is_not_said_to_be_the_vendors(rpm: Rpm) -> None:
    said = {"etc/demo.conf": "%config(noreplace) "}
    rpm.put("demo", OLD, BEFORE, said)
    (rpm.cli.tree / "etc/demo.conf").write_text("port 1\nmine\n")
    assert rpm.cli.baseline().code == 0
    rpm.put("demo", NEW, AFTER, said)
    assert left(rpm, checked(rpm)) == {}
    assert explained(checked(rpm), "/etc/demo.conf.rpmnew") == (f"demo {OLD} → {NEW}", "signed")


def test_the_rights_that_a_package_gives_a_program_are_its_own_and_no_more(rpm: Rpm) -> None:
    files = {**AFTER, "usr/bin/ping": "ping\n", "usr/bin/pong": "pong\n"}
    said = {"usr/bin/ping": "%attr(0755, root, root) %caps(cap_net_raw=ep) ", "usr/bin/pong": "%caps(cap_net_raw=ep) "}
    installed(rpm)
    rpm.put("demo", NEW, files, said)
    rpm.vendor.run("setcap", "cap_setuid=ep", str(rpm.cli.tree / "usr/bin/pong"))
    assert left(rpm, checked(rpm)).keys() == {"/usr/bin/pong"}


ELF = {
    bits: "\x7fELF" + chr(bits // 32) + "\1\1" + "\0" * 9 + "\2\0" + machine + "\0\1\0\0\0" + "\0" * 40
    for bits, machine in ((32, "\3"), (64, "\x3e"))
}


def test_of_programs_of_32_and_64_bits_those_of_64_are_there(rpm: Rpm) -> None:
    installed(rpm)
    built = [
        rpm.build("multi", NEW, {"usr/bin/multi": ELF[bits]}, said={"usr/bin/multi": "%attr(0755, root, root) "}, arch=arch)
        for bits, arch in ((32, "i686"), (64, "x86_64"))
    ]
    rpm.rpm("--nosignature", "--ignorearch", "-i", *built)
    assert (rpm.cli.tree / "usr/bin/multi").read_text() == ELF[64]
    host = checked(rpm)
    assert left(rpm, host) == {}
    assert explained(host, "/usr/bin/multi") == (f"multi {NEW} installed", "signed")
    (rpm.cli.tree / "usr/bin/multi").write_text(ELF[32])
    assert left(rpm, checked(rpm))["/usr/bin/multi"] == ("package-file-altered", f"not what multi {NEW} ships")


def test_an_old_version_that_is_put_back_is_told_whoever_signed_it(rpm: Rpm) -> None:
    rpm.put("demo", NEW, AFTER)
    rpm.cli.baseline()
    rpm.rpm("--nosignature", "-U", "--oldpackage", rpm.build("demo", OLD, BEFORE))
    host = checked(rpm)
    assert left(rpm, host) == {}
    assert [one["message"] for one in findings(host, "package-downgraded")] == [f"{NEW} → {OLD}"]


def test_an_epoch_decides_which_version_is_older(rpm: Rpm) -> None:
    """As modules of Red Hat's have them: 1:1.0 is newer than 2.0."""
    rpm.put("demo", "1:1.0-1", AFTER)
    rpm.cli.baseline()
    rpm.rpm("--nosignature", "-U", "--oldpackage", rpm.build("demo", "2.0-1", BEFORE))
    assert [one["message"] for one in findings(checked(rpm), "package-downgraded")] == ["1:1.0-1 → 2.0-1"]


def test_evidence_of_a_disk_whose_database_was_too_long_says_so(rpm: Rpm, tmp_path: Path) -> None:
    installed(rpm)
    rpm.put("demo", NEW, AFTER)
    os.truncate(rpm.database, 1 << 30)
    file = tmp_path / "taken.evidence.zst"
    rpm.cli.run("collect", rpm.cli.host, "-o", str(file), "--store", str(rpm.cli.store), "-q")
    rpm.cli.word = f"evidence:{file}"
    host = checked(rpm)
    assert "/usr/sbin/demod" in left(rpm, host)
    assert any(gap["subject"] == "/var/lib/rpm/rpmdb.sqlite" and "longer than" in gap["reason"] for gap in host["gaps"])
