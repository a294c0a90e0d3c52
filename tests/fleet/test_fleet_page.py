"""The page on the whole office, done on a real machine: what it says to do on a host lets auditkit in, and see all."""

import json
import re
import subprocess
from pathlib import Path

import yaml

from auditkit.config import load
from fleet.fleet import Fleet

PAGE = (Path(__file__).parent.parent.parent / "docs/how-to/fleet.md").read_text("utf-8")
KEY = 'from="192.168.10.5",restrict ssh-ed25519 AAAA... auditkit'


def test_what_the_page_says_to_do_on_a_host_lets_auditkit_in(fleet: Fleet) -> None:
    (machine,) = fleet.up([("py", 1)])
    (steps,) = re.findall(r"^```sh on-each-host\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert KEY in steps
    key = subprocess.run(["ssh-keygen", "-y", "-f", fleet.key], check=True, capture_output=True, text=True).stdout.strip()
    steps = re.sub(r"\baudit\b", "asker", steps.replace(KEY, f"restrict {key}"))  # an account audit is there already
    subprocess.run([*machine.inside, "sh", "-ec", steps], check=True, capture_output=True)
    fleet.config({machine.name: {"user": "asker"}})
    told = fleet.auditkit("hosts", "--format", "json")
    assert (told.code, [host["state"] for host in json.loads(told.out)["hosts"]]) == (0, ["ok"])
    fleet.config({machine.name: {"user": "asker", "become": "none"}})
    assert fleet.auditkit("audit", machine.name, "--only", "accounts", "--fail-on", "none").code == 3, (
        "without sudo there are gaps"
    )
    (undo,) = re.findall(r"^Undo: `(.*)`", PAGE, re.MULTILINE)
    subprocess.run([*machine.inside, "sh", "-ec", re.sub(r"\baudit\b", "asker", undo)], check=True, capture_output=True)
    assert fleet.auditkit("hosts", "-q").code == 3


def test_the_configuration_that_the_page_shows_is_read(tmp_path: Path) -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "auditkit.yaml").write_text(text, "utf-8")
    read = load(str(tmp_path / "auditkit.yaml"))
    assert set(read.hosts) == set(yaml.safe_load(text)["hosts"])
    assert len(read.exceptions) == 1
