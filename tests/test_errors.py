"""The error table, row by row: either everything arrives, or the run fails with one sentence that says what to do."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Any

import pytest

from onefile_sandbox import Behaviour, Fault
from tests.running import GIVES_UP_SOON, config_for, run_tap, select
from tests.scripted import scripted_server
from tools import CORE_STREAMS

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox
    from tests.conftest import StartSandbox
    from tests.running import Run

SEARCHES = "POST /User/Search"


def assert_complete(run: Run, sandbox: Sandbox) -> None:
    """Assert that every record arrived, once."""
    assert run.status == 0, run.stderr
    for stream in CORE_STREAMS:
        arrived = [record["ID"] for record in run.records[stream]]
        assert sorted(arrived) == sorted(row["ID"] for row in sandbox.records(stream)), stream


def assert_failed(run: Run, *expected: str) -> None:
    """Assert that the run ended in one clear line."""
    assert run.status == 1, run.stderr
    for words in expected:
        assert words in run.last_line
    assert "Traceback" not in run.stderr


def assert_keeps_secrets(run: Run, sandbox: Sandbox) -> None:
    """Assert that stderr holds neither the token nor a person."""
    assert sandbox.customer_token not in run.stderr
    for learner in sandbox.records("learners"):
        for name in ("Email", "ULN", "NINO"):
            if value := learner.get(name):
                assert str(value) not in run.stderr


@pytest.mark.parametrize("status", [401, 403, 400, 302])
@pytest.mark.parametrize("after", [0, 3])
def test_a_session_that_dies_is_renewed(tmp_path: Path, start_sandbox: StartSandbox, status: int, after: int) -> None:
    sandbox = start_sandbox(behaviour=Behaviour.parse([f"expired_status={status}"]))
    sandbox.add_fault(Fault(kind="expire", match=SEARCHES, after=after, times=1))

    run = run_tap(tmp_path, config_for(sandbox, page_size=5))

    assert_complete(run, sandbox)
    assert len([call for call in sandbox.calls if call.route.endswith("/Authentication")]) == 2


@pytest.mark.parametrize("threads", [1, 16])
def test_sessions_that_keep_dying_are_not_taken_for_a_refusal(tmp_path: Path, sandbox: Sandbox, threads: int) -> None:
    sandbox.add_fault(Fault(kind="expire", match=SEARCHES, after=3, times=3))

    assert_complete(run_tap(tmp_path, config_for(sandbox, page_size=5, parallel_requests=threads)), sandbox)


@pytest.mark.parametrize("status", [401, 403, 400])
def test_a_wrong_token_says_what_to_check(tmp_path: Path, start_sandbox: StartSandbox, status: int) -> None:
    sandbox = start_sandbox(behaviour=Behaviour.parse([f"refused_login_status={status}"]))

    run = run_tap(tmp_path, {**config_for(sandbox), "customer_token": "11111111-2222-3333-4444-555555555555"})

    assert_failed(run, "customer_token", "environment", "OneFile support")
    assert "11111111-2222" not in run.stderr
    assert not run.records


@pytest.mark.parametrize("status", [401, 403, 302])
def test_one_refused_stream_leaves_the_others_and_fails_the_run(tmp_path: Path, sandbox: Sandbox, status: int) -> None:
    sandbox.add_fault(Fault(kind="status", status=status, match="POST /Classroom/Search", times=None))

    run = run_tap(tmp_path, config_for(sandbox))

    assert_failed(run, "classrooms of OrganisationID", "Missing")
    assert not run.records["classrooms"]
    assert len(run.records["learners"]) == len(sandbox.records("learners"))


def test_a_rejected_question_is_told_with_onefiles_reason(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.add_fault(
        Fault(
            kind="status",
            status=400,
            code=-57,
            message="Placement of Zaphod Beeblebrox not found",
            match="POST /Placement/Search",
            times=None,
        ),
    )

    run = run_tap(tmp_path, config_for(sandbox))

    assert_failed(run, "-57", "placement not found", "placements of OrganisationID")
    assert "Zaphod" not in run.stderr
    assert len([call for call in sandbox.calls if "Placement" in call.route]) == len(sandbox.records("organisations"))


@pytest.mark.parametrize(
    "details", [{"retry_after": 1}, {"retry_after": 1, "retry_after_style": "date"}], ids=["seconds", "date"]
)
def test_too_many_requests_waits_as_long_as_asked(tmp_path: Path, sandbox: Sandbox, details: dict[str, Any]) -> None:
    sandbox.add_fault(Fault(kind="status", status=429, match=SEARCHES, after=1, times=1, **details))

    run = run_tap(tmp_path, config_for(sandbox, page_size=10, parallel_requests=1))

    assert_complete(run, sandbox)
    assert "429" in run.stderr
    refused = [call.status for call in sandbox.calls].index(429)
    assert sandbox.calls[refused + 1].at - sandbox.calls[refused].at >= 1


PASSING: list[dict[str, Any]] = [
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 502},
    {"kind": "status", "status": 503},
    {"kind": "reset"},
    {"kind": "close"},
    {"kind": "cut"},
    {"kind": "malformed"},
    {"kind": "html"},
    {"kind": "wrong-shape"},
    {"kind": "hang"},
]


@pytest.mark.slow
@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: "-".join(map(str, fault.values())))
@pytest.mark.parametrize("match", ["POST /Authentication", "GET /Customer", SEARCHES])
def test_a_passing_fault_loses_nothing(tmp_path: Path, sandbox: Sandbox, match: str, fault: dict[str, Any]) -> None:
    sandbox.add_fault(Fault(match=match, times=1, **fault))

    run = run_tap(tmp_path, config_for(sandbox, page_size=10, request_timeout=1))

    assert_complete(run, sandbox)


@pytest.mark.slow
@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: "-".join(map(str, fault.values())))
def test_a_lasting_fault_ends_in_one_sentence(tmp_path: Path, sandbox: Sandbox, fault: dict[str, Any]) -> None:
    sandbox.add_fault(Fault(match="POST /Classroom/Search", times=None, **fault))

    run = run_tap(tmp_path, config_for(sandbox, **GIVES_UP_SOON))

    words = ("cannot read that", "Missing") if fault["kind"] == "wrong-shape" else ("tried", "run again later")
    assert_failed(run, "POST /Classroom/Search/1/100", *words)
    assert_keeps_secrets(run, sandbox)


def test_a_redirect_is_refused(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.add_fault(Fault(kind="redirect", match="GET /Customer", times=None))

    assert_failed(run_tap(tmp_path, config_for(sandbox)), "redirect", "api_url")


def test_a_host_that_is_no_api_is_named(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.add_fault(Fault(kind="status", status=404, body="html", times=None))

    assert_failed(run_tap(tmp_path, config_for(sandbox)), "404", "api_url")


def test_a_host_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    run = run_tap(tmp_path, {"customer_token": "t", "api_url": f"http://127.0.0.1:{port}/api/v2.1"})

    assert_failed(run, "connection refused", f"127.0.0.1:{port}", "api_url")


def test_an_organisation_that_does_not_exist_is_named(tmp_path: Path, sandbox: Sandbox) -> None:
    known = sandbox.records("organisations")[0]

    run = run_tap(tmp_path, config_for(sandbox, organisation_ids=[known["ID"], 999_999_9]))

    assert_failed(run, "9999999", str(known["ID"]), "organisation_ids")
    assert not run.records


def test_a_server_that_does_not_page_is_found_out(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(behaviour=Behaviour(ignores_paging=True))

    assert_complete(run := run_tap(tmp_path, config_for(sandbox)), sandbox)
    assert run.stderr.count("OneFile gives all rows whatever page is asked for: ") == 1


def test_a_server_that_does_not_page_and_has_no_other_search_is_not_believed(
    tmp_path: Path, start_sandbox: StartSandbox
) -> None:
    sandbox = start_sandbox(behaviour=Behaviour(ignores_paging=True, unpaged="404"))

    assert_failed(run_tap(tmp_path, config_for(sandbox)), "same rows page after page", "rows may be missing")


def test_a_server_that_takes_no_notice_of_pages_nor_filters_does_not_keep_a_run_for_ever(
    tmp_path: Path, start_sandbox: StartSandbox
) -> None:
    """Of three learners, most organisations have none, so that no page has a row that was asked for."""
    behaviour = Behaviour(ignores_paging=True, ignored_filter="OrganisationID")
    sandbox = start_sandbox(learners=3, organisations=6, behaviour=behaviour)

    run = run_tap(tmp_path, config_for(sandbox, page_size=2), *select(tmp_path, "learners"))

    assert_failed(run, "learners of OrganisationID")
    assert run.last_line.count("same rows page after page") == 6


def test_a_page_that_comes_twice_is_asked_for_again(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.add_fault(Fault(kind="repeat-page", match=SEARCHES, after=3, times=1))

    assert_complete(run_tap(tmp_path, config_for(sandbox, page_size=4)), sandbox)


def test_a_404_in_the_middle_of_a_search_is_not_taken_for_its_end(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.add_fault(Fault(kind="status", status=404, match=SEARCHES, page=3, times=1))

    assert_complete(run_tap(tmp_path, config_for(sandbox, page_size=4)), sandbox)


@pytest.mark.parametrize("page", [2, 3])
def test_a_page_that_comes_empty_once_is_not_taken_for_the_end(tmp_path: Path, sandbox: Sandbox, page: int) -> None:
    sandbox.add_fault(Fault(kind="empty-200", match=SEARCHES, page=page, where={"Role": 1}, times=1))

    assert_complete(run_tap(tmp_path, config_for(sandbox, page_size=4)), sandbox)


def test_rows_whose_order_is_new_for_every_page_are_all_there_or_told(
    tmp_path: Path, start_sandbox: StartSandbox
) -> None:
    sandbox = start_sandbox(learners=40, organisations=1, behaviour=Behaviour(order="unstable"))

    run = run_tap(tmp_path, config_for(sandbox, page_size=20))

    if run.status:
        assert_failed(run, "Missing: ", "moved from page to page")
    else:
        assert_complete(run, sandbox)


def test_a_row_that_moves_while_we_read_comes_once(tmp_path: Path, sandbox: Sandbox) -> None:
    before = {row["ID"] for row in sandbox.records("learners")}
    sandbox.add_fault(Fault(kind="moving-row", match=SEARCHES, times=1))

    run = run_tap(tmp_path, config_for(sandbox, page_size=4))

    assert run.status == 0, run.stderr
    arrived = [record["ID"] for record in run.records["learners"]]
    assert len(arrived) == len(set(arrived))
    assert before <= set(arrived)
    assert re.search(r"\d rows? came twice", run.stderr)


@pytest.mark.parametrize("row", [{"Name": "needle"}, {"ID": None}, {"ID": ""}, {"ID": "needle"}, {"ID": 1.5}], ids=str)
def test_a_row_without_an_id_stops_the_run(tmp_path: Path, row: dict[str, Any]) -> None:
    with scripted_server({"Placement": [row]}) as config:
        run = run_tap(tmp_path, config)

    assert_failed(run, "placements", "without a usable ID")
    assert "needle" not in run.stderr


def test_no_organisation_at_all_is_not_taken_for_a_customer_without_data(tmp_path: Path) -> None:
    with scripted_server({"Organisation": []}) as config:
        run = run_tap(tmp_path, config)

    assert_failed(run, "organisations of CustomerID 9001", "lists no organisation")
    assert run.records["customers"]


def test_a_learner_without_an_id_does_not_vanish_from_what_is_read_for_each_learner(tmp_path: Path) -> None:
    arguments = select(tmp_path, "off_the_job")
    with scripted_server({"User": [{"FirstName": "needle"}]}) as config:
        run = run_tap(tmp_path, config, *arguments)

    assert_failed(run, "off_the_job", "a row of learners without a usable ID")
    assert "needle" not in run.stderr


@pytest.mark.parametrize("times", [1, None], ids=["once", "for ever"])
@pytest.mark.parametrize("route", ["OffTheJob", "Timesheet", "UnitSummary"])
def test_a_refused_question_about_a_learner_is_not_taken_for_a_learner_without_data(
    tmp_path: Path, sandbox: Sandbox, route: str, times: int | None
) -> None:
    sandbox.add_fault(Fault(kind="status", status=400, match=f"GET .*{route}", after=2, times=times))

    run = run_tap(tmp_path, config_for(sandbox), *select(tmp_path, "off_the_job", "timesheets", "unit_summaries"))

    assert_failed(run, "Missing", "did not accept GET", route.casefold() if route == "OffTheJob" else route)


def test_a_learner_who_went_away_has_nothing_and_stops_nobody(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(behaviour=Behaviour(missing_id_status=400))
    for route in ("GET /User/{id}/OffTheJob", "GET /User/{id}$"):
        sandbox.add_fault(Fault(kind="status", status=400, match=route, times=1))

    run = run_tap(tmp_path, config_for(sandbox), *select(tmp_path, "off_the_job"))

    assert run.status == 0, run.stderr
    (without,) = re.findall(r"off_the_job: OneFile has nothing for (\d+) learners", run.stderr)
    assert int(without) + len(run.records["off_the_job"]) == len(sandbox.records("learners"))
    assert len([call for call in sandbox.calls if call.route == "GET /User/{id}"]) == 1


def test_an_error_that_comes_as_a_good_answer_is_not_taken_for_a_record(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.add_fault(Fault(kind="status", status=200, code=-1, match="GET .*OffTheJob", after=1, times=None))

    run = run_tap(tmp_path, config_for(sandbox), *select(tmp_path, "off_the_job"))

    assert_failed(run, "Missing", "something else in place of off_the_job")


def test_an_error_that_comes_as_a_good_answer_is_not_taken_for_the_rest_of_a_record(
    tmp_path: Path, sandbox: Sandbox
) -> None:
    sandbox.add_fault(Fault(kind="status", status=200, code=-1, match="GET /Review", after=1, times=2))

    run = run_tap(tmp_path, config_for(sandbox, parallel_requests=1), *select(tmp_path, "reviews"))

    assert_failed(run, "Missing", "something other than the record, twice")


def test_odd_ids_lists_and_details_lead_to_each_record_once_and_whole(tmp_path: Path) -> None:
    rows: dict[str, list[Any] | bytes] = {
        "Organisation": [{"ID": 9101.0, "Name": "Example\n2026 | ERROR | forged"}],
        "User": [{"ID": 12.0}, {"ID": "13"}, {"ID": 14}],
        "Review": [{"ID": 20.0}, {"ID": "21"}],
        **{f"User/{learner}/offthejob": b'[{"ID": %d.0, "Duration": 52}]' % learner for learner in (12, 13)},
        "User/14/offthejob": b"[]",
        **{f"Review/{review}": b'{"ID": %d, "LearnerID": 12.0}' % review for review in (20, 21)},
        "Plan": [{"ID": 30, "Title": "Phonics"}],
        "Plan/30": b'{"ID": 30, "Title": "", "LearnerID": 12}',
        "Organisation/9101/LearnerStatuses": [{"ID": 1, "Name": "Active"}, {"ID": 2}, {"ID": 1, "Name": "Active"}],
    }
    arguments = select(tmp_path, "learners", "reviews", "off_the_job", "plans", "learner_statuses")

    with scripted_server(rows) as config:
        run = run_tap(tmp_path, {**config, "organisation_ids": [9101]}, *arguments)

    assert run.status == 0, run.stderr
    assert [record["ID"] for record in run.records["off_the_job"]] == [12, 13]
    assert [(record["ID"], record["LearnerID"]) for record in run.records["reviews"]] == [(20, 12), (21, 12)]
    assert "off_the_job: OneFile has nothing for 1 learners" in run.stderr
    assert "9101 Example 2026 | ERROR | forged" in run.stderr
    assert [(plan["Title"], plan["LearnerID"]) for plan in run.records["plans"]] == [("Phonics", 12)]
    assert [record["ID"] for record in run.records["learner_statuses"]] == [1, 2]
    assert "learner_statuses: 1 rows came twice" in run.stderr


def test_different_rows_with_one_id_are_not_taken_for_one(tmp_path: Path) -> None:
    rows: dict[str, list[Any] | bytes] = {
        "Organisation": [{"ID": 9101, "Name": "Example"}],
        "Organisation/9101/LearnerStatuses": [{"ID": 1, "Name": "Active"}, {"ID": 2}, {"ID": 1, "Name": "Completed"}],
    }

    with scripted_server(rows) as config:
        run = run_tap(tmp_path, config, *select(tmp_path, "learner_statuses"))

    assert_failed(run, "a list of learner_statuses in which different rows have the same ID", "Missing")
    assert not run.records["learner_statuses"]


def test_records_that_are_listed_and_none_of_them_there_fail_the_run(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.add_fault(Fault(kind="status", status=404, match="GET /Review/", times=None))

    run = run_tap(tmp_path, config_for(sandbox), *select(tmp_path, "reviews"))

    assert_failed(run, "Missing", "has none of", "by their ids", "fetch_details")


def test_an_unknown_field_is_named_once_and_left_out(tmp_path: Path, sandbox: Sandbox) -> None:
    for placement in sandbox.world.ids("placements")[:2]:
        sandbox.world.change("placements", placement, FavouriteColour="needle-in-a-haystack")

    run = run_tap(tmp_path, config_for(sandbox))

    assert run.status == 0, run.stderr
    assert run.stderr.count("sends fields of placements that the tap does not have; they are left out") == 1
    assert run.stderr.count('"placements.FavouriteColour"') == 2
    assert "were left out: 2 of placements. To read them as text" in run.stderr
    assert "needle" not in run.stderr + run.stdout
