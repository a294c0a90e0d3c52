"""What the words of a sudoers file come to, line by line: gram.y of sudo 1.9. A line with a mistake is left out as a whole."""

import re
from collections.abc import Callable, Iterator, Sequence

from auditkit.model import Quote
from auditkit.sudoers.lexing import MOST_TOKENS, Lexer, Token
from auditkit.sudoers.nouns import Alias, Broken, Entry, Include, Kind, Member, Members, Rule, Setting

LONGEST = 1 << 20
"""Bytes of one file."""
_KINDS = {
    "ALL": Kind.ALL, "alias": Kind.ALIAS, "word": Kind.WORD, "group": Kind.GROUP, "netgroup": Kind.NETGROUP,
    "network": Kind.NETWORK, "command": Kind.COMMAND,
}  # fmt: skip
_USER = ("ALL", "alias", "word", "group", "netgroup")
_HOST = ("ALL", "alias", "word", "network", "netgroup")
_GROUP = ("ALL", "alias", "word")
_COMMAND = ("ALL", "alias", "command")
_LISTS = {"User": _USER, "Runas": _USER, "Host": _HOST}
_SCOPES = {":": _USER, ">": _USER, "@": _HOST}
_ENVIRONMENT = {"SETENV", "NOSETENV"}
_TIMEOUT = re.compile(r"(?=[+0-9])(?:\+?[0-9]+[dD])?(?:\+?[0-9]+[hH])?(?:\+?[0-9]+[mM])?(?:\+?[0-9]+[sS]?)?")
_GENTIME = re.compile(r"[0-9]{10}(?:[0-9]{2}(?:[0-9]{2})?)?(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}(?:[0-9]{2})?)?")


class _Mistake(Exception):  # noqa: N818 - it is caught here, and nowhere else
    """The line is none that sudo understands."""


def entries(source: str, text: str) -> Iterator[Entry]:
    """Yield what the lines of a file say, in their order; `Broken` for one that says nothing to sudo."""
    whole = text if text.endswith("\n") or not text else f"{text}\n"
    yield from _Reader(source, whole).entries()


class _Reader:
    """A file while it is read."""

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.rows = text.split("\n")
        self.lexer = Lexer(text)
        self.words = self.lexer.tokens()
        self.left = MOST_TOKENS
        self.begun = 1
        self.next()

    def next(self) -> Token:
        """Go on to the next word; gives the one before."""
        before = getattr(self, "here", Token("newline"))
        self.left -= 1
        self.here = next(self.words, Token("end")) if self.left > 0 else Token("end")
        return before

    def entries(self) -> Iterator[Entry]:
        """Yield what each line says; one that is not understood is told, and the next one is read."""
        while self.here.kind != "end":
            self.begun = self.here.line
            try:
                told, ended = self.entry(), True
            except _Mistake as mistake:
                told, ended = [self.broken(str(mistake))], False
                while self.here.kind not in ("newline", "end"):
                    self.next()
            if ended or self.here.kind == "newline":
                self.next()
            yield from told
        if self.left <= 0 or self.lexer.cut:
            yield Broken(self.quote(), "there are too many words: what is behind them was not read")

    def entry(self) -> list[Entry]:
        """One line, up to its end, which is not taken."""
        kind = self.here.kind
        if kind == "newline":
            return []
        readers: dict[str, Callable[[], list[Entry]]] = {
            "include": self.include, "includedir": self.include, "alias-of": self.aliases, "Defaults": self.settings,
        }  # fmt: skip
        told = readers.get(kind, self.rules)()
        self.must("newline", take=False)
        return told

    # --- small things

    def quote(self) -> Quote:
        """The line that is read, its continuations with it."""
        last = max(self.begun, min(self.here.line or self.begun, self.begun + 20))
        rows = (row.strip().rstrip("\\").strip() for row in self.rows[self.begun - 1 : last])
        return Quote(self.source, self.begun, " ".join(filter(None, rows))[:200])

    def broken(self, why: str) -> Broken:
        """What is said of a line that is not understood."""
        return Broken(self.quote(), why)

    def must(self, *kinds: str, take: bool = True) -> Token:
        """The token here, which is of one of these kinds.

        Raises:
            _Mistake: it is of another one.
        """
        if self.here.kind not in kinds:
            raise _Mistake(f"{self.here.text or 'the end'!r} is not expected there")
        return self.next() if take else self.here

    def takes(self, kind: str) -> bool:
        """Whether the next word is of a kind; it is then taken."""
        return self.here.kind == kind and self.next() is not None

    # --- lines

    def include(self) -> list[Entry]:
        """A line that takes in another file or a directory."""
        directory = self.next().kind == "includedir"
        quote = self.quote()
        return [Include(self.must("word").text, directory, quote)]

    def aliases(self) -> list[Entry]:
        """The aliases of a line."""
        kind = self.next().text
        told: list[Entry] = []
        while True:
            name = self.must("alias").text
            self.must("=")
            members = self.commands() if kind == "Cmnd" else self.members(_LISTS[kind])
            told.append(Alias(kind, name, members, self.quote()))
            if not self.takes(":"):
                return told

    def settings(self) -> list[Entry]:
        """The settings of a line of Defaults."""
        scope = self.next().text
        bound = () if not scope else self.commands() if scope == "!" else self.members(_SCOPES[scope])
        told: list[Entry] = [self.setting(scope, bound)]
        while self.takes(","):
            told.append(self.setting(scope, bound))
        return told

    def setting(self, scope: str, bound: Members) -> Setting:
        """One setting with its value."""
        off = self.takes("!")
        name = self.must("variable").text
        operator, value = "!" if off else "", ""
        if not off and self.here.kind in ("=", "+", "-"):
            operator = self.next().kind
            value = self.must("word").text
        return Setting(name, operator, value, scope, bound, self.quote())

    def rules(self) -> list[Entry]:
        """The rules of a line: who, on which hosts, what."""
        users = self.members(_USER)
        told: list[Entry] = []
        while True:
            hosts = self.members(_HOST)
            self.must("=")
            told += self.specifications(users, hosts)
            if not self.takes(":"):
                return told

    def specifications(self, users: Members, hosts: Members) -> Iterator[Rule]:
        """Yield the rules of one list of commands: what is said before one holds for those after it too."""
        before = Rule(users, hosts, Member(Kind.ALL))
        told = [before := self.specification(before)]
        while self.takes(","):
            told.append(before := self.specification(before))
        yield from told

    def specification(self, before: Rule) -> Rule:
        """A rule, with what it does not say itself taken from the one before it."""
        as_users, as_groups = self.runas()
        if as_users is None and as_groups is None:
            as_users, as_groups = before.runas_users, before.runas_groups
        options = self.options(dict(before.options))
        own = self.tags(())
        command = self.command()
        tags = _joined(before.tags, own)
        if command.kind is Kind.ALL and not command.negated and not {*own} & _ENVIRONMENT:
            tags = tuple(tag for tag in tags if tag not in _ENVIRONMENT)  # ALL means SETENV, but not for what is behind it
        return Rule(before.users, before.hosts, command, as_users, as_groups, tags, options, self.quote())

    def runas(self) -> tuple[Members | None, Members | None]:
        """`(users:groups)`"""
        if not self.takes("("):
            return None, None
        if self.takes(")"):
            return (Member(Kind.MYSELF),), None
        users = None if self.here.kind == ":" else self.members(_USER)
        groups = None
        if self.takes(":") and (users is not None or self.here.kind != ")"):
            groups = self.members(_GROUP)
        self.must(")")
        return (Member(Kind.MYSELF),) if users is None and groups is None else users, groups

    def options(self, before: dict[str, str]) -> tuple[tuple[str, str], ...]:
        """The options of a rule, on top of those of the one before."""
        while self.here.kind == "option":
            name = self.next().text
            self.must("=")
            value = self.must("word").text
            if not _fits(name, value):
                raise _Mistake(f"{name} has no such value")
            before[name] = value
        return tuple(sorted(before.items()))

    def tags(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """The tags of a rule, on top of those of the one before."""
        while self.here.kind == "tag":
            before = _joined(before, (self.next().text,))
        return before

    # --- lists

    def members(self, kinds: Sequence[str]) -> Members:
        """A list of members of these kinds."""
        told = [self.member(kinds)]
        while self.takes(","):
            told.append(self.member(kinds))
        return tuple(told)

    def member(self, kinds: Sequence[str], digests: tuple[str, ...] = ()) -> Member:
        """One member, and whether it is negated."""
        negated = self.takes("!")
        token = self.must(*kinds)
        kind = _KINDS[token.kind]
        text = "" if kind is Kind.ALL else token.text
        text = text[1:] if kind in (Kind.GROUP, Kind.NETGROUP) else text
        return Member(kind, text, negated, token.arguments, digests)

    def commands(self) -> Members:
        """A list of commands."""
        told = [self.command()]
        while self.takes(","):
            told.append(self.command())
        return tuple(told)

    def command(self) -> Member:
        """One command, with the digests that it is bound to."""
        digests = []
        while self.here.kind == "digest-of":
            name = self.next().text
            self.must(":")
            digests.append(f"{name}:{self.must('digest').text}")
            if not self.takes(","):
                break
        told = self.member(_COMMAND, tuple(digests))
        if digests and told.kind is Kind.ALIAS:
            raise _Mistake("a digest belongs to a path")
        return told


def _joined(before: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """Tags that hold, where some come after others: the later ones count."""
    told = dict.fromkeys(before)
    for tag in more:
        told.pop(tag.removeprefix("NO") if tag.startswith("NO") else f"NO{tag}", None)
        told[tag] = None
    return tuple(sorted(told))


def _fits(name: str, value: str) -> bool:
    """Whether an option has a value that sudo takes."""
    if name == "TIMEOUT":
        return _TIMEOUT.fullmatch(value) is not None
    if name in ("CWD", "CHROOT"):
        return value == "*" or value.startswith(("/", "~"))
    return name not in ("NOTBEFORE", "NOTAFTER") or _GENTIME.fullmatch(value) is not None
