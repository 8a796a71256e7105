"""Invents what can be learnt: standards, their units, and which of them each organisation uses."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from onefile_sandbox.world.names import SUBJECTS
from onefile_sandbox.world.seeded import SeededRandom, hash64

if TYPE_CHECKING:
    from onefile_sandbox.world.table import Row

UNITS = 6
"""How many units each standard has."""

_FEWEST_ASSIGNED = 4
_ASSIGNED_IN_A_HUNDRED = 50
_UNIT_TITLES = ("Health & safety", "Communication", "Equality", "Sgiliau", "Working to a brief")


class Catalogue:
    """All that the customer's learners may be enrolled on; small, whatever the customer's size."""

    def __init__(self, seed: int, customer_id: int) -> None:
        self._seed = seed
        self._customer_id = customer_id
        self.assigned = lru_cache(maxsize=1024)(self._assigned)

    @cached_property
    def standards(self) -> dict[int, Row]:
        """All standards, by id."""
        titles = [(subject, level) for subject in SUBJECTS for level in (2, 3)]
        return {
            standard_id: {
                "ID": standard_id,
                "CustomerID": self._customer_id,
                "Title": f"{'City & Guilds' if level % 2 else 'Apprenticeship'} Level {level} {subject}",
                "Level": level,
            }
            for standard_id, (subject, level) in enumerate(titles, 4001)
        }

    @cached_property
    def units(self) -> dict[str, Row]:
        """All units, by id."""
        units = (self._unit(standard_id, place) for standard_id in self.standards for place in range(UNITS))
        return {str(row["ID"]): row for row in units}

    def _unit(self, standard_id: int, place: int) -> Row:
        rng = SeededRandom(self._seed, "units", standard_id, place)
        return {
            "ID": unit_id(standard_id, place),
            "StandardID": standard_id,
            "Title": f"{rng.pick(_UNIT_TITLES)} {place + 1}",
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


def unit_id(standard_id: int, place: int) -> str:
    """Give a unit's id: text, and not always of the kind that can stand in a path as it is."""
    if place == UNITS - 1:
        return f"AB_UNIT{standard_id}"
    if place == UNITS - 2:
        return f"{standard_id}/Unit {place}"
    return f"2017S{standard_id}_0_{place + 1}"
