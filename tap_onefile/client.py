"""One call to the OneFile API and what its answer means. Knows nothing of Singer."""

from __future__ import annotations

import logging
import random
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from tap_onefile import errors
from tap_onefile.answers import read_code, read_object, read_record, read_rows, read_token
from tap_onefile.budget import PAUSE
from tap_onefile.errors import Action, Fault
from tap_onefile.session import Session
from tap_onefile.statistics import Tally
from tap_onefile.transport import LOGIN, Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_onefile.budget import Budget
    from tap_onefile.transport import Transport

    T = TypeVar("T")
    Row = dict[str, Any]

STARVED_AFTER = 15 * 60.0
"""Seconds of nothing but 429 after which a run ends."""

CUSTOMER = "Customer"
"""The path of what every customer token may read."""

_MOST_SESSIONS = 5
"""New sessions that one call is tried with."""
_SHORTEST_PAUSE = 1.0
"""Seconds after a 429 that asks for less, or for a moment that is past."""
_LONGEST_PAUSE = 30.0
_FIRST_CONTACT_TRIES = 3
_WORTH_COUNTING = 4 << 20
"""Bytes; some tens of thousands of thin rows."""

logger = logging.getLogger("tap-onefile.client")


class OneFileClient:
    """Reads from OneFile: objects, records by id, and searches page by page.

    Logs in when needed, keeps to the budget, and repeats what failed in passing. What it raises is final.

    Args:
        transport: Sends the calls.
        customer_token: The customer's API token.
        budget: Lets calls through; shared by everything that calls OneFile in this run.
        retry_for: Seconds for which one call is repeated after passing failures.
        logins: Counts the logins.
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
        logins: Tally | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport
        self._customer_token = customer_token
        self._budget = budget
        self._retry_for = retry_for
        self._logins = logins or Tally()
        self._clock = clock
        self._sleep = sleep
        self._session = Session(self._log_in, clock=clock)
        self._starving_since: float | None = None
        self._reached = False
        self._without_pages: set[str] = set()
        self._with_pages: set[str] = set()

    def get(self, path: str, *, record_id: str | None = None, tally: Tally | None = None) -> Row:
        """Read one object.

        Args:
            path: The path below the address of the API, such as ``Customer``.
            tally: Counts the calls.
            record_id: The id of the record that the path belongs to, if it does. The record may have gone since its id
                was read: OneFile then answers 404 or 400 (API reference, section 7, "Not found").

        Returns:
            The object.

        Raises:
            NotFound: There is nothing at this path.
            Refused: OneFile does not let us read it.
            OneFileError: The run cannot go on.
        """
        try:
            read = read_object if record_id is None else partial(read_record, record_id)
            found = self._call("GET", path, None, read, tally)
        except errors.QuestionRefused:
            if record_id is not None:
                raise errors.not_found(f"GET {path}", self._transport.host, "400") from None
            raise
        if found is None:
            raise errors.not_found(f"GET {path}", self._transport.host, "an empty answer")
        return found

    def get_rows(
        self, path: str, *, read: Callable[[Answer], list[Row]] = read_rows, tally: Tally | None = None
    ) -> list[Row]:
        """Read a list that is given whole, without pages.

        Args:
            path: The path below the address of the API.
            read: Reads the rows out of an answer.
            tally: Counts the calls.

        Returns:
            The rows.

        Raises:
            NotFound: There is nothing at this path.
            Refused: OneFile does not let us read it.
            OneFileError: The run cannot go on.
        """
        return self._call("GET", path, None, read, tally)

    def search_page(
        self,
        entity: str,
        filters: Mapping[str, object],
        page: int,
        page_size: int,
        *,
        unpaged_will_do: bool = True,
        read: Callable[[Answer], list[Row]] = read_rows,
        tally: Tally | None = None,
    ) -> list[Row]:
        """Read one page of a search.

        What OneFile answers past the last page is not known, and some entities have only been seen unpaged (API
        reference, section 3). A lasting 404 on the first page is therefore settled by the unpaged search, which OneFile
        has for every entity: what it gives is all there is.

        Args:
            entity: The entity, as OneFile's paths name it.
            filters: The body of the search.
            page: The number of the page, from 1.
            page_size: The rows to ask for; OneFile may give fewer and yet have more.
            unpaged_will_do: Whether the unpaged search, whose rows may be thinner, may stand in for the first page.
            read: Reads the rows out of an answer.
            tally: Counts the calls.

        Returns:
            The rows; none past the end.

        Raises:
            NotFound: OneFile knows no such search.
            Refused: OneFile does not let us search this.
            OneFileError: The run cannot go on.
        """
        if entity in self._without_pages:
            return self.search_unpaged(entity, filters, read=read, tally=tally) if page == 1 else []
        call = f"{entity}/Search/{page}/{page_size}"
        # A slip of the server does not say 404 twice.
        with suppress(errors.NotFound):
            return self._read_page(entity, filters, page, page_size, read, tally)
        try:
            return self._read_page(entity, filters, page, page_size, read, tally)
        except errors.NotFound:
            if page == 1 and not unpaged_will_do:
                raise
        if page == 1:
            rows = self.search_unpaged(entity, filters, read=read, tally=tally)
            self._without_pages.add(entity)
            return rows
        with suppress(errors.NotFound):
            if len(self.search_unpaged(entity, filters, tally=tally)) <= (page - 1) * page_size:
                return []
            try:
                self._read_page(entity, filters, 1, page_size, read, tally)
            except errors.NotFound:
                if entity not in self._with_pages:
                    # The second page was asked for beside the first one, and there are no pages.
                    return []
        raise errors.missing_page(f"POST {call}")

    def _read_page(
        self,
        entity: str,
        filters: Mapping[str, object],
        page: int,
        page_size: int,
        read: Callable[[Answer], list[Row]],
        tally: Tally | None,
    ) -> list[Row]:
        rows = self._call("POST", f"{entity}/Search/{page}/{page_size}", filters, read, tally)
        if rows:
            self._with_pages.add(entity)
        return rows

    def search_unpaged(
        self,
        entity: str,
        filters: Mapping[str, object],
        *,
        read: Callable[[Answer], list[Row]] = read_rows,
        tally: Tally | None = None,
    ) -> list[Row]:
        """Read a search in one call; its rows may be thinner than those of pages.

        Args:
            entity: The entity, as OneFile's paths name it.
            filters: The body of the search.
            read: Reads the rows out of an answer.
            tally: Counts the calls.

        Returns:
            The rows.

        Raises:
            NotFound: OneFile knows no such search.
            Refused: OneFile does not let us search this.
            OneFileError: The run cannot go on.
        """
        return self._call("POST", f"{entity}/Search", filters, read, tally)

    def count(self, entity: str, filters: Mapping[str, object], *, tally: Tally | None = None) -> int | None:
        """Count the rows of a search in one call, if that can be had.

        OneFile tells nowhere how many rows a search has; but the rows of the unpaged search are thin. This is a hint to
        whoever plans ahead, so it is tried once, and what is too long to be worth it is not read to its end.

        Args:
            entity: The entity, as OneFile's paths name it.
            filters: The body of the search.
            tally: Counts the calls.

        Returns:
            The number of rows; None where it cannot be had.
        """
        headers = {"X-TokenID": self._session.token()}
        tally = tally or Tally()
        try:
            answer = self._exchange("POST", f"{entity}/Search", headers, filters, tally, at_most=_WORTH_COUNTING)
            match errors.action_for(answer.status):
                case Action.READ:
                    return len(read_rows(answer))
                case Action.SLOW_DOWN:
                    self._slow_down(answer)
        except Fault:
            pass
        return None

    def _call(
        self,
        method: str,
        path: str,
        filters: Mapping[str, object] | None,
        read: Callable[[Answer], T],
        tally: Tally | None,
    ) -> T:
        """Make a call with a session that is alive, and again with a new one where a session had died."""
        tally = tally or Tally()
        call = f"{method} {path}"
        token = self._session.token()
        outcome = self._persist(method, path, {"X-TokenID": token}, filters, read, tally)
        for _ in range(_MOST_SESSIONS):
            if not _is_refusal(outcome):
                break
            self._session.discard(token)
            token = self._session.token()
            outcome = self._persist(method, path, {"X-TokenID": token}, filters, read, tally)
            if _is_refusal(outcome) and self._is_alive(token, path, tally):
                break
        if not isinstance(outcome, Answer):
            return outcome
        match errors.action_for(outcome.status):
            case Action.LOG_IN_AGAIN:
                raise errors.access_refused(call, outcome.status)
            case Action.NOT_FOUND:
                raise errors.not_found(call, self._transport.host)
            case Action.REDIRECTED:
                raise errors.redirected(call, outcome.status, self._transport.host)
            case _:
                raise errors.question_refused(call, outcome.status, read_code(outcome.content))

    def _is_alive(self, token: str, path: str, tally: Tally) -> bool:
        """Tell whether a session is good for what every token may read, so that a refusal is one of the call itself.

        Sessions that OneFile ends early, or on the login of another program, may die between their login and a call.
        """
        headers = {"X-TokenID": token}
        return path == CUSTOMER or not _is_refusal(self._persist("GET", CUSTOMER, headers, None, bool, tally))

    def _log_in(self) -> str:
        headers = {"X-CustomerToken": self._customer_token}
        outcome = self._persist("POST", LOGIN, headers, None, read_token, self._logins)
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
        tally: Tally,
    ) -> T | Answer:
        """Repeat one call until it is answered, for as long as the failure may be a passing one.

        Returns:
            What was read, or the answer itself where its status says that there is nothing to read.
        """
        faults = 0
        failing_since = self._clock()
        while True:
            try:
                answer = self._exchange(method, path, headers, filters, tally)
                action = errors.action_for(answer.status)
                if action is Action.SLOW_DOWN:
                    self._slow_down(answer)
                    tally.add_repeat()
                    # Who refuses for want of budget is well: what failed before has passed.
                    faults = 0
                    continue
                outcome = read(answer) if action is Action.READ else answer
            except Fault as fault:
                faults += 1
                failing_since = self._clock() if faults == 1 else failing_since
                self._pause_or_give_up(f"{method} /{path}", fault, faults, failing_since)
                tally.add_repeat()
            else:
                self._starving_since = None
                return outcome

    def _exchange(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        filters: Mapping[str, object] | None,
        tally: Tally,
        *,
        at_most: int | None = None,
    ) -> Answer:
        with self._budget.turn() as waited:
            tally.add_call(waited)
            answer = self._transport.exchange(method, path, headers=headers, body=filters, at_most=at_most)
        self._reached = True
        if errors.action_for(answer.status) is Action.REPEAT:
            raise Fault(f"status {answer.status}", answer.retry_after)
        return answer

    def _slow_down(self, answer: Answer) -> None:
        now = self._clock()
        if self._starving_since is None:
            self._starving_since = now
        starved_for = now - self._starving_since
        if starved_for >= max(STARVED_AFTER, self._retry_for):
            raise errors.starved(self._transport.host, starved_for)
        pause = PAUSE if answer.retry_after is None else min(max(answer.retry_after, _SHORTEST_PAUSE), STARVED_AFTER)
        logger.warning("OneFile says that its limit of calls is reached (429): waiting %.0f s", pause)
        self._budget.pause(pause)

    def _pause_or_give_up(self, call: str, fault: Fault, faults: int, failing_since: float) -> None:
        ceiling = min(_LONGEST_PAUSE, 2.0 ** (faults - 1))
        pause = max(ceiling * (0.5 + random.random() / 2), fault.retry_after or 0.0)  # noqa: S311 - no secret
        elapsed = self._clock() - failing_since
        if fault.is_other_shape and faults > 1:
            raise errors.other_shape(call, fault.what) from None
        # A host that has never answered is more likely mistyped than down.
        unreached = not self._reached and faults >= _FIRST_CONTACT_TRIES and not fault.is_answer
        if unreached or elapsed + pause > self._retry_for:
            raise errors.gave_up(call, self._transport.host, fault.what, faults, elapsed) from None
        logger.warning("%s: got %s; trying again in %.0f s", call, fault.what, pause)
        self._sleep(pause)


def _is_refusal(outcome: object) -> bool:
    return isinstance(outcome, Answer) and errors.action_for(outcome.status) is Action.LOG_IN_AGAIN
