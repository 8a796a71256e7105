"""Which rows of a search are new, by the field that identifies them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from tap_onefile.errors import RepeatedPage
from tap_onefile.extract.query import keys_of, normalised

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from tap_onefile.api.decode import Row

_BLOCK = 240
"""Ids whose bits are kept together: few enough for the arithmetic to be quick."""


class Keys:
    """A set of keys that takes a bit for each id: OneFile numbers its records in one sequence, so ids lie together."""

    def __init__(self) -> None:
        self._blocks: dict[int, int] = {}
        self._others: set[Hashable] = set()

    def __len__(self) -> int:
        """Return how many keys were added."""
        return sum(map(int.bit_count, self._blocks.values())) + len(self._others)

    def __contains__(self, key: Hashable) -> bool:
        """Return whether a key was added."""
        if isinstance(key, int):
            return bool(self._blocks.get(key // _BLOCK, 0) >> key % _BLOCK & 1)
        return key in self._others

    def are_just(self, keys: Iterable[Hashable]) -> bool:
        """Return whether these keys were added, and no others."""
        distinct = set(keys)
        return len(distinct) == len(self) and all(key in self for key in distinct)

    def add(self, keys: Iterable[Hashable]) -> list[bool]:
        """Add keys but None, and return of each whether it is new; None always is."""
        blocks, others = self._blocks, self._others
        new = []
        for key in keys:
            if isinstance(key, int):
                place = key // _BLOCK
                block, bit = blocks.get(place, 0), 1 << key % _BLOCK
                new.append(not block & bit)
                blocks[place] = block | bit
            else:
                new.append(key not in others)
                if key is not None:
                    others.add(key)
        return new

    def merge(self, other: Keys) -> int:
        """Add the keys of another set, and return how many of them were there before."""
        before = len(self._others & other._others)
        self._others |= other._others
        for place, block in other._blocks.items():
            own = self._blocks.get(place, 0)
            before += (own & block).bit_count()
            self._blocks[place] = own | block
        return before


class PageSequence:
    """Follows the pages of one query in order, to know which rows are new by the field that identifies them."""

    def __init__(self, stream: str, key: str = "ID") -> None:
        self._stream = stream
        self._key = key
        self._pages: set[int] = set()
        self._stale_pages = 0
        self.seen = Keys()
        """The keys that have come."""
        self.repeated_rows = 0
        """Rows left out so far because an earlier page of the same search had them."""

    def take(self, rows: Sequence[Row]) -> Sequence[Row] | None:
        """Take the next page, which is not empty, and return the rows that no earlier page had, in their order.

        None where the page holds the same rows as a page before it: the server may not be paging at all, or has
        answered with the wrong page. Raises `RepeatedPage` where page after page holds nothing new.
        """
        keys = keys_of(rows, self._key)
        fingerprint = hash((len(keys), frozenset(keys)))
        if fingerprint in self._pages:
            return None
        new = self._add(rows, keys)
        self.repeated_rows += len(rows) - len(new)
        self._stale_pages = 0 if new else self._stale_pages + 1
        if self._stale_pages > 1:
            raise RepeatedPage(self._stream)
        self._pages.add(fingerprint)
        return new

    def new_rows(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Take the next page like `take`, and raise `RepeatedPage` too where it has the rows of one before it."""
        if (new := self.take(rows)) is None:
            raise RepeatedPage(self._stream)
        return new

    def unseen(self, rows: Iterable[Row]) -> Sequence[Row]:
        """Take rows from anywhere in the search, and return those that did not come before."""
        with_key = [row for row in rows if normalised(row.get(self._key)) is not None]
        return self._add(with_key, keys_of(with_key, self._key))

    def _add(self, rows: Sequence[Row], keys: list[Hashable]) -> Sequence[Row]:
        """Note keys as seen, and return the rows whose keys are new, or that have none: those are refused later on."""
        new = self.seen.add(keys)
        return rows if all(new) else list(itertools.compress(rows, new))
