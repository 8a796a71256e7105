"""What the tests share: a clock that only they move, and a client that does exactly as it is told."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import requests

from onefile_sandbox import Behaviour, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Client:
    """Asks the sandbox over HTTP, and neither retries nor forgives anything."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.http = requests.Session()
        self.session = ""

    def call(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        data: str | bytes | dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> requests.Response:
        return self.http.request(
            method,
            f"{self.sandbox.api_url}/{path}",
            headers={"X-TokenID": self.session, **(headers or {})},
            json=json,
            data=data,
            allow_redirects=False,
            timeout=5,
        )

    def log_in(self, token: str | None = None) -> requests.Response:
        wanted = self.sandbox.customer_token if token is None else token
        answer = self.call("POST", "Authentication", headers={"X-CustomerToken": wanted})
        self.session = answer.text.strip().strip('"')
        return answer

    def search(self, entity: str, page: int | None = None, size: int = 50, /, **body: object) -> requests.Response:
        paging = "" if page is None else f"/{page}/{size}"
        return self.call("POST", f"{entity}/Search{paging}", json=body)

    def ids(self, entity: str, page: int | None = None, size: int = 50, /, **body: object) -> list[int]:
        answer = self.search(entity, page, size, **body)
        return [row["ID"] for row in answer.json()] if answer.status_code == 200 and answer.content else []


class Serve(Protocol):
    """Starts a sandbox that lives as long as the test, and gives a client that is logged in."""

    def __call__(self, *, log_in: bool = True, behaviour: Mapping[str, Any] | None = None, **options: object) -> Client:
        """Start one; the options are those of Sandbox, with the behaviour as a mapping."""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def serve(clock: Clock) -> Iterator[Serve]:
    """Start sandboxes as a test wants them, and stop them after it."""
    running = ExitStack()

    def start(*, log_in: bool = True, behaviour: Mapping[str, Any] | None = None, **options: object) -> Client:
        usual: dict[str, Any] = {"clock": clock, "calls_per_minute": 0, **options}
        client = Client(running.enter_context(Sandbox(behaviour=Behaviour(**(behaviour or {})), **usual)))
        running.enter_context(client.http)
        if log_in:
            client.log_in()
            client.sandbox.reset_calls()
        return client

    with running:
        yield start


@pytest.fixture
def client(serve: Serve) -> Client:
    """Serve the usual customer: 50 learners in 2 organisations."""
    return serve()
