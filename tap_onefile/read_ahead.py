"""Ordered, bounded read-ahead over the calls of a run.

Whoever reads says early what will be read, in the order in which it will be read (`plan`), and then reads it in that
order (`pages`). In between, a few threads make the calls that are next in that order. So the pages come out in the same
order whatever the number of threads, a failure comes out at its turn, and what waits is bounded.

The pages of one search cannot all be asked for at once, since nobody knows how many there are. `Pages` says which may
be asked for already.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    Row = dict[str, Any]

_ROWS_WAITING = 16_000
"""Rows that may wait for their turn. Many short pages must be able to wait, as the searches that are read side by side
give their pages one by one."""
_COUNT = 0
"""Stands in the place of a page's number for the count of a search."""
_BETWEEN_CHECKS = 0.2
"""Seconds."""
_SHORT_SEARCH = 4
"""Pages up to which no page is guessed."""


@dataclass(frozen=True)
class Search:
    """A search, from its first page to its last."""

    entity: str
    """The entity, as OneFile's paths name it."""
    filters: tuple[tuple[str, object], ...]
    """The body of the search."""
    stream: str
    """For whom it is read."""
    unpaged_will_do: bool = True
    """Whether the unpaged search may stand in for pages that OneFile does not have."""
    is_never_empty: bool = False
    """Whether it always has rows, so that its second page is needed too: for its rows, or to see that it ends."""

    @classmethod
    def of(
        cls,
        entity: str,
        filters: Mapping[str, object],
        stream: str,
        *,
        unpaged_will_do: bool = True,
        is_never_empty: bool = False,
    ) -> Search:
        """Make a search from its filters by name."""
        return cls(entity, tuple(filters.items()), stream, unpaged_will_do, is_never_empty)


@dataclass(frozen=True)
class Get:
    """Something that is read by one call, without pages."""

    path: str
    """The path below the address of the API, URL-encoded."""
    stream: str
    """For whom it is read."""
    is_list: bool
    """Whether it is a list of rows, or one object."""
    record_id: str | None = None
    """The id of the record that it is, which may have gone since the id was read."""


Read = Search | Get
"""What can be read ahead."""


@dataclass(eq=False)
class Pages:
    """The pages of one read, of which some are asked for, some have come, and some have been taken."""

    read: Read
    full: int
    """How many rows a full page holds, unless the server caps pages below that."""
    asked: int = 0
    """The last page that was asked for."""
    filled: int = 0
    """The last page known to hold rows."""
    expected: int | None = None
    """How many pages hold rows, as far as counting them has told; 0 while it is under way or where it has not."""
    count_failed: bool = False
    """Whether its rows cannot be counted."""
    is_over: bool = False
    """Whether a page came back empty, or a call failed for good."""
    is_forgotten: bool = False
    """Whether nobody will read any more of it."""
    _first_size: int = 0
    _last_size: int = 0
    _come: dict[int, list[Row] | Exception] = field(default_factory=dict)

    def next_page(self) -> int | None:
        """Tell which page may be asked for now.

        What is not a search has one page. On a search, the page after the last one known to hold rows always may be
        asked for: it holds rows or it is the empty one that ends the search. Pages beyond it may not exist. They are
        guessed only on searches that are known to be long, so that at most a fifth of the calls is wasted, and none on
        searches of up to four pages; or asked for where counting the rows has told that they exist.
        """
        if isinstance(self.read, Get):
            return 1 if not self.asked else None
        is_guessable = self.filled > _SHORT_SEARCH and self._looks_on and (self.expected is None or self.count_failed)
        guesses = (self.filled + 1) // 4 if is_guessable else 0
        known = max(self.filled + guesses, self.expected or 0, int(self.read.is_never_empty))
        return self.asked + 1 if not self.is_over and self.asked <= known else None

    def wants_count(self) -> bool:
        """Tell whether counting its rows would help to ask for its pages: where it looks like more than two."""
        # The second page may have come before the first.
        looks_long = self._first_size > 0 and (self.filled > 1 or self._first_size >= self.full)
        return looks_long and self._looks_on and self.expected is None and not self.is_over

    @property
    def _looks_on(self) -> bool:
        return self._last_size >= self._first_size

    def put_count(self, rows: int | None) -> None:
        """Take note of how many rows there are.

        Args:
            rows: The rows; None if they could not be counted.
        """
        self.count_failed = rows is None
        self.expected = -(-(rows or 0) // self._first_size)

    def put(self, page: int, outcome: list[Row] | Exception) -> None:
        """Take note of what a call for a page has brought."""
        self._come[page] = outcome
        if isinstance(outcome, Exception) or not outcome:
            self.is_over = True
            return
        if page == 1:
            self._first_size = len(outcome)
        if page > self.filled:
            self.filled = page
            self._last_size = len(outcome)

    def has(self, page: int) -> bool:
        """Tell whether a page has come."""
        return page in self._come

    def take(self, page: int) -> list[Row]:
        """Give a page that has come, or raise what came in its place."""
        outcome = self._come.pop(page)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def rows_of(self, page: int) -> int:
        """Count the rows of a page that has come."""
        outcome = self._come[page]
        return 1 if isinstance(outcome, Exception) else len(outcome)

    @property
    def rows(self) -> int:
        """The rows that have come and were not taken."""
        return sum(map(self.rows_of, self._come))


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
        self._changed = threading.Condition()
        self._planned: deque[Pages] = deque()
        self._under_way = 0
        self._waiting = 0
        self._broken: BaseException | None = None
        self._wanted: tuple[Pages, int] | None = None

    def plan(self, reads: Iterable[Read]) -> None:
        """Say what will be read next.

        Args:
            reads: What will be read, in its order, and all of it before anything planned so far.
        """
        with self._changed:
            self._planned.extendleft(reversed([Pages(read, self._page_size) for read in reads]))
            self._changed.notify_all()

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

    def _forget(self, reads: set[Read]) -> None:
        with self._changed:
            forgotten = [pages for pages in self._planned if pages.read in reads]
            for pages in forgotten:
                pages.is_over = pages.is_forgotten = True
                self._waiting -= pages.rows
                self._planned.remove(pages)
            self._changed.notify_all()

    def _begin(self, read: Read) -> Pages:
        with self._changed:
            if not self._started:
                self._started = True
                for _ in range(self._threads):
                    # A pool whose threads are joined at exit would keep a run that was stopped waiting for its calls.
                    threading.Thread(target=self._work, name="tap-onefile-read-ahead", daemon=True).start()
            found = next((pages for pages in self._planned if pages.read == read), None)
            if found is None:
                found = Pages(read, self._page_size)
                self._planned.appendleft(found)
            return found

    def _wait_for(self, pages: Pages, page: int) -> list[Row]:
        with self._changed:
            if not pages.has(page):
                self._wanted = (pages, page)
                self._changed.notify_all()
                while not self._changed.wait_for(lambda: pages.has(page), _BETWEEN_CHECKS):
                    self._check()
                    if self._broken is not None:
                        raise self._broken
                self._wanted = None
            self._waiting -= pages.rows_of(page)
            self._changed.notify_all()
            return pages.take(page)

    def _work(self) -> None:
        try:
            self._work_on()
        except BaseException as error:  # noqa: BLE001 - whoever waits for a page would wait for ever
            with self._changed:
                self._broken = error
                self._changed.notify_all()

    def _work_on(self) -> None:
        while True:
            with self._changed:
                pages, page = self._next_call()
                if page == _COUNT:
                    pages.expected = 0
                else:
                    pages.asked = page
                self._under_way += 1
            if page == _COUNT:
                self._make_count(pages)
            else:
                self._make_call(pages, page)

    def _make_call(self, pages: Pages, page: int) -> None:
        outcome: list[Row] | Exception
        try:
            outcome = self._fetch(pages.read, page)
        except Exception as error:  # noqa: BLE001 - it is raised on the main thread, at its turn
            outcome = error
        with self._changed:
            self._under_way -= 1
            if not pages.is_forgotten:
                pages.put(page, outcome)
                self._waiting += pages.rows_of(page)
            self._changed.notify_all()

    def _make_count(self, pages: Pages) -> None:
        rows = None
        # What is wrong shows when the pages are read; a count that fails is only a count that is not there.
        with suppress(Exception):
            rows = self._count(cast("Search", pages.read))
        with self._changed:
            self._under_way -= 1
            pages.put_count(rows)
            self._changed.notify_all()

    def _next_call(self) -> tuple[Pages, int]:
        while (call := self._find_call()) is None:
            self._changed.wait()
        return call

    def _find_call(self) -> tuple[Pages, int] | None:
        if self._wanted and self._wanted[0].next_page() == self._wanted[1]:
            return self._wanted
        if self._waiting >= _ROWS_WAITING:
            return None
        for pages in self._planned:
            if (page := pages.next_page()) is not None:
                return pages, page
        # Nothing that is sure to be wanted is left to ask for: only then is a call spent to learn what is.
        return next(((pages, _COUNT) for pages in self._planned if pages.wants_count()), None)
