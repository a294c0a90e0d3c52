"""`auditkit incident export CASE -o FILE`: all of a case in one archive, which stock tools unpack and verify."""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any

import click

from auditkit.commands import answering, cases, options
from auditkit.commands import sealing as keys
from auditkit.errors import UntrustedError, UsageError
from auditkit.printable import counted, printable
from auditkit.response.nouns import Hand, Kind, Said

Sign = Callable[[IO[bytes]], bytes]
ALLOWED = "allowed_signers"

if TYPE_CHECKING:
    from auditkit.incident.archive import Member
    from auditkit.incident.cases import Case
    from auditkit.response.checked import Seen
    from auditkit.signers import Signers


@click.command("export")
@cases.case
@click.option("-o", "output", metavar="FILE", required=True, help="the archive: FILE.tar, FILE.tar.gz or FILE.tar.zst")
@click.option("--key", metavar="FILE|agent", help="the SSH key that signs it")
@cases.form
@cases.writer
def command(case: str, output: str, key: str | None, by: str | None, **given: Any) -> int:
    """Pack a case into one archive.

    It says how to verify it by sha256sum and ssh-keygen alone. The case tells of it.
    """
    from auditkit.incident import archive  # noqa: PLC0415 - not for --help
    from auditkit.incident import cases as disk  # noqa: PLC0415

    run, hand = options.setting(**given), cases.hand(by)
    found, signers = disk.found(run.store, case), cases.signers(run)
    _sound_place(found, output)
    with cases.reading(run, "verifying", found.id) as passing:
        seen = _sound(found, signers, passing)
    members = _members(found, seen, hand, keys.sealer(keys.key(replace(run, signers=None), key), run.signing), signers)
    with cases.reading(run, "packing", found.id) as passing:
        content = archive.Content(found, _folder(seen), members, seen.journal.entries[-1].hand.time, passing)
        written = archive.pack(output, content)
    data: dict[str, object] = {"to": os.path.abspath(output), "sha256": written.sha256, "size": written.size}
    data |= {"entries": len(seen.journal.entries), "hash": seen.journal.head, "signed": bool(key)}
    text = f"exported {counted(len(seen.journal.entries), 'entry')} to {os.path.abspath(output)}"
    entry = found.add(hand, Said(Kind.EXPORT, text, data))
    if run.form == "json":
        click.echo(cases.document({"case": found.id, "entry": entry.seq, "head": entry.hash, **data}))
        return 0
    signed = f"signed with {printable(key)}" if key else "not signed: add --key FILE or --key agent"
    click.echo(f"{printable(output)}: {counted(len(seen.journal.entries), 'entry')}, {written.size} bytes, {signed}")
    click.echo(f"SHA-256 {written.sha256}")
    return 0


def _folder(seen: "Seen") -> str:
    return str(seen.journal.entries[0].said.data["case"])


def _sound_place(case: "Case", output: str) -> None:
    """Refuse to write where an archive would be taken for evidence, or by a name that does not say how.

    Raises:
        UsageError: so it would.
    """
    from auditkit.incident import archive  # noqa: PLC0415 - not for --help

    archive.form(output)
    inside = os.path.realpath(case.path)
    if os.path.commonpath((inside, os.path.realpath(output))) == inside:
        raise UsageError(f"{printable(output)} is in the directory of the case itself", "write it somewhere else")


def _sound(case: "Case", signers: "Signers | None", passing: Callable[[int], None]) -> "Seen":
    """What lies in the case, once nothing of it is wrong.

    Raises:
        UntrustedError: something is.
    """
    from auditkit.incident import holdings  # noqa: PLC0415 - not for --help
    from auditkit.response import checked  # noqa: PLC0415

    seen = holdings.seen(case, signers, datetime.now(UTC), passing)
    told = checked.verdict(seen, (), asked=False)
    if told.wrong:
        first = told.wrong[0]
        raise UntrustedError(
            f"{first.subject}: {first.reason}; nothing was exported", f"see auditkit incident verify {printable(case.id)}"
        )
    for one in told.gaps:
        answering.talk(f"auditkit: left out: {one.subject}: {one.reason}")
    return seen


def _members(case: "Case", seen: "Seen", hand: Hand, sign: Sign | None, signers: "Signers | None") -> "list[Member]":
    """The files of the archive: the record, what makes it readable, their digests, and whose key signed those."""
    from auditkit.incident import archive, sealing  # noqa: PLC0415 - not for --help
    from auditkit.response import sums  # noqa: PLC0415

    readme = _readme(seen, hand, signed=sign is not None, allowed=signers is not None)
    members = [*_record(seen), archive.made("README.txt", readme), archive.made("journal.txt", _readable(case, seen))]
    listed = sums.text({member.name: member.sha256 for member in members})
    members.append(archive.made(sums.NAME, listed))
    signature = sign(io.BytesIO(listed)) if sign else b""
    if signature:
        members.append(archive.made(sums.NAME + sealing.SIGNATURE, signature))
    if signers:  # so each seal has a signature that is good
        seals = [sealing.read(case.at(f"{seal.name}{sealing.SIGNATURE}"), sealing.LIMIT) for seal in seen.seals]
        members.append(archive.made(ALLOWED, sealing.lines(signers, filter(None, (signature, *seals)))))
    return sorted(members, key=lambda member: member.name)


def _record(seen: "Seen") -> "Iterator[Member]":
    """Yield the journal, what it tells of, and the seals; what nothing tells of stays behind."""
    from auditkit.incident import archive, sealing  # noqa: PLC0415 - not for --help
    from auditkit.response import chain, checked  # noqa: PLC0415

    yield archive.made("journal.jsonl", b"".join(map(chain.line, seen.journal.entries)))
    told = {one.name for one in checked.named(seen.journal)}
    told |= {f"{seal.name}{ending}" for seal in seen.seals for ending in ("", sealing.SIGNATURE)}
    yield from (archive.Member(one.name, one.size, one.sha256) for one in seen.held if one.name in told and one.sha256)


def _readable(case: "Case", seen: "Seen") -> bytes:
    """What happened, for reading: what was noted, and what the reports tell.

    Raises:
        UntrustedError: a report is not as it was kept.
    """
    from auditkit.incident import evidence  # noqa: PLC0415 - not for --help
    from auditkit.report import unpacked  # noqa: PLC0415
    from auditkit.response import events, timeline  # noqa: PLC0415

    kept = evidence.reports(case)  # somebody may have added one since
    told = events.events(one for one in kept if one.entry.seq <= len(seen.journal.entries))
    return unpacked.readable(seen.journal, timeline.moments(seen.journal, told))


def _readme(seen: "Seen", hand: Hand, *, signed: bool, allowed: bool) -> bytes:
    """How to verify it, for somebody who has never heard of auditkit."""
    from auditkit.report import unpacked  # noqa: PLC0415 - not for --help
    from auditkit.response.standing import standing  # noqa: PLC0415

    stand = standing(seen.journal)
    assert stand
    return unpacked.readme(seen.journal, unpacked.Told(stand, hand, signed, allowed, sealed=bool(seen.seals)))
