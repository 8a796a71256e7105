"""How the world goes on: what happens on a day, in which order, how often."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from onefile_sandbox.world import people_events, progress_events
from onefile_sandbox.world.seeded import SeededRandom, hash64
from onefile_sandbox.world.simulation import Simulation

if TYPE_CHECKING:
    from onefile_sandbox.world.simulation import Event
    from onefile_sandbox.world.world import World

_DAY = timedelta(days=1)
_DAY_MS = 86_400_000
_DAYS_TO_AN_ORGANISATION = 60

# How often in a day: for each learner, and in all however few they are.
_DAILY: dict[str, tuple[Event, float, float]] = {
    "join": (people_events.join, 0.002, 0.1),
    "change-details": (people_events.change_details, 0.006, 0.2),
    "change-staff": (people_events.change_staff, 0.001, 0.2),
    "import-details": (people_events.import_details, 0, 0.1),
    "move": (people_events.move, 0.002, 0.1),
    "move-away": (people_events.move_away, 0.0005, 0.05),
    "get-on": (people_events.make_progress, 0.01, 0.1),
    "archive": (people_events.archive, 0.001, 0.04),
    "delete": (people_events.delete, 0.0005, 0.03),
    "hire": (people_events.hire, 0.0002, 0.05),
    "leave": (people_events.leave, 0.0002, 0.04),
    "change-places": (people_events.change_places, 0.0005, 0.15),
    "see-to-reviews": (progress_events.follow_up_reviews, 0.02, 0),
    "unlock-any-review": (progress_events.unlock_any_review, 0.0005, 0.05),
    "make-plan": (progress_events.make_plan, 0.028, 0.1),
    "see-to-plans": (progress_events.follow_up_plans, 0.02, 0),
    "log-time": (progress_events.log_time, 0.03, 0.1),
    "correct-time": (progress_events.correct_time, 0.005, 0.05),
    "count-hours": (progress_events.count_hours, 0.02, 0.1),
    "get-on-with-aim": (progress_events.progress_aim, 0.02, 0.1),
    "finish-aim": (progress_events.finish_aim, 0.002, 0.05),
}
_EVENTS: dict[str, Event] = {
    **{name: event for name, (event, _, _) in _DAILY.items()},
    "open-organisation": people_events.open_organisation,
    "hold-review": progress_events.hold_review,
    "sign-review-assessor": progress_events.sign_review_assessor,
    "sign-review-learner": progress_events.sign_review_learner,
    "sign-review-employer": progress_events.sign_review_employer,
    "unlock-review": progress_events.unlock_review,
    "sign-plan-assessor": progress_events.sign_plan_assessor,
    "sign-plan-learner": progress_events.sign_plan_learner,
}


class History:
    """Lets days go by.

    What happens on a day follows from the seed, the day, and what the world then is.
    """

    def __init__(self, world: World, *, progress_bumps: bool, hours_bump: bool) -> None:
        self._world = world
        self._sim = Simulation(world, progress_bumps=progress_bumps, hours_bump=hours_bump)

    def advance(self, days: int) -> None:
        """Let days go by, all at once."""
        if type(days) is not int or days < 0:
            raise ValueError(f"{days!r} is no number of days")
        begin, self._sim.until = self._sim.until, self._world.now + days * _DAY
        self._schedule_reviews(begin)
        for _ in range(days if self._world.ids("organisations") else 0):
            self._pass_a_day()
        self._world.now = max(self._world.now, self._sim.until)

    def _schedule_reviews(self, begin: datetime) -> None:
        table = self._world.table("reviews")
        for review_id in table.ids():
            scheduled = table.value(review_id, "ScheduledFor")
            if isinstance(scheduled, datetime) and begin <= scheduled < self._sim.until:
                self._sim.later(scheduled, "hold-review", review_id)

    def _pass_a_day(self) -> None:
        sim, world = self._sim, self._world
        begin, end = world.now, world.now + _DAY
        sim.begin_day()
        learners = len(sim.ids("learners"))
        for name, (_, each, least) in _DAILY.items():
            rng = SeededRandom(world.seed, "how often", name, begin.date())
            for place in range(rng.about(learners * each + least)):
                sim.later(begin + timedelta(milliseconds=rng.below(_DAY_MS)), name, place)
        if _opens_organisation(world.seed, begin.toordinal()):
            sim.later(begin, "open-organisation", 0)
        while due := sim.due(end):
            moment, name, key = due
            # Each edit moves time on by a second, so that some moments may have passed.
            world.now = max(world.now, moment)
            _EVENTS[name](sim, SeededRandom(world.seed, name, key, moment.isoformat()), key)
        world.now = max(world.now, end)


def _opens_organisation(seed: int, day: int) -> bool:
    """Return whether it is the one day of its sixty on which there is a new organisation."""
    period, place = divmod(day, _DAYS_TO_AN_ORGANISATION)
    return hash64(seed, "open-organisation", period) % _DAYS_TO_AN_ORGANISATION == place
