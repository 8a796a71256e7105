"""A stream as the SDK knows it: how its records go to standard output, and how its bookmark gets into the state.

What is relied on beyond the SDK's promises has a test each in ``tests/unit/test_sdk_assumptions.py``.
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

# The SDK's names for what it keeps in the state of a stream while it is being read.
_MARKERS = "progress_markers"
_KEY = "replication_key"
_VALUE = "replication_key_value"


class SingerStream(Stream):
    """A stream whose records are made by the tap, and sent by it where the SDK would only pass them on.

    Args:
        tap: The tap; the SDK wants it.
        schema: The JSON schema of the records.
    """

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
            # What the target has not been told of is not sent.
            listed = entry.schema.to_dict()["properties"]
            fields = {name: rule for name, rule in self.schema["properties"].items() if name in listed}
            self.schema = {**self.schema, "properties": fields}

    @property
    def key_fields(self) -> Sequence[str]:
        """The fields that identify the stream's records."""
        keys: Sequence[str] = self.primary_keys  # ty: ignore[invalid-assignment] # the SDK makes a property of it
        return keys

    @property
    def bypasses_sdk(self) -> bool:
        """Whether the SDK has nothing to do with a record but to pass it on, at several times what it costs us."""
        return (
            self._writer is not None
            and not self.child_streams
            and not self.is_dry_run
            and all(isinstance(each, SameRecordTransform) and not each.flattening_enabled for each in self.stream_maps)
        )

    @property
    def is_dry_run(self) -> bool:
        """Whether only a first record is wanted, to see that all works."""
        return self.ABORT_AT_RECORD_COUNT is not None

    def sends(self, field: str) -> bool:
        """Return whether records hold a field; where the SDK passes records on, it deselects fields itself."""
        is_selected = not self.bypasses_sdk or self.mask["properties", field]
        return field in self.schema["properties"] and is_selected

    def send(self, batches: Iterable[list[Record]]) -> None:
        """Send records past the SDK.

        Raises:
            TargetGone: Nobody reads what we write.
        """
        if self._writer is None:
            return
        for records in batches:
            self._writer.write_records(self.name, records)
            self._record_counter.increment(len(records))
            self.state_manager.is_flushed = False

    @property
    def is_removed_by_map(self) -> bool:
        """Whether a stream map takes the stream away: the SDK reads nothing of its children then, and says nothing."""
        return self.has_selected_descendents and isinstance(self.stream_maps[0], RemoveRecordTransform)

    def is_filtered_by_map(self, record: Record) -> bool:
        """Return whether a stream map filters a record, so that the SDK reads nothing of its children."""
        return not self.stream_maps[0].get_filter_result(record)

    @property
    def children_to_read(self) -> Sequence[Stream]:
        """The child streams that the SDK reads for each record, in its order."""
        return [stream for stream in self.child_streams if stream.selected or stream.has_selected_descendents]

    @property
    def is_full_table(self) -> bool:
        """Whether every run sends all records that the stream has."""
        return self.replication_method == REPLICATION_FULL_TABLE

    @property
    def aliases(self) -> Collection[str]:
        """The names under which the stream is sent."""
        return [each.stream_alias for each in self.stream_maps if not isinstance(each, RemoveRecordTransform)]

    def get_bookmark(self, context: Mapping[str, Any]) -> object:
        """Return what an earlier run left as the bookmark of a context; None without one."""
        if self.replication_method != REPLICATION_INCREMENTAL:
            return None
        state = self.get_context_state(context)
        return state.get(_VALUE) if state.get(_KEY) == self.replication_key else None

    def keep_bookmark(self, context: Mapping[str, Any], value: str) -> None:
        """Have the SDK take a context's bookmark from here when it ends the context.

        Its own would go back where all that is read is older than what was read before, and stay where records do not
        say when they were modified.
        """
        self.get_context_state(context)[_MARKERS] = {_KEY: self.replication_key, _VALUE: value}

    def forget_progress(self, context: Context | None) -> None:
        """Keep the bookmark of a context from passing what could not be read."""
        self.get_context_state(context).pop(_MARKERS, None)

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Leave the limit of the bookmark to the stream, which spells timestamps as our records do."""

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        """Keep the SDK from sending ACTIVATE_VERSION: it does so before the records, and for each organisation."""
        return False

    @override
    def get_record_counter(self, **options: Any) -> Counter:
        """Keep the counter of the METRIC lines, as records that do not pass through the SDK are counted here."""
        self._record_counter = super().get_record_counter(**options)
        return self._record_counter

    @override
    def get_batch_config(self, config: Mapping[str, Any]) -> None:
        """Refuse BATCH mode, which would let deselected fields and unmapped values through."""

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        # An error is logged once, in the last line of the run, and not by each stream that it passes on its way.
        if not message.startswith("An unhandled error occurred"):
            super().log(message, *args, level=level, **kwargs)
