"""What all streams share: context → search → row → record."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel
from typing_extensions import override

from tap_onefile.errors import Refused
from tap_onefile.paging import PageSequence, new_rows
from tap_onefile.read_ahead import Search
from tap_onefile.records import RecordShaper

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk.helpers.types import Context, Record

    from tap_onefile.tap import TapOneFile


class OneFileStream(Stream):
    """A stream of one of OneFile's entities."""

    entity: ClassVar[str]
    """The entity, as OneFile's paths name it."""

    row_defaults: ClassVar[Mapping[str, Any]] = {}
    """Values for fields that rows leave open because the search itself says them."""

    primary_keys = ("ID",)
    state_partitioning_keys = ()
    """One state for the stream: what is read in full needs no state for each organisation."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    """Records are shaped by RecordShaper, which knows OneFile's spellings."""

    def __init__(self, tap: TapOneFile) -> None:
        """Make the stream for one run.

        Args:
            tap: The tap that the stream belongs to; it holds the client and the settings.
        """
        super().__init__(tap)
        self.onefile = tap
        self._shaper = RecordShaper(self.name, self.schema, self.primary_keys, tap.report)

    @classmethod
    def call(cls) -> str:
        """Tell which call of the API reads the stream, as the API reference spells it."""
        return f"POST /{cls.entity}/Search/{{page}}/{{size}}"

    @override
    def get_records(self, context: Context | None) -> Iterable[Record]:
        try:
            for row in self.get_rows(context or {}):
                yield self._shaper.shape(row, {**self.row_defaults, **(context or {})})
        except Refused as refusal:
            self.onefile.report.missing(self._describe(context), str(refusal))

    def get_rows(self, context: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        """Read the rows of one context.

        Args:
            context: The ids that the search narrows by.

        Yields:
            The rows as OneFile sent them.
        """
        search = self.get_search(context)
        sequence = PageSequence(self.name, self.primary_keys[0])
        yield from new_rows(
            sequence,
            self.onefile.read_ahead.pages(search),
            lambda page: self.onefile.fetch_page(search, page),
        )
        if sequence.repeated_rows:
            self.onefile.report.repeated_rows(self.name, sequence.repeated_rows)

    def get_search(self, context: Mapping[str, Any]) -> Search:
        """Make the search of one context.

        Args:
            context: The ids that the search narrows by.

        Returns:
            The search.
        """
        return Search.of(self.entity, self.get_filters(context))

    def get_filters(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Make the body of the search.

        Args:
            context: The ids that the search narrows by.

        Returns:
            OneFile's filters by name.
        """
        return dict(context)

    @override
    def get_batch_config(self, config: Mapping[str, Any]) -> None:
        """Refuse BATCH mode, which would let deselected fields and unmapped values through."""

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        # An error is told once, in the last line of the run, and not by each stream that it passes on its way.
        if not message.startswith("An unhandled error occurred"):
            super().log(message, *args, level=level, **kwargs)

    def _describe(self, context: Mapping[str, Any] | None) -> str:
        part = ", ".join(f"{name} {value}" for name, value in (context or {}).items())
        return f"{self.name} of {part}" if part else self.name
