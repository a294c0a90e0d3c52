"""sshd: a file that shuts an address out at the login itself, and a timer that takes the file away. sshd_config(5)."""

from auditkit.response.blocking.addresses import shown
from auditkit.response.blocking.nouns import Proposal, Step, Wish
from auditkit.response.blocking.timers import later

NAME = "sshd"
FILE = "/etc/ssh/sshd_config.d/40-auditkit.conf"
REFUSES = (10, 0)
"""The OpenSSH that knows RefuseConnection; an older one takes no configuration that has it."""
RELOAD = "systemctl reload ssh.service || systemctl reload sshd.service || pkill -HUP -o -x sshd"
"""Whatever sshd is called there; the oldest sshd is the one that listens."""


def proposal(wish: Wish) -> Proposal:
    """A drop-in for `Include`, checked by sshd before it is loaded."""
    spec = f"user=root,host=localhost,addr={wish.target.network_address},laddr=127.0.0.1,lport=22"
    undo = (f"rm -f {FILE}", f"sshd -t && {{ {RELOAD}; }}")
    return Proposal(
        NAME,
        f"sshd lets nobody in from {shown(wish.target)}, whatever the password; a timer takes that away after {wish.time}",
        (
            Step("Keep this session, and open a second one now: an open session survives a reload, a new one may not come in"),
            Step("See that sshd reads this directory: a line must come that begins with Include",
                 ("grep -i '^ *include.*sshd_config.d' /etc/ssh/sshd_config",)),
            later(wish, *undo),
            Step("Write the file", (f"cat > {FILE} <<'AUDITKIT'", *rules(wish), "AUDITKIT")),
            Step("Have sshd check all of it, see what it makes of that address, and only then load it",
                 (f"sshd -t && sshd -T -C {spec} | grep -i '^denyusers' && {{ {RELOAD}; }}",)),
            Step("Log in once more, in a third window, before you close anything"),
            Step("Only if you know all addresses that your people come from: this line in the same file, before Match, keeps"
                 " everybody else out", (only(wish),), optional=True),
        ),
        (f"sshd -T -C {spec} | grep -i denyusers",),
        undo,
        (
            "It goes for SSH only, and sessions that are open already stay open.",
            "OpenSSH 9.8 and later slows such sources down by itself (PerSourcePenalties): to do nothing is an option.",
        ),
    )  # fmt: skip


def rules(wish: Wish) -> tuple[str, ...]:
    """The file; own addresses are taken out of the match, and `Match all` ends it for what is read after it."""
    spared = "".join(f",!{shown(net)}" for net in wish.ours)
    return (
        f"Match Address {shown(wish.target)}{spared}",
        "    DenyUsers *",
        "    PasswordAuthentication no",
        *(("    RefuseConnection yes",) if wish.openssh is not None and wish.openssh >= REFUSES else ()),
        "Match all",
    )


def only(wish: Wish) -> str:
    """The line that lets in nobody but from the own addresses."""
    return f"AllowUsers {' '.join(f'*@{shown(net)}' for net in wish.ours)}"
