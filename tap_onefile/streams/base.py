"""What all streams share: context → calls → row → record."""

from __future__ import annotations

import time
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk.mapper import RemoveRecordTransform
from typing_extensions import override

from tap_onefile.answers import read_rows
from tap_onefile.batches import BatchShaper
from tap_onefile.errors import NotFound, QuestionRefused, Refused, SettingsError, UnusableRecord
from tap_onefile.fields import converter_for
from tap_onefile.paging import PageSequence, new_rows
from tap_onefile.reads import Search
from tap_onefile.records import RecordShaper
from tap_onefile.streams.details import Details
from tap_onefile.streams.direct import DirectStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog

    from tap_onefile.reads import Read
    from tap_onefile.tap import TapOneFile
    from tap_onefile.transport import Answer

    Row = dict[str, Any]


_READS_AT_ONCE = 100
_ROWS_AT_ONCE = 100


class OneFileStream(DirectStream):
    """A stream of one of OneFile's entities, read by a search."""

    name: str
    """The stream's name in the catalog, and so the name of its table."""

    schema: dict[str, Any]
    """What OneFile gives; of a stream that was made for a run, what its records hold."""

    entity: ClassVar[str]
    """The entity, as OneFile's paths name it."""

    row_defaults: ClassVar[Mapping[str, Any]] = {}
    """Values for fields that rows leave open because the search itself says them."""

    has_details: ClassVar[bool] = False
    """Whether OneFile has a GET by id for the entity, so that the setting fetch_details may name the stream."""

    is_certain: ClassVar[bool] = False
    """Whether the vendor documents that every customer has it, so that its lack can only mean a wrong address."""

    needs_pages: ClassVar[bool] = False
    """Whether only the paged search gives whole rows, so that the unpaged one must not stand in for it."""

    changes_rows: ClassVar[bool] = False
    """Whether rows are changed before records are made of them, so that they must be plain ones."""

    primary_keys: Sequence[str] = ("ID",)
    state_partitioning_keys: Sequence[str] | None = ()
    """One state for the stream: what is read in full needs no state for each organisation."""

    def __init__(self, tap: TapOneFile) -> None:
        """Make the stream for one run.

        Args:
            tap: The tap that the stream belongs to; it holds the client and the settings.
        """
        super().__init__(tap)
        self.onefile = tap
        self._tally = tap.statistics.of(self.name)
        self._whole_schema = self.schema
        self.schema = tap.schemas[self.name]

    @classmethod
    def call(cls) -> str:
        """Tell which call of the API reads the stream, as the API reference spells it."""
        return f"POST /{cls.entity}/Search/{{page}}/{{size}}"

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        super().apply_catalog(catalog)
        if entry := catalog.get_stream(self.name):
            # What the target has not been told of is not sent.
            listed = entry.schema.to_dict()["properties"]
            fields = {name: rule for name, rule in self.schema["properties"].items() if name in listed}
            self.schema = {**self.schema, "properties": fields}

    @property
    def key_fields(self) -> Sequence[str]:
        """The fields that tell the stream's records apart."""
        keys: Sequence[str] = self.primary_keys  # ty: ignore[invalid-assignment] # the SDK makes a property of it
        return keys

    @cached_property
    def shaper(self) -> RecordShaper:
        """Makes the records of the stream."""
        return RecordShaper(
            self.name,
            self._whole_schema,
            self.key_fields,
            self.onefile.report,
            protection=self.onefile.data_protection,
            held_back=[name for name in self._whole_schema["properties"] if not self._sends(name)],
        )

    def _sends(self, field: str) -> bool:
        """Tell whether records hold a field; what the SDK passes on, it deselects itself."""
        is_selected = not self.is_sent_as_it_is or self.mask["properties", field]
        return field in self.schema["properties"] and is_selected

    @cached_property
    def _batch_shaper(self) -> BatchShaper:
        return BatchShaper(self.shaper, self._whole_schema, self.onefile.data_protection)

    @property
    def _needs_plain_rows(self) -> bool:
        return self.changes_rows or self.fetches_details or not self.is_sent_as_it_is

    def get_reader(self) -> Callable[[Answer], list[Row]]:
        """Choose how the rows are read out of OneFile's answers.

        Returns:
            The quickest way that will do for what becomes of the rows.
        """
        return read_rows if self._needs_plain_rows else cast("Callable[[Answer], list[Row]]", self._batch_shaper.read)

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        began = time.monotonic()
        self.onefile.statistics.stream = self.name
        try:
            if self.is_sent_as_it_is:
                self.send(self.read_batches(context or {}))
            else:
                yield from self.read_records(context or {})
        except NotFound as absence:
            # What has a bookmark was there in an earlier run.
            if self.is_certain or self.stream_state:
                raise
            self.onefile.report.not_offered(self.name, str(absence))
        except (Refused, UnusableRecord) as refusal:
            self.onefile.report.missing(self._describe(context), str(refusal))
            self.forget_progress(context)
        finally:
            self._tally.seconds += time.monotonic() - began

    def check_maps(self) -> None:
        """See that no stream map takes away what other streams hang from.

        Raises:
            SettingsError: One does: the SDK would read nothing of those streams, and say nothing.
        """
        if self.has_selected_descendents and isinstance(self.stream_maps[0], RemoveRecordTransform):
            raise SettingsError(
                f"The setting stream_maps removes {self.name}, which other streams are read by, so that these would be"
                f" empty. Keep {self.name} there (as {{}}), and deselect it in the catalog if you do not want it.",
            )

    def read_records(self, context: Mapping[str, Any]) -> Iterable[Record]:
        """Read the records of one context to its end.

        Args:
            context: The ids that the search narrows by.

        Yields:
            The records.

        Raises:
            Refused: OneFile does not let us read it.
            UnusableRecord: A row has no usable key.
        """
        defaults = {**self.row_defaults, **context}
        for row in self.get_rows(context):
            self.onefile.interruption.check()
            self._tally.records += 1
            record = self.shaper.shape(row, defaults)
            if self.child_streams and not self.stream_maps[0].get_filter_result(record):
                self.onefile.report.filtered(self.name)
            yield record

    def read_batches(self, context: Mapping[str, Any]) -> Iterator[list[Record]]:
        """Read the records of one context to its end, many at a time.

        Args:
            context: The ids that the search narrows by.

        Yields:
            Some records.

        Raises:
            Refused: OneFile does not let us read it.
            UnusableRecord: A row has no usable key.
        """
        defaults = {**self.row_defaults, **context}
        for rows in self._get_row_batches(context):
            self.onefile.interruption.check()
            records: list[Record] = []
            try:
                self._batch_shaper.shape(rows, defaults, records)
            except UnusableRecord:
                self._tally.records += len(records)
                yield records
                raise
            self._tally.records += len(records)
            yield records

    def _get_row_batches(self, context: Mapping[str, Any]) -> Iterator[Sequence[Row]]:
        if self._needs_plain_rows or type(self).get_rows is not OneFileStream.get_rows:
            yield from _in_batches(self.get_rows(context))
            return
        for page in self.get_pages(self.get_read(context)):
            for start in range(0, len(page), _ROWS_AT_ONCE):
                yield page[start : start + _ROWS_AT_ONCE]

    def get_rows(self, context: Mapping[str, Any]) -> Iterable[Row]:
        """Read the rows of one context.

        Args:
            context: The ids that the search narrows by.

        Yields:
            The rows as OneFile sent them.
        """
        for page in self.get_pages(self.get_read(context)):
            yield from self.complete(page)

    def get_pages(self, read: Read) -> Iterator[list[Row]]:
        """Read all pages, each row once.

        Args:
            read: What to read.

        Yields:
            The rows of each page.
        """
        pages = self.onefile.read_ahead.pages(read)
        sequence = PageSequence(self.name, "ID", self.onefile.settings.page_size)
        if isinstance(read, Search):
            yield from new_rows(
                sequence,
                pages,
                lambda page: self.onefile.fetch_at_once(read, page),
                lambda: self.onefile.list_all(read),
                lambda: self.onefile.read_ahead.counted(read),
            )
        elif "ID" in self.key_fields:
            yield from map(sequence.new_rows, pages)
        else:
            yield from pages
        if sequence.repeated_rows:
            self.onefile.report.repeated_rows(self.name, sequence.repeated_rows)

    def get_many(
        self, reads: Sequence[Read], is_gone: Callable[[int], bool] = lambda _: False
    ) -> Iterator[tuple[int, list[Row]]]:
        """Read many small things, one after the other and all of them ahead.

        Args:
            reads: What to read.
            is_gone: Tells whether what a read hangs from has gone, so that its refusal says no more than that.

        Yields:
            The place of the read in ``reads``, and a page of it. What is not there has no page.
        """
        is_there, absent = 0, ""
        for start in range(0, len(reads), _READS_AT_ONCE):
            chunk = reads[start : start + _READS_AT_ONCE]
            with self.onefile.read_ahead.planned(chunk):
                for place, read in enumerate(chunk, start):
                    try:
                        for page in self.get_pages(read):
                            is_there += 1
                            yield place, page
                    except NotFound as absence:
                        absent = str(absence)
                        self.onefile.report.nothing_there(self.name)
                    except QuestionRefused:
                        if not is_gone(place):
                            raise
                        self.onefile.report.nothing_there(self.name)
        if absent and not is_there:
            self.onefile.report.not_offered(self.name, absent)

    def complete(self, rows: list[Row]) -> Iterable[Row]:
        """Complete search rows, which may be thin, by the full records, where the setting fetch_details asks for it.

        Args:
            rows: The rows of a page.

        Returns:
            The rows in their order.
        """
        return self._details.complete(rows) if self.fetches_details else rows

    @cached_property
    def _details(self) -> Details:
        to_id = converter_for(self._whole_schema["properties"]["ID"])
        return Details(self.name, self.entity, to_id, self.onefile.read_ahead, self.onefile.report)

    def get_read(self, context: Mapping[str, Any]) -> Read:
        """Tell what is read for one context.

        Args:
            context: The ids that the search narrows by.

        Returns:
            The search.
        """
        return Search.of(self.entity, self.get_filters(context), self.name, unpaged_will_do=not self.needs_pages)

    def get_reads_ahead(self, context: Mapping[str, Any]) -> list[Read]:
        """Tell what can be asked for before the context's turn comes.

        Args:
            context: The ids that the search narrows by.

        Returns:
            What will be read first.
        """
        return [self.get_read(context)]

    def plan_children(self, contexts: Iterable[Mapping[str, Any]]) -> None:
        """Have what hangs from some records read ahead.

        Args:
            contexts: The contexts that the records give to their children, in the order in which the SDK will come to
                them.
        """
        selected = [stream for stream in self.child_streams if stream.selected or stream.has_selected_descendents]
        if self.ABORT_AT_RECORD_COUNT is None:
            self.onefile.read_ahead.plan(
                read
                for context in contexts
                for stream in selected
                if isinstance(stream, OneFileStream)
                for read in stream.get_reads_ahead(context)
            )

    def estimate_calls(self, context: Mapping[str, Any]) -> int:
        """Estimate how many calls a full read of one context takes.

        Args:
            context: The ids that the search narrows by.

        Returns:
            The calls.
        """
        rows = len(self.onefile.list_all(Search.of(self.entity, self.get_filters(context), self.name)))
        pages = -(-rows // self.onefile.settings.page_size) + 1
        return pages + (rows if self.fetches_details else 0)

    def get_filters(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Make the body of the search.

        Args:
            context: The ids that the search narrows by.

        Returns:
            OneFile's filters by name.
        """
        return dict(context)

    @property
    def fetches_details(self) -> bool:
        """Whether each row is completed by a call of its own."""
        return self.has_details and self.name in self.onefile.settings.fetch_details

    def forget_progress(self, context: Context | None) -> None:
        """Keep the bookmark, for streams that have one, from passing what could not be read.

        Args:
            context: The context that could not be read to its end.
        """

    def _describe(self, context: Mapping[str, Any] | None) -> str:
        part = ", ".join(f"{name} {value}" for name, value in (context or {}).items())
        return f"{self.name} of {part}" if part else self.name


def _in_batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Gather rows, and give those that came before a failure before it is raised."""
    batch: list[Row] = []
    try:
        for row in rows:
            batch.append(row)
            if len(batch) == _ROWS_AT_ONCE:
                yield batch
                batch = []
    except Exception:
        yield batch
        raise
    yield batch
