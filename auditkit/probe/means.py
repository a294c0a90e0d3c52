"""All that evidence may be asked for on this machine or below a root, each by its means."""

import os

from . import take
from .chain import Chain
from .hints import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

FILE, STATUS, COMMAND, LISTENERS, LISTING, UNOWNED = "file", "status", "command", "listeners", "listing", "unowned"
PACKAGES, TIMES, LIBRARIES = "packages", "times", "libraries"
PRIVILEGED, PROCESSES, LOG = "privileged", "processes", "log"

Need = Tuple[str, bytes, bool, bool, bool]
"""The means, what is asked for, whether it holds secrets, whether a host without it is complete all the same, and whether
it may be long."""


def taken(root: bytes, needs: Sequence[Need], watch: Any = None) -> Iterator[take.Told]:
    """Yield what is there for each need: the files, then the ways, what lies where, what runs, and so on; last the commands,
    the logs, and commands whose output may be long.

    Commands, listeners, processes and libraries are those of this machine: of another root nobody asks for them. `watch` is a
    commands.Watch, or what is like it.

    Raises:
        OSError: the root cannot be opened.
    """
    by: Dict[str, List[int]] = {}
    for number, need in enumerate(needs):
        by.setdefault(need[0], []).append(number)
    files = by.get(FILE, [])
    for number, path, data, why in take.take(root, [needs[each][1:] for each in files]):
        yield files[number], path, data, why
    if len(files) == len(needs):
        return
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    chain = Chain(handle)
    try:
        for told in _others(chain, by, needs, watch, root):
            yield told
    finally:
        chain.close()
        os.close(handle)


def _others(chain: Chain, by: Dict[str, List[int]], needs: Sequence[Need], watch: Any, root: bytes) -> Iterator[take.Told]:
    from . import commands, libraries, listeners, status, times  # noqa: PLC0415 - only for who asks so

    watch = (watch or commands.Watch()) if root == b"/" else None

    for number in by.get(STATUS, ()):
        for path, data, why in status.status(chain, needs[number][1], needs[number][3]):
            yield number, path, data, why
    for told in _listed(chain, by, needs, watch):
        yield told
    for told in _walked(chain, by, root, watch):
        yield told
    for number in by.get(LISTENERS, ()):
        for path, data, why in listeners.listeners(needs[number][3]):
            yield number, path, data, why
    for number in by.get(LIBRARIES, ()):
        for path, data, why in libraries.libraries():
            yield number, path, data, why
    for number in by.get(PACKAGES, ()):
        for path, data, why in _of_packages(chain, needs[number][1]):
            yield number, path, data, why
    for number in by.get(TIMES, ()):
        for path, data, why in times.times(chain, needs[number][1]):
            yield number, path, data, why
    asked = [(number, needs[number][1], needs[number][3]) for number in by.get(COMMAND, ()) if not needs[number][4]]
    for number, data, why in commands.run(chain, asked, watch):
        yield number, needs[number][1], data, why
    for told in _logs(chain, by, needs, watch):
        yield told


def _logs(chain: Chain, by: Dict[str, List[int]], needs: Sequence[Need], watch: Any) -> Iterator[take.Told]:
    """What may be far longer than anything else: it comes last."""
    if LOG in by:
        from . import logs  # noqa: PLC0415 - only for who asks so

        for told in logs.logs(chain, [(number, needs[number][1], *needs[number][3:]) for number in by[LOG]]):
            yield told
    long = [(number, needs[number][1], needs[number][3]) for number in by.get(COMMAND, ()) if needs[number][4]]
    if long:
        from . import streams  # noqa: PLC0415

        for number, data, why in streams.run(chain, long, watch):
            yield number, needs[number][1], data, why


def _walked(chain: Chain, by: Dict[str, List[int]], root: bytes, watch: Any) -> Iterator[take.Told]:
    """What gives rights, and every process: each looked at once, whatever its need is called."""
    if PRIVILEGED in by:
        from . import privileged  # noqa: PLC0415 - only for who asks so

        for path, data, why in privileged.privileged(chain, root, watch):
            yield by[PRIVILEGED][0], path, data, why
    if PROCESSES in by:
        from . import processes  # noqa: PLC0415

        for path, data, why in processes.processes():
            yield by[PROCESSES][0], path, data, why


def _listed(chain: Chain, by: Dict[str, List[int]], needs: Sequence[Need], watch: Any) -> Iterable[take.Told]:
    """What is to be listed, all of it at once: who owns it is looked up in one go."""
    if LISTING not in by and UNOWNED not in by:
        return ()
    from . import listing  # noqa: PLC0415 - only for who asks so

    every = sorted(by.get(LISTING, []) + by.get(UNOWNED, []))
    asked = [(number, needs[number][1], needs[number][3], needs[number][0] == UNOWNED) for number in every]
    return listing.listing(chain, asked, watch)


def _of_packages(chain: Chain, what: bytes) -> Iterator[Tuple[bytes, Optional[bytes], str]]:
    """What is asked of package systems: their lists, or when versions were made."""
    from . import changelogs, lists  # noqa: PLC0415 - only for who asks so

    return changelogs.changelogs(chain, what) if what == changelogs.PLACE else lists.lists(chain, what)
