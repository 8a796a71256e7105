"""Streams that cost a call for each learner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from typing_extensions import override

from tap_onefile.errors import NotFound, UnusableRecord, WrongAddress
from tap_onefile.fields import to_integer
from tap_onefile.paging import PageSequence, new_rows
from tap_onefile.reads import Get, Search
from tap_onefile.streams.organisations import OrganisationStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tap_onefile.read_ahead import ReadAhead
    from tap_onefile.reads import Read


class LearnerIds:
    """Which learners an organisation has, whether or not anything about them has changed.

    What hangs from a learner can change without the learner's own record changing, so it must not hang from a stream of
    changed learners. The ids of one organisation are kept, as several streams want them one after the other.

    Args:
        read_ahead: Makes the calls.
        fetch: Makes one call.
        list_all: Reads a search in one call.
        page_size: The rows that a page is asked for.
    """

    def __init__(
        self,
        read_ahead: ReadAhead,
        fetch_at_once: Callable[[Read, int], list[dict[str, Any]]],
        list_all: Callable[[Search], list[dict[str, Any]]],
        page_size: int,
    ) -> None:
        self._read_ahead = read_ahead
        self._fetch_at_once = fetch_at_once
        self._list_all = list_all
        self._page_size = page_size
        self._organisation: int | None = None
        self._ids: list[int] = []

    @staticmethod
    def search(organisation: int) -> Search:
        """Make the search for the learners of an organisation.

        Args:
            organisation: Its id.

        Returns:
            The search.
        """
        return Search.of("User", {"OrganisationID": organisation, "Role": 1}, "learners of the organisation")

    def __call__(self, organisation: int) -> list[int]:
        """List the learners of an organisation.

        Args:
            organisation: Its id.

        Returns:
            Their ids, in OneFile's order.

        Raises:
            WrongAddress: OneFile knows no such search.
            UnusableRecord: A learner has no usable id.
        """
        if self._organisation != organisation:
            search = self.search(organisation)
            pages = self._read_ahead.pages(search)
            rows = new_rows(
                PageSequence("learners", "ID", self._page_size),
                pages,
                lambda page: self._fetch_at_once(search, page),
                lambda: self._list_all(search),
                lambda: self._read_ahead.counted(search),
            )
            try:
                self._ids = [_id_of(row) for page in rows for row in page]
            except NotFound as absence:
                # Every customer has this search, so what hangs from learners must not be taken for what is not offered.
                raise WrongAddress(str(absence)) from None
            self._organisation = organisation
        return self._ids


def _id_of(learner: dict[str, Any]) -> int:
    try:
        return to_integer(learner.get("ID"))
    except ValueError:
        raise UnusableRecord(
            "OneFile sent a learner without a usable ID, so that what hangs from the learner cannot be asked for."
            " Please report it, and deselect the stream until it is mended.",
        ) from None


class EachLearnerStream(OrganisationStream):
    """A stream with a call for each learner of an organisation; off by default, as that is many calls."""

    path: ClassVar[str]
    """The path of the call, with `{learner}` for the id."""

    is_list: ClassVar[bool] = True
    """Whether the call gives a list, or one object."""

    learner_field: ClassVar[str]
    """The field that holds the learner's id, which the row may leave out."""

    selected_by_default = False
    changes_rows = True

    @classmethod
    @override
    def call(cls) -> str:
        return f"GET /{cls.path}"

    @override
    def get_reads_ahead(self, context: Mapping[str, Any]) -> list[Read]:
        return []

    @override
    def estimate_calls(self, context: Mapping[str, Any]) -> int:
        return len(self.onefile.learner_ids(context["OrganisationID"]))

    @override
    def get_rows(self, context: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        learners = self.onefile.learner_ids(context["OrganisationID"])
        paths = [self.path.format(learner=learner) for learner in learners]
        reads = [Get(path, self.name, is_list=self.is_list) for path in paths]
        for place, page in self.get_many(reads, lambda place: self._has_gone(learners[place])):
            for row in page:
                if not row.keys() & self.schema["properties"].keys():
                    raise UnusableRecord(
                        f"OneFile sent something else in place of {self.name}: no field of it is known. Run again, and"
                        " report it if it persists.",
                    )
                yield row if row.get(self.learner_field) else {**row, self.learner_field: learners[place]}

    def _has_gone(self, learner: int) -> bool:
        read = Get(f"User/{learner}", self.name, is_list=False, record_id=str(learner))
        try:
            self.onefile.fetch_at_once(read, 1)
        except NotFound:
            return True
        return False
