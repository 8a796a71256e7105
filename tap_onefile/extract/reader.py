"""Reads what streams ask for: whole searches and lists, full records, and the ids of an organisation's learners."""

from __future__ import annotations

import time
from array import array
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from typing_extensions import override

from tap_onefile.api.decode import Rows
from tap_onefile.api.transport import is_plain_path
from tap_onefile.errors import (
    AccessRefused,
    CallsFailed,
    ForeignRows,
    MissingPage,
    MissingRows,
    NoData,
    NoDetails,
    NotFound,
    QuestionRefused,
    Refused,
    SharedKey,
    UnusableRow,
)
from tap_onefile.extract.prefetch import Prefetch
from tap_onefile.extract.query import Record, Search, has_foreign, keys_of
from tap_onefile.extract.search import Calls, Experience, SearchReader
from tap_onefile.extract.seen import PageSequence
from tap_onefile.records.convert import to_integer

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

    from tap_onefile.api.client import Client
    from tap_onefile.api.decode import Row
    from tap_onefile.extract.query import Listing, Query
    from tap_onefile.reporting.metrics import Metrics
    from tap_onefile.reporting.problems import Problems

_PLANNED_AT_ONCE = 100
"""Queries."""
_GATHERED = 10_000
"""Rows of a search that are read before the first is completed, so that the progress line has their total."""
_NOTHING = (None, "")
_LONGEST_PATH = 2000
"""Characters, beyond which no server need read a path."""
_TOO_MANY_TO_HAVE_GONE = 3
"""Records that do not go away by chance between the search and the calls for them, if they are a tenth of it."""
_TOO_MANY_WITHOUT_DATA = 5
"""Learners of whom OneFile does not answer 404 by chance, if they are half of an organisation's."""
_TOO_MANY_FAILURES = 5
"""Failed calls after which no more are tried, as each may take as long as a run is ready to wait."""


class Reader(Calls):
    """Reads queries to their end, in order and ahead of their turn, each row once.

    `is_part` says whether the run may leave organisations out, of which nothing must be sent, before they have been
    read. `check` is called now and then while a page is waited for, and may raise.
    """

    def __init__(
        self,
        client: Client,
        *,
        page_size: int,
        parallel_requests: int,
        metrics: Metrics,
        problems: Problems,
        is_part: bool = False,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._page_size = page_size
        self._metrics = metrics
        self._problems = problems
        self._prefetch = Prefetch(
            self._fetch,
            parallel_requests,
            page_size=page_size,
            stand_in=self._stand_in,
            confirm=self._confirm,
            keys=self._keys,
            check=check,
        )
        self.experience = Experience(page_size, is_part=is_part)
        self.plan = self._prefetch.plan
        self.forget_planned = self._prefetch.forget_planned
        self._not_found: dict[str, Query] = {}
        self._organisation: object = None
        self._learners: list[Sequence[Hashable]] = []
        """The ids of its learners, page by page."""

    # Called from several threads.

    def _fetch(self, query: Query, page: int) -> Rows:
        return self._page(query, page) if page > 1 else self._call(query)

    def _page(self, query: Query, page: int) -> Rows:
        try:
            return self._call(query, page)
        except NotFound:
            # What OneFile answers past the last page is not known (API reference, section 3).
            return Rows(form="404")

    def _confirm(self, query: Query) -> Rows:
        """Ask again for what is said to be empty: a list of a search is another answer, at the same cost."""
        keys = self._keys(query) if isinstance(query, Search) and not query.is_narrowed else None
        if keys == []:
            return Rows()
        again = self._call(query)
        if keys and not again:
            raise MissingRows(query.stream, len(keys))
        return again

    def _call(self, query: Query, page: int = 1) -> Rows:
        return query.fetch(self._client, page, self._page_size, self._metrics.of(query.stream))

    def _stand_in(self, search: Search) -> Rows:
        return self._call(search) if search.needs_pages else self._unpaged(search)

    def _unpaged(self, search: Search) -> Rows:
        return search.fetch_unpaged(self._client, self._metrics.of(search.stream))

    def _keys(self, search: Search) -> list[Hashable] | None:
        return search.list_keys(self._client, self._metrics.of(search.stream))

    # Called from the main thread.

    @override
    def answers(self, search: Search) -> Iterator[Rows]:
        return self._prefetch.pages(search)

    @override
    def page(self, search: Search, number: int) -> Rows:
        return self.page_soon(search, number)()

    @override
    def page_soon(self, search: Search, number: int) -> Callable[[], Rows]:
        return self._prefetch.at_once(lambda: self._page(search, number))

    @override
    def pause(self, seconds: float, /) -> None:
        self._prefetch.at_once(partial(time.sleep, seconds))()

    @override
    def keys(self, search: Search) -> list[Hashable] | None:
        return self._prefetch.at_once(lambda: self._keys(search))()

    @override
    def counted(self, search: Search) -> list[Hashable] | None:
        return self._prefetch.counted(search)

    @override
    def counted_so_far(self, search: Search) -> int | None:
        return self._prefetch.counted_so_far(search)

    @override
    def distrust_lists(self, search: Search) -> None:
        self._prefetch.distrust_lists(search)

    def now(self, query: Query) -> Rows:
        """Make one call before all that are planned."""
        return self._prefetch.at_once(lambda: self._call(query))()

    def list_all(self, search: Search) -> Rows:
        """Read a search in one call; its rows may be thinner than those of pages."""
        return self._prefetch.at_once(lambda: self._unpaged(search))()

    def pages(self, query: Query, key: str | None = "ID") -> Iterator[Sequence[Row]]:
        """Read all pages of a query, and yield the rows of each that did not come before.

        The key is the field that identifies rows; None where nothing does.
        """
        try:
            if isinstance(query, Search):
                pages = SearchReader(query, self, self.experience, self._problems).read()
                yield from self._noting_learners(query, pages)
            else:
                yield from self._one_page(query, key)
        except NotFound as absence:
            if absence.is_refusal:
                self._not_found.setdefault(query.stream, query)
            raise

    def _noting_learners(self, search: Search, pages: Iterable[Sequence[Row]]) -> Iterator[Sequence[Row]]:
        """Keep the ids of an organisation's learners, for the streams that ask for each of them."""
        filters = dict(search.filters)
        organisation = filters.get("OrganisationID")
        if search.entity != "User" or filters != _of_learners(organisation):
            yield from pages
            return
        learners: list[Sequence[Hashable]] = []
        for rows in pages:
            ids: list[Any] = keys_of(rows)
            try:
                # Numbers take a fifth of the memory so, and an organisation's are held until the next one is read.
                learners.append(array("q", ids))
            except (TypeError, OverflowError):
                learners.append(ids)
            yield rows
        self._organisation, self._learners = organisation, learners

    def _one_page(self, query: Listing | Record, key: str | None) -> Iterator[Sequence[Row]]:
        (rows,) = self._prefetch.pages(query)
        own: Sequence[Row] = self._own(query, rows)
        if own and key is not None:
            sequence = PageSequence(query.stream, key)
            came, own = own, sequence.new_rows(own)
            if sequence.repeated_rows:
                first = dict(zip(keys_of(own, key), own, strict=True))
                if any(
                    first[each] != row for each, row in zip(keys_of(came, key), came, strict=True) if each is not None
                ):
                    raise SharedKey(query.stream, key)
                self._problems.repeated_rows(query.stream, sequence.repeated_rows)
        if own:
            yield own

    def confirm_absences(self) -> None:
        """Ask once more, at the end of a run, for what OneFile did not find: a slip may have passed since."""
        for entity, (search, *_) in list(self.experience.unpaged.items()):
            if self._is_found(search):
                self.experience.note_pages(entity, self._problems)
        for stream in self._problems.not_offered:
            if self._is_found(self._not_found[stream]):
                self._problems.present(stream)

    def _is_found(self, query: Query) -> bool:
        try:
            self.now(query)
        except NotFound:
            return False
        except Refused:
            # It is another answer than before, at least.
            pass
        return True

    def _own(self, query: Listing | Record, rows: Rows) -> Rows:
        """Hold what came against what was asked for, and ask once more where it is somebody else's."""
        for owner, value in query.owners:
            if has_foreign(rows, owner, value):
                rows = self.now(query)
                if has_foreign(rows, owner, value):
                    raise ForeignRows(query.stream, owner)
        return rows

    def many(
        self, queries: Sequence[Query], key: str | None = "ID", is_gone: Callable[[int], bool] = lambda _: False
    ) -> Iterator[tuple[int, Sequence[Row]]]:
        """Read many small things of one stream, one after the other and all of them ahead.

        Yields each page with the place of its query; what is not there has no page. `is_gone` returns whether the owner
        of a query, by its place, has gone, so that a refusal says no more.

        Raises:
            NotFound: OneFile has none of them.
            NoData: It does not have more of them than chance explains.
            CallsFailed: Some could not be read, as may happen to single ids (API reference, section 7).
        """
        found, absent, failures = False, 0, _Failures()
        first: NotFound | None = None
        for place in self._planned(queries):
            query = queries[place]
            try:
                for page in self.pages(query, key):
                    found = True
                    yield place, page
            except NotFound as absence:
                if absence.is_refusal:
                    first, absent = first or absence, absent + 1
                self._problems.without_data(query.stream)
            except (AccessRefused, ForeignRows):
                raise
            except Refused as failure:
                if isinstance(failure, QuestionRefused) and is_gone(place):
                    self._problems.without_data(query.stream)
                else:
                    failures.add(failure)
        failures.conclude()
        if first and not found:
            raise first
        if absent >= max(_TOO_MANY_WITHOUT_DATA, len(queries) / 2):
            raise NoData(queries[0].stream, absent, len(queries))

    def complete(
        self,
        stream: str,
        entity: str,
        pages: Iterable[Sequence[Row]],
        to_id: Callable[[Any], object],
        *,
        gathered: int = _GATHERED,
    ) -> Iterator[Row]:
        """Complete the rows of a search, which may be thin, by a call for each record.

        Yields the rows in order, completed from their records, without those whose records have gone: such a thin row
        would overwrite a fuller one. `to_id` converts an id, or raises `ValueError`; `gathered` rows are
        read before the first is completed.

        Raises:
            NoDetails: More of them have gone than chance explains.
            CallsFailed: Some could not be read.
        """
        asked, failures = 0, _Failures()
        gone: list[tuple[Row, Record]] = []
        for rows in _gathered(pages, gathered):
            records = [_record_of(stream, entity, row, to_id) for row in rows]
            for place in self._planned(records):
                row, record = rows[place], records[place]
                if record is None:
                    # Refused by name further up, if it has no usable key.
                    yield row
                    continue
                asked += 1
                try:
                    (full,) = next(self._prefetch.pages(record))
                except NotFound:
                    gone.append((row, record))
                except AccessRefused:
                    raise
                except Refused as failure:
                    failures.add(failure)
                else:
                    yield _completed(row, full)
        if len(gone) >= _TOO_MANY_TO_HAVE_GONE and len(gone) * 10 > asked:
            self._problems.gone(stream, len(gone))
            failures.conclude()
            raise NoDetails(stream, len(gone), asked)
        yield from self._completed_after_all(gone, failures)
        failures.conclude()

    def _completed_after_all(self, gone: Sequence[tuple[Row, Record]], failures: _Failures) -> Iterator[Row]:
        """Ask once more for records that were not there: bookmarks will pass them, so a slip must have had its time."""
        for row, record in gone:
            try:
                (full,) = self.now(record)
            except NotFound:
                self._problems.gone(record.stream)
            except AccessRefused:
                raise
            except Refused as failure:
                failures.add(failure)
            else:
                yield _completed(row, full)

    def _planned(self, queries: Sequence[Query | None]) -> Iterator[int]:
        """Yield the place of each query in its turn, have those that follow planned, and note how far it is.

        None is no query.
        """
        with self._metrics.reading(len(queries)) as part:
            for start in range(0, len(queries), _PLANNED_AT_ONCE):
                chunk = queries[start : start + _PLANNED_AT_ONCE]
                with self._prefetch.planned([query for query in chunk if query]):
                    for place in range(start, start + len(chunk)):
                        part.done += 1
                        yield place

    def learners(self, organisation: int) -> list[int]:
        """Return the ids of an organisation's learners, whether or not anything about them has changed.

        A child record of a learner can change without the learner's own record changing, so it must not depend on a
        stream of changed learners. The ids of one organisation are kept, as several streams want them in turn: where
        all of its learners have been read, no second answer is asked for, which could differ.
        """
        if self._organisation != organisation:
            search = Search.of("User", _of_learners(organisation), "learners of the organisation", needs_pages=True)
            try:
                for _ in self.pages(search):
                    pass
            except NotFound as absence:
                # Every customer has this search, so its children must not be taken for what is not offered.
                raise MissingPage(absence.call) from None
        try:
            return [to_integer(each) for each in chain.from_iterable(self._learners)]
        except ValueError:
            raise UnusableRow("learners", "ID") from None


class _Failures:
    """The failures of single calls, after which the others are still made."""

    def __init__(self) -> None:
        self._first: Refused | None = None
        self._count = 0

    def add(self, failure: Refused) -> None:
        """Keep a failure, or raise the first where there are too many."""
        self._first = self._first or failure
        self._count += 1
        if self._count == _TOO_MANY_FAILURES:
            raise self._first

    def conclude(self) -> None:
        """Raise `CallsFailed` where there was any."""
        if self._first:
            raise CallsFailed(self._first, self._count)


def _gathered(pages: Iterable[Sequence[Row]], at_least: int) -> Iterator[list[Row]]:
    """Gather the rows of pages; those that came before a failure are yielded before it is raised."""
    rows: list[Row] = []
    try:
        for page in pages:
            rows += page
            if len(rows) >= at_least:
                yield rows
                rows = []
    except Exception:  # whatever it is, it is raised again
        yield rows
        raise
    yield rows


def _completed(row: Row, full: Row) -> Row:
    # What the search says and the record leaves open is no less true.
    return {**row, **{name: value for name, value in dict(full).items() if value not in _NOTHING}}


def _record_of(stream: str, entity: str, row: Row, to_id: Callable[[Any], object]) -> Record | None:
    try:
        record_id = str(to_id(row.get("ID")))
    except ValueError:
        return None
    path = f"{entity}/{quote(record_id, safe='')}"
    is_askable = len(path) <= _LONGEST_PATH and is_plain_path(f"/{path}")
    return Record(path, stream, record_id=record_id) if is_askable else None


def _of_learners(organisation: object) -> dict[str, object]:
    return {"OrganisationID": organisation, "Role": 1}
