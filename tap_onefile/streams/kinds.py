"""The kinds of stream, by how each is read: what it is searched by, and whether for all rows or for changes."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.singerlib.catalog import REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_onefile.errors import NotFound, UnknownObject
from tap_onefile.extract.query import Listing, Record, is_silent
from tap_onefile.records.convert import attempt, earlier, to_timestamp
from tap_onefile.streams.base import OneFileStream
from tap_onefile.streams.organisations import Customers, Organisations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import timedelta

    from tap_onefile.api.decode import Row
    from tap_onefile.extract.query import Query
    from tap_onefile.records.shaper import Records

_FIRST = "1901"
"""What is earlier stands for no date at all: 1900-01-01 or 0001-01-01."""
_SAMPLE = 2
"""Organisations whose calls are estimated; the others are assumed to be like them."""


class CustomerStream(OneFileStream):
    """A stream that is searched over the whole customer."""

    parent_stream_type = Customers

    @override
    def estimate_calls(self) -> float:
        return self.estimated({"CustomerID": self.run.metrics.customer})


class OrganisationStream(OneFileStream):
    """A stream that is searched organisation by organisation."""

    parent_stream_type = Organisations

    @override
    def estimate_calls(self) -> float:
        organisations = self.run.metrics.organisations
        sample = [self.estimated({"OrganisationID": each}) for each in organisations[:_SAMPLE]]
        return sum(sample) / len(sample) * len(organisations) if sample else 0


class SharedStream(OrganisationStream):
    """A stream whose records several organisations may share, so that the key is both ids together."""

    is_shared = True
    primary_keys = ("OrganisationID", "ID")


class LookUpStream(SharedStream):
    """A list that OneFile gives in one piece for each organisation."""

    @override
    def estimate_context(self, context: Mapping[str, Any]) -> int:
        return 1

    @override
    def get_query(self, context: Mapping[str, Any]) -> Query:
        return Listing(self.path.format(id=context["OrganisationID"]), self.name, tuple(context.items()))


class PerLearnerStream(OrganisationStream):
    """A stream with a call for each learner of an organisation; deselected by default, as that is many calls."""

    is_list: ClassVar[bool] = True
    """Whether the call gives a list, or one object."""
    learner_field: ClassVar[str]
    """The field that holds the learner's id, which the row may leave out."""
    selected_by_default = False

    @property
    @override
    def is_read_in_full(self) -> bool:
        # OneFile still has what belongs to archived learners, who are not asked for.
        return False

    @override
    def get_queries_ahead(self, context: Mapping[str, Any]) -> list[Query]:
        return []

    @override
    def estimate_context(self, context: Mapping[str, Any]) -> int:
        return len(self.run.reader.learners(context["OrganisationID"]))

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[Row]:
        return chain.from_iterable(self.get_rows_by_learner(context))

    def get_rows_by_learner(self, context: Mapping[str, Any]) -> Iterator[list[Row]]:
        """Read the rows of an organisation's learners, those of one at a time: of whom there are any."""
        learners = self.run.reader.learners(context["OrganisationID"])
        queries = [self._query_of(learner) for learner in learners]
        pages = self.run.reader.many(queries, self.row_key, lambda place: self._has_gone(learners[place]))
        for place, page in pages:
            if any(not row.keys() & self.schema["properties"].keys() for row in page):
                raise UnknownObject(self.name)
            owner = {self.learner_field: learners[place]}
            yield [{**row, **owner} if is_silent(row, self.learner_field) else row for row in page]

    def _query_of(self, learner: int) -> Query:
        path, owners = self.path.format(learner=learner), ((self.learner_field, learner),)
        return Listing(path, self.name, owners) if self.is_list else Record(path, self.name, owners=owners)

    def _has_gone(self, learner: int) -> bool:
        try:
            self.run.reader.now(Record(f"User/{learner}", self.name, record_id=str(learner)))
        except NotFound:
            return True
        return False


class IncrementalStream(OrganisationStream):
    """A stream whose `replication_key`, a timestamp, says what may have changed since the last run.

    Each organisation has its own bookmark, so that a new one is read in full. A run looks back from the bookmark; the
    bookmark does not.
    """

    state_partitioning_keys = ("OrganisationID",)
    default_replication_method = REPLICATION_INCREMENTAL

    @override
    def read_batches(self, context: Mapping[str, Any]) -> Iterator[Records]:
        """Read the records of an organisation, and move its bookmark if all of them could be read.

        A bookmark never goes back, and never passes the start of the run, as changes made while we read may or may not
        be in what we read. Records without a timestamp are as new as the run itself.
        """
        key = str(self.replication_key) if self.keeps_bookmarks else ""
        began, latest = self.run.began, ""
        for records in super().read_batches(context):
            if key:
                latest = max([latest, *(value or began for value in records.columns[key])])
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

    def is_since(self, row: Row, since: str | None) -> bool:
        """Return whether a row may have changed since a moment; what has no moment, or a sentinel for none, may."""
        if since is None:
            return True
        moment = attempt(to_timestamp, row.get(str(self.replication_key)), "")
        return moment < _FIRST or moment >= since

    @property
    @override
    def is_read_in_full(self) -> bool:
        return not self.keeps_bookmarks and self.run.settings.start_date is None
