"""Invents what a learner is enrolled on: learning aims, and how far each unit is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from onefile_sandbox.world.catalogue import UNITS, unit_id
from onefile_sandbox.world.programme import programme
from onefile_sandbox.world.seeded import SeededRandom, hasher
from onefile_sandbox.world.table import SLOTS
from onefile_sandbox.world.timestamps import NOT_SET, midnight

if TYPE_CHECKING:
    from datetime import date, datetime

    from onefile_sandbox.world.population import Population
    from onefile_sandbox.world.table import Row

IN_PROGRESS, ACHIEVED, WITHDRAWN = 0, 1, 2

_SECOND_AIM_IN_A_HUNDRED = 35
_FEWEST_UNITS = 3


def aims(population: Population, learner_id: int) -> int:
    """Count a learner's learning aims."""
    return 1 + (hasher(population.seed, "learning_aims")(learner_id) % 100 < _SECOND_AIM_IN_A_HUNDRED)


def aim(population: Population, aim_id: int) -> Row:
    """Invent a learning aim."""
    learner_id, place = divmod(aim_id, SLOTS)
    rng = SeededRandom(population.seed, "learning_aims", aim_id)
    today = population.today.date()
    course = programme(population, learner_id)
    done = course.done(today)
    status = rng.pick((ACHIEVED, ACHIEVED, ACHIEVED, WITHDRAWN, IN_PROGRESS)) if done == 1 else IN_PROGRESS
    progress = 100.0 if status == ACHIEVED else round(done * rng.between(4_000, 9_900)) / 100
    registered = rng.chance(80)
    planned = midnight(course.end) if rng.chance(90) else rng.pick((NOT_SET, None))

    def past(day: date, later: int) -> datetime:
        return midnight(min(day + timedelta(days=later), today - timedelta(days=1)))

    return {
        "ID": aim_id,
        "StandardID": _standard(population, learner_id, place),
        "UserID": learner_id,
        "Status": status,
        "Progress": progress,
        "StartDate": midnight(course.start),
        "PlannedEnd": planned,
        "RegistrationNumber": registration_number(rng) if registered else None,
        "RegistrationDate": past(course.start, rng.between(5, 40)) if registered else None,
        "CertificateAppliedDate": past(course.end, 25) if status == ACHIEVED and rng.chance(60) else None,
        "AchievedDate": past(course.end, rng.between(-20, 20)) if status == ACHIEVED else None,
    }


def summaries(population: Population, learner_id: int) -> int:
    """Count the units that a learner works on."""
    return _FEWEST_UNITS + hasher(population.seed, "unit_summaries")(learner_id) % (UNITS - _FEWEST_UNITS + 1)


def summary(population: Population, record_id: int) -> Row:
    """Invent how far a learner is with a unit."""
    learner_id, place = divmod(record_id, SLOTS)
    rng = SeededRandom(population.seed, "unit_summaries", record_id)
    unit = population.catalogue.units[unit_id(_standard(population, learner_id, 0), place)]
    done = programme(population, learner_id).done(population.today.date())
    progress = min(100.0, round(done * rng.between(3_000, 15_000)) / 100)
    return {"ID": record_id, "UserID": learner_id, "UnitID": unit["ID"], "Title": unit["Title"], "Progress": progress}


def registration_number(rng: SeededRandom) -> str:
    """Invent the number under which an awarding body knows a learner."""
    return f"{''.join(rng.pick('ABCDEFGHJKLMNPRSTUVWXYZ') for _ in range(3))}{rng.below(10_000):04d}"


def _standard(population: Population, learner_id: int, place: int) -> int:
    home = population.home(population.stream_of_learner(learner_id), learner_id)
    assigned = population.catalogue.assigned(home)
    return assigned[(hasher(population.seed, "enrolled")(learner_id) + place) % len(assigned)]
