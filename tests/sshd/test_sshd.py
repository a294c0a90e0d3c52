"""A configuration of sshd as text, and what must be said of it: above all what no oracle tells."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import FormatError
from auditkit.model import Gap
from auditkit.sshd.criteria import Connection
from auditkit.sshd.effective import Effective, read
from auditkit.sshd.globbing import globbed
from auditkit.sshd.lines import Version
from auditkit.sshd.patterns import matches
from auditkit.sshd.reading import globs

MAIN = "/etc/ssh/sshd_config"
ANNA = Connection("anna", "pc.example.org", "10.1.2.3", "10.0.0.1", 22, "", groups=("users", "staff"))


def judged(files: dict[str, str | bytes | Gap], who: Connection = ANNA, version: Version = (9, 2)) -> Effective:
    """What texts come to; `main` stands for the main file."""
    named = {MAIN if name == "main" else f"/etc/ssh/sshd_config.d/{name}": data for name, data in files.items()}
    return read({n: d.encode() if isinstance(d, str) else d for n, d in named.items()}, version).of(who)


def value(found: Effective, name: str) -> tuple[str, ...] | None:
    return found.effects[name].value


INCLUDE = "Include /etc/ssh/sshd_config.d/*.conf\n"


def test_a_drop_in_that_is_read_first_wins_and_the_dead_line_is_told() -> None:
    found = judged({"main": f"{INCLUDE}PasswordAuthentication no\n", "50-cloud-init.conf": "PasswordAuthentication yes\n"})
    effect = found.effects["PasswordAuthentication"]
    assert (effect.value, effect.origin) == (("yes",), "/etc/ssh/sshd_config.d/50-cloud-init.conf:1")
    assert [(str(dead.line), str(dead.winner)) for dead in found.dead] == [
        ("/etc/ssh/sshd_config:2", "/etc/ssh/sshd_config.d/50-cloud-init.conf:1")
    ]


def test_a_match_block_overrides_what_stands_before_it_for_those_it_names() -> None:
    text = "PasswordAuthentication no\nMatch User anna Address 10.0.0.0/8\n  PasswordAuthentication yes\n"
    anna, carl = judged({"main": text}), judged({"main": text}, Connection("carl", "h", "10.1.2.3", "10.0.0.1", 22, groups=()))
    assert (value(anna, "PasswordAuthentication"), anna.effects["PasswordAuthentication"].origin) == (("yes",), f"{MAIN}:3")
    assert [(str(dead.line), str(dead.winner)) for dead in anna.dead] == [(f"{MAIN}:1", f"{MAIN}:3")]
    assert (value(carl, "PasswordAuthentication"), carl.dead) == (("no",), ())


def test_a_match_block_ends_with_the_file_it_stands_in() -> None:
    found = judged({"main": f"{INCLUDE}PermitRootLogin no\n", "a.conf": "Match User nobody\nPermitRootLogin yes\n"})
    assert (value(found, "PermitRootLogin"), found.effects["PermitRootLogin"].origin) == (("no",), f"{MAIN}:2")


def test_lines_that_add_up_are_all_in_force() -> None:
    found = judged({"main": "AllowUsers anna\nPort 22\nAllowUsers carl\nPort 2222\n"})
    assert (value(found, "AllowUsers"), found.effects["AllowUsers"].origin) == (("anna", "carl"), f"{MAIN}:1, {MAIN}:3")
    assert (value(found, "Port"), found.dead) == (("22", "2222"), ())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("PasswordAuthentification no\n", "unknown keyword PasswordAuthentification"),
        ("Match User a\nUsePAM no\n", "UsePAM is not allowed within a Match block"),
        ("Match User a\nDSAAuthentication no\n", "DSAAuthentication is not allowed within a Match block"),
        ("PasswordAuthentication\n", "no argument after keyword PasswordAuthentication"),
        ("PermitRootLogin nope\n", "PermitRootLogin: unsupported option nope"),
        ("Match Address 10.0.0.1/8\n", "inconsistent mask length for 10.0.0.1/8"),
        ("Match Sessiontype shell\n", "unsupported criterion of Match: sessiontype"),
        ('Banner "x\n', "invalid quotes"),
        ("AuthorizedKeysCommand /bin/x\n", "AuthorizedKeysCommand without AuthorizedKeysCommandUser"),
        (
            "AuthenticationMethods password\nPasswordAuthentication no\n",
            "AuthenticationMethods: every list has a method that is off",
        ),
    ],
)
def test_what_sshd_would_not_start_with_is_told(text: str, reason: str) -> None:
    found = judged({"main": text})
    assert not found.starts
    assert [refusal.reason for refusal in found.refusals] == [reason]


def test_the_place_of_a_refusal_is_told() -> None:
    (refusal,) = judged({"main": f"# one\n{INCLUDE}", "x.conf": "UseDNS no\n\nNope 1\n"}).refusals
    assert str(refusal.at) == "/etc/ssh/sshd_config.d/x.conf:3"


UNREAD = Gap("/etc/ssh/sshd_config.d/b.conf", "permission denied")


def test_of_what_an_unread_file_may_say_nobody_can_tell() -> None:
    found = judged({"main": INCLUDE + "UseDNS no\n", "a.conf": "PasswordAuthentication no\nPort 22\n", "b.conf": UNREAD})
    assert found.gaps == (UNREAD,)
    assert value(found, "UseDNS") is None, "b.conf is read first"
    assert value(found, "PasswordAuthentication") is None, "b.conf may have a Match block"
    assert value(found, "Port") is None, "ports add up"
    assert found.effects["PasswordAuthentication"].origin == "/etc/ssh/sshd_config.d/a.conf:1"


def test_what_was_settled_before_an_unread_file_stays_so() -> None:
    found = judged({"main": f"UsePAM yes\nMatch User anna\nPasswordAuthentication no\n{INCLUDE}", "b.conf": UNREAD})
    assert (value(found, "UsePAM"), value(found, "PasswordAuthentication")) == (("yes",), ("no",))
    assert value(found, "KbdInteractiveAuthentication") is None
    assert value(found, "UseDNS") == ("no",), "no Match block may say it"


def test_an_unread_file_where_no_match_holds_says_nothing() -> None:
    found = judged({"main": f"Match User carl\n{INCLUDE}", "b.conf": UNREAD})
    assert (found.gaps, value(found, "PasswordAuthentication")) == ((), ("yes",))


def test_without_the_main_file_nobody_can_tell_anything() -> None:
    found = read({}, (9, 2)).of(ANNA)
    assert [gap.subject for gap in found.gaps] == [MAIN]
    assert {effect.value for effect in found.effects.values()} == {None}


def test_an_include_that_was_not_looked_up_is_a_gap() -> None:
    text = b"Include /etc/ssh/sshd_config.d/*.conf more/*.conf\n"
    assert globs({MAIN: text}, (9, 2)) == ("/etc/ssh/sshd_config.d/*.conf", "/etc/ssh/more/*.conf")
    found = read({MAIN: text}, (9, 2), asked=("/etc/ssh/sshd_config.d/*.conf",)).of(ANNA)
    assert [gap.subject for gap in found.gaps] == ["/etc/ssh/more/*.conf"]
    assert value(found, "PasswordAuthentication") is None
    assert value(read({MAIN: text}, (9, 2), asked=globs({MAIN: text}, (9, 2))).of(ANNA), "PasswordAuthentication") == ("yes",)


@pytest.mark.parametrize(
    ("criterion", "who"),
    [
        ("User anna", Connection(None, "h", "10.1.2.3", "10.0.0.1", 22)),
        ("Group staff", Connection("anna", "h", "10.1.2.3", "10.0.0.1", 22)),
        ("Address 10.0.0.0/8", Connection("anna", "h", None, "10.0.0.1", 22)),
        ("LocalPort 22", Connection("anna", "h", "10.1.2.3", "10.0.0.1")),
        ("Host *.example.org", Connection("anna", None, "10.1.2.3", "10.0.0.1", 22)),
        ("RDomain vrf1", replace(ANNA, domain=None)),
        ("RDomain *,!vrf1", replace(ANNA, domain=None)),
    ],
)
def test_a_match_on_what_is_not_known_of_the_connection_leaves_it_open(criterion: str, who: Connection) -> None:
    text = f"PasswordAuthentication no\nMatch {criterion}\nPasswordAuthentication yes\n"
    assert value(judged({"main": text}), "PasswordAuthentication") in (("yes",), ("no",))
    assert value(judged({"main": text}, who), "PasswordAuthentication") is None


def test_a_match_on_any_routing_domain_holds_for_who_comes_through_none() -> None:
    text = "PasswordAuthentication no\nMatch RDomain *\nPasswordAuthentication yes\n"
    for domain in ("", None):
        assert value(judged({"main": text}, replace(ANNA, domain=domain)), "PasswordAuthentication") == ("yes",)


def test_traps_of_the_format() -> None:
    cases = {
        b'"PasswordAuthentication no\n': "yes",  # a quote that stays open silences the line
        b"Password\0x\nAuthentication no\n": "no",  # a NUL joins two lines
        b"PasswordAuthentication=no\n": "no",
        b"\t passwordAUTHENTICATION = 'no' # why\r\n": "no",
        "P\u0430sswordAuthentication no\n".encode(): None,  # a Cyrillic letter: another keyword
        "\u212abdInteractiveAuthentication no\n".encode(): None,  # the sign for Kelvin is no k
    }
    for text, told in cases.items():
        found = judged({"main": text})
        assert (value(found, "PasswordAuthentication") == (told,)) if told else not found.starts, text


@pytest.mark.parametrize(
    ("version", "text", "name", "told"),
    [
        ((8, 4), "Banner /etc/a#b\n", "Banner", "/etc/a"),
        ((8, 7), "Banner /etc/a#b\n", "Banner", "/etc/a#b"),
        ((8, 4), "KbdInteractiveAuthentication no\n", "KbdInteractiveAuthentication", "yes"),
        ((8, 4), "ChallengeResponseAuthentication no\n", "KbdInteractiveAuthentication", "no"),
        ((9, 2), "ChallengeResponseAuthentication no\n", "KbdInteractiveAuthentication", "no"),
        ((9, 2), "MaxStartups 5\nMaxStartups 7\n", "MaxStartups", "7:30:7"),
        ((10, 6), "MaxStartups 5\nMaxStartups 7\n", "MaxStartups", "5:30:5"),
        ((10, 0), "Match User=anna\nMaxSessions 1\n", "MaxSessions", "1"),
        ((10, 0), "Match invalid-user\nMaxSessions 1\n", "MaxSessions", "10"),
        ((10, 0), "Match version OpenSSH_10.*\nMaxSessions 1\n", "MaxSessions", "1"),
        ((10, 0), "PerSourcePenalties no\n", "PerSourcePenalties", "no"),
    ],
)
def test_each_version_reads_in_its_own_way(version: Version, text: str, name: str, told: str) -> None:
    found = judged({"main": text}, version=version)
    assert (found.refusals, value(found, name)) == ((), (told,))


@pytest.mark.parametrize("text", ["Match invalid-user\n", "RefuseConnection yes\n", "PerSourcePenalties no\n"])
def test_what_a_version_does_not_know_it_refuses(text: str) -> None:
    assert not judged({"main": text}, version=(9, 2)).starts
    assert judged({"main": text}, version=(10, 0)).starts


def test_a_version_whose_rules_nobody_wrote_down_is_refused() -> None:
    with pytest.raises(FormatError, match=r"OpenSSH 7\.4 is older"):
        read({MAIN: b""}, (7, 4))


@pytest.mark.parametrize(
    "files",
    [
        {"main": "Include /etc/ssh/sshd_config\n" * 3},
        {"main": INCLUDE, **{f"{n:02}.conf": INCLUDE * 2 for n in range(20)}},
    ],
    ids=["itself", "each other"],
)
def test_files_that_include_themselves_are_refused(files: dict[str, str | bytes | Gap]) -> None:
    found = judged(files)
    assert [refusal.reason.partition(": ")[2] for refusal in found.refusals[:1]] == [
        "includes itself, or files are included more than 16 deep"
    ]
    assert value(found, "PasswordAuthentication") is None


def test_files_that_fan_out_are_bounded() -> None:
    files = {f"/f{n}": f"Include /f{n + 1} /f{n + 1} /f{n + 1} /f{n + 1}\n".encode() * 20 for n in range(16)}
    (refusal,) = read({**files, "/f16": b""}, (9, 2), main="/f0").of(ANNA).refusals[:1]
    assert "more lines are included" in refusal.reason


def test_huge_lines_and_many_blocks_are_gone_through() -> None:
    blocks = "".join(
        f"Match User u{n} Address 10.{n % 256}.0.0/16,!*a*a*a*a*a*b\nPasswordAuthentication no\n" for n in range(10_000)
    )
    text = blocks + "Match all\nBanner " + "x" * (1 << 20) + "\nAllowUsers " + "a " * (1 << 19)
    for version in ((8, 4), (10, 0)):
        found = judged({"main": text}, version=version)
        assert (value(found, "PasswordAuthentication"), found.starts) == (("yes",), True)
        assert len(value(found, "AllowUsers") or ()) == 1 << 19


def test_many_lines_that_add_up_are_gone_through() -> None:
    text = "AcceptEnv A\nUseDNS no\nMatch all\nAcceptEnv B\n" * 40_000
    found = judged({"main": text})
    assert (len(value(found, "AcceptEnv") or ()), found.starts) == (40_000 * 2 - 1, True)
    assert "more subsystems" in judged({"main": "".join(f"Subsystem s{n} /x\n" for n in range(60_000))}).refusals[0].reason
    assert judged({"main": "Port 22\n" * 300}).refusals[0].reason == "Port: too many of them"


def test_patterns_that_would_take_a_matcher_forever_do_not() -> None:
    assert not matches("a" * 1000, "*a" * 500 + "b")
    assert not globbed("/etc/" + "a" * 250, "/etc/" + "*a" * 200 + "b")


WORDS = st.sampled_from(
    [
        "Match",
        "Include",
        "User",
        "Address",
        "all",
        "!,*",
        "10.0.0.0/8",
        "::/129",
        "PasswordAuthentication",
        "yes",
        "no",
        "#",
        '"',
        "'",
        "\\",
        "=",
        "==",
        "\x00",
        "\n",
        "\r\n",
        "\t",
        "\x0c",
        "Port",
        "22",
        "ListenAddress",
        "[::1",
        "[::1]:x",
        "AuthenticationMethods",
        "any",
        "RekeyLimit",
        "1.5M",
        "SetEnv",
        "A=1",
        "Subsystem",
        "IPQoS",
        "ef",
        "*",
        "/etc/ssh/*.conf",
        "/etc/ssh/sshd_config",
        "K",
        "�",
        "MaxStartups",
        "1:2:3",
        "PerSourcePenalties",
        "crash:1",
        "AcceptEnv",
        "LoginGraceTime",
        "1w2d",
        "Ciphers",
        "+aes*",
    ]
)
TEXTS = st.lists(st.one_of(WORDS, st.just(" "), st.just("\n"), st.text(max_size=3)), max_size=40).map(
    lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(TEXTS, st.binary(max_size=200)), TEXTS, st.sampled_from([(8, 4), (9, 2), (9, 8), (10, 0), (10, 6)]))
def test_any_bytes_come_to_something_or_are_refused(main: bytes, other: bytes, version: Version) -> None:
    found = read({MAIN: main, "/etc/ssh/a.conf": other}, version).of(ANNA)
    assert found.refusals or all(effect.value is not None for effect in found.effects.values())
    assert {dead.line for dead in found.dead}.isdisjoint(dead.winner for dead in found.dead if dead.line == dead.winner)


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_what_holds_in_spite_of_an_unread_file_holds_whatever_it_says(main: bytes, other: bytes) -> None:
    """A value that is told where a file could not be read is the one that sshd has, whatever stands in it."""
    whole = b"PasswordAuthentication no\n" + main + b"\nInclude /etc/ssh/a.conf\n" + main
    unread = read({MAIN: whole, "/etc/ssh/a.conf": Gap("/etc/ssh/a.conf", "unread")}, (9, 2)).of(ANNA)
    known = read({MAIN: whole, "/etc/ssh/a.conf": other}, (9, 2)).of(ANNA)
    if not known.refusals:
        told = {name: effect.value for name, effect in unread.effects.items() if effect.value is not None}
        assert told == {name: known.effects[name].value for name in told}
