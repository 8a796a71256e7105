"""The pipeline: Meltano, with the project's own meltano.yml."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from tools import ROOT
from tools.demo.errors import ProcessError
from tools.demo.processes import run

if TYPE_CHECKING:
    from pathlib import Path

MELTANO = ROOT / ".venvs" / "meltano" / "bin" / "meltano"
PLUGINS = ROOT / ".venvs" / "plugins"


class Pipeline:
    """`meltano run tap-onefile target-postgres`, apart from all that the user has set or kept."""

    command: tuple[str, ...] = ("run", "tap-onefile", "target-postgres")

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
        directory = self._directory = database.with_suffix(".directory")
        directory.mkdir()
        for kind in ("extractors", "loaders", "utilities"):
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

    def keys(self) -> dict[str, list[str]]:
        """Tell which streams the last run has read, and what tells the records of each apart."""
        catalog = json.loads((self._directory / "run" / "tap-onefile" / "tap.properties.json").read_text("utf-8"))
        return {each["tap_stream_id"]: each["key_properties"] for each in catalog["streams"] if each["selected"]}
