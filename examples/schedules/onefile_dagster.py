"""OneFile into PostgreSQL every night with Dagster: a run of Meltano for each organisation, a few of them in parallel.

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
    In,
    Nothing,
    OpExecutionContext,
    RetryPolicy,
    ScheduleDefinition,
    graph,
    multiprocess_executor,
    op,
)
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
    share,
)

CUSTOMER = "onefile/customer"
Variables = dict[str, str]
retried = RetryPolicy(max_retries=RETRIES, delay=RETRY_AFTER)


@op(out=DynamicOut(dict), retry_policy=retried)
def find_loads_and_make_the_first(context: OpExecutionContext) -> Iterator[DynamicOutput[Variables]]:
    """Load one organisation, which creates the tables, and return what else there is to load."""
    first, *others = find_loads(context.run.tags[CUSTOMER])
    if _run(context, first):
        # It does not hold up the others, and is repeated along with them.
        others.append({**first, "TAP_ONEFILE_REQUESTS_PER_MINUTE": str(share())})
    for variables in others:
        yield DynamicOutput(variables, mapping_key=variables["ONEFILE_LOAD"])


@op(retry_policy=retried)
def load(context: OpExecutionContext, variables: Variables) -> None:
    """Load one organisation, or the streams of the whole customer."""
    if status := _run(context, variables):
        raise Failure(f"The load {variables['ONEFILE_LOAD']} ended with exit status {status}: its stderr says why.")


@op(ins={"loaded": In(Nothing)})
def build(context: OpExecutionContext) -> None:
    """Build the models, once everything is loaded."""
    subprocess.run(build_command(context.run.tags[CUSTOMER]), cwd=PROJECT, check=True)


@graph
def onefile() -> None:
    """Everything of one customer."""
    loaded = find_loads_and_make_the_first().map(load)
    if MODELS:
        build(loaded.collect())


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
        # Dagster has stopped the run: stop Meltano, the tap and the loader too.
        os.killpg(meltano.pid, signal.SIGTERM)
        meltano.wait()
        raise
    # Keep the slot until OneFile's minute is over.
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
