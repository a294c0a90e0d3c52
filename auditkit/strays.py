"""What no package owns and no known category covers: told in order of what it could do, whole trees as one line.

Pure. Entries come in path order, and no more of them is held than one directory has at its top.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from auditkit.compare import CAPABILITIES, SET_ID
from auditkit.model import Change, ChangeKind, Entry, Kind, Level, Rule, Severity
from auditkit.packages import unowned
from auditkit.packages.owned import Owned
from auditkit.printable import printable

STRAY = Rule(
    "path-unowned",
    "a path belongs to no package",
    Severity.LOW,
    "No package that is installed ships it, and no tool of the system is known to make it. Software that was unpacked by hand"
    " looks like this, and so does what an intruder leaves.",
    "find out who put it there; what is meant is best put into a package, or below /usr/local or /opt with a note",
)
STARTED = Rule(
    "started-unowned",
    "something that is started or loaded by itself, or by its bare name, belongs to no package",
    Severity.MEDIUM,
    "Programs on the path, cron jobs, units, hooks and modules are how intruders stay. This one came with no package.",
    "read it; find out who put it there and when; keep it as evidence if nobody knows",
)
SETUID = Rule(
    "setuid-unowned",
    "a program that runs as its owner or group belongs to no package",
    Severity.HIGH,
    "A setuid root program gives root to every local user who can make it misbehave, and a setuid shell to everybody. This one"
    " came with no package.",
    "treat it as an intrusion until you know better: keep it as evidence, then chmod u-s,g-s PATH",
    ("chmod(1)", "inode(7)"),
)
UNPROVED = Rule(
    "rights-unproved",
    "what gives rights or sees passwords is of a package that nobody vouches for",
    Severity.LOW,
    "That it belongs to a package is the word of the host alone, and whoever was root here can have made that package up. A"
    " setuid program, a module of PAM or of the name service is what such a package would be made for.",
    "find out where the package comes from: apt-cache policy NAME; name a source that is signed, or read what it has brought",
    ("dpkg(1)", "apt-cache(8)"),
)
RULES = (STRAY, STARTED, SETUID, UNPROVED)
MANY = 10
"""From more strays on below a directory, they are one line."""
DEPTH = 4
"""Components of a path, its empty beginning among them, below which strays are put together: /usr/lib/jvm."""
FEW = 5
"""Up to so many unowned paths of one directory are told one by one."""
LOADED_FIRST = "/etc/ld.so.preload"
_STARTED = re.compile(
    r"(/usr)?/s?bin/[^/]+"
    r"|/etc/(cron[^/]*|init\.d|rc[0-6S]\.d|profile\.d|pam\.d|sudoers\.d|update-motd\.d|modules-load\.d|modprobe\.d|ld\.so\.conf\.d"
    r"|udev/rules\.d|apt/apt\.conf\.d|dpkg/dpkg\.cfg\.d|network/if-[^/]+\.d|xdg/autostart|initramfs-tools/(hooks|scripts)|grub\.d"
    r"|ssh/sshd_config\.d|logrotate\.d|NetworkManager/dispatcher\.d|systemd/(system|user|system-generators))/.+"
    r"|/etc/(alternatives/[^/]+|rc\.local|crontab|anacrontab|ld\.so\.preload|environment\.d/.+|sudoers|bash\.bashrc|zsh/.+)"
    r"|(/usr)?/lib/(systemd/(system|user|system-generators|user-generators|system-sleep|system-shutdown)|udev/rules\.d|modules/.+\.ko)"
    r"(/.+|(?<=\.ko)(\.[a-z]+)?)"
    r"|/usr/(local/)?lib/.*((dist|site)-packages/[^/]+\.pth|/(sitecustomize|usercustomize)\.py)"
    r"|/usr/lib/([^/]+/)?(security/pam_|libnss_)[^/]+\.so[.0-9]*"
    r"|/usr/share/dbus-1/system-services/.+|/boot/[^/]+",
    re.DOTALL,
)
_OF_LOGINS = re.compile(r"(/usr)?/lib(64)?/([^/]+/)?(security/[^/]+|libnss_[^/]+)\.so[.0-9]*", re.DOTALL)
"""What is given every password, or says who somebody is."""


class Strays:
    """The unowned paths of one host, as they come in."""

    def __init__(self, host: unowned.Unowned, owned: Owned, moved: Mapping[str, str], left: Mapping[str, str]) -> None:
        """`moved` says where a local diversion put what packages ship at a path, `left` whose conffile a path was."""
        self.categories = Counter[str]()
        self.open = 0
        """Files, no programs, whose content their packages leave open."""
        self.owned = owned
        self._host, self._moved, self._left = host, moved, left
        self._top: Entry | None = None
        self._below = 0
        self._loose = list[Entry]()

    def tell(self, entry: Entry) -> Iterator[Change]:
        """Yield what is to be told once this entry is known."""
        if self._top and not entry.path.startswith(f"{self._top.path}/"):
            yield from self._close()
        if self._loose and _parent(self._loose[0]) != _parent(entry):
            yield from self._close()
        rule, severity, note = self._judged(entry)
        if rule is not SETUID and severity < Severity.HIGH and (category := self._category(entry)):
            if rule is STARTED and category == unowned.TEMPLATE.name:  # on the word of a file that root can write
                yield added(entry, rule, Severity.LOW, "a package's template by the word of ucf, which nobody signed")
            self.categories[category] += 1
        elif rule is not STRAY:
            yield added(entry, rule, severity, note)
        elif self._top:
            self._below += 1
        elif entry.kind is Kind.DIRECTORY:
            yield from self._close()
            self._top = entry
        else:
            self._loose.append(entry)

    def unproved(self, entry: Entry) -> Iterator[Change]:
        """Yield what gives rights or sees passwords, of a package that nobody vouches for: root can write such a package."""
        grants = self._judged(entry)[0] is SETUID
        if grants or _OF_LOGINS.fullmatch(entry.path):
            names = ", ".join(dict.fromkeys(owner.package.name for owner in self.owned.owners(entry.path)))
            note = f"of {printable(names)} by the host's word alone, which nobody signed"
            yield added(entry, UNPROVED, UNPROVED.severity, note)

    def end(self) -> Iterator[Change]:
        """Yield what is left to be told."""
        yield from self._close()

    def _close(self) -> Iterator[Change]:
        if self._top:
            note = f"and {self._below} more below it" if self._below else ""
            yield added(self._top, STRAY, STRAY.severity, note)
        if len(self._loose) <= FEW:
            yield from (added(entry, STRAY, STRAY.severity, "") for entry in self._loose)
        else:
            yield added(self._loose[0], STRAY, STRAY.severity, f"and {len(self._loose) - 1} more beside it")
        self._top, self._below, self._loose = None, 0, []

    def _judged(self, entry: Entry) -> tuple[Rule, Severity, str]:
        """Which rule it falls under, if nothing accounts for it."""
        if entry.kind is Kind.FILE and (entry.mode or 0) & SET_ID:
            return SETUID, SETUID.severity, ""
        if any(name == CAPABILITIES for name, _value in entry.xattrs or ()):
            return SETUID, SETUID.severity, "it has capabilities"
        if entry.path in self._moved:
            return (
                STARTED,
                Severity.HIGH,
                f"in place of a packaged file that a local diversion put at {self._moved[entry.path]}",
            )
        if entry.kind is not Kind.DIRECTORY and _STARTED.fullmatch(entry.path):
            severity = Severity.HIGH if entry.path == LOADED_FIRST else STARTED.severity
            note = f"dpkg says that {self._left[entry.path]} left it" if entry.path in self._left else ""
            return STARTED, severity, note
        return STRAY, STRAY.severity, ""

    def _category(self, entry: Entry) -> str:
        """What it is by its name, its target and what packages ship; empty where an admin has to look."""
        category = self._host.category(entry)
        if category is unowned.ALTERNATIVE and not self._leads_home(entry):
            return ""
        if category is None:
            return (
                "configuration of removed packages" if entry.path in self._left and not _STARTED.fullmatch(entry.path) else ""
            )
        return category.name

    def _leads_home(self, entry: Entry) -> bool:
        """Whether an alternative leads to what a package ships."""
        target = entry.target or ""
        return target.startswith("/etc/alternatives/") or target in self.owned


def gathered(changes: Iterable[Change]) -> Iterator[Change]:
    """Yield the changes, one for all strays below a directory where they are many."""
    trees: dict[str, list[Change]] = {}
    for change in changes:
        if change.rule == STRAY.id:
            trees.setdefault("/".join(change.path.split("/")[:DEPTH]), []).append(change)
        else:
            yield change
    for tree, strays in trees.items():
        yield from strays if len(strays) <= MANY else _as_one(tree, strays)


def _as_one(tree: str, strays: Sequence[Change]) -> Iterator[Change]:
    """Yield one line for strays below a directory, or for each directory below that has most of them."""
    below: dict[str, list[Change]] = {}
    depth = tree.count("/") + 2
    for change in strays:
        below.setdefault("/".join(change.path.split("/")[:depth]), []).append(change)
    if len(below) > MANY:
        yield replace(strays[0], note=f"and {len(strays) - 1} more lines below {printable(tree)}")
        return
    for inner, few in below.items():
        yield from few if len(few) <= MANY or inner == tree else _as_one(inner, few)


def _parent(entry: Entry) -> str:
    return entry.path.rpartition("/")[0]


def added(entry: Entry, rule: Rule, severity: Severity, note: str) -> Change:
    """A path that should not be there."""
    return Change(entry.path, ChangeKind.ADDED, None, replace(entry, content=None), (), severity, Level.CONTENT, rule.id, note)
