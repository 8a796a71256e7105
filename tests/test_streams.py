"""Every record that OneFile holds arrives once, field by field."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import pytest

from onefile_sandbox import Behaviour
from tap_onefile.extract.query import NOBODY
from tap_onefile.streams import DETAILED, STREAMS
from tap_onefile.streams.kinds import PerLearnerStream
from tests.expected import by_id, expected_records, spelled
from tests.running import config_for, run_tap, select
from tools import CORE_STREAMS

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox
    from tests.conftest import StartSandbox

SHARED_BY = {"providers": "OrganisationID", "framework_templates": "OrganisationID", "units": "StandardID"}


def test_each_stream_holds_what_onefile_holds(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(learners=333, organisations=3)

    run = run_tap(tmp_path, config_for(sandbox))

    assert run.status == 0, run.stderr
    schemas = {message["stream"]: message["schema"] for message in run.messages if message["type"] == "SCHEMA"}
    assert set(CORE_STREAMS) <= set(schemas)
    (customer,) = sandbox.records("customers")
    contexts = {"organisations": {"CustomerID": customer["ID"]}, "assessors": {"Role": 5}, "learners": {"Role": 1}}
    for stream in CORE_STREAMS:
        expected = expected_records(sandbox.records(stream), schemas[stream], contexts.get(stream, {}))
        assert expected
        assert by_id(run.records[stream]) == expected


@pytest.mark.parametrize("page_size", [1, 7, 1000])
def test_the_page_size_changes_nothing(tmp_path: Path, sandbox: Sandbox, page_size: int) -> None:
    run = run_tap(tmp_path, config_for(sandbox, page_size=page_size))

    assert run.status == 0, run.stderr
    for stream in CORE_STREAMS:
        assert by_id(run.records[stream]).keys() == {row["ID"] for row in sandbox.records(stream)}


def test_children_carry_their_organisation(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox))

    for stream in ("assessors", "learners", "classrooms", "placements"):
        homes = {row["ID"]: row["OrganisationID"] for row in sandbox.records(stream)}
        assert {record["ID"]: record["OrganisationID"] for record in run.records[stream]} == homes
    assert {record["Role"] for record in run.records["assessors"]} == {5}
    assert {record["Role"] for record in run.records["learners"]} == {1}


def test_only_the_organisations_asked_for_are_read(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(organisations=3)
    wanted = sandbox.records("organisations")[1]["ID"]

    run = run_tap(tmp_path, config_for(sandbox, organisation_ids=[wanted]))

    assert run.status == 0, run.stderr
    assert [record["ID"] for record in run.records["organisations"]] == [wanted]
    expected = {row["ID"] for row in sandbox.records("learners") if row["OrganisationID"] == wanted}
    assert {record["ID"] for record in run.records["learners"]} == expected
    asked = {call.body["OrganisationID"] for call in sandbox.calls if "OrganisationID" in call.body}
    # Where rows do not say whose they are, an organisation that there is not shows whether OneFile heeds the filter.
    assert asked == {wanted, NOBODY}


@pytest.mark.parametrize("rows", ["thin", "rich"])
def test_every_stream_holds_what_onefile_holds_in_full(
    tmp_path: Path, start_sandbox: StartSandbox, rows: Literal["thin", "rich"]
) -> None:
    sandbox = start_sandbox(behaviour=Behaviour(detail_in_search=rows))

    run = run_tap(tmp_path, config_for(sandbox, page_size=20, fetch_details=list(DETAILED)), *select(tmp_path))

    assert run.status == 0, run.stderr
    (customer,) = sandbox.records("customers")
    for stream in STREAMS:
        contexts = {"CustomerID": customer["ID"], **stream.row_defaults}
        rows_held = sandbox.records(stream.name, details=stream.name in DETAILED)
        held = [spelled(row, stream.schema, contexts) for row in rows_held]
        sent = [spelled(record, stream.schema, {}) for record in run.records[stream.name]]
        keys = [tuple(record[key] for key in stream.primary_keys) for record in run.records[stream.name]]
        assert len(keys) == len(set(keys)), stream.name
        if issubclass(stream, PerLearnerStream):
            # The sandbox knows it by the learner alone.
            held, sent = without("OrganisationID", held), without("OrganisationID", sent)
        if shared_by := SHARED_BY.get(stream.name):
            # What several organisations or standards have arrives once for each of them.
            held, sent = once(without(shared_by, held)), once(without(shared_by, sent))
        assert sorted(sent, key=repr) == sorted(held, key=repr), stream.name


def without(name: str, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave a field out of records."""
    return [{field: value for field, value in record.items() if field != name} for record in records]


def once(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out records that are the same as an earlier one."""
    return [record for place, record in enumerate(records) if record not in records[:place]]


def test_what_costs_a_call_for_each_record_is_off_by_default() -> None:
    off = {stream.name for stream in STREAMS if not stream.selected_by_default}

    assert {"reviews", "plans", "off_the_job", "timesheets", "unit_summaries"} < off
    assert {"learners", "assessors", "iqas", "employers", "learning_aims", "learner_statuses"}.isdisjoint(off)


def test_a_deselected_parent_is_read_for_its_children_and_not_sent(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox), *select(tmp_path, "placements"))

    assert run.status == 0, run.stderr
    assert set(run.records) == {"placements"}
    assert len(run.records["placements"]) == len(sandbox.records("placements"))
    assert not [call for call in sandbox.calls if "User" in call.route]


def test_only_what_is_read_by_changes_has_a_bookmark_for_each_organisation(
    tmp_path: Path, start_sandbox: StartSandbox
) -> None:
    # The last of five organisations has nobody.
    run = run_tap(
        tmp_path, config_for(start_sandbox(organisations=5, learners=60)), *select(tmp_path, *CORE_STREAMS, "reviews")
    )

    for stream in (*CORE_STREAMS, "reviews"):
        bookmark = run.state["bookmarks"].get(stream, {})
        assert len(bookmark.get("organisations", {})) == (4 if stream == "reviews" else 0), stream


def test_start_date_asks_for_people_modified_since(tmp_path: Path, sandbox: Sandbox) -> None:
    moments = sorted(row["LastModified"] for row in sandbox.records("learners") if row.get("LastModified"))
    middle = moments[len(moments) // 2]

    run = run_tap(tmp_path, config_for(sandbox, start_date=middle))

    assert run.status == 0, run.stderr
    day = datetime.fromisoformat(middle)
    assert f"scheduled before {day.day} {day:%B} {day.year}, {day:%H:%M} UTC are left out (start_date)" in run.stderr
    asked = [call.body.get("LastModified") for call in sandbox.calls if "User/Search" in call.route]
    assert asked
    assert None not in asked
    assert 0 < len(run.records["learners"]) < len(sandbox.records("learners"))
    assert len(run.records["placements"]) == len(sandbox.records("placements"))
