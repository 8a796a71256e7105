"""An answer is held against its question, and travels as HTTP allows: nothing comes from where it does not belong."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.outcomes import assert_complete, assert_honest, assert_put_right, assert_told, assert_true, read
from tests.slips import FIRST, NO_CONTENT, SECOND, THIRD, Answer, OneFile, slip, some

if TYPE_CHECKING:
    from pathlib import Path

    from tests.slips import Call, Row, Slip

PEOPLE = ("assessors", "learners", "classrooms")


def sent_of(records: list[Row], organisation: int) -> set[int]:
    return {record["ID"] for record in records if record["OrganisationID"] == organisation}


# Informational answers, and what else comes on a connection that is kept.

HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
INFORMATIONAL = {
    "103": HINT,
    "102": b"HTTP/1.1 102 Processing\r\n\r\n",
    "100": b"HTTP/1.1 100 Continue\r\n\r\n",
    "199": b"HTTP/1.1 199 Whatever\r\n\r\n",
    "three": HINT + b"HTTP/1.1 102 Processing\r\n\r\n" + HINT,
}


@pytest.mark.parametrize("kind", INFORMATIONAL)
@pytest.mark.parametrize("times", [(1,), None], ids=["once", "always"])
def test_informational_answers_are_passed_over(tmp_path: Path, kind: str, times: tuple[int, ...] | None) -> None:
    with OneFile(learners=(120, 30), assessors=4, classrooms=(150, 7), hides=("OrganisationID", "Role")) as onefile:
        onefile.slips = [slip(lambda answer: replace(answer, before=INFORMATIONAL[kind]), times)]
        run = read(tmp_path, onefile, *PEOPLE)

    assert_complete(run, onefile, *PEOPLE)


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        *((kind, {"role": 1}) for kind in (*INFORMATIONAL, "101")),
        ("103", {"role": 5}),
        ("103", {"entity": "Organisation"}),
        ("102", {"entity": "Classroom", "page": 2}),
    ],
)
def test_an_informational_answer_alone_is_no_answer(tmp_path: Path, kind: str, where: dict[str, Any]) -> None:
    alone = INFORMATIONAL.get(kind, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
    with OneFile(learners=(120, 30), assessors=4, classrooms=(150, 7), hides=("OrganisationID", "Role")) as onefile:
        onefile.slips = [slip(Answer(0, before=alone), **where)]
        run = read(tmp_path, onefile, *PEOPLE)

    assert_complete(run, onefile, *PEOPLE)


def test_informational_answers_for_ever_are_told(tmp_path: Path) -> None:
    with OneFile(learners=3, assessors=3) as onefile:
        onefile.slips = [slip(Answer(0, before=HINT), None, role=1)]
        run = read(tmp_path, onefile, "assessors", "learners")

    assert_told(run, onefile, "learners", "assessors")


STRAY = Answer.of([{"ID": 1, "FirstName": "Not", "LastName": "Asked"}]).wire()


@pytest.mark.parametrize(
    "changes",
    [
        {"after": STRAY},
        {"after": b"[]"},
        {"after": HINT},
        {"headers": ("Content-Length: 2",), "framing": "none"},
        {"status": 204, "after": STRAY},
        {"status": 204},
    ],
    ids=["second-answer", "more-body", "late-hint", "short-length", "204-and-answer", "204-with-body"],
)
@pytest.mark.parametrize("threads", [1, 8])
def test_what_is_left_on_a_connection_is_no_answer_to_the_next_question(
    tmp_path: Path, changes: dict[str, Any], threads: int
) -> None:
    with OneFile(3, learners=(20, 5, 9), assessors=4, classrooms=3) as onefile:
        onefile.slips = [slip(lambda answer: replace(answer, **changes), page=1, role=5)]
        run = read(tmp_path, onefile, *PEOPLE, parallel_requests=threads)

    assert_honest(run, onefile, "assessors", "learners", "classrooms")


@pytest.mark.parametrize("length", [0, 1, -1, 10, -10])
def test_a_length_that_is_not_so_loses_nothing(tmp_path: Path, length: int) -> None:
    def is_not_so(answer: Answer) -> Answer:
        told = len(answer.body) + length if length else 0
        return replace(answer, headers=(f"Content-Length: {told}",), framing="none", cut=len(answer.body))

    with OneFile(learners=(30, 5), assessors=4) as onefile:
        onefile.slips = [slip(is_not_so, page=1, role=1)]
        run = read(tmp_path, onefile, "learners", "assessors")

    assert_complete(run, onefile, "learners", "assessors")


def late(role: int) -> Slip:
    """Answer each question about a role with the answer to the question about it before, as after a mixed-up proxy."""
    before: list[Answer] = []

    def slips(call: Call, _: int, answer: Answer) -> Answer:
        if call.role != role:
            return answer
        before.append(answer)
        return before[-2] if len(before) == 2 else answer

    return slips


def test_an_answer_to_the_question_before_is_found_out(tmp_path: Path) -> None:
    with OneFile(3, learners=(20, 5, 9), assessors=4) as onefile:
        onefile.slips = [late(1)]
        run = read(tmp_path, onefile, "learners", "assessors", parallel_requests=1)

    assert_honest(run, onefile, "learners", "assessors")


# Filters that the server ignores, and rows of others.


@pytest.mark.parametrize("stream", ["learners", "classrooms", "placements", "reviews", "plans"])
def test_an_ignored_organisation_sends_no_row_under_another_one(tmp_path: Path, stream: str) -> None:
    with OneFile(3, ignores=("OrganisationID",), **some(stream, (20, 7, 1))) as onefile:
        run = read(tmp_path, onefile, stream)

    assert_honest(run, onefile, stream)


@pytest.mark.parametrize("stream", ["learners", "classrooms", "reviews"])
@pytest.mark.parametrize("rows", [(20, 7, 1), (230, 50, 50)])
def test_an_ignored_organisation_is_told_where_rows_do_not_tell_theirs(
    tmp_path: Path, stream: str, rows: tuple[int, ...]
) -> None:
    with OneFile(
        3, ignores=("OrganisationID",), hides=("OrganisationID", "AssessorSignedOn"), **some(stream, rows)
    ) as on:
        run = read(tmp_path, on, stream, fetch_details=["plans"], emit_activate_version_messages=True)

    assert run.status == 1
    assert stream in run.last_line
    assert len({record["ID"] for record in run.records[stream]}) == len(run.records[stream])
    assert not run.activated


def test_a_filter_that_rows_show_to_be_ignored_is_believed_of_none_that_do_not_tell(tmp_path: Path) -> None:
    def silent(rows: list[Row]) -> list[Row]:
        return [{name: value for name, value in row.items() if name != "OrganisationID"} for row in rows]

    with OneFile(2, assessors=3, classrooms=(4, 3), ignores=("OrganisationID",)) as onefile:
        onefile.slips = [slip(lambda answer: answer.with_rows(silent), None, entity="Classroom")]
        run = read(tmp_path, onefile, "assessors", "classrooms")

    assert_told(run, onefile, "classrooms", only=str(FIRST))
    assert not run.records["classrooms"]


@pytest.mark.parametrize("tells", [True, False], ids=["told", "untold"])
@pytest.mark.parametrize("stream", ["learners", "classrooms", "reviews"])
def test_nothing_of_an_organisation_that_is_left_out_is_sent(tmp_path: Path, stream: str, *, tells: bool) -> None:
    hides = () if tells else ("OrganisationID",)
    with OneFile(3, ignores=("OrganisationID",), hides=hides, **some(stream, (20, 7, 9))) as onefile:
        run = read(tmp_path, onefile, stream, organisation_ids=[SECOND])

    own = {row["ID"] for row in onefile.truth(stream, [SECOND])}
    assert {record["ID"] for record in run.records[stream]} <= own
    if run.status == 0:
        assert_complete(run, onefile, stream, organisations=[SECOND])
    else:
        assert stream in run.last_line


@pytest.mark.parametrize("tells", [True, False], ids=["told", "untold"])
def test_aims_of_other_learners_than_asked_are_not_sent_under_organisation_ids(tmp_path: Path, *, tells: bool) -> None:
    hides = ("OrganisationID",) if tells else ("OrganisationID", "UserID")
    with OneFile(2, ignores=("UserID",), hides=hides, learners=4, learning_aims=8) as onefile:
        run = read(tmp_path, onefile, "learning_aims", organisation_ids=[SECOND])

    own = {row["ID"]: row["UserID"] for row in onefile._rows_of("learning_aims", SECOND)}
    assert {record["ID"]: record["UserID"] for record in run.records["learning_aims"]}.items() <= own.items()
    assert len(run.records["learning_aims"]) == len(own) if run.status == 0 else "learning_aims" in run.last_line


def test_aims_that_do_not_say_whose_they_are_are_those_of_the_learner_who_was_asked_for(tmp_path: Path) -> None:
    with OneFile(2, hides=("UserID",), learners=4, learning_aims=8) as onefile:
        run = read(tmp_path, onefile, "learning_aims", organisation_ids=[SECOND])

    assert run.status == 0, run.stderr
    own = {row["ID"]: row["UserID"] for row in onefile._rows_of("learning_aims", SECOND)}
    assert {record["ID"]: record["UserID"] for record in run.records["learning_aims"]} == own


def test_time_sheets_whose_learner_is_spelled_as_none_are_those_of_the_learner_who_was_asked_for(
    tmp_path: Path,
) -> None:
    with OneFile(1, learners=3, timesheets=6) as onefile:
        own = sorted(row["LearnerID"] for row in onefile.truth("timesheets"))
        onefile.slips = [
            lambda call, _, answer: (
                replace(answer, body=re.sub(rb'"LearnerID": ?[0-9]+', b'"LearnerID":"0"', answer.body))
                if call.path.startswith("Timesheet/")
                else answer
            )
        ]
        run = read(tmp_path, onefile, "timesheets")

    assert run.status == 0, run.stderr
    assert sorted(record["LearnerID"] for record in run.records["timesheets"]) == own


def test_an_ignored_role_sends_nobody_under_another_role(tmp_path: Path) -> None:
    with OneFile(ignores=("Role",), learners=20, assessors=6, iqas=3) as onefile:
        run = read(tmp_path, onefile, "learners", "assessors", "iqas")

    for stream in ("learners", "assessors", "iqas"):
        assert_true(run, onefile, stream)
    if run.status == 0:
        assert_complete(run, onefile, "learners", "assessors", "iqas")
    else:
        assert "Missing: " in run.last_line


def test_an_ignored_role_is_told_where_rows_do_not_tell_theirs(tmp_path: Path) -> None:
    # All users share one sequence of ids, so that one id in two roles is a contradiction.
    with OneFile(ignores=("Role",), hides=("Role",), learners=20, assessors=6) as onefile:
        run = read(tmp_path, onefile, "learners", "assessors")

    assert run.status == 1
    assert "learners" in run.last_line or "assessors" in run.last_line


@pytest.mark.parametrize("hides", [(), ("OrganisationID", "Role")], ids=["told", "untold"])
@pytest.mark.parametrize(("of", "page"), [(FIRST, 1), (FIRST, 2), (THIRD, 1)])
def test_a_page_with_rows_of_another_organisation_once(
    tmp_path: Path, hides: tuple[str, ...], of: int, page: int
) -> None:
    with OneFile(3, hides=hides, learners=(150, 130, 120), assessors=2) as onefile:
        foreign = [
            {name: value for name, value in row.items() if name not in hides} for row in onefile.truth("learners", [of])
        ][(page - 1) * 100 : page * 100]
        onefile.slips = [slip(Answer.of(foreign), role=1, organisation=SECOND, page=page)]
        run = read(tmp_path, onefile, "learners", "assessors")
        if run.status == 0:
            assert_complete(run, onefile, "learners", "assessors")
        assert run.status == 0 or "learners" in run.last_line
        assert hides or not sent_of(run.records["learners"], SECOND) & {row["ID"] for row in foreign}
        assert_put_right(tmp_path, run, onefile, "learners")


def test_a_page_that_is_asked_for_again_is_held_against_its_question_too(tmp_path: Path) -> None:
    with OneFile(2, classrooms=(250, 120), assessors=2) as onefile:
        own, foreign = onefile.truth("classrooms", [FIRST])[:100], onefile.truth("classrooms", [SECOND])[:100]
        # The page before it comes again, and then somebody else's.
        onefile.slips = [
            slip(Answer.of(rows), (nth,), entity="Classroom", organisation=FIRST, page=2)
            for nth, rows in ((1, own), (2, foreign))
        ]
        run = read(tmp_path, onefile, "classrooms", "assessors")

    assert not sent_of(run.records["classrooms"], FIRST) & {row["ID"] for row in foreign}
    assert_honest(run, onefile, "classrooms", "assessors")


@pytest.mark.parametrize("share", [1, 5])
@pytest.mark.parametrize("times", [(1,), None], ids=["once", "for ever"])
def test_some_rows_of_another_organisation_are_not_sent_as_its_own(
    tmp_path: Path, share: int, times: tuple[int, ...] | None
) -> None:
    with OneFile(2, classrooms=(30, 20), assessors=2) as onefile:
        foreign = onefile.truth("classrooms", [FIRST])[-share:]
        mixed = slip(lambda answer: answer.with_rows(lambda rows: rows[:-share] + foreign), times, entity="Classroom")
        onefile.slips = [
            lambda call, nth, answer: (
                mixed(call, nth, answer) if call.organisation == SECOND and call.page == 1 else answer
            )
        ]
        run = read(tmp_path, onefile, "classrooms", "assessors")

    assert_honest(run, onefile, "classrooms", "assessors")
    assert times or run.status == 1


def test_a_row_that_moves_to_another_organisation_is_no_failure(tmp_path: Path) -> None:
    def moves(call: Call, _: int, answer: Answer) -> Answer:
        if call.entity == "Classroom" and call.organisation == SECOND:
            onefile.tables["Classroom"][0]["OrganisationID"] = SECOND
        return answer

    with OneFile(classrooms=(100, 50)) as onefile:
        first = onefile.tables["Classroom"][0]["ID"]
        onefile.slips = [moves]
        run = read(tmp_path, onefile, "classrooms", parallel_requests=1)

    assert run.status == 0, run.last_line
    assert {record["ID"] for record in run.records["classrooms"]} == {row["ID"] for row in onefile.truth("classrooms")}
    assert first in {record["ID"] for record in run.records["classrooms"]}


def test_an_external_quality_assurer_of_two_organisations_is_no_failure(tmp_path: Path) -> None:
    with OneFile(eqas=(3, 2), hides=("OrganisationID",)) as onefile:
        shared = onefile.tables["User"][0]
        onefile.add("eqas", SECOND, ID=shared["ID"])
        run = read(tmp_path, onefile, "eqas")

    assert run.status == 0, run.last_line
    assert {record["ID"] for record in run.records["eqas"]} == {row["ID"] for row in onefile.truth("eqas")}


def test_an_external_quality_assurer_is_a_record_in_each_organisation_whatever_its_row_says(tmp_path: Path) -> None:
    with OneFile(eqas=(3, 2)) as onefile:
        shared = onefile.tables["User"][0]

        def everywhere(call: Call, _: int, answer: Answer) -> Answer:
            is_second = call.entity == "User" and call.organisation == SECOND and call.page == 1
            return replace(answer, body=json.dumps([*answer.data, shared]).encode()) if is_second else answer

        onefile.slips = [everywhere]
        run = read(tmp_path, onefile, "eqas")

    assert run.status == 0, run.last_line
    found = [(record["OrganisationID"], record["ID"]) for record in run.records["eqas"]]
    assert {(FIRST, shared["ID"]), (SECOND, shared["ID"])} <= set(found)
    assert len(found) == len(set(found)) == 6


# Answers by id.


def of_somebody_else(onefile: OneFile, stream: str, times: tuple[int, ...] | None) -> Slip:
    """Let one answer by id be that of the next learner or record."""
    one, other = sorted(row["ID"] for row in onefile.truth(stream))[1:3]
    entity = {"off_the_job": "User/offthejob", "reviews": "Review"}[stream]

    def slips(call: Call, nth: int, answer: Answer) -> Answer:
        if call.id != one or call.entity.casefold() != entity.casefold() or (times and nth not in times):
            return answer
        return Answer.of({**answer.data, "ID": other})

    return slips


@pytest.mark.parametrize("times", [(1,), None], ids=["once", "for ever"])
@pytest.mark.parametrize("stream", ["off_the_job", "reviews"])
def test_an_object_of_somebody_else_is_not_sent(tmp_path: Path, stream: str, times: tuple[int, ...] | None) -> None:
    with OneFile(2, learners=(20, 6), off_the_job=(20, 6), reviews=(20, 6), assessors=2) as onefile:
        onefile.slips = [of_somebody_else(onefile, stream, times)]
        run = read(tmp_path, onefile, stream, "assessors")
        if times:
            assert_complete(run, onefile, stream, "assessors")
        else:
            assert_told(run, onefile, stream, "assessors", only=str(FIRST))
        assert_put_right(tmp_path, run, onefile, stream)


@pytest.mark.parametrize("times", [(1,), None], ids=["once", "for ever"])
def test_time_sheets_of_another_learner_are_not_sent(tmp_path: Path, times: tuple[int, ...] | None) -> None:
    with OneFile(2, learners=(9, 6), timesheets=(18, 12)) as onefile:
        one, other = (row["ID"] for row in onefile.truth("learners", [FIRST])[1:3])

        def slips(call: Call, nth: int, answer: Answer) -> Answer:
            if call.entity != "Timesheet/Learner" or call.id != one or (times and nth not in times):
                return answer
            return answer.with_rows(lambda rows: [{**row, "LearnerID": other} for row in rows])

        onefile.slips = [slips]
        run = read(tmp_path, onefile, "timesheets")

    assert_honest(run, onefile, "timesheets")
    assert run.status == (0 if times else 1)


def test_a_look_up_of_another_organisation_is_not_sent(tmp_path: Path) -> None:
    with OneFile(2, learner_statuses=4) as onefile:
        foreign = Answer.of(onefile.truth("learner_statuses", [FIRST]))
        onefile.slips = [slip(foreign, entity="Organisation/LearnerStatuses", organisation=SECOND)]
        run = read(tmp_path, onefile, "learner_statuses")

    assert_honest(run, onefile, "learner_statuses")


def test_aims_that_there_are_not_are_looked_for_with_a_few_learners_only(tmp_path: Path) -> None:
    with OneFile(3, learners=30) as onefile:
        run = read(tmp_path, onefile, "learners", "learning_aims")

    assert_complete(run, onefile, "learners", "learning_aims")
    asked = {call.filters["UserID"] for call in onefile.calls if "UserID" in call.filters}
    assert 0 < len(asked) <= 15


def by_learner(call: Call, _: int, answer: Answer) -> Answer:
    """Give no aims unless a learner is named."""
    return Answer(400) if call.entity == "LearningAim" and "UserID" not in call.filters else answer


@pytest.mark.parametrize("settings", [{}, {"organisation_ids": [FIRST, SECOND]}])
def test_a_learner_whose_aims_fail_costs_no_aims_of_another_organisation(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    with OneFile(2, learners=6, learning_aims=12) as onefile:
        aims = onefile.tables["LearningAim"]
        one = aims[0]["UserID"]
        bad = slip(Answer(418), None, entity="LearningAim")
        onefile.slips = [
            by_learner,
            lambda call, nth, answer: bad(call, nth, answer) if call.filters.get("UserID") == one else answer,
        ]
        run = read(tmp_path, onefile, "learners", "learning_aims", **settings)

    assert_told(run, onefile, "learning_aims", "learners")
    sent = {record["ID"] for record in run.records["learning_aims"]}
    assert sent == {row["ID"] for row in aims if row["UserID"] != one}


def test_aims_are_read_by_learner_although_those_of_the_first_organisation_have_none(tmp_path: Path) -> None:
    with OneFile(2, learners=(3, 9), learning_aims=(0, 9)) as onefile:
        onefile.slips = [
            by_learner,
            lambda call, _, answer: (
                Answer(404) if (call.entity, answer.status) == ("LearningAim", NO_CONTENT.status) else answer
            ),
        ]
        run = read(tmp_path, onefile, "learners", "learning_aims")

    assert_complete(run, onefile, "learners", "learning_aims")


def test_aims_that_are_refused_where_no_organisation_is_seen_are_told(tmp_path: Path) -> None:
    with OneFile(0) as onefile:
        onefile.slips = [by_learner]
        run = read(tmp_path, onefile, "learning_aims")

    assert run.status == 1
    assert "no organisation" in run.last_line


def test_aims_that_were_read_by_learner_are_no_version_of_all(tmp_path: Path) -> None:
    with OneFile(2, learners=6, learning_aims=12) as onefile:
        onefile.slips = [by_learner]
        run = read(tmp_path, onefile, "learners", "learning_aims", emit_activate_version_messages=True)

    assert_complete(run, onefile, "learners", "learning_aims")
    assert set(run.activated) == {"learners"}


def test_aims_that_are_refused_after_a_page_are_told(tmp_path: Path) -> None:
    with OneFile(1, learners=4, learning_aims=150) as onefile:
        onefile.slips = [slip(Answer(400), None, entity="LearningAim", page=page) for page in (0, 2)]
        run = read(tmp_path, onefile, "learners", "learning_aims")

    assert_told(run, onefile, "learning_aims", "learners")
