"""When a search is at its end, and which of its rows are new.

A search is over when a page comes back empty. A short page is not the end: the server may cap pages below the size
that we ask for, and its cap is unknown (API reference, section 3). The order of rows is not documented either, so
rows may move between pages while we read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tap_onefile.errors import MovedRows, RepeatedPage
from tap_onefile.extract.query import SHORT_SEARCH

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    Row = dict[str, Any]

_NUMBER = re.compile("0|[1-9][0-9]{0,18}")
"""A text that is written like this in one way only; some ids are texts with leading noughts."""


_MOST_PASSES = 3
"""How often the pages are read once more for what has moved."""


def new_rows(
    sequence: PageSequence,
    pages: Iterable[list[Row]],
    ask_again: Callable[[int], list[Row]],
    list_all: Callable[[], list[Row] | None],
    counted: Callable[[], int | None] = lambda: None,
) -> Iterator[list[Row]]:
    """Read the rows of a search, each of them once.

    Args:
        sequence: Follows the pages.
        pages: The pages in their order, up to the end of the search.
        ask_again: Gives a page once more. A slip of the server is not repeated then; a server that does not page says
            the same again.
        list_all: Gives the rows of the whole search at once, if they can be had; they may be thinner. What is wrong
            with the pages shows by them.
        counted: Gives how many rows the search has, if that is known.

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
        seems_cut = sequence.is_full and not _is_at_its_end(sequence, number, list_all, counted)
        while seems_cut and (rows := ask_again(number + 1)):
            number += 1
            yield sequence.new_rows(rows)
    if sequence.repeated_rows:
        yield from _moved_rows(sequence, number, ask_again, list_all)


def _is_at_its_end(
    sequence: PageSequence,
    pages: int,
    list_all: Callable[[], list[Row] | None],
    counted: Callable[[], int | None],
) -> bool:
    """Return whether it is known from elsewhere than its pages that a search is at its end."""
    if (count := counted()) is not None:
        return count <= sequence.rows
    rows = None if pages > SHORT_SEARCH else list_all()
    return rows is not None and not sequence.missing_from(rows)


def _moved_rows(
    sequence: PageSequence,
    pages: int,
    ask_again: Callable[[int], list[Row]],
    list_all: Callable[[], list[Row] | None],
) -> Iterator[list[Row]]:
    """Read the rows that were missed because they moved to pages that had been read already."""
    # Where nothing says what there is, to read on would be to guess.
    rest = sequence.missing_from(list_all() or [])
    for _ in range(_MOST_PASSES):
        for number in range(1, pages + 2):
            if not rest:
                return
            found = sequence.unseen(ask_again(number))
            rest = sequence.missing_from(rest)
            yield found
    if rest:
        raise MovedRows(sequence.search, len(rest))


class PageSequence:
    """Follows the pages of one search in order.

    Args:
        search: What is searched, in words for the user.
        key: The field that identifies rows.
        page_size: The rows that a page is asked for.
    """

    def __init__(self, search: str, key: str, page_size: int) -> None:
        self.search = search
        self._key = key
        self._page_size = page_size
        self._seen: set[Hashable] = set()
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
        """Take the next page, which is not empty, and return the rows that no earlier page had, in their order.

        Returns:
            None where the page holds the same rows as a page before it: the server may not be paging at all, or has
            answered with the wrong page.

        Raises:
            RepeatedPage: Page after page holds nothing new, so that the end of the search cannot be found.
        """
        keys = self._keys(rows)
        fingerprint = hash((len(keys), frozenset(keys)))
        if fingerprint in self._pages:
            return None
        new = self._add(rows, keys)
        self.rows += len(new)
        self.repeated_rows += len(rows) - len(new)
        self._stale_pages = 0 if new else self._stale_pages + 1
        if self._stale_pages > 1:
            raise RepeatedPage(self.search)
        self._pages.add(fingerprint)
        # Before the second page nobody knows how large pages are, unless the first is as large as was asked for.
        self.is_full = len(rows) >= (self._largest or self._page_size)
        self._largest = max(self._largest, len(rows))
        return new

    def new_rows(self, rows: list[Row]) -> list[Row]:
        """Take the next page, which is not empty and cannot be one that was there before, and return its new rows.

        Raises:
            RepeatedPage: The server gives the same rows again and again, so that its end cannot be found.
        """
        if (new := self.take(rows)) is None:
            raise RepeatedPage(self.search)
        return new

    def unseen(self, rows: list[Row]) -> list[Row]:
        """Take rows from anywhere in the search, and return those that did not come before."""
        with_key = [row for row in rows if normalised(row.get(self._key)) is not None]
        return self._add(with_key, self._keys(with_key))

    def missing_from(self, rows: list[Row]) -> list[Row]:
        """Return the rows, out of some that the search has, that did not come yet."""
        seen = self._seen
        return [row for row, key in zip(rows, self._keys(rows), strict=True) if key is not None and key not in seen]

    def _keys(self, rows: list[Row]) -> list[Hashable]:
        ids = [row.get(self._key) for row in rows]
        return [key if key.__class__ is int else normalised(key) for key in ids]

    def _add(self, rows: list[Row], keys: list[Hashable]) -> list[Row]:
        """Note keys as seen, and return the rows whose keys are new, or that have none: those are refused later on."""
        seen = self._seen
        if seen.isdisjoint(keys) and len(distinct := set(keys)) == len(keys):
            seen |= distinct
            seen.discard(None)
            return rows
        new = []
        for row, key in zip(rows, keys, strict=True):
            if key is None or key not in seen:
                new.append(row)
                if key is not None:
                    seen.add(key)
        return new


def normalised(key: object) -> Hashable:
    """Normalise an id, so that 12, 12.0 and "12" are equal; None for what is no id."""
    if isinstance(key, str):
        return int(key) if _NUMBER.fullmatch(key) else key
    if isinstance(key, float):
        return int(key) if key.is_integer() else key
    return key if isinstance(key, int) else None
