"""The records that hang from other records: a learner's reviews, an organisation's look-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from onefile_sandbox.world.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from onefile_sandbox.world.rows import Key, Row, Value


class Parents:
    """Those that records hang from; when one is gone, so are its records."""

    def __init__(self, *tables: Table) -> None:
        """Join the tables that owners are in.

        Args:
            tables: They are in the first one or, when they are archived, in another.
        """
        self._tables = tables

    def ids(self, organisation_id: int | None = None) -> list[int]:
        """Give the ids of an organisation, or of the whole customer, in ascending order."""
        if self._tables[0].stream == "organisations":
            return list(self._tables[0].ids()) if organisation_id is None else [organisation_id]
        return sorted(i for table in self._tables for i in table.ids(organisation_id))

    def holds(self, parent_id: Value) -> bool:
        """Say whether an id is one of theirs."""
        return isinstance(parent_id, int) and any(table.holds(parent_id) for table in self._tables)

    def is_main(self, parent_id: Value) -> bool:
        """Say whether an owner is in the first table, so not archived."""
        return isinstance(parent_id, int) and self._tables[0].holds(parent_id)

    def organisation(self, parent_id: Value) -> Value:
        """Give the organisation that an owner is in now, which is where its records are."""
        table = next((t for t in self._tables if isinstance(parent_id, int) and t.holds(parent_id)), None)
        if table is None or not isinstance(parent_id, int):
            return None
        return parent_id if table.stream == "organisations" else table.value(parent_id, "OrganisationID")


class ChildTable(Table):
    """A table of such records.

    Their first ids are counted from their owner's id, so that owner and place follow from the id,
    and that nothing need be remembered for a million owners.
    """

    def __init__(  # noqa: PLR0913 - every one has a name
        self,
        stream: str,
        *,
        parents: Parents,
        parent: str,
        slots: int,
        count: Callable[[int], int],
        make: Callable[[int], Row],
        quick: Mapping[str, Callable[[int], Value]] | None = None,
        key: str = "ID",
    ) -> None:
        """Describe a table.

        Args:
            stream: Its name.
            owners: Whom its records hang from.
            owner: The field that holds the owner's id.
            slots: How many ids each owner has for its first records.
            count: Gives how many of them it uses.
            make: Invents the row of an id.
            quick: Gives some fields alone, where that is cheaper than the row.
            key: The field that tells rows apart.
        """
        super().__init__(stream, lambda _: (), make, quick={parent: lambda i: i // slots, **(quick or {})}, key=key)
        self.parents = parents
        self.parent = parent
        self._slots = slots
        self._count = count
        self._edited_of: dict[Value, set[Key]] = {}

    def of(self, parent_id: int) -> Sequence[Any]:
        """Give the ids of what hangs from one owner, in ascending order."""
        start = parent_id * self._slots
        first = range(start, start + self._count(parent_id))
        if not self._edited and not self._removed:
            return first
        return self._with_edits(first, self._edited_of.get(parent_id, ()))

    @override
    def ids(self, organisation_id: int | None = None) -> Sequence[Any]:
        found = [i for parent_id in self.parents.ids(organisation_id) for i in self.of(parent_id)]
        # Added records have higher ids than all the first ones, whoever their owner is.
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
        record_id = row[self.key]
        before = self._edited.get(record_id) if isinstance(record_id, int | str) else None
        super().put(row)
        if isinstance(record_id, int | str):
            if before is not None:
                self._edited_of[before[self.parent]].discard(record_id)
            self._edited_of.setdefault(row[self.parent], set()).add(record_id)

    @override
    def drop(self, record_id: Key) -> Row:
        row = super().drop(record_id)
        self._edited_of.get(row[self.parent], set()).discard(record_id)
        return row
