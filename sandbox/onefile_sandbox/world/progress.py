"""Invents how a learner gets on: progress reviews and plans."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from onefile_sandbox.world.people import learner_at_start
from onefile_sandbox.world.programme import Recurrence, programme
from onefile_sandbox.world.seeded import SeededRandom
from onefile_sandbox.world.table import SLOTS

if TYPE_CHECKING:
    from datetime import datetime

    from onefile_sandbox.world.population import Population
    from onefile_sandbox.world.table import Row

SCHEDULED, COMPLETED, STARTED, ASSESSOR_SIGNED = 0, 1, 2, 3
PLAN_NOT_SIGNED, PLAN_ASSESSOR_SIGNED, PLAN_SIGNED = 5, 1, 8

REVIEWS = Recurrence("reviews", days=58, most=6, ahead=42)
PLANS = Recurrence("plans", days=35, most=8, ahead=14)

PLAN_TITLES = (
    "Plan 1", "Knowledge: safeguarding", "Observation \u2013 workplace", "Cynllun asesu",
    "Functional skills\x0bEnglish", "Review of evidence", "End-point assessment \u2265 gateway", "Café visit",
)  # fmt: skip


def scheduled(population: Population, review_id: int) -> datetime:
    """Give when a review is due, without inventing the rest of it."""
    return REVIEWS.moment(population, *divmod(review_id, SLOTS))


def review(population: Population, review_id: int) -> Row:
    """Invent a review."""
    learner_id = review_id // SLOTS
    learner = learner_at_start(population, learner_id)
    rng = SeededRandom(population.seed, "reviews", review_id)
    due = scheduled(population, review_id)
    started, by_assessor, by_learner, by_employer = _signatures(rng, due, population.today)
    created = due - timedelta(days=rng.between(20, 90), minutes=rng.below(200))
    done = programme(population, learner_id).done(due.date())
    return with_review_status(
        {
            "ID": review_id,
            "LearnerID": learner_id,
            "AssessorID": learner["DefaultAssessorID"],
            "EmployerID": learner["DefaultEmployerID"],
            "CreatedOn": min(created, population.today - timedelta(hours=1 + rng.below(90))),
            "ScheduledFor": due,
            "StartedOn": started,
            "AssessorSignedOn": by_assessor,
            "LearnerSignedOn": by_learner,
            "EmployerSignedOn": by_employer,
            "VisitID": _visit_id(rng),
            "Progress": round(done * rng.between(5_000, 10_000)) / 100 if started else None,
            "EndTime": due + timedelta(minutes=30 * rng.between(1, 4)) if rng.chance(80) else None,
        }
    )


def plan(population: Population, plan_id: int) -> Row:
    """Invent a plan."""
    learner_id, rank = divmod(plan_id, SLOTS)
    rng = SeededRandom(population.seed, "plans", plan_id)
    plan_on = PLANS.moment(population, learner_id, rank)
    today = population.today
    by_assessor = _past(plan_on + timedelta(minutes=rng.between(10, 9_000)), today, happens=rng.chance(85))
    signed = by_assessor and by_assessor + timedelta(minutes=rng.between(1, 20_000))
    by_learner = _past(signed, today, happens=rng.chance(90))
    return with_plan_status(
        {
            "ID": plan_id,
            "LearnerID": learner_id,
            "Title": rng.pick(PLAN_TITLES),
            "PlanOn": plan_on if rng.chance(95) else None,
            "AssessorSignedOn": by_assessor,
            "LearnerSignedOn": by_learner,
        }
    )


def _signatures(rng: SeededRandom, due: datetime, today: datetime) -> tuple[datetime | None, ...]:
    starts, first, second, third = rng.chance(94), rng.chance(95), rng.chance(92), rng.chance(35)
    late = timedelta(minutes=rng.between(-10, 40), days=rng.between(-3, 3) if rng.chance(15) else 0)
    started = _past(due + late, today, happens=starts)
    by_assessor = _past(started and started + signing(rng, 20, 90), today, happens=first)
    by_learner = _past(by_assessor and by_assessor + signing(rng, 1, 40), today, happens=second)
    by_employer = _past(by_learner and by_learner + signing(rng, 5, 600), today, happens=third)
    return started, by_assessor, by_learner, by_employer


def _past(moment: datetime | None, today: datetime, *, happens: bool) -> datetime | None:
    """Give a moment if it is one that has come; nothing is signed in the future."""
    return moment if moment and happens and moment < today else None


def signing(rng: SeededRandom, least: int, most: int) -> timedelta:
    """Draw how long a signature takes: minutes when all sit together, else days."""
    days = rng.between(1, 6) if rng.chance(25) else 0
    return timedelta(days=days, minutes=rng.between(least, most), milliseconds=rng.below(60_000))


def _visit_id(rng: SeededRandom) -> int | None:
    """Draw the visit that something belongs to; most belong to none."""
    drawn = rng.between(600_000, 699_999)
    return drawn if rng.chance(40) else rng.pick((0, None))


def with_review_status(row: Row) -> Row:
    """Set a review's Status to what its dates say."""
    if row.get("LearnerSignedOn"):
        status = COMPLETED
    elif row.get("AssessorSignedOn"):
        status = ASSESSOR_SIGNED
    else:
        status = STARTED if row.get("StartedOn") else SCHEDULED
    return {**row, "Status": status}


def with_plan_status(row: Row) -> Row:
    """Set a plan's StatusID to what its dates say."""
    if row.get("LearnerSignedOn"):
        status = PLAN_SIGNED
    else:
        status = PLAN_ASSESSOR_SIGNED if row.get("AssessorSignedOn") else PLAN_NOT_SIGNED
    return {**row, "StatusID": status}
