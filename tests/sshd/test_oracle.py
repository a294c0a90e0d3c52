"""What we make of a configuration is what `sshd -T -C` makes of it: the sshd of this machine, and dumps of others.

By hand, for longer: `AUDITKIT_SSHD_CASES=20000 pytest tests/sshd/test_oracle.py`.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from fleet.images import NoFleetError, layers, missing
from oracle import NOT_DUMPED, Sshd, lines_of, ours, run

from auditkit.sshd.criteria import Connection
from auditkit.sshd.effective import read
from auditkit.sshd.lines import Version

CASES = int(os.environ.get("AUDITKIT_SSHD_CASES", "600"))
DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def sshd() -> Sshd:
    """The sshd of this machine."""
    program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/sbin")
    if program is None or os.geteuid() != 0:
        pytest.skip("needs sshd, and root to run it")
    Path("/run/sshd").mkdir(exist_ok=True)
    told = subprocess.run([program, "-V"], capture_output=True, check=False, text=True).stderr
    major, minor = re.findall(r"OpenSSH_([0-9]+)\.([0-9]+)", told)[0]
    return Sshd((program,), (int(major), int(minor)))


def test_made_up_configurations_come_to_what_sshd_says(sshd: Sshd, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    taken, differences = run(sshd, tmp_path, tmp_path / "key", 20261130, CASES)
    assert differences == []
    assert CASES * 0.5 < taken < CASES * 0.9


@pytest.fixture(scope="module")
def trixie() -> Sshd:
    """The sshd of Debian 13, out of the image of the fleet's machines, run by its own loader."""
    if lacking := missing():
        pytest.skip(lacking)
    try:
        root = layers("trixie")[-1]
    except NoFleetError as error:
        pytest.skip(str(error))
    (loader,) = root.glob("lib*/ld-linux*")
    libraries = ":".join(map(str, root.glob("usr/lib/*-linux-gnu")))
    return Sshd((str(loader), "--library-path", libraries, str(root / "usr/sbin/sshd")), (10, 0))


def test_made_up_configurations_come_to_what_sshd_of_debian_13_says(trixie: Sshd, tmp_path: Path) -> None:
    Path("/run/sshd").mkdir(exist_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    _taken, differences = run(trixie, tmp_path, tmp_path / "key", 20261201, CASES // 3)
    assert differences == []


SHIPPED = b"""
Include /etc/ssh/sshd_config.d/*.conf
KbdInteractiveAuthentication no
UsePAM yes
X11Forwarding yes
PrintMotd no
AcceptEnv %s
Subsystem sftp /usr/lib/openssh/sftp-server
"""
"""What is not a comment in the file that Debian ships."""
OF_10_6 = ("KerberosAuthentication", "KerberosOrLocalPasswd", "KerberosTicketCleanup")
"""What Debian's 10.6 is built without, and so does not tell of; the keywords of GSSAPI too."""


@pytest.mark.parametrize(
    ("suite", "version", "env"),
    [
        ("bullseye", (8, 4), b"LANG LC_*"),
        ("bookworm", (9, 2), b"LANG LC_*"),
        ("trixie", (10, 0), b"LANG LC_* COLORTERM NO_COLOR"),
        ("sid", (10, 6), b"LANG LC_* COLORTERM NO_COLOR"),
    ],
)
def test_what_debian_ships_comes_to_its_dump(suite: str, version: Version, env: bytes) -> None:
    shipped = SHIPPED % env
    if version < (8, 7):
        shipped = shipped.replace(b"KbdInteractive", b"ChallengeResponse")
    dump = lines_of((DATA / f"T_{suite}.txt").read_text())
    mine = ours(read({"/etc/ssh/sshd_config": shipped}, version).of(ANNA))
    absent = {name.lower() for name in OF_10_6} | set(NOT_DUMPED)
    mine = {n: v for n, v in mine.items() if n in dump or not (n in absent or n.startswith("gssapi"))}
    assert {n: sorted(map(plain, v)) for n, v in mine.items()} == {n: sorted(map(plain, v)) for n, v in dump.items()}


def plain(value: str) -> str:
    """A value without the fractions that 10.6 writes, and the one that it alone has."""
    return re.sub(r"(?<=:[0-9])([0-9]*)\.0+\b", r"\1", value).removesuffix(" max-pk-ok:6")


ANNA = Connection("anna", "192.0.2.9", "192.0.2.9", "192.0.2.1", 22, groups=("users",))
