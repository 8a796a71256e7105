"""Invents how a learner gets on: progress reviews and plans."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from onefile_sandbox.world.programme import Recurrence, programme
from onefile_sandbox.world.seeded import SeededRandom

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from onefile_sandbox.world.population import Population
    from onefile_sandbox.world.rows import Row

REVIEW_SLOTS = 10
"""How many review ids each learner has, of which not all are used."""
PLAN_SLOTS = 10
"""How many plan ids each learner has."""

SCHEDULED, COMPLETED, STARTED, ASSESSOR_SIGNED = 0, 1, 2, 3
PLAN_NOT_SIGNED, PLAN_ASSESSOR_SIGNED, PLAN_SIGNED = 5, 1, 8

_REVIEWS = Recurrence("reviews", days=58, most=6, ahead=42)
_PLANS = Recurrence("plans", days=35, most=8, ahead=14)

_PLAN_TITLES = (
    "Plan 1", "Knowledge: safeguarding", "Observation \u2013 workplace", "Cynllun asesu",
    "Functional skills\x0bEnglish", "Review of evidence", "End-point assessment \u2265 gateway", "Café visit",
)  # fmt: skip


class Progress:
    """The reviews and plans that there were from the start."""

    def __init__(self, population: Population, learner: Callable[[int], Row]) -> None:
        """Begin.

        Args:
            population: The customer.
            learner: Gives a learner as it was at the start.
        """
        self._population = population
        self._learner = learner
        self._today = population.today
        # Windows of a search ask for every review's date again and again.
        self.scheduled = lru_cache(maxsize=1 << 20)(self._scheduled)

    def reviews(self, learner_id: int) -> int:
        """Say how many reviews a learner has."""
        return _REVIEWS.count(self._population, learner_id)

    def _scheduled(self, review_id: int) -> datetime:
        """Say when a review is due, without inventing the rest of it."""
        return _REVIEWS.moment(self._population, *divmod(review_id, REVIEW_SLOTS))

    def review(self, review_id: int) -> Row:
        """Invent a review."""
        learner_id = review_id // REVIEW_SLOTS
        learner = self._learner(learner_id)
        rng = SeededRandom(self._population.seed, "reviews", review_id)
        scheduled = self.scheduled(review_id)
        started, by_assessor, by_learner, by_employer = self._signatures(rng, scheduled)
        created = scheduled - timedelta(days=rng.between(20, 90), minutes=rng.below(200))
        done = programme(self._population, learner_id).done(scheduled.date())
        return with_review_status(
            {
                "ID": review_id,
                "LearnerID": learner_id,
                "AssessorID": learner["DefaultAssessorID"],
                "EmployerID": learner["DefaultEmployerID"],
                "CreatedOn": min(created, self._today - timedelta(hours=1 + rng.below(90))),
                "ScheduledFor": scheduled,
                "StartedOn": started,
                "AssessorSignedOn": by_assessor,
                "LearnerSignedOn": by_learner,
                "EmployerSignedOn": by_employer,
                "VisitID": visit(rng),
                "Progress": round(done * rng.between(5_000, 10_000)) / 100 if started else None,
                "EndTime": scheduled + timedelta(minutes=30 * rng.between(1, 4)) if rng.chance(80) else None,
            }
        )

    def plans(self, learner_id: int) -> int:
        """Say how many plans a learner has."""
        return _PLANS.count(self._population, learner_id)

    def plan(self, plan_id: int) -> Row:
        """Invent a plan."""
        learner_id, rank = divmod(plan_id, PLAN_SLOTS)
        rng = SeededRandom(self._population.seed, "plans", plan_id)
        plan_on = _PLANS.moment(self._population, learner_id, rank)
        by_assessor = self._past(plan_on + timedelta(minutes=rng.between(10, 9_000)), rng.chance(85))
        by_learner = self._past(by_assessor and by_assessor + timedelta(minutes=rng.between(1, 20_000)), rng.chance(90))
        return with_plan_status(
            {
                "ID": plan_id,
                "LearnerID": learner_id,
                "Title": plan_title(rng),
                "PlanOn": plan_on if rng.chance(95) else None,
                "AssessorSignedOn": by_assessor,
                "LearnerSignedOn": by_learner,
            }
        )

    def _signatures(self, rng: SeededRandom, scheduled: datetime) -> tuple[datetime | None, ...]:
        starts, first, second, third = rng.chance(94), rng.chance(95), rng.chance(92), rng.chance(35)
        late = timedelta(minutes=rng.between(-10, 40), days=rng.between(-3, 3) if rng.chance(15) else 0)
        started = self._past(scheduled + late, starts)
        by_assessor = self._past(started and started + signing(rng, 20, 90), first)
        by_learner = self._past(by_assessor and by_assessor + signing(rng, 1, 40), second)
        by_employer = self._past(by_learner and by_learner + signing(rng, 5, 600), third)
        return started, by_assessor, by_learner, by_employer

    def _past(self, moment: datetime | None, happens: bool) -> datetime | None:  # noqa: FBT001 - reads as it is said
        """Give a moment if it is one that has come; nothing is signed in the future."""
        return moment if moment and happens and moment < self._today else None


def signing(rng: SeededRandom, least: int, most: int) -> timedelta:
    """Draw how long a signature takes: minutes when all sit together, else days."""
    days = rng.between(1, 6) if rng.chance(25) else 0
    return timedelta(days=days, minutes=rng.between(least, most), milliseconds=rng.below(60_000))


def visit(rng: SeededRandom) -> int | None:
    """Draw the visit that something belongs to; most belong to none."""
    drawn = rng.between(600_000, 699_999)
    return drawn if rng.chance(40) else rng.pick((0, None))


def plan_title(rng: SeededRandom) -> str:
    """Draw a plan's title."""
    return rng.pick(_PLAN_TITLES)


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
