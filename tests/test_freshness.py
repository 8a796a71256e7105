"""The query that says when each table was last loaded, on tables that target-postgres has made."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.running import TAP, clean_environment, config_for
from tools import ROOT
from tools.demo.pipeline import PLUGINS
from tools.demo.postgres import SCHEMA

if TYPE_CHECKING:
    from tests.conftest import StartPostgres, StartSandbox

TARGET = PLUGINS / "loaders" / "target-postgres" / "venv" / "bin" / "target-postgres"
QUERY = (ROOT / "examples" / "schedules" / "freshness.sql").read_bytes()


@pytest.mark.slow
def test_the_table_that_was_not_loaded_last_night_comes_first(
    start_postgres: StartPostgres, start_sandbox: StartSandbox
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="tap-"))
    sandbox = start_sandbox(learners=5, organisations=1)
    try:
        with start_postgres(folder / "data") as server:
            _load(folder, config_for(sandbox), server.sqlalchemy_url)
            with psycopg.connect(f"host={folder / 'data'} user=postgres dbname=postgres") as connection:
                connection.execute(
                    "UPDATE tap_onefile.learners SET _sdc_batched_at = _sdc_batched_at - interval '30 hours'"
                )
                for _ in range(2):  # once more: it must not trip over what it has made
                    cursor = connection.execute(QUERY)
                    while cursor.nextset():
                        pass
                    rows = {name: rest for name, *rest in cursor.fetchall()}
    finally:
        shutil.rmtree(folder)

    assert next(iter(rows)) == "learners"
    assert 30 <= rows["learners"][1] < 31
    assert rows["learners"][2] == 5
    assert rows["organisations"][1] < 1
    now = datetime.now(UTC).astimezone().replace(tzinfo=None)
    assert abs(rows["organisations"][0] - now) < timedelta(hours=2)


def _load(folder: Path, config: dict[str, object], url: str) -> None:
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "target.json").write_text(
        json.dumps({"sqlalchemy_url": url, "default_target_schema": SCHEMA}), encoding="utf-8"
    )
    command = f"{shlex.join(TAP)} --config config.json | {shlex.quote(str(TARGET))} --config target.json > state.json"
    subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        check=True,
        timeout=100,
    )
