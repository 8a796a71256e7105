"""The documentation says what the code says, and what it tells one to do works."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml
from jsonschema import Draft7Validator

import tap_onefile
from tap_onefile import errors
from tap_onefile.records.convert import to_timestamp
from tap_onefile.settings import PLACEHOLDERS, Settings
from tap_onefile.streams import STREAMS
from tap_onefile.tap import SETTINGS
from tests.running import clean_environment, config_for
from tools import ROOT
from tools.dbt.made import files
from tools.demo.pipeline import MELTANO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onefile_sandbox import Sandbox
    from tap_onefile.streams.base import OneFileStream
    from tests.conftest import StartPostgres, StartSandbox

STREAM_PAGES = ROOT / "docs" / "streams"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MADE_FROM_THE_CODE = [
    *PAGES,
    *sorted(STREAM_PAGES.glob("*.md")),
    *(
        ROOT / name
        for name in (
            "CONTRIBUTING.md",
            "docs/streams.svg",
            "docs/joins.svg",
            "docs/caseload.svg",
            "docs/models.svg",
            "zensical.toml",
            "meltano.yml",
        )
    ),
]
_TARGET = """| python -c 'import json, sys; lines = map(json.loads, sys.stdin)
for line in lines: line["type"] == "STATE" and print(json.dumps(line["value"]))'"""
"""A target that stores nothing, and says what every target must: the state."""
HOLE = "…"
"""What stands in a heading of the page on messages for what differs from message to message."""


def test_what_is_made_from_the_code_is_fresh() -> None:
    check = subprocess.run(
        [sys.executable, "-m", "cogapp", "-I", str(ROOT), "--check", *map(str, MADE_FROM_THE_CODE)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert check.returncode == 0, f"run `make docs`:\n{check.stdout}{check.stderr}"


def test_what_of_the_dbt_package_is_made_from_the_catalog_is_fresh() -> None:
    package = ROOT / "examples" / "dbt"
    made = files()
    left = {path.relative_to(package).as_posix() for path in (package / "models" / "staging").glob("*")} - made.keys()

    stale = [name for name, text in made.items() if (package / name).read_text(encoding="utf-8") != text]
    assert not {*stale, *left}, "run `make docs`"


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_each_stream_has_a_page_with_an_example_that_fits_its_schema(stream: type[OneFileStream]) -> None:
    (example,) = (json.loads(block) for block in _blocks(STREAM_PAGES / f"{stream.name}.md", "json"))

    assert not list(Draft7Validator(stream.schema).iter_errors(example))
    instants = [example[name] for name, rule in stream.schema["properties"].items() if rule.get("format")]
    assert all(value is None or to_timestamp(value) == value for value in instants)
    assert set(example) == set(stream.schema["properties"])


def test_the_readme_says_what_an_officer_needs_in_900_words() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    before, more, _ = text.partition("\n## More\n")

    assert more
    assert len(before.split()) <= 900
    assert before.index("## What you need") < before.index("## See it work") < before.index("## What you get")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_example_of_settings_is_accepted(page: Path) -> None:
    for block in _blocks(page, "json"):
        settings = json.loads(block)
        assert set(settings) <= set(SETTINGS["properties"])
        assert settings["customer_token"] in PLACEHOLDERS
        assert Settings.from_config({**settings, "customer_token": "a-token"}, SETTINGS).customer_token


@pytest.mark.timeout(120)
def test_meltano_takes_every_snippet(tmp_path: Path) -> None:
    blocks = [yaml.safe_load(block) for page in PAGES for block in _blocks(page, "yaml")]
    snippets = [block for block in blocks if "plugins" in block]
    whole = next(each for each in snippets if "settings" in each["plugins"].get("extractors", [{}])[0])
    known = {setting["name"] for setting in whole["plugins"]["extractors"][0]["settings"]}

    assert known == set(SETTINGS["properties"])
    for snippet in snippets:
        for extractor in snippet["plugins"].get("extractors", []):
            assert set(extractor.get("config", {})) <= known | {"stream_maps"}
    project = {"project_id": "docs", "send_anonymous_usage_stats": False, "plugins": {}}
    for snippet in snippets:
        for kind, plugins in snippet["plugins"].items():
            of_kind: list[dict[str, Any]] = project["plugins"].setdefault(kind, [])  # type: ignore[attr-defined]
            for plugin in plugins:
                present = next((each for each in of_kind if each["name"] == plugin["name"]), None)
                if present is None:
                    of_kind.append(present := {})
                present.update(plugin)
    (tmp_path / "meltano.yml").write_text(yaml.safe_dump(project), encoding="utf-8")
    compiled = subprocess.run(
        [MELTANO, "compile"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert compiled.returncode == 0, compiled.stderr
    assert "Failed" not in compiled.stderr


def _commands(page: Path) -> list[str]:
    lines = [line for block in _blocks(page, "console") for line in block.splitlines()]
    return [line for line in lines if line.startswith(("tap-onefile ", "tail "))]


@pytest.mark.slow
def test_every_command_line_of_the_tap_works(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    commands = {page: _commands(page) for page in PAGES}
    assert any(commands.values())
    sandbox = start_sandbox(learners=5, organisations=1)
    for page, lines in commands.items():
        folder = tmp_path / page.stem
        folder.mkdir()
        _prepare(folder, sandbox)
        for line in lines:
            run = subprocess.run(
                ["/bin/bash", "-o", "pipefail", "-c", line.replace("| target-jsonl", _TARGET)],
                cwd=folder,
                env=_with_the_tap_on_the_path(),
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert run.returncode == 0, f"{page.name}: {line}\n{run.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_make_target_named_is_there(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    text = page.read_text(encoding="utf-8")

    for name in re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)", text, re.MULTILINE):
        target = name[0] or name[1]
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_to_files_of_the_repository_lead_somewhere(page: Path) -> None:
    address = r"https://github\.com/tap-onefile/tap-onefile/blob/main/([\w./-]+)"
    for path in re.findall(address, page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")], ids=str)
def test_links_of_pages_outside_the_site_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if urlsplit(target).scheme:
            continue
        path, _, anchor = target.partition("#")
        to = (page.parent / path) if path else page
        assert to.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", to.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, target


def test_every_error_is_explained_by_its_words() -> None:
    headings = _headings_of_messages()

    sentences = [re.sub(r"\{0\.[^}]*\}", HOLE, kind.sentence) for kind in _below(errors.OneFileError) if kind.sentence]
    assert len(sentences) > 10
    for sentence in sentences:
        assert any(_fits(heading, sentence) for heading in headings), sentence


def test_every_message_explained_is_one_that_the_tap_has() -> None:
    package = Path(tap_onefile.__file__).parent
    messages = [text for file in package.rglob("*.py") for text in _texts(file)]

    for heading in _headings_of_messages():
        assert any(_fits(heading, message) for message in messages), heading


def test_every_line_that_a_run_can_end_with_or_warn_of_is_explained() -> None:
    headings = _headings_of_messages()

    told = [text for file in Path(tap_onefile.__file__).parent.rglob("*.py") for text in _told(file)]
    assert len(told) > 30
    assert [text for text in told if not any(_fits(heading, text) for heading in headings)] == []


def test_no_page_points_to_notes_that_its_readers_do_not_have() -> None:
    for page in [*PAGES, *STREAM_PAGES.glob("*.md")]:
        assert "API reference" not in page.read_text(encoding="utf-8"), page


def test_sql_for_administrators_works(start_postgres: StartPostgres) -> None:
    blocks = [block for name in ("getting-started", "power-bi") for block in _sql(name) if "CREATE ROLE" in block]
    assert len(blocks) == 2
    folder = Path(tempfile.mkdtemp(prefix="tap-"))  # a socket's path must be short
    try:
        with start_postgres(folder / "data"):
            where = f"host={folder / 'data'} user=postgres dbname="
            with psycopg.connect(f"{where}postgres", autocommit=True) as connection:
                connection.execute("CREATE DATABASE reporting")
            with psycopg.connect(f"{where}reporting", autocommit=True) as connection:
                connection.execute(blocks[0].encode())
                connection.execute("GRANT CREATE ON SCHEMA public TO onefile")
                connection.execute("SET ROLE onefile")
                connection.execute("CREATE SCHEMA tap_onefile")
                connection.execute("CREATE TABLE tap_onefile.learners (id int)")
                connection.execute("RESET ROLE")
                connection.execute(blocks[1].encode())
                connection.execute("SET ROLE power_bi")
                assert connection.execute("SELECT count(*) FROM tap_onefile.learners").fetchone() == (0,)
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute("DELETE FROM tap_onefile.learners")
    finally:
        shutil.rmtree(folder)


@pytest.mark.slow
def test_meltano_is_told_to_report_nothing_to_its_makers(tmp_path: Path) -> None:
    command = "meltano config set meltano send_anonymous_usage_stats false"
    for page in ("getting-started", "privacy"):
        assert command in (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    (tmp_path / "meltano.yml").write_text("project_id: docs\nplugins: {}\n", encoding="utf-8")

    subprocess.run(
        [MELTANO, *command.split()[1:]],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        check=True,
        timeout=60,
    )

    project = yaml.safe_load((tmp_path / "meltano.yml").read_text(encoding="utf-8"))
    assert project["send_anonymous_usage_stats"] is False


def _sql(page: str) -> list[str]:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return [match[2] for match in re.finditer(r"^( *)```sql\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)]


def _blocks(page: Path, language: str) -> Iterator[str]:
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield match[1]


def _prepare(folder: Path, sandbox: Sandbox) -> None:
    (folder / "config.json").write_text(json.dumps(config_for(sandbox)), encoding="utf-8")


def _with_the_tap_on_the_path() -> dict[str, str]:
    environment = clean_environment()
    return {**environment, "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}"}


def _headings_of_messages() -> list[str]:
    text = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    return re.findall(r"^### `(.+)`$", text, re.MULTILINE)


def _fits(heading: str, message: str) -> bool:
    return bool(re.search(".*".join(re.escape(part) for part in heading.split(HOLE)), message))


def _below(kind: type[errors.OneFileError]) -> Iterator[type[errors.OneFileError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


def _texts(file: Path) -> Iterator[str]:
    """Find the texts of a module, with a hole for each value that is put in."""
    return filter(None, map(_text, ast.walk(ast.parse(file.read_text(encoding="utf-8")))))


def _told(file: Path) -> Iterator[str]:
    """Find what a run warns of or ends with: what is logged as such, raised, or wrong in a setting."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    parts = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    nodes = [node for node in ast.walk(tree) if node not in parts]
    yield from (text for text in map(_text, nodes) if text and re.match(r"The setting \S+ \S", text))
    raised = [node.exc for node in nodes if isinstance(node, ast.Raise)]
    for node in nodes:
        if isinstance(node, ast.Call) and node.args and (_logs(node.func) or (node in raised and _is_whole(node.func))):
            text = _text(node.args[0])
            if text:
                yield text


def _is_whole(error: ast.expr) -> bool:
    """Return whether an error is made from its sentence, and not from data."""
    return isinstance(error, ast.Name) and error.id in {
        "Mistake",
        "SettingsError",
        "IncompleteRun",
        "TargetGone",
        "_unusable",
    }


def _logs(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return function.attr in {"warning", "error", "critical", "exception"}
    return isinstance(function, ast.Name) and function.id == "_fail"


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.sub(r"%(\.0f|s|d)|\{0\.[^}]*\}", HOLE, node.value)
    return None
