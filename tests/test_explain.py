"""What packages account for, and what not: each text says what changed, what the package ships, and what must be said."""

import time
from dataclasses import replace

import pytest

from auditkit.databases import downgraded, on_its_word
from auditkit.explain import ALTERED, MISSING, Account, Claim, explain
from auditkit.model import Change, ChangeKind, Entry, Gap, Kind, Level, Severity
from auditkit.packages import Manifest, Package, Shipped
from auditkit.packages.index import UNLISTED

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
    assert finding.severity is Severity.LOW
    assert not list(on_its_word(explain([CHANGED], account(SHIPPED))))


def test_a_version_that_the_vendor_never_had_weighs_more_than_one_of_which_nobody_knows() -> None:
    """Who replaces sshd may make up a version, its sums and its line in the log; signed lists know sshd, and not that."""
    known = account(KNOWN_BY_MD5, proof="local", digests={PATH: ("md5:b5",)})
    changes = explain([CHANGED], known)
    unlisted = Gap(f"{KEY} {NEW}", UNLISTED)
    (finding,) = on_its_word(changes, [unlisted])
    assert finding.severity is Severity.MEDIUM
    assert finding.message.endswith(f"; no signed list here names {KEY} {NEW}")
    for other in (replace(unlisted, subject="vim:amd64 9"), replace(unlisted, reason="no directory has it")):
        (finding,) = on_its_word(changes, [other])
        assert finding.severity is Severity.LOW


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


def both(*claims: Claim, change: Change = CHANGED) -> Change:
    """What is said of a change that several packages claim."""
    versions = {claim.package: claim.manifest.package.version for claim in claims}
    doers = dict.fromkeys(versions.items(), "2026-11-20 10:12")
    return told(change, Account({}, versions, now={change.path: claims}, digests={change.path: ("md5:b5",)}, doers=doers))


def claim(file: Shipped, name: str = "nginx", proof: str = "signed", *, diverted: bool = False, version: str = NEW) -> Claim:
    return Claim(Manifest(Package("dpkg", name, version, "amd64"), (file,), proof, "InRelease"), file, diverted)


def test_no_other_package_s_word_helps_a_file_that_is_not_what_its_vendor_ships() -> None:
    """A package that somebody made up has it just so; so has one that is diverted there: bash, put over chsh."""
    owner = claim(replace(SHIPPED, digests=("blake3:cc",)))
    for other in (claim(KNOWN_BY_MD5, "made-up", "local"), claim(SHIPPED, "bash", diverted=True), claim(SHIPPED, "bash")):
        altered = both(other, owner)
        assert (altered.explanation, altered.rule) == (None, ALTERED.id)


def test_what_is_elsewhere_by_a_diversion_rests_on_the_host_s_word() -> None:
    explanation = both(claim(SHIPPED, diverted=True)).explanation
    assert explanation
    assert explanation.proof == "local"
    known = Account({KEY: NEW}, {KEY: NEW}, now={PATH: (claim(SHIPPED, diverted=True),)})
    assert told(CHANGED, known) == CHANGED


def test_a_line_more_in_the_list_of_a_package_that_its_vendor_signed_is_found() -> None:
    known = account(KNOWN_BY_MD5, proof="local", digests={PATH: ("md5:b5",)}, vouched={("dpkg", KEY, NEW)})
    planted = told(added(IS), known)
    assert (planted.explanation, planted.rule, planted.severity) == (None, ALTERED.id, Severity.HIGH)
    assert planted.note == "on this host a path of nginx, which its vendor ships without it"


def test_a_conffile_of_the_past_that_its_vendor_ships_no_more_is_no_invention() -> None:
    known = account(replace(KNOWN_BY_MD5, config=True), proof="local", vouched={("dpkg", KEY, NEW)})
    assert told(CHANGED, known) == CHANGED


def test_only_the_version_that_is_installed_explains() -> None:
    known = replace(account(SHIPPED, version=OLD, before=None), installed={KEY: NEW})
    assert told(CHANGED, known) == CHANGED


@pytest.mark.parametrize(("uid", "owner"), [(4242, None), (1234, "root")])
def test_an_owner_without_a_name_or_with_that_of_root_is_not_root(uid: int, owner: str | None) -> None:
    change = replace(CHANGED, after=replace(WAS, uid=uid, owner=owner), attributes=("uid", "ctime"), rule="attributes-changed")
    shown = told(change, account(replace(SHIPPED, digests=("blake3:aa",), size=4)))
    assert (shown.explanation, shown.note) == (None, f"owner not as nginx {NEW} ships it")


def test_an_owner_that_cannot_be_told_is_not_vouched_for() -> None:
    change = replace(CHANGED, after=replace(WAS, uid=4242, owner=None), attributes=("uid",), rule="attributes-changed")
    assert told(change, account(replace(SHIPPED, owner="www-data", digests=("blake3:aa",), size=4))) == change
    unknown = replace(IS, mode=None, uid=None, gid=None)
    assert told(added(unknown), account(SHIPPED)).explanation is None


def test_one_more_name_of_a_setuid_program_is_not_explained() -> None:
    change = replace(
        CHANGED, before=replace(WAS, mode=0o4755), after=replace(WAS, mode=0o4755, links=2), attributes=("links", "ctime")
    )
    assert told(change, account(replace(SHIPPED, mode=0o4755, digests=("blake3:aa",), size=4))) == change


def test_another_label_on_a_file_that_stayed_is_not_explained_a_sum_of_its_new_content_is() -> None:
    labels = ("xattrs", "digest")
    for name, is_explained in (("security.selinux", False), ("security.ima", True), ("user.x", False)):
        change = replace(CHANGED, before=replace(WAS, xattrs=((name, "01"),)), after=replace(IS, xattrs=((name, "02"),)))
        known = told(replace(change, attributes=labels), account(SHIPPED))
        assert (known.explanation is not None) == is_explained


def test_a_touched_file_is_explained_only_if_it_is_as_shipped() -> None:
    touched = replace(CHANGED, after=replace(WAS, mtime_ns=9), attributes=("mtime",), rule="times-changed")
    assert told(touched, account(replace(SHIPPED, digests=("blake3:aa",), size=4))).explanation
    assert told(touched, account(SHIPPED)).explanation is None


def test_a_file_that_moved_within_an_upgrade_is_explained_if_both_its_places_are() -> None:
    old = "/usr/sbin/nginx-old"
    moved = replace(CHANGED, before=replace(IS, path=old), attributes=("path",), rule="path-moved")
    known = account(SHIPPED, was=account(replace(SHIPPED, path=old), version=OLD).now, vouched={("dpkg", KEY, NEW)})
    explanation = told(moved, known).explanation
    assert explanation
    assert explanation.proof == "signed"
    assert told(moved, replace(known, was={})) == moved
    still = replace(known, now={**known.now, **account(replace(SHIPPED, path=old)).now})
    assert told(moved, still) == moved


def test_a_package_that_is_older_than_it_was_is_a_finding() -> None:
    new, old = (Package("dpkg", "nginx", version, "amd64") for version in (NEW, OLD))
    known = Account({KEY: NEW}, {KEY: OLD}, packages=(old,))
    (finding,) = downgraded(known)
    assert (finding.subject, finding.message) == (KEY, f"{NEW} → {OLD}")
    assert not list(downgraded(Account({KEY: OLD}, {KEY: NEW}, packages=(new,))))


def test_links_are_as_cheap_as_files() -> None:
    """Who has root may put as many links on a disk as there are paths in a list."""
    many = [Shipped(f"/usr/lib/a/{number}", None) for number in range(20_000)]
    known = account(*many, proof="local")
    links = [Entry(one.path, Kind.SYMLINK, 0o777, 0, 0, "root", "root", target="0", xattrs=(), flags="") for one in many]
    started = time.process_time()
    assert all(change.explanation for change in explain(map(added, links), known))
    assert time.process_time() - started < 5


def test_a_program_that_only_the_host_calls_configuration_is_told_as_altered() -> None:
    conffile = replace(KNOWN_BY_MD5, config=True)
    shown = told(CHANGED, account(conffile, proof="local", digests={PATH: ("md5:ff",)}))
    assert shown.rule == ALTERED.id
