"""Files that last: a sample of every format ever released is read for ever. The samples are never made anew."""

import json
import tarfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from blake3 import blake3

from auditkit import answers, audits, baseline, entries, evidence, policy, scan, seal, signers
from auditkit.collect import collect
from auditkit.errors import HostError
from auditkit.hosts import recorded
from auditkit.incident import cases, holdings
from auditkit.incident import evidence as kept
from auditkit.model import Finding, Gap, Kind, Level, Means, Need, State
from auditkit.report import Options, document, render
from auditkit.response import checked, standing
from auditkit.response import nouns as incidents

MACHINE = b"auditkit machine\x000123456789abcdef0123456789abcdef\x00srv-01"
FORMATS = Path(__file__).parent / "formats"
SCHEMA = json.loads((Path(__file__).parent.parent / "auditkit/report/schema.json").read_text("utf-8"))


def test_baseline_1_is_read() -> None:
    """A small disk, one with a newline and a byte that is no UTF-8 in its name."""
    with closing(baseline.read(str(FORMATS / "baseline-1.baseline.zst"))) as base:
        found = {entry.path: entry for block in base.blocks() for _name, entry in entries.decode(block)}
    assert base.header.sequence == 1
    assert [watch.level for watch in base.header.policy.watches] == [Level.ROTATED, Level.EXISTS, Level.CONTENT]
    assert found["/etc/fifo"].kind is Kind.FIFO
    assert found["/etc/fifo"].mode is None, "a path that need only exist has nothing else"
    assert found["/etc/tool"].mode == 0o4755
    assert found["/etc/link"].target == "../motd"
    assert found["/etc/motd"].content == "one\ntwo\n"
    assert [digest.partition(":")[0] for digest in found["/etc/motd"].digests or ()] == ["blake3", "sha256"]
    assert "/etc/odd\nname\udcff" in found


def test_the_seal_of_baseline_1_is_good() -> None:
    """Made with an ed25519 key whose private half is gone."""
    who = signers.read(str(FORMATS / "baseline-1.signers"))
    signature = (FORMATS / "baseline-1.baseline.zst.sig").read_bytes()
    signer = seal.verify(str(FORMATS / "baseline-1.baseline.zst"), signature, who, datetime.now(UTC))
    assert signer.principal == "sample@auditkit"


def test_evidence_1_is_read_and_its_seal_is_good() -> None:
    """Of a host that hides a file, says of others what their bytes do not, and falls silent in the end."""
    sample = evidence.read(str(FORMATS / "evidence-1.evidence.zst"), str(FORMATS / "evidence-1.signers"))
    with closing(recorded.opened(sample)) as host:
        assert (sample.signer or "").startswith("sample@auditkit SHA256:")
        assert (host.name, sample.header.kind, host.taken) == ("srv-01", "ssh", datetime(2026, 11, 24, 12, tzinfo=UTC))
        told = collect(host, (*scan.NEEDS, *audits.needs()), lambda: host.taken)
        taken = {item.source: item.data for item in told.items}
        assert taken["/etc/shadow"] == b"root:<set $6$>:20000:0:99999:7:::\n"
        assert taken["/etc/ld.so.preload"] == b"/lib/evil\xff.so\n"
        assert Gap("/etc/nsswitch.conf", "no regular file (prw-r--r--)") in told.gaps
        assert {one.rule.id for one in audits.judge(told) if isinstance(one, Finding)} >= {"uid-zero-twin", "preload-in-force"}
        stands = scan.ground(host, policy.read(sample.header.policy_text, "the evidence"))
        assert stands.machine == f"blake3:{blake3(MACHINE).hexdigest()}"
        assert [mount.source for mount in stands.mounts] == ["/dev/vda"]
        blocks = scan.Scan(host, stands, 1, lambda _entries, _read: None)
        found = {entry.path: entry for block in blocks for _name, entry in entries.decode(block)}
        assert (len(found), found["/var/log/grows.log"].size, "/srv/odd\nname\udcff" in found) == (18, 18, True)
        grown = ("/var/log/grows.log", 14, ("blake3", "sha256"), False)
        assert [name for _path, name, _digest in host.beginnings([grown])] == ["grows.log"]
        assert list(host.present(["/srv/gone", "/srv/other"])) == [("/srv/gone", 1, 1)]
        fetched = host.content(["/etc/passwd"])
        assert next(fetched) == ("/etc/passwd", ("blake3:00", "sha256:00"))
        with pytest.raises(HostError, match="the link broke") as broke:
            next(fetched)
        assert (broke.value.hint, broke.value.state) == ("look at the cable", State.TIMEOUT)


def test_report_1_is_read_and_rendered() -> None:
    """The check of that disk after a line was changed, a link removed, and a log had grown."""
    told = document.check(json.loads((FORMATS / "report-1.json").read_text("utf-8")), SCHEMA)
    text = "".join(render(told, "text", Options(color=False, width=100, show_all=False)))
    assert "M /etc/motd" in text
    assert "- /etc/link" in text
    assert "-two" in text
    assert document.exit_code(told, None) == 0


def test_evidence_1_of_what_is_no_file_is_read() -> None:
    """Taken since the means are five: a way to a path, two processes, a command, one that is not there, and a server."""
    with closing(recorded.opened(evidence.read(str(FORMATS / "evidence-1-means.evidence.zst")))) as host:
        asked = ((Means.STATUS, "~/.ssh/authorized_keys"), (Means.LISTENERS, "all"), (Means.BANNER, "ssh"))
        commands = ((Means.COMMAND, f"/usr/sbin/{name}") for name in ("sshd -T", "none", "new"))
        told = collect(host, [Need(means, what) for means, what in (*asked, *commands)], lambda: host.taken)
    way, sshd, nobody, server, command = told.items
    steps = answers.way(way)
    assert isinstance(steps, tuple)
    assert [(step.path, step.uid) for step in steps][:2] == [("/srv/a\nb\udcff/keys", 1000), ("/srv/a\nb\udcff", 1000)]
    listens = [one.listens for one in map(answers.process, (sshd, nobody)) if isinstance(one, answers.Process)]
    assert [[(each.protocol, each.port) for each in places] for places in listens] == [
        [("tcp", 22), ("tcp", 22)],
        [("udp", 51820)],
    ]
    seen = answers.shown(server)
    assert isinstance(seen, answers.Shown)
    assert (seen.methods, seen.kexinit["kex"], seen.source) == (
        ("publickey", "password"),
        ("curve25519-sha256",),
        "192.168.10.5",
    )
    assert answers.ran(command) == answers.Ran(0, b"port 22\npermitrootlogin no\n", b"")
    assert told.gaps == (Gap("/proc/net/udp6", "permission denied"),)
    assert [need.what for need in told.unasked] == ["/usr/sbin/new"]


def test_incident_1_is_read_and_its_seals_are_good(tmp_path: Path) -> None:
    """An archive of a case with an entry of each kind, one of them after a crash; the private half of its key is gone."""
    with tarfile.open(FORMATS / "incident-1.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    case = cases.found("", str(tmp_path / "2026-001"))
    seen = holdings.seen(case, signers.read(str(FORMATS / "incident-1.signers")), datetime.now(UTC))
    told = checked.verdict(seen, (), asked=True)
    assert (told.wrong, told.gaps, told.files) == ((), (), 4)
    assert [seal.signer.split()[0] for seal in told.vouched] == ["sample@auditkit"]
    assert told.exporter.startswith("sample@auditkit SHA256:")
    kinds = [entry.said.kind for entry in seen.journal.entries]
    assert set(kinds) == set(incidents.Kind)
    contact = seen.journal.entries[kinds.index(incidents.Kind.CONTACT)]
    assert contact.said.text == "called;\nthey did not know of it … \udcff"
    assert contact.hand.time.isoformat() == "2026-11-24T04:05:00.000125+01:00"
    assert [one.entry.seq for one in kept.reports(case)] == [4]
    stand = standing.standing(seen.journal)
    assert stand
    assert (stand.title, stand.corrected, stand.closed) == ("failed logins at srv-01", {5: 6}, seen.journal.entries[-1])
