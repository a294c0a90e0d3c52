"""The names of algorithms that sshd knows by version, those it offers by default, and how `+`, `-` and `^` change them.

Facts: myproposal.h of OpenSSH 8.4, 9.2, 10.0 and 10.3, `ssh -Q`, and `sshd -T` of Debian's 8.4, 9.2, 10.0 and 10.6; for
versions in between, the release notes.
"""

from collections.abc import Callable
from dataclasses import dataclass

from auditkit.sshd.lines import Refused, Version
from auditkit.sshd.patterns import listed
from auditkit.sshd.values import Value, Words

NO_DSA: Version = (10, 0)
Since = tuple[tuple[Version, str], ...]
"""A list of names by the version that it began with, the newest first."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of algorithm: what is offered, and what there is."""

    offered: Since
    known: str
    keys: bool = False
    """Whether patterns may stand for names."""
    plain: bool = False
    """Whether certificates are not among them, since 9.6."""


_CERT = "-cert-v01@openssh.com"
_SIGN = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com,"
_SIGN += "sk-ecdsa-sha2-nistp256@openssh.com"
_WEBAUTHN = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"
_RSA = "rsa-sha2-512,rsa-sha2-256"
_CURVES = "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ecdsa-sha2-nistp256@openssh.com"


def _certified(names: str) -> str:
    return ",".join(name.removesuffix("@openssh.com") + _CERT for name in names.split(","))


def _both(names: str, more: str = "") -> str:
    certified = ",".join(filter(None, (_certified(names), f"{more}-cert" if more else "")))
    return ",".join(filter(None, (certified, names, more)))


_OLD = f"{_CURVES},ssh-ed25519,sk-ssh-ed25519@openssh.com,{_RSA},ssh-rsa"
_KEYS: Since = (
    ((10, 6), _both(f"{_SIGN},{_WEBAUTHN},{_RSA}", "ssh-mldsa44-ed25519")),
    ((10, 3), _both(f"{_SIGN},{_WEBAUTHN},{_RSA}")),
    ((8, 8), _both(f"{_SIGN},{_RSA}")),
    ((8, 5), _both(f"{_SIGN},{_RSA},ssh-rsa")),
    ((0, 0), _both(_OLD)),
)
_CA: Since = (
    ((10, 3), f"{_SIGN},{_WEBAUTHN},{_RSA}"),
    ((8, 5), f"{_SIGN},{_RSA}"),
    ((0, 0), f"{_CURVES},ssh-ed25519,sk-ssh-ed25519@openssh.com,{_RSA}"),
)
_ALL_KEYS = (
    "ssh-ed25519,ssh-ed25519-cert-v01@openssh.com,sk-ssh-ed25519@openssh.com,sk-ssh-ed25519-cert-v01@openssh.com,"
    "ecdsa-sha2-nistp256,ecdsa-sha2-nistp256-cert-v01@openssh.com,ecdsa-sha2-nistp384,"
    "ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521,ecdsa-sha2-nistp521-cert-v01@openssh.com,"
    "sk-ecdsa-sha2-nistp256@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com,"
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com,ssh-dss,ssh-dss-cert-v01@openssh.com,ssh-rsa,ssh-rsa-cert-v01@openssh.com,"
    "rsa-sha2-256,rsa-sha2-256-cert-v01@openssh.com,rsa-sha2-512,rsa-sha2-512-cert-v01@openssh.com"
)
_ALL_CA = ",".join(name for name in _ALL_KEYS.split(",") if "-cert-" not in name)
_KEX = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521"
_GROUPS = "diffie-hellman-group-exchange-sha256,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,"
_GROUPS += "diffie-hellman-group14-sha256"
_SNTRUP = "sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com"
_CTR, _GCM = "aes128-ctr,aes192-ctr,aes256-ctr", "aes128-gcm@openssh.com,aes256-gcm@openssh.com"
_MACS = (
    "umac-64-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
    "hmac-sha1-etm@openssh.com,umac-64@openssh.com,umac-128@openssh.com,hmac-sha2-256,hmac-sha2-512,hmac-sha1"
)
CIPHERS = Family(
    (((10, 0), f"chacha20-poly1305@openssh.com,{_GCM},{_CTR}"), ((0, 0), f"chacha20-poly1305@openssh.com,{_CTR},{_GCM}")),
    f"3des-cbc,aes128-cbc,aes192-cbc,aes256-cbc,{_CTR},{_GCM},chacha20-poly1305@openssh.com",
)
MACS = Family(
    (((0, 0), _MACS),),
    "hmac-sha1,hmac-sha1-96,hmac-sha2-256,hmac-sha2-512,hmac-md5,hmac-md5-96,umac-64@openssh.com,umac-128@openssh.com,"
    "hmac-sha1-etm@openssh.com,hmac-sha1-96-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
    "hmac-md5-etm@openssh.com,hmac-md5-96-etm@openssh.com,umac-64-etm@openssh.com,umac-128-etm@openssh.com",
)
KEX = Family(
    (
        ((10, 0), f"mlkem768x25519-sha256,{_SNTRUP},{_KEX}"),
        ((9, 9), f"{_SNTRUP},mlkem768x25519-sha256,{_KEX},{_GROUPS}"),
        ((9, 0), f"{_SNTRUP},{_KEX},{_GROUPS}"),
        ((0, 0), f"{_KEX},{_GROUPS}"),
    ),
    "diffie-hellman-group1-sha1,diffie-hellman-group14-sha1,diffie-hellman-group14-sha256,diffie-hellman-group16-sha512,"
    "diffie-hellman-group18-sha512,diffie-hellman-group-exchange-sha1,diffie-hellman-group-exchange-sha256,"
    "ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,curve25519-sha256,curve25519-sha256@libssh.org,"
    "sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com",
)
KEYS = Family(_KEYS, _ALL_KEYS, keys=True)
AUTHORITIES = Family(_CA, _ALL_CA, keys=True, plain=True)
GSS = "gss-group14-sha256-,gss-group16-sha512-,gss-nistp256-sha256-,gss-curve25519-sha256-,gss-group14-sha1-,gss-gex-sha1-"
_ALL_GSS = {*GSS.split(","), "gss-group1-sha1-"}


def at(lists: Since, version: Version) -> str:
    """The list of a version."""
    return next(names for since, names in lists if version >= since)


def known(family: Family, version: Version) -> list[str]:
    """All names that sshd of a version knows."""
    newer = [name for since, names in family.offered if version >= since for name in names.split(",")]
    names = dict.fromkeys((*family.known.split(","), *newer))
    return [name for name in names if version < NO_DSA or not name.startswith("ssh-dss")]


def reader(family: Family) -> Callable[[Words], Value]:
    """A reader of a list of algorithms; the value is the whole list that it comes to."""

    def read(words: Words) -> Value:
        return (assembled(words.take(), family, words.version),)

    return read


def assembled(text: str, family: Family, version: Version) -> str:
    """The list that a value comes to: added to the default list, taken from it, put before it, or in its place.

    Where nothing would be left of it, sshd takes the default list again.

    Raises:
        Refused: a name that sshd does not know.
    """
    offered, sign = at(family.offered, version).split(","), text[0] if text[0] in "+-^" else ""
    asked = text[len(sign) :].split(",")
    if sign == "-":
        return ",".join([name for name in offered if listed(name, text[1:]) != 1] or offered)
    _check(asked, family, version)
    asked = asked[: asked.index("")] if "" in asked else asked
    order = [*offered, *asked] if sign == "+" else [*asked, *offered] if sign == "^" else asked
    everything = known(family, version)
    chosen = dict.fromkeys(name for pattern in order for name in everything if listed(name, pattern) == 1)
    if not chosen or any(pattern.startswith("!") for pattern in order):
        raise Refused("no algorithm left")
    return ",".join(chosen)


def gss(words: Words) -> Value:
    """A list of key exchanges of GSSAPI."""
    text = words.take()
    if set(text.split(",")) - _ALL_GSS:
        raise Refused("bad list of algorithms")
    return (text,)


def _check(asked: list[str], family: Family, version: Version) -> None:
    """Refuse the first name that is not known; where patterns may stand for names, one that matches none."""
    names = known(family, version)
    for pattern in asked:
        if not pattern:
            break
        hit = pattern in names or (family.keys and any(listed(name, pattern) for name in names))
        if not hit or (family.plain and version >= (9, 6) and "-cert-" in pattern):
            raise Refused(f"bad list of algorithms: {pattern[:80]}")
    if not asked[0]:
        raise Refused("bad list of algorithms")
