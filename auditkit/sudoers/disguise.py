"""Programs that give root to whoever may run them as root, and why: editors that run shells, tools that write any file.

Kept by hand from the programs' own manuals, where they tell how another program is started or which file is written.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from auditkit.sudoers.nouns import Kind, Member

FREE, BARE, FIXED = "free", "bare", "fixed"
"""With words that the caller chooses, with none at all, with words that are given."""


@dataclass(frozen=True, slots=True)
class Class:
    """Programs that give root in the same way."""

    why: str
    when: frozenset[str]
    names: frozenset[str]
    reads: bool = False
    """Whether it only reads: all secrets, but no root by itself."""


PAGES = "runs programs from within (!sh)"
TABLE = """\
is a shell | free bare
    sh bash dash zsh ksh mksh csh tcsh fish ash rbash busybox toybox lksh yash pwsh
runs any code it is given | free bare
    python python2 python3 pypy3 perl ruby irb node nodejs php lua luajit tclsh wish expect gawk awk mawk nawk
    original-awk jshell groovy scala guile gdb julia R Rscript octave ghci jrunscript jjs bpython ipython3 rake cpan
runs programs from within (:!sh) | free bare fixed
    vi vim vim.basic vim.tiny nvim view rvim ex vimdiff rview ed emacs
edits any file, and runs programs from within | free bare fixed
    nano pico joe jed mcedit mc micro kak ne mg vipw vigr visudo
runs programs from within (!sh) | free bare fixed
    less more most man pager lynx w3m links elinks info ftp sftp mail mutt
runs any program it is given | free
    env find fd fdfind xargs nice ionice nohup timeout time strace ltrace perf setsid stdbuf taskset chrt unshare
    nsenter chroot capsh setpriv setarch linux32 linux64 flock watch parallel start-stop-daemon run-parts systemd-run ip
    nmap tcpdump tshark socat nc ncat nc.openbsd nc.traditional ssh scp rsync git hg svn openvpn logrotate cpulimit
    faketime fakeroot daemonize softlimit prlimit numactl firejail bwrap valgrind gcore dstat at batch task-spooler sudo
    doas pkexec runuser service ld.so ansible ansible-playbook puppet chef-client salt-call make cmake gcc g++ cc ld go
    cargo java mvn gradle
opens a session as root | free bare
    su login machinectl runuser script screen tmux byobu dtach minicom newgrp sg
opens a session as root | fixed
    screen tmux byobu script
runs commands of the directory it is started in | bare
    make rake
writes any file, /etc/shadow and /etc/sudoers too | free
    cp mv ln dd tee install rsync cpio tar bsdtar zip unzip 7z 7za 7zr ar sed sponge patch truncate split csplit shred
    wget curl aria2c openssl gzip xz sort diff3 cpio shuf uniq iconv gpg gpg2 rclone debugfs mkfifo rename qpdf sqlite3
    msgfmt mktemp aa-exec
changes whose a file is, or who may write to it | free
    chmod chown chgrp setfacl chattr setcap
installs packages, whose scripts run as root | free
    dpkg apt apt-get aptitude rpm yum dnf microdnf zypper pacman apk snap flatpak
installs packages, whose scripts run as root | free
    pip pip3 gem npm yarn pnpm cpanm easy_install composer pipx brew emerge nix-env
starts containers, which may have the whole disk | free
    docker docker-compose podman nerdctl ctr crictl lxc lxc-attach lxc-start incus kubectl k3s microk8s runc crun
    buildah systemd-nspawn
changes units, which run as root | free
    systemctl update-rc.d initctl
changes accounts and passwords, root's too | free
    usermod useradd adduser groupadd groupmod addgroup gpasswd chpasswd passwd chsh newusers
changes the password of root | bare
    passwd chpasswd newusers
adds commands that run as root | free bare
    crontab at batch
mounts over any directory, or makes the kernel run other code | free
    mount insmod modprobe kexec losetup fusermount swapon sysctl
runs programs from within (\\!) | free bare
    mysql mariadb psql sqlite3 mongo mongosh redis-cli virsh gdb cdrecord nslookup dbus-send
writes to any disk | free bare
    debugfs fdisk parted mkfs mke2fs e2image xfs_db
runs hooks that it is given | free
    certbot dhclient wpa_supplicant pppd snapper borg restic rdiff-backup rsnapshot update-alternatives
reads any file, /etc/shadow and private keys too | free reads
    cat tac head tail nl od xxd hexdump hd base32 base64 basenc strings grep egrep fgrep zgrep rg cut paste pr fold fmt
    rev tr wc diff cmp comm join look column expand unexpand zcat bzcat xzcat date file jq yq dmidecode getfacl readelf
    objdump ss arp uuencode genisoimage mkisofs journalctl
"""
"""Why, and with which words, programs give root; below it their names."""


def _classes() -> tuple[Class, ...]:
    told: list[Class] = []
    for row in TABLE.splitlines():
        if not row.startswith(" "):
            why, _bar, when = row.partition(" | ")
            told.append(Class(why, frozenset(when.split()), frozenset(), "reads" in when.split()))
        else:
            told[-1] = replace(told[-1], names=told[-1].names | frozenset(row.split()))
    return tuple(told)


CLASSES = _classes()
SENSITIVE = (
    *(
        "/etc/passwd",
        "/etc/shadow",
        "/etc/group",
        "/etc/gshadow",
        "/etc/sudoers*",
        "/etc/doas.conf",
        "/etc/pam.d/*",
        "/etc/crontab",
    ),
    *("/etc/cron*", "/etc/systemd/*", "/etc/ld.so*", "/etc/profile*", "/etc/bash*", "/etc/ssh/*", "/etc/rc*", "/etc/init*"),
    *(
        "/root/*",
        "/usr/*",
        "/bin/*",
        "/sbin/*",
        "/lib/*",
        "/boot/*",
        "/etc/udev/*",
        "/etc/apt/*",
        "/etc/environment",
        "/etc/fstab",
    ),
)
"""Files that make root of whoever may edit them."""
SCRIPTS = ("is a shell", "runs any code it is given")
_WILD = re.compile(r"(?<!\\)[*?\[]")
_VERSION = re.compile(r"[-.]?[0-9][0-9.]*$")
_SHELL_DIRECTORIES = ("/", "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
_VERBS = (
    "start",
    "stop",
    "restart",
    "reload",
    "try-restart",
    "status",
    "is-active",
    "is-enabled",
    "is-failed",
    "show",
    "daemon-reload",
)
"""Of systemctl, those that change no unit: which one they are given does not matter."""
EDITS = "edits any file, /etc/sudoers too"


def given(command: Member) -> str:
    """How far the words of a command are chosen by the caller."""
    words = command.arguments
    if words is None:
        return FREE
    if not words:
        return BARE
    return FREE if _WILD.search(words) or (words.startswith("^") and re.search(r"[.\[*+?]", words)) else FIXED


def why(command: Member) -> tuple[str, bool] | None:
    """Why a command is as good as root, and whether it only reads; None where the table knows no way."""
    if command.kind is not Kind.COMMAND:
        return None
    path, how = command.text, given(command)
    if path == "sudoedit":
        return _edited(command, how)
    if path.startswith("^"):
        return "is a pattern of paths, which may fit any program", False
    directory, _slash, name = path.rstrip("/").rpartition("/")
    if path.endswith("/"):
        return _whole(path.rstrip("/") or "/")
    if name in ("*", "?*") and not _WILD.search(directory):
        return _whole(directory)
    if _WILD.search(directory):
        return "has a wildcard in its directory", False
    if name == "systemctl" and (command.arguments or "").partition(" ")[0] in _VERBS:
        return None
    return next(_ways(name, how), None)


def _whole(directory: str) -> tuple[str, bool] | None:
    return ("is every program of the directory, shells too", False) if directory in _SHELL_DIRECTORIES else None


def _edited(command: Member, how: str) -> tuple[str, bool] | None:
    if how != FIXED:
        return EDITS, False
    files = (command.arguments or "").split(" ")
    risky = [file for file in files if any(fnmatchcase(file, pattern) for pattern in SENSITIVE)]
    return (f"edits {risky[0][:80]}, which makes root of whoever writes it", False) if risky else None


def _ways(name: str, how: str) -> Iterator[tuple[str, bool]]:
    """Yield each way that the table knows, those to root first."""
    for each in CLASSES:
        hit = next((known for known in _names(name) if known in each.names), None)
        if hit is None and _WILD.search(name):
            hit = next((known for known in sorted(each.names) if fnmatchcase(known, name)), None)
        if hit is not None and how in each.when:
            yield each.why, each.reads


def _names(name: str) -> tuple[str, ...]:
    """A name, and it without a version: `python3.11`, `vim.basic`."""
    return name, _VERSION.sub("", name)


def scripts(command: Member) -> tuple[str, ...]:
    """The files that a command is given to run, where it is a shell or the like with words that are fixed."""
    name = command.text.rpartition("/")[2]
    runs = any(each.why in SCRIPTS and not each.names.isdisjoint(_names(name)) for each in CLASSES)
    words = (command.arguments or "").split(" ") if runs else []
    return tuple(word for word in words if word.startswith("/") and not _WILD.search(word))
