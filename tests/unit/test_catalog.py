"""A state or a catalog that is none is refused by name, and what is in it is not repeated."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tap_onefile.errors import SettingsError
from tap_onefile.singer.catalog import check_parents, completed
from tap_onefile.singer.inputs import read_catalog, read_state
from tap_onefile.singer.state import tidied, unwrapped
from tap_onefile.tap import KNOWN

BEGAN = "2026-11-01T00:00:00.000000Z"
GOOD_STATES: list[dict[str, Any] | None] = [
    None,
    {},
    {"bookmarks": {}},
    {"bookmarks": {"learners": {"partitions": [{"context": {"OrganisationID": 1}}]}, "places": {}}},
    {"bookmarks": {}, "from another tap": 1},
]
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
        {"streams": [{"tap_stream_id": 1, "schema": {}}]},
        {"streams": [{"tap_stream_id": "learners", "schema": {}, "metadata": [{}]}]},
        {"streams": [{"tap_stream_id": "learners", "schema": {}, "metadata": ["needle"]}]},
        {"streams": [{"tap_stream_id": "learners", "schema": {"properties": "needle"}}]},
    ],
}
READ = {
    "state": lambda content: tidied(content, KNOWN, BEGAN),
    "catalog": lambda content: completed(content, KNOWN),
}


class File(io.BytesIO):
    """A file with a name."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


@pytest.mark.parametrize("state", GOOD_STATES, ids=str)
def test_a_state_is_read(state: dict[str, Any] | None) -> None:
    text = json.dumps(state).encode()

    assert read_state(File(text, "state.json")) == state
    assert unwrapped(state) == (state or {})
    assert tidied(state, KNOWN, BEGAN).keys() == (state or {}).keys()


def test_a_catalog_may_be_short() -> None:
    assert completed({"streams": []}, KNOWN) == {"streams": []}

    (entry,) = completed({"streams": [{"tap_stream_id": "learners"}]}, KNOWN)["streams"]
    assert entry["key_properties"] == ["ID"]
    assert entry["replication_key"] == "LastModified"


@pytest.mark.parametrize("name", BAD)
def test_what_holds_something_else_is_named_and_not_repeated(name: str) -> None:
    for content in BAD[name]:
        with pytest.raises(SettingsError, match=name) as told:
            READ[name](content)
        assert "needle" not in str(told.value)


@pytest.mark.parametrize("read", [read_state, read_catalog])
def test_a_file_that_is_no_json_is_refused_with_its_name_and_the_place_alone(read: Any) -> None:  # noqa: ANN401 - two types
    with pytest.raises(SettingsError, match=r"The file my\.json is not valid JSON \(line 2, column 11\)") as told:
        read(File(b'{\n"needle": needle}', "my.json"))
    assert "needle" not in str(told.value)


def test_a_name_that_may_be_a_secret_is_not_shown() -> None:
    with pytest.raises(SettingsError, match=r"The file passed to --catalog is not valid JSON") as told:
        read_catalog(File(b"{", "0f8fad5b-d9cb-469f"))
    assert "0f8fad5b" not in str(told.value)


def test_a_catalog_must_have_what_its_streams_are_read_by() -> None:
    parents = {"learners": "organisations", "organisations": "customers"}
    check_parents({"customers": 1, "organisations": 1, "learners": 1}, parents)
    check_parents({"customers": 1, "another": 1}, parents)
    with pytest.raises(SettingsError, match="lacks customers, which"):
        check_parents({"organisations": 1, "learners": 1}, parents)
