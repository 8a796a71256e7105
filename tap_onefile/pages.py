"""The pages of one read: which may be asked for already, which have come, which were taken.

The pages of a search cannot all be asked for at once, since nobody knows how many there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_onefile.reads import Get

if TYPE_CHECKING:
    from collections.abc import Collection

    from tap_onefile.reads import Read

    Row = dict[str, Any]

_SHORT_SEARCH = 4
"""Pages up to which no page is guessed."""


@dataclass(eq=False)
class Pages:
    """The pages of one read, of which some are asked for, some have come, and some have been taken."""

    read: Read
    full: int
    """How many rows a full page holds, unless the server caps pages below that."""
    asked: int = 0
    """The last page that was asked for."""
    taken: int = 0
    """The last page that was taken."""
    filled: int = 0
    """The last page known to hold rows."""
    expected: int | None = None
    """How many pages hold rows, as far as counting them has told; 0 while it is under way or where it has not."""
    is_over: bool = False
    """Whether a page came back empty, or a call failed for good."""
    is_forgotten: bool = False
    """Whether nobody will read any more of it."""
    _first_size: int = 0
    _last_size: int = 0
    _come: dict[int, list[Row] | Exception] = field(default_factory=dict)

    @property
    def ready(self) -> int:
        """How many pages may be asked for now without any doubt.

        What is not a search has one page. On a search, the page after the last one known to hold rows may be asked for:
        it holds rows or it is the empty one that ends the search. So may pages that counting the rows has told of.
        """
        if self.is_over:
            return 0
        if isinstance(self.read, Get):
            return 1 - self.asked
        known = max(self.filled, self.expected or 0, int(self.read.is_never_empty))
        return max(0, known + 1 - self.asked)

    def next_page(self) -> int | None:
        """Tell which page may be asked for next without any doubt."""
        return self.asked + 1 if self.ready else None

    def guessed_page(self) -> int | None:
        """Tell which page may be asked for now although it may not exist.

        Only on searches that are known to be long, and so that at most a fifth of the calls is wasted: none on searches
        of up to four pages.
        """
        is_guessable = self.filled > _SHORT_SEARCH and self._looks_on and not self.expected
        is_near = self.asked <= self.filled + (self.filled + 1) // 4
        return self.asked + 1 if is_guessable and is_near and not self.is_over else None

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
        self.taken = page
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


def to_be_counted(planned: Collection[Pages]) -> Pages | None:
    """Choose what to count the rows of.

    Args:
        planned: What will be read, in its order.

    Returns:
        What is likely to be at its end last: the longest so far, and the later one of equals. None where nothing looks
        as if counting would help.
    """
    wanting = [pages for pages in planned if pages.wants_count()]
    return max(reversed(wanting), key=lambda pages: pages.filled, default=None)
