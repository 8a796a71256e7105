"""The problems of a run: each thing is told once when it is met, and counted for the end."""

from __future__ import annotations

import logging

import pytest

from tap_onefile.errors import IncompleteRun, NotFound
from tap_onefile.reporting.problems import Problems, loggable

LEFT_OUT = (
    "Values of fields that the tap does not have were left out: {}. To read them as text, add to the setting"
    " extra_fields: [{}]"
)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "tap-onefile")
    return caplog


def test_an_unknown_field_is_told_once_for_each_stream_and_counted_at_the_end(log: pytest.LogCaptureFixture) -> None:
    problems = Problems()
    for stream in ("learners", "learners", "assessors", "learners"):
        problems.unknown_fields(stream, {"Nickname": 1})

    assert [(record.levelname, "learners.Nickname" in record.message) for record in log.records] == [
        ("WARNING", True),
        ("WARNING", False),
    ]
    log.clear()
    problems.conclude()
    assert log.messages == [
        LEFT_OUT.format("3 of learners, 1 of assessors", '"learners.Nickname", "assessors.Nickname"')
    ]


def test_a_value_that_does_not_fit_is_told_once_for_each_kind_and_counted_at_the_end(
    log: pytest.LogCaptureFixture,
) -> None:
    problems = Problems()
    for kind in ("text", "a list", "text"):
        problems.misfits("learners", {("DOB", kind): 1})

    assert len(log.messages) == 2
    log.clear()
    problems.conclude()
    assert log.messages == [
        "learners: DOB was sent as null in 1 records, as a list came",
        "learners: DOB was sent as null in 2 records, as text came",
    ]


def test_records_that_moved_or_went_away_are_counted_at_the_end(log: pytest.LogCaptureFixture) -> None:
    problems = Problems()
    for _ in range(3):
        problems.gone("learners")
        problems.repeated_rows("learners", 2)
    assert log.messages == []
    problems.conclude()

    assert [record.levelname for record in log.records] == ["INFO", "WARNING"]
    assert "learners: 6 rows came twice" in log.messages[0]
    assert log.messages[1].startswith("learners: OneFile no longer had 3 records")
    assert problems.is_complete


def test_counts_of_a_page_add_up(log: pytest.LogCaptureFixture) -> None:
    problems = Problems()
    for _ in range(2):
        problems.unknown_fields("learners", {"Nickname": 3})
        problems.misfits("learners", {("DOB", "text"): 4})
        problems.repaired_texts("learners", {"FirstName": 5})
    log.clear()
    problems.conclude()

    assert log.messages == [
        "learners: DOB was sent as null in 8 records, as text came",
        "learners: NUL characters or half characters in FirstName were replaced by U+FFFD in 10 records",
        LEFT_OUT.format("6 of learners", '"learners.Nickname"'),
    ]


def test_a_stream_that_onefile_does_not_have_is_told_once_and_without_advice_that_contradicts_it(
    log: pytest.LogCaptureFixture,
) -> None:
    problems = Problems()
    call = "POST Provider/Search/1/100"
    for organisation in (1, 2):
        problems.absent("providers", NotFound(call, "onefile.test"), f"providers of OrganisationID {organisation}")
    problems.without_data("plans")

    assert log.messages == [f"providers: OneFile answers 404 to {call}, as if this customer did not have it"]
    log.clear()
    problems.conclude()
    assert log.messages == [
        "plans: OneFile has nothing for 1 learners",
        "Empty, as OneFile answers 404: providers. Deselect them.",
    ]
    assert problems.is_complete


def test_a_stream_that_is_there_for_one_organisation_and_not_for_another_is_missing() -> None:
    problems = Problems()
    problems.absent(
        "providers", NotFound("POST Provider/Search/1/100", "onefile.test"), "providers of OrganisationID 1"
    )
    problems.present("providers")

    assert not problems.is_complete
    assert not problems.not_offered
    with pytest.raises(IncompleteRun, match=r"Missing: providers of OrganisationID 1 \(OneFile answers POST Provider"):
        problems.conclude()


def test_a_run_that_has_nothing_to_say_says_nothing(log: pytest.LogCaptureFixture) -> None:
    problems = Problems()
    problems.conclude()

    assert problems.is_complete
    assert log.messages == []


def test_fields_that_were_left_out_do_not_make_a_run_incomplete() -> None:
    problems = Problems()
    problems.unknown_fields("learners", {"Nickname": 1})
    problems.misfits("learners", {("DOB", "text"): 1})

    assert problems.is_complete


def test_what_is_missing_is_told_at_once_and_named_with_its_reasons_at_the_end(log: pytest.LogCaptureFixture) -> None:
    problems = Problems()
    problems.missing("learners of OrganisationID 5", "It was refused.")
    problems.missing("classrooms", "It was refused too.")

    assert [record.levelname for record in log.records] == ["ERROR", "ERROR"]
    assert not problems.is_complete
    with pytest.raises(IncompleteRun, match=r"^The run is incomplete\. Missing: ") as incomplete:
        problems.conclude()
    for part in ("learners of OrganisationID 5 (It was refused.)", "classrooms (It was refused too.)"):
        assert part in str(incomplete.value)


def test_what_onefile_calls_something_cannot_pose_as_another_line_of_the_log() -> None:
    assert loggable("Example Centre") == "Example Centre"
    assert loggable("Example\n2026-01-31 | ERROR | \x1b[31mforged\u2028") == "Example 2026-01-31 | ERROR |  [31mforged "
    assert loggable("x" * 200_000) == "x" * 100 + "…"
    assert loggable({"needle": 1}) == loggable(None) == "?"
