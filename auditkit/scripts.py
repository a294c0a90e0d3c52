"""What maintainer scripts set of modes, owners and capabilities: what an archive cannot have, and its signed script does.

Pure. Nothing runs and little is understood: a line that names the path and one of the tools, with variables that are set to
plain words put in. A mode that is spelt out nowhere is no mode of the package.
"""

import re
import struct
from collections.abc import Iterator, Mapping

from auditkit.words import capability

LONGEST = 4 << 20
_SET = re.compile(
    r"""^\s*(?:local |readonly |export )?([A-Za-z_][A-Za-z_0-9]{0,40})=(?:"([^"`$]*)"|'([^']*)'|([^\s;"'`$]*))\s*;?\s*$"""
)
_TRUE_NAME = re.compile(r"^\s*([A-Za-z_][A-Za-z_0-9]{0,40})=\"?\$\(dpkg-divert --truename (/[^\s)]+)\)\"?\s*$")
_FOR = re.compile(r"^\s*for\s+([A-Za-z_][A-Za-z_0-9]{0,40})\s+in\s+([^;`$]{1,4096});\s*do\s*$")
_DONE = re.compile(r"^\s*done\b")
MOST_WORDS = 50
"""Words of one loop that are gone through."""
_USED = re.compile(r"\$\{?([A-Za-z_][A-Za-z_0-9]{0,40})\}?")
_TOOLS = r"chmod|chown|chgrp|dpkg-statoverride|install|mkdir|setcap"
_FUNCTION = re.compile(
    r"^[ \t]*([A-Za-z_][A-Za-z_0-9]{0,40})[ \t]*\(\)[ \t\n]*\{(.{0,10000}?)^[ \t]*\}", re.DOTALL | re.MULTILINE
)
_QUOTES = "[\"']"
_WORD = r"(?<![\w./-]){}(?![\w./-])"
BY_PROGRAMS = {
    ("/var/cache/apt/archives/partial", 0o700, "_apt", "root"),
    ("/var/lib/apt/lists/partial", 0o700, "_apt", "root"),
    ("/var/lib/polkit-1", 0o700, "polkitd", "root"),
    ("/etc/credstore", 0o700, "root", "root"),
    ("/etc/credstore.encrypted", 0o700, "root", "root"),
    ("/var/local", 0o2775, "root", "staff"),
}
"""What programs of a package set when they run, systemd-tmpfiles among them, or scripts of the release before: path, mode,
owner, group."""


def lines_about(script: str, names: tuple[str, ...]) -> list[str]:
    """The lines that set something of a path, with the words that variables stand for."""
    joined = script[:LONGEST].replace("\\\n", " ")
    if not any(name.rpartition("/")[2] in joined for name in names):
        return []
    tool = re.compile(rf"(?<![\w-])({'|'.join((_TOOLS, *_setters(joined)))})(?![\w-])")
    return [line for line in _expanded(joined) if tool.search(line) and any(_has(line, name) for name in names)]


def mentions(script: str, name: str) -> bool:
    """Whether a script names a path anywhere, with the words that variables stand for."""
    return name.rpartition("/")[2] in script and any(_has(line, name) for line in _expanded(script[:LONGEST]))


def registers(script: str, link: str, name: str, path: str) -> bool:
    """Whether a script registers a path as an alternative, update-alternatives(1), or as one that goes along with it."""
    wanted = [f" --{option} {link} {name} {path} " for option in ("install", "slave")]
    lines = _expanded(script[:LONGEST].replace("\\\n", " ")) if path in script or link in script else ()
    told = (f" {' '.join(re.sub(_QUOTES, ' ', line).split())} " for line in lines)
    return any(words in line for line in told for words in wanted)


def _setters(script: str) -> list[str]:
    """The functions of a script that use one of the tools: what they are given is set by whoever calls them."""
    return [found[1] for found in _FUNCTION.finditer(script) if re.search(rf"\b({_TOOLS})\b", found[2])]


def _expanded(script: str) -> Iterator[str]:
    """Yield each line with the words that its variables stand for, and one of a loop for each word that it goes through.

    Of loops within loops the inner one is gone through.
    """
    known, loop, words = {"DPKG_ROOT": ""}, "", [""]  # dpkg itself sets that to where the system lies
    for line in script.split("\n"):
        if found := _TRUE_NAME.match(line):
            known[found[1]] = found[2]
        elif found := _SET.match(line):
            known[found[1]] = next((word for word in found.groups()[1:] if word is not None), "")
        elif found := _FOR.match(line):
            loop, words = found[1], found[2].split()[:MOST_WORDS]
        elif _DONE.match(line):
            loop, words = "", [""]
        yield from dict.fromkeys(_put_in(line, {**known, loop: word}) for word in words)


def _put_in(line: str, values: Mapping[str, str]) -> str:
    return _USED.sub(lambda used: values.get(used[1], used[0])[:4096], line)


def _has(line: str, word: str) -> bool:
    return re.search(_WORD.format(re.escape(word)), line) is not None


def sets_mode(lines: list[str], mode: int) -> bool:
    """Whether one of these lines sets just this mode."""
    octal = re.compile(rf"(?<![\w./-])0?{mode:o}(?![\w./-])")
    return any(octal.search(re.sub(r"-m\s?0?", "-m ", line)) for line in lines)


def sets_owner(lines: list[str], owner: str) -> bool:
    """Whether one of these lines gives something to this account or group."""
    return any(_has(line.replace('"', " ").replace(":", " "), owner) for line in lines)


def sets_capabilities(lines: list[str], value: str) -> bool:
    """Whether these lines set the capabilities that an attribute holds in hex, and no fewer."""
    try:
        told = capability(bytes.fromhex(value.removeprefix("0x"))) or ""
    except (ValueError, struct.error):
        return False
    names = set(re.findall(r"cap_[a-z_0-9]+", told))
    setting = [line for line in lines if "setcap" in line]
    return bool(names) and any(names <= set(re.findall(r"cap_[a-z_0-9]+", line)) for line in setting)
