"""The stacks of PAM as Linux-PAM reads and runs them: which answers a service may come to, whatever unknown modules say.

Facts: pam.d(5), and _pam_parse_config_file, _pam_parse_conf_line and _pam_dispatch_aux of Linux-PAM 1.4 and 1.5.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from auditkit.access.needs import PAM_PLACES
from auditkit.model import Gap

MOST_HANDLERS = 500
DEEPEST = 16
LONGEST = 1 << 20
"""Bytes of one file of PAM."""
TYPES = ("auth", "account", "password", "session")
_TOKEN = re.compile(r"\[((?:\\.|[^\]\\])*)\]|([^ \t\n]+)")
"""A blank is a space or a tab: the return at the end of a line of Windows belongs to its last word."""
_PAIR = re.compile(r"([a-z_]+)=(\S+)")
_USUAL = re.compile(r"(?:/usr)?/lib(?:32|64|x32)?/(?:[a-z0-9_]+-linux-[a-z0-9]+/)?security/(?:\$ISA/)?[A-Za-z0-9_.-]+")
_SERVICE = re.compile(r"[A-Za-z0-9_.@-]{1,64}")

Actions = Mapping[str, str]
WORDS: Mapping[str, Actions] = {
    "required": {"success": "ok", "new_authtok_reqd": "ok", "ignore": "ignore", "default": "bad"},
    "requisite": {"success": "ok", "new_authtok_reqd": "ok", "ignore": "ignore", "default": "die"},
    "sufficient": {"success": "done", "new_authtok_reqd": "done", "default": "ignore"},
    "optional": {"success": "ok", "new_authtok_reqd": "ok", "default": "ignore"},
}
ANYTHING = frozenset({"success", "ignore", "auth_err", "user_unknown", "authinfo_unavail", "perm_denied"})
"""What a module may say of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Handler:
    """One module of a stack, or the entry to a part of it that is a stack of its own."""

    module: str
    """`pam_unix`, or the path of one from elsewhere; empty: the entry to a substack, or a line that nobody understands."""
    actions: tuple[tuple[str, str], ...]
    arguments: tuple[str, ...]
    level: int
    at: str
    """`FILE:LINE`"""
    entry: bool = False

    def action(self, said: str) -> str:
        """What a word of the module does."""
        told = dict(self.actions)
        return told.get(said, told.get("default", "bad"))


@dataclass(frozen=True, slots=True)
class Stack:
    """The modules that one type of a service asks, in order, and what of it could not be read."""

    handlers: tuple[Handler, ...]
    gaps: tuple[Gap, ...] = ()


@dataclass(slots=True)
class Loading:
    """One stack while its files are read."""

    files: Mapping[str, bytes | Gap]
    kind: str
    handlers: list[Handler] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)

    def service(self, name: str, level: int, depth: int, *, every: bool = False) -> None:
        """Take in the lines of a service; `every`: of every type, as `@include` does."""
        if depth > DEEPEST or len(self.handlers) > MOST_HANDLERS:
            self.lost(name, "it includes itself, or too much")
            return
        path, data = found(self.files, name)
        if data is None or isinstance(data, Gap):
            self.lost(path, data.reason if data else "is not there, or was not read")
            return
        for number, words in lines(data):
            self.line(f"{path}:{number}", words, level, depth)

    def line(self, at: str, words: tuple[str, ...], level: int, depth: int) -> None:
        """One line, of which only those of our type count."""
        if words[0] == "@include":
            self.service(words[1] if len(words) > 1 else "", level, depth + 1)
            return
        kind = words[0].lower().removeprefix("-")
        if kind != self.kind and kind in TYPES:
            return
        control = words[1].lower() if len(words) > 1 else ""
        module = words[2] if len(words) > 2 else ""
        if kind in TYPES and module and control == "include":
            self.service(module, level, depth + 1)
        elif kind in TYPES and module and control == "substack":
            self.handlers.append(Handler("", (), (), level, at, entry=True))
            self.service(module, level + 1, depth + 1)
        else:
            actions = actions_of(control) if kind in TYPES and module else None
            name = name_of(module) if actions else ""
            self.handlers.append(Handler(name, actions or (("default", "bad"), ("success", "ok")), words[3:], level, at))

    def lost(self, what: str, reason: str) -> None:
        """A part of the stack that could not be read may ask anything."""
        self.gaps.append(Gap(what or "PAM", reason))
        self.handlers.append(Handler("", (("default", "bad"), ("success", "ok")), (), 0, what))


def found(files: Mapping[str, bytes | Gap], name: str) -> tuple[str, bytes | Gap | None]:
    """The file of a service, or an absolute path, and what is in it; None where there is none."""
    if name.startswith("/"):
        return name, files.get(name)
    for place in PAM_PLACES if _SERVICE.fullmatch(name) else ():
        if f"{place}/{name}" in files:
            return f"{place}/{name}", files[f"{place}/{name}"]
    return f"{PAM_PLACES[0]}/{name}", None


def stack(files: Mapping[str, bytes | Gap], service: str, kind: str, *, known: bool = True) -> Stack:
    """What a service asks for `auth` or `account`; of one that says nothing of it, what `other` asks.

    `known`: whether one whose file is not among these has none.
    """
    for name in (service, "other"):
        loading = Loading(files, kind)
        if found(files, name)[1] is not None or name == "other" or not known:
            loading.service(name, 0, 0)
        if loading.handlers:
            return Stack(tuple(loading.handlers), tuple(dict.fromkeys(loading.gaps)))
    return Stack(())


def includes(files: Mapping[str, bytes | Gap]) -> tuple[str, ...]:
    """The services that these files take in, by name or absolute path."""
    named: dict[str, None] = {}
    for data in files.values():
        for _number, words in lines(data) if isinstance(data, bytes) else ():
            if words[0] == "@include" and len(words) > 1:
                named[words[1]] = None
            elif len(words) > 2 and words[1].lower() in ("include", "substack"):
                named[words[2]] = None
    return tuple(named)


def askable(name: str) -> bool:
    """Whether a service, or a file by its path, is one that may be asked for: of plain letters, where services are."""
    place, slash, file = name.rpartition("/")
    return (not slash or place in PAM_PLACES) and _SERVICE.fullmatch(file) is not None and file not in (".", "..")


def lines(data: bytes) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield each line that says something, cut into words, with the number of its first part: a backslash joins lines."""
    held, start = "", 0
    rows = data[:LONGEST].decode("utf-8", "surrogateescape").split("\n")
    for number, row in enumerate((each.partition("#")[0].rstrip(" \t") for each in rows), 1):
        start = start if held else number
        if row.endswith("\\"):
            held += row[:-1] + " "
            continue
        words = tuple(one[1] if one[2] is None else one[2] for one in _TOKEN.finditer(held + row))
        held = ""
        if words:
            yield start, words


def name_of(module: str) -> str:
    """`pam_unix`, as written or by a path where PAM has its modules; of one from elsewhere the path, for it may do anything."""
    return module.rpartition("/")[2].removesuffix(".so") if "/" not in module or _USUAL.fullmatch(module) else module


def actions_of(control: str) -> tuple[tuple[str, str], ...] | None:
    """What a control does by the word that the module says; None where nobody understands it."""
    if control in WORDS:
        return tuple(WORDS[control].items())
    pairs = _PAIR.findall(control)
    known = all(action in ("ok", "done", "bad", "die", "ignore", "reset") or action.isdigit() for _said, action in pairs)
    return tuple(pairs) if pairs and known and len(pairs) == len(control.split()) else None


# --- running it

State = tuple[str, bool]
"""The impression so far, `?`, `+` or `-`, and whether the status is success."""
Says = Callable[[Handler], frozenset[str]]
START: State = ("?", False)


def outcomes(handlers: tuple[Handler, ...], says: Says) -> frozenset[bool]:
    """Whether the stack lets in: both where it depends on what nobody knows."""
    at: dict[int, set[State]] = {0: {START}}
    ends: set[State] = set()
    for here, handler in enumerate(handlers):
        for state in at.pop(here, ()):
            for after, then in _steps(handlers, here, handler, state, says):
                (at.setdefault(after, set()) if after < len(handlers) else ends).add(then)
    ends |= {START} if not handlers else set()
    return frozenset(impression == "+" and status for impression, status in ends)


def _steps(handlers: tuple[Handler, ...], here: int, handler: Handler, state: State, says: Says) -> Iterator[tuple[int, State]]:
    """Yield where each word of a module leads."""
    if handler.entry:
        yield here + 1, state
        return
    for said in says(handler):
        action = handler.action(said)
        then = _after(state, said, action)
        if action == "die" or (action == "done" and then[0] == "+"):
            yield _past(handlers, here, handler.level), then
        elif action.isdigit():
            after, left = _jumped(handlers, here, handler.level, min(int(action[:4]), MOST_HANDLERS))
            yield after, ("-", False) if left else then  # a jump that is too long is an error
        else:
            yield here + 1, then
            if action == "reset" and handler.level:  # it goes back to what was before the substack
                yield here + 1, state


def _after(state: State, said: str, action: str) -> State:
    impression, status = state
    if action in ("ok", "done") and (impression == "?" or (impression == "+" and status)):
        return "+", said == "success"
    if action in ("bad", "die"):
        return "-", False
    return START if action == "reset" else state


def _past(handlers: tuple[Handler, ...], here: int, level: int) -> int:
    """Behind all that is left of the stack that this module is in."""
    return next((at for at in range(here + 1, len(handlers)) if handlers[at].level < level), len(handlers))


def _jumped(handlers: tuple[Handler, ...], here: int, level: int, count: int) -> tuple[int, int]:
    """Behind so many modules of the same stack, of which a substack is one; and how many there were too few."""
    at = here + 1
    while count and at < len(handlers) and handlers[at].level >= level:
        at += 1
        while at < len(handlers) and handlers[at].level > level:
            at += 1
        count -= 1
    return at, count
