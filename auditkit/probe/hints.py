"""The names of `typing` that annotations here are written with.

To import `typing` takes a host's Python longer than to start: where nobody has loaded it, a stand-in that is never looked
at does as well.
"""

import sys

__all__ = [
    "IO",
    "Any",
    "Callable",
    "Dict",
    "Iterable",
    "Iterator",
    "List",
    "Literal",
    "Mapping",
    "Optional",
    "Sequence",
    "Set",
    "Tuple",
    "Type",
    "Union",
]

TYPE_CHECKING = False

if TYPE_CHECKING or "typing" in sys.modules:
    from typing import (
        IO,
        Any,
        Callable,
        Dict,
        Iterable,
        Iterator,
        List,
        Mapping,
        Optional,
        Sequence,
        Set,
        Tuple,
        Type,
        Union,
    )

    if sys.version_info >= (3, 8):
        from typing import Literal
else:

    class _Hint:
        def __getitem__(self, _of: object) -> "_Hint":
            return self

    IO = Any = Callable = Dict = Iterable = Iterator = List = Mapping = _Hint()
    Optional = Sequence = Set = Literal = Tuple = Type = Union = IO
