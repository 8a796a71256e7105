"""The picture of the demo in the documentation: `make picture`. Its day stays the same, so that it does not drift."""

from __future__ import annotations

import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tools import ROOT
from tools.demo.errors import ProcessError
from tools.demo.onefile import onefile
from tools.demo.postgres import postgres
from tools.demo.processes import run
from tools.demo.story import DBT, LEARNERS, ORGANISATIONS, draw, pipeline_between

TODAY = datetime(2025, 9, 1, 12, tzinfo=UTC)


def main() -> None:
    """Draw it.

    Raises:
        ProcessError: dbt failed.
    """
    with tempfile.TemporaryDirectory(prefix="tap-onefile-picture-", dir="/tmp") as name:
        directory = Path(name)
        log = directory / "log"
        with (
            postgres(directory / "postgres") as database,
            onefile(learners=LEARNERS, organisations=ORGANISATIONS, log=log, today=TODAY) as source,
        ):
            pipeline = pipeline_between(source, database, directory)
            pipeline.run()
            project = str(ROOT / "examples" / "dbt")
            command: list[str | Path] = [
                DBT,
                "build",
                "--project-dir",
                project,
                "--profiles-dir",
                project,
                "--no-send-anonymous-usage-stats",
            ]
            command += ["--vars", json.dumps({"onefile_today": TODAY.date().isoformat()})]
            if run(command, env=pipeline.environment, cwd=directory, log=log):
                raise ProcessError(log.read_text(encoding="utf-8"))
            draw(database, Path(sys.argv[1]).resolve(), log)


if __name__ == "__main__":
    main()
