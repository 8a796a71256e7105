"""One call to the OneFile API, on a session that is alive, and what its answer means."""

from __future__ import annotations

import enum
import logging
import random
import re
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar

from typing_extensions import override

from tap_onefile import errors
from tap_onefile.api.decode import RowDecoder, read_code, read_object, read_rows, read_token
from tap_onefile.api.rate_limit import PAUSE
from tap_onefile.api.transport import LOGIN, Answer
from tap_onefile.errors import Fault
from tap_onefile.reporting.metrics import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_onefile.api.decode import Rows
    from tap_onefile.api.rate_limit import RateLimit
    from tap_onefile.api.transport import Transport

    T = TypeVar("T")

GIVES_UP_AFTER = 15 * 60.0
"""Seconds of nothing but 429 after which a run ends."""
SESSION_LIFETIME = 23 * 60 * 60.0
"""Seconds after which a session is renewed. OneFile ends it 24 hours after the login, "always"."""

CUSTOMER = "Customer"
"""The path of what every customer token may read."""

_GONE = frozenset({400, 410})
"""Statuses, besides 404, that may say of a record that it has gone (API reference, section 7, "Not found")."""
_SESSION_CODES = frozenset({-1, -2, -4})
"""OneFile's codes for a session that it does not know, that has expired or is missing (API reference, section 1)."""
_MOST_SESSIONS = 5
"""New sessions that one call is tried with."""
_SHORTEST_PAUSE = 1.0
"""Seconds after a 429 that asks for less, or for a moment that is past."""
_LONGEST_PAUSE = 30.0
_FIRST_CONTACT_TRIES = 3
_RETRY_FOR_FAILING = 5.0
"""Seconds for which a call is repeated where the last one of its kind failed for good, and others did not."""
_MOST_SILENCES = 3
"""Calls of a kind, one after the other, that are waited for in vain: each takes a time-out or more."""

_LONG_ID = re.compile("(?<=[^/]{60})[^/]+")
"""What is not shown of an id."""

logger = logging.getLogger("tap-onefile.client")


class Action(enum.Enum):
    """What is done with an answer."""

    READ = enum.auto()
    LOG_IN_AGAIN = enum.auto()
    SLOW_DOWN = enum.auto()
    REPEAT = enum.auto()
    NOT_FOUND = enum.auto()
    REFUSED = enum.auto()
    REDIRECTED = enum.auto()


_ACTIONS = {
    200: Action.READ,
    203: Action.READ,
    204: Action.READ,
    401: Action.LOG_IN_AGAIN,
    403: Action.LOG_IN_AGAIN,
    # What frameworks and IIS have for a session that has expired, although no standard does.
    419: Action.LOG_IN_AGAIN,
    440: Action.LOG_IN_AGAIN,
    404: Action.NOT_FOUND,
    408: Action.REPEAT,
    429: Action.SLOW_DOWN,
}
_ACTIONS_OF_A_CLASS = {
    # Whatever else calls itself a success, such as a part of an answer, is not what was asked for.
    2: Action.REPEAT,
    3: Action.REDIRECTED,
    4: Action.REFUSED,
}
OF_A_DEAD_SESSION = frozenset({Action.LOG_IN_AGAIN, Action.REDIRECTED})
"""What is done with an answer that may be about the session: a site may send whoever has none to its login page."""


def action_for(status: int) -> Action:
    """Return what is done with an answer, which depends on its HTTP status code alone."""
    return _ACTIONS.get(status) or _ACTIONS_OF_A_CLASS.get(status // 100, Action.REPEAT)


@dataclass(frozen=True)
class Call:
    """One call, as often as it has to be made."""

    method: str
    path: str
    """The path below the address of the API, such as ``User/Search/1/100``, URL-encoded."""
    tally: Tally
    filters: Mapping[str, object] | None = None
    """The body of a search."""

    @override
    def __str__(self) -> str:
        return f"{self.method} {self.shown}"

    @property
    def shown(self) -> str:
        """The path in a message; an id may be a text of any length."""
        return _LONG_ID.sub("…", self.path)


class Client:
    """Reads from OneFile: objects, lists, and searches, each by one call.

    Logs in when needed, keeps to the rate limit, which all calls of a run share, and repeats a call after passing
    failures for `retry_for` seconds. What it raises is final.
    """

    def __init__(
        self,
        transport: Transport,
        customer_token: str,
        rate_limit: RateLimit,
        *,
        retry_for: float,
        logins: Tally | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport
        self._customer_token = customer_token
        self._rate_limit = rate_limit
        self._retry_for = retry_for
        self._logins = logins or Tally()
        self._clock = clock
        self._sleep = sleep
        self._session = Session(self._log_in, clock=clock)
        self._limited_since: float | None = None
        self._reached = False
        self._failing: dict[str, _Silences] = {}
        self._decoders: dict[str, RowDecoder] = defaultdict(RowDecoder)
        self.distinguishes_null = False
        """Whether rows of searches keep null apart from absent, which takes twice the time to decode."""

    def get(self, path: str, *, record_id: str | None = None, tally: Tally | None = None) -> dict[str, Any]:
        """Read one object, or the record with an id, which may have gone since the id was read.

        Raises `NotFound` where there is nothing at this path, `Refused` where OneFile does not let us read it, and
        another `OneFileError` where the run cannot go on.
        """
        call = Call("GET", path, tally or Tally())
        try:
            found = self._read(call, partial(read_object, record_id=record_id))
        except errors.QuestionRefused as refusal:
            if record_id is not None and refusal.status in _GONE:
                raise errors.NotFound(str(call), self._transport.host, str(refusal.status)) from None
            raise
        if found is None:
            raise errors.NotFound(str(call), self._transport.host, "an empty answer")
        return found

    def get_list(self, path: str, *, tally: Tally | None = None) -> Rows:
        """Read a list that is given whole, without pages. Raises what `get` raises."""
        return self._read(Call("GET", path, tally or Tally()), read_rows)

    def search(self, path: str, filters: Mapping[str, object], *, tally: Tally | None = None) -> Rows:
        """Read a search, or a page of one: no rows past the last. Raises what `get` raises."""
        return self._read(Call("POST", path, tally or Tally(), filters), self._reader_of(path))

    def try_search(self, path: str, filters: Mapping[str, object], *, at_most: int, tally: Tally) -> Rows | None:
        """Read a search in one try, up to a size in bytes; None where that fails: its rows help, but are not needed."""
        try:
            call = Call("POST", path, tally, filters)
            session = self._session.token()
            answer = self._exchange(call, session, at_most)
            if _is_refusal(answer):
                # Of several calls that met with a dead session one renews it, for all of them.
                self._session.discard(session)
                answer = self._exchange(call, self._session.token(), at_most)
            match action_for(answer.status):
                case Action.READ:
                    return self._reader_of(path)(answer)
                case Action.SLOW_DOWN:
                    self._slow_down(answer)
        except Fault:
            pass
        return None

    def _reader_of(self, path: str) -> Callable[[Answer], Rows]:
        """Return what reads the rows of a search."""
        return partial(read_rows, decoder=None if self.distinguishes_null else self._decoders[_kind_of(path)])

    def _read(self, call: Call, read: Callable[[Answer], T]) -> T:
        """Make a call for as long as it takes, and say whose failure it is where it fails."""
        try:
            return self._read_in_session(call, read)
        except errors.GaveUp as failure:
            if call.path == CUSTOMER or not self._answers_otherwise(call.tally):
                raise
            # The next call of the kind fails sooner: all of them together would keep a run for hours.
            silences = self._failing.setdefault(_kind_of(call.path), _Silences())
            if failure.is_silence and silences.add(self._clock(), failure.seconds) >= _MOST_SILENCES:
                raise
            raise errors.CallFailed(failure) from None

    def _read_in_session(self, call: Call, read: Callable[[Answer], T]) -> T:
        """Make a call with a session that is alive, and again with a new one where a session had died."""
        session = self._session.token()
        outcome = self._persist(call, session, read)
        is_alive = False
        for attempt in range(_MOST_SESSIONS):
            if not _is_refusal(outcome):
                break
            self._session.discard(session)
            if attempt == 0:
                session = self._session.token()
                outcome = self._persist(call, session, read)
            else:
                session, outcome = self._session.alone(lambda own: (own, self._persist(call, own, read)))
            if is_alive := _is_refusal(outcome) and self._is_alive(call, session):
                break
        if not isinstance(outcome, Answer):
            return outcome
        match action_for(outcome.status):
            case Action.LOG_IN_AGAIN:
                raise errors.AccessRefused(str(call), outcome.status)
            case Action.NOT_FOUND:
                raise errors.NotFound(str(call), self._transport.host)
            case Action.REDIRECTED:
                redirected = errors.Redirected(str(call), outcome.status, self._transport.host)
                # Where no session gets anywhere, no other call will.
                raise redirected if is_alive and call.path != CUSTOMER else errors.WrongAddress(redirected)
            case _:
                raise errors.QuestionRefused(str(call), outcome.status, read_code(outcome.content))

    def _answers_otherwise(self, tally: Tally) -> bool:
        """Return whether OneFile answers at all, by one try of what every token may read."""
        try:
            answer = self._exchange(Call("GET", CUSTOMER, tally), self._session.token())
        except Fault:
            return False
        action = action_for(answer.status)
        return action in {Action.READ, Action.SLOW_DOWN} or (_is_refusal(answer) and action is not Action.REDIRECTED)

    def _is_alive(self, call: Call, session: str) -> bool:
        """Return whether a session still works for GET Customer. If it does, a 401 is about the call, not the session.

        Sessions that OneFile ends early, or on the login of another program, may die between their login and a call.
        """
        customer = Call("GET", CUSTOMER, call.tally)
        return call.path == CUSTOMER or not _is_refusal(self._persist(customer, session, bool))

    def _log_in(self) -> str:
        outcome = self._persist(Call("POST", LOGIN, self._logins), None, read_token)
        if isinstance(outcome, str):
            return outcome
        call = f"POST /{LOGIN}"
        match action_for(outcome.status):
            case Action.NOT_FOUND:
                raise errors.WrongAddress(errors.NotFound(call, self._transport.host))
            case Action.REDIRECTED:
                raise errors.WrongAddress(errors.Redirected(call, outcome.status, self._transport.host))
            case _:
                raise errors.LoginRefused(outcome.status, self._transport.host)

    def _persist(self, call: Call, session: str | None, read: Callable[[Answer], T]) -> T | Answer:
        """Repeat a call until it is answered; return the answer itself where its status has nothing to read."""
        faults = 0
        failing_since = self._clock()
        while True:
            try:
                answer = self._exchange(call, session)
                action = action_for(answer.status)
                if action is Action.SLOW_DOWN:
                    self._slow_down(answer)
                    call.tally.add_repeat()
                    # A server that counts calls is well: what failed before has passed.
                    faults = 0
                    continue
                outcome = read(answer) if action is Action.READ else answer
            except Fault as fault:
                faults += 1
                failing_since = self._clock() if faults == 1 else failing_since
                self._pause_or_give_up(call, fault, faults, failing_since)
                call.tally.add_repeat()
            else:
                self._limited_since = None
                self._failing.pop(_kind_of(call.path), None)
                return outcome

    def _exchange(self, call: Call, session: str | None, at_most: int | None = None) -> Answer:
        # Only a login is made without a session.
        header = {"X-CustomerToken": self._customer_token} if session is None else {"X-TokenID": session}
        with self._rate_limit.turn() as waited:
            call.tally.add_call(waited)
            answer = self._transport.exchange(
                call.method, call.path, headers=header, body=call.filters, at_most=at_most
            )
        self._reached = True
        if action_for(answer.status) is Action.REPEAT:
            raise Fault(f"status {answer.status}", answer.retry_after)
        return answer

    def _slow_down(self, answer: Answer) -> None:
        now = self._clock()
        if self._limited_since is None:
            self._limited_since = now
        limited_for = now - self._limited_since
        if limited_for >= max(GIVES_UP_AFTER, self._retry_for):
            raise errors.RateLimited(self._transport.host, limited_for / 60)
        pause = PAUSE if answer.retry_after is None else min(max(answer.retry_after, _SHORTEST_PAUSE), GIVES_UP_AFTER)
        if self._rate_limit.pause(pause):
            logger.warning("OneFile says that its limit of calls is reached (429): waiting %.0f s", pause)

    def _pause_or_give_up(self, call: Call, fault: Fault, faults: int, failing_since: float) -> None:
        name = f"{call.method} /{call.shown}"
        ceiling = min(_LONGEST_PAUSE, 2.0 ** (faults - 1))
        wait = fault.retry_after or 0.0
        pause = max(ceiling * (0.5 + random.random() / 2), wait)  # noqa: S311 - no secret
        elapsed = self._clock() - failing_since
        if fault.is_other_shape and faults > 1:
            raise errors.UnreadableAnswer(name, fault.what) from None
        # A host that has never answered is more likely mistyped than down.
        unreached = not self._reached and faults >= _FIRST_CONTACT_TRIES and not fault.is_answer
        retry_for = self._retry_for
        if _kind_of(call.path) in self._failing:
            retry_for = min(retry_for, _RETRY_FOR_FAILING)
        # OneFile may ask for a wait that is longer than we would give it.
        asked = wait if wait <= GIVES_UP_AFTER else 0.0
        if unreached or elapsed + pause > retry_for + asked:
            raise errors.GaveUp(
                name, self._transport.host, fault.what, faults, elapsed, wait, is_silence=not fault.is_answer
            ) from None
        logger.warning("%s: got %s; trying again in %.0f s", name, fault.what, pause)
        self._sleep(pause)


@dataclass
class _Silences:
    """Calls of one kind that were never answered, one after the other; those side by side count once."""

    count: int = 0
    last: float = -inf

    def add(self, now: float, seconds: float) -> int:
        """Count a call that was tried for so many seconds until now."""
        if now - seconds >= self.last:
            self.count += 1
            self.last = now
        return self.count


def _kind_of(path: str) -> str:
    """Return a path without the ids and numbers in it."""
    return re.sub("/[^/]*[0-9][^/]*", "", path)


def _is_refusal(outcome: object) -> bool:
    """Return whether an answer may be about the session, and not about the call."""
    if not isinstance(outcome, Answer):
        return False
    action = action_for(outcome.status)
    return action in OF_A_DEAD_SESSION or (action is Action.REFUSED and read_code(outcome.content) in _SESSION_CODES)


class Session:
    """Holds the session that all calls of a run share, and renews it (help article 76000020990)."""

    def __init__(self, log_in: Callable[[], str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._log_in = log_in
        self._clock = clock
        self._lock = threading.Lock()
        self._token: str | None = None
        self._since = 0.0
        self._failure: Exception | None = None

    def token(self) -> str:
        """Return a session for the header X-TokenID that is alive as far as we know, logging in where needed.

        What the login raises is final: if all threads tried it, one after the other, a run would go on for many times
        as long as it is ready to wait.
        """
        with self._lock:
            if self._token is None or self._clock() - self._since >= SESSION_LIFETIME:
                return self._renew()
            return self._token

    def alone(self, make: Callable[[str], T]) -> T:
        """Make a call in a new session before any other thread has it.

        Sessions may die after a few calls, and several calls at once would use them up before one of them is answered.
        """
        with self._lock:
            return make(self._renew())

    def _renew(self) -> str:
        if self._failure is not None:
            raise self._failure
        started = self._clock()
        try:
            self._token = self._log_in()
        except Exception as failure:
            self._failure = failure
            raise
        self._since = started
        return self._token

    def discard(self, token: str) -> None:
        """Forget a session that OneFile has refused, unless it was renewed in the meantime."""
        with self._lock:
            if self._token == token:
                self._token = None
