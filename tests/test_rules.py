"""What every rule says: once for whoever decides, once for whoever administers, and what can be done."""

import re

from auditkit.commands.rules import all_rules

RULES = all_rules()
SENTENCE = re.compile(r".+?[.!?](?= |\Z)")


def sentences(why: str) -> list[str]:
    """The sentences of a text; a point within a path or a version ends none."""
    return SENTENCE.findall(why)


def test_every_rule_says_why_in_a_sentence_for_who_decides_and_one_for_who_administers() -> None:
    assert [rule.id for rule in RULES if len(sentences(rule.why)) < 2] == []


def test_no_sentence_is_too_long_to_be_read_once_and_none_is_broken_off() -> None:
    long = [rule.id for rule in RULES if any(len(sentence) > 300 for sentence in sentences(rule.why))]
    assert long == []
    assert [rule.id for rule in RULES if "".join(sentences(rule.why)) != rule.why] == []


def test_each_rule_stands_once_and_says_what_to_do() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert [rule.id for rule in RULES if not rule.remedy] == []
