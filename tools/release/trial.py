"""A tap that was installed from its wheel, with nothing else around it."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from tools import ROOT
from tools.release.processes import output

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_UV = (sys.executable, "-m", "uv")


def install(wheel: Path, folder: Path) -> Path:
    """Install a wheel, with what it needs from the lock, into a new environment.

    Args:
        wheel: The wheel.
        folder: Where the environment is made; what is there goes.

    Returns:
        The folder with the environment's commands.
    """
    output(*_UV, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder), cwd=ROOT)
    install = (*_UV, "pip", "install", "--quiet", "--python", str(folder))
    output(*install, "--require-hashes", "--requirement", "requirements/tap.txt", cwd=ROOT)
    output(*install, "--no-deps", str(wheel), cwd=ROOT)
    return folder / ("Scripts" if os.name == "nt" else "bin")


def faults(commands: Path, version: str, folder: Path) -> Iterator[str]:
    """Try what must work without any setting.

    Args:
        commands: The folder with the environment's commands.
        version: The version that the tap must say it is.
        folder: An empty folder to run in.

    Yields:
        A line for each thing that does not work.
    """
    tap = str(commands / "tap-onefile")
    said = output(tap, "--version", cwd=folder)
    if said != f"tap-onefile v{version}, Meltano SDK v{_sdk(commands, folder)}":
        yield f"--version says {said!r}."
    about = json.loads(output(tap, "--about", "--format", "json", cwd=folder))
    if (about["name"], about["version"]) != ("tap-onefile", version):
        yield f"--about says {about['name']} {about['version']}."
    if not json.loads(output(tap, "--discover", cwd=folder))["streams"]:
        yield "--discover finds no stream."


def _sdk(commands: Path, folder: Path) -> str:
    ask = "import importlib.metadata as m; print(m.version('singer-sdk'))"
    return output(str(commands / "python"), "-c", ask, cwd=folder)
