"""Functions of the C library, called by the core of ctypes: to load all of ctypes takes a tenth of what a small scan does.

That core has no manual; it is the same in Python 3.6 to 3.14. Should it change, ctypes itself serves.
"""

from .hints import Any, Callable

try:
    from _ctypes import FUNCFLAG_CDECL, FUNCFLAG_USE_ERRNO, Array, CFuncPtr, _SimpleCData, byref, dlopen, get_errno

    class _Int(_SimpleCData):  # type: ignore[type-arg]
        _type_ = "i"

    class _Char(_SimpleCData):  # type: ignore[type-arg]
        _type_ = "c"

    class _Function(CFuncPtr):
        _flags_ = FUNCFLAG_CDECL | FUNCFLAG_USE_ERRNO
        _restype_ = _Int

    class _Library:
        _handle = dlopen(None, 0)  # type: ignore[arg-type]  # the program itself

    def function(name: str) -> Callable[..., int]:
        """A function that takes int, bytes and buffers and gives an int.

        Raises:
            AttributeError: there is none of that name, or nothing that could call it.
        """
        return _Function((name, _Library))  # type: ignore[arg-type]

    def buffer(size: int) -> Any:
        """So many bytes that a function may write to; `raw` is what they are."""
        return type("_Buffer", (Array,), {"_length_": size, "_type_": _Char})()

except (ImportError, AttributeError, TypeError, OSError):  # whatever it is that has changed
    try:
        from ctypes import CDLL, byref, get_errno
        from ctypes import create_string_buffer as buffer  # type: ignore[assignment]

        def function(name: str) -> Callable[..., int]:
            return getattr(CDLL(None, use_errno=True), name)  # type: ignore[no-any-return]

    except ImportError:  # a Python cut down to its core

        def function(name: str) -> Callable[..., int]:
            raise AttributeError(name)


__all__ = ["buffer", "byref", "function", "get_errno"]
