"""What starts by itself: with the machine, at a time of day, or with the kernel."""

from auditkit.audits.persistence.entry import SHELL, Entry, entry, homes
from auditkit.model import Severity

_UNITS = (
    "/etc/systemd/system",
    "/usr/local/lib/systemd/system",
    "/etc/systemd/user",
    "/usr/local/lib/systemd/user",
    "/usr/local/share/systemd/user",
)
_RUN = (
    *("/run/systemd/system", "/run/systemd/transient", "/run/systemd/system.control", "/etc/systemd/system.control"),
    *("/etc/systemd/system.attached", "/run/systemd/system.attached", "/etc/systemd/user.control"),
)
_VENDOR_UNITS = ("/usr/lib/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/user", "/usr/share/systemd/user")
_USER_UNITS = homes(".config/systemd/user/**", ".config/systemd/user.control/**", ".local/share/systemd/user/**")
_EXEC = (
    r"^\s*(Exec\w+|Environment(File)?|SetCredential|Bind(ReadOnly)?Paths|Root(Directory|Image)|Extension(Images|Directories)"
    r"|MountImages)\s*=.*\S"
)
_COPY = "cp -a FILE FILE.before;"

STARTS: tuple[Entry, ...] = (
    entry(
        "cron",
        "T1053.003",
        "cron jobs",
        "A cron job that no package has brought",
        "cron runs it at its time, as the account that its line or its name says, whoever has logged in or not. Admins"
        " write such jobs, and so does whoever wants to come back: read each line, and know who wrote it.",
        "Turn one off: mv FILE /root/ (undo: mv it back); of an account: crontab -u NAME -l > /root/NAME.cron; crontab -u"
        " NAME -r (undo: crontab -u NAME /root/NAME.cron).",
        "crontab(5)",
        own=(
            *(
                "/etc/crontab",
                "/etc/anacrontab",
                "/etc/cron.d/*",
                "/etc/cron.hourly/*",
                "/etc/cron.daily/*",
                "/etc/cron.weekly/*",
            ),
            *("/etc/cron.monthly/*", "/var/spool/cron/crontabs/*", "/var/spool/cron/*"),
        ),
        line=SHELL,
        watched=("/etc/cron.allow", "/etc/cron.deny", "/var/spool/anacron/*"),
    ),
    entry(
        "at",
        "T1053.002",
        "at jobs",
        "A job waits for its time",
        "Somebody has left something to be done later, and few people still do that: each should be known to somebody. at runs"
        " it once, as the account that left it, with the environment of then.",
        "atq lists them, at -c NUMBER shows one; atrm NUMBER takes one away (no undo: keep what at -c says).",
        "at(1)",
        own=("/var/spool/cron/atjobs/*", "/var/spool/at/*", "/var/spool/atjobs/*"),
        line=r"^(?!umask [0-7]+$|[A-Za-z_]\w*=<hidden>; export |SHELL=[\w/]+; export SHELL$|PATH=[\w/:.-]+; export PATH$"
        r"|cd (?:\\.|\S)+ \|\| \{$|\s*echo 'Execution directory inaccessible' >&2$|\s*exit 1$|\}$)\s*\S",
        severity=Severity.MEDIUM,
        guarded=True,  # each holds the whole environment of who left it
        watched=("/etc/at.allow", "/etc/at.deny"),
    ),
    entry(
        "systemd-unit",
        "T1543.002",
        "units of systemd",
        "A unit of systemd that no package has brought",
        "systemd starts it with the machine, or when something asks for it, as root unless it says otherwise. Admins write"
        " their own units below /etc; below /usr/lib nobody but packages does, and in a home it runs with the first login.",
        "systemctl cat UNIT shows it; systemctl disable --now UNIT turns it off (undo: systemctl enable --now UNIT).",
        "systemd.unit(5)",
        "systemd.exec(5)",
        own=(*(f"{place}/**" for place in (*_UNITS, *_RUN)), "/run/user/*/systemd/transient/*", *_USER_UNITS),
        vendor=tuple(f"{place}/**" for place in _VENDOR_UNITS),
        line=_EXEC,
    ),
    entry(
        "systemd-timer",
        "T1053.006",
        "timers of systemd",
        "A timer of systemd that no package has brought",
        "Something runs at its times without anybody asking for it, and somebody should know why. A timer starts a unit as"
        " cron would, and stands in no crontab.",
        "systemctl list-timers --all shows them; systemctl disable --now NAME.timer (undo: systemctl enable --now NAME.timer).",
        "systemd.timer(5)",
        own=tuple(f"{place}/**/*.timer" for place in (*_UNITS, *_RUN)),
        vendor=tuple(f"{place}/**/*.timer" for place in _VENDOR_UNITS),
        line=r"^\s*(On\w+|Unit)\s*=.*\S",
    ),
    entry(
        "systemd-generator",
        "T1543.002",
        "generators of systemd",
        "A generator of systemd that no package has brought",
        "systemd runs it as root at every start and every daemon-reload, before anything else, to make units that stand in no"
        " file. Hardly anybody writes one.",
        f"{_COPY} chmod a-x FILE (undo: chmod a+x FILE), then restart at a time of your choice.",
        "systemd.generator(7)",
        own=(
            *(
                f"{place}/systemd/{kind}-generators/*"
                for place in ("/etc", "/run", "/usr/local/lib")
                for kind in ("system", "user")
            ),
            *(
                f"{place}/systemd/{kind}-environment-generators/*"
                for place in ("/etc", "/run", "/usr/local/lib")
                for kind in ("system", "user")
            ),
        ),
        vendor=tuple(
            f"/usr/lib/systemd/{kind}{end}/*"
            for kind in ("system", "user")
            for end in ("-generators", "-environment-generators")
        ),
        severity=Severity.HIGH,
        alien=Severity.HIGH,
    ),
    entry(
        "systemd-settings",
        "T1543.002",
        "settings of systemd and the kernel",
        "A setting makes files, accounts or programs at every start",
        "Something is put back at every start of the machine, whoever has taken it away. tmpfiles.d writes files and modes as"
        " root, sysusers.d makes accounts, sysctl.d and binfmt.d tell the kernel what to run, and Environment lines reach every"
        " service.",
        f"{_COPY} take the line out (undo: mv FILE.before FILE).",
        "tmpfiles.d(5)",
        "sysusers.d(5)",
        "sysctl.d(5)",
        "binfmt.d(5)",
        "systemd-system.conf(5)",
        own=(
            *("/etc/tmpfiles.d/*", "/run/tmpfiles.d/*", "/usr/local/lib/tmpfiles.d/*"),
            *("/etc/sysusers.d/*", "/run/sysusers.d/*", "/usr/local/lib/sysusers.d/*"),
            *("/etc/sysctl.conf", "/etc/sysctl.d/*", "/run/sysctl.d/*", "/usr/local/lib/sysctl.d/*"),
            *("/etc/binfmt.d/*", "/run/binfmt.d/*", "/etc/systemd/system.conf", "/etc/systemd/system.conf.d/*"),
            *("/etc/systemd/user.conf", "/etc/systemd/user.conf.d/*"),
        ),
        vendor=("/usr/lib/tmpfiles.d/*", "/usr/lib/sysusers.d/*", "/usr/lib/sysctl.d/*", "/usr/lib/binfmt.d/*"),
        line=r"^\s*[fFwCL][+!?=~^$-]*\s+\"?/(etc|root|home|usr|lib|bin|sbin|boot|var/spool/cron)/"
        r"|^\s*[fFCzZdDvqQ][+!?=~^$-]*\s+\S+\s+[:~]*0?[4-7][0-7]{3}\s|^\s*u[!-]*\s+\S+\s+\"?0\b"
        r"|^\s*kernel[./](core_pattern|modprobe|hotplug|poweroff_cmd)\s*=\s*\|?\s*/(?!(usr/)?bin/(true|false)\b)"
        r"|^:\S+:|^\s*(Default|Manager)Environment\s*=.*\bLD_",
        severity=Severity.MEDIUM,
    ),
    entry(
        "sysv",
        "T1037.004",
        "start scripts",
        "A start script that no package has brought",
        "init, or systemd in its place, runs it as root at every start. rc.local is run wherever it may be executed.",
        "update-rc.d NAME disable (undo: update-rc.d NAME enable); of rc.local: chmod a-x FILE (undo: chmod a+x FILE).",
        "init.d(7)",
        "systemd-rc-local-generator(8)",
        own=("/etc/init.d/*", "/etc/rc?.d/*", "/etc/rc.local", "/etc/rc.d/rc.local", "/etc/rc.common", "/etc/inittab"),
        vendor=("/etc/init/*.conf",),
        line=r"^\s*(?!#|exit 0|\. |:\s*$)\S",
    ),
    entry(
        "kernel-modules",
        "T1547.006",
        "modules of the kernel",
        "A module of the kernel that no package has brought",
        "A module may do whatever the kernel may, and hide what it does from all that runs above it. Those that DKMS builds are"
        " nobody's too: they lie below updates/dkms, with their source in /usr/src.",
        "modinfo FILE names its author; lsmod shows whether it is loaded. Keep it from being loaded: echo 'install NAME"
        " /bin/false' > /etc/modprobe.d/stop-NAME.conf (undo: rm that file). What may be hidden shows only from a rescue"
        " system.",
        "modprobe.d(5)",
        "modules-load.d(5)",
        vendor=("/usr/lib/modules/**/*.ko*", "/lib/modules/**/*.ko*"),
        read=False,
    ),
    entry(
        "module-settings",
        "T1547.006",
        "settings of the kernel's modules",
        "A file loads modules of the kernel, or runs programs when they are loaded",
        "What runs at the heart of the system is decided here, and not by its vendor. modules-load.d loads what it names at"
        " every start; an install line of modprobe.d runs any command as root in place of a module.",
        f"{_COPY} take the line out (undo: mv FILE.before FILE).",
        "modules-load.d(5)",
        "modprobe.d(5)",
        own=("/etc/modules", "/etc/modules-load.d/*", "/run/modules-load.d/*", "/etc/modprobe.d/*", "/run/modprobe.d/*"),
        vendor=("/usr/lib/modules-load.d/*", "/usr/lib/modprobe.d/*", "/lib/modprobe.d/*"),
        line=r"^\s*(install|remove)\s+\S+\s+(?!/bin/(true|false)\b)(?!/usr/bin/(true|false)\b)\S|^\s*[\w-]+\s*$",
    ),
    entry(
        "boot",
        "T1542.003",
        "parts of the boot",
        "A part of the boot that no package has brought",
        "It runs before everything that might look at it, so that nothing on the machine itself would tell of what it does."
        " Such files are parts of the initramfs and of GRUB, and hooks that run as root at the next update of the kernel.",
        f"{_COPY} chmod a-x FILE, then update-initramfs -u and update-grub (undo: chmod a+x FILE, and the same again).",
        "initramfs-tools(7)",
        "grub-mkconfig(8)",
        own=(
            *("/etc/initramfs-tools/**", "/etc/dracut.conf.d/*", "/etc/kernel/**", "/etc/grub.d/*", "/etc/default/grub"),
            *("/etc/default/grub.d/*", "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/grub/custom.cfg"),
            "/boot/loader/entries/*",
        ),
        vendor=(
            *("/usr/share/initramfs-tools/**", "/usr/lib/dracut/modules.d/**", "/usr/lib/systemd/system-shutdown/*"),
            *("/usr/lib/systemd/system-sleep/*", "/usr/lib/kernel/**"),
        ),
        line=r"^\s*(?!#|export\s|exit\s|[A-Za-z_]+=(?!.*\binit=)|menuentry|linux\s(?!.*\binit=)|[}{]|fi$|else$)[^\s#]",
        watched=("/boot/vmlinuz-*", "/boot/initrd.img-*", "/boot/efi/**"),
    ),
)
