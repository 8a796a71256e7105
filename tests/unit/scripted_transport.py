"""A server for the client that plays a script of answers, on a clock that only waiting moves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_onefile.api.client import Client
from tap_onefile.api.rate_limit import RateLimit
from tap_onefile.api.transport import LOGIN, Answer, Transport
from tap_onefile.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"
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

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def client(self, retry_for: float = 120, calls_per_minute: int = 0, token: str = TOKEN) -> Client:
        rate_limit = RateLimit(calls_per_minute, clock=self.clock, sleep=self.sleep)
        return Client(self, token, rate_limit, retry_for=retry_for, clock=self.clock, sleep=self.sleep)

    def search(self, page: int = 1, retry_for: float = 120, calls_per_minute: int = 0) -> list[dict[str, Any]]:
        client = self.client(retry_for, calls_per_minute)
        return [dict(row) for row in client.search(f"User/Search/{page}/100", {"Role": 1})]

    def asked(self, path: str = "User") -> list[tuple[str, dict[str, str], object, float]]:
        return [call for call in self.calls if f" {path}" in call[0]]
