"""What a perfect reader of the API gets, against which a tap is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onefile_sandbox.api.answers import Refusal
from onefile_sandbox.api.search import Found
from onefile_sandbox.world.entities import CUSTOMER, ENTITY_OF
from onefile_sandbox.world.people import ROLES
from onefile_sandbox.world.table import ChildTable

if TYPE_CHECKING:
    from collections.abc import Collection

    from onefile_sandbox.api.rendering import Renderer
    from onefile_sandbox.api.search import Search
    from onefile_sandbox.world.world import World


@dataclass(frozen=True)
class Reader:
    """Reads every stream by the calls that give the most with the fewest: pages where there are pages."""

    world: World
    search: Search
    renderer: Renderer

    def records(self, stream: str, *, details: bool = False) -> list[dict[str, Any]]:
        """Give a stream's records as they are sent, with the ids of the parents that the reader asked with."""
        if stream == "customers":
            return [self.renderer.render(CUSTOMER, self.world.customer, rich=True)]
        entity = ENTITY_OF[stream]
        rich = self.renderer.pages_are_rich(entity) or (details and entity.is_read)
        found = self.found(stream)
        rows = (found.table(record_id).row(record_id) for record_id in found.ids)
        return [self.renderer.render(entity, row, rich=rich, carried=True) for row in rows]

    def counts(self) -> dict[str, int]:
        """Count the rows of every stream."""
        return {"customers": 1, **{stream: len(self.found(stream).ids) for stream in ENTITY_OF}}

    def warm(self, streams: Collection[str]) -> None:
        """Invent the rows of some streams now, by default of all people and places, but not of their many children."""
        for stream in streams or (s for s in ENTITY_OF if not isinstance(self.world.table(s), ChildTable)):
            entity = ENTITY_OF[stream]
            # A search without pages gives the fewest fields, whatever pages give.
            for rich in {False, self.renderer.pages_are_rich(entity)}:
                self.renderer.encoded(entity, self.found(stream), rich=rich)

    def found(self, stream: str) -> Found:
        """Find all records that a reader can come by; none of a role that cannot be searched for."""
        entity = ENTITY_OF[stream]
        if entity.is_searched and not self.search.needs_parent(entity):
            role = {"role": ROLES[stream]} if stream in ROLES else {}
            try:
                return self.search.find(entity, role)
            except Refusal:
                return Found((), ())
        # Sent for one parent at a time, so only for parents that can be found themselves.
        table = self.world.children(stream)
        parents = self.world.ids("organisations" if table.parent == "OrganisationID" else "learners")
        return Found((table,), [record_id for parent_id in parents for record_id in table.of(parent_id)])
