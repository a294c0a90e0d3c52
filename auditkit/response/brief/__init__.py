"""The brief: one page for those who decide, made of the reports and notes of a case. It never says more than they carry."""

from collections.abc import Iterator

from auditkit.errors import UsageError
from auditkit.printable import counted
from auditkit.response.brief import language
from auditkit.response.brief.bottom import bottom
from auditkit.response.brief.choices import options
from auditkit.response.brief.done import OF_HAND, annex, done
from auditkit.response.brief.exposure import exposure
from auditkit.response.brief.facts import facts
from auditkit.response.brief.machines import machines
from auditkit.response.brief.notes import Note, notes, of_kind, said_inside
from auditkit.response.brief.nouns import Brief, Material, Section, Statement
from auditkit.response.brief.unknown import unknown
from auditkit.response.brief.wording import Times, name, note, offset
from auditkit.response.nouns import Kind
from auditkit.response.standing import standing

LONGEST = {"--recommend": 350, "--decide": 160}
"""Characters of a recommendation, and of the decision that is wanted: more does not fit beside the facts."""
LONG_TITLE, LOOKED_AT = 80, 500
"""Characters of a title that are shown, and of any text that are looked at: more of it is never shown."""


def brief(material: Material) -> Brief:
    """The brief of a case.

    Raises:
        UsageError: something that a person wrote accuses or dramatizes; it says which word, and what to write instead.
    """
    written = notes(material.journal)
    _checked(material, written)
    seen = machines(material.reports)
    times = Times(material.local, material.local(material.made).utcoffset())
    observed = of_kind(written, Kind.OBSERVATION)
    sections = (
        Section("1. Bottom line", tuple(bottom(seen, material, written, times))),
        Section(
            "2. Facts",
            tuple(facts(seen, observed, said_inside(material.journal), times))
            or (Statement("No report and no observation is in the case"),),
        ),
        Section("3. What we do not know", tuple(unknown(seen, material, times))),
        Section("4. Why it was possible", tuple(exposure(seen, material.case, times))),
        Section("5. Options", options=tuple(options(seen, material))),
        Section("6. Recommendation", (_recommended(material),)),
        Section("7. Done so far", tuple(done(material.journal, written, times)) or (_NOTHING,), latest=True),
        Section("8. Annex: digests", tuple(annex(material.journal))),
    )
    return Brief(material.case, note(_title(material), LONG_TITLE), _head(material, times), sections)


_NOTHING = Statement("Nothing is written in the journal but that the case was opened")


def _title(material: Material) -> str:
    known = standing(material.journal)
    return known.title if known else ""


def _head(material: Material, times: Times) -> str:
    """By whom and when it was made, what of, and how to read its times and numbers."""
    basis = f"{counted(len(material.reports), 'report')} and {counted(len(material.journal.entries), 'entry')} of the journal"
    made = f"by {name(material.author)}, {times.moment(material.made)}, of {basis}"
    zone = offset(material.local(material.made))
    return f"Case {material.case}; {made}. Times are local ({zone}). [n] is the entry of the journal that a sentence rests on."


def _recommended(material: Material) -> Statement:
    if not material.recommend.strip():
        return Statement("None is given.")
    return Statement(
        f"Opinion of {name(material.author)}, not a finding: {note(material.recommend, 2 * LONGEST['--recommend'])}"
    )


def _checked(material: Material, written: tuple[Note, ...]) -> None:
    """Look at every word that a person typed and that may stand on the page.

    Raises:
        UsageError: one of them is none for a brief, or there are too many.
    """
    for option, text in (("--recommend", material.recommend), ("--decide", material.decide)):
        if len(" ".join(text.split())) > LONGEST[option]:
            raise UsageError(
                f"{option} is longer than {LONGEST[option]} characters", "say it shorter: the page has room for facts, too"
            )
    found = list(_objections(material, written))
    if found:
        words = "; ".join(f'"{one.word}" in {where}' for where, one, _ in found[:5])
        hints = dict.fromkeys(f'instead of "{one.word}", {one.instead}{correct}' for _, one, correct in found[:3])
        raise UsageError(f"a brief accuses nobody and does not dramatize: {words}", "; ".join(hints))


def _objections(material: Material, written: tuple[Note, ...]) -> Iterator[tuple[str, language.Objection, str]]:
    """Yield where a word stands, the word, and how to correct it if it is in the journal."""
    texts = [("the title (entry 1)", _title(material), 1)]
    texts += [(f"entry {one.by}", one.text, one.entry) for one in of_kind(list(written), *OF_HAND, Kind.OBSERVATION)]
    texts += [("--recommend", material.recommend, 0), ("--decide", material.decide, 0)]
    for where, text, entry in texts:
        correct = f": auditkit incident note {material.case} TEXT --corrects {entry}" if entry else ""
        for one in language.objections(" ".join(text.split())[:LOOKED_AT]):
            yield where, one, correct
