"""What is done about each answer, and what the user is told about it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tap_onefile import errors
from tap_onefile.errors import Action

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

CALL = "POST User/Search/1/100"
HOST = "wsapi.onefile.co.uk"

SPECIAL = {
    200: Action.READ,
    203: Action.READ,
    204: Action.READ,
    401: Action.LOG_IN_AGAIN,
    403: Action.LOG_IN_AGAIN,
    404: Action.NOT_FOUND,
    408: Action.REPEAT,
    429: Action.SLOW_DOWN,
}


def test_each_status_has_the_action_of_the_error_table() -> None:
    by_hundreds = {3: Action.REDIRECTED, 4: Action.REFUSED}
    table = {status: by_hundreds.get(status // 100, Action.REPEAT) for status in range(200, 1000)} | SPECIAL

    assert {status: errors.action_for(status) for status in table} == table


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (errors.login_refused(401, HOST), [HOST, "401", "customer_token", "environment", "OneFile support"]),
        (errors.access_refused(CALL, 403), [CALL, "403", "fresh login", "OneFile support", "deselect"]),
        (errors.question_refused(CALL, 400, -57), [CALL, "400", "-57", "placement not found"]),
        (errors.question_refused(CALL, 400, -1), [CALL, "400", "-1"]),
        (errors.question_refused(CALL, 400, None), [CALL, "400", "no reason given"]),
        (errors.not_an_api(CALL, HOST), [CALL, HOST, "404", "api_url", "environment"]),
        (errors.redirected(CALL, 302, HOST), [CALL, HOST, "302", "api_url", "redirect"]),
        (errors.gave_up(CALL, HOST, "status 503", 1, 0), [CALL, HOST, "status 503", "once", "07:00", "retry_for"]),
        (errors.gave_up(CALL, HOST, "status 503", 7, 119.6), ["7 times in 120 s"]),
        (errors.starved(HOST, 900), [HOST, "429", "15 minutes"]),
    ],
)
def test_a_sentence_says_what_was_asked_what_came_and_what_to_do(error: Exception, names: list[str]) -> None:
    sentence = str(error)

    assert [name for name in names if name not in sentence] == []
    assert sentence.endswith(".")


def test_everything_that_ends_a_run_can_be_told_from_a_defect() -> None:
    final = {
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.OneFileError)
    }

    assert len(final) > 5
    assert not issubclass(errors.Fault, errors.OneFileError)
