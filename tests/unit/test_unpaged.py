"""What the unpaged search settles: searches that have no pages, and which rows a search has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from tap_onefile import errors
from tap_onefile.extract import prefetch
from tap_onefile.extract.query import UNPAGED, Search
from tap_onefile.extract.reader import Reader
from tap_onefile.reporting.metrics import Metrics, Tally
from tap_onefile.reporting.problems import Problems
from tests.unit.scripted_transport import GOOD, ROWS, ScriptedTransport, answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_onefile.api.transport import Answer
    from tap_onefile.extract.query import Query

    Row = dict[str, object]

USERS = Search.of("User", {}, "users")
LEARNERS = Search.of("User", {"Role": 1}, "learners")
GONE = answer(404)
NOTHING = answer(204)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a search that was not found be asked for again at once."""
    for pause in ("_BEFORE_BELIEVING", "_BEFORE_BELIEVING_AGAIN"):
        monkeypatch.setattr(prefetch, pause, 0.001)


class Always(ScriptedTransport):
    """Answers each path in one way, and those that it does not know with 404."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        super().__init__()
        self._answers = answers

    @override
    def exchange(
        self, method: str, path: str, *, headers: Mapping[str, str], body: object = None, **_: object
    ) -> Answer:
        self.script = [self._answers.get(path, GONE)]
        return super().exchange(method, path, headers=headers, body=body)


class OneAfterTheOther:
    """Reads one query after the other, by one call at a time."""

    def __init__(self, onefile: ScriptedTransport, page_size: int = 100) -> None:
        self.problems = Problems()
        self._reader = Reader(
            onefile.client(), page_size=page_size, parallel_requests=1, metrics=Metrics(), problems=self.problems
        )

    def read(self, query: Query) -> list[Row]:
        return [dict(row) for rows in self._reader.pages(query) for row in rows]


def test_404_is_the_end_of_a_search_except_on_its_first_page() -> None:
    onefile = ScriptedTransport(GOOD, GONE, GONE, GONE, GOOD)
    assert OneAfterTheOther(onefile).read(USERS) == ROWS
    # It is not the form that OneFile has for nothing, so that it is asked for again, and the search is listed too.
    first, second, listed = "POST User/Search/1/100", "POST User/Search/2/100", "POST User/Search"
    assert [call[0] for call in onefile.asked()] == [first, listed, second, second, listed]
    with pytest.raises(errors.NotFound, match="api_url"):
        OneAfterTheOther(ScriptedTransport(GONE)).read(USERS)


def test_a_search_that_has_no_pages_is_read_unpaged_and_each_search_of_its_entity_is_asked_for_itself() -> None:
    onefile = ScriptedTransport(GONE, GONE, GOOD, GONE, GONE, answer(200, [{"ID": 3}]))
    onefile_reader = OneAfterTheOther(onefile, page_size=1)
    assert onefile_reader.read(USERS) == ROWS
    assert onefile_reader.read(LEARNERS) == [{"ID": 3}]
    path = "POST User/Search"
    assert [call[0] for call in onefile.asked()] == [f"{path}/1/1", f"{path}/1/1", path] * 2
    assert [call[2] for call in onefile.asked()] == [{}] * 3 + [{"Role": 1}] * 3
    assert onefile_reader.problems.unpaged == {"users", "learners"}


def test_a_search_of_an_entity_that_has_pages_is_not_read_unpaged() -> None:
    """What one search could not do says nothing of the others, whichever came first."""
    reader = OneAfterTheOther(ScriptedTransport(GOOD, GOOD, NOTHING, GONE, GONE, GOOD))
    assert reader.read(USERS) == ROWS
    with pytest.raises(errors.MissingPage, match=r"POST User/Search/1 with 404 although it has this search"):
        reader.read(LEARNERS)
    assert not reader.problems.unpaged

    third = answer(200, [{"ID": 3}])
    reader = OneAfterTheOther(ScriptedTransport(GONE, GONE, GOOD, third, third, NOTHING))
    assert reader.read(USERS) == ROWS
    assert reader.problems.is_complete
    assert reader.read(LEARNERS) == [{"ID": 3}]
    with pytest.raises(errors.IncompleteRun, match=r"Missing: users \(OneFile answers POST User/Search/1 with 404"):
        reader.problems.conclude()


def test_thin_rows_do_not_stand_in_where_pages_are_needed() -> None:
    whole = Search.of("User", {}, "users", needs_pages=True)
    with pytest.raises(errors.NotFound):
        OneAfterTheOther(ScriptedTransport(GONE)).read(whole)
    reader = OneAfterTheOther(ScriptedTransport(GONE, GOOD, NOTHING, GOOD))
    assert reader.read(whole) == ROWS
    assert not reader.problems.unpaged


def test_a_page_that_is_not_found_although_the_list_has_more_rows_is_asked_for_again() -> None:
    listed = answer(200, [*ROWS, {"ID": 3}])
    onefile = ScriptedTransport(GOOD, GONE, GONE, listed, GOOD, GOOD, answer(200, [{"ID": 3}]), NOTHING)
    assert OneAfterTheOther(onefile, page_size=2).read(USERS) == [*ROWS, {"ID": 3}]
    always = Always({"User/Search/1/100": GOOD, "User/Search": listed})
    with pytest.raises(errors.MissingRows, match="1 rows of users did not come"):
        OneAfterTheOther(always).read(USERS)
    assert [call[0] for call in always.asked()].count("POST User/Search/2/100") > 1


def test_what_the_unpaged_search_gives_says_so() -> None:
    rows = USERS.fetch_unpaged(ScriptedTransport(GOOD).client(), Tally())
    assert rows == ROWS
    assert rows.form == UNPAGED


def test_a_list_that_meets_a_429_makes_every_other_call_wait_too() -> None:
    onefile = ScriptedTransport(answer(429), GOOD)
    client = onefile.client(calls_per_minute=100)
    assert USERS.list_keys(client, Tally()) is None
    assert USERS.list_keys(client, Tally()) == [1, 2]
    (_, _, _, refused), (_, _, _, next_call) = onefile.asked()
    assert next_call - refused == 60


@pytest.mark.parametrize("status", [400, 401, 404, 500], ids=str)
def test_a_search_that_cannot_be_listed_is_none_where_its_rows_are_of_use_and_not_needed(status: int) -> None:
    onefile = ScriptedTransport(answer(status))
    assert USERS.list_keys(onefile.client(), Tally()) is None
    # A session may have died, which says nothing of the search.
    assert len(onefile.asked()) == (2 if status == 401 else 1)
