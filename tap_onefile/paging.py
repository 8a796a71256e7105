"""When a search is at its end, and which of its rows are new.

A search is over when a page comes back empty. A short page is not the end: the server may cap pages below the size
that we ask for, and its cap is unknown (API reference, section 3). The order of rows is not documented either, so
rows may move between pages while we read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_onefile.errors import RepeatedPage

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    Row = dict[str, Any]


def new_rows(
    sequence: PageSequence,
    pages: Iterable[list[Row]],
    ask_again: Callable[[int], list[Row]],
) -> Iterator[list[Row]]:
    """Read the rows of a search, each of them once.

    Args:
        sequence: Follows the pages.
        pages: The pages in their order, up to the end of the search.
        ask_again: Gives a page once more. A slip of the server is not repeated then; a server that does not page says
            the same again.

    Yields:
        The rows of each page that no earlier page had.

    Raises:
        RepeatedPage: The server gives the same rows again and again, so that its end cannot be found.
    """
    for number, page in enumerate(pages, 1):
        rows = ask_again(number) if sequence.repeats(page) else page
        if not rows:
            return
        yield sequence.new_rows(rows)


class PageSequence:
    """Follows the pages of one search in order.

    Args:
        search: What is searched, in words for the user.
        key: The field that tells rows apart.
    """

    def __init__(self, search: str, key: str) -> None:
        self._search = search
        self._key = key
        self._seen = _Seen()
        self._pages: set[int] = set()
        self._stale_pages = 0
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
        keys = self._keys(rows)
        fingerprint = _fingerprint(keys)
        if fingerprint in self._pages:
            raise self._endless()
        # A row without a key cannot be told from others: it goes on, to be refused by name further up.
        new = [row for row, key in zip(rows, keys, strict=True) if key is None or self._seen.add(key)]
        self.repeated_rows += len(rows) - len(new)
        self._stale_pages = 0 if new else self._stale_pages + 1
        if self._stale_pages > 1:
            raise self._endless()
        self._pages.add(fingerprint)
        return new

    def _keys(self, rows: Sequence[Row]) -> list[Hashable]:
        found = [row.get(self._key) for row in rows]
        return [key if isinstance(key, (int, float, str)) else None for key in found]

    def _endless(self) -> RepeatedPage:
        return RepeatedPage(
            f"OneFile gives the same rows page after page for {self._search}, so the end of the search cannot be"
            " found and rows may be missing. Run again, and report it if it persists.",
        )


def _fingerprint(keys: Sequence[Hashable]) -> int:
    return hash((len(keys), frozenset(keys)))


class _Seen:
    """A set of keys that stays small however many ids it holds.

    OneFile numbers its records in one sequence (API reference, section 6), so ids lie close together: one bit for each
    takes a hundredth of what a set takes.
    """

    def __init__(self) -> None:
        self._blocks: dict[int, int] = {}
        self._others: set[Hashable] = set()

    def add(self, key: Hashable) -> bool:
        """Take a key in, and tell whether it is new."""
        if isinstance(key, float) and key.is_integer():
            key = int(key)
        if not isinstance(key, int):
            is_new = key not in self._others
            self._others.add(key)
            return is_new
        place, bit = key >> _BLOCK_BITS, 1 << (key & _BLOCK_MASK)
        block = self._blocks.get(place, 0)
        self._blocks[place] = block | bit
        return not block & bit


_BLOCK_BITS = 10
_BLOCK_MASK = (1 << _BLOCK_BITS) - 1
