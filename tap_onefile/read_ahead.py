"""Ordered, bounded read-ahead over the calls of a run.

Whoever reads says early what will be read, in the order in which it will be read (`plan`), and then reads it in that
order (`pages`). In between, a few threads make the calls that are next in that order. So the pages come out in the same
order whatever the number of threads, a failure comes out at its turn, and what waits is bounded.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tap_onefile.pages import Pages, to_be_counted
from tap_onefile.reads import Get

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

    from tap_onefile.reads import Read, Search

    Row = dict[str, Any]

T = TypeVar("T")

_ROWS_WAITING = 16_000
"""Rows that may wait for their turn. Many short pages must be able to wait, as the searches that are read side by side
give their pages one by one."""
_COUNT = 0
"""Stands in the place of a page's number for the count of a search."""
_BETWEEN_CHECKS = 0.2
"""Seconds."""


class ReadAhead:
    """Makes planned calls ahead of their turn.

    Args:
        fetch: Gives one page of what is read; called from several threads.
        threads: How many calls may be under way at once.
        page_size: How many rows a page is asked for.
        count: Tells how many rows a search has, if that can be had; called from several threads.
        check: Called now and then while a page is waited for; may raise.
    """

    def __init__(
        self,
        fetch: Callable[[Read, int], list[Row]],
        threads: int,
        *,
        page_size: int,
        count: Callable[[Search], int | None] = lambda _: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._fetch = fetch
        self._count = count
        self._check = check
        self._threads = threads
        self._page_size = page_size
        self._started = False
        self._lock = threading.Lock()
        self._has_come = threading.Condition(self._lock)
        self._may_be_asked = threading.Condition(self._lock)
        self._planned: deque[Pages] = deque()
        self._urgent: deque[Callable[[], None]] = deque()
        self._under_way = 0
        self._waiting = 0
        self._broken: BaseException | None = None
        self._wanted: tuple[Pages, int] | None = None
        self._being_counted: set[Read] = set()
        self._counted: dict[Read, int] = {}

    def plan(self, reads: Iterable[Read]) -> None:
        """Say what will be read next.

        Args:
            reads: What will be read, in its order, and all of it before anything planned so far.
        """
        with self._lock:
            self._planned.extendleft(reversed([Pages(read, self._page_size) for read in reads]))
            self._may_be_asked.notify()

    @contextmanager
    def planned(self, reads: Sequence[Read]) -> Generator[None]:
        """Have reads planned for as long as a block of code lasts, and forget those that it has not come to.

        Args:
            reads: As for ``plan``.
        """
        self.plan(reads)
        try:
            yield
        finally:
            self._forget(set(reads))

    def pages(self, read: Read) -> Iterator[list[Row]]:
        """Read one search or list or object to its end.

        Args:
            read: What to read; asked for right away where it was not planned.

        Yields:
            The rows of each page.

        Raises:
            Exception: What the call for a page raised, after all pages before it.
        """
        pages = self._begin(read)
        page = 1
        try:
            while rows := self._wait_for(pages, page):
                yield rows
                if isinstance(read, Get):
                    break
                page += 1
        finally:
            self._forget({read})

    def at_once(self, call: Callable[[], T]) -> T:
        """Make calls that were not planned, before all that are, and wait for them.

        They take the place of one that might be under way, and the wait for them can be broken off.

        Args:
            call: Makes them; called from another thread.

        Returns:
            What it returned.

        Raises:
            Exception: What it raised.
        """
        urgent: Future[T] = Future()
        with self._lock:
            self._start()
            self._urgent.append(partial(_complete, urgent, call))
            self._may_be_asked.notify()
            self._wait_until(urgent.done)
        return urgent.result()

    def counted(self, read: Read) -> int | None:
        """Tell how many rows something has that was read, if they were counted meanwhile; wait where they still are.

        Args:
            read: What was read.

        Returns:
            The rows; None where nobody could count them.
        """
        with self._lock:
            self._wait_until(lambda: read not in self._being_counted)
            return self._counted.pop(read, None)

    def _forget(self, reads: set[Read]) -> None:
        with self._lock:
            forgotten = [pages for pages in self._planned if pages.read in reads]
            for pages in forgotten:
                pages.is_over = pages.is_forgotten = True
                self._waiting -= pages.rows
                self._planned.remove(pages)
            self._may_be_asked.notify()

    def _start(self) -> None:
        if not self._started:
            self._started = True
            for _ in range(self._threads):
                # A pool whose threads are joined at exit would keep a run that was stopped waiting for its calls.
                threading.Thread(target=self._work, name="tap-onefile-read-ahead", daemon=True).start()

    def _begin(self, read: Read) -> Pages:
        with self._lock:
            self._start()
            found = next((pages for pages in self._planned if pages.read == read), None)
            if found is None:
                found = Pages(read, self._page_size)
                self._planned.appendleft(found)
            return found

    def _wait_for(self, pages: Pages, page: int) -> list[Row]:
        with self._lock:
            if not pages.has(page):
                self._wanted = (pages, page)
                self._may_be_asked.notify()
                self._wait_until(lambda: pages.has(page))
                self._wanted = None
            self._waiting -= pages.rows_of(page)
            self._may_be_asked.notify()
            return pages.take(page)

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        while not self._has_come.wait_for(condition, _BETWEEN_CHECKS):
            self._check()
            if self._broken is not None:
                raise self._broken

    def _work(self) -> None:
        try:
            self._work_on()
        except BaseException as error:  # noqa: BLE001 - whoever waits for a page would wait for ever
            with self._lock:
                self._broken = error
                self._has_come.notify_all()

    def _work_on(self) -> None:
        while True:
            with self._lock:
                make = self._next_call()
                self._under_way += 1
            make()

    def _make_urgent(self, call: Callable[[], None]) -> None:
        call()
        with self._lock:
            self._under_way -= 1
            self._has_come.notify_all()
            self._may_be_asked.notify()

    def _make_call(self, pages: Pages, page: int) -> None:
        outcome: list[Row] | Exception
        try:
            outcome = self._fetch(pages.read, page)
        except Exception as error:  # noqa: BLE001 - it is raised on the main thread, at its turn
            outcome = error
        with self._lock:
            self._under_way -= 1
            if not pages.is_forgotten:
                pages.put(page, outcome)
                self._waiting += pages.rows_of(page)
            if self._wanted == (pages, page):
                self._has_come.notify_all()
            self._may_be_asked.notify()

    def _make_count(self, pages: Pages) -> None:
        rows = None
        # What is wrong shows when the pages are read; a count that fails is only a count that is not there.
        with suppress(Exception):
            rows = self._count(cast("Search", pages.read))
        with self._lock:
            self._under_way -= 1
            pages.put_count(rows)
            self._being_counted.discard(pages.read)
            if rows is not None:
                self._counted[pages.read] = rows
            self._has_come.notify_all()
            self._may_be_asked.notify()

    def _next_call(self) -> Callable[[], None]:
        while (make := self._urgent_call() or self._planned_call()) is None:
            self._may_be_asked.wait()
        # There may be more to ask for. Waking one thread at a time keeps those from running that would find nothing.
        self._may_be_asked.notify()
        return make

    def _urgent_call(self) -> Callable[[], None] | None:
        return partial(self._make_urgent, self._urgent.popleft()) if self._urgent else None

    def _planned_call(self) -> Callable[[], None] | None:
        if (call := self._find_call()) is None:
            return None
        pages, page = call
        if page == _COUNT:
            pages.expected = 0
            self._being_counted.add(pages.read)
            return partial(self._make_count, pages)
        pages.asked = page
        return partial(self._make_call, pages, page)

    def _find_call(self) -> tuple[Pages, int] | None:
        if self._wanted and self._wanted[0].next_page() == self._wanted[1]:
            return self._wanted
        has_room = self._waiting < _ROWS_WAITING
        planned = self._planned if has_room else self._read_now()
        if has_room and self._is_running_out() and (unknown := to_be_counted(planned)):
            return unknown, _COUNT
        for pages in planned:
            if (page := pages.next_page()) is not None:
                return pages, page
        # Nothing is left that there is room for and that is sure to be wanted: now a call may be spent on what is not.
        if unknown := to_be_counted(planned):
            return unknown, _COUNT
        for pages in planned:
            if (page := pages.guessed_page()) is not None:
                return pages, page
        return None

    def _is_running_out(self) -> bool:
        """Tell whether threads will soon wait unless more is known of the pages."""
        ready = 0
        for pages in self._planned:
            ready += pages.ready
            if ready >= self._threads:
                return False
        return not self._being_counted

    def _read_now(self) -> list[Pages]:
        """Give what is being read, unless enough of it is on its way.

        What is read next may fill all the room there is, and must not keep what is read now from going on.
        """
        if not self._planned:
            return []
        pages = self._wanted[0] if self._wanted else self._planned[0]
        return [pages] if pages.asked - pages.taken < self._threads else []


def _complete(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except Exception as error:  # noqa: BLE001 - it is raised on the main thread
        future.set_exception(error)
