"""What it means that a path differs between hosts that have the same version of its package: rule, severity, words.

Pure: the facts of one path (facts.py) and who shows which, in; a finding for one of these hosts, out.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from auditkit.facts import CAPABILITY, DOCUMENTS, bits, shown, values
from auditkit.model import Finding, Quote, Rule, Severity
from auditkit.printable import few, printable

UNLIKE = Rule(
    "unlike-other-hosts",
    "a packaged file is not what other hosts have in the same version of its package",
    Severity.HIGH,
    "A vendor ships one content, mode and owner for a version. Where two thirds of the hosts or more agree and one does not, it"
    " is that one which was changed: by an intruder, a program that updates itself, a failing disk, or somebody who edits"
    " programs. That the others agree does not prove that they are right: whoever broke into all of them agrees with himself.",
    "take an image of the disk before anything is put right; let the vendor decide: auditkit check HOST --against vendor",
    ("dpkg(1)",),
)
DISAGREE = Rule(
    "hosts-disagree",
    "hosts have different files in the same version of a package",
    Severity.HIGH,
    "At least one of these machines does not have what the vendor ships, and none of them is known to be right. The hosts show"
    " different content for one file of the same version, and there are too few of them to tell which is the odd one.",
    "ask the vendor for each of them: auditkit check HOST... --against vendor; or name more hosts that have the package",
    ("dpkg(1)",),
)
ADAPTED = Rule(
    "configuration-unlike-other-hosts",
    "a configuration file is not as other hosts have it",
    Severity.INFO,
    "Hosts are set up differently on purpose. The odd one out is still worth knowing, for who breaks in sets things up too.",
    "know why this host needs it; a baseline tells when it changes",
)
LACKING = Rule(
    "missing-unlike-other-hosts",
    "files of a package are missing that other hosts have in the same version",
    Severity.MEDIUM,
    "Something that should protect or record may have been taken away on this machine alone. Its package on this host says"
    " that the file is there, and hosts with the same version have it: a check, a log rule, a module.",
    "find out who removed it; reinstall the package to have it back",
    ("dpkg(1)",),
)
UNOWNED = Rule(
    "unowned-unlike-other-hosts",
    "a file belongs to no package here, and to one on other hosts, which have another there",
    Severity.MEDIUM,
    "Who takes a program out of the package database, or the whole package, makes its files nobody's: they are then verified by"
    " nothing. Software that was installed by hand looks the same.",
    "find out where it comes from; compare it with the package's",
)
LISTED = Rule(
    "package-list-unlike-other-hosts",
    "a package's list of files is not what other hosts have for the same version",
    Severity.MEDIUM,
    "The list says which files are verified. It comes with the package, and nothing that belongs there changes it; a path that"
    " was taken out escapes dpkg -V, one that was put in looks as if a vendor had brought it.",
    "compare the list with the package's own: dpkg-deb -c PACKAGE.deb, auditkit check HOST --against vendor",
    ("dpkg-query(1)",),
)
DIVERTED = Rule(
    "diverted-unlike-other-hosts",
    "a file of a package is put elsewhere on this host, and not on others with the same version",
    Severity.MEDIUM,
    "On this machine a program may have been replaced by another one. dpkg-divert moves a package's file out of the way here,"
    " not on other hosts with the same version, and another file can stand in its place.",
    "see what is in its place; dpkg-divert --remove PATH unless an admin meant it",
    ("dpkg-divert(1)",),
)
ALONE = Rule(
    "version-of-no-other-host",
    "packages are here in a version that no other host of this run has",
    Severity.INFO,
    "There is nothing to hold their files against. Updates that did not come are the usual cause; a host that lies of a version"
    " escapes this comparison too.",
    "bring the hosts to the same version, or ask the vendor: auditkit check HOST --against vendor",
)
RULES = (UNLIKE, DISAGREE, ADAPTED, LACKING, UNOWNED, LISTED, DIVERTED, ALONE)

MOST_NAMED, MOST_FIRST = 3, 10
"""Hosts, and paths or packages, that are named of many."""
SET_ID = 0o6000
_WRITABLE = 0o022
_RUN = 0o111
_CONTENT = ("kind", "digest", "target")
_WORDS = {"kind": "kind", "digest": "content", "target": "target", "uid": "owner", "gid": "group", "xattrs": "attributes"}


@dataclass(frozen=True, slots=True)
class Place:
    """One path of one package, and what is known of it that no host alone decides."""

    path: str
    package: str
    """Name and version, for a reader."""
    configuration: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """Hosts that show the same fact of a path."""

    fact: bytes
    hosts: tuple[str, ...]


def odd(place: Place, own: Side, others: Side, names: Collection[str], overridden: str = "") -> Finding:
    """The finding for a host that is not as most: `names` are the attributes in which it is not.

    `overridden` is what the host itself says shall be so.
    """
    what = _what(names)
    content = is_content(names)
    rule = ADAPTED if content and place.configuration else UNLIKE
    severity = _of_content(place, own, others) if content else _of_attributes(own, others, names)
    if not content and overridden:
        gains = bits(own.fact) & ~bits(others.fact) & SET_ID
        severity = severity if gains else Severity.LOW
    message = f"its {what} not what {_hosts(others.hosts)} {'have' if len(others.hosts) > 1 else 'has'} in {place.package}"
    message += f"; this host's dpkg-statoverride says so: {printable(overridden)}" if overridden and not content else ""
    return Finding(rule, place.path, message, severity, _quotes((own, others), names, "others"))


def contested(place: Place, sides: Sequence[Side], names: Collection[str]) -> Finding:
    """The finding for each host of a path in which hosts differ, and too few agree."""
    numbers = " against ".join(str(len(side.hosts)) for side in sides)
    content = is_content(names)
    severities = [
        _of_content(place, one, other) if content else _of_attributes(one, other, names)
        for one in sides
        for other in sides
        if one is not other
    ]
    message = f"its {_what(names)} not the same on hosts with {place.package}, {numbers}: none is known to be right"
    return Finding(DISAGREE, place.path, message, max(severities), _quotes(sides, names, "hosts"))


def is_content(names: Collection[str]) -> bool:
    """Whether it is what a file is, and not who may use it."""
    return any(name.startswith(_CONTENT) for name in names)


def _what(names: Collection[str]) -> str:
    words = dict.fromkeys(_WORDS.get(name.partition(" ")[0], name) for name in sorted(names))
    words = dict.fromkeys(["kind"]) if "kind" in words else words
    return " and ".join(words) + (" are" if len(words) > 1 or "attributes" in words else " is")


def _of_content(place: Place, own: Side, others: Side) -> Severity:
    if place.configuration:
        return Severity.LOW if (bits(own.fact) | bits(others.fact)) & _RUN else ADAPTED.severity
    if (bits(own.fact) | bits(others.fact)) & SET_ID:
        return Severity.CRITICAL
    return Severity.LOW if place.path.startswith(DOCUMENTS) else UNLIKE.severity


def _of_attributes(own: Side, others: Side, names: Collection[str]) -> Severity:
    more = bits(own.fact) & ~bits(others.fact) if "mode" in names else 0
    here, there = values(own.fact), values(others.fact)
    is_taken = there.get("uid") == "root" != here.get("uid") and "uid" in names
    is_capable = "xattrs" in names and CAPABILITY in here.get("xattrs", "")
    if more & (SET_ID | _WRITABLE) or is_taken or is_capable:
        return Severity.HIGH
    return Severity.LOW if set(names) == {"mode"} and not more and "mode" in here else Severity.MEDIUM


def _quotes(sides: Sequence[Side], names: Collection[str], noun: str) -> tuple[Quote, ...]:
    wanted = {*names, "uid", "owner"} if {"uid", "owner"} & set(names) else set(names)
    return tuple(Quote(_source(side.hosts, noun), 0, shown(side.fact, wanted)) for side in sides)


def _source(words: Sequence[str], noun: str) -> str:
    """A host by its word, a few by theirs, many by their number."""
    return ", ".join(words) if len(words) <= MOST_NAMED else f"{len(words)} {noun}"


def _hosts(words: Sequence[str]) -> str:
    """`ws-01`, or `9 hosts (srv-01, ws-01, ws-02 and 6 more)`."""
    if len(words) == 1:
        return printable(words[0])
    return f"{len(words)} hosts ({few(list(map(printable, words)), MOST_NAMED)})"


def diverted(place: Place, who: str, others: Sequence[str], *, replaced: bool) -> Finding:
    """The finding for a host that puts a path of a package elsewhere: for `who`, a package, or if empty for its admin.

    `replaced` says whether more hosts have that package put its own file there.
    """
    by = f"for {printable(who)}" if who else "by a local diversion"
    message = f"what {place.package} has there is put elsewhere {by}, and not on {_hosts(others)}"
    return Finding(DIVERTED, place.path, message, Severity.LOW if replaced else DIVERTED.severity)


@dataclass(slots=True)
class Several:
    """Things of one kind: how many, and the first of them."""

    number: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, one: str) -> None:
        """Count one more, and keep it if it is among the first."""
        self.number += 1
        if len(self.first) < MOST_FIRST:
            self.first.append(one)

    def __str__(self) -> str:
        """`/usr/bin/a, /usr/bin/b and 5 more`."""
        named = ", ".join(map(printable, self.first))
        return f"{named} and {self.number - len(self.first):,} more" if self.number > len(self.first) else named


@dataclass(slots=True)
class Lists:
    """In what one host's list of a package is not as those of others."""

    has: Several = field(default_factory=Several)
    lacks: Several = field(default_factory=Several)


def listed(package: str, lists: Lists) -> Finding:
    """The finding for a host whose list of a package is not as those of other hosts."""
    parts = [f"has {lists.has}"] if lists.has.number else []
    parts += [f"lacks {lists.lacks}"] if lists.lacks.number else []
    message = f"the list of its files {' and '.join(parts)}, unlike those of other hosts with the same version"
    return Finding(LISTED, f"package {package}", message, LISTED.severity)


def lacking(paths: Several) -> Finding:
    """The finding for a host on which files are missing."""
    message = f"missing here, and there on most hosts with the same version: {paths}"
    return Finding(LACKING, "packages", message, LACKING.severity)


def unowned(paths: Several) -> Finding:
    """The finding for a host that has other files, of no package, where others have a package's."""
    message = f"of no package here, and not the file that a package of other hosts has there: {paths}"
    return Finding(UNOWNED, "packages", message, UNOWNED.severity)


def alone(packages: Several) -> Finding:
    """The remark on a host that has packages in versions that no other has."""
    return Finding(ALONE, "packages", f"compared with no other host's: {packages}", ALONE.severity)


def left(told: Sequence[Finding], number: Mapping[tuple[str, Severity], int], most: int) -> Iterator[Finding]:
    """Yield a finding for those of one rule and severity that were too many to be told."""
    rules = {finding.rule.id: finding.rule for finding in told}
    for (name, severity), many in number.items():
        if many > most:
            yield Finding(rules[name], "packages", f"and {many - most:,} more that are not named", severity)
