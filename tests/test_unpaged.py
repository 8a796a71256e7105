"""What one search cannot do is believed of that search, and an unpaged one proves what nothing contradicts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.outcomes import assert_complete, assert_honest, assert_put_right, assert_told, assert_true, read
from tests.slips import FIRST, NO_CONTENT, SECOND, UNUSABLE, Answer, OneFile, for_a_while, slip

if TYPE_CHECKING:
    from pathlib import Path

    from tests.slips import Call, Row, Slip

NOT_FOUND = Answer(404)


# What one search could not do is not taken for all searches of its entity.


@pytest.mark.parametrize(
    ("rows", "size", "organisation", "threads"),
    [
        ((3000, 250), 100, SECOND, 8),
        ((600, 30), 50, SECOND, 8),
        ((600, 30), 50, SECOND, 1),
        ((30, 600), 50, FIRST, 8),
        ((7, 8), 2, SECOND, 8),
    ],
)
def test_404_on_a_first_page_for_a_moment_loses_nothing_anywhere(
    tmp_path: Path, rows: tuple[int, int], size: int, organisation: int, threads: int
) -> None:
    with OneFile(classrooms=rows, assessors=3) as onefile:
        onefile.slips = [for_a_while(0.1, NOT_FOUND, entity="Classroom", page=1, organisation=organisation)]
        run = read(tmp_path, onefile, "classrooms", "assessors", page_size=size, parallel_requests=threads)

    assert_complete(run, onefile, "classrooms", "assessors")


@pytest.mark.parametrize("organisations", [1, 3])
@pytest.mark.parametrize(
    ("stream", "entity"),
    [("learner_statuses", "Organisation/LearnerStatuses"), ("off_the_job", "User/offthejob"), ("reviews", "Review")],
)
def test_404_for_a_moment_on_what_is_read_by_one_call_loses_nothing(
    tmp_path: Path, stream: str, entity: str, organisations: int
) -> None:
    with OneFile(organisations, learners=3, learner_statuses=4, off_the_job=3, reviews=2) as onefile:
        onefile.slips = [for_a_while(0.2, NOT_FOUND, entity=entity, method="GET")]
        run = read(tmp_path, onefile, stream)

    assert_complete(run, onefile, stream)


@pytest.mark.parametrize("stream", ["classrooms", "placements", "plans", "learners"])
def test_404_twice_on_a_first_page_thins_nothing_in_silence(tmp_path: Path, stream: str) -> None:
    with OneFile(3, learners=(300, 20, 50), classrooms=(300, 20, 50), placements=(300, 20, 50), plans=5) as onefile:
        entity = {"learners": "User"}.get(stream, stream[:-1].capitalize())
        onefile.slips = [slip(NOT_FOUND, (1, 2), entity=entity, page=1, organisation=SECOND)]
        run = read(tmp_path, onefile, stream, "assessors", page_size=50)

    assert_honest(run, onefile, stream, "assessors")


@pytest.mark.parametrize("page", [2, 3, 5])
def test_404_twice_on_a_later_page_loses_nothing(tmp_path: Path, page: int) -> None:
    with OneFile(classrooms=(230, 120)) as onefile:
        onefile.slips = [slip(NOT_FOUND, (1, 2), entity="Classroom", page=page)]
        run = read(tmp_path, onefile, "classrooms", page_size=50)

    assert_honest(run, onefile, "classrooms")


def test_what_lastingly_has_no_pages_in_one_organisation_is_whole_in_the_others(tmp_path: Path) -> None:
    with OneFile(3, classrooms=(120, 30, 70), assessors=2) as onefile:
        onefile.slips = [
            lambda call, _, answer: (
                NOT_FOUND if call.entity == "Classroom" and call.page and call.organisation == SECOND else answer
            )
        ]
        run = read(tmp_path, onefile, "classrooms", "assessors", page_size=20)

    # Thin rows would go over whole ones of an earlier run.
    assert_told(run, onefile, "classrooms", "assessors", only=f"OrganisationID {SECOND}")
    assert len([record for record in run.records["classrooms"] if record["OrganisationID"] != SECOND]) == 190


ENTITIES = {
    "placements": "Placement",
    "plans": "Plan",
    "learner_statuses": "Organisation/LearnerStatuses",
    "off_the_job": "User/offthejob",
}


@pytest.mark.parametrize("stream", ENTITIES)
@pytest.mark.parametrize("unpaged", [True, False], ids=["thin", "empty"])
def test_404_that_has_passed_before_the_end_of_the_run_is_told(tmp_path: Path, stream: str, *, unpaged: bool) -> None:
    with OneFile(1, assessors=2, learners=9, placements=9, plans=9, learner_statuses=9, off_the_job=9) as onefile:
        # What a page is asked for twice, and what stands in for it once.
        onefile.slips = [
            slip(NOT_FOUND, (1, 2), entity=ENTITIES[stream], page=None),
            slip(NOT_FOUND, (1, 2), entity=ENTITIES[stream], page=1),
            slip(NOT_FOUND, () if unpaged else (1,), entity=ENTITIES[stream], page=0),
        ]
        run = read(tmp_path, onefile, stream, "assessors", emit_activate_version_messages=True)
        assert run.status == 1
        assert re.search(rf"Missing: {stream} of .*404 although it has", run.last_line)
        assert not run.activated
        assert_put_right(tmp_path, run, onefile, stream, "assessors")


def test_404_that_lasts_costs_a_call_at_the_end_and_no_failure(tmp_path: Path) -> None:
    with OneFile(2, assessors=2, learners=1, plans=3, placements=4) as onefile:
        onefile.slips = [slip(NOT_FOUND, None, entity="Plan"), slip(NOT_FOUND, None, entity="Placement", page=1)]
        run = read(tmp_path, onefile, "plans", "placements", "assessors", emit_activate_version_messages=True)

    assert run.status == 0
    assert not run.records["plans"]
    assert "Empty, as OneFile answers 404: plans." in run.stderr
    assert "placements: OneFile has no pages of it" in run.stderr
    for entity in ("Plan", "Placement"):
        assert [onefile.count(entity=entity, organisation=each) for each in (FIRST, SECOND)] == [4, 3]


def test_a_stream_that_is_read_unpaged_is_named_in_the_log_and_in_the_summary(tmp_path: Path) -> None:
    with OneFile(placements=(120, 30), assessors=2) as onefile:
        onefile.slips = [lambda call, _, answer: NOT_FOUND if call.entity == "Placement" and call.page else answer]
        run = read(tmp_path, onefile, "placements", "assessors", page_size=20)

    assert_complete(run, onefile, "placements", "assessors")
    assert len(re.findall(r"^.*placements.*unpaged|^.*unpaged.*placements", run.stderr, re.MULTILINE)) >= 2


@pytest.mark.parametrize(
    ("times", "knows"), [((2, 3), False), (None, False), ((1, 2), True), ((2, 3), True), (None, True)], ids=str
)
def test_404_for_learner_ids_leaves_no_learner_thin_for_good(
    tmp_path: Path, times: tuple[int, ...] | None, *, knows: bool
) -> None:
    streams = ("learners", "off_the_job")
    rows = (60, 40, 20, 9, 8, 7)
    with OneFile(6, learners=rows, off_the_job=rows) as onefile:
        state = read(tmp_path, onefile, *streams).state if knows else None
        for learner in onefile.tables["User"]:
            learner |= {"Email": f"new{learner['ID']}@example.org", "LastModified": "2026-01-01T00:00:00.000000Z"}

        def no_ids(call: Call, nth: int, answer: Answer) -> Answer:
            is_ids = call.entity == "User" and call.page == 1 and "LastModified" not in call.filters
            return NOT_FOUND if is_ids and call.organisation == FIRST and (not times or nth in times) else answer

        onefile.slips = [no_ids]
        run = read(tmp_path, onefile, *streams, state=state, parallel_requests=1)
        if run.status == 0:
            assert_complete(run, onefile, *streams)
        else:
            assert re.search("learners|off_the_job", run.last_line)
            assert_true(run, onefile, "learners")
            assert_true(run, onefile, "off_the_job")
        assert times is not None or run.status == 1
        assert_put_right(tmp_path, run, onefile, *streams)


@pytest.mark.parametrize("organisation", [FIRST, SECOND])
def test_learners_without_pages_are_never_read_thin(tmp_path: Path, organisation: int) -> None:
    with OneFile(learners=(60, 40), assessors=3) as onefile:
        onefile.slips = [
            lambda call, _, answer: (
                NOT_FOUND if call.role == 1 and call.page and call.organisation == organisation else answer
            )
        ]
        run = read(tmp_path, onefile, "learners", "assessors")
        assert_told(run, onefile, "learners", "assessors")
        assert_put_right(tmp_path, run, onefile, "learners", "assessors")


# What the unpaged search is good for.


@pytest.mark.parametrize(("rows", "lists", "page"), [(1020, 500, 7), (1020, 990, 11), (200, 70, 2), (700, 100, 3)])
@pytest.mark.parametrize("slips", [False, True], ids=["good", "empty-page"])
def test_an_unpaged_search_that_is_capped_proves_nothing(
    tmp_path: Path, rows: int, lists: int, page: int, *, slips: bool
) -> None:
    with OneFile(1, lists=lists, learners=rows) as onefile:
        onefile.slips = [slip(NO_CONTENT, entity="User", page=page)] if slips else []
        run = read(tmp_path, onefile, "learners")

    assert_complete(run, onefile, "learners")


@pytest.mark.parametrize(
    ("rows", "kind"), [*((200, kind) for kind in UNUSABLE), (650, "500"), (650, "html"), (650, "hangs")]
)
def test_an_unpaged_search_that_fails_costs_nothing_where_all_pages_came(tmp_path: Path, rows: int, kind: str) -> None:
    with OneFile(learners=(rows, 100), classrooms=3) as onefile:
        onefile.slips = [slip(UNUSABLE[kind], None, page=0)]
        run = read(tmp_path, onefile, "learners", "classrooms", request_timeout=1)

    assert_complete(run, onefile, "learners", "classrooms")


# Rows that move while they are read.


def moving(onefile: OneFile, after: int) -> Slip:
    """Let the last learner go to the front once a page has been read, so that one row is skipped by nobody's fault."""
    moved: list[Row] = []

    def slips(call: Call, _: int, answer: Answer) -> Answer:
        if call.entity == "User" and call.page == after and not moved:
            users = onefile.tables["User"]
            moved.append(users.pop())
            users.insert(0, moved[0])
        return answer

    return slips


@pytest.mark.parametrize(
    ("after", "unpaged"),
    [
        *((2, kind) for kind in ("404", "500", "html", "403", "empty", "nothing", "capped", "good")),
        (1, "404"),
        (4, "404"),
    ],
)
def test_a_row_that_moved_before_what_was_read_is_not_lost_in_silence(tmp_path: Path, after: int, unpaged: str) -> None:
    with OneFile(1, lists=20 if unpaged == "capped" else 1000, learners=50) as onefile:
        onefile.slips = [moving(onefile, after)]
        if unpaged in UNUSABLE:
            onefile.slips.append(slip(UNUSABLE[unpaged], None, page=0))
        run = read(tmp_path, onefile, "learners", page_size=10, parallel_requests=1)
        assert_honest(run, onefile, "learners")
        assert_put_right(tmp_path, run, onefile, "learners", page_size=10)
