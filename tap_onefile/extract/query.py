"""What can be read: a search, page by page or in one piece, or something that is read by one call.

Each query knows how it is fetched, and whether a row can be an answer to it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tap_onefile.api.decode import Rows, values_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from tap_onefile.api.client import Client
    from tap_onefile.api.decode import Row
    from tap_onefile.reporting.metrics import Tally

UNPAGED = "unpaged"
"""The form of a page that the unpaged search stands in for."""
LISTED = "listed"
"""The form of a page in whose place the unpaged search has listed as many rows as have come."""
_WORTH_LISTING = 4 << 20
"""Bytes; some tens of thousands of thin rows."""
_OWNERS = ("OrganisationID", "Role", "StandardID", "UserID")
"""The filters that say whose rows are asked for. The customer is the token's, whatever is asked."""
NOBODY = 2**31 - 1
"""An id that nothing has: OneFile numbers its records in one sequence that is far below it."""

_NUMBER = re.compile("0|[1-9][0-9]{0,18}")
"""A text that is written like this in one way only; some ids are texts with leading zeros."""
_NUMBERS = re.compile(f"(?:{_NUMBER.pattern})(?: (?:{_NUMBER.pattern}))*")
_SILENT = (None, "", 0, "0")
"""What says nothing about whose a row is; 0 stands for none in some of OneFile's data."""


def normalised(key: object) -> Hashable:
    """Normalise an id, so that 12, 12.0 and "12" are equal; None for what is not an id."""
    if isinstance(key, str):
        return int(key) if _NUMBER.fullmatch(key) else key
    if isinstance(key, float):
        return int(key) if key.is_integer() else key
    return key if isinstance(key, int) else None


def described(stream: str, owners: Iterable[tuple[str, object]]) -> str:
    """Name a stream, or the part of it that some owners have, in words."""
    part = ", ".join(f"{name} {value}" for name, value in owners)
    return f"{stream} of {part}" if part else stream


def keys_of(rows: Sequence[Row], key: str = "ID") -> list[Hashable]:
    """Return the normalised ids of rows, None for a row without one."""
    values = values_of(rows, key)
    # Most often all are numbers, or all are texts of digits, which can be established for all at once.
    with suppress(TypeError, ValueError):
        if _NUMBERS.fullmatch(" ".join(values)):
            return list(map(int, values))
    return [each if each.__class__ is int else normalised(each) for each in values]


def is_silent(row: Row, owner: str) -> bool:
    """Return whether a row does not say who its owner is."""
    return row.get(owner) in _SILENT


def is_foreign(row: Row, owner: str, value: object) -> bool:
    """Return whether a row says by itself that it belongs to another owner than the one that was asked for."""
    return _is_another(row.get(owner), value)


def has_foreign(rows: Sequence[Row], owner: str, value: object) -> bool:
    """Return whether one of the rows is foreign."""
    said = values_of(rows, owner)
    try:
        # Most often all say the same.
        return any(_is_another(each, value) for each in set(said))
    except TypeError:
        return any(_is_another(each, value) for each in said)


def _is_another(said: object, value: object) -> bool:
    return said not in _SILENT and normalised(said) not in {None, value}


@dataclass(frozen=True)
class Search:
    """A search, from its first page to its last."""

    entity: str
    """The entity, as OneFile's paths name it."""
    filters: tuple[tuple[str, object], ...]
    """The body of the search."""
    stream: str
    """The stream that it is read for."""
    needs_pages: bool = False
    """Whether only pages give whole rows, so that the unpaged search must not stand in for them."""
    is_never_empty: bool = False
    """Whether it always has rows, and everything depends on them, so that its end is always confirmed."""
    is_shared: bool = False
    """Whether the same row may belong to several owners, such as organisations."""

    @classmethod
    def of(cls, entity: str, filters: Mapping[str, object], stream: str, **options: bool) -> Search:
        """Make a search from its filters by name."""
        return cls(entity, tuple(filters.items()), stream, **options)

    @property
    def owners(self) -> list[tuple[str, object]]:
        """The filters that a row can be held against: whose it is."""
        return [(name, value) for name, value in self.filters if name in _OWNERS]

    @property
    def is_narrowed(self) -> bool:
        """Whether it asks for a part of what its owners have, such as what was modified since."""
        return any(name not in {*_OWNERS, "CustomerID"} for name, _ in self.filters)

    @property
    def name(self) -> str:
        """What is searched, in words: the stream, and the part of it."""
        return described(self.stream, self.owners)

    def of_nobody(self, owner: str) -> Search:
        """Return the same search for an owner that there is not: it finds rows only if OneFile ignores the filter."""
        return replace(self, filters=tuple((name, NOBODY if name == owner else value) for name, value in self.filters))

    def fetch(self, client: Client, page: int, page_size: int, tally: Tally) -> Rows:
        """Read one page; no rows past the end."""
        return client.search(f"{self.entity}/Search/{page}/{page_size}", dict(self.filters), tally=tally)

    def fetch_unpaged(self, client: Client, tally: Tally) -> Rows:
        """Read it in one call, as the one page that it then has; its rows may be thin.

        OneFile has the unpaged search for every entity. How many rows it may have is not documented (API reference,
        section 3).
        """
        rows = client.search(f"{self.entity}/Search", dict(self.filters), tally=tally)
        rows.form = UNPAGED
        return rows

    def list_keys(self, client: Client, tally: Tally) -> list[Hashable] | None:
        """List the keys of its rows by the unpaged search; None where that cannot be had.

        OneFile says nowhere how many rows a search has. This is a hint to whoever plans ahead, and evidence where pages
        leave a doubt: so it is tried once, and what is too long to be worth it is not read to its end.
        """
        path = f"{self.entity}/Search"
        rows = client.try_search(path, dict(self.filters), at_most=_WORTH_LISTING, tally=tally)
        return None if rows is None else keys_of(rows)


@dataclass(frozen=True)
class _OneCall:
    path: str
    """The path below the address of the API, URL-encoded."""
    stream: str
    """The stream that it is read for."""
    owners: tuple[tuple[str, object], ...] = ()
    """Fields by which rows may say whose they are, with the value that was asked for."""


@dataclass(frozen=True)
class Listing(_OneCall):
    """A list that OneFile gives whole, by one call."""

    def fetch(self, client: Client, _page: int, _page_size: int, tally: Tally) -> Rows:
        """Read the rows."""
        return client.get_list(self.path, tally=tally)


@dataclass(frozen=True)
class Record(_OneCall):
    """One object, by one call."""

    record_id: str | None = None
    """The id of the record that it is, which may have gone since the id was read."""

    def fetch(self, client: Client, _page: int, _page_size: int, tally: Tally) -> Rows:
        """Read the object, as the one row of a list."""
        return Rows([client.get(self.path, record_id=self.record_id, tally=tally)])


Query = Search | Listing | Record
"""What can be read ahead."""
