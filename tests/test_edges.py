"""The address of the API and ids as the allow-list needs them, and how long the server asks to wait."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest

from tests.outcomes import assert_complete, assert_told, read
from tests.running import run_tap
from tests.slips import Answer, OneFile, slip

if TYPE_CHECKING:
    from pathlib import Path

    from tests.slips import Call

# The address of the API, on which the allow-list rests.


@pytest.mark.parametrize(
    "ending",
    [
        "/User/5/Archive#",
        "/User/5/Archive?",
        "/User/5/Archive?x=",
        "#x",
        "/User/5/Archive;",
        ";x",
        "/User/5/Archive;a=b",
        "/../User/5/Archive",
        "/./x",
        "/..",
        "/%2e%2e/User",
        "/%2E",
        "/.%2e/x",
        "/User%2f5",
        "/User%2F5%2FArchive",
        "/a%5cb",
        "/a\\b",
        "/%23",
        "/%3f",
        "/%3B",
    ],
)
def test_an_address_that_leads_past_the_allow_list_is_refused(tmp_path: Path, ending: str) -> None:
    with OneFile(1, learners=2) as onefile:
        run = run_tap(tmp_path, {**onefile.settings, "api_url": onefile.settings["api_url"] + ending})
        assert run.status == 1
        assert "api_url" in run.last_line
        assert onefile.calls == []


@pytest.mark.parametrize("number", ["A/B", "../../User/5", "A/../B", "A%2FB", "A?x", "A#x", "A;x", "..", "A\\B"])
def test_an_id_that_is_a_way_to_go_is_not_sent(tmp_path: Path, number: str) -> None:
    with OneFile(1, standards=1, assessors=1) as onefile:
        standard = onefile.tables["Standard"][0]["ID"]
        onefile.tables["Unit"] = [
            {"ID": each, "StandardID": standard, "Title": "Unit"} for each in ("U_1", number, "U_2")
        ]
        run = read(tmp_path, onefile, "units", fetch_details=["units"])

    targets = [call.target for call in onefile.calls if "/Unit/" in call.target and call.method == "GET"]
    assert targets
    for target in targets:
        assert re.fullmatch(r"/api/v2\.1/Unit/[A-Za-z0-9_~.%-]+", target)
        assert not re.search("%2f|%5c", target, re.IGNORECASE)
    assert {"U_1", "U_2"} <= {record["ID"] for record in run.records["units"]}


# How long the server asks to wait.


def dated(status: int, ahead: float, wait: float | str) -> Answer:
    """Ask to wait, by a clock that is some seconds ahead."""
    now = datetime.now(UTC) + timedelta(seconds=ahead)
    until = wait if isinstance(wait, str) else format_datetime(now + timedelta(seconds=wait), usegmt=True)
    return Answer(status, headers=(f"Date: {format_datetime(now, usegmt=True)}", f"Retry-After: {until}"))


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("ahead", [3600, -3600, 86_400, 40])
def test_a_date_to_wait_for_is_read_by_the_clock_that_it_comes_from(tmp_path: Path, status: int, ahead: float) -> None:
    with OneFile(1, learners=5, classrooms=3) as onefile:
        onefile.slips = [
            lambda call, nth, answer: dated(status, ahead, 1) if call.entity == "User" and nth == 1 else answer
        ]
        run = read(tmp_path, onefile, "learners", "classrooms")

    assert_complete(run, onefile, "learners", "classrooms")
    assert not re.search(r"(waiting|again in) (\d{3,}|[2-9]\d) s", run.stderr)


def test_a_date_to_wait_for_is_waited_for_although_the_clock_is_behind(tmp_path: Path) -> None:
    times: list[float] = []

    def slips(call: Call, nth: int, answer: Answer) -> Answer:
        if call.entity == "User":
            times.append(time.monotonic())
        return dated(429, -3600, 4) if call.entity == "User" and nth == 1 and call.page == 1 else answer

    with OneFile(1, learners=5) as onefile:
        onefile.slips = [slips]
        run = read(tmp_path, onefile, "learners", parallel_requests=1)

    assert_complete(run, onefile, "learners")
    assert times[1] - times[0] > 2.5


@pytest.mark.parametrize("wait", ["0", "-5", "soon", "", "9" * 400, "Thu, 99 Foo 2026 00:00:00 GMT", "1, 1"])
def test_a_wait_that_cannot_be_read_does_no_harm(tmp_path: Path, wait: str) -> None:
    with OneFile(1, learners=5) as onefile:
        onefile.slips = [slip(dated(503, 0, wait), entity="User", page=1)]
        run = read(tmp_path, onefile, "learners", retry_for=20)

    # What is asked for may be longer than anybody can wait, and then the run says so.
    if run.status and wait.startswith("9"):
        assert_told(run, onefile, "learners")
    else:
        assert_complete(run, onefile, "learners")


@pytest.mark.parametrize("by", ["seconds", "date"])
def test_a_wait_just_longer_than_a_call_is_repeated_for_ends_nothing(tmp_path: Path, by: str) -> None:
    with OneFile(1, learners=5, classrooms=3) as onefile:
        asks = dated(503, 0, "3") if by == "seconds" else dated(503, 3600, 3)
        onefile.slips = [slip(asks, entity="User", page=1)]
        run = read(tmp_path, onefile, "learners", "classrooms", retry_for=2)

    assert_complete(run, onefile, "learners", "classrooms")


def test_the_sentence_says_when_the_server_asked_for_the_wait(tmp_path: Path) -> None:
    with OneFile(1, learners=5, classrooms=3) as onefile:
        onefile.slips = [slip(dated(503, 0, "7200"), None, entity="User")]
        run = read(tmp_path, onefile, "learners", "classrooms", retry_for=2)

    assert_told(run, onefile, "learners", "classrooms")
    assert re.search(r"asked|asks|Retry-After", run.last_line)
