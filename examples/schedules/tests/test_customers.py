"""Several customers in one Meltano project: each has its token, its tables and its state."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml
from psycopg import sql

from examples.schedules.tests.conftest import EXAMPLES, QUICK
from onefile_sandbox import Sandbox
from tools.demo.pipeline import MELTANO

if TYPE_CHECKING:
    from examples.schedules.tests.conftest import Place

LOAD_THE_ORGANISATION = """
import os, subprocess, sys
from onefile_loads import PROJECT, command, find_loads
load, _ = find_loads(sys.argv[1])
subprocess.run(command(sys.argv[1]), cwd=PROJECT, env={**os.environ, **load}, check=True)
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize("place", [{"learners": 20, "organisations": 1}], indirect=True)
def test_two_customers_side_by_side_have_nothing_in_common(place: Place) -> None:
    project = place.worker("consultancy") / "meltano.yml"
    customers = yaml.safe_load((EXAMPLES / "customers.yml").read_text(encoding="utf-8"))
    with Sandbox(learners=20, organisations=1, seed=8, calls_per_minute=0) as other:
        for environment in customers["environments"]:
            if environment["name"] == "westmoor":
                environment["env"]["TAP_ONEFILE_API_URL"] = other.api_url
        whole = yaml.safe_load(project.read_text(encoding="utf-8")) | customers
        project.write_text(yaml.safe_dump(whole), encoding="utf-8")
        settings = place.environment("consultancy", **QUICK)
        del settings["TAP_ONEFILE_CUSTOMER_TOKEN"]
        # As the page says: of two that find an empty database at once, only one can make Meltano's tables in it.
        subprocess.run([MELTANO, "state", "list"], cwd=project.parent, env=settings, check=True, timeout=120)
        tokens = {"NORTHBRIDGE_TOKEN": place.sandbox.customer_token, "WESTMOOR_TOKEN": other.customer_token}
        running = [
            subprocess.Popen(
                [sys.executable, "-c", LOAD_THE_ORGANISATION, customer],
                cwd=EXAMPLES,
                env={**settings, **tokens},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for customer in ("northbridge", "westmoor")
        ]
        for process in running:
            said, _ = process.communicate(timeout=300)
            assert process.returncode == 0, said
        organisation = other.records("organisations")[0]["ID"]
        held = {"northbridge": ids(place.sandbox), "westmoor": ids(other)}

    with psycopg.connect(f"host={place.folder / 'data'} user=postgres dbname=postgres") as connection:
        for schema in ("northbridge", "westmoor"):
            query = sql.SQL('SELECT "ID" FROM {}').format(sql.Identifier(schema, "learners"))
            rows = connection.execute(query).fetchall()
            assert sorted(row[0] for row in rows) == held[schema]
        states = {row[0] for row in connection.execute("SELECT state_id FROM public.state").fetchall()}
    assert states == {
        f"northbridge:tap-onefile-to-target-postgres:{place.organisations()[0]}",
        f"westmoor:tap-onefile-to-target-postgres:{organisation}",
    }


def ids(sandbox: Sandbox) -> list[int]:
    """Give the ids of the learners, in their order."""
    return sorted(record["ID"] for record in sandbox.records("learners"))
