"""Full records for search rows, which may be thin: a call for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tap_onefile.errors import NotFound, Refused
from tap_onefile.reads import Get

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_onefile.read_ahead import ReadAhead
    from tap_onefile.report import RunReport

    Row = dict[str, Any]

_NOTHING = (None, "")
_TOO_MANY_TO_HAVE_GONE = 5
"""Records of one page that do not all go away by chance between the search and the calls for them."""


class Details:
    """Completes the search rows of one stream by the records themselves.

    Args:
        stream: The name of the stream.
        entity: The entity, as OneFile's paths name it.
        to_id: Converts an id, or raises ``ValueError``.
        read_ahead: Makes the calls.
        report: Told of records that have gone.
    """

    def __init__(
        self,
        stream: str,
        entity: str,
        to_id: Callable[[Any], object],
        read_ahead: ReadAhead,
        report: RunReport,
    ) -> None:
        self._stream = stream
        self._entity = entity
        self._to_id = to_id
        self._read_ahead = read_ahead
        self._report = report

    def complete(self, rows: list[Row]) -> Iterator[Row]:
        """Complete the rows of a page.

        Args:
            rows: The rows, which may be thin.

        Yields:
            The rows in their order, with what their records say as well.

        Raises:
            Refused: None of many records is there.
        """
        details = [self._detail_of(row) for row in rows]
        found = 0
        with self._read_ahead.planned([detail for detail in details if detail]):
            for row, detail in zip(rows, details, strict=True):
                if detail is None:
                    # Refused by name further up, as it has no usable key.
                    yield row
                    continue
                try:
                    (full,) = next(self._read_ahead.pages(detail))
                except NotFound:
                    self._report.gone(self._stream)
                    yield row
                else:
                    found += 1
                    # What the search tells and the record leaves open is no less true.
                    yield {**row, **{name: value for name, value in full.items() if value not in _NOTHING}}
        if len(rows) >= _TOO_MANY_TO_HAVE_GONE and not found:
            raise Refused(
                f"OneFile has none of {len(rows)} {self._stream} by their ids, although its search lists them. Run"
                f" again, and take {self._stream} out of the setting fetch_details if it persists.",
            )

    def _detail_of(self, row: Row) -> Get | None:
        try:
            record_id = str(self._to_id(row.get("ID")))
        except ValueError:
            return None
        if not record_id.strip("."):
            return None
        path = f"{self._entity}/{quote(record_id, safe='')}"
        return Get(path, self._stream, is_list=False, record_id=record_id)
