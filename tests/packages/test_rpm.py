"""rpm headers: the package and the files that one tells of, what is signed of it, and what is refused."""

import random
import struct
from dataclasses import fields
from datetime import UTC, datetime

import pytest
from rpmfiles import DATA, REAL, Value, header

from auditkit.errors import FormatError, UntrustedError
from auditkit.model import Kind
from auditkit.packages import Package, Shipped, rpm, rpm_header

TOOL: dict[int, Value] = {1000: "tool", 1001: "1.2", 1002: "3.el9", 1022: "x86_64"}
SHA256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


ONE_PATH: dict[int, Value] = {**TOOL, 1030: (3, [0o100755]), 1116: (4, [0]), 1117: ["tool"], 1118: ["/usr/bin/"]}


def parsed(told: dict[int, Value], added: dict[int, Value] | None = None) -> rpm_header.Header:
    return rpm_header.parse(header(told, added))


def one_file(
    added: dict[int, Value] | None = None,
    *,
    mode: int = 0o100755,
    flags: int = 0,
    verify: int = 0xFFFFFFFF,
    digest: str = SHA256,
    target: str = "",
    caps: str = "",
    lang: str = "",
) -> Shipped:
    """The only file of a package: a plain program, but for what is given."""
    told: dict[int, Value] = {
        **TOOL,
        1028: (4, [5]),
        1030: (3, [mode]),
        1035: [digest],
        1036: [target],
        1037: (4, [flags]),
        1039: ["root"],
        1040: ["mail"],
        1045: (4, [verify]),
        1097: [lang],
        1116: (4, [0]),
        1117: ["tool"],
        1118: ["/usr/bin/"],
        5010: [caps],
        5011: (4, [8]),
    }
    (file,) = rpm.manifest(parsed(told, added), "local", "test").files
    return file


def differs(file: Shipped) -> dict[str, object]:
    """What of a file is not as for the plain program."""
    plain = one_file()
    names = [field.name for field in fields(Shipped)]
    return {name: getattr(file, name) for name in names if getattr(file, name) != getattr(plain, name)}


# a package


def test_a_real_package() -> None:
    told = rpm_header.parse((DATA / "suse-15-libcap2.header").read_bytes())
    assert rpm.package(told) == Package(
        system="rpm",
        name="libcap2",
        version="2.26-4.6.1",
        arch="x86_64",
        source="libcap",
        installed=datetime(2021, 12, 3, 11, 18, 30, tzinfo=UTC),
    )


def test_a_real_manifest() -> None:
    told = rpm_header.parse((DATA / "suse-15-libcap2.header").read_bytes())
    link, library, _folder, text = rpm.manifest(told, "signed", "a test").files
    assert link == Shipped("/usr/lib64/libcap.so.2", Kind.SYMLINK, owner="root", group="root", target="libcap.so.2.26")
    digest = "sha256:2e38ee4d55ef22240b30210e3ac058da89b2aca153494271a169f8de70152847"
    assert library == Shipped("/usr/lib64/libcap.so.2.26", Kind.FILE, 0o644, "root", "root", 18984, (digest,))
    assert text.path == "/usr/share/licenses/libcap2/License"


def test_the_epoch_is_part_of_the_version_if_there_is_one() -> None:
    assert rpm.package(parsed(TOOL)).version == "1.2-3.el9"
    assert rpm.package(parsed(TOOL | {1003: (4, [2])})).version == "2:1.2-3.el9"


def test_scripts_are_those_that_run_at_the_installation() -> None:
    told = parsed(TOOL | {1024: "chmod 4755 /usr/bin/tool", 1023: "useradd tool", 1026: "userdel tool", 1065: ["one", "two"]})
    assert rpm.manifest(told, "local", "").scripts == "useradd tool\nchmod 4755 /usr/bin/tool\none\ntwo"


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({1000: ""}, "it has not a name"),
        ({1001: ""}, "it has not a version or an architecture"),
        ({1002: "1\n2"}, r"not a version or an architecture: 1\x0a2"),
        ({1022: "x" * 300}, f"not a version or an architecture: {'x' * 100}"),
    ],
)
def test_a_package_by_an_odd_name_is_refused(odd: dict[int, Value], said: str) -> None:
    with pytest.raises(FormatError) as refused:
        rpm.package(parsed({**TOOL, **odd}))
    assert str(refused.value) == said


def test_a_key_that_was_imported_is_a_package_without_architecture() -> None:
    told = parsed({1000: "gpg-pubkey", 1001: "fd431d51", 1002: "4ae0493b"})
    assert rpm.package(told).key == "gpg-pubkey"


# its files


def test_a_plain_program() -> None:
    assert one_file() == Shipped(
        "/usr/bin/tool", Kind.FILE, 0o755, "root", "mail", 5, (f"sha256:{SHA256}",), None, None, config=False, optional=False
    )


def test_what_the_flags_say() -> None:
    left_out: dict[int, Value] = {1029: (2, [2])}
    assert differs(one_file(flags=1)) == {"config": True}
    assert differs(one_file(flags=1 | 8)) == {"config": True, "optional": True}
    assert differs(one_file(flags=64)) == {"optional": True, "size": None, "digests": (), "ghost": True}
    assert differs(one_file(flags=2)) == {}
    assert differs(one_file(left_out, flags=2)) == {"optional": True}
    assert differs(one_file(left_out, lang="de")) == {"optional": True}


def test_what_machine_a_program_is_for_is_told_by_its_color() -> None:
    colors = {
        color: rpm.manifest(parsed({**ONE_PATH, 1140: (4, [color])}), "local", "test").files[0].bits for color in range(4)
    }
    assert colors == {0: 0, 1: 32, 2: 64, 3: 0}


def test_a_program_is_not_optional_because_somebody_says_it_was_not_installed() -> None:
    assert differs(one_file({1029: (2, [2])})) == {}


def test_what_the_vendor_does_not_want_verified_is_not_told() -> None:
    without = {1: ("digests", ()), 2: ("size", None), 8: ("owner", None), 16: ("group", None), 64: ("mode", None)}
    for bit, (name, value) in without.items():
        assert differs(one_file(verify=0xFFFFFFFF & ~bit)) == {name: value}


def test_a_link_has_a_target_and_no_mode_of_its_own() -> None:
    assert differs(one_file(mode=0o120777, target="../lib/tool", digest="")) == {
        "kind": Kind.SYMLINK, "mode": None, "size": None, "digests": (), "target": "../lib/tool",
    }  # fmt: skip


def test_a_set_of_rights_beyond_the_usual() -> None:
    assert differs(one_file(mode=0o106755)) == {"mode": 0o6755}
    assert differs(one_file(mode=0o041777)) == {"kind": Kind.DIRECTORY, "mode": 0o1777, "size": None, "digests": ()}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("cap_net_raw=ep", "cap_net_raw=ep"),
        ("= cap_net_admin,cap_net_raw+p", "cap_net_admin,cap_net_raw=p"),  # libcap before 2.30
        ("cap_chown=ep cap_kill+i", "cap_chown=ep cap_kill+i"),
    ],
)
def test_capabilities_are_told_as_new_libcap_writes_them(written: str, told: str) -> None:
    assert differs(one_file(caps=written)) == {"capabilities": told}


def test_a_file_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(FormatError, match="/usr/bin/tool is of no kind of file"):
        one_file(mode=0o755)
    for digest in ("abc", SHA256.upper()):
        with pytest.raises(FormatError, match="the digest of /usr/bin/tool is no sha256"):
            one_file(digest=digest)


def path_of(directory: str, name: str) -> str:
    told = parsed({**TOOL, 1030: (3, [0o100644]), 1116: (4, [0]), 1117: [name], 1118: [directory]})
    return rpm.manifest(told, "local", "").files[0].path


def test_a_path_is_its_directory_and_its_name() -> None:
    assert path_of("/usr/bin/", "tool") == "/usr/bin/tool"
    assert path_of("/", "") == "/"
    assert path_of("/usr//lib/./", "tool") == "/usr/lib/tool"


@pytest.mark.parametrize(("directory", "name"), [("/usr/../etc/", "shadow"), ("/usr/", ".."), ("/", "x" * 5000)])
def test_a_path_that_leads_elsewhere_is_refused(directory: str, name: str) -> None:
    with pytest.raises(FormatError, match="not a path that a package may ship"):
        path_of(directory, name)


def test_a_few_bytes_that_name_a_long_directory_again_and_again_are_refused() -> None:
    lists: dict[int, Value] = {1116: (4, [0] * 10_000), 1117: ["f"] * 10_000, 1118: ["/" + "d" * 4000 + "/"]}
    with pytest.raises(FormatError, match="its paths are far longer than the text that names them"):
        rpm.manifest(parsed({**TOOL, **lists}), "local", "test")


@pytest.mark.parametrize("directory", ["", "usr/"])
def test_a_source_package_is_not_taken_for_an_installed_one(directory: str) -> None:
    with pytest.raises(FormatError, match="paths that do not begin at the root, as those of a source package"):
        path_of(directory, "tool.spec")


@pytest.mark.parametrize(
    "lists", [{1116: (4, [7])}, {1116: (4, [0, 0])}, {1030: (3, [1, 2])}, {1039: ["a", "b"]}, {5011: (4, [99])}]
)
def test_lists_that_do_not_fit_each_other_are_refused(lists: dict[int, Value]) -> None:
    told = {**TOOL, 1030: (3, [0o100644]), 1116: (4, [0]), 1117: ["tool"], 1118: ["/usr/bin/"]}
    with pytest.raises(FormatError):
        rpm.manifest(parsed({**told, **lists}), "local", "")


def test_names_that_are_no_utf_8_survive() -> None:
    told = parsed({**TOOL, 1030: (3, [0o100644]), 1116: (4, [0]), 1117: ["caf\udce9"], 1118: ["/srv/"]})
    assert rpm.manifest(told, "local", "").files[0].path.encode("utf-8", "surrogateescape") == b"/srv/caf\xe9"


# what is signed of it


@pytest.mark.parametrize("blob", REAL, ids=range(len(REAL)))
def test_real_headers_are_what_their_digests_say(blob: bytes) -> None:
    told = rpm_header.parse(blob)
    rpm_header.check_digests(told)
    assert told.added.text(269) or told.added.text(273)
    assert len(rpm_header.signatures(told)) == 1


def test_a_changed_header_is_not_what_its_digest_says() -> None:
    blob = (DATA / "suse-15-libcap2.header").read_bytes()
    changed = blob.replace(b"\0libcap.so.2.26\0", b"\0libevil.so.2.2\0")
    with pytest.raises(UntrustedError, match="the header is not what its SHA1 says"):
        rpm_header.check_digests(rpm_header.parse(changed))


def test_what_was_added_never_wins_over_what_was_signed() -> None:
    forged: dict[int, Value] = {1000: "evil", 1117: ["evil"], 1035: ["0" * 64]}
    assert differs(one_file(forged)) == {}


def test_what_is_signed_ends_where_the_region_ends() -> None:
    """Behind the region lies what anybody may add, also strings for a list that the region leaves open."""
    blob = bytearray(header({**TOOL, 1117: ["tool"]}, {1023: "evil"}))
    blob[8 + 16 * 5 + 12 : 8 + 16 * 6] = struct.pack(">I", 3)  # the list of names claims three of them
    told = rpm_header.parse(bytes(blob))
    with pytest.raises(FormatError, match="the text of tag 1117 does not end"):
        told.told.texts(1117)


SIGNATURE = bytes.fromhex("04000108") + bytes(40)
PACKETS = {
    "an old packet of version 4": b"\x88" + bytes([len(SIGNATURE)]) + SIGNATURE,
    "with a length of two bytes": b"\x89" + struct.pack(">H", len(SIGNATURE)) + SIGNATURE,
    "a new packet": b"\xc2" + bytes([len(SIGNATURE)]) + SIGNATURE,
    "a new packet with a long length": b"\xc2\xff" + struct.pack(">I", len(SIGNATURE)) + SIGNATURE,
    "version 3": b"\x88\x2c\x03\x05\x00" + bytes(41),
    "version 6": b"\xc2\x2c\x06\x00" + bytes(42),
}
OTHERS = {
    "nothing": b"\0",
    "a literal packet, as of a signed message": b"\xcb" + bytes([len(SIGNATURE)]) + SIGNATURE,
    "a one-pass signature": b"\x90" + bytes([len(SIGNATURE)]) + SIGNATURE,
    "two packets": PACKETS["a new packet"] * 2,
    "a text signature": b"\xc2\x2c\x04\x01" + bytes(42),
    "a certification of a key": b"\xc2\x2c\x04\x13" + bytes(42),
    "an indefinite length": b"\x8b" + SIGNATURE,
    "a partial length": b"\xc2\xe5" + SIGNATURE,
    "a packet cut short": PACKETS["a new packet"][:-1],
}


@pytest.mark.parametrize("packet", PACKETS.values(), ids=PACKETS)
def test_a_detached_signature_is_taken(packet: bytes) -> None:
    assert rpm_header.signatures(parsed(TOOL, {268: packet})) == (packet,)


@pytest.mark.parametrize("packet", OTHERS.values(), ids=OTHERS)
def test_any_other_thing_in_its_place_is_refused(packet: bytes) -> None:
    """Above all a whole signed message, which would prove itself instead of the header."""
    with pytest.raises(FormatError):
        rpm_header.signatures(parsed(TOOL, {268: packet}))


def test_signatures_of_rpm_6_are_in_base64_and_any_number() -> None:
    told = parsed(TOOL, {278: ["wiwEAAEI" + "A" * 52 + "AA==", "wiwEAAEI" + "A" * 52 + "AA=="], 268: PACKETS["a new packet"]})
    assert len(rpm_header.signatures(told)) == 3


# refused


@pytest.mark.parametrize(
    ("blob", "said"),
    [
        (b"", "a header of 0 bytes"),
        (struct.pack(">2I", 1, 99) + bytes(16), "a header of 24 bytes that claims 1 tags and 99 bytes of data"),
        (struct.pack(">6I", 1, 0, 63, 7, 0, 16), "the immutable region has no end"),
        (struct.pack(">6I", 1, 16, 63, 7, 0, 16) + bytes(16), "the immutable region ends in something else"),
        (struct.pack(">6I", 1, 4, 1000, 4, 1, 1) + bytes(4), "the data of tag 1000 is not aligned"),
        (struct.pack(">6I", 1, 4, 1000, 4, 0, 2) + bytes(4), "the data of tag 1000 does not lie in its part of the header"),
        (struct.pack(">6I", 1, 4, 1000, 10, 0, 1) + bytes(4), "tag 1000 is of the unknown type 10"),
        (struct.pack(">10I", 2, 4, *(1000, 2, 0, 1) * 2) + bytes(4), "a tag stands twice in the header"),
    ],
)
def test_what_is_no_header_is_refused(blob: bytes, said: str) -> None:
    with pytest.raises(FormatError) as refused:
        rpm_header.parse(blob)
    assert str(refused.value) == said


@pytest.mark.parametrize("seed", range(300))
def test_no_bytes_do_more_than_be_refused(seed: int) -> None:
    chance = random.Random(seed)
    blob = bytearray(chance.choice(REAL))
    for _ in range(chance.randint(1, 20)):
        at = chance.randrange(len(blob)) if chance.random() < 0.5 else chance.randrange(1000)
        blob[at : at + chance.choice((1, 1, 4))] = chance.randbytes(chance.choice((1, 1, 1, 4)))
    if chance.random() < 0.7:  # so that more than the first check is reached
        number = struct.unpack_from(">I", REAL[0])[0] if chance.random() < 0.1 else struct.unpack_from(">I", blob)[0]
        blob[4:8] = struct.pack(">I", max(0, len(blob) - 8 - 16 * number) & 0xFFFFFFFF)
    try:
        told = rpm_header.parse(bytes(blob))
        rpm.manifest(told, "local", "")
        rpm_header.check_digests(told)
        rpm_header.signatures(told)
    except (FormatError, UntrustedError):
        pass
