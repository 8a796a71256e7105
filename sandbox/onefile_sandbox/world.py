"""What the invented customer's data is, and how a test changes it between two runs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import partial
from itertools import count
from typing import TYPE_CHECKING
from uuid import UUID

from onefile_sandbox import instants, people, places
from onefile_sandbox.dice import Dice
from onefile_sandbox.population import Population
from onefile_sandbox.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onefile_sandbox.rows import Row, Value

DATE_FIELDS = frozenset({"DOB", "StartOn", "PlannedEndDate", "CentreRegister", "CreatedOn", "LastModified"})

FIRST_NEW_ID = 9_000_001
"""Where the ids of added records begin: above every invented one."""


class World:
    """One customer of OneFile, all of it invented from a seed.

    Attributes:
        now: The moment that `add` and `change` stamp into LastModified. Each edit moves it on by
            a second, so that edits have an order.
        revision: Grows with every edit.
    """

    def __init__(self, *, seed: int, learners: int, organisations: int) -> None:
        """Invent a customer.

        Args:
            seed: What everything is invented from.
            learners: How many learners the customer has in all.
            organisations: How many organisations they are unevenly spread over.
        """
        self._population = Population(seed, learners, organisations)
        self.now = instants.TODAY
        self.revision = 0
        self.customer = places.customer(self._population)
        self.customer_token = str(UUID(int=Dice(seed, "token").below(2**53) << 75, version=4))
        self._new_ids = count(FIRST_NEW_ID)
        changed = partial(instants.last_change, seed)
        makers: dict[str, tuple[Callable[[int], Row], Callable[[int], datetime] | None]] = {
            "organisations": (partial(places.organisation, self._population), None),
            "classrooms": (partial(places.classroom, self._population), None),
            "placements": (partial(places.placement, self._population), None),
            "providers": (partial(places.provider, self._population), None),
        }
        for stream in people.ROLES:
            makers[stream] = (partial(people.person, self._population, stream), changed)
        self._tables = {
            stream: Table(stream, partial(self._first_ids, stream), make, last_change)
            for stream, (make, last_change) in makers.items()
        }

    @property
    def streams(self) -> list[str]:
        """The names of all streams."""
        return ["customers", *self._tables]

    def table(self, stream: str) -> Table:
        """Give the table of a stream."""
        return self._tables[stream]

    def ids(self, stream: str, organisation_id: int | None = None) -> list[int]:
        """Give a stream's ids, of one organisation or of all of them."""
        return list(self._tables[stream].ids(organisation_id))

    def get(self, stream: str, record_id: int) -> Row:
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
            fields: What is known of it; the rest is invented where a record needs it.

        Returns:
            The new row, with its ID.
        """
        table = self._tables[stream]
        row: Row = {"ID": next(self._new_ids)}
        if stream == "organisations":
            row.update(
                CustomerID=self.customer["ID"],
                Name=f"Organisation {row['ID']}",
                KeychainCreationForNewUserActive=False,
                KeychainEmailSuppression=False,
            )
        else:
            row["OrganisationID"] = organisation_id or self.ids("organisations")[0]
            if stream in people.ROLES:
                row.update(FirstName="New", LastName="Person", MISID=f"NEW{row['ID']}")
                row.update(Role=people.ROLES[stream], CreatedOn=self.now, LastModified=self.now)
            else:
                row["Name"] = f"New {row['ID']}"
        row.update(_with_moments(fields))
        table.put(row)
        self._edited()
        return dict(row)

    def change(self, stream: str, record_id: int, **fields: Value) -> Row:
        """Change some fields of a record; LastModified becomes `now` unless it is one of them."""
        row = self.get(stream, record_id)
        if "LastModified" in row:
            row["LastModified"] = self.now
        row.update(_with_moments(fields))
        self._tables[stream].put(row)
        self._edited()
        return dict(row)

    def remove(self, stream: str, record_id: int) -> Row:
        """Delete a record without a trace, as OneFile does."""
        row = self.get(stream, record_id)
        self._tables[stream].drop(record_id)
        self._edited()
        return row

    def archive(self, learner_id: int) -> Row:
        """Make a learner an archived learner, which is another role."""
        row = self.remove("learners", learner_id)
        row.update(Role=people.ROLES["archived_learners"], LastModified=self.now)
        self._tables["archived_learners"].put(row)
        self._edited()
        return dict(row)

    def _first_ids(self, stream: str, organisation_id: int | None) -> Sequence[int]:
        organisation_ids = self._population.organisation_ids
        if stream == "organisations":
            return organisation_ids
        stock = self._population.stocks[stream]
        if organisation_id is None:
            return stock.ids()
        if organisation_id not in organisation_ids:
            return ()
        return stock.ids(organisation_ids.index(organisation_id))

    def _edited(self) -> None:
        self.revision += 1
        self.now += timedelta(seconds=1)


def _with_moments(fields: dict[str, Value]) -> Row:
    row: Row = dict(fields)
    for name in DATE_FIELDS & row.keys():
        value = row[name]
        if isinstance(value, str):
            value = instants.parse(value)
        if isinstance(value, datetime):
            row[name] = value.astimezone(timezone.utc)
    return row
