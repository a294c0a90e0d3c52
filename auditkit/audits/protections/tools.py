"""What may watch a machine: each tool with its program, its units of systemd and the names its processes have.

A process has the first 15 bytes of its name: proc_pid_comm(5).
"""

from dataclasses import dataclass

BRAKE = "brute-force brake"
FIREWALL = "firewall"
LOG = "log"
OFF_HOST = "log off-host"
CLOCK = "clock"
MALWARE = "malware scanner"
INTRUSION = "intrusion detection"
INTEGRITY = "file integrity"
BACKUP = "backup"
CONFINEMENT = "mandatory access control"
KINDS = (BRAKE, FIREWALL, LOG, OFF_HOST, CLOCK, MALWARE, INTRUSION, INTEGRITY, BACKUP, CONFINEMENT)
"""In the order of the table."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool that may watch."""

    kind: str
    name: str
    programs: tuple[str, ...]
    """It is installed if one of these is there."""
    units: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    """Nothing where it is no daemon."""
    files: tuple[str, ...] = ()
    """What runs it otherwise: files of cron, say."""

    @property
    def is_daemon(self) -> bool:
        """Whether it has to run all the time to be of use."""
        return bool(self.processes)


def _sbin(*names: str) -> tuple[str, ...]:
    """Where a program for administrators may lie: in /usr/bin where the distribution has merged the two."""
    return tuple(f"/usr/{place}/{name}" for name in names for place in ("sbin", "bin"))


FAIL2BAN = Tool(BRAKE, "fail2ban", ("/usr/bin/fail2ban-server",), ("fail2ban.service",), ("fail2ban-server",))
SSHGUARD = Tool(BRAKE, "sshguard", _sbin("sshguard"), ("sshguard.service",), ("sshguard", "sshg-blocker"))
CROWDSEC = Tool(BRAKE, "crowdsec", ("/usr/bin/crowdsec",), ("crowdsec.service",), ("crowdsec",))
NFTABLES = Tool(FIREWALL, "nftables", _sbin("nft"), ("nftables.service",))
UFW = Tool(FIREWALL, "ufw", _sbin("ufw"), ("ufw.service",))
FIREWALLD = Tool(FIREWALL, "firewalld", _sbin("firewalld"), ("firewalld.service",), ("firewalld",))
IPTABLES = Tool(
    FIREWALL, "iptables", _sbin("iptables-save"),
    ("netfilter-persistent.service", "iptables.service", "ip6tables.service", "shorewall.service", "ferm.service"),
)  # fmt: skip
AUDITD = Tool(LOG, "auditd", _sbin("auditd"), ("auditd.service",), ("auditd",))
RSYSLOG = Tool(LOG, "rsyslog", _sbin("rsyslogd"), ("rsyslog.service",), ("rsyslogd",))
SYSLOG_NG = Tool(LOG, "syslog-ng", _sbin("syslog-ng"), ("syslog-ng.service",), ("syslog-ng",))
CHRONY = Tool(CLOCK, "chrony", _sbin("chronyd"), ("chrony.service", "chronyd.service"), ("chronyd",))
NTPD = Tool(CLOCK, "ntpd", _sbin("ntpd"), ("ntpsec.service", "ntp.service", "ntpd.service", "openntpd.service"), ("ntpd",))
TIMESYNCD = Tool(
    CLOCK, "systemd-timesyncd", ("/usr/lib/systemd/systemd-timesyncd", "/lib/systemd/systemd-timesyncd"),
    ("systemd-timesyncd.service",), ("systemd-timesyn",),
)  # fmt: skip
FRESHCLAM = Tool(
    MALWARE, "clamav", ("/usr/bin/freshclam", "/usr/bin/clamscan"),
    ("clamav-freshclam.service", "clamav-freshclam-once.timer"), ("freshclam",), ("/etc/cron.d/clamav-freshclam",),
)  # fmt: skip
CLAMD = Tool(
    MALWARE, "clamd", _sbin("clamd"), ("clamav-daemon.service", "clamd.service", "clamd@scan.service"), ("clamd",)
)  # fmt: skip
SURICATA = Tool(INTRUSION, "suricata", _sbin("suricata"), ("suricata.service",), ("Suricata-Main", "suricata"))
SNORT = Tool(INTRUSION, "snort", _sbin("snort"), ("snort.service", "snort3.service"), ("snort", "snort3"))
RKHUNTER = Tool(INTRUSION, "rkhunter", ("/usr/bin/rkhunter",), files=("/etc/cron.daily/rkhunter",))
CHKROOTKIT = Tool(
    INTRUSION, "chkrootkit", _sbin("chkrootkit"), ("chkrootkit.timer",), files=("/etc/cron.daily/chkrootkit",)
)  # fmt: skip
WAZUH = Tool(
    INTRUSION, "wazuh", ("/var/ossec/bin/wazuh-agentd", "/var/ossec/bin/wazuh-analysisd"),
    ("wazuh-agent.service", "wazuh-manager.service"), ("wazuh-agentd", "wazuh-analysisd"),
)  # fmt: skip
OSSEC = Tool(
    INTRUSION, "ossec", ("/var/ossec/bin/ossec-agentd", "/var/ossec/bin/ossec-analysisd"),
    ("ossec.service", "ossec-hids.service"), ("ossec-agentd", "ossec-analysisd"),
)  # fmt: skip
AIDE = Tool(
    INTEGRITY, "aide", _sbin("aide"), ("dailyaidecheck.timer", "aidecheck.timer", "aide.timer"),
    files=("/etc/cron.daily/aide", "/etc/cron.daily/dailyaidecheck"),
)  # fmt: skip
TRIPWIRE = Tool(INTEGRITY, "tripwire", _sbin("tripwire"), files=("/etc/cron.daily/tripwire",))
SAMHAIN = Tool(INTEGRITY, "samhain", _sbin("samhain"), ("samhain.service",), ("samhain",))
RESTIC = Tool(BACKUP, "restic", ("/usr/bin/restic", "/usr/local/bin/restic"))
BORG = Tool(BACKUP, "borg", ("/usr/bin/borg", "/usr/local/bin/borg"))
BORGMATIC = Tool(
    BACKUP, "borgmatic", ("/usr/bin/borgmatic", "/usr/local/bin/borgmatic", "/root/.local/bin/borgmatic"), ("borgmatic.timer",)
)  # fmt: skip
RSNAPSHOT = Tool(BACKUP, "rsnapshot", ("/usr/bin/rsnapshot",))
DUPLICITY = Tool(BACKUP, "duplicity", ("/usr/bin/duplicity",))
TIMESHIFT = Tool(BACKUP, "timeshift", ("/usr/bin/timeshift",))
BACULA = Tool(BACKUP, "bacula-fd", _sbin("bacula-fd"), ("bacula-fd.service",), ("bacula-fd",))
BAREOS = Tool(BACKUP, "bareos-fd", _sbin("bareos-fd"), ("bareos-fd.service", "bareos-filedaemon.service"), ("bareos-fd",))
PROXMOX = Tool(BACKUP, "proxmox-backup-client", ("/usr/bin/proxmox-backup-client",))

TOOLS = (
    *(FAIL2BAN, SSHGUARD, CROWDSEC, NFTABLES, UFW, FIREWALLD, IPTABLES, AUDITD, RSYSLOG, SYSLOG_NG),
    *(CHRONY, NTPD, TIMESYNCD, FRESHCLAM, CLAMD, SURICATA, SNORT, RKHUNTER, CHKROOTKIT, WAZUH, OSSEC),
    *(AIDE, TRIPWIRE, SAMHAIN, RESTIC, BORG, BORGMATIC, RSNAPSHOT, DUPLICITY, TIMESHIFT, BACULA, BAREOS, PROXMOX),
)
