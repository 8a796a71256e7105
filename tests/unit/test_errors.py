"""What the user is told of each error."""

from __future__ import annotations

import signal

import pytest

from tap_onefile import errors

CALL = "POST User/Search/1/100"
HOST = "wsapi.onefile.co.uk"


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (errors.LoginRefused(401, HOST), [HOST, "401", "customer_token", "environment", "OneFile support"]),
        (errors.AccessRefused(CALL, 403), [CALL, "403", "fresh login", "OneFile support", "deselect"]),
        (errors.QuestionRefused(CALL, 400, -57), [CALL, "400", "-57", "placement not found"]),
        (errors.QuestionRefused(CALL, 400, -1), [CALL, "400", "-1"]),
        (errors.QuestionRefused(CALL, 400, None), [CALL, "400", "no reason given"]),
        (errors.NotFound(CALL, HOST), [CALL, HOST, "404", "api_url", "environment"]),
        (errors.Redirected(CALL, 302, HOST), [CALL, HOST, "302", "api_url", "redirect"]),
        (errors.GaveUp(CALL, HOST, "status 503", 1, 0), [CALL, HOST, "status 503", "once", "07:00", "retry_for"]),
        (errors.GaveUp(CALL, HOST, "status 503", 7, 119.6), ["7 times in 120 s"]),
        (errors.RateLimited(HOST, 15.0), [HOST, "429", "15 minutes"]),
        (errors.WrongAddress(errors.NotFound(CALL, HOST)), [CALL, HOST, "404", "api_url"]),
        (errors.WrongAddress(errors.Redirected(CALL, 302, HOST)), [CALL, HOST, "302", "api_url"]),
        (errors.UnreadableAnswer(CALL, "an HTML page"), [CALL, "an HTML page", "twice", "report", "deselect"]),
        (errors.MissingPage(CALL), [CALL, "404", "Run again"]),
        (errors.RepeatedPage("users"), ["users", "same rows", "Run again"]),
        (errors.MissingRows("users", 3), ["3 rows of users", "Run again"]),
        (errors.MissingRows("users", 0), ["Some rows of users", "Run again"]),
        (errors.ForeignRows("users", "Role"), ["users", "another Role", "run again"]),
        (errors.NoData("off_the_job", 9, 10), ["off_the_job", "9 of 10 learners", "deselect"]),
        (
            errors.CallFailed(errors.GaveUp(CALL, HOST, "status 500", 3, 9)),
            [CALL, HOST, "status 500", "3 times in 9 s"],
        ),
        (
            errors.CallsFailed(errors.QuestionRefused(CALL, 400, None), 1),
            [CALL, "400", "This one failed; what all others gave was sent"],
        ),
        (errors.CallsFailed(errors.QuestionRefused(CALL, 400, None), 3), ["3 failed like this"]),
        (errors.GaveUp(CALL, HOST, "status 503", 1, 0, 7200), ["asked to wait for 7200 s"]),
        (errors.NoOrganisations(), ["no organisation", "Run again", "OneFile support"]),
        (errors.NoDetails("plans", 9, 10), ["only 1 of 10 plans", "fetch_details", "Run again"]),
        (errors.UnusableRow("users", "ID"), ["users", "usable ID", "report", "deselect"]),
        (errors.SharedKey("users", "ID"), ["users", "same ID", "report", "deselect"]),
        (errors.UnknownObject("plans"), ["plans", "Run again", "report"]),
        (errors.Interrupted(signal.SIGTERM), ["SIGTERM", "run again"]),
    ],
)
def test_a_sentence_says_what_was_asked_what_came_and_what_to_do(error: Exception, names: list[str]) -> None:
    sentence = str(error)

    assert [name for name in names if name not in sentence] == []
    assert sentence.endswith(".")


def test_everything_that_ends_a_run_can_be_told_from_a_defect() -> None:
    ours = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)}

    assert len(ours) > 5
    assert {each for each in ours if not issubclass(each, errors.OneFileError)} == {errors.Fault}
