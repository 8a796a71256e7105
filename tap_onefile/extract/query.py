"""What can be read: a search, page by page, or something that is read by one call. Each knows how it is fetched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_onefile.api.client import Client
    from tap_onefile.reporting.metrics import Tally

    Row = dict[str, Any]


SHORT_SEARCH = 4
"""Pages up to which a search is short: none of them is guessed, and its end is confirmed by a list of all its rows."""


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
    """Whether it always has rows, so that its second page is needed too: for its rows, or to see that it ends."""
    is_paged: ClassVar[bool] = True

    @classmethod
    def of(cls, entity: str, filters: Mapping[str, object], stream: str, **options: bool) -> Search:
        """Make a search from its filters by name."""
        return cls(entity, tuple(filters.items()), stream, **options)

    def fetch(self, client: Client, page: int, page_size: int, tally: Tally) -> list[Row]:
        """Read one page; no rows past the end."""
        return client.search(f"{self.entity}/Search/{page}/{page_size}", dict(self.filters), tally=tally)


@dataclass(frozen=True)
class Listing:
    """A list that OneFile gives whole, by one call."""

    path: str
    """The path below the address of the API, URL-encoded."""
    stream: str
    """The stream that it is read for."""
    is_paged: ClassVar[bool] = False

    def fetch(self, client: Client, _page: int, _page_size: int, tally: Tally) -> list[Row]:
        """Read the rows."""
        return client.get_list(self.path, tally=tally)


@dataclass(frozen=True)
class Record:
    """One object, by one call."""

    path: str
    """The path below the address of the API, URL-encoded."""
    stream: str
    """The stream that it is read for."""
    record_id: str | None = None
    """The id of the record that it is, which may have gone since the id was read."""
    is_paged: ClassVar[bool] = False

    def fetch(self, client: Client, _page: int, _page_size: int, tally: Tally) -> list[Row]:
        """Read the object, as the one row of a list."""
        return [client.get(self.path, record_id=self.record_id, tally=tally)]


Query = Search | Listing | Record
"""What can be read ahead."""
