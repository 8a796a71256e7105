"""OneFile into PostgreSQL every night by Airflow 3: a run of Meltano for each organisation, a few of them side by side.

Copy it, with onefile_loads.py, into the folder of your DAGs; docs/schedules.md explains it.
"""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import Any

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, dag, task
from onefile_loads import CUSTOMERS, PAUSE, PROJECT, RETRIES, RETRY_AFTER, SIDE_BY_SIDE, command, find_loads


def nightly(customer: str) -> DAG:
    """Make the DAG of one customer.

    Args:
        customer: The customer's environment in the Meltano project.
    """
    load = {
        # Without the variables of a load Meltano would read everything. In its place until OneFile counts anew.
        "bash_command": f': "${{ONEFILE_LOAD:?}}"; {shlex.join(command(customer))}; status=$?; sleep {PAUSE}; exit $status',
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
        def find(*, ti: Any = None) -> list[dict[str, str]]:
            first, *others = find_loads(customer)
            ti.xcom_push(key="first", value=first)
            return others

        found = find()
        first = BashOperator(task_id="first_organisation", env=found["first"], **load)
        others = BashOperator.partial(
            task_id="load",
            max_active_tis_per_dag=SIDE_BY_SIDE,
            map_index_template="{{ task.env['ONEFILE_LOAD'] }}",
            trigger_rule="all_done",  # one organisation that fails keeps no other back
            **load,
        ).expand(env=found)
        # A DAG is as its last task is: this one fails where anything before it did.
        first >> others >> EmptyOperator(task_id="all_loaded") << first

    return onefile()


for each in CUSTOMERS:
    nightly(each)
