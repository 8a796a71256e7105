"""Where the repository is, and how one gets the tap from there: pyproject.toml says it, once, for every page."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

with (ROOT / "pyproject.toml").open("rb") as _file:
    _PROJECT = tomllib.load(_file)

REPOSITORY: str = _PROJECT["project"]["urls"]["Homepage"]
IS_PUBLISHED: bool = _PROJECT["tool"]["tap-onefile"]["published"]
"""Whether anything is to be had at that address: until then, whoever fetches there may get somebody else's program."""
_FOLDER = "/path/to/tap-onefile"
"""What the pages call the reader's own copy."""
_ADDRESS = re.compile(r"(?<=https://)(github|raw\.githubusercontent)\.com/[\w.-]+/tap-onefile\b")
_PLACES = ("*.md", "*.toml", "*.yml", "*.yaml", "docs/*.md", "tools/hub/*.md", ".github/ISSUE_TEMPLATE/*.yml")


def package() -> str:
    """Return what an installer takes."""
    return f"git+{REPOSITORY}" if IS_PUBLISHED else _FOLDER


def commands(*lines: str) -> str:
    """Return a block of commands that begins with a copy of the repository."""
    first = [f"git clone {REPOSITORY}", "cd tap-onefile"] if IS_PUBLISHED else [f"cd {_FOLDER}"]
    return "\n".join(("```console", *first, *lines, "```"))


def installed(*lines: str) -> str:
    """Return a block of commands that begins with the installation of the tap."""
    return "\n".join(("```console", f"pipx install {package()}", *lines, "```"))


def sandbox() -> str:
    """Return a block of commands that installs the sandbox and the tap by uv."""
    places = (f"{package()}#subdirectory=sandbox", package()) if IS_PUBLISHED else (f"{_FOLDER}/sandbox", _FOLDER)
    return "\n".join(("```sh", *(f'uv tool install "{place}"' for place in places), "```"))


def status() -> str:
    """Return what a reader must know before anything else; nothing once there is a release."""
    if IS_PUBLISHED:
        return ""
    return (
        "**Nothing is published yet**: there is no package, and no repository at the address that these pages link to."
        f"\nAll commands work from a copy of this repository (a clone, or the folder itself), called `{_FOLDER}` here."
    )


def of_pip_url() -> str:
    """Return why the block to paste names what it names."""
    if IS_PUBLISHED:
        return "The tap is not on the package index yet, which is why `pip_url` names this repository."
    return f"`pip_url` is the folder with your copy of this repository: write its path in place of `{_FOLDER}`."


def spread() -> None:
    """Write the address into every text that links there."""
    for path in texts():
        text = path.read_text(encoding="utf-8")
        if (renewed := with_address(text)) != text:
            path.write_text(renewed, encoding="utf-8")


def texts() -> list[Path]:
    """Return the files that may hold the address."""
    return sorted(path for place in _PLACES for path in ROOT.glob(place) if path.name != "CHANGELOG.md")


def with_address(text: str) -> str:
    """Return a text with the address in place of any other that it has for the repository."""
    where = REPOSITORY.removeprefix("https://github.com/")
    return _ADDRESS.sub(lambda found: f"{found[1]}.com/{where}", text)
