"""`--test` tells within seconds what the token can see, or what is wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from onefile_sandbox import Behaviour, Fault
from tests.running import config_for, run_tap, select

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox
    from tests.conftest import StartSandbox


def test_it_names_the_customer_and_the_organisations(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox), "--test")

    assert run.status == 0, run.stderr
    (customer,) = sandbox.records("customers")
    for row in (customer, *sandbox.records("organisations")):
        assert f"{row['ID']} {row['Name']}" in run.stderr.replace(f"{row['ID']}, ", f"{row['ID']} ")
    assert "The connection works" in run.stderr


@pytest.mark.parametrize("arguments", [("--catalog", "bad.json", "--test"), ("--test", "--catalog", "bad.json")])
def test_a_catalog_counts_wherever_it_stands(tmp_path: Path, sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    (tmp_path / "bad.json").write_text('{"streams": 1}', encoding="utf-8")

    run = run_tap(tmp_path, config_for(sandbox), *arguments)

    assert run.status == 1
    assert "The file passed to --catalog is not a Singer catalog" in run.last_line
    assert not sandbox.calls


def test_it_tells_what_a_full_run_costs(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(learners=40, organisations=2)
    arguments = select(tmp_path, "learners", "placements", "reviews", "timesheets", "units", "learner_statuses")
    test = run_tap(tmp_path, config_for(sandbox, page_size=10, requests_per_minute=300), *arguments, "--test")
    sandbox.reset_calls()

    run_tap(tmp_path, config_for(sandbox, page_size=10), *arguments)

    told = re.search(r"about (\d+) calls: about (\d+) minutes at 300 calls a minute", test.last_line)
    assert told, test.last_line
    assert abs(int(told[1]) - len(sandbox.calls)) <= 0.1 * len(sandbox.calls)
    assert int(told[2]) == round(int(told[1]) / 300)


def test_a_role_that_is_off_by_default_and_refused_does_not_matter(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(behaviour=Behaviour(unsupported_roles="400"))

    assert run_tap(tmp_path, config_for(sandbox), "--test").status == 0


def test_it_writes_no_record(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox), "--test")

    assert run.status == 0, run.stderr
    assert run.stdout == ""


@pytest.mark.slow
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
