"""The vendor's limit, and the life of a session; no test waits, the clock is moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clock, Serve


def test_the_call_after_the_limit_is_refused(serve: Serve) -> None:
    client = serve(calls_per_minute=5)
    statuses = [client.call("GET", "Customer").status_code for _ in range(6)]
    assert statuses == [200] * 4 + [429] * 2  # the login was the first of the five


def test_the_usual_limit_is_300(serve: Serve) -> None:
    client = serve(calls_per_minute=300)
    statuses = [client.call("GET", "Customer").status_code for _ in range(300)]
    assert statuses == [200] * 299 + [429]


def test_the_window_slides(serve: Serve, clock: Clock) -> None:
    client = serve(calls_per_minute=3)
    clock.now += 30
    assert [client.call("GET", "Customer").status_code for _ in range(3)] == [200, 200, 429]
    clock.now += 29.9
    assert client.call("GET", "Customer").status_code == 429
    clock.now += 0.1
    assert [client.call("GET", "Customer").status_code for _ in range(2)] == [200, 429]
    clock.now += 30
    assert [client.call("GET", "Customer").status_code for _ in range(3)] == [200, 200, 429]


def test_retry_after_tells_when_the_next_call_is_let_in(serve: Serve, clock: Clock) -> None:
    client = serve(calls_per_minute=2, behaviour={"retry_after": "seconds"})
    clock.now += 20.5
    client.call("GET", "Customer")
    refused = client.call("GET", "Customer")
    assert refused.headers["Retry-After"] == "40"
    clock.now += 40
    assert client.call("GET", "Customer").status_code == 200


def test_logins_and_refusals_count_and_control_calls_do_not(serve: Serve) -> None:
    client = serve(calls_per_minute=4)
    for _ in range(10):
        client.http.get(f"{client.sandbox.control_url}/counts", timeout=5)
    assert client.log_in().status_code == 200
    assert client.log_in("wrong").status_code == 401
    assert client.call("GET", "Nothing", headers={"X-TokenID": "wrong"}).status_code == 401
    assert client.log_in().status_code == 429


def test_no_limit(serve: Serve) -> None:
    client = serve(calls_per_minute=0)
    assert {client.call("GET", "Customer").status_code for _ in range(400)} == {200}


def test_a_session_lives_for_its_time(serve: Serve, clock: Clock) -> None:
    client = serve(session_lifetime=100)
    clock.now += 99.9
    assert client.call("GET", "Customer").status_code == 200
    clock.now += 0.1
    assert client.call("GET", "Customer").status_code == 401
    client.log_in()
    assert client.call("GET", "Customer").status_code == 200


def test_a_session_lives_for_a_day_unless_told(serve: Serve, clock: Clock) -> None:
    client = serve()
    clock.now += 86_399
    assert client.call("GET", "Customer").status_code == 200
    clock.now += 1
    assert client.call("GET", "Customer").status_code == 401


def test_all_sessions_can_be_ended(serve: Serve) -> None:
    client = serve()
    first = client.session
    client.log_in()
    client.sandbox.expire_sessions()
    assert client.call("GET", "Customer").status_code == 401
    client.session = first
    assert client.call("GET", "Customer").status_code == 401
