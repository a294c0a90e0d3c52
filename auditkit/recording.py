"""Evidence being written: what a host is asked and what it answers goes into the file while it passes by.

The file is written without a name, synced, sealed, and named last, as baselines are; the format is that of evidence.py.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Self

from auditkit.collect import stamped
from auditkit.errors import AuditkitError, HostError
from auditkit.evidence import MOST_RECORDS, Header, document, line, payload, written
from auditkit.hosts import Ask, Beginning, Distant, Host, Known, Limited, Past, Seen, Suspect
from auditkit.model import ON_DISK, Gap, Item, Need
from auditkit.writer import Unnamed, taken

MOST_GAPS = MOST_RECORDS // 2
TOO_MANY = f"more than {MOST_GAPS} gaps; those that follow are not named"


class Writer:
    """An evidence file being written; `close` gives it its name, and leaving without it leaves nothing."""

    def __init__(self, path: str, header: Header) -> None:
        if os.path.lexists(path):  # said before a host is asked, and once more when the file gets its name
            raise taken(path)
        self.taken = header.taken
        self.records = 0
        self._file = Unnamed(path, level=3)
        try:
            self._file.write(line(document(header)))
        except AuditkitError:
            self._file.drop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.drop()

    def record(self, kind: str, value: object, data: bytes = b"") -> None:
        """Write a record and the bytes that belong to it.

        Raises:
            AuditkitError: there are more than any host has reason for.
        """
        self.records += 1
        if self.records >= MOST_RECORDS:  # with the footer it is one more than the reader takes
            raise AuditkitError("the host answers with more records than evidence can hold", "look at it by hand")
        self._file.write(line({kind: value}) + payload(data))

    def blocks(self, blocks: Iterable[bytes]) -> None:
        """Write blocks of the scan whose record came before."""
        self._file.write(b"".join(blocks))

    def close(self, seal: Callable[[IO[bytes]], bytes] | None = None) -> None:
        """Write the footer, and finish the file.

        Raises:
            AuditkitError: the disk is full, or the name is taken.
        """
        told = {"records": self.records, "finished": written(datetime.now(UTC)), "blake3": self._file.digest()}
        self._file.finish(line(told), seal)


class Recording:
    """A host whose answers are written down as they pass by; each thing once, though it be asked again."""

    def __init__(self, host: Host, writer: Writer) -> None:
        self.name = host.name
        self.facts = host.facts
        self.taken = writer.taken
        """What is asked by the hour is asked as a judge of the file will."""
        self.signer: str | None = None
        self.items = 0
        self._host = host
        self._writer = writer
        self._needs: dict[tuple[str, str], int] = {}
        self._gaps: set[Gap] = set()
        self._mounts: bytes | None = None

    def close(self) -> None:
        """Leave the host whose answers were written down."""
        self._host.close()

    def take(self, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
        """Yield what was asked for, with its time and digest; what cannot be asked is not written down as asked."""
        past = isinstance(self._host, Past)
        needs = tuple(need for need in needs if self.gives(need) or (past and need.means in ON_DISK) or not need.optional)
        fresh = {need: self._numbered(need) for need in needs if (need.means, need.what) not in self._needs}
        for told in self._host.take(needs):
            if isinstance(told, Gap):
                if told not in self._gaps:
                    self._gaps.add(told)
                    self._writer.record("untaken", [told.subject, told.reason])
                yield told
                continue
            item = stamped(told, lambda: datetime.now(UTC))
            if item.need in fresh:
                self.items += 1
                head = {"need": fresh[item.need], "source": item.source, "taken": written(item.taken), "digest": item.digest}
                self._writer.record("item", head, item.data)
            yield item

    def gives(self, need: Need) -> bool:
        """Whether the host can be asked this at all."""
        return not isinstance(self._host, Limited) or self._host.gives(need)

    def _numbered(self, need: Need) -> int:
        """Write down what is asked; gives its number."""
        number = self._needs[need.means, need.what] = len(self._needs)
        self._writer.record("need", [need.means, need.what, need.why, need.secret, need.optional])
        return number

    def mounts(self) -> bytes:
        """The mount table."""
        if self._mounts is None:
            self._mounts = self._host.mounts()
            self._writer.record("mounts", None, self._mounts)
        return self._mounts

    def scan(self, request: Mapping[str, object], known: Known | None = None) -> Iterator[Seen]:
        """Yield what the host sees."""
        self._writer.record("scan", {"watches": request["watches"], "digests": request["digests"]})
        entries = read = 0
        with self._heard("scan"):
            try:
                for told in self._seen(request, known):
                    match told:
                        case ("blocks", blocks):
                            self._writer.blocks(blocks)
                        case ("gap", *gap):
                            self._writer.record("unseen", gap)
                        case ("seen", more, bytes_more):
                            entries, read = entries + more, read + bytes_more
                    yield told
            finally:
                self._writer.record("scanned", [entries, read])

    def _seen(self, request: Mapping[str, object], known: Known | None) -> Iterator[Seen]:
        """Yield what the host sees, and no more gaps than a file can hold."""
        gaps = 0
        for told in self._host.scan(request, known):
            gaps += told[0] == "gap"
            if told[0] != "gap" or gaps <= MOST_GAPS:
                yield told
            elif gaps == MOST_GAPS + 1:
                yield "gap", "/", TOO_MANY

    def beginnings(self, asked: Sequence[Ask]) -> Iterator[Beginning]:
        """Yield digests of how logs begin; nothing is written of a question that was not answered to its end."""
        with self._heard("beginnings"):
            told = list(self._host.beginnings(asked))
        for ask in asked:
            self._writer.record("asked", ask)
        for beginning in told:
            self._writer.record("beginning", beginning)
            yield beginning

    def present(self, paths: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        """Yield what answers to its name; nothing of a host whose word is held against nothing."""
        if isinstance(self._host, Suspect):
            with self._heard("present"):
                for look in self._host.present(paths):
                    self._writer.record("present", look)
                    yield look

    def content(self, paths: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield digests of what was fetched; nothing of a host whose files are hashed here."""
        if isinstance(self._host, Distant):
            with self._heard("content"):
                for digests in self._host.content(paths):
                    self._writer.record("fetched", digests)
                    yield digests

    @contextmanager
    def _heard(self, what: str) -> Iterator[None]:
        """Write down that and how the host falls silent over a question, so that the file can say it in its place."""
        try:
            yield
        except HostError as error:
            self._writer.record("broke", [what, str(error), error.hint, str(error.state)])
            raise
