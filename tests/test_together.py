"""What the packages of a host ship, put together: what comes back is what was kept, and nothing else does."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit import together
from auditkit.commands.remembering import Memory
from auditkit.model import Kind
from auditkit.packages import Manifest, Package, Shipped
from auditkit.packages.layout import Diversion, Layout
from auditkit.packages.owned import Owned
from auditkit.vendor.manifests import Manifests
from auditkit.vouched import Vouched

DIGESTS = ("blake3:" + "0" * 64, "sha256:" + "1" * 64)
names = st.text(st.characters(exclude_characters="/\0", exclude_categories=()), min_size=1, max_size=8).map(
    lambda text: text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
)
paths = st.lists(names, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))


def shipped(path: str, kind: Kind) -> Shipped:
    """A path of a package, of any kind."""
    target = "a b" if kind is Kind.SYMLINK else None
    return Shipped(path, kind, 0o755, "root", "ro ot", 5, DIGESTS if kind is Kind.FILE else (), target=target)


@st.composite
def hosts(draw: st.DrawFn) -> tuple[list[Manifest], Layout]:
    """Packages that have directories and some files in common, and a layout that puts some of them elsewhere."""
    kinds = st.sampled_from([Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.BLOCK])
    manifests = [
        Manifest(
            Package("dpkg", f"package{number}", "1", "amd64"),
            tuple(shipped(path, draw(kinds)) for path in draw(st.lists(paths, max_size=6, unique=True))),
            "signed",
            "somebody",
            draw(st.text(max_size=5)),
        )
        for number in range(draw(st.integers(0, 4)))
    ]
    diverted = [Diversion(path, f"{path}.real", "package0") for path in draw(st.lists(paths, max_size=2, unique=True))]
    return manifests, Layout({"/b": "usr/b"}, diverted)


def put_together(manifests: list[Manifest], layout: Layout) -> tuple[Vouched, Owned]:
    vouched = Vouched(layout, "blake3")
    return vouched, Owned(vouched.taking(manifests), layout)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(hosts())
def test_what_was_put_together_comes_back(host: tuple[list[Manifest], Layout]) -> None:
    manifests, layout = host
    vouched, owned = put_together(manifests, layout)
    again, owned_again = together.decode(together.encode(vouched, owned), layout, "blake3")
    assert (again.lines, again.packages, again.numbers) == (vouched.lines, vouched.packages, vouched.numbers)
    assert (again.scripts, again.sources) == (vouched.scripts, vouched.sources)
    assert (owned_again.by, owned_again.names, owned_again.packages) == (owned.by, owned.names, owned.packages)


@given(st.binary(max_size=60))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        together.decode(data, Layout(), "blake3")


def memory(store: Path, layout: Layout | None = None, algorithm: str = "blake3") -> Memory:
    packages = [Package("dpkg", "hello", "1", "amd64")]
    return Memory(str(store), packages, "debian", layout or Layout(), algorithm)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that knows what one package ships, and has put that together."""
    manifest = Manifest(Package("dpkg", "hello", "1", "amd64"), (shipped("/usr/bin/hello", Kind.FILE),), "signed", "somebody")
    Manifests(str(tmp_path / "manifests")).put("0" * 64, manifest)
    memory(tmp_path).keep(*put_together([manifest], Layout()), ["/srv/\udcff"])
    return tmp_path


def test_it_is_recalled_for_the_same_packages_and_layout_only(store: Path) -> None:
    assert list(memory(store).recall()[0].paths()) == ["/usr/bin/hello"]
    for other in (
        memory(store, Layout({"/bin": "usr/bin"})),
        memory(store, Layout({}, [Diversion("/usr/bin/hello", "/usr/bin/hello.real", "")])),
        memory(store, algorithm="sha256"),
        Memory(str(store), memory(store).packages, "ubuntu", Layout(), "blake3"),
        Memory(str(store), [Package("dpkg", "hello", "2", "amd64")], "debian", Layout(), "blake3"),
    ):
        assert list(other.recall()[0].paths()) == []


def test_the_paths_outside_are_known_before_all_others(store: Path) -> None:
    assert memory(store).outside() == ("/srv/\udcff",)
    more = (*memory(store).packages, Package("dpkg", "other", "1", "amd64"))
    assert Memory(str(store), more, "debian", Layout(), "blake3").outside() is None


def test_a_second_package_of_that_version_makes_it_void(store: Path) -> None:
    other = Manifest(Package("dpkg", "hello", "1", "amd64"), (shipped("/usr/bin/evil", Kind.FILE),), "signed", "somebody")
    Manifests(str(store / "manifests")).put("1" * 64, other)
    assert list(memory(store).recall()[0].paths()) == []


def test_what_is_damaged_is_put_together_anew(store: Path) -> None:
    (file,) = (store / "manifests/together").glob("[0-9a-f]" * 64 + ".zst")
    data = bytearray(file.read_bytes())
    for at in range(0, len(data), 7):
        damaged = bytes(data[:at]) + bytes([data[at] ^ 1]) + bytes(data[at + 1 :])
        file.write_bytes(damaged)
        assert list(memory(store).recall()[0].paths()) in ([], ["/usr/bin/hello"])  # a bit of zstd's own may not matter


def test_what_is_not_just_in_the_cache_does_not_fit(tmp_path: Path) -> None:
    manifest = Manifest(Package("dpkg", "hello", "1", "amd64"), (shipped("/usr/bin/hello", Kind.FILE),), "signed", "somebody")
    vouched, _owned = put_together([manifest], Layout())
    assert not memory(tmp_path).fits(vouched)
    Manifests(str(tmp_path / "manifests")).put("0" * 64, manifest)
    assert memory(tmp_path).fits(vouched)
    assert not memory(tmp_path).fits(Vouched(Layout(), "blake3"))
