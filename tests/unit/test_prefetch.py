"""Prefetch gives everything in order, is bounded, and asks for little that does not exist."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_onefile.api.decode import Rows
from tap_onefile.errors import NotFound
from tap_onefile.extract import prefetch as module
from tap_onefile.extract.page_window import PageWindow, to_be_counted
from tap_onefile.extract.prefetch import Prefetch
from tap_onefile.extract.query import Listing, Record, Search

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from tap_onefile.extract.query import Query

ROWS_ON_A_PAGE = 3
NOTHING = Rows()


def search(name: str) -> Search:
    return Search.of(name, {"OrganisationID": 1}, name)


class CountedPages:
    """Has searches with some full pages each, and counts who asks for what."""

    def __init__(self, pages: dict[str, int]) -> None:
        self.pages = pages
        self.asked: Counter[str] = Counter()
        self.at_once = 0
        self.most_at_once = 0
        self._lock = threading.Lock()

    def fetch(self, query: Query, page: int) -> Rows:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.asked[query.stream] += 1
        try:
            exists = page <= self.pages[query.stream]
            return Rows({"ID": (page, row)} for row in range(ROWS_ON_A_PAGE if exists else 0))
        finally:
            with self._lock:
                self.at_once -= 1


@settings(deadline=None, max_examples=60)
@given(pages=st.lists(st.integers(0, 30), min_size=1, max_size=6), threads=st.integers(1, 8), counts=st.booleans())
def test_all_pages_come_in_order_and_few_are_asked_for_that_do_not_exist(
    pages: list[int],
    threads: int,
    counts: bool,  # noqa: FBT001 - drawn, not called
) -> None:
    onefile = CountedPages({f"s{place}": number for place, number in enumerate(pages)})

    def keys(query: Search) -> list[Hashable] | None:
        return list(range(onefile.pages[query.stream] * ROWS_ON_A_PAGE)) if counts else None

    prefetch = Prefetch(onefile.fetch, threads, page_size=ROWS_ON_A_PAGE, keys=keys)
    searches = [search(name) for name in onefile.pages]
    prefetch.plan(searches)

    for planned in searches:
        *pages_of_it, last = prefetch.pages(planned)
        numbers = [rows[0]["ID"][0] for rows in pages_of_it]
        assert last == NOTHING
        assert numbers == list(range(1, onefile.pages[planned.entity] + 1))

    assert onefile.most_at_once <= threads
    for name, number in onefile.pages.items():
        wasted = onefile.asked[name] - (number + 1)
        # By threads that would have nothing else to ask for, and more of them the more pages have come.
        assert wasted <= max(0, min(number**2 - number, threads) - 1)


def test_rows_are_counted_before_threads_have_nothing_left_to_ask_for() -> None:
    onefile = CountedPages({"first": 20, "second": 20})
    both_are_under_way, counted = threading.Event(), threading.Event()
    asked_before_a_count: list[int] = []

    def fetch(query: Query, page: int) -> Rows:
        if (query.stream, page) == ("second", 1):
            both_are_under_way.set()
            assert counted.wait(10)
        assert both_are_under_way.wait(10)
        return onefile.fetch(query, page)

    def keys(query: Search) -> list[Hashable]:
        asked_before_a_count.append(onefile.asked["first"])
        counted.set()
        return list(range(onefile.pages[query.stream] * ROWS_ON_A_PAGE))

    prefetch = Prefetch(fetch, 2, page_size=ROWS_ON_A_PAGE, keys=keys)
    searches = [search(name) for name in onefile.pages]
    prefetch.plan(searches)

    assert [len(list(prefetch.pages(each))) for each in searches] == [20 + 1, 20 + 1]
    assert asked_before_a_count[0] < 20
    assert onefile.asked == {"first": 21, "second": 21}


def test_what_waits_is_bounded_however_much_is_planned() -> None:
    gate = threading.Event()
    made = threading.Semaphore(0)
    asked: list[Query] = []

    def fetch(query: Query, _page: int) -> Rows:
        asked.append(query)
        made.release()
        gate.wait(10)
        return Rows([{"ID": 1}] * 8000)

    prefetch = Prefetch(fetch, 2, page_size=100)
    queries = [Record(f"User/{number}", "users") for number in range(500)]
    prefetch.plan(queries)
    first = prefetch.pages(queries[0])
    gate.set()
    next(first)

    for _ in range(3):
        assert made.acquire(timeout=10)
    while made.acquire(timeout=0.2):
        pass
    assert len(asked) <= 2 * 2 + 1


def test_a_failure_comes_at_its_turn_and_whatever_it_is() -> None:
    def fetch(_query: Query, page: int) -> Rows:
        if page == 3:
            raise KeyError("third")
        return Rows([{"ID": page}])

    pages = Prefetch(fetch, 8, page_size=100).pages(search("users"))

    assert [next(pages), next(pages)] == [[{"ID": 1}], [{"ID": 2}]]
    with pytest.raises(KeyError, match="third"):
        next(pages)


def test_what_is_planned_later_is_read_first_as_it_is_a_child_of_what_is_being_read() -> None:
    order: list[str] = []

    def fetch(query: Query, page: int) -> Rows:
        order.append(query.stream)
        return Rows([{"ID": 1}] if page == 1 else [])

    prefetch = Prefetch(fetch, 1, page_size=100)
    later, child = search("later"), search("child")
    prefetch.plan([later])
    with prefetch.planned([child]):
        list(prefetch.pages(child))
    list(prefetch.pages(later))

    assert order.index("child") < order.index("later")


def test_what_was_planned_and_is_not_read_does_not_hold_up_the_rest() -> None:
    prefetch = Prefetch(lambda _query, page: Rows([{"ID": page}] if page < 3 else []), 2, page_size=100)
    forgotten = [search(f"forgotten{number}") for number in range(20)]
    with prefetch.planned(forgotten):
        list(prefetch.pages(forgotten[0]))

    assert len(list(prefetch.pages(search("next")))) == 2 + 1


def test_a_reader_left_half_way_may_be_closed_at_any_moment_as_the_garbage_collector_does() -> None:
    onefile = CountedPages({"left": 20, "read": 2})
    second_is_asked, is_closed = threading.Event(), threading.Event()

    def fetch(query: Query, page: int) -> Rows:
        if page == 2:
            second_is_asked.set()
        assert page == 1 or is_closed.wait(10)
        return onefile.fetch(query, page)

    prefetch = Prefetch(fetch, 1, page_size=ROWS_ON_A_PAGE)
    left = prefetch.pages(search("left"))
    next(left)
    assert second_is_asked.wait(10)

    def planned() -> Iterator[Search]:
        left.close()
        yield search("read")

    prefetch.plan(planned())
    is_closed.set()

    assert len(list(prefetch.pages(search("read")))) == 3
    assert onefile.asked == {"left": 2, "read": 3}


def test_a_wait_is_broken_off_when_the_run_is_told_to_stop() -> None:
    class Stopped(Exception):
        pass

    def check() -> None:
        raise Stopped

    never = threading.Event()
    prefetch = Prefetch(lambda _query, _page: Rows([{"ID": never.wait(10)}]), 1, page_size=100, check=check)

    with pytest.raises(Stopped):
        next(prefetch.pages(search("users")))
    never.set()


def test_a_page_is_never_asked_for_twice() -> None:
    window = PageWindow(search("users"), full=100)
    asked = []
    while (page := window.next_page()) is not None and page < 50:
        window.asked = page
        asked.append(page)
        window.put(page, Rows([{"ID": page}]))

    assert asked == list(range(1, 50))


@pytest.mark.parametrize("query", [Listing("Organisation/1/LearnerStatuses", "a"), Record("User/1", "b")])
def test_nothing_but_a_search_is_counted(query: Listing | Record) -> None:
    window = PageWindow(query, full=1)
    window.put(1, Rows([{"ID": 1}]))

    assert not window.wants_count()


def test_a_mistake_of_ours_in_a_count_is_no_secret() -> None:
    def broken(_: Search) -> None:
        raise AttributeError

    def fetch(_query: Query, page: int) -> Rows:
        return Rows([{"ID": page}] if page < 9 else [])

    prefetch = Prefetch(fetch, 2, page_size=1, keys=broken)

    def read() -> None:
        list(prefetch.pages(search("users")))
        prefetch.counted(search("users"))

    with pytest.raises(AttributeError):
        read()


def test_the_second_page_of_a_search_that_has_rows_for_sure_is_asked_for_with_the_first() -> None:
    both = threading.Barrier(2, timeout=10)

    def fetch(_query: Query, page: int) -> Rows:
        both.wait()
        return Rows([{"ID": 1}] if page == 1 else [])

    organisations = Search.of("Organisation", {}, "organisations", is_never_empty=True)

    assert list(Prefetch(fetch, 2, page_size=100).pages(organisations)) == [[{"ID": 1}], NOTHING]


def test_a_search_is_counted_beside_its_second_page_where_its_first_is_full() -> None:
    both = threading.Barrier(2, timeout=10)

    def fetch(_query: Query, page: int) -> Rows:
        if page == 2:
            both.wait()
        return Rows({"ID": (page, row)} for row in range(ROWS_ON_A_PAGE if page < 3 else 0))

    def keys(_query: Query) -> list[Hashable]:
        both.wait()
        return list(range(2 * ROWS_ON_A_PAGE))

    assert len(list(Prefetch(fetch, 2, page_size=ROWS_ON_A_PAGE, keys=keys).pages(search("users")))) == 2 + 1


def test_what_is_read_now_goes_on_at_full_speed_when_what_comes_later_has_filled_all_room() -> None:
    is_full = threading.Event()
    both = threading.Barrier(2, timeout=10)

    def fetch(query: Query, page: int) -> Rows:
        if query.stream == "later":
            is_full.set()
            return Rows([{"ID": 1}] * 16_000)
        if page == 5:
            assert is_full.wait(10)
        if page in {9, 10}:
            both.wait()
        return Rows([{"ID": page}] if page < 20 else [])

    prefetch = Prefetch(fetch, 2, page_size=1)
    later = Listing("Later", "later")
    prefetch.plan([search("now"), later])
    now = prefetch.pages(search("now"))
    for _ in range(4):
        next(now)

    assert len(list(now)) == 15 + 1
    assert len(next(prefetch.pages(later))) == 16_000


def test_what_is_read_now_is_counted_when_what_comes_later_has_filled_all_room() -> None:
    is_full, is_counted = threading.Event(), threading.Event()

    def fetch(query: Query, page: int) -> Rows:
        if query.stream == "later":
            is_full.set()
            return Rows([{"ID": 1}] * 16_000)
        assert (is_counted if page > 2 else is_full).wait(5)
        return Rows([{"ID": page}] if page < 10 else [])

    def keys(_query: Search) -> list[Hashable]:
        is_counted.set()
        return list(range(9))

    # Its first page is not full, so that nobody takes it for long before its second has come.
    prefetch = Prefetch(fetch, 2, page_size=2, keys=keys)
    prefetch.plan([search("now"), Listing("Later", "later")])

    assert len(list(prefetch.pages(search("now")))) == 9 + 1


def test_what_is_read_now_is_counted_before_what_comes_later_has_filled_all_room() -> None:
    looks_long, is_counted = threading.Event(), threading.Event()
    asked_before_the_count: list[str] = []

    def fetch(query: Query, page: int) -> Rows:
        if query.stream != "now":
            asked_before_the_count.append(query.stream)
            assert looks_long.wait(10)
            is_counted.wait(0.01)
            return Rows([{"ID": 1}] * (8_001 if query.stream == "0" else 1))
        if page == 6:
            looks_long.set()
            assert is_counted.wait(10)
        return Rows([{"ID": page}] if page < 10 else [])

    def keys(_query: Search) -> list[Hashable]:
        asked_before_the_count.append("")
        is_counted.set()
        return list(range(9))

    prefetch = Prefetch(fetch, 2, page_size=1, keys=keys)
    prefetch.plan([search("now"), *(Listing(f"Later/{number}", str(number)) for number in range(50))])
    reading = prefetch.pages(search("now"))
    pages = [next(reading) for _ in range(5)]
    assert is_counted.wait(10)

    assert len([*pages, *reading]) == 9 + 1
    assert asked_before_the_count.index("") < 25


def test_what_comes_last_does_not_begin_last() -> None:
    asked: list[str] = []
    has_begun, is_over = threading.Event(), threading.Event()

    def fetch(query: Query, page: int) -> Rows:
        asked.append(query.stream)
        assert page == 1 or has_begun.wait(10)
        if page == 5:
            is_over.set()
        return Rows([{"ID": page}] if page < 5 else [])

    prefetch = Prefetch(fetch, 1, page_size=1)
    prefetch.plan([search("now"), Listing("Last", "last")])
    reading = prefetch.pages(search("now"))
    assert next(reading)
    has_begun.set()

    assert is_over.wait(10)
    assert asked.index("last") < 4


def test_what_is_longest_so_far_is_counted_first_and_then_what_comes_last() -> None:
    planned = [PageWindow(search(name), full=1) for name in "abcd"]
    for pages, come in zip(planned, (2, 3, 3, 0), strict=True):
        for page in range(1, come + 1):
            pages.put(page, Rows([{"ID": page}]))

    order = []
    while chosen := to_be_counted(planned):
        chosen.put_count(0)
        order.append(chosen)

    assert order == [planned[2], planned[1], planned[0]]


def test_a_page_that_may_not_exist_is_told_apart_from_one_that_is_sure_to_be_wanted() -> None:
    window = PageWindow(search("users"), full=1)
    for page in range(1, 9):
        window.asked = page
        window.put(page, Rows([{"ID": page}]))

    assert window.next_page() == 9
    window.asked = 9
    assert window.next_page() is None
    assert window.guessed_page() == 10
    window.asked = 64
    assert window.guessed_page() is None


def test_what_is_asked_at_once_comes_before_what_is_planned_and_is_one_of_the_calls_that_may_be_under_way() -> None:
    onefile = CountedPages({"planned": 3, "urgent": 1})
    order: list[str] = []
    is_asked = threading.Event()

    def fetch(query: Query, page: int) -> Rows:
        order.append(query.stream)
        assert page == 1 or is_asked.wait(10)
        return onefile.fetch(query, page)

    prefetch = Prefetch(fetch, 1, page_size=ROWS_ON_A_PAGE)
    prefetch.plan([search("planned")])

    pages = prefetch.pages(search("planned"))
    next(pages)
    urgent = prefetch.at_once(lambda: fetch(search("urgent"), 1))
    is_asked.set()
    assert len(urgent()) == ROWS_ON_A_PAGE
    assert order.index("urgent") <= 2
    with pytest.raises(KeyError):
        prefetch.at_once(lambda: onefile.fetch(search("unheard of"), 1))()

    assert len(list(pages)) == 2 + 1
    assert onefile.most_at_once == 1


def test_a_wait_for_what_is_asked_at_once_is_broken_off_when_the_run_is_told_to_stop() -> None:
    never, told = threading.Event(), threading.Event()

    def check() -> None:
        if told.is_set():
            raise InterruptedError

    def call() -> bool:
        told.set()
        return never.wait(30)

    with pytest.raises(InterruptedError):
        Prefetch(lambda _query, _page: NOTHING, 1, page_size=1, check=check).at_once(call)()
    never.set()


def test_a_count_that_is_still_under_way_is_waited_for() -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    def fetch(_query: Query, page: int) -> Rows:
        if page == 1:
            return Rows([{"ID": 1}])
        assert has_begun.wait(10)
        return NOTHING

    def keys(_query: Query) -> list[Hashable]:
        has_begun.set()
        assert may_end.wait(10)
        return [1]

    prefetch = Prefetch(fetch, 2, page_size=1, keys=keys)

    assert len(list(prefetch.pages(search("users")))) == 1 + 1
    threading.Timer(0.05, may_end.set).start()
    assert prefetch.counted(search("users")) == [1]
    assert prefetch.counted(search("others")) is None


@pytest.mark.parametrize(("listed", "lists", "second_pages"), [(0, 1, 3), (1, 1, 3), (2, 3, 0)])
def test_a_list_that_lacks_rows_of_the_first_page_is_the_last_of_its_kind_before_anybody_reads_it(
    listed: int, lists: int, second_pages: int
) -> None:
    asked: list[tuple[str, int]] = []
    is_over = threading.Event()

    def fetch(query: Query, page: int) -> Rows:
        asked.append((query.stream, page))
        if query.stream == "last":
            is_over.set()
        return Rows([{"ID": 1}, {"ID": 2}] if page == 1 else [])

    def keys(query: Query) -> list[Hashable]:
        asked.append((query.stream, 0))
        return list(range(listed))

    prefetch = Prefetch(fetch, 1, page_size=ROWS_ON_A_PAGE, keys=keys)
    searches = [Search.of("Classroom", {"OrganisationID": number}, "classrooms") for number in range(3)]
    prefetch.plan([*searches, Listing("Last", "last")])

    # It begins with the first call of any kind; nobody reads yet.
    prefetch.at_once(lambda: None)()
    assert is_over.wait(10)
    # The last call of all belongs to the last search.
    assert len(list(prefetch.pages(searches[-1]))) == 1 + 1
    assert asked.count(("classrooms", 0)) == lists
    assert asked.count(("classrooms", 2)) == second_pages


class NotThere:
    """Does not find the first page of a search the first few times."""

    def __init__(self, times: int) -> None:
        self._times = times
        self.asked: list[tuple[str, int]] = []

    def fetch(self, query: Query, page: int) -> Rows:
        self.asked.append((query.stream, page))
        if page == 1 and self.asked.count((query.stream, 1)) <= self._times:
            raise NotFound("POST User/Search/1/100", "onefile.test")
        return Rows([{"ID": page}] if page < 3 else [])

    def stand_in(self, query: Query) -> Rows:
        self.asked.append((query.stream, 0))
        return Rows([{"ID": 7}])


def test_a_search_that_is_not_found_is_asked_for_again_after_a_pause_in_which_others_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    onefile = NotThere(times=1)

    def fetch(query: Query, page: int) -> Rows:
        nonlocal now
        if query.stream == "other":
            onefile.asked.append(("other", page))
            now += module._BEFORE_BELIEVING / 2
            return Rows([{"ID": page}] if page < 4 else [])
        return onefile.fetch(query, page)

    prefetch = Prefetch(fetch, 1, page_size=100, stand_in=onefile.stand_in)
    prefetch.plan([search("slips"), search("other")])

    assert list(prefetch.pages(search("slips"))) == [[{"ID": 1}], [{"ID": 2}], NOTHING]
    assert onefile.asked.index(("other", 2)) < onefile.asked.index(("slips", 2))
    assert ("slips", 0) not in onefile.asked


def test_a_search_that_is_not_found_twice_has_one_page_that_stands_in_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BEFORE_BELIEVING", 0.001)
    onefile = NotThere(times=9)
    pages = Prefetch(onefile.fetch, 1, page_size=100, stand_in=onefile.stand_in).pages(search("users"))

    assert next(pages) == [{"ID": 7}]
    assert onefile.asked[:3] == [("users", 1), ("users", 1), ("users", 0)]
    with pytest.raises(NotFound):
        next(Prefetch(NotThere(times=9).fetch, 1, page_size=100).pages(search("users")))


def test_a_list_or_a_page_after_the_first_that_is_not_found_is_not_put_off() -> None:
    def fetch(query: Query, page: int) -> Rows:
        if page == 1 and isinstance(query, Search):
            return Rows([{"ID": 1}])
        raise NotFound("somewhere", "onefile.test")

    prefetch = Prefetch(fetch, 1, page_size=100, stand_in=lambda _: NOTHING)
    for query in (search("users"), Listing("Nowhere", "lists")):
        with pytest.raises(NotFound):
            list(prefetch.pages(query))


def test_what_is_not_found_once_nobody_wants_it_is_not_asked_for_again() -> None:
    is_asked, is_forgotten = threading.Event(), threading.Event()

    def fetch(query: Query, page: int) -> Rows:
        if query.stream == "forgotten":
            is_asked.set()
            assert is_forgotten.wait(10)
            raise NotFound("somewhere", "onefile.test")
        return Rows([{"ID": 1}] if page == 1 else [])

    prefetch = Prefetch(fetch, 1, page_size=100)
    with prefetch.planned([search("forgotten")]):
        window = prefetch._windows[search("forgotten")]
        prefetch.at_once(lambda: None)()
        assert is_asked.wait(10)
    is_forgotten.set()

    assert len(list(prefetch.pages(search("next")))) == 1 + 1
    assert not window.is_put_off
    assert not window.ready


def test_what_is_looked_through_for_a_call_does_not_grow_with_what_is_planned(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: Counter[str] = Counter()

    def counted(name: str) -> None:
        attribute = vars(PageWindow)[name]
        is_property = isinstance(attribute, property)

        def look(window: PageWindow) -> object:
            looks[name] += 1
            found = attribute.__get__(window)
            return found if is_property else found()

        monkeypatch.setattr(PageWindow, name, property(look) if is_property else look)

    for name in ("ready", "wants_list", "wants_count", "guessed_page"):
        counted(name)
    costs = []
    for number in (100, 800):
        looks.clear()
        onefile = CountedPages({f"s{place}": 1 for place in range(number)})
        prefetch = Prefetch(onefile.fetch, 4, page_size=2 * ROWS_ON_A_PAGE)
        searches = [search(name) for name in onefile.pages]
        prefetch.plan(searches)
        for each in searches:
            assert len(list(prefetch.pages(each))) == 2
        costs.append(looks.total() / number)

    # For each search: a few looks at each of the few that are under way.
    assert max(costs) < 100


def test_what_was_put_off_is_asked_for_again_although_something_else_was_planned_before_it() -> None:
    onefile = CountedPages({"first": 1, "second": 1, "third": 1})
    refused = threading.Event()

    def fetch(query: Query, page: int) -> Rows:
        if query.stream == "first" and not refused.is_set():
            refused.set()
            raise NotFound("POST first/Search/1/3", "onefile.test")
        return onefile.fetch(query, page)

    prefetch = Prefetch(fetch, 1, page_size=ROWS_ON_A_PAGE)
    prefetch.plan([search("first")])
    reading = prefetch.pages(search("second"))
    assert next(reading)
    assert refused.wait(10)
    prefetch.plan([search("third")])

    assert [len(list(prefetch.pages(search(name)))) for name in ("third", "first")] == [2, 2]


def test_no_list_is_wanted_in_place_of_a_page_while_another_is_under_way() -> None:
    window = PageWindow(search("users"), full=3, asked=3)
    for page, ids in ((1, (1, 2, 3)), (3, (7,))):
        window.put(page, Rows([{"ID": each} for each in ids]))
    assert not window.looks_short
    window.put(2, Rows([{"ID": each} for each in (4, 5, 6)]))
    assert window.looks_short
