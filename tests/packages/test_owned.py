"""Whose is a path: through links of a merged /usr, through diversions, with many owners, and for very many paths."""

import subprocess
import sys

from auditkit.model import Kind
from auditkit.packages import Manifest, Package, Shipped
from auditkit.packages.layout import Diversion, Layout
from auditkit.packages.owned import Owned, Owner


def package(name: str) -> Package:
    return Package("dpkg", name, "1", "amd64")


def manifest(name: str, *paths: str) -> Manifest:
    return Manifest(package(name), tuple(Shipped(path, Kind.FILE) for path in paths), "local", "a test")


LAYOUT = Layout({"/bin": "usr/bin"}, [Diversion("/usr/bin/perf", "/usr/bin/perf.real", "wrapper")])
OWNED = Owned(
    [
        manifest("coreutils", "/bin", "/bin/ls", "/usr", "/usr/bin"),
        manifest("perf", "/usr", "/usr/bin", "/usr/bin/perf", "/usr/bin/perf"),
        manifest("wrapper", "/usr", "/usr/bin/perf"),
    ],
    LAYOUT,
)


def whose(path: str) -> list[tuple[str, str]]:
    return [(owner.package.name, owner.path) for owner in OWNED.owners(path)]


def test_a_path_is_found_by_either_of_its_names() -> None:
    assert whose("/usr/bin/ls") == whose("/bin/ls") == [("coreutils", "/bin/ls")]
    assert whose("/bin") == [("coreutils", "/bin")]


def test_a_diverted_path_belongs_to_whom_it_was_left() -> None:
    assert whose("/usr/bin/perf") == [("wrapper", "/usr/bin/perf")]
    assert whose("/usr/bin/perf.real") == [("perf", "/usr/bin/perf")]


def test_a_directory_belongs_to_all_who_ship_it_each_once() -> None:
    assert OWNED.owners("/usr") == tuple(Owner(package(name), "/usr") for name in ("coreutils", "perf", "wrapper"))


def test_what_nobody_ships_belongs_to_nobody() -> None:
    assert whose("/usr/bin/evil") == []
    assert "/usr/bin/evil" not in OWNED
    assert "/bin/ls" in OWNED
    assert len(OWNED) == 6


def test_the_places_of_a_manifest_are_told_with_what_it_says() -> None:
    perf = manifest("perf", "/usr/bin/perf")
    assert list(OWNED.places(perf)) == [("/usr/bin/perf.real", perf.files[0])]


def test_a_hundred_thousand_paths_take_less_than_sixty_megabytes() -> None:
    program = """
import resource
from auditkit.model import Kind
from auditkit.packages import Manifest, Package, Shipped
from auditkit.packages.owned import Owned
def manifest(n):
    name = f"/usr/share/doc/a-package-with-a-name-{n}"
    return Manifest(Package("dpkg", str(n), "1", "all"), (Shipped("/usr", Kind.DIRECTORY),) + tuple(
        Shipped(f"{name}/some/file/of/it/{i}.html", Kind.FILE, digests=("md5:" + "0" * 32,)) for i in range(100)), "local", "")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
owned = Owned(map(manifest, range(1000)))
assert len(owned) == 100_001 and len(owned.owners("/usr")) == 1000
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""
    grown = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert int(grown.stdout) < 60
