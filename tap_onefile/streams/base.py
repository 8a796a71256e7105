"""What all streams share: context → query → rows → records."""

from __future__ import annotations

import time
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_onefile.errors import MissingPage, NotFound, Refused
from tap_onefile.extract.query import Search, described
from tap_onefile.records.convert import converter_for
from tap_onefile.records.shaper import Shaper
from tap_onefile.singer.stream import SingerStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_onefile.api.decode import Row
    from tap_onefile.extract.query import Query
    from tap_onefile.records.shaper import Records
    from tap_onefile.run import Run

CALLS_PER_SEARCH = 2
"""The calls of a search with few rows: a page, and the list or the empty page that ends it."""
_BATCH = 500
"""Rows that are shaped together."""


class OneFileStream(SingerStream):
    """A stream of one of OneFile's entities, read by a search."""

    name: str
    schema: dict[str, Any]
    """In the class, all that OneFile gives; in an instance, what the records of the run hold."""
    entity: ClassVar[str]
    """The entity, as OneFile's paths name it."""
    path: ClassVar[str] = ""
    """The path of the GET that reads the stream, if no search does, with ``{id}`` or ``{learner}`` for the owner."""
    row_defaults: ClassVar[Mapping[str, Any]] = {}
    """Values of the search itself for fields that its rows may leave out."""
    has_details: ClassVar[bool] = False
    """Whether OneFile has a GET by id for the entity, so that the setting fetch_details may name the stream."""
    is_certain: ClassVar[bool] = False
    """Whether the vendor documents that every customer has it, so that a 404 can only mean a wrong address."""
    needs_pages: ClassVar[bool] = False
    """Whether only the paged search gives whole rows, so that the unpaged one must not stand in for it."""
    is_shared: ClassVar[bool] = False
    """Whether the same record may belong to several contexts, such as organisations."""
    row_key: ClassVar[str | None] = "ID"
    """The field that identifies a row among those of one query; None where OneFile gives no id."""
    primary_keys: Sequence[str] = ("ID",)
    replication_key: str | None = None
    """The timestamp that shows what has changed; None where nothing does."""
    state_partitioning_keys: Sequence[str] | None = ()
    """One state for the stream: what is read in full needs no state for each organisation."""

    def __init__(self, tap: Tap, run: Run) -> None:
        self.run = run
        self._whole_schema = run.whole_schema(self.name, self.schema)
        super().__init__(tap, run.privacy.protect(self._whole_schema))
        self._tally = run.metrics.of(self.name)

    @classmethod
    def call(cls) -> str:
        """Return the call that reads the stream, as the API reference spells it."""
        return f"GET /{cls.path}" if cls.path else f"POST /{cls.entity}/Search/{{page}}/{{size}}"

    @cached_property
    def shaper(self) -> Shaper:
        """Makes the records of the stream."""
        return Shaper(
            self.name,
            self._whole_schema,
            self.primary_keys,
            self.run.problems,
            privacy=self.run.privacy,
            held_back=[name for name in self._whole_schema["properties"] if not self.sends(name)],
        )

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        began = time.monotonic()
        self.run.metrics.stream = self.name
        try:
            batches = self.read_batches(context or {})
            if self.bypasses_sdk:
                self.send(batches)
                return
            for records in batches:
                for record in records:
                    self.run.signals.check()
                    if self.child_streams and self.is_filtered_by_map(record):
                        self.run.problems.filtered(self.name)
                    yield record
        except NotFound as absence:
            if not self.is_certain and self.state_manager.is_empty:
                self.run.problems.absent(self.name, absence, self._describe(context))
            # The address is right, where organisations have come from; a stream with a bookmark was there once.
            elif self.run.metrics.organisations:
                self.run.problems.missing(self._describe(context), MissingPage(absence.call))
            else:
                raise
        except Refused as refusal:
            self.run.problems.missing(self._describe(context), refusal)
        finally:
            self._tally.seconds += time.monotonic() - began

    def read_batches(self, context: Mapping[str, Any]) -> Iterator[Records]:
        """Read all records of one context, in batches."""
        defaults = {**self.row_defaults, **context}
        for rows in _in_batches(self.get_rows(context), 1 if self.is_dry_run else _BATCH):
            self.run.signals.check()
            records, failure = self.shaper.shape(rows, defaults)
            self._tally.records += len(records)
            if records:
                self.run.problems.present(self.name)
            yield records
            if failure:
                raise failure

    def get_rows(self, context: Mapping[str, Any]) -> Iterable[Row]:
        """Read the rows of one context, as OneFile sends them."""
        return self.complete(self.get_pages(context))

    def get_pages(self, context: Mapping[str, Any]) -> Iterable[Sequence[Row]]:
        """Read all pages of one context, each row once."""
        return self.run.reader.pages(self.get_query(context), self.row_key)

    def complete(self, pages: Iterable[Sequence[Row]]) -> Iterable[Row]:
        """Replace search rows, which may be thin, by full records, where the setting fetch_details asks for it."""
        if not self.fetches_details:
            return chain.from_iterable(pages)
        to_id = converter_for(self._whole_schema["properties"]["ID"])
        options = {"gathered": 1} if self.is_dry_run else {}
        return self.run.reader.complete(self.name, self.entity, pages, to_id, **options)

    def get_query(self, context: Mapping[str, Any]) -> Query:
        """Return the query of one context: the ids that it narrows by."""
        filters = self.get_filters(context)
        return Search.of(self.entity, filters, self.name, needs_pages=self.needs_pages, is_shared=self.is_shared)

    def get_queries_ahead(self, context: Mapping[str, Any]) -> list[Query]:
        """Return the queries to prefetch for a context."""
        return [self.get_query(context)]

    def plan_children(self, contexts: Iterable[Mapping[str, Any]]) -> None:
        """Prefetch child streams, given further contexts in the order in which the SDK will read them."""
        if not self.is_dry_run:
            self.run.reader.plan(
                query
                for context in contexts
                for stream in self.children_to_read
                if isinstance(stream, OneFileStream)
                for query in stream.get_queries_ahead(context)
            )

    def estimate_calls(self) -> float:
        """Estimate the calls that a full read of the stream takes, without those that every run makes."""
        return 0

    def estimated(self, context: Mapping[str, Any]) -> int:
        """Estimate the calls that a full read of one context takes; 1 if OneFile refuses it."""
        try:
            return self.estimate_context(context)
        except (NotFound, Refused):
            return 1

    def estimate_context(self, context: Mapping[str, Any]) -> int:
        """Estimate the calls that a full read of one context takes, from its unpaged search."""
        rows = len(self.run.reader.list_all(Search.of(self.entity, self.get_filters(context), self.name)))
        pages = -(-rows // self.run.settings.page_size) + 1
        return pages + (rows if self.fetches_details else 0)

    def get_filters(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body of the search: the values of OneFile's filters by name."""
        return dict(context)

    @property
    def fetches_details(self) -> bool:
        """Whether each row is completed by a call of its own."""
        return self.has_details and self.name in self.run.settings.fetch_details

    def _describe(self, context: Mapping[str, Any] | None) -> str:
        return described(self.name, (context or {}).items())


def _in_batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Batch rows; those that came before a failure are yielded before it is raised."""
    batch: list[Row] = []
    try:
        for row in rows:
            batch.append(row)
            if len(batch) == size:
                yield batch
                batch = []
    except Exception:  # whatever it is, it is raised again
        yield batch
        raise
    yield batch
