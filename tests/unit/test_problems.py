"""The report of a run: each thing is told once when it is met, and counted for the end."""

from __future__ import annotations

import logging

import pytest

from tap_onefile.reporting.problems import Problems, as_told


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "tap-onefile")
    return caplog


def test_an_unknown_field_is_told_once_for_each_stream_and_counted_at_the_end(log: pytest.LogCaptureFixture) -> None:
    report = Problems()
    for stream in ("learners", "learners", "assessors", "learners"):
        report.unknown_field(stream, "Nickname")

    assert [(record.levelname, "Nickname in learners" in record.message) for record in log.records] == [
        ("WARNING", True),
        ("WARNING", False),
    ]
    log.clear()
    report.log_totals()
    assert log.messages == [
        "assessors: the unknown field Nickname was left out of 1 records",
        "learners: the unknown field Nickname was left out of 3 records",
    ]


def test_a_value_that_does_not_fit_is_told_once_for_each_kind_and_counted_at_the_end(
    log: pytest.LogCaptureFixture,
) -> None:
    report = Problems()
    for kind in ("text", "a list", "text"):
        report.unfit_value("learners", "DOB", kind)

    assert len(log.messages) == 2
    log.clear()
    report.log_totals()
    assert log.messages == [
        "learners: DOB was sent as null in 1 records, as a list came",
        "learners: DOB was sent as null in 2 records, as text came",
    ]


def test_records_that_moved_or_went_away_are_counted_at_the_end(log: pytest.LogCaptureFixture) -> None:
    report = Problems()
    for _ in range(3):
        report.gone("learners")
        report.repeated_rows("learners", 2)
    assert log.messages == []
    report.log_totals()

    assert [record.levelname for record in log.records] == ["INFO", "WARNING"]
    assert "learners: 6 rows came twice" in log.messages[0]
    assert log.messages[1].startswith("learners: OneFile no longer had 3 records")
    assert report.is_complete


def test_a_run_that_has_nothing_to_say_says_nothing(log: pytest.LogCaptureFixture) -> None:
    report = Problems()
    report.log_totals()

    assert report.is_complete
    assert report.sentence() == ""
    assert log.messages == []


def test_fields_that_were_left_out_do_not_make_a_run_incomplete() -> None:
    report = Problems()
    report.unknown_field("learners", "Nickname")
    report.unfit_value("learners", "DOB", "text")

    assert report.is_complete


def test_what_is_missing_is_told_at_once_and_named_with_its_reasons_at_the_end(log: pytest.LogCaptureFixture) -> None:
    report = Problems()
    report.missing("learners of OrganisationID 5", "It was refused.")
    report.missing("classrooms", "It was refused too.")

    assert [record.levelname for record in log.records] == ["ERROR", "ERROR"]
    assert not report.is_complete
    for part in ("learners of OrganisationID 5 (It was refused.)", "classrooms (It was refused too.)"):
        assert part in report.sentence()


def test_what_onefile_calls_something_cannot_pose_as_another_line_of_the_log() -> None:
    assert as_told("Example Centre") == "Example Centre"
    assert as_told("Example\n2026-01-31 | ERROR | \x1b[31mforged\u2028") == "Example 2026-01-31 | ERROR |  [31mforged "
    assert as_told("x" * 200_000) == "x" * 100 + "…"
    assert as_told({"needle": 1}) == as_told(None) == "?"
