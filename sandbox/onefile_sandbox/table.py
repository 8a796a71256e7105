"""The records of one stream: invented when asked for, and edited by hand where a test wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from onefile_sandbox.rows import Row, Value


class Table:
    """What there was from the start, with the edits laid over it.

    An invented row is not kept, so a million learners cost no memory until they are sent.
    """

    def __init__(
        self,
        stream: str,
        ids: Callable[[int | None], Sequence[int]],
        make: Callable[[int], Row],
        last_change: Callable[[int], datetime] | None = None,
    ) -> None:
        """Describe a table.

        Args:
            stream: Its name.
            ids: Gives the first ids of an organisation, or of all; ascending.
            make: Invents the row of an id.
            last_change: Gives LastModified alone, where that is cheaper than the row.
        """
        self.stream = stream
        self._first_ids = ids
        self._make = make
        self._last_change = last_change
        self._edited: dict[int, Row] = {}
        self._removed: set[int] = set()
        self._columns: dict[str, dict[int, Value]] = {}

    def ids(self, organisation_id: int | None = None) -> Sequence[int]:
        """Give the ids of an organisation, or of the whole customer, in ascending order."""
        first = self._first_ids(organisation_id)
        if not self._edited and not self._removed:
            return first
        kept = [i for i in first if i not in self._removed and i not in self._edited]
        edited = (
            i
            for i, row in self._edited.items()
            if organisation_id is None or row.get("OrganisationID") == organisation_id
        )
        return sorted([*kept, *edited])

    def holds(self, record_id: int) -> bool:
        """Say whether the id is one of the table's."""
        if record_id in self._edited:
            return True
        first = self._first_ids(None)
        return record_id in first and record_id not in self._removed

    def row(self, record_id: int) -> Row:
        """Give the row of an id that the table holds."""
        edited = self._edited.get(record_id)
        return self._make(record_id) if edited is None else edited

    def is_edited(self, record_id: int) -> bool:
        """Say whether a row may still change, so that nobody keeps a copy of it."""
        return record_id in self._edited

    def value(self, record_id: int, field: str) -> Value:
        """Give one field of a row, remembering it, since searches ask for it again and again."""
        edited = self._edited.get(record_id)
        if edited is not None:
            return edited.get(field)
        if field == "LastModified" and self._last_change:
            return self._last_change(record_id)
        column = self._columns.setdefault(field, {})
        if record_id not in column:
            column[record_id] = self._make(record_id).get(field)
        return column[record_id]

    def put(self, row: Row) -> None:
        """Lay a row over what was there under its id."""
        record_id = row["ID"]
        if not isinstance(record_id, int):
            message = "a row's ID is a number"
            raise TypeError(message)
        self._edited[record_id] = row
        self._removed.discard(record_id)

    def drop(self, record_id: int) -> Row:
        """Take a row away, and give it back."""
        row = self.row(record_id)
        self._edited.pop(record_id, None)
        self._removed.add(record_id)
        return row
