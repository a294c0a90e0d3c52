"""The page in a real browser: nothing in it runs but its own script, everybody can read and operate it, paper has it all."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import Chromium
from conftest import Cli, build
from documents import NASTY, fleet, made, rich, rich_access

from auditkit import report

LOG = Path(__file__).parent / "logins/data/auth.iso8601.log"
OPEN_ALL = "document.querySelectorAll('details').forEach((one) => (one.open = true))"
WIDER = """[...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > innerWidth + 1
  && !one.closest(".scroll")).map((one) => one.outerHTML.slice(0, 120))"""
SMALL = """[...document.querySelectorAll("svg text")].filter((one) => one.getClientRects().length
  && one.getBoundingClientRect().right > one.closest("svg").getBoundingClientRect().right + 1).map((one) => one.textContent)"""


def page_of(document: dict[str, Any], **options: Any) -> str:
    return "".join(report.render(document, "html", report.Options(**options)))


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    """One Chromium for all of these tests: it takes a second to start."""
    made_ = Chromium()
    yield made_
    made_.end()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A host from the command line, a fleet, all that may be known, every word of it hostile, and a run that saw nothing."""
    folder = tmp_path_factory.mktemp("pages")
    cli: Cli = build(folder / "cli")
    assert cli.run("logins", str(LOG), "-o", str(folder / "logins.html")).code == 1
    hostile = made(*map(rich, NASTY), following=NASTY, access=rich_access(NASTY[0], *NASTY))
    whole = made(rich("word"), rich("other", "two"), following=("word",), access=rich_access("word", "word", "two"))
    for name, document in {"fleet": fleet(12, 60), "whole": whole, "hostile": hostile, "nothing": made()}.items():
        (folder / f"{name}.html").write_text(page_of(document, show_all=True), "utf-8")
    return {name: folder / f"{name}.html" for name in ("logins", "fleet", "whole", "hostile", "nothing")}


NAMES = pytest.mark.parametrize("name", ["logins", "fleet", "hostile", "nothing"])


@NAMES
def test_the_page_asks_for_nothing_and_nothing_is_wrong_with_it(browser: Chromium, pages: dict[str, Path], name: str) -> None:
    """No message of the console, no breach of its policy, no address but its own, and no word of others has done anything."""
    browser.open(pages[name])
    browser.run(OPEN_ALL)
    browser.run("document.querySelectorAll('body *').forEach((one) => one.dispatchEvent(new MouseEvent('mouseover')))")
    assert browser.said() == []
    assert browser.asked() == [pages[name].as_uri()]
    assert browser.run("typeof window.pwned") == "undefined"
    assert (
        browser.run("document.scripts.length + document.styleSheets.length + document.querySelectorAll('[style]').length") == 2
    )


def test_what_is_not_of_the_page_does_not_run_in_it(browser: Chromium, pages: dict[str, Path], tmp_path: Path) -> None:
    """Were a word ever to become a tag, the policy would still stop it: so the silence of the other pages means something."""
    breach = (
        '<script>window.pwned = 1</script><p style="color: red">x</p><style>p { color: red }</style>'
        '<img src="https://192.0.2.1/x" onerror="window.pwned = 1"><iframe src="https://192.0.2.1/"></iframe></body>'
    )
    broken = tmp_path / "broken.html"
    broken.write_text(pages["nothing"].read_text("utf-8").replace("</body>", breach), "utf-8")
    browser.open(broken)
    told = json.dumps(browser.said())
    assert [word in told for word in ("inline script", "inline style", "https://192.0.2.1/x", "Framing")] == [True] * 4
    assert browser.run("typeof window.pwned") == "undefined"


@pytest.mark.parametrize("name", ["logins", "fleet", "whole", "nothing"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_everybody_can_read_it(browser: Chromium, pages: dict[str, Path], name: str, dark: bool) -> None:
    """axe-core: names, roles, order of headings, tables, contrast; in what is folded too."""
    browser.open(pages[name], dark=dark)
    assert breaches(browser) == []


FILTERED = """document.querySelectorAll('.bar input[type=search]').forEach((one) => {
  one.value = 'ws-1'; one.dispatchEvent(new Event('input')); })"""


@pytest.mark.parametrize("how", ["filtered", "paper", "phone"])
def test_everybody_can_read_it_filtered_on_paper_and_on_a_phone(browser: Chromium, pages: dict[str, Path], how: str) -> None:
    browser.open(pages["fleet"], width=375 if how == "phone" else 1280)
    browser.look(paper=how == "paper")
    if how == "filtered":
        browser.run(FILTERED)
        assert browser.run("document.querySelector('#fleet [role=status]').textContent") == "2 of 12 shown"
    assert breaches(browser) == []


CUT = """[...document.querySelectorAll("body *")].filter((one) => getComputedStyle(one).display !== "inline"
  && one.getClientRects().length && one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1
  && !one.closest("svg, .scroll, .vh")).map((one) => one.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("width", [320, 640])
def test_nothing_sticks_out_of_its_box(browser: Chromium, pages: dict[str, Path], width: int) -> None:
    """On a small phone, and at 200 % on a screen of 1280 (WCAG 1.4.4)."""
    browser.open(pages["whole"], width=width)
    browser.run(OPEN_ALL)
    assert browser.run(CUT) == []


FOLD = "document.querySelector('.verdict > .do').getBoundingClientRect().bottom"


@pytest.mark.parametrize(("width", "height"), [(375, 667), (1280, 720)])
def test_what_to_do_first_is_seen_without_scrolling(browser: Chromium, pages: dict[str, Path], width: int, height: int) -> None:
    browser.open(pages["fleet"], width=width, height=height)
    assert browser.run(FOLD) < height


def breaches(browser: Chromium) -> list[Any]:
    """What axe-core has against the page that is open."""
    browser.run(OPEN_ALL)
    return browser.breaches()


def test_what_nobody_could_read_is_told(browser: Chromium, pages: dict[str, Path]) -> None:
    """So that its silence on the other pages means something."""
    browser.open(pages["nothing"])
    browser.run("document.documentElement.removeAttribute('lang')")
    browser.run("document.querySelector('.meta').style.color = '#bbb'")
    browser.run("document.querySelector('h3').outerHTML = '<h5>x</h5>'")
    assert [one[0] for one in breaches(browser)] == ["color-contrast", "heading-order", "html-has-lang"]


@NAMES
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_it_fits_the_screen(browser: Chromium, pages: dict[str, Path], name: str, width: int) -> None:
    """Wide tables and pictures scroll by themselves (WCAG 1.4.10); no text of a picture is cut off."""
    browser.open(pages[name], width=width)
    browser.run(OPEN_ALL)
    assert browser.run(WIDER) == []
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run(SMALL) == []


def test_without_its_script_all_is_there_to_read(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["fleet"], script=False)
    assert browser.run("document.querySelectorAll('input, th button').length") == 0
    assert browser.run("document.body.textContent.includes('file-59')")
    assert browser.run("[...document.querySelectorAll('[hidden]')].length") == 0
    assert browser.run("getComputedStyle(document.querySelector('.steps li')).display") == "list-item"


SHOWN = (
    "[...document.querySelectorAll('table.fleet tbody tr')].filter((row) => !row.hidden).map((row) => row.cells[0].textContent)"
)


def test_the_table_is_sorted_and_filtered_from_the_keyboard(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["fleet"])
    first = browser.run(SHOWN)
    browser.run("document.querySelector('table.fleet th button').focus()")
    browser.press("Enter", "Enter", 13)
    assert browser.run(SHOWN) == sorted(first) != first
    assert browser.run("document.querySelector('table.fleet th').getAttribute('aria-sort')") == "ascending"
    browser.press("Enter", "Enter", 13)
    assert browser.run(SHOWN) == sorted(first, reverse=True)
    browser.run("[...document.querySelectorAll('table.fleet th button')].find((one) => one.textContent === 'Gaps').focus()")
    browser.press("Enter", "Enter", 13)
    browser.press("Enter", "Enter", 13)
    assert browser.run(SHOWN)[0] == "ws-06"
    browser.run("document.querySelector('#fleet input').focus()")
    browser.ask("Input.insertText", text="UNREACHABLE")
    assert browser.run(SHOWN) == ["ws-06"]
    assert browser.run("document.querySelector('#fleet [role=status]').textContent") == "1 of 12 shown"


@pytest.mark.parametrize(
    ("cells", "ordered"),
    [
        (["10 000", "9", "-1", "200"], ["-1", "9", "200", "10 000"]),
        (["192.0.2.10", "192.0.2.9", "10.0.0.1"], ["10.0.0.1", "192.0.2.9", "192.0.2.10"]),
        (["3 (1 security)", "20 (2 security)", "not known"], ["3 (1 security)", "20 (2 security)", "not known"]),
        (["2026-11-24 03:35:00Z", "2026-11-23 23:00:00Z"], ["2026-11-23 23:00:00Z", "2026-11-24 03:35:00Z"]),
        (["12.5 s", "2.6 s"], ["2.6 s", "12.5 s"]),
    ],
)
def test_cells_are_sorted_as_people_would(
    browser: Chromium, pages: dict[str, Path], tmp_path: Path, cells: list[str], ordered: list[str]
) -> None:
    rows = "".join(f"<tr><th scope='row'>{cell}</th></tr>" for cell in cells)
    table = f"<table class='sort' id='t'><thead><tr><th scope='col'>x</th></tr></thead><tbody>{rows}</tbody></table>"
    (tmp_path / "page.html").write_text(pages["nothing"].read_text("utf-8").replace("</main>", f"{table}</main>"), "utf-8")
    browser.open(tmp_path / "page.html")
    browser.run("document.querySelector('#t th button').click()")
    assert browser.run("[...document.querySelectorAll('#t tbody th')].map((cell) => cell.textContent)") == ordered


def test_changes_are_found_by_path_and_by_severity(browser: Chromium, pages: dict[str, Path]) -> None:
    leaves = "[...document.querySelectorAll('#host-1 [data-find] .leaf')].filter((one) => one.checkVisibility()).length"
    browser.open(pages["fleet"])
    browser.run("document.querySelector('#host-1 .whole').open = true")
    browser.run("document.querySelector('#host-1 .bar input[type=search]').focus()")
    browser.ask("Input.insertText", text="/srv/07/")
    assert browser.run(leaves) == 2
    browser.run("document.querySelector('#host-1 .bar input[value=high]').click()")
    assert browser.run(leaves) == 1
    assert browser.said() == []


def test_only_what_is_new_can_be_shown(browser: Chromium, pages: dict[str, Path]) -> None:
    """Of the table of hosts, of changes and of findings: whatever has nothing new has no such choice."""
    choices = "[...document.querySelectorAll('.bar')].filter((bar) => bar.textContent.includes('only what is new')).length"
    browser.open(pages["fleet"])
    assert browser.run(choices) == 1
    every = browser.run(SHOWN)
    browser.run("[...document.querySelectorAll('#fleet .bar label')].find((one) => one.textContent.includes('new')).click()")
    fresh = browser.run("[...document.querySelectorAll('table.fleet tr.news')].map((row) => row.cells[0].textContent)")
    assert browser.run(SHOWN) == fresh != every
    assert fresh
    browser.open(pages["whole"])
    assert browser.run(choices) > 1


def test_the_first_tab_leads_to_the_verdict_and_a_link_opens_its_host(browser: Chromium, pages: dict[str, Path]) -> None:
    browser.open(pages["fleet"])
    browser.press("Tab", "Tab", 9)
    assert browser.run("document.activeElement.textContent") == "Skip to the verdict"
    assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert browser.run("document.activeElement.getBoundingClientRect().left") >= 0
    assert not browser.run("document.querySelector('#host-3 details').open")
    browser.run("document.querySelector('a[href=\"#host-3\"]').click()")
    browser.run("new Promise((done) => setTimeout(done, 50))")
    assert browser.run("document.querySelector('#host-3 details').open")


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without"])
def test_paper_has_what_is_folded_too(browser: Chromium, pages: dict[str, Path], tmp_path: Path, script: bool) -> None:
    """On white, also for who reads on black."""
    if not shutil.which("pdftotext"):
        pytest.skip("needs pdftotext, of poppler-utils")
    browser.open(pages["logins"], script=script, dark=True)
    (tmp_path / "page.pdf").write_bytes(browser.printed())
    text = subprocess.run(
        ["pdftotext", "-layout", str(tmp_path / "page.pdf"), "-"], capture_output=True, check=True
    ).stdout.decode()
    assert "Logs that were read" in text
    assert "a journal of that time would show which program wrote each line" in " ".join(text.split())
    browser.look(dark=True, paper=True)
    assert browser.run("getComputedStyle(document.querySelector('section')).backgroundColor") == "rgb(255, 255, 255)"
