"""doas.conf as we read it, against the real doas: whether a file is sound, and what it says to a command."""

import os
import subprocess
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.sudoers import doas, permitting

REAL = Path("/usr/bin/doas")
WORDS = (
    *(
        "permit",
        "deny",
        "nopass",
        "persist",
        "keepenv",
        "nolog",
        "setenv { A=b -C }",
        "root",
        ":root",
        "anna",
        "0",
        ":0",
        "as root",
    ),
    *(
        "cmd /bin/ls",
        "cmd ls",
        "args",
        "args -l",
        '"root"',
        '"nopass"',
        "\\\n",
        "#",
        "{",
        "}",
        '"a b"',
        '\\"',
        "\n",
        "x\\ y",
        '""',
    ),
)
IDENTITIES = ("root", ":root", "0", ":0", "anna", ":adm", "nobody", "r\\oot", '"root"')
TAILS = (
    "",
    "",
    " as root",
    " as anna",
    " cmd /bin/ls",
    " cmd ls",
    " cmd /bin/ls args",
    " cmd /bin/ls args -l",
    " as root cmd ls",
)


def conf(at: Random) -> str:
    """A file: mostly rules, sometimes just words."""
    lines = []
    for _ in range(at.randint(0, 4)):
        options = " ".join(at.sample(("nopass", "keepenv", "nolog", "setenv { A }"), at.randint(0, 2)))
        action = at.choice((f"permit {options}", "permit", "deny", "permit nopass"))
        lines.append(f"{action} {at.choice(IDENTITIES)}{at.choice(TAILS)}{at.choice(('', '', ' # why'))}")
    if at.random() < 0.3:
        lines.append(" ".join(at.choice(WORDS) for _ in range(at.randint(1, 6))))
    return "\n".join(lines) + at.choice(("\n", "\n", "\n", ""))


def real(path: Path, *command: str) -> str:
    """What doas says: `permit nopass`, `permit`, `deny`; `broken` of a file with a mistake."""
    words = [str(REAL), "-C", str(path), *command]
    done = subprocess.run(words, capture_output=True, check=False, timeout=20, env={"PATH": "/bin"})
    if b"doas: " in done.stderr or (not command and done.returncode):
        return "broken"
    return done.stdout.decode().strip()


@pytest.mark.skipif(not REAL.exists() or os.getuid() != 0, reason="asks doas itself, of Debian's opendoas, as root")
@pytest.mark.parametrize("start", [0, 80])
def test_a_file_says_what_it_says_to_doas(start: int, tmp_path: Path) -> None:
    path = tmp_path / "doas.conf"
    for seed in range(start, start + 80):
        text = conf(Random(seed))
        path.write_text(text)
        path.chmod(0o600)
        read = doas.rules("doas.conf", text)
        if isinstance(read, doas.Broken):
            assert real(path) == "broken", (seed, text)
            continue
        assert real(path) == "", (seed, text, read)
        for command in (("/bin/ls",), ("/bin/ls", "-l"), ("/bin/cat", "x")):
            fits = permitting.last(read, permitting.Asking("root", 0, ("root",), (0,)), "root", command)
            ours = "deny" if fits is None or not fits.permits else "permit nopass" if "nopass" in fits.options else "permit"
            assert real(path, *command) == ours, (seed, text, command)


@given(st.text(max_size=200) | st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_any_text_is_read_to_its_end(text: str) -> None:
    read = doas.rules("doas.conf", text)
    assert isinstance(read, doas.Broken) or all(rule.identity or rule.quote.text for rule in read)
