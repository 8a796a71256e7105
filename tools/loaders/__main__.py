"""The command behind ``make targets``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onefile_sandbox import Sandbox
from tools import ROOT
from tools.demo.postgres import postgres
from tools.loaders.comparing import differences
from tools.loaders.loaders import FOLDER, LOADERS, POSTGRES

if TYPE_CHECKING:
    from tools.loaders.loaders import Loader

RESULTS = ROOT / "tools" / "loaders" / "results.json"
LONG = 40_000
"""Characters of the longest text."""
_CHANGED = 20
"""Of so many learners, one changes between the first load and the second."""


def main() -> int:
    """Load, compare, keep the results and print them.

    Returns:
        The exit status: 1 where a loader that was proven is so no longer.
    """
    before = _proven(json.loads(RESULTS.read_text(encoding="utf-8"))) if RESULTS.exists() else set()
    folder = Path(tempfile.mkdtemp(prefix="tap-"))
    try:
        outputs = _tapped(folder)
        with postgres(folder / "data") as server:
            results = [_tried(each, folder, server.sqlalchemy_url, outputs) for each in LOADERS]
    finally:
        shutil.rmtree(folder)
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return int(not before <= _proven(results))


def _proven(results: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(each["label"], each["package"]) for each in results if not each["differences"]}


def _tapped(folder: Path) -> tuple[bytes, bytes]:
    """Run the tap twice, with changes in between."""
    with Sandbox(learners=60, organisations=2, calls_per_minute=0) as sandbox:
        learner = int(str(sandbox.world.ids("learners")[0]))
        sandbox.world.change("learners", learner, HomeAddress="“Tŷ Gwyn”, 1 شارع\r\n\t😀" + "é" * LONG)
        settings = {
            "TAP_ONEFILE_CUSTOMER_TOKEN": sandbox.customer_token,
            "TAP_ONEFILE_API_URL": sandbox.api_url,
            "TAP_ONEFILE_REQUESTS_PER_MINUTE": "0",
            "TAP_ONEFILE_SPECIAL_CATEGORY_DATA": "true",
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TAP_", "TARGET_"))}
        tap = [sys.executable, "-m", "tap_onefile", "--config=ENV"]
        environment = inherited | settings
        discovered = subprocess.run([*tap, "--discover"], env=environment, capture_output=True, check=True, timeout=60)
        catalog = json.loads(discovered.stdout)
        for stream in catalog["streams"]:
            (root,) = (entry for entry in stream["metadata"] if not entry["breadcrumb"])
            root["metadata"]["selected"] = True
        path = folder / "catalog.json"
        path.write_text(json.dumps(catalog), encoding="utf-8")

        def run() -> bytes:
            command = [*tap, "--catalog", str(path)]
            return subprocess.run(command, env=environment, capture_output=True, check=True, timeout=300).stdout

        first = run()
        for number in sandbox.world.ids("learners")[::_CHANGED]:
            sandbox.world.change("learners", int(str(number)), LastName="Ó Néill\u2028", Email=None)
        return first, run()


def _read(output: bytes) -> tuple[dict[str, list[Any]], dict[str, list[str]]]:
    records: dict[str, list[Any]] = defaultdict(list)
    keys: dict[str, list[str]] = {}
    for line in output.splitlines():
        message = json.loads(line)
        if message["type"] == "SCHEMA":
            keys[message["stream"]] = message["key_properties"]
        elif message["type"] == "RECORD":
            records[message["stream"]].append(message["record"])
    return records, keys


def _tried(loader: Loader, folder: Path, url: str, outputs: tuple[bytes, bytes]) -> dict[str, Any]:
    """Load once, or twice with changes in between where the second load replaces records of the first."""
    runs = outputs if loader.updates else outputs[:1]
    records, keys = _read(runs[-1])
    loaded = folder / f"{loader.package}-{loader.label}"
    loaded.mkdir()
    config = json.loads(json.dumps(loader.config).replace(FOLDER + "/", f"{loaded}/"))
    filled = _filled(config, {FOLDER: str(loaded), POSTGRES: url})
    path = loaded / "config.json"
    path.write_text(json.dumps(filled), encoding="utf-8")
    command = [str(loader.binaries / loader.command), "--config", str(path)]
    for output in runs:
        run = subprocess.run(command, input=output, cwd=loaded, capture_output=True, check=False, timeout=300)
        if run.returncode:
            break
    found: list[str] = []
    fields: set[str] = set()
    columns: set[str] = set()
    if run.returncode:
        lines = run.stderr.decode(errors="replace").strip().split("\n")
        # What is logged beside the failure, in another order each time, is no cause of it.
        why = next((line for line in reversed(lines) if " | INFO " not in line), "")
        found.append(f"failed: {why.replace(str(folder), '…')[:200]}")
    else:
        for stream, expected in records.items():
            try:
                rows = list(loader.read(loader, loaded, stream))
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                found.append(f"{stream}: cannot be read: {type(error).__name__}")
                continue
            fields |= {name for record in expected for name in record}
            columns |= {name for row in rows for name in row}
            found += [f"{stream}: {difference}" for difference in differences(expected, rows, keys[stream])]
    version = _version(loader)
    total = sum(map(len, records.values()))
    print(f"{'wrong' if found else 'right':5} {loader.label}: {loader.package} {version}, {total} records", flush=True)
    for difference in found[:8]:
        print(f"      {difference}")
    return {
        "label": loader.label,
        "package": loader.package,
        "version": version,
        "streams": len(records),
        "records": total,
        "names": "not known" if found else _names(fields, columns),
        "added": sorted(columns - fields - {name.lower() for name in fields}),
        "differences": found,
    }


def _names(fields: set[str], columns: set[str]) -> str:
    """Say what names the columns of all streams have."""
    if fields <= columns:
        return "as they are"
    return "in lower case" if {name.lower() for name in fields} <= columns else "otherwise"


def _filled(config: Any, places: dict[str, str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(config, dict):
        return {name: _filled(value, places) for name, value in config.items()}
    return places.get(config, config) if isinstance(config, str) else config


def _version(loader: Loader) -> str:
    script = f"from importlib.metadata import version; print(version('{loader.package}'))"
    command = [str(loader.binaries / "python"), "-c", script]
    asked = subprocess.run(command, capture_output=True, check=True, encoding="utf-8", timeout=60)
    return asked.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
