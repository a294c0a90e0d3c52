"""What stands in an archive of a case besides the record itself: how to read it, and how to verify it without auditkit."""

from collections.abc import Sequence
from dataclasses import dataclass

from auditkit.printable import printable
from auditkit.report.record import kept, on_paper, timeline
from auditkit.response.nouns import Hand, Journal
from auditkit.response.standing import Standing
from auditkit.response.timeline import Moment

WIDTH = 110
_README = """\
The record of incident {case}
{title}

Exported by {tool} on {time}, by {who}.

journal.txt      what happened, for reading
journal.jsonl    the record itself, an entry a line, as it was written; it was only ever added to
evidence/        files that were kept; each begins with the number of the entry that tells of it
heads/           seals: up to which entry somebody vouched for the record, and the signature over that
torn/            what a crash left of an entry
SHA256SUMS       the digest of each of these files
{signed}
Times are UTC; "zone" in journal.jsonl is the offset of the writer's clock. An entry is never changed: a correction is a
new entry, and names the one that it corrects.


HOW TO VERIFY IT WITH STOCK TOOLS, with bash in this directory

1. Each file is as it was exported, and there are no others:

     sha256sum --quiet --strict -c SHA256SUMS && echo good
     find . -type f ! -name 'SHA256SUMS*' ! -name allowed_signers | cut -c3- | LC_ALL=C sort | diff - <(cut -c67- SHA256SUMS)

2. {signature}
3. The entries hang together: each names the hash of the one before as "prev", and its own as "hash", which is SHA-256 over
   its line without it. One changed character breaks that from its line on.

     prev=$(printf %064d 0); n=0
     while IFS= read -r line; do
       n=$((n+1))
       hash=$(printf '%s\\n' "$line" | sed 's/,"hash":"[0-9a-f]*"}}$/}}/' | tr -d '\\n' | sha256sum | cut -c-64)
       case $line in *"\\"prev\\":\\"$prev\\",\\"hash\\":\\"$hash\\"}}") prev=$hash;; *) echo "entry $n is WRONG"; break;; esac
     done < journal.jsonl; echo "the head of entry $n is $prev"

   In this export entry {entries} is the last one, and its head is

{head}

   Whoever wrote an earlier head down on paper finds it as the hash of an earlier line.

{seals}{evidence}. Each file of evidence is what its entry says: "sha256" and "size" in that line of journal.jsonl are those of
   the file.

With auditkit, all of this at once:   auditkit incident verify . --signers FILE

What that cannot show: that what was written down is true, and that nothing was left out. Whoever holds the keys that
sealed the record could have written it anew and sealed it again; heads on paper, and copies with others, tell of that.
"""
_SIGNED = "SHA256SUMS.sig   the signature over that\n"
_ALLOWED = "allowed_signers  whose keys made the signatures here, as far as whoever exported this knew; not in SHA256SUMS\n"
_SIGNATURE = """\
SHA256SUMS is signed:

     ssh-keygen -Y verify -n auditkit -f allowed_signers -s SHA256SUMS.sig < SHA256SUMS \\
       -I "$(ssh-keygen -Y find-principals -f allowed_signers -s SHA256SUMS.sig)"

   Make sure by another way, as the telephone, whose key that is: {allowed}. Which key it was shows

     ssh-keygen -Y check-novalidate -n auditkit -s SHA256SUMS.sig < SHA256SUMS
"""
_CAME = "allowed_signers came with this archive"
_WRITE = "write a line NAME KEY into a file allowed_signers, see ssh-keygen(1)"
_UNSIGNED = (
    "SHA256SUMS is not signed: only a copy of it from elsewhere, or the digest of the archive, tells that it is right.\n"
)
_SEALS = """\
4. Each seal is good, and is of an entry that is here: its hash is that of a line of journal.jsonl.

     for head in heads/*.head; do
       ssh-keygen -Y verify -n auditkit -f allowed_signers -s $head.sig < $head \\
         -I "$(ssh-keygen -Y find-principals -f allowed_signers -s $head.sig)"
       grep -c "\\"hash\\":\\"$(sed -n 's/^hash //p' $head)\\"}}$" journal.jsonl
     done

"""


@dataclass(frozen=True, slots=True)
class Told:
    """What the archive is of, and what is in it."""

    stand: Standing
    hand: Hand
    """Who exports it."""
    signed: bool
    """Whether there is a signature over SHA256SUMS."""
    allowed: bool
    """Whether allowed_signers is there."""
    sealed: bool
    """Whether there are seals."""


def readme(journal: Journal, told: Told) -> bytes:
    """README.txt, for somebody who has never heard of auditkit."""
    hand, signed = told.hand, _SIGNED if told.signed else ""
    return _README.format(
        case=printable(told.stand.case),
        title=printable(told.stand.title),
        tool=printable(hand.tool),
        time=f"{hand.time:%Y-%m-%d %H:%M:%S %z}",
        who=printable(hand.actor),
        signed=signed + (_ALLOWED if told.allowed else ""),
        signature=_SIGNATURE.format(allowed=_CAME if told.allowed else _WRITE) if told.signed else _UNSIGNED,
        entries=len(journal.entries),
        head="\n".join(on_paper(journal.head, "     ")),
        seals=_SEALS.format() if told.sealed else "",
        evidence=5 if told.sealed else 4,
    ).encode()


def readable(journal: Journal, told: Sequence[Moment]) -> bytes:
    """journal.txt: all that was written, and what is kept with it."""
    lines = (*timeline(journal, told, WIDTH, whole=True), *kept(journal, WIDTH))
    return "".join(f"{line}\n" for line in lines).encode()
