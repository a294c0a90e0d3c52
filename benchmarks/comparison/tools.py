"""The tools that are held beside each other: their packages, how their owner sets them up, and what he runs in the morning."""

from dataclasses import dataclass

ALWAYS = ("openssh-server", "rsyslog", "cron", "sudo", "logrotate", "libcap2-bin", "acl", "ca-certificates", "python3-systemd")
"""What the system has besides the tools."""
KEYS = "/tmp/admin"
SSHD = "mkdir -p /run/sshd; /usr/sbin/sshd"
"""Two tools ask a server that runs."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool with the settings that Debian gives it, and with keys and passphrases where it can have them."""

    name: str
    packages: tuple[str, ...]
    ask: str
    """The command whose answer is read."""
    set_up: str = ":"
    """What is done once, on the system as it should be."""
    forge: str = ""
    """What somebody who is root, and has no passphrase and no key, does so that its data fit what he changed."""


TOOLS = (
    Tool(
        "AIDE",
        ("aide", "aide-common"),
        "aide --config=/etc/aide/aide.conf --check",
        "aide --config=/etc/aide/aide.conf --init && cp /var/lib/aide/aide.db.new /var/lib/aide/aide.db",
        "aide --config=/etc/aide/aide.conf --init && cp /var/lib/aide/aide.db.new /var/lib/aide/aide.db",
    ),
    Tool(
        "Tripwire",
        ("tripwire",),
        "tripwire --check",
        "cd /etc/tripwire && rm -f *.key && twadmin -m G -S site.key -Q site -L $(hostname)-local.key -P local"
        " && sed -i s/labhost/$(hostname)/ twcfg.txt"
        # as its documentation wants: without what this system does not have, and without /proc and /dev, which move
        """ && awk '$2 == "->" && (system("test -e " $1) || $1 ~ "^/(proc|dev)") { print "#" $0; next } 1' twpol.txt >new"""
        " && mv new twpol.txt"
        " && twadmin -m F -c tw.cfg -S site.key -Q site twcfg.txt && twadmin -m P -S site.key -Q site twpol.txt"
        " && tripwire --init -P local",
        "tripwire --init -P guessed; tripwire --update-policy -P guessed -Q guessed /etc/tripwire/twpol.txt",
    ),
    Tool(
        "Samhain",
        ("samhain",),
        "samhain -t check -p err --foreground",
        "samhain -t init",
        "rm /var/lib/samhain/samhain_file; samhain -t init",
    ),
    Tool("debsums", ("debsums",), "debsums --all --silent"),
    Tool("Lynis", ("lynis",), f"{SSHD}; lynis audit system --quick --no-colors"),
    Tool("ssh-audit", ("ssh-audit",), f"{SSHD}; ssh-audit --no-colors 127.0.0.1"),
    Tool("fail2ban-regex", ("fail2ban",), "fail2ban-regex /var/log/auth.log sshd"),
    Tool("logwatch", ("logwatch",), "logwatch --output stdout --range all --detail med --service sshd"),
    Tool(
        "auditkit check",
        (),
        f"/tmp/auditkit.sh check --signers {KEYS}/allowed_signers",
        f"/tmp/auditkit.sh baseline --key {KEYS}/key --signers {KEYS}/allowed_signers",
        "/tmp/auditkit.sh baseline",
    ),
    Tool("auditkit scan, no baseline", (), "/tmp/auditkit.sh scan --store /tmp/none"),
)
