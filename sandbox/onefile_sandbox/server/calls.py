"""What was asked, and what was answered: the server's memory of its calls."""

from __future__ import annotations

import re
import sys
import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onefile_sandbox.api.routes import Route


class SandboxError(Exception):
    """The sandbox itself failed while it answered a call; its cause is the exception."""


@dataclass(frozen=True)
class Call:
    """One call to the API.

    Attributes:
        method: The HTTP method.
        path: The path as it was sent, without a query.
        route: The method and the path without numbers, "POST /User/Search/{page}/{size}".
        status: The status of the answer; None while there is none, or when there never will be.
        at: When the call came, by the server's clock.
        body: The parameters as they were sent; never a token.
        write: Whether it would have changed data.
    """

    method: str
    path: str
    route: str
    status: int | None
    at: float
    body: dict[str, Any]
    write: bool


class Entry:
    """A call that is still being answered."""

    def __init__(self, method: str, path: str, route: Route, at: float) -> None:
        """Note that a call came."""
        self.method = method
        self.path = path
        self.route = route
        self.at = at
        self.body: dict[str, Any] = {}
        self.status: int | None = None

    def call(self) -> Call:
        """Give what is known of it now."""
        return Call(
            method=self.method,
            path=self.path,
            route=self.route.name,
            status=self.status,
            at=self.at,
            body={k: v for k, v in self.body.items() if "token" not in k.lower()},
            write=self.route.kind == "write",
        )


class CallLog:
    """All calls since the start or the last reset; any thread may look."""

    def __init__(self, *, verbose: bool) -> None:
        """Begin with none.

        Args:
            verbose: Whether each call is also told on stderr, by method, route and status only.
        """
        self._entries: list[Entry] = []
        self._failures: list[tuple[str, Exception]] = []
        self._changed = threading.Condition()
        self._verbose = verbose

    def begin(self, method: str, path: str, route: Route, at: float) -> Entry:
        """Note that a call came."""
        entry = Entry(method, path, route, at)
        with self._changed:
            self._entries.append(entry)
            self._changed.notify_all()
        return entry

    def end(self, entry: Entry) -> None:
        """Note that a call is over."""
        if self._verbose:
            sys.stderr.write(f"{entry.route.name} {entry.status or 'no answer'}\n")

    def fail(self, entry: Entry, error: Exception) -> None:
        """Keep an exception inside the sandbox, for whoever has started it."""
        traceback.print_exception(error)
        with self._changed:
            self._failures.append((entry.route.name, error))
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
            return [entry.call() for entry in self._entries]

    def writes(self) -> int:
        """Count the calls that would have changed data, refused ones included."""
        with self._changed:
            return sum(entry.route.kind == "write" for entry in self._entries)

    def wait_for(self, match: str, count: int, timeout: float) -> None:
        """Wait until so many calls have come whose "METHOD /route" has a match of a regular expression."""
        pattern = re.compile(match, re.IGNORECASE)

        def came() -> int:
            return sum(bool(pattern.search(entry.route.name)) for entry in self._entries)

        with self._changed:
            self._changed.wait_for(lambda: self._failures or came() >= count, timeout)
            if not self._failures and came() < count:
                raise TimeoutError(f"{came()} of {count} calls matching {match!r} came within {timeout:g} seconds")
        self.check()

    def clear(self) -> None:
        """Forget all calls."""
        with self._changed:
            self._entries = []
