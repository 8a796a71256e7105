"""What can be read: a search, page by page, or something that is read by one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Search:
    """A search, from its first page to its last."""

    entity: str
    """The entity, as OneFile's paths name it."""
    filters: tuple[tuple[str, object], ...]
    """The body of the search."""
    stream: str
    """For whom it is read."""
    unpaged_will_do: bool = True
    """Whether the unpaged search may stand in for pages that OneFile does not have."""
    is_never_empty: bool = False
    """Whether it always has rows, so that its second page is needed too: for its rows, or to see that it ends."""

    @classmethod
    def of(
        cls,
        entity: str,
        filters: Mapping[str, object],
        stream: str,
        *,
        unpaged_will_do: bool = True,
        is_never_empty: bool = False,
    ) -> Search:
        """Make a search from its filters by name."""
        return cls(entity, tuple(filters.items()), stream, unpaged_will_do, is_never_empty)


@dataclass(frozen=True)
class Get:
    """Something that is read by one call, without pages."""

    path: str
    """The path below the address of the API, URL-encoded."""
    stream: str
    """For whom it is read."""
    is_list: bool
    """Whether it is a list of rows, or one object."""
    record_id: str | None = None
    """The id of the record that it is, which may have gone since the id was read."""


Read = Search | Get
"""What can be read ahead."""
