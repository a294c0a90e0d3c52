"""Hashes of passwords, told by their look (crypt(5)), and secrets by what they are called: taken out of any text."""

import re

from .hints import Any

HIDDEN = b"<hash>"
"""What stands for a hash."""
HIDDEN_KEY = b"<private key>"
"""What stands for the lines of a private key; their number stays."""
HIDDEN_SECRET = b"<secret>"
"""What stands for a word that opens something: a community of snmpd.conf(5), a password in a command, a token."""
CRYPT_ID = re.compile(rb"\$([0-9A-Za-z]{1,16})[$,]")
_DES = re.compile(rb"[./0-9A-Za-z]{13,178}(,.*)?\Z|_[./0-9A-Za-z]{19}\Z", re.DOTALL)
# crypt(5) of libxcrypt 4.4 and passlib's list
_KNOWN_IDS = frozenset(b"1 2 2a 2b 2x 2y 3 5 6 7 gy md5 sha1 sm3 y".split())


def scheme(bare: bytes) -> bytes:
    """`$6$` and the like, `des`, `$?$` for an id that is not known, nothing where it is no hash."""
    found = CRYPT_ID.match(bare)
    if found:
        return b"$%s$" % found.group(1) if found.group(1) in _KNOWN_IDS else b"$?$"
    return b"des" if _DES.match(bare) else b""


class _Lazy:
    """A pattern that is compiled when a text wants it: on most hosts none does, and each takes a while."""

    def __init__(self, pattern: bytes, flags: int = 0) -> None:
        self.pattern, self.flags = pattern, flags
        self.compiled = None  # type: Any

    def sub(self, put: Any, data: bytes) -> bytes:
        """As re.Pattern.sub."""
        if self.compiled is None:
            self.compiled = re.compile(self.pattern, self.flags)
        return bytes(self.compiled.sub(put, data))


_HASH = _Lazy(
    rb"\$(?:1|2[abxy]?|3|5|6|7|gy|md5|sha1|sm3|y|apr1|scrypt|argon2[a-z]{0,2}|pbkdf2[-a-z0-9]{0,16})[$,]"
    rb"(?:[./0-9A-Za-z=,+-]{0,64}\$){0,5}[./0-9A-Za-z+=]{22,512}"
    rb"|\bgrub\.pbkdf2\.[a-z0-9]{1,16}\.[0-9]{1,10}\.[0-9A-Fa-f.]{32,512}"
)
_DES_IN_TABLE = re.compile(rb"^([^:\s]{1,64}:[!*]{0,2})[./0-9A-Za-z]{13}(?=:[0-9]{0,10}:[0-9]{0,10}:)", re.MULTILINE)
# a line of its own: sshd and PAM refuse that, so nobody hides a line that counts behind it
_KEY = _Lazy(
    rb"^([ \t]*-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY-----[ \t\r]*\n)"
    rb"((?:(?:[ \t]*[A-Za-z0-9+/=]{0,80}|Proc-Type: [^\n]{0,80}|DEK-Info: [^\n]{0,80})[ \t\r]*(?:\n|\Z))+)",
    re.MULTILINE,
)
_COMMUNITY = _Lazy(
    rb"^([ \t]*(?:r[ow]community6?|trapcommunity)[ \t]+"
    rb"|[ \t]*com2sec(?:6|unix)?[ \t]+(?:-Cn[ \t]+\S{1,64}[ \t]+)?\S{1,256}[ \t]+\S{1,256}[ \t]+"
    rb"|[ \t]*(?:trap2?sink|informsink)[ \t]+\S{1,256}[ \t]+)(?!(?:public|private)(?!\S))(\"[^\"\n]*\"?|\S+)",
    re.MULTILINE | re.IGNORECASE,
)
"""A community of SNMP, which is a password, but for the two that everybody knows: snmpd.conf(5)."""
_USER = _Lazy(rb"^([ \t]*(?:createUser|usmUser)[ \t]+)([^\n]+)", re.MULTILINE | re.IGNORECASE)
_SNMP = (b"community", b"com2sec", b"sink", b"createuser", b"usmuser")
"""What stands in lower case in every text that has one of these."""
_LONGEST_SNMP = 1 << 20
"""No snmpd.conf is longer."""
CALLED = (
    rb"passw|passphrase|pass\b|pwd|secret|token|credential|psk|authtok(?!_)|bindpw"
    rb"|(?:api|access|private|auth|shared|encryption)[_-]?key"
)
"""What variables, settings and options that hold a secret have in their names: the one list, for whoever leaves such out.

Not among them are words that a judge reads, as new_authtok_reqd=done of pam.d(5)."""
_CALLED = rb"(?:" + CALLED + rb")[\w.-]{0,64}"
_SECRET = _Lazy(
    rb"(" + _CALLED + rb"=[\"']?|[\"'][\w.-]{0,64}?" + _CALLED + rb"[\"'][ \t]{0,8}:[ \t]{0,8}[\"']"
    rb"|--" + _CALLED + rb"[ \t]{1,8}[\"']?|://[^/\s:@]{1,64}:(?=[^/\s@]{1,256}@)"
    rb"|\s(?:-u|--user)[ =][\"']?[^\s:\"']{1,64}:|\b(?:Bearer|Basic)[ \t]{1,8}(?=[\w.~+/=-]{16}))"
    # no path, no variable, no switch, no number of tries, and no word that a setting may have
    rb"(?!(?:yes|no|on|off|true|false|none|null|prohibit-password|without-password|forced-commands-only|[0-9]{1,3})(?![\w-])"
    rb"|[/$~%<`(|&;-])[^\s\"'`;&|@,]+",
    re.IGNORECASE,
)
_KNOWN_TOKEN = _Lazy(
    rb"\b(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_\w{40,255}|glpat-[\w-]{18,64}|xox[abprs]-[\w-]{10,255}|AKIA[0-9A-Z]{16}\b"
    rb"|eyJ[\w-]{10,2048}\.eyJ[\w-]{10,4096}\.[\w-]{10,1024})"
)
_SOUNDS_SECRET = (
    *(b"pass", b"pwd", b"psk", b"authtok", b"bindpw"),
    *(b"secret", b"token", b"credential", b"://", b" -u", b"\t-u", b" --user", b"\t--user"),
    *(b"bearer ", b"bearer\t", b"basic ", b"basic\t", b"_key", b"-key", b"ikey", b"skey", b"ekey", b"hkey", b"dkey", b"nkey"),
    *(b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_", b"glpat-", b"xox", b"akia", b"eyj"),
)
"""What stands in lower case in every line that _SECRET or _KNOWN_TOKEN matches."""
_LONGEST_TEXT = 1 << 20
"""Bytes of a text that is looked through for secrets by name; those that are longer are databases and logs."""
_OF_PACKAGES = (b"/usr/", b"/lib/", b"/lib32/", b"/lib64/", b"/libx32/", b"/bin/", b"/sbin/", b"/boot/", b"/var/lib/dpkg/")
_COMPLAINT = _Lazy(
    rb"^([^\n]*? line [0-9]{1,9}: |debug[0-9]: [^\n]*?:[0-9]{1,9} setting (?=\S{33}|[^ \n]*[^A-Za-z0-9 \n]))([^\n]*)",
    re.MULTILINE,
)
_ODD = _Lazy(rb"(?<![^\s\"'])(?![/<])(?:[^\s\"']{33,}|(?=[^\s\"':]*:)(?=[^\s\"':]*:[^\s\"']*:)[^\s\"']+)")


def of_a_package(path: bytes) -> bool:
    """Whether a file lies where packages put what is held against their digests, so that not a word of it may change."""
    return path.startswith(_OF_PACKAGES) and not path.startswith(b"/usr/local/")


def scrubbed(data: bytes, named: bool = True) -> bytes:
    """A text without what looks like the hash of a password, a secret by its name (`named`), a community of SNMP, or the body
    of a private key; its lines keep their numbers.

    old:$6$salt$...:20228   ->   old:<hash>:20228
    """
    if b"$" in data or b"pbkdf2" in data:
        data = _HASH.sub(HIDDEN, data)
    if b"PRIVATE KEY-----" in data:
        data = _KEY.sub(_hidden_key, data)
    if len(data) <= _LONGEST_SNMP and any(map(data.lower().__contains__, _SNMP)):
        data = _USER.sub(rb"\1" + HIDDEN_SECRET, _COMMUNITY.sub(rb"\1" + HIDDEN_SECRET, data))
    if named and len(data) <= _LONGEST_TEXT:
        data = _without_named(data)
    return _DES_IN_TABLE.sub(rb"\1" + HIDDEN, data) if b":" in data else data


def _without_named(data: bytes) -> bytes:
    """A text without secrets that their names give away, or their own look; only lines with such a name are gone through."""
    lower, pieces, at = data.lower(), [], 0
    begins = set()  # type: set[int]
    for word in _SOUNDS_SECRET:
        found = lower.find(word)
        while found >= 0:
            begins.add(lower.rfind(b"\n", 0, found) + 1)
            end = lower.find(b"\n", found)
            found = lower.find(word, end) if end >= 0 else -1
    for begin in sorted(begins):
        end = data.find(b"\n", begin)
        end = len(data) if end < 0 else end
        pieces += [data[at:begin], _KNOWN_TOKEN.sub(HIDDEN_SECRET, _SECRET.sub(rb"\1" + HIDDEN_SECRET, data[begin:end]))]
        at = end
    return b"".join(pieces) + data[at:] if pieces else data


def _hidden_key(found: "re.Match[bytes]") -> bytes:
    return found.group(1) + (HIDDEN_KEY + b"\n") * found.group(2).count(b"\n")


def complaints_scrubbed(data: bytes) -> bytes:
    """What a program complains of, without hashes, and without words of lines that no configuration has.

    One that is given a table of passwords or a private key as its configuration says every line of it: `/etc/ssh/x line 3:
    no argument after keyword "b3BlbnNza..."`.
    """
    data = scrubbed(data)
    return _COMPLAINT.sub(_plain_words, data) if b" line " in data or b" setting " in data else data


def _plain_words(found: "re.Match[bytes]") -> bytes:
    if found.group(1).startswith(b"debug"):
        return found.group(1) + b"<other>"
    return found.group(1) + _ODD.sub(b"<other>", found.group(2))
