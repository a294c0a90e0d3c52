"""What tests of the incident record share: a case by its commands, with evidence and a seal, and hostile words."""

import io
import json
import subprocess
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, Outcome

from auditkit import seal
from auditkit.incident import cases, sealing
from auditkit.response.heads import Head
from auditkit.response.nouns import Hand, Kind, Said

HAND = Hand("anna", "ws-03", "auditkit", datetime(2026, 11, 24, 9, 12, tzinfo=UTC))
HOSTILE = "two lines\nand \x1b[2J\x1b]0;owned\x07, \u202egnp.exe, \udcff\udcfe"
CLEAR = [r"two", r"lines", r"and", r"\x1b[2J\x1b]0;owned\x07,", r"\xe2\x80\xaegnp.exe,", r"\xff\xfe"]


def incident(cli: Cli, *words: str) -> Outcome:
    return cli.run("incident", *words, "--store", str(cli.store))


def opened(cli: Cli, *words: str) -> cases.Case:
    """A new case of the store, by what the command calls: no process is started for it."""
    return cases.begun(str(cli.store), " ".join(words or ("failed", "logins")), HAND, {})[0]


def told(cli: Cli, *words: str) -> dict[str, Any]:
    """What a command answers to a program."""
    return dict(json.loads(incident(cli, *words, "--format", "json").out))


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key without a passphrase; beside it, as `signers`, who may sign with it."""
    path = tmp_path_factory.mktemp("keys") / "key"
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", str(path)], check=True)
    (path.parent / "signers").write_text(f"anna {path.with_suffix('.pub').read_text('utf-8')}", "utf-8")
    return path


@pytest.fixture
def kept(cli: Cli, key: Path) -> cases.Case:
    """A case with a file, a seal, and a note since."""
    case = opened(cli)
    content = b"Nov 24 03:10:00 srv sshd[1]: Failed password for root from 198.51.100.7 port 1 ssh2\n"

    def said(number: int) -> Said:
        path = Path(case.at(cases.EVIDENCE, f"{number:04}-auth.log"))
        path.write_bytes(content)
        path.chmod(0o400)
        digest = sha256(content).hexdigest()
        return Said(Kind.FILE, "copied", {"file": f"evidence/{path.name}", "sha256": digest, "size": len(content)})

    case.add(HAND, said)
    head = Head(case.id, 2, HAND.time, case.read().head)
    sealing.keep(case, head, seal.sign(io.BytesIO(head.text()), str(key)))
    case.add(HAND, Said(Kind.SEAL, "sealed entry 2", {"head": head.name, "entry": 2, "hash": head.hash}))
    case.add(HAND, Said(Kind.CONTACT, "called them"))
    return case
