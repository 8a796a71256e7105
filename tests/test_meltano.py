"""`meltano run tap-onefile target-…` puts into the target what OneFile holds, once, however often it runs."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from onefile_sandbox import Fault
from tap_onefile.streams import STREAMS
from tap_onefile.streams.people import Learners
from tests.expected import spelled
from tests.running import as_environment, config_for
from tools.demo.errors import ProcessError
from tools.demo.pipeline import MELTANO, PLUGINS, Pipeline
from tools.demo.postgres import SCHEMA

if TYPE_CHECKING:
    from onefile_sandbox import Sandbox
    from tap_onefile.streams.base import OneFileStream
    from tests.conftest import StartPostgres, StartSandbox

    Rows = dict[Any, dict[str, Any]]

SHARED = {"providers", "framework_templates", "units"}
"""What arrives once for each organisation or standard that has it, and is one to the sandbox; see test_streams.py."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


class JsonlPipeline(Pipeline):
    """The pipeline with another loader."""

    command = ("run", "tap-onefile", "target-jsonl")


@pytest.fixture
def held(start_sandbox: StartSandbox) -> Sandbox:
    """Give a customer of which every stream has several pages."""
    return start_sandbox(learners=120, organisations=3)


def test_postgresql_holds_what_onefile_holds_after_one_run_and_after_two(
    folder: Path, held: Sandbox, start_postgres: StartPostgres
) -> None:
    with start_postgres(folder / "data") as server:
        pipeline = Pipeline(
            {**plugin_settings(held), "TARGET_POSTGRES_SQLALCHEMY_URL": server.sqlalchemy_url},
            database=folder / "meltano.db",
            log=folder / "log",
        )
        expected = what_onefile_holds(held)
        for _ in range(2):
            pipeline.run()
            for stream, records in expected.items():
                assert rows_of(folder / "data", stream) == records, stream.name


def test_jsonl_holds_what_onefile_holds(folder: Path, held: Sandbox) -> None:
    (folder / "out").mkdir()
    pipeline = JsonlPipeline(
        {**plugin_settings(held), "TARGET_JSONL_DESTINATION_PATH": str(folder / "out")},
        database=folder / "meltano.db",
        log=folder / "log",
    )

    pipeline.run()

    for stream, records in what_onefile_holds(held).items():
        (file,) = (folder / "out").glob(f"{stream.name}*.jsonl")
        lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        assert len(lines) == len(records)
        assert {key_of(stream, line): as_instants(line) for line in lines} == records, stream.name


def test_a_run_that_is_cut_short_is_a_failure_to_meltano_too(folder: Path, start_sandbox: StartSandbox) -> None:
    if shutil.which("ps") is None:
        pytest.skip("ps is what finds the process to stop, and this machine has none")
    (folder / "out").mkdir()
    sandbox = start_sandbox(learners=5, organisations=1)
    sandbox.add_fault(Fault("hang", match="POST /Placement/Search", times=None))
    pipeline = JsonlPipeline(
        {**plugin_settings(sandbox), "TARGET_JSONL_DESTINATION_PATH": str(folder / "out")},
        database=folder / "meltano.db",
        log=folder / "log",
    )
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(pipeline.run)
        sandbox.wait_for("Placement", timeout=120)
        assert not running.done(), running.exception()
        os.kill(_tap_of(folder), signal.SIGTERM)

        with pytest.raises(ProcessError, match="failed with exit status 1"):
            running.result()

    assert "stopped by SIGTERM before it was finished" in (folder / "log").read_text(encoding="utf-8")


def _tap_of(folder: Path) -> int:
    """Find the process of the tap: Meltano hands it its settings as a file in the folder of the run."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,args="], capture_output=True, text=True, check=True)  # noqa: S607
    (tap,) = (
        int(line.split()[0])
        for line in listed.stdout.splitlines()
        if f"--config {folder}" in line and "/tap-onefile " in line
    )
    return tap


@pytest.mark.parametrize("options", [(), ("--full-refresh",)])
def test_the_recipe_finds_who_has_gone(
    folder: Path, held: Sandbox, start_postgres: StartPostgres, options: tuple[str, ...]
) -> None:
    recipe = (Path(__file__).parents[1] / "examples" / "recipes" / "who_has_gone.sql").read_bytes()
    with start_postgres(folder / "data") as server:
        settings = {**plugin_settings(held), "TARGET_POSTGRES_SQLALCHEMY_URL": server.sqlalchemy_url}
        pipeline = Pipeline(settings, database=folder / "meltano.db", log=folder / "log")
        pipeline.run()
        deleted, archived, *_ = held.world.ids("learners")
        held.world.remove("learners", deleted)
        held.world.archive(archived)

        pipeline.command = ("run", *options, "tap-onefile", "target-postgres")
        pipeline.run()

        with psycopg.connect(f"host={folder / 'data'} user=postgres dbname=postgres") as connection:
            found = connection.execute(recipe).fetchall()
        assert [row[1] for row in found] == sorted([deleted, archived])


def test_metadata_asks_for_changes_only_of_one_stream(
    folder: Path, held: Sandbox, start_postgres: StartPostgres
) -> None:
    with start_postgres(folder / "data") as server:
        settings = {**plugin_settings(held), "TARGET_POSTGRES_SQLALCHEMY_URL": server.sqlalchemy_url}
        settings["TAP_ONEFILE__METADATA"] = '{"learners": {"replication-method": "INCREMENTAL"}}'
        pipeline = Pipeline(settings, database=folder / "meltano.db", log=folder / "log")
        pipeline.run()
        held.reset_calls()

        pipeline.run()

    searches = {(call.body["Role"], "LastModified" in call.body) for call in held.calls if "Role" in call.body}
    assert (1, True) in searches
    assert {is_narrowed for role, is_narrowed in searches if role != 1} == {False}


def test_what_is_held_back_has_no_column_in_postgresql_and_pseudonyms_are_texts(
    folder: Path, start_sandbox: StartSandbox, start_postgres: StartPostgres
) -> None:
    held = start_sandbox(learners=10)
    settings = plugin_settings(held) | {
        "TAP_ONEFILE_SPECIAL_CATEGORY_DATA": "false",
        "TAP_ONEFILE_PERSONAL_DATA": "pseudonymise",
        "TAP_ONEFILE_PSEUDONYM_KEY": "an invented key of thirty-two characters or more",
    }
    with start_postgres(folder / "data") as server:
        settings["TARGET_POSTGRES_SQLALCHEMY_URL"] = server.sqlalchemy_url
        pipeline = Pipeline(settings, database=folder / "meltano.db", log=folder / "log")
        # An earlier run, whose catalog Meltano may have kept.
        pipeline.environment["TAP_ONEFILE_SPECIAL_CATEGORY_DATA"] = "true"
        pipeline.command = ("invoke", "tap-onefile", "--discover")
        pipeline.run()
        pipeline.environment["TAP_ONEFILE_SPECIAL_CATEGORY_DATA"] = "false"
        pipeline.command = ("run", "tap-onefile", "target-postgres")
        pipeline.run()

        columns = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'learners'"
        types = dict(server.query(columns))
        learners = server.records("learners", ["ID", "Email", "DOB"])
    classes = {name: rule["x-onefile-data-class"] for name, rule in Learners.schema["properties"].items()}
    assert types.keys() & classes.keys() == {name for name in classes if classes[name] != "special category"}
    assert types["DOB"] == "text"
    assert len(learners) == len(held.records("learners"))
    assert all(any(learner[name] for learner in learners) for name in ("Email", "DOB"))
    for learner in learners:
        assert all(re.fullmatch("[0-9a-f]{64}", learner[name] or "0" * 64) for name in ("Email", "DOB"))


def test_meltano_config_test_says_that_the_settings_are_right(folder: Path, held: Sandbox) -> None:
    pipeline = Pipeline(plugin_settings(held), database=folder / "meltano.db", log=folder / "log")

    tested = subprocess.run(
        [MELTANO, "--environment=dev", "config", "test", "tap-onefile"],
        cwd=Path(__file__).parents[1],
        env=pipeline.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    output = tested.stdout + tested.stderr
    assert tested.returncode == 0, output
    assert "Plugin configuration is valid" in output


def test_a_setting_of_the_wrong_type_is_shown_where_the_documentation_says(folder: Path, held: Sandbox) -> None:
    settings = {**plugin_settings(held), "TAP_ONEFILE_PAGE_SIZE": "abc"}
    pipeline = Pipeline(settings, database=folder / "meltano.db", log=folder / "log")

    told = {}
    for command in (("config", "test", "tap-onefile"), ("run", "tap-onefile", "target-jsonl")):
        run = subprocess.run(
            [MELTANO, "--environment=dev", *command],
            cwd=Path(__file__).parents[1],
            env=pipeline.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert run.returncode
        told[command[0]] = [line for line in (run.stdout + run.stderr).splitlines() if "abc" in line or "Errno" in line]

    assert "No such file or directory" in told["config"][0]
    assert any("ValueError" in line and "'abc'" in line for line in told["config"][1:])
    assert "invalid literal for int() with base 10: 'abc'" in told["run"][0]


def test_target_jsonl_makes_new_files_unless_it_is_told_to_append(tmp_path: Path) -> None:
    messages = "\n".join(
        json.dumps(message)
        for message in (
            {"type": "SCHEMA", "stream": "learners", "schema": {"properties": {}}, "key_properties": []},
            {"type": "RECORD", "stream": "learners", "record": {"ID": 1}},
        )
    )
    (tmp_path / "config.json").write_text('{"do_timestamp_file": false}', encoding="utf-8")
    target = PLUGINS / "loaders" / "target-jsonl" / "venv" / "bin" / "target-jsonl"
    for arguments in ([], ["--config", "config.json"], ["--config", "config.json"]):
        subprocess.run(
            [target, *arguments], cwd=tmp_path, input=messages, capture_output=True, text=True, check=True, timeout=60
        )

    (new,) = tmp_path.glob("learners-*.jsonl")
    assert re.fullmatch(r"learners-\d{8}T\d{6}\.jsonl", new.name)
    assert len((tmp_path / "learners.jsonl").read_text(encoding="utf-8").splitlines()) == 2


def plugin_settings(sandbox: Sandbox) -> dict[str, str]:
    """Make the environment variables that point the tap at a sandbox."""
    settings = config_for(sandbox, page_size=25)
    return as_environment(settings)


def what_onefile_holds(sandbox: Sandbox) -> dict[type[OneFileStream], Rows]:
    """Give the records of each stream, by their ids, with instants as such."""
    (customer,) = sandbox.records("customers")
    held: dict[type[OneFileStream], Rows] = {}
    for stream in STREAMS:
        if stream.selected_by_default and stream.name not in SHARED:
            context = {"CustomerID": customer["ID"], **stream.row_defaults}
            records = [as_instants(spelled(row, stream.schema, context)) for row in sandbox.records(stream.name)]
            held[stream] = {key_of(stream, record): record for record in records}
    return held


def key_of(stream: type[OneFileStream], record: dict[str, Any]) -> tuple[Any, ...]:
    """Give the key of a record."""
    return tuple(record[key] for key in stream.primary_keys)


def as_instants(record: dict[str, Any]) -> dict[str, Any]:
    """Read the texts that are instants, so that their spelling does not count."""
    return {name: _instant(value) for name, value in record.items() if not name.startswith("_sdc_")}


def rows_of(data: Path, stream: type[OneFileStream]) -> Rows:
    """Read a whole table."""
    with psycopg.connect(f"host={data} user=postgres dbname=postgres") as connection:
        cursor = connection.cursor(row_factory=dict_row)
        query = sql.SQL("SELECT * FROM {}").format(sql.Identifier(SCHEMA, stream.name))
        rows = cursor.execute(query).fetchall()
    by_key = {key_of(stream, row): as_instants(row) for row in rows}
    assert len(by_key) == len(rows)
    return by_key


def _instant(value: object) -> object:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    if isinstance(value, str) and value[:2].isdigit() and value[10:11] == "T":
        return datetime.fromisoformat(value)
    return float(value) if isinstance(value, float | Decimal) else value
