"""How long a learner is on programme, and what falls into that time at intervals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from onefile_sandbox.world.seeded import hasher
from onefile_sandbox.world.timestamps import at

if TYPE_CHECKING:
    from datetime import datetime

    from onefile_sandbox.world.population import Population

_BEGAN_DAYS_AGO = 900
_SHORTEST = 365
_LONGEST = 800
_MOST_DAYS_EARLY = 7


@dataclass(frozen=True)
class Programme:
    """A learner's first day and the day on which it is planned to end."""

    start: date
    end: date

    def done(self, day: date) -> float:
        """Return which part of it is over on a day, from 0 to 1."""
        return max(0.0, min(1.0, (day - self.start) / (self.end - self.start)))


def programme(population: Population, learner_id: int) -> Programme:
    """Return when a learner's programme runs, without inventing the rest of the learner."""
    start, end = _days(population, learner_id)
    return Programme(date.fromordinal(start), date.fromordinal(end))


def _days(population: Population, learner_id: int) -> tuple[int, int]:
    # Numbers of days, since dates would take most of the time that it takes to count a million learners' reviews.
    drawn, ago = divmod(hasher(population.seed, "programme")(learner_id), _BEGAN_DAYS_AGO)
    start = population.day - ago
    return start, start + _SHORTEST + drawn % (_LONGEST - _SHORTEST)


@dataclass(frozen=True)
class Recurrence:
    """What comes back every so many days while a learner is on programme.

    Only the newest `most` are kept, the newest of which may lie some days `ahead` in the future.
    """

    name: str
    days: int
    most: int
    ahead: int

    def count(self, population: Population, learner_id: int) -> int:
        """Count those that a learner has."""
        start, newest = self._from_to(population, learner_id)
        return max(0, min(self.most, (newest - start) // self.days))

    def moment(self, population: Population, learner_id: int, rank: int) -> datetime:
        """Give the moment of one of them, within office hours; rank 0 is the oldest."""
        _, newest = self._from_to(population, learner_id)
        back = self.count(population, learner_id) - 1 - rank
        drawn, early = divmod(hasher(population.seed, self.name, rank)(learner_id), _MOST_DAYS_EARLY)
        day = date.fromordinal(newest - back * self.days - early)
        return at(day, 9 * 60 + 15 * (drawn % 28))

    def _from_to(self, population: Population, learner_id: int) -> tuple[int, int]:
        start, end = _days(population, learner_id)
        back = hasher(population.seed, self.name)(learner_id) % (self.days + _MOST_DAYS_EARLY)
        return start, min(end, population.day + self.ahead) - back
