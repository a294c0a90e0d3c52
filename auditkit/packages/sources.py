"""Where apt of a host gets its packages from: sources.list(5), in both of its forms.

    deb [arch=amd64 signed-by=/usr/share/keyrings/example.gpg] http://mirror.example/debian bookworm main contrib

    Types: deb
    URIs: http://mirror.example/debian
    Suites: bookworm bookworm-updates
    Components: main

Only what names suites is read. Which keys may sign is never the host's to say.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from auditkit.model import Gap, Means, Need
from auditkit.packages.reading import bounded, lines, shown, text

PLACES = tuple(
    Need(Means.FILE, f"/etc/apt/{name}", "which suites of which archives its packages come from")
    for name in ("sources.list", "sources.list.d/*.list", "sources.list.d/*.sources")
)
MOST = 200
"""Suites of one host; one with twenty third-party sources has thirty."""
MOST_WORDS = 64
"""Components of one source, or architectures, addresses or suites; Debian has four components and nine architectures."""
_SUITE = re.compile(r"(?!.*\.\.)[A-Za-z0-9.][A-Za-z0-9._+~/-]{0,199}")
_URI = re.compile(r"[!-~]{1,500}")
_LINE = re.compile(r"(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)")
SECRET = re.compile(r"//\S*@")
"""Who asks for it and by which password, in an address: that is nobody else's to see."""
_OFF = ("no", "false", "without", "off", "disable", "0")


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite of one archive."""

    uri: str
    """The address of the archive, as the host has it."""
    name: str
    """`bookworm`; of a flat archive its directory, with a slash at its end."""
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    """Empty: those of the host."""


def suites(files: Mapping[str, bytes]) -> Iterator[Suite | Gap]:
    """Yield the suites that binary packages come from, in the order of files and lines, and what is not understood."""
    for name in sorted(files):
        if name == "/etc/apt/sources.list" or name.startswith("/etc/apt/sources.list.d/"):
            read = _stanzas if name.endswith(".sources") else _lines
            yield from bounded(read(name, text(files[name])), name)


def _lines(name: str, whole: str) -> Iterator[Suite | Gap]:
    for number, line in lines(whole):
        plain = line.partition("#")[0].strip()
        if not plain or plain.split(None, 1)[0] == "deb-src" or " cdrom:" in plain:
            continue
        found = _LINE.fullmatch(plain)
        if found is None:
            yield Gap(f"{name} line {number}", f"no source of apt: {_shown(line)}")
            continue
        options = dict(word.partition("=")[::2] for word in (found[2] or "").split())
        architectures = tuple(options.get("arch", "").split(","))
        yield from _sound(f"{name} line {number}", [found[3]], [found[4]], found[5].split(), architectures)


def _stanzas(name: str, whole: str) -> Iterator[Suite | Gap]:
    fields, begin, value = dict[str, list[str]](), 1, list[str]()
    for number, line in [*lines(whole), (0, "")]:
        if line.startswith("#"):
            continue
        if not line.strip():
            yield from _stanza(f"{name} line {begin}", fields)
            fields, begin, value = {}, number + 1, []
        elif line[0] in " \t":
            value += line.split()
        else:
            field, _colon, rest = line.partition(":")
            value = fields[field.strip().lower()] = rest.split()


def _stanza(place: str, fields: Mapping[str, list[str]]) -> Iterator[Suite | Gap]:
    if "deb" not in fields.get("types", ()) or " ".join(fields.get("enabled", ())).lower() in _OFF:
        return
    uris, names = fields.get("uris", []), fields.get("suites", [])
    if not uris or not names:
        yield Gap(place, "a source of apt without an address or a suite")
    yield from _sound(place, uris, names, fields.get("components", []), fields.get("architectures", []))


def _sound(
    place: str, uris: Sequence[str], names: Sequence[str], components: Sequence[str], architectures: Sequence[str]
) -> Iterator[Suite | Gap]:
    """Yield each suite at each address, if its names can be part of one."""
    if max(map(len, (uris, names, components, architectures))) > MOST_WORDS:
        yield Gap(place, f"a source of apt with more than {MOST_WORDS} addresses, suites, components or architectures")
        return
    parts = [*components, *filter(None, architectures)]
    for uri, name in product(uris, names):
        if _URI.fullmatch(uri) and (name == "/" or _SUITE.fullmatch(name)) and all(map(_SUITE.fullmatch, parts)):
            yield Suite(uri, name, tuple(dict.fromkeys(components)), tuple(filter(None, architectures)))
        else:
            yield Gap(place, f"no source of apt: {_shown(' '.join((uri, name, *parts)))}")


def _shown(line: str) -> str:
    return shown(SECRET.sub("//", line))
