"""What was asked, and what was answered: the server's memory of its calls."""

from __future__ import annotations

import re
import sys
import threading
import traceback
from dataclasses import dataclass, field, replace
from typing import Any


class SandboxError(Exception):
    """The sandbox itself failed while it answered a call; its cause is the exception."""


@dataclass
class Call:
    """One call to the API.

    Attributes:
        route: The method and the path without numbers, "POST /User/Search/{page}/{size}".
        body: The parameters as they were sent; never a token.
        status: The status of the answer; None while there is none, or when there never will be.
    """

    method: str
    path: str
    route: str
    at: float
    write: bool
    body: dict[str, Any] = field(default_factory=dict)
    status: int | None = None


class CallLog:
    """All calls since the start or the last reset; any thread may look."""

    def __init__(self, *, verbose: bool) -> None:
        self._calls: list[Call] = []
        self._failures: list[tuple[str, Exception]] = []
        self._changed = threading.Condition()
        self._verbose = verbose

    def begin(self, call: Call) -> None:
        """Log a call that has been received."""
        with self._changed:
            self._calls.append(call)
            self._changed.notify_all()

    def end(self, call: Call) -> None:
        """Report a call that is over on stderr, if that is wanted."""
        if self._verbose:
            sys.stderr.write(f"{call.route} {call.status or 'no answer'}\n")

    def fail(self, call: Call, error: Exception) -> None:
        """Keep an exception inside the sandbox, for whoever has started it."""
        traceback.print_exception(error)
        with self._changed:
            self._failures.append((call.route, error))
            self._changed.notify_all()

    def check(self) -> None:
        """Raise what has failed since the last check."""
        with self._changed:
            failures, self._failures = self._failures, []
        if failures:
            route, error = failures[0]
            raise SandboxError(f"the sandbox failed {len(failures)} times, first at {route}: {error!r}") from error

    def calls(self) -> list[Call]:
        """Give all calls, in the order in which they came."""
        with self._changed:
            return [replace(call) for call in self._calls]

    def wait_for(self, match: str, count: int, timeout: float) -> None:
        """Wait until so many calls have come whose "METHOD /route" has a match of a regular expression."""
        pattern = re.compile(match, re.IGNORECASE)

        def came() -> int:
            return sum(bool(pattern.search(call.route)) for call in self._calls)

        with self._changed:
            self._changed.wait_for(lambda: self._failures or came() >= count, timeout)
            if not self._failures and came() < count:
                raise TimeoutError(f"{came()} of {count} calls matching {match!r} came within {timeout:g} seconds")
        self.check()

    def clear(self) -> None:
        """Forget all calls."""
        with self._changed:
            self._calls = []
