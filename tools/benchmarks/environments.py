"""The peers' environments: one for each set of dependencies, installed from a hashed lock."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tools.benchmarks.measuring import python_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tools.benchmarks.peers import Peer
    from tools.benchmarks.pipelines import PipelinePeer

_DEV = Path(".venvs/dev/bin")
_READ_VERSIONS = """
import importlib.metadata, json, platform, sys
told = {name: importlib.metadata.version(name) for name in sys.argv[1:]}
print(json.dumps({"Python": platform.python_version(), **told}))
"""


def set_up(peers: Iterable[Peer | PipelinePeer]) -> dict[str, dict[str, str]]:
    """Bring the environments of some peers to what their locks say.

    Args:
        peers: Who takes part.

    Returns:
        The versions in use, for each environment: Python and the packages that matter.
    """
    packages: dict[str, set[str]] = {}
    for peer in peers:
        for environment, names in peer.needs.items():
            packages.setdefault(environment, set()).update(names)
    for environment in packages:
        if environment.startswith("bench-"):
            _install(environment)
    return {environment: _versions(environment, sorted(names)) for environment, names in packages.items()}


def _install(environment: str) -> None:
    lock = Path("requirements", f"{environment}.txt")
    mark = Path(".venvs", environment, "installed.txt")
    wanted = f"{Path('.venvs/python').read_text(encoding='utf-8')}{lock.read_text(encoding='utf-8')}"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    sys.stderr.write(f"Installing {lock}\n")
    subprocess.run([sys.executable, "-m", "venv", "--clear", mark.parent], check=True)
    sync = [str(_DEV / "uv"), "pip", "sync", "--quiet", "--compile-bytecode", "--require-hashes"]
    subprocess.run([*sync, "--python", python_of(environment), str(lock)], check=True)
    mark.write_text(wanted, encoding="utf-8")


def _versions(environment: str, packages: list[str]) -> dict[str, str]:
    command = [python_of(environment), "-c", _READ_VERSIONS, *packages]
    finished = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    versions: dict[str, str] = json.loads(finished.stdout)
    return versions
