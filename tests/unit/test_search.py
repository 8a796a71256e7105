"""The end of a search: every row that stays put comes exactly once, or the run is told that it cannot be sure."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from tap_onefile.api.client import Client
from tap_onefile.api.rate_limit import RateLimit
from tap_onefile.api.transport import LOGIN, Answer, Transport
from tap_onefile.errors import MovedRows, RepeatedPage
from tap_onefile.extract.query import Search
from tap_onefile.extract.search import PageSequence, new_rows
from tap_onefile.extract.unpaged import Unpaged
from tap_onefile.reporting.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    Page = list[int]

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

PAGE_SIZE = 5
NOTHING = (Answer(204, b"", None), *(Answer(200, body, None) for body in (b"", b"[]", b"null", b'""')))
PAST_THE_END = (*NOTHING, Answer(404, b"", None))
MOST_CALLS = 200


class Server(Transport):
    """Answers searches with the ids that a function gives for the number of a page."""

    def __init__(self, page: Callable[[int], Page], nothing: Answer = NOTHING[0], unpaged: Page | None = None) -> None:
        super().__init__("https://onefile.test/api", user_agent="test", timeout=1)
        self._page = page
        self._nothing = nothing
        self._unpaged = unpaged
        self.asked: list[int] = []

    @override
    def exchange(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: Mapping[str, object] | None = None,
        at_most: int | None = None,
    ) -> Answer:
        if path == LOGIN:
            return Answer(200, b"session", None)
        if path == "User/Search":
            return self._rows(self._unpaged or [])
        number = int(path.removeprefix("User/Search/").removesuffix(f"/{PAGE_SIZE}"))
        self.asked.append(number)
        assert len(self.asked) < MOST_CALLS, "the search is endless"
        return self._rows(self._page(number))

    def _rows(self, ids: Page) -> Answer:
        return Answer(200, json.dumps([{"ID": id_} for id_ in ids]).encode(), None) if ids else self._nothing


def search(server: Server, found: list[int] | None = None) -> list[int]:
    """Read a search to its end, as a stream does, into a list that outlives an error."""
    found = [] if found is None else found
    unpaged = Unpaged(Client(server, "token", RateLimit(0), retry_for=0), PAGE_SIZE, Metrics())
    users = Search.of("User", {}, "users")

    def page(number: int) -> list[dict[str, Any]]:
        return unpaged.page(users, number)

    def everything() -> list[dict[str, Any]] | None:
        return unpaged.rows_if_any(users)

    pages = itertools.takewhile(bool, map(page, itertools.count(1)))
    sequence = PageSequence("users", "ID", PAGE_SIZE)
    found.extend(row["ID"] for rows in new_rows(sequence, pages, page, everything) for row in rows)
    return found


def in_pages(ids: Page, cap: int) -> list[Page]:
    return [ids[start : start + cap] for start in range(0, len(ids), cap)]


def page_of(pages: list[Page], number: int) -> Page:
    return pages[number - 1] if number <= len(pages) else []


ids = st.lists(st.integers(1, 10_000), unique=True, max_size=40)
caps = st.integers(1, PAGE_SIZE)
nothing = st.sampled_from(PAST_THE_END)


@unhurried
@given(ids=ids.filter(bool), cap=caps, nothing=nothing)
def test_each_row_comes_once_and_in_order_whatever_the_cap_of_the_server(ids: Page, cap: int, nothing: Answer) -> None:
    pages = in_pages(ids, cap)
    server = Server(lambda number: page_of(pages, number), nothing, unpaged=ids)

    assert search(server) == ids
    # A 404 is asked for once more before it is believed, and so is an end after many pages that are full.
    is_full = len(pages[-1]) == cap and len(pages) > 4
    end = [len(pages) + 1] * (2 if nothing.status == 404 else 1) * (2 if is_full else 1)
    assert server.asked == [*range(1, len(pages) + 1), *end]


@pytest.mark.parametrize("nothing", NOTHING)
def test_a_search_without_rows_costs_one_call(nothing: Answer) -> None:
    server = Server(lambda _: [], nothing)

    assert search(server) == []
    assert server.asked == [1]


class MovingServer(Server):
    """Changes its data before each answer: two rows change places, one is added, one goes away."""

    def __init__(self, ids: Page, cap: int, moves: list[tuple[str, int, int]], nothing: Answer) -> None:
        super().__init__(self._moved_page, nothing)
        self._ids = list(ids)
        self._cap = cap
        self._moves = iter(moves)
        self._new_ids = itertools.count(20_000)
        self.pages_of_ids: dict[int, set[int | None]] = {id_: set() for id_ in ids}

    def _moved_page(self, number: int) -> Page:
        kind, one, other = next(self._moves, ("rest", 0, 0))
        data = self._ids
        if data and kind == "swap":
            one, other = one % len(data), other % len(data)
            data[one], data[other] = data[other], data[one]
        elif kind == "add":
            data.insert(one % (len(data) + 1), next(self._new_ids))
        elif data and kind == "remove":
            del data[one % len(data)]
        places = {id_: place // self._cap + 1 for place, id_ in enumerate(data)}
        for id_, seen in self.pages_of_ids.items():
            seen.add(places.get(id_))
        return data[(number - 1) * self._cap : number * self._cap]

    def ids_that_stayed_put(self) -> set[int]:
        return {id_ for id_, seen in self.pages_of_ids.items() if len(seen) == 1 and None not in seen}


moves = st.lists(
    st.tuples(st.sampled_from(["swap", "add", "remove", "rest"]), st.integers(0, 50), st.integers(0, 50)), max_size=30
)


@unhurried
@given(ids=ids.filter(bool), cap=caps, moves=moves, nothing=st.sampled_from(NOTHING))
def test_rows_that_stay_put_come_exactly_once_while_others_move(
    ids: Page, cap: int, moves: list[tuple[str, int, int]], nothing: Answer
) -> None:
    server = MovingServer(ids, cap, moves, nothing)
    try:
        found = Counter(search(server))
    except RepeatedPage:
        return
    assert max(found.values(), default=1) == 1
    assert server.ids_that_stayed_put() <= found.keys()


def slipping(pages: list[Page], slips: Mapping[int, int]) -> Callable[[int], Page]:
    """Make a server that answers with an earlier page in place of some, the first time they are asked for."""
    pending = dict(slips)
    return lambda number: page_of(pages, pending.pop(number, number))


@unhurried
@given(ids=ids.filter(bool), cap=caps, late=st.sets(st.integers(2, 12)))
def test_a_server_that_gives_the_page_before_by_mistake_is_asked_again(ids: Page, cap: int, late: set[int]) -> None:
    pages = in_pages(ids, cap)
    slips = {number: number - 1 for number in late if number <= len(pages) + 1}

    assert search(Server(slipping(pages, slips))) == ids


@unhurried
@given(ids=ids.filter(bool), cap=caps, slips=st.dictionaries(st.integers(2, 40), st.integers(1, 39), max_size=1))
@example(ids=[1, 2, 3, 4], cap=1, slips={3: 1})
def test_no_row_is_lost_in_silence_where_a_server_gives_any_earlier_page_by_mistake(
    ids: Page, cap: int, slips: dict[int, int]
) -> None:
    pages = in_pages(ids, cap)
    slips = {number: earlier for number, earlier in slips.items() if earlier < number <= len(pages)}
    with contextlib.suppress(RepeatedPage):
        assert search(Server(slipping(pages, slips))) == ids


@unhurried
@given(ids=ids.filter(bool), cap=caps, empty=st.integers(2, 40), nothing=nothing)
def test_no_page_is_lost_where_a_server_once_says_that_there_is_nothing_after_a_full_page(
    ids: Page, cap: int, empty: int, nothing: Answer
) -> None:
    # Nobody can know that a first page was full which has fewer rows than were asked for.
    empty += cap < PAGE_SIZE

    assert search(Server(slipping(in_pages(ids, cap), {empty: 99}), nothing, unpaged=ids)) == ids


@unhurried
@given(ids=ids, cap=caps, random=st.randoms(use_true_random=False))
def test_no_row_is_lost_in_silence_where_every_page_has_an_order_of_its_own(
    ids: Page, cap: int, random: Random
) -> None:
    server = Server(lambda number: page_of(in_pages(random.sample(ids, len(ids)), cap), number), unpaged=ids)
    with contextlib.suppress(RepeatedPage, MovedRows):
        assert sorted(search(server)) == sorted(ids)


def test_rows_that_moved_to_a_page_that_was_read_are_read_there() -> None:
    orders = iter([[1, 2, 3, 4, 5, 6], [1, 2, 5, 6, 3, 4]])
    order = next(orders)

    def page(number: int) -> Page:
        nonlocal order
        found = page_of(in_pages(order, 2), number)
        order = next(orders, [2, 3, 5, 6, 1, 4])
        return found

    assert search(Server(page, unpaged=[1, 2, 3, 4, 5, 6])) == [1, 2, 5, 6, 4, 3]


def test_rows_that_moved_and_cannot_be_had_are_told() -> None:
    pages = iter([[1, 2], [2, 3], []])
    with pytest.raises(MovedRows, match=r"Rows of users moved .* 2 of them did not come"):
        search(Server(lambda _: next(pages, []), unpaged=[1, 2, 3, 4, 5]))


def test_a_page_that_is_gone_when_it_is_asked_for_again_is_the_end() -> None:
    answers = iter([[1, 2], [1, 2], [], []])

    assert search(Server(lambda _: next(answers), Answer(404, b"", None), unpaged=[1, 2])) == [1, 2]


@unhurried
@given(ids=ids.filter(bool), cap=caps)
def test_pages_that_go_round_in_a_circle_are_an_error_after_each_row_has_come_once(ids: Page, cap: int) -> None:
    pages = in_pages(ids, cap)
    server = Server(lambda number: pages[(number - 1) % len(pages)])
    found: list[int] = []
    with pytest.raises(RepeatedPage):
        search(server, found)

    assert found == ids
    assert len(server.asked) <= len(pages) + 4


@unhurried
@given(ids=ids.filter(bool), cap=caps)
def test_a_server_that_gives_its_last_page_for_ever_is_an_error(ids: Page, cap: int) -> None:
    pages = in_pages(ids, cap)
    server = Server(lambda number: page_of(pages, min(number, len(pages))))
    with pytest.raises(RepeatedPage, match="users"):
        search(server)
    # It is asked once more, and no further.
    assert server.asked == [*range(1, len(pages) + 2), len(pages) + 1]


def rows(*values: object) -> list[dict[str, Any]]:
    return [{"ID": value} for value in values]


def test_the_same_rows_in_another_order_are_the_same_page() -> None:
    sequence = PageSequence("users", "ID", PAGE_SIZE)
    assert sequence.take(rows(1, 2, 3)) == rows(1, 2, 3)

    assert sequence.take(rows(3, 1, 2)) is None
    assert sequence.take(rows(3, 1, 4)) == rows(4)
    assert sequence.take(rows(3, 1)) == []
    assert sequence.take(rows(1, 3)) is None


def test_rows_seen_earlier_are_left_out_and_counted() -> None:
    sequence = PageSequence("users", "ID", PAGE_SIZE)
    sequence.new_rows(rows(1, 2))
    sequence.new_rows(rows(2, 3))

    assert sequence.new_rows(rows(1, 4, 3, 4)) == rows(4)
    assert sequence.repeated_rows == 4


def test_one_page_without_new_rows_is_still_possible_but_not_two_in_a_row() -> None:
    sequence = PageSequence("users", "ID", PAGE_SIZE)
    for page in (rows(1, 2), rows(3, 4), rows(1, 4), rows(5)):
        sequence.new_rows(page)
    assert sequence.new_rows(rows(1)) == []
    with pytest.raises(RepeatedPage):
        sequence.new_rows(rows(2))


def test_a_row_without_a_key_goes_on_to_be_refused_by_name() -> None:
    sequence = PageSequence("users", "ID", PAGE_SIZE)

    assert sequence.new_rows([*rows(None, 1), {}, *rows([7])]) == [*rows(None, 1), {}, *rows([7])]


def test_ids_that_are_whole_numbers_tell_rows_apart_however_they_are_spelled() -> None:
    sequence = PageSequence("users", "ID", PAGE_SIZE)
    sequence.new_rows(rows(1.0, 2.0))

    assert sequence.new_rows(rows(2, 3.0)) == rows(3.0)
    assert sequence.new_rows(rows(3, "4")) == rows("4")
    assert sequence.new_rows(rows(4, "04", 2**70, str(2**70))) == rows("04", 2**70, str(2**70))


@pytest.mark.parametrize("counted", [10, 9])
def test_an_end_that_is_known_from_counting_is_not_asked_for_again(counted: int) -> None:
    pages = in_pages(list(range(1, 11)), 2)
    found = new_rows(PageSequence("users", "ID", 2), [rows(*page) for page in pages], never, never, lambda: counted)

    assert [row["ID"] for page in found for row in page] == list(range(1, 11))


def test_an_end_before_all_that_was_counted_has_come_is_asked_for_again() -> None:
    again = iter([rows(11), []])
    pages = [rows(*page) for page in in_pages(list(range(1, 11)), 2)]
    found = new_rows(PageSequence("users", "ID", 2), pages, lambda _: next(again), never, lambda: 11)

    assert [row["ID"] for page in found for row in page] == list(range(1, 12))


def never(*_: object) -> list[dict[str, Any]]:
    raise AssertionError
