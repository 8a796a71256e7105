"""Streams that read only what may have changed since the last run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_onefile.records.convert import earlier, to_timestamp
from tap_onefile.streams.organisations import OrganisationStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import timedelta

    from singer_sdk.helpers.types import Record


class IncrementalStream(OrganisationStream):
    """A stream whose `replication_key`, a timestamp, says what may have changed.

    Each organisation has its own bookmark, so that a new one is read in full. A run looks back from the bookmark; the
    bookmark does not.
    """

    state_partitioning_keys = ("OrganisationID",)
    default_replication_method = REPLICATION_INCREMENTAL

    @override
    def read_batches(self, context: Mapping[str, Any]) -> Iterator[list[Record]]:
        """Read the records of an organisation, and move its bookmark if all of them could be read.

        A bookmark never goes back, and never passes the start of the run, as changes made while we read may or may not
        be in what we read. Records without a timestamp are as new as the run itself.
        """
        key = str(self.replication_key) if self.keeps_bookmarks else ""
        began, latest = self.run.began, ""
        for records in super().read_batches(context):
            if key:
                latest = max([latest, *(record[key] or began for record in records)])
            yield records
        if key and (reached := max(self.get_bookmarked(context) or "", min(latest, began))):
            self.state_manager.set(context, key, reached)

    @property
    def is_incremental(self) -> bool:
        """Whether a run sends only what may have changed."""
        return self.replication_method == REPLICATION_INCREMENTAL

    @property
    def keeps_bookmarks(self) -> bool:
        """Whether anything is read by what may have changed."""
        return self.is_incremental

    def forget_bookmarks(self) -> bool:
        """Forget bookmarks that nothing is read by, as they would grow stale; return whether there were any."""
        if self.keeps_bookmarks or self.state_manager.is_empty:
            return False
        self.state_manager.clear()
        return True

    def get_bookmarked(self, context: Mapping[str, Any]) -> str | None:
        """Return the timestamp up to which earlier runs have read an organisation; None if it must be read in full."""
        bookmark = self.state_manager.get(context, str(self.replication_key)) if self.keeps_bookmarks else None
        return None if bookmark is None else str(bookmark)

    def get_since(self, context: Mapping[str, Any]) -> str | None:
        """Return the timestamp from which an organisation is read; None for everything."""
        bookmark = self.get_bookmarked(context)
        begin = earlier(bookmark, self.looks_back) if bookmark else None
        return max(filter(None, (begin, self.run.settings.start_date)), default=None)

    @property
    def looks_back(self) -> timedelta:
        """How far before the bookmark a run begins."""
        return self.run.settings.lookback

    def is_since(self, row: Mapping[str, Any], since: str | None) -> bool:
        """Return whether a row may have changed since a moment."""
        try:
            return since is None or to_timestamp(row.get(str(self.replication_key))) >= since
        except ValueError:
            return True

    @property
    @override
    def is_read_in_full(self) -> bool:
        return super().is_read_in_full and self.run.settings.start_date is None
