"""The short lists of an organisation: its statuses, the standards that it has assigned, its templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onefile_sandbox.world.people import LEARNER_STATUSES
from onefile_sandbox.world.seeded import hash64
from onefile_sandbox.world.table import SLOTS

if TYPE_CHECKING:
    from onefile_sandbox.world.population import Population
    from onefile_sandbox.world.table import Row

MOST_ASSIGNED = 1000
AIM_STATUSES = ("In progress", "Achieved", "Withdrawn", "Transferred", "Break in Learning")


def learner_status(_: Population, record_id: int) -> Row:
    """Give one of an organisation's own learner statuses."""
    organisation_id, place = divmod(record_id, SLOTS)
    return {"ID": record_id, "OrganisationID": organisation_id, "Name": LEARNER_STATUSES[place]}


def learning_aim_status(_: Population, key: int) -> Row:
    """Give one of the statuses that a learning aim can have, which are the same everywhere."""
    organisation_id, place = divmod(key, SLOTS)
    return {"_Key": key, "OrganisationID": organisation_id, "ID": place, "Name": AIM_STATUSES[place]}


def assigned_standards(population: Population, organisation_id: int) -> int:
    """Count the standards that are in use in an organisation."""
    return len(population.catalogue.assigned(organisation_id))


def assigned_standard(population: Population, key: int) -> Row:
    """Give one standard that an organisation has in use."""
    organisation_id, place = divmod(key, MOST_ASSIGNED)
    standard_id = population.catalogue.assigned(organisation_id)[place]
    title = population.catalogue.standards[standard_id]["Title"]
    return {"_Key": key, "OrganisationID": organisation_id, "ID": standard_id, "Title": title}


def framework_templates(population: Population, organisation_id: int) -> int:
    """Count the templates of an organisation."""
    return 2 + hash64(population.seed, "framework_templates", organisation_id) % 4


def framework_template(population: Population, record_id: int) -> Row:
    """Invent a template that an organisation enrols learners with."""
    organisation_id, place = divmod(record_id, SLOTS)
    standards = population.catalogue.assigned(organisation_id)
    title = population.catalogue.standards[standards[place % len(standards)]]["Title"]
    return {"ID": record_id, "OrganisationID": organisation_id, "Title": f"{title} (framework {place + 1})"}
