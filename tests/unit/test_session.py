"""The session: one login serves all threads, is renewed in time, and once when it is refused."""

from __future__ import annotations

import itertools
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tap_onefile.api.client import LIFETIME, Session, read_session

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

PATIENCE = 10
"""Seconds after which a test that hangs is given up."""

WORDS = ("true", "false", "null")
"""What JSON could mean by a text without quotes, and no session."""

BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


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
    now = 1000.0 + LIFETIME - 1
    assert session.token() == first
    now = 1000.0 + LIFETIME
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


@unhurried
@given(
    token=st.text(BASE64, min_size=1, max_size=400).filter(lambda text: text not in WORDS),
    left=st.text(" \r\n\t"),
    right=st.text(" \r\n\t"),
)
def test_a_session_is_read_from_plain_text_and_from_json_alike(token: str, left: str, right: str) -> None:
    escaped = json.dumps(token).replace("/", r"\/").replace("+", r"\u002b")
    for body in (token, json.dumps(token), escaped):
        assert read_session(left + body + right) == token


@unhurried
@given(body=st.text())
def test_a_session_that_is_read_fits_a_header(body: str) -> None:
    token = read_session(body)

    assert token is None or (token and token.isascii() and token.isprintable() and not set(token) & set(' <>{}"'))


@pytest.mark.parametrize(
    "body",
    [
        "",
        '""',
        '"',
        "   ",
        "<html><body>Down for a release</body></html>",
        '{"code": -1, "message": "No"}',
        "two words",
        '"two words"',
        '"half a string',
        r'"\x"',
        r'"a\nb"',
        "ключ",
        "a" * 5000,
    ],
)
def test_what_cannot_be_a_session_is_not_taken_for_one(body: str) -> None:
    assert read_session(body) is None


@pytest.mark.parametrize("body", ["null", "[]", "true"])
def test_a_json_value_without_a_session_is_not_taken_for_one(body: str) -> None:
    assert read_session(body) is None
