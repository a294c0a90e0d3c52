"""Documents of reports for the page: one with a word wherever a host, a log or a person may put one, and big ones."""

from datetime import UTC, datetime
from typing import Any

from auditkit.report import document

NIGHT = datetime(2026, 11, 24, 12, tzinfo=UTC)
START, END = "2026-11-24T03:35:00.000000000Z", "2026-11-24T09:17:00.000000000Z"
LONG = "W\"'><script>alert(1)</script>" + "M" * 4096
NASTY = (
    "<script>window.pwned=1</script>",
    "<img src=x onerror='window.pwned=1'><svg onload=window.pwned=1>",
    '" onmouseover="window.pwned=1" autofocus onfocus="window.pwned=1" x="',
    "' onclick='window.pwned=1",
    "</style></title></script><script>window.pwned=1</script><style>*{display:none}",
    "]]> --> <!-- <a href=javascript:window.pwned=1>x</a>",
    "{{7*7}}{% raw %}${7*7}#{7*7}",
    "\x1b[2J\x1b]0;title\x07\u202egnp.exe\u200b\u2066\x9b31m\x00\r\n",
    "\udcff\udc80 not UTF-8",
    "&lt;b&gt;&#60;i&#62;&quot;",
    "漢" * 200,
    LONG,
)
"""What names may be."""


def change(path: str, severity: str = "medium", **more: Any) -> dict[str, Any]:
    """A file that came."""
    after = {"kind": "file", "mode": "0644", "uid": 0, "gid": 0, "owner": "root", "group": "root", "size": 84}
    return {
        "path": path, "change": "added", "attributes": [], "before": None, "after": after, "explanation": None,
        "severity": severity, "level": "content", "rule": "path-added", "note": "", "why": "", **more,
    }  # fmt: skip


def altered(path: str, old: str, new: str, **more: Any) -> dict[str, Any]:
    """A file with another text."""
    sides = [{"kind": "file", "mode": "0644", "size": len(text), "content": text} for text in (old, new)]
    return change(path, **{"change": "changed", "attributes": ["digest"], "before": sides[0], "after": sides[1], **more})


def finding(rule: str = "a-rule", severity: str = "high", **more: Any) -> dict[str, Any]:
    """A finding."""
    told = {"subject": "it", "message": "is so", "remedy": "undo it", "quotes": [], "references": []}
    return {"rule": rule, "severity": severity, **told, **more}


def success(user: str = "root", time: str = START, ask: str | None = None, **more: Any) -> dict[str, Any]:
    """A login."""
    return {
        "time": time, "user": user, "address": "198.51.100.7", "port": 22, "method": "password", "fingerprint": None,
        "support": ["text"], "state": "supported", "ask": ask, "guesses_before": 52, **more,
    }  # fmt: skip


def source(address: str = "198.51.100.7", attempts: int = 52, **more: Any) -> dict[str, Any]:
    """Somebody who guesses."""
    return {"address": address, "attempts": attempts, "users": ["root"], "first": START, "last": END, **more}


def logins(access: str = "none-seen", **more: Any) -> dict[str, Any]:
    """A verdict on logins."""
    return {
        "access": access, "pattern": "focused-guessing", "coverage": "complete", "verdict": "the sentence on logins",
        "window": {"from": None, "to": None}, "attempts": 52, "not_understood": 0, "sources": [source()],
        "successes": [], **more,
    }  # fmt: skip


def host(name: str = "web1", **more: Any) -> dict[str, Any]:
    """A host that was looked at wholly, and is clean but for what is given."""
    told: dict[str, Any] = {
        "host": name, "status": "", "untrusted": None, "baseline": None, "counts": {"entries": 9, "audits": 7}, "explained": [],
        "changes": [], "findings": [], "logins": None, "facts": {}, "gaps": [], "notes": [], **more,
    }  # fmt: skip
    told["status"] = document.status(told)
    return told


def made(*hosts: dict[str, Any], following: tuple[str, ...] = (), access: Any = None) -> document.Document:
    """The document of a run on these hosts."""
    return document.assembled(document.Report("scan", "auditkit 0.1", NIGHT, NIGHT, (), following), list(hosts), access)


def run(state: str = "findings", new: int = 0, still: int = 0, gone: int = 0, unknown: int = 0, **more: Any) -> dict[str, Any]:
    """A run before, in the numbers of a host."""
    numbers = {"new": new, "still": still, "gone": gone, "unknown": unknown}
    return {"run": "r1", "command": "scan", "started": "2026-11-02T01:00:00Z", "state": state, **numbers, **more}


def past(rule: str = "a-rule", severity: str = "high", how: str = "fixed", **more: Any) -> dict[str, Any]:
    """What is told no more."""
    told = {"sort": "finding", "subject": "it", "message": "was so", "first_seen": "2026-11-02T01:00:00Z", "last_seen": START}
    return {"rule": rule, "severity": severity, "how": how, **told, **more}


def since(*runs: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What became of what these runs told."""
    told: dict[str, Any] = {"run": "r1", "finished": "2026-11-23T01:10:00Z", "new": 0, "still": 0, "new_gaps": 0}
    return {**told, "fixed": [], "unknown": [], "trend": list(runs), **more}


def rich(word: str, name: str = "") -> dict[str, Any]:
    """A host with this word wherever a text may stand that others wrote."""
    quote = {"source": word, "line": 3, "text": word}
    place = {"source": word, "line": 1, "offset": 2}
    told = logins(
        "seen", pattern=word, why=word, coverage="tamper", verdict=word,
        sources=[source(word, 40 + n, users=[word], existing=[word]) for n in range(15)],
        successes=[
            success(word, ask="critical", address=word, method=word, fingerprint=word, key_of=word, support=[word]),
            success(word, END, state="forged"),
            success(word, END),
        ],
        read=[
            {"name": word, "kind": word, "tells": True, "first": START, "last": END, "lines": 9, "heartbeat": word,
             "heartbeat_learned": False, "silences": [], "missing": []},
        ],
        gaps=[{"from": START, "to": END}],
        tamper=[{"kind": word, "source": word, "line": 1, "text": word}],
        timeline=[{"time": START, "what": word, "line": place}, {"time": None, "what": word, "line": None}],
        unknown=[{"source": word, "shape": word, "times": 2, "line": 1, "example": word}],
        would_change=[word],
    )  # fmt: skip
    facts = {
        "packages": [
            {"name": word, "version": word, "arch": word, "origin": word, "installed": word, "made": "2020-01-01T00:00:00Z",
             "pending": {"version": word, "since": "2026-01-01T00:00:00Z", "security": True}},
            {"name": word, "version": word, "arch": None, "origin": None, "installed": None, "made": word,
             "pending": {"version": word, "since": None, "security": None}},
        ],
        "patching": {"pending": 2, "security": 1, "lists_of": word, "support": {"release": word, "ends": word}},
        "listeners": [
            {"address": word, "port": 22, "protocol": word, "process": word, "package": word, "banner": word, "service": word},
        ],
        "protections": [
            {"kind": word, "name": word, "installed": True, "enabled": None, "running": False, "data_age_days": 3,
             "detail": word},
        ],
        "accounts": [
            {"name": word, "uid": 0, "kind": "root", "home": word, "shell": word, "session": True, "expired": None,
             "groups": [word], "password": {"state": "set", "scheme": word, "expires": True}, "last_change": None, "sudo": [],
             "root": True, "root_by": [word], "root_without_password": None},
        ],
        "timeline": [{"time": START, "path": f"/{word}", "kind": word, "modified": START, "backdated": True}],
    }  # fmt: skip
    paths = ("", "/", f"/{word}", f"/{word}/{word}/{word}", f"/etc/{word}", f"/etc/{word}/a", word)
    return host(
        name or word,
        baseline={"file": word, "made": word, "sequence": 7, "signer": word, "entries": 9},
        explained=[{"by": word, "proof": "none", "changes": 2, "causes": 2, "texts": [word, word]}],
        changes=[
            *(
                change(path, severity, rule=word, note=word, why=word, first_seen=word, news="new")
                for path in paths
                for severity in ("critical", "low")
            ),
            change("/explained", explanation={"by": word, "text": word, "proof": "signed"}),
            altered(f"/text/{word}", f"one\n{word}\n", f"two\n{word}{word}\n"),
        ],
        findings=[
            finding(
                word, severity, subject=f"{word} it", message=word, remedy=word, quotes=[quote] * 8, references=[word],
                window=True, first_seen=word, news="worse",
            )
            for severity in ("critical", "high", "medium", "low", "info")
        ],
        accepted=[{**finding(word), "reason": word, "until": word}],
        logins=told,
        facts=facts,
        gaps=[{"subject": word, "reason": word, "first_seen": word}, {"subject": f"/{word}", "reason": word, "news": "new"}],
        notes=[word],
        since=since(
            run(word, 1, 2, 3, 4, command=word, started=word, run=word), run("partial", 1, 2), run("timeout", 1),
            run=word, finished=word, new=2,
            fixed=[past(word, subject=word, message=word, first_seen=word, last_seen=word)],
            unknown=[past(word, how="", subject=word, message=word, first_seen=word, last_seen=word)],
        ),
    )  # fmt: skip


def opening(to: str, account: str = "root", **more: Any) -> dict[str, Any]:
    """An account that a key opens."""
    return {
        "host": to, "account": account, "root": account == "root", "effective": True, "reason": "", "from": None,
        "command": False, "authority": False, "file": f"~{account}/.ssh/authorized_keys", "line": 1, **more,
    }  # fmt: skip


def key(name: str, *opens: dict[str, Any], on: tuple[tuple[str, str], ...] = (), **more: Any) -> dict[str, Any]:
    """A key, what it opens, and the accounts and hosts with which its private half lies, with no passphrase."""
    lies = [{"host": at, "accounts": [who], "file": f"~{who}/.ssh/id", "encrypted": False} for who, at in on]
    roots = len({one["host"] for one in opens if one["root"]})
    return {
        "fingerprint": f"SHA256:{name}", "type": "ssh-ed25519", "bits": 256, "known": None, "comments": [], "root_on": roots,
        "opens": list(opens), "private_on": lies, **more,
    }  # fmt: skip


def access(*keys: dict[str, Any], sentence: str = "the sentence on passwords", **more: Any) -> dict[str, Any]:
    """Who can log in with which of these keys."""
    passwords = {"sentence": sentence, "asked": 1, "checked": [], "open": [], "unchecked": [], "doors": [], "unknown": []}
    return {
        "passwords": {**passwords, **more.pop("passwords", {})}, "keys": list(keys), "host_keys": [], "reach": [], "unseen": [],
        "left_out": {}, **more,
    }  # fmt: skip


def rich_access(word: str, *hosts: str) -> dict[str, Any]:
    """Who can log in, with this word wherever a text may stand that others wrote."""
    step = {
        "fingerprint": word, "known": word, "on": word, "of": [word], "file": word, "encrypted": None, "to": word,
        "account": word, "root": True, "doubts": [word],
    }  # fmt: skip
    fallen = {"host": word, "root": True, "accounts": [word], "sure": False, "steps": [step]}
    opens = [opening(one, who) for one in hosts for who in ("root", word)]
    return access(
        key(word, *opens, on=((word, word), (word, hosts[0])), comments=[word]),
        key("known", *opens, on=((word, word),), known=word),
        sentence=word,
        passwords={
            "open": [word], "checked": [word], "unchecked": [{"host": word, "why": [word]}],
            "doors": [{"host": word, "account": word, "from": word, "method": word, "set_by": word}],
            "unknown": [{"host": word, "account": word, "from": word, "why": word}],
        },
        reach=[{"from": word, "hosts": [fallen, fallen], "complete": False}],
        unseen=[{"host": word, "what": "keys", "why": word}],
        left_out={"keys": 3},
    )  # fmt: skip


def fleet(number: int, changes: int = 0) -> document.Document:
    """Many hosts: every fifth was broken into, every seventh gave no answer; on the first so many files have come."""
    gone = {"state": "unreachable", "counts": {}, "gaps": [{"subject": "it", "reason": "no route to host"}]}
    broken = {
        "findings": [finding("success-after-guessing", "critical", message=f"root came in {n}") for n in range(2)],
        "logins": logins("seen", successes=[success(ask="critical")]),
    }  # fmt: skip
    hosts = [
        host(f"ws-{n:02}", **(gone if n % 7 == 6 else broken if n % 5 == 0 else {"logins": logins()})) for n in range(number)
    ]
    paths = (f"/srv/{n % 40:02}/{n % 13}/file-{n}" for n in range(changes))
    hosts[0]["changes"] = [change(path, ("low", "medium", "high")[n % 3]) for n, path in enumerate(paths)]
    for at, one in enumerate(hosts[1:]):
        one["since"] = since(
            run(still=at, gone=1), run("unreachable", 1, unknown=at), run("ok", new=at % 3, unknown=1), new=at % 2
        )
    names = [one["host"] for one in hosts]
    keys = [
        key("admin", *(opening(name) for name in names), on=(("anna", names[-1]),), known="anna's laptop"),
        key("backup", *(opening(name, "backup") for name in names[::2]), on=(("backup", names[0]),)),
    ]
    return made(*hosts, following=("auditkit explain success-after-guessing",), access=access(*keys))
