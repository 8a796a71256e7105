"""What the invented customer's data is, and how a test changes it between two runs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID

from onefile_sandbox.world import people, places, timestamps
from onefile_sandbox.world.entities import ENTITY_OF, New
from onefile_sandbox.world.population import Population
from onefile_sandbox.world.seeded import SeededRandom
from onefile_sandbox.world.table import ChildTable
from onefile_sandbox.world.tables import make_tables

if TYPE_CHECKING:
    from onefile_sandbox.world.table import Key, Row, Table, Value


class World:
    """One customer of OneFile, all of it invented from a seed.

    Attributes:
        now: The world's time. Each edit moves it on by a second, so that edits have an order.
        clock_ahead: How far OneFile's clock, which stamps LastModified, is ahead of it.
    """

    def __init__(self, *, seed: int, learners: int, organisations: int, today: datetime = timestamps.TODAY) -> None:
        if today.tzinfo is None:
            raise ValueError("today needs a time zone")
        begin = today.astimezone(timezone.utc).replace(microsecond=0)
        population = Population(seed, learners, organisations, begin)
        self.seed = seed
        self.now = population.today
        self.clock_ahead = timedelta()
        self.revision = 0
        self.customer = places.customer(population)
        self.customer_token = str(UUID(int=SeededRandom(seed, "token").below(2**53) << 75, version=4))
        # Above every invented one.
        self._new_ids = count(9_000_001)
        self._new_child_ids = count(100_000_001)
        self._tables = make_tables(population)

    @property
    def streams(self) -> list[str]:
        """The names of all streams."""
        return ["customers", *self._tables]

    @property
    def stamp(self) -> datetime:
        """The moment that OneFile's clock shows."""
        return self.now + self.clock_ahead

    def table(self, stream: str) -> Table:
        """Give the table of a stream."""
        return self._tables[stream]

    def children(self, stream: str) -> ChildTable:
        """Give the table of a stream whose records have parents."""
        table = self._tables[stream]
        if not isinstance(table, ChildTable):
            raise TypeError(stream)
        return table

    def ids(self, stream: str, organisation_id: int | None = None) -> list[Any]:
        """Give a stream's ids, of one organisation or of all of them: numbers, save for units."""
        return list(self._tables[stream].ids(organisation_id))

    def get(self, stream: str, record_id: Key) -> Row:
        """Give a copy of a record: moments are `datetime`s, and a field without data is None."""
        table = self._tables[stream]
        if not table.holds(record_id):
            raise KeyError(record_id)
        return dict(table.row(record_id))

    def add(self, stream: str, *, organisation_id: int | None = None, **fields: Value) -> Row:
        """Add a record, by default of the first organisation or learner, and give it with its ID.

        What is not known of it is invented where a record needs it.
        """
        table, entity = self._tables[stream], ENTITY_OF[stream]
        parent_id: Value = None
        row: Row = {}
        if isinstance(table, ChildTable):
            new_id = next(self._new_child_ids)
            parent_id = row[table.parent] = fields.get(table.parent) or table.parents.ids(organisation_id)[0]
        else:
            new_id = next(self._new_ids)
            organisation_id = organisation_id or next(iter(self.ids("organisations")), None)
        new = New(stream, new_id, self.customer["ID"], organisation_id, parent_id, self.stamp)
        return self._put(stream, {**row, table.key: new_id, **entity.new(new)}, fields)

    def change(self, stream: str, record_id: Key, **fields: Value) -> Row:
        """Change some fields of a record; LastModified becomes `stamp` unless it is one of them."""
        row = self.get(stream, record_id)
        if "LastModified" in row:
            row["LastModified"] = self.stamp
        return self._put(stream, row, fields)

    def remove(self, stream: str, record_id: Key) -> Row:
        """Delete a record without a trace, as OneFile does, and its children with it."""
        row = self.get(stream, record_id)
        self._tables[stream].drop(record_id)
        self._edited()
        return row

    def archive(self, learner_id: int) -> Row:
        """Make a learner an archived learner, which is another role."""
        row = self.remove("learners", learner_id)
        fields: Row = {"Role": people.ROLES["archived_learners"], "LastModified": self.stamp}
        return self._put("archived_learners", row, fields)

    def _put(self, stream: str, row: Row, fields: Row) -> Row:
        entity = ENTITY_OF[stream]
        row.update((name, _as_moment(v) if name in entity.moments else v) for name, v in fields.items())
        name, derive = entity.derived or ("", None)
        if derive and name not in fields:
            row = derive(row)
        self._tables[stream].put(row)
        self._edited()
        return dict(row)

    def _edited(self) -> None:
        self.revision += 1
        self.now += timedelta(seconds=1)


def _as_moment(value: Value) -> Value:
    if isinstance(value, str):
        value = timestamps.parse(value)
    return value.astimezone(timezone.utc) if isinstance(value, datetime) else value
