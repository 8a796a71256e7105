"""OneFile into PostgreSQL every night by Dagster: a run of Meltano for each organisation, a few of them side by side.

Copy it, with onefile_loads.py, to where Dagster looks for definitions; docs/schedules.md explains it.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator

from dagster import (
    DefaultScheduleStatus,
    Definitions,
    DynamicOut,
    DynamicOutput,
    Failure,
    OpExecutionContext,
    RetryPolicy,
    ScheduleDefinition,
    graph,
    multiprocess_executor,
    op,
)
from onefile_loads import (
    CUSTOMERS,
    PAUSE,
    PROJECT,
    RETRIES,
    RETRY_AFTER,
    SIDE_BY_SIDE,
    command,
    find_loads,
    share,
)

CUSTOMER = "onefile/customer"
Variables = dict[str, str]
retried = RetryPolicy(max_retries=RETRIES, delay=RETRY_AFTER)


@op(out=DynamicOut(dict), retry_policy=retried)
def find_loads_and_make_the_first(context: OpExecutionContext) -> Iterator[DynamicOutput[Variables]]:
    """Load one organisation, which makes the tables, and tell what else there is to load."""
    first, *others = find_loads(context.run.tags[CUSTOMER])
    if _run(context, first):
        # It keeps no other back, and is repeated beside them.
        others.append({**first, "TAP_ONEFILE_REQUESTS_PER_MINUTE": str(share())})
    for variables in others:
        yield DynamicOutput(variables, mapping_key=variables["ONEFILE_LOAD"])


@op(retry_policy=retried)
def load(context: OpExecutionContext, variables: Variables) -> None:
    """Load one organisation, or what hangs from the customer."""
    if status := _run(context, variables):
        raise Failure(f"The load {variables['ONEFILE_LOAD']} ended with exit status {status}: its stderr says why.")


@graph
def onefile() -> None:
    """Everything of one customer."""
    find_loads_and_make_the_first().map(load)


def _run(context: OpExecutionContext, variables: Variables) -> int:
    context.log.info("Loading %s", variables["ONEFILE_LOAD"])
    meltano = subprocess.Popen(
        command(context.run.tags[CUSTOMER]),
        cwd=PROJECT,
        env={**os.environ, **variables},
        start_new_session=True,
    )
    try:
        status = meltano.wait()
    except BaseException:
        # Dagster ends the run: so do Meltano, the tap and the loader.
        os.killpg(meltano.pid, signal.SIGTERM)
        meltano.wait()
        raise
    # In its place until OneFile counts anew.
    time.sleep(PAUSE)
    return status


jobs = [
    onefile.to_job(
        name=f"onefile_{customer}",
        tags={CUSTOMER: customer},
        executor_def=multiprocess_executor.configured({"max_concurrent": SIDE_BY_SIDE}),
    )
    for customer in CUSTOMERS
]
defs = Definitions(
    jobs=jobs,
    schedules=[
        ScheduleDefinition(
            job=job,
            cron_schedule="0 2 * * *",
            execution_timezone="Europe/London",
            default_status=DefaultScheduleStatus.RUNNING,
        )
        for job in jobs
    ],
)
