"""Where another program spends half of the budget, all records still arrive, and it is not starved."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from tap_onefile.api.client import Client
from tap_onefile.api.rate_limit import WINDOW, RateLimit
from tap_onefile.api.transport import LOGIN, Answer, Transport

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMIT = 300
PAGES = 3000
LATENCY = 0.1


class SharedServer(Transport):
    """Answers 300 calls in any minute, ours and those of another client that calls 2.5 times a second."""

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("https://onefile.test/api", user_agent="test", timeout=1)
        self.now = 0.0
        self.retry_after = retry_after
        self.answered: deque[float] = deque()
        self.others_asked = 0
        self.others_answered = 0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def admits(self, moment: float) -> bool:
        while self.answered and self.answered[0] + WINDOW <= moment:
            self.answered.popleft()
        if len(self.answered) >= LIMIT:
            return False
        self.answered.append(moment)
        return True

    def let_the_other_call(self) -> None:
        while self.others_asked * 0.4 <= self.now:
            self.others_answered += self.admits(self.others_asked * 0.4)
            self.others_asked += 1

    @override
    def exchange(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: Mapping[str, object] | None = None,
        at_most: int | None = None,
    ) -> Answer:
        self.now += LATENCY
        self.let_the_other_call()
        if not self.admits(self.now):
            return Answer(429, b"", self.retry_after)
        if path == LOGIN:
            return Answer(200, b"session", None)
        return Answer(200, json.dumps([{"ID": int(path.split("/")[2])}]).encode(), None)


@pytest.mark.parametrize("retry_after", [None, 5.0])
def test_both_get_on_with_half_of_the_budget_each(retry_after: float | None) -> None:
    server = SharedServer(retry_after)
    budget = RateLimit(LIMIT, clock=lambda: server.now, sleep=server.sleep)
    client = Client(server, "token", budget, retry_for=0, clock=lambda: server.now, sleep=server.sleep)

    found = [row["ID"] for page in range(1, PAGES + 1) for row in client.search_page("User", {}, page, 1)]

    assert found == list(range(1, PAGES + 1))
    assert server.others_answered >= 0.8 * server.others_asked
    # Half of the budget is 150 a minute; pausing for a minute at each sign of the other costs some of it.
    assert PAGES / (server.now / 60) >= 75
