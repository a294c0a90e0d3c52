"""Which version apt is told to prefer: /etc/apt/preferences and preferences.d, apt_preferences(5).

    Package: *
    Pin: release o=Debian,n=bookworm-backports
    Pin-Priority: 400

A pattern that could take for ever to match is not tried: that is told, and the pin is left out.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

from auditkit.model import Gap, Means, Need
from auditkit.packages.offers import Listing, Release
from auditkit.packages.reading import bounded, shown, text
from auditkit.packages.stanzas import Stanza, stanzas

PLACES = tuple(
    Need(Means.FILE, f"/etc/apt/{name}", "which versions apt is told to prefer") for name in ("preferences", "preferences.d/*")
)
NEVER = -32768
"""`Pin-Priority: never`."""
LARGEST = 32767
MOST_WORDS = 2000
MOST = 1000
"""Records, each name of a record counted; a host with a dozen is rare."""
_FILE = re.compile(r"/etc/apt/preferences\.d/[A-Za-z0-9_.-]+")
_PLAIN = re.compile(r"(?:[A-Za-z0-9 :~_^$|-]|\\[.+]|\.\*?|\[[A-Za-z0-9_-]{1,20}\]|\([A-Za-z0-9 ._|-]*\))*")
"""Extended regular expressions that are matched in no time."""
_FIELDS = {"v": "version", "o": "origin", "a": "suite", "n": "codename", "l": "label", "c": "component", "b": "arch"}
STATUS = Listing("/var/lib/dpkg/status", Release("", "", suite="now"), component="now")
"""What is installed, as apt sees it: a list of its own."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One record, for one of the names that it is for."""

    place: str
    package: str
    """A name or pattern, perhaps with `src:` before it; empty: all."""
    arch: str
    kind: str
    """`version`, `release` or `origin`."""
    data: str
    priority: int

    def is_for(self, name: str, arch: str, source: str) -> bool:
        """Whether the record is for this package at all."""
        wanted, own = (self.package[4:], source) if self.package.startswith("src:") else (self.package, name)
        return (not self.arch or self.arch == arch) and (wanted == own or (_is_pattern(wanted) and matches(wanted, own)))

    def means(self, listing: Listing) -> bool:
        """Whether a list is what the record names."""
        if self.kind == "origin":
            site = self.data.strip('"')
            return matches(site, listing.site) if site else not listing.site and listing is not STATUS
        return self.kind == "release" and _release(self.data, listing)

    def means_version(self, version: str) -> bool:
        """Whether a version is what the record names."""
        return self.kind == "version" and _version(self.data, version)


def pins(files: Mapping[str, bytes]) -> Iterator[Pin | Gap]:
    """Yield all records in the order in which apt goes by them, and what is not understood."""
    names = sorted(name for name in files if _FILE.fullmatch(name) and _counts(name.rpartition("/")[2]))
    every = (one for name in ("/etc/apt/preferences", *names) for one in bounded(_pins(name, text(files.get(name, b""))), name))
    for number, one in enumerate(every):
        if number == MOST:
            yield Gap("/etc/apt/preferences", f"more than {MOST} pins; the others are left out")
            return
        yield one


def _counts(name: str) -> bool:
    """Whether apt reads a file of this name: with no ending, or with `.pref`."""
    return not name.startswith(".") and ("." not in name or name.endswith(".pref"))


def _pins(name: str, whole: str) -> Iterator[Pin | Gap]:
    plain = "\n".join(line for line in whole.split("\n") if not line.startswith("#"))
    for stanza in stanzas(plain):
        yield from _of(f"{name} ({shown(stanza.first('package')) or 'without Package'})", stanza)


def _of(place: str, stanza: Stanza) -> Iterator[Pin | Gap]:
    kind, _, data = stanza.first("pin").partition(" ")
    priority = _priority(stanza.first("pin-priority"))
    words = " ".join(stanza.fields.get("package", [])).split()
    if not stanza.first("pin"):
        return
    if kind not in ("version", "release", "origin") or not priority or not words or len(words) > MOST_WORDS:
        yield Gap(place, "a pin that is not understood")
        return
    if unsafe := next((each for each in (*words, data) if not _is_safe(each)), None):
        yield Gap(place, f"a pattern that is not tried: {shown(unsafe)}")
        return
    for each in words:
        name, _, arch = each.rpartition(":") if ":" in each.removeprefix("src:") else (each, "", "")
        yield Pin(place, "" if each == "*" else name, "" if arch in ("any", "*") else arch, kind, data.strip(), priority)


def _priority(written: str) -> int:
    if written == "never":
        return NEVER
    found = re.match(r"[+-]?[0-9]{1,6}", written)
    return max(-LARGEST, min(LARGEST, int(found[0]))) if found else 0


def priority(listing: Listing, records: tuple[Pin, ...]) -> int:
    """What a list counts for: as the first record for all packages says that names it, else as its release says."""
    for record in records:
        if not record.package and record.means(listing):
            return record.priority
    if listing is STATUS:
        return 100
    return 500 if not listing.release.not_automatic else 100 if listing.release.upgrades else 1


def _release(data: str, listing: Listing) -> bool:
    release = listing.release
    if data == "*":
        return True
    if "=" not in data:
        names = (release.suite, release.codename)
        return _version(data, release.version) if data[:1].isdigit() else any(matches(data, own) for own in names)
    own = {"version": release.version, "origin": release.origin, "suite": release.suite, "codename": release.codename}
    own |= {"label": release.label, "component": listing.component, "arch": listing.arch}
    wanted = [part.strip().partition("=") for part in data.split(",")]
    fields = [(_FIELDS[key.strip().lower()], value.strip()) for key, _, value in wanted if key.strip().lower() in _FIELDS]
    means = (_version(value, own[name]) if name == "version" else matches(value, own[name]) for name, value in fields if value)
    return any(value for _name, value in fields) and all(means)


def _version(pattern: str, version: str) -> bool:
    if pattern.endswith("*") and version.startswith(pattern[:-1]):
        return True
    return bool(version) and (version == pattern or matches(pattern, version))


def _is_pattern(word: str) -> bool:
    return word.startswith("/") or any(sign in word for sign in "*[?")


def _is_safe(word: str) -> bool:
    if word.startswith("/") and word.endswith("/") and len(word) > 1:
        return len(word) < 200 and word.count("*") <= 2 and _PLAIN.fullmatch(word[1:-1]) is not None
    return len(word) < 500 and word.count("*") <= 8


def matches(pattern: str, word: str) -> bool:
    """Whether a pattern means a word: a glob, or between slashes a regular expression that is found in it."""
    found = _compiled(pattern)
    return bool(word) and found is not None and found.search(word) is not None


@lru_cache(4096)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        if pattern.startswith("/") and pattern.endswith("/") and len(pattern) > 1:
            return re.compile(pattern[1:-1], re.IGNORECASE)
        return re.compile(rf"\A{translate(pattern)}", re.IGNORECASE)
    except re.error:
        return None
