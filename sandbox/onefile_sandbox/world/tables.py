"""Makes the tables of all streams, as they are at the start."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from onefile_sandbox.world import people, places, timestamps
from onefile_sandbox.world.entities import ENTITY_OF
from onefile_sandbox.world.population import LEARNERS
from onefile_sandbox.world.table import ChildTable, Parents, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from onefile_sandbox.world.entities import Entity
    from onefile_sandbox.world.population import Population
    from onefile_sandbox.world.table import Key, Value

_PLACES = {"classrooms": places.classroom, "placements": places.placement, "providers": places.provider}
_HERE = "see sandbox/onefile_sandbox/world/tables.py"
_THERE = "see sandbox/onefile_sandbox/world/entities.py"


def make_tables(population: Population) -> dict[str, Table]:
    """Make all tables of a customer, by stream."""
    tables = {table.stream: table for table in (*_places(population), *_people(population))}
    organisations, learners = Parents(tables["organisations"]), Parents(*(tables[stream] for stream in LEARNERS))
    parents = {"OrganisationID": organisations, "LearnerID": learners, "UserID": learners}
    for stream, entity in ENTITY_OF.items():
        if entity.parent:
            tables[stream] = _children(population, stream, entity, parents)
    tables.update({table.stream: table for table in _qualifications(population, tables["assigned_standards"])})
    for stream, entity in ENTITY_OF.items():
        if stream not in tables:
            raise TypeError(f"entity {entity.name} has no table: {_HERE}")
        if entity.is_searched and "ID" not in entity.thin:
            raise TypeError(f"entity {entity.name} is searched, and has no ID among its thin fields: {_THERE}")
        if not entity.is_searched and not entity.part:
            raise TypeError(f"entity {entity.name} is neither searched nor part of another: {_THERE}")
    return tables


def _places(population: Population) -> Iterable[Table]:
    organisation_ids = population.organisation_ids
    yield Table(
        "organisations",
        lambda only: organisation_ids if only is None else [only] if only in organisation_ids else (),
        partial(places.organisation, population),
    )
    for stream, make in _PLACES.items():
        yield Table(stream, partial(population.ids, stream), partial(make, population))


def _people(population: Population) -> Iterable[Table]:
    changed = partial(timestamps.last_change, population.seed, population.today)
    for stream in people.ROLES:
        home = partial(population.home, stream)
        columns: dict[str, Callable[[Any], Value]] = {"LastModified": changed, "OrganisationID": home}
        make = partial(people.person, population, stream)
        yield Table(stream, partial(population.ids, stream), make, columns=columns)


def _children(population: Population, stream: str, entity: Entity, parents: dict[str, Parents]) -> Table:
    if not entity.make or not entity.count:
        raise TypeError(f"entity {entity.name} has a parent, and no make or no count: {_THERE}")
    if entity.parent not in parents:
        raise TypeError(f"entity {entity.name} has a parent that is none, {entity.parent}: {_THERE}")
    count: Callable[[int], int] = partial(entity.count, population)
    return ChildTable(
        stream,
        partial(entity.make, population),
        parents=parents[entity.parent],
        parent=entity.parent,
        slots=entity.slots,
        count=_of_first_learners(population, count) if entity.learner_field else count,
        # Searches ask for them again and again.
        columns={name: lru_cache(1 << 20)(partial(column, population)) for name, column in entity.columns.items()},
        key=entity.key,
    )


def _qualifications(population: Population, assigned: Table) -> Iterable[Table]:
    offer = population.catalogue

    def standards(organisation_id: int | None) -> Sequence[Key]:
        if organisation_id is None:
            return list(offer.standards)
        ids = {assigned.row(key)["ID"] for key in assigned.ids(organisation_id)}
        return [standard_id for standard_id in offer.standards if standard_id in ids]

    def units(organisation_id: int | None) -> Sequence[Key]:
        if organisation_id is None:
            return sorted(offer.units)
        assigned_here = set(standards(organisation_id))
        return sorted(unit for unit, row in offer.units.items() if row["StandardID"] in assigned_here)

    yield Table("standards", standards, lambda i: dict(offer.standards[i]))
    yield Table("units", units, lambda i: dict(offer.units[i]))


def _of_first_learners(population: Population, count: Callable[[int], int]) -> Callable[[int], int]:
    """Count nothing for learners who were added: their records are added too."""
    current, archived = (population.ids(stream) for stream in LEARNERS)
    return lambda learner_id: count(learner_id) if learner_id in current or learner_id in archived else 0
