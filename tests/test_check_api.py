"""`--check-api` says how this OneFile answers each open question, in few calls, and nothing of the customer."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from onefile_sandbox import Fault
from tap_onefile.check.probes import MOST_CALLS
from tap_onefile.check.questions import AS_ASSUMED, NOT_SEEN, OTHERWISE, QUESTIONS
from tap_onefile.check.report import environment_of
from tap_onefile.settings import ENVIRONMENTS
from tests.running import GIVES_UP_SOON, config_for, run_tap, start_tap
from tests.scripted import scripted_server
from tests.test_reads_only import READS
from tests.test_secrets import Needles
from tests.test_unknowns import name_of, settled

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox
    from tests.conftest import StartSandbox

Expected = list[tuple[str, str, str]]
"""Points, each with the verdict and what is said of it."""
POINTS = {name for name, _, _ in QUESTIONS}

USUAL = [
    ("session", AS_ASSUMED, "plain text"),
    ("dead_session", AS_ASSUMED, "401"),
    ("session_life", AS_ASSUMED, "no session ended"),
    ("page_numbers", AS_ASSUMED, "cut as asked for"),
    ("page_cap", AS_ASSUMED, "pages of 10 rows are given"),
    ("past_the_end", AS_ASSUMED, "204"),
    ("page_zero", AS_ASSUMED, "the same as page 1"),
    ("order", AS_ASSUMED, "by ID, ascending"),
    ("without_pages", AS_ASSUMED, "but that of framework_templates"),
    ("unpaged", AS_ASSUMED, "it is there"),
    ("thin_rows", AS_ASSUMED, "records have more than pages of: reviews, plans"),
    ("last_modified", AS_ASSUMED, "every row"),
    ("modified_since", AS_ASSUMED, "it narrows; it finds the very moment too"),
    ("organisation_filter", AS_ASSUMED, "it narrows"),
    ("role_filter", AS_ASSUMED, "it narrows"),
    ("archived", AS_ASSUMED, "nobody is found (204)"),
    ("look_ups", AS_ASSUMED, "learner_statuses: ID (whole number), Name (text)"),
    ("learning_aims", AS_ASSUMED, "it is answered"),
    ("timesheets", AS_ASSUMED, "no id"),
    ("missing_id", AS_ASSUMED, "404"),
    ("dates", AS_ASSUMED, "2026-01-31T09:30:00.000Z, 2026-01-31T09:30:00Z"),
    ("sentinels", AS_ASSUMED, "1 January 1900 in"),
    ("nulls", AS_ASSUMED, "empty text, left out, null"),
    ("ids", AS_ASSUMED, "whole numbers"),
    ("types", OTHERWISE, "off_the_job.MethodOfCalculatingOTJ (whole number)"),
    ("unknown_fields", AS_ASSUMED, "none"),
    ("encoding", AS_ASSUMED, "UTF-8"),
    ("retry_after", NOT_SEEN, "not provoked"),
]
BEHAVIOURS: list[tuple[dict[str, Any], Expected]] = [
    ({"quoted_session": True}, [("session", OTHERWISE, "in quotes")]),
    ({"session_whitespace": True}, [("session", OTHERWISE, "with blanks around it")]),
    ({"quoted_session": True, "session_whitespace": True}, [("session", OTHERWISE, "in quotes and with blanks")]),
    ({"expired_status": 403}, [("dead_session", OTHERWISE, "403")]),
    (
        {"ignores_paging": True},
        [
            ("page_numbers", OTHERWISE, "page numbers and sizes are ignored"),
            ("past_the_end", OTHERWISE, "a page that came before"),
        ],
    ),
    ({"page_size_cap": 3}, [("page_cap", OTHERWISE, "at most 3 rows")]),
    ({"page_size_cap": 1}, [("page_cap", OTHERWISE, "at most 1 rows")]),
    ({"page_size_cap": 12}, [("page_cap", OTHERWISE, "at most 12 rows")]),
    ({"past_the_end": "empty-body"}, [("past_the_end", OTHERWISE, "an empty body")]),
    ({"past_the_end": "[]"}, [("past_the_end", OTHERWISE, "[]")]),
    ({"past_the_end": "null"}, [("past_the_end", OTHERWISE, "null")]),
    ({"past_the_end": "404"}, [("past_the_end", OTHERWISE, "404")]),
    ({"no_hits": "[]"}, [("archived", AS_ASSUMED, "nobody is found ([])")]),
    ({"page_zero": "all"}, [("page_zero", OTHERWISE, "everything")]),
    ({"page_zero": "400"}, [("page_zero", OTHERWISE, "400")]),
    ({"order": "by-name"}, [("order", OTHERWISE, "by name")]),
    ({"order": "shuffled"}, [("order", OTHERWISE, "none that can be seen")]),
    ({"order": "unstable"}, [("order", OTHERWISE, "from call to call")]),
    ({"organisation_paging": False}, [("without_pages", OTHERWISE, "organisations")]),
    ({"framework_template_paging": True}, [("without_pages", AS_ASSUMED, "every search has pages")]),
    ({"paged_rows": "thin"}, [("thin_rows", OTHERWISE, "records have more than pages of: assessors, learners")]),
    ({"detail_in_search": "rich"}, [("thin_rows", OTHERWISE, "reviews, plans")]),
    ({"date_style": "z-millis"}, [("dates", AS_ASSUMED, "such as 2026-01-31T09:30:00.000Z (invented")]),
    ({"date_style": "offset"}, [("dates", OTHERWISE, "2026-01-31T09:30:00+00:00")]),
    ({"date_style": "naive"}, [("dates", OTHERWISE, "2026-01-31T09:30:00, 2026-01-31T09:30:00.000 (invented")]),
    ({"date_style": "ticks"}, [("dates", OTHERWISE, "2026-01-31T09:30:00.0000000Z")]),
    ({"sentinels": False}, [("sentinels", NOT_SEEN, "neither")]),
    ({"booleans": "text"}, [("types", OTHERWISE, "placements.Active (text)")]),
    ({"ids_as_text": True}, [("ids", OTHERWISE, "text")]),
    (
        {"last_modified": "absent"},
        [("last_modified", OTHERWISE, "no row"), ("modified_since", AS_ASSUMED, "was not seen")],
    ),
    ({"last_modified": "sometimes"}, [("last_modified", OTHERWISE, "some rows")]),
    ({"last_modified_inclusive": False}, [("modified_since", OTHERWISE, "leaves out the very moment")]),
    ({"unsupported_roles": "rows"}, [("archived", OTHERWISE, "finds archived learners")]),
    ({"unsupported_roles": "400"}, [("archived", OTHERWISE, "400")]),
    ({"ignored_filter": "OrganisationID"}, [("organisation_filter", OTHERWISE, "no difference")]),
    (
        {"ignored_filter": "Role"},
        [("role_filter", OTHERWISE, "no difference"), ("archived", OTHERWISE, "not archived")],
    ),
    ({"learning_without_user": "400"}, [("learning_aims", OTHERWISE, "400")]),
    ({"missing_id_status": 400}, [("missing_id", OTHERWISE, "400")]),
]
"""What a OneFile does, and what the report says of it."""
FAULTS = [
    (Fault("status", status=404, match="POST /User/Search$", times=None), ("unpaged", OTHERWISE, "404 for learners")),
    (Fault("status", status=400, match="POST /Review/Search$", times=None), ("unpaged", OTHERWISE, "400 for reviews")),
    (
        Fault("capped", rows=5, match="POST /User/Search$", times=None),
        ("unpaged", OTHERWISE, "at most 5 rows of learners"),
    ),
    (Fault("status", status=403, match="GET /Organisation", times=None), ("look_ups", NOT_SEEN, "no row")),
    (Fault("status", status=500, match="POST /LearningAim", times=None), ("learning_aims", NOT_SEEN, "not answered")),
    (Fault("status", status=429, match="GET /Timesheet", retry_after=1), ("retry_after", AS_ASSUMED, "with it")),
]


def check(folder: Path, sandbox: Sandbox, **settings: object) -> dict[str, Any]:
    """Return the report for machines, having seen that it keeps to the rules."""
    run = run_tap(folder, config_for(sandbox, **{"page_size": 10, **settings}), "--check-api=json")
    assert run.status == 0, run.stderr
    report: dict[str, Any] = json.loads(run.stdout)
    assert_discreet(sandbox, run.stdout)
    assert report["points"].keys() == POINTS
    assert report["calls"] == len(sandbox.calls)
    return report


def assert_discreet(sandbox: Sandbox, report: str) -> None:
    """Assert that few reads were made, and that nothing of the customer is in the report."""
    assert {call.route for call in sandbox.calls if not READS.fullmatch(call.route)} == set()
    assert len(sandbox.calls) <= MOST_CALLS
    assert Needles(sandbox).found_in(report) == set()
    numbers = set(re.findall(r"\d+", report))
    for stream in ("customers", "organisations", "learners", "assessors", "placements", "classrooms", "standards"):
        for row in sandbox.records(stream):
            assert str(row["ID"]) not in numbers, stream
            assert not row.get("Name") or row["Name"] not in report
    assert "127.0.0.1" not in report


def test_what_is_assumed_is_seen(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    report = check(tmp_path, start_sandbox(learners=40))

    assert {point for point, _, _ in USUAL} == POINTS
    for point, verdict, seen in USUAL:
        assert_found(report, point, verdict, seen)


def assert_found(report: dict[str, Any], point: str, verdict: str, seen: str) -> None:
    found = report["points"][point]
    assert seen in found["seen"]
    assert found["verdict"] == verdict
    assert bool(found["tap"]) == (verdict == OTHERWISE)


@pytest.mark.slow
@pytest.mark.parametrize(("behaviour", "expected"), BEHAVIOURS, ids=[name_of(behaviour) for behaviour, _ in BEHAVIOURS])
def test_a_behaviour_that_is_switched_on_is_named(
    tmp_path: Path, start_sandbox: StartSandbox, behaviour: dict[str, Any], expected: Expected
) -> None:
    sandbox = start_sandbox(learners=40, behaviour=settled(behaviour))

    report = check(tmp_path, sandbox)

    for point, verdict, seen in expected:
        assert_found(report, point, verdict, seen)


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "expected"), FAULTS, ids=[f"{fault.kind} {fault.match}" for fault, _ in FAULTS])
def test_what_is_refused_or_cut_is_named(
    tmp_path: Path, start_sandbox: StartSandbox, fault: Fault, expected: tuple[str, str, str]
) -> None:
    sandbox = start_sandbox(learners=40)
    sandbox.add_fault(fault)

    assert_found(check(tmp_path, sandbox, **GIVES_UP_SOON), *expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "ways"), [("missing", "empty text, left out"), ("null", "empty text, null"), ("empty", "empty text")]
)
def test_null_and_absent_are_told_from_each_other(
    tmp_path: Path, start_sandbox: StartSandbox, behaviour: str, ways: str
) -> None:
    """Rows decoded by known names do not keep null apart from absent, so the report must not be made from them.

    Some fields are always empty texts.
    """
    report = check(tmp_path, start_sandbox(learners=40, behaviour=settled({"absent_values": behaviour})))

    assert report["points"]["nulls"]["seen"] == f"{ways}; the tap sends null"


# For any customer.


@pytest.mark.parametrize(("learners", "organisations"), [(0, 1), (0, 20), (1, 1), (2, 20), (300, 20)])
def test_it_makes_few_calls_for_any_customer(
    tmp_path: Path, start_sandbox: StartSandbox, learners: int, organisations: int
) -> None:
    report = check(tmp_path, start_sandbox(learners=learners, organisations=organisations))

    assert report["is_whole"]
    assert report["points"]["order"]["verdict"] == (AS_ASSUMED if learners == 300 else NOT_SEEN)
    assert report["points"]["session"]["verdict"] == AS_ASSUMED


@pytest.mark.parametrize("status", [400, 403, 404])
def test_what_is_refused_could_not_be_seen(tmp_path: Path, start_sandbox: StartSandbox, status: int) -> None:
    sandbox = start_sandbox(learners=40)
    sandbox.add_fault(Fault("status", status=status, match="(User|Review|Plan|Standard|Classroom)/", times=None))

    report = check(tmp_path, sandbox)

    unseen = {name for name, found in report["points"].items() if found["verdict"] == NOT_SEEN}
    assert unseen >= {"page_numbers", "page_cap", "order", "last_modified", "organisation_filter"}
    assert report["points"]["session_life"]["verdict"] == AS_ASSUMED
    assert report["fields"].keys() >= {"customers", "organisations", "learner_statuses", "learning_aims"}


@pytest.mark.parametrize("after", [4, 12, 30])
def test_a_server_that_fails_half_way_leaves_a_report(tmp_path: Path, start_sandbox: StartSandbox, after: int) -> None:
    sandbox = start_sandbox(learners=40)
    sandbox.add_fault(Fault("status", status=503, after=after, times=None))

    run = run_tap(tmp_path, config_for(sandbox, page_size=10, **GIVES_UP_SOON), "--check-api")

    assert run.status == 1
    assert "No answer to" in run.last_line
    assert "**OneFile stopped answering before all calls were made.**" in run.stdout
    assert "## Could not be seen" in run.stdout
    assert "**: the session comes as plain text" in run.stdout
    assert_discreet(sandbox, run.stdout)


def test_a_cap_as_large_as_a_page_is_seen(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(learners=150, organisations=1)
    sandbox.add_fault(Fault("capped", rows=100, match="POST /User/Search$", times=None))

    report = check(tmp_path, sandbox, page_size=100)

    assert_found(report, "unpaged", OTHERWISE, "at most 100 rows of learners")
    assert_found(report, "past_the_end", AS_ASSUMED, "204")


def test_sessions_that_end_soon_cost_calls_and_no_more(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(learners=40)
    for after in range(4, 60, 4):
        sandbox.add_fault(Fault("expire", after=after))

    report = check(tmp_path, sandbox)

    assert report["points"]["order"]["verdict"] == AS_ASSUMED
    assert_found(report, "session_life", OTHERWISE, "sessions ended")


def test_it_keeps_to_the_organisations_that_are_set(tmp_path: Path, start_sandbox: StartSandbox) -> None:
    sandbox = start_sandbox(learners=60, organisations=6)
    one = sandbox.records("organisations")[3]["ID"]

    report = check(tmp_path, sandbox, organisation_ids=[one])

    assert report["points"]["learning_aims"]["verdict"] == AS_ASSUMED
    asked = {call.body.get("OrganisationID") for call in sandbox.calls} - {None}
    assert {str(each) for each in asked} == {str(one), str(2**31 - 1)}
    searched = [call.body for call in sandbox.calls if call.route.startswith("POST /LearningAim")]
    assert searched
    assert all("UserID" in body for body in searched)


# What no sandbox sends.

SECRET = "Gwendolyn Needle"
ODD = {
    "ID": 9200001,
    "FirstName": SECRET,
    "LastName": "x",
    "Pathway": SECRET,
    "Cohort": 7,
    "IsKeen": True,
    "Tags": [SECRET],
    SECRET: 1,
    "DOB": "/Date(981158400000)/",
    "StartOn": "0001-01-01T00:00:00Z",
    "Progress": SECRET,
    "LastModified": "2026-01-31T09:30:00.250Z",
}

LATER = {"ID": 9200002, "Pathway": None, "LastModified": "2026-02-28T09:30:00.250Z"}


def test_unknown_fields_are_told_by_name_and_type(tmp_path: Path) -> None:
    timesheet = {"TimesheetID": 5, "FromDate": "2026-01-31T09:30:00+0100", "Comments": SECRET}
    statuses = [{"Name": SECRET, "Colour": SECRET}]
    others: dict[str, list[Any]] = {
        "Organisation/9101/LearnerStatuses": statuses,
        "Timesheet/Learner/9200001": [timesheet],
    }
    with scripted_server({**others, "User": [ODD, {**ODD, **LATER}]}) as config:
        run = run_tap(tmp_path, config, "--check-api=json")

    assert run.status == 0, run.stderr
    assert "Needle" not in run.stdout + run.stderr
    assert "9101" not in run.stdout
    report = json.loads(run.stdout)
    assert report["unknown_fields"]["learners"] == {
        "Cohort": "whole number",
        "IsKeen": "flag",
        "Pathway": "text",
        "Tags": "list",
        "a name that is not shown": "whole number",
    }
    assert_found(report, "unknown_fields", OTHERWISE, "Pathway (text), Tags (list)")
    assert_found(report, "timesheets", OTHERWISE, "TimesheetID")
    assert_found(report, "look_ups", OTHERWISE, "learner_statuses: Name (text), Colour (text, unknown)")
    assert_found(report, "dates", OTHERWISE, "2026-01-31T09:30:00Z, something else")
    assert_found(report, "sentinels", OTHERWISE, "1 January of the year 1 in StartOn")
    assert_found(report, "types", OTHERWISE, "learners.Progress (text)")
    assert_found(report, "modified_since", OTHERWISE, "it is ignored")
    assert_found(report, "organisation_filter", OTHERWISE, "no difference, and rows do not say whose they are")


ODD_VALUES = [None, "", "../9", "a b/ä", {}, [], [1, None], {"ID": 1}, 1.5, 1e300, -1, True, "12", "012", 2**70]


@pytest.mark.parametrize("odd", ODD_VALUES, ids=repr)
def test_no_value_upsets_it(tmp_path: Path, odd: object) -> None:
    names = ("OrganisationID", "Role", "UserID", "LastModified", "LastName", "StandardID", "MISID", "DOB", "Progress")
    rows = [{"ID": odd, **dict.fromkeys(names, odd)}, {"ID": 9200001, **dict.fromkeys(names, odd)}]
    lists = {f"Organisation/9101/{name}": rows for name in ("LearnerStatuses", "AssignedStandards")}
    searches = ("User", "Classroom", "Standard", "Unit", "LearningAim", "Review")
    with scripted_server({**lists, "User/9200001/offthejob": rows[:1], **dict.fromkeys(searches, rows)}) as config:
        run = run_tap(tmp_path, config, "--check-api=json")

    assert run.status == 0, run.stderr
    assert json.loads(run.stdout)["is_whole"]


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b'\xef\xbb\xbf[{"ID": 1, "Name": "x"}]', "a byte order mark"),
        ('[{"ID": 1, "Name": "Café"}]'.encode("latin-1"), "bytes that are not UTF-8"),
    ],
)
def test_the_encoding_is_told(tmp_path: Path, body: bytes, encoding: str) -> None:
    with scripted_server({"Classroom": body}) as config:
        run = run_tap(tmp_path, config, "--check-api=json")

    assert_found(json.loads(run.stdout), "encoding", OTHERWISE, encoding)


# The command line.


def test_the_report_for_people_has_every_heading_and_every_point(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox), "--check-api")

    assert run.status == 0, run.stderr
    assert max(map(len, run.stdout.splitlines())) <= 120
    for heading in ("Otherwise than assumed", "As assumed", "Could not be seen", "Fields"):
        assert f"## {heading}" in run.stdout
    for _, title, _ in QUESTIONS:
        assert f"- **{title}**: " in run.stdout
    assert "Environment: another address. " in run.stdout
    assert_discreet(sandbox, run.stdout)


def test_it_ends_as_a_test_does_where_nothing_can_be_read(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox, customer_token="wrong"), "--check-api")

    assert run.status == 1
    assert "refused the customer token" in run.last_line
    assert run.stdout == ""


def test_organisations_that_are_not_there_are_named(tmp_path: Path, sandbox: Sandbox) -> None:
    run = run_tap(tmp_path, config_for(sandbox, organisation_ids=[1]), "--check-api")

    assert run.status == 1
    assert "The setting organisation_ids names 1, which the customer token does not see" in run.last_line


def test_it_takes_one_value_and_needs_the_settings(tmp_path: Path, sandbox: Sandbox) -> None:
    assert "takes no value other than json" in run_tap(tmp_path, config_for(sandbox), "--check-api=yaml").last_line
    assert "The setting customer_token is missing" in run_tap(tmp_path, {}, "--check-api").last_line
    assert sandbox.calls == []


def test_a_signal_ends_it_at_once(tmp_path: Path, sandbox: Sandbox) -> None:
    sandbox.add_fault(Fault("hang", match="POST /User/Search", times=None))
    with start_tap(tmp_path, config_for(sandbox), "--check-api", stdout=subprocess.PIPE) as process:
        sandbox.wait_for("POST /User/Search")
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=20)

    assert process.returncode == 128 + signal.SIGTERM
    assert b"stopped by SIGTERM" in stderr
    assert stdout == b""


def test_the_environment_is_told_and_no_other_address() -> None:
    assert [environment_of(address) for address in ENVIRONMENTS.values()] == ["live", "practice", "beta"]
    assert environment_of("https://wsapi.onefile.co.uk/api/v2.1/") == "live"
    assert environment_of("https://onefile.college.example/api/v2.1") == "another address"
