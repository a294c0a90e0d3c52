"""What sshd itself says of its configuration: dumps of four versions, and this machine's own sshd as the oracle."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import configuration, connection

from auditkit.access import classes, dump
from auditkit.access.dump import Answer
from auditkit.access.nouns import Dump
from auditkit.answers import Ran
from auditkit.sshd.criteria import Connection
from auditkit.sshd.effective import Effective, read
from auditkit.sshd.keywords import Rule, of
from auditkit.sshd.lines import Version, lowered

DUMPS = Path(__file__).parent.parent / "sshd" / "data"
VERSIONS: dict[str, Version] = {"bullseye": (8, 4), "bookworm": (9, 2), "trixie": (10, 0), "sid": (10, 6)}
DEBIAN = b"UsePAM yes\nX11Forwarding yes\nPrintMotd no\nSubsystem sftp /usr/lib/openssh/sftp-server\n"
SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
needs_sshd = pytest.mark.skipif(SSHD != "/usr/sbin/sshd", reason="there is no sshd to ask")


@pytest.mark.parametrize("release", VERSIONS)
def test_a_dump_of_each_version_says_the_same_of_who_gets_in(release: str) -> None:
    """Since 10.4 keywords are in mixed case, `true` stands for `yes`, and `prohibit-password` for its old name."""
    values = dump.values((DUMPS / f"T_{release}.txt").read_text().splitlines())
    wanted = ("passwordauthentication", "kbdinteractiveauthentication", "usepam", "permitrootlogin", "tcpkeepalive")
    assert [values[name] for name in wanted] == [("yes",), ("no",), ("yes",), ("prohibit-password",), ("yes",)]
    assert values["listenaddress"] in ((("0.0.0.0:22"), "[::]:22"), ("[::]:22", "0.0.0.0:22"))
    assert "loglevel" not in values, "-d changes it"


@pytest.mark.parametrize("release", VERSIONS)
def test_where_sshd_and_we_agree_nothing_is_said_and_where_not_its_word_counts(release: str) -> None:
    version = VERSIONS[release]
    given = read({"/c": DEBIAN + b"ChallengeResponseAuthentication no\n"}, version, main="/c")
    values = dump.values((DUMPS / f"T_{release}.txt").read_text().splitlines())
    said = Dump(Connection(), values, {"passwordauthentication": ("/c:9",)})
    mine, different = classes.overlaid(given.of(Connection()), said, given.files.known, every=True)
    assert different == []
    said = Dump(Connection(), {**values, "passwordauthentication": ("no",)}, {"passwordauthentication": ("/c:9",)})
    mine, different = classes.overlaid(given.of(Connection()), said, given.files.known, every=True)
    assert different == ["of PasswordAuthentication sshd itself says no, its files came to yes: its word counts"]
    assert (mine.effects["PasswordAuthentication"].value, mine.effects["PasswordAuthentication"].origin) == (("no",), "/c:9")


@pytest.mark.parametrize("release", VERSIONS)
def test_each_version_tells_which_line_set_what_for_a_connection(release: str) -> None:
    """In its second reading the main file is `reprocess config`, and what it says there counts alone."""
    complaints, _mark, out = (DUMPS / f"ddd_{release}.txt").read_bytes().partition(b"--\n")
    told = dump.answer(Ran(0, out, complaints), "/etc/ssh/sshd_config", Connection("backup"))
    assert told.dump
    assert told.version == VERSIONS[release]
    wanted = ("permitrootlogin", "passwordauthentication", "authenticationmethods", "allowusers", "usepam", "forcecommand")
    assert {name: told.dump.values[name] for name in wanted} == {
        "permitrootlogin": ("no",),
        "passwordauthentication": ("yes",),
        "authenticationmethods": ("publickey password",),
        "allowusers": ("a", "b@10.0.0.0/8", "c"),
        "usepam": ("yes",),
        "forcecommand": ('/bin/x "y z"',),
    }
    lines = {name: [int(place.rpartition(":")[2]) for place in told.dump.set_by[name]] for name in wanted}
    assert lines == {
        "permitrootlogin": [12],
        "passwordauthentication": [11, 14],
        "authenticationmethods": [15],
        "allowusers": [7, 8],
        "usepam": [6],
        "forcecommand": [17],
    }
    assert {place.rpartition(":")[0] for places in told.dump.set_by.values() for place in places} == {"/etc/ssh/sshd_config"}


def asked(main: Path, who: Connection) -> Answer:
    """What this machine's sshd says of a connection."""
    spec = f"user={who.user},host={who.host},addr={who.address},laddr={who.local_address},lport={who.local_port}"
    words = ["/usr/sbin/sshd", "-T", "-ddd", "-f", str(main), "-C", spec]
    done = subprocess.run(words, capture_output=True, check=False, timeout=20, cwd="/", env={"LC_ALL": "C"})
    return dump.answer(Ran(done.returncode, done.stdout, done.stderr), str(main), who)


@needs_sshd
def test_what_sshd_itself_says_and_which_line_set_it_is_read_as_it_means_it(tmp_path: Path) -> None:
    """Of configurations made up at random: no difference of any value, and the same line for each that one line sets."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    chance = random.Random(6)
    taken = refused = 0
    for number in range(60):
        home = tmp_path / str(number)
        home.mkdir()
        files = dict(configuration(chance, home, key, (9, 2)))
        for name, data in files.items():
            Path(name).write_bytes(data)
        who = connection(chance)
        given = read(files, (9, 2), main=f"{home}/main")
        mine, said = given.of(who), asked(home / "main", who)
        if said.dump is None:
            refused += 1
            ours = {str(refusal.at) for refusal in mine.refusals}
            assert not said.refused or {str(refusal.at) for refusal in said.refused} & ours or "main:0" in str(ours)
            continue
        taken += 1
        assert said.version == (9, 2)
        assert classes.overlaid(mine, said.dump, given.files.known, every=True)[1] == []
        assert {name: lines for name, lines in ours_of(mine).items() if said.dump.set_by.get(name) != lines} == {}
    assert taken > 20
    assert refused > 3


def ours_of(mine: Effective) -> dict[str, tuple[str, ...]]:
    """The line of each keyword of which the first line counts, where sshd was told of one line only."""
    single = {keyword.name for keyword in of((9, 2)).values() if keyword.rule is Rule.FIRST and not keyword.means}
    dead = {each.keyword for each in mine.dead}
    told = {name: effect.set_by for name, effect in mine.effects.items() if name in single - dead - RENAMED and effect.set_by}
    return {lowered(name): tuple(map(str, places)) for name, places in told.items() if name != "LogLevel"}


RENAMED = {
    "KbdInteractiveAuthentication",
    "PubkeyAuthentication",
    "TCPKeepAlive",
    "GSSAPICleanupCredentials",
    "PubkeyAcceptedAlgorithms",
    "HostbasedAcceptedAlgorithms",
}
"""Keywords with other names, by which sshd tells of them."""


@pytest.mark.parametrize(
    ("complaint", "refused"),
    [
        ("/etc/ssh/sshd_config: line 5: Bad configuration option: Foo", ["/etc/ssh/sshd_config:5"]),
        ('/etc/ssh/x y.conf line 12: unsupported option "maybe".', ["/etc/ssh/x y.conf:12"]),
        ("reprocess config line 3: Directive 'Port' is not allowed within a Match block", ["/main:3"]),
        ("debug2: /etc/ssh/sshd_config line 8: Deprecated option Protocol", []),
        ("/etc/ssh/sshd_config line 8: Deprecated option Protocol", []),
        ("sshd: no hostkeys available -- exiting.", []),
        ("Missing privilege separation directory: /run/sshd", []),
    ],
)
def test_a_line_that_sshd_refuses_is_told_from_its_other_complaints(complaint: str, refused: list[str]) -> None:
    told = dump.answer(Ran(255, b"", complaint.encode() + b"\r\n"), "/main", Connection())
    assert [str(each.at) for each in told.refused] == refused
    assert told.dump is None
    assert refused or told.complaint.startswith(("sshd", "Missing", "/etc", "it says nothing"))


def test_a_program_that_was_ended_has_said_nothing() -> None:
    told = dump.answer(Ran(None, b"passwordauthentication no\n", b""), "/main", Connection())
    assert (told.dump, told.complaint) == (None, "it was ended because of its time or size")


@given(st.binary(max_size=400), st.binary(max_size=400), st.sampled_from([0, 1, None]))
def test_no_answer_of_a_hostile_host_breaks_the_reader(out: bytes, complaints: bytes, status: int | None) -> None:
    told = dump.answer(Ran(status, out, complaints), "/main", Connection())
    assert told.dump is None or (status == 0 and out)
