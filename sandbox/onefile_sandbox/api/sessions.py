"""Sessions: opaque, several at a time, each with an end."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# 254 bytes make 340 characters of base64, the length seen, and leave one "=" at the end.
_BYTES = 254


class Sessions:
    """The sessions that are alive."""

    def __init__(self, seed: int, lifetime: float, clock: Callable[[], float]) -> None:
        self._seed = seed
        self._lifetime = lifetime
        self._clock = clock
        self._opened = 0
        self._ends: dict[str, float] = {}

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
        """Say whether a session is one, and has not come to its end."""
        return self._clock() < self._ends.get(session, float("-inf"))

    def expire(self) -> None:
        """End all sessions."""
        self._ends = {}
