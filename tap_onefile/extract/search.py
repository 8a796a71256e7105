"""The one place that decides whether the rows of a search answer it, and that it is complete.

OneFile says nowhere how many rows a search has. Pages may be capped below the size that we ask for, the cap may change,
and rows may move between pages while we read (API reference, section 3). An empty page is therefore a hint of the end,
and no proof. A search ends by evidence:

- *a short last page*: all pages before it are as large as we ask for, or there is none and it is smaller than the
  largest page of the run, and the answer after it says that there is nothing in the form that OneFile has for this;
- *a list of the whole search*, by the unpaged search, with just the rows that came, and another answer where it may be
  cut there. After a page that is not full it is asked for in place of the next one: it costs no more, and tells what an
  empty page does not, such as that rows moved up while they were read, as somebody was archived;
- *two empty answers*, three where they are 404, if neither is to be had, and a first page that still has rows;
- *the whole search on each page*, where OneFile ignores page numbers, or *a page that came before*, where it repeats
  one in place of an empty one; both with a list of exactly these rows;
- *a second reading* of all pages that is regular and brought nothing new, where rows had moved or pages were odd.

What none of them shows is missing, and the search fails with ``MissingRows``.
"""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Protocol

from tap_onefile.api.decode import values_of
from tap_onefile.errors import ForeignRows, MissingPage, MissingRows, NotFound, QuestionRefused, RepeatedPage
from tap_onefile.extract.query import LISTED, UNPAGED, has_foreign, is_foreign, is_silent, keys_of
from tap_onefile.extract.seen import Keys, PageSequence

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from tap_onefile.api.decode import Row, Rows
    from tap_onefile.extract.query import Search
    from tap_onefile.reporting.problems import Problems

_SHORT_SEARCH = 4
"""Pages up to which a list of the whole search costs no more than a page."""
_MOST_PASSES = 3
"""How often the pages are read once more for what has not come."""
_MOST_PAGES_AGAIN = 50
"""Pages that are read once more where nothing says what has not come."""
_OF_AN_ORGANISATION = ("OrganisationID", "UserID")
"""Filters by which a run is kept to some organisations."""
_ABSENCE = "404"
"""The form of an answer that may say that there is nothing, or that OneFile does not find its way."""
_ABSENCES = 25
"""Searches that end by it, each after a pause and by a list, before it is taken for OneFile's way to say nothing."""
_EMPTY_ANSWERS, _EMPTY_ANSWERS_BY_404 = 2, 3
"""How many of them are taken for the end, one after the other, where no list helps."""
_AFTER_A_SLIP = 0.2
_AFTER_A_LONG_ONE = 2.0
"""Seconds before a page is asked for again: an empty one, and one for which OneFile answers 404."""
_ROUND = 50
"""Rows, of which a cap is likely a multiple."""
_MANY = 3
"""Rows that do not come from another owner by chance, nor go while a search is read."""

logger = logging.getLogger("tap-onefile")


class Calls(Protocol):
    """Makes the calls for searches."""

    def answers(self, search: Search) -> Iterator[Rows]:
        """Yield the pages in their order, up to the first that is empty."""

    def page(self, search: Search, number: int) -> Rows:
        """Fetch one page now, ahead of the prefetch; asking again gets past a slip of the server."""

    def page_soon(self, search: Search, number: int) -> Callable[[], Rows]:
        """Fetch one page like `page`, and return a function that waits for it."""

    def pause(self, seconds: float, /) -> None:
        """Wait until a slip of the server has passed."""

    def keys(self, search: Search) -> list[Hashable] | None:
        """List the keys of the whole search by the unpaged one; None where that fails."""

    def counted(self, search: Search) -> list[Hashable] | None:
        """Return the same, if it was listed while the pages were read; wait while it is being listed."""

    def counted_so_far(self, search: Search) -> int | None:
        """Return how many rows such a list has; None where it is not there yet, or was returned already."""

    def distrust_lists(self, search: Search) -> None:
        """Note that the list of a search was not right."""


class Experience:
    """What the searches of a run have shown so far.

    Only the main thread uses it, so that it is the same however many calls are made at once.
    """

    def __init__(self, page_size: int = 0, *, is_part: bool = False) -> None:
        self.page_size = page_size
        """The page size that is asked for."""
        self.ignoring_pages: set[str] = set()
        """The entities that give all rows whatever page is asked for."""
        self.is_part = is_part
        """Whether the run leaves organisations out, of which nothing must be sent."""
        self.largest = 0
        """Rows of the largest page."""
        self.full: set[int] = set()
        """Rows of pages that others followed."""
        self.forms = {"204"}
        """The forms in which OneFile says that there is nothing; 204 is documented."""
        self.has_other_forms = False
        """Whether a search ended by something else than 404, which may say so too, or that OneFile does not find it."""
        self.unlisted: list[Search] = []
        """The searches that ended by 404, and that nothing lists."""
        self._absences = 0
        self.unpaged: dict[str, list[Search]] = {}
        """The searches that were read without pages, by entity."""
        self.paged: set[str] = set()
        """The entities of which pages have come."""
        self.ignored: set[str] = set()
        """The filters that OneFile was seen to ignore for some stream."""
        self.honoured: set[tuple[str, str]] = set()
        """The streams and filters that OneFile was seen to honour."""
        self.keys: dict[str, dict[str, tuple[object, Keys]]] = {}
        """The role, and the keys that have come in searches that are complete, by entity and stream."""

    def note_pages(self, entity: str, problems: Problems) -> None:
        """Note that an entity has pages: what was read without them is thin, and missing."""
        self.paged.add(entity)
        for search in self.unpaged.pop(entity, ()):
            problems.missing(search.name, MissingPage(f"POST {entity}/Search/1"))

    def note_end(self, form: str, problems: Problems, *, is_listed: bool) -> None:
        """Note in which form OneFile said that a search is at its end."""
        if form == _ABSENCE:
            self._absences += 1
            if is_listed and self._absences < _ABSENCES:
                return
        else:
            self.has_other_forms = True
            for search in self.unlisted:
                problems.missing(search.name, MissingRows(search.stream, 0))
            self.unlisted.clear()
        self.forms.add(form)


class SearchReader:
    """Reads one search: its own rows, each of them once, up to an end that is certain."""

    def __init__(self, search: Search, calls: Calls, experience: Experience, problems: Problems) -> None:
        self._search = search
        self._calls = calls
        self._experience = experience
        self._problems = problems
        self._sequence = PageSequence(search.stream)
        self._foreign_pages = PageSequence(search.stream)
        """The pages without a row that was asked for."""
        self._sizes: list[int] = []
        self._empty_answers = 0
        self._form = ""
        """The form of the last empty answer."""
        self._first_again: Callable[[], Rows] | None = None
        self._ahead: dict[int, Callable[[], Rows]] = {}
        """Pages that were asked for beside the prefetch."""
        self._foreign = ""
        self._list: list[Hashable] | None = None
        self._list_asked = False
        self._has_ended = False
        """Whether a page was the end: the whole search, or one that came before."""

    def read(self) -> Iterator[Sequence[Row]]:
        """Read the search, and yield the rows of each page that no earlier page had.

        Raises `NotFound` where OneFile knows no such search, and `Refused` where nothing shows that all rows came, or
        whose they are.
        """
        try:
            for page in self._pages():
                new = self._take(page)
                if self._has_ended:
                    self._conclude()
                    yield new
                    return
                yield new
            yield from self._rest()
            self._conclude()
        except NotFound as absence:
            if self._search.entity in self._experience.paged:
                raise MissingPage(absence.call) from None
            raise

    def _pages(self) -> Iterator[Rows]:
        """Yield the pages, and ask for more of them where an empty answer is not certain to be the end."""
        answers = self._calls.answers(self._search)
        while True:
            for answer in answers:
                if answer or answer.form == UNPAGED:
                    yield answer
                    self._look_ahead()
                else:
                    self._form = answer.form
            if self._is_over():
                return
            if self._empty_answers and (self._is_absence or not self._is_listed()):
                # What was asked for before shows nothing of whether a slip has passed.
                self._ahead.clear()
                self._calls.pause(_AFTER_A_SLIP if self._empty_answers == 1 else _AFTER_A_LONG_ONE)
            if self._empty_answers + 1 == self._most_empty_answers and not (self._missing() or self._is_listed()):
                # The next one will have to be believed, if the first page is as it was.
                self._first_again = self._calls.page_soon(self._search, 1)
            answers = self._further_answers()

    def _further_answers(self) -> Iterator[Rows]:
        """Ask for the pages after those that have come, up to the first that is empty."""
        for number in itertools.count(len(self._sizes) + 1):
            ahead = self._ahead.pop(number, None)
            yield (answer := ahead() if ahead else self._calls.page(self._search, number))
            if not answer:
                return

    def _look_ahead(self) -> None:
        """Ask a second time for the page that must be empty, as soon as it is known that one answer will not do."""
        rows = self._calls.counted_so_far(self._search)
        if not rows or self._search.is_narrowed or self._is_small or not self._may_be_cut(rows):
            return
        pages, rest = divmod(rows, self._sizes[0])
        if not rest and pages + 1 not in self._ahead:
            self._ahead[pages + 1] = self._calls.page_soon(self._search, pages + 1)

    def _take(self, page: Rows) -> Sequence[Row]:
        """Take the next page, and return its own rows that did not come before."""
        self._has_ended = page.form == UNPAGED
        if self._has_ended:
            self._note_unpaged(page)
        else:
            self._experience.note_pages(self._search.entity, self._problems)
        number = len(self._sizes) + 1
        page = self._checked(page, number)
        self._empty_answers = 0
        self._first_again = None
        self._experience.full.update(self._sizes[-1:])
        self._sizes.append(len(page))
        if not self._has_ended:
            self._experience.largest = max(self._experience.largest, len(page))
        own = self._own(page)
        if not own:
            # A server may take no notice of the filter, nor of the page.
            self._foreign_pages.new_rows(page)
            return []
        new = self._sequence.take(own)
        if new is None:
            own = self._own(self._checked(self._calls.page(self._search, number), number))
            if self._is_whole(own):
                self._problems.ignored_pages(self._search.stream)
                self._has_ended = self._ends_by("the whole search on each page")
                return []
            new = self._sequence.take(own) if own else []
        if new is None:
            # A server may give its last page for each that does not exist.
            self._ask_for_list()
            if not self._is_listed() or self._may_be_cut(len(self._sequence.seen)):
                raise RepeatedPage(self._search.stream)
            self._has_ended = self._ends_by("a page that came before, and a list of the whole search")
            return []
        return new

    def _note_unpaged(self, rows: Rows) -> None:
        """Note that the search has no pages, unless its entity has pages elsewhere: then this was a slip."""
        entity = self._search.entity
        if entity in self._experience.paged:
            raise MissingPage(f"POST {entity}/Search/1")
        self._experience.unpaged.setdefault(entity, []).append(self._search)
        self._problems.read_unpaged(self._search.stream, len(rows))

    def _is_whole(self, page: Sequence[Row]) -> bool:
        """Return whether each page so far is the whole search, as the unpaged one lists it too."""
        if not self._sequence.seen.are_just(keys_of(page)) or self._foreign:
            return False
        # A cap of OneFile's may cut pages and lists alike, at a round number.
        entity, ignoring = self._search.entity, self._experience.ignoring_pages
        if len(page) <= self._experience.page_size and len(page) % _ROUND == 0 and entity not in ignoring:
            return False
        # Whatever the unpaged search makes of what narrows a search, it has nothing more than these rows.
        listed = self._calls.keys(self._search)
        if listed is None or not self._sequence.seen.are_just(listed):
            return False
        ignoring.add(entity)
        return True

    def _own(self, page: Sequence[Row]) -> Sequence[Row]:
        """Leave out the rows that say that they were not asked for."""
        if not self._foreign:
            return page
        return [row for row in page if not any(is_foreign(row, *owner) for owner in self._search.owners)]

    # Whether what came answers the question.

    def _checked(self, page: Rows, number: int) -> Rows:
        """Hold a page against the search, and ask for it once more where it does not fit.

        Raises:
            ForeignRows: Nothing shows whose the rows are.
        """
        for owner, value in self._search.owners:
            if values_of(page, owner).count(value) == len(page):
                continue
            if has_foreign(page, owner, value):
                page = self._calls.page(self._search, number) or page
                # A row of several owners can only say one of them.
                is_shared = self._search.is_shared and not self._ignores(owner)
                if not is_shared and has_foreign(page, owner, value):
                    self._foreign = owner
                    self._experience.ignored.add(owner)
            elif all(is_silent(row, owner) for row in page):
                page = self._checked_silent(page, number, owner, value)
        return page

    def _checked_silent(self, page: Rows, number: int, owner: str, value: object) -> Rows:
        """Hold a page, whose rows do not say whose they are, against what came for other owners."""
        is_part = self._experience.is_part and owner in _OF_AN_ORGANISATION
        if (is_part or owner in self._experience.ignored) and self._ignores(owner):
            raise ForeignRows(self._search.stream, owner)
        elsewhere = self._elsewhere(owner, value)
        if self._came_elsewhere(page, elsewhere) * 2 < len(page):
            return page
        if not self._search.is_shared:
            page = self._calls.page(self._search, number) or page
        repeated = self._came_elsewhere(page, elsewhere)
        # A few may have moved, or belong to several owners; a page full of them belongs to the other search.
        is_by_chance = self._search.is_shared or repeated < _MANY
        if repeated * 2 >= len(page) and (not is_by_chance or self._ignores(owner)):
            raise ForeignRows(self._search.stream, owner)
        return page

    def _elsewhere(self, owner: str, value: object) -> list[Keys]:
        """Return the keys that came for other owners: of other roles, or of other searches of the stream."""
        streams = self._experience.keys.get(self._search.entity, {})
        if owner == "Role":
            return [keys for role, keys in streams.values() if role != value]
        return [streams[self._search.stream][1]] if self._search.stream in streams else []

    def _came_elsewhere(self, page: Rows, elsewhere: list[Keys]) -> int:
        keys = keys_of(page) if elsewhere else []
        return sum(any(key in those for those in elsewhere) for key in keys)

    def _ignores(self, owner: str) -> bool:
        """Return whether OneFile ignores a filter, by asking for an owner that does not exist."""
        known = (self._search.stream, owner)
        if known in self._experience.honoured:
            return False
        try:
            ignores = bool(self._calls.page(self._search.of_nobody(owner), 1))
        except QuestionRefused:
            # Whoever rejects the filter does not ignore it.
            ignores = False
        if not ignores:
            self._experience.honoured.add(known)
        return ignores

    # Whether all came.

    def _is_over(self) -> bool:
        """Return whether an empty answer is the end, or nothing better can be established."""
        self._empty_answers += 1
        if not self._sizes or self._foreign:
            # A first page without rows has been confirmed where it was asked for.
            return self._ends_by("nothing, as rows were left out" if self._foreign else "two empty answers")
        listed = self._calls.counted(self._search)
        if listed is not None and not self._search.is_narrowed:
            self._list = listed
        if self._form == LISTED:
            # The page after the last is asked for only where that list shows a difference, or the cap may be as small.
            self._empty_answers = 0
            is_end = self._is_small and self._is_listed() and not self._may_be_cut(len(self._sequence.seen))
            return is_end and self._ends_by("a list of the whole search")
        is_usual = self._form in self._experience.forms and not self._search.is_never_empty
        if is_usual and self._is_small and not (self._is_capped or self._missing()):
            return self._ends_by("a short last page")
        if self._is_absence and self._empty_answers == 1:
            # A slip of the server must have time to pass, whatever a list says meanwhile.
            return False
        is_doubtful = len(self._sizes) <= _SHORT_SEARCH or self._is_capped or self._is_absence
        if self._list is None and is_doubtful:
            self._ask_for_list()
        is_certain = self._empty_answers > 1 or self._is_small or not self._may_be_cut(len(self._sequence.seen))
        if self._is_listed() and is_certain:
            return self._ends_by("a list of the whole search")
        return self._empty_answers >= self._most_empty_answers and self._ends_by_empty_answers()

    @property
    def _is_absence(self) -> bool:
        """Whether OneFile says that it does not find the page, which may be its way to say that there is nothing."""
        return self._form == _ABSENCE and _ABSENCE not in self._experience.forms

    @property
    def _most_empty_answers(self) -> int:
        # A list that lacks what came lacks more, perhaps.
        return _EMPTY_ANSWERS_BY_404 if self._is_absence and not self._missing() else _EMPTY_ANSWERS

    def _ends_by_empty_answers(self) -> bool:
        if self._is_absence and not self._missing():
            # A server that knows neither the page nor the search for a moment says nothing of how many rows there are.
            if self._experience.has_other_forms:
                raise MissingRows(self._search.stream, 0)
            self._experience.unlisted.append(self._search)
        # No list helps. Pages that have become larger since would be empty where smaller ones were not.
        again = len(self._first_again() if self._first_again else self._calls.page(self._search, 1))
        if not again:
            # OneFile says of all that has come, too, that there is nothing.
            raise MissingRows(self._search.stream, len(self._missing()))
        if again > self._sizes[0]:
            self._sizes.append(again)
        return self._ends_by("two empty answers")

    def _ends_by(self, evidence: str) -> bool:
        logger.debug("%s: at its end after %d pages, by %s", self._search.name, len(self._sizes), evidence)
        return True

    @property
    def _is_small(self) -> bool:
        """Whether the last page is smaller than the first, or the only one than the largest of the run: not full."""
        full = self._sizes[0] if len(self._sizes) > 1 else self._experience.largest
        return self._sizes[-1] < full and self._sizes[-1] not in self._experience.full

    @property
    def _is_capped(self) -> bool:
        """Whether there are more pages than one, and they are smaller than asked: the cap may have changed."""
        return len(self._sizes) > 1 and self._sizes[0] < self._experience.page_size

    def _may_be_cut(self, rows: int) -> bool:
        """Return whether OneFile may give only so many at a time: then a list agrees, whatever comes after them."""
        return rows % _ROUND == 0 or rows == self._experience.page_size or rows in self._experience.full

    def _ask_for_list(self) -> None:
        """Ask for a list as things are now; where none is to be had, one of before still tells what is missing."""
        # Nothing shows that the unpaged search honours what narrows a search, such as LastModified.
        if not self._list_asked and not self._search.is_narrowed:
            listed = self._calls.keys(self._search)
            self._list = self._list if listed is None else listed
        self._list_asked = True

    def _is_listed(self) -> bool:
        """Return whether a list of the search, which may be capped itself, has just the rows that came."""
        return self._list is not None and self._sequence.seen.are_just(set(self._list) - {None})

    def _missing(self) -> set[Hashable]:
        return {key for key in self._list or () if key is not None and key not in self._sequence.seen}

    def _rest(self) -> Iterator[Sequence[Row]]:
        """Read once more for the rows that did not come, as far as anything shows that there are some."""
        if not self._sizes or self._foreign:
            return
        if _is_regular(self._sizes) and not self._sequence.repeated_rows and not self._missing():
            return
        # A list that was had while pages came may have rows that have gone since.
        self._ask_for_list()
        if self._missing():
            yield from self._missing_rows()
        # Of what a list lacks that came, it may lack more that did not.
        if not self._is_listed():
            yield from self._second_reading()

    def _missing_rows(self) -> Iterator[Sequence[Row]]:
        """Read the pages again for rows that the unpaged search lists."""
        missing = self._missing()
        for _ in range(_MOST_PASSES if len(self._sizes) <= _MOST_PAGES_AGAIN else 1):
            for rows in self._read_again([], set()):
                yield rows
                missing.difference_update(keys_of(rows))
                if not missing:
                    return
        raise MissingRows(self._search.stream, len(missing))

    def _second_reading(self) -> Iterator[Sequence[Row]]:
        """Read the pages again until that brings nothing new, where nothing says what there is."""
        for _ in range(_MOST_PASSES if len(self._sizes) <= _MOST_PAGES_AGAIN else 1):
            found = 0
            sizes: list[int] = []
            keys: set[Hashable] = set()
            for rows in self._read_again(sizes, keys):
                found += len(rows)
                yield rows
            # What is left out of the pages each time is not between them at a second reading either; where a row comes
            # twice again, another may be left out again.
            if not found and _is_regular(sizes) and len(keys) == sum(sizes):
                self._ends_by("a second reading")
                return
        raise MissingRows(self._search.stream, 0)

    def _read_again(self, sizes: list[int], keys: set[Hashable]) -> Iterator[Sequence[Row]]:
        """Read the pages again, and note how many rows each has, and their keys."""
        for number in itertools.count(1):
            if page := self._calls.page(self._search, number):
                sizes += [*[0] * (number - 1 - len(sizes)), len(page)]
                keys.update(keys_of(page))
                yield self._sequence.unseen(self._own(self._checked(page, number)))
            elif number > len(self._sizes):
                return
            if number > 2 * len(self._sizes) + _MOST_PAGES_AGAIN:
                raise RepeatedPage(self._search.stream)

    def _conclude(self) -> None:
        """Keep what this search has shown, and report what was odd about it."""
        search, experience = self._search, self._experience
        if self._sizes and self._form not in {"", LISTED} and not self._has_ended:
            # A few rows may have gone since they came.
            if self._missing() or (self._list is not None and len(self._sequence.seen) - len({*self._list}) > _MANY):
                self._calls.distrust_lists(search)
            experience.note_end(self._form, self._problems, is_listed=self._is_listed())
        if self._sequence.repeated_rows:
            self._problems.repeated_rows(search.stream, self._sequence.repeated_rows)
        streams = experience.keys.setdefault(search.entity, {})
        keys = streams.setdefault(search.stream, (dict(search.owners).get("Role"), Keys()))[1]
        again = keys.merge(self._sequence.seen)
        if again and not search.is_shared:
            self._problems.moved_rows(search.stream, again)
        if self._foreign:
            raise ForeignRows(search.stream, self._foreign)


def _is_regular(sizes: list[int]) -> bool:
    """Return whether all pages but the last are as large as each other, and it is no larger."""
    return bool(sizes) and all(size == sizes[0] for size in sizes[:-1]) and sizes[-1] <= sizes[0]
