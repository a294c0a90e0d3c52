"""What runs when something else happens: a device comes, a package is installed, the network goes up, a mail arrives."""

from auditkit.audits.persistence.entry import SHELL, Entry, entry, homes
from auditkit.model import Severity

_COPY = "cp -a FILE FILE.before;"
_OPENVPN = ("", "server/", "client/")
_OUT = f"{_COPY} take the line out (undo: mv FILE.before FILE)."

HOOKS: tuple[Entry, ...] = (
    entry(
        "udev",
        "T1546.017",
        "rules of udev",
        "A rule of udev runs a program, and no package has brought it",
        "Plugging something in, or starting the machine, runs a program that nobody has vouched for. udev runs it as root"
        " whenever a device comes that the rule fits: for some, at every start.",
        f"{_OUT} Then: udevadm control --reload.",
        "udev(7)",
        own=("/etc/udev/rules.d/*", "/run/udev/rules.d/*", "/usr/local/lib/udev/rules.d/*"),
        vendor=("/usr/lib/udev/rules.d/*", "/lib/udev/rules.d/*"),
        line=r"^[^#\n]*(\bRUN(\{\w+\})?\s*\+?=|\bPROGRAM\s*={1,2}|\bIMPORT\{program\}\s*={1,2}"
        r"|\bENV\{SYSTEMD_(USER_)?WANTS\}\s*\+?=)",
        severity=Severity.MEDIUM,
    ),
    entry(
        "apt-dpkg-hooks",
        "T1546.016",
        "hooks of apt and dpkg",
        "A hook of apt or dpkg that no package has brought",
        "Every update runs a program that nobody has vouched for. apt and dpkg run their hooks as root at the next update or"
        " installation, which on many machines is every night.",
        _OUT,
        "apt.conf(5)",
        "dpkg.cfg(5)",
        own=("/etc/apt/apt.conf", "/etc/apt/apt.conf.d/*", "/etc/dpkg/dpkg.cfg", "/etc/dpkg/dpkg.cfg.d/*"),
        line=r"(?i)^(?!\s*//|\s*#(?!include\b))[^\n]*(Pre-Invoke|Post-Invoke|Pre-Install-Pkgs|Post-Install-Pkgs|^status-logger"
        r"|\bDir::Bin::|\bProxy-?Auto-?Detect\b|\bCompressor::[^\n]*\bBinary\b|^\s*#include\s)",
        severity=Severity.MEDIUM,
        watched=(
            *("/var/lib/dpkg/info/*.preinst", "/var/lib/dpkg/info/*.postinst", "/var/lib/dpkg/info/*.prerm"),
            *("/var/lib/dpkg/info/*.postrm", "/etc/apt/sources.list", "/etc/apt/sources.list.d/*", "/etc/apt/trusted.gpg.d/*"),
            "/etc/apt/keyrings/*",
        ),
        judged="packages: where packages come from",
    ),
    entry(
        "yum-dnf",
        "T1546.016",
        "plugins of dnf and yum",
        "A plugin of dnf or yum that no package has brought",
        "Every look for updates runs code that nobody has vouched for. dnf and yum load their plugins as root whenever"
        " packages are looked up or installed.",
        f"{_COPY} write enabled=0 into its .conf (undo: mv FILE.before FILE).",
        "dnf.conf(5)",
        own=("/etc/yum/pluginconf.d/*", "/etc/dnf/plugins/*", "/etc/dnf/libdnf5-plugins/*"),
        vendor=(
            "/usr/lib/yum-plugins/*.py",
            "/usr/lib/python3*/site-packages/dnf-plugins/*.py",
            "/usr/lib64/libdnf5/plugins/*",
        ),
        watched=("/etc/yum.repos.d/*",),
    ),
    entry(
        "dbus",
        "T1543",
        "services of D-Bus",
        "A service of D-Bus that no package has brought",
        "Any program can start something here that nobody has vouched for. D-Bus starts a service whenever its name is asked"
        " for: as root, where it is one of the system bus.",
        f"{_COPY} mv FILE /root/ (undo: mv it back); systemctl reload dbus.",
        "dbus-daemon(1)",
        own=homes(".local/share/dbus-1/services/*"),
        vendor=(
            *("/usr/share/dbus-1/system-services/*", "/usr/share/dbus-1/services/*", "/usr/local/share/dbus-1/**"),
            *("/etc/dbus-1/**", "/usr/lib/dbus-1/**", "/usr/share/dbus-1/system.d/*"),
        ),
        line=r"^\s*Exec\s*=.*\S|<servicedir>\s*/|<allow\s+(own|send_destination)\s*=\s*[\"']\*[\"']",
        watched=("/run/dbus/system.d/*",),
    ),
    entry(
        "polkit",
        "T1548",
        "rules of polkit",
        "A rule of polkit says yes, and no package has brought it",
        "Somebody becomes the master of the machine without being asked for a password. The rule answers yes to whatever asks"
        " polkit, as pkexec and systemctl do.",
        _OUT,
        "polkit(8)",
        own=("/etc/polkit-1/**", "/var/lib/polkit-1/**", "/usr/local/share/polkit-1/**"),
        vendor=("/usr/share/polkit-1/**",),
        line=r"Result(Any|Inactive|Active)\s*=\s*yes|polkit\.(Result\.YES|spawn)|return\s+[\"']yes"
        r"|<allow_(any|inactive|active)>\s*yes",
        severity=Severity.MEDIUM,
    ),
    entry(
        "network-hooks",
        "T1546",
        "hooks of the network",
        "A hook of the network that no package has brought",
        "Whenever the network comes or goes, a program runs that nobody has vouched for. The hook is run as root for an"
        " interface that goes up or down: at every start, and with every lease.",
        "chmod a-x FILE (undo: chmod a+x FILE); of interfaces(5): take the line out.",
        "interfaces(5)",
        "NetworkManager-dispatcher(8)",
        own=(
            *(
                "/etc/NetworkManager/dispatcher.d/**",
                "/etc/network/if-*.d/*",
                "/etc/network/interfaces",
                "/etc/network/interfaces.d/*",
            ),
            *("/etc/dhcp/dhclient-*-hooks.d/*", "/etc/ppp/ip-*.d/*", "/etc/networkd-dispatcher/**"),
            *("/etc/dhcp/dhclient-*-hooks", "/etc/dhclient-*-hooks"),
            *("/etc/dhcpcd.enter-hook", "/etc/dhcpcd.exit-hook", "/etc/wpa_supplicant/*.sh"),
        ),
        vendor=("/usr/lib/NetworkManager/dispatcher.d/**", "/usr/lib/networkd-dispatcher/**"),
        line=r"^\s*(?!#|auto\s|allow-\w+\s|iface\s|source|no-\w|inherits\s|address\s|netmask\s|gateway\s|network\s|broadcast\s|dns-"
        r"|mtu\s|hwaddress\s|metric\s|vlan|bond|bridge|wpa-|wireless|pointopoint\s|scope\s|accept_ra|autoconf|privext|dhcp|media)\S",
    ),
    entry(
        "python-hooks",
        "T1546.018",
        "hooks of Python",
        "A file runs code in every Python, and no package has brought it",
        "Many tools of the system run this code without anybody having asked for it. A line of a .pth that begins with import,"
        " sitecustomize and usercustomize are run whenever Python starts.",
        f"{_COPY} mv FILE /root/ (undo: mv it back).",
        "Python's documentation: site",
        own=(
            *("/usr/local/lib/python3*/dist-packages/*.pth", "/usr/local/lib/python3*/site-packages/*.pth"),
            *(
                "/usr/local/lib/python3*/dist-packages/sitecustomize.py",
                "/usr/local/lib/python3*/site-packages/sitecustomize.py",
            ),
            *homes(".local/lib/python3*/site-packages/*.pth", ".local/lib/python3*/site-packages/*customize.py"),
            *(
                "/usr/local/lib/python3*/dist-packages/usercustomize.py",
                "/usr/local/lib/python3*/site-packages/usercustomize.py",
            ),
            "/etc/python3*/sitecustomize.py",
        ),
        vendor=(
            *("/usr/lib/python3*/dist-packages/*.pth", "/usr/lib/python3*/site-packages/*.pth"),
            *("/usr/lib/python3*/*customize.py", "/usr/lib/python3*/dist-packages/*customize.py"),
            *("/usr/lib/python3*/site-packages/*customize.py", "/usr/lib64/python3*/site-packages/*.pth"),
        ),
        line=r"^\s*(import|from)[ \t]",
    ),
    entry(
        "mail-aliases",
        "T1546",
        "addresses that are programs",
        "A mail starts a program",
        "Whoever can send a mail to that address starts a program on this machine. The mail server, or procmail, pipes the"
        " mail into it as the account that it is for.",
        f"{_OUT} Then: newaliases.",
        "aliases(5)",
        own=("/etc/aliases", "/etc/mail/aliases", *homes(".forward", ".procmailrc", ".qmail")),
        line=r"^(?!\s*#)[^\n]*(\|\s*\S|:include:\s*/(tmp|var/tmp|dev/shm)/)",
    ),
    entry(
        "misc-config",
        "T1574",
        "files that name programs or addresses",
        "A file of the system starts a program, or leads elsewhere",
        "A file of the system has been given something to start, or another way for its traffic. inetd and xinetd run a"
        " program for whoever connects, rsyslog and logrotate run one as root, an editor runs what its rc says, a line of"
        " /etc/hosts sends updates to another machine.",
        _OUT,
        "inetd.conf(5)",
        "logrotate(8)",
        "hosts(5)",
        own=(
            *(
                "/etc/inetd.conf",
                "/etc/xinetd.d/*",
                "/etc/rsyslog.conf",
                "/etc/rsyslog.d/*",
                "/etc/logrotate.d/*",
                "/etc/hosts",
                "/etc/samba/smb.conf",
            ),
            *("/etc/vim/vimrc", "/etc/vim/vimrc.local", *homes(".vimrc", ".vim/plugin/*")),
            *("/etc/php/*/*/php.ini", "/etc/php/*/*/conf.d/*.ini", "/etc/php.ini", "/etc/php.d/*.ini"),
        ),
        line=r"^\s*\w+\s+(stream|dgram)\s.*\S|^\s*server\s*=|\bomprog\b|^\S+\s+\^/|^\s*auto_(ap|pre)pend_file\s*=\s*[^\s;]"
        r"|^\s*[0-9a-f.:]+\s+.*\b(deb|security|archive|ftp)\.(debian|ubuntu)\b"
        r"|^\s*(au(tocmd)?!?\s.*(!|system\()|call\s+system\()"
        r"|^\s*(?i:(root )?(pre|post)exec|magic script|add share command|dfree command|message command)\s*=\s*\S",
        watched=(
            "/etc/resolv.conf",
            "/usr/share/ca-certificates/**",
            "/etc/ssl/certs/*",
        ),
        judged="kernel: core_pattern and binfmt_misc",
    ),
    entry(
        "named-programs",
        "T1546",
        "settings that name programs",
        "Settings of a service that no package has brought name programs",
        "Something that others start, or that anybody can cause, runs a program that was written into its settings. A mail"
        " server pipes mails into it, auditd, snmpd and fail2ban start it, ssh runs it to connect, OpenSSL loads it.",
        _OUT,
        "master(5)",
        "snmpd.conf(5)",
        "ssh_config(5)",
        own=(
            *("/etc/postfix/master.cf", "/etc/snmp/snmpd.conf", "/etc/snmp/snmpd.conf.d/*", "/etc/audit/plugins.d/*"),
            *("/etc/audisp/plugins.d/*", "/etc/fail2ban/action.d/*", "/etc/ssl/openssl.cnf"),
            *("/etc/ssh/ssh_config", "/etc/ssh/ssh_config.d/*", *homes(".ssh/config")),
        ),
        calm=False,
        watched=("/etc/audit/**",),
    ),
    entry(
        "vpn-hooks",
        "T1546",
        "hooks of VPNs",
        "A tunnel that goes up or down runs a program",
        "Whenever the tunnel comes or goes, or somebody connects to it, a command runs that nobody has vouched for. wg-quick"
        " and OpenVPN run it as root unless they are told otherwise; such lines set routes and firewalls, and start anything"
        " else as well. Of these files auditkit takes just such lines, and no key.",
        _OUT,
        "wg-quick(8)",
        "openvpn(8)",
        own=("/etc/wireguard/*.conf", *(f"/etc/openvpn/{place}*.{end}" for place in _OPENVPN for end in ("conf", "ovpn"))),
        line=r"\S",
        guarded=True,
    ),
    entry(
        "log-programs",
        "T1546",
        "programs that logs go to",
        "A message in the log starts a program",
        "What is written to the log, which strangers can cause, goes to a program that nobody has vouched for. syslog-ng starts"
        " what stands in program(), with its own rights, and keeps it running.",
        f"{_OUT} Then: syslog-ng-ctl reload.",
        "syslog-ng.conf(5)",
        own=("/etc/syslog-ng/syslog-ng.conf", "/etc/syslog-ng/conf.d/*"),
        line=r"\S",
        guarded=True,
    ),
    entry(
        "askpass-programs",
        "T1546",
        "programs that wget asks for a password",
        "wget runs a program of its settings",
        "Whoever fetches something with wget runs another program, without being told. It stands in use_askpass, and gets to"
        " know which addresses are asked for.",
        _OUT,
        "wget(1)",
        own=("/etc/wgetrc", *homes(".wgetrc")),
        line=r"=\s*\S",
        guarded=True,
    ),
    entry(
        "pip-index",
        "T1195.001",
        "where pip gets packages from",
        "pip takes packages from another place than PyPI",
        "What is installed with pip may be somebody else's, and it runs as soon as it is. An index of the own house is no"
        " mistake; of an extra index pip takes whatever has the higher version, and with trusted-host nobody shows who he is.",
        f"{_OUT} pip config list shows what holds.",
        "pip-config(1)",
        own=("/etc/pip.conf", "/etc/xdg/pip/pip.conf", *homes(".pip/pip.conf", ".config/pip/pip.conf")),
        line=r"(?i)^\s*trusted[_-]host\s*[=:]\s*\S|^[^#;]*\b(?:https?|ftp|git\+\w+)://(?!(?:<hidden>@)?(?:pypi\.org|pypi\.python\.org"
        r"|files\.pythonhosted\.org|localhost|127\.[0-9.]+|10\.[0-9.]+|192\.168\.[0-9.]+|172\.(?:1[6-9]|2[0-9]|3[01])\.[0-9.]+)(?:[:/]|\s|$))",
        guarded=True,
    ),
    entry(
        "unpackaged-bin",
        "T1036.005",
        "programs",
        "A program that no package has brought",
        "It was put there by hand, by a tool that is no package manager, or by somebody who wanted it to look like one of the"
        " system's. Below /usr/local people put their own; in /usr/bin and /usr/sbin nobody but packages does.",
        "See what it is: file FILE; sha256sum FILE. mv FILE /root/ takes it away (undo: mv it back).",
        "file-hierarchy(7)",
        vendor=(
            *("/usr/bin/*", "/usr/sbin/*", "/bin/*", "/sbin/*", "/usr/games/*", "/usr/libexec/**", "/usr/lib/systemd/*"),
            *("/usr/lib/openssh/*", "/usr/lib/sudo/*", "/usr/lib/polkit-1/*", "/usr/lib/dbus-1.0/*", "/usr/lib/apt/**"),
        ),
        read=False,
        watched=("/usr/local/bin/*", "/usr/local/sbin/*", "/opt/**"),
        judged="privileged: /tmp, /var/tmp, /dev/shm, /run and directories that hide",
    ),
    entry(
        "containers",
        "T1610",
        "containers",
        "A manifest of a container that no package has brought",
        "A container runs here that nobody who runs the cluster has asked for. kubelet starts what lies in this directory,"
        " whatever the cluster says; systemd does the same for Quadlet files.",
        f"{_COPY} mv FILE /root/ (undo: mv it back).",
        "kubelet(8)",
        own=(
            *("/etc/kubernetes/manifests/*", "/etc/containers/systemd/**", "/run/containers/systemd/**"),
            *homes(".config/containers/systemd/**"),
        ),
        vendor=("/usr/share/containers/systemd/**",),
        line=SHELL,
        severity=Severity.INFO,
        watched=("/etc/docker/daemon.json",),
        judged="containers: how each was started",
    ),
)
