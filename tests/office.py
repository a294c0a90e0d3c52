"""The document of an office after a bad night: a server that was broken into, workstations, many PCs, and what goes with it."""

from typing import Any

from documents import access, altered, change, finding, host, key, logins, made, opening, source, success

from auditkit.report.document import Document

BOT = "198.51.100.7"
PATHS = (
    "/usr/lib/x86_64-linux-gnu/lib{}.so.1", "/usr/share/doc/pkg-{}/copyright", "/var/www/site/files/{}.php", "/etc/conf.d/{}",
    "/opt/app/node_modules/mod-{}/index.js", "/home/anna/notes/{}.txt",
)  # fmt: skip
PACKAGES = (
    "bash",
    "curl",
    "libssl3",
    "linux-image-6.1.0-40-amd64",
    "openssh-server",
    "python3.11",
    "samba",
    "sudo",
    "vim",
    "xz",
)
AUDITED = {"entries": 184_203, "audits": 7, "logs": 4}
SIGNED = {"file": "/srv/b", "made": "2026-11-20T22:00:00Z", "sequence": 12, "signer": "anna", "entries": 184_203}


def office(machines: int = 50, changes: int = 10_000) -> Document:
    """A server and so many machines less one; most of the changes are on the server."""
    pcs = [_machine(number) for number in range(1, machines)]
    names = ["srv-01", *(pc["host"] for pc in pcs)]
    return made(
        _server(changes),
        *pcs,
        access=_access(names),
        following=("auditkit incident open 'root came in'", "auditkit accept @all"),
    )


def many(number: int) -> list[dict[str, Any]]:
    """So many changes as an upgrade gone wrong leaves them, the bad ones far from the top."""
    paths = [f"{PATHS[n % len(PATHS)].format(n)}" for n in range(number)]
    return [change(path, ("low", "medium", "medium")[n % 3], why="" if n % 5 else "a program") for n, path in enumerate(paths)]


def _server(changes: int) -> dict[str, Any]:
    quotes = [{"source": "/var/log/auth.log", "line": 40_117, "text": f"Accepted password for root from {BOT} port 22 ssh2"}]
    return host(
        "srv-01",
        baseline=SIGNED,
        counts=AUDITED,
        explained=[
            {"by": "package", "proof": "signed", "changes": 1204, "causes": 9, "texts": [f"{one} 1 → 2" for one in PACKAGES]}
        ],
        changes=[
            *many(changes),
            change(
                "/usr/sbin/sshd",
                "critical",
                change="changed",
                attributes=["digest"],
                rule="content-changed-quietly",
                why="sshd",
            ),
            altered(
                "/root/.ssh/authorized_keys",
                "ssh-ed25519 AAAA anna\n",
                "ssh-ed25519 AAAA anna\nssh-rsa BBBB x\n",
                severity="high",
            ),
            change("/etc/cron.d/upd", "high"),
        ],
        findings=[
            finding(
                "success-after-guessing",
                "critical",
                subject="root",
                message=f"root came in from {BOT} after 5303 guesses",
                quotes=quotes,
            ),
            finding(
                "password-door",
                "high",
                subject="root",
                message="a password opens root from anywhere",
                remedy="set PermitRootLogin no",
            ),
            *_usual(),
        ],
        logins=logins(
            "seen", verdict=f"ACCESS: root came in from {BOT} at 2026-11-24 09:17:00Z, after 5303 guesses", attempts=6000,
            sources=[
                source(BOT, 5303),
                *(source(f"203.0.113.{n}", 90 - n, first=f"2026-11-2{n % 4}T0{n % 10}:00:00Z") for n in range(40)),
            ],
            successes=[success("root", "2026-11-24T09:17:00Z", "critical"), success("anna", "2026-11-23T08:01:00Z")],
            window={"from": "2026-11-20T00:00:00Z", "to": "2026-11-24T12:00:00Z"},
        ),
        facts=_facts(0),
    )  # fmt: skip


def _machine(number: int) -> dict[str, Any]:
    """Every ninth gives no answer, every fifth has gaps, every fourth a change."""
    name = f"ws-{number:02}" if number <= 10 else f"pc-{number - 10:02}"
    if number % 9 == 4:
        return host(
            name, state="unreachable", counts={}, gaps=[{"subject": name, "reason": "192.168.10.9 port 22: no route to host"}]
        )
    gaps = [{"subject": f"/home/u{n}/.cache", "reason": "permission denied"} for n in range(number)] if number % 5 == 0 else []
    guessed = [source(f"203.0.113.{number}", 40 * number)] if number % 3 == 0 else []
    return host(
        name, baseline=SIGNED, counts=AUDITED, gaps=gaps, findings=_usual() if number % 2 else [],
        changes=[change("/etc/hosts", "medium"), change("/usr/local/bin/tool", "low")] if number % 4 == 0 else [],
        logins=logins(attempts=40, sources=guessed, successes=[success(f"user{number}", f"2026-11-24T08:{number:02}:00Z")]),
        facts=_facts(number),
    )  # fmt: skip


def _usual() -> list[dict[str, Any]]:
    """What most machines of an office have."""
    return [
        finding(
            "package-outdated", "medium", subject="libssl3", message="libssl3 misses a fix since 40 days", remedy="apt upgrade"
        ),
        finding("kernel-not-booted", "low", subject="kernel", message="a newer kernel waits for a reboot", remedy="reboot"),
        finding("banner-version", "info", subject="22/tcp", message="the banner of sshd names its version", remedy=""),
    ]


def _facts(number: int) -> dict[str, Any]:
    pending = [
        {"version": f"2.{n}", "since": f"2026-{1 + (n + number) % 10:02}-01T00:00:00Z", "security": n % 3 == 0}
        if n % 2
        else None
        for n in range(len(PACKAGES))
    ]
    packages = [
        {
            "name": name,
            "version": "1",
            "arch": "amd64",
            "origin": "Debian",
            "installed": None,
            "made": f"{2018 + n % 9}-05-01T00:00:00Z",
            "pending": new,
        }
        for n, (name, new) in enumerate(zip(PACKAGES, pending, strict=True))
    ]
    missing = [new for new in pending if new]
    return {
        "packages": packages, "patching": {"pending": len(missing), "security": sum(new["security"] for new in missing)},
        "listeners": [
            {
                "address": "0.0.0.0",
                "port": 22,
                "protocol": "tcp",
                "process": "sshd",
                "package": "openssh-server",
                "banner": "SSH-2.0",
            }
        ],
        "seconds": 2.5 + number,
    }  # fmt: skip


def _access(names: list[str]) -> dict[str, Any]:
    keys = [
        key("admin", *(opening(name) for name in names), on=(("anna", names[-1]),), known="anna's laptop"),
        key(
            "backup", *(opening(name, "backup") for name in names[::2]), on=(("backup", names[0]),), comments=["backup@srv-01"]
        ),
        key("planted", opening(names[0]), comments=["x"]),
    ]
    doors = [
        {"host": name, "account": "root", "from": "anywhere", "method": "password", "set_by": "/etc/ssh/sshd_config:33"}
        for name in names[:3]
    ]
    passwords = {
        "open": names[:3],
        "checked": names[:-5],
        "unchecked": [{"host": name, "why": ["no answer"]} for name in names[-5:]],
    }
    return access(*keys, sentence=f"A password opens {len(doors)} hosts", passwords={**passwords, "doors": doors})
