"""A search ends by evidence: no row is lost, whatever single answer slips, and no version goes by accident."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.outcomes import assert_complete, assert_honest, assert_put_right, assert_told, assert_true, differences, read
from tests.slips import EMPTY, FIRST, HTML, NO_CONTENT, SECOND, UNUSABLE, Answer, OneFile, for_a_while, slip, some

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.slips import Call, Row, Slip

VERSIONS: dict[str, Any] = {"emit_activate_version_messages": True}


# One empty answer is not taken for the end.


@pytest.mark.parametrize(
    ("kind", "cap", "rows", "page"),
    [
        *((kind, 50, 1000, 2) for kind in EMPTY),
        ("204", 30, 200, 3),
        ("list", 50, 100, 2),
        ("204", 10, 31, 4),
        ("204", 99, 700, 7),
        ("null", 100, 300, 3),
    ],
)
def test_a_page_of_a_capped_search_that_is_empty_once_ends_nothing(
    tmp_path: Path, kind: str, cap: int, rows: int, page: int
) -> None:
    with OneFile(1, cap=cap, learners=rows) as onefile:
        onefile.slips = [slip(EMPTY[kind], entity="User", page=page)]
        run = read(tmp_path, onefile, "learners")

    assert_complete(run, onefile, "learners")


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize(
    ("rows", "cap", "lists", "page"),
    [
        (1500, 100, 1000, 11),
        (1130, 100, 1000, 11),
        (170, 100, 100, 2),
        (70, 50, 50, 2),
        (450, 100, 200, 3),
        (9, 7, 7, 2),
    ],
)
def test_a_page_that_is_empty_once_ends_nothing_where_lists_are_cut_at_just_that_place(
    tmp_path: Path, rows: int, cap: int, lists: int, page: int, threads: int
) -> None:
    with OneFile(1, cap=cap, lists=lists, learners=3 * cap - 1, classrooms=rows) as onefile:
        onefile.slips = [slip(NO_CONTENT, entity="Classroom", page=page)]
        run = read(tmp_path, onefile, "learners", "classrooms", parallel_requests=threads)

    assert_complete(run, onefile, "learners", "classrooms")


@pytest.mark.parametrize("stream", ["assessors", "classrooms", "placements", "standards", "plans", "learning_aims"])
def test_an_empty_second_page_ends_no_stream(tmp_path: Path, stream: str) -> None:
    entity = {"assessors": "User", "learning_aims": "LearningAim"}.get(stream, stream[:-1].capitalize())
    with OneFile(cap=50, learners=3, **some(stream, (70, 55))) as onefile:
        onefile.slips = [slip(NO_CONTENT, entity=entity, page=2)]
        run = read(tmp_path, onefile, stream, parallel_requests=1)

    assert_complete(run, onefile, stream)


@pytest.mark.parametrize(
    ("kind", "organisations", "cap", "page"),
    [
        *((kind, 25, 10, 2) for kind in EMPTY),
        ("204", 25, 10, 3),
        ("204", 12, 5, 2),
        ("204", 3, 1, 3),
        ("204", 4, 3, 2),
    ],
)
def test_no_organisation_is_missing_after_one_empty_page(
    tmp_path: Path, kind: str, organisations: int, cap: int, page: int
) -> None:
    with OneFile(organisations, cap=cap, classrooms=2) as onefile:
        onefile.slips = [slip(EMPTY[kind], entity="Organisation", page=page)]
        run = read(tmp_path, onefile, "organisations", "classrooms")

    assert_complete(run, onefile, "organisations", "classrooms")


@pytest.mark.parametrize("unpaged", ["404", "500", "html", "empty"])
@pytest.mark.parametrize("stream", ["learners", "organisations"])
def test_an_empty_page_is_not_believed_where_nothing_else_tells_the_end(
    tmp_path: Path, stream: str, unpaged: str
) -> None:
    entity = {"learners": "User", "organisations": "Organisation"}[stream]
    organisations = 25 if stream == "organisations" else 1
    with OneFile(organisations, cap=10, learners=(35,)) as onefile:
        onefile.slips = [slip(NO_CONTENT, entity=entity, page=2)]
        onefile.slips.append(slip(UNUSABLE[unpaged], None, entity=entity, page=0))
        run = read(tmp_path, onefile, stream)

    assert_honest(run, onefile, stream)


@pytest.mark.slow
@pytest.mark.parametrize(("stream", "entity"), [("organisations", "Organisation"), ("learners", "User")])
@pytest.mark.parametrize(("first", "cap"), [(2, 2), (3, 5), (6, 3)])
def test_404_for_a_while_ends_no_search_that_nothing_lists(
    tmp_path: Path, stream: str, entity: str, first: int, cap: int
) -> None:
    with OneFile(25 if stream == "organisations" else 1, cap=cap, learners=(25,)) as onefile:
        # Every page from there on, and the unpaged search.
        onefile.slips = [slip(Answer(404), (1, 2), entity=entity, page=page) for page in (0, *range(first, 10))]
        run = read(tmp_path, onefile, stream, parallel_requests=1)
        assert_honest(run, onefile, stream)
        assert_put_right(tmp_path, run, onefile, stream)


def test_404_that_one_search_ends_by_is_not_believed_of_another_that_nothing_lists(tmp_path: Path) -> None:
    with OneFile(3, cap=3, classrooms=7) as onefile:
        onefile.slips = [
            slip(Answer(404), None, entity="Organisation", page=2),
            slip(Answer(404), (1, 2), entity="Classroom", page=2),
            slip(Answer(404), None, entity="Classroom", page=0),
        ]
        run = read(tmp_path, onefile, "organisations", "classrooms", parallel_requests=1)

    assert_complete(run, onefile, "organisations", "classrooms")


def test_404_for_good_after_a_page_is_told_where_other_searches_end_in_another_form(tmp_path: Path) -> None:
    with OneFile(1, cap=3, assessors=5, classrooms=7) as onefile:
        onefile.slips = [slip(Answer(404), None, entity="Classroom", page=page) for page in (0, 2, 3)]
        run = read(tmp_path, onefile, "assessors", "classrooms", parallel_requests=1)

    assert_told(run, onefile, "classrooms", "assessors")


def absent(*, but_for: tuple[str, int] = ("", 0)) -> Slip:
    """Answer 404 where there is nothing, and to the unpaged search, but for the end of one entity's search."""

    def slips(call: Call, _: int, answer: Answer) -> Answer:
        is_end = answer.status == NO_CONTENT.status and (call.entity, call.page) != but_for
        return Answer(404) if call.page == 0 or is_end else answer

    return slips


@pytest.mark.slow
def test_a_onefile_that_has_but_404_for_the_end_and_no_list_is_read_to_the_end(tmp_path: Path) -> None:
    with OneFile(3, cap=2, learners=5, classrooms=4) as onefile:
        onefile.slips = [absent()]
        run = read(tmp_path, onefile, "organisations", "learners", "classrooms")

    assert_complete(run, onefile, "organisations", "learners", "classrooms")


def test_the_learners_that_were_read_are_those_whose_hours_are_read(tmp_path: Path) -> None:
    with OneFile(2, learners=(4, 3), off_the_job=(4, 3)) as onefile:
        # Whoever asks again gets fewer, in a form that nothing tells from the truth.
        onefile.slips = [slip(NO_CONTENT, (2, 3, 4), entity="User", page=1, role=1)]
        run = read(tmp_path, onefile, "learners", "off_the_job")

    assert_complete(run, onefile, "learners", "off_the_job")


@pytest.mark.slow
def test_404_is_no_end_where_onefile_has_another_form_for_it(tmp_path: Path) -> None:
    with OneFile(1, cap=2, learners=5, classrooms=4) as onefile:
        onefile.slips = [absent(but_for=("Classroom", 3))]
        run = read(tmp_path, onefile, "learners", "classrooms", parallel_requests=1)

    assert run.status == 1
    assert "Missing: organisations" in run.last_line


@pytest.mark.parametrize(("seconds", "lists"), [(0.1, 3), (1.0, 1)])
@pytest.mark.parametrize("entity", ["Organisation", "Classroom"])
def test_404_for_a_moment_ends_no_search_of_which_a_list_lacks_the_rest(
    tmp_path: Path, entity: str, seconds: float, lists: int
) -> None:
    with OneFile(5, cap=3, lists=lists, classrooms=5) as onefile:
        onefile.slips = [for_a_while(seconds, Answer(404), entity=entity, page=2)]
        run = read(tmp_path, onefile, "organisations", "classrooms")

    assert_complete(run, onefile, "organisations", "classrooms")


@pytest.mark.parametrize(("stream", "entity"), [("learners", "User"), ("classrooms", "Classroom")])
def test_a_page_that_stays_empty_before_the_end_is_told(tmp_path: Path, stream: str, entity: str) -> None:
    with OneFile(cap=50, assessors=2, **some(stream, (170, 20))) as onefile:
        onefile.slips = [slip(NO_CONTENT, None, entity=entity, page=2, organisation=FIRST)]
        onefile.slips += [slip(NO_CONTENT, None, entity=entity, page=page, organisation=FIRST) for page in (3, 4)]
        run = read(tmp_path, onefile, stream, "assessors")
        assert_told(run, onefile, stream, only=str(FIRST))
        assert not differences(run, onefile, "assessors")
        assert_put_right(tmp_path, run, onefile, stream)


@pytest.mark.parametrize(("pages", "cap", "stream"), [(2, 50, "learners"), (6, 20, "learners"), (1, 100, "classrooms")])
def test_an_end_is_not_believed_of_a_search_that_has_nothing_at_all_any_more(
    tmp_path: Path, pages: int, cap: int, stream: str
) -> None:
    entity = {"learners": "User", "classrooms": "Classroom"}[stream]
    answered: list[Call] = []

    def nothing(call: Call, _: int, answer: Answer) -> Answer:
        if call.entity != entity or call.role == 5:
            return answer
        answered.append(call)
        return answer if len(answered) <= pages else NO_CONTENT

    with OneFile(1, cap=cap, assessors=2, **some(stream, 190)) as onefile:
        onefile.slips = [nothing]
        run = read(tmp_path, onefile, "assessors", stream, parallel_requests=1)
        assert_told(run, onefile, stream, "assessors")
        assert_put_right(tmp_path, run, onefile, stream)


CUT = {
    "no-first-byte": Answer(framing="close"),
    **{
        f"gzip-header-{framing}": Answer(200, b"\x1f\x8b\x08\0\0\0\0\0\0\x03", ("Content-Encoding: gzip",), framing)
        for framing in ("chunk", "close", "length")
    },
}


@pytest.mark.parametrize(
    ("kind", "stream", "page"),
    [
        *((kind, "learners", 2) for kind in CUT),
        *((kind, "organisations", 2) for kind in CUT),
        ("no-first-byte", "learners", 1),
        ("gzip-header-chunk", "learners", 3),
        ("no-first-byte", "organisations", 1),
    ],
)
def test_a_body_that_ends_before_it_begins_is_no_empty_page(tmp_path: Path, kind: str, stream: str, page: int) -> None:
    entity = {"learners": "User", "organisations": "Organisation"}[stream]
    with OneFile(25 if stream == "organisations" else 1, cap=12, learners=(40,)) as onefile:
        onefile.slips = [slip(CUT[kind], entity=entity, page=page)]
        run = read(tmp_path, onefile, stream)

        assert_complete(run, onefile, stream)
        onefile.slips = [slip(CUT[kind], None, entity=entity, page=page)]
        assert_told(read(tmp_path, onefile, stream), onefile, stream)


# No version is activated by accident.


@pytest.mark.parametrize(
    ("kind", "stream"),
    [*((kind, "classrooms") for kind in EMPTY), ("204", "placements"), ("list", "standards"), ("204", "plans")],
)
def test_a_first_page_that_is_empty_once_empties_no_table(tmp_path: Path, stream: str, kind: str) -> None:
    entity = stream[:-1].capitalize()
    with OneFile(learners=2, **some(stream, (30, 4))) as onefile:
        onefile.slips = [slip(EMPTY[kind], entity=entity, page=1)]
        run = read(tmp_path, onefile, stream, **VERSIONS)

    assert_complete(run, onefile, stream)
    assert set(run.activated) == {stream}


@pytest.mark.parametrize("kind", ["204", "list", "length-0"])
@pytest.mark.parametrize(
    ("stream", "entity"),
    [
        ("classrooms", "Classroom"),
        ("learners", "User"),
        ("learner_statuses", "Organisation/LearnerStatuses"),
        ("off_the_job", "User/offthejob"),
    ],
)
def test_what_is_empty_for_a_moment_whoever_asks_empties_no_table(
    tmp_path: Path, stream: str, entity: str, kind: str
) -> None:
    with OneFile(learners=5, classrooms=4, learner_statuses=3, off_the_job=5) as onefile:
        onefile.slips = [for_a_while(0.1, EMPTY[kind], entity=entity)]
        run = read(tmp_path, onefile, stream, **VERSIONS)

    assert_complete(run, onefile, stream)


@pytest.mark.parametrize(("page", "kind"), [(1, "204"), (1, "no-length"), (2, "204"), (2, "list")])
def test_learner_ids_that_come_empty_once_empty_no_table(tmp_path: Path, page: int, kind: str) -> None:
    with OneFile(cap=20, learners=(30, 25), off_the_job=(30, 25), learner_statuses=2) as onefile:
        onefile.slips = [slip(EMPTY[kind], entity="User", page=page, role=1)]
        run = read(tmp_path, onefile, "off_the_job", "learner_statuses", **VERSIONS)

    assert_complete(run, onefile, "off_the_job")
    # OneFile still has the hours of archived learners, who are not asked for.
    assert set(run.activated) == {"learner_statuses"}


@pytest.mark.parametrize(("kind", "settings"), [*((kind, VERSIONS) for kind in EMPTY), ("204", {})])
def test_a_look_up_that_comes_empty_once_loses_nothing(tmp_path: Path, kind: str, settings: dict[str, Any]) -> None:
    with OneFile(3, learner_statuses=4) as onefile:
        onefile.slips = [slip(EMPTY[kind], entity="Organisation/LearnerStatuses", organisation=SECOND)]
        run = read(tmp_path, onefile, "learner_statuses", **settings)

    assert_complete(run, onefile, "learner_statuses")


@pytest.mark.parametrize(("stream", "entity"), [("learners", "User"), ("placements", "Placement")])
def test_a_first_page_that_is_empty_once_is_not_taken_for_nothing(tmp_path: Path, stream: str, entity: str) -> None:
    with OneFile(3, **some(stream, (40, 30, 20))) as onefile:
        onefile.slips = [slip(NO_CONTENT, entity=entity, page=1, organisation=SECOND)]
        run = read(tmp_path, onefile, stream)
        assert_complete(run, onefile, stream)


@pytest.mark.parametrize("kind", ["204", "list"])
def test_what_is_empty_in_truth_is_activated_and_no_failure(tmp_path: Path, kind: str) -> None:
    with OneFile(classrooms=(5, 0), placements=0, assessors=1) as onefile:
        onefile.slips = [lambda _, __, answer: EMPTY[kind] if answer.status == 204 else answer]
        run = read(tmp_path, onefile, "classrooms", "placements", "assessors", **VERSIONS)

    assert_complete(run, onefile, "classrooms", "placements", "assessors")
    assert set(run.activated) == {"classrooms", "placements", "assessors"}


# What is held is held against what came, in both directions.


@pytest.mark.parametrize(
    ("rows", "size", "caps", "grown_after"),
    [
        *((120, 100, (30, 50), 1), (1020, 200, (100, 150), 3), (1020, 200, (100, 150), 6), (40, 30, (7, 9), 2)),
        # The last page that came is shorter than the first.
        *((70, 100, (30, 50), 1), (160, 100, (40, 50), 3), (130, 100, (20, 25), 5), (11, 100, (4, 9), 1)),
    ],
)
@pytest.mark.parametrize("by", ["page", "time"])
def test_a_cap_that_grows_while_we_read_loses_nothing_in_silence(
    tmp_path: Path, rows: int, size: int, caps: tuple[int, int], grown_after: int, by: str
) -> None:
    def cap(call: Call, answered: int) -> int:
        return caps[(answered if by == "time" else (call.page or 1) - 1) >= grown_after]

    with OneFile(1, cap=cap, learners=rows, assessors=2) as onefile:
        run = read(tmp_path, onefile, "learners", "assessors", page_size=size)
        assert_honest(run, onefile, "learners", "assessors")
        onefile.cap = 1000
        assert_put_right(tmp_path, run, onefile, "learners")


def test_a_single_page_as_large_as_others_were_when_they_went_on_is_not_taken_for_short(tmp_path: Path) -> None:
    def cap(call: Call, _: int) -> int:
        return 2 if call.entity == "Organisation" or (call.entity, call.page) == ("Placement", 1) else 3

    with OneFile(4, cap=cap, classrooms=3, placements=(3, 0, 0, 0)) as onefile:
        run = read(tmp_path, onefile, "organisations", "classrooms", "placements", parallel_requests=1, **VERSIONS)
        assert_honest(run, onefile, "placements", "classrooms")


@pytest.mark.parametrize(("pages", "unpaged"), [(1, "500"), (2, "nothing"), (4, "500"), (2, "capped"), (4, "capped")])
def test_a_cap_that_grows_at_the_end_of_what_it_cut_loses_nothing_that_no_list_has(
    tmp_path: Path, pages: int, unpaged: str
) -> None:
    # With one page, a list that is cut as the page was would agree with it.
    with OneFile(
        1,
        cap=lambda _, answered: 5 if answered < pages else 100,
        lists=5 if unpaged == "capped" else 1000,
        classrooms=5 * pages + 3,
    ) as onefile:
        if unpaged in UNUSABLE:
            onefile.slips = [slip(UNUSABLE[unpaged], None, entity="Classroom", page=0)]
        run = read(tmp_path, onefile, "classrooms", parallel_requests=1)
        assert_honest(run, onefile, "classrooms")


@pytest.mark.parametrize("times", [(1,), None], ids=["once", "for ever"])
@pytest.mark.parametrize(
    ("stream", "page", "lacks"),
    [("learners", 1, 60), ("learners", 5, 60), ("classrooms", 5, 1), ("learners", 9, 99), ("classrooms", 10, 7)],
)
def test_a_page_that_lacks_rows_is_found_out(
    tmp_path: Path, stream: str, page: int, lacks: int, times: tuple[int, ...] | None
) -> None:
    entity = {"learners": "User", "classrooms": "Classroom"}[stream]
    with OneFile(1, assessors=2, **some(stream, 1020)) as onefile:
        lacking = slip(lambda answer: answer.with_rows(lambda rows: rows[:-lacks]), times, entity=entity, page=page)
        onefile.slips = [lambda call, nth, answer: answer if call.role == 5 else lacking(call, nth, answer)]
        run = read(tmp_path, onefile, stream, "assessors")
        assert_honest(run, onefile, stream, "assessors")
        assert times is None or run.status == 0
        assert_put_right(tmp_path, run, onefile, stream)


@pytest.mark.parametrize("stream", ["learners", "classrooms"])
@pytest.mark.parametrize("times", [(1,), None], ids=["once", "for ever"])
def test_a_last_page_that_lacks_rows_is_found_out_by_a_list_that_was_had(
    tmp_path: Path, stream: str, times: tuple[int, ...] | None
) -> None:
    entity = {"learners": "User", "classrooms": "Classroom"}[stream]
    with OneFile(1, **some(stream, 1020)) as onefile:
        onefile.slips = [slip(lambda answer: answer.with_rows(lambda rows: rows[:-5]), times, entity=entity, page=11)]
        run = read(tmp_path, onefile, stream)

    assert_true(run, onefile, stream)
    # Only such a list shows it, and none is requested just for that.
    if onefile.count(entity=entity, page=0):
        assert_honest(run, onefile, stream)


@pytest.mark.parametrize("unpaged", ["404", "500", "nothing"])
@pytest.mark.parametrize(("rows", "cap", "page"), [(130, 20, 3), (340, 100, 1), (95, 30, 2)])
def test_a_page_that_lacks_rows_each_time_is_told_where_nothing_lists_them(
    tmp_path: Path, rows: int, cap: int, page: int, unpaged: str
) -> None:
    with OneFile(1, cap=cap, assessors=2, classrooms=rows) as onefile:
        onefile.slips = [
            slip(lambda answer: answer.with_rows(lambda rows: rows[4:]), None, entity="Classroom", page=page),
            slip(UNUSABLE[unpaged], None, entity="Classroom", page=0),
        ]
        run = read(tmp_path, onefile, "classrooms", "assessors")
        assert_told(run, onefile, "classrooms", "assessors")
        assert_put_right(tmp_path, run, onefile, "classrooms")


def test_pages_that_are_larger_from_some_page_on_are_told_where_nothing_lists_them(tmp_path: Path) -> None:
    with OneFile(1, cap=lambda call, _: 7 if (call.page or 0) <= 2 else 17, classrooms=130, assessors=2) as onefile:
        onefile.slips = [slip(UNUSABLE["nothing"], None, entity="Classroom", page=0)]
        run = read(tmp_path, onefile, "classrooms", "assessors")
        assert_told(run, onefile, "classrooms", "assessors")


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize(("cap", "learners"), [(2, 4), (2, 5), (1, 2), (3, 5), (4, 5)])
def test_pages_that_are_smaller_for_a_moment_hide_no_rows_of_a_search_of_one_page(
    tmp_path: Path, cap: int, learners: int, threads: int
) -> None:
    def caps(call: Call, answered: int) -> int:
        return cap if (call.role, answered) == (1, 0) else 5

    with OneFile(1, cap=caps, assessors=9, learners=learners) as onefile:
        run = read(tmp_path, onefile, "assessors", "learners", parallel_requests=threads, **VERSIONS)

    assert_complete(run, onefile, "assessors", "learners")


def test_a_page_that_is_short_once_ends_nothing_where_lists_are_cut_at_just_that_place(tmp_path: Path) -> None:
    with OneFile(1, lists=50, assessors=1, classrooms=90) as onefile:
        onefile.slips = [slip(lambda answer: answer.with_rows(lambda rows: rows[:10]), entity="Classroom", page=3)]
        run = read(tmp_path, onefile, "classrooms", page_size=20, parallel_requests=1)

    assert_complete(run, onefile, "classrooms")


def test_a_list_that_fails_once_is_asked_for_again_of_the_next_search(tmp_path: Path) -> None:
    with OneFile(3, assessors=(90, 8, 9), classrooms=(5, 6, 7)) as onefile:
        onefile.slips = [slip(Answer(500), entity="Classroom", page=0, organisation=FIRST)]
        run = read(tmp_path, onefile, "assessors", "classrooms", parallel_requests=1)

    assert_complete(run, onefile, "assessors", "classrooms")
    assert onefile.count(entity="Classroom", page=0) == 3
    assert onefile.count(entity="Classroom", page=2) == 1


@pytest.mark.parametrize("unpaged", ["there", "cut", "500"])
@pytest.mark.parametrize(("rows", "again"), [(90, 3), (90, 1), (57, 2), (7, 1)])
def test_a_page_that_came_before_in_place_of_none_is_an_end_where_a_list_has_no_more(
    tmp_path: Path, rows: int, again: int, unpaged: str
) -> None:
    lists = rows - 1 if unpaged == "cut" else 1000
    with OneFile(2, cap=30, lists=lists, assessors=31, classrooms=(rows, 0)) as onefile:

        def repeats(call: Call, _: int, answer: Answer) -> Answer:
            is_beyond = call.entity == "Classroom" and call.organisation == FIRST and (call.page or 0) > -(-rows // 30)
            kept = onefile.tables["Classroom"]
            return Answer.of(kept[(again - 1) * 30 : again * 30]) if is_beyond else answer

        onefile.slips = [repeats]
        if unpaged == "500":
            onefile.slips.append(slip(UNUSABLE["500"], None, entity="Classroom", page=0))
        run = read(tmp_path, onefile, "assessors", "classrooms")

        if unpaged == "there":
            assert_complete(run, onefile, "assessors", "classrooms")
        else:
            assert_told(run, onefile, "classrooms", "assessors")


@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize(
    ("rows", "size", "page"), [(230, 100, 2), (230, 100, 3), (170, 100, 2), (730, 100, 2), (730, 100, 6), (598, 10, 2)]
)
def test_rows_that_move_up_while_pages_are_read_are_not_skipped(
    tmp_path: Path, rows: int, size: int, page: int, threads: int
) -> None:
    with OneFile(3, classrooms=rows) as onefile:

        def delete(call: Call, nth: int, answer: Answer) -> Answer:
            if (call.entity, call.page, nth) == ("Classroom", page - 1, 1):
                kept = onefile.tables["Classroom"]
                gone = [row for row in kept if row["OrganisationID"] == call.organisation][:3]
                kept[:] = [row for row in kept if row not in gone]
            return answer

        onefile.slips = [delete]
        run = read(tmp_path, onefile, "classrooms", page_size=size, parallel_requests=threads)
        there = {row["ID"] for row in onefile.tables["Classroom"]}

    assert run.status == 0, run.last_line
    assert len(there) == 3 * (rows - 3)
    assert there <= {record["ID"] for record in run.records["classrooms"]}


@pytest.mark.parametrize("gone", range(5))
def test_a_row_that_the_only_page_of_a_search_lacks_once_is_read(tmp_path: Path, gone: int) -> None:
    def without(rows: list[Row]) -> list[Row]:
        return rows[:gone] + rows[gone + 1 :]

    with OneFile(1, assessors=9, classrooms=5) as onefile:
        onefile.slips = [slip(lambda answer: answer.with_rows(without), entity="Classroom", page=1)]
        run = read(tmp_path, onefile, "assessors", "classrooms", **VERSIONS)

    assert_complete(run, onefile, "assessors", "classrooms")


@pytest.mark.parametrize(("organisations", "times"), [(5, (1, 2)), (3, None)])
def test_a_list_that_showed_a_missing_row_is_not_forgotten_for_one_that_cannot_be_had(
    tmp_path: Path, organisations: int, times: tuple[int, ...] | None
) -> None:
    with OneFile(organisations, cap=3, assessors=2) as onefile:
        onefile.slips = [
            slip(lambda answer: answer.with_rows(lambda rows: rows[:-1]), times, entity="Organisation", page=1),
            slip(Answer(500), range(2, 10), entity="Organisation", page=0),
        ]
        run = read(tmp_path, onefile, "organisations", "assessors", **VERSIONS)

    assert_honest(run, onefile, "organisations")


@pytest.mark.parametrize("unpaged", [*UNUSABLE])
def test_a_search_of_one_page_whose_list_is_not_to_be_had_is_read_to_its_end(tmp_path: Path, unpaged: str) -> None:
    with OneFile(3, assessors=(90, 8, 9), classrooms=(5, 6, 7), placements=(5, 6, 7)) as onefile:
        onefile.slips = [slip(UNUSABLE[unpaged], None, entity="Classroom", page=0)]
        run = read(tmp_path, onefile, "assessors", "classrooms", "placements", parallel_requests=1)

    assert_complete(run, onefile, "assessors", "classrooms", "placements")
    # It is tried twice, each time once more where a new session might help.
    assert onefile.count(entity="Classroom", page=0) <= 2 * (1 + (unpaged in {"401", "403"}))
    assert onefile.count(entity="Classroom", page=2) == 3
    assert onefile.count(entity="Placement", page=0) == 3
    assert onefile.count(entity="Placement", page=2) == 0


def test_a_list_that_has_other_rows_than_the_page_is_not_asked_for_in_its_place_again(tmp_path: Path) -> None:
    with OneFile(4, assessors=(90, 8, 9, 7), classrooms=(5, 6, 7, 8)) as onefile:
        lacking = slip(lambda answer: answer.with_rows(lambda rows: rows[1:]), None, entity="Classroom", page=0)
        onefile.slips = [lacking]
        run = read(tmp_path, onefile, "assessors", "classrooms", parallel_requests=1)

    assert_complete(run, onefile, "assessors", "classrooms")
    assert onefile.count(entity="Classroom", page=0) == 1


def test_a_search_by_what_was_modified_asks_for_no_list_which_may_take_no_notice_of_that(tmp_path: Path) -> None:
    with OneFile(2, assessors=(90, 8), learners=(5, 6)) as onefile:
        run = read(tmp_path, onefile, "assessors", "learners", start_date="2020-01-01")

    assert_complete(run, onefile, "assessors", "learners")
    assert onefile.count(entity="User", page=0) == 0


def test_a_list_of_as_many_rows_that_are_others_ends_no_search(tmp_path: Path) -> None:
    with OneFile(1, assessors=9, classrooms=5) as onefile:
        onefile.slips = [
            slip(lambda answer: answer.with_rows(lambda rows: [*rows[:1], *rows[2:]]), entity="Classroom", page=1),
            slip(lambda answer: answer.with_rows(lambda rows: rows[:4]), entity="Classroom", page=0),
        ]
        run = read(tmp_path, onefile, "assessors", "classrooms", **VERSIONS)

    assert_complete(run, onefile, "assessors", "classrooms")


def test_nothing_more_is_asked_for_of_organisations_whose_end_cannot_be_had(tmp_path: Path) -> None:
    def and_another(rows: list[Row]) -> list[Row]:
        return [*rows, {"ID": 9999}]

    with OneFile(60, cap=20, classrooms=2, standards=90) as onefile:
        onefile.slips = [slip(lambda answer: answer.with_rows(and_another), None, entity="Organisation", page=0)]
        run = read(tmp_path, onefile, "organisations", "classrooms", "standards", parallel_requests=1)

    assert_told(run, onefile, "organisations", "standards")
    entities = [call.entity for call in onefile.calls]
    assert "Classroom" not in entities[entities.index("Standard") :]


def test_a_long_search_whose_first_page_is_cut_short_is_read_whole(tmp_path: Path) -> None:
    with OneFile(1, assessors=100, classrooms=1950) as onefile:
        onefile.slips = [slip(lambda answer: answer.with_rows(lambda rows: rows[:2]), entity="Classroom", page=1)]
        run = read(tmp_path, onefile, "assessors", "classrooms", parallel_requests=1)

    assert_complete(run, onefile, "assessors", "classrooms")


def test_a_page_of_organisations_that_lacks_rows_is_found_out(tmp_path: Path) -> None:
    with OneFile(12, cap=5, classrooms=2) as onefile:
        onefile.slips = [slip(lambda answer: answer.with_rows(lambda rows: rows[:2]), entity="Organisation", page=1)]
        run = read(tmp_path, onefile, "organisations", "classrooms")

    assert_complete(run, onefile, "organisations", "classrooms")


# What the evidence costs.


@pytest.mark.parametrize("threads", [1, 8])
def test_searches_that_look_right_cost_no_call_more(tmp_path: Path, threads: int) -> None:
    sizes = (90, 40, 3, 17, 25, 1)
    smaller = tuple(size // 2 + 1 for size in sizes)
    with OneFile(6, assessors=sizes, learners=smaller, classrooms=smaller, placements=smaller) as onefile:
        run = read(tmp_path, onefile, "assessors", "learners", "classrooms", "placements", parallel_requests=threads)

    assert_complete(run, onefile, "assessors", "learners", "classrooms", "placements")
    for call in onefile.calls:
        # The largest page of all may be as large as pages are; every other one is seen not to be.
        if call.page is not None and (call.entity, call.role, call.organisation) != ("User", 5, FIRST):
            is_end_of_all = call.entity == "Organisation"
            asked = onefile.count(entity=call.entity, filters=call.filters)
            assert asked <= 2 + is_end_of_all, call
    assert onefile.count(entity="User", role=5, organisation=FIRST) <= 3


@pytest.mark.parametrize("pages", [2, 4, 5, 9])
def test_pages_that_are_smaller_than_asked_cost_a_list(tmp_path: Path, pages: int) -> None:
    with OneFile(1, cap=20, classrooms=pages * 20 - 7) as onefile:
        run = read(tmp_path, onefile, "classrooms", parallel_requests=1)

    assert_complete(run, onefile, "classrooms")
    assert [call.page for call in onefile.calls if call.entity == "Classroom"].count(0) == 1
    assert onefile.count(entity="Classroom") == pages + 2


@pytest.mark.parametrize("rows", [5040, 10_000])
def test_evidence_costs_at_most_two_in_a_hundred_calls_of_a_long_search(tmp_path: Path, rows: int) -> None:
    with OneFile(1, learners=rows, classrooms=rows) as onefile:
        run = read(tmp_path, onefile, "learners", "classrooms")

    assert_complete(run, onefile, "learners", "classrooms")
    needed = -(-rows // 100) + 1
    for entity in ("User", "Classroom"):
        assert onefile.count(entity=entity) <= needed * 1.02


# More than one slip.

HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
ANY: list[Answer | Callable[[Answer], Answer]] = [
    *EMPTY.values(),
    Answer(404),
    Answer(500),
    HTML,
    Answer(framing="close"),
    Answer(0, before=HINT),
    lambda answer: replace(answer, before=HINT),
    lambda answer: replace(answer, cut=-4),
]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_slips_at_several_places_lose_nothing_in_silence(tmp_path: Path, seed: int) -> None:
    streams = ("organisations", "assessors", "learners", "classrooms", "reviews")
    draw = random.Random(seed)  # noqa: S311 - no secret
    with OneFile(
        4, cap=draw.choice((7, 20, 50)), learners=(130, 40, 15, 1), assessors=9, classrooms=(90, 60, 5, 2), reviews=8
    ) as onefile:
        for _ in range(6):
            entity = draw.choice(("Organisation", "User", "Classroom", "Review"))
            onefile.slips.append(slip(draw.choice(ANY), entity=entity, page=draw.choice((1, 2, 3))))
        run = read(tmp_path, onefile, *streams, parallel_requests=draw.choice((1, 8)))
        if run.status == 0:
            assert_complete(run, onefile, *streams)
        else:
            assert any(stream in run.last_line for stream in streams)
            for stream in streams:
                assert_true(run, onefile, stream)
        assert_put_right(tmp_path, run, onefile, *streams)
