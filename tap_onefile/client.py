"""One call to the OneFile API and what its answer means. Knows nothing of Singer."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from tap_onefile import errors
from tap_onefile.budget import PAUSE
from tap_onefile.errors import Action, Fault
from tap_onefile.session import Session, read_session
from tap_onefile.transport import LOGIN, Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_onefile.budget import Budget
    from tap_onefile.transport import Transport

    T = TypeVar("T")
    Row = dict[str, Any]

STARVED_AFTER = 15 * 60.0
"""Seconds of nothing but 429 after which a run ends."""

_LONGEST_PAUSE = 30.0
_FIRST_CONTACT_TRIES = 3

logger = logging.getLogger("tap-onefile.client")


class OneFileClient:
    """Reads from OneFile: objects, records by id, and searches page by page.

    Logs in when needed, keeps to the budget, and repeats what failed in passing. What it raises is final.

    Args:
        transport: Sends the calls.
        customer_token: The customer's API token.
        budget: Lets calls through; shared by everything that calls OneFile in this run.
        retry_for: Seconds for which one call is repeated after passing failures.
        clock: Gives the time in seconds; never goes back.
        sleep: Waits for some seconds.
    """

    def __init__(
        self,
        transport: Transport,
        customer_token: str,
        budget: Budget,
        *,
        retry_for: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport
        self._customer_token = customer_token
        self._budget = budget
        self._retry_for = retry_for
        self._clock = clock
        self._sleep = sleep
        self._session = Session(self._log_in, clock=clock)
        self._lock = threading.Lock()
        self._answered_at = clock()
        self._reached = False
        self.calls = 0
        """Calls made so far, logins and repeats included."""

    def get(self, path: str) -> Row:
        """Read one object.

        Args:
            path: The path below the address of the API, such as ``Customer``.

        Returns:
            The object.

        Raises:
            NotFound: There is nothing at this path.
            Refused: OneFile does not let us read it.
            OneFileError: The run cannot go on.
        """
        found = self._call("GET", path, None, _read_object)
        if found is None:
            raise errors.NotFound(f"OneFile has nothing at {path}")
        return found

    def get_by_id(self, entity: str, record_id: object) -> Row:
        """Read one record in full.

        Args:
            entity: The entity, as OneFile's paths name it.
            record_id: The id; a unit's may hold characters that a path cannot.

        Returns:
            The record.

        Raises:
            NotFound: The record is not there (any more).
            Refused: OneFile does not let us read it.
            OneFileError: The run cannot go on.
        """
        return self.get(f"{entity}/{quote(str(record_id), safe='')}")

    def search_page(self, entity: str, filters: Mapping[str, object], page: int, page_size: int) -> list[Row]:
        """Read one page of a search.

        What OneFile answers past the last page is not known, and some entities have only been seen unpaged (API
        reference, section 3). A 404 on the first page is therefore settled by the unpaged search, which OneFile has
        for every entity: what it gives is all there is.

        Args:
            entity: The entity, as OneFile's paths name it.
            filters: The body of the search.
            page: The number of the page, from 1.
            page_size: The rows to ask for; OneFile may give fewer and yet have more.

        Returns:
            The rows; none past the end.

        Raises:
            WrongAddress: OneFile knows no such search.
            Refused: OneFile does not let us search this.
            OneFileError: The run cannot go on.
        """
        try:
            return self._call("POST", f"{entity}/Search/{page}/{page_size}", filters, _read_rows)
        except errors.NotFound:
            if page > 1:
                return []
        try:
            return self._call("POST", f"{entity}/Search", filters, _read_rows)
        except errors.NotFound:
            raise errors.not_an_api(f"POST {entity}/Search", self._transport.host) from None

    def _call(
        self,
        method: str,
        path: str,
        filters: Mapping[str, object] | None,
        read: Callable[[Answer], T],
    ) -> T:
        """Make a call with a session that is alive, and once more with a new one where the first was refused."""
        call = f"{method} {path}"
        token = self._session.token()
        outcome = self._persist(method, path, {"X-TokenID": token}, filters, read)
        if isinstance(outcome, Answer) and errors.action_for(outcome.status) is Action.LOG_IN_AGAIN:
            self._session.discard(token)
            outcome = self._persist(method, path, {"X-TokenID": self._session.token()}, filters, read)
        if not isinstance(outcome, Answer):
            return outcome
        match errors.action_for(outcome.status):
            case Action.LOG_IN_AGAIN:
                raise errors.access_refused(call, outcome.status)
            case Action.NOT_FOUND:
                raise errors.NotFound(f"OneFile has nothing at {path}")
            case Action.REDIRECTED:
                raise errors.redirected(call, outcome.status, self._transport.host)
            case _:
                raise errors.question_refused(call, outcome.status, *_reason(outcome.content))

    def _log_in(self) -> str:
        outcome = self._persist("POST", LOGIN, {"X-CustomerToken": self._customer_token}, None, _read_token)
        if isinstance(outcome, str):
            return outcome
        call = f"POST /{LOGIN}"
        match errors.action_for(outcome.status):
            case Action.NOT_FOUND:
                raise errors.not_an_api(call, self._transport.host)
            case Action.REDIRECTED:
                raise errors.redirected(call, outcome.status, self._transport.host)
            case _:
                raise errors.login_refused(outcome.status, self._transport.host)

    def _persist(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        filters: Mapping[str, object] | None,
        read: Callable[[Answer], T],
    ) -> T | Answer:
        """Repeat one call until it is answered, for as long as the failure may be a passing one.

        Returns:
            What was read, or the answer itself where its status says that there is nothing to read.
        """
        started = self._clock()
        faults = 0
        while True:
            try:
                answer = self._exchange(method, path, headers, filters)
                action = errors.action_for(answer.status)
                if action is Action.SLOW_DOWN:
                    self._slow_down(answer)
                    continue
                outcome = read(answer) if action is Action.READ else answer
            except Fault as fault:
                faults += 1
                self._pause_or_give_up(f"{method} /{path}", fault, faults, started)
            else:
                self._reached = True
                self._answered_at = self._clock()
                return outcome

    def _exchange(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        filters: Mapping[str, object] | None,
    ) -> Answer:
        with self._budget.turn():
            with self._lock:
                self.calls += 1
            answer = self._transport.exchange(method, path, headers=headers, body=filters)
        if errors.action_for(answer.status) is Action.REPEAT:
            raise Fault(f"status {answer.status}", answer.retry_after)
        return answer

    def _slow_down(self, answer: Answer) -> None:
        starved_for = self._clock() - self._answered_at
        if starved_for >= STARVED_AFTER:
            raise errors.starved(self._transport.host, starved_for)
        pause = PAUSE if answer.retry_after is None else min(answer.retry_after, STARVED_AFTER)
        logger.warning("OneFile says that its limit of calls is reached (429): waiting %.0f s", pause)
        self._budget.pause(pause)

    def _pause_or_give_up(self, call: str, fault: Fault, faults: int, started: float) -> None:
        ceiling = min(_LONGEST_PAUSE, 2.0 ** (faults - 1))
        pause = max(ceiling * (0.5 + random.random() / 2), fault.retry_after or 0.0)  # noqa: S311 - no secret
        elapsed = self._clock() - started
        # A host that has never answered is more likely mistyped than down.
        unreached = not self._reached and faults >= _FIRST_CONTACT_TRIES and not fault.is_answer
        if unreached or elapsed + pause > self._retry_for:
            raise errors.gave_up(call, self._transport.host, fault.what, faults, elapsed) from None
        logger.warning("%s: got %s; trying again in %.0f s", call, fault.what, pause)
        self._sleep(pause)


def _read_object(answer: Answer) -> Row | None:
    found = _decode(answer.content)
    if found is None or isinstance(found, dict):
        return found
    raise Fault("something other than one object")


def _read_rows(answer: Answer) -> list[Row]:
    found = _decode(answer.content)
    if found is None:
        return []
    if isinstance(found, list) and all(type(row) is dict for row in found):
        return found
    raise Fault("something other than a list of records")


def _read_token(answer: Answer) -> str:
    token = read_session(answer.content.decode("utf-8-sig", errors="replace"))
    if token is None:
        raise Fault("something other than a session")
    return token


def _decode(content: bytes) -> object:
    """Decode a body; None for one without data, however that is spelled (API reference, sections 2 and 3)."""
    text = content.removeprefix(b"\xef\xbb\xbf").strip()
    if text in {b"", b'""'}:
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        # The standard decoder takes what is legal but odd, such as half of a surrogate pair.
        return json.loads(text)
    except ValueError:
        what = "an HTML page" if text[:1] == b"<" else "a body that is not JSON"
        raise Fault(f"{what} in place of data") from None


def _reason(content: bytes) -> tuple[object, object]:
    """Read OneFile's own code and words out of an error, where it gives them (API reference, section 7)."""
    try:
        found = json.loads(content)
    except ValueError:
        return None, None
    if not isinstance(found, dict):
        return None, None
    reason = {str(key).lower(): value for key, value in found.items()}
    return reason.get("code"), reason.get("message")
