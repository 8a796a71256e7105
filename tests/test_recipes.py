"""Each recipe's result is what Python makes of OneFile's own records, and what the documentation shows."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest
from psycopg.rows import dict_row

from onefile_sandbox import Sandbox
from tests.matching import matched
from tests.odd_learners import TODAY, late, make_odd, mis_rows, moment, share_gone, uk_day
from tests.running import TAP, clean_environment, config_for, select
from tools.demo.pipeline import PLUGINS
from tools.demo.postgres import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from tests.conftest import StartPostgres

    Row = dict[str, Any]

ROOT = Path(__file__).parents[1]
TARGET = PLUGINS / "loaders" / "target-postgres" / "venv" / "bin" / "target-postgres"
CHECKED_BY_ITS_OWN_PAGE = {"mis_table"}
FOLDER = ROOT / "examples" / "recipes"
RECIPES = sorted(path.stem for path in FOLDER.glob("*.sql") if path.stem not in CHECKED_BY_ITS_OWN_PAGE)
STREAMS = (
    "organisations", "assessors", "trainee_assessors", "employers", "observers", "learners", "classrooms", "placements",
    "reviews", "off_the_job",
)  # fmt: skip
NOW = "(now() AT TIME ZONE 'Europe/London')::date"
ROWS_SHOWN = 6

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Loaded(NamedTuple):
    """A database, and the sandbox whose records it holds."""

    sandbox: Sandbox
    connection: psycopg.Connection[Any]

    def ask(self, recipe: str, **changes: str) -> list[Row]:
        """Run a recipe as it is, but for the day that it takes for today."""
        query = (FOLDER / f"{recipe}.sql").read_text(encoding="utf-8")
        query = query.replace(NOW, f"DATE '{TODAY}'")
        for old, new in changes.items():
            assert query.count(old) == 1
            query = query.replace(old, new)
        return self.connection.cursor(row_factory=dict_row).execute(query.encode()).fetchall()

    def records(self, stream: str) -> list[Row]:
        """Give what OneFile holds, with None for what it leaves out or sends empty."""
        rows = self.sandbox.records(stream, details=True)
        return [defaultdict(lambda: None, {name: value for name, value in row.items() if value != ""}) for row in rows]


@pytest.fixture(scope="module")
def database(start_postgres: StartPostgres) -> Iterator[Loaded]:
    """Load the streams that the recipes want, of a customer with odd learners among the others."""
    folder = Path(tempfile.mkdtemp(prefix="tap-"))
    try:
        with (
            Sandbox(learners=60, organisations=2, seed=7, calls_per_minute=0) as sandbox,
            start_postgres(folder / "data") as server,
        ):
            make_odd(sandbox)
            arguments = select(folder, *STREAMS)
            _load(folder, sandbox, server.sqlalchemy_url, *arguments)
            connection = psycopg.connect(f"host={folder / 'data'} user=postgres dbname=postgres")
            with connection:
                _make_mis(connection, sandbox)
                _make_gone(connection, sandbox)
                connection.commit()
                yield Loaded(sandbox, connection)
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_docs_show_what_comes_of_it(database: Loaded, recipe: str, pytestconfig: pytest.Config) -> None:
    database.connection.execute((FOLDER / f"{recipe}.sql").read_bytes())
    rows = database.ask(recipe)

    # Of a longer result, some of every kind.
    kind = next((name for name in ("action", "reason", "kind") if name in rows[0]), None)
    shown = _some_of_each(rows, kind) if kind else rows[:ROWS_SHOWN]
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([_cell(value) for value in row.values()] for row in shown)]
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    example = FOLDER / "examples" / f"{recipe}.md"
    if pytestconfig.getoption("--snapshot-update"):
        example.write_text(table, encoding="utf-8")
    assert example.read_text(encoding="utf-8") == table


def test_today_is_said_once_at_the_top_of_each_recipe_that_wants_it() -> None:
    for path in FOLDER.glob("*.sql"):
        sql = path.read_text(encoding="utf-8")
        assert sql.count(NOW) == sql.count("AS today"), path
        assert "CURRENT" not in sql.upper()
        assert sql.count("now()") == sql.count(NOW), path


def test_the_match_says_for_each_learner_what_is_to_be_done(database: Loaded) -> None:
    with database.connection.cursor(row_factory=dict_row) as cursor:
        mis = cursor.execute("SELECT misid, uln, email, name FROM mis.learners").fetchall()

    rows = database.ask("match_with_mis")

    found = Counter((row["action"], row["matched_by"], row["onefile_id"], row["mis_name"]) for row in rows)
    assert found == Counter(matched(database.records("learners"), mis))
    assert {row["action"] for row in rows} == {
        "Add: only in the MIS",
        "Change the MISID",
        "Check: MISID is doubled in OneFile",
        "Check: MISID is doubled in the MIS",
        "Check: MISIDs differ",
        "Check: ULNs differ",
        "Check: fits several learners in OneFile",
        "Check: fits several learners in the MIS",
        "Check: no MISID in the MIS",
        "Find: only in OneFile",
        "In order",
        "Set the MISID",
        "Spell the MISID as the MIS does",
    }


def test_the_match_can_be_of_one_organisation_and_of_those_who_are_still_there(database: Loaded) -> None:
    learners = database.records("learners")
    organisation = learners[0]["OrganisationID"]
    gone = next(learner["ID"] for learner in learners if learner["OrganisationID"] == organisation)
    with database.connection.transaction(force_rollback=True):
        database.connection.execute(
            "UPDATE tap_onefile.learners SET _sdc_extracted_at = TIMESTAMP '2025-01-01' WHERE \"ID\" = %s", [gone]
        )
        rows = database.ask(
            "match_with_mis", **{"NULL::bigint": str(organisation), "1900-01-01 00:00:00": "2025-06-01 00:00:00"}
        )

    ids = {row["onefile_id"] for row in rows} - {None}
    assert ids == {learner["ID"] for learner in learners if learner["OrganisationID"] == organisation} - {gone}


def test_the_caseload_counts_each_learner_of_each_assessor(database: Loaded) -> None:
    rows = database.ask("caseload")

    people = [*database.records("assessors"), *database.records("trainee_assessors")]
    learners = Counter(learner["DefaultAssessorID"] for learner in database.records("learners"))
    assert {row["assessor_id"]: row["learners"] for row in rows} == {p["ID"]: learners[p["ID"]] for p in people}
    assert len(rows) == len(people)
    assert 0 in {row["learners"] for row in rows}


def test_learners_without_an_assessor_are_those_with_none_and_those_with_one_whom_nobody_knows(
    database: Loaded,
) -> None:
    rows = database.ask("learners_without_assessor")

    known = {person["ID"] for name in ("assessors", "trainee_assessors") for person in database.records(name)}
    without = {
        learner["ID"]: f"no assessor has the id {learner['DefaultAssessorID']}"
        if learner["DefaultAssessorID"]
        else "no assessor"
        for learner in database.records("learners")
        if learner["DefaultAssessorID"] not in known
    }
    assert {row["learner_id"]: row["reason"] for row in rows} == without
    assert {None, 0, 999} <= {learner["DefaultAssessorID"] for learner in database.records("learners")}
    assert len(rows) == len(without)


def test_a_learner_is_listed_when_the_last_review_that_was_held_is_over_ten_weeks_ago(database: Loaded) -> None:
    rows = database.ask("no_recent_review")

    held: dict[int, date] = {}
    for review in database.records("reviews"):
        day = uk_day(review["StartedOn"])
        if day and day <= TODAY:
            held[review["LearnerID"]] = max(day, held.get(review["LearnerID"], day))
    expected = {}
    for learner in database.records("learners"):
        since = held.get(learner["ID"]) or uk_day(learner["StartOn"])
        days = (TODAY - since).days if since else None
        if days is None or days > 70:
            expected[learner["ID"]] = (held.get(learner["ID"]), days)
    assert {row["learner_id"]: (row["last_review"], row["days_without"]) for row in rows} == expected
    assert len(rows) == len(expected)
    assert 0 < len(expected) < len(database.records("learners"))
    assert None in {days for _, days in expected.values()}


def test_reviews_are_late_when_half_an_hour_lies_between_the_signatures(database: Loaded) -> None:
    rows = database.ask("reviews_signed_late")

    expected = {}
    for review in database.records("reviews"):
        day = uk_day(review["StartedOn"])
        if day and TODAY - timedelta(weeks=13) <= day <= TODAY:
            reason = late(moment(review["AssessorSignedOn"]), moment(review["LearnerSignedOn"]))
            if reason:
                expected[review["ID"]] = reason
    assert {row["review_id"]: row["reason"] for row in rows} == expected
    learners = {learner["ID"]: learner["DefaultAssessorID"] for learner in database.records("learners")}
    assert {row["review_id"]: row["assessor_id"] for row in rows} == {
        review["ID"]: review["AssessorID"] or learners.get(review["LearnerID"]) or None
        for review in database.records("reviews")
        if review["ID"] in expected
    }
    assert len(rows) == len(expected)
    assert set(expected.values()) == {
        "nobody has signed",
        "the assessor has not signed",
        "the learner has not signed",
        "the learner signed late",
        "the assessor signed late",
    }


def test_progress_is_expected_to_grow_evenly_from_start_to_planned_end(database: Loaded) -> None:
    rows = database.ask("progress")

    expected: dict[int, Any] = {}
    for learner in database.records("learners"):
        if due := share_gone(learner):
            done = learner["Progress"]
            ahead = None if done is None else pytest.approx(done - 100 * due[0], abs=0.051)
            expected[learner["ID"]] = (pytest.approx(100 * due[0], abs=0.051), ahead)
    assert {row["learner_id"]: (_float(row["expected"]), _float(row["ahead"])) for row in rows} == expected
    assert len(rows) == len(expected) < len(database.records("learners"))
    assert {0, 100} <= {row["expected"] for row in rows}
    assert None in {row["progress"] for row in rows}


def test_past_the_planned_end_is_who_has_one_before_today(database: Loaded) -> None:
    rows = database.ask("past_planned_end")

    ends = {learner["ID"]: uk_day(learner["PlannedEndDate"]) for learner in database.records("learners")}
    expected = {learner: (TODAY - end).days for learner, end in ends.items() if end and end < TODAY}
    assert {row["learner_id"]: row["days_past"] for row in rows} == expected
    assert len(rows) == len(expected) > 0
    assert TODAY in ends.values()


def test_off_the_job_hours_are_due_in_step_with_the_days_gone(database: Loaded) -> None:
    rows = database.ask("off_the_job_hours")

    learners = {learner["ID"]: learner for learner in database.records("learners")}
    expected: dict[int, Any] = {}
    for hours in database.records("off_the_job"):
        if hours["PlannedOTJ"]:
            due = share_gone(learners[hours["ID"]])
            done = hours["CachedActualHours"] or 0
            ahead = pytest.approx(done - hours["PlannedOTJ"] * due[0], abs=0.051) if due else None
            expected[hours["ID"]] = (pytest.approx(done, abs=0.051), ahead)
    assert {row["learner_id"]: (_float(row["done"]), _float(row["ahead"])) for row in rows} == expected
    assert len(rows) == len(expected) > 0
    assert None in {row["ahead"] for row in rows}


def test_unused_places_are_active_and_have_no_learner(database: Loaded) -> None:
    rows = database.ask("unused_places")

    learners = database.records("learners")
    others = Counter(p.get("PlacementID") for name in ("employers", "observers") for p in database.records(name))
    expected: dict[tuple[str, int], int | None] = {
        ("placement", place["ID"]): others[place["ID"]]
        for place in database.records("placements")
        if place["Active"] is not False and place["ID"] not in {learner["PlacementID"] for learner in learners}
    }
    for place in database.records("classrooms"):
        if place["Archive"] is not True and place["ID"] not in {learner["ClassroomID"] for learner in learners}:
            expected["classroom", place["ID"]] = None
    assert {(row["kind"], row["id"]): row["other_people"] for row in rows} == expected
    assert {row["kind"] for row in rows} == {"placement", "classroom"}
    assert len(rows) == len(expected)


def test_who_has_gone_is_who_was_not_found_again_where_the_run_has_looked(database: Loaded) -> None:
    learners = {learner["ID"]: learner for learner in database.records("learners")}
    gone = sorted(learners)[-2:]

    rows = database.ask("who_has_gone")

    assert [(row["learner_id"], row["last_found"]) for row in rows] == [(each, date(2025, 8, 25)) for each in gone]
    with database.connection.transaction(force_rollback=True):
        database.connection.execute(
            'UPDATE tap_onefile.organisations SET _sdc_sync_started_at = _sdc_sync_started_at - 1 WHERE "ID" = %s',
            [learners[gone[0]]["OrganisationID"]],
        )
        rows = database.ask("who_has_gone")

    organisation = learners[gone[0]]["OrganisationID"]
    assert [row["learner_id"] for row in rows] == [
        each for each in gone if learners[each]["OrganisationID"] != organisation
    ]


def _make_mis(connection: psycopg.Connection[Any], sandbox: Sandbox) -> None:
    connection.execute((FOLDER / "mis_table.sql").read_bytes())
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO mis.learners (misid, uln, email, name) VALUES (%s, %s, %s, %s)", mis_rows(sandbox)
        )


def _make_gone(connection: psycopg.Connection[Any], sandbox: Sandbox) -> None:
    """Have it look as if the last run had not found two learners again."""
    connection.execute(
        "UPDATE tap_onefile.learners SET _sdc_sync_started_at = _sdc_sync_started_at - 1,"
        " _sdc_extracted_at = TIMESTAMP '2025-08-24 23:30:00' WHERE \"ID\" = ANY(%s)",
        [sandbox.world.ids("learners")[-2:]],
    )


def _load(folder: Path, sandbox: Sandbox, url: str, *arguments: str) -> None:
    environment = {
        **clean_environment(),
        "TARGET_POSTGRES_SQLALCHEMY_URL": url,
        "TARGET_POSTGRES_DEFAULT_TARGET_SCHEMA": SCHEMA,
        **{f"TAP_ONEFILE_{name.upper()}": str(value) for name, value in config_for(sandbox).items()},
        "TAP_ONEFILE_SPECIAL_CATEGORY_DATA": "false",
    }
    tap = subprocess.run(
        [*TAP, "--config=ENV", *arguments], cwd=folder, env=environment, capture_output=True, check=True, timeout=120
    )
    subprocess.run(
        [TARGET, "--config=ENV"], cwd=folder, env=environment, input=tap.stdout, check=True, timeout=120,
        capture_output=True,
    )  # fmt: skip


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _some_of_each(rows: list[Row], kind: str) -> list[Row]:
    of_kind: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        of_kind[row[kind]].append(row)
    each = max(1, ROWS_SHOWN // len(of_kind))
    return [row for some in of_kind.values() for row in some[:each]]


def _cell(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())
