"""Policies: what the reader refuses and how it says so, how `~` is expanded, and what the shipped ones watch."""

import fnmatch
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit import policy
from auditkit.errors import ConfigError, FormatError
from auditkit.model import Level, Policy, Severity, Watch
from auditkit.probe.patterns import Matcher
from auditkit.strict import MAX_BYTES

HEAD = "schema: auditkit/policy/1\nname: site\nwatch:\n"
SHIPPED = ("full", "linux", "web", "workstation")


def watching(*lines: str) -> str:
    """A policy with these watches, the first on line 4."""
    return HEAD + "".join(f"  - {{{line}}}\n" for line in lines)


def test_the_format_as_documented() -> None:
    text = """\
schema: auditkit/policy/1
name: site
digests: [blake3, sha256]
watch:
  - {path: /srv/app/cache, level: ignore, why: rebuilt at every start}
  - {path: /srv/app/, level: content, severity: high, why: the application, keep: true, cross_mounts: true}
  - {path: "/var/log/*.log", level: growing}
  - {path: "~/.ssh", level: content, severity: critical}
"""
    assert policy.read(text, "site.yaml") == Policy(
        name="site",
        watches=(
            Watch("/srv/app/cache", Level.IGNORE, Severity.MEDIUM, "rebuilt at every start", line=5),
            Watch("/srv/app", Level.CONTENT, Severity.HIGH, "the application", keep=True, cross_mounts=True, line=6),
            Watch("/var/log/*.log", Level.GROWING, Severity.MEDIUM, line=7),
            Watch("~/.ssh", Level.CONTENT, Severity.CRITICAL, line=8),
        ),
        digests=("blake3", "sha256"),
        text=text,
    )


MISTAKES = {
    "misspelt key": (
        watching("path: /a, levle: content"),
        "p.yaml:4: levle is no key that is known here",
        "check the spelling: did you mean level?",
    ),
    "misspelt level": (
        watching("path: /a, level: contents"),
        "p.yaml:4: level cannot be contents",
        "check the spelling: did you mean content?",
    ),
    "misspelt severity": (
        watching("path: /a, level: content, severity: hihg"),
        "p.yaml:4: severity cannot be hihg",
        "check the spelling: did you mean high?",
    ),
    "unknown top key": (
        HEAD.replace("name", "names") + "  - {path: /a, level: content}\n",
        "p.yaml:2: names is no key that is known here",
        "check the spelling: did you mean name?",
    ),
    "key twice": (
        watching("path: /a, path: /b, level: content"),
        "p.yaml:4: path stands twice, first on line 4",
        "remove one of the two",
    ),
    "no level": (watching("path: /a"), "p.yaml:4: watch[0] lacks level", "add `level:`"),
    "newer major": (
        watching("path: /a, level: content").replace("policy/1", "policy/2"),
        "p.yaml:1: schema auditkit/policy/2 is not known",
        "write `auditkit/policy/1`, or use a newer auditkit",
    ),
    "nothing watched": (
        HEAD.replace("watch:", "watch: []"),
        "p.yaml:3: watch leaves nothing to watch",
        "add a `watch:` list with at least one path",
    ),
    "no list": (HEAD + "  path: /a\n", "p.yaml:4: watch is a mapping, not a list", "write a list there"),
    "no text": (
        watching("path: /a, level: content, why: no"),
        "p.yaml:4: why is true or false, not text",
        'put it in quotes: "no"',
    ),
    "a bare tilde is null": (
        watching("path: ~, level: content"),
        "p.yaml:4: path is null, not text",
        'put it in quotes: "~"',
    ),
    "no flag": (
        watching("path: /a, level: content, keep: 1"),
        "p.yaml:4: keep is a number, not true or false",
        "write true or false there",
    ),
    "relative": (watching("path: etc, level: content"), "p.yaml:4: path etc is not absolute", "begin it with / or ~/"),
    "somebody's home": (
        watching('path: "~anna/x", level: content'),
        "p.yaml:4: path ~anna/x is not absolute",
        "write the path out: ~ alone means every home directory",
    ),
    "dot dot": (
        watching("path: /etc/../root, level: content"),
        "p.yaml:4: path /etc/../root has a . or .. in it",
        "write the path without it",
    ),
    "NUL": (
        watching('path: "/a\\0b", level: content'),
        "p.yaml:4: path has a line break or a NUL in it",
        "write it on one line",
    ),
    "digest": (
        watching("path: /a, level: content") + "digests: [md5]\n",
        "p.yaml:5: digests[0] cannot be md5",
        "choose from: blake3, sha256",
    ),
    "digest twice": (
        watching("path: /a, level: content") + "digests: [sha256, sha256]\n",
        "p.yaml:5: digests is empty or names one twice",
        "write [blake3], [sha256] or [blake3, sha256]",
    ),
    "anchor": (
        watching("path: &x /a, level: content"),
        "p.yaml:4: anchors (&) and aliases (*) are not allowed",
        "write it out, or put it in quotes",
    ),
    "tag": (
        watching("path: !!python/name:os.system /a, level: content"),
        "p.yaml:4: tags (!) are not allowed",
        "write the value without a tag, or put it in quotes",
    ),
    "depth": (
        HEAD + "  " + "[" * 500,
        "p.yaml:4: is nested deeper than 16 levels",
        "check its brackets and indentation",
    ),
    "control character": (
        "schema: \x1b[2J",
        "p.yaml is no valid YAML: it has a character that may not be there",
        "save it as UTF-8 text without control characters",
    ),
    "empty": ("", "p.yaml is empty", "begin with one of the examples in docs/reference"),
    "too long": ("#" * (MAX_BYTES + 1), "p.yaml is longer than 1 MiB", "split it, or remove what is no longer needed"),
    "too long in bytes": (
        "#" + "é" * (MAX_BYTES // 2),
        "p.yaml is longer than 1 MiB",
        "split it, or remove what is no longer needed",
    ),
}


@pytest.mark.parametrize(("text", "message", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_file_line_and_key(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        policy.read(text, "p.yaml")
    assert (str(refused.value), refused.value.hint) == (message, hint)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (watching("path: /a, level: content") + "---\nx: y\n", 5),
        (HEAD + "  - {path: /a\n", 5),
        (watching("path: *.log, level: content"), 4),
        (watching('path: "\\UFFFFFFFF", level: content'), 4),
    ],
    ids=["two documents", "open bracket", "unquoted glob", "no character"],
)
def test_what_is_no_yaml_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(ConfigError, match=rf"^p.yaml(:{line}:)? is no valid YAML: "):
        policy.read(text, "p.yaml")


SHADOWED = [
    ("/a", "/a"),
    ("/a/", "/a"),
    ("/a", "/a/b/c"),
    ("/a", "/a/*.log"),
    ("/a/*", "/a/b"),
    ("/a/**", "/a/b/c"),
    ("/a/*", "/a/**"),
    ("/a/**/x", "/a/**/x/y"),
    ("/", "/etc"),
    ('"~/.config"', '"~/.config/systemd"'),
]


@pytest.mark.parametrize(("first", "second"), SHADOWED)
def test_a_watch_that_can_never_match_is_refused(first: str, second: str) -> None:
    with pytest.raises(ConfigError, match=r"^p.yaml:5: path .* line 4 comes first$") as refused:
        policy.read(watching(f"path: {first}, level: ignore", f"path: {second}, level: content"), "p.yaml")
    assert refused.value.hint == "move it above line 4, or remove it"


@pytest.mark.parametrize(
    ("first", "second"),
    [("/a/b", "/a"), ("/a/*", "/a"), ("/a/*.log", "/a/*"), ("/ab", "/a"), ("/a/**/x", "/a/b"), ('"~/.ssh"', "/root/.ssh")],
)
def test_an_exception_stands_above_its_rule(first: str, second: str) -> None:
    text = watching(f"path: {first}, level: ignore", f"path: {second}, level: content")
    assert len(policy.read(text, "p.yaml").watches) == 2


NAMES = st.sampled_from(["a", "b", "ab", "*", "a*", "?", "[ab]", "**"])
PATTERNS = st.lists(NAMES, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))


@settings(deadline=None, max_examples=60)
@given(PATTERNS, PATTERNS, st.lists(st.lists(st.sampled_from(["a", "b", "ab", "c"]), max_size=4), max_size=10))
def test_a_refused_watch_would_really_match_nothing(first: str, second: str, paths: list[list[str]]) -> None:
    try:
        policy.read(watching(f'path: "{first}", level: ignore', f'path: "{second}", level: content'), "p")
    except ConfigError:
        matcher = Matcher([(first, "ignore"), (second, "content")])
        assert all(matcher.find("/" + "/".join(path)).watch != 1 for path in paths)


LINES = st.sampled_from(
    [*HEAD.splitlines(), "  - {path: /a, level: content}", "  - path: ~", "    level: ignore", "digests: [", "&a", "!x", "? y"]
)


@settings(deadline=None, max_examples=150)
@given(st.text() | st.lists(LINES | st.text(max_size=8), max_size=10).map("\n".join))
def test_any_text_is_a_policy_or_a_named_mistake(text: str) -> None:
    try:
        read = policy.read(text, "p.yaml")
    except ConfigError as error:
        assert (str(error).startswith("p.yaml"), bool(error.hint)) == (True, True)  # noqa: PT017 - either is right
    else:
        assert read.watches


def plain(*paths: str) -> Policy:
    return Policy("p", tuple(Watch(path, Level.CONTENT, line=at) for at, path in enumerate(paths)))


def paths_of(expanded: Policy) -> list[str]:
    return [watch.path for watch in expanded.watches]


def test_each_tilde_becomes_every_home_where_it_stands() -> None:
    wanted = plain("/etc", "~/.ssh", "/srv", "~")
    assert paths_of(policy.expand(wanted, ["/root", "/home/anna"])) == [
        "/etc", "/root/.ssh", "/home/anna/.ssh", "/srv", "/root", "/home/anna",
    ]  # fmt: skip


def test_homes_that_are_none_are_left_out() -> None:
    homes = ["/nonexistent", "/dev/null", "/proc/1", "relative", "", "/a\0b", "/home/x", "/home/x/", "/home/y/../x", "//home/x"]
    assert paths_of(policy.expand(plain("~/.ssh"), homes)) == ["/home/x/.ssh"]


def test_a_home_that_is_the_root_is_not_all_there_is() -> None:
    assert paths_of(policy.expand(plain("~/.ssh", "~", "/"), ["/"])) == ["/.ssh", "/"]


def test_a_home_is_a_name_and_no_pattern() -> None:
    expanded = policy.expand(plain("~/.*rc"), ["/home/[x]*?"])
    assert paths_of(expanded) == ["/home/[[]x][*][?]/.*rc"]
    matcher = Matcher([(watch.path, "content") for watch in expanded.watches])
    assert matcher.find("/home/[x]*?/.bashrc").watch == 0
    assert matcher.find("/home/xyz/.bashrc").watch is None


@settings(deadline=None, max_examples=60)
@given(st.text(alphabet="ab[]*?!-\\.", min_size=1, max_size=8).filter(lambda name: name not in (".", "..")))
def test_any_home_is_found_again_by_its_own_pattern(name: str) -> None:
    (watch,) = policy.expand(plain("~"), ["/home/" + name]).watches
    assert fnmatch.fnmatchcase("/home/" + name, watch.path)
    assert Matcher([(watch.path, "content")]).find("/home/" + name).watch == 0


def test_homes_of_a_passwd_file() -> None:
    passwd = """\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
toor:x:0:0::/root:/bin/sh
nobody:x:65534:65534::/nonexistent:
+::::::
broken
relative:x:1:1::home:/bin/sh
\udcff:x:7:7::/home/\udcff:/bin/sh
"""
    assert policy.homes_of(passwd) == ("/root", "/usr/sbin", "/nonexistent", "/home/\udcff")


@settings(deadline=None, max_examples=60)
@given(st.text() | st.text(alphabet=":/a\n\0"))
def test_homes_of_any_text_are_absolute_and_distinct(text: str) -> None:
    homes = policy.homes_of(text)
    assert all(home.startswith("/") for home in homes)
    assert len(set(homes)) == len(homes)


def test_more_homes_than_any_machine_has_are_refused() -> None:
    with pytest.raises(FormatError, match="more than 20000 home directories"):
        policy.homes_of("".join(f"u:x:1:1::/home/{at}:\n" for at in range(policy.MAX_HOMES + 1)))


def test_a_policy_is_found_by_name_or_by_file(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(watching("path: /a, level: content"))
    assert policy.shipped() == SHIPPED
    assert policy.load("linux").name == "linux"
    assert policy.load(str(file)).name == "site"


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("linus", "linus is no policy that auditkit ships (full, linux, web, workstation)", "did you mean linux?"),
        ("zzz", "zzz is no policy that auditkit ships (full, linux, web, workstation)", "name one of these, or a file"),
        ("/no/such.yaml", "/no/such.yaml cannot be read: No such file or directory", "check the name"),
        ("a\0.yaml", r"a\x00.yaml cannot be read: its name has a NUL in it", "check the name"),
        ("../linux", "../linux cannot be read: No such file or directory", "check the name"),
    ],
)
def test_a_policy_that_is_not_there(name: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        policy.load(name)
    assert str(refused.value) == message
    assert hint in refused.value.hint


def test_a_policy_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"is no UTF-8 text$"):
        policy.load(str(file))
