"""The unpaged search: it counts, stands in for pages, and lists what a search has, which shows what the pages lack.

OneFile has the unpaged search for every entity. Its rows may be thin, it costs one call whatever its size, and how many
rows it may have is not documented (API reference, section 3).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tap_onefile.errors import MissingPage, NotFound, Refused

if TYPE_CHECKING:
    from tap_onefile.api.client import Client
    from tap_onefile.extract.query import Search
    from tap_onefile.reporting.metrics import Metrics

    Row = dict[str, Any]

_WORTH_COUNTING = 4 << 20
"""Bytes; some tens of thousands of thin rows."""


class Unpaged:
    """Asks for searches without pages.

    Args:
        client: Makes the calls.
        page_size: Rows to ask for in a page.
        metrics: Counts the calls.
    """

    def __init__(self, client: Client, page_size: int, metrics: Metrics) -> None:
        self._client = client
        self._page_size = page_size
        self._metrics = metrics
        self._without_pages: set[str] = set()
        self._with_pages: set[str] = set()

    def rows(self, search: Search) -> list[Row]:
        """Read a search in one call; its rows may be thinner than those of pages."""
        tally = self._metrics.of(search.stream)
        return self._client.search(f"{search.entity}/Search", dict(search.filters), tally=tally)

    def rows_if_any(self, search: Search) -> list[Row] | None:
        """Read a search in one call; None where OneFile does not have it, or does not let us read it."""
        try:
            return self.rows(search)
        except (NotFound, Refused):
            return None

    def count(self, search: Search) -> int | None:
        """Count the rows of a search; None where that cannot be had.

        OneFile says nowhere how many rows a search has; but the rows of the unpaged search are thin. This is a hint to
        whoever plans ahead, so it is tried once, and what is too long to be worth it is not read to its end.
        """
        tally = self._metrics.of(search.stream)
        path = f"{search.entity}/Search"
        rows = self._client.try_search(path, dict(search.filters), at_most=_WORTH_COUNTING, tally=tally)
        return None if rows is None else len(rows)

    def page(self, search: Search, page: int) -> list[Row]:
        """Read one page of a search.

        What OneFile answers past the last page is not known, and some entities have only been seen unpaged (API
        reference, section 3). A lasting 404 on the first page is therefore settled by the unpaged search: what it gives
        is all there is.

        Returns:
            The rows; none past the end.

        Raises:
            NotFound: OneFile knows no such search.
            Refused: OneFile does not let us search this, or a page is missing.
            OneFileError: The run cannot go on.
        """
        if search.entity in self._without_pages:
            return self.rows(search) if page == 1 else []
        # A slip of the server does not say 404 twice.
        with suppress(NotFound):
            return self._read_page(search, page)
        try:
            return self._read_page(search, page)
        except NotFound:
            if page == 1 and search.needs_pages:
                raise
        if page == 1:
            rows = self.rows(search)
            self._without_pages.add(search.entity)
            return rows
        with suppress(NotFound):
            if len(self.rows(search)) <= (page - 1) * self._page_size:
                return []
            try:
                self._read_page(search, 1)
            except NotFound:
                if search.entity not in self._with_pages:
                    # The second page was asked for beside the first one, and there are no pages.
                    return []
        raise MissingPage(f"POST {search.entity}/Search/{page}/{self._page_size}")

    def _read_page(self, search: Search, page: int) -> list[Row]:
        rows = search.fetch(self._client, page, self._page_size, self._metrics.of(search.stream))
        if rows:
            self._with_pages.add(search.entity)
        return rows
