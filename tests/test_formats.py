"""Files that last: a sample of every format ever released is read for ever. The samples are never made anew."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from auditkit import baseline, entries, seal, signers
from auditkit.model import Kind, Level
from auditkit.report import Options, document, render

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


def test_report_1_is_read_and_rendered() -> None:
    """The check of that disk after a line was changed, a link removed, and a log had grown."""
    told = document.check(json.loads((FORMATS / "report-1.json").read_text("utf-8")), SCHEMA)
    text = "".join(render(told, "text", Options(color=False, width=100, show_all=False)))
    assert "M /etc/motd" in text
    assert "- /etc/link" in text
    assert "-two" in text
    assert document.exit_code(told, None) == 0
