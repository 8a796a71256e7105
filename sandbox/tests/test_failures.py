"""A bug of the sandbox's own fails whoever uses it, at once and by its name."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import requests

from onefile_sandbox import Sandbox, SandboxError
from onefile_sandbox.api.search import Search
from onefile_sandbox.server.delivery import Exchange

if TYPE_CHECKING:
    from onefile_sandbox.api.answers import Answer

    from .conftest import Client


@pytest.fixture(autouse=True)
def a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Search, "find", fail)


def test_it_is_raised_when_the_sandbox_stops(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    client.search("User", 1, 5, Role=1)
    client.search("Review")

    with pytest.raises(SandboxError, match=r"failed 2 times, first at POST /User/Search/\{page\}/\{size\}") as caught:
        client.sandbox.stop()
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert "in fail" in capsys.readouterr().err
    client.sandbox.stop()


def test_the_call_is_answered_in_a_way_that_nobody_repeats(client: Client) -> None:
    answer = client.search("User", 1, 5, Role=1)

    assert (answer.status_code, answer.headers["Connection"]) == (400, "close")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert [call.status for call in client.sandbox.calls] == [400]
    with pytest.raises(SandboxError):
        client.sandbox.stop()


def test_an_answer_that_has_begun_is_broken_off(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def break_down(exchange: Exchange, answer: Answer) -> None:
        await exchange._begin(answer)
        raise ZeroDivisionError

    monkeypatch.setattr(Exchange, "send", break_down)

    with pytest.raises(requests.RequestException, match="Connection broken"):
        client.call("GET", "Customer")
    with pytest.raises(SandboxError, match="GET /Customer"):
        client.sandbox.stop()


def test_whoever_waits_for_a_call_waits_no_longer(client: Client) -> None:
    asking = threading.Thread(target=lambda: client.search("User", 1, 5, Role=1))
    asking.start()

    with pytest.raises(SandboxError, match="a bug"):
        client.sandbox.wait_for("POST /Placement", timeout=60)
    asking.join(5)


def test_nothing_is_raised_where_nothing_failed() -> None:
    with Sandbox() as sandbox:
        requests.get(f"{sandbox.api_url}/Customer", timeout=5)
