"""Whom the API answers: those with a session, and no more than so often in a minute."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter, deque
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# 254 bytes make 340 characters of base64, the length seen, and leave one "=" at the end.
_BYTES = 254
_MINUTE = 60.0


class Sessions:
    """The sessions that are alive: opaque, several at a time, each with an end."""

    def __init__(self, seed: int, lifetime: float, clock: Callable[[], float], calls: int = 0) -> None:
        self._seed = seed
        self._lifetime = lifetime
        self._clock = clock
        self._opened = 0
        self._ends: dict[str, float] = {}
        self._most_calls = calls or inf
        self._calls: Counter[str] = Counter()

    def open(self) -> str:
        """Open a session."""
        session = ""
        # A client must not get away with sessions that need no care in a header or a form.
        while not {"+", "/", "="} <= set(session):
            self._opened += 1
            key = f"{self._seed}/session/{self._opened}".encode()
            session = base64.b64encode(hashlib.shake_128(key).digest(_BYTES)).decode()
        self._ends[session] = self._clock() + self._lifetime
        return session

    def is_alive(self, session: str) -> bool:
        """Return whether a session is one, and has not come to its end, by time or by this call."""
        self._calls[session] += 1
        return self._calls[session] <= self._most_calls and self._clock() < self._ends.get(session, -inf)

    def expire(self) -> None:
        """End all sessions."""
        self._ends = {}


class RateLimit:
    """Counts calls in a window that slides, so that no 60 seconds whatever hold too many.

    A refused call is not counted: a client that knocks on is let in when the window has moved.
    """

    def __init__(self, calls_per_minute: int, clock: Callable[[], float]) -> None:
        self._most = calls_per_minute
        self._clock = clock
        self._let_in: deque[float] = deque()

    def wait(self) -> float:
        """Let a call in and give 0, or give the seconds until the next one would be."""
        if not self._most:
            return 0.0
        now = self._clock()
        while self._let_in and now - self._let_in[0] >= _MINUTE:
            self._let_in.popleft()
        if len(self._let_in) < self._most:
            self._let_in.append(now)
            return 0.0
        return self._let_in[0] + _MINUTE - now
