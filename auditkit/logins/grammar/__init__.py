"""What programs write of logins: PROGRAMS has one line per program; one file each says what its messages mean.

A message is what stands behind `program[pid]: `, decoded from UTF-8 with `surrogateescape`, with everything that whoever
connects could choose still in it: so each form is parsed from the end that he cannot reach.
"""

from collections.abc import Mapping

from auditkit.logins.grammar import daemons, desktops, doas, login, logind, pam, polkit, sshd, su, sudo, xrdp
from auditkit.logins.nouns import Parse, Said, What

PROGRAMS: Mapping[str, Parse] = {
    "agetty": login.getty,
    "chronyd": daemons.clock,
    "cockpit-session": desktops.cockpit,
    "cockpit-tls": desktops.cockpit,
    "cockpit-ws": desktops.cockpit,
    "doas": doas.parse,
    "elogind": logind.parse,
    "elogind-daemon": logind.parse,
    "gdm": desktops.screen,
    "gdm-password": desktops.screen,
    "gdm-password]": desktops.screen,
    "gdm-session-worker": desktops.screen,
    "gdm3": desktops.screen,
    "getty": login.getty,
    "kernel": daemons.kernel,
    "lightdm": desktops.screen,
    "login": login.parse,
    "mingetty": login.getty,
    "ntpd": daemons.clock,
    "ntpdate": daemons.clock,
    "PAM_pwdb": pam.old,
    "PAM_unix": pam.old,
    "pkexec": polkit.pkexec,
    "polkitd": polkit.daemon,
    "rsyslogd": daemons.rsyslogd,
    "sddm": desktops.screen,
    "sddm-helper": desktops.screen,
    "sshd": sshd.parse,
    "sshd-auth": sshd.parse,
    "sshd-session": sshd.parse,
    "su": su.parse,
    "su-l": su.parse,
    "sudo": sudo.parse,
    "sudoedit": sudo.parse,
    "syslog": daemons.syslogd,
    "syslog-ng": daemons.syslogd,
    "syslogd": daemons.syslogd,
    "systemd": daemons.systemd,
    "systemd-journal": daemons.journald,
    "systemd-journald": daemons.journald,
    "systemd-logind": logind.parse,
    "systemd-timesyncd": daemons.clock,
    "xrdp": xrdp.server,
    "xrdp-sesexec": xrdp.sesman,
    "xrdp-sesman": xrdp.sesman,
}
"""Name of a program, as its lines have it, to what reads its messages."""


def said(program: str, message: str) -> Said | None:
    """What a message of a program says: NOISE if it is of no interest, UNKNOWN if it is not understood.

    What PAM writes is understood in the lines of any program: `sshd[1]: pam_unix(sshd:auth): ...`, and of old
    `sshd(pam_unix)[1]: ...`. None is given for other messages of programs that tell nothing of logins.
    """
    if message.startswith(pam.BEGINNINGS):
        return pam.parse(message) or Said(What.UNKNOWN)
    parse = PROGRAMS.get(program)
    if parse is not None:
        return parse(message) or Said(What.UNKNOWN)
    if program.endswith(")"):
        return pam.named(program, message)
    return None
