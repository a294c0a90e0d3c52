"""Patterns of policies: which watch covers which path, and that no directory is passed by below which one matches."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.probe.patterns import IGNORE, Matcher

# pattern, paths that it covers, paths that it does not
TABLE = [
    ("/", "/ /etc /etc/passwd", ""),
    ("/etc", "/etc /etc/passwd /etc/ssh/sshd_config", "/ /etcetera /var /srv/etc"),
    ("/etc/", "/etc /etc/passwd", "/etcetera"),
    ("/etc/passwd", "/etc/passwd /etc/passwd/below", "/etc /etc/passwd-"),
    ("/etc/*", "/etc/passwd /etc/.pwd.lock /etc/ssh/sshd_config", "/etc /usr"),
    ("/etc/**", "/etc/passwd /etc/ssh/sshd_config", "/etc /usr"),
    ("/**", "/etc /etc/passwd", "/"),
    ("/etc/*.conf", "/etc/sysctl.conf /etc/.conf /etc/x.conf/below", "/etc/ssh/x.conf /etc/x.conf.d"),
    ("/etc/**/*.conf", "/etc/x.conf /etc/a/x.conf /etc/a/b/x.conf", "/etc /etc/x.cfg /x.conf"),
    ("/**/authorized_keys", "/authorized_keys /root/.ssh/authorized_keys", "/root/.ssh /root/authorized_keys2"),
    ("/home/*/.ssh", "/home/anna/.ssh /home/anna/.ssh/id_rsa", "/home/.ssh /home/a/b/.ssh /home/anna"),
    ("/dev/sd?", "/dev/sda /dev/sd- /dev/sd?", "/dev/sd /dev/sda1"),
    ("/dev/sd[a-c]", "/dev/sda /dev/sdc", "/dev/sdd /dev/sd[a-c]"),
    ("/dev/sd[!a-c]", "/dev/sdd /dev/sd!", "/dev/sda /dev/sd"),
    ("/srv/[[]x[]]", "/srv/[x]", "/srv/x"),
    ("/srv/[x", "/srv/[x", "/srv/x"),
    ("/srv/a**b", "/srv/ab /srv/axyb", "/srv/a/b /srv/a"),
    ("/a/**/**/b", "/a/b /a/x/b /a/x/y/b", "/a /b /a/x"),
    ("/srv/x.y", "/srv/x.y", "/srv/xzy"),
]


@pytest.mark.parametrize(("pattern", "covered", "others"), TABLE, ids=[row[0] for row in TABLE])
def test_a_pattern_covers_what_the_table_says(pattern: str, covered: str, others: str) -> None:
    matcher = Matcher([(pattern, "content")])
    assert {path: matcher.find(path).watch for path in covered.split()} == dict.fromkeys(covered.split(), 0)
    assert {path: matcher.find(path).watch for path in others.split()} == dict.fromkeys(others.split())


def test_names_with_a_newline_or_bytes_that_are_no_text_match_like_others() -> None:
    matcher = Matcher([("/srv/*.conf", "content"), ("/srv/a\udcff", "content")])
    assert matcher.find("/srv/a\nb.conf").watch == 0
    assert matcher.find("/srv/\udcfe.conf").watch == 0
    assert matcher.find("/srv/a\udcff").watch == 1
    assert matcher.find("/srv/x.conf\n").watch is None


@pytest.mark.parametrize(
    ("path", "level"),
    [
        ("/srv/app/cache", "ignore"),
        ("/srv/app/cache/deep/down", "ignore"),
        ("/srv/app/cache/keep", "metadata"),
        ("/srv/app", "content"),
        ("/srv/app/cached", "content"),
        ("/srv/app/run.log", "growing"),
        ("/srv/other", None),
    ],
)
def test_the_first_watch_that_matches_wins(path: str, level: str | None) -> None:
    watches = [
        ("/srv/app/cache/keep", "metadata"),
        ("/srv/app/cache", "ignore"),
        ("/srv/app/*.log", "growing"),
        ("/srv/app", "content"),
        ("/srv/app/late", "exists"),
    ]
    index = Matcher(watches).find(path).watch
    assert (None if index is None else watches[index][1]) == level


@pytest.mark.parametrize(
    ("path", "exact", "names"),
    [
        ("/", False, ("etc", "var")),
        ("/etc", False, ("ssh",)),
        ("/etc/ssh", True, None),
        ("/etc/ssh/sshd_config", False, None),
        ("/var", False, ("cache", "log")),
        ("/var/log", False, None),
        ("/var/cache", True, ("keys",)),
        ("/var/cache/keys", True, None),
        ("/var/cache/apt", False, ()),
        ("/usr", False, ()),
    ],
)
def test_a_walk_looks_only_at_names_below_which_something_may_match(
    path: str, exact: bool, names: tuple[str, ...] | None
) -> None:
    watches = [("/etc/ssh", "content"), ("/var/log/*.log", "growing"), ("/var/cache/keys", "content"), ("/var/cache", IGNORE)]
    state = Matcher(watches).find(path)
    assert (state.exact, state.names) == (exact, names)


# an independent implementation: one regular expression over whole paths for each pattern


def expression(pattern: str) -> re.Pattern[str]:
    parts = [part for part in pattern.split("/") if part]
    text = ""
    for at, part in enumerate(parts):
        if part == "**" and at < len(parts) - 1:
            text += "(?:/[^/]+)*"
        else:
            text += "/" + "".join(piece(each) for each in re.findall(r"\[!?[^]]+\]|.", part, re.DOTALL))
    return re.compile(text + "(?:/.*)?", re.DOTALL)


def piece(text: str) -> str:
    match text:
        case "*":
            return "[^/]*"
        case "?":
            return "[^/]"
        case _ if text.startswith("[") and len(text) > 1:
            return text.replace("[!", "[^", 1)
    return re.escape(text)


def first_match(watches: list[tuple[str, str]], path: str) -> int | None:
    hits = (index for index, (pattern, _level) in enumerate(watches) if expression(pattern).fullmatch(path.rstrip("/")))
    return next(hits, None)


NAMES = st.sampled_from(["a", "b", "ab", "abc", ".a", "a\n", "\udcff"])
PARTS = st.one_of(NAMES, st.sampled_from(["*", "**", "?", "a*", "*b", "[ab]", "[!a]", "a?c", "*a*", "**b"]))
PATHS = st.lists(NAMES, max_size=5).map(lambda names: "/" + "/".join(names))
WATCHES = st.lists(
    st.tuples(
        st.lists(PARTS, max_size=4).map(lambda parts: "/" + "/".join(parts)),
        st.sampled_from(["content", IGNORE]),
    ),
    min_size=1,
    max_size=5,
)


@given(WATCHES, PATHS)
@settings(max_examples=400, deadline=None)
def test_the_walk_down_agrees_with_regular_expressions_over_whole_paths(watches: list[tuple[str, str]], path: str) -> None:
    assert Matcher(watches).find(path).watch == first_match(watches, path)


@given(WATCHES, PATHS)
@settings(max_examples=400, deadline=None)
def test_no_path_that_is_watched_is_hidden_on_the_way_to_it(watches: list[tuple[str, str]], path: str) -> None:
    matcher = Matcher(watches)
    covering = first_match(watches, path)
    if covering is None or watches[covering][1] == IGNORE:
        return
    state = matcher.root
    for name in filter(None, path.split("/")):
        assert state.names is None or name in state.names
        state = matcher.step(state, name)
