"""When a search is at its end, and which of its rows are new.

A search is over when a page comes back empty. A short page is not the end: the server may cap pages below the size
that we ask for, and its cap is unknown (API reference, section 3). The order of rows is not documented either, so
rows may move between pages while we read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tap_onefile.errors import MovedRows, NotFound, Refused, RepeatedPage

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    Row = dict[str, Any]


_MOST_PASSES = 3
"""How often the pages are read once more for what has moved."""


def new_rows(
    sequence: PageSequence,
    pages: Iterable[list[Row]],
    ask_again: Callable[[int], list[Row]],
    list_all: Callable[[], list[Row]],
) -> Iterator[list[Row]]:
    """Read the rows of a search, each of them once.

    Args:
        sequence: Follows the pages.
        pages: The pages in their order, up to the end of the search.
        ask_again: Gives a page once more. A slip of the server is not repeated then; a server that does not page says
            the same again.
        list_all: Gives the rows of the whole search at once; they may be thinner. What is wrong with the pages shows
            by them.

    Yields:
        The rows of each page that no earlier page had.

    Raises:
        RepeatedPage: The server gives the same rows again and again, so that its end cannot be found.
        MovedRows: Rows moved from page to page while they were read, and some of them could not be had.
    """
    number = 0
    for number, page in enumerate(pages, 1):
        rows = ask_again(number) if sequence.repeats(page) else page
        if not rows:
            break
        yield sequence.new_rows(rows)
    else:
        # A search seldom ends with a full page. Where one seems to, the end may have been a slip of the server.
        seems_cut = sequence.is_full
        while seems_cut and (rows := ask_again(number + 1)):
            number += 1
            yield sequence.new_rows(rows)
    if sequence.repeated_rows:
        yield from _rest_of(sequence, number, ask_again, list_all)


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
        self._seen = _Seen()
        self._pages: set[int] = set()
        self._stale_pages = 0
        self._largest = 0
        self.is_full = False
        """Whether the last page was as large as any."""
        self.repeated_rows = 0
        """Rows left out so far because an earlier page of the same search had them."""

    def repeats(self, rows: Sequence[Row]) -> bool:
        """Tell whether a page holds the same rows as a page before it.

        Args:
            rows: The rows of the page.

        Returns:
            True if so: the server may not be paging at all, or has answered with the wrong page.
        """
        return _fingerprint(self._keys(rows)) in self._pages

    def new_rows(self, rows: Sequence[Row]) -> list[Row]:
        """Take the next page and give the rows that no earlier page had.

        Args:
            rows: The rows of the page; not empty.

        Returns:
            The new rows, in their order.

        Raises:
            RepeatedPage: The server gives the same rows again and again, so that its end cannot be found.
        """
        if self.repeats(rows):
            raise self._endless()
        keys = self._keys(rows)
        new = []
        for key, row in zip(keys, rows, strict=True):
            # A row without a key cannot be told from others: it goes on, to be refused by name further up.
            if key is None or self._seen.add(key):
                new.append(row)
        self.repeated_rows += len(rows) - len(new)
        self._stale_pages = 0 if new else self._stale_pages + 1
        if self._stale_pages > 1:
            raise self._endless()
        self._pages.add(_fingerprint(keys))
        # Before the second page nobody knows how large pages are, unless the first is as large as was asked for.
        self.is_full = len(rows) >= (self._largest or self._page_size)
        self._largest = max(self._largest, len(rows))
        return new

    def unseen(self, rows: Sequence[Row]) -> list[Row]:
        """Take rows from anywhere in the search, and give those that did not come before."""
        return [row for key, row in zip(self._keys(rows), rows, strict=True) if key is not None and self._seen.add(key)]

    def missing_from(self, rows: Sequence[Row]) -> list[Row]:
        """Give the rows, out of some that the search has, that did not come yet."""
        return [
            row for key, row in zip(self._keys(rows), rows, strict=True) if key is not None and key not in self._seen
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

    def _keys(self, rows: Sequence[Row]) -> list[Hashable]:
        return [key if isinstance(key := row.get(self._key), (int, float, str)) else None for row in rows]

    def _endless(self) -> RepeatedPage:
        return RepeatedPage(
            f"OneFile gives the same rows page after page for {self._search}, so the end of the search cannot be"
            " found and rows may be missing. Run again, and report it if it persists.",
        )


def _fingerprint(keys: Sequence[Hashable]) -> int:
    return hash(tuple(sorted(str(key if isinstance(key, int) else _told_once(key)) for key in keys)))


class _Seen:
    """A set of keys that stays small however many ids it holds.

    OneFile numbers its records in one sequence (API reference, section 6), so ids lie close together: one bit for each
    takes a hundredth of what a set takes.
    """

    def __init__(self) -> None:
        self._blocks: dict[int, int] = {}
        self._others: set[Hashable] = set()

    def __contains__(self, key: Hashable) -> bool:
        """Tell whether a key was taken in."""
        key = key if isinstance(key, int) else _told_once(key)
        if isinstance(key, int):
            return bool(self._blocks.get(key >> _BLOCK_BITS, 0) & 1 << (key & _BLOCK_MASK))
        return key in self._others

    def add(self, key: Hashable) -> bool:
        """Take a key in, and tell whether it is new."""
        key = key if isinstance(key, int) else _told_once(key)
        if not isinstance(key, int):
            is_new = key not in self._others
            self._others.add(key)
            return is_new
        place, bit = key >> _BLOCK_BITS, 1 << (key & _BLOCK_MASK)
        block = self._blocks.get(place, 0)
        self._blocks[place] = block | bit
        return not block & bit


def _told_once(key: Hashable) -> Hashable:
    """Tell an id in one way, whether it came as a number or as a text."""
    if isinstance(key, float) and key.is_integer():
        return int(key)
    return int(key) if isinstance(key, str) and _NUMBER.fullmatch(key) else key


_NUMBER = re.compile("0|[1-9][0-9]{0,18}")
"""A text that is written like this in one way only; some ids are texts with leading noughts."""

_BLOCK_BITS = 10
_BLOCK_MASK = (1 << _BLOCK_BITS) - 1
