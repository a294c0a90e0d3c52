"""A machine made of words, as the audit of accounts sees it: files, and modes of paths; the rest is a plain Debian.

A directory above a path is root's with mode 755, unless `status` says otherwise.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from auditkit.audits import accounts
from auditkit.commands import auditing
from auditkit.model import Evidence, Gap, Item, Means, Need
from auditkit.probe.inside import homes
from auditkit.probe.take import is_secret, reduced

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HASH = "$y$j9T$saltsaltsalt$" + "h" * 43
FILES = {
    "/etc/passwd": """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
anna:x:1000:1000::/home/anna:/bin/bash
bernd:x:1001:1001::/home/bernd:/bin/bash
""",
    "/etc/shadow": f"""\
root:*:20000:0:99999:7:::
daemon:*:20000:0:99999:7:::
www-data:*:20000:0:99999:7:::
anna:{HASH}:20000:0:99999:7:::
bernd:{HASH}:20000:0:99999:7:::
""",
    "/etc/group": """\
root:x:0:
daemon:x:1:
adm:x:4:
disk:x:6:
sudo:x:27:
www-data:x:33:
shadow:x:42:
docker:x:990:
anna:x:1000:
bernd:x:1001:
""",
    "/etc/nsswitch.conf": "passwd: files systemd\ngroup: files systemd\nshadow: files\n",
    "/etc/login.defs": "UID_MIN 1000\nENCRYPT_METHOD YESCRYPT\n",
    "/etc/shells": "/bin/sh\n/bin/bash\n",
    "/etc/hostname": "srv-01\n",
    "/etc/sudoers": """\
Defaults env_reset
Defaults mail_badpass
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
Defaults use_pty
root ALL=(ALL:ALL) ALL
%sudo ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
""",
    "/etc/sudoers.d/README": "# The default /etc/sudoers file created on installation\n",
}
STATUS = {
    "/bin/sh": (0o755, 0, 0), "/bin/bash": (0o755, 0, 0), "/usr/sbin/nologin": (0o755, 0, 0), "/bin/false": (0o755, 0, 0),
    "/etc/sudoers": (0o440, 0, 0), "/etc/sudoers.d": (0o40755, 0, 0), "/etc/sudoers.d/README": (0o440, 0, 0),
    "/root": (0o40700, 0, 0), "/home/anna": (0o40755, 1000, 1000), "/home/bernd": (0o40700, 1001, 1001),
    "/home/anna/.bashrc": (0o644, 1000, 1000), "/home/anna/.ssh": (0o40700, 1000, 1000),
    **dict.fromkeys(("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"), (16877, 0, 0)),
}  # fmt: skip


@dataclass(frozen=True)
class Host:
    """One machine."""

    files: Mapping[str, str | bytes] = field(default_factory=dict)
    """Over the plain ones."""
    status: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    """Mode, uid and gid by path, over the plain ones."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Where paths lead."""
    gaps: tuple[Gap, ...] = ()
    without: tuple[str, ...] = ()
    unasked: tuple[Means, ...] = ()

    def evidence(self) -> Evidence:
        """What is taken of it, round by round."""
        return auditing.followed(self._answers(accounts.AUDIT.needs), self._answers, (accounts.AUDIT,))

    def _answers(self, needs: tuple[Need, ...]) -> Evidence:
        unasked = tuple(need for need in needs if need.means in self.unasked)
        asked = tuple(need for need in needs if need not in unasked)
        return Evidence("srv-01", NOW, tuple(self._items(asked)), self.gaps, unasked=unasked)

    @property
    def all_files(self) -> dict[str, bytes]:
        """Every file."""
        told = {**FILES, **self.files}
        lost = {*self.without, *(gap.subject for gap in self.gaps)}
        return {path: text.encode() if isinstance(text, str) else text for path, text in told.items() if path not in lost}

    def _items(self, needs: tuple[Need, ...]) -> Iterator[Item]:
        status = {path: told for path, told in {**STATUS, **self.status}.items() if path not in self.without}
        for need in needs:
            if need.means is Means.FILE:
                for path, data in self.all_files.items():
                    if self._fits(path, need.what):
                        yield Item(need, path, reduced(data) if is_secret(path.encode()) else data, NOW, "")
            elif need.means is Means.STATUS:
                for path in (*status, *self.links):
                    if self._fits(path, need.what):
                        yield Item(need, path, way(self.links.get(path, path), status), NOW, "")

    def _fits(self, path: str, what: str) -> bool:
        """Whether a need means a path; `~/` is each home."""
        places = [home.decode() for home, _uid in homes(self.all_files.get("/etc/passwd", b""))] if what[:2] == "~/" else [""]
        patterns = (f"{place}{what[1:]}" if place else what for place in places)
        return any(
            pattern.count("/") == path.count("/") and all(map(fnmatchcase, path.split("/"), pattern.split("/")))
            for pattern in patterns
        )


def way(path: str, status: Mapping[str, tuple[int, int, int]]) -> bytes:
    """The status of a path and of each directory above it."""
    mode, uid, gid = status[path]
    steps = [f"{mode | (0o100000 if mode < 0o10000 else 0):o} {uid} {gid} {path}"]
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        mode, uid, gid = status.get(path, (0o40755, 0, 0))
        steps.append(f"{mode:o} {uid} {gid} {path}")
    return "".join(f"{step}\0" for step in steps).encode()


def of_words(case: Mapping[str, str]) -> Host:
    """The machine of a case: see test_accounts_audit.py."""
    return Host(
        {name: text for name, text in case.items() if re.match("/", name)},
        dict(map(_status, case.get("status", "").splitlines())),
        dict(line.split(" -> ", 1) for line in case.get("links", "").splitlines()),
        tuple(Gap(path, "Permission denied") for path in case.get("unread", "").split()),
        tuple(case.get("without", "").split()),
        tuple(Means(word) for word in case.get("unasked", "").split()),
    )


def _status(line: str) -> tuple[str, tuple[int, int, int]]:
    """`40755 0:0 /home`"""
    mode, owner, path = line.split(" ", 2)
    uid, _colon, gid = owner.partition(":")
    return path, (int(mode, 8), int(uid), int(gid))
