"""What this machine shares with others, and how carefully: SNMP, SMB, NFS, desktops over the network."""

import re
from collections.abc import Iterator

from auditkit.access.needs import LISTENERS
from auditkit.answers import name_of
from auditkit.audits.protections.machine import Machine, is_loopback
from auditkit.model import Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable

SNMPD = tuple(
    Need(Means.FILE, path, "which communities of SNMP v1 and v2c are told what")
    for path in ("/etc/snmp/snmpd.conf", "/etc/snmp/snmpd.conf.d/*.conf")
)
SMB = Need(Means.FILE, "/etc/samba/smb.conf", "which version of SMB is the least that Samba speaks")
EXPORTS = tuple(
    Need(Means.FILE, path, "which directories NFS gives to whom") for path in ("/etc/exports", "/etc/exports.d/*.exports")
)
NEEDS = (*SNMPD, SMB, *EXPORTS, LISTENERS)

COMMUNITY = Rule(
    "snmp-community",
    "SNMP answers to a community, which is a password in clear text",
    Severity.MEDIUM,
    "Whoever is on the network and knows or guesses one word reads how this machine is built, and may change it where the"
    " community may write. snmpd takes SNMP v1 or v2c on an address that others reach; it is high where the word is common"
    " or may write.",
    "systemctl stop snmpd; net-snmp-create-v3-user -ro -A PASSPHRASE -a SHA-256 -X PASSPHRASE -x AES monitor; comment out"
    " rocommunity, rwcommunity and com2sec in snmpd.conf; systemctl start snmpd (undo: cp -p snmpd.conf.before snmpd.conf)",
    ("snmpd.conf(5)", "RFC 3414", "CIS Controls 12.6"),
)
SMB1 = Rule(
    "smb1-allowed",
    "Samba speaks SMB1",
    Severity.MEDIUM,
    "This is the protocol that WannaCry spread over; it signs and encrypts nothing that is worth it, and nobody needs it but"
    " devices that are twenty years old. `server min protocol` allows NT1 or less; Samba's own default since 4.11 is SMB2_02.",
    "In smb.conf: server min protocol = SMB2_02; testparm -s && systemctl reload smbd (undo: write the old value back)",
    ("smb.conf(5) server min protocol", "Microsoft KB 2696547"),
)
EXPORTED = Rule(
    "nfs-export-open",
    "NFS gives a directory to everybody, or makes others root in it",
    Severity.MEDIUM,
    "Whoever can plug in a laptop reads these files, or makes himself root by them. The export names `*` or no"
    " client at all, or says no_root_squash, so that root of a client is root here; it is high where both hold and it may be"
    " written to.",
    "cp -p /etc/exports /etc/exports.before; name the clients or their network, and take no_root_squash out; exportfs -ra"
    " (undo: cp -p /etc/exports.before /etc/exports; exportfs -ra)",
    ("exports(5)",),
)
DESKTOP = Rule(
    "desktop-without-password",
    "A desktop is shown over the network without a password",
    Severity.HIGH,
    "Whoever reaches the port sees the screen, types and clicks as whoever is logged in. A VNC server runs without a password,"
    " or an X server takes connections over TCP.",
    "x11vnc: -rfbauth FILE made with x11vnc -storepasswd, and -localhost with an SSH tunnel. Xvnc, vncserver: -SecurityTypes"
    " VncAuth -localhost. X: start it with -nolisten tcp. (undo: start it as before)",
    ("x11vnc(1)", "Xvnc(1)", "Xserver(1)"),
)
RULES = (COMMUNITY, SMB1, EXPORTED, DESKTOP)

MOST_QUOTES = 10
_COMMUNITY = re.compile(r"\s*(rocommunity6?|rwcommunity6?|com2sec6?)\s+(.*)", re.IGNORECASE)
_AGENT_ADDRESS = re.compile(r"(?mi)^\s*agentaddress\s+(.+?)\s*$")
_COMMON = frozenset(("public", "private"))
"""All others are taken out on the host: a community is a password."""
_OLD_SMB = frozenset(("core", "coreplus", "lanman1", "lanman2", "nt1"))
_MIN_PROTOCOL = re.compile(r"server\s*min\s*protocol|min\s*protocol", re.IGNORECASE)
_ANYBODY = ("*", "0.0.0.0/0", "::/0", "")
_CLIENT = re.compile(r"([^()\s]*)(?:\(([^()]*)\))?")
_VNC = ("x11vnc", "Xvnc", "Xtigervnc", "Xtightvnc", "vncserver", "x0vncserver", "wayvnc")
_X = ("Xorg", "X", "Xwayland", "Xephyr")
_X_PORTS = range(6000, 6064)
_NO_PASSWORD = re.compile(r"-securitytypes[= ](?:\S*,)?(?:tls|x509)?none\b|-nopw\b", re.IGNORECASE)
_ASKS = re.compile(r"-(?:rfbauth|passwd|passwdfile|usepw|unixpw|PasswordFile|password)\b", re.IGNORECASE)


def judge(told: Machine) -> Iterator[Finding | Gap]:
    """Yield what is shared too freely."""
    yield from _communities(told)
    yield from _smb1(told)
    yield from _exports(told)
    yield from _desktops(told)


def _communities(told: Machine) -> Iterator[Finding]:
    """Yield one finding for all communities, unless snmpd listens to this machine alone."""
    lines = [
        (Quote(path, number, line[:200]), match[1].lower(), match[2].split())
        for path, text in told.texts(*SNMPD).items()
        for number, line in enumerate(text.split("\n"), 1)
        if (match := _COMMUNITY.match(line)) and match[2].split()
    ]
    open_ = [(quote, keyword, words) for quote, keyword, words in lines if not _is_local(words)]
    if not open_ or _answers_only_itself(told):
        return
    writes = any(keyword.startswith("rw") for _quote, keyword, _words in open_)
    common = any(_word(keyword, words).lower() in _COMMON for _quote, keyword, words in open_)
    more = f"{', one of them may write' if writes else ''}{', one is a word that everybody tries' if common else ''}"
    message = f"SNMP v1 or v2c with {len(open_)} {'community' if len(open_) == 1 else 'communities'}{more}"
    quotes = tuple(quote for quote, _keyword, _words in open_[:MOST_QUOTES])
    yield Finding(COMMUNITY, "snmpd", message, Severity.HIGH if writes or common else COMMUNITY.severity, quotes)


def _word(keyword: str, words: list[str]) -> str:
    """The community of a line: `com2sec NAME SOURCE COMMUNITY`, `rocommunity COMMUNITY ...`: snmpd.conf(5)."""
    return words[0] if not keyword.lower().startswith("com2sec") else [*words, "", ""][2]


def _is_local(words: list[str]) -> bool:
    source = words[1] if len(words) > 1 else ""
    return source in ("localhost", "127.0.0.1", "::1", "127.0.0.0/8", "127.0.0.1/32", "::1/128")


def _answers_only_itself(told: Machine) -> bool:
    """Whether snmpd listens to this machine alone: what it does goes before what it is told."""
    listening = [one for process in told.processes(LISTENERS) if name_of(process.program) == "snmpd" for one in process.listens]
    if listening:
        return all(is_loopback(one.address) for one in listening)
    named = [match[1] for text in told.texts(*SNMPD).values() for match in _AGENT_ADDRESS.finditer(text)]
    places = [place.strip() for each in named for place in each.split(",")]
    local = re.compile(r"(?:(?:udp|tcp)6?:)?(?:127\.[0-9.]+|localhost|\[?::1\]?)(?::[0-9]+)?|unix:.*", re.IGNORECASE)
    return bool(places) and all(local.fullmatch(place) for place in places)


def _smb1(told: Machine) -> Iterator[Finding]:
    section, last = "", None
    for number, line in enumerate((told.text(SMB) or "").split("\n"), 1):
        text = line.strip()
        if text.startswith("["):
            section = text.strip("[]").strip().lower()
        key, equals, value = text.partition("=")
        if equals and section in ("", "global") and _MIN_PROTOCOL.fullmatch(key.strip()):
            last = (Quote(SMB.what, number, line[:200]), value.strip())
    if last and last[1].lower() in _OLD_SMB:
        yield Finding(SMB1, "samba", f"the least that Samba speaks is {printable(last[1])}", SMB1.severity, (last[0],))


def _exports(told: Machine) -> Iterator[Finding]:
    """Yield one finding for all exports that are too open."""
    found = [(quote, why) for path, text in told.texts(*EXPORTS).items() for quote, why in _of_exports(path, text)]
    if found:
        worst = any(len(why) > 2 for _quote, why in found)
        reasons = ", ".join(dict.fromkeys(word for _quote, why in found for word in why if word != "rw"))
        quotes = tuple(quote for quote, _why in found[:MOST_QUOTES])
        message = f"{len(found)} {'export' if len(found) == 1 else 'exports'} too open: {reasons}"
        yield Finding(EXPORTED, "nfs", message, Severity.HIGH if worst else EXPORTED.severity, quotes)


def _of_exports(path: str, text: str) -> Iterator[tuple[Quote, tuple[str, ...]]]:
    """Yield each export that is given to everybody or leaves root as root, and which of these, with `rw` where it is."""
    for number, line in _joined(text):
        words = re.findall(r'"[^"]*"|\S+', line.partition("#")[0])
        defaults = {word for each in words[1:] if each.startswith("-") for word in each[1:].split(",")}
        for word in [each for each in words[1:] if not each.startswith("-")] or ([""] if words else []):
            match = _CLIENT.fullmatch(word)
            options = defaults | set((match[2] or "").split(",")) if match else defaults
            why = tuple(
                name
                for name, holds in (
                    (
                        "to everybody",
                        match is not None and match[1] in _ANYBODY and not options & {"sec=krb5", "sec=krb5i", "sec=krb5p"},
                    ),
                    ("no_root_squash", "no_root_squash" in options),
                    ("rw", "rw" in options),
                )
                if holds
            )
            if set(why) - {"rw"}:
                yield Quote(path, number, line[:200]), why


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line, one that ends in a backslash with the next."""
    held, begun = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        begun = begun or number
        if line.endswith("\\"):
            held += f"{line[:-1]} "
            continue
        yield begun, held + line
        held, begun = "", 0
    if held:
        yield begun, held


def _desktops(told: Machine) -> Iterator[Finding]:
    for process in told.processes(LISTENERS):
        name = name_of(process.program)
        places = [one.place for one in process.listens if one.protocol == "tcp" and not is_loopback(one.address)]
        line = " ".join(process.arguments)
        open_vnc = name in _VNC and (_NO_PASSWORD.search(line) or (name == "x11vnc" and not _ASKS.search(line)))
        open_x = name in _X and any(
            one.port in _X_PORTS and not is_loopback(one.address) for one in process.listens if one.protocol == "tcp"
        )
        if places and (open_vnc or open_x):
            what = "without a password" if open_vnc else "as an X server over TCP"
            severity = DESKTOP.severity if open_vnc else Severity.MEDIUM
            quotes = (Quote(f"/proc/{process.pid}/cmdline", 1, line[:200]),)
            yield Finding(DESKTOP, name, f"{printable(name)} listens on {places[0]} {what}", severity, quotes)
