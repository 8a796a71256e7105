"""What the events of a day work with: the world, its people, and what is due later."""

from __future__ import annotations

from datetime import timedelta
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from onefile_sandbox.world.timestamps import at

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from onefile_sandbox.world.seeded import SeededRandom
    from onefile_sandbox.world.table import Row, Value
    from onefile_sandbox.world.world import World

    Event = Callable[["Simulation", SeededRandom, int], None]


class Simulation:
    """The world while time goes by, up to `until`; progress or hours that grow may bump the learner's LastModified."""

    def __init__(self, world: World, *, progress_bumps: bool, hours_bump: bool) -> None:
        self.world = world
        self.progress_bumps = progress_bumps
        self.hours_bump = hours_bump
        self.until = world.now
        self._agenda: list[tuple[datetime, str, int]] = []
        self._ids: dict[tuple[str, int | None], list[int]] = {}

    def begin_day(self) -> None:
        """Forget who was there yesterday."""
        self._ids.clear()

    def later(self, moment: datetime, event: str, key: int) -> None:
        """Schedule an event, with the id of the record that it happens to, or its number in the day."""
        heappush(self._agenda, (moment, event, key))

    def due(self, end: datetime) -> tuple[datetime, str, int] | None:
        """Take what is due next, if it is due before the end."""
        return heappop(self._agenda) if self._agenda and self._agenda[0][0] < end else None

    def ids(self, stream: str, organisation_id: int | None = None) -> list[int]:
        """Give those who were there when they were first asked for today."""
        if (stream, organisation_id) not in self._ids:
            self._ids[stream, organisation_id] = self.world.ids(stream, organisation_id)
        return self._ids[stream, organisation_id]

    def one_of(self, stream: str, rng: SeededRandom) -> Row | None:
        """Draw a record of a stream; None if there is none, or if the one drawn went today."""
        ids = self.ids(stream)
        return self.found(stream, rng.pick(ids)) if ids else None

    def found(self, stream: str, record_id: int) -> Row | None:
        """Give a record if it is still there."""
        return self.world.get(stream, record_id) if self.world.table(stream).holds(record_id) else None

    def of(self, stream: str, learner_id: int) -> list[Row]:
        """Give a learner's records of a stream, the oldest first."""
        table = self.world.children(stream)
        return [table.row(record_id) for record_id in table.of(learner_id)]

    def id_in(self, stream: str, organisation_id: int, rng: SeededRandom) -> int | None:
        """Draw a record of an organisation, if it has any, and give its id."""
        ids = self.ids(stream, organisation_id)
        return rng.pick(ids) if ids else None

    def change(self, stream: str, row: Row, **fields: Value) -> None:
        """Change a record; of a person this moves LastModified."""
        self.world.change(stream, row[self.world.table(stream).key], **fields)

    def appointment(self, rng: SeededRandom, least: int, most: int) -> datetime:
        """Draw a moment so many days ahead, within office hours."""
        day = self.world.now.date() + timedelta(days=rng.between(least, most))
        return at(day, 9 * 60 + 15 * rng.below(28))

    def after(self, rng: SeededRandom, least: int, most: int) -> datetime:
        """Draw a moment so many days from now."""
        return self.world.now + timedelta(days=rng.between(least, most), minutes=rng.below(600))


def of_learner(event: Callable[[Simulation, SeededRandom, Row], None]) -> Event:
    """Draw the learner that an event happens to; it does not happen if there is none, or if that one went today."""

    def happen(sim: Simulation, rng: SeededRandom, _key: int) -> None:
        learner = sim.one_of("learners", rng)
        if learner:
            event(sim, rng, learner)

    return happen
