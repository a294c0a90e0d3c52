"""The headers of an rpm database against the keys of their vendors: real ones, and packages built and signed here."""

import os
import shutil
import struct
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1, sha256
from pathlib import Path

import pytest
import zstandard
from rpmfiles import DATA, KEYS, SHARED, Value, header, ndb, sqlite

from auditkit.errors import FormatError
from auditkit.model import Gap, Kind
from auditkit.packages import Shipped, rpm, rpm_header, rpmdb
from auditkit.vendor.rpmkeys import Doubt, Verdict, verdicts

pytestmark = pytest.mark.skipif(not shutil.which("gpgv"), reason="gpgv is not installed")
MARINER = "2BC94FFF7015A5F28F1537AD0CD9FED33135CE90"
SUSE = "FEAB502539D846DB2C0961CA70AF9E8139DB7C82"
RED_HAT = "567E347AD0044ADE55BA8A5F199E2F91FD431D51"
TOOL: dict[int, Value] = {1000: "tool", 1001: "1.2", 1002: "3", 1022: "noarch"}
DOES_NOT_FIT = "the vendor's signature does not hold: a signature does not fit what is signed"
NOT_GIVEN = "the vendor's signature does not hold: signed by a key that is in no keyring given: "


def judged(blobs: list[bytes], *keys: bytes, proved: dict[str, str] | None = None) -> list[Verdict]:
    told = list(verdicts(blobs, keys, proved=proved or {}))
    assert not [one for one in told if isinstance(one, Gap)]
    return [one for one in told if isinstance(one, Verdict)]


def vendor(name: str) -> bytes:
    return (KEYS / f"{name}.asc").read_bytes()


def headers(name: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted(DATA.glob(f"{name}-*.header"))]


# real packages, real keys


@pytest.mark.parametrize(("name", "key"), [("mariner", MARINER), ("suse-15", SUSE)])
def test_real_packages_are_their_vendors(name: str, key: str) -> None:
    """SUSE's key has expired since, which says nothing of a package that was signed before."""
    told = judged(headers(name), vendor(name))
    assert [(one.doubt, one.key, one.manifest.proof) for one in told] == [(None, key, "signed")] * 3
    assert told[0].manifest.source == f"signed header, key {key}"


@pytest.mark.parametrize(
    ("file", "name", "key", "number"),
    [
        ("cbl-mariner-2.0/rpmdb.sqlite", "mariner", MARINER, 129),
        ("sle15-bci/Packages.db", "suse-15", SUSE, 35),
        ("libuuid/Packages", "red-hat-8", RED_HAT, 1),
    ],
)
def test_every_package_of_a_whole_system_is_its_vendors(file: str, name: str, key: str, number: int) -> None:
    if not SHARED.is_dir():
        pytest.skip("the whole databases are not here; only cuts of them are kept with the tests")
    told = judged([one for one in rpmdb.headers((SHARED / file).read_bytes()) if isinstance(one, bytes)], vendor(name))
    assert [(one.doubt, one.key) for one in told] == [(None, key)] * number


def test_a_berkeley_database_proves_itself_too() -> None:
    data = zstandard.decompress((DATA / "red-hat-8.Packages.zst").read_bytes())
    (told,) = verdicts(rpmdb.headers(data), [vendor("red-hat-8")])
    assert isinstance(told, Verdict)
    assert (told.doubt, told.key) == (None, RED_HAT)


def test_with_another_vendors_key_nothing_is_proved() -> None:
    told = judged(headers("mariner"), vendor("suse-15"))
    assert {(one.doubt, one.reason, one.manifest.proof) for one in told} == {
        (Doubt.UNPROVED, NOT_GIVEN + MARINER[-16:], "local")
    }


def test_several_keys_are_given_at_once() -> None:
    blobs = headers("mariner") + headers("suse-15")
    assert [one.key for one in judged(blobs, vendor("suse-15"), vendor("mariner"))] == [MARINER] * 3 + [SUSE] * 3


@pytest.mark.parametrize("kind", ["sqlite", "ndb"])
def test_one_digit_of_one_file_is_found_in_exactly_that_package(kind: str, tmp_path: Path) -> None:
    blobs = headers("mariner")
    digest = rpm.manifest(rpm_header.parse(blobs[1]), "", "").files[0].digests[0].partition(":")[2].encode()
    other = (b"0" if digest[:1] != b"0" else b"1") + digest[1:]
    forged = [blobs[0], with_digests(blobs[1].replace(digest, other)), blobs[2]]
    data = ndb(forged) if kind == "ndb" else sqlite(forged, tmp_path / "db")
    told = [one for one in verdicts(rpmdb.headers(data), [vendor("mariner")]) if isinstance(one, Verdict)]
    assert [(one.doubt, one.reason) for one in told] == [(None, ""), (Doubt.BAD, DOES_NOT_FIT), (None, "")]


def with_digests(blob: bytes) -> bytes:
    """The header with the digests of its region made right again, as a careful intruder would."""
    told = rpm_header.parse(blob)
    right = {269: sha1(told.region).hexdigest(), 273: sha256(told.region).hexdigest()}
    for tag, digest in right.items():
        blob = blob.replace(told.added.text(tag).encode(), digest.encode()) if told.added.text(tag) else blob
    return blob


def test_a_careless_change_is_found_by_the_digest() -> None:
    blob = headers("mariner")[0].replace(b"\0noarch\0", b"\0x86_64\0").replace(b"\0x86_64\0", b"\0noarx!\0", 1)
    (told,) = judged([blob], vendor("mariner"))
    assert (told.doubt, told.reason) == (Doubt.BAD, "the header is not what its SHA1 says")


def test_what_was_proved_before_is_not_checked_again() -> None:
    (told,) = judged(headers("mariner")[:1], vendor("mariner"))
    (again,) = judged(headers("mariner")[:1], vendor("suse-15"), proved={told.digest: told.key})
    assert again == told


# packages of our own


@dataclass(frozen=True)
class Signer:
    """A key of gpg in a home of its own."""

    home: Path
    address: str

    def run(self, *words: str, data: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--yes", *words]
        return subprocess.run(command, input=data, capture_output=True, check=True).stdout

    def public(self) -> bytes:
        return self.run("--armor", "--export", self.address)

    def key(self) -> str:
        lines = self.run("--with-colons", "--fingerprint", self.address).decode().splitlines()
        return next(line.split(":")[9] for line in lines if line.startswith("fpr"))

    def signature(self, told: dict[int, Value], *words: str) -> bytes:
        """A signature over the region of a header with these tags."""
        how = words or ("--detach-sign",)
        return self.run("--local-user", self.address, *how, data=rpm_header.parse(header(told)).region)


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signer]:
    """A vendor."""
    yield from signer_in(tmp_path_factory.mktemp("v"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signer]:
    """Another one, whose key is not given."""
    yield from signer_in(tmp_path_factory.mktemp("s"))


def signer_in(home: Path) -> Iterator[Signer]:
    if not shutil.which("gpg"):
        pytest.skip("gpg is not installed")
    home.chmod(0o700)
    made = Signer(home, "office@example.org")
    made.run("--passphrase", "", "--quick-generate-key", made.address, "rsa2048", "sign", "never")
    yield made
    subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "gpg-agent"], check=False)


def test_one_of_the_many_signatures_of_rpm_6_is_enough(signer: Signer, stranger: Signer) -> None:
    both: dict[int, Value] = {278: [b64encode(one.signature(TOOL)).decode() for one in (stranger, signer)]}
    (told,) = judged([header(TOOL, both)], signer.public())
    assert (told.doubt, told.key) == (None, signer.key())


def test_but_none_of_them_may_be_wrong(signer: Signer) -> None:
    over_another = signer.signature({**TOOL, 1000: "other"})
    both: dict[int, Value] = {278: [b64encode(one).decode() for one in (signer.signature(TOOL), over_another)]}
    (told,) = judged([header(TOOL, both)], signer.public())
    assert (told.doubt, told.reason) == (Doubt.BAD, DOES_NOT_FIT)


def test_a_signed_text_in_place_of_a_signature_is_not_believed(signer: Signer) -> None:
    """The vendor's key has signed it, but it is about something else: his announcement, say."""
    (told,) = judged(
        [header(TOOL, {268: signer.signature({**TOOL, 1000: "other"}, "--sign", "--compress-algo", "none")})], signer.public()
    )
    assert told.doubt is Doubt.BAD
    assert told.reason == "a signature that is no packet of OpenPGP"


def test_a_signature_of_text_is_not_one_of_a_package(signer: Signer) -> None:
    (told,) = judged([header(TOOL, {268: signer.signature(TOOL, "--textmode", "--detach-sign")})], signer.public())
    assert (told.doubt, told.reason) == (Doubt.BAD, "a signature of another type than that of a package")


def test_a_signature_over_sha_1_proves_nothing(signer: Signer) -> None:
    weak = signer.signature(TOOL, "--digest-algo", "SHA1", "--detach-sign")
    (told,) = judged([header(TOOL, {268: weak})], signer.public())
    assert told.doubt is Doubt.UNPROVED
    assert told.reason == "the vendor's signature does not hold: a signature rests on a digest that is broken"


def test_what_nobody_signed_says_so() -> None:
    plain, old = judged([header(TOOL), header(TOOL, {259: b"old"})], vendor("mariner"))
    assert (plain.doubt, plain.reason) == (Doubt.UNSIGNED, "nobody signed it")
    assert old.doubt is Doubt.UNSIGNED
    assert old.reason == "only the whole package file was signed, and the database keeps no more than its header"


def test_a_header_without_a_part_that_can_be_signed_is_not_proved_by_a_signature_of_nothing(signer: Signer) -> None:
    of_nothing = signer.run("--local-user", signer.address, "--detach-sign")
    tags = struct.pack(">8I", 1000, 6, 0, 1, 1001, 6, 5, 1) + struct.pack(">8I", 1002, 6, 7, 1, 268, 7, 9, len(of_nothing))
    data = b"evil\0" + b"1\0" + b"1\0" + of_nothing
    (told,) = judged([struct.pack(">2I", 4, len(data)) + tags + data], signer.public())
    assert (told.doubt, told.reason) == (Doubt.UNSIGNED, "it was made before rpm 4, whose headers have a part that is signed")


def test_an_imported_key_is_said_to_be_one() -> None:
    (told,) = judged([header({1000: "gpg-pubkey", 1001: "fd431d51", 1002: "4ae0493b"})], vendor("mariner"))
    assert (told.doubt, told.reason) == (
        Doubt.UNSIGNED,
        "it is no package but a key that was imported, which nobody signs",
    )


def test_a_damaged_header_hides_no_other() -> None:
    lost = Gap("page 7 of rpmdb.sqlite", "the packages on it are lost")
    blobs: list[bytes | Gap] = [headers("mariner")[0], b"broken", lost, header({**TOOL, 1117: ["x"]}), headers("mariner")[1]]
    told = list(verdicts(blobs, [vendor("mariner")]))
    assert told[1:4] == [
        Gap("a package in the rpm database", "its header is damaged: a header of 6 bytes"),
        lost,
        Gap("package tool:noarch", "its header is damaged: names of files that do not fit the names of directories"),
    ]
    assert [one.doubt for one in (told[0], told[4]) if isinstance(one, Verdict)] == [None, None]


@pytest.mark.parametrize(
    "key", [b"", b"not a key", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n####\n-----END PGP PUBLIC KEY BLOCK-----\n"]
)
def test_what_is_no_key_is_refused_before_anything_is_read(key: bytes) -> None:
    with pytest.raises(FormatError, match="a keyring cannot be read"):
        list(verdicts(headers("mariner"), [key]))


# rpm itself

SPEC = """
Name: %{office}
Version: 1.2
Release: 3
Epoch: 2
Summary: A tool of the office
License: MIT
BuildArch: noarch
%description
Nothing.
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/etc %{buildroot}/usr/share/doc %{buildroot}/var/log
echo hello > %{buildroot}/usr/bin/%{office}
ln -s %{office} %{buildroot}/usr/bin/%{office}-link
touch %{buildroot}/etc/%{office}.conf %{buildroot}/etc/%{office}-maybe.conf %{buildroot}/var/log/%{office}.log
touch "%{buildroot}/etc/café %{office}" %{buildroot}/usr/share/doc/%{office}
%post
chmod 4755 /usr/bin/%{office}
%files
%attr(2755,root,mail) %caps(cap_net_raw,cap_net_admin=ep) /usr/bin/%{office}
/usr/bin/%{office}-link
%config(noreplace) %verify(not mode user) /etc/%{office}.conf
%config(missingok) /etc/%{office}-maybe.conf
"/etc/café %{office}"
%doc /usr/share/doc/%{office}
%ghost /var/log/%{office}.log
"""


@dataclass(frozen=True)
class Office:
    """A database of rpm with packages of our own."""

    folder: Path

    def rpm(self, *words: str) -> str:
        done = subprocess.run(["rpm", "--dbpath", str(self.folder / "db"), *words], capture_output=True, check=True)
        return done.stdout.decode()

    def build(self, name: str, signer: Signer | None) -> None:
        top = str(self.folder / "top")
        options = ["--define", f"_topdir {top}", "--define", f"office {name}"]
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(self.folder)}
        subprocess.run(
            ["rpmbuild", "-bb", *options, str(self.folder / "spec")], check=True, capture_output=True, env=environment
        )
        file = f"{top}/RPMS/noarch/{name}-1.2-3.noarch.rpm"
        if signer:
            names = ["--define", f"_gpg_name {signer.address}", "--define", "__gpg /usr/bin/gpg"]
            environment["GNUPGHOME"] = str(signer.home)
            subprocess.run(["rpmsign", *names, "--addsign", file], check=True, capture_output=True, env=environment)
        self.rpm("--justdb", "--nodeps", "--noscripts", "--nosignature", "-i", file)

    def headers(self) -> list[bytes | Gap]:
        log = self.folder / "db" / rpmdb.LOG
        data = (self.folder / "db" / rpmdb.FILES[0]).read_bytes()
        return list(rpmdb.headers(data, log.read_bytes() if log.exists() else b""))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, signer: Signer, stranger: Signer) -> Office:
    """Three packages: signed by the vendor, by another one, and by nobody."""
    if not shutil.which("rpmbuild") or not shutil.which("rpmsign"):
        pytest.skip("rpmbuild is not installed")
    made = Office(tmp_path_factory.mktemp("office"))
    (made.folder / "spec").write_text(SPEC, "utf-8")
    for name, by in (("ours", signer), ("theirs", stranger), ("nobodys", None)):
        made.build(name, by)
    return made


def test_each_package_is_whose_it_is(office: Office, signer: Signer) -> None:
    told = [one for one in verdicts(office.headers(), [signer.public()]) if isinstance(one, Verdict)]
    assert {one.manifest.package.name: (one.doubt, one.key) for one in told} == {
        "ours": (None, signer.key()),
        "theirs": (Doubt.UNPROVED, ""),
        "nobodys": (Doubt.UNSIGNED, ""),
    }


def test_the_manifest_is_what_the_spec_asked_for(office: Office) -> None:
    (blob,) = [one for one in office.headers() if isinstance(one, bytes) and b"\0nobodys\0" in one]
    told = rpm.manifest(rpm_header.parse(blob), "local", "")
    empty = f"sha256:{sha256().hexdigest()}"
    hello = "sha256:" + sha256(b"hello\n").hexdigest()
    assert (told.package.version, told.package.key, told.scripts) == (
        "2:1.2-3",
        "nobodys:noarch",
        "chmod 4755 /usr/bin/nobodys",
    )
    capabilities = "cap_net_admin,cap_net_raw=ep"
    assert {file.path: file for file in told.files} == {
        file.path: file
        for file in (
            Shipped("/usr/bin/nobodys", Kind.FILE, 0o2755, "root", "mail", 6, (hello,), capabilities=capabilities),
            Shipped("/usr/bin/nobodys-link", Kind.SYMLINK, None, "root", "root", target="nobodys"),
            Shipped("/etc/nobodys.conf", Kind.FILE, None, None, "root", 0, (empty,), config=True),
            Shipped("/etc/nobodys-maybe.conf", Kind.FILE, 0o644, "root", "root", 0, (empty,), config=True, optional=True),
            Shipped("/etc/café nobodys", Kind.FILE, 0o644, "root", "root", 0, (empty,)),
            Shipped("/usr/share/doc/nobodys", Kind.FILE, 0o644, "root", "root", 0, (empty,)),
            Shipped("/var/log/nobodys.log", Kind.FILE, 0o644, "root", "root", optional=True, ghost=True),
        )
    }


def test_what_rpm_lists_is_what_is_read(office: Office) -> None:
    listed = set(office.rpm("-qa", "--qf", "%{NAME} %{EVR} %{ARCH} %{INSTALLTIME}\n").splitlines())
    packages = [rpm.package(rpm_header.parse(one)) for one in office.headers() if isinstance(one, bytes)]
    assert listed == {f"{p.name} {p.version} {p.arch} {p.installed.timestamp():.0f}" for p in packages if p.installed}
