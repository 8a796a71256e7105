"""The session: X-CustomerToken → X-TokenID (help article 76000020990 "Authenticate via the API")."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LIFETIME = 23 * 60 * 60.0
"""Seconds after which a session is renewed. OneFile ends it 24 hours after the login, "always"."""

_LONGEST = 4096
_JSON_WORDS = frozenset({"null", "true", "false"})


class Session:
    """Holds the session that all calls of a run share, and renews it.

    Args:
        log_in: Logs in and gives the new session.
        clock: Gives the time in seconds; never goes back.
    """

    def __init__(
        self,
        log_in: Callable[[], str],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log_in = log_in
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._since = 0.0
        self._failure: Exception | None = None

    def token(self) -> str:
        """Give a session that is alive as far as we know, logging in where needed.

        Returns:
            The value for the header X-TokenID.

        Raises:
            Exception: What the login raised, now or earlier. It is final: if all threads tried it, one after the other,
                a run would go on for many times as long as it is ready to wait.
        """
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._token is None or self._clock() - self._since >= LIFETIME:
                started = self._clock()
                try:
                    self._token = self._log_in()
                except Exception as failure:
                    self._failure = failure
                    raise
                self._since = started
            return self._token

    def discard(self, token: str) -> None:
        """Forget a session that OneFile has refused, unless it was renewed in the meantime.

        Args:
            token: The session that was refused.
        """
        with self._lock:
            if self._token == token:
                self._token = None


def read_session(body: str) -> str | None:
    """Read the session out of the answer to a login.

    Whether the body is plain text or a JSON string is not settled (API reference, section 1), so both are read.

    Args:
        body: The body of the answer.

    Returns:
        The session, or None where the body cannot be one.
    """
    token = body.strip()
    if len(token) > 1 and token[0] == token[-1] == '"':
        # A JSON string may spell the + and / of base64 as escapes.
        token = _unescaped(token) if "\\" in token else token[1:-1]
    fits = 0 < len(token) <= _LONGEST and token.isascii() and token.isprintable() and token not in _JSON_WORDS
    return token if fits and not any(character in token for character in ' <>{}[]"') else None


def _unescaped(quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        return ""
