"""What the invented customer's data is, and how a test changes it between two runs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from uuid import UUID

from onefile_sandbox.world import people, places, timestamps
from onefile_sandbox.world.additions import Additions, settled
from onefile_sandbox.world.children import ChildTable
from onefile_sandbox.world.population import Population
from onefile_sandbox.world.seeded import SeededRandom
from onefile_sandbox.world.tables import make_tables

if TYPE_CHECKING:
    from onefile_sandbox.world.rows import Key, Row, Value
    from onefile_sandbox.world.table import Table

DATE_FIELDS = frozenset(
    {
        "AchievedDate", "AssessorSignedOn", "CentreRegister", "CertificateAppliedDate", "CreatedOn", "DOB",
        "EmployerSignedOn", "EndTime", "FromDate", "LastModified", "LearnerSignedOn", "PlanOn", "PlannedEnd",
        "PlannedEndDate", "RegistrationDate", "ScheduledFor", "StartDate", "StartOn", "StartedOn", "ToDate",
    }
)  # fmt: skip


class World:
    """One customer of OneFile, all of it invented from a seed.

    Attributes:
        seed: What everything is invented from.
        now: The world's time. Each edit moves it on by a second, so that edits have an order.
        clock_ahead: How far OneFile's clock, which stamps LastModified, is ahead of it.
        revision: Grows with every edit.
    """

    def __init__(self, *, seed: int, learners: int, organisations: int, today: datetime = timestamps.TODAY) -> None:
        """Invent a customer.

        Args:
            seed: What everything is invented from.
            learners: How many learners the customer has in all.
            organisations: How many organisations they are unevenly spread over.
            today: The moment at which it begins, with its time zone.

        Raises:
            ValueError: When the numbers cannot be met, or the time zone is missing.
        """
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
        self._additions = Additions(self.customer["ID"])
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
        """Give the table of a stream whose records hang from others.

        Raises:
            TypeError: When they do not.
        """
        table = self._tables[stream]
        if not isinstance(table, ChildTable):
            raise TypeError(stream)
        return table

    def ids(self, stream: str, organisation_id: int | None = None) -> list[Any]:
        """Give a stream's ids, of one organisation or of all of them: numbers, save for units."""
        return list(self._tables[stream].ids(organisation_id))

    def get(self, stream: str, record_id: Key) -> Row:
        """Give a copy of the truth about one record.

        Args:
            stream: The record's stream.
            record_id: The record's id.

        Returns:
            All its fields; moments are `datetime`s, and a field without data is None.

        Raises:
            KeyError: When there is no such record.
        """
        table = self._tables[stream]
        if not table.holds(record_id):
            raise KeyError(record_id)
        return dict(table.row(record_id))

    def add(self, stream: str, *, organisation_id: int | None = None, **fields: Value) -> Row:
        """Add a record.

        Args:
            stream: Where to.
            organisation_id: Its organisation; the first one unless told.
            fields: What is known of it; the rest is invented where a record needs it. What hangs
                from a learner hangs from the first one unless told by LearnerID or UserID.

        Returns:
            The new row, with its ID.
        """
        table = self._tables[stream]
        parent_id: Value = None
        if isinstance(table, ChildTable):
            parent_id = fields.get(table.parent) or table.parents.ids(organisation_id)[0]
        elif stream not in {"organisations", "standards", "units"}:
            organisation_id = organisation_id or self.ids("organisations")[0]
        row = self._additions.begin(table, organisation_id, parent_id, self.stamp)
        row.update(_with_moments(fields))
        return self._put(table, settled(stream, row, fields))

    def change(self, stream: str, record_id: Key, **fields: Value) -> Row:
        """Change some fields of a record; LastModified becomes `stamp` unless it is one of them."""
        row = self.get(stream, record_id)
        if "LastModified" in row:
            row["LastModified"] = self.stamp
        row.update(_with_moments(fields))
        return self._put(self._tables[stream], settled(stream, row, fields))

    def remove(self, stream: str, record_id: Key) -> Row:
        """Delete a record without a trace, as OneFile does, and what hangs from it too."""
        row = self.get(stream, record_id)
        self._tables[stream].drop(record_id)
        self._edited()
        return row

    def archive(self, learner_id: int) -> Row:
        """Make a learner an archived learner, which is another role."""
        row = self.remove("learners", learner_id)
        row.update(Role=people.ROLES["archived_learners"], LastModified=self.stamp)
        return self._put(self._tables["archived_learners"], row)

    def _put(self, table: Table, row: Row) -> Row:
        table.put(row)
        self._edited()
        return dict(row)

    def _edited(self) -> None:
        self.revision += 1
        self.now += timedelta(seconds=1)


def _with_moments(fields: dict[str, Value]) -> Row:
    row: Row = dict(fields)
    for name in DATE_FIELDS & row.keys():
        value = row[name]
        if isinstance(value, str):
            value = timestamps.parse(value)
        if isinstance(value, datetime):
            row[name] = value.astimezone(timezone.utc)
    return row
