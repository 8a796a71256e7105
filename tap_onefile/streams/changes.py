"""Streams that read only what may have changed since the last run."""

from __future__ import annotations

from contextlib import contextmanager
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_onefile.bookmarks import Progress
from tap_onefile.instants import earlier, to_instant
from tap_onefile.streams.organisations import OrganisationStream

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
    from datetime import timedelta

    from singer_sdk.helpers.types import Context, Record

# The SDK's names for what it keeps in the state of a stream while it is being read.
_MARKERS = "progress_markers"
_KEY = "replication_key"
_VALUE = "replication_key_value"


class ChangesStream(OrganisationStream):
    """A stream with a moment in its records, `replication_key`, that tells what may have changed.

    Each organisation has a bookmark of its own, so that all records of one that is new to us are read. A run looks back
    from the bookmark; the bookmark does not.
    """

    state_partitioning_keys = ("OrganisationID",)

    @override
    def read_records(self, context: Mapping[str, Any]) -> Iterable[Record]:
        with self._following(context) as see:
            for record in super().read_records(context):
                see([record])
                yield record

    @override
    def read_batches(self, context: Mapping[str, Any]) -> Iterator[list[Record]]:
        with self._following(context) as see:
            for records in super().read_batches(context):
                see(records)
                yield records

    @contextmanager
    def _following(self, context: Mapping[str, Any]) -> Generator[Callable[[list[Record]], None]]:
        """Follow the records of a context, and keep how far they have come where all of them could be read."""
        if self.replication_method != REPLICATION_INCREMENTAL:
            yield lambda _: None
            return
        key = cast("str", self.replication_key)
        progress = Progress(self.get_bookmark(context), self.onefile.run_began)
        yield lambda records: progress.see(map(itemgetter(key), records))
        if progress.reached:
            # The SDK is about to end the context and to take its bookmark from here. Its own would go back where all
            # that is read is older than what was read before, and stay where records do not tell their moment.
            self.get_context_state(context)[_MARKERS] = {_KEY: key, _VALUE: progress.reached}

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Leave the limit of the bookmark to Progress, which spells moments as our records do."""

    @override
    def forget_progress(self, context: Context | None) -> None:
        self.get_context_state(context).pop(_MARKERS, None)

    def get_bookmark(self, context: Mapping[str, Any]) -> str | None:
        """Tell how far earlier runs have come.

        Args:
            context: The organisation.

        Returns:
            A moment; None where everything must be read.
        """
        if self.replication_method != REPLICATION_INCREMENTAL:
            return None
        state = self.get_context_state(context)
        if state.get(_KEY) != self.replication_key:
            return None
        try:
            return to_instant(state.get(_VALUE))
        except ValueError:
            self.logger.warning("The bookmark in the state is no moment in time; everything is read again")
            return None

    def get_since(self, context: Mapping[str, Any]) -> str | None:
        """Tell from when on changes are wanted.

        Args:
            context: The organisation.

        Returns:
            A moment; None where everything is wanted.
        """
        bookmark = self.get_bookmark(context)
        begin = earlier(bookmark, self.looks_back) if bookmark else None
        return max(filter(None, (begin, self.onefile.settings.start_date)), default=None)

    @property
    def looks_back(self) -> timedelta:
        """How far before the bookmark a run begins."""
        return self.onefile.settings.lookback
