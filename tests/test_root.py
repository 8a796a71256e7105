"""The root of the repository shows what ships and what helps, and stays short enough to be read."""

from __future__ import annotations

import subprocess

from tools import ROOT

FOLDERS = {"docs", "examples", "requirements", "sandbox", "tap_onefile", "tests", "tools"}
FILES = {
    "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "SECURITY.md", "meltano.yml", "plugin.yaml",
    "pyproject.toml", "zensical.toml",
}  # fmt: skip


def test_the_root_holds_no_more_than_it_must() -> None:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    paths = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    visible = {path.split("/", 1)[0] for path in paths if path and (ROOT / path).exists() and not path.startswith(".")}

    assert visible == FOLDERS | FILES, (
        "What ships belongs in tap_onefile/, what users copy in examples/, what maintainers run in tools/, "
        "and what users read in docs/."
    )
    assert len(visible) <= 17
