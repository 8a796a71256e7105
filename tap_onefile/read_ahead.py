"""Ordered, bounded read-ahead over the searches of a run.

Whoever reads says early what will be read, in the order in which it will be read (`plan`), and then reads it in that
order (`pages`). In between, a few threads make the calls that are next in that order. So the pages come out in the same
order whatever the number of threads, a failure comes out at its turn, and what waits is bounded.

The pages of one search cannot all be asked for at once, since nobody knows how many there are. `Pages` says which may
be asked for already.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Row = dict[str, Any]

_PAGES_FOR_EACH_THREAD = 2
_SHORT_SEARCH = 4
"""Pages up to which no page is guessed."""


@dataclass(frozen=True)
class Search:
    """One search, from its first page to its last."""

    entity: str
    """The entity, as OneFile's paths name it."""
    filters: tuple[tuple[str, object], ...]
    """The body of the search."""

    @classmethod
    def of(cls, entity: str, filters: Mapping[str, object]) -> Search:
        """Make a search from its filters by name."""
        return cls(entity, tuple(filters.items()))


@dataclass(eq=False)
class Pages:
    """The pages of one search, of which some are asked for, some have come, and some have been taken."""

    search: Search
    asked: int = 0
    """The last page that was asked for."""
    filled: int = 0
    """The last page known to hold rows."""
    is_over: bool = False
    """Whether a page came back empty, or a call failed for good."""
    _first_size: int = 0
    _last_size: int = 0
    _come: dict[int, list[Row] | Exception] = field(default_factory=dict)

    def next_page(self) -> int | None:
        """Tell which page may be asked for now.

        The page after the last one known to hold rows always may: it holds rows or it is the empty one that ends the
        search. Pages beyond it may not exist. They are guessed only on searches that are known to be long, so that at
        most a fifth of the calls is wasted, and none on searches of up to four pages.
        """
        looks_on = self.filled > _SHORT_SEARCH and self._last_size >= self._first_size
        guesses = (self.filled + 1) // 4 if looks_on else 0
        return self.asked + 1 if not self.is_over and self.asked <= self.filled + guesses else None

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

    def __len__(self) -> int:
        """Count the pages that have come and were not taken."""
        return len(self._come)


class ReadAhead:
    """Makes the calls of planned searches ahead of their turn.

    Args:
        fetch: Gives the rows of one page of a search; called from several threads.
        threads: How many calls may be under way at once.
    """

    def __init__(self, fetch: Callable[[Search, int], list[Row]], threads: int) -> None:
        self._fetch = fetch
        self._threads = threads
        self._started = False
        self._changed = threading.Condition()
        self._planned: deque[Pages] = deque()
        self._under_way = 0
        self._wanted: tuple[Pages, int] | None = None

    def plan(self, searches: Iterable[Search]) -> None:
        """Say what will be read next.

        Args:
            searches: The searches in the order in which they will be read, all of them before anything planned so far.
        """
        with self._changed:
            self._planned.extendleft(reversed([Pages(search) for search in searches]))
            self._changed.notify_all()

    def pages(self, search: Search) -> Iterator[list[Row]]:
        """Read one search.

        Args:
            search: The search; made right away where it was not planned.

        Yields:
            The rows of each page, the last one empty.

        Raises:
            Exception: What the call for a page raised, after all pages before it.
        """
        pages = self._begin(search)
        page = 1
        try:
            while rows := self._wait_for(pages, page):
                yield rows
                page += 1
        finally:
            with self._changed:
                pages.is_over = True
                self._planned.remove(pages)
                self._changed.notify_all()

    def _begin(self, search: Search) -> Pages:
        with self._changed:
            if not self._started:
                self._started = True
                for _ in range(self._threads):
                    # A pool whose threads are joined at exit would keep a run that was stopped waiting for its calls.
                    threading.Thread(target=self._work, name="tap-onefile-read-ahead", daemon=True).start()
            found = next((pages for pages in self._planned if pages.search == search), None)
            if found is None:
                found = Pages(search)
                self._planned.appendleft(found)
            return found

    def _wait_for(self, pages: Pages, page: int) -> list[Row]:
        with self._changed:
            if not pages.has(page):
                self._wanted = (pages, page)
                self._changed.notify_all()
                self._changed.wait_for(lambda: pages.has(page))
                self._wanted = None
            rows = pages.take(page)
            self._changed.notify_all()
            return rows

    def _work(self) -> None:
        while True:
            with self._changed:
                pages, page = self._next_call()
                pages.asked = page
                self._under_way += 1
            outcome: list[Row] | Exception
            try:
                outcome = self._fetch(pages.search, page)
            except Exception as error:  # noqa: BLE001 - it is raised on the main thread, at its turn
                outcome = error
            with self._changed:
                self._under_way -= 1
                pages.put(page, outcome)
                self._changed.notify_all()

    def _next_call(self) -> tuple[Pages, int]:
        while (call := self._find_call()) is None:
            self._changed.wait()
        return call

    def _find_call(self) -> tuple[Pages, int] | None:
        if self._wanted and self._wanted[0].next_page() == self._wanted[1]:
            return self._wanted
        if self._under_way + sum(map(len, self._planned)) >= self._threads * _PAGES_FOR_EACH_THREAD:
            return None
        return next(((pages, page) for pages in self._planned if (page := pages.next_page()) is not None), None)
