"""The records of one stream: invented when asked for, and edited by hand where a test wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from onefile_sandbox.world.rows import Key, Row, Value


class Table:
    """What there was from the start, with the edits laid over it.

    An invented row is not kept, so a million learners cost no memory until they are sent.
    """

    def __init__(
        self,
        stream: str,
        ids: Callable[[int | None], Sequence[Key]],
        make: Callable[[Any], Row],
        *,
        quick: Mapping[str, Callable[[Any], Value]] | None = None,
        key: str = "ID",
    ) -> None:
        """Describe a table.

        Args:
            stream: Its name.
            ids: Gives the first ids of an organisation, or of all; ascending.
            make: Invents the row of an id.
            quick: Gives some fields alone, where that is cheaper than the row.
            key: The field that tells rows apart; another one than ID where ids repeat or are not told.
        """
        self.stream = stream
        self.key = key
        self._first_ids = ids
        self._make = make
        self._quick = quick or {}
        self._edited: dict[Key, Row] = {}
        self._removed: set[Key] = set()
        self._columns: dict[str, dict[Key, Value]] = {}

    def ids(self, organisation_id: int | None = None) -> Sequence[Any]:
        """Give the ids of an organisation, or of the whole customer, in ascending order."""
        first = self._first_ids(organisation_id)
        if not self._edited and not self._removed:
            return first
        edited = (
            i
            for i, row in self._edited.items()
            if organisation_id is None or row.get("OrganisationID") == organisation_id
        )
        return self._with_edits(first, edited)

    def holds(self, record_id: Key) -> bool:
        """Say whether the id is one of the table's."""
        if record_id in self._edited:
            return True
        first = self._first_ids(None)
        return record_id in first and record_id not in self._removed

    def row(self, record_id: Key) -> Row:
        """Give the row of an id that the table holds."""
        edited = self._edited.get(record_id)
        return self._make(record_id) if edited is None else edited

    def is_edited(self, record_id: Key) -> bool:
        """Say whether a row may still change, so that nobody keeps a copy of it."""
        return record_id in self._edited

    def value(self, record_id: Key, field: str) -> Value:
        """Give one field of a row, remembering it, since searches ask for it again and again."""
        edited = self._edited.get(record_id)
        if edited is not None:
            return edited.get(field)
        quick = self._quick.get(field)
        if quick:
            return quick(record_id)
        column = self._columns.setdefault(field, {})
        if record_id not in column:
            column[record_id] = self._make(record_id).get(field)
        return column[record_id]

    def put(self, row: Row) -> None:
        """Lay a row over what was there under its id."""
        record_id = row[self.key]
        if not isinstance(record_id, int | str):
            message = f"a row's {self.key} is a number or a text"
            raise TypeError(message)
        self._edited[record_id] = row
        self._removed.discard(record_id)

    def drop(self, record_id: Key) -> Row:
        """Take a row away, and give it back."""
        row = self.row(record_id)
        self._edited.pop(record_id, None)
        self._removed.add(record_id)
        return row

    def _with_edits(self, first: Iterable[Key], edited: Iterable[Key]) -> list[Any]:
        kept = [i for i in first if i not in self._removed and i not in self._edited]
        return sorted([*kept, *edited])
