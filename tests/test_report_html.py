"""The page as text: what it says on top, what it tells first, what may never be lost, and that foreign words stay words."""

import re
from base64 import b64encode
from copy import deepcopy
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from conftest import SCHEMA, Cli
from documents import (
    NASTY,
    access,
    altered,
    change,
    finding,
    fleet,
    host,
    key,
    logins,
    made,
    opening,
    past,
    rich,
    rich_access,
    run,
    since,
    source,
    success,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit import report
from auditkit.report.html import page
from auditkit.report.html.ages import ages
from auditkit.report.html.attempts import LEFT, WIDTH, by_host, chart, on_all
from auditkit.report.html.blast import picture
from auditkit.report.html.fleet import rows
from auditkit.report.html.front import front
from auditkit.report.html.opened import matrix
from auditkit.report.html.steps import steps
from auditkit.report.html.times import axis, seconds
from auditkit.report.html.tree import Closes, Leaf, Opens, tree
from auditkit.report.html.trend import spark, trend

NEVER = "base-uri 'none'; form-action 'none'"
GAP = {"subject": "/root", "reason": "permission denied"}
TAGS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "script",
        "body",
        "a",
        "header",
        "p",
        "h1",
        "h2",
        "h3",
        "h4",
        "nav",
        "ul",
        "ol",
    ),
    *(
        "li",
        "main",
        "section",
        "article",
        "div",
        "span",
        "details",
        "summary",
        "code",
        "strong",
        "b",
        "br",
        "pre",
        "dl",
        "dt",
        "dd",
    ),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "blockquote", "footer"),
    *("svg", "desc", "g", "rect", "path", "line", "text"),
}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "class", "href", "id", "tabindex", "role", "scope", "open", "title"),
    *("data-v", "data-find", "viewbox", "width", "height", "x", "y", "x1", "x2", "y1", "y2", "rx", "d", "text-anchor"),
}


class Read(HTMLParser):
    """What a page is made of: its tags, its attributes, and its words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.ids: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _value in attrs if not name.startswith("aria-")}
        self.links |= {value or "" for name, value in attrs if name == "href"}
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def html(document: dict[str, Any], **options: Any) -> str:
    """The page of a document that the schema allows."""
    SCHEMA.validate(document)
    return "".join(report.render(document, "html", report.Options(**options)))


# --- foreign words


def sound(text: str) -> Read:
    """The page read, once it has nothing but its own tags and attributes, all closed, and no letter that cannot be shown."""
    told = Read(text)
    assert told.tags <= TAGS
    assert told.attributes <= ATTRIBUTES
    assert told.open == []
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.count("<script>") == text.count("<style>") == 1
    assert all(link.startswith("#") for link in told.links)
    assert {link[1:] for link in told.links} <= set(told.ids)
    assert len(told.ids) == len(set(told.ids))
    return told


@pytest.mark.parametrize("word", NASTY, ids=range(len(NASTY)))
def test_a_foreign_word_is_a_word_wherever_it_stands(word: str) -> None:
    """One host of two, so that the fleet is there, and what all hosts show together."""
    both = (rich(word), rich(word, "two"))
    rule = {"title": word, "severity": "high", "why": word, "remedy": word, "references": [word]}
    document = made(*both, following=(word,), access=rich_access(word, word, "two")) | {"rules": {word: rule}}
    sound(html(document, show_all=True))


@settings(max_examples=15)
@given(st.text(st.characters(codec="utf-8") | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF), max_size=60))
def test_any_word_is_a_word(word: str) -> None:
    sound(html(made(rich(word), following=(word,), access=rich_access(word, word, "two"))))


def places(value: object, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Where something stands in a document, of lists in their first item only."""
    inside = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    return [*([at] if at else []), *(place for name, part in inside for place in places(part, (*at, name)))]


WHOLE = made(rich("word"), access=rich_access("word", "word", "two"))


@settings(max_examples=30)
@given(st.sampled_from(places(WHOLE)), st.sampled_from([None, {"a": [1]}, "", 0]))
def test_any_document_that_the_schema_allows_has_its_page(place: tuple[str | int, ...], other: object) -> None:
    """Without a part that need not be there, and with others where the schema says nothing of their kind."""
    for put in (False, True):
        document: Any = deepcopy(WHOLE)
        part = document
        for name in place[:-1]:
            part = part[name]
        del part[place[-1]]
        if put and isinstance(part, dict):
            part[place[-1]] = other
        if SCHEMA.is_valid(document):
            assert "".join(report.render(document, "html", report.Options(show_all=True))).endswith("</html>\n")


def test_the_policy_of_the_page_names_its_style_and_its_script_by_hash_and_nothing_else() -> None:
    text = html(made(host()))
    inside = {tag: re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)[0] for tag in ("style", "script")}
    hashes = {tag: b64encode(sha256(words.encode()).digest()).decode() for tag, words in inside.items()}
    assert re.findall('Content-Security-Policy" content="([^"]*)"', text) == [
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; script-src 'sha256-{hashes['script']}'; {NEVER}"
    ]
    assert "url(" not in inside["style"]
    assert "@import" not in inside["style"]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|fetch|XMLHttp|import\(", inside["script"])


# --- the verdict

FULLY: dict[str, Any] = {
    "logins": logins(),
    "baseline": {"file": "/b", "made": "2026-11-24T12:00:00Z", "sequence": 7, "signer": "anna", "entries": 9},
}
NOT_CLEAN = {
    "a gap": host(**FULLY, gaps=[GAP]),
    "a host that gave no answer": host(
        "web1", state="unreachable", counts={}, gaps=[{"subject": "web1", "reason": "no route"}]
    ),
    "a host that fell silent, and nothing else": host(**FULLY, state="timeout"),
    "no trust": host(**FULLY, untrusted="the seal is wrong"),
    "a change": host(**FULLY, changes=[change("/etc/x", "low")]),
    "a finding": host(**FULLY, findings=[finding(severity="low")]),
}


@pytest.mark.parametrize("told", NOT_CLEAN.values(), ids=NOT_CLEAN)
@pytest.mark.parametrize("others", [(), (host("web2", **FULLY),)], ids=["alone", "with one that is clean"])
def test_what_is_not_clean_never_looks_clean(told: dict[str, Any], others: tuple[dict[str, Any], ...]) -> None:
    top = front(made(told, *others))
    assert top.tone != "good"
    assert any(question.tone != "good" for question in top.questions)
    assert "NOT CLEAN" in top.verdict or "INCOMPLETE" in top.verdict or "UN" in top.verdict or "TIMEOUT" in top.verdict
    assert [row.tone for row in rows(made(told, *others)) if row.name == "web1"] != ["good"]
    assert steps(made(told, *others))


def test_a_host_that_is_clean_says_so_in_the_words_of_the_text() -> None:
    document = made(host(**FULLY))
    top = front(document)
    told = "".join(report.render(document, "text", report.Options()))
    assert top.verdict in told
    assert [(question.name, question.tone, question.lines) for question in top.questions] == [
        ("Did they get in?", "good", ("the sentence on logins",)),
        ("Did anything change?", "good", ("Nothing that is not explained, in what was compared",)),
        ("What is open?", "good", ("No finding in what was looked at",)),
        ("What could not be seen?", "good", ("No gap: all that was asked for was looked at.",)),
    ]
    assert steps(document) == []


def test_a_name_with_a_backslash_is_not_one_with_what_it_stands_for() -> None:
    """As in the text: a backslash is doubled, so that `\\x1b` in a name is no ESC."""
    text = html(made(host("web\\x1b", **FULLY)))
    assert len(re.findall(r"web(\\+)x1b", text)) > 3
    assert set(re.findall(r"web(\\+)x1b", text)) == {r"\\"}
    assert set(re.findall(r"web(\\+)x1b", html(made(host("web\x1b", **FULLY))))) == {"\\"}


def test_what_was_not_looked_at_is_not_known() -> None:
    top = front(made(host(counts={"logs": 1}, logins=logins("none-seen", coverage="source-missing"))))
    assert [(question.tone, question.lines[0]) for question in top.questions[:3]] == [
        ("warn", "the sentence on logins"),
        ("unknown", "Not looked at in this run."),
        ("unknown", "No configuration was judged in this run."),
    ]
    assert front(made()).tone == "warn"


@pytest.mark.parametrize(
    "told",
    [
        logins("cannot-tell"),
        logins("unsupported"),
        logins("none-seen", coverage="tamper"),
        logins("none-seen", coverage="source-missing"),
        logins("seen", successes=[success(ask="medium")]),
    ],
)
def test_what_the_logins_leave_open_is_no_good_news_even_if_the_host_is_called_clean(told: dict[str, Any]) -> None:
    top = front(made(host(**{**FULLY, "logins": told})))
    assert (top.status, top.tone) == ("clean", "warn")
    assert top.questions[0].tone in ("warn", "bad")


def test_a_document_that_calls_itself_clean_is_not_believed() -> None:
    lying = {**host(gaps=[GAP]), "status": "clean", "state": "ok"}
    top = front({**made(lying), "status": "clean"})
    assert (top.status, top.tone) == ("incomplete", "warn")
    assert rows(made(lying))[0].state == "partial"


def test_a_finding_on_logins_answers_the_first_question_and_not_the_third() -> None:
    told = [finding("success-after-guessing", "critical"), finding("guessing-background", "info")]
    top = front(made(host(**FULLY, findings=told)))
    assert [(question.tone, question.lines) for question in (top.questions[0], top.questions[2])] == [
        ("bad", ("the sentence on logins", "1 finding on logins (1 critical)")),
        ("good", ("No finding in what was looked at",)),
    ]


def test_the_questions_of_a_fleet() -> None:
    top = front(made(host("web1", **FULLY, changes=[change("/x", "high")], gaps=[GAP]), host("web2", **FULLY), access=access()))
    assert top.verdict == "2 hosts: 1 with findings, 1 ok: NOT CLEAN"
    assert [question.lines for question in top.questions] == [
        ("no success seen on 2 of 2 hosts",),
        ("1 change that nothing explains (1 high) on 1 host of 2",),
        ("the sentence on passwords", "No finding in what was looked at on 2 hosts of 2"),
        ("1 gap on 1 host of 2", "Nothing is known of what could not be seen."),
    ]


# --- what to do next


def test_what_may_be_an_attack_comes_first_and_what_most_hosts_have_before_what_one_has() -> None:
    many = finding("old-key", "high", subject="key", message="is old", remedy="make a new one")
    got_in = finding("success-after-guessing", "critical", subject="root", message="came in", remedy="ask")
    document = made(
        host("web1", findings=[finding("aaa", "critical"), many, finding("dull", "low")], gaps=[GAP]),
        host("web2", findings=[many, finding("one", "high")]),
        host("web3", findings=[got_in, finding("meh", "medium")]),
        host("web4", state="unreachable", counts={}, gaps=[{"subject": "web4", "reason": "no route to host"}]),
        host("web5", untrusted="the seal is wrong"),
    )
    assert [(step.severity, step.rule, [name for _anchor, name in step.hosts]) for step in steps(document)] == [
        ("critical", "untrusted", ["web5"]),
        ("critical", "success-after-guessing", ["web3"]),
        ("critical", "aaa", ["web1"]),
        ("high", "old-key", ["web1", "web2"]),
        ("high", "one", ["web2"]),
        ("gap", "unreachable", ["web4"]),
        ("medium", "meh", ["web3"]),
        ("gap", "gaps", ["web1"]),
        ("low", "minor", []),
    ]


def test_a_login_to_ask_about_is_a_step_even_if_no_finding_says_so() -> None:
    noise = finding("guessing-background", "info")
    step, _minor = steps(made(host(logins=logins("seen", successes=[success("anna", ask="critical")]), findings=[noise])))
    assert (step.severity, step.rule) == ("critical", "logins-to-confirm")
    assert step.why == "anna from 198.51.100.7 at 2026-11-24 03:35:00Z"


# --- changes as a tree


def drawn(*changes: dict[str, Any]) -> list[str]:
    """The tree as indented lines."""
    depth, lines = 0, []
    for part in tree(changes).parts:
        match part:
            case Opens():
                counts = "".join(f" {number} {word}" for word, number in part.severities)
                lines.append(f"{'  ' * depth}{part.name} {part.number}{counts}")
                depth += 1
            case Leaf():
                lines.append(f"{'  ' * depth}{part.letter} {part.name} {part.severity}")
            case Closes():
                depth -= 1
    assert depth == 0
    return lines


def test_changes_are_a_tree_of_directories_with_the_worst_of_each() -> None:
    paths = ("/usr/lib/a/b/one", "/usr/lib/a/b/two", "/usr/lib/a/c", "/etc/cron.d/upd", "/usr/lib/a")
    assert drawn(*(change(path, "high" if path.endswith("two") else "low") for path in paths)) == [
        "+ /etc/cron.d/upd low",
        "/usr/lib/ 4 changes 1 high",
        "  + a low",
        "  a/ 3 changes 1 high",
        "    b/ 2 changes 1 high",
        "      + one low",
        "      + two high",
        "    + c low",
    ]


def test_what_explains_a_change_and_how_a_text_differs_stand_with_it() -> None:
    why = {"by": "package", "text": "vim 9.1-2", "proof": "signed"}
    (leaf,) = tree([altered("/etc/x", "one\ntwo\n", "one\nthree\n", explanation=why)]).parts
    assert isinstance(leaf, Leaf)
    assert leaf.explained == "explained: vim 9.1-2 (signed)"
    assert leaf.lines[-2:] == ("-two", "+three")


WORDS = st.lists(st.sampled_from(["a", "b", "c", " ", "", "..", "\n", "\udcff"]), min_size=1, max_size=30)


@given(st.lists(st.tuples(WORDS, st.sampled_from(["low", "medium", "critical"])), max_size=30))
def test_every_change_is_in_the_tree_once_under_its_own_name(given_: list[tuple[list[str], str]]) -> None:
    changes = [change("/" + "/".join(words), severity) for words, severity in given_]
    above: list[str] = []
    found = []
    for part in tree(changes).parts:
        match part:
            case Opens():
                above.append(part.name)
            case Leaf():
                found.append("".join(above) + part.name)
            case Closes():
                above.pop()
    assert sorted(name.replace("\\x20/", " /") for name in found) == sorted(_visible(one["path"]) for one in changes)


def _visible(path: str) -> str:
    shown = path.replace("\n", "\\x0a").replace("\udcff", "\\xff")
    return f"{shown[:-1]}\\x20" if shown.endswith(" ") else shown


def test_a_path_of_a_thousand_directories_is_no_deeper_than_the_page_bears() -> None:
    paths = ["/" + "/".join(["d"] * 1000 + [name]) for name in "ab"] + ["/" + "d/" * depth + "x" for depth in range(50)]
    depth = deepest = 0
    for part in tree([change(path) for path in paths]).parts:
        depth += isinstance(part, Opens) - isinstance(part, Closes)
        deepest = max(depth, deepest)
    assert deepest <= 14


def test_of_ten_thousand_changes_nothing_above_low_is_lost() -> None:
    document = fleet(50, 10_000)
    text = "".join(report.render(document, "html", report.Options()))
    found = set(map(int, re.findall("file-([0-9]+)<", text)))
    assert {number for number in range(10_000) if number % 3} <= found
    assert "… and 2334 more changes below medium, or explained: <code>--format json</code> has all." in text
    assert len(text) < 6_000_000


def test_the_worst_of_many_changes_stand_above_the_tree_by_their_whole_paths() -> None:
    many = [change(f"/srv/{number % 40}/deep/{number}", "medium") for number in range(500)]
    grave = [change("/usr/sbin/sshd", "critical"), *(change(f"/etc/cron.d/{n}", "high") for n in range(20))]
    told = tree([*many, *grave])
    assert [(leaf.name, leaf.severity) for leaf in told.worst[:2]] == [
        ("/usr/sbin/sshd", "critical"),
        ("/etc/cron.d/0", "high"),
    ]
    assert len(told.worst) == 10
    assert tree(many).worst == ()
    assert tree(grave).worst == (), "they are all to be seen"
    _top, _, below = html(made(host("srv-01", changes=[*many, *grave]))).partition(
        "The worst of 521, which all stand in the tree"
    )
    assert 0 < below.index("/usr/sbin/sshd") < below.index("/srv/")


# --- who can log in


def test_the_matrix_says_for_each_key_and_host_what_it_opens() -> None:
    told = matrix(
        access(
            key("a", opening("srv"), opening("ws", "bob", command=True), known="anna's laptop"),
            key("b", opening("ws", "git", effective=None), opening("nas", effective=False), comments=["me@home"]),
            key("dead", opening("srv", effective=False)),
        )
    )
    assert told.hosts == ("srv", "ws")
    assert [(line.name, line.whose, [(cell.letter, cell.told) for cell in line.cells]) for line in told.lines] == [
        ("SHA256:a", "anna's laptop", [("R", "root: root"), ("A", "bob (command=)")]),
        ("SHA256:b", "not in known_keys, says “me@home”", [("", "nothing"), ("?", "git, effect not known")]),
    ]


def test_the_picture_leads_from_the_private_key_to_what_it_opens() -> None:
    told = picture(access(key("a", opening("srv"), opening("ws", "bob"), on=(("anna", "ws"),)), key("b", opening("srv"))))
    assert told is not None
    assert [box.lines for box in told.boxes] == [("anna@ws",), ("SHA256:a",), ("root@srv",)]
    assert [(way.kind, way.told) for way in told.ways] == [
        ("bare", "anna@ws → SHA256:a: no passphrase"),
        ("root", "SHA256:a → root@srv: root"),
    ]
    assert told.rows == (("anna@ws", "no passphrase", "SHA256:a", "root@srv", "root"),)


def test_many_hosts_of_which_the_same_is_to_be_said_are_one_box_and_each_a_row() -> None:
    told = picture(access(key("a", *(opening(f"ws-{n}") for n in range(50)), on=(("anna", "srv"),))))
    assert told is not None
    assert [box.lines[0] for box in told.boxes] == ["anna@srv", "SHA256:a", "root on 50 hosts"]
    assert len(told.rows) == 50


def test_a_key_that_opens_only_where_it_lies_makes_no_picture() -> None:
    assert picture(access(key("a", opening("srv"), on=(("anna", "srv"),)))) is None


# --- logins by time


def test_the_picture_of_logins_shows_who_guessed_when_and_who_came_in() -> None:
    told = chart(
        logins(
            sources=[source("192.0.2.1", 9), source("198.51.100.7", 52, first="2026-11-24T05:00:00.000000000Z"), source("", 0)],
            successes=[success("root", "2026-11-24T09:00:00Z", "critical"), success("anna", "2026-11-24T02:00:00Z")],
        )
    )
    assert told is not None
    assert [(lane.name, lane.note) for lane in told.lanes] == [
        ("logs", ""), ("logins", "2 logins"), ("198.51.100.7", "52 guesses"), ("192.0.2.1", "9 guesses"),
    ]  # fmt: skip
    assert [(mark.kind, mark.told) for mark in told.marks] == [
        ("calm", "anna from 198.51.100.7, 2026-11-24 02:00:00Z"),
        ("odd", "root from 198.51.100.7, 2026-11-24 09:00:00Z"),
    ]
    assert told.marks[0].x < (told.attack or (0, 0))[0] < told.marks[1].x
    assert "61 guesses from 2 addresses between 2026-11-24 03:35:00Z and 2026-11-24 09:17:00Z, and 2 logins." in told.told


def test_of_several_hosts_each_has_a_lane_suspect_logins_and_then_the_most_guesses_first() -> None:
    hosts = [
        host("ws-01", logins=logins(sources=[source(attempts=3)], successes=[success("anna", "2026-11-24T09:00:00Z")])),
        host("ws-02", logins=logins(sources=[source(attempts=400), source("192.0.2.1", 2)])),
        host("ws-03"),
        host("ws-04", logins=logins(sources=[])),
        host("ws-05", logins=logins(sources=[], successes=[success(ask="high")])),
    ]
    told = on_all(hosts)
    assert told is not None
    assert [(lane.name, lane.note) for lane in told.lanes] == [
        ("ws-05", "0 guesses"), ("ws-02", "402 guesses"), ("ws-01", "3 guesses"),
    ]  # fmt: skip
    assert [mark.y for mark in told.marks] == [told.lanes[0].y, told.lanes[2].y]
    assert by_host(hosts) == [
        ("ws-01", "3", "2026-11-24 03:35:00Z", "2026-11-24 09:17:00Z", "1 login", "0"),
        ("ws-02", "402", "2026-11-24 03:35:00Z", "2026-11-24 09:17:00Z", "0 logins", "0"),
        ("ws-05", "0", "-", "-", "1 login", "1"),
    ]
    assert told.told.startswith("405 guesses from 2 addresses between")
    assert on_all(hosts[2:4]) is None


def test_a_login_that_is_only_claimed_is_not_counted_as_one() -> None:
    told = chart(logins(successes=[success(state="forged"), success(state="unsupported"), success()]))
    assert told is not None
    assert told.lanes[1].note == "1 + 2 claimed"
    assert told.told.endswith("and 1 login, 2 only claimed.")
    assert [mark.kind for mark in told.marks] == ["calm", "odd", "odd"]


def test_without_a_time_there_is_no_picture() -> None:
    assert chart(logins(sources=[source(first=None, last=None)])) is None
    assert chart(logins(sources=[source(first="yesterday", last="2026-13-45T99:99:99Z")])) is None


TIMES = st.from_regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z\Z") | st.text(max_size=30)


@given(st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=5))
def test_whatever_times_a_log_claims_all_is_drawn_on_the_axis(times: list[tuple[str, str]]) -> None:
    told = chart(logins(sources=[source(first=first, last=last) for first, last in times]))
    for bar in told.bars if told else ():
        assert LEFT <= bar.x <= bar.x + bar.width <= LEFT + WIDTH + 3 or bar.width == 3
    assert told is None or all(LEFT <= x <= LEFT + WIDTH for x, _word in told.ticks)


def test_an_axis_has_marks_that_people_count_in() -> None:
    first = seconds("2026-11-24T03:35:00Z")
    assert first is not None
    assert [word for _x, word in axis([first, first + 5 * 3600], 0, 100).marks()] == [
        "04:00",
        "05:00",
        "06:00",
        "07:00",
        "08:00",
    ]
    assert [word for _x, word in axis([first, first + 90], 0, 100).marks()][:2] == ["03:35:00", "03:35:30"]


# --- packages


def test_updates_that_are_missing_stand_by_the_days_and_what_closes_holes_first() -> None:
    def package(name: str, since: str | None, security: bool | None) -> dict[str, Any]:
        pending = {"version": "2", "since": since, "security": security}
        return {"name": name, "version": "1", "arch": None, "origin": None, "installed": None, "pending": pending}

    packages = [
        package("old", "2026-01-01T00:00:00Z", False),
        package("hole", "2026-11-14T12:00:00Z", True),
        package("odd", None, None),
    ]
    told = ages(host(facts={"packages": packages, "patching": {"pending": 3}}), "2026-11-24T12:00:00Z")
    assert told is not None
    assert [(one.name, one.days, one.security) for one in told.rows] == [
        ("hole", 10, "yes"),
        ("old", 327, "no"),
        ("odd", None, "not known"),
    ]
    assert [(bar.name, bar.told) for bar in told.bars] == [
        ("old", "327 days"), ("hole", "10 days, closes holes"), ("odd", "since when is not known"),
    ]  # fmt: skip
    assert told.head.startswith("3 packages; 3 without their newest version, 1 of them close known holes")


def test_that_no_update_is_missing_is_not_said_where_nobody_can_tell() -> None:
    package = {"name": "a", "version": "1", "arch": None, "origin": None, "installed": None, "pending": None}
    told = ages(host(facts={"packages": [package], "patching": {"pending": None}}), "2026-11-24T12:00:00Z")
    assert told is not None
    assert "how many miss an update is not known" in told.head
    assert rows(made(host(facts={"packages": [package]})))[0].missing is None


# --- from the command line


def test_a_name_that_ends_in_html_asks_for_the_page(cli: Cli) -> None:
    cli.baseline()
    (cli.tree / "etc/evil\n<b>").write_text("x", "utf-8")
    made_, saved, again = cli.home / "report.html", cli.home / "report.json", cli.home / "again.out"
    assert cli.run("check", cli.host, "--store", str(cli.store), "-o", str(made_)).code == 1
    told = Read(made_.read_text("utf-8"))
    assert r"/etc/evil\x0a<b>" in re.sub(r"\s+", " ", told.text)
    saved.write_text(cli.check().out, "utf-8")
    assert cli.run("report", str(saved), "--format", "html", "-o", str(again)).code == 1
    assert sound(again.read_text("utf-8")).text.count("path-added") == told.text.count("path-added")
    assert "<html" not in cli.run("report", str(saved), "--format", "text", "-o", str(Path(cli.home, "x.html"))).out
    assert not Path(cli.home, "x.html").read_text("utf-8").startswith("<!DOCTYPE")


def test_the_page_is_written_host_by_host() -> None:
    document = fleet(9)
    pieces = list(report.render(document, "html", report.Options()))
    assert len(pieces) == 1 + len(page(document).rows) + 1


# --- what rules mean


def test_the_title_of_a_rule_and_its_why_stand_with_its_findings_and_below_the_changes() -> None:
    rule = {"title": "Root may come in", "severity": "high", "why": "Who guesses owns it.", "remedy": "", "references": []}
    document = made(host(findings=[finding("a-rule")], changes=[change("/etc/a")])) | {"rules": {"a-rule": rule}}
    text = Read(html(document)).text
    assert "Why it matters: Root may come inWho guesses owns it." in text
    assert "What these rules mean" not in text
    document["hosts"][0]["findings"].append(finding("a-rule", subject="another"))
    assert "2 findings Root may come in" in Read(html(document)).text
    document["rules"]["path-added"] = {**rule, "title": "Something came"}
    assert "path-added Something cameWho guesses" in Read(html(document)).text


def test_what_an_older_auditkit_wrote_has_its_page_without_them() -> None:
    document = made(host(findings=[finding("a-rule")]))
    del document["rules"]
    assert "Why it matters" not in Read(html(document)).text


def test_the_verdict_has_the_first_step_beside_it_and_the_first_of_its_hosts() -> None:
    """In short: the whole of it stands under what to do next. With nothing to do there is none."""
    long = finding("a-rule", "critical", message="is open", remedy="close it " * 60)
    text = Read(html(made(host(findings=[long]), host("two", findings=[long]), host("three")))).text
    at = text.index("First: critical ")
    assert text[at:].startswith("First: critical web1 and 1 more host: it: is open, and 1 more like it · Do: close it close it")
    assert at < text.index("... · The step", at) < at + 350
    one = made(host(findings=[finding(severity="critical", message="is open")]))
    assert "First: critical it: is open · Do: undo it · The step" in Read(html(one)).text
    assert "First:" not in Read(html(made(host()))).text


def test_without_a_baseline_nothing_is_known_to_be_unchanged() -> None:
    """What no package has was held against nothing: that nothing was found there is no green answer."""
    base = {"file": "f", "made": "2026-11-02T01:00:00Z", "sequence": 1, "signer": None, "entries": 9}
    answers = [front(made(host(baseline=one))).questions[1] for one in (base, None)]
    assert [(one.tone, one.lines[1:]) for one in answers] == [("good", ()), ("warn", ("Without a baseline: web1",))]


# --- from run to run


def test_the_picture_has_a_bar_for_each_run_and_this_one_is_the_last() -> None:
    """In full what a run told, of it apart what was new; below the line what went."""
    told = host(since=since(run(new=3), run(still=2, gone=1), new=1, still=2, fixed=[past()]))
    drawn = trend(told, made(told))
    assert drawn is not None
    assert [[(part.kind, part.height) for part in night.parts] for night in drawn.nights] == [
        [("first", 96)], [("still", 64), ("gone", 32)], [("still", 64), ("new", 32), ("gone", 32)],
    ]  # fmt: skip
    assert [night.sign for night in drawn.nights] == ["3", "2", "3"]
    assert drawn.ends == ("2026-11-02", "2026-11-24")
    assert drawn.rows[0] == ("2026-11-24 12:00:00Z", "scan", "3", "1", "1", "0", "ok")


@pytest.mark.parametrize(
    ("runs", "drawn"),
    [
        ([run(new=3), run(new=1, still=3)], ["first", "still new", "still"]),
        ([run("unreachable", 1), run(new=3, gone=1)], ["unseen", "first gone", "still"]),
        ([run("unreachable", 1, unknown=2), run(new=3)], ["unseen", "new", "still"]),  # there were others before
        ([run(new=1, still=2), run(new=3)], ["still new", "new", "still"]),
        ([run(), run(new=3)], ["", "new", "still"]),  # the first told of nothing: what came then is news
        ([run(new=3)] * 60, [*["new"] * 60, "still"]),  # of so many the oldest need not be the first
    ],
)
def test_the_first_run_is_a_beginning_and_no_alarm(runs: list[Any], drawn: list[str]) -> None:
    """All that it told was new to it; only a run that is held against another can tell what is news."""
    told = host(since=since(*runs, still=3))
    picture = trend(told, made(told))
    assert picture is not None
    assert [" ".join(part.kind for part in night.parts) for night in picture.nights] == drawn
    assert picture.begins == ("told by the first run" in html(made(told)))
    assert [row[3] for row in picture.rows].count("first run") == int(picture.begins)


def test_a_run_that_is_held_against_none_is_the_beginning_of_the_picture() -> None:
    told = host(since=since(run("unreachable", 1), run=None, finished=None, new=4))
    picture = trend(told, made(told))
    assert picture is not None
    assert [[part.kind for part in night.parts] for night in picture.nights] == [["unseen"], ["first"]]
    assert picture.nights[1].told == "2026-11-24 12:00:00Z, scan: 4 told, held against none; 0 gone; 0 not looked for; ok"


def test_a_run_that_could_not_look_is_no_run_that_found_nothing() -> None:
    """Its bar is hollow: what was told before may still be there. The only thing it told is that it could not look."""
    told = host(
        since=since(run(still=4), run("unreachable", 1, unknown=4), run("timeout", 1), run("partial", still=4), still=4)
    )
    drawn = trend(told, made(told))
    assert drawn is not None
    assert [[part.kind for part in night.parts] for night in drawn.nights] == [
        ["still"], ["unseen"], ["unseen"], ["still"], ["still"],
    ]  # fmt: skip
    assert [night.sign for night in drawn.nights] == ["4", "?", "?", "4?", "4"]
    assert drawn.nights[1].parts[0].height == drawn.nights[0].parts[0].height
    assert drawn.rows[3][2:4] == ("not known", "not known")
    assert "2 runs could not look at it" in drawn.told
    small = spark(told, made(told))
    assert small is not None
    assert small.told == "by run, this one last: 4, not seen, not seen, 4, 4"


def test_what_a_run_was_not_about_stands_on_top_of_what_it_told() -> None:
    """A check says nothing of passwords: nothing of them is fixed by it."""
    told = host(since=since(run(still=4), run(still=1, unknown=3, command="check"), still=4))
    drawn = trend(told, made(told))
    assert drawn is not None
    assert [(part.kind, part.height) for part in drawn.nights[1].parts] == [("still", 24), ("unseen", 72)]
    assert drawn.nights[1].sign == "1?"


def test_with_no_earlier_run_there_is_no_picture() -> None:
    assert [trend(one, made(one)) for one in (host(), host(since=since(run=None, finished=None)))] == [None, None]
    assert "From run to run" not in html(made(host(), host("two")))


@settings(max_examples=20)
@given(
    st.lists(st.tuples(st.sampled_from(["ok", "partial", "lied", "x"]), *[st.integers(0, 10**30)] * 4), min_size=1, max_size=61)
)
def test_whatever_numbers_a_history_has_all_is_drawn_in_the_picture(runs: list[Any]) -> None:
    told = host(since=since(*(run(*one) for one in runs)))
    drawn = trend(told, made(told))
    assert drawn is not None
    parts = [(night, part) for night in drawn.nights for part in night.parts]
    assert all(night.x >= 0 and night.x + night.width <= 960 for night in drawn.nights)
    assert all(part.height >= 3 and part.y >= 24 - 9 and part.y + part.height <= 160 for _night, part in parts)


def test_what_is_new_is_marked_what_is_old_has_its_day_and_what_is_gone_is_listed() -> None:
    old, new = {"first_seen": "2026-11-02T01:00:00Z"}, {"first_seen": "2026-11-24T12:00:00Z", "news": "new"}
    told = host(
        findings=[finding("a", **old), finding("b", **{**new, "news": "again"})], changes=[change("/etc/a", **new)],
        gaps=[{**GAP, **old}], since=since(new=2, still=2, fixed=[past("gone-rule")], unknown=[past("lost-rule", how="")]),
    )  # fmt: skip
    text = Read(html(made(told))).text
    sentence = "Since the run of 2026-11-23 01:10Z: 2 new (1 back again), 2 still there (the oldest since 2026-11-02), 1 fixed"
    assert text.count(sentence) == 2
    for words in (
        "BACK since 2026-11-24",
        "since 2026-11-02",
        "NEW since 2026-11-24",
        "it: was so (gone-rule, high), told since",
    ):
        assert words in text
    assert "it may still be there" in text


def test_a_fleet_is_told_what_is_new_on_how_many_hosts() -> None:
    lost = since(new=1, unknown=[past(how="")])
    document = made(host("a", since=since(new=2, still=3)), host("b", since=lost), host("c", since=since()), host("d"))
    rest = "1 more that this run could not look for, 1 host with no earlier run"
    assert front(document).since == f"since the runs before: 3 new on 2 hosts, 3 still there, {rest}"
    assert [row.new for row in rows(document)] == [2, 1, 0, None]
    assert front(made(host("a"), host("b"))).since == ""
