"""Bookmarks are found without a search, and a state is written where it costs little, and at the end."""

from __future__ import annotations

import errno
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from tap_onefile.singer.state import Bookmarks, RareStateWriter
from tap_onefile.singer.writer import BufferedWriter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers.types import TapState

EARLY, LATE = "2026-01-01T00:00:00.000000Z", "2026-02-01T00:00:00.000000Z"


class Counted(dict[str, str]):
    """Counts how often it was looked through."""

    searches = 0

    @override
    def __iter__(self) -> Iterator[str]:
        self.searches += 1
        return super().__iter__()


def holding(bookmarks: dict[str, str]) -> TapState:
    return {"bookmarks": {"learners": {"replication_key": "LastModified", "organisations": bookmarks}}}


def bookmarks_in(state: TapState) -> Bookmarks:
    return Bookmarks(stream_name="learners", tap_state=state, state_partitioning_keys=("OrganisationID",))


def test_bookmarks_are_found_and_set_without_a_search_through_all_organisations() -> None:
    held = Counted({str(number): EARLY for number in range(50)})
    bookmarks = bookmarks_in(holding(held))

    for number in range(100):
        context = {"OrganisationID": number}
        assert bookmarks.get(context, "LastModified") == (EARLY if number < 50 else None)
        bookmarks.set(context, "LastModified", LATE)
        assert bookmarks.get(context, "LastModified") == LATE

    assert held.searches <= 1
    assert held == {str(number): LATE for number in range(100)}


def test_what_the_sdk_notes_of_an_organisation_without_a_bookmark_is_not_kept() -> None:
    state: TapState = {}
    bookmarks = bookmarks_in(state)
    bookmarks.get_context_state({"OrganisationID": 1})["progress_markers"] = {}

    assert bookmarks.is_empty
    assert bookmarks.get_context_state({"OrganisationID": 1}) == {}
    assert state == {"bookmarks": {"learners": {}}}


def test_bookmarks_that_are_cleared_are_gone() -> None:
    state = holding({"1": EARLY})
    bookmarks = bookmarks_in(state)
    assert bookmarks.get({"OrganisationID": 1}, "LastModified") == EARLY
    bookmarks.clear()

    assert bookmarks.is_empty
    assert state == {"bookmarks": {"learners": {}}}
    assert bookmarks.get({"OrganisationID": 1}, "LastModified") is None


def run_over(organisations: int) -> None:
    """Write a record of 500 bytes and a bookmark for each organisation, as a run does."""
    state: TapState = {}
    bookmarks = bookmarks_in(state)
    writer = BufferedWriter()
    states = RareStateWriter(writer)
    for number in range(organisations):
        writer.write_records("learners", {"ID": [number], "Name": ["x" * 400]})
        bookmarks.set({"OrganisationID": number}, "LastModified", LATE)
        states.write_state(state)
    states.finish(state)
    states.finish(state)


def test_states_cost_little_beside_the_records_and_are_true_of_what_stands_before_them(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    run_over(4000)

    lines = capsysbinary.readouterr().out.splitlines(keepends=True)
    kinds = [json.loads(line)["type"] for line in lines]
    sizes = [len(line) for line, kind in zip(lines, kinds, strict=True) if kind == "STATE"]
    assert sum(sizes[:-1]) < sizes[-1]
    assert sum(sizes) < sum(map(len, lines)) / 10
    assert 4 < len(sizes) < 60
    assert kinds[-2:] != ["STATE", "STATE"]
    sent = 0
    for line in lines:
        message = json.loads(line)
        if message["type"] == "STATE":
            held = message["value"]["bookmarks"]["learners"]
            assert held == {
                "replication_key": "LastModified",
                "organisations": dict.fromkeys(map(str, range(sent)), LATE),
            }
        sent += message["type"] == "RECORD"
    assert kinds[-1] == "STATE"
    assert sent == 4000


def test_no_state_follows_records_that_could_not_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        """A disk that is full for a moment."""

        is_full = True

        @override
        def write(self, buffer: Any, /) -> int:
            if self.is_full:
                self.is_full = False
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(buffer)

    disk = Full()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(disk, write_through=True))
    writer = BufferedWriter()
    writer.write_records("learners", {"ID": [1]})
    with pytest.raises(OSError, match="No space left"):
        writer.flush()

    RareStateWriter(writer).finish({"bookmarks": {"learners": {}}})

    assert not disk.getvalue()


def test_records_are_not_held_back_by_a_state_that_is_left_out(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    writer = BufferedWriter()
    states = RareStateWriter(writer)
    states.write_state({"bookmarks": {"learners": {"kept": "x" * 1000}}})
    writer.write_records("learners", {"ID": [1]})
    states.write_state({"bookmarks": {"learners": {"kept": "y" * 1000}}})

    lines = capsysbinary.readouterr().out.splitlines()
    assert [json.loads(line)["type"] for line in lines] == ["STATE", "RECORD"]
