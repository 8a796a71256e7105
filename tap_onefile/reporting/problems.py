"""What a run reports at its end: what is missing, was left out, or could not be read as declared.

Only names and counts are kept here, never a value.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from tap_onefile.errors import IncompleteRun, MissingPage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

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
        self._moved: Counter[str] = Counter()
        self.unpaged: set[str] = set()
        """The streams that were read without pages."""
        self._present: set[str] = set()
        self._absent: dict[str, list[tuple[str, MissingPage]]] = {}

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

    def moved_rows(self, stream: str, count: int) -> None:
        """Count records that came again for another owner, such as another organisation."""
        self._moved[stream] += count

    def read_unpaged(self, stream: str) -> None:
        """Note that a stream was read without pages, of which OneFile has none."""
        if stream not in self.unpaged:
            logger.info("%s: OneFile has no pages of it, so it is read unpaged", stream)
        self.unpaged.add(stream)

    def present(self, stream: str) -> None:
        """Note that OneFile has a stream for some part of the customer, at least."""
        self._present.add(stream)

    def absent(self, stream: str, absence: NotFound, what: str) -> None:
        """Note that OneFile does not have a stream, or a part of it, for this customer, so that it is empty."""
        if stream not in self._absent:
            logger.warning(
                "%s: OneFile answers %s to %s, so this customer does not seem to have it, and the stream is empty",
                stream,
                absence.answer,
                absence.call,
            )
        self._absent.setdefault(stream, []).append((what, MissingPage(absence.call)))

    @property
    def not_offered(self) -> Collection[str]:
        """The streams that OneFile does not have for this customer."""
        return self._absent.keys() - self._present

    @property
    def _all_missing(self) -> list[tuple[str, str]]:
        """What could not be read, and why; what is there for one organisation cannot be unknown for another."""
        slips = [slip for stream in sorted(self._absent.keys() & self._present) for slip in self._absent[stream]]
        return [*self._missing, *((what, str(why)) for what, why in slips)]

    @property
    def is_complete(self) -> bool:
        """Whether everything selected has been read."""
        return not self._all_missing

    def conclude(self) -> None:
        """Log the counts, and raise `IncompleteRun` if something is missing."""
        totals: list[tuple[int, str, Mapping[Any, int]]] = [
            (
                logging.INFO,
                "%s: %d rows came twice, as rows moved while they were read, and were sent once",
                self._repeated,
            ),
            (logging.INFO, "%s: %d records came again for another owner, as they moved or are shared", self._moved),
            (logging.INFO, "%s: OneFile has nothing for %d learners", self._without_data),
            (logging.WARNING, "%s: OneFile no longer had %d records when they were asked for by their ids", self._gone),
            (
                logging.WARNING,
                "%s: stream_maps filters %d records, so no child stream was read for them",
                self._filtered,
            ),
        ]
        for level, message, counts in totals:
            for stream, count in sorted(counts.items()):
                logger.log(level, message, stream, count)
        if self.not_offered:
            logger.warning("Empty, as OneFile answers 404: %s. Deselect them.", ", ".join(sorted(self.not_offered)))
        self._log_oddities()
        if missing := self._all_missing:
            parts = "; ".join(f"{what} ({why})" for what, why in missing)
            raise IncompleteRun(f"The run is incomplete. Missing: {parts}")

    def _log_oddities(self) -> None:
        for (stream, name), count in sorted(self._unknown.items()):
            logger.warning("%s: the unknown field %s was left out of %d records", stream, name, count)
        for (stream, name, came), count in sorted(self._misfits.items()):
            logger.warning("%s: %s was sent as null in %d records, as %s came", stream, name, count, came)
        for (stream, name), count in sorted(self._repaired.items()):
            logger.warning(
                "%s: NUL characters or half characters in %s were replaced by U+FFFD in %d records", stream, name, count
            )

    def _showable(self, stream: str, name: str) -> str:
        """Return a field name that is safe to log: anything but an identifier may be a value or forge a log line."""
        if not _NAME.fullmatch(name):
            return "(not shown: it is no plain name)"
        known = sum(1 for each, _ in self._unknown if each == stream)
        is_new = (stream, name) not in self._unknown
        return "(not shown: there are too many)" if is_new and known >= _MOST_NAMES else name
