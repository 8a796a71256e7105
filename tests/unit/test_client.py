"""What the client makes of each answer: the error table, row by row, without a network and without waiting."""

from __future__ import annotations

import base64
import itertools
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from tap_onefile import errors
from tap_onefile.api.client import STARVED_AFTER, Client
from tap_onefile.api.rate_limit import RateLimit
from tap_onefile.api.transport import LOGIN, Answer, Transport
from tap_onefile.errors import Fault
from tap_onefile.reporting.metrics import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TOKEN = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"
SESSION = base64.b64encode(bytes(range(225))).decode()
ROWS = [{"ID": 1}, {"ID": 2}]


def answer(status: int, content: object = "", retry_after: float | None = None) -> Answer:
    return Answer(status, content if isinstance(content, bytes) else json.dumps(content).encode(), retry_after)


GOOD = answer(200, ROWS)
BROKEN = Fault("a connection that broke off", is_answer=False)


class ScriptedTransport(Transport):
    """Plays a script of answers, the last one for ever, and a clock that only waiting moves."""

    def __init__(self, *script: Answer | Fault, logins: tuple[Answer | Fault, ...] = ()) -> None:
        super().__init__("https://onefile.test/api/v2.1", user_agent="test", timeout=1)
        self.now = 5000.0
        self.script = list(script)
        self.logins = list(logins)
        self.customer: list[Answer | Fault] = []
        """What is asked of the customer is answered by these, if there are any, the last one for ever."""
        self.calls: list[tuple[str, dict[str, str], object, float]] = []
        self.pauses: list[float] = []

    @override
    def exchange(
        self, method: str, path: str, *, headers: Mapping[str, str], body: object = None, **_: object
    ) -> Answer:
        self.calls.append((f"{method} {path}", dict(headers), body, self.now))
        assert len(self.calls) < 1000, "the client never gives up"
        if path == LOGIN and not self.logins:
            return answer(200, f"session-{len(self.asked(LOGIN))}".encode())
        steps = self.logins if path == LOGIN else (path == "Customer" and self.customer) or self.script
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        if isinstance(step, Fault):
            raise step
        return step

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def client(self, retry_for: float = 120, calls_per_minute: int = 0, token: str = TOKEN) -> Client:
        clock, budget = (lambda: self.now), RateLimit(calls_per_minute, clock=lambda: self.now, sleep=self.sleep)
        return Client(self, token, budget, retry_for=retry_for, clock=clock, sleep=self.sleep)

    def search(self, page: int = 1, retry_for: float = 120, calls_per_minute: int = 0) -> list[dict[str, Any]]:
        return self.client(retry_for, calls_per_minute).search_page("User", {"Role": 1}, page, 100)

    def asked(self, path: str = "User") -> list[tuple[str, dict[str, str], object, float]]:
        return [call for call in self.calls if f" {path}" in call[0]]


def test_one_login_serves_every_call_and_each_token_goes_where_it_belongs() -> None:
    onefile = ScriptedTransport(GOOD)
    client = onefile.client()
    tally = Tally()
    for page in (1, 2):
        assert client.search_page("User", {"Role": 1}, page, 100, tally=tally) == ROWS
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


@pytest.mark.parametrize("status", [401, 403])
def test_a_session_that_has_died_is_replaced_once_and_nobody_notices(status: int) -> None:
    onefile = ScriptedTransport(answer(status), GOOD)
    assert onefile.search() == ROWS
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
def test_sessions_that_never_live_are_an_end_too(path: str) -> None:
    onefile = ScriptedTransport(answer(401))
    with pytest.raises(errors.Refused, match=f"GET {path} was refused"):
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
    [(429, None, 60), (429, 7, 7), (429, 0, 1), (429, 90, 90), (429, 10**9, STARVED_AFTER), (503, 50, 50)],
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
    assert STARVED_AFTER <= onefile.now - 5000 < STARVED_AFTER + 120


def test_a_429_after_a_long_rest_of_our_own_is_the_first_one() -> None:
    onefile = ScriptedTransport(answer(429), GOOD, answer(429), GOOD)
    client = onefile.client()
    client.search_page("User", {}, 1, 100)
    onefile.now += 2 * STARVED_AFTER  # whoever reads the records is slow
    assert client.search_page("User", {}, 2, 100) == ROWS


@pytest.mark.parametrize("before", [[], [answer(429)]], ids=len)
def test_a_429_at_the_end_of_a_long_outage_is_the_first_one(before: list[Answer]) -> None:
    onefile = ScriptedTransport(*before, *[answer(503)] * 60, answer(429), GOOD)
    assert onefile.search(retry_for=2700) == ROWS


@unhurried
@given(failures=st.lists(st.sampled_from([answer(429), answer(429, retry_after=0), answer(503), BROKEN]), min_size=1))
def test_no_mixture_of_failures_goes_on_for_ever(failures: list[Answer | Fault]) -> None:
    onefile = ScriptedTransport(*failures * (500 // len(failures) + 1))
    with pytest.raises(errors.Unavailable):
        onefile.search(calls_per_minute=100)


def test_the_time_spent_on_429_is_not_taken_from_retry_for() -> None:
    onefile = ScriptedTransport(answer(503), answer(429, retry_after=300), answer(503), GOOD)
    assert onefile.search(retry_for=120) == ROWS


@pytest.mark.parametrize("failure", [answer(status) for status in (408, 500, 502, 503, 504, 599)] + [BROKEN], ids=repr)
def test_a_passing_failure_is_repeated_after_growing_pauses(failure: Answer | Fault) -> None:
    onefile = ScriptedTransport(GOOD, *[failure] * 8, GOOD)
    client = onefile.client(retry_for=300)
    client.search_page("User", {}, 1, 100)
    assert client.search_page("User", {}, 2, 100) == ROWS
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
NO_ROWS = [b'{"ID": 1}', b"[null]", b"[[]]", b'[{"ID": 1}, 2]', b'"text"', b"{}", b'[{"ID": NaN}]']


@pytest.mark.parametrize("body", [*NEITHER, *NO_ROWS], ids=repr)
def test_a_search_whose_answer_is_no_list_of_records_is_repeated(body: bytes) -> None:
    onefile = ScriptedTransport(answer(200, body), GOOD)
    assert onefile.search() == ROWS
    assert len(onefile.asked()) == 2


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
    with suppress(errors.Unavailable):
        assert all(type(row) is dict for row in ScriptedTransport(answer(200, body)).search(retry_for=0))


@pytest.mark.parametrize("body", [b"", b" \r\n", b"[]", b"null", b'""', b"\xef\xbb\xbf[]", b"\xef\xbb\xbf"], ids=repr)
def test_a_body_without_data_is_no_rows_however_it_is_spelled(body: bytes) -> None:
    assert ScriptedTransport(answer(200, body)).search() == ScriptedTransport(answer(204, body)).search() == []
    assert ScriptedTransport(answer(200, body)).client().get_rows("LearnerStatuses") == []


@pytest.mark.parametrize(
    "nothing", [answer(404), answer(400), answer(204, b""), *(answer(200, body) for body in (b"null", b"[]"))], ids=repr
)
def test_a_record_that_went_away_is_not_found(nothing: Answer) -> None:
    onefile = ScriptedTransport(nothing)
    with pytest.raises(errors.NotFound, match="User/5"):
        onefile.client().get("User/5", record_id="5")
    assert len(onefile.asked()) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 405, 409, 422])
def test_a_redirect_or_a_wrong_question_fails_at_once_and_the_latter_with_the_code_of_onefile(status: int) -> None:
    onefile = ScriptedTransport(answer(status, {"Code": -57, "Message": "Placement not found"}))
    error, reason = (
        (errors.WrongAddress, "") if status < 400 else (errors.Refused, ": OneFile's code -57, placement not found")
    )
    with pytest.raises(error, match=rf"status {status}{reason}\)"):
        onefile.search()
    assert len(onefile.asked()) == len(onefile.asked(LOGIN)) == 1


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


def test_404_is_the_end_of_a_search_except_on_its_first_page() -> None:
    assert ScriptedTransport(answer(404), answer(404), GOOD).search(page=2) == []
    with pytest.raises(errors.NotFound, match="api_url"):
        ScriptedTransport(answer(404)).search(page=1)


def test_an_entity_that_has_no_pages_is_read_unpaged_and_not_asked_for_pages_again() -> None:
    onefile = ScriptedTransport(answer(404), answer(404), GOOD)
    client = onefile.client()
    assert client.search_page("User", {}, 1, 1) == ROWS
    assert client.search_page("User", {}, 2, 1) == []
    assert client.search_page("User", {"Role": 1}, 1, 1) == ROWS
    unpaged = "POST User/Search"
    assert [call[0] for call in onefile.asked()] == [f"{unpaged}/1/1", f"{unpaged}/1/1", unpaged, unpaged]


def test_thin_rows_do_not_stand_in_where_pages_are_needed() -> None:
    with pytest.raises(errors.NotFound):
        ScriptedTransport(answer(404), answer(404), GOOD).client().search_page(
            "User", {}, 1, 100, unpaged_will_do=False
        )
    assert ScriptedTransport(answer(404), GOOD).client().search_page("User", {}, 1, 100, unpaged_will_do=False) == ROWS


def test_404_is_no_end_of_a_search_that_has_more_rows_than_the_pages_before_it() -> None:
    many = answer(200, many_rows(101))
    with pytest.raises(errors.Refused, match=r"POST User/Search/2/100 with 404 although its search seems"):
        ScriptedTransport(answer(404), answer(404), many).search(page=2)
    with pytest.raises(errors.Refused, match="POST User/Search/2/100"):
        ScriptedTransport(answer(404)).search(page=2)
    assert ScriptedTransport(answer(404), answer(404), many).search(page=3) == []
    assert ScriptedTransport(answer(404), many).search(page=2) == many_rows(101)


def many_rows(count: int) -> list[dict[str, Any]]:
    return [{"ID": number} for number in range(count)]


def test_the_second_page_of_an_entity_without_pages_is_none_although_it_is_asked_for_beside_the_first() -> None:
    onefile = ScriptedTransport(answer(404), answer(404), GOOD, answer(404), answer(404), answer(404), GOOD)
    client = onefile.client()
    assert client.search_page("User", {}, 2, 1) == []
    assert client.search_page("User", {}, 1, 1) == ROWS
    went_away = ScriptedTransport(GOOD, answer(404), answer(404), GOOD, answer(404)).client()
    assert went_away.search_page("User", {}, 1, 1) == ROWS
    with pytest.raises(errors.Refused, match="POST User/Search/2/1 with 404"):
        went_away.search_page("User", {}, 2, 1)


def test_a_count_that_meets_a_429_makes_every_other_call_wait_too() -> None:
    onefile = ScriptedTransport(answer(429), GOOD)
    client = onefile.client(calls_per_minute=100)
    assert client.count("User", {}) is None
    assert client.count("User", {}) == 2
    (_, _, _, refused), (_, _, _, next_call) = onefile.asked()
    assert next_call - refused == 60


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
        onefile.client(token=token).search_page("User", {}, 1, 100)
    for secret in (token, SESSION, "Zaphod", "1234567890"):
        assert secret not in str(told.value) + caplog.text
