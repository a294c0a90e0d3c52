"""All ways to come back that are known here: one row each, whoever judges it."""

from auditkit.audits.persistence.entry import Entry
from auditkit.audits.persistence.events import EVENTS
from auditkit.audits.persistence.hooks import HOOKS
from auditkit.audits.persistence.logins import LOGINS
from auditkit.audits.persistence.starts import STARTS

_OTHERS: tuple[Entry, ...] = (
    Entry("ebpf", "T1205.002", "programs of eBPF", watched=("/sys/fs/bpf/**",), judged="kernel"),
    Entry("suid-sgid", "T1548.001", "setuid and setgid programs", judged="privileged"),
    Entry("capabilities", "T1548", "programs with capabilities", judged="privileged"),
    Entry("package-files", "T1554", "files of packages", judged="check --against vendor, and a baseline"),
    Entry("web-shell", "T1505.003", "pages that run programs", watched=("/var/www/**",), judged="webshells"),
    Entry("live-deleted-exe", "T1070.004", "programs whose file is gone", judged="running"),
    Entry("live-hidden-pid", "T1014", "processes that hide", judged="running"),
    Entry("live-listeners", "T1205", "sockets that listen", judged="listeners, and running: those of no process"),
    Entry("live-promisc", "T1040", "interfaces that take in everything", judged="kernel, and running: who hears packets"),
    Entry("live-kthread-mask", "T1036.004", "processes that call themselves threads of the kernel", judged="running"),
    Entry("anti-forensics", "T1070.002", "traces that are wiped away", judged="traces"),
)
ENTRIES: tuple[Entry, ...] = (*STARTS, *LOGINS, *HOOKS, *EVENTS, *_OTHERS)
