"""What is done about each answer, and what the user is told about it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tap_onefile import errors
from tap_onefile.errors import Action

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

CALL = "POST User/Search/1/100"
HOST = "wsapi.onefile.co.uk"

SPECIAL = {
    401: Action.LOG_IN_AGAIN,
    403: Action.LOG_IN_AGAIN,
    404: Action.NOT_FOUND,
    408: Action.REPEAT,
    429: Action.SLOW_DOWN,
}


def test_each_status_has_the_action_of_the_error_table() -> None:
    by_hundreds = {2: Action.READ, 3: Action.REDIRECTED, 4: Action.REFUSED}
    table = {status: by_hundreds.get(status // 100, Action.REPEAT) for status in range(200, 1000)} | SPECIAL

    assert {status: errors.action_for(status) for status in table} == table


@pytest.mark.parametrize(
    ("error", "names"),
    [
        (errors.login_refused(401, HOST), [HOST, "401", "customer_token", "environment", "OneFile support"]),
        (errors.access_refused(CALL, 403), [CALL, "403", "fresh login", "OneFile support", "deselect"]),
        (errors.question_refused(CALL, 400, -57, "Placement not found"), [CALL, "400", "-57", "Placement not found"]),
        (errors.question_refused(CALL, 400, None, None), [CALL, "400", "no reason given"]),
        (errors.question_refused(CALL, 400, "x", " "), [CALL, "400", "no reason given"]),
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


@unhurried
@given(message=st.text())
@example(message="x\n" * 1000)
def test_the_words_of_onefile_become_one_short_line(message: str) -> None:
    sentence = str(errors.question_refused(CALL, 400, None, message))

    assert len(sentence.splitlines()) == 1
    assert len(sentence) < 500


@pytest.mark.parametrize(
    "words", ["Placement not found", "The field 'Role' must be 1, 5 or 25.", "Centre 5740 not found"]
)
def test_a_plain_sentence_of_onefile_is_shown_as_it_is(words: str) -> None:
    assert f"«{words}»" in str(errors.question_refused(CALL, 400, -11, words))


words = st.lists(st.sampled_from(["User", "not", "found:", "'", "(", "value", "=", ":", ",", "for"]), max_size=60)
secrets = st.one_of(
    st.uuids().map(str),
    st.uuids().map(lambda guid: guid.hex),
    st.binary(min_size=48, max_size=260).map(lambda secret: base64.b64encode(secret).decode()),
    st.integers(1_000_000_000, 9_999_999_999).map(str),  # a ULN
    st.dates().map(str),
    st.from_regex(r"[A-Z]{2}[0-9]{6}[A-D]", fullmatch=True),  # a NINO
)


@unhurried
@given(before=words, secret=secrets, after=words)
def test_a_token_or_a_number_that_onefile_echoes_is_not_shown(before: list[str], secret: str, after: list[str]) -> None:
    message = " ".join([*before, secret, *after])

    assert secret not in str(errors.question_refused(CALL, 400, None, message))


names = st.from_regex(r"[a-z]{6,20}", fullmatch=True)


@unhurried
@given(before=words, name=names, after=words)
def test_an_e_mail_address_that_onefile_echoes_is_not_shown(before: list[str], name: str, after: list[str]) -> None:
    message = " ".join([*before, f"'{name}.smith@example.org'", *after])

    assert f"{name}.smith" not in str(errors.question_refused(CALL, 400, None, message))


@pytest.mark.parametrize("secret", ["3f2504e0-4f89-11d3-9a0c-0305e82c3301", "zaphod.smith@example.org", "QQ123456C"])
def test_cutting_the_line_leaves_no_part_of_what_must_not_be_shown(secret: str) -> None:
    for length in range(100):
        told = str(errors.question_refused(CALL, 400, None, "x " * length + secret))
        assert secret[:3] not in told


def test_everything_that_ends_a_run_can_be_told_from_a_defect() -> None:
    final = {
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.OneFileError)
    }

    assert len(final) > 5
    assert not issubclass(errors.Fault, errors.OneFileError)
