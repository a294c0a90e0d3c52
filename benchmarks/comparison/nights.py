"""What was done to a system in a night, and the questions that somebody has in the morning."""

from dataclasses import dataclass

INTEGRITY = ("AIDE", "Tripwire", "Samhain", "auditkit check")
SCAN = "auditkit scan, no baseline"
VENDOR = ("debsums", SCAN)
AUDITS = ("Lynis", "ssh-audit", SCAN)
LOGS = ("fail2ban-regex", "logwatch", SCAN)
QUIET, NIGHT, HIDDEN, FORGED, UPGRADE = "quiet", "night", "hidden", "forged", "upgrade"
ORIGIN = """
set -e
echo 'root:correct-horse' | chpasswd; useradd -m -s /bin/bash anna; echo 'anna:battery-staple' | chpasswd
printf '#!/bin/sh\\nrsync -a /srv backup:\\n' >/usr/local/sbin/backup; chmod 755 /usr/local/sbin/backup
printf 'PermitRootLogin no\\nPasswordAuthentication no\\n' >/etc/ssh/sshd_config.d/office.conf
for n in $(seq 1000 1999); do
  echo "2026-11-23T$((n / 100)):$((n % 100 * 6 / 10)):00+00:00 srv-01 systemd[1]: Started job number $n."
done >/var/log/syslog
for n in $(seq 10 59); do
  echo "2026-11-23T08:$n:00+00:00 srv-01 sshd[2$n]: Accepted password for anna from 192.168.10.43 port 400$n ssh2"
done >/var/log/auth.log
"""
"""The system as it should be: a script of the house, two passwords, a server that takes none of them, and logs."""
DEEDS = {
    QUIET: ":",
    NIGHT: """
# the script of the house, by as many bytes, and its time set back
touch -r /usr/local/sbin/backup /tmp/stamp
sed 's|/srv|/etc|' /usr/local/sbin/backup >/tmp/new; cat /tmp/new >/usr/local/sbin/backup
touch -r /tmp/stamp /usr/local/sbin/backup
# a setuid shell
install -m 4755 /bin/dash /usr/local/bin/cleanup
# two programs of packages; of the second the digest that lies on the system is put right
cat /usr/bin/yes >/usr/sbin/cron
cat /usr/bin/yes >/usr/bin/sudo
sed -i "s|^[0-9a-f]*  usr/bin/sudo$|$(md5sum </usr/bin/sudo | cut -d' ' -f1)  usr/bin/sudo|" /var/lib/dpkg/info/sudo.md5sums
# passwords open for root, from anywhere, in a block
printf 'Match Address *\\n  PermitRootLogin yes\\n  PasswordAuthentication yes\\n' >>/etc/ssh/sshd_config.d/office.conf
# fifty guesses, and one that was right
for n in $(seq 10 59); do
  echo "2026-11-24T03:10:$n+00:00 srv-01 sshd[8$n]: Failed password for root from 198.51.100.7 port 400$n ssh2"
done >>/var/log/auth.log
right="Accepted password for root from 198.51.100.7 port 40091 ssh2"
echo "2026-11-24T03:11:04+00:00 srv-01 sshd[901]: $right" >>/var/log/auth.log
# thirty lines of another log are gone, and it went on
sed 300,330d /var/log/syslog >/tmp/new; cat /tmp/new >/var/log/syslog
for n in $(seq 2000 2099); do
  echo "2026-11-24T$((n / 200)):$((n % 60)):00+00:00 srv-01 systemd[1]: Started job number $n."
done >>/var/log/syslog
""",
    HIDDEN: """
mkdir -p /usr/lib/gotcha && echo tool >/usr/lib/gotcha/tool && chmod 755 /usr/lib/gotcha/tool
cp /tmp/admin/hide.so /usr/lib/gotcha.so && echo /usr/lib/gotcha.so >/etc/ld.so.preload
""",
    FORGED: "install -m 4755 /bin/dash /usr/local/bin/cleanup",
    UPGRADE: """
sed -i 's/bookworm/trixie/' /etc/apt/sources.list
export DEBIAN_FRONTEND=noninteractive
apt-get -q update && apt-get -qy -o Dpkg::Options::=--force-confnew full-upgrade
""",
}
"""By situation, what somebody does as root: the script is the whole of it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody wants to know of a situation, whom he may ask, and what the answer must name to be one."""

    asks: str
    situation: str
    tools: tuple[str, ...]
    names: str
    """A regular expression: a line that matches is an answer. Empty: it is counted how much is to be read."""


QUESTIONS = (
    Question("Nothing was done: how much is to be read?", QUIET, (*INTEGRITY, *AUDITS, "debsums"), ""),
    Question("A script was changed; its size and time are as before", NIGHT, INTEGRITY, r"/usr/local/sbin/backup"),
    Question("A setuid shell appeared", NIGHT, (*INTEGRITY, SCAN, "Lynis"), r"/usr/local/bin/cleanup"),
    Question("A program of a package was replaced, and there is no baseline", NIGHT, VENDOR, r"/usr/sbin/cron\b"),
    Question("The same, and its digest among the package's data was put right", NIGHT, VENDOR, r"/usr/bin/sudo\b"),
    Question(
        "A Match block lets root in with a password, from anywhere",
        NIGHT,
        AUDITS,
        r"(?i)root can log in|PermitRootLogin(?!.* OK )",
    ),
    Question(
        "Fifty failed logins: did one get in?",
        NIGHT,
        LOGS,
        r"(?i)root from 198\.51\.100\.7.*guess|198\.51\.100\.7: +1 time|Accepted password for root|logged in",
    ),
    Question("Lines are gone from the middle of a log that grew since", NIGHT, INTEGRITY, r"/var/log/syslog"),
    Question(
        "A preloaded library hides a directory, and itself", HIDDEN, (*INTEGRITY, SCAN, "Lynis"), r"gotcha|ld\.so\.preload"
    ),
    Question(
        "Root made the tool's data anew, to fit a setuid shell",
        FORGED,
        INTEGRITY,
        r"(?i)/usr/local/bin/cleanup|UNTRUSTED|signature",
    ),
    Question("Debian 12 became Debian 13: how much is to be read?", UPGRADE, (*INTEGRITY, "debsums"), ""),
)
