"""What CONTRIBUTING says about adding a stream works, and whatever is forgotten is named together with its file."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from onefile_sandbox.world.entities import ENTITY_OF
from tap_onefile.streams import STREAMS
from tap_onefile.streams.base import OneFileStream
from tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = {stream.name for stream in STREAMS}
CLASS, LIST, ENTITY, RECORD, ROW = (
    "tap_onefile/streams/places.py",
    "tap_onefile/streams/__init__.py",
    "sandbox/onefile_sandbox/world/entities.py",
    "sandbox/onefile_sandbox/world/look_ups.py",
    "sandbox/README.md",
)
_BLOCK = re.compile(
    r"^(?:[^\n]* )?(?:At the end of|In) `(?P<file>[\w./]+)`"
    r"(?:, (?P<side>after|before) the line with\s+`(?P<line>[^`]+)`)?:\n\n"
    r" *```\w+\n(?P<text>.*?)\n *```$",
    re.MULTILINE | re.DOTALL,
)
_COMPARE = """
import sys, tempfile
from pathlib import Path
from onefile_sandbox import Sandbox
from tests.running import config_for, run_tap, select
folder = Path(tempfile.mkdtemp(dir=sys.argv[1]))
with Sandbox(learners=30, organisations=2, seed=7, calls_per_minute=0) as sandbox:
    run = run_tap(folder, config_for(sandbox), *select(folder, "visits"))
    assert run.status == 0, run.stderr
    print(len(run.records["visits"]))
    assert [{**each, "DateFrom": None} for each in run.records["visits"]] == [
        {**each, "DateFrom": None} for each in sandbox.records("visits")
    ]
    assert {each["DateFrom"] for each in run.records["visits"]} == {"2025-09-01T12:00:00.000000Z"}
"""


def test_every_class_of_a_stream_is_in_the_list() -> None:
    for kind in _below(OneFileStream):
        if isinstance(getattr(kind, "name", None), str):
            assert kind in STREAMS, f"{kind.__name__} is not in STREAMS: add it to {LIST}"


def test_the_sandbox_serves_every_stream() -> None:
    for name in NAMES - {"customers"}:
        assert name in ENTITY_OF, f"The sandbox has no entity for {name}: add it to {ENTITY}"


def test_every_stream_has_its_page_and_no_other_stream_has() -> None:
    stale = {page.stem for page in (ROOT / "docs" / "streams").glob("*.md")} ^ NAMES

    assert not stale, f"docs/streams/ is stale ({', '.join(sorted(stale))}): run `make docs`"


def test_meltano_selects_what_is_selected_by_default() -> None:
    (extractor,) = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]["extractors"]
    stale = set(extractor["select"]) ^ {f"{stream.name}.*" for stream in STREAMS if stream.selected_by_default}

    assert not stale, f"meltano.yml is stale ({', '.join(sorted(stale))}): run `make docs`"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_example_works_as_it_is_written(checkout: Path) -> None:
    """Add the stream step by step, and see after each step that the next one is asked for."""
    steps = _steps(checkout)
    assert list(steps) == [CLASS, LIST, ENTITY, RECORD, ROW]
    assert len(_code(steps[CLASS])) - len(_fields(steps[CLASS])) <= 10
    assert sum(len(_code(steps[name])) for name in (ENTITY, RECORD, ROW)) <= 10

    _take(checkout, steps, CLASS)
    assert f"Visits is not in STREAMS: add it to {LIST}" in _forgotten(checkout, "tests/test_adding_a_stream.py")
    _take(checkout, steps, LIST)
    forgotten = _forgotten(checkout, "tests/test_adding_a_stream.py")
    assert f"The sandbox has no entity for visits: add it to {ENTITY}" in forgotten
    assert "docs/streams/ is stale (visits): run `make docs`" in forgotten
    assert "meltano.yml is stale (visits.*): run `make docs`" in forgotten
    _take(checkout, steps, ENTITY)
    without_a_table = checkout / ENTITY
    whole = without_a_table.read_text(encoding="utf-8")
    assert "look_ups' has no attribute 'visit'" in _run(checkout, sys.executable, "-c", "import onefile_sandbox").stderr
    _take(checkout, steps, RECORD)
    without_a_table.write_text(re.sub(r'("Visit".*) parent="OrganisationID",', r"\1", whole), encoding="utf-8")
    started = _run(checkout, sys.executable, "-c", "from onefile_sandbox import Sandbox; Sandbox()")
    assert "entity Visit has no table: see sandbox/onefile_sandbox/world/tables.py" in started.stderr
    without_a_table.write_text(whole, encoding="utf-8")
    forgotten = _forgotten(checkout, "sandbox/tests/test_readme.py")
    assert "renew the table under Streams in sandbox/README.md" in forgotten
    _take(checkout, steps, ROW)

    made = _run(checkout, "make", "--assume-old=.venvs/dev/ready", f'dev="{Path(sys.executable).parent}"', "docs")
    assert made.returncode == 0, made.stdout + made.stderr
    page = (checkout / "docs" / "streams" / "visits.md").read_text(encoding="utf-8")
    assert "Visits to the learners of an organisation." in page
    assert '"DateFrom": "2025-09-01T12:00:00.000000Z"' in page
    assert '"streams/visits.md",' in (checkout / "zensical.toml").read_text(encoding="utf-8")
    assert "- visits.*" in (checkout / "meltano.yml").read_text(encoding="utf-8")
    compared = _run(checkout, sys.executable, "-c", _COMPARE, str(checkout))
    assert (compared.returncode, compared.stdout) == (0, "6\n"), compared.stderr
    tests = "tests/test_adding_a_stream.py", "sandbox/tests/test_readme.py", "sandbox/tests/test_entities.py"
    checked = _pytest(checkout, *tests)
    assert checked.returncode == 0, checked.stdout


def _steps(checkout: Path) -> dict[str, re.Match[str]]:
    text = (checkout / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("## Adding a stream\n")[1].split("\n## ")[0]
    return {step["file"]: step for step in _BLOCK.finditer(section)}


def _take(checkout: Path, steps: dict[str, re.Match[str]], name: str) -> None:
    """Put a block of code where its text says."""
    step, file = steps[name], checkout / name
    code, lines = textwrap.dedent(step["text"]), file.read_text(encoding="utf-8").splitlines()
    if not step["line"]:
        lines += ["", "", *code.splitlines()]
    else:
        (place,) = (number for number, line in enumerate(lines) if step["line"] in line)
        inside = re.match(" *", lines[place - (step["side"] == "before")])
        assert inside
        at = place + (step["side"] == "after")
        lines[at:at] = textwrap.indent(code, inside[0]).splitlines()
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _code(step: re.Match[str]) -> list[str]:
    return [line for line in step["text"].splitlines() if line.strip()]


def _fields(step: re.Match[str]) -> list[str]:
    return [line for line in _code(step) if line.strip().startswith("f.")]


def _forgotten(checkout: Path, test: str) -> str:
    checked = _pytest(checkout, test)
    assert checked.returncode == 1, checked.stdout + checked.stderr
    return checked.stdout


def _pytest(checkout: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    return _run(checkout, sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-m", "not slow", *tests)


def _run(checkout: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV"))}
    environ["PYTHONPATH"] = os.pathsep.join((str(checkout), str(checkout / "sandbox")))
    return subprocess.run(command, cwd=checkout, env=environ, capture_output=True, text=True, check=False, timeout=120)


def _below(kind: type[OneFileStream]) -> Iterator[type[OneFileStream]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)
