"""The tap only ever reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_onefile.transport import ForbiddenCall, Transport
from tests.running import config_for, run_tap

if TYPE_CHECKING:
    from pathlib import Path

    from onefile_sandbox import Sandbox

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


def test_a_run_and_a_connection_test_write_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    assert run_tap(tmp_path, config_for(sandbox)).status == 0
    assert run_tap(tmp_path, config_for(sandbox), "--test").status == 0

    assert sandbox.calls
    assert sandbox.writes == 0
