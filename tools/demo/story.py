"""The course of the demo, from an empty database to the proof."""

from __future__ import annotations

import json
import shlex
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tap_onefile.streams import STREAMS as ALL
from tools import CORE_STREAMS, ROOT
from tools.demo import interruption
from tools.demo.comparison import Comparison
from tools.demo.errors import DemoError, ProcessError
from tools.demo.onefile import onefile
from tools.demo.pipeline import PLUGINS, Pipeline
from tools.demo.postgres import DATABASE, LOOPBACK, SCHEMA, USER, free_port, postgres
from tools.demo.processes import run

if TYPE_CHECKING:
    from tools.demo.console import Console
    from tools.demo.onefile import OneFile
    from tools.demo.postgres import Postgres

LEARNERS, ORGANISATIONS = 600, 3
STREAMS = (*(stream.name for stream in ALL if stream.selected_by_default), "reviews", "off_the_job")
"""What is read: also what costs a call for each learner or review, as OneFile's rate limit does not hold here."""
MARTS = "onefile"
"""The schema in which dbt makes answers of the tables."""
DBT = PLUGINS / "utilities" / "dbt-postgres" / "venv" / "bin" / "dbt"
CHARTS = ROOT / ".venvs" / "charts" / "bin" / "python"
CALLS_PER_MINUTE = 300
LAST_LINES = 15
LONGEST_PATH = 60
# The columns have OneFile's own names. PostgreSQL takes capitals in a name only between quotation marks.
CASELOADS = """\
SELECT a."FirstName" || ' ' || a."LastName" AS assessor,
       o."Name" AS organisation, count(*) AS learners
FROM learners l
JOIN assessors a ON a."ID" = l."DefaultAssessorID"
JOIN organisations o ON o."ID" = a."OrganisationID"
GROUP BY a."ID", assessor, organisation
ORDER BY learners DESC, assessor
LIMIT 5"""


def tell(console: Console, *, learners: int, keep: bool) -> int:
    """Run the demo in a directory of its own.

    Args:
        console: Where the user looks.
        learners: How many learners to invent.
        keep: Whether to keep PostgreSQL's data.

    Returns:
        The exit status.

    Raises:
        DemoError: Something failed; the text says what, and where the log is.
    """
    # PostgreSQL's socket is in there: its path must be short, and without spaces.
    usual = tempfile.gettempdir()
    parent = usual if len(usual) <= LONGEST_PATH and " " not in usual else "/tmp"  # noqa: S108 - mkdtemp makes it safe
    directory = Path(tempfile.mkdtemp(prefix="tap-onefile-demo-", dir=parent))
    log = directory / "log"
    log.touch()
    # Without `keep` the next demo replaces it: a page that is gone before it is opened is of no use.
    page = (directory if keep else ROOT / "output") / "demo.html"
    kept = {"postgres", page.name} if keep else set()
    try:
        _play(console, learners=learners, directory=directory, log=log, page=page)
    except interruption.Interrupted:
        raise
    except Exception as error:
        interruption.check()  # what a Ctrl-C has stopped has not failed
        kept.add("log")
        tail = _tail(log) if isinstance(error, ProcessError) else ""
        raise DemoError(f"{error}\n{tail}\nWhat the processes said is in {log}") from error
    finally:
        _tidy(directory, keep=kept)
        if keep:
            data = directory / "postgres"
            console.say(f"\nThe data is in {data}. To look at it with psql, or with a desktop program:\n")
            console.say(f"  .venvs/dev/bin/python -m tools.demo --open {shlex.quote(str(data))}")
    return 0


def reopen(console: Console, data: Path, port: int) -> int:
    """Open a kept PostgreSQL with psql, and for other programs as long as that lasts.

    Args:
        console: Where the user looks.
        data: Its data.
        port: Where it is to be found on loopback; 0 for any that is free.

    Returns:
        The exit status of psql.

    Raises:
        DemoError: There is none.
    """
    if not (data / "PG_VERSION").exists():
        raise DemoError(f"There is no PostgreSQL data in {data}.")
    port = port or free_port()
    with postgres(data.resolve(), port) as server:
        console.say(
            f"For a program such as DBeaver, pgAdmin or Power BI, until you leave psql by \\q: host {LOOPBACK}, port"
            f" {port}, database {DATABASE}, user {USER}, no password, schema {SCHEMA}."
        )
        return server.shell()


def pipeline_between(source: OneFile, database: Postgres, directory: Path) -> Pipeline:
    """Have Meltano take everything that the demo reads to where it shows it."""
    return Pipeline(
        {
            "TAP_ONEFILE_API_URL": source.api_url,
            "TAP_ONEFILE_CUSTOMER_TOKEN": source.customer_token,
            "TAP_ONEFILE_PAGE_SIZE": "1000",
            "TAP_ONEFILE_REQUESTS_PER_MINUTE": "0",
            "TAP_ONEFILE__SELECT": json.dumps([f"{stream}.*" for stream in STREAMS]),
            "TARGET_POSTGRES_SQLALCHEMY_URL": database.sqlalchemy_url,
            "TARGET_POSTGRES_HOST": str(database.socket_directory),
            "ONEFILE_DBT_TARGET": "postgres",
            "ONEFILE_DBT_SCHEMA": MARTS,
            "DBT_TARGET_PATH": str(directory / "dbt"),
            "DBT_LOG_PATH": str(directory / "dbt"),
        },
        database=directory / "meltano.db",
        log=directory / "log",
    )


def draw(database: Postgres, picture: Path, log: Path) -> None:
    """Draw the marts, as a page or as a picture.

    Raises:
        ProcessError: It failed.
    """
    picture.parent.mkdir(exist_ok=True)
    command: list[str | Path] = [CHARTS, "-m", "tools.charts", database.connection, MARTS, picture]
    if status := run(command, cwd=ROOT, log=log):
        raise ProcessError(f"Drawing the pictures failed with exit status {status}.")


def _play(console: Console, *, learners: int, directory: Path, log: Path, page: Path) -> None:
    start = time.monotonic()
    console.title("1. OneFile and PostgreSQL")
    with ExitStack() as stack:
        with console.working("Starting PostgreSQL"):
            database = stack.enter_context(postgres(directory / "postgres"))
        interruption.check()
        with console.working(f"Starting the OneFile sandbox with {learners:,} invented learners"):
            source = stack.enter_context(onefile(learners=learners, organisations=ORGANISATIONS, log=log))
        pipeline = pipeline_between(source, database, directory)

        console.title("2. OneFile into PostgreSQL")
        with console.working(f"meltano {' '.join(pipeline.command)}"):
            pipeline.run()
        _compare(console, source, database, pipeline)

        console.title("3. A question to the database")
        console.say("\n".join(f"  {line}" for line in CASELOADS.splitlines()))
        console.say()
        console.table(["assessor", "organisation", "learners"], database.query(CASELOADS))

        builds = DBT.exists()
        console.title(
            f"4. The same again: nothing is doubled{', and dbt makes answers of the tables' if builds else ''}"
        )
        if builds:
            pipeline.command += ("dbt-postgres:build",)
        with console.working(f"meltano {' '.join(pipeline.command)}"):
            pipeline.run()
        rows = _compare(console, source, database, pipeline)
        calls = source.calls()

        if builds:
            console.title("5. Pictures of the answers")
            with console.working(f"Drawing {page.name}"):
                draw(database, page, log)
    console.succeed(
        f"PostgreSQL holds what OneFile holds: {rows:,} rows, each once, after two runs."
        f" {calls:,} calls, {time.monotonic() - start:.0f} s in all. OneFile lets {CALLS_PER_MINUTE} in each minute:"
        f" there, they take {calls / CALLS_PER_MINUTE:.0f} minutes."
    )
    console.say(
        f"\nOpen {page} in a browser: six charts of these answers, which name nobody."
        if builds
        else "\nThere are no charts: dbt, which makes answers of the tables, needs Python 3.13 or older."
    )
    console.say(
        "\nLook next at docs/recipes.md, which has more questions to such a database, at docs/getting-started.md, which"
        "\nleads from a support ticket to your own data, and at docs/privacy.md, which says what leaves OneFile."
    )


def _compare(console: Console, source: OneFile, database: Postgres, pipeline: Pipeline) -> int:
    """Lay PostgreSQL beside OneFile, stop at any difference, and tell how many rows were compared."""
    comparisons, others = [], []
    for stream, key in pipeline.keys().items():
        held, loaded = source.records(stream), database.records(stream, key)
        if Comparison.is_possible(key, held):
            comparisons.append(Comparison.of(stream, key, held, loaded))
        else:
            others.append(Comparison.of(stream, key, loaded, loaded))  # shows what is doubled, at least

    console.say()
    console.table(
        ["stream", "in OneFile", "in PostgreSQL", "distinct keys", ""],
        [
            (it.stream, it.held.total(), it.loaded.total(), it.distinct, "differs" if it.faults else "same")
            for it in comparisons
        ],
    )
    if others:
        names = ", ".join(it.stream for it in others)
        console.say(f"\n  Not compared, as each organisation that shares a row has its own copy: {names}.")

    faults = [fault for comparison in (*comparisons, *others) for fault in comparison.faults]
    filled = {comparison.stream for comparison in comparisons if comparison.held}
    faults += [f"{stream}: there is nothing to see." for stream in CORE_STREAMS if stream not in filled]
    if faults:
        raise DemoError("PostgreSQL does not hold what OneFile holds.\n" + "\n".join(faults))
    return sum(comparison.loaded.total() for comparison in comparisons)


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(["", *lines[-LAST_LINES:], ""])


def _tidy(directory: Path, *, keep: set[str]) -> None:
    for path in directory.iterdir():
        if path.name in keep:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    if not keep:
        directory.rmdir()
