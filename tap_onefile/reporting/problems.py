"""What a run reports at its end: what is missing, was left out, or could not be read as declared.

Only names and counts are kept here, never a value.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from typing import TYPE_CHECKING

from tap_onefile.errors import IncompleteRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_onefile.errors import NotFound

logger = logging.getLogger("tap-onefile")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_LONGEST_NAME = 100
"""Characters."""
_MOST_NAMES = 50
"""Unknown fields of a stream that are named."""


def loggable(value: object) -> str:
    """Return a text of OneFile's, such as the name of an organisation, cut to a short line that is safe to log."""
    text = "".join(each if each.isprintable() else " " for each in str(value)) if isinstance(value, (str, int)) else "?"
    return f"{text[:_LONGEST_NAME]}…" if len(text) > _LONGEST_NAME else text


class Problems:
    """Collects whatever must not pass in silence."""

    def __init__(self) -> None:
        self._missing: list[tuple[str, str]] = []
        self._unknown: Counter[tuple[str, str]] = Counter()
        self._repeated: Counter[str] = Counter()
        self._gone: Counter[str] = Counter()
        self._without_data: Counter[str] = Counter()
        self._filtered: Counter[str] = Counter()
        self._misfits: Counter[tuple[str, str, str]] = Counter()
        self._repaired: Counter[tuple[str, str]] = Counter()
        self.not_offered: set[str] = set()
        """The streams that OneFile does not have for this customer."""

    def missing(self, what: str, why: object) -> None:
        """Note that a stream or part of it could not be read; the run goes on."""
        logger.error("%s is missing from this run. %s", what, why)
        self._missing.append((what, str(why)))

    def unknown_fields(self, stream: str, names: Mapping[str, int]) -> None:
        """Count records with fields that the stream's schema does not know, by field."""
        for name, count in names.items():
            shown = self._showable(stream, name)
            if not self._unknown[stream, shown]:
                logger.warning(
                    "OneFile sends a field %s in %s that this version of tap-onefile does not know; it is left out."
                    " Please report it.",
                    shown,
                    stream,
                )
            self._unknown[stream, shown] += count

    def misfits(self, stream: str, values: Mapping[tuple[str, str], int]) -> None:
        """Count values that did not fit and were sent as null, by field and by what came instead."""
        for (name, came), count in values.items():
            if not self._misfits[stream, name, came]:
                logger.warning(
                    "A value of %s in %s cannot be read as declared (%s came); it is sent as null", name, stream, came
                )
            self._misfits[stream, name, came] += count

    def repaired_texts(self, stream: str, names: Mapping[str, int]) -> None:
        """Count texts in which characters were replaced that targets cannot store, by field."""
        for name, count in names.items():
            self._repaired[stream, name] += count

    def repeated_rows(self, stream: str, count: int) -> None:
        """Count rows that came twice in one search and were deduplicated."""
        self._repeated[stream] += count

    def gone(self, stream: str) -> None:
        """Count a record that was deleted between the search that found it and the call for it."""
        self._gone[stream] += 1

    def filtered(self, stream: str) -> None:
        """Count a record that a stream map filters out although the stream has child streams."""
        self._filtered[stream] += 1

    def without_data(self, stream: str) -> None:
        """Count a learner for whom OneFile has nothing of a stream."""
        self._without_data[stream] += 1

    def absent(self, stream: str, absence: NotFound) -> None:
        """Note that OneFile does not offer a stream to this customer, so that it is empty."""
        if stream not in self.not_offered:
            logger.warning(
                "%s: OneFile answers %s to %s, so this customer does not seem to have it, and the stream is empty",
                stream,
                absence.answer,
                absence.call,
            )
        self.not_offered.add(stream)

    @property
    def is_complete(self) -> bool:
        """Whether everything selected has been read."""
        return not self._missing

    def conclude(self) -> None:
        """Log the counts, and raise `IncompleteRun` if something is missing."""
        for stream, count in sorted(self._repeated.items()):
            logger.info("%s: %d rows came twice, as rows moved while they were read, and were sent once", stream, count)
        for stream, count in sorted(self._without_data.items()):
            logger.info("%s: OneFile has nothing for %d learners", stream, count)
        for stream, count in sorted(self._gone.items()):
            logger.warning("%s: OneFile no longer had %d records when they were asked for by their ids", stream, count)
        for stream, count in sorted(self._filtered.items()):
            logger.warning("%s: stream_maps filters %d records, so no child stream was read for them", stream, count)
        if self.not_offered:
            logger.warning("Empty, as OneFile answers 404: %s. Deselect them.", ", ".join(sorted(self.not_offered)))
        for (stream, name), count in sorted(self._unknown.items()):
            logger.warning("%s: the unknown field %s was left out of %d records", stream, name, count)
        for (stream, name, came), count in sorted(self._misfits.items()):
            logger.warning("%s: %s was sent as null in %d records, as %s came", stream, name, count, came)
        for (stream, name), count in sorted(self._repaired.items()):
            logger.warning(
                "%s: NUL characters or half characters in %s were replaced by U+FFFD in %d records", stream, name, count
            )
        if self._missing:
            parts = "; ".join(f"{what} ({why})" for what, why in self._missing)
            raise IncompleteRun(f"The run is incomplete. Missing: {parts}")

    def _showable(self, stream: str, name: str) -> str:
        """Return a field name that is safe to log: anything but an identifier may be a value or forge a log line."""
        if not _NAME.fullmatch(name):
            return "(not shown: it is no plain name)"
        known = sum(1 for each, _ in self._unknown if each == stream)
        is_new = (stream, name) not in self._unknown
        return "(not shown: there are too many)" if is_new and known >= _MOST_NAMES else name
