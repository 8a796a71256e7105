"""The tap only ever reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tap_onefile
from onefile_sandbox import Fault
from tap_onefile.api.transport import ForbiddenCall, Transport
from tap_onefile.streams import DETAILED
from tests.running import config_for, run_tap, select

if TYPE_CHECKING:
    from onefile_sandbox import Sandbox

READS = re.compile(r"GET /.+|POST /Authentication|POST /[A-Za-z]+/Search(/\{page\}/\{size\})?")

WRITES = [
    ("POST", "User"),
    ("POST", "User/900001"),
    ("POST", "User/900001/Archive"),
    ("POST", "User/900001/Assign"),
    ("POST", "User/Search/../900001/Archive"),
    ("POST", "User/1/AssignPlacement/2/true"),
    ("POST", "Unit/Search/Assign/1"),
    ("POST", "Visit"),
    ("DELETE", "User/900001"),
    ("PUT", "User/900001"),
    ("PATCH", "User/900001"),
    ("HEAD", "Customer"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_call_that_could_write_is_never_sent(sandbox: Sandbox, method: str, path: str) -> None:
    transport = Transport(sandbox.api_url, user_agent="test", timeout=5)

    with pytest.raises(ForbiddenCall):
        transport.exchange(method, path, headers={})

    assert sandbox.calls == []


@pytest.mark.slow
def test_nothing_that_the_tap_can_do_writes(tmp_path: Path, sandbox: Sandbox) -> None:
    everything = config_for(sandbox, page_size=5, fetch_details=list(DETAILED))
    arguments = select(tmp_path)
    sandbox.add_fault(Fault("expire", match="POST /User/Search", after=4))
    sandbox.add_fault(Fault("status", status=503, match="GET /Review", after=2))
    one = sandbox.records("organisations")[0]["ID"]

    for settings, more in (
        (everything, arguments),
        ({**everything, "organisation_ids": [one]}, arguments),
        (everything, ("--test",)),
        (everything, ("--check-api",)),
        (everything, ("--discover",)),
    ):
        run = run_tap(tmp_path, settings, *more)
        assert run.status == 0, run.stderr

    routes = {call.route for call in sandbox.calls}
    assert {route for route in routes if not READS.fullmatch(route)} == set()
    assert len(routes) > 30
    assert sandbox.writes == 0


def test_one_module_alone_can_send_anything() -> None:
    package = Path(tap_onefile.__file__).parent
    senders = re.compile(
        r"^\s*(import|from) (requests|urllib3|http|socket|urllib\.request|httpx|ftplib|smtplib)\b", re.MULTILINE
    )

    found = {path.name for path in package.rglob("*.py") if senders.search(path.read_text(encoding="utf-8"))}
    # What it means that a status is 404 is no way to send, nor is the time in which an answer must come.
    assert found - {"errors.py", "deadline.py"} == {"transport.py"}
