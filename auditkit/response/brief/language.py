"""What a brief may not say: who is to blame, how terrible it is, and that all is well. English and German.

A brief is read by people who decide, and later by others: it says what was seen. What stands in quotes is somebody else's
word, as a name or a line of a log, and is not looked at.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.printable import printable

SEEN = "say what was seen, as in: 52 guesses at passwords, then a login"
FROM = "name the address that it came from; an address is no person"
NUMBER = "leave it out, or give the number that shows it"
OPEN = "say which logs were read, what they cover, and what is not known"
FACT = "say what was set how, and since when; who answers for it is another talk"


@dataclass(frozen=True, slots=True)
class Objection:
    """A word that a brief does not use."""

    word: str
    """As it was written."""
    instead: str
    """What to write in its place."""


_COUNTRY = (
    r"chin(?:a|as|ese|esen|esisch\w*)|russ(?:ia|ias|ian|ians|en|isch\w*|lands?)|iran(?:s|ian|ians|er|isch\w*)?|israelis?"
    r"|north[ -]?korean?s?|nordkorea\w*|ukrain\w+|americans?|amerikan\w+|german[sy]?|deutsche[nr]?|poles|polen|polnisch\w*"
)
_WHO = r"hack\w*|attack\w*|angreif\w*|angriff\w*|gang\w*|group\w*|gruppe\w*|spies|spione\w*|state|staat\w*|government|regierung"
_NO_ADDRESS = r"(?!\s+(?:the\s+address\s+|der\s+adresse\s+)?[\d(\[]|\s+[0-9a-f]*:)"
_WORDS: tuple[tuple[str, str], ...] = (
    # accusation
    (r"(?:un)?hack(?:ed|ers?|ing|s)?|hacker\w+|cyber-?(?:attack|crime|criminal|war|angriff|krieg)\w*", SEEN),
    (r"(?:ge)?hackt(?:e[mnrs]?)?|gehackte[mnrs]?|hackte[nt]?|\w*hackerangriff\w*|crackers?", SEEN),
    (r"attackers?|intruders?|burglars?|angreifer(?:n|s|in|innen)?|eindringlinge?n?|einbrecher[ns]?", FROM),
    (rf"(?:attack(?:s|ed|ing)?|intrusion|break-in)\s+(?:by|from){_NO_ADDRESS}\s+\S+", FROM),
    (rf"(?:angriffe?n?|angegriffen|einbruch|attacken?)\s+(?:durch|von|aus){_NO_ADDRESS}\s+\S+", FROM),
    (r"attack(?:ed|s)\s+(?:us|our)|(?:uns|unsere?n?)\s+angegriffen", FROM),
    (rf"(?:{_COUNTRY})\s+(?:{_WHO})|(?:the\s+|die\s+)(?:chinese|russians?|iranians?|chinesen|russen|iraner)", FROM),
    (r"(?:is|are|was|were)\s+behind\s+(?:it|this|that|the)|steck(?:t|en)\s+dahinter|steck(?:t|en)\s+hinter", FROM),
    (r"criminals?(?!\s+(?:police|investigation|complaint|code|law))|kriminelle?[mnrs]?|verbrechen\w*|verbrecher\w*", SEEN),
    (
        r"culprits?|perpetrators?|villains?|bad\s+(?:guys?|actors?)|threat\s+actors?|enem(?:y|ies)|täter(?:n|s|in)?|feinde?n?",
        FROM,
    ),
    (r"thie(?:f|ves)|stole|diebe?n?|spy|spies|espionage|spione?n?|spionage|sabotage\w*|terroris\w+|state-sponsored", SEEN),
    (r"malicious(?:ly)?|evil|hostile|bösartig\w*|böswillig\w*|feindlich\w*|vicious(?:ly)?|brazen(?:ly)?|dreist\w*", SEEN),
    # blame
    (r"to\s+blame|blam(?:e|ed|es|ing)|guilty|at\s+fault|\w+'s\s+fault|(?:my|your|his|her|our|their|whose)\s+fault", FACT),
    (r"schuld|schuldige?[mnrs]?|selbst\s+schuld|negligen(?:t|ce|tly)|fahrlässig\w*|careless(?:ly|ness)?|sloppy", FACT),
    (
        r"incompeten(?:t|ce)|inkompeten\w+|irresponsible|verantwortungslos\w*|unfähig\w*|idiots?|idioten|stupid|dumm(?:e[mnrs]?|heit\w*)?",
        FACT,
    ),
    # drama
    (
        r"catastroph(?:e|es|ic|ically)|disast(?:ers?(?!\s+recovery)|rous|rously)|devastat(?:ed|ing|ingly)|nightmares?|apocalyp\w+",
        NUMBER,
    ),
    (r"katastroph\w+|desaster\w*|verheerend\w*|al[bp]tr[aä]um\w*|schrecklich\w*|furchtbar\w*|entsetzlich\w*", NUMBER),
    (r"massive(?:ly)?|massiv(?:e[mnrs]?)?|dramatic(?:ally)?|dramatisch\w*|shocking(?:ly)?|schockierend\w*|brutal\w*", NUMBER),
    (r"alarming(?:ly)?|alarmierend\w*|terrify\w*|terribl[ey]|horribl[ey]|horrific|unprecedented|beispiellos\w*", NUMBER),
    (r"scandal\w*|skandal\w*|outrageous(?:ly)?|(?<!kernel\s)panic(?:ked|king)?|panik|war\s+zone|under\s+siege", NUMBER),
    (r"extremely|extrem(?:e[mnrs]?)?|incredibl[ey]|unglaublich\w*|huge(?:ly)?|totally|utterly|severely|desperately", NUMBER),
    (r"absolutely|obviously|clearly|undoubtedly|definitely|certainly|without\s+(?:a\s+)?doubt|no\s+doubt", NUMBER),
    (r"offensichtlich\w*|eindeutig\w*|zweifellos|zweifelsfrei\w*|definitiv\w*|ohne\s+(?:jeden\s+)?zweifel", NUMBER),
    # reassurance that no log can give, and its contrary
    (r"(?:not|never|nicht|nie)\s+(?:been\s+)?(?:compromised|breached|kompromittiert\w*)", OPEN),
    (r"(?:un)?compromised|kompromittiert\w*|breached|pwned", OPEN),
    (
        r"(?:100|hundred|99(?:[.,]9+)?)\s*(?:%|per\s?cent|prozent)(?:ig)?\s*(?:safe|secure|sure|certain|clean|sicher\w*|sauber)",
        OPEN,
    ),
    (
        r"hundertprozentig\w*|(?<!not\s)(?<!nicht\s)(?:completely|perfectly|fully|entirely|absolut|völlig)\s+(?:safe|secure|clean|sicher|sauber)",
        OPEN,
    ),
    (
        r"nothing\s+(?:happened|to\s+worry\s+about)|nichts\s+passiert|all\s+clear|all\s+is\s+well|alles\s+(?:sicher|gut|in\s+ordnung)",
        OPEN,
    ),
    (
        r"no\s+(?:damage|danger|risk|breach|harm)|kein(?:e|en|erlei)?\s+(?:schaden|gefahr|risiko)|guarantee\w*|garantiert\w*",
        OPEN,
    ),
    (r"(?:nobody|no\s+one|no-one)\s+(?:got|broke|came)\s+in|niemand\s+(?:ist|war|kam)\s+(?:ein\w*|drin)", OPEN),
)
_FINDS = tuple((re.compile(rf"(?<!\w)(?:{pattern})(?!\w)"), instead) for pattern, instead in _WORDS)
_QUOTED = re.compile(r"\"[^\"]{0,200}\"|“[^”]{0,200}”|„[^“”]{0,200}[“”]|«[^»]{0,200}»|`[^`]{0,200}`|(?<!\w)'[^']{0,200}'(?!\w)")


def objections(text: str) -> tuple[Objection, ...]:
    """The words of a text that a brief does not use, in their order."""
    plain = _QUOTED.sub(lambda found: " " * len(found.group()), _folded(text))
    found = sorted((match.start(), -len(match.group()), match.group(), instead) for match, instead in _matches(plain))
    return tuple(dict.fromkeys(Objection(printable(word), instead) for _, _, word, instead in found))


def _matches(plain: str) -> Iterator[tuple["re.Match[str]", str]]:
    for pattern, instead in _FINDS:
        for match in pattern.finditer(plain):
            yield match, instead


def _folded(text: str) -> str:
    """A text in small letters, without marks that cannot be seen, its blanks alike."""
    spelled = unicodedata.normalize("NFKC", text)
    seen = "".join(char for char in spelled if unicodedata.category(char) != "Cf")
    return " ".join(unicodedata.normalize("NFC", seen.lower()).split())
