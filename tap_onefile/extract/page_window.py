"""Which page of a query may be asked for already, by what has come of it so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from tap_onefile.api.decode import Rows
from tap_onefile.extract.query import LISTED, UNPAGED, Search

if TYPE_CHECKING:
    from collections.abc import Collection

    from tap_onefile.extract.query import Query

T = TypeVar("T")

_BYTES_OF_A_ROW = 4096
"""Bytes up to which a waiting row counts as one."""


@dataclass(eq=False)
class PageWindow:
    """The pages of one query, of which some are asked for, some have come, and some have been taken."""

    query: Query
    full: int
    """How many rows a full page holds, unless the server caps pages below that."""
    asked: int = 0
    """The last page that was asked for."""
    taken: int = 0
    """The last page that was taken."""
    filled: int = 0
    """The last page known to hold rows."""
    expected: int | None = None
    """How many pages hold rows, by counting; None before that, 0 while it is under way, where it failed, and where the
    first page is asked for again."""
    is_over: bool = False
    """Whether nothing more is to be asked for: an empty page, the whole search as one page, a failure, or forgotten."""
    was_empty: bool = False
    """Whether its first page had no rows, so that this is to be confirmed."""
    not_before: float = 0.0
    """When it may be asked for again, on the clock of `time.monotonic`; 0 where it was not put off."""
    is_to_be_listed: bool = False
    """Whether its list is wanted in place of the page after the last that came, as that is not full."""
    first_size: int = 0
    """Rows of the first page."""
    _rows: int = 0
    """Rows of all pages that have come."""
    _waits_for_count: int = 0
    """Up to how many pages no other is guessed, as their number may come in time."""
    _last_size: int = 0
    _come: dict[int, Rows | Exception] = field(default_factory=dict)

    @property
    def ready(self) -> int:
        """How many pages may be asked for now without any doubt: those known to hold rows, and the one after them."""
        if self.is_over or self.is_put_off or self.is_to_be_listed:
            return 0
        if not isinstance(self.query, Search):
            return 1 - self.asked
        known = max(self.filled, self.expected or 0, int(self.query.is_never_empty))
        return max(0, known + 1 - self.asked)

    @property
    def is_put_off(self) -> bool:
        """Whether it may not be asked for yet."""
        return self.not_before > time.monotonic()

    def begin_again(self, moment: float) -> None:
        """Discard what was asked for and has come, and ask for it again after a moment."""
        self.not_before = moment
        self.asked = self.filled = self.first_size = self._last_size = self._rows = 0
        self.expected = 0
        self.is_over = False
        self._come.clear()

    def next_page(self) -> int | None:
        """Return the page that may be asked for next without any doubt."""
        return self.asked + 1 if self.ready else None

    def guessed_page(self) -> int | None:
        """Return which page may be asked for now although it may not exist: more of them, the more have come."""
        # A list that takes longer than two pages is not waited for.
        is_guessable = self.filled > self._waits_for_count and self._looks_on and not self.expected
        return self.asked + 1 if is_guessable and self.asked < self.filled**2 and not self.is_over else None

    def wants_count(self) -> bool:
        """Return whether counting its rows would help to ask for its pages: where it looks like more than two."""
        if not isinstance(self.query, Search) or self.expected is not None or self.is_over:
            return False
        if self.query.is_never_empty:
            # Its list is wanted whatever its length, to be sure of its end.
            return True
        # The second page may have come before the first.
        looks_long = self.first_size > 0 and (self.filled > 1 or self.first_size >= self.full)
        return looks_long and self._looks_on

    @property
    def _looks_on(self) -> bool:
        return self._last_size >= self.first_size

    @property
    def looks_short(self) -> bool:
        """Whether all pages seem to have come: the last is not full, and none is under way. A list would settle it."""
        if not isinstance(self.query, Search) or self.query.is_narrowed or self.query.is_never_empty:
            return False
        is_small = 0 < self._last_size < (self.first_size if self.filled > 1 else self.full)
        is_under_way = self.taken + len(self._come) < self.asked
        return is_small and not is_under_way and self.expected is None and not self.is_over

    @property
    def wants_list(self) -> bool:
        """Whether its list is to be asked for next."""
        return self.is_to_be_listed and self.expected is None

    def begin_count(self, *, is_promising: bool) -> None:
        """Note that its rows are being counted."""
        self.expected = 0
        self._waits_for_count = self.filled + 1 if is_promising else 0

    def put_count(self, rows: int) -> None:
        """Note how many rows there are, 0 if they could not be counted."""
        self._waits_for_count = 0
        self.expected = -(-rows // (self.first_size or self.full))
        if self.is_to_be_listed and rows == self._rows:
            self.put(self.filled + 1, Rows(form=LISTED))
        self.is_to_be_listed = False

    def put(self, page: int, outcome: Rows | Exception) -> None:
        """Note what a call for a page has brought."""
        self._come[page] = outcome
        if isinstance(outcome, Exception) or not outcome or outcome.form == UNPAGED:
            self.is_over = True
            return
        self._rows += len(outcome)
        if page == 1:
            self.first_size = len(outcome)
        if page > self.filled:
            self.filled = page
            self._last_size = len(outcome)

    @property
    def has_come(self) -> bool:
        """Whether the page has come that is to be taken next."""
        return self.taken + 1 in self._come

    def take(self) -> Rows:
        """Take the next page, or raise what came in its place."""
        self.taken += 1
        return taken(self._come.pop(self.taken))

    def weight_of(self, page: int) -> int:
        """Return what a page that has come weighs while it waits, in rows of an ordinary size."""
        outcome = self._come[page]
        return 1 if isinstance(outcome, Exception) else max(len(outcome), outcome.size // _BYTES_OF_A_ROW)

    @property
    def weight(self) -> int:
        """What all that has come and was not taken weighs."""
        return sum(map(self.weight_of, self._come))


def to_be_counted(planned: Collection[PageWindow]) -> PageWindow | None:
    """Choose what to count the rows of: what is likely to be at its end last, the later one of equals."""
    wanting = [window for window in planned if window.wants_count()]
    return max(reversed(wanting), key=lambda window: window.filled, default=None)


def taken(outcome: T | Exception) -> T:
    """Return what a call has brought, or raise what it raised."""
    if isinstance(outcome, Exception):
        raise outcome
    return outcome
