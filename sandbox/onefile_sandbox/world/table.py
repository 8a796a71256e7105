"""The records of one stream: invented when asked for, and edited where a test wants it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Value = str | int | float | bool | datetime | list[str] | None
"""What a field holds before it is sent, however it will be spelled."""
Row = dict[str, Any]
"""A `Value` for each field."""
Key = int | str
"""What a record is known by within its stream: a number, save for units."""
SLOTS = 10
"""How many ids each parent has for its first records, unless its entity says otherwise."""


class Table:
    """The initial records, with the edits laid over them.

    An invented row is not kept, so a million learners cost no memory until they are sent.
    """

    def __init__(
        self,
        stream: str,
        ids: Callable[[int | None], Sequence[Key]],
        make: Callable[[Any], Row],
        *,
        columns: Mapping[str, Callable[[Any], Value]] | None = None,
        key: str = "ID",
    ) -> None:
        """Describe a table: `ids` gives the first ids of an organisation, or of all, ascending, and `make` their rows.

        Some fields can be had alone by `columns`, where that is cheaper than the row.
        """
        self.stream = stream
        self.key = key
        self._first_ids = ids
        self._make = make
        self._columns = columns or {}
        self._edited: dict[Key, Row] = {}
        self._removed: set[Key] = set()
        self._remembered: dict[str, dict[Key, Value]] = {}

    def ids(self, organisation_id: int | None = None) -> Sequence[Any]:
        """Give the ids of an organisation, or of the whole customer, in ascending order."""
        first = self._first_ids(organisation_id)
        if not self._edited and not self._removed:
            return first
        everywhere = organisation_id is None
        edited = (i for i, row in self._edited.items() if everywhere or row.get("OrganisationID") == organisation_id)
        return self._with_edits(first, edited)

    def holds(self, record_id: Key) -> bool:
        """Return whether the id is one of the table's."""
        return record_id in self._edited or (record_id in self._first_ids(None) and record_id not in self._removed)

    def row(self, record_id: Key) -> Row:
        """Give the row of an id that the table holds."""
        edited = self._edited.get(record_id)
        return self._make(record_id) if edited is None else edited

    def is_edited(self, record_id: Key) -> bool:
        """Return whether a row may still change, so that nobody keeps a copy of it."""
        return record_id in self._edited

    def value(self, record_id: Key, field: str) -> Value:
        """Give one field of a row, remembering it, since searches ask for it again and again."""
        edited = self._edited.get(record_id)
        if edited is not None:
            return edited.get(field)
        column = self._columns.get(field)
        if column:
            return column(record_id)
        remembered = self._remembered.setdefault(field, {})
        if record_id not in remembered:
            remembered[record_id] = self._make(record_id).get(field)
        return remembered[record_id]

    def put(self, row: Row) -> None:
        """Lay a row over what was there under its id."""
        self._edited[row[self.key]] = row
        self._removed.discard(row[self.key])

    def drop(self, record_id: Key) -> None:
        """Take a row away."""
        self._edited.pop(record_id, None)
        self._removed.add(record_id)

    def _with_edits(self, first: Iterable[Key], edited: Iterable[Key]) -> list[Any]:
        kept = [i for i in first if i not in self._removed and i not in self._edited]
        return sorted([*kept, *edited])


class Parents:
    """The records that have children, in their table or, when they are archived, in another; organisations if alone."""

    def __init__(self, *tables: Table) -> None:
        self._tables = tables

    def ids(self, organisation_id: int | None = None) -> list[int]:
        """Give the ids of an organisation, or of the whole customer, in ascending order."""
        if self._tables[0].stream == "organisations":
            return list(self._tables[0].ids()) if organisation_id is None else [organisation_id]
        return sorted(i for table in self._tables for i in table.ids(organisation_id))

    def holds(self, parent_id: Value) -> bool:
        """Return whether an id is one of theirs."""
        return isinstance(parent_id, int) and any(table.holds(parent_id) for table in self._tables)

    def is_main(self, parent_id: Value) -> bool:
        """Return whether a parent is in the first table, so not archived."""
        return isinstance(parent_id, int) and self._tables[0].holds(parent_id)

    def organisation(self, parent_id: Value) -> Value:
        """Give the organisation that a parent is in now, which is where its children are."""
        for table in self._tables:
            if isinstance(parent_id, int) and table.holds(parent_id):
                return parent_id if table.stream == "organisations" else table.value(parent_id, "OrganisationID")
        return None


class ChildTable(Table):
    """A table of records that go when their parent goes.

    Their first ids are counted from their parent's id, so that parent and place follow from the id,
    and that nothing need be remembered for a million parents.
    """

    def __init__(  # noqa: PLR0913 - every one has a name
        self,
        stream: str,
        make: Callable[[int], Row],
        *,
        parents: Parents,
        parent: str,
        slots: int,
        count: Callable[[int], int],
        columns: Mapping[str, Callable[[int], Value]],
        key: str,
    ) -> None:
        super().__init__(stream, lambda _: (), make, columns={parent: lambda i: i // slots, **columns}, key=key)
        self.parents = parents
        self.parent = parent
        self._slots = slots
        self._count = count
        self._edited_of: dict[Value, set[Key]] = {}

    def of(self, parent_id: int) -> Sequence[Any]:
        """Give the ids of one parent's records, in ascending order."""
        start = parent_id * self._slots
        first = range(start, start + self._count(parent_id))
        if not self._edited and not self._removed:
            return first
        return self._with_edits(first, self._edited_of.get(parent_id, ()))

    @override
    def ids(self, organisation_id: int | None = None) -> Sequence[Any]:
        found = [i for parent_id in self.parents.ids(organisation_id) for i in self.of(parent_id)]
        # Added records have higher ids than all the first ones, whoever their parent is.
        return sorted(found) if self._edited else found

    @override
    def holds(self, record_id: Key) -> bool:
        row = self._edited.get(record_id)
        if row is not None:
            return self.parents.holds(row[self.parent])
        if not isinstance(record_id, int) or record_id in self._removed:
            return False
        parent_id, place = divmod(record_id, self._slots)
        return place < self._count(parent_id) and self.parents.holds(parent_id)

    @override
    def row(self, record_id: Key) -> Row:
        row = super().row(record_id)
        return {**row, "OrganisationID": self.parents.organisation(row[self.parent])}

    @override
    def put(self, row: Row) -> None:
        self._forget(row[self.key])
        super().put(row)
        self._edited_of.setdefault(row[self.parent], set()).add(row[self.key])

    @override
    def drop(self, record_id: Key) -> None:
        self._forget(record_id)
        super().drop(record_id)

    def _forget(self, record_id: Key) -> None:
        if record_id in self._edited:
            self._edited_of[self._edited[record_id][self.parent]].discard(record_id)
