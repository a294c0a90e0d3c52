"""Scripts that a service of the system runs when something happens to it, and libraries that programs load by their names."""

from auditkit.audits.persistence.entry import SHELL, Entry, entry
from auditkit.model import Severity

_COPY = "cp -a FILE FILE.before;"

EVENTS: tuple[Entry, ...] = (
    entry(
        "event-scripts",
        "T1546",
        "scripts that services run",
        "A script that a service runs, and that no package has brought",
        "Something ordinary, such as a certificate that is renewed, a guest that starts or a lid that closes, runs a program"
        " that nobody has vouched for, as root. Admins put hooks there, too: each should be known to somebody.",
        f"{_COPY} chmod a-x FILE (undo: chmod a+x FILE).",
        "run-parts(8)",
        own=(
            *("/etc/ca-certificates/update.d/*", "/etc/letsencrypt/renewal-hooks/*/*", "/etc/libvirt/hooks/*"),
            *("/etc/resolvconf/update.d/*", "/etc/resolvconf/update-libc.d/*", "/etc/initramfs/post-update.d/*"),
            *("/etc/needrestart/hook.d/*", "/etc/qemu/fsfreeze-hook.d/*", "/etc/pm/sleep.d/*", "/etc/pm/power.d/*"),
            *("/etc/ifplugd/action.d/*", "/etc/security/namespace.init", "/var/lib/cloud/scripts/per-*/*"),
        ),
        # not /usr/lib/cups/backend/*: cups itself links there what its packages have elsewhere
        vendor=("/usr/lib/dhcpcd/dhcpcd-hooks/*", "/usr/lib/cups/filter/*"),
        line=SHELL,
    ),
    entry(
        "event-settings",
        "T1546",
        "settings of what runs at events",
        "A setting runs a program when something happens",
        "Something ordinary starts a program that nobody has vouched for. A file that changes (incron), a key that the kernel"
        " wants (request-key), a button (acpid), a lease (dhclient, dhcpcd) or a connection (hosts.allow, xinetd) runs it as"
        " root.",
        f"{_COPY} take the line out (undo: mv FILE.before FILE).",
        "request-key.conf(5)",
        "acpid(8)",
        "incrontab(5)",
        "hosts_options(5)",
        "dhclient.conf(5)",
        own=(
            *("/etc/request-key.conf", "/etc/request-key.d/*", "/etc/acpi/events/*", "/etc/incron.d/*"),
            *("/var/spool/incron/*", "/etc/hosts.allow", "/etc/hosts.deny", "/etc/dhcp/dhclient.conf", "/etc/dhcpcd.conf"),
            *("/etc/NetworkManager/VPN/*.name", "/etc/xinetd.conf"),
        ),
        vendor=("/usr/lib/NetworkManager/VPN/*.name",),
        line=r"^\s*(create|negate|revoke|\*)\s+\S+\s+\S+\s+\S+\s+\|?/|^\s*action\s*=\s*\S|^/\S*\s+\S*IN_\w+\S*\s+\S"
        r"|^[^#\n]*:\s*(spawn|twist)\b|^\s*script\s+\S|^\s*(program|plugin)\s*=\s*\S|^\s*includedir\s+(?!/etc/)",
    ),
    entry(
        "libraries",
        "T1574.006",
        "libraries",
        "A library among the system's that no package has brought",
        "Every program that asks for its name runs its code. What is called as a library of the system, or lies in a directory"
        " that is looked at first, takes the place of the real one; drivers that bring their own installer lie there too.",
        f"Which programs load it: fuser -v FILE. {_COPY} mv FILE /root/, then ldconfig (undo: mv it back, and ldconfig).",
        "ld.so(8)",
        vendor=(
            *(
                f"{place}/lib{rest}"
                for place in ("/usr/lib/*-linux-*", "/usr/lib64", "/usr/lib", "/lib/*-linux-*", "/lib64", "/lib")
                for rest in ("[!n]*.so*", "n[!s]*.so*", "ns[!s]*.so*")
            ),
            *("/usr/lib/*-linux-*/glibc-hwcaps/**", "/usr/lib64/glibc-hwcaps/**", "/usr/lib/*-linux-*/ossl-modules/*"),
            *("/usr/lib/*-linux-*/engines-*/*", "/usr/lib64/ossl-modules/*", "/usr/lib64/engines-*/*"),
        ),
        read=False,
        severity=Severity.MEDIUM,
    ),
    entry(
        "mounts",
        "T1564",
        "mounts over the system, and keys of disks",
        "A line mounts something over the system, or runs a program for the key of a disk",
        "Other programs and settings than those that packages have brought hold once it is mounted, and nothing on the disk"
        " shows it. The program of keyscript= runs as root at every start, before the system does.",
        f"{_COPY} take the line out (undo: mv FILE.before FILE); update-initramfs -u.",
        "fstab(5)",
        "crypttab(5)",
        own=("/etc/fstab", "/etc/crypttab"),
        line=r"\br?bind\b|keyscript=(?!(?:/usr)?/lib/cryptsetup/scripts/|decrypt_\w+(?:[\s,]|$))\S",
        guarded=True,
    ),
    entry(
        "service-commands",
        "T1546",
        "commands that services run",
        "The settings of a service make it run a command",
        "A fetch with rsync, a question of Zabbix or supervisor's start runs a program that nobody has"
        " vouched for. Admins write such lines, too: each should be known to somebody.",
        f"{_COPY} take the line out (undo: mv FILE.before FILE).",
        "rsyncd.conf(5)",
        own=(
            *(
                "/etc/rsyncd.conf",
                "/etc/supervisor/supervisord.conf",
                "/etc/supervisor/conf.d/*",
                "/etc/zabbix/zabbix_agent*.conf",
            ),
            "/etc/zabbix/zabbix_agent*.d/*",
        ),
        line=r"exec\s*=\s*\S|^\s*command\s*=\s*\S|UserParameter\s*=\s*\S|AllowKey\s*=\s*(\*|system\.run)"
        r"|EnableRemoteCommands\s*=\s*1",
        guarded=True,
    ),
)
