"""What runs when somebody logs in, and what lets somebody in."""

from auditkit.audits.persistence.entry import SHELL, Entry, entry, homes
from auditkit.model import Severity

_COPY = "cp -a FILE FILE.before;"
_RC = (
    *(".profile", ".bashrc", ".bash_profile", ".bash_login", ".bash_logout", ".bash_aliases", ".zshrc", ".zprofile", ".zlogin"),
    *(
        ".zshenv",
        ".zlogout",
        ".kshrc",
        ".cshrc",
        ".tcshrc",
        ".login",
        ".logout",
        ".config/fish/config.fish",
        ".config/fish/conf.d/*",
        ".pam_environment",
        ".config/environment.d/*",
        ".bash_completion",
        ".inputrc",
        ".tmux.conf",
        ".screenrc",
        ".gdbinit",
        ".emacs",
        ".emacs.d/init.el",
        ".config/plasma-workspace/env/*",
    ),
)
_SYSTEM_RC = (
    *("/etc/profile", "/etc/profile.d/*", "/etc/bash.bashrc", "/etc/bash.bash_logout", "/etc/bashrc", "/etc/environment"),
    *("/etc/zsh/*", "/etc/zshenv", "/etc/zshrc", "/etc/zprofile", "/etc/zlogin", "/etc/csh.*", "/etc/fish/config.fish"),
    *("/etc/fish/conf.d/*", "/etc/skel/.*", "/etc/bash_completion.d/*", "/etc/inputrc"),
    *("/etc/environment.d/*", "/usr/local/lib/environment.d/*", "/etc/security/pam_env.conf"),
    *("/etc/X11/Xsession.d/*", "/etc/X11/xinit/xinitrc.d/*", "/etc/X11/Xsession.options", "/etc/default/*"),
)

LOGINS: tuple[Entry, ...] = (
    entry(
        "shell-rc",
        "T1546.004",
        "files that shells read",
        "A file that every shell reads, and that no package has brought",
        "Each login, and often each command, runs it as whoever logs in, root too. People keep aliases there; who wants to come"
        " back, or to catch a password, puts one line more.",
        f"{_COPY} take the line out (undo: mv FILE.before FILE).",
        "bash(1) INVOCATION",
        "environment(5)",
        own=(*_SYSTEM_RC, *homes(*_RC)),
        calm=False,
        watched=(*homes(".ssh/environment", ".ssh/rc"), "/etc/ssh/sshrc"),
        judged="ssh: ~/.ssh/rc, ~/.ssh/environment and sshrc",
    ),
    Entry(
        "ssh-keys",
        "T1098.004",
        "keys that let in over SSH",
        watched=(*homes(".ssh/authorized_keys*"), "/etc/ssh/**"),
        judged="ssh",
    ),
    Entry(
        "users",
        "T1136.001",
        "accounts",
        watched=(
            *("/etc/passwd", "/etc/passwd-", "/etc/shadow", "/etc/shadow-", "/etc/group", "/etc/group-", "/etc/gshadow"),
            *("/etc/gshadow-", "/etc/subuid", "/etc/shells"),
        ),
        judged="accounts",
    ),
    Entry(
        "sudoers",
        "T1548.003",
        "rules of sudo and doas",
        watched=("/etc/sudoers", "/etc/sudoers.d/*", "/etc/doas.conf", "/etc/doas.d/*", "/var/lib/sudo/lectured/*"),
        judged="accounts",
    ),
    entry(
        "pam",
        "T1556.003",
        "modules of PAM",
        "A module of PAM that no package has brought",
        "It runs as root in whatever asks for a password, and is given each one. A module that knows a password of its own is a"
        " common way to stay.",
        "grep -r NAME.so /etc/pam.d shows what loads it. Keep a root session open; cp -a /etc/pam.d /root/pam.d.before;"
        " take the lines out (undo: cp -a /root/pam.d.before/. /etc/pam.d/).",
        "pam.conf(5)",
        vendor=(
            "/usr/lib/security/*",
            "/usr/lib64/security/*",
            "/lib/security/*",
            "/usr/lib/*/security/*",
            "/lib/*/security/*",
        ),
        read=False,
        severity=Severity.HIGH,
        alien=Severity.HIGH,
        watched=("/etc/pam.d/*", "/etc/pam.conf", "/etc/security/*", "/usr/share/pam-configs/*"),
        judged="ssh: what PAM asks of who logs in over SSH; pam-lines: the lines of every service",
    ),
    entry(
        "nss-modules",
        "T1556",
        "modules of the name service",
        "A module of the name service that no package has brought",
        "Whatever asks who somebody is runs this code, and it may make accounts up. glibc loads libnss_NAME.so into every"
        " program that looks a name up, root's too, where nsswitch.conf names it.",
        f"grep NAME /etc/nsswitch.conf shows whether it is in force. {_COPY} take NAME out of nsswitch.conf (undo: mv"
        " FILE.before FILE).",
        "nsswitch.conf(5)",
        vendor=("/usr/lib/*/libnss_*", "/usr/lib64/libnss_*", "/usr/lib/libnss_*", "/lib/*/libnss_*", "/lib64/libnss_*"),
        read=False,
        severity=Severity.HIGH,
        alien=Severity.HIGH,
        watched=("/etc/nsswitch.conf",),
    ),
    entry(
        "motd",
        "T1037",
        "scripts of the greeting",
        "A script of the greeting that no package has brought",
        "Somebody's program runs as the master of the machine whenever anybody logs in. pam_motd runs the scripts of"
        " update-motd.d as root at each login.",
        "chmod a-x FILE (undo: chmod a+x FILE).",
        "update-motd(5)",
        own=("/etc/update-motd.d/*",),
        vendor=("/usr/lib/update-motd.d/*",),
        line=SHELL,
    ),
    entry(
        "xdg",
        "T1547.013",
        "programs that a desktop starts",
        "A program that a desktop starts, and that no package has brought",
        "A program that nobody has installed with the system runs whenever somebody sits down at this machine. Every session"
        " of a desktop starts it from autostart, as whoever has logged in.",
        "Add Hidden=true to it (undo: take that line out).",
        "Desktop Application Autostart Specification",
        own=(
            "/etc/xdg/autostart/*",
            *homes(".config/autostart/*", ".config/autostart-scripts/*", ".kde/Autostart/*", ".local/share/autostart/*"),
            *homes(".xinitrc", ".xprofile", ".xsession", ".xsessionrc"),
        ),
        vendor=("/usr/share/autostart/*", "/usr/share/gnome/autostart/*"),
        line=r"^\s*Exec\s*=.*\S",
    ),
    entry(
        "ld-preload",
        "T1574.006",
        "settings of the loader",
        "A directory of libraries that no package has named",
        "Programs of this machine may run code that did not come with them. ld.so looks in these directories for the libraries"
        " of every program, and what is found first takes the place of the system's.",
        f"{_COPY} mv FILE /root/, then ldconfig (undo: mv it back, and ldconfig).",
        "ldconfig(8)",
        own=("/etc/ld.so.conf", "/etc/ld.so.conf.d/*"),
        line=r"^\s*(include\s+(?!(/etc/)?ld\.so\.conf\.d/)|/(?!usr/|lib|opt/))\S*",
        watched=("/etc/ld.so.preload", "/etc/environment", "/lib*/ld-linux*", "/usr/lib*/ld-linux*"),
        judged="preload: /etc/ld.so.preload",
    ),
    entry(
        "git-hooks",
        "T1546",
        "hooks of git",
        "A hook of git in a repository that the system or a person works with",
        "Work that looks harmless can start somebody else's program. git runs a hook at each commit, pull or push, as whoever"
        " does that: root, where etckeeper or a deployment does.",
        "chmod a-x FILE (undo: chmod a+x FILE).",
        "githooks(5)",
        "git-config(1)",
        own=(
            *("/etc/.git/hooks/*", "/srv/*/.git/hooks/*", "/opt/*/.git/hooks/*", "/var/www/*/.git/hooks/*", "/etc/gitconfig"),
            *("/etc/.git/config", "/srv/*/.git/config", "/opt/*/.git/config", "/var/www/*/.git/config"),
            *homes(".git/hooks/*", "*/.git/hooks/*", "*/*/.git/hooks/*", ".gitconfig", ".config/git/config"),
            *homes(".git/config", "*/.git/config"),
        ),
        vendor=("/usr/share/git-core/templates/hooks/*", "/usr/local/share/git-core/templates/hooks/*"),
        line=r"^\s*(pager|hooksPath|fsmonitor|sshCommand|askPass|editor)\s*=\s*\S*[/;|&$`]|^\s*\w+\s*=\s*\"?!",
        severity=Severity.INFO,
    ),
)
