"""The documentation as a site: what it loads, what its search finds, and how its menu begins."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from html import unescape
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from typing_extensions import override

from tap_onefile.streams import STREAMS
from tools import ROOT
from tools.docs import plain

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site, with every warning an error."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copytree(ROOT / "tools" / "docs" / "theme", folder / "tools" / "docs" / "theme")
    shutil.copy(ROOT / "zensical.toml", folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert built.returncode == 0, built.stdout + built.stderr
    plain.main(folder / "site")
    return folder / "site"


def test_the_site_loads_nothing_from_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(STREAMS)
    for page in pages:
        loaded = _Loaded()
        loaded.feed(page.read_text(encoding="utf-8"))
        assert loaded.addresses
        assert not [address for address in loaded.addresses if urlsplit(address).netloc], page
        # What makes the theme's script ask another host: diagrams, code that runs, zoomed pictures, a count of stars.
        assert not loaded.classes & {"mermaid", "glightbox", "pyodide", "md-source__fact"}, page
        assert "source" not in loaded.components, page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"@import|url\(['\"]?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet


def test_pictures_of_the_site_are_there(site: Path) -> None:
    for page in site.rglob("index.html"):
        loaded = _Loaded()
        loaded.feed(page.read_text(encoding="utf-8"))
        for address in loaded.addresses:
            path = urlsplit(address).path
            assert (page.parent / path).exists(), f"{page}: {address}"


@pytest.mark.parametrize(
    ("typed", "pages"),
    {
        "Power BI": ["power-bi/"],
        "Excel": ["power-bi/"],
        "SQL Server": ["power-bi/"],
        "withdrawn": ["not-in-the-api/#withdrawn-learners"],
        "gateway": ["not-in-the-api/#gateway-and"],
        "end-point assessment": ["not-in-the-api/#gateway-and"],
        "achievement": ["not-in-the-api/#achievement"],
        "break in learning": ["not-in-the-api/#breaks-in-learning"],
        "safeguarding": ["not-in-the-api/#safeguarding"],
        "LARS": ["not-in-the-api/#lars-codes"],
        "MISID": ["streams/#misid-matching-with-your-mis", "recipes/#match-with-the-mis", "streams/learners/#"],
        "Windows": ["systems/"],
        "upgrading": ["upgrading/"],
        "_sdc_extracted_at": ["streams/#columns-that-the-target-adds"],
    }.items(),
)
def test_what_people_search_for_leads_to_the_right_page(site: Path, typed: str, pages: list[str]) -> None:
    found = [section["location"] for section in _sections(site) if typed.lower() in _plain(section).lower()]

    for page in pages:
        assert any(location.startswith(page) for location in found), found


def test_a_result_of_the_search_names_its_stream_and_no_example_is_among_them(site: Path) -> None:
    sections = [section for section in _sections(site) if re.match(r"streams/\w", section["location"])]

    assert len(sections) == 2 * len(STREAMS)
    for section in sections:
        stream = section["location"].split("/")[1]
        assert stream in section["title"], section["title"]
        assert "example.com" not in section["text"]


def test_the_menu_begins_with_what_is_looked_for_most(site: Path) -> None:
    titles = [section["path"] for section in _sections(site)]
    order = list(dict.fromkeys(path[0] for path in titles))

    streams = re.findall(r'"streams/(\w+)\.md"', (ROOT / "zensical.toml").read_text(encoding="utf-8"))
    assert streams[0] == "learners"
    assert sorted(streams) == sorted(stream.name for stream in STREAMS)
    menu = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    names = [next(iter(entry)) for entry in menu]
    assert names.index("Streams") < names.index("Use the data") < names.index("Help") < names.index("For maintainers")
    assert set(order) <= set(names)


def test_each_page_has_a_title_and_a_description_of_its_own(site: Path) -> None:
    titles, descriptions = defaultdict(list), defaultdict(list)
    for page in site.rglob("index.html"):
        text = page.read_text(encoding="utf-8")
        titles[re.findall(r"<title>(.*?)</title>", text)[0]].append(page)
        (description,) = re.findall(r'<meta name="description" content="([^"]*)"', text)
        descriptions[description].append(page)

    assert [pages for found in (titles, descriptions) for pages in found.values() if len(pages) > 1] == []
    assert [each for each in descriptions if not 12 < len(unescape(each)) <= 160] == []
    assert not [each for each in titles if each.startswith("Home")]


def test_each_page_is_beside_the_site_as_markdown_and_listed(site: Path) -> None:
    listed = re.findall(r"^- \[.+\]\((.+?\.md)\): .+", (site / "llms.txt").read_text(encoding="utf-8"), re.MULTILINE)
    docs = ROOT / "docs"

    assert sorted(listed) == sorted(path.relative_to(docs).as_posix() for path in docs.rglob("*.md"))
    for page in listed:
        text = (site / page).read_text(encoding="utf-8")
        assert text.startswith("# ")
        assert "[[[" not in text
        assert "{ data-" not in text
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
            assert urlsplit(target).scheme or ((site / page).parent / target).exists(), (page, target)
    for html in site.rglob("index.html"):
        (address,) = re.findall(
            r'<link rel="alternate" type="text/markdown" href="([^"]+)"', html.read_text(encoding="utf-8")
        )
        assert (html.parent / address).is_file(), address


def test_the_site_holds_no_code_of_ours(site: Path) -> None:
    assert not list(site.rglob("*.py"))


class _Loaded(HTMLParser):
    """Collects what a browser fetches by itself when it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.classes: set[str] = set()
        self.components: set[str] = set()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.classes |= set(found.get("class", "").split())
        self.components.add(found.get("data-md-component", ""))
        fetches = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "modulepreload", "manifest"}
        if tag != "link" or fetches & set(found.get("rel", "").split()):
            name = "href" if tag == "link" else "src"
            if address := found.get(name):
                self.addresses.append(address)


def _sections(site: Path) -> list[dict[str, Any]]:
    """Give what the site's search goes through."""
    sections: list[dict[str, Any]] = json.loads((site / "search.json").read_text(encoding="utf-8"))["items"]
    return sections


def _plain(section: dict[str, Any]) -> str:
    return re.sub(r"<[^>]*>", "", f"{section['title']} {section['text']}")
