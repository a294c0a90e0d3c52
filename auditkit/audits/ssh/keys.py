"""K. Which keys open which accounts: the lines of authorized_keys in every home, as sshd reads them.

Modes and owners on the way to a file are not looked at yet, so that a key which StrictModes refuses counts as one that may
work; whether its account may log in at all is not asked here either.
"""

import re
from binascii import a2b_base64
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from auditkit.keys import authorized, public, use
from auditkit.keys.authorized import Line
from auditkit.keys.public import DSA, RSA, Public
from auditkit.keys.published import PUBLISHED
from auditkit.keys.use import Effect, Server
from auditkit.model import Evidence, Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable

PASSWD = Need(Means.FILE, "/etc/passwd", "accounts, their uids and shells", secret=True, optional=False)
FIRST = Need(Means.FILE, "~/.ssh/authorized_keys", "which keys open which accounts")
SECOND = Need(Means.FILE, "~/.ssh/authorized_keys2", "which keys open which accounts, from the file that is easily forgotten")
PRIVATE = Need(Means.FILE, "~/.ssh/id_*", "which private keys lie here without a passphrase, as facts only", secret=True)
CONFIG = Need(Means.FILE, "/etc/ssh/sshd_config", "whether sshd takes keys from elsewhere")
DROP_INS = Need(Means.FILE, "/etc/ssh/sshd_config.d/*.conf", "whether sshd takes keys from elsewhere")

_FORM = "AUTHORIZED_KEYS FILE FORMAT in sshd(8)"
_TAKE_OUT = "cp -p FILE FILE.before; take the line out (undo: cp -p FILE.before FILE)."
KEY_PUBLISHED = Rule(
    "key-published",
    "A key lets in whose private half everybody has",
    Severity.CRITICAL,
    "The private key came with a product or a tool and can be downloaded: whoever has it is let in.",
    f"See who used it: grep the log for its fingerprint. {_TAKE_OUT}",
    (_FORM, "https://github.com/rapid7/ssh-badkeys"),
)
KEY_WEAK = Rule(
    "key-weak",
    "A key can be broken, or soon can",
    Severity.HIGH,
    "DSA has 1024 bits, and RSA below 2048 bits is within reach of who has the means: then a line of authorized_keys is all"
    " that an attacker needs. RSA below 3072 bits is not good for years to come.",
    "Have its owner make a new one, ssh-keygen -t ed25519, and log in with it before the old line is taken out.",
    (_FORM, "NIST SP 800-57 part 1"),
)
KEY_WITHOUT_EFFECT = Rule(
    "key-without-effect",
    "A line looks like a key that lets somebody in, and does not",
    Severity.MEDIUM,
    "Either somebody believes to have access, or to have limited it, and is wrong; or the line waits for the day when"
    " it works.",
    f"If it is not wanted: {_TAKE_OUT} If it is: mend what the message names, and test it with a second session.",
    (_FORM,),
)
KEY_IN_SECOND_FILE = Rule(
    "key-in-second-file",
    "A key stands in authorized_keys2",
    Severity.MEDIUM,
    "OpenSSH reads ~/.ssh/authorized_keys2 unless it is told not to, and who takes keys away seldom looks there.",
    "Find out whose it is; move what is wanted to authorized_keys and take the rest out. Set AuthorizedKeysFile"
    " .ssh/authorized_keys, so that the second file is not read any more (undo: take that line out).",
    ("sshd_config(5) AuthorizedKeysFile",),
)
KEY_FORWARDS = Rule(
    "key-forwards",
    "A key that is to run one command opens the network too",
    Severity.MEDIUM,
    'command="..." limits what runs, and nothing else: whoever has the key may still forward connections into the network'
    " (ssh -N -L), though no shell ever starts.",
    "Write restrict, before command= (undo: take that word out).",
    (_FORM,),
)
KEY_FROM_ANYWHERE = Rule(
    "root-key-from-anywhere",
    "A key of root lets in from any address, to do anything",
    Severity.LOW,
    "Whoever copies the key, from a laptop or a backup, is root from wherever he is.",
    'Write from="192.168.10.0/24" and the like before it, and keep a session open while you test (undo: take that word out).',
    (_FORM,),
)
KEY_SETS_ENVIRONMENT = Rule(
    "key-sets-environment",
    "A key sets variables of the login that it opens",
    Severity.MEDIUM,
    "Where sshd says PermitUserEnvironment yes, LD_PRELOAD or PATH of a line run foreign code, whatever command= says.",
    "Take environment= out of the line, and keep PermitUserEnvironment at no (undo: write it back).",
    ("sshd_config(5) PermitUserEnvironment", "CIS Debian 12 5.1.21"),
)
KEY_OF_AUTHORITY = Rule(
    "key-of-authority",
    "Whoever holds a key can make as many keys for this account as he likes",
    Severity.MEDIUM,
    "A cert-authority lets in every certificate it has signed for the name of the account, and with principals= for the names"
    " there: no line here says how many there are, and taking one back needs RevokedKeys.",
    'See who holds it; limit it with principals="..." to names that only this use has (undo: take that word out).',
    (_FORM, "CERTIFICATES in ssh-keygen(1)"),
)
KEY_WITHOUT_TOUCH = Rule(
    "key-without-touch",
    "A hardware key lets in without anybody touching it",
    Severity.LOW,
    "With no-touch-required, malware on the machine it is plugged into logs in whenever it likes.",
    "Take no-touch-required out (undo: write it back); automation gets a key of its own, with from= and command=.",
    (_FORM,),
)
PRIVATE_KEY_UNENCRYPTED = Rule(
    "private-key-unencrypted",
    "A private key lies on the disk without a passphrase",
    Severity.MEDIUM,
    "Whoever reads the file, as root, from a backup or a stolen disk, logs in wherever the key lets in.",
    "Give it a passphrase: ssh-keygen -p -f FILE (undo: the same with an empty one). A key of a job that runs by itself stays"
    ' as it is, and is limited where it lets in: restrict,command="...",from="..." before it.',
    ("ssh-keygen(1)",),
)
RULES = (
    KEY_PUBLISHED,
    KEY_WEAK,
    KEY_WITHOUT_EFFECT,
    KEY_IN_SECOND_FILE,
    KEY_FORWARDS,
    KEY_FROM_ANYWHERE,
    KEY_SETS_ENVIRONMENT,
    KEY_OF_AUTHORITY,
    KEY_WITHOUT_TOUCH,
    PRIVATE_KEY_UNENCRYPTED,
)  # fmt: skip
MOST_QUOTES = 10
MOST_OPTIONS = 200
_USUAL = frozenset(f"{start}.ssh/authorized_keys{end}" for start in ("", "%h/") for end in ("", "2"))
_ELSEWHERE = re.compile(
    r'[ \t]*"?(AuthorizedKeysFile|AuthorizedKeysCommand|TrustedUserCAKeys)"?(?:[ \t]+|[ \t]*=[ \t]*)([^\n]*)', re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Access:
    """A line of authorized_keys, whose home it is in, and what it does there."""

    account: str
    root: bool
    line: Line
    effect: Effect
    second: bool

    @property
    def quote(self) -> Quote:
        """The line as people compare it: its options, and the fingerprint in place of the key."""
        line = self.line
        options = ",".join(line.options.written)[:MOST_OPTIONS]
        words = (options, line.key.type, line.key.fingerprint, line.comment[:60])
        return Quote(line.file, line.number, " ".join(word for word in words if word))


@dataclass(frozen=True, slots=True)
class Private:
    """A private key, as the probe tells of it."""

    accounts: tuple[str, ...]
    file: str
    form: str
    encrypted: bool | None
    key: Public | None
    """Its public half, where the file has it in clear."""


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what is wrong with the keys that open accounts of a host."""
    if not evidence.of(PASSWD):
        yield Gap("keys", f"not judged, as {PASSWD.what} was not taken")
        return
    told = tuple(_read(evidence))
    yield from dict.fromkeys(one for one in told if isinstance(one, Gap))
    yield from _elsewhere(evidence)
    sorted_ = defaultdict[tuple[Rule, str, Severity, str, str], list[Access]](list)
    for access in (one for one in told if isinstance(one, Access)):
        for rule, message, severity in _wrong(access):
            sorted_[rule, message, severity, access.account, access.line.file].append(access)
    for (rule, message, severity, account, file), several in sorted_.items():
        count = "1 key" if len(several) == 1 else f"{len(several)} keys"
        quotes = tuple(access.quote for access in several[:MOST_QUOTES])
        yield Finding(rule, f"account {account}", f"{count} in {printable(file)}: {message}", severity, quotes)
    yield from _lying_open(evidence, [one for one in told if isinstance(one, Access)])


def _lying_open(evidence: Evidence, accesses: Iterable[Access]) -> Iterator[Finding | Gap]:
    """Yield the private keys without a passphrase, and what they open on this very host."""
    for private in _privates(evidence):
        if private.encrypted is None:
            yield Gap(private.file, "whether this private key has a passphrase cannot be told")
        if private.encrypted is not False:
            continue
        alive = (one for one in accesses if one.effect.effective is not False)
        opens = [one for one in alive if private.key and one.line.key.blob == private.key.blob]
        named = ", ".join(dict.fromkeys(printable(one.account) for one in opens))
        shown = f" {private.key.type} {private.key.fingerprint}" if private.key else ""
        message = f"{printable(private.file)}{shown} has no passphrase" + (f", and opens {named} on this host" if named else "")
        severity = Severity.HIGH if any(one.root for one in opens) else PRIVATE_KEY_UNENCRYPTED.severity
        yield Finding(PRIVATE_KEY_UNENCRYPTED, f"account {', '.join(private.accounts)}", message, severity)


def _privates(evidence: Evidence) -> Iterator[Private]:
    """Yield the private keys of each home; files of that name that hold none are passed over."""
    owners = _owners(evidence)
    for item in evidence.of(PRIVATE):
        form, encrypted, shown = [*item.data.decode("ascii", "replace").split(), "", "", ""][:3]
        if form in ("", "none"):
            continue
        home = "/" + item.source.rpartition("/.ssh/")[0].strip("/")
        names = tuple(name for name, _root in owners.get(home, [("?", False)]))
        yield Private(names, item.source, form, {"yes": True, "no": False}.get(encrypted), _public(shown))


def _public(shown: str) -> Public | None:
    try:
        return public.parse(a2b_base64(shown.encode("ascii")))
    except ValueError:
        return None


def facts(evidence: Evidence) -> Mapping[str, object]:
    """Every key that opens an account, or looks as if it did: `facts.ssh.keys` of the report."""
    found = (one for one in _read(evidence) if isinstance(one, Access))
    if not evidence.of(PASSWD):
        return {}
    privates = [_private_fact(private) for private in _privates(evidence)]
    return {"ssh": {"keys": [_fact(access) for access in found], "private_keys": privates}}


def _private_fact(private: Private) -> Mapping[str, object]:
    key = private.key
    return {
        "accounts": list(private.accounts),
        "file": private.file,
        "format": private.form,
        "encrypted": private.encrypted,
        "fingerprint": key.fingerprint if key else None,
        "type": key.type if key else None,
        "bits": key.bits if key else None,
    }


def _fact(access: Access) -> Mapping[str, object]:
    line = access.line
    return {
        "account": access.account,
        "fingerprint": line.key.fingerprint,
        "type": line.key.type,
        "bits": line.key.bits,
        "options": [option[:MOST_OPTIONS] for option in line.options.written[:MOST_QUOTES]],
        "effective": access.effect.effective,
        "reason": access.effect.reason,
        "comment": line.comment[:MOST_OPTIONS],
        "file": line.file,
        "line": line.number,
    }


def _read(evidence: Evidence) -> Iterator[Access | Gap]:
    """Yield each line of each file for each account whose home it is in, and what is no line."""
    owners = _owners(evidence)
    for need in (FIRST, SECOND):
        for item in evidence.of(need):
            home = "/" + item.source.removesuffix(need.what[1:]).strip("/")
            for told in authorized.parse(item.data, item.source):
                if isinstance(told, Gap):
                    yield told
                    continue
                effect = use.effect(told, Server(evidence.taken))
                for name, root in owners.get(home, [("?", False)]):
                    yield Access(name, root, told, effect, need is SECOND)


def _owners(evidence: Evidence) -> Mapping[str, list[tuple[str, bool]]]:
    """The accounts of each home, and whether each is root."""
    owners = defaultdict[str, list[tuple[str, bool]]](list)
    lines = [line for item in evidence.of(PASSWD) for line in item.data.decode("utf-8", "surrogateescape").split("\n")]
    for fields in (line.split(":") for line in lines):
        if len(fields) > 5 and fields[5].startswith("/"):
            owners["/" + fields[5].strip("/")].append((fields[0], fields[2].strip(" +-0") == ""))
    return owners


def _wrong(access: Access) -> Iterator[tuple[Rule, str, Severity]]:
    """Yield the rules that a line breaks."""
    line, key, options = access.line, access.line.key, access.line.options
    if access.effect.effective is False:
        expired = access.effect.reason.startswith("it expired")
        severity = Severity.INFO if expired else KEY_WITHOUT_EFFECT.severity
        yield KEY_WITHOUT_EFFECT, access.effect.reason, severity
        return
    if key.fingerprint in PUBLISHED:
        yield KEY_PUBLISHED, f"the private key of {PUBLISHED[key.fingerprint]} can be downloaded", KEY_PUBLISHED.severity
    yield from _weak(line)
    if access.second:
        yield KEY_IN_SECOND_FILE, "nobody looks there", KEY_IN_SECOND_FILE.severity
    if options.command is not None and options.forwards:
        yield KEY_FORWARDS, "command= without restrict", KEY_FORWARDS.severity
    if options.environment:
        yield KEY_SETS_ENVIRONMENT, _names(options.environment), KEY_SETS_ENVIRONMENT.severity
    if options.authority:
        names = "for any principal that is called like the account" if options.principals is None else "for its principals"
        severity = Severity.HIGH if access.root else KEY_OF_AUTHORITY.severity
        yield KEY_OF_AUTHORITY, f"certificates it has signed let in, {names}", severity
    elif access.root and options.origin is None and options.command is None:
        yield KEY_FROM_ANYWHERE, "neither from= nor command= limits it", KEY_FROM_ANYWHERE.severity
    if key.plain_type.startswith("sk-") and not options.touch_required:
        yield KEY_WITHOUT_TOUCH, "no-touch-required", KEY_WITHOUT_TOUCH.severity


def _weak(line: Line) -> Iterator[tuple[Rule, str, Severity]]:
    key = line.key
    if key.plain_type == DSA or (key.plain_type == RSA and key.bits < 3072):
        severity = KEY_WEAK.severity if key.plain_type == DSA or key.bits < 2048 else Severity.LOW
        yield KEY_WEAK, f"{key.plain_type} of {key.bits} bits", severity


def _names(environment: Iterable[str]) -> str:
    names = [printable(each.partition("=")[0][:40]) for each in environment]
    return "environment= sets " + ", ".join(names[:MOST_QUOTES])


def _elsewhere(evidence: Evidence) -> Iterator[Gap]:
    """Yield a gap for each line by which sshd may take keys from where nobody has looked."""
    for item in (*evidence.of(CONFIG), *evidence.of(DROP_INS)):
        for number, text in enumerate(item.data.decode("utf-8", "surrogateescape").split("\n"), 1):
            found = _ELSEWHERE.match(text)
            words = set(found[2].partition("#")[0].replace('"', " ").split()) if found else set()
            if found and words != {"none"} and not (found[1].lower() == "authorizedkeysfile" and words <= _USUAL):
                yield Gap(
                    f"{item.source}:{number}", f"keys that {found[1]} lets in are not looked at yet: {printable(found[2][:80])}"
                )


NEEDS = (PASSWD, FIRST, SECOND, PRIVATE, CONFIG, DROP_INS)
