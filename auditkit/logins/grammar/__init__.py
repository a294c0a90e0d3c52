"""What programs write of logins: PROGRAMS has one line per program; one file each says what its messages mean.

A message is what stands behind `program[pid]: `, decoded from UTF-8 with `surrogateescape`, with everything that whoever
connects could choose still in it: so each form is parsed from the end that he cannot reach.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

from auditkit.logins.grammar import (
    accounts,
    appliances,
    cron,
    daemons,
    desktops,
    doas,
    dovecot,
    dropbear,
    exim,
    ftpd,
    login,
    logind,
    mailboxes,
    pam,
    polkit,
    postfix,
    proftpd,
    pureftpd,
    remote,
    samba,
    sendmail,
    sshd,
    su,
    sudo,
    tinyssh,
    vpn,
    vsftpd,
    webmin,
    xrdp,
)
from auditkit.logins.nouns import Parse, Said, What

PROGRAMS: Mapping[str, Parse] = {
    "/usr/sbin/cron": cron.parse,
    "/USR/SBIN/CRON": cron.parse,
    "addgroup": accounts.parse,
    "adduser": accounts.parse,
    "agetty": login.getty,
    "anacron": cron.parse,
    "at": cron.parse,
    "atd": cron.parse,
    "audit": appliances.firewall,
    "auth": dovecot.auth,
    "auth-worker": dovecot.auth,
    "chage": accounts.parse,
    "chfn": accounts.parse,
    "chgpasswd": accounts.parse,
    "chpasswd": accounts.parse,
    "chronyd": daemons.clock,
    "chsh": accounts.parse,
    "cockpit-session": desktops.cockpit,
    "cockpit-tls": desktops.cockpit,
    "cockpit-ws": desktops.cockpit,
    "Connection": appliances.synology,
    "courierpop3d": mailboxes.parse,
    "courierpop3login": mailboxes.parse,
    "CRON": cron.parse,
    "cron": cron.parse,
    "crond": cron.parse,
    "crontab": cron.parse,
    "delgroup": accounts.parse,
    "deluser": accounts.parse,
    "doas": doas.parse,
    "dovecot": dovecot.parse,
    "dovecot-auth": dovecot.auth,
    "dropbear": dropbear.parse,
    "eklogind": remote.parse,
    "elogind": logind.parse,
    "elogind-daemon": logind.parse,
    "exim": exim.parse,
    "exim4": exim.parse,
    "fcron": cron.parse,
    "ftpd": ftpd.parse,
    "gdm": desktops.screen,
    "gdm-password": desktops.screen,
    "gdm-password]": desktops.screen,
    "gdm-session-worker": desktops.screen,
    "gdm3": desktops.screen,
    "getty": login.getty,
    "gpasswd": accounts.parse,
    "groupadd": accounts.parse,
    "groupdel": accounts.parse,
    "groupmems": accounts.parse,
    "groupmod": accounts.parse,
    "imap": mailboxes.parse,
    "imap-login": dovecot.login,
    "imapd": mailboxes.parse,
    "imapd-ssl": mailboxes.parse,
    "imaplogin": mailboxes.parse,
    "imaps": mailboxes.parse,
    "in.rlogind": remote.parse,
    "in.rshd": remote.parse,
    "in.telnetd": remote.parse,
    "Info": dovecot.own,
    "ipop3d": mailboxes.parse,
    "in.ftpd": ftpd.parse,
    "kernel": daemons.kernel,
    "klogind": remote.parse,
    "krshd": remote.parse,
    "kshd": remote.parse,
    "lightdm": desktops.screen,
    "login": login.parse,
    "managesieve-login": dovecot.login,
    "mingetty": login.getty,
    "newusers": accounts.parse,
    "ntpd": daemons.clock,
    "ntpdate": daemons.clock,
    "openvpn": vpn.openvpn,
    "opnsense": appliances.firewall,
    "PAM_pwdb": pam.old,
    "PAM_unix": pam.old,
    "passwd": accounts.parse,
    "php-fpm": appliances.firewall,
    "pkexec": polkit.pkexec,
    "pmgdaemon": appliances.proxmox,
    "pmgproxy": appliances.proxmox,
    "polkitd": polkit.daemon,
    "pop3": mailboxes.parse,
    "pop3-login": dovecot.login,
    "pop3d": mailboxes.parse,
    "pop3d-ssl": mailboxes.parse,
    "pop3login": mailboxes.parse,
    "pop3s": mailboxes.parse,
    "pppd": vpn.ppp,
    "pptpd": vpn.ppp,
    "proftpd": proftpd.parse,
    "proxmox-backup-api": appliances.proxmox,
    "proxmox-backup-proxy": appliances.proxmox,
    "pure-ftpd": pureftpd.parse,
    "pvedaemon": appliances.proxmox,
    "pveproxy": appliances.proxmox,
    "qlogd": appliances.qnap,
    "qulogd": appliances.qnap,
    "rlogind": remote.parse,
    "rshd": remote.parse,
    "rsyslogd": daemons.rsyslogd,
    "samba": samba.parse,
    "saslauthd": sendmail.saslauthd,
    "screensharingd": appliances.screen_sharing,
    "sddm": desktops.screen,
    "sddm-helper": desktops.screen,
    "sendmail": sendmail.parse,
    "sm-acceptingconnections": sendmail.parse,
    "sm-mta": sendmail.parse,
    "sieve": mailboxes.parse,
    "smbd": samba.parse,
    "smbd_audit": samba.parse,
    "sshd": sshd.parse,
    "sshd-auth": sshd.parse,
    "sshd-session": sshd.parse,
    "su": su.parse,
    "su-l": su.parse,
    "submission-login": dovecot.login,
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
    "telnetd": remote.parse,
    "timsieved": mailboxes.parse,
    "tinysshd": tinyssh.parse,
    "tinysshnoneauthd": tinyssh.parse,
    "useradd": accounts.parse,
    "userdel": accounts.parse,
    "usermin": webmin.parse,
    "usermod": accounts.parse,
    "vigr": accounts.parse,
    "vipw": accounts.parse,
    "vsftpd": vsftpd.parse,
    "Warning": dovecot.own,
    "webmin": webmin.parse,
    "wu-ftpd": ftpd.parse,
    "wuftpd": ftpd.parse,
    "xrdp": xrdp.server,
    "xrdp-sesexec": xrdp.sesman,
    "xrdp-sesman": xrdp.sesman,
}
"""Name of a program, as its lines have it, to what reads its messages."""

FAMILIES: tuple[tuple[re.Pattern[str], Parse], ...] = (
    (re.compile(r"postfix[\w-]*(?:/[\w-]+)*/smtpd"), postfix.smtpd),
    (re.compile(r"cyrus[\w-]*/\w+"), mailboxes.parse),
    (re.compile(r"(?:ovpn|openvpn)[-@.].*"), vpn.openvpn),
    (re.compile(r"gdm-.*"), desktops.screen),
    (re.compile(r"rsyslogd[0-9-]+"), daemons.rsyslogd),
    (re.compile(r"(?:login )?-- .*"), login.parse),
    (re.compile(r"[\w.@-]*sshd[\w.@-]*"), sshd.parse),
    (re.compile(r"auth(?:-worker)?\(\w*\)"), dovecot.auth),
)
"""The same for programs whose names tell the service or the configuration too."""


STAGE = " [preauth]"
"""What sshd puts behind what it logs for its unprivileged process, PAM's lines too."""


@lru_cache(4096)
def grammar_of(program: str) -> Parse | None:
    """What reads the messages of a program; None for one that tells nothing of logins, but for what PAM writes in its name."""
    found = PROGRAMS.get(program) or next((parse for names, parse in FAMILIES if names.fullmatch(program)), None)
    return found or (PROGRAMS.get(program.rpartition("/")[2]) if program.startswith("/") else None)


def said(program: str, message: str) -> Said | None:
    """What a message of a program says: NOISE if it is of no interest, UNKNOWN if it is not understood.

    What PAM writes is understood in the lines of any program: `sshd[1]: pam_unix(sshd:auth): ...`, and of old
    `sshd(pam_unix)[1]: ...`. None is given for other messages of programs that tell nothing of logins.
    """
    by_pam = message.startswith(pam.BEGINNINGS)
    if by_pam and (told := pam.parse(message) or pam.parse(message.removesuffix(STAGE))):
        return told
    parse = grammar_of(program)
    if parse is not None:
        return parse(message) or Said(What.UNKNOWN)
    if program.endswith(")"):
        return pam.named(program, message)
    return Said(What.UNKNOWN) if by_pam else None


def said_by_any(program: str, message: str) -> Said | None:
    """The same, and who was let in or kept out where a program of any name writes as sshd does: whoever starts it, names it.

    It is for sources that have nothing but that name: a journal knows the program itself.
    """
    told = said(program, message)
    if told is None and message.startswith(("Accepted ", "Failed ")):
        by_sshd = sshd.parse(message)
        return by_sshd if by_sshd is None or by_sshd.port is not None else Said(What.UNKNOWN)
    return told
