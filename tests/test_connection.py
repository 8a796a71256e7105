"""`--test` tells within seconds what the token can see, or what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onefile_sandbox import Fault
from tests.running import config_for, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox


def test_it_names_the_customer_and_the_organisations(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox), "--test")

    assert run.status == 0, run.stderr
    (customer,) = sandbox.records("customers")
    for row in (customer, *sandbox.records("organisations")):
        assert f"{row['ID']} {row['Name']}" in run.stderr.replace(f"{row['ID']}, ", f"{row['ID']} ")
    assert "The connection works" in run.last_line


def test_it_writes_no_record(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox), "--test")

    assert run.stdout == ""


def test_it_does_not_keep_anybody_waiting(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.add_fault(Fault(kind="status", status=503, times=None))

    run = run_tap(tmp_path, config_for(sandbox, retry_for=3600), "--test", timeout=30)

    assert run.status == 1
    assert "No answer to POST /Authentication" in run.last_line


def test_the_schema_test_of_the_sdk_still_works(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox), "--test=schema")

    assert run.status == 0, run.stderr
    assert {message["type"] for message in run.messages} == {"SCHEMA"}
    assert sandbox.calls == []
