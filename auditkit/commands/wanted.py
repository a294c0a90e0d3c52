"""Which rules auditkit knows, and what it would ask of a host, said before anything is asked: for docs, and for people."""

import json
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from auditkit.model import ON_DISK, Audit, Means, Need
from auditkit.printable import printable

RULES_SCHEMA, NEEDS_SCHEMA = "auditkit/rules/1", "auditkit/needs/1"
WIDTH = 116
ACCOUNT = "audit"
"""The account of the auditor in sudoers."""
HEADS = {
    Means.FILE: "read",
    Means.STATUS: "mode and owner",
    Means.LISTING: "listed",
    Means.UNOWNED: "listed where no package owns it",
    Means.COMMAND: "run",
    Means.LISTENERS: "who listens",
    Means.BANNER: "contacted",
    Means.PORT: "contacted from here",
    Means.PRIVILEGED: "walked through",
    Means.PROCESSES: "which processes run",
    Means.PACKAGES: "reduced to what is installed",
    Means.TIMES: "times of",
    Means.LIBRARIES: "libraries that are gone",
    Means.LOG: "logs read",
}
_WORDS = {
    (Means.LISTENERS, "all"): "/proc/net/tcp, tcp6, udp, udp6, and /proc/PID/fd",
    (Means.BANNER, "ssh"): "the ports on which SSH servers listen: the own login over SSH, up to three connections for local",
    (Means.PORT, "*"): "each port that the host itself says is open to others, at the address at which it was reached",
    (Means.PORT, "listed"): "the ports that auditkit.yaml lists for a device without SSH",
    (
        Means.PRIVILEGED,
        "/**",
    ): "all local file systems: setuid and setgid programs, file capabilities, programs in /tmp and the like",
    (Means.PROCESSES, "all"): "/proc/PID of every process, and the tables of control groups",
    (Means.LIBRARIES, "all"): "/proc/PID/maps of every process",
}
EMPTY = '""'
_OWN = re.compile(r"[\\,:=*?\[\]!#]")
"""What has a meaning of its own in the arguments of a command: sudoers(5)."""


# --- rules


def rule_lines(audits: Sequence[Audit]) -> Iterator[str]:
    """Yield a line for each rule, by audit, the worst first."""
    widest = max((len(rule.id) for audit in audits for rule in audit.rules), default=0)
    for audit in audits:
        yield f"{audit.name}: {audit.title}"
        for rule in sorted(audit.rules, key=lambda rule: (-rule.severity, rule.id)):
            yield f"  {rule.id:{widest}}  {rule.severity.word:8}  {rule.title}"


def rule_document(audits: Sequence[Audit]) -> dict[str, Any]:
    """The same with all that is written of each rule."""
    rules = [
        {
            "audit": audit.name,
            "id": rule.id,
            "severity": rule.severity.word,
            "title": rule.title,
            "why": rule.why,
            "remedy": rule.remedy,
            "references": list(rule.references),
        }
        for audit in audits
        for rule in audit.rules
    ]
    return {"schema": RULES_SCHEMA, "rules": rules}


# --- needs


def told(sources: Iterable[tuple[str, Iterable[Need]]]) -> dict[Means, dict[str, list[str]]]:
    """What is asked for by its means, and of each why and who asks, in the order of the sources."""
    asked: dict[Means, dict[str, list[str]]] = {}
    for who, wanted in sources:
        for need in wanted:
            why = f"{need.why} ({who}{'; facts only' if need.secret else ''})"
            asked.setdefault(need.means, {}).setdefault(need.what, []).append(why)
    return asked


def of_host(word: str, audits: Sequence[Audit]) -> Iterator[tuple[Audit, tuple[Need, ...], tuple[Need, ...]]]:
    """Yield each audit with what it asks of such a host at first, and what may follow: a disk runs nothing."""
    if word.startswith("evidence:"):
        return
    disk = word.startswith("root:")
    for audit in audits:
        first, then = ([need for need in needs if not disk or need.means in ON_DISK] for needs in (audit.needs, audit.then))
        yield audit, tuple(first), tuple(then)


def need_lines(word: str, audits: Sequence[Audit]) -> Iterator[str]:
    """Yield what each audit reads, runs and contacts on a host, and the lines of sudoers for it."""
    name = printable(word)
    if word.startswith("evidence:"):
        yield f"{name}: nothing is asked of any host; it is judged by what was taken"
        return
    yield f"{name}: {_reached(word)}"
    for audit, first, then in of_host(word, audits):
        yield ""
        yield f"{audit.name}: {audit.title}"
        yield from _lines(first)
        yield from (line for need in then for line in _line(f"then {HEADS[need.means]}", need))
    rules = list(sudoers(word, audits))
    yield from ("", *rules) if rules else ()


def _reached(word: str) -> str:
    if word.startswith("root:"):
        return "files of a mounted disk; nothing on it runs, nothing is contacted"
    if word == "local":
        return "this machine; what root alone may read needs root (sudo auditkit), else it is a gap"
    return "asked over one connection to its SSH port; what root alone may read needs become: sudo, else it is a gap"


def _lines(needs: Sequence[Need]) -> Iterator[str]:
    for means in Means:
        for need in sorted({each.what: each for each in needs if each.means is means}.values(), key=lambda need: need.what):
            yield from _line(HEADS[means], need)


def _line(head: str, need: Need) -> Iterator[str]:
    """Yield what is asked for; a long command on several lines."""
    what = _WORDS.get((need.means, need.what), need.what)
    facts = "  (facts only: it may hold secrets)" if need.secret else ""
    yield from textwrap.wrap(
        f"{what}{facts}", WIDTH, initial_indent=f"  {head}: ", subsequent_indent="      ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def need_document(words: Sequence[str], audits: Sequence[Audit]) -> dict[str, Any]:
    """The same as an object."""
    hosts = [
        {
            "host": printable(word),
            "audits": [
                {"audit": audit.name, "needs": [_told(need) for need in first], "then": [_told(need) for need in then]}
                for audit, first, then in of_host(word, audits)
            ],
            "sudoers": list(sudoers(word, audits)),
        }
        for word in words
    ]
    return {"schema": NEEDS_SCHEMA, "hosts": hosts}


def _told(need: Need) -> Mapping[str, object]:
    return {"means": need.means.value, "what": need.what, "why": need.why, "secret": need.secret}


# --- sudoers


def sudoers(word: str, audits: Sequence[Audit]) -> Iterator[str]:
    """Yield lines of sudoers: what auditkit itself needs, and what the commands alone come to; nothing where none can run.

    What follows from answers is left out: `*` in sudoers stands for any number of words, `/etc/shadow` among them.
    """
    if word.startswith(("root:", "evidence:")):
        return
    yield "# sudoers for `become: sudo` (visudo -f /etc/sudoers.d/auditkit). The probe reads every file above as root, and"
    yield "# what can read every file can do everything: a narrower rule for it would only look narrower."
    yield f"{ACCOUNT} ALL=(root) NOPASSWD: ALL"
    commands = sorted({_command(need.what) for audit in audits for need in audit.needs if need.means is Means.COMMAND})
    if commands:
        yield ""
        yield "# Who runs only the commands, by hand or with another tool, needs no more than these in its place, word by word."
        yield "# Commands that follow from answers are not among them: `*` in their place would stand for any words."
        yield "Cmnd_Alias AUDITKIT = \\"
        yield from (f"    {command}, \\" for command in commands[:-1])
        yield f"    {commands[-1]}"
        yield f"{ACCOUNT} ALL=(root) NOPASSWD: AUDITKIT"


def _command(what: str) -> str:
    """A command as sudoers reads it, no sign in it being one of sudoers' own; `""` keeps one without arguments so."""
    program, _blank, arguments = what.partition(" ")
    return f"{program} {_OWN.sub(_escaped, arguments) if arguments else EMPTY}"


def _escaped(found: re.Match[str]) -> str:
    """A sign behind a backslash; of a backslash four, for the line is read first as one of sudoers, and then as a pattern."""
    return "\\" * 4 if found[0] == "\\" else "\\" + found[0]


def as_json(document: Mapping[str, Any]) -> str:
    """An object as text."""
    return json.dumps(document, indent=1, ensure_ascii=True) + "\n"
