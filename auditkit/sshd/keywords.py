"""The keywords of sshd_config(5), each with its shape, its default and the versions that know it.

Facts: servconf.c of OpenSSH 8.4, 9.2, 10.0 and 10.3 with Debian's patches; `sshd -T` of Debian's 8.4, 9.2, 10.0 and 10.6.
A keyword that a version knows and that does nothing there is read by `ignored`.
"""

from dataclasses import dataclass
from enum import Enum

from auditkit.sshd import algorithms as algo
from auditkit.sshd import compounds as c
from auditkit.sshd import values as v
from auditkit.sshd.lines import Version, lowered

FOREVER: Version = (99, 0)


class Rule(Enum):
    """What a second line of the same keyword does."""

    FIRST = "the first line wins"
    LAST = "the last line wins"
    ADD = "the lines add up"
    NAMED = "the first line of each name wins"
    PARTS = "the first line wins, for each part of the value"


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword of sshd_config: what sshd does with it, and by default."""

    name: str
    read: v.Reader
    default: v.Value = ()
    """What holds where no line says anything, of the newest version; see DEFAULTS for older ones."""
    in_match: bool = True
    """Whether it may stand in a Match block."""
    rule: Rule = Rule.FIRST
    since: Version = (0, 0)
    until: Version = FOREVER
    """The first version that no longer knows it."""
    means: str = ""
    """The keyword that it is another name of."""

    @property
    def alone(self) -> bool:
        """Whether each value is a line of its own in the dump."""
        return self.rule in (Rule.ADD, Rule.NAMED) or self.name == "SetEnv"


def _k(name: str, read: v.Reader, default: str = "", where: str = "match", **more: Rule | Version | str) -> Keyword:
    return Keyword(name, read, tuple(default.split("|")) if default else (), where == "match", **more)  # type: ignore[arg-type]


G, FIRST, LAST, ADD = "global", Rule.FIRST, Rule.LAST, Rule.ADD
_TCP = v.choice("yes", "no", "remote", "local", all="yes")
_ROOT = v.choice("yes", "no", "prohibit-password", "forced-commands-only", without_password="prohibit-password")  # noqa: S106 - a word
_FACILITIES = v.choice("DAEMON", "USER", "AUTH", "AUTHPRIV", *(f"LOCAL{n}" for n in range(8)))
_LEVELS = v.choice("QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG1", "DEBUG2", "DEBUG3", silent="QUIET", debug="DEBUG1")
_PENALTIES = "crash:90 authfail:5 noauth:1 grace-exceeded:10 refuseconnection:10 max:600 min:15 max-sources4:65536 "
_PENALTIES += "max-sources6:65536 overflow:permissive overflow6:permissive"

KEYWORDS = (
    _k("AcceptEnv", v.environment, rule=ADD),
    _k("AddressFamily", v.choice("inet", "inet6", "any"), "any", G),
    _k("AgentSocketPath", v.word, "user:.ssh/agent", G, since=(10, 4)),
    _k("AllowAgentForwarding", v.flag, "yes"),
    _k("AllowGroups", v.some, rule=ADD),
    _k("AllowStreamLocalForwarding", _TCP, "yes"),
    _k("AllowTcpForwarding", _TCP, "yes"),
    _k("AllowUsers", c.users, rule=ADD),
    _k("AuthenticationMethods", c.methods, "any"),
    _k("AuthorizedKeysCommand", v.program, "none"),
    _k("AuthorizedKeysCommandUser", v.word, "none"),
    _k("AuthorizedKeysFile", v.paths_or_none, ".ssh/authorized_keys|.ssh/authorized_keys2"),
    _k("AuthorizedPrincipalsCommand", v.program, "none"),
    _k("AuthorizedPrincipalsCommandUser", v.word, "none"),
    _k("AuthorizedPrincipalsFile", v.home, "none"),
    _k("Banner", v.filename, "none"),
    _k("CASignatureAlgorithms", algo.reader(algo.AUTHORITIES)),
    _k("ChannelTimeout", c.timeouts, "none", since=(9, 2)),
    _k("ChrootDirectory", v.word, "none"),
    _k("Ciphers", algo.reader(algo.CIPHERS), "", G),
    _k("ClientAliveCountMax", v.integer, "3"),
    _k("ClientAliveInterval", v.duration, "0"),
    _k("Compression", v.choice("yes", "no", delayed="yes"), "yes", G),
    _k("DebianBanner", v.flag, "yes", G),
    _k("DenyGroups", v.some, rule=ADD),
    _k("DenyUsers", c.users, rule=ADD),
    _k("DisableForwarding", v.flag, "no"),
    _k("ExposeAuthInfo", v.flag, "no"),
    _k("FingerprintHash", v.choice("MD5", "SHA1", "SHA256", "SHA384", "SHA512"), "SHA256", G, rule=LAST),
    _k("ForceCommand", v.command, "none"),
    _k("GatewayPorts", v.choice("yes", "no", "clientspecified"), "no"),
    _k("GSSAPIAuthentication", v.flag, "no"),
    _k("GSSAPICleanupCredentials", v.flag, "yes", G),
    _k("GSSAPIDelegateCredentials", v.flag, "yes", G, since=(10, 3)),
    _k("GSSAPIKexAlgorithms", algo.gss, algo.GSS, G),
    _k("GSSAPIKeyExchange", v.flag, "no", G),
    _k("GSSAPIStoreCredentialsOnRekey", v.flag, "no", G),
    _k("GSSAPIStrictAcceptorCheck", v.flag, "yes", G),
    _k("HostbasedAcceptedAlgorithms", algo.reader(algo.KEYS), since=(8, 5)),
    _k("HostbasedAuthentication", v.flag, "no"),
    _k("HostbasedUsesNameFromPacketOnly", v.flag, "no"),
    _k("HostCertificate", v.filename, "", G, rule=ADD),
    _k("HostKey", v.filename, "", G, rule=ADD),
    _k("HostKeyAgent", v.agent, "none", G),
    _k("HostKeyAlgorithms", algo.reader(algo.KEYS), "", G),
    _k("IgnoreRhosts", v.choice("yes", "no", "shosts-only"), "yes"),
    _k("IgnoreUserKnownHosts", v.flag, "no", G),
    _k("IPQoS", c.quality, "", rule=LAST),
    _k("KbdInteractiveAuthentication", v.flag, "no", until=(8, 7)),
    _k("KbdInteractiveAuthentication", v.flag, "yes", since=(8, 7)),
    _k("KerberosAuthentication", v.flag, "no"),
    _k("KerberosOrLocalPasswd", v.flag, "yes", G),
    _k("KerberosTicketCleanup", v.flag, "yes", G),
    _k("KexAlgorithms", algo.reader(algo.KEX), "", G),
    _k("ListenAddress", c.listen, "", G, rule=ADD),
    _k("LoginGraceTime", v.duration, "120", G),
    _k("LogLevel", _LEVELS, "INFO"),
    _k("LogVerbose", c.verbose, "", since=(8, 5)),
    _k("MACs", algo.reader(algo.MACS), "", G),
    _k("MaxAuthTries", v.integer, "6"),
    _k("MaxSessions", v.integer, "10"),
    _k("MaxStartups", c.startups, "10|30|100", G, rule=LAST),
    _k("ModuliFile", v.filename, "/etc/ssh/moduli", G, since=(8, 5)),
    _k("PAMServiceName", v.word, "sshd", since=(9, 8)),
    _k("PasswordAuthentication", v.flag, "yes"),
    _k("PermitEmptyPasswords", v.flag, "no"),
    _k("PermitListen", c.listening, "any"),
    _k("PermitOpen", c.permitted, "any"),
    _k("PermitRootLogin", _ROOT, "prohibit-password"),
    _k("PermitTTY", v.flag, "yes"),
    _k("PermitTunnel", v.choice("no", "yes", "point-to-point", "ethernet", exact=True), "no"),
    _k("PermitUserEnvironment", v.word, "no", G),
    _k("PermitUserRC", v.flag, "yes"),
    _k("PerSourceMaxStartups", c.limit, "none", G, since=(8, 5)),
    _k("PerSourceNetBlockSize", c.block_size, "32|128", G, rule=LAST, since=(8, 5)),
    _k("PerSourcePenalties", c.penalties, "", G, rule=Rule.PARTS, since=(9, 8)),
    _k("PerSourcePenaltyExemptList", v.networks, "none", G, since=(9, 8)),
    _k("PidFile", v.filename, "/run/sshd.pid", G),
    _k("Port", c.port, "22", G, rule=ADD),
    _k("PrintLastLog", v.flag, "yes", G),
    _k("PrintMotd", v.flag, "yes", G),
    _k("PubkeyAcceptedAlgorithms", algo.reader(algo.KEYS), since=(8, 5)),
    _k("PubkeyAuthentication", v.flag, "yes"),
    _k("PubkeyAuthOptions", v.key_options, "none"),
    _k("RDomain", v.unsupported),
    _k("RefuseConnection", v.flag, "no", since=(9, 9)),
    _k("RekeyLimit", c.rekey, "size:0|time:0", rule=Rule.PARTS),
    _k("RequiredRSASize", v.integer, "1024", since=(9, 1)),
    _k("RevokedKeys", v.filename, "none", until=(10, 3)),
    _k("RevokedKeys", v.revoked, "none", since=(10, 3)),
    _k("SecurityKeyProvider", v.internal, "internal", G),
    _k("SetEnv", v.assignments),
    _k("SshdAuthPath", v.filename, "/usr/lib/openssh/sshd-auth", G, since=(10, 0)),
    _k("SshdSessionPath", v.filename, "/usr/lib/openssh/sshd-session", G, since=(9, 8)),
    _k("StreamLocalBindMask", c.mask, "0177", rule=LAST),
    _k("StreamLocalBindUnlink", v.flag, "no"),
    _k("StrictModes", v.flag, "yes", G),
    _k("Subsystem", c.subsystem, "", G, rule=Rule.NAMED, until=(9, 5)),
    _k("Subsystem", c.subsystem, "", rule=Rule.NAMED, since=(9, 5)),
    _k("SyslogFacility", _FACILITIES, "AUTH", G),
    _k("TCPKeepAlive", v.flag, "yes", G),
    _k("TrustedUserCAKeys", v.filename, "none"),
    _k("UnusedConnectionTimeout", v.unused, "none", since=(9, 2)),
    _k("UseDNS", v.flag, "no", G),
    _k("UsePAM", v.flag, "no", G),
    _k("VersionAddendum", v.addendum, "none", G),
    _k("WarnWeakCrypto", v.flag, "yes", since=(10, 4)),
    _k("X11DisplayOffset", v.integer, "10"),
    _k("X11Forwarding", v.flag, "no"),
    _k("X11UseLocalhost", v.flag, "yes"),
    _k("XAuthLocation", v.filename, "/usr/bin/xauth", G),
    # other names
    _k("ChallengeResponseAuthentication", v.flag, "yes", G, until=(8, 7)),
    _k("ChallengeResponseAuthentication", v.flag, since=(8, 7), means="KbdInteractiveAuthentication"),
    _k("SkeyAuthentication", v.flag, since=(8, 7), means="KbdInteractiveAuthentication"),
    _k("SkeyAuthentication", v.ignored, "", G, until=(8, 7)),
    _k("DSAAuthentication", v.flag, "", G, means="PubkeyAuthentication"),
    _k("GSSAPICleanupCreds", v.flag, "", G, means="GSSAPICleanupCredentials"),
    _k("HostbasedAcceptedKeyTypes", algo.reader(algo.KEYS), until=(8, 5)),
    _k("HostbasedAcceptedKeyTypes", algo.reader(algo.KEYS), since=(8, 5), means="HostbasedAcceptedAlgorithms"),
    _k("HostDSAKey", v.filename, "", G, rule=ADD, means="HostKey"),
    _k("KeepAlive", v.flag, "", G, means="TCPKeepAlive"),
    _k("PubkeyAcceptedKeyTypes", algo.reader(algo.KEYS), until=(8, 5)),
    _k("PubkeyAcceptedKeyTypes", algo.reader(algo.KEYS), since=(8, 5), means="PubkeyAcceptedAlgorithms"),
    # known, and without effect
    *(_k(name, v.ignored, "", "match") for name in ("AuthorizedKeysFile2", "RhostsRSAAuthentication", "RSAAuthentication")),
    *(
        _k(name, v.ignored, "", G)
        for name in (
            "AFSTokenPassing", "CheckMail", "GSSAPIUseSessionCredCache", "GSSUseSessionCCache", "KerberosGetAFSToken",
            "KerberosTgtPassing", "KeyRegenerationInterval", "PAMAuthenticationViaKbdInt", "PermitBlacklistedKeys", "Protocol",
            "ReverseMappingCheck", "RhostsAuthentication", "ServerKeyBits", "UseLogin", "UsePrivilegeSeparation",
            "VerifyReverseMapping",
        )
    ),
)  # fmt: skip

DEFAULTS: dict[str, algo.Since] = {
    "CASignatureAlgorithms": algo.AUTHORITIES.offered,
    "Ciphers": algo.CIPHERS.offered,
    "HostKey": (
        ((10, 6), "rsa ecdsa ed25519 mldsa44_ed25519"),
        ((0, 0), "rsa ecdsa ed25519"),
    ),
    "HostKeyAlgorithms": algo.KEYS.offered,
    "HostbasedAcceptedAlgorithms": algo.KEYS.offered,
    "HostbasedAcceptedKeyTypes": algo.KEYS.offered,
    "IPQoS": (((10, 1), "ef cs0"), ((10, 0), "ef cs1"), ((0, 0), "lowdelay throughput")),
    "KexAlgorithms": algo.KEX.offered,
    "MACs": algo.MACS.offered,
    "PubkeyAcceptedAlgorithms": algo.KEYS.offered,
    "PubkeyAcceptedKeyTypes": algo.KEYS.offered,
    "PerSourcePenalties": (((10, 3), _PENALTIES.replace("noauth:1", "noauth:1 invaliduser:5")), ((0, 0), _PENALTIES)),
}
"""What differs by version, as Debian builds it: upstream's IPQoS is `af21 cs1` until 9.9."""


def of(version: Version) -> dict[str, Keyword]:
    """The keywords that sshd of a version knows, by their names in lower case."""
    return {lowered(k.name): k for k in KEYWORDS if k.since <= version < k.until}


def default(keyword: Keyword, version: Version) -> v.Value:
    """The value that holds where no line says anything."""
    lists = DEFAULTS.get(keyword.name)
    if lists is None:
        return keyword.default
    found = algo.at(lists, version)
    if keyword.name == "HostKey":
        return tuple(f"/etc/ssh/ssh_host_{kind}_key" for kind in found.split())
    return tuple(found.split()) if keyword.name == "PerSourcePenalties" else (found,)
