"""Programs that give rights to whoever runs them, on all local file systems, and programs that lie where none belong."""

import re
from collections.abc import Iterator, Sequence

from auditkit import words
from auditkit.answers import Listed
from auditkit.audits.persistence.entry import EVIDENCE
from auditkit.audits.persistence.seen import EVERYTHING, LAYERS, OF_SYSTEM, Seen, about, kind, listing, may_change
from auditkit.model import Finding, Gap, Kind, Means, Need, Rule, Severity
from auditkit.printable import printable

SHELLS = tuple(
    Need(Means.LISTING, f"/bin/{name}", "which setuid program is a copy of a shell") for name in ("sh", "bash", "dash", "zsh")
)
TRUSTED = (
    *(
        "sudo",
        "su",
        "doas",
        "passwd",
        "ssh",
        "scp",
        "login",
        "sshd",
        "systemctl",
        "journalctl",
        "crontab",
        "bash",
        "sh",
        "ls",
        "ps",
    ),
    *("ss", "netstat", "lsof", "find", "top", "who", "w", "last", "id", "cat", "grep", "kill", "mount", "lsmod", "apt", "dpkg"),
    *("ip", "ldd", "pgrep", "pkill", "pstree", "chattr", "lsattr", "dmesg", "modinfo", "debsums", "sha256sum", "nologin"),
)
"""Programs that are believed by whoever calls them, or given a password."""
BEFORE = tuple(
    Need(Means.LISTING, f"/usr/local/{folder}/{name}", "whether another program is called in the place of one of the system")
    for folder in ("bin", "sbin")
    for name in TRUSTED
)
NEEDS = (EVERYTHING, *SHELLS, *BEFORE)
_OFF = (
    "chmod u-s,g-s FILE (undo: chmod to the mode that is shown here); of capabilities: setcap -r FILE (undo: setcap"
    " CAPABILITIES FILE)."
)
PRIVILEGED_SHELL = Rule(
    "privileged-shell",
    "A shell or an interpreter gives root to whoever runs it",
    Severity.CRITICAL,
    "A setuid shell, or an interpreter that may become root, is root for every account and every service that is broken"
    " into. It is left behind on purpose: no package of any distribution brings one.",
    f"{EVIDENCE} {_OFF}",
    ("inode(7)", "capabilities(7)", "MITRE ATT&CK T1548.001"),
)
PRIVILEGED_UNPACKAGED = Rule(
    "privileged-unpackaged",
    "A program that no package has brought runs with the rights of another",
    Severity.HIGH,
    "Whoever runs it gets what it gives: root, mostly. Nobody updates it, and one that somebody has left behind is a way back.",
    f"{EVIDENCE} If nobody needs it: {_OFF}",
    ("inode(7)", "capabilities(7)", "MITRE ATT&CK T1548.001"),
)
PRIVILEGED_UNUSUAL = Rule(
    "privileged-unusual",
    "A program of a package runs with the rights of another, which packages do not set",
    Severity.LOW,
    "Packages bring few setuid programs, and these are not among those that are known. An admin may have set it, with"
    " dpkg-statoverride for instance, or a package that is not known here.",
    f"dpkg-statoverride --list, and the package's postinst, say whether it is wanted. If it is not: {_OFF}",
    ("dpkg-statoverride(1)", "MITRE ATT&CK T1548.001"),
)
PRIVILEGED_INSIDE = Rule(
    "privileged-in-layers",
    "Programs in images of containers give rights",
    Severity.INFO,
    "Each image has its own sudo and su. They give root inside of the container, and outside only to who may reach the layers.",
    "Nothing, as long as these directories are closed to others: chmod 710 /var/lib/docker.",
    ("inode(7)",),
)
PROGRAM_ELSEWHERE = Rule(
    "program-where-none-belongs",
    "A program lies where none belongs",
    Severity.LOW,
    "Directories that everybody may write to are where those who have broken in keep their tools first. Installers and"
    " builds leave programs there, too.",
    f"{EVIDENCE} See what it is: file FILE; fuser -v FILE. mv FILE /root/ takes it away (undo: mv it back).",
    ("hier(7)", "MITRE ATT&CK T1564.001", "MITRE ATT&CK T1036.005"),
)
HIDDEN_PLACE = Rule(
    "hidden-place",
    "Something hides behind its name, or among devices",
    Severity.MEDIUM,
    "Somebody does not want this to be found. A directory called `...`, or whose name ends with a blank, is passed over by"
    " whoever reads a list; a file in /dev, or a program in a hidden directory of the system or of /tmp, is looked for by"
    " nobody.",
    f"{EVIDENCE} ls -labi shows the name as it is. mv FILE /root/ takes it away (undo: mv it back).",
    ("hier(7)", "MITRE ATT&CK T1564.001"),
)
SHADOWS = Rule(
    "program-before-the-systems",
    "A program is called in the place of one of the system",
    Severity.MEDIUM,
    "Who types the name of a program that everybody trusts gets this one, and may give it his password. /usr/local stands"
    " before /usr in PATH, also in that of root and of sudo.",
    f"{EVIDENCE} Compare what it does with the one of the system; mv FILE /root/ takes it away (undo: mv it back).",
    ("environ(7) PATH", "MITRE ATT&CK T1574.007"),
)
RULES = (
    PRIVILEGED_SHELL,
    PRIVILEGED_UNPACKAGED,
    PRIVILEGED_UNUSUAL,
    PRIVILEGED_INSIDE,
    PROGRAM_ELSEWHERE,
    HIDDEN_PLACE,
    SHADOWS,
)
MOST_QUOTES = 10
_SETUID, _SETGID = 0o4000, 0o2000
_NEVER = re.compile(
    r"(?:.*/)?(?:(?:ba|da|z|k|c|tc|fi|a|mk)?sh|rbash|busybox[\w.-]*|toybox|python[0-9.]*|perl[0-9.]*|ruby[0-9.]*|php[0-9.-]*|node|nodejs"
    r"|lua[0-9.]*|tclsh[0-9.]*|wish[0-9.]*|gdb|strace|vi|vim[\w.]*|view|ex|nano|emacs[\w.-]*|ed|less|more|man|find|xargs|env|nice|timeout"
    r"|time|taskset|setarch|stdbuf|[gmn]?awk|sed|cp|mv|dd|tee|cat|tar|zip|unzip|cpio|rsync|install|chmod|chown|ln|nmap|socat|nc|ncat"
    r"|nc\.\w+|curl|wget|openssl|base64|tail|head|cut|git|make|screen-4.*|docker|systemctl|journalctl|apt|apt-get|dpkg|rpm|pip[0-9.]*"
    r"|base32|basenc|ar|ash|as|bzip2|chroot|column|comm|csplit|date|dialog|diff|dig|dmsetup|file|fmt|fold|gzip|hd|hexdump|iconv|join"
    r"|links|logsave|look|m4|mysql|nft|nl|nm|od|openvpn|paste|perf|pg|pico|pr|ptx|rev|run-parts|rview|rvim|sash|setfacl|shuf|sort|sqlite3"
    r"|ss|ssh-keygen|ssh-keyscan|strings|sysctl|tac|tbl|tftp|tic|troff|ul|unexpand|uniq|unsquashfs|update-alternatives|uudecode|uuencode"
    r"|vigr|vimdiff|vipw|w3m|wc|whiptail|xxd|xz|zsoelim|cron|useradd|usermod|vigr|debugfs|mke2fs|kmod|insmod|modprobe"
    r"|nsenter|unshare|capsh|setpriv|start-stop-daemon|flock|ionice|watch|rlwrap|expect|ld(-linux[\w.-]*)?\.so[\w.]*|gcc|jq|tcpdump|java)"
)
_USUAL = re.compile(
    r".*/(?:su|sudo|sudo-rs|sudoedit|doas|passwd|chsh|chfn|chage|expiry|gpasswd|newgrp|sg|mount|umount|fusermount3?|pkexec|ssh-agent|ssh-keysign"
    r"|ping6?|arping|traceroute6?[\w.]*|mtr-packet|wall|write|write\.ul|bsd-write|crontab|at|dotlockfile|locate|plocate|mlocate|newuidmap|newgidmap"
    r"|unix_chkpwd|pam_extrausers_chkpwd|pam_timestamp_check|unix_update|dbus-daemon-launch-helper|polkit-agent-helper-1|Xorg(\.wrap)?|exim4?"
    r"|postdrop|postqueue|sendmail|procmail|lockfile|mail-lock|mail-touchlock|mail-unlock|utempter|utmp|pt_chown|mount\.(cifs|nfs|ecryptfs_private|davfs)"
    r"|umount\.\w+|chrome-sandbox|bwrap|snap-confine|VBox\w+|vmware-\w+|pppd|ntfs-3g|lppasswd|cgexec|kismet_cap_\w+|dumpcap|screen|camel-lock-helper-1\.2"
    r"|ssh-askpass\w*|staprun|suexec|userhelper|usernetctl|netreport|gnome-pty-helper|Xvnc|authenticate|lxc-user-nic|opiesu|login|rlogin|rsh|rcp"
    r"|chkpwd|auth_pam_tool|cockpit-session|kcheckpass|start_kdeinit|fping6?|clockdiff|gst-ptp-helper|systemd-detect-virt|nfnl_osf|slock|physlock|i3lock|vlock|xtrlock|otpw-\w+|bbsuid"
    r"|ssmtp|msmtpd?|dma(-mbox-create)?|maidag|mail\.local|deliver|popauth|sperl.*|beep|tio|uuidd|inncheck|rnews|inews|man|mandb|cdrecord|wodim|readom"
    r"|qemu-bridge-helper|spice-client-glib-usb-acl-helper|libvirt_leaseshelper|ksu|mount\.fuse\w*|kppp|zypp-refresh-wrapper|firejail|hddtemp|smbmnt)"
)
_DEVICES = re.compile(r"/dev/(?!shm/)")
_HIDDEN = re.compile(r"/\.[^/]+/")
_BEHIND = re.compile(
    ".*/(?:\\.{3,}|\\s[^/]*|[^/]*\\s|[^/]*[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff][^/]*)", re.DOTALL
)
"""Directories that hide behind their names; others are told of because of who may write to them, see opened.py."""
_PLACES = re.compile(r"/(?:tmp|var/tmp|dev|run)/|.*/\.", re.DOTALL)
_STRONG = (
    "setuid",
    "setgid",
    "dac_override",
    "dac_read_search",
    "sys_admin",
    "sys_ptrace",
    "sys_module",
    "setfcap",
    "chown",
    "fowner",
    "bpf",
)
_USUAL_CAPABLE = re.compile(
    r".*/(?:ping6?|arping|clockdiff|mtr-packet|traceroute[\w.]*|newuidmap|newgidmap|dumpcap|gst-ptp-helper|fping6?|snap-confine|suexec|rcp|rlogin|rsh"
    r"|gnome-keyring-daemon|kwin_\w+|sunshine\S*|systemd-detect-virt|nethogs|bwrap|caddy|node_exporter|keyring-daemon)"
)


def judge(seen: Seen) -> Iterator[Finding | Gap]:
    """Yield what each program comes to; those in images of containers, and those that only lie oddly, as one."""
    yield from seen.malformed(EVERYTHING.means, EVERYTHING.what)
    items = seen.of(EVERYTHING.means, EVERYTHING.what)
    found = [node for item in items if (node := seen.nodes.get(item.source)) is not None]
    shells = _shells(seen)
    groups: dict[Rule, list[Listed]] = {}
    for node in found:
        rule = _rule(node, shells)
        if rule is not None:
            groups.setdefault(rule, []).append(node)
    before = (node for need in BEFORE for item in seen.of(need.means, need.what) if (node := seen.nodes.get(item.source)))
    groups[SHADOWS] = [node for node in before if not _of_package(seen, node)]
    for rule in RULES:
        yield from _told(rule, groups.get(rule, []))


def _of_package(seen: Seen, node: Listed) -> bool:
    """Whether a package has brought it, or what it leads to; who cannot tell says so."""
    end = seen.end(node)
    ends = (node, end) if isinstance(end, Listed) else (node,)
    return any(each.packages or each.packages is None for each in ends)


def _shells(seen: Seen) -> frozenset[int]:
    """The sizes of the shells that are there."""
    ends = (seen.end(node) for need in SHELLS if (node := seen.node(need.what)) is not None)
    return frozenset(end.size for end in ends if isinstance(end, Listed) and end.size > 0)


def _rule(node: Listed, shells: frozenset[int]) -> Rule | None:
    """What a program breaks, if anything."""
    if not _gives(node):
        return _lies(node)
    a_shell = node.size in shells and kind(node) is Kind.FILE
    if a_shell or (_NEVER.fullmatch(node.path) and _is_strong(node)):
        return PRIVILEGED_SHELL
    if LAYERS.match(node.path):
        return PRIVILEGED_INSIDE
    if not node.packages:
        return None if node.packages is None else PRIVILEGED_UNPACKAGED
    usual = _USUAL.fullmatch(node.path) if not node.capabilities else _USUAL_CAPABLE.fullmatch(node.path)
    return None if (usual or not _is_strong(node)) and not may_change(node).startswith("everybody") else PRIVILEGED_UNUSUAL


def _lies(node: Listed) -> Rule | None:
    """What it breaks by the place where it lies."""
    if OF_SYSTEM.match(node.path):
        return None
    if kind(node) not in (Kind.FILE, Kind.DIRECTORY) or (kind(node) is Kind.FILE and node.packages):
        return None
    if not (_BEHIND.fullmatch(node.path) if kind(node) is Kind.DIRECTORY else _PLACES.match(node.path)):
        return None
    hides = kind(node) is Kind.DIRECTORY or _DEVICES.match(node.path) or _HIDDEN.search(node.path)
    return HIDDEN_PLACE if hides else PROGRAM_ELSEWHERE


def _gives(node: Listed) -> bool:
    """Whether it gives any right to whoever runs it."""
    return kind(node) is Kind.FILE and (bool(node.mode & (_SETUID | _SETGID)) or node.capabilities is not None)


def _is_strong(node: Listed) -> bool:
    """Whether that may be root's: a setgid program gives no more than a group."""
    granted = words.decoded("security.capability", node.capabilities) if node.capabilities else ""
    return bool(node.mode & _SETUID) or any(f"cap_{name}" in granted for name in _STRONG)


def _told(rule: Rule, nodes: Sequence[Listed]) -> Iterator[Finding]:
    """One finding for each that matters by itself, one for all of a kind that is only to be known."""
    if rule in (PRIVILEGED_SHELL, PRIVILEGED_UNPACKAGED) and len(nodes) <= MOST_QUOTES:
        yield from (_finding(rule, [node]) for node in nodes)
    elif nodes:
        yield _finding(rule, nodes)


def _finding(rule: Rule, nodes: Sequence[Listed]) -> Finding:
    paths = [node.path for node in nodes]
    quotes = tuple(about(node) for node in nodes[:MOST_QUOTES])
    subject = paths[0] if len(paths) == 1 else f"{len(paths)} programs"
    gives = f": {_rights(nodes[0])}" if len(nodes) == 1 and _gives(nodes[0]) else ""
    return Finding(rule, subject, f"{listing(paths)}{gives}", rule.severity, quotes)


def _rights(node: Listed) -> str:
    """`setuid of uid 0`, `cap_setuid=ep`"""
    told = [f"setuid of uid {node.uid}"] if node.mode & _SETUID else []
    told += [f"setgid of group {node.gid}"] if node.mode & _SETGID else []
    told += [printable(words.decoded("security.capability", node.capabilities))] if node.capabilities else []
    who = may_change(node)
    return ", ".join(told) + (f"; {who} may change it" if who == "everybody" else "")
