"""A stream as the SDK knows it: how its records get to standard output, and its bookmark into the state."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream, metrics
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from tap_onefile.singer.state import Bookmarks
from tap_onefile.singer.writer import BufferedWriter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import ClassVar

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog

    from tap_onefile.records.shaper import Records


class _Counter(metrics.Counter):
    """Counts records over all contexts."""

    @override
    def with_context(self, value: Context | None) -> None:
        """Leave the context out of the METRIC line, as the count is that of the stream."""

    @override
    def exit(self) -> None:
        """Go on counting."""


class _Timer(metrics.Timer):
    """Adds up the time of all contexts."""

    _before = 0.0

    @override
    def with_context(self, value: Context | None) -> None:
        """Leave the context out of the METRIC line, as the time is that of the stream."""

    @override
    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        self._before += super().elapsed()
        self.tags[metrics.Tag.STATUS] = metrics.Status.FAILED if exc_type else metrics.Status.SUCCEEDED

    @override
    def elapsed(self) -> float:
        return self._before


class SingerStream(Stream):
    """A stream that sends its records past the SDK wherever the SDK would only pass them on."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    """Records are shaped by Shaper, which knows OneFile's spellings."""

    primary_keys: Sequence[str]
    schema: dict[str, Any]
    default_replication_method: ClassVar[str] = REPLICATION_FULL_TABLE
    """How the stream is read unless the catalog says otherwise."""

    def __init__(self, tap: Tap, schema: dict[str, Any]) -> None:
        super().__init__(tap)
        self.schema = schema
        self._has_begun = False
        self._counter = _Counter(metrics.Metric.RECORD_COUNT, {metrics.Tag.STREAM: self.name})
        self._timer = _Timer(metrics.Metric.SYNC_DURATION, {metrics.Tag.STREAM: self.name})
        self._writer = tap.message_writer if isinstance(tap.message_writer, BufferedWriter) else None

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        super().apply_catalog(catalog)
        if entry := catalog.get_stream(self.name):
            # Fields that are not in the SCHEMA message are not sent.
            listed = entry.schema.to_dict()["properties"]
            fields = {name: rule for name, rule in self.schema["properties"].items() if name in listed}
            self.schema = {**self.schema, "properties": fields}

    @property
    def bypasses_sdk(self) -> bool:
        """Whether the SDK would only pass records on, at several times our own cost."""
        return (
            self._writer is not None
            and not self.child_streams
            and not self.is_dry_run
            and all(isinstance(each, SameRecordTransform) and not each.flattening_enabled for each in self.stream_maps)
        )

    @property
    def is_dry_run(self) -> bool:
        """Whether only one record is read, to see that everything works."""
        return self.ABORT_AT_RECORD_COUNT is not None

    def sends(self, field: str) -> bool:
        """Return whether our records hold a field; records that pass through the SDK are stripped there."""
        is_selected = not self.bypasses_sdk or self.mask["properties", field]
        return field in self.schema["properties"] and is_selected

    def send(self, batches: Iterable[Records]) -> None:
        """Send records past the SDK."""
        if self._writer is None:
            return
        for records in batches:
            self._writer.write_records(self.name, records.columns)
            self._counter.increment(len(records))
            self.state_manager.is_flushed = False

    def is_filtered_by_map(self, record: Record) -> bool:
        """Return whether a stream map filters a record out, so that the SDK skips its child streams."""
        return not self.stream_maps[0].get_filter_result(record)

    @property
    def children_to_read(self) -> Sequence[Stream]:
        """The child streams that the SDK reads for each record, in its order."""
        return [stream for stream in self.child_streams if stream.selected or stream.has_selected_descendents]

    @property
    @override
    def replication_method(self) -> str:
        return str(self.forced_replication_method or self.default_replication_method)

    @property
    def is_read_in_full(self) -> bool:
        """Whether every run sends all records that OneFile has."""
        return self.replication_method == REPLICATION_FULL_TABLE

    @property
    def aliases(self) -> Collection[str]:
        """The names under which the stream is sent."""
        return [each.stream_alias for each in self.stream_maps if not isinstance(each, RemoveRecordTransform)]

    @cached_property
    @override
    def state_manager(self) -> Bookmarks:
        return Bookmarks(
            tap_name=self.tap_name,
            stream_name=self.name,
            tap_state=self.tap_state,
            state_partitioning_keys=self.state_partitioning_keys,
        )

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Return no limit for the bookmark: the stream sets it itself, spelled as in our records."""

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        """Whether the SDK sends ACTIVATE_VERSION: it would before the records, and once for each organisation."""
        return False

    @override
    def get_record_counter(self, **_options: Any) -> metrics.Counter:
        """Return one counter for all contexts, where the SDK has one, and a log line, for each."""
        return self._counter

    @override
    def get_sync_timer(self) -> metrics.Timer:
        """Return one timer for all contexts."""
        return self._timer

    def log_metrics(self) -> None:
        """Log the METRIC lines of the run, at level DEBUG only: the end of a run says most of it in words."""
        if self._has_begun and self.logger.isEnabledFor(logging.DEBUG):
            for meter, kind, value in (
                (self._counter, "counter", self._counter.value),
                (self._timer, "timer", self._timer.elapsed()),
            ):
                self._log_metric(metrics.Point(kind, meter.metric, value, meter.tags))

    @override
    def _write_schema_message(self) -> None:
        """Write the SCHEMA once, as it is the same for each context."""
        if not self._has_begun:
            super()._write_schema_message()
        self._has_begun = True

    @override
    def get_batch_config(self, config: Mapping[str, Any]) -> None:
        """Return nothing: BATCH mode would let deselected fields and unmapped values through."""

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        # An error is logged once, in the last line of the run, and not by each stream that it passes through. What
        # begins is logged once for a stream, and not for each organisation.
        is_known = message.startswith("Beginning sync") and self._has_begun
        if not (is_known or message.startswith("An unhandled error occurred")):
            super().log(message, *args, level=level, **kwargs)
