"""What a perfect reader of the API gets, against which a tap is measured."""

from __future__ import annotations

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


class Reader:
    """Reads every stream by the calls that tell the most with the fewest: pages where there are pages."""

    def __init__(self, world: World, search: Search, renderer: Renderer) -> None:
        """Begin.

        Args:
            world: The data.
            search: Finds what a search finds.
            renderer: Tells it as the server does.
        """
        self._world = world
        self._search = search
        self._renderer = renderer

    def records(self, stream: str, *, details: bool = False) -> list[dict[str, Any]]:
        """Give a stream's records.

        Args:
            stream: The stream.
            details: Whether each record is completed by a call for its id, where there is one.

        Returns:
            All its rows as they are sent, with the id of what they hang from, which the reader asked with.

        Raises:
            KeyError: When there is no such stream.
        """
        if stream == "customers":
            return [self._renderer.told(CUSTOMER, self._world.customer, rich=True)]
        entity = ENTITY_OF[stream]
        rich = self._renderer.pages_are_rich(entity) or (details and entity.is_read)
        found = self.found(stream)
        records = []
        for record_id in found.ids:
            row = found.table(record_id).row(record_id)
            record = self._renderer.told(entity, row, rich=rich)
            for name in entity.carried:
                if name in row:
                    record[name] = self._renderer.render_value(row, name)
            records.append(record)
        return records

    def counts(self) -> dict[str, int]:
        """Count the rows of every stream."""
        counted = {stream: len(self.found(stream).ids) for stream in ENTITY_OF}
        return {"customers": 1, **counted}

    def warm(self, streams: Collection[str]) -> None:
        """Invent the rows that are told of some streams, so that no call waits for them.

        Args:
            streams: Which; if none, all people and places, but not the many rows that hang from them.

        Raises:
            KeyError: When there is no such stream.
        """
        for stream in streams or (s for s in ENTITY_OF if not isinstance(self._world.table(s), ChildTable)):
            entity = ENTITY_OF[stream]
            # A search without pages tells the least, whatever pages tell.
            for rich in {False, self._renderer.pages_are_rich(entity)}:
                self._renderer.encoded(entity, self.found(stream), rich=rich)

    def found(self, stream: str) -> Found:
        """Find all that a reader can come by.

        Args:
            stream: The stream.

        Returns:
            The records; none of a role that cannot be searched for.
        """
        entity = ENTITY_OF[stream]
        if entity.is_searched and not self._search.needs_parent(entity):
            role = {"role": ROLES[stream]} if stream in ROLES else {}
            try:
                return self._search.find(self._search.parse(entity, role))
            except Refusal:
                return Found((), ())
        # Told for one owner at a time, so only for owners that can be found themselves.
        return Found((self._world.table(stream),), self._of_all_parents(stream))

    def _of_all_parents(self, stream: str) -> list[Any]:
        table = self._world.children(stream)
        parents = self._world.ids("organisations" if table.parent == "OrganisationID" else "learners")
        return [record_id for parent_id in parents for record_id in table.of(parent_id)]
