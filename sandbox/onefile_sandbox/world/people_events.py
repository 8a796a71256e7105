"""What happens to people and places: they come, change, move and go."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from onefile_sandbox.world import details
from onefile_sandbox.world.names import CENTRES, COMPANIES, SUBJECTS
from onefile_sandbox.world.people import AT_A_PLACEMENT, ROLES, add_monitoring, learner_status_id, login
from onefile_sandbox.world.population import LEARNERS
from onefile_sandbox.world.simulation import of_learner
from onefile_sandbox.world.timestamps import midnight

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from onefile_sandbox.world.seeded import SeededRandom
    from onefile_sandbox.world.simulation import Simulation
    from onefile_sandbox.world.table import Row

_POINTERS = {
    "PlacementID": "placements",
    "ClassroomID": "classrooms",
    "DefaultAssessorID": "assessors",
    "DefaultEmployerID": "employers",
}
_STAFF = [stream for stream in ROLES if stream not in LEARNERS]


def join(sim: Simulation, rng: SeededRandom, _: int) -> None:
    """Let a learner begin."""
    organisation_id = rng.pick(sim.ids("organisations"))
    enrol(sim, rng, organisation_id, sim.world.stamp)


def enrol(sim: Simulation, rng: SeededRandom, organisation_id: int, since: datetime) -> None:
    """Add a learner, with the records that one has at the start, made and last changed at a moment."""
    row = _new_person(rng, since)
    row.update((name, sim.id_in(stream, organisation_id, rng)) for name, stream in _POINTERS.items())
    row.update(
        ULN=details.uln(rng),
        NINO=details.nino(rng) if rng.chance(75) else None,
        HomeAddress=details.address(rng),
        EpisodeName=f"{rng.pick(SUBJECTS)} L{rng.between(2, 5)}",
        DOB=midnight(since.date() - timedelta(days=rng.between(16 * 365, 50 * 365))),
        StartOn=midnight(since.date()),
        PlannedEndDate=midnight(since.date() + timedelta(days=rng.between(365, 800))),
        CentreRegister=midnight(since.date()),
        Progress=0.0,
        ProviderID=0,
        SupportFunding=rng.chance(12),
        LearnerStatusID=learner_status_id(organisation_id, rng),
    )
    add_monitoring(row, rng)
    learner_id = sim.world.add("learners", organisation_id=organisation_id, **row)["ID"]
    standards = sim.world.ids("standards", organisation_id)
    if standards:
        standard_id = rng.pick(standards)
        sim.world.add("learning_aims", UserID=learner_id, StandardID=standard_id, StartDate=row["StartOn"])
        units = [sim.world.get("units", unit_id) for unit_id in sim.world.ids("units", organisation_id)]
        for unit in [unit for unit in units if unit["StandardID"] == standard_id][:3]:
            sim.world.add("unit_summaries", UserID=learner_id, UnitID=unit["ID"], Title=unit["Title"])
    planned = round(rng.between(30_000, 60_000)) / 100
    sim.world.add(
        "off_the_job",
        LearnerID=learner_id,
        ContractedHours=35,
        TargetPercentage=20,
        PlannedOTJ=planned,
        CachedActualHours=0.0,
        PercentOfPlanned=0.0,
    )
    schedule_review(sim, rng, learner_id, least=20, most=60)


def schedule_review(sim: Simulation, rng: SeededRandom, learner_id: int, *, least: int, most: int) -> None:
    """Schedule a review so many days ahead."""
    scheduled = sim.appointment(rng, least, most)
    learner = sim.world.get("learners", learner_id)
    review = sim.world.add(
        "reviews",
        LearnerID=learner_id,
        AssessorID=learner.get("DefaultAssessorID"),
        EmployerID=learner.get("DefaultEmployerID"),
        ScheduledFor=scheduled,
        CreatedOn=sim.world.stamp,
    )
    if scheduled < sim.until:
        sim.later(scheduled, "hold-review", review["ID"])


@of_learner
def change_details(sim: Simulation, rng: SeededRandom, learner: Row) -> None:
    """Let a learner's details change."""
    sim.change("learners", learner, **_new_detail(rng))


def change_staff(sim: Simulation, rng: SeededRandom, _: int) -> None:
    """Let someone else's details change."""
    stream = rng.pick(_STAFF)
    person = sim.one_of(stream, rng)
    if person:
        sim.change(stream, person, **_new_detail(rng))


def import_details(sim: Simulation, rng: SeededRandom, _: int) -> None:
    """Let a nightly import change many learners at the very same moment."""
    moment = sim.world.stamp
    for learner_id in sim.ids("learners"):
        learner = sim.found("learners", learner_id) if rng.below(30) == 0 else None
        if learner:
            sim.change("learners", learner, MISID=f"IMP{learner_id}", LastModified=moment)


@of_learner
def move(sim: Simulation, rng: SeededRandom, learner: Row) -> None:
    """Let a learner change placement, class or assessor."""
    name = rng.pick(list(_POINTERS))
    sim.change("learners", learner, **{name: sim.id_in(_POINTERS[name], learner["OrganisationID"], rng)})


@of_learner
def move_away(sim: Simulation, rng: SeededRandom, learner: Row) -> None:
    """Let a learner change to another organisation, with all of the learner's records."""
    others = [i for i in sim.ids("organisations") if i != learner["OrganisationID"]]
    if others:
        there = rng.pick(others)
        pointers = {name: sim.id_in(stream, there, rng) for name, stream in _POINTERS.items()}
        status = learner_status_id(there, rng)
        sim.change("learners", learner, OrganisationID=there, ProviderID=0, LearnerStatusID=status, **pointers)


@of_learner
def make_progress(sim: Simulation, rng: SeededRandom, learner: Row) -> None:
    """Let a learner's progress grow."""
    progress = round(min(100.0, (learner.get("Progress") or 0.0) + rng.between(10, 600) / 100), 2)
    kept = {} if sim.progress_bumps else {"LastModified": learner["LastModified"]}
    sim.change("learners", learner, Progress=progress, **kept)


@of_learner
def archive(sim: Simulation, _: SeededRandom, learner: Row) -> None:
    """Let a learner be archived."""
    sim.world.archive(learner["ID"])


@of_learner
def delete(sim: Simulation, _: SeededRandom, learner: Row) -> None:
    """Let a learner be deleted, which leaves no trace."""
    sim.world.remove("learners", learner["ID"])


def hire(sim: Simulation, rng: SeededRandom, _: int) -> None:
    """Let someone begin to work for an organisation."""
    _hire(sim, rng, rng.pick(_STAFF), rng.pick(sim.ids("organisations")))


def leave(sim: Simulation, rng: SeededRandom, _: int) -> None:
    """Let someone else than a learner go; some who are pointed to are then no longer found."""
    stream = rng.pick(_STAFF)
    person = sim.one_of(stream, rng)
    if person:
        sim.world.remove(stream, person["ID"])


def change_places(sim: Simulation, rng: SeededRandom, _: int) -> None:
    """Let a placement or a class be opened, renamed or closed."""
    organisation_id = rng.pick(sim.ids("organisations"))
    happens = rng.below(4)
    stream = "placements" if happens % 2 else "classrooms"
    if happens > 1:
        _open_place(sim, rng, stream, organisation_id)
        return
    place = sim.one_of(stream, rng)
    if place:
        closed: Row = {"Active": False} if stream == "placements" else {"Archive": True}
        sim.change(stream, place, **(closed if rng.chance(50) else {"Name": f"{place['Name']} (new)"}))


def open_organisation(sim: Simulation, rng: SeededRandom, _: int) -> None:
    """Let the customer take over a centre, with learners whose records are old."""
    count = len(sim.ids("organisations")) + 1
    organisation_id = sim.world.add("organisations", Name=f"{rng.pick(CENTRES)} {count}")["ID"]
    for stream in ("classrooms", "placements", "placements"):
        _open_place(sim, rng, stream, organisation_id)
    for stream in ("assessors", "employers"):
        _hire(sim, rng, stream, organisation_id)
    for _number in range(rng.between(3, 8)):
        since = sim.world.now - timedelta(days=rng.between(90, 700), milliseconds=rng.below(86_400_000))
        enrol(sim, rng, organisation_id, since)


def _new_person(rng: SeededRandom, since: datetime) -> Row:
    row = login(rng, rng.between(1, 9_999_999), 0, since)
    del row["ID"], row["Role"]
    row["CreatedOn"] = since
    return row


def _new_detail(rng: SeededRandom) -> Row:
    first, last = details.full_name(rng)
    inventions: tuple[Callable[[], Row], ...] = (
        lambda: {"LastName": last},
        lambda: {"Email": details.email(rng, first, last, rng.below(10_000))},
        lambda: {"Telephone": details.telephone(rng)},
        lambda: {"MobileNumber": details.mobile(rng) if rng.chance(80) else None},
        lambda: {"MISID": f"MIS{rng.below(100_000)}"},
    )
    return rng.pick(inventions)()


def _hire(sim: Simulation, rng: SeededRandom, stream: str, organisation_id: int) -> None:
    row = _new_person(rng, sim.world.stamp)
    if stream in AT_A_PLACEMENT:
        row.update(PlacementID=sim.id_in("placements", organisation_id, rng), CompanyName=rng.pick(COMPANIES))
    sim.world.add(stream, organisation_id=organisation_id, **row)


def _open_place(sim: Simulation, rng: SeededRandom, stream: str, organisation_id: int) -> None:
    if stream == "placements":
        name = f"{rng.pick(COMPANIES)} {rng.below(1000)}"
        address = details.address(rng, name)
        sim.world.add(stream, organisation_id=organisation_id, Name=name, Active=True, Address=address, MISID=None)
    else:
        name = f"{rng.pick(SUBJECTS)} {sim.world.now:%b %y} #{rng.below(1000)}"
        start = midnight(sim.world.now.date())
        sim.world.add(stream, organisation_id=organisation_id, Name=name, StartOn=start, Archive=False, MISID=None)
