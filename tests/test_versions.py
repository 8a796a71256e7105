"""What OneFile no longer has is told to the target: once, at the end, and only of what was read completely."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onefile_sandbox import Fault
from tests.running import config_for, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox
    from tests.conftest import StartSandbox

SETTING = {"emit_activate_version_messages": True}


def test_each_full_table_stream_is_activated_once_after_all_its_records(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox, **SETTING))

    assert run.status == 0, run.stderr
    activated = [message for message in run.messages if message["type"] == "ACTIVATE_VERSION"]
    streams = [message["stream"] for message in activated]
    assert {"customers", "organisations", "learners", "assessors", "placements", "classrooms"} <= set(streams)
    assert len(streams) == len(set(streams))
    first = next(place for place, message in enumerate(run.messages) if message["type"] == "ACTIVATE_VERSION")
    assert not [message for message in run.messages[first:] if message["type"] == "RECORD"]
    versions = {message["stream"]: message["version"] for message in activated}
    for message in run.messages:
        if message["type"] == "RECORD":
            assert message.get("version") == versions.get(message["stream"])


def test_a_run_that_misses_something_activates_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.add_fault(Fault(kind="status", status=403, match="POST /Classroom/Search", times=None))

    run = run_tap(tmp_path, config_for(sandbox, **SETTING))

    assert run.status == 1
    assert not run.activated


def test_nothing_is_activated_of_what_belongs_to_an_organisation_that_a_stream_map_filters(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    wanted = sandbox.records("organisations")[0]["ID"]
    maps = {"organisations": {"__filter__": f"ID == {wanted}"}}

    run = run_tap(tmp_path, config_for(sandbox, stream_maps=maps, **SETTING))

    assert run.status == 0, run.stderr
    elsewhere = {"customers", "standards", "units", "learning_aims"} & set(run.records)
    assert set(run.activated) == {"organisations", *elsewhere}
    assert {"learners", "classrooms"} < set(run.records)


def test_a_run_over_some_organisations_activates_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    organisation = sandbox.records("organisations")[0]["ID"]

    run = run_tap(tmp_path, config_for(sandbox, organisation_ids=[organisation], **SETTING))

    assert run.status == 0, run.stderr
    assert not run.activated
    assert "because organisation_ids limits this run to some organisations" in run.stderr


def test_nothing_is_activated_unless_it_is_asked_for(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox))

    assert run.status == 0, run.stderr
    assert not [message for message in run.messages if message["type"] == "ACTIVATE_VERSION" or "version" in message]


def test_a_token_that_sees_no_organisation_empties_no_table(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox()
    for organisation in sandbox.world.ids("organisations"):
        sandbox.world.remove("organisations", organisation)

    run = run_tap(tmp_path, config_for(sandbox, **SETTING))

    assert not run.activated
    assert run.status == 1
    assert "lists no organisation" in run.last_line
