"""Starting, stopping, and being fast enough."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest
import requests

from onefile_sandbox import Fault, Sandbox
from onefile_sandbox.world.table import Table

if TYPE_CHECKING:
    from .conftest import Client, Serve


def test_a_sandbox_starts_and_stops_with_its_block() -> None:
    with Sandbox() as sandbox:
        assert sandbox.api_url.startswith("http://127.0.0.1:")
        assert sandbox.api_url.endswith("/api/v2.1")
        assert requests.get(f"{sandbox.api_url}/Customer", timeout=5).status_code == 401
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{sandbox.api_url}/Customer", timeout=5)


def test_started_again_it_is_found_where_it_was() -> None:
    sandbox = Sandbox()
    with pytest.raises(RuntimeError, match="not been started"):
        _ = sandbox.api_url
    sandbox.stop()
    sandbox.start()
    url = sandbox.api_url
    sandbox.start()
    sandbox.stop()
    sandbox.stop()
    with sandbox:
        assert sandbox.api_url == url
        assert requests.get(f"{url}/Customer", timeout=5).status_code == 401


def test_a_port_may_be_asked_for_and_may_be_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            Sandbox(port=port).start()
    with Sandbox(port=port) as sandbox:
        assert f":{port}/" in sandbox.api_url


@pytest.mark.parametrize("fault", [Fault("hang"), Fault("slow", seconds=60)])
def test_it_stops_at_once_though_calls_are_under_way(serve: Serve, fault: Fault) -> None:
    client = serve()
    client.sandbox.add_fault(fault)
    broken = []

    def ask() -> None:
        try:
            client.call("GET", "Customer")
        except requests.ConnectionError as error:
            broken.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    client.sandbox.wait_for("GET /Customer")
    start = time.monotonic()
    client.sandbox.stop()
    assert time.monotonic() - start < 2
    asking.join(5)
    assert len(broken) == 1


def test_no_thread_is_left() -> None:
    before = set(threading.enumerate())
    with Sandbox() as sandbox:
        requests.get(f"{sandbox.api_url}/Customer", timeout=5)
        assert len(set(threading.enumerate()) - before) == 1
    assert set(threading.enumerate()) <= before


def test_many_clients_are_answered_at_once(serve: Serve) -> None:
    client = serve(latency=0.5)
    url = f"{client.sandbox.api_url}/Customer"
    statuses = []

    def ask() -> None:
        statuses.append(requests.get(url, headers={"X-TokenID": client.session}, timeout=5).status_code)

    start = time.monotonic()
    asking = [threading.Thread(target=ask) for _ in range(10)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert statuses == [200] * 10
    # One after the other they would take 5 s.
    assert 0.5 <= time.monotonic() - start < 4


def test_answers_do_not_wait_for_acknowledgements(client: Client) -> None:
    took = []
    for _ in range(20):
        start = time.monotonic()
        client.search("User", 1, 5, Role=1)
        took.append(time.monotonic() - start)
    # With Nagle's algorithm each of these would take 40 ms, or each second one.
    assert sorted(took)[-6] < 0.04


def test_a_warm_sandbox_tells_the_same(serve: Serve) -> None:
    cold, warm = serve(), serve()
    warm.sandbox.warm()
    warm.sandbox.warm("reviews", "off_the_job")
    for entity, body in (("User", {"Role": 1}), ("Review", {})):
        assert cold.search(entity, 1, 50, **body).content == warm.search(entity, 1, 50, **body).content


def test_a_warm_sandbox_invents_nothing_more(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    client = serve(learners=200)
    client.sandbox.warm()
    monkeypatch.delattr(Table, "row")

    assert len(client.ids("User", 1, 200, Role=1)) == 200
    assert len(client.ids("User", Role=1)) == 200


def test_calls_can_be_waited_for(client: Client) -> None:
    asking = threading.Thread(target=lambda: [client.search("User", page, 5, Role=1) for page in (1, 2, 3)])
    asking.start()

    client.sandbox.wait_for("post /user/search", count=3, timeout=5)

    assert [call.route for call in client.sandbox.calls] == ["POST /User/Search/{page}/{size}"] * 3
    asking.join(5)


def test_a_call_that_never_comes_is_not_waited_for_for_ever(client: Client) -> None:
    client.search("User", 1, 5, Role=1)

    with pytest.raises(TimeoutError, match=r"1 of 2 calls matching 'User' came within 0\.01 seconds"):
        client.sandbox.wait_for("User", count=2, timeout=0.01)
