"""What happens to what hangs from a learner: reviews, plans, hours, aims."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from onefile_sandbox.world.catalogue import ACHIEVED, IN_PROGRESS, WITHDRAWN
from onefile_sandbox.world.learning import registration_number
from onefile_sandbox.world.off_the_job import entry, with_percent
from onefile_sandbox.world.people_events import number_in, schedule_review
from onefile_sandbox.world.progress import plan_title, signing
from onefile_sandbox.world.simulation import key_of, latest
from onefile_sandbox.world.timestamps import at, midnight

if TYPE_CHECKING:
    from onefile_sandbox.world.rows import Row
    from onefile_sandbox.world.seeded import Dice
    from onefile_sandbox.world.simulation import Life

_WHOLE = 100.0
_UNSIGNED = dict.fromkeys(("AssessorSignedOn", "LearnerSignedOn", "EmployerSignedOn"))


def hold_review(life: Life, dice: Dice, review_id: int) -> None:
    """Hold a review that is due, or put it off, or miss it."""
    review = life.found("reviews", review_id)
    scheduled = review and review["ScheduledFor"]
    if not review or review["StartedOn"] or not isinstance(scheduled, datetime) or scheduled > life.world.now:
        return
    if dice.chance(10):
        if dice.chance(60):
            day = life.world.now.date() + timedelta(days=dice.between(3, 21))
            put_off = at(day, 9 * 60 + 15 * dice.below(28))
            life.change("reviews", review, ScheduledFor=put_off)
            if put_off < life.until:
                life.later(put_off, "hold-review", review_id)
        return
    learner = life.found("learners", _owner(review, "LearnerID"))
    progress = learner["Progress"] if learner else None
    life.change("reviews", review, StartedOn=life.world.stamp, Progress=progress)
    life.later(life.world.now + signing(dice, 20, 90), "sign-review-assessor", review_id)


def sign_review_assessor(life: Life, dice: Dice, review_id: int) -> None:
    """Let the assessor sign a review."""
    review = life.found("reviews", review_id)
    if review and review["StartedOn"] and not review["AssessorSignedOn"]:
        life.change("reviews", review, AssessorSignedOn=life.world.stamp)
        if dice.chance(93):
            life.later(life.world.now + signing(dice, 1, 40), "sign-review-learner", review_id)


def sign_review_learner(life: Life, dice: Dice, review_id: int) -> None:
    """Let the learner sign a review, and schedule the next one."""
    review = life.found("reviews", review_id)
    if not review or not review["AssessorSignedOn"] or review["LearnerSignedOn"]:
        return
    life.change("reviews", review, LearnerSignedOn=life.world.stamp)
    if dice.chance(35):
        life.later(life.world.now + signing(dice, 5, 600), "sign-review-employer", review_id)
    if dice.chance(12):
        life.later(life.after(2, 30, dice), "unlock-review", review_id)
    _schedule_next(life, dice, _owner(review, "LearnerID"))


def sign_review_employer(life: Life, _: Dice, review_id: int) -> None:
    """Let the employer sign a review."""
    review = life.found("reviews", review_id)
    if review and review["LearnerSignedOn"] and not review["EmployerSignedOn"]:
        life.change("reviews", review, EmployerSignedOn=life.world.stamp)


def unlock_review(life: Life, dice: Dice, review_id: int) -> None:
    """Unlock a signed review: its signatures vanish, until it is signed again."""
    review = life.found("reviews", review_id)
    if review and review["LearnerSignedOn"]:
        life.change("reviews", review, **_UNSIGNED)
        life.later(life.after(1, 10, dice), "sign-review-assessor", review_id)


def unlock_any_review(life: Life, dice: Dice, _: int) -> None:
    """Unlock the latest signed review of someone."""
    learner = life.learner(dice)
    review = learner and latest(life.of("reviews", _owner(learner, "ID")), "LearnerSignedOn")
    if review:
        unlock_review(life, dice, _owner(review, "ID"))


def see_to_reviews(life: Life, dice: Dice, _: int) -> None:
    """Let someone's review that was left unsigned be signed, or one be scheduled if none is."""
    learner = life.learner(dice)
    if not learner:
        return
    for review in life.of("reviews", _owner(learner, "ID")):
        if review["StartedOn"] and not review["LearnerSignedOn"]:
            sign = sign_review_learner if review["AssessorSignedOn"] else sign_review_assessor
            sign(life, dice, _owner(review, "ID"))
            return
    _schedule_next(life, dice, _owner(learner, "ID"))


def make_plan(life: Life, dice: Dice, _: int) -> None:
    """Add a plan."""
    learner = life.learner(dice)
    if learner:
        plan_on = at(life.world.now.date() + timedelta(days=dice.below(14)), 9 * 60 + 15 * dice.below(28))
        plan = life.world.add("plans", LearnerID=learner["ID"], Title=plan_title(dice), PlanOn=plan_on)
        if dice.chance(85):
            life.later(plan_on + signing(dice, 10, 900), "sign-plan-assessor", _owner(plan, "ID"))


def see_to_plans(life: Life, dice: Dice, _: int) -> None:
    """Let someone's plan that was left unsigned be signed."""
    learner = life.learner(dice)
    for plan in life.of("plans", _owner(learner, "ID")) if learner else []:
        if not plan["LearnerSignedOn"]:
            sign = sign_plan_learner if plan["AssessorSignedOn"] else sign_plan_assessor
            sign(life, dice, _owner(plan, "ID"))
            return


def sign_plan_assessor(life: Life, dice: Dice, plan_id: int) -> None:
    """Let the assessor sign a plan."""
    plan = life.found("plans", plan_id)
    if plan and not plan["AssessorSignedOn"]:
        life.change("plans", plan, AssessorSignedOn=life.world.stamp)
        if dice.chance(90):
            life.later(life.world.now + signing(dice, 1, 900), "sign-plan-learner", plan_id)


def sign_plan_learner(life: Life, _: Dice, plan_id: int) -> None:
    """Let the learner sign a plan."""
    plan = life.found("plans", plan_id)
    if plan and plan["AssessorSignedOn"] and not plan["LearnerSignedOn"]:
        life.change("plans", plan, LearnerSignedOn=life.world.stamp)


def log_time(life: Life, dice: Dice, _: int) -> None:
    """Let a learner write into the log, and the hours grow by it."""
    learner = life.learner(dice)
    if not learner:
        return
    day = life.world.now.date() - timedelta(days=dice.between(1, 6))
    written: dict[str, Any] = entry(dice, at(day, 9 * 60 + 15 * dice.below(24)))
    row = life.world.add("timesheets", LearnerID=learner["ID"], **written)
    begin, end = row["FromDate"], row["ToDate"]
    if row["IsOffTheJob"] and isinstance(begin, datetime) and isinstance(end, datetime):
        _add_hours(life, learner, (end - begin) / timedelta(hours=1))


def correct_time(life: Life, dice: Dice, _: int) -> None:
    """Let a learner correct the log, or take something out of it."""
    learner = life.learner(dice)
    rows = life.of("timesheets", _owner(learner, "ID")) if learner else []
    if not rows:
        return
    row = dice.pick(rows)
    if dice.chance(15):
        life.world.remove("timesheets", key_of(row))
    else:
        fresh = entry(dice, life.world.now)
        name = dice.pick(("Comments", "TimesheetCategory", "IsOffTheJob"))
        life.change("timesheets", row, **{name: fresh[name]})


def count_hours(life: Life, dice: Dice, _: int) -> None:
    """Let hours grow by what was done elsewhere, an assessment say."""
    learner = life.learner(dice)
    if learner:
        _add_hours(life, learner, dice.between(1, 28) / 4)


def get_on_with_aim(life: Life, dice: Dice, _: int) -> None:
    """Let a learning aim and a unit progress, which the learner's record knows nothing of."""
    learner = life.learner(dice)
    if not learner:
        return
    for aim in life.of("learning_aims", _owner(learner, "ID")):
        if aim["Status"] == IN_PROGRESS:
            progress = round(number_in(aim, "Progress") + dice.between(50, 900) / 100, 2)
            if progress < _WHOLE:
                life.change("learning_aims", aim, Progress=progress)
            else:
                _achieve(life, aim)
            break
    summaries = life.of("unit_summaries", _owner(learner, "ID"))
    if summaries:
        summary = dice.pick(summaries)
        progress = round(min(_WHOLE, number_in(summary, "Progress") + dice.between(100, 2_000) / 100), 2)
        life.change("unit_summaries", summary, Progress=progress)


def finish_aim(life: Life, dice: Dice, _: int) -> None:
    """Let a learning aim be achieved, certified, registered, or given up."""
    learner = life.learner(dice)
    aims = life.of("learning_aims", _owner(learner, "ID")) if learner else []
    if not aims:
        return
    aim = dice.pick(aims)
    today = midnight(life.world.now.date())
    if aim["Status"] == ACHIEVED:
        life.change("learning_aims", aim, CertificateAppliedDate=aim["CertificateAppliedDate"] or today)
    elif aim["Status"] == IN_PROGRESS and not aim["RegistrationNumber"]:
        life.change("learning_aims", aim, RegistrationNumber=registration_number(dice), RegistrationDate=today)
    elif aim["Status"] == IN_PROGRESS and dice.chance(15):
        life.change("learning_aims", aim, Status=WITHDRAWN)
    else:
        _achieve(life, aim)


def _achieve(life: Life, aim: Row) -> None:
    achieved = midnight(life.world.now.date())
    life.change("learning_aims", aim, Progress=_WHOLE, Status=ACHIEVED, AchievedDate=achieved)


def _add_hours(life: Life, learner: Row, hours: float) -> None:
    for row in life.of("off_the_job", _owner(learner, "ID")):
        grown = with_percent({**row, "CachedActualHours": round(number_in(row, "CachedActualHours") + hours, 2)})
        names = ("CachedActualHours", "PercentOfPlanned")
        life.change("off_the_job", row, **{name: grown[name] for name in names})
        if life.behaviour.otj_bumps_last_modified:
            life.change("learners", learner)


def _schedule_next(life: Life, dice: Dice, learner_id: int) -> None:
    if not life.found("learners", learner_id):
        return
    ahead = (review["ScheduledFor"] for review in life.of("reviews", learner_id) if not review["StartedOn"])
    if not any(isinstance(moment, datetime) and moment > life.world.now for moment in ahead):
        schedule_review(life, dice, learner_id, least=14, most=70)


def _owner(row: Row, field: str) -> int:
    value = row[field]
    return value if isinstance(value, int) else 0
