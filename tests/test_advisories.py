"""`--advisories FILE`: each form is recognised by its content, read strictly, and held against what a host really has."""

import gzip
import json
import os
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest
from conftest import Cli
from hypothesis import given
from hypothesis import strategies as st
from test_accounts import told
from test_packages_audit import NOW, machine

from auditkit.advisories import Advice, Feed, debian, dsa, kev, osv
from auditkit.audits import packages
from auditkit.commands import advising
from auditkit.errors import FormatError

TRACKER = {
    "openssl": {
        "CVE-2026-1": {
            "scope": "remote",
            "releases": {
                "trixie": {"status": "resolved", "fixed_version": "3.5.1-1+deb13u2", "urgency": "high", "repositories": {}},
                "bookworm": {"status": "open", "urgency": "low", "nodsa": "Minor issue", "nodsa_reason": ""},
            },
        },
        "CVE-2026-2": {"releases": {"trixie": {"status": "resolved", "fixed_version": "9", "urgency": "unimportant"}}},
        "CVE-2026-3": {"releases": {"trixie": {"status": "resolved", "fixed_version": "0", "urgency": "not yet assigned"}}},
        "CVE-2026-4": {"releases": {"trixie": {"status": "open", "urgency": "medium"}}},
    },
    "bash": {"TEMP-0001-ABCDEF": {"releases": {"trixie": {"status": "resolved", "fixed_version": "5.2-1", "urgency": "low"}}}},
}
DSA = """\
[23 Nov 2026] DSA-6000-1 openssl - security update
\t{CVE-2026-1 CVE-2026-9}
\t[bookworm] - openssl 3.0.19-1~deb12u1
\t[trixie] - openssl 3.5.1-1+deb13u2
\tNOTE: something
[01 Jan 2026] DSA-5900-2 bash - regression update
\t[trixie] - bash 5.2-1
"""
KEV = {"catalogVersion": "2026.11.23", "dateReleased": "2026-11-23T15:00:00Z", "vulnerabilities": [{"cveID": "CVE-2026-9"}]}
OSV = {
    "id": "DSA-6000-1",
    "modified": "2026-11-23T10:00:00Z",
    "published": "2026-11-22T10:00:00Z",
    "upstream": ["CVE-2026-1"],
    "affected": [
        {
            "package": {"ecosystem": "Debian:13", "name": "openssl"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.5.1-1+deb13u2"}]}],
        },
        {"package": {"ecosystem": "PyPI", "name": "x"}, "ranges": []},
        {
            "package": {"ecosystem": "Ubuntu:24.04:LTS", "name": "openssl"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        },
    ],
}


def file(folder: Path, name: str, text: str | bytes) -> str:
    """A file of the day on which the tests look at their machines."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    return str(path)


def zipped(folder: Path, *records: object) -> str:
    path = folder / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, record in enumerate(records):
            archive.writestr(f"{number}.json", json.dumps(record))
    return str(path)


def test_the_tracker_says_what_is_closed_in_which_release(tmp_path: Path) -> None:
    (feed,) = advising.read([file(tmp_path, "any.name", json.dumps(TRACKER))])
    assert (feed.kind, feed.made) == (debian.KIND, NOW.date())
    assert feed.advice == {
        ("debian", "trixie", "openssl"): (Advice("CVE-2026-1", "3.5.1-1+deb13u2"), Advice("CVE-2026-4", "")),
        ("debian", "bookworm", "openssl"): (Advice("CVE-2026-1", "", minor=True),),
        ("debian", "trixie", "bash"): (Advice("TEMP-0001-ABCDEF", "5.2-1"),),
    }


def test_a_list_of_advisories_has_days_and_other_names(tmp_path: Path) -> None:
    (feed,) = advising.read([file(tmp_path, "list", DSA)])
    advice = Advice("DSA-6000-1", "3.5.1-1+deb13u2", names=("CVE-2026-1", "CVE-2026-9"), published=date(2026, 11, 23))
    assert (feed.kind, feed.made) == (dsa.KIND, date(2026, 11, 23))
    assert feed.advice["debian", "trixie", "openssl"] == (advice,)


def test_the_catalog_of_exploited_holes_has_no_versions(tmp_path: Path) -> None:
    (feed,) = advising.read([file(tmp_path, "kev", json.dumps(KEV))])
    assert (feed.kind, feed.exploited, feed.advice) == (kev.KIND, frozenset({"CVE-2026-9"}), {})


@pytest.mark.parametrize("form", ["one", "lines", "zip"])
def test_records_of_osv_come_alone_as_lines_or_zipped(form: str, tmp_path: Path) -> None:
    other = {**OSV, "id": "DSA-6001-1", "withdrawn": "2026-11-23T10:00:00Z"}
    if form == "zip":
        path = zipped(tmp_path, OSV, other)
    else:
        path = file(tmp_path, "x", json.dumps(OSV, indent=1) if form == "one" else f"{json.dumps(OSV)}\n{json.dumps(other)}\n")
    (feed,) = advising.read([path])
    assert (feed.kind, feed.made) == (osv.KIND, date(2026, 11, 23))
    assert feed.advice == {
        ("debian", "trixie", "openssl"): (
            Advice("DSA-6000-1", "3.5.1-1+deb13u2", names=("CVE-2026-1",), published=date(2026, 11, 22)),
        ),
        ("ubuntu", "24.04", "openssl"): (Advice("DSA-6000-1", "", names=("CVE-2026-1",), published=date(2026, 11, 22)),),
    }


HARMED = {
    "empty": b"",
    "a word": b"hello\n",
    "cut tracker": json.dumps(TRACKER).encode()[:200],
    "tracker with more": json.dumps(TRACKER).encode() + b"x",
    "tracker of another shape": b'{"openssl": {"CVE-2026-1": {"releases": ["trixie"]}}}',
    "tracker of an odd state": b'{"openssl": {"CVE-2026-1": {"releases": {"trixie": {"status": "maybe"}}}}}',
    "list with another line": DSA.encode() + b"what is this\n",
    "list of no day": b"[99 Foo 2026] DSA-1-1 x\n",
    "catalog of another shape": b'{"cveID": 1}',
    "deep": b'{"catalogVersion": ' + b"[" * 100_000,
    "osv of another shape": b'{"schema_version": "1", "id": "X-1", "affected": [1]}',
    "osv with an odd version": json.dumps(OSV).replace("3.5.1-1", "$(x) ").encode(),
    "damaged zip": b"PK\x03\x04" + b"\0" * 100,
    "gzip": gzip.compress(DSA.encode()),
}


@pytest.mark.parametrize("harm", HARMED)
def test_a_file_that_is_none_is_one_clear_line_and_exit_2(harm: str, tmp_path: Path, cli: Cli) -> None:
    done = cli.run("audit", "--only", "packages", "--advisories", file(tmp_path, "bad", HARMED[harm]), f"root:{tmp_path}")
    errors = [line for line in done.err.splitlines() if "error:" in line]
    assert (done.code, len(errors)) == (2, 1), done.err
    assert f"{tmp_path}/bad is no advisories that can be used: " in errors[0]


def test_a_file_that_is_not_there_is_named(tmp_path: Path, cli: Cli) -> None:
    done = cli.run("scan", "--advisories", str(tmp_path / "none"), f"root:{tmp_path}")
    assert (done.code, f"{tmp_path}/none cannot be read: No such file or directory" in done.err) == (2, True)


def test_day_and_digest_of_each_file_are_said(tmp_path: Path, cli: Cli) -> None:
    done = cli.run("audit", "--only", "packages", "--advisories", file(tmp_path, "list", DSA), f"root:{tmp_path}")
    assert f"auditkit: advisories: {tmp_path}/list: a list of Debian's security advisories of 2026-11-23, sha256:" in done.err


JSONS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["CVE-2026-1", "openssl", "resolved", "0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["releases", "status", "fixed_version", "affected", "id", "ranges", "events", "package", "vulnerabilities", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSONS, st.sampled_from(["tracker", "osv", "kev"]))
def test_json_of_any_shape_is_read_or_refused(shape: object, form: str) -> None:
    with suppress(FormatError):
        if form == "tracker":
            debian.read(json.dumps({"openssl": {"CVE-2026-1": shape}, "bash": shape}), "x", "", None)
        elif form == "osv":
            osv.read([json.dumps({**OSV, "affected": [shape]}).encode(), json.dumps(shape).encode()], "x", "")
        else:
            kev.read(json.dumps(shape).encode(), "x", "")


READERS: dict[str, Callable[[bytes], Feed]] = {
    "list": lambda data: dsa.read(data, "x", ""),
    "tracker": lambda data: debian.read(data.decode("latin-1"), "x", "", None),
    "catalog": lambda data: kev.read(data, "x", ""),
    "records": lambda data: osv.read(osv.records(data), "x", ""),
}
BEGINNINGS = (DSA.encode(), json.dumps(TRACKER).encode()[:150], b"")


@given(st.binary(max_size=300), st.sampled_from(BEGINNINGS), st.sampled_from(list(READERS)))
def test_any_bytes_behind_a_good_beginning_are_read_or_refused(data: bytes, begin: bytes, form: str) -> None:
    with suppress(FormatError):
        READERS[form](begin + data)


# what they mean for a host

CASE = {
    "installed": "openssl 3.5.1-1+deb13u1\nlibssl3 3.5.1-1+deb13u1+b1 source=openssl\nbash 5.2-1\n"
    "openssl-tool 1.0 source=openssl\n",
    "main 2026-11-20": "bash 5.2-1\nopenssl 3.5.1-1\n",
    "security 2026-11-24": "openssl 3.5.1-1+deb13u2\nlibssl3 3.5.1-1+deb13u2\n",
    "vendor 2026-11-24": "openssl-tool 1.0\n",
    "/etc/os-release": 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n',
}


CLOSED = "DSA-6000-1 is closed in 3.5.1-1+deb13u2, published on 2026-11-23"


def said(tmp_path: Path, *paths: str) -> list[str]:
    """What is said of advisories, of that machine."""
    audit = packages.advised_by(advising.read(paths))
    root = tmp_path / "root"
    root.mkdir()
    return [
        line
        for one in audit.judge(machine(dict(CASE), root))
        for line in told(one).splitlines()
        if "advisor" in line or "DSA" in line
    ]


def test_what_is_closed_in_the_release_and_not_installed_is_told_but_not_of_packages_of_others(tmp_path: Path) -> None:
    assert said(tmp_path, file(tmp_path, "list", DSA)) == [
        "gap advisories: 1 of 4 packages are not judged: they are not from Debian, or no list says where from",
        "low advisory-fix-missing packages: 2 packages lack fixes that an advisory names: DSA-6000-1",
        f"  /var/lib/dpkg/status:0: openssl:amd64 3.5.1-1+deb13u1: {CLOSED}",
        f"  /var/lib/dpkg/status:0: libssl3:amd64 3.5.1-1+deb13u1+b1: {CLOSED}",
    ]


def test_what_is_used_in_attacks_counts_more(tmp_path: Path) -> None:
    told = said(tmp_path, file(tmp_path, "list", DSA), file(tmp_path, "kev", json.dumps(KEV)))
    assert told[1] == (
        "high advisory-fix-missing packages: 2 packages lack fixes that an advisory names,"
        " 1 of them of holes used in attacks: DSA-6000-1"
    )


def test_holes_without_a_fix_are_one_number(tmp_path: Path) -> None:
    told = said(tmp_path, file(tmp_path, "tracker", json.dumps(TRACKER)))
    assert (
        "medium advisory-fix-missing packages: 2 packages lack fixes that an advisory names: CVE-2026-1; 1 more without a fix"
        in told
    )


def test_a_file_of_last_month_is_a_gap(tmp_path: Path) -> None:
    old = DSA.replace("23 Nov 2026", "20 Oct 2026")
    assert any(
        "of 2026-10-20, 35 days old: what was published since is not in it" in line
        for line in said(tmp_path, file(tmp_path, "x", old))
    )


def test_advisories_of_another_release_say_nothing_and_that_is_told(tmp_path: Path) -> None:
    told = said(tmp_path, file(tmp_path, "x", DSA.replace("[trixie]", "[sid]")))
    assert told == ["gap advisories: none of them says anything of Debian GNU/Linux 13 (trixie)"]


def test_facts_name_the_files_and_what_is_missing(tmp_path: Path) -> None:
    feed = Feed("f", "k", "sha256:00", date(2026, 11, 24), {("debian", "trixie", "bash"): (Advice("CVE-1-2", "6"),)})
    audit = packages.advised_by((feed,))
    assert audit.facts
    facts = audit.facts(machine(dict(CASE), tmp_path))["advisories"]
    assert facts == {
        "files": [{"file": "f", "kind": "k", "date": "2026-11-24", "digest": "sha256:00"}],
        "missing": [{"package": "bash:amd64", "id": "CVE-1-2", "fixed": "6", "names": []}],
        "open": 0,
        "not_judged": 1,
    }
