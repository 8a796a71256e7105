"""How records go to standard output: straight away, where the SDK has nothing to do with them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from typing_extensions import override

from tap_onefile.writer import BufferedWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk.helpers.types import Record
    from singer_sdk.metrics import Counter

    from tap_onefile.tap import TapOneFile


class DirectStream(Stream):
    """A stream whose records are made by the tap, and sent by it where the SDK would only pass them on."""

    onefile: TapOneFile
    """The tap that the stream belongs to."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    """Records are shaped by RecordShaper, which knows OneFile's spellings."""

    @property
    def is_sent_as_it_is(self) -> bool:
        """Whether the SDK has nothing to do with a record but to pass it on, at several times what it costs us."""
        return (
            isinstance(self.onefile.message_writer, BufferedWriter)
            and not self.child_streams
            and self.ABORT_AT_RECORD_COUNT is None
            and all(isinstance(each, SameRecordTransform) and not each.flattening_enabled for each in self.stream_maps)
        )

    def send(self, batches: Iterable[list[Record]]) -> None:
        """Send records past the SDK.

        Args:
            batches: The records, some at a time.

        Raises:
            TargetGone: Nobody reads what we write.
        """
        for records in batches:
            cast("BufferedWriter", self.onefile.message_writer).write_records(self.name, records)
            self._record_counter.increment(len(records))
            self.state_manager.is_flushed = False

    @property
    @override
    def emit_activate_version_messages(self) -> bool:
        """Keep the SDK from telling versions: it does so before the records, and again for each organisation."""
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
        # An error is told once, in the last line of the run, and not by each stream that it passes on its way.
        if not message.startswith("An unhandled error occurred"):
            super().log(message, *args, level=level, **kwargs)
