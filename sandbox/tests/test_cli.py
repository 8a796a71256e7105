"""The command, as another process."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests

from onefile_sandbox import World
from onefile_sandbox.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-m", "onefile_sandbox"]


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Run the command, and give what it said when it was ready."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*COMMAND, *arguments], stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def log_in(ready: dict[str, str]) -> requests.Response:
    """Log in with what the command said."""
    headers = {"X-CustomerToken": ready["customer_token"]}
    return requests.post(f"{ready['api_url']}/Authentication", headers=headers, timeout=5)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_once_and_stops_cleanly(number: signal.Signals) -> None:
    with running("--learners", "30", "--organisations", "2", "--verbose") as (process, ready):
        assert set(ready) == {"api_url", "control_url", "customer_token"}
        assert requests.get(f"{ready['control_url']}/counts", timeout=5).json()["learners"] == 30
        session = log_in(ready).text
        headers = {"X-TokenID": session}
        body = {"Role": 1, "LastName": "Patel"}
        requests.post(f"{ready['api_url']}/user/search/1/5", json=body, headers=headers, timeout=5)
        requests.get(f"{ready['api_url']}/Patel/Priya", headers=headers, timeout=5)
        process.send_signal(number)
        out, err = process.communicate(timeout=5)
    assert process.returncode == 0
    assert out == ""
    banner, log = err.split("README says which.\n")
    assert "no OneFile product" in banner
    assert "invented" in banner
    assert "guesses" in banner
    assert log.splitlines() == [
        "POST /Authentication 200",
        log.splitlines()[1],
        "GET /{other} 404",
    ]
    assert log.splitlines()[1].startswith("POST /User/Search/{page}/{size} 20")
    for secret in (ready["customer_token"], session, "Patel"):
        assert secret not in err


def test_it_takes_behaviours_and_faults() -> None:
    fault = '{"kind": "status", "status": 418, "match": "Authentication"}'
    with running(
        "--behaviour",
        "quoted_session=true",
        "--behaviour",
        "no_hits=[]",
        "--fault",
        fault,
        "--seed",
        "9",
        "--warm",
        "reviews",
    ) as (process, ready):
        assert ready["customer_token"] == World(seed=9, learners=1, organisations=1).customer_token
        assert log_in(ready).status_code == 418
        assert log_in(ready).text.startswith('"')
        process.terminate()
        _, err = process.communicate(timeout=5)
    assert err.endswith("README says which.\n")


def test_it_may_begin_on_another_day() -> None:
    with running("--today", "2031-05-05T10:00Z", "--learners", "5", "--organisations", "1") as (_, ready):
        said = requests.post(f"{ready['control_url']}/advance", json={"days": 1}, timeout=5).json()
        learners = requests.get(f"{ready['control_url']}/records/learners", timeout=5).json()
    assert said == {"now": "2031-05-06T10:00:00+00:00"}
    assert any(row["LastModified"] > "2029" for row in learners)


def test_its_limits_are_told_on_the_command_line() -> None:
    limits = ["--calls-per-minute", "2", "--latency", "0.1", "--session-lifetime", "0"]
    with running("--learners", "5", "--organisations", "1", *limits) as (_, ready):
        login = log_in(ready)
        assert login.elapsed.total_seconds() >= 0.1
        session = login.text
        statuses = [
            requests.get(f"{ready['api_url']}/Customer", headers={"X-TokenID": session}, timeout=5).status_code
            for _ in range(2)
        ]
        assert statuses == [401, 429]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--behaviour", "order=backwards"],
        ["--behaviour", "speed=1"],
        ["--fault", "{"],
        ["--fault", '{"kind": "explode"}'],
        ["--fault", '{"colour": 1}'],
        ["--fault", "[]"],
        ["--learners", "-1"],
        ["--port", "taken"],
        ["--warm", "everything"],
        ["--today", "yesterday"],
    ],
    ids=" ".join,
)
def test_nonsense_is_refused_in_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "error: " in said.err.splitlines()[-1]


def test_a_port_that_is_taken_is_refused_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, timeout=10, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"cannot serve on port {port}" in done.stderr.splitlines()[-1]
