"""A run for a case of an incident: what was typed, what came of it, its report, and what it read or made, go into the case.

The report is kept as JSON whatever --format and -o say; a run that ends in an error or is interrupted is told of as well.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import click

from auditkit.commands import ARGV, answering, options
from auditkit.commands.cases import hand
from auditkit.errors import AuditkitError, UntrustedError
from auditkit.evidence import Header
from auditkit.incident import cases, evidence, originals
from auditkit.incident.cases import Case
from auditkit.printable import counted, printable
from auditkit.response.chain import LONGEST
from auditkit.response.nouns import Entry, Filed, Kind, Said, filed

INCOMPLETE, INTERRUPTED = 3, 130
SMALL = 64 << 20
"""Bytes of a file that is copied because a command read or made it; of a longer one its digest is told."""
ALL, MANY = 1 << 30, 200
"""Bytes and number of all that is copied because one run read it."""
MOST, FEW = 300, 10
"""Words, lines, hosts and files that an entry names; and where these are so long that it cannot hold them."""
LONG = 500
"""Characters of a word, a line, a verdict."""
_PASSWORD = re.compile(r"(?<=://)([^/@:]*):.*@", re.DOTALL)


@dataclass(slots=True)
class Record:
    """What a run leaves in a case; hosts that are asked at once leave it there as they end."""

    case: Case
    by: str | None
    quiet: bool
    document: Mapping[str, Any] | None = None
    """The report, as it was answered with."""
    show_all: bool = False
    """Whether changes that are explained stand in it."""
    lines: list[str] = field(default_factory=list)
    """What was answered by a command that makes no report."""
    files: list[int] = field(default_factory=list)
    """Entries that tell of what was read or made."""
    lost: list[str] = field(default_factory=list)
    """What was read and could not be kept, and why."""

    def baseline(self, path: str, host: str, sequence: int) -> None:
        """Keep a baseline that the run made, with its seal; of a large one the digest.

        Raises:
            UntrustedError: the journal is broken by now.
        """
        said = Said(Kind.FILE, f"baseline {sequence} of {host}", {"baseline": sequence, "host": host})
        with self._trying(path):
            if os.path.getsize(path) > SMALL:
                self._told(evidence.noted(self.case, hand(self.by), path, said))
            else:
                self._told(evidence.kept(self.case, hand(self.by), evidence.Original(path, _seal(path)), said))

    def _told(self, entry: Entry) -> int:
        self.files.append(entry.seq)
        return entry.seq

    @contextmanager
    def _trying(self, path: str) -> Iterator[None]:
        """What cannot be kept is told of; the work goes on, for it is worth more than the copy."""
        try:
            yield
        except UntrustedError:
            raise
        except AuditkitError as error:
            self._lose(path, str(error))

    def _lose(self, path: str, why: str) -> None:
        self.lost.append(f"{path}: {why}"[:LONG])
        answering.talk(f"auditkit: case {self.case.id} has no copy of {printable(path)}: {why}")

    def taking(self) -> str:
        """The directory for evidence that is taken for the case only, until it lies in the case."""
        return self.case.at(f"taking.{os.getpid()}", "")

    def evidence(self, path: str, header: Header) -> str:
        """Keep evidence that was taken of a host, with its seal; gives where it lies, which may be in the case only.

        Raises:
            UntrustedError: the journal is broken by now.
        """
        text, data = _clock(header)
        seal, only = _seal(path), path.startswith(self.taking())
        original = evidence.Original(path, seal, f"auditkit collect {header.host}" if only else "")
        said = Said(Kind.FILE, f"evidence of {header.host}; {text}", {"host": header.host, "reached": header.kind, **data})
        with self._trying(path):
            entry = evidence.kept(self.case, hand(self.by), original, said)
            self._told(entry)
            if only:
                for one in (path, *seal):
                    os.unlink(one)
                return self.case.at(*filed(entry)[0].file.split("/"))
        return path

    def logs(self, paths: Iterable[str]) -> None:
        """Keep the logs that the run is going to read: small ones as they are, of others the digest, each content once.

        Raises:
            UntrustedError: the journal is broken by now.
        """
        there, before, again, room = _there(self.case), len(self.files), 0, ALL
        every = list(dict.fromkeys(map(os.path.realpath, paths)))
        for path in every[:MANY]:
            with self._trying(path):
                size, digest = originals.digest(path, SMALL)
                if digest and digest in there:
                    self.files.append(there[digest])
                    again += 1
                    continue
                room -= size if size <= SMALL else 0
                there[digest] = self._log(path, copied=size <= SMALL and room >= 0)
        self._say_logs(len(self.files) - before, again)
        if len(every) > MANY:
            self._lose(every[MANY], f"it and what comes after it are not kept: of one run {MANY} logs are")

    def _log(self, path: str, *, copied: bool) -> int:
        """Keep a log, or tell its digest; gives the entry that does."""
        if copied:
            said = Said(Kind.FILE, "a log that was read")
            return self._told(evidence.kept(self.case, hand(self.by), evidence.Original(path), said))
        said = Said(Kind.FILE, "a log that was read, too large to be copied by itself")
        return self._told(evidence.noted(self.case, hand(self.by), path, said))

    def _say_logs(self, read: int, again: int) -> None:
        if not self.quiet and read:
            more = f", {again} of which it had already" if again else ""
            kept = f"case {self.case.id} keeps {counted(read, 'log')} that this reads{more}"
            answering.talk(f"auditkit: {kept}; of one above 64 MiB only its digest")


def _clock(header: Header) -> tuple[str, dict[str, object]]:
    """How the clock of a host stood against that of this machine, in words and in seconds (RFC 3227, 2.1)."""
    if header.kind == "local":
        return "its clock is the one of this record", {"clock_skew": 0.0}
    skew = header.facts.get("clock_skew")
    if not isinstance(skew, int | float):
        return "how its clock stood is not known", {"clock_skew": None}
    if not skew:
        return "its clock agrees with that of this machine", {"clock_skew": 0.0}
    return f"its clock is {abs(skew)} s {'ahead of' if skew > 0 else 'behind'} that of this machine", {"clock_skew": skew}


def _seal(path: str) -> tuple[str, ...]:
    return (f"{path}.sig",) if os.path.lexists(f"{path}.sig") else ()


def journaled(word: str, by: str | None, given: Mapping[str, Any], work: Callable[[Record], Any]) -> int:
    """Do the work of a command for a case, and write down what came of it; gives the exit status.

    Raises:
        UsageError: there is no such case, or it is closed: nothing was asked.
        UntrustedError: its journal is broken: nothing was asked.
        AuditkitError: it cannot be written: nothing was asked. Or the work ended in an error; or the case cannot be written
            once the work has been done.
    """
    case = cases.found(options.store_of(given), word)
    case.check()
    if not all(os.access(case.at(name), os.W_OK) for name in (cases.JOURNAL, cases.EVIDENCE)):
        raise AuditkitError(f"case {case.id} cannot be written", "run auditkit as its owner, and see that its disk is writable")
    record = Record(case, by, bool(given.get("quiet")), show_all=bool(given.get("show_all")))
    started = datetime.now(UTC)
    try:
        code = int(work(record) or 0) or (INCOMPLETE if record.lost else 0)
    except BaseException as error:
        _despite(record, started, error)
        raise
    finally:
        with suppress(OSError):  # it may never have been made; and what could not be kept stays
            os.rmdir(record.taking())
    _end(record, started, code)
    return code


def _despite(record: Record, started: datetime, error: BaseException) -> None:
    """Write down a run that ended in an error; that this fails too hides nothing of the first one."""
    try:
        _end(record, started, _code(error), _line(error))
    except AuditkitError as lost:
        answering.talk(f"auditkit: case {record.case.id} does not tell of this run: {lost}")


def _code(error: BaseException) -> int:
    match error:
        case AuditkitError() | click.ClickException() | click.exceptions.Exit():
            return int(error.exit_code)
        case KeyboardInterrupt() | click.Abort():
            return INTERRUPTED
        case BrokenPipeError():
            return 1
    return 2


def _line(error: BaseException) -> str:
    match error:
        case AuditkitError():
            return error.whole
        case KeyboardInterrupt() | click.Abort():
            return "interrupted"
        case BrokenPipeError():
            return "nobody read the answer to its end"
        case click.exceptions.Exit():
            return ""
    return f"{type(error).__name__}: {error}"


def _end(record: Record, started: datetime, code: int, error: str = "") -> None:
    """Write the entry of a run, with its report where there is one."""
    context = click.get_current_context()
    told = _told(record, str(context.info_name), _words(context.meta.get(ARGV, ())), code, error)
    told |= {"started": f"{started:%Y-%m-%dT%H:%M:%SZ}", "finished": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    said = Said(Kind.COMMAND, _sentence(told), told)
    if record.document is None:
        entry = record.case.add(hand(record.by), said)
    else:
        entry = evidence.written(record.case, hand(record.by), f"{told['command']}.json", _pieces(record), said)
    if not record.quiet:
        kept = "".join(f", with {one.file}" for one in filed(entry))
        answering.talk(f"auditkit: case {record.case.id}: entry {entry.seq} tells of this run{kept}")


def _pieces(record: Record) -> Iterable[bytes]:
    from auditkit import report  # noqa: PLC0415 - not for --help

    options_ = report.Options(show_all=record.show_all)
    return (piece.encode("ascii") for piece in report.render(dict(record.document or {}), "json", options_))


def _told(record: Record, command: str, words: Sequence[str], code: int, error: str) -> dict[str, Any]:
    """What the entry says for programs; what is too much for an entry is left out, and that is said."""
    document = record.document
    told: dict[str, Any] = {"command": command, "argv": list(words), "exit": code}
    told |= {"error": error[: 2 * LONG]} if error else {}
    if document is None:
        told["lines"] = [line[:LONG] for line in record.lines[:MOST]]
    else:
        told |= {"status": document["status"], "count": len(document["hosts"])}
        told["hosts"] = [_host(host) for host in document["hosts"][:MOST]]
    told |= {"files": record.files[:MOST]} if record.files else {}
    told |= {"not_kept": record.lost[:MOST]} if record.lost else {}
    left_out = max(map(len, (record.lines, record.files, record.lost, (document or {}).get("hosts", ())))) > MOST
    return _fitting(told | ({"left_out": True} if left_out else {}))


def _fitting(told: dict[str, Any]) -> dict[str, Any]:
    """The same as far as an entry holds it: of what is too long the first ones stay."""
    for name in ("hosts", "lines", "not_kept", "argv"):
        if len(json.dumps(told)) > LONGEST // 2 and name in told:
            told |= {name: told[name][:FEW], "left_out": True}
    return told


def _host(host: Mapping[str, Any]) -> dict[str, Any]:
    """What became of a host, in short: the report has the rest."""
    logins = host["logins"]
    told = {"host": host["host"][:LONG], "status": host["status"], "state": host["state"]}
    return told | ({"verdict": logins["verdict"][:LONG]} if logins else {})


def _sentence(told: Mapping[str, Any]) -> str:
    """What the entry says for people."""
    host = told["hosts"][0] if told.get("count") == 1 and told.get("hosts") else {}
    of = f" of {host['host']}" if host else f" of {counted(told['count'], 'host')}" if "count" in told else ""
    said = "; ".join(line for line in told.get("lines", ()) if not line.startswith((" ", "Next:")))
    came = told.get("error") or told.get("status") or said[: 2 * LONG] or "done"
    verdict = f": {host['verdict']}" if "verdict" in host else ""
    return f"auditkit {told['command']}{of}, exit status {told['exit']}: {came}{verdict}"


def _words(argv: Sequence[str]) -> list[str]:
    """What was typed, without passwords; long words and what comes after many are cut."""
    words = [_PASSWORD.sub(r"\1:***@", word) for word in argv]
    cut = [word if len(word) <= LONG else f"{word[:LONG]}..." for word in words[:MOST]]
    return cut if len(words) <= MOST else [*cut, f"... and {len(words) - MOST} more"]


def _there(case: Case) -> dict[str, int]:
    """The digests of what a case keeps, and the entries that tell of them."""
    entries = case.read().entries
    return {file.sha256: entry.seq for entry in entries for file in _filed(entry)}


def _filed(entry: Entry) -> tuple[Filed, ...]:
    return filed(entry) if entry.said.kind is Kind.FILE else ()
