"""Where a host puts what packages ship: directories that are links to others there, and diversions of single paths.

On a merged /usr a package's `/bin/ls` is found at `/usr/bin/ls`; with a diversion of dpkg one package's `/usr/bin/perf` is
found at `/usr/bin/perf.real`, because another ships a path of that name, or the admin wants his own there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MOST_LINKS = 40
"""As many links as Linux follows."""


@dataclass(frozen=True, slots=True)
class Diversion:
    """One path that is put elsewhere, but for one package."""

    path: str
    moved: str
    """Where it is put."""
    by: str
    """The package that keeps the path for itself; empty for one of the admin's own, which holds for all packages."""

    @property
    def local(self) -> bool:
        """Whether no package, but somebody on the host made it."""
        return not self.by


class Layout:
    """The places of one host: links between its directories, and its diversions."""

    def __init__(self, links: Mapping[str, str] | None = None, diversions: Iterable[Diversion] = ()) -> None:
        """`links` are directories that are symbolic links, with where they lead: `{"/bin": "usr/bin"}`."""
        self._links = {name: self._joined(name, target) for name, target in (links or {}).items()}
        self._diversions = {diversion.path: diversion for diversion in diversions}
        self._real = dict[str, str]()

    @staticmethod
    def _joined(name: str, target: str) -> str:
        whole = target if target.startswith("/") else f"{name.rpartition('/')[0]}/{target}"
        parts = list[str]()
        for part in whole.split("/"):
            if part == "..":
                del parts[-1:]
            elif part not in ("", "."):
                parts.append(part)
        return "/" + "/".join(parts)

    def place(self, path: str, package: str = "") -> str:
        """Where `path` of this package is on the host; the last part of a path is never followed."""
        diversion = self._diversions.get(path)
        if diversion is not None and (diversion.local or diversion.by != package):
            path = diversion.moved
        directory, _, name = path.rpartition("/")
        real = self._real.get(directory)
        if real is None:
            real = self._real[directory] = self._directory(directory)
        return path if real is directory else f"{real}/{name}"

    def _directory(self, directory: str) -> str:
        """The directory with no link left in it; as it is where the links go in a circle."""
        real = directory
        for _ in range(MOST_LINKS):
            link = self._first(real)
            if link is None:
                return directory if real == directory else real.rstrip("/")
            real = self._links[link].rstrip("/") + real[len(link) :]
        return directory

    def _first(self, directory: str) -> str | None:
        """The first link on the way to a directory."""
        end = directory.find("/", 1)
        while self._links and directory:
            head = directory if end < 0 else directory[:end]
            if head in self._links:
                return head
            if end < 0:
                return None
            end = directory.find("/", end + 1)
        return None
