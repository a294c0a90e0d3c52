"""A block that is proposed, as a text that a shell can read, too: what explains stands behind `#`, what does stands alone."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from auditkit.printable import few, said
from auditkit.response.blocking.addresses import shown
from auditkit.response.blocking.nouns import Proposal, Seen, Surroundings, Wish

WIDTH = 110
MOST = 12
"""Of those who are never blocked, so many are named."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A proposal with all that a reader has to know."""

    proposal: Proposal
    wish: Wish
    around: Surroundings
    cautions: tuple[str, ...]
    made: datetime
    chosen: str
    """Why this tool."""
    then: str
    """The command that notes what was done."""


def told(offer: Offer) -> Iterator[str]:
    """Yield the lines of the text, with their newlines; only the lines of the proposal do not begin with `#`."""
    for line in _lines(offer):
        yield f"{line}\n"


def _lines(offer: Offer) -> Iterator[str]:
    proposal, wish, around = offer.proposal, offer.wish, offer.around
    of_case = f" for case {wish.case}" if wish.case else ""
    yield from _remark(
        f"A block that auditkit proposes{of_case}, {offer.made:%Y-%m-%d %H:%M %z}. Nothing was changed."
        f" Read it; then paste it line by line, as root, on {around.host}."
    )
    yield "#"
    yield from _remark(f"What it does: {proposal.does}.")
    yield from _remark(f"Tool: {offer.chosen}.")
    for caution in offer.cautions:
        yield from _remark(f"Mind: {caution}")
    yield "#"
    yield from _spared(around)
    for number, step in enumerate(proposal.steps, 1):
        yield ""
        yield from _remark(f"{number}. {step.what}{':' if step.lines else '.'}")
        yield from (f"#    {line}" if step.optional else line for line in step.lines)
    yield ""
    yield from _after(proposal, wish)
    yield from _remark("Whatever you do of this, write it down:")
    yield f"#    {said(offer.then)}"


def _after(proposal: Proposal, wish: Wish) -> Iterator[str]:
    yield from _remark("See that it stands:")
    yield from (f"#    {line}" for line in proposal.look)
    yield from _remark(f"It ends by itself after {wish.time}. To end it now:")
    yield from (f"#    {line}" for line in proposal.undo)
    yield "#"
    for note in proposal.notes:
        yield from _remark(f"- {note}")


def _spared(around: Surroundings) -> Iterator[str]:
    """Yield whom it does not hit, and what of that is not known."""
    yield from _remark(f"Looked at on {around.host} before this was written, and not hit by it:")
    by: dict[str, list[str]] = {}
    for each in around.guarded:
        by.setdefault(each.what, []).append(shown(each.network))
    for what, networks in by.items():
        yield from _remark(f"- {few(list(dict.fromkeys(networks)), MOST)}: {what}")
    for gap in dict.fromkeys((*around.grave, *around.gaps)):
        yield from _remark(f"NOT KNOWN: {gap.subject}: {gap.reason}")
    yield from _remark("What others see of you behind a router or a VPN is not known here: name it with --allow.")


def _remark(text: str) -> Iterator[str]:
    """Yield a sentence in lines behind `#`, whatever is in it."""
    behind = "  " if text.startswith("- ") else ""
    lines = textwrap.wrap(said(text), WIDTH, subsequent_indent=behind, break_long_words=False, break_on_hyphens=False)
    yield from (f"# {line}" for line in lines)


def tools(seen: Iterable[Seen]) -> str:
    """What there is to block with, in a sentence."""
    words = [f"{each.tool} ({'active' if each.active else 'installed'})" for each in seen if each.installed]
    return f"seen there: {', '.join(words)}" if words else "none of the tools was seen there"
