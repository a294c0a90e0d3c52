"""Which watch of a policy covers which path: the first that matches wins.

A pattern is matched component by component while the walk goes down, so that a directory below which nothing can match is
never opened. `*`, `?`, `[a-z]` and `[!a-z]` match within one component (hidden names too); `**` stands for any number of
components, at the end for at least one; a pattern that matched a directory covers all below it.
"""

import os

from .hints import Callable, Dict, Iterable, List, Optional, Sequence, Tuple, Union

IGNORE = "ignore"

Live = Tuple[int, int]
"""A watch by its index, and how many of its components have matched so far."""
Part = Union[str, Callable[[str], object]]
"""A component of a pattern: a name, or the match of a glob."""


MOST_TOPS = 1000
"""Names below the root that are remembered."""


def ANY_DEPTH(_name: str) -> bool:  # noqa: N802 - a constant, known by its identity
    """The component `**`."""
    return True


class State:
    """What is known of one path: the watch that covers it and the patterns that may still match below."""

    __slots__ = ("exact", "live", "names", "watch")

    def __init__(self, watch: Optional[int], live: Tuple[Live, ...], exact: bool, names: Optional[Tuple[str, ...]]) -> None:
        self.watch = watch  # index of the covering watch, or None
        self.live = live  # (watch, components matched) of those that would win over it further down
        self.exact = exact  # whether a watch names just this path
        self.names = names  # the only names below that matter; None: all of them


class Matcher:
    """The watches of a policy, ready to be walked with: `(path, level)` pairs in their order."""

    def __init__(self, watches: Sequence[Tuple[str, str]]) -> None:
        self.levels = [level for _path, level in watches]
        self.texts = [_components(path) for path, _level in watches]
        self.parts = [[_component(part) for part in texts] for texts in self.texts]
        self._states: Dict[Tuple[Optional[int], Tuple[Live, ...], bool], State] = {}
        self.root = self._enter([(index, 0) for index in range(len(watches))], None)
        self._tops: Dict[str, State] = {}

    def step(self, state: State, name: str) -> State:
        """The state of the path that `name` leads to."""
        if not state.live:
            return self._state(state.watch, (), False)
        moved = []
        for index, at in state.live:
            part = self.parts[index][at]
            if part is ANY_DEPTH:
                moved.append((index, at))
            elif part == name if isinstance(part, str) else part(name):
                moved.append((index, at + 1))
        return self._enter(moved, state.watch)

    def find(self, path: str) -> State:
        """The state of an absolute path."""
        names = [name for name in path.split("/") if name]
        if not names:
            return self.root
        state = self._tops.get(names[0])
        if state is None:  # at the root every watch is in question, and there are few names
            state = self.step(self.root, names[0])
            if len(self._tops) < MOST_TOPS:
                self._tops[names[0]] = state
        for name in names[1:]:
            state = self.step(state, name)
        return state

    def _enter(self, moved: Iterable[Live], watch: Optional[int]) -> State:
        live: List[Live] = []
        for index, matched in moved:
            at = matched
            live.append((index, at))
            while self.parts[index][at : at + 1] == [ANY_DEPTH]:  # it may also stand for nothing
                at += 1
                live.append((index, at))
        done = min([index for index, at in live if at == len(self.parts[index])], default=None)
        exact = done is not None
        if done is not None and (watch is None or done < watch):
            watch = done
        rest = {(index, at) for index, at in live if at < len(self.parts[index])}
        return self._state(watch, tuple(sorted(pair for pair in rest if watch is None or pair[0] < watch)), exact)

    def _state(self, watch: Optional[int], live: Tuple[Live, ...], exact: bool) -> State:
        key = (watch, live, exact)
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = State(watch, live, exact, self._names(watch, live))
        return state

    def _names(self, watch: Optional[int], live: Tuple[Live, ...]) -> Optional[Tuple[str, ...]]:
        if watch is not None and self.levels[watch] != IGNORE:
            return None
        parts = [self.parts[index][at] for index, at in live]
        names = {part for part in parts if isinstance(part, str)}
        return tuple(sorted(names, key=os.fsencode)) if names.issuperset(parts) else None


def _components(path: str) -> List[str]:
    parts = [part for part in path.split("/") if part]
    if parts[-1:] == ["**"]:  # below a directory, at any depth, is what its `*` covers
        parts[-1] = "*"
    return parts


def _component(part: str) -> Part:
    if part == "**":
        return ANY_DEPTH
    if not any(sign in part for sign in "*?["):
        return part
    import fnmatch  # noqa: PLC0415 - it takes a host's Python as long as to start
    import re  # noqa: PLC0415

    return re.compile(fnmatch.translate(part), re.DOTALL).match
