"""The catalog: what it says, and that it means what it must."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_onefile.records.fields import MARKS
from tap_onefile.streams import STREAMS
from tests.running import run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from syrupy.assertion import SnapshotAssertion

    from tap_onefile.streams.base import OneFileStream
    from tests.running import Run


@pytest.fixture(scope="module")
def discovery(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Discover without any settings."""
    return run_tap(tmp_path_factory.mktemp("discovery"), None, "--discover")


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Give the streams of the catalog by name, with every field there is."""
    run = run_tap(tmp_path_factory.mktemp("catalog"), {"special_category_data": True}, "--discover")
    return {stream["tap_stream_id"]: stream for stream in json.loads(run.stdout)["streams"]}


def test_discovery_needs_no_settings_and_prints_nothing_but_json(discovery: Run) -> None:
    assert discovery.status == 0, discovery.stderr
    assert json.loads(discovery.stdout)


def test_about_needs_no_settings_and_prints_nothing_but_json(tmp_path: Path) -> None:
    run = run_tap(tmp_path, None, "--about", "--format=json")

    assert run.status == 0, run.stderr
    about = json.loads(run.stdout)
    assert about["name"] == "tap-onefile"
    assert "batch" not in about["capabilities"]


def test_the_catalog_changes_only_on_purpose(
    catalog: dict[str, dict[str, Any]],
    snapshot: SnapshotAssertion,
    subtests: pytest.Subtests,
) -> None:
    for name, stream in sorted(catalog.items()):
        with subtests.test(name):
            assert stream["schema"] == snapshot(name=name)


def test_every_stream_is_in_the_catalog(catalog: dict[str, dict[str, Any]]) -> None:
    assert sorted(catalog) == sorted(stream.name for stream in STREAMS)


def test_keys_are_never_null_and_everything_else_may_be(catalog: dict[str, dict[str, Any]]) -> None:
    for stream in catalog.values():
        properties = stream["schema"]["properties"]
        keys = stream["key_properties"]
        assert keys
        for name, field in properties.items():
            assert ("null" not in field["type"]) == (name in keys), (stream["tap_stream_id"], name)
        assert sorted(stream["schema"]["required"]) == sorted(keys)


def test_instants_are_date_times_and_codes_are_texts(catalog: dict[str, dict[str, Any]]) -> None:
    learner = catalog["learners"]["schema"]["properties"]
    for name in ("DOB", "StartOn", "PlannedEndDate", "CreatedOn", "LastModified"):
        assert learner[name]["format"] == "date-time"
    for name in ("ULN", "NINO", "MISID", "L12", "L13", "L14", "L15", "L16", "PrimaryLLDDCode"):
        assert "string" in learner[name]["type"]
        assert "format" not in learner[name]
    for stream in catalog.values():
        for name, field in stream["schema"]["properties"].items():
            if name.endswith("ID") and name not in {"MISID", "UnitID"}:
                expected = "string" if (stream["tap_stream_id"], name) == ("units", "ID") else "integer"
                assert expected in field["type"], name


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_streams_and_fields_are_described(stream: type[OneFileStream]) -> None:
    assert stream.__doc__
    for name, field in stream.schema["properties"].items():
        assert field["description"].endswith("."), name
        assert field["x-onefile-data-class"] in {"none", "personal", "special category"}, name
        assert field["x-onefile-certainty"] in MARKS, name
        assert field["x-onefile-source"], name
