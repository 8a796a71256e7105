"""Invents what can be learnt: standards, their units, and what each organisation has of them."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from onefile_sandbox.world.names import SUBJECTS
from onefile_sandbox.world.people import LOOK_UP_IDS
from onefile_sandbox.world.seeded import SeededRandom, hash64

if TYPE_CHECKING:
    from onefile_sandbox.world.population import Population
    from onefile_sandbox.world.rows import Row

UNITS = 6
"""How many units each standard has."""
MOST_ASSIGNED = 1000
"""How many ids each organisation has for its assigned standards."""
IN_PROGRESS = 0
ACHIEVED = 1
WITHDRAWN = 2

_FIRST_STANDARD = 4001
_LEVELS = (2, 3)
_FEWEST_ASSIGNED = 4
_ASSIGNED_IN_A_HUNDRED = 50
_LEARNER_STATUSES = ("Active", "Active - Cause for Concern", "Withdrawn", "Completed", "Archive", "Break in Learning")
AIM_STATUSES = ("In progress", "Achieved", "Withdrawn", "Transferred", "Break in Learning")


class Catalogue:
    """All that the customer's learners may be enrolled on; small, whatever the customer's size."""

    def __init__(self, population: Population) -> None:
        """Begin a catalogue.

        Args:
            population: The customer.
        """
        self._population = population
        self._seed = population.seed
        self.assigned = lru_cache(maxsize=1024)(self._assigned)

    @cached_property
    def standards(self) -> dict[int, Row]:
        """All standards, by id."""
        titles = [(subject, level) for subject in SUBJECTS for level in _LEVELS]
        return {
            _FIRST_STANDARD + place: {
                "ID": _FIRST_STANDARD + place,
                "CustomerID": self._population.customer_id,
                "Title": f"{'City & Guilds' if level % 2 else 'Apprenticeship'} Level {level} {subject}",
                "Level": level,
            }
            for place, (subject, level) in enumerate(titles)
        }

    @cached_property
    def units(self) -> dict[str, Row]:
        """All units, by id."""
        units = (self._unit(standard_id, place) for standard_id in self.standards for place in range(UNITS))
        return {str(row["ID"]): row for row in units}

    def units_of(self, standard_id: int) -> list[str]:
        """Give the ids of a standard's units."""
        return [unit_id(standard_id, place) for place in range(UNITS)] if standard_id in self.standards else []

    def _unit(self, standard_id: int, place: int) -> Row:
        rng = SeededRandom(self._seed, "units", standard_id, place)
        return {
            "ID": unit_id(standard_id, place),
            "StandardID": standard_id,
            "Title": f"{rng.pick(('Health & safety', 'Communication', 'Equality', 'Sgiliau', 'Working to a brief'))}"
            f" {place + 1}",
            "NDAQCode": f"{rng.pick('AFHJKLMRTY')}/{rng.below(1000):03d}/{rng.below(10_000):04d}"
            if rng.chance(70)
            else None,
            "Display": f"Unit {place + 1}" if rng.chance(60) else None,
        }

    def _assigned(self, organisation_id: int) -> tuple[int, ...]:
        """Give the ids of the standards that are in use in an organisation."""
        drawn = [(hash64(self._seed, "assigned", organisation_id, s) % 100, s) for s in self.standards]
        least = sorted(drawn)[:_FEWEST_ASSIGNED]
        return tuple(sorted(s for chance, s in drawn if chance < _ASSIGNED_IN_A_HUNDRED or (chance, s) in least))

    def assigned_standard(self, key: int) -> Row:
        """Tell of one standard that an organisation has in use."""
        organisation_id, place = divmod(key, MOST_ASSIGNED)
        standard_id = self.assigned(organisation_id)[place]
        return {
            "_Key": key,
            "OrganisationID": organisation_id,
            "ID": standard_id,
            "Title": self.standards[standard_id]["Title"],
        }

    def framework_template(self, record_id: int) -> Row:
        """Invent a template that an organisation enrols learners with."""
        organisation_id, place = divmod(record_id, LOOK_UP_IDS)
        standards = self.assigned(organisation_id)
        title = self.standards[standards[place % len(standards)]]["Title"]
        return {"ID": record_id, "OrganisationID": organisation_id, "Title": f"{title} (framework {place + 1})"}

    def framework_templates(self, organisation_id: int) -> int:
        """Say how many templates an organisation has."""
        return 2 + hash64(self._seed, "framework_templates", organisation_id) % 4


def unit_id(standard_id: int, place: int) -> str:
    """Give a unit's id: text, and not always of the kind that can stand in a path as it is."""
    if place == UNITS - 1:
        return f"AB_UNIT{standard_id}"
    if place == UNITS - 2:
        return f"{standard_id}/Unit {place}"
    return f"2017S{standard_id}_0_{place + 1}"


def learner_status(record_id: int) -> Row:
    """Tell one of an organisation's own learner statuses."""
    organisation_id, place = divmod(record_id, LOOK_UP_IDS)
    return {"ID": record_id, "OrganisationID": organisation_id, "Name": _LEARNER_STATUSES[place]}


def learning_aim_status(key: int) -> Row:
    """Tell one of the statuses that a learning aim can have, which are the same everywhere."""
    organisation_id, place = divmod(key, LOOK_UP_IDS)
    return {"_Key": key, "OrganisationID": organisation_id, "ID": place, "Name": AIM_STATUSES[place]}
