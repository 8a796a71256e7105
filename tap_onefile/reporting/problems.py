"""What a run reports at its end: what is missing, was left out, or could not be read as declared.

Only names and counts are kept here, never a value.
"""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from functools import partialmethod
from typing import TYPE_CHECKING

from tap_onefile.errors import AccessRefused, IncompleteRun, MissingPage
from tap_onefile.reporting.metrics import ALL_STREAMS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tap_onefile.errors import NotFound

logger = logging.getLogger("tap-onefile")

_TOTALS = {
    "repeated": (logging.INFO, "{}: {n} rows came twice, as rows moved while they were read, and were sent once"),
    "moved": (logging.INFO, "{}: {n} records came again for another owner, as they moved or are shared"),
    "without data": (logging.INFO, "{}: OneFile has nothing for {n} learners"),
    "not due": (
        logging.INFO,
        "{}: {n} records were not modified within detail_window, so that they were not completed and not sent",
    ),
    "gone": (logging.WARNING, "{}: OneFile no longer had {n} records when they were asked for by their ids"),
    "filtered": (logging.WARNING, "{}: stream_maps filters {n} records, so no child stream was read for them"),
    "misfit": (logging.WARNING, "{}: {} was sent as null in {n} records, as {} came"),
    "repaired": (logging.WARNING, "{}: NUL characters or half characters in {} were replaced by U+FFFD in {n} records"),
}
"""What is counted, and how it is reported at the end of a run."""
PLAIN_NAME = re.compile("(?!_sdc_)[A-Za-z_][A-Za-z0-9_]{0,63}")
"""A field that may be logged: anything else may be a value, or forge a line of the log. Loaders add columns _sdc_…"""
_NOT_SHOWN = ""
_ROUND = 100
"""An answer without pages whose rows are a multiple of this may have been cut."""
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
        self._outcomes: dict[str, set[str]] = {}
        self._counts: dict[str, Counter[tuple[str, ...]]] = {kind: Counter() for kind in _TOTALS}
        self._unknown: dict[str, Counter[str]] = {}
        self.unpaged: set[str] = set()
        """The streams that were read without pages."""
        self.in_part: set[str] = set()
        """The streams of which a part was left out, as the log says, so that no version of them is whole."""
        self._ignored_pages: set[str] = set()
        self._present: set[str] = set()
        self._absent: dict[str, list[tuple[str, MissingPage]]] = {}

    def missing(self, what: str, why: object) -> None:
        """Note that a stream or part of it could not be read; the run goes on."""
        logger.error("%s is missing from this run. %s", what, why)
        self._missing.append((what, str(why)))
        # A part is named by its stream first.
        outcome = "refused" if isinstance(why, AccessRefused) else "incomplete"
        self._outcomes.setdefault(what.partition(" ")[0], set()).add(outcome)

    def _count(self, kind: str, stream: str, count: int = 1, *which: str) -> bool:
        """Add to a count of a stream, or of something in it; return whether this is the first of it."""
        counts = self._counts[kind]
        counts[stream, *which] += count
        return counts[stream, *which] == count

    # What each of them counts is said by its sentence in _TOTALS.
    repeated_rows = partialmethod(_count, "repeated")
    moved_rows = partialmethod(_count, "moved")
    without_data = partialmethod(_count, "without data")
    not_due = partialmethod(_count, "not due")
    gone = partialmethod(_count, "gone")
    filtered = partialmethod(_count, "filtered")

    def unknown_fields(self, stream: str, names: Mapping[str, int], declared: Collection[str] = ()) -> None:
        """Count the values of undeclared fields, by field.

        One that differs from a declared field in case only is not named, as extra_fields cannot ask for it.
        """
        known = self._unknown.setdefault(stream, Counter())
        is_first = not known
        taken = {each.lower() for each in declared}
        for name, count in sorted(names.items()):
            is_nameable = PLAIN_NAME.fullmatch(name) and name.lower() not in taken
            is_named = is_nameable and (name in known or len(known) < _MOST_NAMES)
            known[name if is_named else _NOT_SHOWN] += count
        if is_first and known:
            logger.warning(
                "OneFile sends fields of %s that the tap does not have; they are left out. %s",
                stream,
                _to_paste({stream: known}),
            )

    def misfits(self, stream: str, values: Mapping[tuple[str, str], int]) -> None:
        """Count values that did not fit and were sent as null, by field and by what came instead."""
        for (name, came), count in values.items():
            if self._count("misfit", stream, count, name, came):
                logger.warning(
                    "A value of %s in %s cannot be read as declared (%s came); it is sent as null", name, stream, came
                )

    def repaired_texts(self, stream: str, names: Mapping[str, int]) -> None:
        """Count texts in which characters were replaced that targets cannot store, by field."""
        for name, count in names.items():
            self._count("repaired", stream, count, name)

    def read_unpaged(self, stream: str, rows: int) -> None:
        """Note that a stream was read without pages, of which OneFile has none."""
        if rows and rows % _ROUND == 0:
            logger.warning(
                "%s: just %d rows came in one answer without pages, which may be all that OneFile gives at once",
                stream,
                rows,
            )
        if stream not in self.unpaged:
            logger.info("%s: OneFile has no pages of it, so it is read unpaged", stream)
        self.unpaged.add(stream)

    def ignored_pages(self, stream: str) -> None:
        """Note that OneFile gave all of a search whatever page was asked for."""
        self._ignored_pages.add(stream)

    def present(self, stream: str) -> None:
        """Note that OneFile has a stream for some part of the customer, at least."""
        self._present.add(stream)

    def absent(self, stream: str, absence: NotFound, what: str) -> None:
        """Note that OneFile does not have a stream, or a part of it, for this customer, so that it is empty."""
        if stream not in self._absent:
            logger.warning(
                "%s: OneFile answers %s to %s, as if this customer did not have it",
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

    def outcome(self, stream: str) -> str:
        """Return what came of a stream: ``complete``, ``incomplete``, ``refused`` or ``not offered``."""
        if stream == ALL_STREAMS:
            return "complete" if self.is_complete else "incomplete"
        if stream in self.not_offered:
            return "not offered"
        if stream in self._absent:
            return "incomplete"
        outcomes = self._outcomes.get(stream, {"complete"})
        return next(iter(outcomes)) if len(outcomes) == 1 else "incomplete"

    def leaves_out(self, stream: str) -> bool:
        """Return whether records of a stream were left out, so that nothing was read that belongs to them."""
        return any(self._counts[kind][stream,] for kind in ("filtered", "gone"))

    @property
    def is_complete(self) -> bool:
        """Whether everything selected has been read."""
        return not self._all_missing

    def log_counts(self) -> None:
        """Log what has been counted."""
        for kind, (level, sentence) in _TOTALS.items():
            for key, count in sorted(self._counts[kind].items()):
                message = sentence.format(*key, n=count)
                logger.log(level, message)
        if self._ignored_pages:
            logger.info(
                "OneFile gives all rows whatever page is asked for: %s. Nothing is missing, as its searches without"
                " pages have the same rows",
                ", ".join(sorted(self._ignored_pages)),
            )
        if self._unknown:
            counts = ", ".join(f"{fields.total()} of {stream}" for stream, fields in self._unknown.items())
            logger.warning(
                "Values of fields that the tap does not have were left out: %s. %s", counts, _to_paste(self._unknown)
            )
        if self.not_offered:
            logger.warning("Empty, as OneFile answers 404: %s. Deselect them.", ", ".join(sorted(self.not_offered)))

    def conclude(self) -> None:
        """Log the counts, and raise `IncompleteRun` if something is missing."""
        self.log_counts()
        if missing := self._all_missing:
            parts = "; ".join(f"{what} ({why})" for what, why in missing)
            raise IncompleteRun(f"The run is incomplete. Missing: {parts}")


def _to_paste(unknown: Mapping[str, Collection[str]]) -> str:
    """Say how to read fields, by stream, that were left out."""
    names = [f"{stream}.{name}" for stream, fields in unknown.items() for name in fields if name != _NOT_SHOWN]
    sentences = [f"To read them as text, add to the setting extra_fields: {json.dumps(names)}"] if names else []
    if any(_NOT_SHOWN in fields for fields in unknown.values()):
        sentences.append("Some names are not shown: they are too many, no plain names, or too like fields that it has")
    return ". ".join(sentences)
