"""Make an environment and run the core of the tests in it, without make or a shell, which Windows lacks.

Usage: python tools/anywhere.py [arguments of pytest]
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = ROOT / ".venvs" / "anywhere"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def core() -> list[str]:
    """Give the tests that the Makefile calls the core, and those of what differs from system to system."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    (names,) = re.findall(r"^core := (.+)$", text, re.MULTILINE)
    return [*names.split(), "tests/test_inputs.py", "tests/test_windows.py"]


def main() -> int:
    """Set up, and test."""
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    _run("pip", "install", "--quiet", "--require-hashes", "--requirement", "requirements/uv.txt")
    _run("uv", "pip", "sync", "--python", str(PYTHON), "--require-hashes", "requirements/dev.txt")
    _run(
        *("uv", "pip", "install", "--python", str(PYTHON), "--no-deps", "--no-build-isolation"),
        *("--editable", ".", "--editable", "sandbox"),
    )
    tests = [str(PYTHON), "-m", "pytest", "--numprocesses", "auto", *(sys.argv[1:] or core())]
    # The tests' own files are in UTF-8 everywhere; what the tap makes of others is what they test.
    return subprocess.call(tests, cwd=ROOT, env={**os.environ, "PYTHONUTF8": "1"})


def _run(*arguments: str) -> None:
    subprocess.run([PYTHON, "-m", *arguments], cwd=ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main())
