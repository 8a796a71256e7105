"""A scenario happens to real runs of the tap, over HTTP."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from onefile_sandbox import Behaviour, Fault, Sandbox
from tests.campaign.processes import LostProcess, run_at_once
from tests.campaign.scenarios import SHAPES
from tests.running import config_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.campaign.scenarios import Accident, Scenario
    from tests.running import Run

    Tables = dict[tuple[str, str], dict[str, Any]]

STREAMS = (
    "customers", "organisations", "learners", "classrooms", "learner_statuses", "reviews", "off_the_job", "timesheets",
)  # fmt: skip
"""One stream at least of each shape."""

KEYS = {"learner_statuses": ("OrganisationID", "ID"), "timesheets": ("EntryKey",)}


_MOST_LOST = 5


@dataclass
class Target:
    """What a target holds, and the state that goes with it.

    Attributes:
        tables: The records, by stream and key.
        state: The last state.
    """

    tables: Tables = field(default_factory=dict)
    state: dict[str, Any] | None = None

    def load(self, run: Run) -> Counter[tuple[str, str]]:
        """Take over what a run has sent.

        Args:
            run: The run.

        Returns:
            How often the run has sent each record.
        """
        sent: Counter[tuple[str, str]] = Counter()
        for message in run.messages:
            if message["type"] == "RECORD":
                key = key_of(message["stream"], message["record"])
                self.tables[key] = message["record"]
                sent[key] += 1
            elif message["type"] == "STATE":
                self.state = message["value"]
        return sent


@dataclass(frozen=True)
class Trial:
    """What came of a scenario.

    Attributes:
        truth: What a target must hold in the end, by a run in which nothing goes wrong.
        run: The run in which things went wrong.
        tables: What the target held after it.
        most_often: How often the run has sent the record that it has sent most often.
        repaired: The run after that, where the first one failed.
        repaired_tables: What the target held after that.
        calls: How many calls the run has made.
    """

    truth: Tables
    run: Run
    tables: Tables
    most_often: int
    repaired: Run | None
    repaired_tables: Tables
    calls: int


def key_of(stream: str, record: dict[str, Any]) -> tuple[str, str]:
    """Give what tells a record apart from all others."""
    return stream, repr([record[name] for name in KEYS.get(stream, ("ID",))])


def try_out(scenario: Scenario, folder: Path) -> Trial:
    """Let a scenario happen, and again where it cannot be known what came of it.

    Args:
        scenario: What happens.
        folder: A folder with a catalog in which STREAMS are selected.

    Returns:
        What came of it.
    """
    # On a machine that is very busy this befalls one process after the other.
    for _ in range(_MOST_LOST):
        with suppress(LostProcess):
            return _try_out(scenario, folder)
    return _try_out(scenario, folder)


def _try_out(scenario: Scenario, folder: Path) -> Trial:
    behaviour = Behaviour.parse([f"past_the_end={scenario.past_the_end}", f"expired_status={scenario.refusal}"])
    with Sandbox(
        learners=scenario.learners,
        organisations=scenario.organisations,
        calls_per_minute=0,
        behaviour=behaviour,
    ) as sandbox:
        sandbox.world.now = datetime.now(UTC) - timedelta(days=30)
        config = config_for(
            sandbox,
            page_size=scenario.page_size,
            parallel_requests=scenario.parallel_requests,
            retry_for=3,
            request_timeout=1,
            # What changes in reviews of long ago is missed by design; here it would be taken for a loss.
            review_window=36_500,
        )
        target = Target()
        if scenario.days:
            target.load(run_at_once(folder, config))
            sandbox.advance(scenario.days)
        truth = Target()
        truth.load(run_at_once(folder, config))
        for accident in scenario.accidents:
            sandbox.add_fault(_fault(accident, sandbox, scenario.page_size))
        sandbox.reset_calls()
        run = run_at_once(folder, config, target.state)
        calls = len(sandbox.calls)
        most_often = max(target.load(run).values(), default=0)
        tables = dict(target.tables)
        sandbox.clear_faults()
        repaired = None
        if run.status:
            repaired = run_at_once(folder, config, target.state)
            target.load(repaired)
    return Trial(truth.tables, run, tables, most_often, repaired, target.tables, calls)


def _fault(accident: Accident, sandbox: Sandbox, page_size: int) -> Fault:
    details: dict[str, Any] = dict(accident.details)
    page = accident.page
    if page is not None and page < 1:
        # Of the largest organisation, which the others have fewer pages than.
        sizes = Counter(row["OrganisationID"] for row in sandbox.records("learners"))
        page = math.ceil(max(sizes.values()) / page_size) - page
    match = SHAPES[accident.shape]
    return Fault(accident.kind, match=match, page=page, after=accident.after, times=accident.times, **details)
