"""A stream as the SDK knows it: how its records get to standard output, and its bookmark into the state.

Whatever we rely on that the SDK does not promise has a test in ``tests/unit/test_sdk_assumptions.py``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import RemoveRecordTransform, SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_onefile.singer.writer import BufferedWriter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.metrics import Counter
    from singer_sdk.singerlib import Catalog

# The SDK's names in the state of a stream that is being read.
_MARKERS = "progress_markers"
_KEY = "replication_key"
_VALUE = "replication_key_value"


class SingerStream(Stream):
    """A stream that sends its records past the SDK wherever the SDK would only pass them on."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    """Records are shaped by Shaper, which knows OneFile's spellings."""

    primary_keys: Sequence[str]
    schema: dict[str, Any]

    def __init__(self, tap: Tap, schema: dict[str, Any]) -> None:
        super().__init__(tap)
        self.schema = schema
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

    def send(self, batches: Iterable[list[Record]]) -> None:
        """Send records past the SDK."""
        if self._writer is None:
            return
        for records in batches:
            self._writer.write_records(self.name, records)
            self._record_counter.increment(len(records))
            self.state_manager.is_flushed = False

    def is_filtered_by_map(self, record: Record) -> bool:
        """Return whether a stream map filters a record out, so that the SDK skips its child streams."""
        return not self.stream_maps[0].get_filter_result(record)

    @property
    def children_to_read(self) -> Sequence[Stream]:
        """The child streams that the SDK reads for each record, in its order."""
        return [stream for stream in self.child_streams if stream.selected or stream.has_selected_descendents]

    @property
    def is_read_in_full(self) -> bool:
        """Whether every run sends all records that OneFile has."""
        return self.replication_method == REPLICATION_FULL_TABLE

    @property
    def aliases(self) -> Collection[str]:
        """The names under which the stream is sent."""
        return [each.stream_alias for each in self.stream_maps if not isinstance(each, RemoveRecordTransform)]

    def get_bookmark(self, context: Mapping[str, Any]) -> object:
        """Return the bookmark that an earlier run left for a context."""
        if self.replication_method != REPLICATION_INCREMENTAL:
            return None
        state = self.get_context_state(context)
        return state.get(_VALUE) if state.get(_KEY) == self.replication_key else None

    def keep_bookmark(self, context: Mapping[str, Any], value: str) -> None:
        """Set the bookmark that the SDK writes when it finalises a context.

        The SDK's own would go back when everything read is older than before, and stand still for records without a
        timestamp.
        """
        self.get_context_state(context)[_MARKERS] = {_KEY: self.replication_key, _VALUE: value}

    def forget_progress(self, context: Context | None) -> None:
        """Keep the bookmark of a context where it was, as not everything could be read."""
        self.get_context_state(context).pop(_MARKERS, None)

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Return no limit for the bookmark: the stream sets it itself, spelled as in our records."""

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        """Whether the SDK sends ACTIVATE_VERSION: it would before the records, and once for each organisation."""
        return False

    @override
    def get_record_counter(self, **options: Any) -> Counter:
        """Keep the counter of the METRIC lines, to count the records that bypass the SDK."""
        self._record_counter = super().get_record_counter(**options)
        return self._record_counter

    @override
    def get_batch_config(self, config: Mapping[str, Any]) -> None:
        """Return nothing: BATCH mode would let deselected fields and unmapped values through."""

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        # An error is logged once, in the last line of the run, and not by each stream that it passes through.
        if not message.startswith("An unhandled error occurred"):
            super().log(message, *args, level=level, **kwargs)
