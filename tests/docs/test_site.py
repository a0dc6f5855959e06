"""The site as it was written: all pages, nothing from elsewhere, links that lead somewhere."""

import re
from html.parser import HTMLParser

import pytest

from scripts.docs.__main__ import build_site
from scripts.docs.source import SOURCE_DIR, generate_pages

ELSEWHERE = re.compile(r"^(https?:)?//")
# What a browser fetches by itself; `a` is followed by people, and may lead anywhere.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "object": "data"}


class Resources(HTMLParser):
    """What a page has a browser fetch, and the names in it that only scripts from elsewhere could draw."""

    def __init__(self):
        super().__init__()
        self.fetched, self.classes = [], set()

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        if tag in FETCHED and given.get(FETCHED[tag]):
            self.fetched.append(given[FETCHED[tag]])
        if tag == "link" and not {"next", "prev", "canonical"} & set(given.get("rel", "").split()):
            self.fetched.append(given.get("href", ""))
        self.classes |= set(given.get("class", "").split())


def looked_through(text):
    page = Resources()
    page.feed(text)
    return page


def test_the_check_detects_references_that_a_browser_would_fetch():
    hostile = '<link rel="stylesheet" href="https://fonts.example/a.css"><script src="//cdn.example/a.js"></script>'
    assert [bool(ELSEWHERE.match(url)) for url in looked_through(hostile).fetched] == [True, True]


def test_no_page_refers_to_another_host(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 25
    for page in pages:
        found = looked_through(page.read_text(encoding="utf-8"))
        assert [url for url in found.fetched if ELSEWHERE.match(url)] == [], page
        for url in found.fetched:
            if not url.startswith(("data:", "/")):  # 404.html has the server's root before its own
                assert (page.parent / url.split("?")[0].split("#")[0]).resolve().exists(), (page, url)
        assert "mermaid" not in found.classes, f"{page}: the theme fetches what draws these"


def test_no_stylesheet_refers_to_another_host(site):
    for style in site.rglob("*.css"):
        text = style.read_text(encoding="utf-8")
        urls = re.findall(r"url\(\s*['\"]?([^'\")]+)", text) + re.findall(r"@import\s+['\"]([^'\"]+)", text)
        assert [url for url in urls if ELSEWHERE.match(url)] == [], style


def test_every_generated_page_exists(site):
    for name in generate_pages():
        assert (site / name).with_suffix(".html").is_file(), name


@pytest.mark.parametrize("name", ["Project", "Run.metrics", "Step", "Release.lineage"])
def test_docstrings_are_in_the_reference(site, name):
    assert re.search(rf'id="flightline(\.\w+)*\.{re.escape(name)}"', (site / "reference/api.html").read_text())


def test_describing_a_component_imports_no_project_code(tools):
    assert not list(tools.parent.glob("lib/python*/site-packages/tensorflow*"))


def test_broken_links_fail(site, tools):
    page = SOURCE_DIR / "index.md"
    right = page.read_text(encoding="utf-8")
    page.write_text(f"{right}\n[a](nowhere.md) [b](data-gate.md#no-heading) [c](../LICENSE)\n", encoding="utf-8")
    try:
        ended = build_site(tools, SOURCE_DIR.parent / "broken")
    finally:
        page.write_text(right, encoding="utf-8")
    assert ended.returncode != 0
    for broken in ("nowhere.md", "no-heading", "../LICENSE"):
        assert any(line.startswith("WARNING") and broken in line for line in ended.stderr.splitlines()), broken
