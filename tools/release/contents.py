"""What a wheel and a source distribution may hold, and must."""

from __future__ import annotations

import re
import tarfile
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = "tap_onefile"
_ABOUT_THE_WHEEL = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
_BESIDE_THE_PACKAGE = {".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}

_BEFORE_THE_FIRST = re.compile(
    r"on the package index yet|(once the tap|[Uu]ntil it) is on PyPI|git\+https://[\w./-]+(?![\w./#-])"
)
"""What pages say until there is a release; the sandbox, with its ``#subdirectory``, stays in the repository."""


def faults(wheel: Path, sdist: Path, root: Path) -> Iterator[str]:
    """Compare two distributions with what they were made from.

    Args:
        wheel: The wheel.
        sdist: The source distribution.
        root: The checkout.

    Yields:
        A line for each file that is missing, and for each that does not belong there.
    """
    name = sdist.name.removesuffix(".tar.gz")
    package = {path.relative_to(root).as_posix() for path in (root / PACKAGE).rglob("*") if _belongs(path)}
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    yield from _differences(wheel.name, held, package | {f"{name}.dist-info/{file}" for file in _ABOUT_THE_WHEEL})
    with tarfile.open(sdist) as tar:
        held = {member.name for member in tar.getmembers() if member.isfile()}
    yield from _differences(sdist.name, held, {f"{name}/{file}" for file in package | _BESIDE_THE_PACKAGE})


def not_yet_released(root: Path) -> Iterator[str]:
    """Find pages that send their readers past the package index, as they had to before the first release.

    Args:
        root: The checkout.

    Yields:
        A line for each.
    """
    for page in (root / "README.md", *sorted((root / "docs").glob("*.md"))):
        if _BEFORE_THE_FIRST.search(" ".join(page.read_text(encoding="utf-8").split())):
            name = page.relative_to(root).as_posix()
            yield f"{name} says that the tap is not on the package index: docs/releasing.md tells what to change."


def _belongs(path: Path) -> bool:
    return path.suffix == ".py" or path.name == "py.typed"


def _differences(where: str, held: set[str], wanted: set[str]) -> Iterator[str]:
    yield from (f"{where} lacks {file}." for file in sorted(wanted - held))
    yield from (f"{where} should not hold {file}." for file in sorted(held - wanted))
