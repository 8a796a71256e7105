"""A scenario happens to real runs of the tap, over HTTP."""

from __future__ import annotations

import math
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from onefile_sandbox import Behaviour, Fault, Sandbox
from tests.campaign.processes import run_at_once
from tests.campaign.scenarios import SHAPES, STANDS_FOR
from tests.running import LostProcess, config_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.campaign.scenarios import Accident, Scenario
    from tests.running import Run

    Tables = dict[tuple[str, str], dict[str, Any]]

STREAMS = (
    "customers", "organisations", "assessors", "learners", "classrooms", "placements", "standards", "learning_aims",
    "learner_statuses", "reviews", "off_the_job", "timesheets",
)  # fmt: skip
"""One stream at least of each shape."""

KEYS = {"learner_statuses": ("OrganisationID", "ID"), "timesheets": ("EntryKey",)}

VALUES = {"NaN": "NaN", "latin-1": '"Zo\xeb"', "digits": "9" * 5000}
"""What no reader takes."""


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

    def load(self, run: Run) -> None:
        """Take over what a run has sent."""
        self.tables.update(sent_by(run))
        states = [message["value"] for message in run.messages if message["type"] == "STATE"]
        self.state = states[-1] if states else self.state


@dataclass(frozen=True)
class Trial:
    """What came of a scenario.

    Attributes:
        whole: The run in which nothing goes wrong.
        held: How many records OneFile has, by stream.
        run: The run in which things went wrong.
        tables: What the target held after it.
        repaired: The run after that, where the first one failed.
        repaired_tables: What the target held after that.
        denies: Whether OneFile said for long that it has none of something.
        denies_to_the_end: Whether it did to the end of the run.
        ignores_a_filter: Whether it took no notice of a filter for rows that need not say whose they are.
    """

    whole: Run
    held: dict[str, int]
    run: Run
    tables: Tables
    repaired: Run | None
    repaired_tables: Tables
    denies: bool = False
    denies_to_the_end: bool = False
    ignores_a_filter: bool = False

    @property
    def truth(self) -> Tables:
        """What a target must hold in the end."""
        return dict(sent_by(self.whole))


def sent_by(run: Run) -> list[tuple[tuple[str, str], dict[str, Any]]]:
    """Give the records that a run has sent, with their keys, in their order."""
    return [(key_of(stream, record), record) for stream, records in run.records.items() for record in records]


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
    behaviour = Behaviour.parse(
        [
            f"past_the_end={scenario.past_the_end}",
            f"expired_status={scenario.refusal}",
            f"page_size_cap={scenario.cap}",
        ]
    )
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
            emit_activate_version_messages=scenario.versions,
        )
        target = Target()
        if scenario.days:
            target.load(run_at_once(folder, config))
            sandbox.advance(scenario.days)
        whole = run_at_once(folder, config)
        held = {stream: count for stream, count in sandbox.counts().items() if stream in STREAMS}
        faults = [fault_of(accident, sandbox, scenario) for accident in scenario.accidents]
        for fault in filter(None, faults):
            sandbox.add_fault(fault)
        run = run_at_once(folder, config, target.state)
        target.load(run)
        tables = dict(target.tables)
        over = sandbox.faults_over()
        sandbox.clear_faults()
        repaired = None
        if run.status:
            repaired = run_at_once(folder, config, target.state)
            target.load(repaired)
    denials = [fault for accident, fault in zip(scenario.accidents, faults, strict=True) if accident.denies]
    lasts = any(fault not in over for fault in denials)
    ignores = any(accident.kind == "other-question" and accident.shape == "search" for accident in scenario.accidents)
    return Trial(whole, held, run, tables, repaired, target.tables, bool(denials), lasts, ignores)


def fault_of(accident: Accident, sandbox: Sandbox, scenario: Scenario) -> Fault | None:
    """Give the sandbox's fault for an accident; None where the customer has no place for it."""
    details: dict[str, Any] = dict(accident.details)
    page, where = accident.page, {}
    organisations = sandbox.world.ids("organisations")
    sizes = Counter(row["OrganisationID"] for row in sandbox.records("learners"))
    largest, rows = sizes.most_common(1)[0]
    if accident.shape == "organisations":
        rows = len(organisations)
    # Of the largest organisation, which the others have fewer pages than.
    last = math.ceil(rows / min(scenario.page_size, scenario.cap or scenario.page_size))
    if page is not None and page < 1:
        page = last - page
    if accident.organisation is not None:
        where["OrganisationID"] = organisations[accident.organisation % len(organisations)]
    if accident.kind == "lacking-rows" and accident.shape == "search of users":
        if scenario.days or last <= 1:
            return None
        page, where = min(page or 1, last - 1), {"OrganisationID": largest, "Role": 1}
    if "value" in details:
        details["value"] = VALUES[details["value"]]
    if asks := details.pop("asks", ""):
        details["instead"] = {
            "organisation": {"OrganisationID": organisations[0]},
            "no organisation": {"OrganisationID": None},
            "role": {"Role": 5},
            "no role": {"Role": None},
            "id": {"id": sandbox.world.ids("reviews")[0]},
        }[asks]
    if details.get("status") == HTTPStatus.NO_CONTENT:
        details["body"] = "empty"
    kind, match = STANDS_FOR.get(accident.kind, accident.kind), SHAPES[accident.shape]
    return Fault(kind, match=match, page=page, where=where, after=accident.after, times=accident.times, **details)
