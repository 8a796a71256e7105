"""What the examples for Airflow and for Dagster share: which loads make up a night, and how Meltano runs one.

Copy it into the same folder as the example that you use; docs/schedules.md explains both. It needs nothing but Python.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path

PROJECT = os.environ.get("ONEFILE_PROJECT", "/opt/onefile")
"""The folder of the Meltano project."""

MELTANO = os.environ.get("ONEFILE_MELTANO", "meltano")
"""The command, with its path where the orchestrator would not find it."""

CUSTOMERS = os.environ.get("ONEFILE_CUSTOMERS", "prod").split()
"""The environments of the Meltano project to load, one for each customer token."""

CALLS_PER_MINUTE = int(os.environ.get("ONEFILE_CALLS_PER_MINUTE", "300"))
"""Calls that all loads of a customer may make together: fewer if other programs call OneFile too. 0 means no limit."""

SIDE_BY_SIDE = int(os.environ.get("ONEFILE_SIDE_BY_SIDE", "3"))
"""How many loads of a customer run at once. Each gets an equal share of the calls."""

PAUSE = int(os.environ.get("ONEFILE_PAUSE", "60"))
"""Seconds that a load keeps its slot after its end: OneFile counts over a minute, and the next load starts from 0."""

RETRIES = int(os.environ.get("ONEFILE_RETRIES", "2"))
"""How often a failed load is repeated in the same night."""

RETRY_AFTER = int(os.environ.get("ONEFILE_RETRY_AFTER", "360"))
"""Seconds before a failed load is repeated. For five minutes Meltano believes that a killed load still runs."""

MODELS = os.environ.get("ONEFILE_MODELS", "")
"""What to invoke once everything is loaded: `dbt-postgres:build` makes answers of the tables. Empty for nothing."""

CALLS_TO_FIND = 10
"""Calls that finding the organisations may take; the first load, which follows at once, gets that many fewer."""

PRIVATELY = ["/bin/sh", "-c", 'umask 077; ulimit -c 0; exec "$0" "$@"']
"""Begins a command whose files nobody else can read, and which leaves no core dump: either could hold records."""

OF_THE_CUSTOMER = ("customers", "organisations", "standards", "units", "learning_aims")
"""Streams that are read once for the whole customer. All others are read for each organisation."""


def command(customer: str) -> list[str]:
    """Return the command of every load. The load's own variables say what is read.

    It is `el`, as concurrent runs of `meltano run` write to the same files of the project, including the state.

    Args:
        customer: The customer's environment in the Meltano project.
    """
    return [*PRIVATELY, MELTANO, f"--environment={customer}", "el", "tap-onefile", "target-postgres"]


def build_command(customer: str) -> list[str]:
    """Return the command that builds the models.

    Args:
        customer: The customer's environment in the Meltano project.
    """
    return [*PRIVATELY, MELTANO, f"--environment={customer}", "invoke", MODELS]


def find_loads(customer: str) -> list[dict[str, str]]:
    """Find the organisations that the customer token sees, and return the loads for them.

    Args:
        customer: The customer's environment in the Meltano project.

    Returns:
        The variables of each load. The first is that of an organisation and has to run alone, as it creates the tables;
        next are the streams of the whole customer, which take longest, and then the other organisations.

    Raises:
        ValueError: There are too few calls for so many loads in parallel.
        CalledProcessError: The organisations could not be read. The tap's last line says why.
    """
    if 0 < CALLS_PER_MINUTE < max(SIDE_BY_SIDE, CALLS_TO_FIND + 1):
        raise ValueError(f"ONEFILE_CALLS_PER_MINUTE is too small for {SIDE_BY_SIDE} parallel loads.")
    first, *others = _organisations(customer)
    return [
        _of_organisation(customer, first, CALLS_PER_MINUTE and CALLS_PER_MINUTE - CALLS_TO_FIND),
        _load(customer, "customer", list(OF_THE_CUSTOMER), share()),
        *(_of_organisation(customer, organisation, share()) for organisation in others),
    ]


def share() -> int:
    """Return the calls a minute for each of the loads that run at once."""
    return CALLS_PER_MINUTE // SIDE_BY_SIDE


def _of_organisation(customer: str, organisation: int, calls: int) -> dict[str, str]:
    load = _load(customer, str(organisation), [f"!{stream}" for stream in OF_THE_CUSTOMER], calls)
    return {**load, "TAP_ONEFILE_ORGANISATION_IDS": json.dumps([organisation])}


def _load(customer: str, name: str, streams: list[str], calls: int) -> dict[str, str]:
    return {
        "ONEFILE_LOAD": name,
        # The name that `meltano run --state-id-suffix NAME` gives it, so that a run by hand uses the same state.
        "MELTANO_STATE_ID": f"{customer}:tap-onefile-to-target-postgres:{name}",
        "TAP_ONEFILE__SELECT_FILTER": json.dumps(streams),
        "TAP_ONEFILE_REQUESTS_PER_MINUTE": str(calls),
    }


def _organisations(customer: str) -> list[int]:
    # Only their ids, with a catalog of our own: Meltano would store one of its own where other loads would find it.
    catalog = {"streams": [_only_the_id("customers", selected=False), _only_the_id("organisations", selected=True)]}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "catalog.json")
        file.write_text(json.dumps(catalog), encoding="utf-8")
        found = subprocess.run(
            [*PRIVATELY, MELTANO, f"--environment={customer}", "invoke", "tap-onefile", "--catalog", str(file)],
            cwd=PROJECT,
            env={**os.environ, "TAP_ONEFILE_REQUESTS_PER_MINUTE": str(CALLS_PER_MINUTE and CALLS_TO_FIND)},
            stdout=subprocess.PIPE,
            check=True,
        )
    messages = [json.loads(line) for line in found.stdout.splitlines()]
    return sorted(message["record"]["ID"] for message in messages if message["type"] == "RECORD")


def _only_the_id(stream: str, *, selected: bool) -> dict[str, object]:
    return {
        "tap_stream_id": stream,
        "schema": {"type": "object", "properties": {"ID": {"type": "integer"}}},
        "key_properties": ["ID"],
        "metadata": [{"breadcrumb": [], "metadata": {"selected": selected}}],
    }
