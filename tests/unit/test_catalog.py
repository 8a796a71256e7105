"""A state or a catalog that is none is refused by name, and what is in it is not repeated."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tap_onefile.errors import SettingsError
from tap_onefile.singer.catalog import check_parents, read_file

GOOD: dict[str, list[Any]] = {
    "state": [
        None,
        {},
        {"bookmarks": {}},
        {"bookmarks": {"learners": {"partitions": [{"context": {"OrganisationID": 1}}]}, "places": {}}},
        {"bookmarks": {}, "from another tap": 1},
    ],
    "catalog": [
        None,
        {"streams": []},
        {"streams": [{"tap_stream_id": "learners", "schema": {"properties": {}}, "metadata": []}]},
    ],
}
BAD: dict[str, list[Any]] = {
    "state": [
        [],
        "needle",
        {"bookmarks": None},
        {"bookmarks": {"learners": "needle"}},
        {"bookmarks": {"learners": {"partitions": None}}},
        {"bookmarks": {"learners": {"partitions": ["needle"]}}},
    ],
    "catalog": [
        [],
        {},
        {"streams": None},
        {"streams": [{}]},
        {"streams": [{"tap_stream_id": "needle"}]},
        {"streams": [{"tap_stream_id": 1, "schema": {}}]},
        {"streams": [{"tap_stream_id": "needle", "schema": {}, "metadata": [{}]}]},
    ],
}


@pytest.mark.parametrize("name", GOOD)
def test_a_file_is_read(name: str) -> None:
    for content in GOOD[name]:
        assert read_file(io.StringIO(json.dumps(content)), name) == content
    assert read_file(None, name) is None


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_holds_something_else_is_named_and_not_repeated(name: str) -> None:
    for content in BAD[name]:
        with pytest.raises(SettingsError, match=f"--{name} is not a Singer {name}") as told:
            read_file(io.StringIO(json.dumps(content)), name)
        assert "needle" not in str(told.value)


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_json_is_refused_with_the_place_alone(name: str) -> None:
    with pytest.raises(SettingsError, match=r"is not valid JSON \(line 2, column 11\)") as told:
        read_file(io.StringIO('{\n"needle": needle}'), name)
    assert "needle" not in str(told.value)


def test_a_catalog_must_have_what_its_streams_are_read_by() -> None:
    parents = {"learners": "organisations", "organisations": "customers"}
    check_parents({"customers": 1, "organisations": 1, "learners": 1}, parents)
    check_parents({"customers": 1, "another": 1}, parents)
    with pytest.raises(SettingsError, match="lacks customers, which"):
        check_parents({"organisations": 1, "learners": 1}, parents)
