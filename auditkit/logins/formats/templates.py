"""The shapes that most runs of a log have: learned from it, and made into one expression that cuts a run as it finds it.

A log of guesses says few things over and over: of ten runs, nine have one of thirty shapes. To cut address, port and name out
of a run by `shape`, and to ask what is left, takes two or three times as long as to find it; an expression that knows its shape
does all of this at once. A shape is a template only where the expression must cut what `shape` cuts; all other runs are cut by
that.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, cast

from auditkit.logins.formats.meaning import SSHD, own_words
from auditkit.logins.formats.runs import NAME, PEER, PLAIN, RHOST, PlainNames, a_run, prefix, shape
from auditkit.logins.formats.sequences import Sequence as Says

MOST = 32
"""Templates in an expression: of a program that is not sshd, and has no names cut out, it is one of the same."""
LONGEST = 1000
"""Characters of a template."""
DUE = 2048
"""Runs without a template after which templates are learned; twice as many each time, for to learn takes as long as to read
a piece."""
SHAPES = 4096
"""Shapes that are counted."""
RARE = 256
"""One run of so many has a shape that is no template yet, if it is worth to be one."""
EXPRESSIONS = 64
"""Expressions that are made for one log: whoever writes lines of many machines by turns shall not keep us at it."""
TRIED = ("192.0.2.1", "1", "zqx"), ("2001:db8::1", "65535", "Qz-7_j")
"""Address, port and name with which a template is tried."""
BETWEEN_BLANKS = re.compile(r"(?<= )[^ \n]+(?= )").findall
MARKED = re.compile(r" (\0[prn])")

ADDRESS, PORT, ONE_NAME = r"[0-9a-f.:]{2,45}+", r"[1-9][0-9]{0,4}+", r"[A-Za-z][A-Za-z0-9_-]{0,31}+"
"""What an expression cuts out: of the addresses and ports that `shape` cuts out, those that have the usual letters."""
OF_SSHD = "sshd(?:-session|-auth)?"
"""SSHD as an expression."""
NOT_CUT = Says(1, ())
"""What a line says that is not written as most are."""

Row = tuple[str, str, str, str, str, str]
"""Stamp with the blank behind it, program, pid, address, port and name of a run; of any other line, its beginning alone."""
Known = Callable[[str, str], Says]
"""What a shape of a program says."""


class Template(NamedTuple):
    """A shape that many runs have."""

    program: str
    """`sshd` for all names that it writes by."""
    text: str

    def filled(self, address: str, port: str, name: str) -> str:
        """What is said with these."""
        text = self.text.replace(NAME, f" {name} ")
        return text.replace(PEER, f" {address} port {port}").replace(RHOST, f" rhost={address}")

    def words(self) -> set[str]:
        """What stands between blanks and could be a name: one that is the same would be cut out there, too."""
        return {word.lower() for word in BETWEEN_BLANKS(self.text) if PLAIN(word)} if self.program in SSHD else set()

    def is_sound(self, plain: PlainNames) -> bool:
        """Whether `shape` must cut out of whoever says it just what its expression does."""
        own = MARKED.sub("", self.text)
        if len(self.text) > LONGEST or "\0" in own or "port " in own or "rhost=" in own:
            return False
        if self.program not in SSHD:
            return own == self.text
        return all(shape(self.filled(*one), plain) == self._cut(*one) for one in TRIED)

    def _cut(self, address: str, port: str, name: str) -> tuple[str, str, str, str]:
        marks = ("\0" in self.text, address), (PEER in self.text, port), (NAME in self.text, name)
        address, port, name = (what if there else "" for there, what in marks)
        return self.text, address, port, name

    def expression(self, at: int, block: int) -> str:
        """It as an expression: its groups are `a` for the address, `p` for the port, `n` for the name and `z` for its end."""
        made, cut = "", set[str]()

        def group(letter: str, what: str) -> str:
            known = letter in cut
            cut.add(letter)
            return f"(?P={letter}{at})" if known else f"(?P<{letter}{at}>{what})"

        for part in MARKED.split(self.text):
            if part == "\0p":
                made += f" {group('a', ADDRESS)} port {group('p', PORT)}(?![0-9])"
            elif part == "\0r":
                made += f" rhost={group('a', ADDRESS)}(?![^ \n])"
            elif part == "\0n":
                made += f" {group('n', ONE_NAME)}(?= )"
            else:
                made += re.escape(part).replace("\\\n", f"\n(?P=prefix{block})")
        return f"{made}(?P<z{at}>)"


class Way(NamedTuple):
    """What runs of a template say, and the groups of a match that are its row."""

    says: Says
    groups: tuple[int, ...]


class Expression(NamedTuple):
    """Finds one run after the other."""

    found: Callable[[str], Iterator[re.Match[str]]]
    ways: Mapping[int, Way]
    """By the last group of a match; others are runs without a template."""


class Templates:
    """Cuts the runs of one log, and learns from them."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._own = self._plain = PlainNames(own_words())
        """Names that `shape` cuts out, and those of them that are no words of a template."""
        self._templates: tuple[Template, ...] = ()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._missed, self._due = 0, DUE
        self._expressions: dict[tuple[int, str, bool], Expression] = {}
        self._made = 0

    def cut(self, text: str, width: int, host: str, *, single: bool) -> tuple[list[int], list[Says], list[Row]]:
        """Where each run of a text begins, what it says, and what was cut out of it; the arguments are those of `a_run`."""
        if self._missed >= self._due:
            self._learn()
        found, ways = self._expression(width, host, single)
        starts, says, rows = list[int](), list[Says](), list[Row]()
        text = f"\n{text}"  # a run begins with a line feed, which no line has in it
        for run in found(text):
            if way := ways.get(run.lastindex or 0):
                told, groups = way
                row = cast("Row", run.group(*groups))
            else:
                told, row = self._by_itself(run, width)
            starts.append(run.start())
            says.append(told)
            rows.append(row)
        if wrong := {name for name in {row[-1] for row in rows} if name and not self._plain[name]}:
            plainly = _compiled((), width, host, single).finditer
            for at in [at for at, row in enumerate(rows) if row[-1] in wrong]:
                says[at], rows[at] = self._by_itself(next(plainly(text, starts[at])), width)
        return starts, says, rows

    def _by_itself(self, run: re.Match[str], width: int) -> tuple[Says, Row]:
        """The same of a run without a template."""
        before, stamp, program, pid, body, other = run.group("prefix", "stamp", "program", "pid", "body", "other")
        if body is None:
            return NOT_CUT, (other[: width + 1], "", "", "", "", "")
        text, address, port, name = body.replace(f"\n{before}", "\n") if "\n" in body else body, "", "", ""
        if program in SSHD:
            text, address, port, name = shape(text, self._own)
        self._missed += 1
        if len(text) <= LONGEST and len(self._seen) < SHAPES:
            self._seen[SSHD[0] if program in SSHD else program, text] += 1
        return self._known(program, text), (stamp, program, pid, address, port, name)

    def _learn(self) -> None:
        """Take the most frequent shapes for templates."""
        often = [Template(*one) for one, times in self._seen.most_common(MOST) if times * RARE > self._missed]
        several = (template for template in often if template.is_sound(self._own))
        sound = tuple(sorted(several, key=lambda template: NAME in template.text))  # names that are not cut out are tried first
        if set(sound) != set(self._templates):
            self._templates, self._expressions = sound, {}
            self._plain = PlainNames(own_words().union(*(template.words() for template in sound)))
        self._seen = Counter(dict(self._seen.most_common(SHAPES // 2)))
        self._missed, self._due = 0, 2 * self._due

    def _expression(self, width: int, host: str, single: bool) -> Expression:
        """The expression for a piece."""
        key = width, host, single
        made = self._expressions.get(key)
        if made is None:
            self._made += 1
            templates = () if single or self._made > EXPRESSIONS else self._templates
            compiled = _compiled(templates, *key)
            groups, blocks = compiled.groupindex, _blocks(templates)
            ways = {groups[f"z{at}"]: self._way(one, at, blocks.index(one.program), groups) for at, one in enumerate(templates)}
            if len(self._expressions) >= EXPRESSIONS:
                self._expressions.clear()
            made = self._expressions[key] = Expression(compiled.finditer, ways)
        return made

    def _way(self, template: Template, at: int, block: int, groups: Mapping[str, int]) -> Way:
        """What becomes of a match of a template."""
        row = [f"{letter}{block}" for letter in ("stamp", "program", "pid")] + [f"{letter}{at}" for letter in "apn"]
        return Way(self._known(*template), tuple(groups.get(name, groups["none"]) for name in row))


def _blocks(templates: Sequence[Template]) -> list[str]:
    """The programs that templates are of, that of most first: each has a block of its own in an expression."""
    return [program for program, _times in Counter(template.program for template in templates).most_common()]


@lru_cache(64)
def _compiled(templates: tuple[Template, ...], width: int, host: str, single: bool) -> re.Pattern[str]:
    """What finds runs of these templates, and all others."""
    parts = []
    for block, program in enumerate(_blocks(templates)):
        said = "|".join(one.expression(at, block) for at, one in enumerate(templates) if one.program == program)
        names = OF_SSHD if program in SSHD else re.escape(program)
        parts.append(f"{prefix(width, host, names, str(block))}(?:{said})(?![^\n])(?!\n(?P=prefix{block}))")
    return re.compile(f"\n(?P<none>)(?:{'|'.join([*parts, a_run(width, host, single=single)])}|(?P<other>.*))")
