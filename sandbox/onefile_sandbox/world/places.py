"""Invents what is not a person: the customer, organisations, classrooms, placements, providers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from onefile_sandbox.world import details
from onefile_sandbox.world.names import CENTRES, COMPANIES, COMPANY_ENDINGS, SUBJECTS
from onefile_sandbox.world.seeded import SeededRandom
from onefile_sandbox.world.timestamps import NOT_SET, midnight

if TYPE_CHECKING:
    from onefile_sandbox.world.population import Population
    from onefile_sandbox.world.table import Row


def customer(population: Population) -> Row:
    """Invent the customer that the token belongs to."""
    name = SeededRandom(population.seed, "customer name").pick(CENTRES)
    return {"ID": population.customer_id, "Name": f"{name} (invented)"}


def organisation(population: Population, record_id: int) -> Row:
    """Invent an organisation, which OneFile's screens call a centre."""
    rng = SeededRandom(population.seed, "organisations", record_id)
    number = population.organisation_ids.index(record_id) + 1
    return {
        "ID": record_id,
        "CustomerID": population.customer_id,
        "Name": f"{rng.pick(CENTRES)} {number}",
        "KeychainCreationForNewUserActive": rng.chance(40),
        "KeychainEmailSuppression": rng.chance(20),
    }


def classroom(population: Population, record_id: int) -> Row:
    """Invent a class."""
    where, rank = population.id_ranges["classrooms"].locate(record_id)
    rng = SeededRandom(population.seed, "classrooms", record_id)
    start = (population.today - timedelta(days=rng.below(1000))).date()
    message = "Well done!\r\nYour portfolio is complete \u2013 llongyfarchiadau."
    return {
        "ID": record_id,
        "Name": f"{rng.pick(SUBJECTS)} L{rng.between(2, 5)} {start:%b %y} #{rank + 1}",
        "MISID": f"CLS{record_id}" if rng.chance(85) else None,
        "OrganisationID": population.organisation_ids[where],
        "StartOn": midnight(start) if rng.chance(90) else rng.pick((NOT_SET, None)),
        "Archive": rng.chance(15),
        "CompletionMessage": message if rng.chance(30) else None,
        "SendCompletionMessage": rng.chance(30),
        "IVFinalSignOff": rng.chance(50),
    }


def placement(population: Population, record_id: int) -> Row:
    """Invent an employer's site."""
    rng = SeededRandom(population.seed, "placements", record_id)
    name = f"{rng.pick(COMPANIES)} {rng.pick(COMPANY_ENDINGS)}"
    if rng.chance(3):
        # Control characters do occur in customers' placement names.
        name = name.replace(" ", rng.pick(("\t", "\x0b", "\u00a0", "\x1f")), 1)
    first, last = details.full_name(rng)
    return {
        "ID": record_id,
        "Name": name,
        "MISID": f"PL{record_id}" if rng.chance(70) else None,
        "OrganisationID": population.home("placements", record_id),
        "Active": rng.chance(88),
        "Address": details.address(rng, name) if rng.chance(90) else None,
        "Contact": f"{first} {last}" if rng.chance(60) else None,
        "Email": details.email(rng, first, last, record_id) if rng.chance(50) else None,
        "Fax": details.telephone(rng) if rng.chance(5) else None,
        "Telephone": details.telephone(rng) if rng.chance(65) else None,
        "Web": f"https://www.example.com/{record_id}" if rng.chance(25) else None,
    }


def provider(population: Population, record_id: int) -> Row:
    """Invent a sub-contractor."""
    where, rank = population.id_ranges["providers"].locate(record_id)
    rng = SeededRandom(population.seed, "providers", record_id)
    return {
        "ID": record_id,
        "Name": f"{rng.pick(CENTRES)} Partners {rank + 1}",
        "OrganisationID": population.organisation_ids[where],
    }
