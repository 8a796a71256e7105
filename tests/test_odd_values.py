"""Values that do not fit reach PostgreSQL as far as nothing is lost by it; the rest is null and told."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.rows import dict_row

from onefile_sandbox import Fault, Sandbox
from tests.running import as_environment, config_for, run_tap, select
from tests.scripted import scripted_server
from tools.demo.pipeline import Pipeline

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import StartPostgres

pytestmark = pytest.mark.timeout(300)

LONG = "Ünïcode 😀 " * 100_000
ODD: dict[str, Any] = {
    "ID": "12",
    "FirstName": "A\0da",
    "LastName": "half a pair: \ud83d",
    "Username": "\u202eright to left مرحبا 😀 \u2028 \x1b[31m",
    "EpisodeName": 42,
    "Telephone": True,
    "HomeAddress": {"Needle": "Zaphod"},
    "WorkAddress": "needle\r\nin three\nlines",
    "Progress": "12.50",
    "PlacementID": 2**70,
    "ClassroomID": 7.0,
    "ProviderID": 1.5,
    "DefaultAssessorID": True,
    "DOB": "2001-02-03",
    "StartOn": "2024-07-01T00:00:00+01:00",
    "PlannedEndDate": "31/12/2025 Zaphod",
    "CreatedOn": "2024-01-08 10:11:12.1234567",
    "LastModified": 1704708672,
    "Zaphod Beeblebrox\n2026": 1,
    "Nickname": "Zaphod",
}
LOADED = {
    "ID": 12,
    "FirstName": "A\ufffdda",
    "LastName": "half a pair: \ufffd",
    "Username": ODD["Username"],
    "EpisodeName": "42",
    "Telephone": "true",
    "HomeAddress": None,
    "WorkAddress": "needle\r\nin three\nlines",
    "Progress": 12.5,
    "PlacementID": None,
    "ClassroomID": 7,
    "ProviderID": None,
    "DefaultAssessorID": None,
    "DOB": "2001-02-03 00:00:00",
    "StartOn": "2024-06-30 23:00:00",
    "PlannedEndDate": None,
    "CreatedOn": "2024-01-08 10:11:12.123456",
    "LastModified": None,
}
TOLD = [
    "NUL characters or half characters in FirstName were replaced by U+FFFD in 1 records",
    "NUL characters or half characters in LastName were replaced by U+FFFD in 1 records",
    "HomeAddress was sent as null in 1 records, as an object came",
    "PlacementID was sent as null in 1 records, as a number came",
    "ProviderID was sent as null in 1 records, as a number came",
    "DefaultAssessorID was sent as null in 1 records, as true or false came",
    "PlannedEndDate was sent as null in 1 records, as text came",
    "LastModified was sent as null in 1 records, as a number came",
    "were left out: 2 of learners",
    "learners.Nickname",
    "Some names are not shown",
]
ROWS = {
    "User": [ODD],
    "Timesheet/Learner/12": [{"FromDate": "2024-01-08T09:00:00Z", "Comments": LONG}],
}


@pytest.mark.slow
def test_odd_values_reach_postgresql_or_are_told(folder: Path, start_postgres: StartPostgres) -> None:
    with scripted_server(ROWS) as config, start_postgres(folder / "data") as server:
        settings = as_environment(config)
        settings |= {
            "TAP_ONEFILE__SELECT": json.dumps(["learners.*", "timesheets.*"]),
            "TARGET_POSTGRES_SQLALCHEMY_URL": server.sqlalchemy_url,
        }
        log = folder / "log"
        Pipeline(settings, database=folder / "meltano.db", log=log).run()

        with psycopg.connect(f"host={folder / 'data'} user=postgres dbname=postgres") as connection:
            cursor = connection.cursor(row_factory=dict_row)
            (learner,) = cursor.execute("SELECT * FROM tap_onefile.learners").fetchall()
            (entry,) = cursor.execute("SELECT * FROM tap_onefile.timesheets").fetchall()
    as_texts = {
        name: str(value) if name in {"DOB", "StartOn", "CreatedOn"} else value for name, value in learner.items()
    }
    assert {name: as_texts[name] for name in LOADED} == LOADED
    assert entry["Comments"] == LONG
    told = log.read_text(encoding="utf-8")
    assert [line for line in TOLD if line not in told] == []
    assert "Zaphod" not in told


@pytest.mark.parametrize(
    ("depth", "status"),
    [
        pytest.param(50, 0, id="nested"),
        # From 3.14 on, Python's limit is the size of the stack, no longer a number of calls.
        pytest.param(5000, 0 if sys.version_info >= (3, 14) else 1, id="nested beyond what older readers take"),
        pytest.param(1_000_000, 1, id="nested beyond what any reader takes"),
    ],
)
def test_deep_nesting_is_told(tmp_path: Path, depth: int, status: int) -> None:
    body = b'[{"ID": 12, "FirstName": ' + b"[" * depth + b"]" * depth + b"}]"
    arguments = select(tmp_path, "learners")

    with scripted_server({"User": body}) as config:
        run = run_tap(tmp_path, {**config, "retry_for": 0}, *arguments)

    assert run.status == status, run.stderr
    if status == 0:
        assert run.records["learners"][0]["FirstName"] is None
        assert "FirstName was sent as null in 1 records, as a list came" in run.stderr
    else:
        assert "a body that is not JSON" in run.last_line
    assert "Traceback" not in run.stderr


def test_what_was_sent_as_null_is_counted_although_the_run_cannot_go_on(tmp_path: Path) -> None:
    with Sandbox(learners=3, organisations=2, calls_per_minute=0) as sandbox:
        of_the_first, of_the_second = ({"OrganisationID": each} for each in sandbox.world.ids("organisations"))
        sandbox.add_fault(Fault("odd-value", name="FirstName", match="User/Search/", where=of_the_first, times=None))
        sandbox.add_fault(Fault("reset", match="Search", where=of_the_second, times=None))
        # Nothing else is answered either, so that it is no fault of the stream's.
        sandbox.add_fault(Fault("reset", match="GET /Customer$", after=1, times=None))
        run = run_tap(tmp_path, config_for(sandbox, retry_for=0), *select(tmp_path, "learners"))

    assert run.status == 1
    assert run.last_line.split("tap-onefile")[-1].strip(" |").startswith("No answer to POST /User/Search"), run.stderr
    assert [record["FirstName"] for record in run.records["learners"]].count(None) == 1
    assert "learners: FirstName was sent as null in 1 records, as something unreadable came" in run.stderr
