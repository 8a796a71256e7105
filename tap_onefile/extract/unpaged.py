"""The unpaged search: it counts, stands in for pages, and lists what a search has, which shows what the pages lack.

OneFile has the unpaged search for every entity. Its rows may be thin, it costs one call whatever its size, and how many
rows it may have is not documented (API reference, section 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_onefile.api.decode import Rows
from tap_onefile.extract.query import normalised

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tap_onefile.api.client import Client
    from tap_onefile.extract.query import Search
    from tap_onefile.reporting.metrics import Metrics

    Row = dict[str, Any]

_WORTH_LISTING = 4 << 20
"""Bytes; some tens of thousands of thin rows."""
UNPAGED = "unpaged"
"""The form of a page that the unpaged search stands in for."""


class Unpaged:
    """Asks for searches without pages.

    Args:
        client: Makes the calls.
        metrics: Counts the calls.
    """

    def __init__(self, client: Client, metrics: Metrics) -> None:
        self._client = client
        self._metrics = metrics

    def rows(self, search: Search) -> Rows:
        """Read a search in one call, as the one page that it then has."""
        tally = self._metrics.of(search.stream)
        rows = self._client.search(f"{search.entity}/Search", dict(search.filters), tally=tally)
        return Rows(rows, size=rows.size, form=UNPAGED)

    def keys(self, search: Search) -> list[Hashable] | None:
        """List the keys of the rows of a search; None where that cannot be had.

        OneFile says nowhere how many rows a search has. This is a hint to whoever plans ahead, and evidence where pages
        leave a doubt: so it is tried once, and what is too long to be worth it is not read to its end.
        """
        tally = self._metrics.of(search.stream)
        path = f"{search.entity}/Search"
        rows = self._client.try_search(path, dict(search.filters), at_most=_WORTH_LISTING, tally=tally)
        return None if rows is None else [normalised(row.get("ID")) for row in rows]
