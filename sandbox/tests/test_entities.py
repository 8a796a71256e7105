"""An entity that is not declared in full is refused at once, in a sentence that says where to look."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from onefile_sandbox import Sandbox, World
from onefile_sandbox.world import tables
from onefile_sandbox.world.entities import ENTITY_OF, Entity

VISIT = Entity(
    "Visit",
    ("visits",),
    thin=("ID", "DateFrom"),
    parent="LearnerID",
    count=lambda *_: 2,
    make=lambda _, visit_id: {"ID": visit_id, "LearnerID": visit_id // 10, "DateFrom": datetime(2025, 9, 1)},  # noqa: DTZ001
)
TABLES, ENTITIES = (f"see sandbox/onefile_sandbox/world/{name}.py" for name in ("tables", "entities"))


@pytest.mark.parametrize(
    ("entity", "sentence"),
    [
        (replace(VISIT, parent=""), f"entity Visit has no table: {TABLES}"),
        (replace(VISIT, make=None), f"entity Visit has a parent, and no make or no count: {ENTITIES}"),
        (replace(VISIT, count=None), f"entity Visit has a parent, and no make or no count: {ENTITIES}"),
        (replace(VISIT, parent="OwnerID"), f"entity Visit has a parent that is none, OwnerID: {ENTITIES}"),
        (replace(VISIT, thin=()), f"entity Visit is searched, and has no ID among its thin fields: {ENTITIES}"),
        (replace(VISIT, is_searched=False), f"entity Visit is neither searched nor part of another: {ENTITIES}"),
    ],
)
def test_an_entity_that_lacks_something(monkeypatch: pytest.MonkeyPatch, entity: Entity, sentence: str) -> None:
    monkeypatch.setitem(tables.ENTITY_OF, "visits", entity)

    with pytest.raises(TypeError) as raised:
        Sandbox()
    assert str(raised.value) == sentence


def test_an_entity_that_lacks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tables.ENTITY_OF, "visits", VISIT)

    world = Sandbox(learners=30).world
    assert len(world.ids("visits")) == 2 * len(world.ids("learners") + world.ids("archived_learners"))


@pytest.mark.parametrize(
    "entity", {entity.name: entity for entity in ENTITY_OF.values()}.values(), ids=lambda entity: entity.name
)
def test_every_moment_is_declared(entity: Entity) -> None:
    world = World(seed=7, learners=200, organisations=2)
    rows = [world.get(stream, record_id) for stream in entity.streams for record_id in world.ids(stream)]

    assert {name for row in rows for name, value in row.items() if isinstance(value, datetime)} == set(entity.moments)


@pytest.mark.parametrize("stream", [stream for stream, entity in ENTITY_OF.items() if entity.parent])
def test_an_added_child_has_all_fields(stream: str) -> None:
    world = World(seed=7, learners=200, organisations=2)
    invented = world.get(stream, world.ids(stream)[0])
    added = world.add(stream)

    assert world.get(stream, added[ENTITY_OF[stream].key]).keys() == invented.keys()
