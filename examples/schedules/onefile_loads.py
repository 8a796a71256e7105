"""What the examples for Airflow and for Dagster share: which loads there are in a night, and how Meltano makes one.

Copy it beside the example that you use; docs/schedules.md explains both. It needs nothing but Python.
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
"""What all loads of a customer may call together: less where other programs call OneFile too. 0 is no limit."""

SIDE_BY_SIDE = int(os.environ.get("ONEFILE_SIDE_BY_SIDE", "3"))
"""How many loads of a customer run at once. Each has its share of the calls."""

PAUSE = int(os.environ.get("ONEFILE_PAUSE", "60"))
"""Seconds that a load keeps its place after its end. OneFile counts over a minute, and the next load counts anew."""

RETRIES = int(os.environ.get("ONEFILE_RETRIES", "2"))
"""How often a load that failed is repeated in the same night."""

RETRY_AFTER = int(os.environ.get("ONEFILE_RETRY_AFTER", "360"))
"""Seconds until then. For five minutes Meltano takes a load that was killed for one that still runs."""

CALLS_TO_FIND = 10
"""Calls that finding the organisations may take, from those of the first load, which follows at once."""

OF_THE_CUSTOMER = ("customers", "organisations", "standards", "units", "learning_aims")
"""Streams that are read once for the whole customer. All others hang from one organisation."""


def command(customer: str) -> list[str]:
    """Give the command of every load. The load's own variables say what is read.

    It is `el`, as runs side by side by `meltano run` write into the same files of the project, the state among them.

    Args:
        customer: The customer's environment in the Meltano project.
    """
    return [MELTANO, f"--environment={customer}", "el", "tap-onefile", "target-postgres"]


def find_loads(customer: str) -> list[dict[str, str]]:
    """Find the organisations that the customer token sees, and tell which loads that makes.

    Args:
        customer: The customer's environment in the Meltano project.

    Returns:
        The variables of each load. The first is that of an organisation and has to run alone, as it makes the tables;
        then comes what hangs from the customer, which takes longest, and then the other organisations.

    Raises:
        ValueError: The calls do not suffice for so many loads side by side.
        CalledProcessError: The organisations could not be read. The tap's last line says why.
    """
    if 0 < CALLS_PER_MINUTE < max(SIDE_BY_SIDE, CALLS_TO_FIND + 1):
        raise ValueError(f"ONEFILE_CALLS_PER_MINUTE is too small for {SIDE_BY_SIDE} loads side by side.")
    first, *others = _organisations(customer)
    return [
        _of_organisation(customer, first, CALLS_PER_MINUTE and CALLS_PER_MINUTE - CALLS_TO_FIND),
        _load(customer, "customer", list(OF_THE_CUSTOMER), share()),
        *(_of_organisation(customer, organisation, share()) for organisation in others),
    ]


def share() -> int:
    """Give the calls a minute that are left to each of the loads that run at once."""
    return CALLS_PER_MINUTE // SIDE_BY_SIDE


def _of_organisation(customer: str, organisation: int, calls: int) -> dict[str, str]:
    load = _load(customer, str(organisation), [f"!{stream}" for stream in OF_THE_CUSTOMER], calls)
    return {**load, "TAP_ONEFILE_ORGANISATION_IDS": json.dumps([organisation])}


def _load(customer: str, name: str, streams: list[str], calls: int) -> dict[str, str]:
    return {
        "ONEFILE_LOAD": name,
        # What `meltano run --state-id-suffix NAME` would call it, so that a run by hand goes on from the same state.
        "MELTANO_STATE_ID": f"{customer}:tap-onefile-to-target-postgres:{name}",
        "TAP_ONEFILE__SELECT_FILTER": json.dumps(streams),
        "TAP_ONEFILE_REQUESTS_PER_MINUTE": str(calls),
    }


def _organisations(customer: str) -> list[int]:
    # Nothing but their ids, by a catalog of our own: Meltano would keep the one that it makes where others look for it.
    catalog = {"streams": [_only_the_id("customers", selected=False), _only_the_id("organisations", selected=True)]}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "catalog.json")
        file.write_text(json.dumps(catalog), encoding="utf-8")
        found = subprocess.run(
            [MELTANO, f"--environment={customer}", "invoke", "tap-onefile", "--catalog", str(file)],
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
