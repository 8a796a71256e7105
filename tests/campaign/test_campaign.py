"""The campaign of faults in its short form; `make soak` is the long one."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.campaign.processes import HUNG
from tests.campaign.scenarios import draw
from tests.campaign.trials import STREAMS, Trial, try_out
from tests.campaign.verdicts import COMPLETE, FAILED, TOLD, judge
from tests.running import Run, select

if TYPE_CHECKING:
    from pathlib import Path

    from tests.campaign.scenarios import Scenario
    from tests.campaign.trials import Tables

SEED = int(os.environ.get("CAMPAIGN_SEED", "76000020990"))
"""Draws the scenarios: the same ones on every run, unless told otherwise."""

TRIED = 30

ERROR = "2026-01-31 02:00:00,000 | ERROR    | tap-onefile                    | No answer. Run again."
TRUTH: Tables = {("learners", "[1]"): {"ID": 1, "FirstName": "Ada"}, ("learners", "[2]"): {"ID": 2, "FirstName": "Bo"}}


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give a catalog with one stream at least of each shape."""
    folder = tmp_path_factory.mktemp("catalog")
    select(folder, *STREAMS)
    return (folder / "catalog.json").read_bytes()


def name_of(scenario: Scenario) -> str:
    """Name a scenario by what goes wrong in it."""
    return f"seed {SEED}, {', '.join(f'{each.name} at {each.shape}' for each in scenario.accidents)}"


# Hypothesis draws what is much alike one after the other.
SCENARIOS = draw(TRIED * 20, SEED)[::20]


@pytest.mark.parametrize(
    "scenario", [pytest.param(each, id=f"{place} {name_of(each)}") for place, each in enumerate(SCENARIOS)]
)
@pytest.mark.slow
def test_whatever_goes_wrong_nothing_is_lost_in_silence(tmp_path: Path, catalog: bytes, scenario: Scenario) -> None:
    (tmp_path / "catalog.json").write_bytes(catalog)

    trial = try_out(scenario, tmp_path)

    end, fault = judge(trial)
    assert not fault, f"{end}: {fault}\n{trial.run.stderr}"


WELL = Trial(TRUTH, Run(0, "", ""), TRUTH, most_often=1, repaired=None, repaired_tables=TRUTH, calls=9)
FAILING = replace(WELL, run=Run(1, "", ERROR), tables={}, repaired=Run(0, "", ""))
GONE = "reviews: OneFile no longer had 1 records when they were asked for by their ids"


def test_the_judge_knows_the_three_ways_to_end_well() -> None:
    assert judge(WELL) == (COMPLETE, "")
    assert judge(FAILING) == (FAILED, "")
    assert judge(replace(WELL, tables={}, run=Run(0, "", GONE))) == (TOLD, "")


BADLY = {
    "2 records absent": replace(WELL, tables={}),
    "2 records wrong": replace(WELL, tables={key: {} for key in TRUTH}),
    "sent twice": replace(WELL, most_often=2),
    "the run looks good": replace(WELL, run=Run(0, "", ERROR)),
    "the last line is no error": replace(FAILING, run=Run(1, "", "")),
    "a fault of ours was shown": replace(FAILING, run=Run(1, "", f"Traceback (most recent call last)\n{ERROR}")),
    "the exit status is 139": replace(FAILING, run=Run(139, "", ERROR)),
    "1 records absent": replace(FAILING, repaired_tables=dict([*TRUTH.items()][:1])),
    "the next run failed, too": replace(FAILING, repaired=Run(1, "", ERROR)),
    "had to be killed": replace(WELL, run=Run(HUNG, "", "")),
}


@pytest.mark.parametrize("fault", BADLY)
def test_the_judge_sees_every_way_to_end_badly(fault: str) -> None:
    assert fault in judge(BADLY[fault])[1]
