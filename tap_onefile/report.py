"""What a run has to say at its end: what is missing, and what was left out or could not be read as declared.

Only names and counts are kept here, never a value.
"""

from __future__ import annotations

import logging
import re
from collections import Counter

logger = logging.getLogger("tap-onefile")


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_LONGEST_NAME = 100
"""Characters."""
_MOST_NAMES = 50
"""Unknown fields of a stream that are told one by one."""


def as_told(value: object) -> str:
    """Give a text of OneFile's, such as the name of an organisation, as a log may hold it: short, and on one line."""
    text = "".join(each if each.isprintable() else " " for each in str(value)) if isinstance(value, (str, int)) else "?"
    return f"{text[:_LONGEST_NAME]}…" if len(text) > _LONGEST_NAME else text


class RunReport:
    """Collects what must not pass in silence."""

    def __init__(self) -> None:
        self._missing: list[tuple[str, str]] = []
        self._unknown: Counter[tuple[str, str]] = Counter()
        self._repeated: Counter[str] = Counter()
        self._gone: Counter[str] = Counter()
        self._nothing: Counter[str] = Counter()
        self._filtered: Counter[str] = Counter()
        self._not_offered: set[str] = set()
        self._unfit: Counter[tuple[str, str, str]] = Counter()
        self._mended: Counter[tuple[str, str]] = Counter()

    def missing(self, what: str, why: str) -> None:
        """Note that something could not be read while the rest of the run goes on.

        Args:
            what: The stream, and the part of it.
            why: The sentence for the user.
        """
        logger.error("%s is missing from this run. %s", what, why)
        self._missing.append((what, why))

    def unknown_field(self, stream: str, name: str) -> None:
        """Count a field that OneFile sends and the stream's schema does not know.

        Args:
            stream: The stream.
            name: The name of the field.
        """
        name = self._showable(stream, name)
        if not self._unknown[stream, name]:
            logger.warning(
                "OneFile sends a field %s in %s that this version of tap-onefile does not know; it is left out."
                " Please report it.",
                name,
                stream,
            )
        self._unknown[stream, name] += 1

    def unfit_value(self, stream: str, name: str, kind: str) -> None:
        """Count a value that does not fit its field and was sent as null.

        Args:
            stream: The stream.
            name: The name of the field.
            kind: What came, such as ``text``.
        """
        if not self._unfit[stream, name, kind]:
            logger.warning(
                "A value of %s in %s cannot be read as declared (%s came); it is sent as null", name, stream, kind
            )
        self._unfit[stream, name, kind] += 1

    def mended_text(self, stream: str, name: str) -> None:
        """Count a text of which characters were replaced that targets cannot hold.

        Args:
            stream: The stream.
            name: The name of the field.
        """
        self._mended[stream, name] += 1

    def repeated_rows(self, stream: str, count: int) -> None:
        """Count rows that came twice in one search and were read once.

        Args:
            stream: The stream.
            count: The rows.
        """
        self._repeated[stream] += count

    def gone(self, stream: str) -> None:
        """Count a record that went away between the search that found it and the call for it.

        Args:
            stream: The stream.
        """
        self._gone[stream] += 1

    def filtered(self, stream: str) -> None:
        """Count a record that a stream map filters although other streams hang from it.

        Args:
            stream: The stream.
        """
        self._filtered[stream] += 1

    def not_offered(self, stream: str, why: str) -> None:
        """Note that OneFile has no such thing as a stream for this customer.

        Args:
            stream: The stream.
            why: The sentence for the user.
        """
        if stream not in self._not_offered:
            logger.warning("%s: OneFile does not offer it to this customer, so the stream is empty. %s", stream, why)
        self._not_offered.add(stream)

    def nothing_there(self, stream: str) -> None:
        """Count a learner for whom OneFile has nothing of a stream.

        Args:
            stream: The stream.
        """
        self._nothing[stream] += 1

    @property
    def not_offered_streams(self) -> frozenset[str]:
        """The streams that OneFile does not have for this customer."""
        return frozenset(self._not_offered)

    @property
    def is_complete(self) -> bool:
        """Whether everything that was asked for has been read."""
        return not self._missing

    def log_totals(self) -> None:
        """Log the counts, then what is missing; nothing where there is nothing to say."""
        for stream, count in sorted(self._repeated.items()):
            logger.info("%s: %d rows came twice, as rows moved while they were read, and were sent once", stream, count)
        for stream, count in sorted(self._nothing.items()):
            logger.info("%s: OneFile has nothing for %d learners", stream, count)
        for stream, count in sorted(self._gone.items()):
            logger.warning("%s: OneFile no longer had %d records when they were asked for by their ids", stream, count)
        for stream, count in sorted(self._filtered.items()):
            logger.warning("%s: stream_maps filter %d records, so nothing that hangs from them was read", stream, count)
        if self._not_offered:
            logger.warning("Empty, as OneFile answers 404: %s. Deselect them.", ", ".join(sorted(self._not_offered)))
        for (stream, name), count in sorted(self._unknown.items()):
            logger.warning("%s: the unknown field %s was left out of %d records", stream, name, count)
        for (stream, name, kind), count in sorted(self._unfit.items()):
            logger.warning("%s: %s was sent as null in %d records, as %s came", stream, name, count, kind)

        for (stream, name), count in sorted(self._mended.items()):
            logger.warning(
                "%s: NUL characters or half characters in %s were replaced by U+FFFD in %d records", stream, name, count
            )

    def sentence(self) -> str:
        """Say what is missing, in one sentence with its reasons.

        Returns:
            The sentence; empty where nothing is missing.
        """
        if not self._missing:
            return ""
        parts = "; ".join(f"{what} ({why})" for what, why in self._missing)
        return f"The run is incomplete. Missing: {parts}"

    def _showable(self, stream: str, name: str) -> str:
        """Give the name of a field as a log may hold it: what is no name may be a value, or pose as another line."""
        if not _NAME.fullmatch(name):
            return "(not shown: it is no plain name)"
        known = sum(1 for each, _ in self._unknown if each == stream)
        is_new = (stream, name) not in self._unknown
        return "(not shown: there are too many)" if is_new and known >= _MOST_NAMES else name
