"""The campaign of faults in its short form; `make soak` is the long one."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.campaign.processes import HUNG
from tests.campaign.scenarios import draw
from tests.campaign.trials import STREAMS, Trial, sent_by, try_out
from tests.campaign.verdicts import COMPLETE, FAILED, ODD, TOLD, judge
from tests.running import Run, select

if TYPE_CHECKING:
    from pathlib import Path

    from tests.campaign.scenarios import Scenario
    from tests.campaign.trials import Tables

SEED = int(os.environ.get("CAMPAIGN_SEED", "76000020990"))
"""Draws the scenarios: the same ones on every run, unless told otherwise."""

TRIED = 30

ERROR = "2026-01-31 02:00:00,000 | ERROR    | tap-onefile                    | No answer. Run again."


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give a catalog with one stream at least of each shape."""
    folder = tmp_path_factory.mktemp("catalog")
    select(folder, *STREAMS)
    return (folder / "catalog.json").read_bytes()


def name_of(scenario: Scenario) -> str:
    """Name a scenario by what goes wrong in it."""
    return f"seed {SEED}, {', '.join(f'{each.name} at {each.shape}' for each in scenario.accidents)}"


SCENARIOS = draw(TRIED, SEED)


@pytest.mark.parametrize(
    "scenario", [pytest.param(each, id=f"{place} {name_of(each)}") for place, each in enumerate(SCENARIOS)]
)
@pytest.mark.slow
def test_whatever_goes_wrong_nothing_is_lost_in_silence(tmp_path: Path, catalog: bytes, scenario: Scenario) -> None:
    (tmp_path / "catalog.json").write_bytes(catalog)

    trial = try_out(scenario, tmp_path)

    end, fault = judge(trial)
    assert not fault, f"{end}: {fault}\n{trial.run.stderr}"


def run_of(*records: tuple[str, dict[str, Any]], status: int = 0, log: str = "", activates: bool = False) -> Run:
    """Make a run that has sent some records."""
    messages = [{"type": "RECORD", "stream": stream, "record": record} for stream, record in records]
    messages += [{"type": "ACTIVATE_VERSION", "stream": stream} for stream, _ in records[:activates]]
    return Run(status, "\n".join(map(json.dumps, messages)), log)


ADA, BO = ("learners", {"ID": 1, "FirstName": "Ada"}), ("learners", {"ID": 2, "FirstName": "Bo"})
NAMELESS = ("learners", {"ID": 1, "FirstName": None})
WHOLE = run_of(ADA, BO)
TRUTH: Tables = dict(sent_by(WHOLE))
ONE: Tables = dict(sent_by(run_of(ADA)))
WELL = Trial(WHOLE, {"learners": 2}, WHOLE, TRUTH, repaired=None, repaired_tables=TRUTH)
FAILING = replace(WELL, run=run_of(status=1, log=ERROR), tables={}, repaired=WHOLE)
GONE = "learners: OneFile no longer had 1 records when they were asked for by their ids"
NULLED = "learners: FirstName was sent as null in 1 records, as an unreadable value came"


def test_the_judge_knows_the_ways_to_end_well() -> None:
    assert judge(WELL) == (COMPLETE, "")
    assert judge(FAILING) == (FAILED, "")
    assert judge(replace(WELL, tables=ONE, run=run_of(ADA, log=GONE), denies=True)) == (TOLD, "")
    odd = run_of(NAMELESS, BO, log=NULLED)
    assert judge(replace(WELL, tables=dict(sent_by(odd)), run=odd)) == (ODD, "")
    stray = ("learners", {"ID": 1, "FirstName": "Ada", "OrganisationID": 8})
    theirs = dict(sent_by(run_of(("learners", {"ID": 1, "FirstName": "Ada", "OrganisationID": 9}))))
    ignored = run_of(stray, status=1, log=NOT_NAMED.replace("classrooms", "learners"))
    whole = run_of(*[("learners", record) for record in theirs.values()])
    strayed = Trial(whole, {"learners": 1}, ignored, dict(sent_by(ignored)), whole, theirs, ignores_a_filter=True)
    assert judge(strayed) == (FAILED, "")
    assert "sent otherwise" in judge(replace(strayed, ignores_a_filter=False))[1]
    assert "sent otherwise" in judge(replace(strayed, run=run_of(stray, status=1, log=NOT_NAMED)))[1]
    denied = run_of(log="Empty, as OneFile answers 404: learners. Deselect them.")
    assert judge(replace(WELL, tables={}, run=denied, denies=True, denies_to_the_end=True)) == (TOLD, "")


NOT_NAMED = "x | ERROR    | tap-onefile | The run is incomplete. Missing: classrooms of OrganisationID 1 (No answer.)"
BADLY = {
    "2 records absent": replace(WELL, tables={}, run=run_of()),
    "1 records absent": replace(
        WELL, tables=ONE, run=run_of(ADA, log=GONE.replace("learners", "reviews")), denies=True
    ),
    "2 records absent, such as ('learners', '[1]')": replace(
        WELL, tables={}, run=run_of(log="Empty, as OneFile answers 404: learners. Deselect them."), denies=True
    ),
    "records absent, such as ('learners', '[2]')": replace(WELL, tables=ONE, run=run_of(ADA, log=GONE)),
    "2 records wrong": replace(WELL, tables={key: {} for key in TRUTH}, run=run_of()),
    "1 records sent otherwise": replace(WELL, run=run_of(NAMELESS, BO)),
    "1 records sent twice": replace(WELL, run=run_of(ADA, BO, BO)),
    "1 records sent that are none": replace(WELL, run=run_of(ADA, BO, ("learners", {"ID": 3}))),
    "1 records not sent, and activated": replace(FAILING, run=run_of(ADA, status=1, log=ERROR, activates=True)),
    "learners: 2 of 3 came though nothing went wrong": replace(WELL, held={"learners": 3}),
    "learners lacks records and is not named": replace(FAILING, run=run_of(status=1, log=NOT_NAMED)),
    "the run looks good": replace(WELL, run=run_of(ADA, BO, log=ERROR)),
    "the last line is no error": replace(FAILING, run=run_of(status=1)),
    "a fault of ours was shown": replace(
        FAILING, run=run_of(status=1, log=f"Traceback (most recent call last)\n{ERROR}")
    ),
    "the exit status is 139": replace(FAILING, run=run_of(status=139, log=ERROR)),
    "1 records absent after the next run": replace(FAILING, repaired_tables=ONE),
    "the next run failed, too": replace(FAILING, repaired=run_of(status=1, log=ERROR)),
    "had to be killed": replace(WELL, run=run_of(status=HUNG)),
}


@pytest.mark.parametrize("fault", BADLY)
def test_the_judge_sees_every_way_to_end_badly(fault: str) -> None:
    assert fault in judge(BADLY[fault])[1]
