"""Invents people: learners and everyone else who has a login."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from onefile_sandbox.world import details
from onefile_sandbox.world.names import COMPANIES, SUBJECTS
from onefile_sandbox.world.programme import programme
from onefile_sandbox.world.seeded import Dice
from onefile_sandbox.world.timestamps import NOT_SET, last_change, midnight

if TYPE_CHECKING:
    from datetime import date, datetime

    from onefile_sandbox.world.population import Population, Stock
    from onefile_sandbox.world.programme import Programme
    from onefile_sandbox.world.rows import Row

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

LOOK_UP_IDS = 10
"""How many ids each organisation has for a look-up of its own."""
LEARNER_STATUSES = 6
"""How many learner statuses of its own each organisation has."""

_LEARNER_KINDS = frozenset({1, 2})
_AT_A_PLACEMENT = frozenset({40, 45})
_ETHNICITIES = ("31", "32", "34", "35", "39", "40", "44", "45", "47", "98", "99", "11", "12")
_LEARNING_DIFFICULTIES = ("1", "2", "10", "98", "99")
_LLDD_CODES = ("4", "5", "9", "10", "12", "13", "93", "98")


def person(population: Population, stream: str, record_id: int) -> Row:
    """Invent the person who has an id.

    Args:
        population: Where everybody is.
        stream: Which kind of person it is.
        record_id: The person's id.

    Returns:
        All that is known of the person; a field without data is None.
    """
    role = ROLES[stream]
    organisation, rank = population.stocks[stream].locate(record_id)
    dice = Dice(population.seed, stream, record_id)
    changed = last_change(population.seed, population.today, record_id)
    row = login(dice, record_id, role, changed)
    row["OrganisationID"] = population.organisation_ids[organisation]
    if role in _LEARNER_KINDS:
        _add_learning(row, dice, population, organisation, rank)
        _add_dates(row, dice, population.today.date(), programme(population, record_id))
        add_monitoring(row, dice)
    elif role in _AT_A_PLACEMENT:
        row["PlacementID"] = population.stocks["placements"].one_for(dice, organisation, rank)
        company = dice.pick(COMPANIES)
        row["CompanyName"] = company
        row["Website"] = "https://www.example.com/" if dice.chance(30) else None
        row["WorkAddress"] = details.address(dice, company) if dice.chance(70) else None
    return row


def login(dice: Dice, record_id: int, role: int, changed: datetime) -> Row:
    """Invent what everyone has who can log in."""
    first, last = details.full_name(dice)
    misid = f"{details.plain(last)[:6].upper() or 'X'}{record_id % 100_000:05d}"
    if dice.chance(2):
        # Duplicates are a known fault of customers' data: some people share the id of another.
        misid = f"DUP{record_id % 7}"
    return {
        "ID": record_id,
        "Username": f"{(details.plain(last) + 'USER')[:8].upper()}{record_id % 1000}",
        "FirstName": first,
        "LastName": last,
        "MISID": misid if dice.chance(90) else None,
        "Email": details.email(dice, first, last, record_id) if dice.chance(96) else None,
        "Role": role,
        "Telephone": details.telephone(dice) if dice.chance(50) else None,
        "MobileNumber": details.mobile(dice) if dice.chance(70) else None,
        "CreatedOn": changed - timedelta(days=dice.between(1, 700), seconds=dice.below(80_000)),
        "LastModified": changed,
    }


def _add_learning(row: Row, dice: Dice, population: Population, organisation: int, rank: int) -> None:
    stocks = population.stocks
    placed = dice.chance(92)
    subject = f"{dice.pick(SUBJECTS)} L{dice.between(2, 5)}"
    row.update(
        PlacementID=stocks["placements"].one_for(dice, organisation, rank) if placed else None,
        ClassroomID=stocks["classrooms"].one_for(dice, organisation, rank),
        DefaultAssessorID=_someone(dice, stocks["assessors"], organisation, rank, percent=94),
        DefaultEmployerID=_someone(dice, stocks["employers"], organisation, rank, percent=60),
        ProviderID=_someone(dice, stocks["providers"], organisation, rank, percent=15),
        EpisodeName=subject if dice.chance(97) else None,
        HomeAddress=details.address(dice) if dice.chance(90) else None,
        CompanyName=dice.pick(COMPANIES) if placed and dice.chance(60) else None,
        Website=None,
        WorkAddress=details.address(dice) if dice.chance(25) else None,
        ULN=details.uln(dice) if dice.chance(88) else None,
        NINO=details.nino(dice) if dice.chance(75) else None,
        SupportFunding=dice.chance(12),
        LearnerStatusID=learner_status_id(population.organisation_ids[organisation], dice),
    )


def _someone(dice: Dice, stock: Stock, organisation: int, rank: int, *, percent: int) -> int | None:
    if dice.chance(percent):
        return stock.one_for(dice, organisation, rank)
    # "None" is told as id 0 by the vendor's export.
    return 0 if dice.chance(60) else None


def learner_status_id(organisation_id: int, dice: Dice) -> int | None:
    """Draw the id of one of an organisation's own learner statuses; most learners have none."""
    number = dice.below(LEARNER_STATUSES)
    return organisation_id * LOOK_UP_IDS + number if dice.chance(45) else None


def _add_dates(row: Row, dice: Dice, today: date, course: Programme) -> None:
    planned = dice.below(100)
    born = midnight(today - timedelta(days=dice.between(16 * 365, 55 * 365)))
    row["DOB"] = born if dice.chance(94) else dice.pick((NOT_SET, None))
    row["StartOn"] = midnight(course.start) if dice.chance(96) else None
    if planned < 85:  # noqa: PLR2004 - a share of a hundred
        row["PlannedEndDate"] = midnight(course.end)
    else:
        row["PlannedEndDate"] = NOT_SET if planned % 2 else None
    row["CentreRegister"] = midnight(course.start) if dice.chance(60) else dice.pick((NOT_SET, None))
    row["Progress"] = round(course.done(today) * dice.between(4_000, 10_000)) / 100 if dice.chance(95) else None


def add_monitoring(row: Row, dice: Dice) -> None:
    """Invent what a learner is monitored by: L12 to L16 and the like."""
    considers = dice.chance(18)
    codes = [dice.pick(_LLDD_CODES) for _ in range(dice.below(3))] if considers else []
    row.update(
        L12=dice.pick(_ETHNICITIES) if dice.chance(92) else None,
        L13=dice.pick("FM9") if dice.chance(95) else None,
        L14=("1" if considers else dice.pick("29")) if dice.chance(93) else None,
        L15=dice.pick(("1", "4", "9", "90")) if considers else dice.pick(("98", "99", None)),
        L16=dice.pick(_LEARNING_DIFFICULTIES) if dice.chance(85) else None,
        PrimaryLLDDCode=dice.pick(_LLDD_CODES) if considers else None,
        SecondaryLLDDCodes=codes if dice.chance(80) else None,
        LearningDifficultyAndDisabilityID=dice.between(1, 9) if considers else None,
    )
