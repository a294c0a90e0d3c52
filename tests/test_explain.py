"""What packages account for, and what not: each text says what changed, what the package ships, and what must be said."""

from dataclasses import replace

import pytest

from auditkit.explain import ALTERED, MISSING, Account, Claim, explain, on_its_word
from auditkit.model import Change, ChangeKind, Entry, Kind, Level, Severity
from auditkit.packages import Manifest, Package, Shipped

OLD, NEW = "1.22.1-9", "1.22.1-9+deb12u1"
KEY = "nginx:amd64"
PATH = "/usr/sbin/nginx"
WAS = Entry(PATH, Kind.FILE, 0o755, 0, 0, "root", "root", 4, 1, 1, 1, 7, 1, digests=("blake3:aa",), flags="", xattrs=())
IS = replace(WAS, digests=("blake3:bb",), size=5, mtime_ns=2, ctime_ns=2, inode=8)
CHANGED = Change(
    PATH,
    ChangeKind.CHANGED,
    WAS,
    IS,
    ("digest", "size", "mtime", "ctime", "inode"),
    Severity.MEDIUM,
    Level.CONTENT,
    "content-changed",
)
SHIPPED = Shipped(PATH, Kind.FILE, 0o755, "root", "root", 5, ("blake3:bb", "sha256:b2"))
KNOWN_BY_MD5 = Shipped(PATH, Kind.FILE, digests=("md5:b5",))


def account(*files: Shipped, version: str = NEW, proof: str = "signed", before: str | None = OLD, **more: object) -> Account:
    """A host where nginx came from OLD to a version that ships these files."""
    manifest = Manifest(Package("dpkg", "nginx", version, "amd64"), files, proof, "InRelease")
    claims = {file.path: (Claim(manifest, file),) for file in files}
    then = {} if before is None else {KEY: before}
    doers = {(KEY, version): "2026-11-20 10:12"}
    return replace(Account(then, {KEY: version}, now=claims, doers=doers), **more)  # type: ignore[arg-type]


def told(change: Change, known: Account) -> Change:
    (after,) = explain([change], known)
    return after


def added(entry: Entry) -> Change:
    return Change(entry.path, ChangeKind.ADDED, None, entry, ("path",), Severity.MEDIUM, Level.CONTENT, "path-added")


def test_a_file_is_explained_that_is_as_the_new_version_ships_it() -> None:
    explanation = told(CHANGED, account(SHIPPED)).explanation
    assert explanation
    assert (explanation.by, explanation.proof) == ("package", "signed")
    assert explanation.text == "nginx 1.22.1-9 → 1.22.1-9+deb12u1 (2026-11-20 10:12)"


def test_who_ran_the_upgrade_is_said() -> None:
    doers = {(KEY, NEW): "apt-get upgrade by anna on 2026-11-20 at 10:12"}
    explanation = told(CHANGED, account(SHIPPED, doers=doers)).explanation
    assert explanation
    assert explanation.text.endswith("(apt-get upgrade by anna on 2026-11-20 at 10:12)")


def test_an_upgrade_at_that_time_is_no_proof() -> None:
    altered = told(CHANGED, account(replace(SHIPPED, digests=("blake3:cc",))))
    assert altered.explanation is None
    assert altered.rule == ALTERED.id
    assert altered.severity is Severity.HIGH
    assert altered.note == f"not what nginx {NEW} ships"


def test_the_host_s_own_database_proves_less_and_says_so() -> None:
    known = account(KNOWN_BY_MD5, proof="local", digests={PATH: ("md5:b5",)})
    explanation = told(CHANGED, known).explanation
    assert explanation
    assert explanation.proof == "local"


def test_a_new_version_that_the_log_does_not_know_explains_nothing() -> None:
    known = account(KNOWN_BY_MD5, proof="local", digests={PATH: ("md5:b5",)}, doers={})
    assert told(CHANGED, known) == CHANGED


def test_changes_explained_on_the_host_s_word_alone_are_named_once() -> None:
    known = account(KNOWN_BY_MD5, proof="local", digests={PATH: ("md5:b5",)})
    (finding,) = on_its_word(explain([CHANGED, CHANGED], known))
    assert finding.message == "2 changes are explained by 1 package on the host's word alone"
    assert not list(on_its_word(explain([CHANGED], account(SHIPPED))))


def test_where_no_digest_can_be_compared_nothing_is_explained_and_nothing_is_called_altered() -> None:
    assert told(CHANGED, account(KNOWN_BY_MD5, proof="local")) == CHANGED


def test_the_vendor_s_word_counts_more_than_that_of_the_host() -> None:
    """Who changes sshd writes its md5sums anew."""
    signed, local = account(replace(SHIPPED, digests=("blake3:cc",))), account(SHIPPED, proof="local")
    both = replace(signed, now={PATH: (*local.now[PATH], *signed.now[PATH])})
    assert told(CHANGED, both).rule == ALTERED.id


@pytest.mark.parametrize("attribute", ["mode", "uid", "gid", "xattrs", "flags", "target", "kind", "device", "something new"])
def test_what_else_changed_of_the_file_must_be_accounted_for_too(attribute: str) -> None:
    """The right content does not explain a setuid bit: the database of dpkg says nothing of modes."""
    after = replace(IS, mode=0o4755, uid=1000, gid=1000, xattrs=(("security.capability", "01"),), flags="i")
    change = replace(CHANGED, after=after, attributes=(*CHANGED.attributes, attribute))
    known = account(KNOWN_BY_MD5, proof="local", digests={PATH: ("md5:b5",)})
    explained = told(change, known).explanation is not None
    assert explained == (attribute == "target")  # of a file, which has none


def test_a_signed_mode_that_is_not_that_of_the_file_is_named() -> None:
    change = replace(CHANGED, after=replace(IS, mode=0o4755), attributes=("digest", "mode"), rule="setuid-gained")
    told_of = told(change, account(SHIPPED))
    assert told_of.explanation is None
    assert (told_of.rule, told_of.note) == ("setuid-gained", f"mode not as nginx {NEW} ships it")


def test_a_mode_that_a_maintainer_script_set_and_that_did_not_change_is_no_reason() -> None:
    change = replace(CHANGED, before=replace(WAS, mode=0o2755), after=replace(IS, mode=0o2755))
    assert told(change, account(SHIPPED)).explanation


def test_a_version_that_did_not_change_explains_only_with_the_vendor_s_word() -> None:
    """The file was altered when the baseline was made, and a reinstall put it right."""
    explanation = told(CHANGED, account(SHIPPED, version=OLD)).explanation
    assert explanation
    assert explanation.text == f"as nginx {OLD} ships it"
    known = account(KNOWN_BY_MD5, version=OLD, proof="local", digests={PATH: ("md5:b5",)})
    assert told(CHANGED, known) == CHANGED


@pytest.mark.parametrize(
    ("entry", "is_explained"),
    [
        (IS, True),
        (replace(IS, mode=0o4755), False),
        (replace(IS, mode=0o666), False),
        (replace(IS, uid=33), False),
        (replace(IS, xattrs=(("security.capability", "01"),)), False),
        (replace(IS, xattrs=(("security.selinux", "01"),)), True),
        (replace(IS, flags="i"), False),
        (replace(IS, mode=None), False),
    ],
)
def test_a_new_file_of_which_the_database_knows_the_content_must_be_plain(entry: Entry, is_explained: bool) -> None:
    known = account(KNOWN_BY_MD5, proof="local", digests={PATH: ("md5:b5",)})
    assert (told(added(entry), known).explanation is not None) == is_explained


@pytest.mark.parametrize(
    ("target", "is_explained"),
    [
        ("libz.so.1.2.13", True),
        ("../lib/libz.so.1.2.13", True),
        ("/usr/lib/libz.so.1.2.13", True),
        ("/tmp/x", False),
        ("", False),
    ],
)
def test_a_new_link_of_which_the_target_is_not_known_must_stay_in_its_package(target: str, is_explained: bool) -> None:
    link = Shipped("/usr/lib/libz.so.1", None)
    known = account(link, Shipped("/usr/lib/libz.so.1.2.13", Kind.FILE), proof="local")
    entry = Entry(link.path, Kind.SYMLINK, 0o777, 0, 0, "root", "root", target=target, xattrs=(), flags="")
    assert (told(added(entry), known).explanation is not None) == is_explained


def test_a_file_is_explained_that_left_with_its_package() -> None:
    gone = Change(PATH, ChangeKind.REMOVED, WAS, None, ("path",), Severity.MEDIUM, Level.CONTENT, "path-removed")
    old = account(SHIPPED, version=OLD)
    explanation = told(gone, Account({KEY: OLD}, {}, was=old.now, doers={(KEY, ""): "2026-11-20 10:12"})).explanation
    assert explanation
    assert explanation.text == f"nginx {OLD} removed (2026-11-20 10:12)"
    assert told(gone, Account({KEY: OLD}, {}, was=old.now)) == gone
    assert told(gone, Account({KEY: OLD}, {KEY: OLD}, was=old.now)) == gone


def test_a_directory_goes_with_all_that_packages_had_in_it_and_comes_with_what_they_put_there() -> None:
    directory = Entry("/usr/sbin", Kind.DIRECTORY, 0o755, 0, 0, "root", "root", xattrs=(), flags="")
    gone = Change(PATH, ChangeKind.REMOVED, WAS, None, ("path",), Severity.MEDIUM, Level.CONTENT, "path-removed")
    folder = replace(gone, path=directory.path, before=directory)
    unknown = replace(gone, path="/usr/sbin/mine")
    old = Account({KEY: OLD}, {}, was=account(SHIPPED, version=OLD).now, doers={(KEY, ""): "2026-11-20 10:12"})
    assert [change.explanation is not None for change in explain((folder, gone), old)] == [True, True]
    assert [change.explanation is not None for change in explain((folder, gone, unknown), old)] == [False, True, False]
    new, open_to_all = added(directory), added(replace(directory, mode=0o777))
    file = added(IS)
    assert [change.explanation is not None for change in explain((new, file), account(SHIPPED))] == [True, True]
    assert [change.explanation is not None for change in explain((open_to_all, file), account(SHIPPED))] == [False, True]
    assert [change.explanation is not None for change in explain((new,), account(SHIPPED))] == [False]


def test_a_file_that_is_gone_though_its_package_has_it_is_said_so() -> None:
    gone = Change(PATH, ChangeKind.REMOVED, WAS, None, ("path",), Severity.LOW, Level.CONTENT, "path-removed")
    missing = told(gone, account(SHIPPED))
    assert (missing.rule, missing.severity, missing.explanation) == (MISSING.id, Severity.MEDIUM, None)
    assert told(gone, account(replace(SHIPPED, config=True))) == gone


def test_configuration_that_its_admin_changed_stays_and_is_called_so() -> None:
    conffile = replace(SHIPPED, config=True)
    shown = told(replace(CHANGED, after=replace(IS, digests=("blake3:cc",))), account(conffile))
    assert (shown.explanation, shown.rule, shown.note) == (None, "content-changed", f"configuration of nginx {NEW}")
    explanation = told(CHANGED, account(conffile)).explanation
    assert explanation
    assert explanation.by == "conffile"


def test_what_is_explained_already_stays_as_it_is() -> None:
    log = told(CHANGED, account(SHIPPED))
    assert told(log, account(replace(SHIPPED, digests=("blake3:cc",)))) == log
