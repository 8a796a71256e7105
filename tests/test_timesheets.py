"""The entries of time sheets keep their keys: by their ids where some come, and by what they say otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.running import run_tap, select
from tests.scripted import scripted_server

if TYPE_CHECKING:
    from pathlib import Path

    Row = dict[str, Any]

LEARNER = 12
ENTRIES = [{"FromDate": f"2024-01-0{day}T09:00:00Z", "TimesheetCategory": "Study"} for day in (8, 8, 9)]


def keys(tmp_path: Path, *ids: object, name: str = "ID") -> list[tuple[str, object]]:
    """Read three entries with these ids, and give their keys and ids."""
    rows = [{**entry, name: each} if each is not None else entry for entry, each in zip(ENTRIES, ids, strict=True)]
    with scripted_server({"User": [{"ID": LEARNER}], f"Timesheet/Learner/{LEARNER}": rows}) as config:
        run = run_tap(tmp_path, config, *select(tmp_path, "timesheets"))
    assert run.status == 0, run.stderr
    found = run.records["timesheets"]
    assert [record["FromDate"][:10] for record in found] == ["2024-01-08", "2024-01-08", "2024-01-09"]
    return [(record["EntryKey"], record["ID"]) for record in found]


@pytest.mark.parametrize("name", ["ID", "TimesheetID", "timesheetID"])
@pytest.mark.parametrize("ids", [(71, 72, 73), ("71", "72", "73")], ids=["numbers", "texts"])
def test_an_id_is_the_key_where_one_comes(tmp_path: Path, name: str, ids: tuple[object, ...]) -> None:
    assert keys(tmp_path, *ids, name=name) == [(f"{LEARNER}-{number}", number) for number in (71, 72, 73)]


@pytest.mark.parametrize(
    "ids",
    [(LEARNER, LEARNER, LEARNER), (LEARNER, 72, 73), (71, 71, 73), (0, 0, 0), (71, None, 73), ("", "", "")],
    ids=str,
)
def test_what_does_not_tell_entries_apart_is_no_key(tmp_path: Path, ids: tuple[object, ...]) -> None:
    without = keys(tmp_path, None, None, None)

    assert len({key for key, _ in without}) == len(ENTRIES)
    assert keys(tmp_path, *ids) == without
