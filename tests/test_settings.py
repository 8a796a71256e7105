"""Settings: what is wrong with them is told in one line, and all places that list them agree."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_onefile.streams import STREAMS
from tap_onefile.tap import SETTINGS
from tests.running import run_tap
from tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

GOOD = {"customer_token": "a-token", "api_url": "http://127.0.0.1:9/api/v2.1", "retry_for": 0}

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"customer_token": None}, "customer_token is missing"),
    ({"customer_token": ""}, "customer_token is empty"),
    ({"customer_token": "two words-secret"}, "customer_token is empty or holds characters"),
    ({"customer_token": 987654321987}, "customer_token must be text"),
    ({"environment": "test"}, "environment must be one of live, practice, beta"),
    ({"api_url": "http://onefile.example.org/api/v2.1"}, "api_url must begin with https://"),
    ({"api_url": "https://user:pass-secret@example.org/api"}, "api_url must hold no user"),
    ({"api_url": "wsapi.onefile.co.uk"}, "api_url must be a whole address"),
    ({"page_size": 0}, "page_size must be a whole number from 1 to 1000"),
    ({"page_size": 1001}, "page_size must be a whole number from 1 to 1000"),
    ({"page_size": "many"}, "page_size must be a whole number from 1 to 1000"),
    ({"organisation_ids": ["North"]}, "organisation_ids must be a list of whole numbers"),
    ({"start_date": "31/01/2026"}, "start_date must be an ISO 8601 date"),
    ({"user_agent": "two\nlines"}, "user_agent must be a line of plain ASCII"),
    ({"request_timeout": 0}, "request_timeout must be a whole number from 1 to 3600"),
]


@pytest.mark.parametrize(
    ("setting", "sentence"), WRONG, ids=lambda value: value if isinstance(value, str) else repr(value)
)
def test_a_wrong_setting_is_told_in_one_line(tmp_path: Path, setting: dict[str, Any], sentence: str) -> None:
    config = {name: value for name, value in {**GOOD, **setting}.items() if value is not None}

    run = run_tap(tmp_path, config)

    assert run.status == 1
    assert sentence in run.last_line
    assert "Traceback" not in run.stderr
    assert not run.stdout
    for value in setting.values():
        if isinstance(value, str) and "secret" in value:
            assert value not in run.stderr
    assert "987654321987" not in run.stderr


def test_a_mistyped_setting_is_pointed_out(tmp_path: Path) -> None:
    run = run_tap(tmp_path, {**GOOD, "pagesize": 10})

    assert "There is no setting pagesize; it is ignored. Did you mean page_size?" in run.stderr


@pytest.mark.parametrize(
    ("name", "value"), [("flattening_max_depth", "needle"), ("stream_maps", {"learners": {"LastName": ["needle"]}})]
)
def test_a_setting_of_the_sdk_that_does_not_fit_is_named(tmp_path: Path, name: str, value: object) -> None:
    run = run_tap(tmp_path, {**GOOD, name: value})

    assert run.status == 1
    assert f"The setting {name} is not valid" in run.last_line
    assert "needle" not in run.stderr


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not valid JSON"),
        ("null", "must hold a JSON object"),
        ("[1]", "must hold a JSON object"),
        (None, "The file broken.json cannot be read: No such file or directory."),
    ],
)
def test_a_config_file_that_cannot_be_read_is_told_in_one_line(tmp_path: Path, text: str | None, sentence: str) -> None:
    if text is not None:
        (tmp_path / "broken.json").write_text(text)

    run = run_tap(tmp_path, None, "--config", "broken.json")

    assert run.status != 0
    assert sentence in run.last_line
    assert "Traceback" not in run.stderr


def test_meltano_yml_has_the_same_settings() -> None:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (extractor,) = project["plugins"]["extractors"]
    there = {setting["name"]: setting for setting in extractor["settings"]}

    assert list(there) == list(SETTINGS["properties"])
    for name, rule in SETTINGS["properties"].items():
        setting = there[name]
        assert setting["label"] == rule["title"]
        assert setting["description"] == rule["description"]
        assert setting.get("sensitive", False) == rule.get("secret", False)
        assert setting["kind"] == _meltano_kind(rule)
        assert setting.get("value") == rule.get("default")
    assert extractor["settings_group_validation"] == [SETTINGS["required"]]
    assert "batch" not in extractor["capabilities"]


def test_meltano_yml_selects_what_the_catalog_selects() -> None:
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (extractor,) = project["plugins"]["extractors"]

    assert extractor["select"] == [f"{stream.name}.*" for stream in STREAMS if stream.selected_by_default]


def test_env_example_has_the_same_settings() -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = re.findall(r"^#? ?TAP_ONEFILE_([A-Z_]+)=", text, flags=re.MULTILINE)

    assert [name.lower() for name in named] == list(SETTINGS["properties"])


def test_settings_come_from_the_environment_too(tmp_path: Path) -> None:
    environ = {f"TAP_ONEFILE_{name.upper()}": json.dumps(value).strip('"') for name, value in GOOD.items()}

    run = run_tap(tmp_path, None, "--config", "ENV", environ={**environ, "TAP_ONEFILE_ORGANISATION_IDS": "[1, 2]"})

    assert "connection refused" in run.last_line


def _meltano_kind(rule: dict[str, Any]) -> str:
    if "enum" in rule:
        return "options"
    kind: str = next(kind for kind in rule["type"] if kind != "null")
    return kind
