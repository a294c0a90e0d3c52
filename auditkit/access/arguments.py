"""What an SSH server was started with: its file, and the lines that its command line adds; sshd(8), dropbear(8)."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.answers import Process

TAKE_A_VALUE = frozenset("CEbcfghkopu")
"""Options of sshd(8) that a value follows."""
DROPBEAR_VALUES = frozenset("bdrpPWKIGTczDm")
_TITLE = re.compile(r"([^\s/:]{1,64}): (.*) \[listener\].*", re.DOTALL)
_WAITING = re.compile(r"[^\s/:]{1,64}: .+ \[listener\] [0-9]{1,9} of [0-9]{1,9}-[0-9]{1,9} startups\s*", re.DOTALL)
_SESSION = re.compile(r"sshd(-session)?: \S+( \[[a-z]+\])?|sshd: \[(accepted|net)\]|sshd: unknown \[[a-z]+\]")
_OPTIONS = re.compile(r"""^[ \t]*(?:export[ \t]+)?(?:SSHD_OPTS|OPTIONS)=(["']?)(.*)\1[ \t]*$""", re.MULTILINE)
_EXEC = re.compile(r"^[ \t]*Exec(?:Start|StartPre|StartPost)[ \t]*=[ \t]*[-@:+!|]*(/\S*/sshd)((?:[ \t].*)?)$", re.MULTILINE)
_JOINED = re.compile(r"\\\n")
_BY_DEFAULT = ("$SSHD_OPTS", "$OPTIONS", "$CRYPTO_POLICY", "${SSHD_OPTS}", "${OPTIONS}", "${CRYPTO_POLICY}")
"""What stands for the words of /etc/default/ssh and the like."""
LONGEST = 1 << 20
"""Bytes of a unit."""
_SAFE = re.compile(r"[!-~]{1,1000}")
_ASSIGNED = re.compile(r"([A-Za-z0-9]+)(?:\s*=\s*|\s+)(\S.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Started:
    """What a command line of sshd says."""

    main: str = ""
    """After -f; empty: the default file."""
    lines: tuple[str, ...] = ()
    """What -o, -p and others add before the first line of the file."""
    again: tuple[str, ...] | None = ()
    """The words that make another sshd read the same configuration; None where a word is not fit for that."""
    whole: bool = True
    """Whether all of it is known."""


def words_of(process: Process) -> tuple[tuple[str, ...], bool]:
    """The arguments of a process, the program left out, and whether they are whole: sshd writes its title over them."""
    arguments = process.arguments
    title = _TITLE.fullmatch(arguments[0]) if arguments else None
    if title is None:
        cut = bool(arguments) and arguments[0].startswith("sshd: ")
        return (() if cut else arguments[1:]), bool(arguments) and not cut
    return tuple(title[2].split(" ")[1:]), True


def is_waiting(process: Process) -> bool:
    """Whether it bears the title of an OpenSSH that waits for logins, by whatever name its program goes."""
    return bool(process.arguments) and _WAITING.fullmatch(process.arguments[0]) is not None


def is_session(process: Process) -> bool:
    """Whether it looks like the process of one login, and not like a server."""
    return bool(process.arguments) and _SESSION.fullmatch(process.arguments[0].strip()) is not None


def options(words: tuple[str, ...], valued: frozenset[str]) -> list[tuple[str, str]]:
    """The options with their values, as getopt(3) has them; words that belong to none are given to the one before."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(words):
        word, at = words[at], at + 1
        if not word.startswith("-") or word == "-":
            if found and found[-1][0] in valued:  # a title has lost the quotes of `-o "Keyword value"`
                found[-1] = (found[-1][0], f"{found[-1][1]} {word}")
            continue
        for place, letter in enumerate(word[1:], 1):
            if letter in valued:
                value = word[place + 1 :]
                if not value and at < len(words):
                    value, at = words[at], at + 1
                found.append((letter, value))
                break
            found.append((letter, ""))
    return found


def started(process: Process) -> Started:
    """What an sshd was started with."""
    return parsed(*words_of(process))


def by_default(text: str) -> Started:
    """What a file such as /etc/default/ssh has sshd started with."""
    found = _OPTIONS.findall(text)
    words = found[-1][1].split() if found else []
    return parsed(tuple(words), whole=not any(set(word) & set("$`\\") for word in words))


def by_unit(text: str) -> Iterator[tuple[str, Started]]:
    """Yield each sshd that a unit of systemd starts in another way than by default: its program, and with what."""
    for found in _EXEC.finditer(_JOINED.sub(" ", text[:LONGEST])):
        try:
            words = [word for word in shlex.split(found[2]) if word not in _BY_DEFAULT]
        except ValueError:
            words = ["$"]
        one = parsed(tuple(words), whole=not any(set(word) & set("$%\\") for word in words))
        if not any(letter in "tTGV" for letter, _value in options(tuple(words), TAKE_A_VALUE)) and (
            one.main or one.lines or not one.whole
        ):
            yield found[1], one


def parsed(words: tuple[str, ...], whole: bool) -> Started:
    """What these words after `sshd` say."""
    given = options(words, TAKE_A_VALUE)
    main, lines, again = "", [], []
    fit = True
    for letter, value in given:
        line = {"o": value, "p": f"Port {value}", "h": f"HostKey {value}", "g": f"LoginGraceTime {value}"}.get(letter)
        if letter == "f":
            main = value
        if line:
            lines.append(" ".join(line.split()))
        if letter in "fohg":
            word = _joined(value) if letter == "o" else value
            again += [f"-{letter}", word]
            fit = fit and _SAFE.fullmatch(word) is not None
    return Started(main, tuple(lines), tuple(again) if fit else None, whole)


def _joined(option: str) -> str:
    """An option of -o as one word without a blank, where that can be."""
    found = _ASSIGNED.fullmatch(option.strip())
    return f"{found[1]}={found[2]}" if found else option


@dataclass(frozen=True, slots=True)
class Dropbear:
    """Which logins a command line of dropbear(8) shuts out."""

    passwords: bool
    root_passwords: bool
    root: bool
    blank: bool
    group: str
    whole: bool


def dropbear(process: Process) -> Dropbear:
    """What a dropbear was started with; -s and -g shut out passwords, -w root, -G all but a group, -B lets empty ones in."""
    words, whole = words_of(process)
    given = dict(options(words, DROPBEAR_VALUES))
    passwords = "s" not in given and "t" not in given
    return Dropbear(passwords, "g" not in given, "w" not in given, "B" in given, given.get("G", ""), whole)
