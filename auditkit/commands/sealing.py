"""Keys, policies and imports as the command line names them: what `baseline` and `accept` share."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO, cast

from auditkit import baseline as files
from auditkit.commands import options
from auditkit.errors import FormatError, UsageError
from auditkit.hosts import Host
from auditkit.model import Entry, Gap, Level, Policy
from auditkit.printable import printable, said
from auditkit.writer import Writer

DEFAULT_POLICY = "linux"
SYSTEM = frozenset(("/", "/etc"))
"""Who watches these cares for the whole system, and not for one tree of it."""
MOST_GAPS = 10
"""Gaps that are named one by one."""


def key(run: options.Setting, named: str | None, what: str = "a baseline") -> str | None:
    """The key that seals; None for none.

    Raises:
        UsageError: signatures are asked for in auditkit.yaml and no key was named.
    """
    if named is None and run.signers:
        raise UsageError(
            f"signers are configured, so {what} without a signature would never be believed",
            "add --key FILE or --key agent",
        )
    return os.path.expanduser(named) if named and not named.startswith("agent") else named


def policy_name(run: options.Setting, host: str) -> str:
    """The policy of a host as auditkit.yaml has it, else `linux`."""
    entry = run.config.hosts.get(host)
    return (entry and entry.policy) or run.config.defaults.policy or DEFAULT_POLICY


def heard(host: Host, run: options.Setting, wanted: Policy) -> tuple[Mapping[str, object], ...] | None:
    """What listens on a host, for a baseline by a policy that watches how the system is set up; None for any other.

    Raises:
        HostError: the host cannot be asked.
    """
    if not any(watch.path in SYSTEM and watch.level is not Level.IGNORE for watch in wanted.watches):
        return None
    from auditkit.commands import auditing  # noqa: PLC0415 - all audits are loaded with it

    return auditing.heard(host, run)


def sealer(key: str | None, ask: Callable[[str], str]) -> Callable[[IO[bytes]], bytes] | None:
    """What makes the signature over a file with that key; `ask` is asked for its passphrase."""
    if key is None:
        return None
    from auditkit import seal  # noqa: PLC0415 - cryptography is heavy

    def signature(file: IO[bytes]) -> bytes:
        return seal.sign(cast("BinaryIO", file), key, socket=os.environ.get("SSH_AUTH_SOCK"), ask=ask)

    return signature


def sealed(key: str | None) -> str:
    """What is to be said of the seal of a file that was written."""
    return f"sealed with {printable(key)}" if key else "UNSIGNED: anybody who can write it can change it"


def lacks(gaps: Sequence[Gap], one: str, rest: str) -> Iterator[str]:
    """Yield what is to be said of the gaps in a file that was written: the first of them, and where the rest stands."""
    for gap in gaps[:MOST_GAPS]:
        yield f"  gap  {printable(gap.subject)}: {said(gap.reason)}"
    if len(gaps) > MOST_GAPS:
        yield f"  gap  and {len(gaps) - MOST_GAPS} more, {rest}"
    if gaps:
        yield f"INCOMPLETE: {len(gaps)} {one if len(gaps) == 1 else one + 's'} could not be seen"


def beside(path: str) -> tuple[int, str | None]:
    """Sequence and previous digest of a baseline that is written outside the store: it follows those beside it."""
    directory = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(directory):
        raise UsageError(f"{printable(directory)} is no directory", "make it first")
    found = files.sequences(directory)
    newest = max(found, default=0)
    return newest + 1, files.file_digest(found[newest]) if newest else None


def imported(writer: Writer, given: dict[str, Any]) -> list[Gap]:
    """Write the entries of a foreign database; gives what of it was not understood."""
    from auditkit import entries, importers  # noqa: PLC0415 - rarely used

    gaps: list[Gap] = []
    try:
        with open(given["imported"], "rb") as stream:
            told = importers.read(stream, given["import_format"], given["import_root"])
            ordered = importers.ordered(told, TemporaryFile)
            for block in entries.encode(_entries(ordered, gaps)):
                writer.add(block)
    except OSError as error:
        raise FormatError(f"{printable(given['imported'])} cannot be read: {error.strerror}") from error
    return gaps


def _entries(told: Iterator[Entry | Gap], gaps: list[Gap]) -> Iterator[Entry]:
    for one in told:
        if isinstance(one, Gap):
            gaps.append(one)
        else:
            yield one
