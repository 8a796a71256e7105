"""What `make docs-check` finds when it looks at pages in a browser: each defect, put in on purpose."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PYTHON = ROOT / ".venvs" / "browser" / "bin" / "python"
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width">
<style>:root {{ color-scheme: light dark; background: Canvas }}</style></head>
<body><article>{}</article></body></html>"""
_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} 300" width="{0}">{1}
<text y="40">A text</text></svg>"""
_WHITE = '<path d="M0 0h300v300H0z" fill="#fff"/>'
FINE = """<h2>1. First</h2><ol><li>one<ol><li>within</li></ol></li><li>two</li></ol>
<p>A range 3 - 4, a <code>`tick`</code>.</p><ol><li>again</li></ol>
<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td></td></tr></table><img alt="A drawing" src="fine.svg">"""
DEFECTS = {
    "a list that ran together: Some: - one - two": "<p>Some:\n- one\n- two</p>",
    "a list that ran together: Some - one - two": "<p>Some - one - two</p>",
    "broken numbering: First 2. second": "<p>First\n2. second</p>",
    "broken numbering: 2. second": "<ol><li>first</li></ol><p>Between.</p><ol start='2'><li>second</li></ol>",
    "Markdown shown as it is: `a.sql`:": "<details><summary>The SQL</summary>`a.sql`:</details>",
    "Markdown shown as it is: **bold**": "<p>**bold**</p>",
    "an empty header: ab": "<table><tr><th></th><th></th></tr><tr><td>a</td><td>b</td></tr></table>",
    "a contrast of 2.85: Pale": "<p style='color: #999; background: #fff'>Pale</p>",
    "a contrast of 3.98: Faint": "<p style='color: #000; background: #fff; opacity: .5'>Faint</p>",
    "text of 5.0 pixels in a picture: A small one": '<img alt="A small one" style="max-width: 100%" src="wide.svg">',
    "a white sheet in the dark: white.svg": '<img alt="A sheet" src="white.svg">',
    "sideways scroll: 2000 pixels on 390": "<div style='width: 2000px; margin: -8px'>A</div>",
    "an error in the console: Oh no": "<script>console.error('Oh no')</script>",
    "an error of a script: Oh dear": "<script>throw new Error('Oh dear')</script>",
    "a request to elsewhere: http://127.0.0.2:9/a.png": "<img alt='' src='http://127.0.0.2:9/a.png'>",
    "nothing there: there.png": "<img alt='' src='there.png'>",
}


@pytest.fixture(scope="module")
def browser() -> Path:
    """Give the Python that has Playwright, where there is a browser; in continuous integration there has to be one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    if not os.environ.get("CI") and not (PYTHON.exists() and any(map(shutil.which, names))):
        pytest.skip("needs Chromium, and `make .venvs/browser/ready`")
    return PYTHON


def _look(python: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(python), "-m", "tools.browser", str(folder)]
    settings = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name, width, ground in (("fine", 300, ""), ("wide", 1200, ""), ("white", 300, _WHITE)):
        (tmp_path / f"{name}.svg").write_text(_SVG.format(width, ground), encoding="utf-8")
    return tmp_path


def test_a_page_without_a_defect_is_fine(browser: Path, site: Path) -> None:
    (site / "index.html").write_text(_PAGE.format(FINE), encoding="utf-8")

    run = _look(browser, site)

    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines() == ["1 pages looked at, light and dark, on 390 and 1280 pixels: 0 faults."]


def test_each_defect_is_found_on_its_page(browser: Path, site: Path) -> None:
    for number, body in enumerate(DEFECTS.values()):
        (site / f"{number}.html").write_text(_PAGE.format(body), encoding="utf-8")

    run = _look(browser, site)

    assert run.returncode == 1, run.stderr
    assert run.stderr == ""
    found = run.stdout.splitlines()
    for number, defect in enumerate(DEFECTS):
        line = re.compile(rf"{number}\.html( \([^)]*\))?: {re.escape(defect)}")
        assert any(map(line.fullmatch, found)), (defect, found)


def test_without_a_browser_one_sentence_says_so_and_only_ci_fails(browser: Path, tmp_path: Path) -> None:
    nothing = {"PATH": str(tmp_path), "CHROMIUM": ""}

    here, there = _look(browser, tmp_path, **nothing, CI=""), _look(browser, tmp_path, **nothing, CI="true")

    assert (here.returncode, there.returncode) == (0, 1)
    assert here.stdout == ""
    assert here.stderr == there.stderr
    assert len(here.stderr.splitlines()) == 1
    assert "install Chromium" in here.stderr
