"""Invents what a learner is enrolled on: learning aims, and how far each unit is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from onefile_sandbox.world.catalogue import ACHIEVED, IN_PROGRESS, UNITS, WITHDRAWN, unit_id
from onefile_sandbox.world.programme import programme
from onefile_sandbox.world.seeded import SeededRandom, hasher
from onefile_sandbox.world.timestamps import NOT_SET, midnight

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from onefile_sandbox.world.catalogue import Catalogue
    from onefile_sandbox.world.population import Population
    from onefile_sandbox.world.rows import Row

AIM_SLOTS = 10
"""How many learning aim ids each learner has, of which not all are used."""
SUMMARY_SLOTS = 10
"""How many unit summary ids each learner has."""

_SECOND_AIM_IN_A_HUNDRED = 35
_FEWEST_UNITS = 3


class Learning:
    """The learning aims and unit summaries that there were from the start."""

    def __init__(self, population: Population, catalogue: Catalogue, home: Callable[[int], int]) -> None:
        """Begin.

        Args:
            population: The customer.
            catalogue: What can be learnt.
            home: Gives the organisation that a learner was in at the start.
        """
        self._population = population
        self._seed = population.seed
        self._catalogue = catalogue
        self._home = home

    def aims(self, learner_id: int) -> int:
        """Say how many learning aims a learner has."""
        return 1 + (hasher(self._seed, "learning_aims")(learner_id) % 100 < _SECOND_AIM_IN_A_HUNDRED)

    def aim(self, aim_id: int) -> Row:
        """Invent a learning aim."""
        learner_id, place = divmod(aim_id, AIM_SLOTS)
        rng = SeededRandom(self._seed, "learning_aims", aim_id)
        today = self._population.today.date()
        course = programme(self._population, learner_id)
        done = course.done(today)
        status = rng.pick((ACHIEVED, ACHIEVED, ACHIEVED, WITHDRAWN, IN_PROGRESS)) if done == 1 else IN_PROGRESS
        progress = 100.0 if status == ACHIEVED else round(done * rng.between(4_000, 9_900)) / 100
        registered = rng.chance(80)
        planned = midnight(course.end) if rng.chance(90) else rng.pick((NOT_SET, None))
        return {
            "ID": aim_id,
            "StandardID": self._standard(learner_id, place),
            "UserID": learner_id,
            "Status": status,
            "Progress": progress,
            "StartDate": midnight(course.start),
            "PlannedEnd": planned,
            "RegistrationNumber": registration_number(rng) if registered else None,
            "RegistrationDate": self._past(course.start, rng.between(5, 40)) if registered else None,
            "CertificateAppliedDate": self._past(course.end, 25) if status == ACHIEVED and rng.chance(60) else None,
            "AchievedDate": self._past(course.end, rng.between(-20, 20)) if status == ACHIEVED else None,
        }

    def summaries(self, learner_id: int) -> int:
        """Say how many units a learner works on."""
        return _FEWEST_UNITS + hasher(self._seed, "unit_summaries")(learner_id) % (UNITS - _FEWEST_UNITS + 1)

    def summary(self, record_id: int) -> Row:
        """Invent how far a learner is with a unit."""
        learner_id, place = divmod(record_id, SUMMARY_SLOTS)
        rng = SeededRandom(self._seed, "unit_summaries", record_id)
        unit = self._catalogue.units[unit_id(self._standard(learner_id, 0), place)]
        done = programme(self._population, learner_id).done(self._population.today.date())
        progress = min(100.0, round(done * rng.between(3_000, 15_000)) / 100)
        return {
            "ID": record_id,
            "UserID": learner_id,
            "UnitID": unit["ID"],
            "Title": unit["Title"],
            "Progress": progress,
        }

    def _standard(self, learner_id: int, place: int) -> int:
        assigned = self._catalogue.assigned(self._home(learner_id))
        return assigned[(hasher(self._seed, "enrolled")(learner_id) + place) % len(assigned)]

    def _past(self, day: date, later: int) -> datetime:
        return midnight(min(day + timedelta(days=later), self._population.today.date() - timedelta(days=1)))


def registration_number(rng: SeededRandom) -> str:
    """Invent the number under which an awarding body knows a learner."""
    return f"{''.join(rng.pick('ABCDEFGHJKLMNPRSTUVWXYZ') for _ in range(3))}{rng.below(10_000):04d}"
