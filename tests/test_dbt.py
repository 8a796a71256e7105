"""The dbt package builds on what the loaders make, and each mart is what Python makes of OneFile's own records."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from onefile_sandbox import Behaviour, Sandbox
from tap_onefile.streams import STREAMS
from tests.answers import OneFile, digits, expectations
from tests.matching import matched
from tests.odd_learners import NOT_SET, make_odd, mis_rows
from tests.running import as_environment, config_for, select
from tests.warehouses import DBT, MARTS, PACKAGE, TO_DUCKDB, WAREHOUSES, PostgresWarehouse, dbt, read
from tools import ROOT
from tools.demo.pipeline import Pipeline
from tools.demo.postgres import SCHEMA
from tools.docs import models

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.conftest import StartPostgres

    Row = dict[str, Any]
    Rows = dict[Any, Any]
    Answers = dict[str, list[Row]]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not DBT.exists(), reason="dbt is not for Python 3.14 and newer yet"),
]


@pytest.mark.parametrize("warehouse", ["postgres", "duckdb"])
def test_each_mart_is_what_python_makes_of_onefiles_records(
    folder: Path, warehouse: str, start_postgres: StartPostgres
) -> None:
    if warehouse == "duckdb" and not TO_DUCKDB.exists():
        pytest.skip("target-duckdb is not for Python 3.14 and newer yet")
    behaviour = Behaviour(unsupported_roles="rows")
    with Sandbox(learners=60, organisations=2, seed=7, calls_per_minute=0, behaviour=behaviour) as sandbox:
        make_odd(sandbox)
        _make_more_odd(sandbox)
        singer = read(folder, sandbox, *select(folder))
        with WAREHOUSES[warehouse](folder, start_postgres) as loaded:
            loaded.load(singer, SCHEMA)
            loaded.make_mis(mis_rows(sandbox))
            gone = sandbox.world.ids("learners")[-2:]
            loaded.make_gone(gone, SCHEMA)
            dbt(loaded, "build", onefile_mis_learners="mis.learners")
            answers = loaded.answers()
            blocks = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "dbt.md").read_text(encoding="utf-8"), re.DOTALL)
            queries = [query for block in blocks for query in block.split(";") if query.strip()]
            assert len(queries) >= 10
            loaded.ask(*queries)
            manifest = json.loads((folder / "dbt" / "manifest.json").read_text(encoding="utf-8"))
            # Whoever learns from the lists what a break is called has not seen one begin.
            statuses = Counter(
                row["status"] for row in answers["onefile_learners"] if row["in_learning"] and row["status"]
            )
            name, learners = statuses.most_common(1)[0]
            dbt(loaded, "build", "--select", "+onefile_breaks", onefile_statuses_on_break=[name])
            breaks = loaded.answers("onefile_breaks")["onefile_breaks"]
            assert [row["is_start_known"] for row in breaks] == [False] * learners

        _check_the_picture(manifest)
        assert {mart["name"] for mart in MARTS} == answers.keys()
        onefile = OneFile(sandbox, gone=gone)
        for mart, (key, expected) in expectations(onefile).items():
            rows = answers[mart]
            found = {tuple(row[name] for name in key): row for row in rows}
            assert len(found) == len(rows), mart
            assert found.keys() == expected.keys(), mart
            assert expected, f"{mart} has nothing to compare"
            for each, columns in expected.items():
                assert {name: found[each][name] for name in columns} == columns, (mart, each)
        _check_the_match(answers, onefile, mis_rows(sandbox))
        _check_the_rest(answers, onefile)


def test_an_empty_project_builds_the_package_on_half_of_the_streams_and_for_several_customers(
    folder: Path, start_postgres: StartPostgres
) -> None:
    project = folder / "college"
    project.mkdir()
    (project / "packages.yml").write_text(f"packages:\n- local: {PACKAGE}\n")
    (project / "dbt_project.yml").write_text("name: college\nversion: 1.0.0\nprofile: onefile\n")
    (project / "seeds").mkdir()
    half = select(folder, "customers", "organisations", "assessors", "learners", "classrooms", "learning_aims")
    _deselect(folder / half[1], "learners", "Progress", "PlannedEndDate", "ClassroomID")
    with (
        Sandbox(learners=8, organisations=2, seed=7, calls_per_minute=0) as sandbox,
        WAREHOUSES["postgres"](folder, start_postgres) as loaded,
    ):
        held_back = {"personal_data": "pseudonymise", "pseudonym_key": "k" * 32, "special_category_data": False}
        loaded.load(read(folder, sandbox, *half, **held_back), "south")
        loaded.make_gone(sandbox.world.ids("learners")[:-1], "south")
        learners = {row["ID"] for row in sandbox.records("learners")}
        known = next(row for row in sandbox.records("learners") if row.get("MISID"))
        (project / "seeds" / "mis_learners.csv").write_text(f"misid,name\n{known['MISID']},Known\nNEW1,New\n", "utf-8")
        dbt(loaded, "deps", project=project)

        dbt(loaded, "build", project=project, onefile_schema="south", onefile_mis_learners="mis_learners")

        answers = loaded.answers()
        found = {row["learner_id"]: row for row in answers["onefile_learners"]}
        assert found.keys() == learners
        for row in found.values():
            assert row["progress"] is row["planned_end"] is row["status"] is row["date_of_birth"] is None
            assert len(row["first_name"]) == 64
            assert row["organisation"]
            assert row["in_learning"] is True
        assert [row["reason"] for row in answers["onefile_gone"]] == [
            f"The last load was not a full one: it found 1 of {len(learners)} learners again."
        ]
        loads = {row["stream"]: row["is_loaded"] for row in answers["onefile_loads"]}
        assert {stream for stream, is_loaded in loads.items() if is_loaded} == {
            "customers", "organisations", "assessors", "learners", "classrooms", "learning_aims",
        }  # fmt: skip
        assert answers["onefile_aims"]
        assert {(row["mis_name"], row["learner_id"], row["action"]) for row in answers["onefile_mis_match"]} >= {
            ("Known", known["ID"], "In order"),
            ("New", None, "Add: only in the MIS"),
        }
        # What was not loaded is no reason to list anybody.
        for mart in ("reviews_due", "no_timesheet", "past_planned_end", "unused_places", "equality"):
            assert answers[f"onefile_{mart}"] == []
        assert {row["problem"] for row in answers["onefile_data_quality"]} <= {
            "no ULN", "no MISID", "no assessor", "no assessor has this id", "no status", "no start",
        }  # fmt: skip
        staged = "SELECT column_name FROM information_schema.columns WHERE table_name = 'stg_onefile_learners'"
        columns = {row["column_name"] for row in loaded.ask(staged)[0]}
        assert {"progress", "uln"} < columns
        assert not columns & {"l12", "l13", "primary_lldd_code", "support_funding"}

        loaded.load(read(folder, sandbox, *select(folder)), "north")
        dbt(
            loaded, "build", "--select", "+onefile_aims", "+onefile_reviews_due", "+onefile_equality",
            project=project, onefile_schemas={"north": "north", "the south": "south"},
        )  # fmt: skip

        marts = ("onefile_learners", "onefile_reviews_due", "onefile_equality", "onefile_aims")
        everyone, due, equality, aims = (loaded.answers(mart)[mart] for mart in marts)
        assert Counter((row["customer"], row["learner_id"]) for row in everyone) == Counter(
            (customer, learner) for customer in ("north", "the south") for learner in learners
        )
        assert all((row["date_of_birth"] is None) == (row["customer"] == "the south") for row in everyone)
        assert {row["customer"] for row in due} == {row["customer"] for row in equality} == {"north"}
        # OneFile gives the aims of archived learners, who were not loaded.
        of_others = [row for row in aims if row["customer"] == "north" and row["learner_id"] not in learners]
        assert {row["aim_status"] for row in of_others} == {"In progress", "Achieved"}


def test_one_command_of_meltano_loads_and_builds(folder: Path, start_postgres: StartPostgres) -> None:
    with (
        Sandbox(learners=5, organisations=1, seed=7, calls_per_minute=0) as sandbox,
        start_postgres(folder / "data") as server,
    ):
        settings = {
            **as_environment(config_for(sandbox)),
            "TARGET_POSTGRES_SQLALCHEMY_URL": server.sqlalchemy_url,
            "DBT_TARGET_PATH": str(folder / "dbt"),
            "DBT_LOG_PATH": str(folder / "dbt"),
        }

        BuildingPipeline(settings, database=folder / "meltano.db", log=folder / "log").run()

        learners = PostgresWarehouse(folder).answers("onefile_learners")["onefile_learners"]
        assert {row["learner_id"] for row in learners} == set(sandbox.world.ids("learners"))


class BuildingPipeline(Pipeline):
    """The pipeline with dbt at its end."""

    command = ("run", "tap-onefile", "target-postgres", "dbt-postgres:build")


def _deselect(catalog: Path, stream: str, *fields: str) -> None:
    content = json.loads(catalog.read_text(encoding="utf-8"))
    (entries,) = (each["metadata"] for each in content["streams"] if each["tap_stream_id"] == stream)
    for entry in entries:
        if entry["breadcrumb"] and entry["breadcrumb"][-1] in fields:
            entry["metadata"]["selected"] = False
    catalog.write_text(json.dumps(content), encoding="utf-8")


def _check_the_picture(manifest: Row) -> None:
    """What the documentation says that each model is made of is what dbt says."""
    drawn = {
        node["name"]: {
            parent.split(".")[-1] for parent in node["depends_on"]["nodes"] if not parent.startswith("source")
        }
        for node in manifest["nodes"].values()
        if node["resource_type"] in {"model", "snapshot"} and not node["name"].startswith("stg_")
    }
    assert models.refs() == drawn


def _check_the_match(answers: Answers, onefile: OneFile, mis: Iterable[tuple[Any, ...]]) -> None:
    rows = [dict(zip(("misid", "uln", "email", "name"), row, strict=True)) for row in mis]
    found = Counter(
        (row["action"], row["matched_by"], row["learner_id"], row["mis_name"]) for row in answers["onefile_mis_match"]
    )
    assert found == Counter(matched(list(onefile.here.values()), rows))
    assert len({action for action, *_ in found}) == 13
    by_name = {row["name"]: row for row in rows}
    differences = set()
    for action, _, each, name in found:
        if each is None or name is None or action.startswith("Check: fits"):
            continue
        learner = onefile.learners[each]
        pairs = {
            "name": (onefile.name(each), name),
            "ULN": (digits(learner["ULN"]), digits(by_name[name]["uln"])),
            "email": (learner["Email"], by_name[name]["email"]),
        }
        differences |= {
            (each, field, name)
            for field, (ours, theirs) in pairs.items()
            if theirs is not None and (ours or "").strip().lower() != theirs.strip().lower()
        }
    shown = {(row["learner_id"], row["field"]) for row in answers["onefile_mis_differences"]}
    assert shown == {(each, field) for each, field, _ in differences}


def _check_the_rest(answers: Answers, onefile: OneFile) -> None:
    loads = {row["stream"]: row for row in answers["onefile_loads"]}
    assert loads.keys() == {stream.name for stream in STREAMS}
    assert all(row["is_loaded"] for row in loads.values())
    assert loads["learners"]["records"] == len(onefile.learners)
    assert {row["gateway"] for row in answers["onefile_gateway"]} == {
        "ready", "hours are missing", "hours are not known",
    }  # fmt: skip
    assert {row["rag"] for row in answers["onefile_learner_rag"]} == {"red", "amber", "green"}
    assert {row["due"] for row in answers["onefile_reviews_due"]} == {
        "overdue", "due within four weeks", "later", "no review, and no start",
    }  # fmt: skip
    assert {row["outcome"] for row in answers["onefile_aims"]} == {
        "achieved", "withdrawn", "past the planned end", "in learning",
    }  # fmt: skip
    assert {True, False, None} == {row["is_timely"] for row in answers["onefile_aims"]}
    assert {row["reason"] for row in answers["onefile_reviews_signed_late"]} == {
        None, "nobody has signed", "the assessor has not signed", "the learner has not signed",
        "the learner signed late", "the assessor signed late",
    }  # fmt: skip
    for mart in MARTS:
        if rows := answers[mart["name"]]:
            assert list(rows[0]) == [column["name"] for column in mart["columns"]], mart["name"]


def _make_more_odd(sandbox: Sandbox) -> None:
    """Add what the recipes have no use for: gateway, statuses, achievements late and in time, employers' signatures."""
    world = sandbox.world
    learners = world.ids("learners")
    for place, done, minimum in ((40, 500.0, 300.0), (41, 10.0, 300.0), (42, None, None), (44, None, 0.0)):
        each = learners[place]
        world.change("learners", each, Progress=100.0, LearnerStatusID=None, PlannedEndDate="2026-03-01T00:00:00Z")
        if each in world.ids("off_the_job"):
            world.change("off_the_job", each, MinimumOTJ=minimum, CachedActualHours=done)
    # A birthday in July, which OneFile writes as the evening before.
    world.change("learners", learners[43], DOB="2004-07-14T23:00:00Z", LearnerStatusID=None)
    aims = world.ids("learning_aims")
    world.change("learning_aims", aims[0], PlannedEnd="2024-05-01T00:00:00Z", AchievedDate="2025-08-01T00:00:00Z")
    world.change("learning_aims", aims[1], PlannedEnd="2025-07-30T23:00:00Z", AchievedDate="2025-07-31T22:59:59Z")
    world.change("learning_aims", aims[2], PlannedEnd="2025-07-31T23:00:00Z", AchievedDate="2025-10-29T00:00:00Z")
    world.change("learning_aims", aims[3], PlannedEnd=NOT_SET, AchievedDate=None, StandardID=0)
    world.change("learning_aims", aims[4], PlannedEnd="2025-01-01T00:00:00Z", AchievedDate=None, Status=0)
    world.change("learning_aims", aims[5], PlannedEnd=NOT_SET, AchievedDate="2025-06-10T00:00:00Z")
    reviews = sandbox.records("reviews", details=True)
    recent = [row["ID"] for row in reviews if row.get("StartedOn") and "2025-07-01" < row["StartedOn"] < "2025-09-01"]
    for review in recent[::2]:
        world.change("reviews", review, EmployerSignedOn="2025-08-31T10:00:00Z")
