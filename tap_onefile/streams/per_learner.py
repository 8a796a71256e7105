"""Streams that cost a call for each learner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_onefile.errors import NotFound, UnknownObject
from tap_onefile.extract.query import Listing, Record
from tap_onefile.streams.organisations import OrganisationStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_onefile.extract.query import Query


class PerLearnerStream(OrganisationStream):
    """A stream with a call for each learner of an organisation; deselected by default, as that is many calls."""

    is_list: ClassVar[bool] = True
    """Whether the call gives a list, or one object."""
    learner_field: ClassVar[str]
    """The field that holds the learner's id, which the row may leave out."""
    selected_by_default = False

    @override
    def get_queries_ahead(self, context: Mapping[str, Any]) -> list[Query]:
        return []

    @override
    def estimate_context(self, context: Mapping[str, Any]) -> int:
        return len(self.run.reader.learners(context["OrganisationID"]))

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        learners = self.run.reader.learners(context["OrganisationID"])
        queries = [self._query_of(learner) for learner in learners]
        pages = self.run.reader.many(queries, self.row_key, lambda place: self._has_gone(learners[place]))
        for place, page in pages:
            for row in page:
                if not row.keys() & self.schema["properties"].keys():
                    raise UnknownObject(self.name)
                yield row if row.get(self.learner_field) else {**row, self.learner_field: learners[place]}

    def _query_of(self, learner: int) -> Query:
        path, owners = self.path.format(learner=learner), ((self.learner_field, learner),)
        return Listing(path, self.name, owners) if self.is_list else Record(path, self.name, owners=owners)

    def _has_gone(self, learner: int) -> bool:
        try:
            self.run.reader.now(Record(f"User/{learner}", self.name, record_id=str(learner)))
        except NotFound:
            return True
        return False
