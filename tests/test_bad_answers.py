"""One bad answer costs one stream of one organisation, and a bad value a field; what cannot be had is not sent thin."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.outcomes import assert_complete, assert_put_right, assert_told, assert_true, read
from tests.slips import FIRST, HTML, NO_CONTENT, NOTHING, SECOND, STREAMS, Answer, OneFile, slip, some

if TYPE_CHECKING:
    from pathlib import Path

    from tests.slips import Call, Row

ALL = ("assessors", "learners", "classrooms", "placements", "learner_statuses")

BAD = {
    "html": HTML,
    "html-500": replace(HTML, status=500),
    "500": Answer(500),
    "502": Answer(502),
    "503": Answer(503),
    "504": Answer(504),
    "object": Answer(body=b'{"code": -1, "message": "no"}'),
    "numbers": Answer(body=b"[1, 2, 3]"),
    "text": Answer(body=b'"something"'),
    "cut-json": Answer(body=b'[{"ID": 1}, {"I'),
    "no-json": Answer(body=b"OK"),
    "nothing": NOTHING,
    "cut": Answer(body=b'[{"ID": 1}]', cut=-3),
    "206": Answer(206, b"[]"),
    "418": Answer(418),
}


@pytest.mark.parametrize(
    ("kind", "stream", "organisation"),
    [
        *((kind, "classrooms", FIRST) for kind in BAD),
        ("html", "learner_statuses", SECOND),
        ("500", "learner_statuses", FIRST),
        ("500", "assessors", FIRST),
        ("html", "placements", SECOND),
        ("object", "learners", SECOND),
    ],
)
def test_a_bad_answer_that_lasts_costs_one_stream_of_one_organisation(
    tmp_path: Path, kind: str, stream: str, organisation: int
) -> None:
    entity, fixed = STREAMS[stream]
    path = f"Organisation/{entity}" if stream == "learner_statuses" else entity
    with OneFile(3, assessors=3, learners=(30, 120, 5), classrooms=12, placements=4, learner_statuses=2) as onefile:
        onefile.slips = [slip(BAD[kind], None, entity=path, organisation=organisation, role=fixed.get("Role"))]
        run = read(tmp_path, onefile, *ALL)
        others = [name for name in ALL if name != stream]
        assert_told(run, onefile, stream, *others, only=f"OrganisationID {organisation}")
        elsewhere = {row["ID"] for row in onefile.truth(stream) if row["OrganisationID"] != organisation}
        assert {record["ID"] for record in run.records[stream]} >= elsewhere
        assert run.last_line.count(" of OrganisationID ") == 1
        if kind in {"html", "500"}:
            assert_put_right(tmp_path, run, onefile, *ALL)


@pytest.mark.parametrize("kind", ["html", "500", "object", "nothing", "418"])
@pytest.mark.parametrize(("stream", "about"), [("reviews", "Review"), ("off_the_job", "User/offthejob")])
def test_a_bad_answer_about_one_record_costs_no_other_record(
    tmp_path: Path, kind: str, stream: str, about: str
) -> None:
    with OneFile(2, assessors=3, learners=12, off_the_job=12, reviews=12, classrooms=3) as onefile:
        one = onefile.truth(stream)[4]["ID"]
        onefile.slips = [
            lambda call, _, answer: (
                BAD[kind] if call.id == one and call.entity.casefold() == about.casefold() else answer
            )
        ]
        run = read(tmp_path, onefile, stream, "assessors", "classrooms")
        assert_told(run, onefile, stream, "assessors", "classrooms", only=str(FIRST))
        sent = {row["ID"] for row in run.records[stream]}
        if (kind, stream) == ("object", "off_the_job"):
            # An object of other fields says that something else is answered here, whoever is asked about.
            assert {row["ID"] for row in onefile.truth(stream, [SECOND])} <= sent
        else:
            assert sent == {row["ID"] for row in onefile.truth(stream)} - {one}
            assert "This one failed; what all others gave was sent" in run.last_line
        assert_put_right(tmp_path, run, onefile, stream)


@pytest.mark.parametrize("place", [0, 5, 11])
def test_a_bad_answer_about_one_learner_costs_no_time_sheet_of_another(tmp_path: Path, place: int) -> None:
    with OneFile(2, learners=12, timesheets=24) as onefile:
        learners = [row["ID"] for row in onefile.truth("learners")]
        one = learners[place]
        onefile.slips = [
            lambda call, _, answer: Answer(418) if (call.entity, call.id) == ("Timesheet/Learner", one) else answer
        ]
        run = read(tmp_path, onefile, "timesheets")

    assert "This one failed; what all others gave was sent" in run.last_line
    owners = [record["LearnerID"] for record in run.records["timesheets"]]
    assert sorted(owners) == sorted(2 * [learner for learner in learners if learner != one])


@pytest.mark.parametrize(("stream", "about"), [("reviews", "Review"), ("off_the_job", "User/offthejob")])
def test_bad_answers_about_all_records_are_not_asked_for_one_by_one_without_end(
    tmp_path: Path, stream: str, about: str
) -> None:
    with OneFile(1, assessors=3, learners=300, off_the_job=300, reviews=300) as onefile:
        bad = slip(Answer(418), None)
        onefile.slips = [
            lambda call, nth, answer: (
                bad(call, nth, answer) if call.id and call.entity.casefold() == about.casefold() else answer
            )
        ]
        run = read(tmp_path, onefile, stream, "assessors", parallel_requests=4)

    assert_told(run, onefile, stream, "assessors", only=str(FIRST))
    assert "what all others gave" not in run.last_line
    assert 5 <= len([call for call in onefile.calls if call.entity.casefold() == about.casefold()]) < 120


def test_a_body_that_unpacks_without_end_costs_one_stream(tmp_path: Path) -> None:
    bomb = gzip.compress(b"[" + b" " * 400_000_000 + b"]", 1)
    with OneFile(2, assessors=3, classrooms=3) as onefile:
        onefile.slips = [
            slip(Answer(200, bomb, ("Content-Encoding: gzip",)), None, entity="Classroom", organisation=SECOND)
        ]
        run = read(tmp_path, onefile, "assessors", "classrooms", request_timeout=5)

    assert_told(run, onefile, "classrooms", "assessors", only=str(SECOND))


# A value that no reader takes.

LATIN = b'"Ren\xe9e"'
DIGITS = b"9" * 5000
VALUES = {
    "latin-1": ("FirstName", LATIN),
    "half-utf-8": ("LastName", b'"\xc3"'),
    "lone-continuation": ("Email", b'"a\x80b@example.org"'),
    "nan": ("Progress", b"NaN"),
    "infinity": ("Progress", b"-Infinity"),
    "digits": ("Progress", DIGITS),
    "digits-for-id": ("PlacementID", DIGITS),
    "digits-for-text": ("MISID", DIGITS),
    "huge-exponent": ("Progress", b"1e999999"),
    "latin-1-unknown": ("Unknown", LATIN),
    "digits-unknown": ("Unknown", DIGITS),
    "nan-unknown": ("Unknown", b"NaN"),
}


def spoiled(answer: Answer, number: int, name: str, value: bytes) -> Answer:
    """Put a raw value into one field of the row with an id."""
    data = answer.data
    rows = data if isinstance(data, list) else [data]
    if not any(row.get("ID") == number for row in rows):
        return answer
    for row in rows:
        if row.get("ID") == number:
            row[name] = "@@"
    return replace(answer, body=json.dumps(data).encode().replace(b'"@@"', value))


def assert_all_but(run_records: list[Row], truth: list[Row], number: int, name: str) -> None:
    """Assert that all records are whole but for one field of one, which is null."""
    assert {record["ID"] for record in run_records} == {row["ID"] for row in truth}
    sent = {record["ID"]: record for record in run_records}
    for row in truth:
        expected = {**row, name: None} if row["ID"] == number else row
        known = {field: value for field, value in expected.items() if field in sent[row["ID"]]}
        assert {field: sent[row["ID"]][field] for field in known} == known


@pytest.mark.parametrize("kind", VALUES)
def test_a_value_that_no_reader_takes_is_null_and_counted(tmp_path: Path, kind: str) -> None:
    name, value = VALUES[kind]
    with OneFile(2, learners=(30, 120), assessors=2) as onefile:
        number = onefile.truth("learners")[17]["ID"]
        onefile.slips = [lambda call, _, answer: spoiled(answer, number, name, value) if call.page else answer]
        run = read(tmp_path, onefile, "learners", "assessors")

    assert run.status == 0, run.last_line
    assert_complete(run, onefile, "assessors")
    assert_all_but(run.records["learners"], onefile.truth("learners"), number, name)
    assert re.search(r"WARNING.*learners", run.stderr)
    assert "Traceback" not in run.stderr
    assert "Ren" not in run.stderr


@pytest.mark.parametrize(
    ("stream", "name", "value"),
    [
        ("classrooms", "Name", LATIN),
        ("placements", "MISID", b"NaN"),
        ("learner_statuses", "Name", LATIN),
        ("off_the_job", "PlannedOTJ", b"NaN"),
        ("off_the_job", "PlannedOTJ", DIGITS),
        ("reviews", "EmployerID", DIGITS),
        ("reviews", "LearnerID", b"Infinity"),
        ("plans", "Title", LATIN),
    ],
)
def test_a_value_that_no_reader_takes_is_null_in_every_stream(
    tmp_path: Path, stream: str, name: str, value: bytes
) -> None:
    with OneFile(2, learners=12, **some(stream, 12)) as onefile:
        number = onefile.truth(stream)[5]["ID"]
        onefile.slips = [
            lambda call, _, answer: (
                spoiled(answer, number, name, value) if answer.body[:1] in b"[{" and call.entity != "User" else answer
            )
        ]
        run = read(tmp_path, onefile, stream)

    assert run.status == 0, run.last_line
    assert_all_but(run.records[stream], onefile.truth(stream), number, name)
    assert re.search(rf"WARNING.*{stream}", run.stderr)


@pytest.mark.parametrize("value", [LATIN, b"NaN", DIGITS], ids=["latin-1", "nan", "digits"])
def test_a_key_that_no_reader_takes_is_told(tmp_path: Path, value: bytes) -> None:
    with OneFile(2, classrooms=12, assessors=2) as onefile:
        number = onefile.truth("classrooms")[5]["ID"]
        onefile.slips = [
            lambda _, __, answer: spoiled(answer, number, "ID", value) if answer.body[:1] == b"[" else answer
        ]
        run = read(tmp_path, onefile, "classrooms", "assessors")

    assert_told(run, onefile, "classrooms", "assessors", only=str(FIRST))


def test_an_owner_that_no_reader_takes_is_the_one_that_was_asked_for(tmp_path: Path) -> None:
    with OneFile(2, assessors=12) as onefile:
        number = onefile.truth("assessors")[5]["ID"]
        onefile.slips = [
            lambda call, _, answer: spoiled(answer, number, "OrganisationID", b"NaN") if call.page else answer
        ]
        run = read(tmp_path, onefile, "assessors")

    assert_complete(run, onefile, "assessors")


def test_an_entry_whose_key_cannot_be_made_is_not_sent_under_another(tmp_path: Path) -> None:
    with OneFile(2, learners=3, timesheets=6, assessors=2) as onefile:
        number = onefile.truth("learners")[1]["ID"]

        def slips(call: Call, _: int, answer: Answer) -> Answer:
            if call.entity != "Timesheet/Learner":
                return answer
            # Without an id of its own, an entry is known by what it says.
            body = answer.body.replace(b'"ID"', b'"Other"')
            return replace(answer, body=body.replace(b'"2024-01-05', b'"\xe9024-01-05') if call.id == number else body)

        onefile.slips = [slips]
        run = read(tmp_path, onefile, "timesheets", "assessors")

    assert run.status == 1
    assert "without a usable EntryKey" in run.last_line
    assert_complete(replace(run, status=0), onefile, "assessors")
    keys = [record["EntryKey"] for record in run.records["timesheets"]]
    assert len(set(keys)) == len(keys) < 12
    assert None not in keys


# Records that are listed and not to be had by their ids.

GONE = {
    "404": Answer(404),
    "400": Answer(400, b'{"code": -1}'),
    "204": NO_CONTENT,
    "null": Answer(body=b"null"),
    "empty-list": Answer(body=b"[]"),
}


@pytest.mark.parametrize(
    ("kind", "stream", "rows", "gone"),
    [
        ("404", "reviews", (100, 5), 99),
        ("404", "reviews", (60, 60), 30),
        ("400", "plans", (40, 2), 39),
        ("204", "reviews", (50, 5), 49),
        ("null", "plans", (30, 5), 20),
        ("empty-list", "reviews", (30, 0), 28),
        ("404", "reviews", (4, 50), 4),
        ("404", "plans", (250, 9), 100),
    ],
)
def test_details_that_do_not_go_away_by_chance_fail_their_stream(
    tmp_path: Path, kind: str, stream: str, rows: tuple[int, int], gone: int
) -> None:
    with OneFile(2, learners=5, assessors=2, **some(stream, rows)) as onefile:
        absent = {row["ID"] for row in onefile.truth(stream, [FIRST])[:gone]}
        entity = STREAMS[stream][0]
        onefile.slips = [lambda call, _, answer: GONE[kind] if call.entity == entity and call.id in absent else answer]
        run = read(tmp_path, onefile, stream, "assessors", emit_activate_version_messages=True)
        assert_told(run, onefile, stream, "assessors", only=str(FIRST))
        second = {row["ID"] for row in onefile.truth(stream, [SECOND])}
        assert second <= {record["ID"] for record in run.records[stream]}
        assert_put_right(tmp_path, run, onefile, stream)


@pytest.mark.parametrize(("stream", "kind"), [("reviews", "404"), ("plans", "400"), ("reviews", "204")])
def test_a_record_that_is_gone_is_not_sent_thin_over_a_fuller_one(tmp_path: Path, stream: str, kind: str) -> None:
    with OneFile(2, learners=5, **some(stream, (150, 20))) as onefile:
        absent = onefile.truth(stream)[7]["ID"]
        entity = STREAMS[stream][0]
        onefile.slips = [lambda call, _, answer: GONE[kind] if call.entity == entity and call.id == absent else answer]
        run = read(tmp_path, onefile, stream)

    assert run.status == 0, run.last_line
    assert_true(run, onefile, stream)
    assert len(run.records[stream]) == 169
    assert re.search(rf"WARNING.*{stream}.* 1 record", run.stderr)


@pytest.mark.parametrize("kind", GONE)
def test_a_record_that_is_not_there_once_is_asked_for_again(tmp_path: Path, kind: str) -> None:
    with OneFile(2, learners=5, reviews=10) as onefile:
        onefile.slips = [slip(GONE[kind], entity="Review", id=onefile.truth("reviews")[3]["ID"])]
        run = read(tmp_path, onefile, "reviews")

    assert_complete(run, onefile, "reviews")


@pytest.mark.parametrize("times", [2, 3])
def test_a_record_that_is_not_there_twice_is_asked_for_at_the_end_of_its_stream(tmp_path: Path, times: int) -> None:
    with OneFile(2, learners=5, reviews=10) as onefile:
        gone = onefile.truth("reviews")[3]["ID"]
        onefile.slips = [slip(Answer(404), tuple(range(1, times + 1)), entity="Review", id=gone)]
        run = read(tmp_path, onefile, "reviews")

    assert run.status == 0, run.stderr
    assert (gone in {record["ID"] for record in run.records["reviews"]}) == (times == 2)
    assert ("reviews: OneFile no longer had 1 records" in run.stderr) == (times == 3)


@pytest.mark.parametrize("rows", [(50, 0), (20, 30)])
@pytest.mark.parametrize("share", [0.98, 0.5])
def test_hours_that_are_not_found_for_most_learners_are_told(
    tmp_path: Path, rows: tuple[int, int], share: float
) -> None:
    with OneFile(2, learners=rows, off_the_job=rows, assessors=2) as onefile:
        learners = [row["ID"] for row in onefile.truth("off_the_job")]
        absent = set(learners[: int(len(learners) * share)])
        onefile.slips = [
            lambda call, _, answer: (
                Answer(404) if call.path.casefold().endswith("offthejob") and call.id in absent else answer
            )
        ]
        run = read(tmp_path, onefile, "off_the_job", "assessors", emit_activate_version_messages=True)

    assert_told(run, onefile, "off_the_job", "assessors")
