"""Each recipe is a model of the dbt package as one query, and its result is what the documentation shows."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest
from psycopg.rows import dict_row

from onefile_sandbox import Sandbox
from tap_onefile.streams import STREAMS
from tests.answers import OneFile, expectations
from tests.matching import matched
from tests.odd_learners import TODAY, make_odd, mis_rows, uk_day
from tests.running import select
from tests.warehouses import DBT, PACKAGE, PostgresWarehouse, as_json, dbt, read
from tools import ROOT
from tools.dbt import recipes
from tools.dbt.recipes import RECIPES
from tools.demo.postgres import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import StartPostgres

    Row = dict[str, Any]

FOLDER = ROOT / "examples" / "recipes"
NOT_LOADED = {
    stream.name
    for stream in STREAMS
    if not stream.selected_by_default and stream.name not in {"reviews", "off_the_job"}
}
ROWS_SHOWN = 6

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class Loaded(NamedTuple):
    """A database, and what it was loaded from."""

    onefile: OneFile
    connection: psycopg.Connection[Any]
    warehouse: PostgresWarehouse
    gone: list[int]
    mis: list[Row]

    def ask(self, recipe: str, **changes: str) -> list[Row]:
        """Run a recipe as it is, but for the day that it takes for today."""
        query = (FOLDER / f"{recipe}.sql").read_text(encoding="utf-8").replace(recipes.TODAY, f"DATE '{TODAY}'")
        for old, new in changes.items():
            assert query.count(old) == 1
            query = query.replace(old, new)
        rows = self.connection.cursor(row_factory=dict_row).execute(query.encode()).fetchall()
        return [{name: as_json(value) for name, value in row.items()} for row in rows]


@pytest.fixture(scope="module")
def database(start_postgres: StartPostgres) -> Iterator[Loaded]:
    """Load the streams that the recipes want, of a customer with odd learners among the others."""
    folder = Path(tempfile.mkdtemp(prefix="tap-"))
    try:
        with (
            Sandbox(learners=60, organisations=2, seed=7, calls_per_minute=0) as sandbox,
            start_postgres(folder / "data"),
        ):
            make_odd(sandbox)
            streams = [stream.name for stream in STREAMS if stream.name not in NOT_LOADED]
            warehouse = PostgresWarehouse(folder)
            warehouse.load(read(folder, sandbox, *select(folder, *streams), special_category_data=False), SCHEMA)
            gone = sandbox.world.ids("learners")[-2:]
            warehouse.make_gone(gone, SCHEMA)
            onefile = OneFile(sandbox, gone=gone, without=NOT_LOADED)
            names = ("misid", "uln", "email", "name")
            mis = [dict(zip(names, row, strict=True)) for row in mis_rows(sandbox)]
            with psycopg.connect(
                f"host={folder / 'data'} user=postgres dbname=postgres", autocommit=True
            ) as connection:
                connection.execute((FOLDER / "mis_table.sql").read_bytes())
                with connection.cursor() as cursor:
                    insert = "INSERT INTO mis.learners (misid, uln, email, name) VALUES (%s, %s, %s, %s)"
                    cursor.executemany(insert, mis_rows(sandbox))
                yield Loaded(onefile, connection, warehouse, gone, mis)
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif(not DBT.exists(), reason="dbt is not for Python 3.14 and newer yet")
def test_each_recipe_is_what_dbt_makes_of_its_model(database: Loaded, pytestconfig: pytest.Config) -> None:
    project = database.warehouse.folder / "recipes"
    project.mkdir()
    (project / "packages.yml").write_text(f"packages:\n- local: {PACKAGE}\n", "utf-8")
    (project / "dbt_project.yml").write_text(json.dumps(recipes.PROJECT), "utf-8")
    dbt(database.warehouse, "deps", project=project)
    dbt(database.warehouse, "compile", project=project, onefile_today="", onefile_mis_learners="mis.learners")

    for name, text in recipes.recipes(database.warehouse.folder / "dbt" / "compiled").items():
        path = FOLDER / f"{name}.sql"
        if pytestconfig.getoption("--snapshot-update"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"{name} is stale: `--snapshot-update` makes it anew"


def test_no_file_is_without_a_model() -> None:
    assert {path.stem for path in FOLDER.glob("*.sql")} == {*RECIPES, "mis_table"}
    assert {path.stem for path in (FOLDER / "examples").glob("*.md")} == {*RECIPES}


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_docs_show_what_comes_of_it(database: Loaded, recipe: str, pytestconfig: pytest.Config) -> None:
    database.connection.execute((FOLDER / f"{recipe}.sql").read_bytes())
    rows = database.ask(recipe)

    # Of a longer result, some of every kind; whose data it is, is the same for all.
    kind = next((name for name in ("action", "problem", "reason", "kind", "due") if name in rows[0]), None)
    shown = _some_of_each(rows, kind) if kind else rows[:ROWS_SHOWN]
    names = [name for name in rows[0] if name != "customer"]
    lines = [names, ["---"] * len(names), *([_cell(row[name]) for name in names] for row in shown)]
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
    example = FOLDER / "examples" / f"{recipe}.md"
    if pytestconfig.getoption("--snapshot-update"):
        example.write_text(table, encoding="utf-8")
    assert example.read_text(encoding="utf-8") == table


def test_today_is_one_expression_wherever_a_recipe_wants_it() -> None:
    for path in FOLDER.glob("*.sql"):
        sql = path.read_text(encoding="utf-8")
        assert sql.upper().count("CURRENT_") == sql.count(recipes.TODAY), path
        assert "now()" not in sql.lower()


@pytest.mark.parametrize("recipe", [name for name, recipe in RECIPES.items() if recipe.key])
def test_each_recipe_says_what_python_makes_of_onefiles_records(database: Loaded, recipe: str) -> None:
    rows = database.ask(recipe)

    _, expected = expectations(database.onefile)[f"onefile_{RECIPES[recipe].mart}"]
    found = {tuple(row[name] for name in RECIPES[recipe].key): row for row in rows}
    assert len(found) == len(rows)
    assert found.keys() == expected.keys()
    assert expected
    for each, columns in expected.items():
        assert {name: found[each][name] for name in columns} == columns, each


def test_the_odd_ones_are_among_them(database: Loaded) -> None:
    learners = database.onefile.learners.values()
    in_learning = database.onefile.in_learning
    assert 0 in {row["learners"] for row in database.ask("caseload")}
    assert {None, 0, 999} <= {row["DefaultAssessorID"] for row in learners}
    assert {"no assessor", "no assessor has this id"} <= {row["problem"] for row in database.ask("data_quality")}
    due = database.ask("reviews_due")
    assert {None} < {row["days_without"] for row in due}
    assert 0 < sum(row["due"] == "overdue" for row in due) < len(learners)
    assert {row["reason"] for row in database.ask("reviews_signed_late")} == {
        None, "nobody has signed", "the assessor has not signed", "the learner has not signed",
        "the learner signed late", "the assessor signed late",
    }  # fmt: skip
    progress = database.ask("progress")
    assert len(progress) < len(learners)
    assert {0, 100} <= {row["expected"] for row in progress}
    assert None in {row["progress"] for row in progress}
    assert TODAY in {uk_day(row["PlannedEndDate"]) for row in learners}
    assert len(database.ask("past_planned_end")) < sum(
        (uk_day(row["PlannedEndDate"]) or TODAY) < TODAY for row in learners
    )
    assert 0 < len(in_learning) < len(learners)
    assert None in {row["ahead"] for row in database.ask("off_the_job_hours")}
    assert {row["kind"] for row in database.ask("unused_places")} == {"placement", "classroom"}


def test_the_match_says_for_each_learner_what_is_to_be_done(database: Loaded) -> None:
    rows = database.ask("match_with_mis")

    found = Counter((row["action"], row["matched_by"], row["learner_id"], row["mis_name"]) for row in rows)
    assert found == Counter(matched(list(database.onefile.here.values()), database.mis))
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


def test_the_match_can_be_of_one_organisation_and_is_of_those_who_are_still_there(database: Loaded) -> None:
    learners = database.onefile.learners
    organisation = learners[database.gone[0]]["OrganisationID"]

    rows = database.ask(
        "match_with_mis", **{"cast(null as bigint), organisation_id": f"{organisation}, organisation_id"}
    )

    assert {row["learner_id"] for row in rows} - {None} == {
        each for each, row in learners.items() if row["OrganisationID"] == organisation
    } - {*database.gone}


def test_who_has_gone_is_who_was_not_found_again_where_the_run_has_looked(database: Loaded) -> None:
    rows = database.ask("who_has_gone")

    assert [(row["learner_id"], row["last_found"]) for row in rows] == [(each, "2025-08-25") for each in database.gone]
    learners = database.onefile.learners
    organisation = learners[database.gone[0]]["OrganisationID"]
    with database.connection.transaction(force_rollback=True):
        database.connection.execute(
            'UPDATE tap_onefile.organisations SET _sdc_sync_started_at = _sdc_sync_started_at - 1 WHERE "ID" = %s',
            [organisation],
        )
        rows = database.ask("who_has_gone")

    assert [row["learner_id"] for row in rows] == [
        each for each in database.gone if learners[each]["OrganisationID"] != organisation
    ]


def test_nobody_is_said_to_have_gone_after_a_load_that_was_no_full_one(database: Loaded) -> None:
    with database.connection.transaction(force_rollback=True):
        database.connection.execute(
            'UPDATE tap_onefile.learners SET _sdc_sync_started_at = _sdc_sync_started_at - 1 WHERE "ID" % 5 = 0'
        )
        (row,) = database.ask("who_has_gone")

    assert row["learner_id"] is None
    assert row["reason"].startswith("The last load was not a full one: it found ")


def _some_of_each(rows: list[Row], kind: str) -> list[Row]:
    of_kind: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        of_kind[row[kind]].append(row)
    each = max(1, ROWS_SHOWN // len(of_kind))
    return [row for some in of_kind.values() for row in some[:each]]


def _cell(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())
