"""What is released holds the package and nothing else, works by itself, and is made by what one can run here."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_string
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_onefile import __version__
from tools import ROOT, address
from tools.address import REPOSITORY
from tools.release import changelog, contents, trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ELSEWHERE = {"gh release create"}
"""What a workflow runs that is no target of make: it speaks to GitHub, and to nothing in the repository."""


@pytest.fixture
def sdist(wheel: Path) -> Path:
    """Give the source distribution that was built with the wheel."""
    (built,) = wheel.parent.glob("*.tar.gz")
    return built


def test_the_distributions_hold_the_package_alone(wheel: Path, sdist: Path) -> None:
    assert list(contents.faults(wheel, sdist, ROOT)) == []


def test_a_file_too_many_or_too_few_is_found(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    changed = tmp_path / wheel.name
    with zipfile.ZipFile(wheel) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            if name != "tap_onefile/py.typed":
                after.writestr(name, before.read(name))
        after.writestr("tests/conftest.py", "")

    assert list(contents.faults(changed, sdist, ROOT)) == [
        f"{wheel.name} lacks tap_onefile/py.typed.",
        f"{wheel.name} should not hold tests/conftest.py.",
    ]


def test_the_same_source_gives_the_same_bytes(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    source = tmp_path / "elsewhere"
    source.mkdir()
    for name in (".gitignore", "CHANGELOG.md", "LICENSE", "README.md", "pyproject.toml"):
        (source / name).write_bytes((ROOT / name).read_bytes())  # with other times than the originals'
    shutil.copytree(ROOT / "tap_onefile", source / "tap_onefile", copy_function=shutil.copyfile)

    build = ["-m", "uv", "build", "--quiet", "--no-build-isolation", "--python", sys.executable, "--out-dir"]
    subprocess.run([sys.executable, *build, str(tmp_path)], cwd=source, check=True, timeout=60)

    for built in (wheel, sdist):
        assert _digest(tmp_path / built.name) == _digest(built)


@pytest.mark.timeout(180)
@pytest.mark.slow
def test_the_wheel_alone_is_a_working_tap(wheel: Path, tmp_path: Path) -> None:
    commands = trial.install(wheel, tmp_path / "environment")
    empty = tmp_path / "empty"
    empty.mkdir()

    assert list(trial.faults(commands, __version__, empty)) == []
    assert len(list(trial.faults(commands, "9.9.9", empty))) == 2


def test_links_lead_somewhere_from_the_index_too(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        page = message_from_string(archive.read(metadata).decode()).get_payload()

    targets = re.findall(r"\]\(([^)]+)\)", str(page))
    assert targets
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


def test_links_of_the_notes_lead_somewhere_from_the_release_too() -> None:
    text = "See [it](docs/a.md#b), [that](./c.md), [there](https://example.org/d) and [below](#e)."

    assert changelog.with_whole_links(text, "v1.2.3") == (
        f"See [it]({REPOSITORY}/blob/v1.2.3/docs/a.md#b),"
        f" [that]({REPOSITORY}/blob/v1.2.3/c.md),"
        " [there](https://example.org/d) and [below](#e)."
    )


def test_no_release_sends_its_readers_past_the_index(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("pip install git+https://github.com/tap-onefile/tap-onefile\n")
    (tmp_path / "docs" / "b.md").write_text("uv tool install git+https://github.com/x/y#subdirectory=sandbox\n")
    (tmp_path / "README.md").write_text("The tap is not on the\npackage index yet.\n")

    assert [line.split(" ", 1)[0] for line in contents.not_yet_released(tmp_path)] == ["README.md", "docs/a.md"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "# Changelog\n\n## 1.2.3 - 2026-01-31\n\n### Fixed\n\n- It.\n\n## 1.2.2 - 2026-01-01\n\nOld.\n",
            "### Fixed\n\n- It.",
        ),
        ("## 1.2.3 - 2026-01-31\nLast.\n", "Last."),
        ("## 1.2.3 - 2026-01-31\n\n## 1.2.2 - 2026-01-01\n\nOld.\n", None),
        ("## Unreleased\n\nMuch.\n\n## 1.2.2 - 2026-01-01\n\nOld.\n", None),
        ("## 1.2.3\n\nWithout a date.\n", None),
        ("## 1.2.30 - 2026-01-31\n\nAnother.\n", None),
        ("## 1x2.3 - 2026-01-31\n\nAnother.\n", None),
    ],
)
def test_a_version_is_released_with_notes_of_its_own(text: str, found: str | None) -> None:
    assert changelog.notes(text, "1.2.3") == found


@pytest.mark.parametrize(
    ("tag", "sentence"),
    [("v9.9.9", f"pyproject.toml says version {__version__}"), (f"v{__version__}", "CHANGELOG.md has no section")],
)
def test_a_release_stops_where_tag_version_and_change_log_differ(tag: str, sentence: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n- Much.\n", encoding="utf-8")
    shutil.copytree(ROOT / "tools" / "release", tmp_path / "tools" / "release")
    for name in ("__init__.py", "address.py"):
        shutil.copy(ROOT / "tools" / name, tmp_path / "tools")

    release = [sys.executable, "-m", "tools.release", tag]
    stopped = subprocess.run(release, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    assert stopped.returncode == 1
    assert sentence in stopped.stderr
    assert not list(tmp_path.glob("dist/packages/*"))


@pytest.mark.parametrize("published", [False, True])
def test_nothing_is_released_while_the_address_leads_nowhere(published: bool, tmp_path: Path) -> None:  # noqa: FBT001 - drawn
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(
        re.sub(r"^published = \w+$", f"published = {str(published).lower()}", project, flags=re.MULTILINE),
        encoding="utf-8",
    )
    changed = f"# Changelog\n\n## {__version__} - 2026-01-31\n\n- Much.\n"
    (tmp_path / "CHANGELOG.md").write_text(changed, encoding="utf-8")
    (tmp_path / "README.md").write_text("The tap is not on the package index yet.\n", encoding="utf-8")
    shutil.copytree(ROOT / "tools" / "release", tmp_path / "tools" / "release")
    for name in ("__init__.py", "address.py"):
        shutil.copy(ROOT / "tools" / name, tmp_path / "tools")

    release = [sys.executable, "-m", "tools.release", f"v{__version__}"]
    stopped = subprocess.run(release, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)

    assert stopped.returncode == 1
    assert (f"Nothing is at {REPOSITORY} yet" in stopped.stderr) == (not published)
    assert ("README.md says that the tap is not on the package index" in stopped.stderr) == published


def test_the_address_of_the_repository_is_the_same_everywhere() -> None:
    found = [path for path in address.texts() if REPOSITORY in path.read_text(encoding="utf-8")]

    assert len(found) > 10
    for path in address.texts():
        text = path.read_text(encoding="utf-8")
        assert address.with_address(text) == text, path


def test_another_address_reaches_every_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "REPOSITORY", "https://github.com/college/tap-onefile")

    assert address.with_address(f"({REPOSITORY}/blob/main/a.md) {REPOSITORY}.") == (
        "(https://github.com/college/tap-onefile/blob/main/a.md) https://github.com/college/tap-onefile."
    )


def test_pages_fetch_nothing_from_an_address_that_leads_nowhere() -> None:
    for path in address.texts():
        fetching = re.search(r"^.*(git clone http|git\+http).*$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert not fetching or address.IS_PUBLISHED, (path, fetching)


def test_each_dependency_has_a_reason() -> None:
    section = _section("CONTRIBUTING.md", "Dependencies")
    reasons = re.findall(r"^\| (`.+?) \| \S.*\|$", section, flags=re.MULTILINE)
    named = {name for cell in reasons for name in re.findall(r"`([a-z0-9-]+)`", cell)}

    assert named == {re.split(r"[\[><=~!; ]", each)[0] for each in _dependencies()}


def test_no_lock_names_the_index_that_it_was_made_with() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))

    assert len(locks) > 5
    for lock in locks:
        assert "://" not in lock.read_text(encoding="utf-8"), lock.name


def test_what_the_tap_is_tried_and_listed_with_is_what_the_tests_ran_with() -> None:
    assert _pins("tap").items() <= _pins("dev").items()


def test_the_oldest_that_is_allowed_is_what_is_tested() -> None:
    pins = _pins("lowest")

    for dependency in _dependencies():
        bound = re.fullmatch(r"([a-z0-9-]+)(?:\[.+\])?[>~]=([0-9.]+).*", dependency)
        assert bound, dependency
        assert f"{pins[bound[1]]}.".startswith(f"{bound[2]}."), f"{dependency}: run `make lock`"


def test_every_action_is_pinned_by_its_commit() -> None:
    for workflow in WORKFLOWS:
        for used in re.findall(r"uses:\s*(.+)", workflow.read_text(encoding="utf-8")):
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), (workflow.name, used)


def test_a_workflow_runs_only_what_one_can_run_here() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    commands = [step["run"] for step in _steps() if "run" in step and "shell" not in step]

    assert len(commands) > 5
    for command in commands:
        program, target, *_ = command.split()
        assert program in {"make", "python"} or any(command.startswith(each) for each in ELSEWHERE), command
        assert program != "make" or target in targets, command
        assert program != "python" or (ROOT / target).is_file(), command


def _steps() -> Iterator[dict[str, Any]]:
    for workflow in WORKFLOWS:
        for job in yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values():
            yield from job["steps"]


def _dependencies() -> list[str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        dependencies: list[str] = tomllib.load(file)["project"]["dependencies"]
    return dependencies


def _pins(lock: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, flags=re.MULTILINE))


def _section(page: str, heading: str) -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
