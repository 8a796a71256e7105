"""The example for Airflow, run by Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from examples.schedules.tests.airflow import airflow
from examples.schedules.tests.conftest import QUICK, processes_in, refused, wait_until
from onefile_sandbox import Fault

if TYPE_CHECKING:
    from examples.schedules.tests.conftest import Place

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_one_organisation_that_fails_keeps_no_other_back_and_is_repeated_alone(place: Place) -> None:
    _, second = place.organisations()
    settings = {**QUICK, "side_by_side": "2", "models": "dbt-postgres:build"}
    home, example = place.folder / "airflow", place.copy_of_the_example("airflow")
    with airflow(home, example, "onefile_prod", place.environment("monday", **settings)) as here:
        place.sandbox.add_fault(refused(second))
        here.start()
        assert here.end() == "failed"
        tasks = here.tasks()
        assert {name: task["state"] for name, task in tasks.items()} == {
            "find": "success",
            "first_organisation": "success",
            "customer": "success",
            str(second): "failed",
            "all_loaded": "upstream_failed",
            "build": "upstream_failed",
        }
        assert tasks["first_organisation"]["end_date"] < tasks["customer"]["start_date"]
        assert tasks["customer"]["start_date"] < tasks[str(second)]["end_date"]
        assert tasks[str(second)]["start_date"] < tasks["customer"]["end_date"]

        place.sandbox.clear_faults()
        calls = len(place.sandbox.calls)
        here.repeat_what_failed()
        assert here.end() == "success"
        place.assert_loaded()
        place.assert_built()
        assert place.searches_for_learners(calls) == [(second, True)]

        place.sandbox.advance(3)
        place.sandbox.add_fault(Fault("hang", match="Classroom/Search", times=None))
        calls = len(place.sandbox.calls)
        here.start()
        wait_until(lambda: any("Classroom/Search" in call.route for call in place.sandbox.calls[calls:]))
        assert processes_in(place.worker("monday"))
        here.kill()
        wait_until(lambda: not processes_in(place.worker("monday")))

        place.sandbox.clear_faults()
        here.start()
        assert here.end() == "success"
        place.assert_loaded()

        place.sandbox.add_fault(Fault("status", status=403, match="Organisation/Search", times=None))
        calls = len(place.sandbox.calls)
        here.start()
        assert here.end() == "failed"
        assert {task["state"] for task in here.tasks().values()} == {"failed", "upstream_failed"}
        assert not [call for call in place.sandbox.calls[calls:] if "User/Search" in call.route]
