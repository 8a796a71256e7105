"""Ordered, bounded prefetch over the calls of a run.

Whoever reads says early what will be read, in the order in which it will be read (`plan`), and then reads it in that
order (`pages`). In between, a few threads make the calls that are next in that order. So the pages come out in the same
order whatever the number of threads, a failure comes out at its turn, and what waits is bounded.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

from tap_onefile.errors import NotFound, OneFileError
from tap_onefile.extract.page_window import PageWindow, taken, to_be_counted
from tap_onefile.extract.query import Search

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Generator, Hashable, Iterable, Sequence

    from tap_onefile.api.decode import Rows
    from tap_onefile.extract.query import Query

T = TypeVar("T")

_ROWS_WAITING = 16_000
"""Rows that may wait for their turn. Many short pages must be able to wait, as the searches that are read side by side
give their pages one by one."""
_TOO_MANY_BAD_LISTS = 2
"""Lists of an entity that fail before no more of them are asked for in place of a page."""
_BETWEEN_CHECKS = 0.2
"""Seconds."""
_BEFORE_BELIEVING = 1.0
"""Seconds after which a search that was not found is asked for again."""
_BEFORE_BELIEVING_AGAIN = 0.2
"""The same, where this was so of another search of its entity, and for what had no rows."""


class Prefetch:
    """Makes planned calls ahead of their turn, as many at once as there are threads.

    What makes the calls is called from these threads: `fetch` for one page, `stand_in` for what there is of a search
    that has no first page, `confirm` for a first page once more that had no rows, and `keys` to list those of a search,
    if that can be had. `check` is called now and then where a page is waited for, and may raise.
    """

    def __init__(
        self,
        fetch: Callable[[Query, int], Rows],
        threads: int,
        *,
        page_size: int,
        stand_in: Callable[[Search], Rows] | None = None,
        confirm: Callable[[Query], Rows] | None = None,
        keys: Callable[[Search], list[Hashable] | None] = lambda _: None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._fetch = fetch
        self._stand_in = stand_in
        self._confirm = confirm
        self._keys = keys
        self._check = check
        self._threads = threads
        self._page_size = page_size
        self._started = False
        self._lock = threading.Lock()
        self._has_come = threading.Condition(self._lock)
        self._may_be_asked = threading.Condition(self._lock)
        self._windows: dict[Query, PageWindow] = {}
        # In reading order: those that are under way, which alone are looked through for each call, and all others.
        self._active: list[PageWindow] = []
        self._later: deque[PageWindow] = deque()
        self._reading: list[PageWindow] = []
        self._abandoned: deque[PageWindow] = deque()
        self._urgent: deque[Callable[[], None]] = deque()
        self._waiting = 0
        self._broken: BaseException | None = None
        self._awaited: PageWindow | None = None
        """The window whose next page the reader waits for."""
        self._being_counted: set[Query] = set()
        self._believed: set[str] = set()
        self._has_counted = False
        self._bad_lists: Counter[str] = Counter()
        """How many lists of an entity were not to be had; one that was wrong counts as too many."""
        self._counted: dict[Query, list[Hashable]] = {}

    def plan(self, queries: Iterable[Query]) -> None:
        """Plan what will be read after all that is planned, in reading order."""
        with self._lock:
            self._later.extend(self._new(queries))
            self._may_be_asked.notify()

    @contextmanager
    def planned(self, queries: Sequence[Query]) -> Generator[None]:
        """Have queries planned that are read first, and forget what is left of them after a block of code."""
        with self._lock:
            windows = self._new(queries)
            self._later.extendleft(reversed([*windows, *self._active]))
            self._active.clear()
            self._may_be_asked.notify()
        try:
            yield
        finally:
            self._forget(windows)

    def forget_planned(self) -> None:
        """Forget all that is planned and not being read."""
        with self._lock:
            windows = [window for window in self._windows.values() if window not in self._reading]
        self._forget(windows)

    def pages(self, query: Query) -> Generator[Rows]:
        """Yield all pages of a query, whether or not it was planned; of a search, the first one without rows too.

        What the call for a page raised is raised after all pages before it.
        """
        window = self._begin(query)
        try:
            while True:
                rows = self._wait_for(window)
                yield rows
                if not (rows and isinstance(query, Search)):
                    return
        finally:
            self._reading.remove(window)
            self._forget([window])

    def _new(self, queries: Iterable[Query]) -> list[PageWindow]:
        self._drop_abandoned()
        new = dict.fromkeys(query for query in queries if query not in self._windows)
        windows = [PageWindow(query, self._page_size) for query in new]
        self._windows |= {window.query: window for window in windows}
        return windows

    def at_once(self, call: Callable[[], T]) -> Callable[[], T]:
        """Run a call in another thread, before all that are planned, and return a function that waits for its outcome.

        It takes the place of one that might be under way, and the wait for it can be broken off.
        """
        came: list[T | Exception] = []

        def make() -> None:
            outcome = _outcome(call)
            with self._lock:
                came.append(outcome)
                self._has_come.notify_all()
                self._may_be_asked.notify()

        with self._lock:
            self._start()
            self._urgent.append(make)
            self._may_be_asked.notify()

        def wait() -> T:
            with self._lock:
                self._wait_until(lambda: bool(came))
            return taken(came[0])

        return wait

    def counted(self, query: Query) -> list[Hashable] | None:
        """Return the keys of a search, if they were listed while it was read; wait while they are being listed."""
        with self._lock:
            self._wait_until(lambda: query not in self._being_counted)
            return self._counted.pop(query, None)

    def counted_so_far(self, query: Query) -> int | None:
        """Return how many keys have been listed of a search that is being read; None where that is not known yet."""
        with self._lock:
            keys = self._counted.get(query)
            return None if keys is None else len(keys)

    def distrust_lists(self, search: Search) -> None:
        """Ask for no list in place of a page of searches like this one, of which it was not right."""
        with self._lock:
            self._bad_lists[_kind_of(search)] += _TOO_MANY_BAD_LISTS

    def _forget(self, windows: Iterable[PageWindow]) -> None:
        # A reader that is abandoned half-way is closed wherever the garbage collector runs, which may be inside this
        # very class: then the lock cannot be waited for, and what is abandoned is dropped at the next step.
        self._abandoned.extend(windows)
        if self._lock.acquire(blocking=False):
            try:
                self._drop_abandoned()
                self._may_be_asked.notify()
            finally:
                self._lock.release()

    def _drop_abandoned(self) -> None:
        while self._abandoned:
            window = self._abandoned.popleft()
            if not self._is_forgotten(window):
                del self._windows[window.query]
                window.is_over = True
                self._waiting -= window.weight
                self._drop(window)

    def _is_forgotten(self, window: PageWindow) -> bool:
        return self._windows.get(window.query) is not window

    def _drop(self, window: PageWindow) -> None:
        """Look no more through a window that is over; those that wait further back are dropped when they are met."""
        if window in self._active:
            self._active.remove(window)

    def _start(self) -> None:
        if not self._started:
            self._started = True
            for _ in range(self._threads):
                # A pool whose threads are joined at exit would keep a run that was stopped waiting for its calls.
                threading.Thread(target=self._work, name="tap-onefile-prefetch", daemon=True).start()

    def _begin(self, query: Query) -> PageWindow:
        with self._lock:
            self._drop_abandoned()
            self._start()
            if (found := self._windows.get(query)) is None:
                found = self._windows[query] = PageWindow(query, self._page_size)
                self._active.insert(0, found)
            self._reading.append(found)
            return found

    def _wait_for(self, window: PageWindow) -> Rows:
        with self._lock:
            if not window.has_come:
                self._awaited = window
                self._may_be_asked.notify()
                self._wait_until(lambda: window.has_come)
                self._awaited = None
            self._waiting -= window.weight_of(window.taken + 1)
            self._may_be_asked.notify()
            return window.take()

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        while not self._has_come.wait_for(condition, _BETWEEN_CHECKS):
            self._check()
            if self._broken is not None:
                raise self._broken

    def _work(self) -> None:
        try:
            while True:
                with self._lock:
                    make = self._next_call()
                make()
        except BaseException as error:  # noqa: BLE001 - whoever waits for a page would wait for ever
            with self._lock:
                self._broken = error
                self._has_come.notify_all()

    def _make_call(self, window: PageWindow, page: int, not_before: float) -> None:
        is_first = page == 1 and not not_before
        if self._confirm and window.was_empty and page == 1:
            outcome = _outcome(partial(self._confirm, window.query))
        else:
            outcome = _outcome(partial(self._fetch, window.query, page))
        if is_first and (isinstance(outcome, NotFound) or (self._confirm and not outcome)):
            self._put_off(window, was_empty=not isinstance(outcome, NotFound))
            return
        if isinstance(outcome, NotFound) and page == 1:
            self._believed.add(_kind_of(window.query))
            if isinstance(window.query, Search) and self._stand_in:
                outcome = _outcome(partial(self._stand_in, window.query))
        with self._lock:
            if not self._is_forgotten(window) and window.not_before == not_before:
                window.put(page, outcome)
                window.is_to_be_listed = window.looks_short and self._is_countable(window.query)
                self._waiting += window.weight_of(page)
                if window.is_over:
                    self._drop(window)
            if self._awaited is window and window.has_come:
                self._has_come.notify_all()
            self._may_be_asked.notify()

    def _put_off(self, window: PageWindow, *, was_empty: bool) -> None:
        """Have what was not found, or has no rows, asked for once more, later: a slip of the server has passed then."""
        with self._lock:
            if not self._is_forgotten(window):
                self._waiting -= window.weight
                is_usual = was_empty or _kind_of(window.query) in self._believed
                pause = _BEFORE_BELIEVING_AGAIN if is_usual else _BEFORE_BELIEVING
                window.was_empty = was_empty
                window.begin_again(time.monotonic() + pause)
            self._may_be_asked.notify()

    def _make_count(self, window: PageWindow) -> None:
        keys = None
        # What is wrong shows when the pages are read; a count that OneFile refuses is only a count that is not there.
        with suppress(OneFileError):
            keys = self._keys(cast("Search", window.query))
        with self._lock:
            window.put_count(len(keys or ()))
            if window.is_over:
                self._drop(window)
            self._being_counted.discard(window.query)
            # One that has fewer rows than the first page is known to be wrong before it is that search's turn.
            if keys is None:
                self._bad_lists[_kind_of(window.query)] += 1
            elif len(keys) < window.first_size:
                self._bad_lists[_kind_of(window.query)] += _TOO_MANY_BAD_LISTS
            if keys is not None:
                self._counted[window.query] = keys
                self._has_counted = True
            self._has_come.notify_all()
            self._may_be_asked.notify()

    def _next_call(self) -> Callable[[], None]:
        while (make := self._urgent.popleft() if self._urgent else self._planned_call()) is None:
            waited_for = [self._awaited] if self._awaited else []
            moments = [each.not_before for each in (*self._active, *waited_for) if each.is_put_off]
            self._may_be_asked.wait(max(0.0, min(moments) - time.monotonic()) if moments else None)
        # There may be more to ask for. Waking one thread at a time keeps those from running that would find nothing.
        self._may_be_asked.notify()
        return make

    def _planned_call(self) -> Callable[[], None] | None:
        self._drop_abandoned()
        if self._awaited and self._awaited.next_page() == self._awaited.taken + 1:
            return self._page_call(self._awaited)
        if self._awaited and self._awaited.wants_list:
            return self._count_call(self._awaited)
        has_room = self._waiting < _ROWS_WAITING
        windows = self._active if has_room else self._read_now()
        # What is read now must not go on page by page when there is no more room.
        if self._waiting > _ROWS_WAITING / 2:
            promising = [window for window in self._read_now() if self._is_countable(window.query)]
            if unknown := to_be_counted(promising):
                return self._count_call(unknown)
        if has_room and self._is_running_out() and (unknown := to_be_counted(windows)):
            return self._count_call(unknown)
        # What comes last must not begin last: what its first page shows may take a pause and further calls.
        sure = self._open_next() if has_room and len(self._later) <= self._threads else None
        sure = sure or next((window for window in windows if window.ready or window.wants_list), None)
        if sure is None and has_room:
            sure = self._open_next()
        if sure is None:
            return self._unsure_call(windows)
        return self._count_call(sure) if sure.wants_list else self._page_call(sure)

    def _unsure_call(self, windows: Collection[PageWindow]) -> Callable[[], None] | None:
        # Nothing is left that there is room for and that is sure to be wanted: now a call may be spent on what is not.
        if unknown := to_be_counted(windows):
            return self._count_call(unknown)
        guessed = next((window for window in windows if window.guessed_page()), None)
        return self._page_call(guessed) if guessed else None

    def _is_countable(self, query: Query) -> bool:
        """Return whether a list of a search is likely to be had, and to be right."""
        is_good = self._bad_lists[_kind_of(query)] < _TOO_MANY_BAD_LISTS
        return is_good and (self._has_counted or not self._bad_lists)

    def _page_call(self, window: PageWindow) -> Callable[[], None]:
        window.asked += 1
        return partial(self._make_call, window, window.asked, window.not_before)

    def _count_call(self, window: PageWindow) -> Callable[[], None]:
        window.begin_count(is_promising=self._is_countable(window.query))
        self._being_counted.add(window.query)
        return partial(self._make_count, window)

    def _open_next(self) -> PageWindow | None:
        """Take the next window that may be asked for from those that wait further back."""
        while self._later:
            window = self._later.popleft()
            if not window.is_over:
                self._active.append(window)
            if window.ready:
                return window
        return None

    def _is_running_out(self) -> bool:
        """Return whether threads will soon wait unless more is known of the pages."""
        ready = len(self._later)
        for window in self._active:
            ready += window.ready + window.wants_list
            if ready >= self._threads:
                return False
        return ready < self._threads and not self._being_counted

    def _read_now(self) -> list[PageWindow]:
        """Return what is being read, which must go on although there is no more room, unless enough is on its way."""
        window = self._awaited or next(iter(self._reading[-1:] or self._active), None)
        return [window] if window and window.asked - window.taken < self._threads else []


def _kind_of(query: Query) -> str:
    return query.entity if isinstance(query, Search) else query.stream


def _outcome(call: Callable[[], T]) -> T | Exception:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - it is raised on the main thread, at its turn
        return error
