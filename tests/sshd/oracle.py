# ruff: noqa: E501 - tables of values
"""What sshd itself says of a configuration, and configurations made up at random to ask it and us about."""

import grp
import os
import pwd
import random
import re
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from auditkit.sshd.criteria import Connection
from auditkit.sshd.effective import Effective, read
from auditkit.sshd.keywords import KEYWORDS
from auditkit.sshd.lines import Version

USERS = ("root", "daemon", "www-data", "nobody", "mail", "nosuch", "Root")
HOSTS = ("a.example.org", "b.example.org", "10.1.2.3", "UPPER.example.org")
ADDRESSES = ("10.1.2.3", "10.200.0.1", "192.0.2.7", "2001:db8::5", "fe80::1", "127.0.0.1")
LOCALS = ("192.0.2.1", "10.0.0.1", "2001:db8::1")
PORTS = (22, 2222)
ALONE = {k.name.lower() for k in KEYWORDS if k.alone}
SAME = {"SILENT": "QUIET", "DEBUG": "DEBUG1", "without-password": "prohibit-password", "true": "yes", "false": "no"}

FLAGS = [
    "PasswordAuthentication",
    "KbdInteractiveAuthentication",
    "ChallengeResponseAuthentication",
    "PubkeyAuthentication",
    "UsePAM",
    "X11Forwarding",
    "PermitEmptyPasswords",
    "PermitTTY",
    "PermitUserRC",
    "AllowAgentForwarding",
    "DisableForwarding",
    "HostbasedAuthentication",
    "StrictModes",
    "GSSAPIAuthentication",
    "KerberosAuthentication",
    "PrintMotd",
    "PrintLastLog",
    "TCPKeepAlive",
    "KeepAlive",
    "UseDNS",
    "ExposeAuthInfo",
    "StreamLocalBindUnlink",
    "SkeyAuthentication",
    "X11UseLocalhost",
    "IgnoreUserKnownHosts",
    "DSAAuthentication",
    "GSSAPICleanupCreds",
]
VALUES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(FLAGS, ("yes", "no", "YES", "No", '"yes"', "'no'", "yes # why", "no#x", "true", "yes no", "", '"yes', "y\\es")),
    "PermitRootLogin": ("yes", "no", "prohibit-password", "Without-Password", "forced-commands-only", "maybe"),
    "AllowUsers": ("root", "root nosuch@10.0.0.0/8", "*@192.0.2.*", "!root *", "a@10.0.0.1/8", '"two words" x', "a@b@c"),
    "DenyUsers": ("mail", "nobody daemon # both", "x@!10.1.2.3,*"),
    "AllowGroups": ("adm sudo", "root", '""', "a b c"),
    "DenyGroups": ("mail", "!x"),
    "AcceptEnv": ("LANG LC_*", "A B", "X=1", "#none"),
    "SetEnv": ("A=1 B=2 A=3", 'C="x y"', "D", "E='# no comment'"),
    "AuthenticationMethods": (
        "any", "publickey", "publickey,password password", "any publickey", "publickey any", "bogus", "keyboard-interactive:pam",
        "hostbased", "none", '""', "publickey,", "gssapi-with-mic publickey,keyboard-interactive:bsdauth",
    ),
    "AuthorizedKeysFile": (".ssh/ak", "/etc/keys/%u .ssh/b", "none", "~/x ~", '"a b" c', "#x", "none b"),
    "AuthorizedKeysCommand": ("/bin/true %u", "none", "bin/x", "/bin/x # y", '"/bin/x"'),
    "AuthorizedKeysCommandUser": ("nobody", "daemon"),
    "AuthorizedPrincipalsCommand": ("/bin/p", "none"),
    "AuthorizedPrincipalsCommandUser": ("nobody",),
    "AuthorizedPrincipalsFile": ("/etc/p/%u", "none", "~/p"),
    "Banner": ("/etc/issue.net", "none", "NONE", "relative", "~/b", '"/a b"', "/a b"),
    "ChrootDirectory": ("/srv/%u", "none", "%h"),
    "ForceCommand": ("internal-sftp", "none", '"quoted" # kept', "  two  words ", "sh -c 'x'"),
    "ClientAliveInterval": ("15", "1m", "1h30m", "2W1d", "1x", "-1", "99999999999", "0", "1m30", "m"),
    "LoginGraceTime": ("0", "30s", "2M", "2147483648"),
    "ClientAliveCountMax": ("0", "3", "-1", "x", "+5", '" 7"', "2147483648", "1 2"),
    "MaxAuthTries": ("1", "6", "06"),
    "MaxSessions": ("0", "10"),
    "MaxStartups": ("10", "5:50:60", "10:30:5", "10:0:20", "0", "7:x", "10:30:100x", "3:4"),
    "PerSourceMaxStartups": ("none", "5", "x", "7"),
    "PerSourceNetBlockSize": ("24:64", "32:128", "33:1", "24:129", "x"),
    "RekeyLimit": ("default none", "1G", "1G 1h", "15", "16", "default", "1.5M 30", "1K none", "x", "512M 1d x", "0", "-5"),
    "X11DisplayOffset": ("10", "0"),
    "Port": ("22", "2222", "0", "65536", "x", "22 23", "ssh-nope"),
    "ListenAddress": (
        "127.0.0.1", "127.0.0.1:2200", "[::1]:2201", "::1", "[::1]", "0.0.0.0", "10.1", "127.0.0.1:0", "127.0.0.1 x", "::",
        "[::1]x", "127.0.0.1:99999",
    ),
    "AddressFamily": ("any", "INET", "unix"),
    "HostKeyAgent": ("none", "SSH_AUTH_SOCK"),
    "PidFile": ("/run/x.pid", "none", "rel.pid"),
    "PermitOpen": ("any", "none", "a:1 b:*", "a", "[::1]:22", "any a:1", "a:0", "a/22", "a:1 none"),
    "PermitListen": ("any", "none", "80", "*:80 localhost:1", "[::1]:*", "x", "80 none"),
    "PermitTunnel": ("yes", "no", "point-to-point", "ethernet", "Yes"),
    "PermitUserEnvironment": ("yes", "no", "A*", "YES"),
    "GatewayPorts": ("yes", "no", "clientspecified"),
    "AllowTcpForwarding": ("yes", "all", "no", "local", "remote", "LOCAL"),
    "AllowStreamLocalForwarding": ("all", "no", "local"),
    "IgnoreRhosts": ("yes", "no", "shosts-only"),
    "LogLevel": ("INFO", "verbose", "debug", "DEBUG1", "silent", "QUIET", "LOUD"),
    "SyslogFacility": ("AUTH", "local3", "authpriv", "x"),
    "LogVerbose": ("a.c:*:1", "none", "none b", "a none", "x y"),
    "Compression": ("yes", "delayed", "no", "always"),
    "Ciphers": (
        "aes128-ctr", "+aes256-cbc", "-aes128*", "^aes256-gcm@openssh.com", "nope", "+nope", "-*", "aes128-ctr,aes128-ctr",
        "aes256-ctr,,x", "aes256*",
    ),
    "MACs": ("hmac-sha2-256", "+hmac-md5", "-hmac-sha1*", "x"),
    "KexAlgorithms": ("curve25519-sha256", "+diffie-hellman-group14-sha1", "-diffie*,ecdh*", "^ecdh-sha2-nistp521", "x"),
    "PubkeyAcceptedAlgorithms": ("ssh-ed25519", "+ssh-rsa", "-ssh-ed25519*", "ssh-*", "^rsa-sha2-512", "x", "rsa-sha2-*", "+ssh-rsa*"),
    "PubkeyAcceptedKeyTypes": ("ssh-ed25519,rsa-sha2-256", "+ssh-dss"),
    "HostbasedAcceptedKeyTypes": ("ssh-ed25519",),
    "HostKeyAlgorithms": ("ssh-ed25519", "-rsa*", "+ssh-rsa"),
    "CASignatureAlgorithms": ("ssh-ed25519", "+ssh-rsa", "-ecdsa*", "x"),
    "GSSAPIKexAlgorithms": ("gss-group16-sha512-", "x"),
    "PubkeyAuthOptions": ("none", "touch-required", "verify-required none touch-required", "x"),
    "IPQoS": ("af21", "af21 cs1", "0x10", "16", "lowdelay", "none", "ef none", "256", "40 8", "LE throughput", "none ef x"),
    "FingerprintHash": ("md5", "SHA256", "sha1", "crc"),
    "StreamLocalBindMask": ("0177", "77", "0", "1000", "8"),
    "Subsystem": ("sftp internal-sftp", "sftp /x/y -l INFO", "a", 'b "/c d" e', "sftp2 /x", "c /y #z"),
    "TrustedUserCAKeys": ("/etc/ca.pub", "none"),
    "RevokedKeys": ("/etc/revoked", "none"),
    "RequiredRSASize": ("2048", "1024"),
    "ChannelTimeout": ("none", "session:*=5m", "a=1 b=2h", "x", "none a=1", "session=x", "=5"),
    "UnusedConnectionTimeout": ("none", "0", "5m", "x"),
    "VersionAddendum": ("none", "hello world", "x # y", "#", '"q"'),
    "RDomain": ("none",),
    "SecurityKeyProvider": ("internal", "/x", "none"),
    "XAuthLocation": ("/usr/bin/xauth", "none"),
    "DebianBanner": ("no",),
    "Protocol": ("2", "1,2 x"),
    "UsePrivilegeSeparation": ("sandbox", "yes"),
    "RSAAuthentication": ("yes",),
    "UseLogin": ("no",),
    "NoSuchKeyword": ("yes",),
    "ModuliFile": ("/etc/ssh/moduli", "m"),
    "PerSourcePenalties": ("no", "yes", "crash:1 noauth:2m", "max:5 overflow:deny-all", "x:1", "no crash:1", "authfail:x", "max-sources4:9"),
    "PerSourcePenaltyExemptList": ("10.0.0.0/8,!10.1.2.3", "10.0.0.1/8", "x*"),
    "RefuseConnection": ("yes", "no"),
    "PAMServiceName": ("sshd", "other x", "other"),
}  # fmt: skip
CRITERIA: dict[str, tuple[str, ...]] = {
    "User": ("root", "*", "!root,*", "root,mail", "r?ot", "nosuch", "n*,!nobody", '"root"', "ROOT"),
    "Group": ("root", "mail", "adm,sudo", "*", "!root,*", "nogroup"),
    "Host": ("*.example.org", "a.example.org", "!b.*,*", "10.*", "upper.Example.org"),
    "Address": (
        "10.0.0.0/8", "10.1.2.3", "!10.1.2.3,10.0.0.0/8", "10.*", "2001:db8::/32", "::/0", "0.0.0.0/0", "10.0.0.1/8", "10.0.0.0/33",
        "fe80::/10,192.0.2.0/24", "10.1.2.0/24,!*", "", "x,", "!", "127.1", "0x7f.1", "10.0.0.0/x", "2001:db8::5/128", "1.2.3.4.5",
        "10.1.2.3/32,192.0.2.7/31", "0000000000000000000000012.1.2.3", "10.0.0.0/+8", "10.0.0.0/0008", "10.0.0.0/129", "fe80::1%lo",
    ),
    "LocalAddress": ("192.0.2.1", "10.0.0.0/8", "!192.0.2.1,*", "2001:db8::/64"),
    "LocalPort": ("22", "2222", "0", "x", "22,2222", "65536"),
    "RDomain": ("x", "*", "!x,*", "none"),
    "Bogus": ("x",),
}  # fmt: skip


ODD = (
    '"PasswordAuthentication no', "Use\0x\nDNS yes", "UseDNS yes\f", "\f", "=yes", "UseDNS 'y'es", 'UseDNS "yes"no', 'Use"DNS" yes', "UseDNS\vyes",
    "  # comment", "#", "UseDNS  =  yes", "Banner a\\ b", "Banner 'a\\'b'", "UsePAM yes\\", "\ufeffUseDNS yes", "Banner \udcff", "Match\tall",
    "Match User root,\tHost a", 'Match User "root" Host "*"', "Match user=root", 'Match "User" root', "Match User 'root'", "Include",
    "Match Address fe80::1%lo", "Match Address ::ffff:10.1.2.3", "Match Address 010.1.2.3", "Match all #", "Match User root all",
)  # fmt: skip
"""Lines whose reading is a trap, or that are none; `\\0` joins a line with the next one."""


@dataclass(frozen=True, slots=True)
class Case:
    """Files, and who connects."""

    files: Mapping[str, bytes]
    who: Connection


@dataclass(frozen=True, slots=True)
class Sshd:
    """A program of sshd to ask, with a host key for it."""

    command: tuple[str, ...]
    version: Version

    def ask(self, main: str, who: Connection) -> dict[str, list[str]] | str:
        """What `sshd -T -C` says, by keyword in lower case; or its complaint."""
        fields = {"user": who.user, "host": who.host, "addr": who.address, "laddr": who.local_address, "lport": who.local_port}
        fields["rdomain"] = who.domain
        spec = ",".join(f"{name}={value}" for name, value in fields.items())
        spec += ",invalid-user" if who.invalid and self.version >= (9, 9) else ""
        asked = [*self.command, "-f", main, "-T", "-C", spec]
        done = subprocess.run(
            asked, capture_output=True, check=False, cwd="/", encoding="utf-8", errors="surrogateescape", timeout=120
        )
        return lines_of(done.stdout) if done.returncode == 0 else done.stderr or "refused"


def lines_of(dump: str) -> dict[str, list[str]]:
    """A dump by keyword: all values in order, words that mean the same as one of them."""
    out: dict[str, list[str]] = {}
    for line in dump.split("\n"):
        name, blank, value = line.partition(" ")
        if blank:
            out.setdefault(name.lower(), []).append(SAME.get(value, value))
    return out


def ours(effective: Effective) -> dict[str, list[str]]:
    """Our effects as a dump."""
    out = {}
    for name, effect in effective.effects.items():
        assert effect.value is not None, name
        values = list(effect.value) if name.lower() in ALONE else [" ".join(effect.value)] if effect.value else []
        if values:
            out[name.lower()] = values
    return out


def differences(sshd: Sshd, case: Case, main: str) -> list[str]:
    """Where we and sshd differ about a configuration."""
    said = sshd.ask(main, case.who)
    judged = read(case.files, sshd.version, main=main).of(case.who)
    if isinstance(said, str):
        if UNRESOLVED in said:
            return []
        said = said.replace(": line ", " line ")
        said = "\n".join(line for line in said.split("\n") if " option " not in line or "Bad configuration option" in line)
        places = [f"{refusal.at.file} line {refusal.at.line}:" for refusal in judged.refusals]
        told = any(place in said for place in places) if re.search(r"^\S+ line [0-9]+:", said, re.MULTILINE) else bool(places)
        told = told or any(not refusal.at.line for refusal in judged.refusals)  # a loop, of which sshd tells later than we do
        return [] if told else [f"sshd refuses: {said[:300]}, we {places}"]
    if judged.refusals:
        return [f"only we refuse: {judged.refusals[:2]}"]
    mine = ours(judged)
    mine = {name: values for name, values in mine.items() if name in said or name not in NOT_DUMPED}
    for both in (said, mine):
        both["listenaddress"] = sorted(both["listenaddress"])
    return [f"{n}: sshd {said.get(n)}, we {mine.get(n)}" for n in sorted({*said, *mine}) if said.get(n) != mine.get(n)]


UNRESOLVED = "not known)"
"""Of a host to listen on: the one thing that sshd refuses and that no file tells."""
NOT_DUMPED = ("debianbanner", "channeltimeout", "revokedkeys")
"""What sshd does not tell in every version."""


def cases(folder: Path, key: Path, version: Version, seed: int, count: int) -> Iterator[tuple[Case, str]]:
    """Yield configurations, written below a folder, each with the path of its main file."""
    chance = random.Random(seed)
    for number in range(count):
        home = folder / str(number)
        home.mkdir()
        files = dict(configuration(chance, home, key, version))
        for name, data in files.items():
            Path(name).write_bytes(data)
        yield Case(files, connection(chance)), f"{home}/main"


def connection(chance: random.Random) -> Connection:
    """Someone from somewhere."""
    user = chance.choice(USERS)
    try:
        entry = pwd.getpwnam(user)
        groups = tuple(grp.getgrgid(gid).gr_name for gid in os.getgrouplist(user, entry.pw_gid))
    except KeyError:
        groups = ()
    pick = chance.choice
    where = pick(LOCALS), pick(PORTS), pick(("", "", "x"))
    return Connection(user, pick(HOSTS), pick(ADDRESSES), *where, groups=groups, invalid=not groups)


def configuration(chance: random.Random, home: Path, key: Path, version: Version) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a configuration: most of them sound but for a line in some."""
    odd = chance.random() < 0.35
    names = [f"{home}/{name}" for name in ("a.conf", "b.conf", "c.inc")]
    yield f"{home}/main", f"HostKey {key}\n".encode() + text(chance, names, home, version, odd=odd)
    for name in names:
        yield (
            name,
            text(chance, names if odd and chance.random() < 0.02 else [n for n in names if n > name], home, version, odd=odd),
        )


def text(chance: random.Random, names: list[str], home: Path, version: Version, *, odd: bool) -> bytes:
    """The lines of one file."""
    out = []
    inside = not odd and not any(name.endswith("a.conf") for name in names)  # what is included may be so from a Match block
    for _ in range(chance.choice((0, 3, 8, 15, 25))):
        roll = chance.random()
        if roll < 0.15:
            out.append(match_line(chance, odd=odd))
            inside = True
        elif roll < 0.22 and names:
            globs = (*names, f"{home}/*.conf", f"{home}/[ab].conf", f"{home}/?.inc", f"{home}/none/*")
            out.append(
                f"{chance.choice(('Include', 'include', 'INCLUDE'))} {' '.join(chance.sample(globs, chance.choice((1, 1, 2))))}"
            )
        elif odd and roll < 0.26:
            out.append(chance.choice(ODD))
        else:
            out.append(value_line(chance, version, inside=inside, odd=odd))
    end = chance.choice(("\n", "\r\n", "\n", "\n"))
    return (end.join(out) + chance.choice(("", end))).encode("utf-8", "surrogateescape")


GLOBAL_ONLY = {k.name for k in KEYWORDS if not k.in_match}


def value_line(chance: random.Random, version: Version, *, inside: bool, odd: bool) -> str:
    """A keyword with a value, spelled in one of the ways that sshd takes."""
    while True:
        name = chance.choice(chance.choice((FLAGS, tuple(VALUES), tuple(VALUES))))
        value = chance.choice(VALUES[name])
        if odd and chance.random() < 0.15:
            break
        if not (inside and name in GLOBAL_ONLY) and value in sound(name, version):
            break
    spelled = chance.choice((name, name, name.lower(), name.upper(), f'"{name}"' if odd else name))
    between = chance.choice((" ", " ", "\t", "=", " = ", "  ", "= ", " =="[: 3 if odd else 2]))
    return f"{chance.choice(('', '', '  ', chr(9)))}{spelled}{between}{value}{chance.choice(('', '', ' ', chr(9), ' # x' if odd else ''))}"


def match_line(chance: random.Random, *, odd: bool) -> str:
    """A Match line."""
    if chance.random() < 0.1:
        return chance.choice(
            ("Match all", "match ALL # x", "Match all User x" if odd else "Match All", "Match" if odd else "Match all")
        )
    parts = []
    for name in chance.sample(tuple(CRITERIA)[: None if odd else 6], chance.choice((1, 1, 1, 2, 3))):
        values = CRITERIA[name] if odd else CRITERIA[name][:2] if name == "LocalPort" else CRITERIA[name][:6]
        parts.append(f"{chance.choice((name, name.lower()))} {chance.choice(values)}")
    return f"Match {' '.join(parts)}{' # comment' if odd and chance.random() < 0.1 else ''}"


@cache
def sound(name: str, version: Version) -> tuple[str, ...]:
    """The values of a keyword that do not stop sshd, as far as we know."""
    tried = ((value, read({"/c": f"{name} {value}\n".encode()}, version, main="/c").start.refusals) for value in VALUES[name])
    return tuple(value for value, refusals in tried if not refusals)


def run(sshd: Sshd, folder: Path, key: Path, seed: int, count: int) -> tuple[int, list[str]]:
    """How many configurations sshd took, and where we differ."""
    made = list(cases(folder, key, sshd.version, seed, count))
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda one: (one[1], differences(sshd, *one)), made))
    taken = sum(not read(case.files, sshd.version, main=main).of(case.who).refusals for case, main in made)
    return taken, [f"{main}: {what}" for main, whats in found for what in whats]
