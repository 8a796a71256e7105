"""Run the tap as its users do, as a process, and read what it says."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any

from tap_onefile.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from pathlib import Path

    from onefile_sandbox import Sandbox

    Record = dict[str, Any]

TAP = (sys.executable, "-m", "tap_onefile")
GIVES_UP_SOON = {"retry_for": 3, "request_timeout": 1}
"""Settings for runs that are meant to fail: the same ways of failing, sooner."""


@dataclass(frozen=True)
class Run:
    """What a finished run left behind."""

    status: int
    stdout: str
    stderr: str

    @cached_property
    def messages(self) -> list[dict[str, Any]]:
        """The Singer messages, in their order."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    @cached_property
    def records(self) -> dict[str, list[Record]]:
        """The records of each stream, in their order."""
        records: dict[str, list[Record]] = defaultdict(list)
        for message in self.messages:
            if message["type"] == "RECORD":
                records[message["stream"]].append(message["record"])
        return records

    @property
    def activated(self) -> list[str]:
        """The streams of which a version was activated, in their order."""
        return [message["stream"] for message in self.messages if message["type"] == "ACTIVATE_VERSION"]

    @property
    def last_line(self) -> str:
        """The last line on stderr."""
        return self.stderr.rstrip().rsplit("\n", 1)[-1]

    @property
    def state(self) -> dict[str, Any]:
        """The last state."""
        states = [message["value"] for message in self.messages if message["type"] == "STATE"]
        state: dict[str, Any] = states[-1]
        return state


def config_for(sandbox: Sandbox, **settings: object) -> dict[str, Any]:
    """Make the settings that point the tap at a sandbox."""
    return {
        "customer_token": sandbox.customer_token,
        "api_url": sandbox.api_url,
        "page_size": 100,
        "requests_per_minute": 0,
        # Every field there is; what is held back without it is a matter of its own (test_data_protection.py).
        "special_category_data": True,
        **settings,
    }


_WHOLLY = ("PYTHON", "LANG", "LC_")
"""Beginnings of the variables that only a Python sees which starts with them."""
_LOST = 255
"""What multiprocessing gives where its server could not tell how a process ended; no run of the tap ends so."""

HAS_FORKS = "forkserver" in multiprocessing.get_all_start_methods()
"""Whether a process can be made by a fork of one that has imported everything: not on Windows."""

_processes = multiprocessing.get_context("forkserver") if HAS_FORKS else multiprocessing.get_context()
if HAS_FORKS:
    _processes.set_forkserver_preload(["tap_onefile.tap"])


def as_environment(config: Mapping[str, Any]) -> dict[str, str]:
    """Give settings as the environment variables that the tap reads."""
    return {f"TAP_ONEFILE_{name.upper()}": str(value) for name, value in config.items()}


def run_tap(
    folder: Path,
    config: Mapping[str, Any] | None = None,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    timeout: float = 60,
) -> Run:
    """Run the tap to its end, as a process whose Python has been started and has imported what it needs.

    Args:
        folder: An empty folder to run in.
        config: The settings, as the file config.json.
        arguments: Further arguments.
        environ: Further environment variables.
        timeout: Seconds after which the run counts as hanging.
    """
    if config is not None:
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        arguments = ("--config", "config.json", *arguments)
    environment = {**clean_environment(), **(environ or {})}
    if not HAS_FORKS or any(name.startswith(_WHOLLY) for name in environ or {}):
        finished = subprocess.run(
            [*TAP, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            check=False,
            timeout=timeout,
            text=True,
            encoding="utf-8",
        )
        return Run(finished.returncode, finished.stdout, finished.stderr)
    while True:
        with suppress(LostProcess):
            return run_forked(folder, *arguments, environment=environment, timeout=timeout)


class LostProcess(Exception):
    """Nobody knows how a process has ended; that is no fault of what ran in it, and it can be run again."""


def run_forked(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, timeout: float) -> Run:
    """Run the tap to its end, as a process whose Python has been started and has imported what it needs.

    Raises:
        LostProcess: How it ended cannot be known.
        subprocess.TimeoutExpired: It hung, and was killed.
    """
    process = _processes.Process(target=_run, args=(str(folder), arguments, dict(environment or clean_environment())))
    process.start()
    process.join(timeout)
    status = process.exitcode
    if status is None:
        process.kill()
        process.join()
    process.close()
    if status == _LOST:
        raise LostProcess
    stdout, stderr = ((folder / name).read_text(encoding="utf-8") for name in (_STDOUT, _STDERR))
    if status is None:
        raise subprocess.TimeoutExpired(arguments, timeout, output=stdout, stderr=stderr)
    return Run(status, stdout, stderr)


_STDOUT, _STDERR = ".stdout", ".stderr"


def _run(folder: str, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    for name, place in ((_STDOUT, 1), (_STDERR, 2)):
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, place)
        os.close(file)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
    sys.argv = ["tap-onefile", *arguments]
    main()


@contextmanager
def start_tap(
    folder: Path,
    config: Mapping[str, Any],
    *arguments: str,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int = subprocess.PIPE,
    environ: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> Generator[subprocess.Popen[bytes]]:
    """Have the tap running; where a test is over before the tap is, the tap is killed.

    Args:
        folder: An empty folder to run in.
        config: The settings, as the file config.json.
        arguments: Further arguments.
        stdout: Where its messages go.
        stderr: Where its log goes.
        environ: Further environment variables.
        before: What is called in its process before it starts.
    """
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with subprocess.Popen(
        [*TAP, "--config", "config.json", *arguments],
        cwd=folder,
        env={**clean_environment(), **(environ or {})},
        stdout=stdout,
        stderr=stderr,
        preexec_fn=before,  # noqa: PLW1509 - this process has no lock that the call needs
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def select(folder: Path, *names: str) -> tuple[str, str]:
    """Write a catalog that selects some streams, with every field there is.

    Args:
        folder: Where the tap will run.
        names: The streams; all of them if none is named.

    Returns:
        The arguments that make the tap use it.
    """
    catalog = json.loads(run_tap(folder, {"special_category_data": True}, "--discover").stdout)
    for stream in catalog["streams"]:
        # A Singer catalog keeps the selection of a stream in the metadata entry with an empty breadcrumb.
        (root,) = (entry for entry in stream["metadata"] if not entry["breadcrumb"])
        root["metadata"]["selected"] = not names or stream["tap_stream_id"] in names
    (folder / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
    return "--catalog", "catalog.json"


def clean_environment() -> dict[str, str]:
    """Give this process's environment without anything that would reach the tap as a setting."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TAP_ONEFILE_", "MELTANO_"))}
