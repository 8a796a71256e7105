"""What the documentation says of how tables join holds for the records of the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onefile_sandbox import Behaviour, Sandbox
from tap_onefile.streams import STREAMS
from tests.running import config_for, run_tap, select
from tools.docs.joins import JOINS

if TYPE_CHECKING:
    from pathlib import Path

NO_TABLE_HAS = {"VisitID", "StatusID", "LearningDifficultyAndDisabilityID"}
ALSO_IN = {"learners": "archived_learners", "assessors": "trainee_assessors"}
NEVER_THERE = {("employers", "ProviderID"), ("unit_summaries", "LearningAimID")}
"""Guesses, which the sandbox leaves empty."""


def test_every_id_of_a_record_elsewhere_is_among_the_joins() -> None:
    told = {(each.table, each.field) for each in JOINS}
    for stream in STREAMS:
        ids = {name for name in stream.schema["properties"] if name.endswith("ID")}
        ids -= {*stream.primary_keys, *NO_TABLE_HAS, "ID", "MISID", "OrganisationID"}
        # People are told of once; learners, archived or not, have more.
        person = "FirstName" in stream.schema["properties"]
        table = "learners" if stream.name.endswith("learners") else "employers" if person else stream.name
        assert {(table, name) for name in ids} <= told, stream.name


def test_each_id_leads_to_a_record(tmp_path: Path) -> None:
    behaviour = Behaviour(unsupported_roles="rows")
    with Sandbox(learners=60, organisations=2, calls_per_minute=0, behaviour=behaviour) as sandbox:
        chosen = select(tmp_path, *(stream.name for stream in STREAMS))
        run = run_tap(tmp_path, config_for(sandbox), *chosen)

    assert run.status == 0, run.stderr
    empty = set()
    for join in JOINS:
        found = {row["ID"] for table in (join.to, ALSO_IN.get(join.to, join.to)) for row in run.records[table]}
        ids = {row[join.field] for row in run.records[join.table]} - {None, 0}
        assert ids <= found, join
        if not ids:
            empty.add((join.table, join.field))
    assert empty == NEVER_THERE
