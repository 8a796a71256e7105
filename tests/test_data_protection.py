"""What of people's data leaves the tap, from the API's side to the target's."""

from __future__ import annotations

import json
import re
import runpy
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tap_onefile.streams import DETAILED, STREAMS
from tests.running import config_for, run_tap, select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onefile_sandbox import Sandbox
    from tests.running import Run

    Rows = list[dict[str, Any]]

KEY = "an invented key of thirty-two characters or more"
CLASSES = {
    (stream.name, name): rule["x-onefile-data-class"]
    for stream in STREAMS
    for name, rule in stream.schema["properties"].items()
}
PERSONAL = {field for field, data_class in CLASSES.items() if data_class == "personal" and field[1] != "MISID"}
SPECIAL = {field for field, data_class in CLASSES.items() if data_class == "special category"}


def protected(folder: Path, sandbox: Sandbox, **settings: object) -> Run:
    """Read every stream in full under settings of data protection."""
    config = config_for(sandbox, fetch_details=list(DETAILED), **{"special_category_data": None, **settings})
    config = {name: value for name, value in config.items() if value is not None}
    return run_tap(folder, config, *select(folder))


def held(sandbox: Sandbox, fields: set[tuple[str, str]], *, but: Callable[[str], bool] = bool) -> set[str]:
    """Give the texts that OneFile holds in some fields, as JSON spells them."""
    found = set()
    for stream, name in fields:
        for row in sandbox.records(stream, details=stream in DETAILED):
            value = row.get(name)
            if isinstance(value, str) and but(value):
                found.add(json.dumps(value, ensure_ascii=False))
    return found


def sent(run: Run) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the fields that messages describe or hold, with their stream."""
    for message in run.messages:
        if message["type"] == "SCHEMA":
            yield message["stream"], message["schema"]["properties"]
        elif message["type"] == "RECORD":
            yield message["stream"], message["record"]


@pytest.fixture
def pseudonym(tmp_path: Path) -> Callable[[str | None], str | None]:
    """Make pseudonyms as the documentation tells a user to make them."""
    page = (Path(__file__).parents[1] / "docs" / "privacy.md").read_text(encoding="utf-8")
    (snippet,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "snippet.py").write_text(textwrap.dedent(snippet))
    documented = runpy.run_path(str(tmp_path / "snippet.py"))["pseudonym"]
    return lambda value: documented(value, KEY) if value else None


@pytest.fixture
def by_default(tmp_path: Path, sandbox: Sandbox) -> Run:
    """Read everything with the settings as they are by default."""
    return protected(tmp_path, sandbox)


def test_all_of_health_ethnicity_and_sex_is_special() -> None:
    names = {"L12", "L13", "L14", "L15", "L16", "PrimaryLLDDCode", "SecondaryLLDDCodes", "SupportFunding"}
    names |= {"LearningDifficultyAndDisabilityID"}

    assert {("learners", name) for name in names} | {("archived_learners", name) for name in names} == SPECIAL


def test_special_category_data_is_left_out_unless_asked_for_and_nobody_is_bothered(
    by_default: Run, sandbox: Sandbox
) -> None:
    assert by_default.status == 0, by_default.stderr
    assert held(sandbox, SPECIAL), "the sandbox must hold some"
    for stream, fields in sent(by_default):
        assert not {(stream, name) for name in fields} & SPECIAL
    assert "does not know" not in by_default.stderr
    assert "special category fields are left out" in by_default.stderr


def test_special_category_data_comes_when_asked_for(tmp_path: Path, sandbox: Sandbox) -> None:
    run = protected(tmp_path, sandbox, special_category_data=True)

    ethnicities = {row["ID"]: row.get("L12") or None for row in sandbox.records("learners", details=True)}
    assert any(ethnicities.values())
    assert {record["ID"]: record["L12"] for record in run.records["learners"]} == ethnicities


def test_a_catalog_that_selects_special_category_data_does_not_bring_it_back(tmp_path: Path, sandbox: Sandbox) -> None:
    catalog = run_tap(tmp_path, {"special_category_data": True}, "--discover").stdout
    (tmp_path / "catalog.json").write_text(catalog)
    assert '"L12"' in catalog

    run = run_tap(tmp_path, config_for(sandbox, special_category_data=False), "--catalog", "catalog.json")

    assert run.status == 0, run.stderr
    assert run.records["learners"]
    for stream, fields in sent(run):
        assert not {(stream, name) for name in fields} & SPECIAL


def test_a_catalog_from_before_the_settings_changed_hides_nothing_in_silence(tmp_path: Path, sandbox: Sandbox) -> None:
    catalog = run_tap(tmp_path, None, "--discover").stdout
    (tmp_path / "catalog.json").write_text(catalog.replace('"selected-by-default": true', '"selected": true'))

    run = run_tap(tmp_path, config_for(sandbox, special_category_data=True), "--catalog", "catalog.json")

    assert run.status == 0, run.stderr
    assert run.records["learners"]
    assert "These fields are not in your catalog and are skipped: learners.L12, " in run.stderr
    for stream, fields in sent(run):
        assert not {(stream, name) for name in fields} & SPECIAL, "the target was not told of it"


def test_the_catalog_of_a_discovery_without_settings_has_none_of_it(tmp_path: Path) -> None:
    catalog = json.loads(run_tap(tmp_path, None, "--discover").stdout)

    discovered = {
        (stream["tap_stream_id"], name): rule["x-onefile-data-class"]
        for stream in catalog["streams"]
        for name, rule in stream["schema"]["properties"].items()
    }
    assert discovered == {field: data_class for field, data_class in CLASSES.items() if field not in SPECIAL}


def test_excluded_personal_data_is_nowhere_in_the_output(tmp_path: Path, sandbox: Sandbox) -> None:
    run = protected(tmp_path, sandbox, personal_data="exclude")

    assert run.status == 0, run.stderr
    for stream, fields in sent(run):
        assert not {(stream, name) for name in fields} & PERSONAL
    # Short texts stand elsewhere, too, by chance.
    needles = held(sandbox, PERSONAL, but=lambda text: len(text) > 8)
    assert len(needles) > 100
    assert not {needle for needle in needles if needle in run.stdout}
    assert {record["MISID"] for record in run.records["learners"]} > {None}


def test_pseudonyms_stand_for_the_same_value_in_every_stream_and_for_nothing_else(
    tmp_path: Path, sandbox: Sandbox, pseudonym: Callable[[str | None], str | None]
) -> None:
    run = protected(tmp_path, sandbox, personal_data="pseudonymise", pseudonym_key=KEY)

    assert run.status == 0, run.stderr
    assert KEY not in run.stdout + run.stderr
    needles = held(sandbox, PERSONAL, but=lambda text: len(text) > 8)
    assert not {needle for needle in needles if needle in run.stdout}
    for stream in ("learners", "assessors", "employers"):
        rows = {row["ID"]: row for row in sandbox.records(stream, details=True)}
        for record in run.records[stream]:
            row = rows[record["ID"]]
            for name in ("FirstName", "Email", "Username"):
                assert record[name] == pseudonym(row.get(name))
            assert record["MISID"] == (row.get("MISID") or None)
    schema = next(message["schema"] for message in run.messages if message.get("stream") == "learners")
    assert schema["properties"]["DOB"]["type"] == ["string", "null"]
    assert "format" not in schema["properties"]["DOB"]


def test_another_run_gives_the_same_pseudonyms_and_another_key_gives_others(tmp_path: Path, sandbox: Sandbox) -> None:
    def read(key: str) -> Rows:
        config = config_for(sandbox, personal_data="pseudonymise", pseudonym_key=key)
        return run_tap(tmp_path, config, *arguments).records["learners"]

    arguments = select(tmp_path, "learners")
    first = read(KEY)

    assert first
    assert read(KEY) == first
    others = {record["LastName"] for record in read(KEY[::-1])}
    assert others.isdisjoint({record["LastName"] for record in first})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"personal_data": "pseudonymise"}, "needs the setting pseudonym_key"),
        ({"personal_data": "pseudonymise", "pseudonym_key": "secret-short"}, "at least 32 characters"),
        ({"personal_data": "pseudonymize"}, "personal_data must be one of include, pseudonymise, exclude"),
        ({"special_category_data": "maybe-secret"}, "special_category_data must be true or false"),
    ],
)
def test_what_is_not_understood_lets_nothing_through(
    tmp_path: Path, sandbox: Sandbox, settings: dict[str, str], sentence: str
) -> None:
    run = run_tap(tmp_path, config_for(sandbox, **settings))

    assert run.status == 1
    assert sentence in run.last_line
    assert "secret-" not in run.stderr
    assert not run.stdout
    assert not sandbox.calls


def test_a_discovery_with_an_unknown_protection_shows_nothing(tmp_path: Path) -> None:
    run = run_tap(tmp_path, {"personal_data": "exlude"}, "--discover")

    assert run.status == 1
    assert "personal_data must be one of" in run.last_line
    assert not run.stdout


def test_batch_is_not_offered_as_it_would_bypass_all_of_this(tmp_path: Path, sandbox: Sandbox) -> None:
    batch = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": {"root": tmp_path.as_uri()}}
    about = json.loads(run_tap(tmp_path, None, "--about", "--format=json").stdout)

    run = run_tap(tmp_path, config_for(sandbox, batch_config=batch))

    assert "batch" not in about["capabilities"]
    assert not any(name.startswith("batch") for name in about["settings"]["properties"])
    assert {message["type"] for message in run.messages} == {"SCHEMA", "RECORD", "STATE"}
    assert not list(tmp_path.glob("*.gz"))
