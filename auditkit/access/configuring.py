"""What a server is configured to do: its version, its files as read, and what they come to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from auditkit import answers
from auditkit.access import asking, dump, finding, needs
from auditkit.access.dump import Answer
from auditkit.access.finding import Found
from auditkit.errors import FormatError
from auditkit.model import Evidence, Gap, Means, Need
from auditkit.sshd import effective, reading
from auditkit.sshd.criteria import Connection
from auditkit.sshd.effective import MAIN, Configuration
from auditkit.sshd.globbing import globbed
from auditkit.sshd.lines import Version, lowered

NEWEST: Version = (10, 6)
"""The newest version whose configuration is understood."""
MOST_FILES = 50
COMMAND_LINE = "command line"
"""What stands for the file of a line that the command line adds."""
WHY = "a file of the configuration of sshd"
FIRST = (needs.CONFIG.what, needs.VENDORED.what, needs.DROP_INS.what)
"""What is asked for before any file was read that names others."""
_GLOB = re.compile(r"/[A-Za-z0-9._/@+*?\[\]!-]{1,200}")
_PACKAGE = re.compile(r"^Version: *(?:[0-9]+:)?([0-9]{1,3})\.([0-9]{1,3})", re.MULTILINE)
_APK = re.compile(r"^P:openssh-server(?:-pam|-common)?\n(?:.+\n)*?V:([0-9]{1,3})\.([0-9]{1,3})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Configured:
    """An OpenSSH server and its configuration."""

    found: Found
    version: Version | None
    configuration: Configuration | None
    answer: Answer | None
    """What it said of itself without a connection."""
    why: str = ""
    """Why its configuration is not known."""


def configured(evidence: Evidence, found: Found) -> Configured:
    """An OpenSSH server with what its files come to."""
    said = asking.first(evidence, found)
    version = version_of(evidence, found, said)
    if found.contained:
        return Configured(found, version, None, said, f"{found.contained}, so its files are not those of the host")
    if not found.started.whole:
        return Configured(found, version, None, said, "its command line is not known whole")
    if not found.main.startswith("/") and not found.bare:
        return Configured(
            found, version, None, said, "where its file lies is not known: the command line names no absolute path"
        )
    if version is None:
        return Configured(found, None, None, said, "its version is not known, and what a line means depends on it")
    try:
        return Configured(found, version, _read(evidence, found, min(version, NEWEST)), said)
    except FormatError as error:
        return Configured(found, version, None, said, str(error))


def version_of(evidence: Evidence, found: Found, said: Answer | None) -> Version | None:
    """The version of a server: by its own word, what it shows, or the package that it is from."""
    told = next(needs.read(evidence, needs.VERSION, answers.ran), None)
    by_itself = dump.version((told.out + told.complaints).decode("utf-8", "replace")) if isinstance(told, answers.Ran) else None
    shown = (dump.version(show.banner) for show in found.shown)
    ours = by_itself if asking.base(found) is not None else None
    return (said and said.version) or next(filter(None, shown), None) or ours or _package(evidence)


def _package(evidence: Evidence) -> Version | None:
    text = needs.text(evidence, needs.DPKG) or ""
    at = text.find("Package: openssh-server\n")
    if at >= 0 and (at == 0 or text[at - 1] == "\n"):
        stanza = text[at:].partition("\n\n")[0]
        told = _PACKAGE.search(stanza)
        if told and "\nStatus: install ok" in stanza:
            return int(told[1]), int(told[2])
    told = _APK.search(needs.text(evidence, needs.APK) or "")
    return (int(told[1]), int(told[2])) if told else None


def files(evidence: Evidence) -> dict[str, bytes | Gap]:
    """Every file of a configuration of sshd that was taken, and a gap for each that could not be read."""
    wanted = [item for item in evidence.items if item.need.means is Means.FILE and is_config(item.need)]
    found: dict[str, bytes | Gap] = {item.source: item.data for item in wanted}
    places = {need.what.rpartition("/")[0] for need in (needs.CONFIG, needs.DROP_INS)} | {s.rpartition("/")[0] for s in found}
    for gap in evidence.gaps:
        if gap.subject not in found and gap.subject.rpartition("/")[0] in places:
            found[gap.subject] = gap
    return found


def is_config(need: Need) -> bool:
    """Whether a need is for files of a configuration of sshd."""
    return need.what in FIRST or need.why == WHY


def looked_up(evidence: Evidence, globs: tuple[str, ...]) -> tuple[str, ...]:
    """The globs, of those of Include lines, whose files were all asked for."""
    named = (need.what for need in more(evidence) if evidence.was_asked(need))
    asked = {*FIRST, *named}
    return tuple(glob for glob in globs if _covered(glob, asked) and needs.unread(evidence, glob) is None)


def _covered(glob: str, asked: set[str]) -> bool:
    folder, _slash, name = glob.rpartition("/")
    return glob in asked or (folder == needs.DROP_INS.what.rpartition("/")[0] and "\\" not in name and bool(name))


def places(configuration: Configuration | None) -> tuple[str, ...]:
    """The files that configure a server, and the directories of its Include lines: one that is gone has changed those."""
    held = configuration.files.read if configuration else {}
    files = [each for each in held if each.startswith("/")]
    read = (each for file in files if not isinstance(lines := held[file], Gap) for each in lines)
    words = [word for each in read if lowered(each.line.keyword) == "include" for word in each.line.words]
    globs = [word if word.startswith("/") else f"{reading.DIRECTORY}/{word}" for word in words]
    return tuple(dict.fromkeys((*files, *(glob.rpartition("/")[0] for glob in globs if "*" in glob))))


def pid_file(configuration: Configuration | None) -> str:
    """The file that a server writes whenever it reads its configuration; `none` where it writes none."""
    value = configuration.of(Connection()).effects["PidFile"].value if configuration else None
    return value[0] if value else "none"


def named(evidence: Evidence, keyword: str) -> tuple[tuple[str, ...], ...]:
    """The words of each line of a keyword, in whatever file that was taken, command line or Match block, for any version.

    For what is to be asked for: what a version makes of it is known only later.
    """
    options = "".join(f"{line}\n" for each in finding.found(evidence)[0] for line in each.started.lines)
    held = {**files(evidence), COMMAND_LINE: options.encode("utf-8", "surrogateescape")}
    found = reading.Files(held, NEWEST, None, MAIN)
    try:
        read = [each for name in held for each in reading.of(found, name)]
    except FormatError:  # too much for a configuration: whoever reads it says so
        return ()
    return tuple(dict.fromkeys(each.line.words for each in read if lowered(each.line.keyword) == lowered(keyword)))


def more(evidence: Evidence) -> tuple[Need, ...]:
    """The files that are wanted besides: what Include lines name, and the files of servers that were started with others."""
    servers = [each for each in finding.found(evidence)[0] if each.kind == "openssh"]
    named = [each.started.main for each in servers if each.started.main and _root(each)]
    try:
        globs = reading.globs(files(evidence), NEWEST)
    except FormatError:  # too much for a configuration: whoever reads it says so
        globs = ()
    wanted = (name for name in (*named, *globs) if name not in FIRST and _askable(name))
    asked = {needs.CONFIG.what, needs.DROP_INS.what}
    return tuple(Need(Means.FILE, name, WHY) for name in dict.fromkeys(wanted) if not _covered(name, asked))[:MOST_FILES]


def _root(found: Found) -> bool:
    """Whether root has started it, or has written down how."""
    return found.process is None or found.process.uid == 0


def _askable(glob: str) -> bool:
    """Whether a glob may be asked for: of plain characters, and no secret by its name."""
    secret = asking.SECRET.search(glob) or any(globbed(path, glob) for path in asking.SECRETS)
    return _GLOB.fullmatch(glob) is not None and not secret and "/../" not in glob


def _read(evidence: Evidence, found: Found, version: Version) -> Configuration:
    held = files(evidence)
    held |= {found.main: b""} if found.bare else {}
    globs = looked_up(evidence, reading.globs(held, version))
    if not found.started.lines:
        return effective.read(held, version, main=found.main, asked=globs)
    text = "".join(f"{line}\n" for line in found.started.lines) + ("" if found.bare else f'Include "{found.main}"\n')
    both: Mapping[str, bytes | Gap] = {**held, COMMAND_LINE: text.encode("utf-8", "surrogateescape")}
    if found.main not in both:
        both = {**both, found.main: Gap(found.main, "was not read")}
    return effective.read(both, version, main=COMMAND_LINE, asked=globs)
