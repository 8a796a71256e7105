"""The routes beside the API."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import requests

from onefile_sandbox import Sandbox
from onefile_sandbox.server.control import application

if TYPE_CHECKING:
    from .conftest import Client


def control(client: Client, method: str, path: str, json: object = None) -> requests.Response:
    """Call a control route, without a session."""
    return requests.request(method, f"{client.sandbox.control_url}/{path}", json=json, timeout=5)


def test_records_and_counts(client: Client) -> None:
    assert client.sandbox.control_url == client.sandbox.api_url.replace("/api/v2.1", "/_sandbox")
    counts = control(client, "GET", "counts").json()
    assert counts == client.sandbox.counts()
    assert counts["customers"] == 1
    assert set(counts) == set(client.sandbox.world.streams)
    for stream, count in counts.items():
        records = control(client, "GET", f"records/{stream}").json()
        assert records == client.sandbox.records(stream)
        assert len(records) == count
    assert control(client, "GET", "records/nothing").status_code == 404


def test_calls_and_writes(client: Client) -> None:
    client.search("User", 1, 5, Role=1)
    client.call("DELETE", "User/1")
    calls = control(client, "GET", "calls").json()
    assert [(call["method"], call["route"], call["status"]) for call in calls] == [
        ("POST", "POST /User/Search/{page}/{size}", 200),
        ("DELETE", "DELETE /User/{id}", 204),
    ]
    assert control(client, "GET", "writes").json() == {"writes": 1}
    assert len(client.sandbox.calls) == 2


def test_faults(client: Client) -> None:
    one = {"kind": "status", "status": 418, "times": None}
    assert control(client, "POST", "faults", one).status_code == 204
    assert client.call("GET", "Customer").status_code == 418
    assert control(client, "DELETE", "faults").status_code == 204
    assert client.call("GET", "Customer").status_code == 200
    assert control(client, "POST", "faults", [one, one]).status_code == 204


def test_faults_that_are_none(client: Client) -> None:
    wrong: list[Any] = [{"kind": "explode"}, {"kind": "status", "colour": 1}, "status", {"match": "("}]
    for fault in wrong:
        assert control(client, "POST", "faults", fault).status_code == 400
    assert client.http.post(f"{client.sandbox.control_url}/faults", data="{", timeout=5).status_code == 400
    assert client.call("GET", "Customer").status_code == 200


def test_records_with_details(client: Client) -> None:
    records = control(client, "GET", "records/reviews?details=true").json()
    assert records == client.sandbox.records("reviews", details=True)
    assert "LearnerID" in records[0]
    assert "LearnerID" not in control(client, "GET", "records/reviews").json()[0]


def test_advance(client: Client) -> None:
    assert control(client, "POST", "advance", {"days": 2}).json() == {"now": "2025-09-03T12:00:00+00:00"}
    other = Sandbox()
    other.advance(2)
    assert other.records("learners") == client.sandbox.records("learners")
    wrong: list[Any] = [{}, {"days": "2"}, {"days": -1}, {"days": 1.5}, {"days": True}, [], None]
    for body in wrong:
        assert control(client, "POST", "advance", body).status_code == 400
    assert client.sandbox.world.now == other.world.now


def test_change(client: Client) -> None:
    change = {"stream": "learners", "id": 1000000, "fields": {"LastName": "Vaughan"}}
    before = client.sandbox.world.get("learners", 1000000)
    assert control(client, "POST", "change", [change]).status_code == 204
    after = client.call("GET", "User/1000000").json()
    assert after["LastName"] == "Vaughan"
    assert client.sandbox.world.get("learners", 1000000)["LastModified"] > before["LastModified"]


def test_changes_that_are_none(client: Client) -> None:
    wrong: list[Any] = [[{}], [{"stream": "learners", "id": 1, "fields": {}}], [{"stream": "learners"}], [1], None]
    for body in wrong:
        assert control(client, "POST", "change", body).status_code == 400


def test_expire_sessions(client: Client) -> None:
    assert control(client, "POST", "expire-sessions").status_code == 204
    assert client.call("GET", "Customer").status_code == 401


def test_what_is_no_control_route(client: Client) -> None:
    assert control(client, "GET", "nothing").status_code == 404
    assert control(client, "POST", "counts").status_code == 405


def test_control_routes_are_for_this_machine_only() -> None:
    asked = []

    def app(name: str) -> Any:  # noqa: ANN401 - any ASGI application
        async def call(scope: Any, _receive: Any, _send: Any) -> None:  # noqa: ANN401 - ASGI's own looseness
            asked.append((name, scope["path"]))

        return call

    both = application(app("api"), app("control"))
    for host in ("127.0.0.1", "::1", "192.0.2.7"):
        scope = {"type": "http", "path": "/_sandbox/counts", "client": (host, 1)}
        asyncio.run(both(scope, None, None))  # type: ignore[arg-type]
    assert asked == [("control", "/counts"), ("control", "/counts"), ("api", "/_sandbox/counts")]
