"""When a search is at its end, and which of its rows are new.

A search is over when a page comes back empty. A short page is not the end: the server may cap pages below the size
that we ask for, and its cap is unknown (API reference, section 3). The order of rows is not documented either, so
rows may move between pages while we read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_onefile.errors import MovedRows, NotFound, Refused, RepeatedPage
from tap_onefile.seen import SeenKeys, told_once
from tap_onefile.typed_rows import values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator

    Row = dict[str, Any]


_SHORT_SEARCH = 4
"""Pages up to which no page is asked for that may not exist."""
_MOST_PASSES = 3
"""How often the pages are read once more for what has moved."""


def new_rows(
    sequence: PageSequence,
    pages: Iterable[list[Row]],
    ask_again: Callable[[int], list[Row]],
    list_all: Callable[[], list[Row]],
    counted: Callable[[], int | None] = lambda: None,
) -> Iterator[list[Row]]:
    """Read the rows of a search, each of them once.

    Args:
        sequence: Follows the pages.
        pages: The pages in their order, up to the end of the search.
        ask_again: Gives a page once more. A slip of the server is not repeated then; a server that does not page says
            the same again.
        list_all: Gives the rows of the whole search at once; they may be thinner. What is wrong with the pages shows
            by them.
        counted: Tells how many rows the search has, if that is known.

    Yields:
        The rows of each page that no earlier page had.

    Raises:
        RepeatedPage: The server gives the same rows again and again, so that its end cannot be found.
        MovedRows: Rows moved from page to page while they were read, and some of them could not be had.
    """
    number = 0
    for number, page in enumerate(pages, 1):
        new = sequence.take(page)
        if new is None:
            if not (rows := ask_again(number)):
                break
            new = sequence.new_rows(rows)
        yield new
    else:
        # A search seldom ends with a full page. Where one seems to, the end may have been a slip of the server.
        seems_cut = sequence.is_full and not _is_confirmed(sequence, number, list_all, counted)
        while seems_cut and (rows := ask_again(number + 1)):
            number += 1
            yield sequence.new_rows(rows)
    if sequence.repeated_rows:
        yield from _rest_of(sequence, number, ask_again, list_all)


def _is_confirmed(
    sequence: PageSequence, pages: int, list_all: Callable[[], list[Row]], counted: Callable[[], int | None]
) -> bool:
    """Tell whether it is known from elsewhere than its pages that a search is at its end."""
    if (rows := counted()) is not None:
        return rows <= sequence.rows
    if pages > _SHORT_SEARCH:
        return False
    try:
        return not sequence.missing_from(list_all())
    except (NotFound, Refused):
        return False


def _rest_of(
    sequence: PageSequence,
    pages: int,
    ask_again: Callable[[int], list[Row]],
    list_all: Callable[[], list[Row]],
) -> Iterator[list[Row]]:
    """Read the rows that were missed because they moved to pages that had been read already."""
    try:
        rest = sequence.missing_from(list_all())
    except (NotFound, Refused):
        # Nothing tells what there is; to read on would be to guess.
        return
    for _ in range(_MOST_PASSES):
        for number in range(1, pages + 2):
            if not rest:
                return
            found = sequence.unseen(ask_again(number))
            rest = sequence.missing_from(rest)
            yield found
    if rest:
        raise sequence.moved(len(rest))


class PageSequence:
    """Follows the pages of one search in order.

    Args:
        search: What is searched, in words for the user.
        key: The field that tells rows apart.
        page_size: The rows that a page is asked for.
    """

    def __init__(self, search: str, key: str, page_size: int) -> None:
        self._search = search
        self._key = key
        self._page_size = page_size
        self._seen = SeenKeys()
        self._pages: set[int] = set()
        self._stale_pages = 0
        self._largest = 0
        self.rows = 0
        """Rows that have come, each counted once."""
        self.is_full = False
        """Whether the last page was as large as any."""
        self.repeated_rows = 0
        """Rows left out so far because an earlier page of the same search had them."""

    def take(self, rows: list[Row]) -> list[Row] | None:
        """Take the next page and give the rows that no earlier page had.

        Args:
            rows: The rows of the page; not empty.

        Returns:
            The new rows, in their order; None where the page holds the same rows as a page before it: the server may
            not be paging at all, or has answered with the wrong page.

        Raises:
            RepeatedPage: Page after page holds nothing new, so that the end of the search cannot be found.
        """
        keys = self._keys(rows)
        fingerprint = hash((len(keys), frozenset(keys)))
        if fingerprint in self._pages:
            return None
        # A row without a key cannot be told from others: it goes on, to be refused by name further up.
        before = self._seen.take_in(keys)
        self.rows += len(rows) - len(before)
        self.repeated_rows += len(before)
        self._stale_pages = self._stale_pages + 1 if len(before) == len(rows) else 0
        if self._stale_pages > 1:
            raise self._endless()
        self._pages.add(fingerprint)
        # Before the second page nobody knows how large pages are, unless the first is as large as was asked for.
        self.is_full = len(rows) >= (self._largest or self._page_size)
        self._largest = max(self._largest, len(rows))
        return _without(before, rows)

    def new_rows(self, rows: list[Row]) -> list[Row]:
        """Take the next page, which cannot be one that was there before.

        Args:
            rows: The rows of the page; not empty.

        Returns:
            The rows that no earlier page had, in their order.

        Raises:
            RepeatedPage: The server gives the same rows again and again, so that its end cannot be found.
        """
        if (new := self.take(rows)) is None:
            raise self._endless()
        return new

    def unseen(self, rows: list[Row]) -> list[Row]:
        """Take rows from anywhere in the search, and give those that did not come before."""
        with_key = [row for row, key in zip(rows, self._keys(rows), strict=True) if key is not None]
        return _without(self._seen.take_in(self._keys(with_key)), with_key)

    def missing_from(self, rows: list[Row]) -> list[Row]:
        """Give the rows, out of some that the search has, that did not come yet."""
        return [
            row for row, key in zip(rows, self._keys(rows), strict=True) if key is not None and key not in self._seen
        ]

    def moved(self, missing: int) -> MovedRows:
        """Say that rows are missing as they moved.

        Args:
            missing: How many.

        Returns:
            The error to raise.
        """
        return MovedRows(
            f"Rows of {self._search} moved from page to page while they were read, and {missing} of them did not come."
            " Run again, at a time when fewer people work in OneFile, and report it if it persists.",
        )

    def _keys(self, rows: list[Row]) -> list[Hashable]:
        return [key if key.__class__ is int else told_once(key) for key in values_of(self._key, rows)]

    def _endless(self) -> RepeatedPage:
        return RepeatedPage(
            f"OneFile gives the same rows page after page for {self._search}, so the end of the search cannot be"
            " found and rows may be missing. Run again, and report it if it persists.",
        )


def _without(places: Collection[int], rows: list[Row]) -> list[Row]:
    """Leave out the rows at some places."""
    if not places:
        return rows
    left_out = set(places)
    return [row for place, row in enumerate(rows) if place not in left_out]
