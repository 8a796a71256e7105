"""What the client makes of each answer: the error table, row by row, without a network and without waiting."""

from __future__ import annotations

import base64
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from tap_onefile import errors
from tap_onefile.api.client import GIVES_UP_AFTER, SESSION_LIFETIME, Action, Client, Session, action_for
from tap_onefile.api.decode import Unreadable
from tap_onefile.api.rate_limit import RateLimit
from tap_onefile.api.transport import LOGIN
from tap_onefile.reporting.metrics import Tally
from tests.unit.scripted_transport import BROKEN, GOOD, ROWS, TOKEN, ScriptedTransport, answer

if TYPE_CHECKING:
    from tap_onefile.api.transport import Answer
    from tap_onefile.errors import Fault

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SESSION = base64.b64encode(bytes(range(225))).decode()
PATIENCE = 10
"""Seconds after which a test that hangs is given up."""

SPECIAL = {
    200: Action.READ,
    203: Action.READ,
    204: Action.READ,
    401: Action.LOG_IN_AGAIN,
    403: Action.LOG_IN_AGAIN,
    419: Action.LOG_IN_AGAIN,
    440: Action.LOG_IN_AGAIN,
    404: Action.NOT_FOUND,
    408: Action.REPEAT,
    429: Action.SLOW_DOWN,
}


def test_each_status_has_the_action_of_the_error_table() -> None:
    by_hundreds = {3: Action.REDIRECTED, 4: Action.REFUSED}
    table = {status: by_hundreds.get(status // 100, Action.REPEAT) for status in range(200, 1000)} | SPECIAL

    assert {status: action_for(status) for status in table} == table


def test_one_login_serves_every_call_and_each_token_goes_where_it_belongs() -> None:
    onefile = ScriptedTransport(GOOD)
    client = onefile.client()
    tally = Tally()
    for page in (1, 2):
        assert list(map(dict, client.search(f"User/Search/{page}/100", {"Role": 1}, tally=tally))) == ROWS
    assert [call[:3] for call in onefile.calls] == [
        ("POST Authentication", {"X-CustomerToken": TOKEN}, None),
        ("POST User/Search/1/100", {"X-TokenID": "session-1"}, {"Role": 1}),
        ("POST User/Search/2/100", {"X-TokenID": "session-1"}, {"Role": 1}),
    ]
    assert tally.calls == 2


@pytest.mark.parametrize("body", [b"abc+/=", b'"abc+/="', rb'"abc\u002b\/="', b"\xef\xbb\xbfabc+/=\r\n"], ids=repr)
def test_a_session_is_used_without_its_quotes(body: bytes) -> None:
    onefile = ScriptedTransport(GOOD, logins=(answer(200, body),))
    onefile.search()
    assert onefile.calls[1][1] == {"X-TokenID": "abc+/="}


@pytest.mark.parametrize("status", [401, 403, 302])
def test_a_session_that_has_died_is_replaced_once_and_nobody_notices(status: int) -> None:
    onefile = ScriptedTransport(answer(status), GOOD)
    assert onefile.search() == ROWS
    assert [call[1] for call in onefile.asked()] == [{"X-TokenID": "session-1"}, {"X-TokenID": "session-2"}]


@pytest.mark.parametrize("code", [-1, -2, -4])
def test_a_code_for_a_dead_session_has_it_replaced_whatever_the_status(code: int) -> None:
    onefile = ScriptedTransport(answer(400, {"code": code, "message": "Session expired"}), GOOD)
    assert onefile.search() == ROWS
    assert [call[1] for call in onefile.asked()] == [{"X-TokenID": "session-1"}, {"X-TokenID": "session-2"}]


def test_a_code_for_a_dead_session_that_a_new_one_does_not_mend_is_told_as_it_came() -> None:
    onefile = ScriptedTransport(answer(400, {"code": -2}))
    onefile.customer = [answer(200, {"ID": 1})]
    with pytest.raises(errors.QuestionRefused, match=r"status 400: OneFile's code -2"):
        onefile.search()
    assert len(onefile.asked()) == 2


@pytest.mark.parametrize("status", [401, 403, 302])
def test_a_list_that_meets_with_a_dead_session_is_asked_for_in_a_new_one(status: int) -> None:
    onefile = ScriptedTransport(answer(status), GOOD)
    assert onefile.client().try_search("User/Search", {}, at_most=1000, tally=Tally()) == ROWS
    assert [call[1] for call in onefile.asked()] == [{"X-TokenID": "session-1"}, {"X-TokenID": "session-2"}]


@pytest.mark.parametrize("status", [401, 403])
def test_what_is_refused_after_a_fresh_login_is_refused_for_good(status: int) -> None:
    onefile = ScriptedTransport(answer(status))
    onefile.customer = [answer(200, {"ID": 1})]
    with pytest.raises(errors.Refused, match=rf"User/Search/1/100 was refused \(status {status}\) right after a fresh"):
        onefile.search()
    assert len(onefile.asked(LOGIN)) == len(onefile.asked()) == 2


@pytest.mark.parametrize("status", [401, 403])
def test_a_new_session_that_has_died_in_its_turn_is_no_refusal(status: int) -> None:
    onefile = ScriptedTransport(answer(status), answer(status), answer(status), GOOD)
    onefile.customer = [answer(status)]
    assert onefile.search() == ROWS
    assert [call[1] for call in onefile.asked()] == [{"X-TokenID": f"session-{number}"} for number in range(1, 5)]


@pytest.mark.parametrize("path", ["User/5", "Customer"])
@pytest.mark.parametrize(("status", "error"), [(401, errors.AccessRefused), (302, errors.WrongAddress)])
def test_sessions_that_never_live_are_an_end_too(path: str, status: int, error: type[Exception]) -> None:
    onefile = ScriptedTransport(answer(status))
    with pytest.raises(error, match=f"GET {path} (was refused|with a redirect)"):
        onefile.client().get(path)
    assert len(onefile.asked(LOGIN)) == (2 if path == "Customer" else 6)


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404])
def test_a_login_that_is_refused_ends_the_run_at_once(status: int) -> None:
    onefile = ScriptedTransport(GOOD, logins=(answer(status, {"code": -1, "message": TOKEN}),))
    error = errors.WrongAddress if status in {302, 404} else errors.LoginRefused
    with pytest.raises(error, match=rf"onefile\.test.*{status}|{status}.*onefile\.test") as refused:
        onefile.search()
    assert TOKEN not in str(refused.value)
    assert len(onefile.calls) == 1


@pytest.mark.parametrize(
    ("status", "retry_after", "pause"),
    [(429, None, 60), (429, 7, 7), (429, 0, 1), (429, 90, 90), (429, 10**9, GIVES_UP_AFTER), (503, 50, 50)],
)
def test_the_pause_that_onefile_asks_for_is_kept(status: int, retry_after: float | None, pause: float) -> None:
    onefile = ScriptedTransport(answer(status, retry_after=retry_after), GOOD)
    assert onefile.search(retry_for=60) == ROWS
    (_, _, _, refused), (_, _, _, repeated) = onefile.asked()
    assert repeated - refused == pause


@pytest.mark.parametrize("retry_after", [None, 0, 7, 10**9])
def test_a_quarter_of_an_hour_of_nothing_but_429_ends_the_run(retry_after: float | None) -> None:
    onefile = ScriptedTransport(answer(429, retry_after=retry_after))
    with pytest.raises(errors.Unavailable, match=r"429\) for 1[56] minutes"):
        onefile.search(calls_per_minute=100)
    assert GIVES_UP_AFTER <= onefile.now - 5000 < GIVES_UP_AFTER + 120


def test_a_429_after_a_long_rest_of_our_own_is_the_first_one() -> None:
    onefile = ScriptedTransport(answer(429), GOOD, answer(429), GOOD)
    client = onefile.client()
    client.search("User/Search/1/100", {})
    onefile.now += 2 * GIVES_UP_AFTER  # whoever reads the records is slow
    assert list(map(dict, client.search("User/Search/2/100", {}))) == ROWS


@pytest.mark.parametrize("before", [[], [answer(429)]], ids=len)
def test_a_429_at_the_end_of_a_long_outage_is_the_first_one(before: list[Answer]) -> None:
    onefile = ScriptedTransport(*before, *[answer(503)] * 60, answer(429), GOOD)
    assert onefile.search(retry_for=2700) == ROWS


@unhurried
@given(failures=st.lists(st.sampled_from([answer(429), answer(429, retry_after=0), answer(503), BROKEN]), min_size=1))
def test_no_mixture_of_failures_goes_on_for_ever(failures: list[Answer | Fault]) -> None:
    onefile = ScriptedTransport(*failures * (500 // len(failures) + 1))
    # Where the check of what every token may read is let in, or told to slow down, OneFile answers other calls.
    with pytest.raises((errors.Unavailable, errors.CallFailed)):
        onefile.search(calls_per_minute=100)


class RefusedTogether(ScriptedTransport):
    """Refuses a call that has another beside it, which was refused a moment before."""

    limit: RateLimit | None = None

    @override
    def exchange(self, method: str, path: str, **options: Any) -> Answer:
        found = super().exchange(method, path, **options)
        if found.status == 429 and self.limit:
            self.limit.pause(60)
        return found


@pytest.mark.parametrize("is_together", [False, True])
def test_calls_that_are_refused_together_are_told_of_once(
    is_together: bool,  # noqa: FBT001 - a case, not a switch
    caplog: pytest.LogCaptureFixture,
) -> None:
    onefile = RefusedTogether(answer(429), GOOD)
    limit = RateLimit(100, clock=onefile.clock, sleep=onefile.sleep)
    onefile.limit = limit if is_together else None
    client = Client(onefile, TOKEN, limit, retry_for=120, clock=onefile.clock, sleep=onefile.sleep)

    assert list(map(dict, client.search("User/Search/1/100", {}))) == ROWS
    assert len([line for line in caplog.messages if "(429)" in line]) == (0 if is_together else 1)


def test_a_host_that_sends_all_calls_elsewhere_does_not_answer_others() -> None:
    onefile = ScriptedTransport(BROKEN)
    onefile.customer = [answer(302)]
    with pytest.raises(errors.GaveUp, match="No answer to POST /User/Search/1/100"):
        onefile.search()


def search_in_vain(client: Client, calls: int) -> type[Exception]:
    for number in range(1, calls + 1):
        with pytest.raises((errors.Unavailable, errors.CallFailed)) as failure:
            client.search(f"User/Search/{number}/100", {})
    return failure.type


def test_calls_that_are_never_answered_end_a_run_although_others_are_after_the_third_of_a_kind() -> None:
    onefile = ScriptedTransport(BROKEN)
    onefile.customer = [answer(200, {"ID": 1})]
    client = onefile.client()

    assert search_in_vain(client, 2) is errors.CallFailed
    assert search_in_vain(client, 1) is errors.GaveUp


def test_calls_that_are_answered_now_and_then_or_with_an_error_end_no_run() -> None:
    onefile = ScriptedTransport(BROKEN)
    onefile.customer = [answer(200, {"ID": 1})]
    client = onefile.client()

    for _ in range(3):
        onefile.script = [BROKEN]
        assert search_in_vain(client, 2) is errors.CallFailed
        onefile.script = [answer(503)]
        assert search_in_vain(client, 5) is errors.CallFailed
        onefile.script = [GOOD]
        assert list(map(dict, client.search("User/Search/9/100", {}))) == ROWS


def test_the_time_spent_on_429_is_not_taken_from_retry_for() -> None:
    onefile = ScriptedTransport(answer(503), answer(429, retry_after=300), answer(503), GOOD)
    assert onefile.search(retry_for=120) == ROWS


@pytest.mark.parametrize("failure", [answer(status) for status in (408, 500, 502, 503, 504, 599)] + [BROKEN], ids=repr)
def test_a_passing_failure_is_repeated_after_growing_pauses(failure: Answer | Fault) -> None:
    onefile = ScriptedTransport(GOOD, *[failure] * 8, GOOD)
    client = onefile.client(retry_for=300)
    client.search("User/Search/1/100", {})
    assert list(map(dict, client.search("User/Search/2/100", {}))) == ROWS
    for pause, most in zip(onefile.pauses, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert most / 2 <= pause <= most


@pytest.mark.parametrize("retry_for", [0, 10, 120, 2700])
def test_a_call_that_goes_on_failing_is_given_up_after_retry_for(retry_for: int) -> None:
    onefile = ScriptedTransport(answer(503))
    with pytest.raises(errors.Unavailable, match=r"/User/Search/1/100 from onefile\.test: .* got status 503") as told:
        onefile.search(retry_for=retry_for)
    tries = len(onefile.asked())
    assert (f"tried {tries} times in {onefile.now - 5000:.0f} s" if retry_for else "tried once") in str(told.value)
    assert retry_for - 30 <= onefile.now - 5000 <= retry_for


def test_a_host_that_has_never_answered_is_given_up_after_three_tries() -> None:
    onefile = ScriptedTransport(GOOD, logins=(BROKEN,))
    with pytest.raises(errors.Unavailable, match=r"tried 3 times .* got a connection that broke off"):
        onefile.search(retry_for=2700)


@pytest.mark.parametrize("sign_of_life", [answer(503), answer(429), answer(200, b"<html>")], ids=repr)
def test_a_host_that_has_answered_anything_is_not_given_up_after_three_tries(sign_of_life: Answer) -> None:
    onefile = ScriptedTransport(GOOD, logins=(sign_of_life, *[BROKEN] * 5, answer(200, b"abc")))
    assert onefile.search(retry_for=2700) == ROWS


DEEP = pytest.param(b"[" * 100_000, id="deep")
NEITHER = [b"<html>Down</html>", b'[{"ID": 1}, {"I', b"oops", b"\xff\xfe\xfa", DEEP, b"5", b"[1]", b"true"]
NO_ROWS = [b'{"ID": 1}', b"[null]", b"[[]]", b'[{"ID": 1}, 2]', b'"text"', b"{}"]


@pytest.mark.parametrize("body", [*NEITHER, *NO_ROWS], ids=repr)
def test_a_search_whose_answer_is_no_list_of_records_is_repeated(body: bytes) -> None:
    onefile = ScriptedTransport(answer(200, body), GOOD)
    assert onefile.search() == ROWS
    assert len(onefile.asked()) == 2


@pytest.mark.parametrize(
    "value", [b"NaN", b"-Infinity", b'"caf\xe9"', b"9" * 5000], ids=["nan", "inf", "latin", "long"]
)
def test_a_value_that_no_reader_takes_costs_that_value_alone(value: bytes) -> None:
    onefile = ScriptedTransport(answer(200, b'[{"ID": 1, "Progress": %s}, {"ID": 2}]' % value))
    unreadable, readable = onefile.search()
    assert len(onefile.asked()) == 1
    assert (unreadable["ID"], readable) == (1, {"ID": 2})
    assert isinstance(unreadable["Progress"], Unreadable)
    assert repr(unreadable["Progress"]) == "?"


@pytest.mark.parametrize("body", [b'{"ID": 1}', b"[null]", b'[{"ID": 1}, 2]', b'"text"', b"{}"], ids=repr)
def test_a_whole_answer_of_another_shape_twice_is_missing_and_no_outage(body: bytes) -> None:
    onefile = ScriptedTransport(answer(200, body))
    with pytest.raises(errors.Refused, match="cannot read that"):
        onefile.search(retry_for=2700)
    assert len(onefile.asked()) == 2


def test_a_list_of_one_object_is_that_object() -> None:
    assert ScriptedTransport(answer(200, b'[{"ID": 1}]')).client().get("Customer") == {"ID": 1}


@pytest.mark.parametrize("body", [*NEITHER, b'[{"ID": 1}, {"ID": 2}]'], ids=repr)
def test_a_record_whose_answer_is_no_record_is_repeated(body: bytes) -> None:
    assert ScriptedTransport(answer(200, body), answer(200, {"ID": 5})).client().get("User/5") == {"ID": 5}


OTHER = [{"ID": 6}, {"code": -57, "message": "not found"}, {"ID": None}, {}, {"ID": "05"}]


@pytest.mark.parametrize("other", OTHER, ids=repr)
def test_another_record_or_an_error_that_comes_as_a_good_answer_is_not_taken_for_the_record(other: object) -> None:
    for script in ([answer(200, other)], [answer(200, [other])]):
        assert ScriptedTransport(*script, answer(200, {"ID": 5})).client().get("User/5", record_id="5") == {"ID": 5}
        with pytest.raises(errors.Refused, match="something other than the record, twice"):
            ScriptedTransport(*script).client().get("User/5", record_id="5")


@pytest.mark.parametrize("spelled", [5, "5", 5.0], ids=repr)
def test_a_record_is_known_by_its_id_however_that_is_spelled(spelled: object) -> None:
    assert ScriptedTransport(answer(200, {"ID": spelled})).client().get("User/5", record_id="5") == {"ID": spelled}


@unhurried
@given(body=st.binary())
@example(body=b'[{"Name": "\\ud83d"}]')
def test_whatever_the_body_a_search_gives_records_or_says_that_there_was_no_answer(body: bytes) -> None:
    # What is asked of the customer is answered by the same body: a call fails alone, or with all others.
    with suppress(errors.Unavailable, errors.CallFailed):
        rows = ScriptedTransport(answer(200, body)).client(retry_for=0).search("User/Search/1/100", {})
        assert all(type(row) is dict for row in rows)


@pytest.mark.parametrize("body", [b"", b" \r\n", b"[]", b"null", b'""', b"\xef\xbb\xbf[]", b"\xef\xbb\xbf"], ids=repr)
def test_a_body_without_data_is_no_rows_however_it_is_spelled(body: bytes) -> None:
    assert ScriptedTransport(answer(200, body)).search() == ScriptedTransport(answer(204, body)).search() == []
    assert ScriptedTransport(answer(200, body)).client().get_list("LearnerStatuses") == []


@pytest.mark.parametrize(
    "nothing", [answer(404), answer(400), answer(204, b""), *(answer(200, body) for body in (b"null", b"[]"))], ids=repr
)
def test_a_record_that_went_away_is_not_found(nothing: Answer) -> None:
    onefile = ScriptedTransport(nothing)
    with pytest.raises(errors.NotFound, match="User/5"):
        onefile.client().get("User/5", record_id="5")
    assert len(onefile.asked()) == 1


@pytest.mark.parametrize("status", [400, 405, 409, 422])
def test_a_wrong_question_fails_at_once_with_the_code_of_onefile(status: int) -> None:
    onefile = ScriptedTransport(answer(status, {"Code": -57, "Message": "Placement not found"}))
    with pytest.raises(errors.Refused, match=rf"status {status}: OneFile's code -57, placement not found\)"):
        onefile.search()
    assert len(onefile.asked()) == len(onefile.asked(LOGIN)) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_what_is_redirected_after_a_fresh_login_too_is_refused_for_good(status: int) -> None:
    onefile = ScriptedTransport(answer(status))
    onefile.customer = [answer(200, {"ID": 1})]
    with pytest.raises(errors.Redirected, match=rf"User/Search/1/100 with a redirect \(status {status}\)"):
        onefile.search()
    assert len(onefile.asked(LOGIN)) == len(onefile.asked()) == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b"5", b"null", b"{}", b"\xff", DEEP, b'{"code": "-57"}', b'{"code": true}'],
    ids=repr,
)
def test_a_wrong_question_fails_at_once_even_without_words(body: bytes) -> None:
    with pytest.raises(errors.Refused, match="no reason given"):
        ScriptedTransport(answer(400, body)).search()


def test_half_of_a_surrogate_pair_which_nothing_can_write_becomes_a_mark() -> None:
    (row,) = ScriptedTransport(answer(200, rb'[{"FirstName": "half a pair: \ud83d", "Emails": ["\udc00"]}]')).search()
    assert row == {"FirstName": "half a pair: \ufffd", "Emails": ["\ufffd"]}


def test_logins_and_repeats_take_their_turn_in_the_budget() -> None:
    onefile = ScriptedTransport(answer(401), answer(503), GOOD)
    onefile.search(calls_per_minute=1, retry_for=1000)
    times = [call[3] for call in onefile.calls]
    assert all(later - earlier >= 60 for earlier, later in itertools.pairwise(times))


@pytest.mark.parametrize("token", [TOKEN, "letters-only"])
@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 409, 429, 503])
def test_nothing_told_holds_a_token_or_a_value(status: int, token: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    echo = f"<{token}> {SESSION} Zaphod Beeblebrox {token}"
    onefile = ScriptedTransport(
        answer(status, {"code": 1234567890, "message": echo}), logins=(answer(200, SESSION.encode()),)
    )
    with pytest.raises(errors.OneFileError) as told:
        onefile.client(token=token).search("User/Search/1/100", {})
    for secret in (token, SESSION, "Zaphod", "1234567890"):
        assert secret not in str(told.value) + caplog.text


class Logins:
    """Counts logins; each gives another session."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        return f"session-{self.count}"


def test_many_threads_with_one_refused_session_log_in_once() -> None:
    threads = 16
    refusals = threading.Semaphore(0)
    numbers = itertools.count(1)

    def log_in() -> str:
        number = next(numbers)
        if number > 1:
            # The login takes until the session of each of the others is refused too.
            for _ in range(threads):
                assert refusals.acquire(timeout=PATIENCE)
        return f"session-{number}"

    session = Session(log_in)
    refused = session.token()
    all_refused = threading.Barrier(threads)

    def work(_: int) -> str:
        all_refused.wait(PATIENCE)
        refusals.release()
        session.discard(refused)
        return session.token()

    with ThreadPoolExecutor(threads) as pool:
        sessions = set(pool.map(work, range(threads)))

    assert sessions == {"session-2"}
    assert next(numbers) == 3


def test_a_late_refusal_of_an_old_session_does_not_cost_the_new_one() -> None:
    logins = Logins()
    session = Session(logins)
    old = session.token()
    session.discard(old)
    new = session.token()
    session.discard(old)

    assert session.token() == new
    assert logins.count == 2


def test_a_session_is_used_until_its_lifetime_is_over_counted_from_before_the_login() -> None:
    now = 1000.0

    def log_in() -> str:
        nonlocal now
        now += 50
        return f"session-{now:.0f}"

    session = Session(log_in, clock=lambda: now)
    first = session.token()
    now = 1000.0 + SESSION_LIFETIME - 1
    assert session.token() == first
    now = 1000.0 + SESSION_LIFETIME
    assert session.token() != first


def test_a_login_that_fails_is_not_tried_again() -> None:
    tries = itertools.count(1)

    def log_in() -> str:
        next(tries)
        raise ConnectionError

    session = Session(log_in)
    for _ in range(3):
        with pytest.raises(ConnectionError):
            session.token()
    assert next(tries) == 2
