"""Each proposal, checked by the tool that it is for, and where that can be loaded, against packets.

What is not installed, or takes root, is skipped; .ci/run installs all of it.
"""

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from apart import PATIENCE, Apart, apart, can_be_made
from hypothesis import given, settings
from hypothesis import strategies as st
from proc_of_server import Machine

from auditkit.report.proposal import Offer, told
from auditkit.response.blocking import TOOLS, fail2ban, nft, sshd, wishing
from auditkit.response.blocking.addresses import network
from auditkit.response.blocking.nouns import Ends, Guarded, Proposal, Trust, Wish

ADMIN4, ADMIN6, COLLEAGUE = "192.0.2.10", "2001:db8:77::9", "192.0.2.20"
SUSPECT4, SUSPECT6, STRANGER = "198.51.100.7", "2001:db8:99::7", "198.51.100.9"
PEOPLE = (ADMIN4, ADMIN6, COLLEAGUE, SUSPECT4, SUSPECT6, STRANGER)
GUARDED = (
    *(Guarded(network(each), "the admin", Trust.NAMED) for each in (ADMIN4, ADMIN6)),
    Guarded(network("192.0.2.16/28"), "the office", Trust.OURS),
    Guarded(network("203.0.113.1"), "the default gateway"),
)
AROUND = replace(Machine().seen(), guarded=GUARDED, gaps=(), grave=())


def wish(target: str, seconds: int = 180, ports: tuple[int, ...] = (22,)) -> Wish:
    return wishing.wish(network(target), seconds, ports, AROUND, "2026-001")


def text(proposal: Proposal, asked: Wish, then: str = "auditkit incident note 1 done") -> str:
    """The proposal as a person has it before him."""
    offer = Offer(proposal, asked, AROUND, ("Mind this.",), datetime(2026, 11, 30, tzinfo=UTC), proposal.tool, then)
    return "".join(told(offer))


def needs(*programs: str) -> Callable[..., None]:
    missing = [name for name in programs if not shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")]
    why = f"{missing[0]} is not installed" if missing else "takes root and namespaces"
    return pytest.mark.skipif(bool(missing) or not can_be_made(), reason=why)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    """A server that can be changed, and others that come to it from all these addresses."""
    if not can_be_made():
        pytest.skip("takes root and namespaces")
    own = tmp_path_factory.mktemp("etc")
    for name in ("ufw", "fail2ban"):
        if Path("/etc", name).is_dir():
            shutil.copytree(Path("/etc", name), own / name)
    mounts = "".join(f"mount --bind {own / name} /etc/{name}; " for name in os.listdir(own))
    with apart(PEOPLE, mounts) as made, made.listening(22, 443):
        yield made


# --- nft


@needs("nft")
@pytest.mark.parametrize("target", [SUSPECT6, "198.51.100.0/24"])
def test_nft_takes_it_off_the_list_again_when_the_time_is_over(pair: Apart, target: str) -> None:
    asked = wish(target, seconds=1)
    for _twice in range(2):
        done = pair.sh(text(nft.proposal(asked), asked))
        assert (done.returncode, done.stderr) == (0, "")
    listed = json.loads(pair.sh("nft -j list ruleset").stdout)["nftables"]
    assert [each["table"]["name"] for each in listed if "table" in each] == ["auditkit"]
    assert sum("rule" in each for each in listed) == 5
    end = time.monotonic() + PATIENCE
    while "auditkit case 2026-001" in pair.sh("nft list table inet auditkit").stdout:
        assert time.monotonic() < end
    suspect = SUSPECT6 if ":" in target else SUSPECT4
    assert pair.come([suspect]) == {suspect: "in"}
    assert pair.sh("\n".join(nft.proposal(asked).undo)).returncode == 0
    assert pair.sh("nft list ruleset").stdout == ""


@needs("nft")
def test_what_nft_keeps_out_and_lets_in_while_the_time_runs(pair: Apart) -> None:
    asked = wish("198.51.100.0/29", seconds=3600)
    assert pair.sh(text(nft.proposal(asked), asked)).returncode == 0
    kept_out = [SUSPECT4]
    assert pair.come(kept_out, seconds=0.5) == {SUSPECT4: "dropped"}
    assert pair.come(kept_out, port=443) == {SUSPECT4: "in"}
    others = [each for each in PEOPLE if each not in kept_out]
    assert set(pair.come(others).values()) == {"in"}
    assert pair.sh("\n".join(nft.proposal(asked).undo)).returncode == 0
    assert pair.come(kept_out) == {SUSPECT4: "in"}


@needs("nft")
def test_nft_lets_in_who_is_on_the_list_even_where_a_block_holds_him(pair: Apart) -> None:
    """No proposal is made so; a second line of defence is one only if it holds by itself."""
    asked = replace(wish(SUSPECT4, seconds=3600, ports=()), target=network("192.0.2.0/24"))
    assert pair.sh("\n".join(nft.proposal(asked).lines)).returncode == 0
    assert set(pair.come([ADMIN4, COLLEAGUE, STRANGER]).values()) == {"in"}
    pair.sh("nft delete table inet auditkit")


@needs("nft")
def test_nft_adds_a_second_block_to_the_first(pair: Apart) -> None:
    first, second = wish(SUSPECT4, seconds=3600), wish(STRANGER, seconds=3600)
    assert pair.sh("\n".join(nft.proposal(first).lines)).returncode == 0
    (added,) = (step.lines for step in nft.proposal(second).steps if step.optional)
    assert pair.sh("\n".join(added)).returncode == 0
    assert set(pair.come([SUSPECT4, STRANGER], seconds=0.5).values()) == {"dropped"}
    pair.sh("nft delete table inet auditkit")


# --- ufw


@needs("ufw", "iptables")
def test_ufw_denies_the_suspect_and_deletes_the_rule_again(pair: Apart) -> None:
    """First where no rule is yet, where `insert 1` fails, then before one that lets everybody in."""
    assert pair.sh("ufw --force enable").returncode == 0
    for target, suspect in ((SUSPECT6, SUSPECT6), ("198.51.100.0/24", SUSPECT4)):
        proposal = TOOLS["ufw"](wish(target, seconds=1, ports=(22, 443)))
        check, allow, later, block = proposal.steps
        assert allow.optional
        checked = pair.sh("\n".join(check.lines))
        assert (checked.returncode, "-j DROP" in checked.stdout) == (0, True)
        assert pair.sh("\n".join((*block.lines, "ufw allow 22,443/tcp"))).returncode == 0
        assert pair.come([suspect], port=443, seconds=0.5) == {suspect: "dropped"}
        assert set(pair.come([ADMIN4, ADMIN6], port=443).values()) == {"in"}
        if target == suspect:
            assert pair.sh("\n".join(proposal.undo)).returncode == 0
        else:
            assert pair.sh("\n".join(later.lines)).returncode == 0
        end = time.monotonic() + PATIENCE
        while target in pair.sh("ufw status").stdout:
            assert time.monotonic() < end
        assert pair.come([suspect], port=443) == {suspect: "in"}


# --- firewalld


@needs("firewall-offline-cmd")
def test_firewalld_takes_each_rule_and_gives_it_back(tmp_path: Path) -> None:
    """firewalld itself does not run here: its own checker of rules does, with a configuration of its own."""
    here = f"firewall-offline-cmd --system-config {tmp_path}"
    proposals = [TOOLS["firewalld"](wish(target)) for target in (SUSPECT4, "2001:db8:99::/48")]
    added = [line for each in proposals for line in each.lines if "--add-rich-rule" in line]
    assert all(line.endswith(" --timeout=180s") for line in added)
    assert ["accept" in line for line in added[:3]] == [True, True, False]  # who is let in comes first
    words = " ".join(line.removeprefix("firewall-cmd ").removesuffix(" --timeout=180s") for line in dict.fromkeys(added))
    done = sh(f"{here} {words}")
    assert done.returncode == 0, done.stderr
    rules = sh(f"{here} --list-rich-rules").stdout.splitlines()
    assert len(rules) == 4
    assert sum(line.endswith(" drop") for line in rules) == 2
    undo = dict.fromkeys(line.removeprefix("firewall-cmd ") for each in proposals for line in each.undo)
    assert sh(f"{here} {' '.join(undo)}").returncode == 0
    assert sh(f"{here} --list-rich-rules").stdout.strip() == ""


# --- fail2ban


@needs("fail2ban-client")
def test_fail2ban_bans_spares_and_lifts(pair: Apart) -> None:
    """A server of its own, whose jail bans nobody in fact, told exactly what is proposed."""
    pair.sh(FAIL2BAN)
    try:
        target = SUSPECT6
        proposal = TOOLS["fail2ban"](wish(target))
        *before, later, ban = (step for step in proposal.steps if not step.optional)
        done = pair.sh("\n".join(line for step in (*before, ban) for line in step.lines))
        assert (done.returncode, done.stderr) == (0, "")
        assert f"unbanip {target}" in later.lines[0]
        assert target in pair.sh("\n".join(proposal.look)).stdout
        spared = pair.sh("fail2ban-client get sshd ignoreip").stdout
        assert all(each in spared for each in ("192.0.2.16/28", ADMIN4, ADMIN6))
        assert pair.sh("\n".join(proposal.undo)).returncode == 0
        assert target not in pair.sh("\n".join(proposal.look)).stdout
        assert ADMIN4 not in pair.sh("fail2ban-client get sshd ignoreip").stdout
        (pair_file,) = (step for step in proposal.steps if step.optional)
        lines = "\n".join(pair_file.lines)
        done = pair.sh(f"cat > {fail2ban.FILE} <<'END'\n{lines}\nEND\nfail2ban-client -t && fail2ban-client -d")
        assert done.returncode == 0
        assert f"['set', 'sshd', 'addignoreip', '127.0.0.0/8', '{ADMIN4}', '192.0.2.16/28', '::1', '{ADMIN6}']" in done.stdout
    finally:
        pair.sh("fail2ban-client stop")


FAIL2BAN = """
mkdir -p /run/fail2ban
touch /run/auth.log
cat > /etc/fail2ban/fail2ban.local <<'END'
[Definition]
socket = /run/fail2ban/fail2ban.sock
pidfile = /run/fail2ban/fail2ban.pid
dbfile = None
logtarget = /run/fail2ban.log
END
cat > /etc/fail2ban/jail.d/zz.local <<'END'
[sshd]
enabled = true
backend = polling
logpath = /run/auth.log
action =
END
fail2ban-client start
"""


# --- sshd


def settings_of(folder: Path, rules: tuple[str, ...], address: str) -> dict[str, list[str]]:
    """What sshd makes of a drop-in for who comes from an address."""
    (folder / "drop.conf").write_text("\n".join(rules) + "\n")
    (folder / "sshd_config").write_text(f"Include {folder}/drop.conf\nHostKey {folder}/key\nX11Forwarding yes\n")
    words = ["-f", str(folder / "sshd_config"), "-T", "-C", f"user=root,host=x,addr={address},laddr=127.0.0.1,lport=22"]
    done = subprocess.run(["/usr/sbin/sshd", *words], capture_output=True, text=True, check=True)
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        found.setdefault(line.split()[0], []).append(line.partition(" ")[2])
    return found


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a host key."""
    folder = tmp_path_factory.mktemp("sshd")
    if not Path("/usr/sbin/sshd").exists() or not can_be_made():
        pytest.skip("takes sshd and root")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    return folder


@pytest.mark.parametrize("target", [SUSPECT4, SUSPECT6, "198.51.100.0/24", "2001:db8:99::/48"])
def test_sshd_shuts_out_the_suspect_and_nobody_else(key: Path, target: str) -> None:
    rules = sshd.rules(wish(target))
    hit = settings_of(key, rules, SUSPECT6 if ":" in target else SUSPECT4)
    assert (hit["denyusers"], hit["passwordauthentication"]) == (["*"], ["no"])
    for other in ("192.0.2.99", "2001:db8:55::1", ADMIN4, ADMIN6, COLLEAGUE):
        spared = settings_of(key, rules, other)
        assert "denyusers" not in spared
        assert spared["passwordauthentication"] == ["yes"]
        assert spared["x11forwarding"] == ["yes"]  # what is read after it goes for everybody


def test_sshd_spares_who_is_on_the_list_even_inside_of_the_block(key: Path) -> None:
    rules = sshd.rules(replace(wish(SUSPECT4), target=network("192.0.2.0/24")))
    assert "denyusers" in settings_of(key, rules, "192.0.2.99")
    assert "denyusers" not in settings_of(key, rules, ADMIN4)
    assert "denyusers" not in settings_of(key, rules, COLLEAGUE)


def test_sshd_takes_the_stricter_line_too(key: Path) -> None:
    asked = wish(SUSPECT4)
    told_ = settings_of(key, (sshd.only(asked), *sshd.rules(asked)), ADMIN4)
    assert [f"*@{each}" for each in (ADMIN4, "192.0.2.16/28")] == [each for each in told_["allowusers"] if "192" in each]


def test_an_option_that_this_sshd_does_not_know_is_in_no_file_for_it(key: Path) -> None:
    """RefuseConnection came with OpenSSH 10; an older sshd takes no file that has it, and would not start again."""
    said = subprocess.run(["/usr/sbin/sshd", "-V"], capture_output=True, text=True, check=False).stderr
    own = tuple(map(int, re.findall(r"OpenSSH_(\d+)\.(\d+)", said)[0]))
    asked = wish(SUSPECT4)
    assert all("RefuseConnection" not in " ".join(sshd.rules(replace(asked, openssh=old))) for old in (None, (9, 2), (9, 9)))
    new = sshd.rules(replace(asked, openssh=(10, 0)))
    assert "    RefuseConnection yes" in new
    if own >= (10, 0):
        assert settings_of(key, new, SUSPECT4)["refuseconnection"] == ["yes"]
    else:
        with pytest.raises(subprocess.CalledProcessError):
            settings_of(key, new, SUSPECT4)


# --- the text


def sh(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", *options], input=script, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("tool", TOOLS)
def test_each_proposal_says_all_that_one_has_to_know(tool: str) -> None:
    asked = wish(SUSPECT4)
    proposal = TOOLS[tool](asked)
    said = text(proposal, asked)
    order = [said.index(word) for word in ("Nothing was changed", "What it does", "not hit by it", "1. ", "See that it stands")]
    assert order == sorted(order)
    assert "It ends by itself after 3 minutes. To end it now:" in said
    assert "incident note 1 done" in said
    assert ADMIN4 in said
    for ends in Ends:
        lines = TOOLS[tool](replace(asked, ends=ends)).lines
        assert sh("\n".join(lines), "-n").returncode == 0
        assert sh(text(TOOLS[tool](replace(asked, ends=ends)), asked), "-n").returncode == 0
        timed = {Ends.SYSTEMD: "--on-active=180s", Ends.AT: "at now + 3 minutes", Ends.SLEEP: "sleep 180"}[ends]
        assert any(timed in line or "timeout 180s" in line or "--timeout=180s" in line for line in lines)


@pytest.mark.parametrize("tool", ["ufw", "fail2ban", "sshd"])
def test_the_timer_is_set_before_the_block(tool: str) -> None:
    steps = [step for step in TOOLS[tool](wish(SUSPECT4)).steps if step.lines and not step.optional]
    timer = next(at for at, step in enumerate(steps) if "sleep 180" in step.lines[0])
    assert any("ufw prepend deny" in line or "banip" in line or "DenyUsers" in line for line in steps[timer + 1].lines)


@settings(max_examples=60)
@given(st.sampled_from(sorted(TOOLS)), st.ip_addresses(), st.text(max_size=40), st.text(max_size=40), st.sampled_from(Ends))
def test_nothing_but_addresses_and_numbers_reaches_what_is_pasted(
    tool: str, target: object, case: str, host: str, ends: Ends
) -> None:
    """Whatever the case, the host, an interface or a user is called."""
    around = replace(AROUND, host=host, ends=ends, guarded=(*GUARDED, Guarded(network("10.0.0.1"), host, Trust.OURS)))
    asked = wishing.wish(network(str(target)), 180, (22,), around, case)
    proposal = TOOLS[tool](asked)
    plain = TOOLS[tool](wishing.wish(network(str(target)), 180, (22,), replace(around, host="h"), ""))
    assert proposal.lines == plain.lines or re.fullmatch(r"\d{4}-\d{3,6}", case)
    offer = Offer(proposal, asked, around, (host,), datetime(2026, 11, 30, tzinfo=UTC), host, case)
    remarks = [line for line in told(offer) if line.startswith("#")]
    bare = [line for line in told(offer) if not line.startswith("#")]
    assert all(line.removesuffix("\n").isprintable() for line in remarks)
    assert [line.rstrip("\n") for line in bare if line != "\n"] == list(proposal.lines)
