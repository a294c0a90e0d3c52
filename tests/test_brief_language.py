"""Words that a brief does not use, in English and German, and the sentences that it must not take offence at."""

from datetime import timedelta
from typing import Any

import pytest
from briefed import NIGHT, of
from hypothesis import given
from hypothesis import strategies as st

from auditkit.errors import UsageError
from auditkit.response.brief import language
from auditkit.response.nouns import Kind, Said

REFUSED = [
    ("We were hacked in the night", "hacked"),
    ("Hackers from a mail server", "hackers"),
    ("An attack by Example GmbH", "attack by example"),
    ("Attack from their office", "attack from their"),
    ("They attacked us at night", "attacked us"),
    ("The attacker is known", "attacker"),
    ("Chinese hackers did it", "chinese hackers"),
    ("It was the Russians", "the russians"),
    ("Example GmbH is behind it", "is behind it"),
    ("a criminal act", "criminal"),
    ("Their admin is to blame", "to blame"),
    ("It is Bernd's fault", "bernd's fault"),
    ("catastrophic losses", "catastrophic"),
    ("a massive wave", "massive"),
    ("Obviously they guessed", "obviously"),
    ("The server is not compromised", "not compromised"),
    ("We are 100% safe", "100% safe"),
    ("We are 100 % secure again", "100 % secure"),
    ("Nothing happened", "nothing happened"),
    ("There is no risk", "no risk"),
    ("Nobody got in", "nobody got in"),
    ("Wir wurden gehackt", "gehackt"),
    ("Hackerangriff in der Nacht", "hackerangriff"),
    ("Angriff durch die Firma Beispiel", "angriff durch die"),
    ("Der Angreifer ist bekannt", "angreifer"),
    ("Die Täter sitzen in Wien", "täter"),
    ("Das ist kriminell", "kriminell"),
    ("Bernd ist schuld", "schuld"),
    ("eine Katastrophe", "katastrophe"),
    ("völlig sicher", "völlig sicher"),
    ("Der Server ist nicht kompromittiert", "nicht kompromittiert"),
    ("Wir sind 100%ig sicher", "100%ig sicher"),
    ("Es ist nichts passiert", "nichts passiert"),
]
TAKEN = [
    "52 guesses at passwords from 198.51.100.7, then a login as anna",
    "Took srv-01 off the network",
    "An attack from 198.51.100.7 at 04:35 (as the provider calls it)",
    "Called the criminal police, reference 17",
    "Anzeige bei der Kriminalpolizei, Angriffe von 198.51.100.7",
    "The disaster recovery plan was read",
    "A kernel panic at 03:00",
    "A dummy account was removed",
    "/etc/shadow is owned by root",
    "We do not know whether anybody got in",
    "Wir sind nicht völlig sicher, ob es Anna war",
    "A total of 52 guesses; the hackathon is on Friday",
    "Schulden sind bezahlt; Frau Hacke ruft an",
    'Somebody tried the name "hacker" and the name "massive"',
    "The line says „gehackt“ and `attacker`",
    "It wasn't Anna's laptop",
]


@pytest.mark.parametrize(("text", "word"), REFUSED, ids=[text for text, _ in REFUSED])
def test_a_word_that_accuses_dramatizes_or_calms_is_found_and_something_better_is_said(text: str, word: str) -> None:
    found = language.objections(text)
    assert word in [one.word for one in found]
    assert all(one.instead for one in found)


@pytest.mark.parametrize("text", TAKEN)
def test_a_plain_sentence_is_taken(text: str) -> None:
    assert language.objections(text) == ()


AROUND = st.text(st.characters(categories=("Lu", "Ll", "Nd", "Zs")), max_size=20)


@given(st.sampled_from(REFUSED), AROUND, AROUND, st.integers(0, 3))
def test_what_stands_around_a_word_does_not_hide_it(case: tuple[str, str], before: str, after: str, form: int) -> None:
    text = (case[0], case[0].upper(), case[0].title(), case[0].replace(" ", "\u00a0\n "))[form]
    assert language.objections(f"{before}. {text}. {after}") != ()


@given(st.text(max_size=300))
def test_no_text_is_too_odd_to_be_looked_at(text: str) -> None:
    for one in language.objections(text):
        assert one.word.isprintable()


@pytest.mark.parametrize("hidden", ["hac\u200bked", "ｈａｃｋｅｄ", "HACKED", "ha\u00adcked"])
def test_a_word_is_the_same_in_other_letters(hidden: str) -> None:
    assert [one.word for one in language.objections(f"We were {hidden}")] == ["hacked"]


def test_a_title_is_refused_with_the_word_and_how_to_correct_it() -> None:
    with pytest.raises(UsageError) as refused:
        of(title="We were hacked")
    assert str(refused.value) == 'a brief accuses nobody and does not dramatize: "hacked" in the title (entry 1)'
    assert "auditkit incident note 2026-001 TEXT --corrects 1" in refused.value.hint
    assert "say what was seen" in refused.value.hint
    corrected = Said(Kind.CORRECTION, "Guesses at passwords", {"corrects": 1, "kind": "open"})
    assert of(title="We were hacked", notes=(corrected,)).title == "Guesses at passwords"


@pytest.mark.parametrize("kind", [Kind.OBSERVATION, Kind.ACTION, Kind.CONTACT, Kind.DECISION])
def test_a_note_is_refused_until_it_is_corrected(kind: Kind) -> None:
    bad = Said(kind, "Example GmbH is to blame, obviously")
    with pytest.raises(UsageError, match='"to blame" in entry 2; "obviously" in entry 2') as refused:
        of(notes=(bad,))
    assert "--corrects 2" in refused.value.hint
    again = Said(Kind.CORRECTION, "They are definitely to blame", {"corrects": 2, "kind": kind.value})
    with pytest.raises(UsageError, match="in entry 3") as refused:
        of(notes=(bad, again))
    assert "--corrects 2" in refused.value.hint
    of(notes=(bad, again, Said(Kind.CORRECTION, "Their mail server has the address", {"corrects": 2, "kind": kind.value})))


@pytest.mark.parametrize("option", ["recommend", "decide"])
def test_an_opinion_is_refused_as_well_and_so_is_a_long_one(option: str) -> None:
    accusing: dict[str, Any] = {option: "Report the hackers"}
    with pytest.raises(UsageError, match=f'"hackers" in --{option}'):
        of(**accusing)
    long: dict[str, Any] = {option: "word " * 100}
    with pytest.raises(UsageError, match=f"--{option} is longer than"):
        of(**long)


def test_what_a_machine_or_a_log_is_called_is_nobodys_choice_of_words() -> None:
    success = {
        "time": f"{NIGHT + timedelta(hours=1):%Y-%m-%dT%H:%M:%S}.000000000Z", "user": "hacker", "address": None, "port": 1,
        "method": "password", "fingerprint": None, "support": ["text"], "state": "bare", "ask": "high",
    }  # fmt: skip
    window = {"from": f"{NIGHT:%Y-%m-%dT%H:%M:%SZ}", "to": f"{NIGHT + timedelta(hours=3):%Y-%m-%dT%H:%M:%SZ}"}
    logins = {
        "access": "seen", "pattern": "not-enough-data", "coverage": "complete", "verdict": "", "window": window, "attempts": 0,
        "not_understood": 0, "sources": [], "successes": [success],
    }  # fmt: skip
    host: dict[str, Any] = {
        "host": "attacker-1", "status": "findings", "untrusted": None, "baseline": None, "counts": {}, "explained": [],
        "changes": [], "findings": [], "logins": logins, "facts": {}, "gaps": [], "notes": [],
    }  # fmt: skip
    made = of({"schema": "auditkit/report/1", "command": "logins", "finished": window["to"], "hosts": [host]})
    assert 'Login on attacker-1: "hacker"' in made.sections[1].statements[0].text
