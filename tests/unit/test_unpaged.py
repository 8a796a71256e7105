"""What the unpaged search settles: pages that are not there, and how many rows there are."""

from __future__ import annotations

import pytest

from tap_onefile import errors
from tap_onefile.extract.query import Search
from tap_onefile.extract.unpaged import Unpaged
from tap_onefile.reporting.metrics import Metrics
from tests.unit.scripted_transport import GOOD, ROWS, ScriptedTransport, answer

USERS = Search.of("User", {}, "users")
LEARNERS = Search.of("User", {"Role": 1}, "learners")
MANY_ROWS = [{"ID": number} for number in range(101)]


def unpaged(onefile: ScriptedTransport, page_size: int = 100, calls_per_minute: int = 0) -> Unpaged:
    return Unpaged(onefile.client(calls_per_minute=calls_per_minute), page_size, Metrics())


def test_404_is_the_end_of_a_search_except_on_its_first_page() -> None:
    assert unpaged(ScriptedTransport(answer(404), answer(404), GOOD)).page(USERS, 2) == []
    with pytest.raises(errors.NotFound, match="api_url"):
        unpaged(ScriptedTransport(answer(404))).page(USERS, 1)


def test_an_entity_that_has_no_pages_is_read_unpaged_and_not_asked_for_pages_again() -> None:
    onefile = ScriptedTransport(answer(404), answer(404), GOOD)
    searches = unpaged(onefile, page_size=1)
    assert searches.page(USERS, 1) == ROWS
    assert searches.page(USERS, 2) == []
    assert searches.page(LEARNERS, 1) == ROWS
    path = "POST User/Search"
    assert [call[0] for call in onefile.asked()] == [f"{path}/1/1", f"{path}/1/1", path, path]
    assert [call[2] for call in onefile.asked()] == [{}, {}, {}, {"Role": 1}]


def test_thin_rows_do_not_stand_in_where_pages_are_needed() -> None:
    whole = Search.of("User", {}, "users", needs_pages=True)
    with pytest.raises(errors.NotFound):
        unpaged(ScriptedTransport(answer(404), answer(404), GOOD)).page(whole, 1)
    assert unpaged(ScriptedTransport(answer(404), GOOD)).page(whole, 1) == ROWS


def test_404_is_no_end_of_a_search_that_has_more_rows_than_the_pages_before_it() -> None:
    many = answer(200, MANY_ROWS)
    with pytest.raises(errors.Refused, match=r"POST User/Search/2/100 with 404 although its search seems"):
        unpaged(ScriptedTransport(answer(404), answer(404), many)).page(USERS, 2)
    with pytest.raises(errors.Refused, match="POST User/Search/2/100"):
        unpaged(ScriptedTransport(answer(404))).page(USERS, 2)
    assert unpaged(ScriptedTransport(answer(404), answer(404), many)).page(USERS, 3) == []
    assert unpaged(ScriptedTransport(answer(404), many)).page(USERS, 2) == MANY_ROWS


def test_the_second_page_of_an_entity_without_pages_is_none_although_it_is_asked_for_beside_the_first() -> None:
    gone = answer(404)
    searches = unpaged(ScriptedTransport(gone, gone, GOOD, gone, gone, gone, GOOD), page_size=1)
    assert searches.page(USERS, 2) == []
    assert searches.page(USERS, 1) == ROWS
    went_away = unpaged(ScriptedTransport(GOOD, gone, gone, GOOD, gone), page_size=1)
    assert went_away.page(USERS, 1) == ROWS
    with pytest.raises(errors.Refused, match="POST User/Search/2/1 with 404"):
        went_away.page(USERS, 2)


def test_a_count_that_meets_a_429_makes_every_other_call_wait_too() -> None:
    onefile = ScriptedTransport(answer(429), GOOD)
    searches = unpaged(onefile, calls_per_minute=100)
    assert searches.count(USERS) is None
    assert searches.count(USERS) == 2
    (_, _, _, refused), (_, _, _, next_call) = onefile.asked()
    assert next_call - refused == 60


@pytest.mark.parametrize("status", [400, 401, 404], ids=str)
def test_a_search_that_cannot_be_had_unpaged_is_none_where_its_rows_are_of_use_and_not_needed(status: int) -> None:
    onefile = ScriptedTransport(answer(status))
    onefile.customer = [answer(200, {"ID": 1})]
    assert unpaged(onefile).rows_if_any(USERS) is None
    assert unpaged(ScriptedTransport(GOOD)).rows_if_any(USERS) == unpaged(ScriptedTransport(GOOD)).rows(USERS) == ROWS
