"""The page: it fits on one sheet of A4 whatever the case holds, and what others wrote is text in every format."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from briefed import of
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from auditkit.printable import said
from auditkit.report.brief import FORMS, fitting, render
from auditkit.report.brief.sentence import shown
from auditkit.response.brief.nouns import Brief, Option, Section, Statement
from auditkit.response.nouns import Kind, Said

NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "[click](javascript:alert(1))",
    "![x](http://192.0.2.1/pixel)",
    "<http://192.0.2.1/>",
    "http://192.0.2.1/ www.example.com a@example.com",
    "| a | b |\n|---|---|",
    "# title\n\n- list\n1. one\n> quote\n```\ncode\n```",
    "***bold*** ~~gone~~ &lt;b&gt; &#60;b&#62;",
    "\x1b[2J\x1b]0;title\x07\u202e\u200b\x9b31m",
    "{{ 7 * 7 }} {% raw %} </style><style>*{display:none}",
    "\udcff\udc80 not UTF-8",
    "W" * 300,
    "漢" * 200,
    "`` ` ``` a@b `|`",
)
WORDS = st.one_of(st.sampled_from(NASTY), st.text(max_size=60), st.text("<>&\"'`|[]()*_#\\@:/.w=-+!~ \n", max_size=40))
STATEMENTS = st.builds(Statement, WORDS, st.lists(st.integers(1, 99), max_size=9).map(tuple))
OPTIONS = st.builds(Option, WORDS, WORDS, WORDS, WORDS)


def page(title: str, statements: tuple[Statement, ...], options: tuple[Option, ...] = ()) -> Brief:
    """A brief of eight sections that all say the same, with options in the fifth."""
    parts = [Section(f"{number}. Part", () if number == 5 else statements, latest=number == 7) for number in range(1, 9)]
    parts[4] = Section("5. Part", options=options)
    return Brief("2026-001", title, title, tuple(parts))


BRIEFS = st.builds(page, WORDS, st.lists(STATEMENTS, max_size=4).map(tuple), st.lists(OPTIONS, max_size=3).map(tuple))


class Tags(HTMLParser):
    """What a page is made of: its tags, its attributes, and its words."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "p", "section", "h2", "ul", "li", "span"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {
    ("html", "lang"), ("meta", "charset"), ("meta", "http-equiv"), ("meta", "content"), ("meta", "name"),
    *((tag, "class") for tag in ("p", "section", "li", "span", "th")),
}  # fmt: skip


@settings(max_examples=60)
@given(BRIEFS)
def test_html_has_no_tag_and_no_attribute_but_its_own(brief: Brief) -> None:
    told = Tags()
    made = "".join(render(brief, "html"))
    told.feed(made)
    assert told.tags <= TAGS
    assert told.attributes <= ATTRIBUTES
    assert made.isprintable() or all(line.isprintable() for line in made.split("\n"))
    assert said(brief.title) in told.text
    assert made.count("<style>") == 1


@settings(max_examples=100)
@given(BRIEFS)
def test_markdown_has_no_mark_but_its_own(brief: Brief) -> None:
    made = "".join(render(brief, "markdown"))
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(made)
    inline = [child for token in tokens if token.type == "inline" for child in token.children or ()]
    assert {token.type for token in inline} <= {"text", "text_special", "code_inline", "softbreak"}
    blocks = {"heading", "paragraph", "bullet_list", "list_item", "table", "thead", "tbody", "tr", "th", "td"}
    assert {re.sub("_(open|close)$", "", token.type) for token in tokens} <= blocks | {"inline"}
    assert sum(token.type == "heading_open" for token in tokens) == 9
    for token in tokens:
        bare = "".join(child.content if child.type == "text" else "`" for child in token.children or ())
        assert not re.search(r"://|www\.|@", bare, re.IGNORECASE)
    words = "".join("".join(token.content for token in inline).split())
    assert "".join(said(brief.title).split()) in words


@settings(max_examples=100)
@given(BRIEFS)
def test_text_has_80_columns_and_nothing_that_a_terminal_obeys(brief: Brief) -> None:
    for line in "".join(render(brief, "text")).split("\n"):
        assert len(line) <= 80
        assert line.isprintable()


def test_all_formats_say_the_same() -> None:
    made = of(notes=tuple(Said(Kind.ACTION, f"step {number}") for number in range(40)))
    said_by = {form: "".join(render(made, form)).replace("\\", "") for form in FORMS}
    steps = {form: [number for number in range(40) if f"action: step {number} " in told] for form, told in said_by.items()}
    assert steps["html"] == steps["markdown"] == steps["text"] == [*range(40 - len(steps["text"]), 40)]
    assert all(f"{40 - len(steps['text'])} earlier ones: auditkit incident show 2026" in told for told in said_by.values())


@settings(max_examples=60)
@given(BRIEFS.filter(lambda brief: not brief.sections[4].options), st.integers(1, 30))
def test_what_is_left_out_is_counted(brief: Brief, times: int) -> None:
    parts = tuple(Section(one.title, one.statements * times, one.options, one.latest) for one in brief.sections)
    cut = fitting.fitted(Brief(brief.case, brief.title, brief.head, parts))
    for before, after in zip(parts, cut.sections, strict=True):
        assert len(after.statements) + after.left_out == len(before.statements)
        assert len(after.statements) >= min(len(before.statements), 1)
        kept = before.statements[after.left_out :] if before.latest else before.statements[: len(after.statements)]
        assert after.statements == kept


@given(st.text(max_size=400), st.floats(1.5, 60))
def test_more_text_never_takes_fewer_lines(text: str, width: float) -> None:
    text = " ".join(text.split())
    assert 1 <= fitting.wrapped(text, width) <= fitting.wrapped(f"{text} and more", width)


def test_an_entry_stands_behind_its_sentence() -> None:
    assert shown(Statement("52 guesses", (4, 7))) == "52 guesses [4, 7]"
    assert shown(Statement("52 guesses", tuple(range(1, 9)))) == "52 guesses [1, 2, 3, 4, 5, 6, ...]"


# --- on paper

LONG_NAME = 'W"><script>alert(1)</script>\x1b[2J' + "M" * 200


def crowded(word: str) -> Brief:
    """A case of twelve machines with long hostile names, forty addresses, claims, findings, changes and fifty long notes."""
    address = "2001:db8:1111:2222:3333:4444:5555:{:x}"
    start, end = "2026-11-24T03:35:00.000000000Z", "2026-11-24T09:17:00.000000000Z"
    source = {"attempts": 52, "users": [LONG_NAME], "first": start, "last": end}
    success = {"time": start, "user": LONG_NAME, "port": 1, "method": "password", "fingerprint": None, "support": ["text"]}
    logins = {
        "access": "seen", "pattern": "spray", "coverage": "tamper", "verdict": "", "window": {"from": start, "to": end},
        "attempts": 2080, "not_understood": 7, "more_sources": 999,
        "sources": [{**source, "address": address.format(number)} for number in range(40)],
        "successes": [
            {**success, "address": address.format(number), "state": state, "ask": "critical", "guesses_before": 52}
            for number in range(9)
            for state in ("supported", "unsupported")
        ],
        "names": {"tried": 50, "exist": [LONG_NAME] * 9, "not_stock": []},
        "gaps": [{"from": start, "to": end}] * 9,
        "tamper": [{"kind": "x", "source": LONG_NAME, "line": 1, "text": LONG_NAME}] * 9,
    }  # fmt: skip
    change = {"path": "/" + LONG_NAME, "change": "added", "explanation": None, "severity": "critical", "rule": "path-added"}
    finding = {"rule": "privileged-shell", "severity": "critical", "subject": LONG_NAME, "message": word * 40}
    ssh = {"password_doors": [{"account": LONG_NAME, "from": "anywhere", "method": "password", "set_by": LONG_NAME}]}
    host = {
        "status": "findings", "untrusted": LONG_NAME, "baseline": None, "counts": {"audits": 7, "verified": 9}, "explained": [],
        "changes": [change] * 9, "findings": [finding] * 9, "logins": logins,
        "gaps": [{"subject": LONG_NAME, "reason": word * 40}],
        "facts": {"ssh": ssh, "patching": {"pending": 119, "security": 85, "lists_of": start}}, "notes": [],
    }  # fmt: skip
    hosts = [{**host, "host": f"ws-{number:02}{LONG_NAME}"} for number in range(12)]
    report = {"schema": "auditkit/report/1", "command": "scan", "finished": end, "hosts": hosts}
    kinds = (Kind.OBSERVATION, Kind.ACTION, Kind.CONTACT, Kind.DECISION)
    notes = tuple(Said(kind, word * 90) for kind in kinds for _ in range(12))
    return of(report, notes=notes, title=word * 40, recommend=(word * 90)[:349].strip(), decide=(word * 90)[:159].strip())


CASES = ("WWWWW MMMM ", "Herr Maier ruft morgen nochmals an, ", "漢字 ")


def printed(html: str, folder: Path) -> bytes:
    """A page as Chromium prints it."""
    if not (chromium := shutil.which("chromium")):
        pytest.skip("needs chromium, of Debian")
    (folder / "page.html").write_text(html)
    pdf = folder / "page.pdf"
    words = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-pdf-header-footer",
        f"--user-data-dir={folder / 'home'}",
    ]
    told = subprocess.run([*words, f"--print-to-pdf={pdf}", f"file://{folder / 'page.html'}"], capture_output=True, check=False)
    assert pdf.exists(), told.stderr[-2000:]
    return pdf.read_bytes()


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


def test_a_brief_prints_on_one_page_of_a4_under_its_own_policy(tmp_path: Path) -> None:
    """That the page is A4 says its style, which counts only if it has the hash that its policy names."""
    pdf = printed("".join(render(crowded(CASES[1]), "html")), tmp_path)
    width, height = (float(number) for number in re.findall(rb"/MediaBox\s*\[0 0 ([0-9.]+) ([0-9.]+)\]", pdf)[0])
    assert pages(pdf) == 1
    assert (round(width), round(height)) == (595, 842)


def test_whatever_a_case_holds_it_fits_in_a_wide_font_too(tmp_path: Path) -> None:
    """Each begins a page of its own, so as many pages as briefs say that each has one."""
    made = ["".join(render(crowded(word), "html")) for word in CASES]
    style = re.findall("<style>(.*)</style>", made[0], re.DOTALL)[0]
    bodies = [body for html in made for body in re.findall("<body>(.*)</body>", html, re.DOTALL)]
    each = [f'<div class="{font}">{body}</div>' for body in bodies for font in ("own", "wide")]
    fonts = (
        'div { break-before: page; } div:first-child { break-before: auto; } .wide { font-family: "DejaVu Sans", sans-serif; }'
    )
    head = f"<!DOCTYPE html><html><head><meta charset=utf-8><style>{style}{fonts}</style></head>"
    html = f"{head}<body>{''.join(each)}</body></html>"
    assert pages(printed(html, tmp_path)) == 2 * len(CASES)


def test_no_letter_of_the_page_is_smaller_than_it_may_be() -> None:
    style = "".join(re.findall("<style>(.*)</style>", "".join(render(of(), "html")), re.DOTALL))
    sizes = [float(size) for size in re.findall(r"([0-9.]+)pt", style)]
    assert sizes
    assert min(sizes) >= 9.5
