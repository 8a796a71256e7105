"""Invents people: learners and everyone else who has a login."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from onefile_sandbox.world import details
from onefile_sandbox.world.names import COMPANIES, SUBJECTS
from onefile_sandbox.world.population import LEARNERS
from onefile_sandbox.world.programme import programme
from onefile_sandbox.world.seeded import SeededRandom
from onefile_sandbox.world.table import SLOTS
from onefile_sandbox.world.timestamps import NOT_SET, last_change, midnight

if TYPE_CHECKING:
    from datetime import date, datetime

    from onefile_sandbox.world.population import IdRange, Population
    from onefile_sandbox.world.programme import Programme
    from onefile_sandbox.world.table import Row

ROLES = {
    "learners": 1,
    "archived_learners": 2,
    "trainee_assessors": 4,
    "assessors": 5,
    "iqas": 10,
    "lead_iqas": 11,
    "employers": 40,
    "observers": 45,
    "eqas": 50,
    "centre_monitors": 60,
    "user_managers": 62,
    "centre_managers": 65,
}
"""Stream to role id (API page, section 5)."""
SUPPORTED_ROLES = frozenset({1, 4, 5, 10, 40, 45})
"""The roles that the vendor calls supported in the API."""
AT_A_PLACEMENT = frozenset({"employers", "observers"})

LEARNER_STATUSES = ("Active", "Active - Cause for Concern", "Withdrawn", "Completed", "Archive", "Break in Learning")
"""The learner statuses of its own that each organisation has."""

_ETHNICITIES = ("31", "32", "34", "35", "39", "40", "44", "45", "47", "98", "99", "11", "12")
_LEARNING_DIFFICULTIES = ("1", "2", "10", "98", "99")
_LLDD_CODES = ("4", "5", "9", "10", "12", "13", "93", "98")


def person(population: Population, stream: str, record_id: int) -> Row:
    """Invent the person who has an id."""
    organisation, rank = population.id_ranges[stream].locate(record_id)
    rng = SeededRandom(population.seed, stream, record_id)
    changed = last_change(population.seed, population.today, record_id)
    row = login(rng, record_id, ROLES[stream], changed)
    row["OrganisationID"] = population.organisation_ids[organisation]
    if stream in LEARNERS:
        _add_learning(row, rng, population, organisation, rank)
        _add_dates(row, rng, population.today.date(), programme(population, record_id))
        add_monitoring(row, rng)
    elif stream in AT_A_PLACEMENT:
        row["PlacementID"] = population.id_ranges["placements"].one_for(rng, organisation, rank)
        company = rng.pick(COMPANIES)
        row["CompanyName"] = company
        row["Website"] = "https://www.example.com/" if rng.chance(30) else None
        row["WorkAddress"] = details.address(rng, company) if rng.chance(70) else None
    return row


@lru_cache(maxsize=4096)
def learner_at_start(population: Population, learner_id: int) -> Row:
    """Give a learner, archived or not, as it was at the start."""
    return person(population, population.stream_of_learner(learner_id), learner_id)


def login(rng: SeededRandom, record_id: int, role: int, changed: datetime) -> Row:
    """Invent what everyone has who can log in."""
    first, last = details.full_name(rng)
    misid = f"{details.plain(last)[:6].upper() or 'X'}{record_id % 100_000:05d}"
    if rng.chance(2):
        # Duplicates are a known fault of customers' data: some people share the id of another.
        misid = f"DUP{record_id % 7}"
    return {
        "ID": record_id,
        "Username": f"{(details.plain(last) + 'USER')[:8].upper()}{record_id % 1000}",
        "FirstName": first,
        "LastName": last,
        "MISID": misid if rng.chance(90) else None,
        "Email": details.email(rng, first, last, record_id) if rng.chance(96) else None,
        "Role": role,
        "Telephone": details.telephone(rng) if rng.chance(50) else None,
        "MobileNumber": details.mobile(rng) if rng.chance(70) else None,
        "CreatedOn": changed - timedelta(days=rng.between(1, 700), seconds=rng.below(80_000)),
        "LastModified": changed,
    }


def _add_learning(row: Row, rng: SeededRandom, population: Population, organisation: int, rank: int) -> None:
    id_ranges = population.id_ranges
    placed = rng.chance(92)
    subject = f"{rng.pick(SUBJECTS)} L{rng.between(2, 5)}"
    row.update(
        PlacementID=id_ranges["placements"].one_for(rng, organisation, rank) if placed else None,
        ClassroomID=id_ranges["classrooms"].one_for(rng, organisation, rank),
        DefaultAssessorID=_someone(rng, id_ranges["assessors"], organisation, rank, percent=94),
        DefaultEmployerID=_someone(rng, id_ranges["employers"], organisation, rank, percent=60),
        ProviderID=_someone(rng, id_ranges["providers"], organisation, rank, percent=15),
        EpisodeName=subject if rng.chance(97) else None,
        HomeAddress=details.address(rng) if rng.chance(90) else None,
        CompanyName=rng.pick(COMPANIES) if placed and rng.chance(60) else None,
        Website=None,
        WorkAddress=details.address(rng) if rng.chance(25) else None,
        ULN=details.uln(rng) if rng.chance(88) else None,
        NINO=details.nino(rng) if rng.chance(75) else None,
        SupportFunding=rng.chance(12),
        LearnerStatusID=learner_status_id(population.organisation_ids[organisation], rng),
    )


def _someone(rng: SeededRandom, id_range: IdRange, organisation: int, rank: int, *, percent: int) -> int | None:
    if rng.chance(percent):
        return id_range.one_for(rng, organisation, rank)
    # "None" is id 0 in the vendor's export.
    return 0 if rng.chance(60) else None


def learner_status_id(organisation_id: int, rng: SeededRandom) -> int | None:
    """Draw the id of one of an organisation's own learner statuses; most learners have none."""
    number = rng.below(len(LEARNER_STATUSES))
    return organisation_id * SLOTS + number if rng.chance(45) else None


def _add_dates(row: Row, rng: SeededRandom, today: date, course: Programme) -> None:
    planned = rng.below(100)
    born = midnight(today - timedelta(days=rng.between(16 * 365, 55 * 365)))
    row["DOB"] = born if rng.chance(94) else rng.pick((NOT_SET, None))
    row["StartOn"] = midnight(course.start) if rng.chance(96) else None
    if planned < 85:  # noqa: PLR2004 - a share of a hundred
        row["PlannedEndDate"] = midnight(course.end)
    else:
        row["PlannedEndDate"] = NOT_SET if planned % 2 else None
    row["CentreRegister"] = midnight(course.start) if rng.chance(60) else rng.pick((NOT_SET, None))
    row["Progress"] = round(course.done(today) * rng.between(4_000, 10_000)) / 100 if rng.chance(95) else None


def add_monitoring(row: Row, rng: SeededRandom) -> None:
    """Invent what a learner is monitored by: L12 to L16 and the like."""
    considers = rng.chance(18)
    codes = [rng.pick(_LLDD_CODES) for _ in range(rng.below(3))] if considers else []
    row.update(
        L12=rng.pick(_ETHNICITIES) if rng.chance(92) else None,
        L13=rng.pick("FM9") if rng.chance(95) else None,
        L14=("1" if considers else rng.pick("29")) if rng.chance(93) else None,
        L15=rng.pick(("1", "4", "9", "90")) if considers else rng.pick(("98", "99", None)),
        L16=rng.pick(_LEARNING_DIFFICULTIES) if rng.chance(85) else None,
        PrimaryLLDDCode=rng.pick(_LLDD_CODES) if considers else None,
        SecondaryLLDDCodes=codes if rng.chance(80) else None,
        LearningDifficultyAndDisabilityID=rng.between(1, 9) if considers else None,
    )
