"""Build what is released into dist/: ``python -m tools.release``, or ``python -m tools.release v1.2.3`` for a release.

=====================  ==============================================================
``dist/packages/``     the wheel and the source distribution, for the package index
``dist/sbom.cdx.json`` what the tap was tested with (CycloneDX), each with its licence
``dist/notes.md``      what the change log says about the version; for a release only
=====================  ==============================================================
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from tools import ROOT
from tools.address import IS_PUBLISHED, REPOSITORY
from tools.release import changelog, contents, trial
from tools.release.processes import output

if TYPE_CHECKING:
    from collections.abc import Iterable

DIST = ROOT / "dist"
PACKAGES = DIST / "packages"
ENVIRONMENT = ROOT / ".venvs" / "trial"
SBOM_TOOL = ROOT / ".venvs" / "release" / "bin" / "cyclonedx-py"


def main(tag: str | None) -> None:
    """Build everything, and end with a line on stderr where something is not as it must be.

    Args:
        tag: The tag of the release; None where it is not one.
    """
    with (ROOT / "pyproject.toml").open("rb") as file:
        version: str = tomllib.load(file)["project"]["version"]
    shutil.rmtree(DIST, ignore_errors=True)
    PACKAGES.mkdir(parents=True)
    if tag:
        _write_notes(tag, version)
        if not IS_PUBLISHED:
            sys.exit(f"Nothing is at {REPOSITORY} yet: see `published` in pyproject.toml, and docs/releasing.md.")
        _stop_at(contents.not_yet_released(ROOT))
    _build()
    (wheel,), (sdist,) = PACKAGES.glob("*.whl"), PACKAGES.glob("*.tar.gz")
    _stop_at(contents.faults(wheel, sdist, ROOT))
    commands = trial.install(wheel, ENVIRONMENT)
    with tempfile.TemporaryDirectory() as folder:
        _stop_at(trial.faults(commands, version, Path(folder)))
    _list_parts()
    for path in sorted(each for each in DIST.rglob("*") if each.is_file()):
        print(path.relative_to(ROOT))


def _write_notes(tag: str, version: str) -> None:
    if tag != f"v{version}":
        sys.exit(f"The tag is {tag}, and pyproject.toml says version {version}.")
    notes = changelog.notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    if notes is None:
        sys.exit(f"CHANGELOG.md has no section «## {version} - YYYY-MM-DD» with what changed.")
    whole = changelog.with_whole_links(notes, tag)
    (DIST / "notes.md").write_text(f"{whole}\n", encoding="utf-8")


def _build() -> None:
    """Build the same bytes from the same commit: every file in them is as old as the commit.

    It is done apart from all other tools, with just the locked back-end.
    """
    committed = output("git", "log", "-1", "--format=%ct", cwd=ROOT)
    build = (sys.executable, "-m", "uv", "build", "--quiet", "--python", sys.executable)
    back_end = ("--build-constraints", "requirements/dev.txt", "--require-hashes")
    where = ("--no-create-gitignore", "--out-dir", str(PACKAGES))
    output(*build, *back_end, *where, cwd=ROOT, variables={"SOURCE_DATE_EPOCH": committed})


def _list_parts() -> None:
    options = ("--pyproject", "pyproject.toml", "--output-reproducible", "--mc-type", "application")
    where = ("--output-file", str(DIST / "sbom.cdx.json"), str(ENVIRONMENT))
    output(str(SBOM_TOOL), "environment", *options, *where, cwd=ROOT)


def _stop_at(faults: Iterable[str]) -> None:
    lines = list(faults)
    if lines:
        sys.exit("\n".join(lines))


if __name__ == "__main__":
    main(next(iter(sys.argv[1:]), None))
