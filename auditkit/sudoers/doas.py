"""doas.conf(5) as OpenDoas reads it: rules from the first to the last, of which the last that fits decides."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from auditkit.model import Quote

LONGEST = 1 << 20
MOST_RULES = 10_000
LONGEST_WORD = 1023
_KEYWORDS = ("permit", "deny", "as", "cmd", "args", "nopass", "nolog", "persist", "keepenv", "setenv")
_BLANK = " \t"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    permits: bool
    identity: str
    """A user, `:group`, or a number of either."""
    options: tuple[str, ...] = ()
    """`nopass`, `persist`, `keepenv`, `nolog`"""
    variables: tuple[str, ...] = ()
    """`setenv { ... }`"""
    target: str | None = None
    """As whom; None: as anybody."""
    command: str | None = None
    """None: any."""
    arguments: tuple[str, ...] | None = None
    """None: any."""
    quote: Quote = field(default=Quote("", 0, ""), compare=False)


@dataclass(frozen=True, slots=True)
class Broken:
    """A line with a mistake, for which doas takes nothing of the file at all."""

    quote: Quote
    why: str


class _Mistake(Exception):  # noqa: N818 - it is caught here, and nowhere else
    """The file is none that doas understands."""


def rules(source: str, text: str) -> tuple[Rule, ...] | Broken:
    """The rules of a file, or where it is broken."""
    reader = _Reader(source, text)
    try:
        return tuple(reader.rules())
    except _Mistake as mistake:
        return Broken(reader.quote(), str(mistake))


Word = tuple[str, str]
"""`word`, `string` for one that is never a keyword, `{`, `}`, `end of line`, `end`; and its text."""


class _Reader:
    """A file while it is read."""

    def __init__(self, source: str, text: str) -> None:
        self.source = source
        self.text = text
        self.at = 0
        self.line = self.begun = 1

    def quote(self) -> Quote:
        """The line that is read."""
        row = self.text.split("\n")[self.begun - 1 : self.begun]
        return Quote(self.source, self.begun, "".join(row).strip()[:200])

    def rules(self) -> Iterator[Rule]:
        """Yield the rules, one a line.

        Raises:
            _Mistake: a line is none, or there are more than any file has.
        """
        for _number in range(MOST_RULES):
            self.begun = self.line
            word = self.next()
            if word[0] == "end":
                return
            if word[0] != "end of line":
                yield self.rule(word)
        raise _Mistake(f"more than {MOST_RULES} rules")

    def rule(self, word: Word) -> Rule:
        """The rule that begins with this word.

        Raises:
            _Mistake: it is none.
        """
        if word not in (("word", "permit"), ("word", "deny")):
            raise _Mistake("neither permit nor deny")
        permits, options, variables = word[1] == "permit", [], ()  # type: bool, list[str], tuple[str, ...]
        word = self.next()
        while word[0] == "word" and permits and word[1] in ("nopass", "nolog", "persist", "keepenv", "setenv"):
            if word[1] == "setenv":
                variables = self.braces()
            options.append(word[1])
            word = self.next()
        if {"nopass", "persist"} <= set(options) or options.count("setenv") > 1:
            raise _Mistake("options that do not go together")
        return self.rest(Rule(permits, self.name(word), tuple(o for o in options if o != "setenv"), variables))

    def rest(self, begun: Rule) -> Rule:
        """What may stand behind the identity: `as`, `cmd`, `args`."""
        target, command, arguments = None, None, None
        word = self.next()
        if word == ("word", "as"):
            target, word = self.name(self.next()), self.next()
        if word == ("word", "cmd"):
            command, word = self.name(self.next()), self.next()
            if word == ("word", "args"):
                told = []
                while (word := self.next())[0] in ("word", "string"):
                    told.append(self.name(word))
                arguments = tuple(told)
        if word[0] != "end of line":  # the last line too wants its end
            raise _Mistake(f"{word[1]!r} is not expected there")
        return Rule(begun.permits, begun.identity, begun.options, begun.variables, target, command, arguments, self.quote())

    def braces(self) -> tuple[str, ...]:
        """The variables of setenv.

        Raises:
            _Mistake: they are not in braces.
        """
        if self.next()[0] != "{":
            raise _Mistake("no { behind setenv")
        told = []
        while (word := self.next())[0] != "}":
            told.append(self.name(word))
        return tuple(told)

    def name(self, word: Word) -> str:
        """A word that is a name, quoted or not.

        Raises:
            _Mistake: it means something else.
        """
        if word[0] == "string" or (word[0] == "word" and word[1] not in _KEYWORDS):
            return word[1]
        raise _Mistake(f"{word[1] or word[0]!r} is not expected there")

    # --- words

    def next(self) -> Word:
        """The next word: yylex() of doas."""
        while self.peek() and self.peek() in _BLANK:
            self.at += 1
        sign = self.peek()
        if sign == "#":
            while self.peek() not in ("", "\n"):
                self.at += 1
            sign = self.peek()
        if not sign:
            return "end", ""
        if sign in "{}\n":
            self.at += 1
            self.line += sign == "\n"
            return ("end of line" if sign == "\n" else sign), sign
        return self.word()

    def peek(self) -> str:
        """The next character; nothing at the end."""
        return self.text[self.at : self.at + 1]

    def word(self) -> Word:
        """A word up to its end; quotes and a line that goes on keep it from being a keyword."""
        told: list[str] = []
        quoted = escaped = plain = empty = False
        while True:
            sign = self.peek()
            if not sign or sign == "\0" or (sign == "\n" and quoted) or len(told) >= LONGEST_WORD:
                if sign or quoted or escaped:
                    raise _Mistake("a word without an end, or with a NUL")
                break
            if not (quoted or escaped) and sign in "{}# \t\n":
                break
            self.at += 1
            if sign == "\n":  # it is escaped: the line goes on
                escaped, plain = False, True
                self.line += 1
            elif sign == "\\" and not escaped:
                escaped = True
            elif sign == '"' and not escaped:
                quoted, plain, empty = not quoted, True, True
            else:
                told.append(sign)
                escaped = False
        if not told and not empty:
            return self.next()
        return ("string" if plain else "word"), "".join(told)
