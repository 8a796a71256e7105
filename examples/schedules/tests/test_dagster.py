"""The example for Dagster, run by Dagster."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from examples.schedules.tests.conftest import PATIENCE, QUICK, processes_in, refused, wait_until
from onefile_sandbox import Fault
from tools import ROOT

if TYPE_CHECKING:
    from examples.schedules.tests.conftest import Place

DAGSTER = ROOT / ".venvs" / "schedule-dagster" / "bin" / "dagster"
JOB = "onefile_prod"
BUDGET = 80
"""Less than all loads take together, so that they would spend too much if each did as it liked."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Dagster:
    """Dagster on one machine."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._example = place.copy_of_the_example("dagster")
        self._home = place.folder / "dagster-home"
        self._home.mkdir()
        (self._home / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")

    def start(self, worker: str, **settings: str) -> subprocess.Popen[str]:
        """Start a run of the job.

        Args:
            worker: The machine.
            settings: Settings of the example.
        """
        return subprocess.Popen(
            [DAGSTER, "job", "execute", "-f", self._example, "-j", JOB],
            cwd=self._example.parent,
            env={**self._place.environment(worker, **{**QUICK, **settings}), "DAGSTER_HOME": str(self._home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def execute(self, worker: str, **settings: str) -> tuple[int, str]:
        """Run the job once.

        Args:
            worker: The machine.
            settings: Settings of the example.

        Returns:
            The exit status, and what was said.
        """
        with self.start(worker, **settings) as run:
            said, _ = run.communicate(timeout=PATIENCE)
            return run.returncode, said


def test_a_failed_night_is_made_up_for_by_the_next_from_the_state_that_another_machine_has_left(place: Place) -> None:
    dagster = Dagster(place)
    first, second = place.organisations()

    place.sandbox.add_fault(refused(first))
    status, said = dagster.execute("monday")
    assert status
    assert f"The load {first} ended with exit status 1" in said
    place.assert_loaded(without=("classrooms",))
    assert {row["OrganisationID"] for row in place.postgres.records("classrooms", ["OrganisationID"])} == {second}
    assert place.searches_for_learners()[::2] == [(first, False), (second, False)]

    place.sandbox.clear_faults()
    place.sandbox.advance(3)
    calls = len(place.sandbox.calls)
    status, said = dagster.execute("tuesday", models="dbt-postgres:build")
    assert status == 0, said
    place.assert_loaded()
    place.assert_built()
    assert place.searches_for_learners(calls) == [(first, True), (second, True)]


def test_a_run_that_is_ended_takes_meltano_with_it(place: Place) -> None:
    place.sandbox.add_fault(Fault("hang", match="Classroom/Search", times=None))
    with Dagster(place).start("monday") as run:
        wait_until(lambda: any("Classroom/Search" in call.route for call in place.sandbox.calls))
        assert processes_in(place.worker("monday"))

        run.send_signal(signal.SIGINT)
        run.communicate(timeout=PATIENCE)
    assert run.returncode
    wait_until(lambda: not processes_in(place.worker("monday")))


@pytest.mark.parametrize("place", [{"calls_per_minute": BUDGET}], indirect=True)
def test_all_loads_of_a_customer_keep_within_its_budget_together(place: Place) -> None:
    status, said = Dagster(place).execute("monday", calls_per_minute=str(BUDGET), side_by_side="2", pause="60")

    assert status == 0, said
    place.assert_loaded()
    calls = sorted(place.sandbox.calls, key=lambda call: call.at)
    assert len(calls) > BUDGET
    assert not [call for call in calls if call.status == 429]
    moments = [call.at for call in calls]
    assert max(sum(start <= other < start + 60 for other in moments) for start in moments) <= BUDGET
    # The first and the second login are those of finding the organisations and of the load that comes alone.
    _, _, third, _ = (number for number, call in enumerate(calls) if call.route == "POST /Authentication")
    assert moments[third] - moments[third - 1] >= 60
