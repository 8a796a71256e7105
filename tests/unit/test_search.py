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
from tap_onefile.api.decode import Rows
from tap_onefile.api.rate_limit import RateLimit
from tap_onefile.api.transport import LOGIN, Answer, Transport
from tap_onefile.errors import MissingRows, NotFound, RepeatedPage
from tap_onefile.extract import prefetch
from tap_onefile.extract.query import Search, keys_of, normalised
from tap_onefile.extract.reader import Reader
from tap_onefile.extract.search import Experience, SearchReader
from tap_onefile.extract.seen import Keys, PageSequence
from tap_onefile.reporting.metrics import Metrics, Tally
from tap_onefile.reporting.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping
    from random import Random

    Page = list[int]

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

PAGE_SIZE = 5
NOTHING = (Answer(204, b"", None), *(Answer(200, body, None) for body in (b"", b"[]", b"null", b'""')))
PAST_THE_END = (*NOTHING, Answer(404, b"", None))
MOST_CALLS = 200
LOUD = (RepeatedPage, MissingRows)
"""How a search ends that is not sure to have everything."""
USERS = Search.of("User", {}, "users")


@pytest.fixture(autouse=True, scope="module")
def _without_a_pause() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(prefetch, "_BEFORE_BELIEVING_AGAIN", 0.0)
        yield


class Server(Transport):
    """Answers searches with the ids that a function gives for the number of a page."""

    def __init__(self, page: Callable[[int], Page], nothing: Answer = NOTHING[0], unpaged: Page | None = None) -> None:
        super().__init__("https://onefile.test/api", user_agent="test", timeout=1)
        self._page = page
        self._nothing = nothing
        self._unpaged = unpaged
        self.asked: list[int] = []
        self.lists = 0

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
            self.lists += 1
            return self._rows(self._unpaged or [])
        number = int(path.removeprefix("User/Search/").removesuffix(f"/{PAGE_SIZE}"))
        self.asked.append(number)
        assert len(self.asked) < MOST_CALLS, "the search is endless"
        return self._rows(self._page(number))

    def _rows(self, ids: Page) -> Answer:
        return Answer(200, json.dumps([{"ID": id_} for id_ in ids]).encode(), None) if ids else self._nothing


class Calls:
    """Makes the calls for a search one after the other, as a reader without any prefetch would."""

    def __init__(self, server: Server, counted: Page | None = None) -> None:
        self._client = Client(server, "token", RateLimit(0), retry_for=0)
        self._counted = counted

    def answers(self, search: Search) -> Iterator[Rows]:
        for number in itertools.count(1):
            yield (rows := self.page(search, number))
            if not rows:
                return

    def page(self, search: Search, number: int) -> Rows:
        try:
            return search.fetch(self._client, number, PAGE_SIZE, Tally())
        except NotFound:
            return Rows(form="404")

    def page_soon(self, search: Search, number: int) -> Callable[[], Rows]:
        answer = self.page(search, number)
        return lambda: answer

    def pause(self, _: float) -> None:
        """Go on at once."""

    def keys(self, search: Search) -> list[Hashable] | None:
        return search.list_keys(self._client, Tally())

    def counted(self, search: Search) -> list[Hashable] | None:
        assert search == USERS
        return None if self._counted is None else list(self._counted)

    def counted_so_far(self, search: Search) -> int | None:
        assert search == USERS
        return None if self._counted is None else len(self._counted)

    def distrust_lists(self, search: Search) -> None:
        """Have none in place of a page."""
        assert search == USERS


def search(server: Server, found: list[int] | None = None, counted: Page | None = None) -> list[int]:
    """Read a search to its end, as a stream does, into a list that outlives an error."""
    found = [] if found is None else found
    reader = SearchReader(USERS, Calls(server, counted), Experience(), Problems())
    found.extend(row["ID"] for rows in reader.read() for row in rows)
    return found


def read(server: Server) -> list[int]:
    """Read a search as a run does, by prefetch, which confirms a first page without rows."""
    client = Client(server, "token", RateLimit(0), retry_for=0)
    reader = Reader(client, page_size=PAGE_SIZE, parallel_requests=1, metrics=Metrics(), problems=Problems())
    return [row["ID"] for rows in reader.pages(USERS) for row in rows]


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
    # A last page that is shorter than the others, and then 204, need not be confirmed. Else a short search is listed,
    # in one call, and of a long one the end is asked for once more, and the first page. Where OneFile said not to
    # know the end, it is asked for once more in any case, and the search is listed.
    looks_right = len(pages) > 1 and len(pages[-1]) < cap and nothing.status == 204
    is_long = len(pages) > 4
    again = [len(pages) + 1] if nothing.status == 404 else [1, len(pages) + 1]
    is_asked_again = nothing.status == 404 or (is_long and not looks_right)
    end = [len(pages) + 1, *again] if is_asked_again else [len(pages) + 1]
    assert server.asked == [*range(1, len(pages) + 1), *end]
    assert server.lists == (not looks_right and (not is_long or nothing.status == 404))


@pytest.mark.parametrize("nothing", NOTHING)
def test_a_search_without_rows_is_confirmed_by_one_call(nothing: Answer) -> None:
    server = Server(lambda _: [], nothing)

    assert read(server) == []
    assert server.asked == [1]
    assert server.lists == 1


def test_a_search_that_has_rows_by_its_list_and_none_by_its_pages_is_missing() -> None:
    with pytest.raises(MissingRows, match="2 rows of users did not come"):
        read(Server(lambda _: [], unpaged=[1, 2]))


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
    found: list[int] = []
    is_sure = False
    with contextlib.suppress(*LOUD):
        search(server, found)
        is_sure = True
    assert max(Counter(found).values(), default=1) == 1
    assert not is_sure or server.ids_that_stayed_put() <= set(found)


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
    with contextlib.suppress(*LOUD):
        assert search(Server(slipping(pages, slips))) == ids


@unhurried
@given(ids=ids.filter(bool), cap=caps, empty=st.integers(2, 40), nothing=nothing)
def test_no_page_is_lost_where_a_server_once_says_that_there_is_nothing_after_a_full_page(
    ids: Page, cap: int, empty: int, nothing: Answer
) -> None:
    assert search(Server(slipping(in_pages(ids, cap), {empty: 99}), nothing, unpaged=ids)) == ids


@unhurried
@given(ids=ids.filter(bool), cap=caps, nothing=st.sampled_from(NOTHING))
def test_no_row_is_lost_where_a_server_once_says_that_a_search_has_none(ids: Page, cap: int, nothing: Answer) -> None:
    assert read(Server(slipping(in_pages(ids, cap), {1: 99}), nothing, unpaged=ids)) == ids


@unhurried
@given(ids=ids, cap=caps, random=st.randoms(use_true_random=False))
def test_no_row_is_lost_in_silence_where_every_page_has_an_order_of_its_own(
    ids: Page, cap: int, random: Random
) -> None:
    server = Server(lambda number: page_of(in_pages(random.sample(ids, len(ids)), cap), number), unpaged=ids)
    with contextlib.suppress(*LOUD):
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
    with pytest.raises(MissingRows, match="2 rows of users did not come: they may have moved"):
        search(Server(lambda _: next(pages, []), unpaged=[1, 2, 3, 4, 5]))


def test_a_list_that_lacks_what_came_ends_no_search_in_which_rows_move() -> None:
    pages = {1: iter([[1, 3], [2, 1]]), 2: iter([[3, 4], [1, 4]])}
    later: dict[int, Page] = {1: [1, 2], 2: [2, 4]}
    server = Server(lambda number: next(pages.get(number, iter(())), later.get(number, [])), unpaged=[1, 2])
    with pytest.raises(MissingRows):
        search(server)


def test_rows_that_have_moved_for_one_page_each_time_are_told() -> None:
    pages = [[1, 2], [2, 3], [5, 6]]
    with pytest.raises(MissingRows):
        search(Server(lambda number: page_of(pages, number)))


def test_the_first_page_is_asked_for_again_after_all_that_has_come() -> None:
    answers = iter([([], NOTHING[0]), ([5, 6], NOTHING[0]), ([], Answer(404, b"", None)), ([], NOTHING[0])])

    def page(number: int) -> Page:
        if number < 3:
            return [[1, 2], [3, 4]][number - 1]
        ids, server._nothing = next(answers)
        return ids

    server = Server(page)

    assert search(server) == [1, 2, 3, 4, 5, 6]
    assert server.asked == [1, 2, 3, 1, 3, 4, 4, 1]


def test_a_page_that_is_gone_when_it_is_asked_for_again_is_the_end() -> None:
    answers = iter([[1, 2], [1, 2], [], [], []])

    assert search(Server(lambda _: next(answers), Answer(404, b"", None), unpaged=[1, 2])) == [1, 2]


@pytest.mark.parametrize("slip", PAST_THE_END)
def test_a_server_that_gives_all_rows_on_each_page_is_read_although_it_once_says_that_there_is_nothing(
    slip: Answer,
) -> None:
    pages = iter([[1, 2], []])
    server = Server(lambda _: next(pages, [1, 2]), slip, unpaged=[1, 2])

    assert search(server) == [1, 2]


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


def test_a_server_that_gives_its_last_page_for_ever_when_it_is_read_again_is_an_error() -> None:
    pages: list[Page] = [[1, 2], [2, 3]]
    past_the_end: Iterator[Page] = iter([[], []])
    server = Server(lambda number: page_of(pages, number) or next(past_the_end, pages[-1]))
    with pytest.raises(RepeatedPage, match="users"):
        search(server)


def rows(*values: object) -> list[dict[str, Any]]:
    return [{"ID": value} for value in values]


def test_the_same_rows_in_another_order_are_the_same_page() -> None:
    sequence = PageSequence("users", "ID")
    assert sequence.take(rows(1, 2, 3)) == rows(1, 2, 3)

    assert sequence.take(rows(3, 1, 2)) is None
    assert sequence.take(rows(3, 1, 4)) == rows(4)
    assert sequence.take(rows(3, 1)) == []
    assert sequence.take(rows(1, 3)) is None


def test_rows_seen_earlier_are_left_out_and_counted() -> None:
    sequence = PageSequence("users", "ID")
    sequence.new_rows(rows(1, 2))
    sequence.new_rows(rows(2, 3))

    assert sequence.new_rows(rows(1, 4, 3, 4)) == rows(4)
    assert sequence.repeated_rows == 4


def test_one_page_without_new_rows_is_still_possible_but_not_two_in_a_row() -> None:
    sequence = PageSequence("users", "ID")
    for page in (rows(1, 2), rows(3, 4), rows(1, 4), rows(5)):
        sequence.new_rows(page)
    assert sequence.new_rows(rows(1)) == []
    with pytest.raises(RepeatedPage):
        sequence.new_rows(rows(2))


def test_a_row_without_a_key_goes_on_to_be_refused_by_name() -> None:
    sequence = PageSequence("users", "ID")

    assert sequence.new_rows([*rows(None, 1), {}, *rows([7])]) == [*rows(None, 1), {}, *rows([7])]


def test_ids_that_are_whole_numbers_tell_rows_apart_however_they_are_spelled() -> None:
    sequence = PageSequence("users", "ID")
    sequence.new_rows(rows(1.0, 2.0))

    assert sequence.new_rows(rows(2, 3.0)) == rows(3.0)
    assert sequence.new_rows(rows(3, "4")) == rows("4")
    assert sequence.new_rows(rows(4, "04", 2**70, str(2**70))) == rows("04", 2**70, str(2**70))


@pytest.mark.parametrize(("counted", "asked_again"), [(10, []), (9, [1, 6])])
def test_an_end_that_is_known_from_a_list_is_not_asked_for_again(counted: int, asked_again: list[int]) -> None:
    """A list that lacks rows which have come proves nothing; that the first page has not grown does."""
    pages = in_pages(list(range(1, 11)), 2)
    server = Server(lambda number: page_of(pages, number))

    assert search(server, counted=list(range(1, counted + 1))) == list(range(1, 11))
    assert server.asked == [1, 2, 3, 4, 5, 6, *asked_again]
    assert not server.lists


def test_an_end_before_all_that_is_listed_has_come_is_asked_for_again() -> None:
    server = Server(slipping(in_pages(list(range(1, 12)), 2), {6: 99}))

    assert search(server, counted=list(range(1, 12))) == list(range(1, 12))
    assert server.asked == [1, 2, 3, 4, 5, 6, 6, 7]


@unhurried
@given(st.lists(st.one_of(st.none(), st.integers(), st.floats(), st.text("0123456789 -.٣", max_size=21), st.just("7"))))
@example(["12", "0", "5740"])
@example(["12", "1 2"])
@example(["12", "012"])
def test_ids_are_the_same_whether_they_are_read_one_by_one_or_all_at_once(ids: list[object]) -> None:
    for some in (ids, [each for each in ids if isinstance(each, str)]):
        found = keys_of([{"ID": each} for each in some])
        assert repr(found) == repr([normalised(each) for each in some])


def test_ids_that_another_search_has_given_too_are_counted_once_each() -> None:
    run, search = Keys(), Keys()
    run.add([1, 2, 5000, "a", None])

    assert search.add([2, 3, 5000, "a", "b", 2]) == [True, True, True, True, True, False]
    assert run.merge(search) == 3
    assert run.are_just([1, 2, 3, 5000, "a", "b"])
    assert run.merge(search) == len(search) == 5
