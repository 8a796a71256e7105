"""Invents off-the-job training: the hours of a learner, and the log of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from onefile_sandbox.world.programme import programme
from onefile_sandbox.world.seeded import SeededRandom, hasher
from onefile_sandbox.world.timestamps import at

if TYPE_CHECKING:
    from datetime import datetime

    from onefile_sandbox.world.population import Population
    from onefile_sandbox.world.table import Row, Value

TIMESHEET_SLOTS = 20
"""How many timesheet rows each learner may have, of which not all are used."""

_MOST_ROWS = 12
_ROWS_IN_A_HUNDRED = 80
_HOURS_IN_A_HUNDRED = 88
_LONG_TEXT_IN = 500
_LONG_TEXT_AT = 3
# More than a column of 65,535 characters holds, which one client had to skip.
_LONG_TEXT = "Reflected on the day\u2019s work \u2013 r\u00e9sum\u00e9 attached.\r\n" * 1500
_CATEGORIES = (
    "Shadowing", "Online learning", "Training course", "Writing assignments", "Mentoring",
    "Dysgu yn y gwaith", "Industry visit", "Progress review",
)  # fmt: skip
_COMMENTS = (
    "Shadowed a colleague.", "Health & safety refresher\r\nPassed the quiz.", "Wrote up unit 2", "", None,
    "Trafodaeth broffesiynol \u2013 da iawn", "Café rota planning 😀",
)  # fmt: skip


def has_hours(population: Population, learner_id: int) -> int:
    """Return whether hours are kept for a learner: 1 or 0."""
    return int(hasher(population.seed, "off_the_job")(learner_id) % 100 < _HOURS_IN_A_HUNDRED)


def hours(population: Population, learner_id: int) -> Row:
    """Invent a learner's hours, planned and done."""
    rng = SeededRandom(population.seed, "off_the_job", learner_id)
    course = programme(population, learner_id)
    weeks = (course.end - course.start).days // 7
    minimum = (weeks - rng.between(4, 10)) * 6
    planned = round(minimum * rng.between(100, 140)) / 100
    done = course.done(population.today.date())
    return with_percent(
        {
            "ID": learner_id,
            "LearnerID": learner_id,
            "ContractedHours": rng.pick((30, 35, 37.5, 40)),
            "TargetPercentage": 20,
            "PlannedOTJ": planned,
            "Duration": weeks,
            "MethodOfCalculatingOTJ": rng.pick((1, 2, 2, 2)),
            "MinimumOTJ": minimum,
            "CachedActualHours": round(planned * done * rng.between(50, 120)) / 100,
        }
    )


def entries(population: Population, learner_id: int) -> int:
    """Count the entries in a learner's log."""
    drawn = hasher(population.seed, "timesheets")(learner_id)
    if drawn % 100 >= _ROWS_IN_A_HUNDRED:
        return int(learner_id % _LONG_TEXT_IN == _LONG_TEXT_AT)
    return 1 + drawn // 100 % _MOST_ROWS


def logged(population: Population, key: int) -> Row:
    """Invent an entry in a learner's log."""
    learner_id, place = divmod(key, TIMESHEET_SLOTS)
    if place and hasher(population.seed, "repeated")(key) % 23 == 0:
        # The same entry made twice: nothing distinguishes the two.
        return {**logged(population, key - 1), "_Key": key}
    rng = SeededRandom(population.seed, "timesheets", key)
    course = programme(population, learner_id)
    end = min(population.today.date(), course.end)
    day = course.start + timedelta(days=rng.below(max(1, (end - course.start).days)))
    row = entry(rng, at(day, 9 * 60 + 15 * rng.below(24)))
    if learner_id % _LONG_TEXT_IN == _LONG_TEXT_AT and place == 0:
        row["Comments"] = _LONG_TEXT
    return {"_Key": key, "LearnerID": learner_id, **row}


def entry(rng: SeededRandom, begin: datetime) -> Row:
    """Invent what a learner writes into the log."""
    counts: Value = rng.chance(85)
    if counts and rng.chance(10):
        # One client guards against the word.
        counts = "true"
    return {
        "TimesheetCategory": rng.pick(_CATEGORIES),
        "FromDate": begin,
        "ToDate": begin + timedelta(minutes=15 * rng.between(1, 28)),
        "Comments": rng.pick(_COMMENTS),
        "IsOffTheJob": counts,
    }


def with_percent(row: Row) -> Row:
    """Set the percentage to what the hours say."""
    done, planned = row.get("CachedActualHours"), row.get("PlannedOTJ")
    if not isinstance(done, int | float) or not isinstance(planned, int | float) or not planned:
        return {**row, "PercentOfPlanned": None}
    return {**row, "PercentOfPlanned": round(100 * done / planned, 2)}
