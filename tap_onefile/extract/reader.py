"""Reads what streams ask for: whole searches and lists, full records, and the ids of an organisation's learners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tap_onefile.errors import NoDetails, NotFound, QuestionRefused, UnusableRow, WrongAddress
from tap_onefile.extract.prefetch import Prefetch
from tap_onefile.extract.query import Record, Search
from tap_onefile.extract.search import PageSequence, new_rows
from tap_onefile.extract.unpaged import Unpaged
from tap_onefile.records.convert import to_integer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_onefile.api.client import Client
    from tap_onefile.extract.query import Query
    from tap_onefile.reporting.metrics import Metrics
    from tap_onefile.reporting.problems import Problems

    Row = dict[str, Any]

_PLANNED_AT_ONCE = 100
"""Queries."""
_NOTHING = (None, "")
_TOO_MANY_TO_HAVE_GONE = 5
"""Records of one page that do not all go away by chance between the search and the calls for them."""


class Reader:
    """Reads queries to their end, in order and ahead of their turn, each row once.

    Args:
        client: Makes the calls.
        page_size: Rows to ask for in a page.
        parallel_requests: How many calls may be under way at once.
        metrics: Counts the calls.
        problems: Hears of rows that came twice and of records that have gone.
        check: Called now and then while a page is waited for; may raise.
    """

    def __init__(
        self,
        client: Client,
        *,
        page_size: int,
        parallel_requests: int,
        metrics: Metrics,
        problems: Problems,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._page_size = page_size
        self._metrics = metrics
        self._problems = problems
        self._unpaged = Unpaged(client, page_size, metrics)
        self._prefetch = Prefetch(
            self._fetch, parallel_requests, page_size=page_size, count=self._unpaged.count, check=check
        )
        self.plan = self._prefetch.plan
        self._organisation: int | None = None
        self._learners: list[int] = []

    def _fetch(self, query: Query, page: int) -> list[Row]:
        if isinstance(query, Search):
            return self._unpaged.page(query, page)
        return query.fetch(self._client, page, self._page_size, self._metrics.of(query.stream))

    def now(self, query: Query, page: int = 1) -> list[Row]:
        """Make one call before all that are planned, and return its rows; none past the end."""
        return self._prefetch.at_once(lambda: self._fetch(query, page))

    def list_all(self, search: Search) -> list[Row]:
        """Read a search in one call; its rows may be thinner than those of pages."""
        return self._prefetch.at_once(lambda: self._unpaged.rows(search))

    def pages(self, query: Query, key: str | None = "ID") -> Iterator[list[Row]]:
        """Read all pages of a query.

        Args:
            query: What to read.
            key: The field that identifies rows; None where nothing does.

        Yields:
            The rows of each page that did not come before.
        """
        pages = self._prefetch.pages(query)
        if key is None:
            yield from pages
            return
        sequence = PageSequence(query.stream, key, self._page_size)
        if isinstance(query, Search):
            yield from new_rows(
                sequence,
                pages,
                lambda page: self.now(query, page),
                lambda: self._prefetch.at_once(lambda: self._unpaged.rows_if_any(query)),
                lambda: self._prefetch.counted(query),
            )
        else:
            yield from map(sequence.new_rows, pages)
        if sequence.repeated_rows:
            self._problems.repeated_rows(query.stream, sequence.repeated_rows)

    def many(
        self, queries: Sequence[Query], key: str | None = "ID", is_gone: Callable[[int], bool] = lambda _: False
    ) -> Iterator[tuple[int, list[Row]]]:
        """Read many small things of one stream, one after the other and all of them ahead.

        Args:
            queries: What to read.
            key: As for `pages`.
            is_gone: Returns whether the owner of a query, by its place, has gone, so that a refusal says no more.

        Yields:
            The place of the query in ``queries``, and a page of it. What is not there has no page.
        """
        is_there, absence = False, None
        for start in range(0, len(queries), _PLANNED_AT_ONCE):
            chunk = queries[start : start + _PLANNED_AT_ONCE]
            with self._prefetch.planned(chunk):
                for place, query in enumerate(chunk, start):
                    try:
                        for page in self.pages(query, key):
                            is_there = True
                            yield place, page
                    except NotFound as not_found:
                        absence = not_found
                        self._problems.without_data(query.stream)
                    except QuestionRefused:
                        if not is_gone(place):
                            raise
                        self._problems.without_data(query.stream)
        if absence and not is_there:
            self._problems.absent(queries[0].stream, absence)

    def complete(self, stream: str, entity: str, rows: Sequence[Row], to_id: Callable[[Any], object]) -> Iterator[Row]:
        """Complete the rows of a page, which may be thin, by a call for each record.

        Args:
            stream: The name of the stream.
            entity: The entity, as OneFile's paths name it.
            rows: The rows.
            to_id: Converts an id, or raises ``ValueError``.

        Yields:
            The rows in their order, with what their records say as well.

        Raises:
            NoDetails: None of many records is there.
        """
        records = [_record_of(stream, entity, row, to_id) for row in rows]
        found = 0
        with self._prefetch.planned([record for record in records if record]):
            for row, record in zip(rows, records, strict=True):
                if record is None:
                    # Refused by name further up, as it has no usable key.
                    yield row
                    continue
                try:
                    (full,) = next(self._prefetch.pages(record))
                except NotFound:
                    self._problems.gone(stream)
                    yield row
                else:
                    found += 1
                    # What the search says and the record leaves open is no less true.
                    yield {**row, **{name: value for name, value in full.items() if value not in _NOTHING}}
        if len(rows) >= _TOO_MANY_TO_HAVE_GONE and not found:
            raise NoDetails(stream, len(rows))

    def learners(self, organisation: int) -> list[int]:
        """Return the ids of an organisation's learners, whether or not anything about them has changed.

        A child record of a learner can change without the learner's own record changing, so it must not depend on a
        stream of changed learners. The ids of one organisation are kept, as several streams want them in turn.

        Raises:
            WrongAddress: OneFile knows no such search.
            UnusableRow: A learner has no usable id.
        """
        if self._organisation != organisation:
            filters = {"OrganisationID": organisation, "Role": 1}
            try:
                pages = self.pages(Search.of("User", filters, "learners of the organisation"))
                self._learners = [_learner_id(row) for page in pages for row in page]
            except NotFound as absence:
                # Every customer has this search, so its children must not be taken for what is not offered.
                raise WrongAddress(absence) from None
            self._organisation = organisation
        return self._learners


def _record_of(stream: str, entity: str, row: Row, to_id: Callable[[Any], object]) -> Record | None:
    try:
        record_id = str(to_id(row.get("ID")))
    except ValueError:
        return None
    if not record_id.strip("."):
        return None
    return Record(f"{entity}/{quote(record_id, safe='')}", stream, record_id)


def _learner_id(row: Row) -> int:
    try:
        return to_integer(row.get("ID"))
    except ValueError:
        raise UnusableRow("learners", "ID") from None
