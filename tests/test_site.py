"""The site that is made of docs/: built by the command that is documented, whole, and nothing but itself."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from chromium import Chromium

HERE = Path(__file__).resolve().parent.parent
PATIENCE = 120
LOADS = {
    ("link", "href"),
    ("object", "data"),
    *((tag, "src") for tag in ("script", "img", "iframe", "source", "audio", "video")),
}
"""What a browser fetches as soon as it sees it; an `a` it follows only when somebody asks for it."""
NO_FETCH = {"canonical", "next", "prev", "index", "search", "genindex"}
"""What a `link` may be for that is nothing to load."""
FOREIGN = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
FRONT, RULES = "docs/index.html", "docs/reference/rules.html"


@dataclass
class Page(HTMLParser):
    """What a page links to, what it loads, and which of its places a link may name."""

    text: str
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag links to, loads or is called."""
        told = {name: value or "" for name, value in attrs}
        self.ids.add(told.get("id", ""))
        if tag == "a" and "href" in told:
            self.links.append(told["href"])
        for name, value in told.items():
            if (tag, name) in LOADS and not (tag == "link" and told.get("rel") in NO_FETCH):
                self.loads.append(value)


@dataclass(frozen=True)
class Site:
    """The files that were made, and what each page of them holds."""

    folder: Path
    said: str
    pages: dict[str, Page]

    def led_to(self, page: str, link: str) -> tuple[str, str]:
        """The page and the place in it that a local link of a page leads to."""
        where, place = urldefrag(unquote(link))
        there = (self.folder / page).parent / where if where else self.folder / page
        return str(there.resolve().relative_to(self.folder)), place


def command() -> list[str]:
    """The command that builds the site, as the first page says it."""
    (line,) = re.findall(r"^\.venv/bin/(sphinx-build .*)$", (HERE / "docs/index.md").read_text("utf-8"), re.MULTILINE)
    return shlex.split(line)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site, built once; a warning ends the build with an error."""
    pytest.importorskip("sphinx", reason="needs the group docs")
    folder = tmp_path_factory.mktemp("site").resolve()
    words = command()
    argv = [sys.executable, "-m", "sphinx", *words[1:-1], str(folder)]
    done = subprocess.run(
        argv, cwd=HERE, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False
    )  # fmt: skip
    assert done.returncode == 0, [line for line in done.stdout.splitlines() if re.search("WARNING|ERROR|rror:", line)]
    pages = {str(path.relative_to(folder)): Page(path.read_text("utf-8")) for path in folder.rglob("*.html")}
    return Site(folder, done.stdout, pages)


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    """One Chromium for the pages that are looked at."""
    made = Chromium()
    yield made
    made.end()


def test_warnings_are_errors_and_links_that_lead_nowhere_are_warnings(site: Site) -> None:
    assert {"-n", "-W"} <= {f"-{letter}" for word in command() if re.fullmatch(r"-[a-zA-Z]+", word) for letter in word[1:]}
    assert "build succeeded." in site.said


def test_every_page_of_docs_is_there_and_can_be_reached_from_the_first(site: Site) -> None:
    reached, waiting = set(), [FRONT]
    while waiting:
        page = waiting.pop()
        if page in site.pages and page not in reached:
            reached.add(page)
            waiting += [site.led_to(page, link)[0] for link in site.pages[page].links if not foreign(link)]
    written = {str(path.relative_to(HERE).with_suffix(".html")) for path in (HERE / "docs").rglob("*.md")}
    assert sorted(written - reached) == []
    assert {"README.html", "CHANGELOG.html", "benchmarks/README.html"} <= reached


def test_every_local_link_leads_to_a_page_and_a_place_in_it(site: Site) -> None:
    lost = []
    for name, page in site.pages.items():
        for link in filter(lambda link: not foreign(link), page.links):
            there, place = site.led_to(name, link)
            if not (site.folder / there).is_file() or (there in site.pages and place and place not in site.pages[there].ids):
                lost.append(f"{name}: {link}")
    assert lost == []


def test_a_lost_link_would_be_found() -> None:
    page = Page('<a href="x.html#y">x</a><p id="y"><img src="//h/x.png"><link rel="canonical" href="https://h/">')
    assert (page.links, page.loads, "y" in page.ids) == (["x.html#y"], ["//h/x.png"], True)


def test_nothing_is_loaded_from_elsewhere(site: Site) -> None:
    loads = {load for page in site.pages.values() for load in page.loads}
    styles = {path.name: path.read_text("utf-8") for path in site.folder.rglob("*.css")}
    named = {url.strip("'\"") for text in styles.values() for url in re.findall(r"(?:url\(|@import\s+)([^)\s;]+)", text)}
    assert loads, "no page loads its own style"
    assert sorted(load for load in loads | named if foreign(load) and not load.startswith("data:")) == []


@pytest.mark.parametrize("name", [FRONT, RULES])
def test_a_browser_asks_for_nothing_but_the_files_of_the_site(site: Site, browser: Chromium, name: str) -> None:
    browser.open(site.folder / name)
    assert [url for url in browser.asked() if not url.startswith((site.folder.as_uri() + "/", "data:"))] == []
    assert browser.said() == []


def test_the_search_finds_pages_without_a_server(site: Site, browser: Chromium) -> None:
    browser.load((site.folder / "search.html").as_uri() + "?q=baseline")
    found = "document.querySelector('#search-results li a')"
    found = f"new Promise((done) => {{ const look = () => {found} ? done(true) : setTimeout(look, 50); look() }})"
    assert browser.run(found)
    assert browser.said() == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", [FRONT, "docs/reference/policy.html"])
def test_everybody_can_read_it(site: Site, browser: Chromium, name: str, dark: bool) -> None:
    browser.open(site.folder / name, dark=dark)
    assert browser.breaches() == []


def foreign(link: str) -> bool:
    """Whether it leaves the site."""
    return bool(FOREIGN.match(link) or re.match(r"(mailto|data|javascript):", link))
