"""The words of a sudoers file, cut as sudo cuts them: toke.l of sudo 1.9. The longest match counts, of equal ones the first."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MOST_TOKENS = 50_000
MOST_STEPS = 100_000
"""Words and what lies between them."""
TAGS = (
    *("NOPASSWD", "PASSWD", "NOEXEC", "EXEC", "NOINTERCEPT", "INTERCEPT", "NOSETENV", "SETENV", "NOLOG_OUTPUT", "LOG_OUTPUT"),
    *("NOLOG_INPUT", "LOG_INPUT", "NOMAIL", "MAIL", "NOFOLLOW", "FOLLOW"),
)
OPTIONS = ("TIMEOUT", "NOTBEFORE", "NOTAFTER", "CWD", "CHROOT", "ROLE", "TYPE", "APPARMOR_PROFILE")
_DIGESTS = {"sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
_WORD = r"(?:[^#>!=:,() \t\r\n\\\"]|\\[^\t\n])+"
_ID = "#-?[0-9]+"
_PATH = r"/(?:\\[,:= \t#]|[^,:=\\ \t\r\n#])+"
_REGEX = r"\^(?:[^#\r\n$]|\\[#$])*\$"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"
_IPV4 = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_HEX = "[0-9A-Fa-f]{1,4}"
_IPV6 = (f"(?:(?:{_HEX})?:){{2,7}}(?:{_HEX})?", f"(?:(?:{_HEX})?:){{2,6}}:{_IPV4}")
_SPECIAL = re.compile(r"\\([,:= \t#])")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))", re.DOTALL)
PLAIN = ("initial", "defaults", "digest", "path")
"""States in which the words of rules are known."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word, what it is, and on which line it ends."""

    kind: str
    text: str = ""
    line: int = 0
    arguments: str | None = None


@dataclass(slots=True)
class Lexer:
    """A file while it is cut."""

    text: str
    at: int = 0
    line: int = 1
    state: str = "initial"
    before: str = "initial"
    continued: bool = False
    spaced: bool = False
    first: bool = True
    """Whether this is the begin of a line."""
    held: str | None = None
    arguments: str | None = None
    digest: str = ""
    cut: bool = False
    """Whether there was too much to go on."""

    def tokens(self) -> Iterator[Token]:
        """Yield each word; `newline` ends a line, `error` is what sudo has no word for."""
        for _step in range(MOST_STEPS):
            if self.at >= len(self.text):
                return
            end, act = self._longest()
            word, self.at = self.text[self.at : end], end
            self.first = word.endswith("\n")
            told = act(self, word)
            if told:
                yield Token(told[0], told[1], self.line - (told[0] == "newline"), told[2] if len(told) > 2 else None)
        self.cut = True

    def _longest(self) -> "tuple[int, _Act]":
        best = self.at
        chosen: _Act = _unknown
        for pattern, act, anchored in _BY_STATE[self.state]:
            if anchored and not self.first:
                continue
            found = pattern.match(self.text, self.at)
            if found and found.end() > best:
                best, chosen = found.end(), act
        return (best, chosen) if best > self.at else (self.at + 1, _unknown)

    def back(self, count: int) -> None:
        """Give back the last characters."""
        self.at -= count
        self.first = False

    def put(self, text: str) -> None:
        """A further piece of the words behind a command."""
        blank = " " if self.spaced and self.arguments is not None else ""
        self.arguments = (self.arguments or "") + blank + text
        self.spaced = False


Told = tuple[str, str] | tuple[str, str, str | None] | None
_Act = Callable[[Lexer, str], Told]


def meant(word: str) -> str:
    """A word without its escapes: `\\x41` is a letter, of any other pair the backslash goes."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], word) if "\\" in word else word


# --- what each pattern means


def _unknown(lexer: Lexer, word: str) -> Told:
    return "error", word


def _as(kind: str, state: str = "") -> _Act:
    def act(lexer: Lexer, word: str) -> Told:
        lexer.state = state or lexer.state
        return kind, meant(word)

    return act


def _into(state: str) -> _Act:
    def act(lexer: Lexer, word: str) -> Told:
        lexer.state = state
        return None

    return act


def _string(lexer: Lexer, word: str) -> Told:
    lexer.before = "initial" if lexer.state == "include" else lexer.state
    lexer.state, lexer.held = "string", None
    return None


def _piece(lexer: Lexer, word: str) -> Told:
    lexer.held = (lexer.held or "") + meant(word)
    return None


def _string_ended(lexer: Lexer, word: str) -> Told:
    lexer.state, text = lexer.before, lexer.held
    if not text:
        return "error", word
    if lexer.state in ("initial", "defaults") and text[0] in "%+":
        return ("error", text) if text in ("%", "%:", "+") else ("group" if text[0] == "%" else "netgroup", text)
    return "word", text


def _continued_string(lexer: Lexer, word: str) -> Told:
    lexer.line += 1
    lexer.continued = True
    return None


def _newline(lexer: Lexer, word: str) -> Told:
    in_string, lexer.state = lexer.state == "string", "initial"
    if in_string:
        lexer.back(len(word))
        return "error", ""
    lexer.line += 1
    lexer.continued = False
    return "newline", ""


def _blank(lexer: Lexer, word: str) -> Told:
    lexer.spaced = True
    return None


def _continuation(lexer: Lexer, word: str) -> Told:
    lexer.spaced = lexer.continued = True
    lexer.line += 1
    return None


def _comment(lexer: Lexer, word: str) -> Told:
    if word.endswith("\n"):
        lexer.state, lexer.continued = "initial", False
        lexer.line += 1
        return "newline", ""
    return "newline", ""


def _negation(lexer: Lexer, word: str) -> Told:
    return ("!", "!") if len(word) % 2 else None


def _include(kind: str, kept: int) -> _Act:
    def act(lexer: Lexer, word: str) -> Told:
        if lexer.continued:
            return "error", word
        lexer.back(len(word) - kept)
        lexer.state = "include"
        return kind, ""

    return act


def _defaults(lexer: Lexer, word: str) -> Told:
    if lexer.continued:
        return "error", word
    length = len(word) - len(word.lstrip(" \t")) + len("Defaults")
    scope = word[length : length + 1]
    if scope:
        rest = word[length + 1 :]
        lexer.back(len(rest.lstrip(" \t")))
    lexer.state = "defaults"
    return "Defaults", scope


def _alias_kind(lexer: Lexer, word: str) -> Told:
    if lexer.continued:
        return "error", word
    kind = word.strip(" \t").partition("_")[0]
    return "alias-of", "Cmnd" if kind == "Cmd" else kind


def _tag(lexer: Lexer, word: str) -> Told:
    return "tag", word.rstrip(" \t:")


def _upper(lexer: Lexer, word: str) -> Told:
    if word == "ALL":
        return "ALL", word
    if lexer.state == "initial" and word in OPTIONS:
        if word in ("CWD", "CHROOT"):
            lexer.before, lexer.state = lexer.state, "path"
        return "option", word
    return "alias", word


def _path_expected(lexer: Lexer, word: str) -> Told:
    lexer.state = lexer.before
    return "word", meant(word)


def _digest(lexer: Lexer, word: str) -> Told:
    lexer.state, lexer.digest = "digest", word
    return "digest-of", word


def _digest_value(lexer: Lexer, word: str) -> Told:
    size = _DIGESTS[lexer.digest]
    lexer.state = "initial"
    hexadecimal = re.fullmatch("[0-9A-Fa-f]+", word) is not None
    wanted = 2 * size if hexadecimal else 4 * ((size + 2) // 3) if word.endswith("=") else (4 * size + 2) // 3
    return ("digest", word) if len(word) == wanted else None


def _bound_command(lexer: Lexer, word: str) -> Told:
    return "command", _SPECIAL.sub(r"\1", word), None


def _command(lexer: Lexer, word: str) -> Told:
    path = _SPECIAL.sub(r"\1", word)
    path = "sudoedit" if path.endswith("/sudoedit") else path
    if word.endswith("/") and word.startswith("/"):
        return "command", path, None
    lexer.held, lexer.arguments, lexer.state, lexer.spaced = path, None, "command", False
    return None


def _command_ended(lexer: Lexer, word: str) -> Told:
    lexer.back(len(word))
    lexer.state = "initial"
    text = lexer.held or ""
    return "command", text, "" if lexer.arguments == '""' else lexer.arguments


def _quoted_glob(lexer: Lexer, word: str) -> Told:
    lexer.put(word)
    return None


def _quoted_special(lexer: Lexer, word: str) -> Told:
    lexer.put(word[1:])
    return None


def _argument(lexer: Lexer, word: str) -> Told:
    if lexer.arguments is None and word[0] == "^":
        lexer.state = "regex"
        lexer.back(len(word))
        lexer.spaced = False
        return None
    lexer.put(word)
    return None


def _regex_piece(lexer: Lexer, word: str) -> Told:
    if lexer.continued and word[0] in " \t":
        word = word.lstrip(" \t")
    lexer.continued, lexer.spaced = False, False
    if word:
        lexer.put(word)
    return None


def _regex_quoted(lexer: Lexer, word: str) -> Told:
    lexer.spaced = False
    lexer.put(word)
    return None


def _regex_ended(lexer: Lexer, word: str) -> Told:
    lexer.spaced = False
    lexer.put(word)
    lexer.state, lexer.continued = "initial", False
    return "command", lexer.held or "", lexer.arguments


def _regex_broken(lexer: Lexer, word: str) -> Told:
    lexer.back(len(word))
    lexer.state = "initial"
    return "error", word


_C, _I, _ID_STATES = PLAIN, ("initial",), ("initial", "defaults")
_ANY = ("initial", "defaults", "digest", "path", "start", "in", "string", "command", "regex", "include")
_RULES: tuple[tuple[tuple[str, ...], str, _Act], ...] = (
    (("defaults",), r"[ \t]*,[ \t]*", _as(",")),
    (("defaults",), r"[ \t]+", _into("start")),
    (("start",), "[a-z_]+", _as("variable", "in")),
    (("in",), ",", _as(",", "start")),
    (("in",), "=", _as("=")),
    (("in",), r"\+=", _as("+")),
    (("in",), "-=", _as("-")),
    (("in",), '"', _string),
    (("in",), r"(?:[^#!=, \t\r\n\\\"]|\\[^\r\n])(?:[^#=, \t\r\n\\\"]|\\[^\r\n])*", _as("word")),
    (("string",), r"\\[ \t]*\r?\n[ \t]*", _continued_string),
    (("string",), '"', _string_ended),
    (("string",), r"\\", _piece),
    (("string",), r"(?:[^\"\r\n\\]|\\\")+", _piece),
    (("command",), r"\\[*?\[\]!^]", _quoted_glob),
    (("command",), r"\\[:\\,= \t#]", _quoted_special),
    (("command",), r"[#:,=\r\n]", _command_ended),
    (("command",), r"[^#\\:, \t\r\n]+", _argument),
    (("regex",), r"\\[^\r\n]", _regex_quoted),
    (("regex",), r"[#\r\n]", _regex_broken),
    (("regex",), r"\$", _regex_ended),
    (("regex",), r"[^#\\\r\n$]+", _regex_piece),
    (("digest",), "[0-9A-Fa-f]+", _digest_value),
    (("digest",), "[A-Za-z0-9+/=]+", _digest_value),
    (_I, "@include", _include("include", 8)),
    (_I, "@includedir", _include("includedir", 11)),
    (_I, r"\A#include[ \t]+.*\n?", _include("include", 8)),
    (_I, r"\A#includedir[ \t]+.*\n?", _include("includedir", 11)),
    (_I, rf'\A[ \t]*Defaults(?:[:@>!][ \t]*!*"?(?:{_ID}|{_WORD}))?', _defaults),
    (_I, r"\A[ \t]*(?:Host|Cmnd|Cmd|User|Runas)_Alias", _alias_kind),
    (_C, rf"(?:{'|'.join(TAGS)})[ \t]*:", _tag),
    (_ID_STATES, r"\+|%:|%", _as("error")),
    (_C, rf"\+{_WORD}", _as("netgroup")),
    (_C, f"%:?{_WORD}", _as("group")),
    (_C, f"%:?{_ID}", _as("group")),
    (_C, rf"{_IPV4}(?:/{_IPV4})?", _as("network")),
    (_C, rf"{_IPV4}/(?:[12]?[0-9]|3[0-2])", _as("network")),
    *((_C, rf"{one}(?:/{other})?", _as("network")) for one in _IPV6 for other in _IPV6),
    *((_C, rf"{one}/(?:1[01][0-9]|12[0-8]|[1-9][0-9]|[0-9])", _as("network")) for one in _IPV6),
    (_C, "[A-Z][A-Z0-9_]*", _upper),
    (("defaults",), f"(?:{_REGEX}|{_PATH}|sudoedit|list)", _bound_command),
    (_C, "sha(?:224|256|384|512)", _digest),
    (_C, "sudoedit|list", _command),
    (("path",), f"{_PATH}|{_WORD}", _path_expected),
    (_C, _PATH, _command),
    (_C, _REGEX, _command),
    (_ID_STATES, '"', _string),
    (_ID_STATES, f"{_ID}", _as("word")),
    (_ID_STATES, _WORD, _as("word")),
    (("include",), r"[^\"\s](?:\\[ \t]|[^\s])*", _as("word", "initial")),
    (("include",), '"', _string),
    *((_C, re.escape(sign), _as(sign)) for sign in "(),=:"),
    (_ANY, "!+", _negation),
    (_ANY, r"\r?\n", _newline),
    (_ANY, r"[ \t]+", _blank),
    (_ANY, r"\\[ \t]*\r?\n", _continuation),
    (("initial", "start", "in"), r"#(?:-[^\r\n0-9].*|[^\r\n0-9-].*)?\n?", _comment),
)
_BY_STATE = {
    state: tuple(
        (re.compile(pattern.removeprefix(r"\A")), act, pattern.startswith(r"\A"))
        for states, pattern, act in _RULES
        if state in states
    )
    for state in _ANY
}
