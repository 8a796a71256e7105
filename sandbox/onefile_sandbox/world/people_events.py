"""What happens to people and places: they come, change, move and go."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from onefile_sandbox.world import details
from onefile_sandbox.world.names import CENTRES, COMPANIES, SUBJECTS
from onefile_sandbox.world.people import ROLES, add_monitoring, learner_status_id, login
from onefile_sandbox.world.simulation import key_of
from onefile_sandbox.world.timestamps import at, midnight

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from onefile_sandbox.world.rows import Row, Value
    from onefile_sandbox.world.seeded import Dice
    from onefile_sandbox.world.simulation import Life

_POINTERS = {
    "PlacementID": "placements",
    "ClassroomID": "classrooms",
    "DefaultAssessorID": "assessors",
    "DefaultEmployerID": "employers",
}
_STAFF = [stream for stream in ROLES if stream not in {"learners", "archived_learners"}]
_IMPORTED_IN = 30


def join(life: Life, dice: Dice, _: int) -> None:
    """Let a learner begin."""
    organisation_id = dice.pick(life.ids("organisations"))
    enrol(life, dice, organisation_id, life.world.stamp)


def enrol(life: Life, dice: Dice, organisation_id: int, since: datetime) -> None:
    """Add a learner, with all that hangs from one at the start.

    Args:
        life: The world.
        dice: What the learner is invented from.
        organisation_id: Where the learner is.
        since: When the record was made and last changed.
    """
    row = _new_person(dice, since)
    row.update((name, life.id_in(stream, organisation_id, dice)) for name, stream in _POINTERS.items())
    row.update(
        ULN=details.uln(dice),
        NINO=details.nino(dice) if dice.chance(75) else None,
        HomeAddress=details.address(dice),
        EpisodeName=f"{dice.pick(SUBJECTS)} L{dice.between(2, 5)}",
        DOB=midnight(since.date() - timedelta(days=dice.between(16 * 365, 50 * 365))),
        StartOn=midnight(since.date()),
        PlannedEndDate=midnight(since.date() + timedelta(days=dice.between(365, 800))),
        CentreRegister=midnight(since.date()),
        Progress=0.0,
        ProviderID=0,
        SupportFunding=dice.chance(12),
        LearnerStatusID=learner_status_id(organisation_id, dice),
    )
    add_monitoring(row, dice)
    learner_id = life.world.add("learners", organisation_id=organisation_id, **row)["ID"]
    standards = life.world.ids("standards", organisation_id)
    if standards:
        standard_id = dice.pick(standards)
        life.world.add("learning_aims", UserID=learner_id, StandardID=standard_id, StartDate=row["StartOn"])
        for unit_id in [i for i in life.world.ids("units", organisation_id) if _is_of(life, i, standard_id)][:3]:
            title = life.world.get("units", unit_id)["Title"]
            life.world.add("unit_summaries", UserID=learner_id, UnitID=unit_id, Title=title)
    planned = round(dice.between(30_000, 60_000)) / 100
    hours: dict[str, Any] = {
        "PlannedOTJ": planned,
        "CachedActualHours": 0.0,
        "ContractedHours": 35,
        "TargetPercentage": 20,
    }
    life.world.add("off_the_job", LearnerID=learner_id, PercentOfPlanned=0.0, **hours)
    schedule_review(life, dice, learner_id, least=20, most=60)


def schedule_review(life: Life, dice: Dice, learner_id: Value, *, least: int, most: int) -> None:
    """Schedule a review so many days ahead, within office hours."""
    day = life.world.now.date() + timedelta(days=dice.between(least, most))
    scheduled = at(day, 9 * 60 + 15 * dice.below(28))
    learner = life.world.get("learners", learner_id) if isinstance(learner_id, int) else {}
    review = life.world.add(
        "reviews",
        LearnerID=learner_id,
        AssessorID=learner.get("DefaultAssessorID"),
        EmployerID=learner.get("DefaultEmployerID"),
        ScheduledFor=scheduled,
        CreatedOn=life.world.stamp,
    )
    if scheduled < life.until and isinstance(review["ID"], int):
        life.later(scheduled, "hold-review", review["ID"])


def change_details(life: Life, dice: Dice, _: int) -> None:
    """Let a learner's details change."""
    learner = life.learner(dice)
    if learner:
        life.change("learners", learner, **_new_detail(dice))


def change_staff(life: Life, dice: Dice, _: int) -> None:
    """Let someone else's details change."""
    stream = dice.pick(_STAFF)
    person = life.one_of(stream, dice)
    if person:
        life.change(stream, person, **_new_detail(dice))


def import_details(life: Life, dice: Dice, _: int) -> None:
    """Let a nightly import change many learners at the very same moment."""
    moment = life.world.stamp
    for learner_id in life.ids("learners"):
        learner = life.found("learners", learner_id) if dice.below(_IMPORTED_IN) == 0 else None
        if learner:
            life.change("learners", learner, MISID=f"IMP{learner_id}", LastModified=moment)


def move(life: Life, dice: Dice, _: int) -> None:
    """Let a learner change placement, class or assessor."""
    learner = life.learner(dice)
    if learner:
        name = dice.pick(list(_POINTERS))
        life.change("learners", learner, **{name: life.id_in(_POINTERS[name], learner["OrganisationID"], dice)})


def move_away(life: Life, dice: Dice, _: int) -> None:
    """Let a learner change to another organisation, with all that hangs from the learner."""
    learner = life.learner(dice)
    others = [i for i in life.ids("organisations") if learner and i != learner["OrganisationID"]]
    if learner and others:
        there = dice.pick(others)
        pointers = {name: life.id_in(stream, there, dice) for name, stream in _POINTERS.items()}
        status = learner_status_id(there, dice)
        life.change("learners", learner, OrganisationID=there, ProviderID=0, LearnerStatusID=status, **pointers)


def get_on(life: Life, dice: Dice, _: int) -> None:
    """Let a learner's progress grow."""
    learner = life.learner(dice)
    if learner:
        progress = round(min(100.0, number_in(learner, "Progress") + dice.between(10, 600) / 100), 2)
        kept = {} if life.behaviour.progress_bumps_last_modified else {"LastModified": learner["LastModified"]}
        life.change("learners", learner, Progress=progress, **kept)


def archive(life: Life, dice: Dice, _: int) -> None:
    """Let a learner be archived."""
    learner = life.learner(dice)
    if learner and isinstance(learner["ID"], int):
        life.world.archive(learner["ID"])


def delete(life: Life, dice: Dice, _: int) -> None:
    """Let a learner be deleted, which leaves no trace."""
    learner = life.learner(dice)
    if learner and isinstance(learner["ID"], int):
        life.world.remove("learners", learner["ID"])


def hire(life: Life, dice: Dice, _: int) -> None:
    """Let someone begin to work for an organisation."""
    _hire(life, dice, dice.pick(_STAFF), dice.pick(life.ids("organisations")))


def leave(life: Life, dice: Dice, _: int) -> None:
    """Let someone else than a learner go; some who are pointed to are then no longer found."""
    stream = dice.pick(_STAFF)
    person = life.one_of(stream, dice)
    if person:
        life.world.remove(stream, key_of(person))


def change_places(life: Life, dice: Dice, _: int) -> None:
    """Let a placement or a class be opened, renamed or closed."""
    organisation_id = dice.pick(life.ids("organisations"))
    happens = dice.below(4)
    stream = "placements" if happens % 2 else "classrooms"
    if happens > 1:
        _open_place(life, dice, stream, organisation_id)
        return
    place = life.one_of(stream, dice)
    if place:
        closed: Row = {"Active": False} if stream == "placements" else {"Archive": True}
        life.change(stream, place, **(closed if dice.chance(50) else {"Name": f"{place['Name']} (new)"}))


def open_organisation(life: Life, dice: Dice, _: int) -> None:
    """Let the customer take over a centre, with learners whose records are old."""
    count = len(life.ids("organisations")) + 1
    organisation_id = life.world.add("organisations", Name=f"{dice.pick(CENTRES)} {count}")["ID"]
    if not isinstance(organisation_id, int):
        return
    for stream in ("classrooms", "placements", "placements"):
        _open_place(life, dice, stream, organisation_id)
    for stream in ("assessors", "employers"):
        _hire(life, dice, stream, organisation_id)
    for _number in range(dice.between(3, 8)):
        since = life.world.now - timedelta(days=dice.between(90, 700), milliseconds=dice.below(86_400_000))
        enrol(life, dice, organisation_id, since)


def number_in(row: Row, field: str) -> float:
    """Give a field's number, or 0."""
    value = row.get(field)
    return float(value) if isinstance(value, int | float) else 0.0


def _new_person(dice: Dice, since: datetime) -> dict[str, Any]:
    row: dict[str, Any] = login(dice, dice.between(1, 9_999_999), 0, since)
    del row["ID"], row["Role"]
    row["CreatedOn"] = since
    return row


def _new_detail(dice: Dice) -> Row:
    first, last = details.full_name(dice)
    inventions: tuple[Callable[[], Row], ...] = (
        lambda: {"LastName": last},
        lambda: {"Email": details.email(dice, first, last, dice.below(10_000))},
        lambda: {"Telephone": details.telephone(dice)},
        lambda: {"MobileNumber": details.mobile(dice) if dice.chance(80) else None},
        lambda: {"MISID": f"MIS{dice.below(100_000)}"},
    )
    return dice.pick(inventions)()


def _hire(life: Life, dice: Dice, stream: str, organisation_id: int) -> None:
    row = _new_person(dice, life.world.stamp)
    if stream in {"employers", "observers"}:
        row.update(PlacementID=life.id_in("placements", organisation_id, dice), CompanyName=dice.pick(COMPANIES))
    life.world.add(stream, organisation_id=organisation_id, **row)


def _open_place(life: Life, dice: Dice, stream: str, organisation_id: int) -> None:
    if stream == "placements":
        name = f"{dice.pick(COMPANIES)} {dice.below(1000)}"
        address = details.address(dice, name)
        life.world.add(stream, organisation_id=organisation_id, Name=name, Active=True, Address=address, MISID=None)
    else:
        name = f"{dice.pick(SUBJECTS)} {life.world.now:%b %y} #{dice.below(1000)}"
        start = midnight(life.world.now.date())
        life.world.add(stream, organisation_id=organisation_id, Name=name, StartOn=start, Archive=False, MISID=None)


def _is_of(life: Life, unit_id: int, standard_id: int) -> bool:
    return life.world.get("units", unit_id)["StandardID"] == standard_id
