"""How long a learner is on programme, and what falls into that time at intervals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from onefile_sandbox.dice import number
from onefile_sandbox.instants import at

if TYPE_CHECKING:
    from datetime import date, datetime

    from onefile_sandbox.population import Population
    from onefile_sandbox.rows import Value

_BEGAN_DAYS_AGO = 900
_SHORTEST = 365
_LONGEST = 800
_DAY_BEGINS = 9 * 60
_DAY_LASTS = 7 * 60


@dataclass(frozen=True)
class Programme:
    """A learner's first day and the day on which it is planned to end."""

    start: date
    end: date

    def done(self, day: date) -> float:
        """Say which part of it is over on a day, from 0 to 1."""
        return max(0.0, min(1.0, (day - self.start) / (self.end - self.start)))


def programme(population: Population, learner_id: Value) -> Programme:
    """Say when a learner's programme runs, without inventing the rest of the learner."""
    drawn = number(population.seed, "programme", learner_id)
    drawn, ago = divmod(drawn, _BEGAN_DAYS_AGO)
    start = population.today.date() - timedelta(days=ago)
    return Programme(start, start + timedelta(days=_SHORTEST + drawn % (_LONGEST - _SHORTEST)))


@dataclass(frozen=True)
class Rhythm:
    """What comes back at intervals while a learner is on programme.

    Only the newest few are kept. The newest of all may lie in the future.

    Attributes:
        name: What it is.
        days: Days from one to the next.
        most: How many a learner has at most.
        ahead: How many days ahead of today the newest may lie.
    """

    name: str
    days: int
    most: int
    ahead: int

    def count(self, population: Population, learner_id: int) -> int:
        """Say how many a learner has."""
        time = programme(population, learner_id)
        newest = self._newest(population, time, learner_id)
        return max(0, min(self.most, (newest - time.start).days // self.days))

    def moment(self, population: Population, learner_id: int, rank: int) -> datetime:
        """Give the moment of one of them, within office hours; rank 0 is the oldest."""
        time = programme(population, learner_id)
        newest = self._newest(population, time, learner_id)
        back = self.count(population, learner_id) - 1 - rank
        drawn = number(population.seed, self.name, learner_id, rank)
        drawn, early = divmod(drawn, 7)
        day = newest - timedelta(days=back * self.days + early)
        return at(day, _DAY_BEGINS + drawn % (_DAY_LASTS // 15) * 15)

    def _newest(self, population: Population, time: Programme, learner_id: int) -> date:
        back = number(population.seed, self.name, learner_id) % (self.days + 7)
        return min(time.end, population.today.date() + timedelta(days=self.ahead)) - timedelta(days=back)
