"""Blocks that were just what packages say: which pass the next time, and what passes for nothing."""

from collections.abc import Iterable

from auditkit import entries
from auditkit.model import Entry, Kind
from auditkit.packages import Manifest, Package, Shipped
from auditkit.packages.layout import Layout
from auditkit.packages.owned import Owned
from auditkit.vouched import LONGEST, Sound, Vouched, differing

DIGEST = "blake3:" + "0" * 64


def folder(path: str) -> Shipped:
    """A directory of a package."""
    return Shipped(path, Kind.DIRECTORY, 0o755, "root", "root")


def file(path: str) -> Shipped:
    """A file of a package."""
    return Shipped(path, Kind.FILE, 0o644, "root", "root", 5, (DIGEST,))


def link(path: str) -> Shipped:
    """A link of a package."""
    return Shipped(path, Kind.SYMLINK, None, "root", "root", target="there")


def found(shipped: Shipped, mode: int | None = None) -> Entry:
    """A path as it was shipped, or with another mode."""
    digests = shipped.digests or None
    return Entry(
        shipped.path, shipped.kind or Kind.FILE, mode or shipped.mode or 0o777, 0, 0, "root", "root", size=shipped.size or 0,
        digests=digests, target=shipped.target, xattrs=(), flags="",
    )  # fmt: skip


def looked(blocks: Iterable[bytes], known: set[bytes], *packages: tuple[Shipped, ...]) -> tuple[Vouched, list[str]]:
    """What of some blocks is not as packages say; and what is left."""
    manifests = [
        Manifest(Package("dpkg", f"p{number}", "1", "all"), files, "signed", "x") for number, files in enumerate(packages)
    ]
    vouched = Vouched(Layout(), "blake3")
    owned = Owned(vouched.taking(manifests))
    vouched.sound = Sound(known)
    return vouched, [entry.path for entry, _lines in differing(blocks, vouched, owned)]


def twice(shipped: tuple[Shipped, ...], again: tuple[Entry, ...], *more: tuple[Shipped, ...]) -> tuple[list[str], list[str]]:
    """What is odd and what is unseen when another look follows one at which all was as shipped."""
    first, odd = looked(entries.encode(map(found, shipped)), set(), shipped, *more)
    assert (odd, first.unseen()) == ([], [])
    second, odd = looked(entries.encode(again), set(first.sound.folders.values()), shipped, *more)
    return odd, second.unseen()


def test_the_same_blocks_pass() -> None:
    shipped = (folder("/usr"), file("/usr/a"), link("/usr/b"))
    assert twice(shipped, tuple(map(found, shipped))) == ([], [])


def test_whatever_changed_is_looked_at() -> None:
    shipped = (folder("/usr"), file("/usr/a"), link("/usr/b"))
    assert twice(shipped, (found(shipped[0]), found(shipped[1], 0o4755), found(shipped[2]))) == (["/usr/a"], [])
    assert twice(shipped, (found(shipped[0]), found(shipped[1]))) == ([], ["/usr/b"])


def test_a_directory_that_is_gone_is_missed_though_the_one_above_passes() -> None:
    shipped = (folder("/usr"), file("/usr/a"), folder("/usr/lib"), file("/usr/lib/x"))
    assert twice(shipped, tuple(map(found, shipped[:2]))) == ([], ["/usr/lib", "/usr/lib/x"])


def test_what_two_packages_call_a_link_and_a_directory_passes_in_no_block() -> None:
    shipped = (folder("/usr"), link("/usr/b"))
    assert twice(shipped, tuple(map(found, shipped)), (folder("/usr/b"),)) == ([], [])
    assert twice(shipped, tuple(map(found, shipped[:1])), (folder("/usr/b"),)) == ([], ["/usr/b"])


def test_a_second_block_of_a_directory_makes_both_of_them_pass_for_nothing() -> None:
    shipped = (folder("/usr"), file("/usr/a"))
    block, *_ = entries.encode(map(found, shipped))
    second, *_ = entries.encode([found(file("/usr/c"))])
    first, _odd = looked([block], set(), shipped)
    vouched, odd = looked([block, second], set(first.sound.folders.values()), shipped)
    assert (odd, vouched.unseen()) == (["/usr/c"], ["/usr", "/usr/a"])  # no host sends that; it is called what it is not


def test_a_block_so_long_that_another_may_follow_is_never_kept() -> None:
    shipped = (folder("/usr"), *(file(f"/usr/{'x' * 200}{number}") for number in range(LONGEST // 200)))
    vouched, odd = looked(entries.encode(map(found, shipped)), set(), shipped)
    assert (odd, vouched.unseen(), vouched.sound.folders) == ([], [], {})


def test_a_block_with_a_path_of_no_package_never_passes() -> None:
    shipped = (folder("/usr"), file("/usr/a"))
    blocks = list(entries.encode([*map(found, shipped), found(file("/usr/evil"))]))
    vouched, odd = looked(blocks, set(), shipped)
    assert (odd, vouched.sound.folders) == (["/usr/evil"], {})
