"""What happens to a learner's reviews, plans, hours and aims."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from onefile_sandbox.world.learning import ACHIEVED, IN_PROGRESS, WITHDRAWN, registration_number
from onefile_sandbox.world.off_the_job import entry, with_percent
from onefile_sandbox.world.people_events import schedule_review
from onefile_sandbox.world.progress import PLAN_TITLES, signing
from onefile_sandbox.world.simulation import of_learner
from onefile_sandbox.world.timestamps import at, midnight

if TYPE_CHECKING:
    from onefile_sandbox.world.seeded import SeededRandom
    from onefile_sandbox.world.simulation import Simulation
    from onefile_sandbox.world.table import Row

_WHOLE = 100.0


def hold_review(sim: Simulation, rng: SeededRandom, review_id: int) -> None:
    """Hold a review that is due, or put it off, or miss it."""
    review = sim.found("reviews", review_id)
    if not review or review["StartedOn"] or not review["ScheduledFor"] or review["ScheduledFor"] > sim.world.now:
        return
    if rng.chance(10):
        if rng.chance(60):
            put_off = sim.appointment(rng, 3, 21)
            sim.change("reviews", review, ScheduledFor=put_off)
            if put_off < sim.until:
                sim.later(put_off, "hold-review", review_id)
        return
    learner = sim.found("learners", review["LearnerID"])
    progress = learner.get("Progress") if learner else None
    sim.change("reviews", review, StartedOn=sim.world.stamp, Progress=progress)
    sim.later(sim.world.now + signing(rng, 20, 90), "sign-review-assessor", review_id)


def sign_review_assessor(sim: Simulation, rng: SeededRandom, review_id: int) -> None:
    """Let the assessor sign a review."""
    review = sim.found("reviews", review_id)
    if review and review["StartedOn"] and not review["AssessorSignedOn"]:
        sim.change("reviews", review, AssessorSignedOn=sim.world.stamp)
        if rng.chance(93):
            sim.later(sim.world.now + signing(rng, 1, 40), "sign-review-learner", review_id)


def sign_review_learner(sim: Simulation, rng: SeededRandom, review_id: int) -> None:
    """Let the learner sign a review, and schedule the next one."""
    review = sim.found("reviews", review_id)
    if not review or not review["AssessorSignedOn"] or review["LearnerSignedOn"]:
        return
    sim.change("reviews", review, LearnerSignedOn=sim.world.stamp)
    if rng.chance(35):
        sim.later(sim.world.now + signing(rng, 5, 600), "sign-review-employer", review_id)
    if rng.chance(12):
        sim.later(sim.after(rng, 2, 30), "unlock-review", review_id)
    _schedule_next(sim, rng, review["LearnerID"])


def sign_review_employer(sim: Simulation, _: SeededRandom, review_id: int) -> None:
    """Let the employer sign a review."""
    review = sim.found("reviews", review_id)
    if review and review["LearnerSignedOn"] and not review["EmployerSignedOn"]:
        sim.change("reviews", review, EmployerSignedOn=sim.world.stamp)


def unlock_review(sim: Simulation, rng: SeededRandom, review_id: int) -> None:
    """Unlock a signed review: its signatures vanish, until it is signed again."""
    review = sim.found("reviews", review_id)
    if review and review["LearnerSignedOn"]:
        sim.change("reviews", review, AssessorSignedOn=None, LearnerSignedOn=None, EmployerSignedOn=None)
        sim.later(sim.after(rng, 1, 10), "sign-review-assessor", review_id)


@of_learner
def unlock_any_review(sim: Simulation, rng: SeededRandom, learner: Row) -> None:
    """Unlock the latest signed review of someone."""
    signed = [review for review in sim.of("reviews", learner["ID"]) if review["LearnerSignedOn"]]
    if signed:
        latest = max(signed, key=lambda review: review["LearnerSignedOn"])
        unlock_review(sim, rng, latest["ID"])


@of_learner
def follow_up_reviews(sim: Simulation, rng: SeededRandom, learner: Row) -> None:
    """Let someone's review that was left unsigned be signed, or one be scheduled if none is."""
    for review in sim.of("reviews", learner["ID"]):
        if review["StartedOn"] and not review["LearnerSignedOn"]:
            sign = sign_review_learner if review["AssessorSignedOn"] else sign_review_assessor
            sign(sim, rng, review["ID"])
            return
    _schedule_next(sim, rng, learner["ID"])


@of_learner
def make_plan(sim: Simulation, rng: SeededRandom, learner: Row) -> None:
    """Add a plan."""
    plan_on = sim.appointment(rng, 0, 13)
    plan = sim.world.add("plans", LearnerID=learner["ID"], Title=rng.pick(PLAN_TITLES), PlanOn=plan_on)
    if rng.chance(85):
        sim.later(plan_on + signing(rng, 10, 900), "sign-plan-assessor", plan["ID"])


@of_learner
def follow_up_plans(sim: Simulation, rng: SeededRandom, learner: Row) -> None:
    """Let someone's plan that was left unsigned be signed."""
    for plan in sim.of("plans", learner["ID"]):
        if not plan["LearnerSignedOn"]:
            sign = sign_plan_learner if plan["AssessorSignedOn"] else sign_plan_assessor
            sign(sim, rng, plan["ID"])
            return


def sign_plan_assessor(sim: Simulation, rng: SeededRandom, plan_id: int) -> None:
    """Let the assessor sign a plan."""
    plan = sim.found("plans", plan_id)
    if plan and not plan["AssessorSignedOn"]:
        sim.change("plans", plan, AssessorSignedOn=sim.world.stamp)
        if rng.chance(90):
            sim.later(sim.world.now + signing(rng, 1, 900), "sign-plan-learner", plan_id)


def sign_plan_learner(sim: Simulation, _: SeededRandom, plan_id: int) -> None:
    """Let the learner sign a plan."""
    plan = sim.found("plans", plan_id)
    if plan and plan["AssessorSignedOn"] and not plan["LearnerSignedOn"]:
        sim.change("plans", plan, LearnerSignedOn=sim.world.stamp)


@of_learner
def log_time(sim: Simulation, rng: SeededRandom, learner: Row) -> None:
    """Let a learner write into the log, and the hours grow by it."""
    day = sim.world.now.date() - timedelta(days=rng.between(1, 6))
    row = sim.world.add("timesheets", LearnerID=learner["ID"], **entry(rng, at(day, 9 * 60 + 15 * rng.below(24))))
    if row["IsOffTheJob"]:
        _add_hours(sim, learner, (row["ToDate"] - row["FromDate"]) / timedelta(hours=1))


@of_learner
def correct_time(sim: Simulation, rng: SeededRandom, learner: Row) -> None:
    """Let a learner correct the log, or take something out of it."""
    rows = sim.of("timesheets", learner["ID"])
    if not rows:
        return
    row = rng.pick(rows)
    if rng.chance(15):
        sim.world.remove("timesheets", row["_Key"])
    else:
        fresh = entry(rng, sim.world.now)
        name = rng.pick(("Comments", "TimesheetCategory", "IsOffTheJob"))
        sim.change("timesheets", row, **{name: fresh[name]})


@of_learner
def count_hours(sim: Simulation, rng: SeededRandom, learner: Row) -> None:
    """Let hours grow by what was done elsewhere, an assessment say."""
    _add_hours(sim, learner, rng.between(1, 28) / 4)


@of_learner
def progress_aim(sim: Simulation, rng: SeededRandom, learner: Row) -> None:
    """Let a learning aim and a unit progress, which the learner's record knows nothing of."""
    for aim in sim.of("learning_aims", learner["ID"]):
        if aim["Status"] == IN_PROGRESS:
            progress = round((aim["Progress"] or 0.0) + rng.between(50, 900) / 100, 2)
            if progress < _WHOLE:
                sim.change("learning_aims", aim, Progress=progress)
            else:
                _achieve(sim, aim)
            break
    summaries = sim.of("unit_summaries", learner["ID"])
    if summaries:
        summary = rng.pick(summaries)
        progress = round(min(_WHOLE, (summary["Progress"] or 0.0) + rng.between(100, 2_000) / 100), 2)
        sim.change("unit_summaries", summary, Progress=progress)


@of_learner
def finish_aim(sim: Simulation, rng: SeededRandom, learner: Row) -> None:
    """Let a learning aim be achieved, certified, registered, or given up."""
    aims = sim.of("learning_aims", learner["ID"])
    if not aims:
        return
    aim = rng.pick(aims)
    today = midnight(sim.world.now.date())
    if aim["Status"] == ACHIEVED:
        sim.change("learning_aims", aim, CertificateAppliedDate=aim["CertificateAppliedDate"] or today)
    elif aim["Status"] == IN_PROGRESS and not aim["RegistrationNumber"]:
        sim.change("learning_aims", aim, RegistrationNumber=registration_number(rng), RegistrationDate=today)
    elif aim["Status"] == IN_PROGRESS and rng.chance(15):
        sim.change("learning_aims", aim, Status=WITHDRAWN)
    else:
        _achieve(sim, aim)


def _achieve(sim: Simulation, aim: Row) -> None:
    achieved = midnight(sim.world.now.date())
    sim.change("learning_aims", aim, Progress=_WHOLE, Status=ACHIEVED, AchievedDate=achieved)


def _add_hours(sim: Simulation, learner: Row, hours: float) -> None:
    for row in sim.of("off_the_job", learner["ID"]):
        done = round((row["CachedActualHours"] or 0.0) + hours, 2)
        sim.change("off_the_job", row, **with_percent({**row, "CachedActualHours": done}))
        if sim.hours_bump:
            sim.change("learners", learner)


def _schedule_next(sim: Simulation, rng: SeededRandom, learner_id: int) -> None:
    if not sim.found("learners", learner_id):
        return
    ahead = (review["ScheduledFor"] for review in sim.of("reviews", learner_id) if not review["StartedOn"])
    if not any(moment and moment > sim.world.now for moment in ahead):
        schedule_review(sim, rng, learner_id, least=14, most=70)
