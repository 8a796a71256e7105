"""What docs/meltano.md says of `select`, of `.env`, of metadata and of states is what Meltano makes of them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tap_onefile.tap import KNOWN
from tests.running import as_environment, clean_environment, config_for, run_tap
from tools import ROOT
from tools.demo.pipeline import MELTANO, Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onefile_sandbox import Sandbox

PAGE = (ROOT / "docs" / "meltano.md").read_text(encoding="utf-8")
FIELDS = {name: set(known.fields) for name, known in KNOWN.items()}
LEARNERS, ASSESSORS, REVIEWS = "learners", "assessors", "reviews"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SERVER = """
import json, os, sys
from meltano.cli import main

for line in sys.stdin:
    folder, environment, arguments, files = json.loads(line)
    if not (child := os.fork()):
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        for place, name in enumerate(files, start=1):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), place)
        sys.argv = ["meltano", *arguments]
        main()
        sys.exit()
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Starts Meltano as its own command does, in a process of its own, with its imports done: they take twice the rest."""


class Meltano:
    """Meltano's command line."""

    def __init__(self, files: Path, server: subprocess.Popen[str]) -> None:
        self._files = [files / "stdout", files / "stderr"]
        self._server = server

    def __call__(self, folder: Path, environment: Mapping[str, str], *arguments: str) -> tuple[str, str]:
        """Run a command, and return what it wrote to stdout and to stderr."""
        assert self._server.stdin
        assert self._server.stdout
        environment = {**environment, "MELTANO_CLI_DISABLE_VERSION_CHECK": "1", "NO_COLOR": "1"}
        request = (str(folder), environment, ["--log-level=warning", *arguments], [str(file) for file in self._files])
        print(json.dumps(request), file=self._server.stdin, flush=True)
        status = self._server.stdout.readline()
        stdout, stderr = (file.read_text(encoding="utf-8") for file in self._files)
        assert status == "0\n", stdout + stderr
        return stdout, stderr


class Project:
    """A Meltano project with the tap in it, and nothing that has to be installed."""

    def __init__(self, folder: Path, meltano: Meltano) -> None:
        self.folder = folder
        self._meltano = meltano
        self.extractor: dict[str, Any] = {
            "name": "tap-onefile",
            "namespace": "tap_onefile",
            # Meltano keeps the catalog of a tap that has one and is not editable: discovery takes as long as the rest.
            "pip_url": "tap-onefile",
            "executable": str(Path(sys.executable).with_name("tap-onefile")),
            "capabilities": ["catalog", "discover", "state"],
            "settings": [{"name": "special_category_data", "kind": "boolean", "value": True}],
        }
        self.environment: dict[str, Any] = {"name": "dev"}

    def meltano(self, *arguments: str, env_file: str = "") -> tuple[str, str]:
        """Run Meltano with the extractor as it is now."""
        project = {
            "requires_meltano": ">=4.0",
            "project_id": "select",
            "send_anonymous_usage_stats": False,
            "environments": [self.environment],
            "plugins": {"extractors": [self.extractor]},
        }
        (self.folder / "meltano.yml").write_text(yaml.safe_dump(project), encoding="utf-8")
        (self.folder / ".env").write_text(env_file, encoding="utf-8")
        return self._meltano(self.folder, clean_environment(), *arguments)

    def dump(self, file: str, env_file: str = "") -> tuple[Any, str]:
        """Return what Meltano would hand to the tap, and what it said while it made it."""
        stdout, stderr = self.meltano("invoke", "--no-install", f"--dump={file}", "tap-onefile", env_file=env_file)
        return json.loads(stdout), stderr


@pytest.fixture(scope="module")
def meltano(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meltano]:
    with subprocess.Popen(
        [MELTANO.with_name("python"), "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as server:
        yield Meltano(tmp_path_factory.mktemp("meltano"), server)


@pytest.fixture
def project(tmp_path: Path, meltano: Meltano) -> Project:
    return Project(tmp_path, meltano)


def test_each_form_of_select_reads_what_the_page_says(project: Project) -> None:
    for form, streams, fields, note in rows("`select:`"):
        is_variable = code(form).startswith("TAP_ONEFILE__SELECT=")
        project.extractor["select"] = ["customers.*"] if is_variable else yaml.safe_load(code(form))
        catalog, said = project.dump("catalog", code(form) if is_variable else "")

        assert sent(catalog) == {stream: expected_fields(stream, fields) for stream in expected_streams(streams)}, form
        warnings = [quoted.replace("`", "") for quoted in re.findall('"(.+?)"', note)]
        assert [each for each in warnings if each not in said.replace("`", "")] == [], form
        assert said.count("was not found") == len(warnings), form


def test_meltano_lists_what_is_selected_and_an_environments_select_replaces_the_extractors(project: Project) -> None:
    project.extractor["select"] = ["learners.*", "!learners.NINO"]
    command = ("select", "--no-install", "tap-onefile", "--list")
    own = {"plugins": {"extractors": [{"name": "tap-onefile", "select": ["!learners.NINO"]}]}}
    project.environment["config"] = own

    of_extractor, _ = project.meltano(*command)
    of_environment, _ = project.meltano("--environment=dev", *command)

    listed = re.findall(r"\[(?:selected|automatic) *\] (\w+)\.(\w+)", of_extractor)
    assert {(LEARNERS, name) for name in FIELDS[LEARNERS] - {"NINO"}} == set(listed)
    assert re.findall(r"\[\w+ *\] \w+\.\w+", of_environment) == []


def test_meltano_reads_env_files_as_the_page_says(project: Project) -> None:
    table = rows("After the `=`")
    names = [f"form_{number}" for number, _ in enumerate(table)]
    project.extractor["settings"] += [{"name": name, "kind": "string"} for name in names]
    lines = [f"TAP_ONEFILE_{name.upper()}={code(form)}" for name, (form, *_) in zip(names, table, strict=True)]
    project.extractor["settings"].append({"name": "of_project", "kind": "string"})
    project.extractor["config"] = {"of_project": "pa$WORD"}

    config, _ = project.dump("config", "\n".join(["WORD='secret$'", *lines]))

    read = {name: code(reads) for name, (_, reads, _) in zip(names, table, strict=True) if reads != "nothing"}
    read = {name: value.replace("pa1", "pasecret$1") for name, value in read.items()}
    assert {name: value for name, value in config.items() if name in names} == read
    assert config["of_project"] == "pasecret$"


def test_the_tap_takes_metadata_and_schema_from_meltano_as_the_page_says(project: Project, sandbox: Sandbox) -> None:
    (block,) = (text for text in re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL) if "metadata:" in text)
    (extras,) = yaml.safe_load(block)["plugins"]["extractors"]
    (project.folder / "tap").mkdir()
    project.extractor["select"] = ["learners.*", "classrooms.*"]
    project.extractor["metadata"] = {"*": {"replication-method": "INCREMENTAL"}, **extras["metadata"]}
    project.extractor["schema"] = {LEARNERS: {**extras["schema"][LEARNERS], "Emial": {"type": ["string", "null"]}}}
    catalog, _ = project.dump("catalog")
    (project.folder / "tap" / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
    state = state_of({LEARNERS: [each["ID"] for each in sandbox.records("organisations")]})
    (project.folder / "tap" / "state.json").write_text(json.dumps(state), encoding="utf-8")

    run = run_tap(project.folder / "tap", config_for(sandbox), "--catalog", "catalog.json", "--state", "state.json")

    assert run.status == 0, run.stderr
    schemas = [each["schema"] for each in run.messages if each["type"] == "SCHEMA" and each["stream"] == LEARNERS]
    assert schemas[0]["properties"]["Email"] == extras["schema"][LEARNERS]["Email"]
    assert len(run.records[LEARNERS]) == len(sandbox.records(LEARNERS))
    assert "which are read in full: classrooms" in run.stderr
    assert "that tap-onefile does not have; they are ignored: Emial" in run.stderr


def test_meltano_keeps_the_bookmark_of_an_organisation_that_is_not_read(
    tmp_path: Path, meltano: Meltano, sandbox: Sandbox
) -> None:
    first, second = (each["ID"] for each in sandbox.records("organisations"))
    both = {name: [first, second] for name in (LEARNERS, ASSESSORS, REVIEWS)}
    settings = {
        **as_environment(config_for(sandbox)),
        "TAP_ONEFILE__SELECT": f'["{LEARNERS}.*"]',
        "TAP_ONEFILE__METADATA": json.dumps({LEARNERS: {"replication-method": "INCREMENTAL"}}),
        "TAP_ONEFILE_ORGANISATION_IDS": f"[{first}]",
        "TARGET_JSONL_DESTINATION_PATH": str(tmp_path),
    }
    environment = Pipeline(settings, database=tmp_path / "meltano.db", log=tmp_path / "log").environment
    state_id = "dev:tap-onefile-to-target-jsonl"

    def run(*arguments: str) -> str:
        return meltano(ROOT, environment, "--env-file", os.devnull, *arguments)[0]

    def bookmarks() -> dict[str, list[int]]:
        found = json.loads(run("state", "get", state_id))["singer_state"]["bookmarks"]
        return {name: sorted(map(int, bookmark["organisations"])) for name, bookmark in found.items() if bookmark}

    run("state", "set", "--force", state_id, json.dumps({"singer_state": state_of(both)}))
    run("state", "merge", state_id, json.dumps({"singer_state": state_of({ASSESSORS: [second]})}))
    assert bookmarks() == both

    run("run", "tap-onefile", "target-jsonl")
    assert bookmarks() == both

    run("run", "--full-refresh", "tap-onefile", "target-jsonl")
    assert bookmarks() == both


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table whose first heading it is."""
    _, table = PAGE.split(f"\n| {heading} |", 1)
    lines = table.split("\n\n", 1)[0].splitlines()[2:]
    assert lines
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def code(cell: str) -> str:
    assert re.fullmatch("`[^`]+`", cell), cell
    return cell[1:-1]


def expected_streams(cell: str) -> set[str]:
    named = set(re.findall("`(.+?)`", cell))
    assert named <= FIELDS.keys()
    if cell == "none":
        return set()
    return FIELDS.keys() - named if cell.startswith("all") else named


def expected_fields(stream: str, cell: str) -> set[str]:
    named = set(re.findall("`(.+?)`", cell)) & FIELDS[stream]
    chosen = FIELDS[stream] - named if cell.startswith("all") else named
    return chosen | set(KNOWN[stream].needed)


def sent(catalog: dict[str, Any]) -> dict[str, set[str]]:
    """Return the fields of each stream that a catalog lets through."""
    found = {}
    for entry in catalog["streams"]:
        metadata = {tuple(each["breadcrumb"]): each["metadata"] for each in entry["metadata"]}
        if metadata.pop(())["selected"]:
            found[entry["tap_stream_id"]] = {
                breadcrumb[-1]
                for breadcrumb, rule in metadata.items()
                if rule["selected"] or rule["inclusion"] == "automatic"
            }
    return found


def state_of(owners: Mapping[str, list[int]]) -> dict[str, Any]:
    """Make a state with a bookmark for each organisation that no record is older than."""
    return {
        "bookmarks": {
            name: {
                "replication_key": KNOWN[name].replication_key,
                "organisations": {str(owner): "2026-01-01T00:00:00.000000Z" for owner in ids},
            }
            for name, ids in owners.items()
        }
    }
