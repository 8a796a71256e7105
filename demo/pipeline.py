"""The pipeline: Meltano, with the project's own meltano.yml."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from demo.errors import DemoError, ProcessError
from demo.processes import run

ROOT = Path(__file__).resolve().parent.parent
MELTANO = ROOT / ".venvs" / "meltano" / "bin" / "meltano"
PLUGINS = ROOT / ".venvs" / "plugins"


def keys() -> dict[str, list[str]]:
    """Ask the tap which streams it has, and what tells the records of each apart."""
    command = [sys.executable, "-m", "tap_onefile", "--discover"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if answer.returncode:
        raise DemoError(f"tap-onefile --discover failed:\n{answer.stderr}")
    return {stream["tap_stream_id"]: stream["key_properties"] for stream in json.loads(answer.stdout)["streams"]}


class Pipeline:
    """`meltano run tap-onefile target-postgres`, apart from all that the user has set or kept."""

    command = ("run", "tap-onefile", "target-postgres")

    def __init__(self, settings: dict[str, str], *, database: Path, log: Path) -> None:
        """Prepare the pipeline.

        Args:
            settings: What the plugins are told, as environment variables.
            database: Where Meltano keeps the state of the pipeline, and beside it what else it needs.
            log: Where its messages go.
        """
        self._log = log
        # Whatever a user has in the environment or in .env belongs to another pipeline.
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MELTANO_", "TAP_ONEFILE_", "TARGET_"))
        }
        # Of its directory Meltano needs the plugins; the rest of it would get in the way of pipelines side by side.
        directory = database.with_suffix(".directory")
        directory.mkdir()
        for kind in ("extractors", "loaders"):
            (directory / kind).symlink_to(PLUGINS / kind, target_is_directory=True)
        meltano = {
            "MELTANO_SYS_DIR_ROOT": str(directory),
            "MELTANO_DATABASE_URI": f"sqlite:///{database}",
            "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
            "NO_COLOR": "1",
        }
        self.environment = inherited | meltano | settings

    def run(self) -> None:
        """Run it once.

        Raises:
            ProcessError: It failed.
        """
        command = [str(MELTANO), "--env-file", os.devnull, *self.command]
        if status := run(command, env=self.environment, cwd=ROOT, log=self._log):
            raise ProcessError(f"meltano {' '.join(self.command)} failed with exit status {status}.")
