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


def joined(link: str, target: str) -> str:
    """Where a symbolic link leads by its text alone: `/etc/alternatives/vi` for `../alternatives/vi` in /etc/x."""
    whole = target if target.startswith("/") else f"{link.rpartition('/')[0]}/{target}"
    parts = list[str]()
    for part in whole.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


class Layout:
    """The places of one host: links between its directories, and its diversions."""

    def __init__(self, links: Mapping[str, str] | None = None, diversions: Iterable[Diversion] = ()) -> None:
        """`links` are directories that are symbolic links, with where they lead: `{"/bin": "usr/bin"}`."""
        self._links = {name: joined(name, target) for name, target in (links or {}).items()}
        self._diversions = {diversion.path: diversion for diversion in diversions}
        self._real = dict[str, str]()

    @property
    def told(self) -> str:
        """All that it goes by, the same for the same."""
        return repr((sorted(self._links.items()), sorted((one.path, one.moved, one.by) for one in self._diversions.values())))

    def place(self, path: str, package: str = "") -> str:
        """Where `path` of this package is on the host."""
        diversion = self._diversions.get(path)
        if diversion is not None and (diversion.local or diversion.by != package):
            path = diversion.moved
        return self.real(path)

    def real(self, path: str) -> str:
        """Where a path leads, whoever put it there; the last part of it is never followed."""
        directory, _, name = path.rpartition("/")
        real = self._real.get(directory)
        if real is None:
            real = self._real[directory] = self._directory(directory)
        return path if real is directory else f"{real}/{name}"

    def leading_to(self, path: str) -> tuple[str, ...]:
        """The links that lead to a directory."""
        return tuple(link for link, target in self._links.items() if target == path)

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
