"""Finds what a search asks for, in the order in which it is sent, and cuts pages from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any

from onefile_sandbox.api.answers import Refusal
from onefile_sandbox.world import timestamps
from onefile_sandbox.world.entities import ENTITIES, ENTITY_OF
from onefile_sandbox.world.people import ROLES, SUPPORTED_ROLES
from onefile_sandbox.world.seeded import hash64
from onefile_sandbox.world.table import ChildTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from onefile_sandbox.api.behaviour import Behaviour
    from onefile_sandbox.world.entities import Entity
    from onefile_sandbox.world.table import Key, Table
    from onefile_sandbox.world.world import World

_STREAM_OF = {role: stream for stream, role in ROLES.items()}


@dataclass(frozen=True)
class Query:
    """What a search asks for; two that are the same have the same answer."""

    entity: str
    streams: tuple[str, ...]
    organisation_id: int | None
    filters: tuple[tuple[str, str], ...]
    since: datetime | None = None
    parent_id: int | None = None
    window: tuple[datetime | None, datetime | None] = (None, None)


@dataclass(frozen=True)
class Found:
    """What a search finds: ids, in order, and the tables that they are from."""

    tables: tuple[Table, ...]
    ids: Sequence[Any]

    def page(self, page: int, size: int, moved: int = 0) -> Found:
        """Cut out a page, from 1; `moved` rows have been put in front since the first one was read."""
        start = (page - 1) * size - moved
        return Found(self.tables, self.ids[max(0, start) : max(0, start + size)])

    def table(self, record_id: Key) -> Table:
        """Return the table that an id is from."""
        if len(self.tables) == 1:
            return self.tables[0]
        return next(table for table in self.tables if table.holds(record_id))


class Search:
    """Answers queries, and remembers the latest answers until the world changes."""

    def __init__(self, world: World, behaviour: Behaviour) -> None:
        self._world = world
        self._behaviour = behaviour
        self._answer = lru_cache(maxsize=16)(self._find)
        self._shuffles = count(1)

    def find(self, entity: Entity, body: Mapping[str, Any]) -> Found:
        """Find everything that a search asks for, in order, given its parameters by lower-case name."""
        found = self._answer(self._parse(entity, body), self._world.revision)
        if self._behaviour.order == "unstable":
            return self._shuffled(found, next(self._shuffles))
        return found

    def needs_parent(self, entity: Entity) -> bool:
        """Return whether a search must be for one user's records."""
        if entity.needs_parent == "as-configured":
            return self._behaviour.learning_without_user != "all"
        return entity.needs_parent == "always"

    def _parse(self, entity: Entity, body: Mapping[str, Any]) -> Query:
        body = {name: value for name, value in body.items() if name != self._behaviour.ignored_filter.lower()}
        organisation_id = _number(body, "OrganisationID")
        if not entity.in_organisations:
            organisation_id = None
        elif organisation_id is not None:
            self._expect("organisations", organisation_id)
        filters = []
        for name, compare in entity.filters.items():
            value = body.get(name.lower())
            if value in (None, ""):
                continue
            if compare == "number":
                value = _number(body, name)
            if name == "PlacementID" and value is not None:
                self._expect("placements", int(value))
            filters.append((name, str(value).casefold()))
        streams, since = entity.streams, None
        if entity.name == "User":
            streams = self._streams(_number(body, "Role"))
            since = _moment(body, "LastModified")
        parent_id = _number(body, entity.learner_field) if entity.learner_field else None
        if parent_id is None and self.needs_parent(entity):
            if entity.needs_parent == "always" or self._behaviour.learning_without_user == "400":
                raise Refusal(400, f"{entity.learner_field} is required.")
            parent_id = 0
        window = (_moment(body, "DateFrom"), _moment(body, "DateTo")) if entity.window else (None, None)
        return Query(entity.name, streams, organisation_id, tuple(filters), since, parent_id, window)

    def _find(self, query: Query, _revision: int) -> Found:
        found = self._look_up(query)
        if self._behaviour.order == "by-name":
            return Found(found.tables, sorted(found.ids, key=lambda i: _name(found.table(i), i)))
        if self._behaviour.order == "shuffled":
            return self._shuffled(found, 0)
        return found

    def _look_up(self, query: Query) -> Found:
        entity = ENTITIES[query.entity]
        tables = tuple(map(self._world.table, query.streams))
        found: list[Any] = []
        for table in tables:
            ids = self._ids(table, query)
            if query.since:
                ids = [i for i in ids if self._changed_since(table, i, query.since)]
            if any(query.window):
                ids = [i for i in ids if self._within(table, i, query.window)]
            for name, wanted in query.filters:
                matches = self._comparison(entity, name)
                field = entity.fields.get(name, name)
                ids = [i for i in ids if matches(table.value(i, field), wanted)]
            if len(tables) == 1:
                return Found(tables, ids)
            found.extend(ids)
        return Found(tables, sorted(found))

    def _ids(self, table: Table, query: Query) -> Sequence[Any]:
        if not isinstance(table, ChildTable) or not ENTITIES[query.entity].learner_field:
            return table.ids(query.organisation_id)
        parents = table.parents
        shown = parents.holds if self._behaviour.archived_portfolios else parents.is_main
        if query.parent_id is not None:
            wanted = query.organisation_id in {None, parents.organisation(query.parent_id)}
            return table.of(query.parent_id) if wanted and shown(query.parent_id) else ()
        ids = table.ids(query.organisation_id)
        if self._behaviour.archived_portfolios:
            return ids
        return [i for i in ids if shown(table.value(i, table.parent))]

    def _comparison(self, entity: Entity, name: str) -> Callable[[object, str], bool]:
        compare = entity.filters[name]
        if compare == "part" or (compare == "name" and self._behaviour.name_match == "contains"):
            return lambda value, wanted: wanted in str(value or "").casefold()
        return lambda value, wanted: value is not None and str(value).casefold() == wanted

    def _changed_since(self, table: Table, record_id: int, since: datetime) -> bool:
        changed = table.value(record_id, "LastModified")
        if not isinstance(changed, datetime):
            return False
        return changed > since or (self._behaviour.last_modified_inclusive and changed == since)

    def _within(self, table: Table, record_id: int, window: tuple[datetime | None, datetime | None]) -> bool:
        field = ENTITY_OF[table.stream].window
        if table.stream == "reviews" and self._behaviour.review_window == "completed":
            field = "LearnerSignedOn"
        moment = table.value(record_id, field)
        if not isinstance(moment, datetime):
            return False
        begin, end = window
        if begin and moment < begin:
            return False
        return not end or moment < end or (self._behaviour.date_to_inclusive and moment == end)

    def _shuffled(self, found: Found, turn: int) -> Found:
        ids = sorted(found.ids, key=lambda i: hash64(self._world.seed, "order", turn, i))
        return Found(found.tables, ids)

    def _streams(self, role: int | None) -> tuple[str, ...]:
        rule = self._behaviour.unsupported_roles
        if role is None:
            if self._behaviour.role_required:
                raise Refusal(400, "Role is required.")
            return tuple(stream for stream, r in ROLES.items() if rule == "rows" or r in SUPPORTED_ROLES)
        if role in SUPPORTED_ROLES or (rule == "rows" and role in _STREAM_OF):
            return (_STREAM_OF[role],)
        if rule == "400":
            raise Refusal(400, "Role is not supported.")
        return ()

    def _expect(self, stream: str, record_id: int) -> None:
        if not self._world.table(stream).holds(record_id):
            entity = ENTITY_OF[stream]
            raise Refusal(400, f"{entity.name} not found.", entity.not_found)


def _name(table: Table, record_id: Key) -> tuple[str, str, Key]:
    last = table.value(record_id, "LastName") or table.value(record_id, "Name") or table.value(record_id, "Title")
    return str(last).casefold(), str(table.value(record_id, "FirstName")).casefold(), record_id


def _number(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name.lower())
    if value in (None, ""):
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        raise Refusal(400, f"{name} is not a number.") from None


def _moment(body: Mapping[str, Any], name: str) -> datetime | None:
    value = body.get(name.lower())
    if value in (None, ""):
        return None
    try:
        return timestamps.parse(str(value))
    except ValueError:
        raise Refusal(400, f"{name} is not a date.") from None
