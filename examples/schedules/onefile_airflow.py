"""OneFile into PostgreSQL every night with Airflow 3: a Meltano run for each organisation, a few of them in parallel.

Copy it, with onefile_loads.py, into your DAGs folder; docs/schedules.md explains it.
"""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import TYPE_CHECKING

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import dag, get_current_context, task
from onefile_loads import (
    CUSTOMERS,
    MODELS,
    PAUSE,
    PROJECT,
    RETRIES,
    RETRY_AFTER,
    SIDE_BY_SIDE,
    build_command,
    command,
    find_loads,
)

if TYPE_CHECKING:
    from airflow.sdk import DAG


def nightly(customer: str) -> DAG:
    """Make the DAG of one customer.

    Args:
        customer: The customer's environment in the Meltano project.
    """
    meltano = shlex.join(command(customer))
    load = {
        # Never without the variables of a load: Meltano would read everything.
        "bash_command": f': "${{ONEFILE_LOAD:?}}"; {meltano}; status=$?; sleep {PAUSE}; exit $status',
        "cwd": PROJECT,
        "append_env": True,
        "skip_on_exit_code": None,
        "do_xcom_push": False,
    }

    @dag(
        dag_id=f"onefile_{customer}",
        schedule="0 2 * * *",
        start_date=pendulum.datetime(2025, 1, 1, tz="Europe/London"),
        catchup=False,
        max_active_runs=1,
        default_args={"retries": RETRIES, "retry_delay": timedelta(seconds=RETRY_AFTER)},
    )
    def onefile() -> None:
        @task
        def find() -> list[dict[str, str]]:
            first, *others = find_loads(customer)
            get_current_context()["ti"].xcom_push(key="first", value=first)
            return others

        found = find()
        first_organisation = BashOperator(task_id="first_organisation", env=found["first"], **load)
        side_by_side = BashOperator.partial(
            task_id="side_by_side",
            max_active_tis_per_dag=SIDE_BY_SIDE,
            map_index_template="{{ task.env['ONEFILE_LOAD'] }}",
            trigger_rule="all_done",  # one organisation that fails does not hold up the others
            **load,
        ).expand(env=found)
        # A DAG ends as its last tasks do: this one fails if anything before it did.
        first_organisation >> side_by_side
        all_loaded = EmptyOperator(task_id="all_loaded")
        [first_organisation, side_by_side] >> all_loaded
        if MODELS:
            build = shlex.join(build_command(customer))
            all_loaded >> BashOperator(task_id="build", bash_command=f"{build} ", cwd=PROJECT, append_env=True)

    return onefile()


for each in CUSTOMERS:
    nightly(each)
