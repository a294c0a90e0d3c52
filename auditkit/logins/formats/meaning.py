"""What lines of a text log mean that differ in nothing but stamp, pid, address and port: understood once for all of them.

Of a line of sshd the address and the port are cut out, and a name of one plain word, for whoever guesses has many. What is left
is understood by trying it, with two addresses and ports, and two names: if what is said differs in just these, it is what all
such lines say.
"""

import re
from enum import Enum, auto
from functools import lru_cache

from auditkit.logins.grammar import said_by_any, sshd
from auditkit.logins.grammar.wrapped import unwrapped
from auditkit.logins.nouns import PAM, PROBES, Said, What
from auditkit.logins.tally import TALLIED

SSHD = ("sshd", "sshd-session", "sshd-auth")
"""Names by which sshd writes."""
KNOWN = 4096
"""Meanings that are remembered."""
WORTH = 200
"""Characters up to which a message is remembered."""
LONGEST = sshd.MAY_END - 64
"""Characters of a message without address and port that has not lost its end."""
TRIED = ("192.0.2.1", 1), ("2001:db8::1", 65535)
"""Addresses and ports with which is tried what a message says that has others."""
TRIED_NAMES = ("zqx", "Qz-7_j")
NAMED = re.compile(r"(.* )(?!from )([A-Za-z][A-Za-z0-9_-]{0,31})( (?:from )?)").fullmatch
"""What stands before the address, with a name as its last word, or as the last but `from`."""
NOISE, UNKNOWN, FAILED = What.NOISE, What.UNKNOWN, What.FAILED
CUT = re.compile(
    r"(?:([A-Zefm].* |(?:pam_|PAM ).*rhost=(?P<pam>))([0-9a-f.:]{2,45}+)(?(pam)(?! port )| port ([1-9][0-9]{0,4})))?(.*)",
    re.DOTALL,
).fullmatch
"""What sshd says, with address and port cut out of it; PAM tells no port."""
Key = tuple[str, str]
"""What stands before the address and behind the port in a message; nothing, and all of it, where none is cut out."""


class How(Enum):
    """What is done with a line that says something."""

    COUNTED = auto()
    """It is counted by its address."""
    PASSED = auto()
    """It is noise."""
    OTHER = auto()
    """Its program tells nothing of logins."""
    ALONE = auto()
    """It is read by itself."""


COUNTED, PASSED, OTHER, ALONE = How.COUNTED, How.PASSED, How.OTHER, How.ALONE


class Meaning:
    """What lines say that have a key; two of them may say the same."""

    __slots__ = ("asks", "counted", "guesses", "how", "told", "user")

    def __init__(self, how: How, told: Said | None = None, user: str | None = None) -> None:
        self.how, self.told, self.user = how, told, user
        """What they say, with address and port of others, and the user; None where each is to be looked at."""
        self.counted = how is COUNTED
        self.asks = self.counted and told is not None and told.method == PAM
        """Whether they are lines of PAM, which tell no port, and no user that there is not."""
        is_guess = told is not None and told.what is FAILED and not self.asks and told.method not in PROBES
        self.guesses = told.times if told is not None and is_guess else 0
        """Guesses at a secret, as sshd counts them, that one such line is."""

    def named(self, user: str) -> "Meaning":
        """The same of another user."""
        made = Meaning.__new__(Meaning)
        made.how, made.told, made.user, made.guesses = self.how, self.told, user, self.guesses
        made.counted, made.asks = self.counted, self.asks
        return made

    def said(self, address: str | None, port: int | None) -> Said | None:
        """What a line says that has this address and port."""
        return self.told._replace(user=self.user, address=address, port=port) if self.told else None


remembered = lru_cache(2048)(said_by_any)


def told_of(program: str, message: str) -> Said | None:
    """What a message says, remembered; without what the log daemon put around it, and how often it came."""
    return unwrapped(program, message, remembered)


def words_of(key: Key, address: str, port: object) -> str:
    """What was said in a line of a key that has this address and port; a key of PAM has none."""
    before, behind = key
    if not before:
        return behind
    return f"{before}{address} port {port}{behind}" if before.endswith(" ") else f"{before}{address}{behind}"


def understood(program: str, key: Key) -> Meaning:
    """What the lines of a key say."""
    before, behind = key
    if not before:
        told = told_of(program, behind)
        how = OTHER if told is None else PASSED if told.what is NOISE else ALONE
        return Meaning(how, told if told and told.what is not UNKNOWN else None, told.user if told else None)
    if program not in SSHD or len(before) + len(behind) > LONGEST or not (before + behind).isascii():
        return Meaning(ALONE)
    named = NAMED(before)
    if named is not None and named[2].lower() not in own_words():
        of_all = _of_names(program, named[1], named[3], behind)
        if of_all is not None:
            return of_all.named(named[2])
    return _meant(_tried(program, key))


def _meant(told: Said | None) -> Meaning:
    """What is done with lines that say this of an address."""
    if told is None or told.what is UNKNOWN:
        return Meaning(ALONE)
    by_pam = told.what is FAILED and told.method == PAM
    counted = told.what in TALLIED and (told.port is not None or by_pam)
    return Meaning(COUNTED if counted else PASSED if told.what is NOISE else ALONE, told, told.user)


@lru_cache(1024)
def _of_names(program: str, before: str, between: str, behind: str) -> Meaning | None:
    """What the lines of keys say that differ in a name, if two names in its place are just what differs."""
    one, other = (_tried(program, (f"{before}{name}{between}", behind)) for name in TRIED_NAMES)
    if not one or not other or (one.user, other.user) != TRIED_NAMES:
        return None
    return _meant(one) if one._replace(user=None) == other._replace(user=None) else None


def _tried(program: str, key: Key) -> Said | None:
    """What a key says, if two addresses and ports in their place are just what differs."""
    one, other = (unwrapped(program, words_of(key, *tried), said_by_any) for tried in TRIED)
    if not one or not other:
        return None
    expected = TRIED if key[0].endswith(" ") else tuple((address, None) for address, _port in TRIED)
    if (one[2:4], other[2:4]) != expected:
        return None
    return one if (one[:2], one[4:]) == (other[:2], other[4:]) else None  # all but address and port


@lru_cache(1)
def own_words() -> frozenset[str]:
    """Words of sshd's and PAM's own: whoever has one for a name is understood by himself."""
    patterns = (form.start + form.rest for form in sshd.FORMS)
    return frozenset(word.lower() for text in patterns for word in re.findall(r"[A-Za-z]+", text))


class Meanings(dict[Key, Meaning]):
    """Each key of a program to what its lines say: it is understood when it is asked for."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def __missing__(self, key: Key) -> Meaning:
        meaning = understood(self._program, key)
        if len(key[1]) <= WORTH and (key[0] or meaning.how is not ALONE or not key[1]):  # others hardly ever come again
            if len(self) >= KNOWN:
                self.clear()
            self[key] = meaning
        return meaning
