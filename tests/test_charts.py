"""The page that the demo ends with: drawn, read in words, on any screen, and of nobody in particular."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from tests.test_rendered_pages import PYTHON as BROWSER
from tools import ROOT
from tools.demo.postgres import postgres
from tools.demo.story import CHARTS, DBT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not DBT.exists(), reason="dbt is not for Python 3.14 and newer yet"),
]
MARTS = {
    "caseload": "onefile_assessors",
    "progress": "onefile_progress",
    "reviews": "onefile_reviews_due",
    "off-the-job": "onefile_off_the_job",
    "status": "onefile_learners",
    "data-quality": "onefile_data_quality",
}
PEOPLE = ("learners", "assessors", "employers", "iqas", "observers", "trainee_assessors")
PERSONAL = ("FirstName", "LastName", "Email", "Username", "ULN", "NINO", "Telephone", "MobileNumber", "MISID")
DRAWN = """
import json, sys
from playwright.sync_api import sync_playwright
LOOK = '''() => [...document.querySelectorAll("section")].map((section) => {
  const box = (each) => each.getBoundingClientRect();
  const card = box(section);
  const marks = [...section.querySelectorAll(".role-mark.mark-rect path")].map(box);
  return {
    chart: section.id,
    drawn: marks.filter((mark) => mark.width > 1 && mark.height > 1).length,
    outside: [...section.querySelectorAll("text")].map((text) => [text.textContent, box(text)])
      .filter(([, at]) => at.left < card.left || at.right > card.right),
    said: section.querySelector("[role=img]").ariaLabel,
  };
})'''
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=sys.argv[1], args=["--no-sandbox"])
    seen = {}
    for width in (390, 1280):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.goto("file://" + sys.argv[2])
        seen[width] = page.evaluate(LOOK)
    browser.close()
print(json.dumps(seen))
"""


class Page(HTMLParser):
    """What a page says, and what it is made of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(html)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.words += [value or "" for name, value in attrs if name in {"aria-label", "title", "alt"}]

    @override
    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def kept() -> Iterator[Path]:
    """Run the demo, and keep what it leaves."""
    command = [sys.executable, "-m", "tools.demo", "--learners", "60", "--keep"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    (page,) = re.findall(r"Open (\S+/demo\.html) in a browser", finished.stdout)
    (data,) = re.findall(r"--open (\S+)", finished.stdout)
    folder = ROOT.joinpath(data).parent
    assert folder.joinpath("demo.html") == ROOT.joinpath(page)
    yield folder
    shutil.rmtree(folder)


def test_each_mart_has_its_chart_in_words_and_in_a_table_in_one_file_that_names_nobody(kept: Path) -> None:
    html = (kept / "demo.html").read_text(encoding="utf-8")
    page = Page(html)

    sections = {each[0]: each[1] for each in re.findall(r'<section id="([^"]+)">(.*?)</section>', html, re.DOTALL)}
    assert list(sections) == list(MARTS)
    for chart, mart in MARTS.items():
        assert f"From <code>{mart}</code>." in sections[chart]
        assert sections[chart].count("<svg ") == 1
        assert sections[chart].count("<tr>") >= 2, chart
    assert not {"script", "img", "iframe", "image", "object"} & set(page.tags)
    assert re.findall(r'(?:href|src)="([^"]*)"', html) == ["data:,"]
    assert set(re.findall(r"\w+://[^\s\"']+", html)) == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}

    _check_that_nobody_is_in_it(page, kept / "postgres")


def _check_that_nobody_is_in_it(page: Page, data: Path) -> None:
    words = " ".join(page.words)
    with postgres(data) as server:
        every = server.query(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'tap_onefile'"
        )
        columns = {table: sorted(set(PERSONAL) & {name for each, name in every if each == table}) for table in PEOPLE}
        values = {
            str(value)
            for table in PEOPLE
            for record in server.records(table, columns[table])
            for value in record.values()
            if value
        }

    assert len(values) > 300
    assert {"FirstName", "LastName", "ULN", "NINO"} <= set(columns["learners"])
    assert {value for value in values if re.search(rf"\b{re.escape(value)}\b", words)} == set()


@pytest.fixture(scope="module")
def browser() -> str:
    """Have a browser, which is never missing in continuous integration."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    if found and BROWSER.exists():
        return found
    assert not os.environ.get("CI"), "The page was not looked at, for want of a browser."
    return pytest.skip("needs `make .venvs/browser/ready`, and Chromium")


def test_a_browser_draws_it_readably_light_and_dark_on_a_phone_and_on_a_desk(
    kept: Path, browser: str, tmp_path: Path
) -> None:
    html = (kept / "demo.html").read_text(encoding="utf-8")
    (tmp_path / "closed.html").write_text(html, encoding="utf-8")
    (tmp_path / "open.html").write_text(html.replace("<details>", "<details open>"), encoding="utf-8")

    look = [str(BROWSER), "-m", "tools.browser", str(tmp_path)]
    looked = subprocess.run(look, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    assert looked.stdout == "2 pages looked at, light and dark, on 390 and 1280 pixels: 0 faults.\n", looked.stderr
    command = [str(BROWSER), "-c", DRAWN, browser, str(kept / "demo.html")]
    seen = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    for charts in seen.values():
        assert [each["chart"] for each in charts] == list(MARTS)
        assert [each["chart"] for each in charts if each["drawn"] < 3] == []
        assert [each["outside"] for each in charts if each["outside"]] == []
        assert all(each["said"].endswith("The numbers are in the table below.") for each in charts)


def test_where_a_mart_is_empty_the_page_says_so() -> None:
    script = (
        "from tools.charts.charts import CHARTS\n"
        "from tools.charts.page import page\n"
        "print(page([(chart, []) for chart in CHARTS], None))"
    )
    drawn = subprocess.run(
        [str(CHARTS), "-c", script], cwd=ROOT, capture_output=True, check=True, text=True, timeout=60
    )

    assert drawn.stdout.count("There is nothing to show.") == len(MARTS)
