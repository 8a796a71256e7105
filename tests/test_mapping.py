"""What a user asks the SDK to do with records is done, although records pass it by where there is nothing to do."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.expected import by_id
from tests.running import config_for, run_tap, select

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox


def test_records_are_the_same_whether_or_not_they_pass_through_the_sdk(tmp_path: Path, sandbox: Sandbox) -> None:
    passing_by = run_tap(tmp_path, config_for(sandbox))
    # A map that adds nothing makes the SDK handle each record.
    maps = {"learners": {"FirstName": "FirstName"}, "placements": {"Name": "Name"}}

    passing_through = run_tap(tmp_path, config_for(sandbox, stream_maps=maps))

    for stream in ("learners", "placements"):
        assert by_id(passing_through.records[stream]) == by_id(passing_by.records[stream])
    assert passing_through.state == passing_by.state
    messages = [next(m for m in run.messages if m["type"] == "RECORD") for run in (passing_by, passing_through)]
    assert list(messages[0]) == list(messages[1])


def test_a_stream_map_hashes_renames_and_filters(tmp_path: Path, sandbox: Sandbox) -> None:
    maps = {
        "learners": {"Email": "md5(Email) if Email else None", "Surname": "LastName", "__filter__": "Progress != None"}
    }

    run = run_tap(tmp_path, config_for(sandbox, stream_maps=maps))

    assert run.status == 0, run.stderr
    held = {row["ID"]: row for row in sandbox.records("learners") if row.get("Progress") not in {None, ""}}
    assert {record["ID"] for record in run.records["learners"]} == set(held)
    for record in run.records["learners"]:
        email = held[record["ID"]].get("Email")
        assert record["Email"] == (hashlib.md5(email.encode()).hexdigest() if email else None)  # noqa: S324 - the map's
        assert record["Surname"] == held[record["ID"]]["LastName"]


@pytest.mark.parametrize("expression", ["int(FirstName)", "json.loads(FirstName)"])
def test_an_expression_that_fails_for_a_value_is_told_without_the_value(
    tmp_path: Path, sandbox: Sandbox, expression: str
) -> None:
    run = run_tap(tmp_path, config_for(sandbox, stream_maps={"assessors": {"Odd": expression}}))

    assert run.status == 1
    assert "The setting stream_maps cannot be used" in run.last_line
    assert not {row["FirstName"] for row in sandbox.records("assessors") if row["FirstName"] in run.stderr}


def test_a_deselected_field_is_neither_in_the_schema_nor_in_a_record(tmp_path: Path, sandbox: Sandbox) -> None:
    arguments = select(tmp_path, "learners")
    deselect(tmp_path, "learners", "NINO", "Email")

    run = run_tap(tmp_path, config_for(sandbox), *arguments)

    assert run.status == 0, run.stderr
    assert run.records["learners"]
    schema = next(message["schema"] for message in run.messages if message["type"] == "SCHEMA")
    for fields in (schema["properties"], *run.records["learners"]):
        assert not {"NINO", "Email"} & set(fields)
        assert {"ID", "FirstName", "LastModified"} <= set(fields)
    for learner in sandbox.records("learners"):
        if learner.get("NINO"):
            assert learner["NINO"] not in run.stdout


@pytest.mark.parametrize("maps", [{"organisations": "__NULL__"}, {"learners": {}, "__else__": None}], ids=repr)
def test_a_stream_map_cannot_empty_other_streams_in_silence(
    tmp_path: Path, sandbox: Sandbox, maps: dict[str, Any]
) -> None:
    run = run_tap(tmp_path, config_for(sandbox, stream_maps=maps))

    assert run.status == 1
    assert "The setting stream_maps removes" in run.last_line
    assert not sandbox.calls


def test_what_hangs_from_a_filtered_organisation_is_told_to_be_absent(tmp_path: Path, sandbox: Sandbox) -> None:
    wanted = sandbox.records("organisations")[0]["ID"]

    run = run_tap(tmp_path, config_for(sandbox, stream_maps={"organisations": {"__filter__": f"ID == {wanted}"}}))

    assert run.status == 0, run.stderr
    assert {record["OrganisationID"] for record in run.records["learners"]} == {wanted}
    assert "organisations: stream_maps filters 1 records, so no child stream was read for them" in run.stderr


def test_a_catalog_that_lists_few_fields_brings_these_and_what_the_stream_cannot_do_without(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    arguments = select(tmp_path, "learners")
    catalog = json.loads((tmp_path / "catalog.json").read_text(encoding="utf-8"))
    (learners,) = (entry for entry in catalog["streams"] if entry["tap_stream_id"] == "learners")
    learners["schema"]["properties"] = {"FirstName": learners["schema"]["properties"]["FirstName"]}
    (tmp_path / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")

    run = run_tap(tmp_path, config_for(sandbox), *arguments)

    assert run.status == 0, run.stderr
    fields = {"ID", "FirstName", "LastModified"}
    (schema,) = {tuple(sorted(m["schema"]["properties"])) for m in run.messages if m["type"] == "SCHEMA"}
    assert set(schema) == fields
    assert len(run.records["learners"]) == len(sandbox.records("learners"))
    assert all(set(record) == fields for record in run.records["learners"])


def test_a_catalog_that_lists_few_streams_brings_these(tmp_path: Path, sandbox: Sandbox) -> None:
    arguments = select(tmp_path)
    listed = {"customers", "organisations", "learners"}
    catalog = json.loads((tmp_path / "catalog.json").read_text(encoding="utf-8"))
    catalog["streams"] = [entry for entry in catalog["streams"] if entry["tap_stream_id"] in listed]
    (tmp_path / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")

    run = run_tap(tmp_path, config_for(sandbox), *arguments)

    assert run.status == 0, run.stderr
    assert set(run.records) == listed
    assert len(run.records["learners"]) == len(sandbox.records("learners"))


def test_flattening_turns_lists_into_text(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox, flattening_enabled=True, flattening_max_depth=1))

    assert run.status == 0, run.stderr
    codes = [record["SecondaryLLDDCodes"] for record in run.records["learners"]]
    assert len(codes) == len(sandbox.records("learners"))
    assert any(codes)
    assert all(isinstance(each, str) for each in codes if each is not None)


def test_the_metric_counts_every_record(tmp_path: Path, sandbox: Sandbox) -> None:
    environ = {"TAP_ONEFILE_LOGLEVEL": "DEBUG"}
    run = run_tap(tmp_path, config_for(sandbox), *select(tmp_path, "learners"), environ=environ)

    points = [json.loads(line.partition("METRIC: ")[2]) for line in run.stderr.splitlines() if "METRIC: " in line]
    counted = sum(point["value"] for point in points if is_count_of(point, "learners"))
    assert counted == len(sandbox.records("learners"))


def is_count_of(point: dict[str, Any], stream: str) -> bool:
    """Tell whether a metric counts the records of a stream."""
    return bool(point["metric"] == "record_count" and point["tags"]["stream"] == stream)


def deselect(folder: Path, stream: str, *fields: str) -> None:
    """Deselect fields in the catalog that lies in a folder."""
    catalog = json.loads((folder / "catalog.json").read_text(encoding="utf-8"))
    (entry,) = (entry for entry in catalog["streams"] if entry["tap_stream_id"] == stream)
    for metadata in entry["metadata"]:
        if metadata["breadcrumb"][1:] and metadata["breadcrumb"][1] in fields:
            metadata["metadata"]["selected"] = False
    (folder / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
