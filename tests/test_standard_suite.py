"""The SDK's standard suite, and the tests that it only seems to have.

Its test of unique keys compares generator objects, and its test of the final state looks at one level only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from onefile_sandbox import Sandbox
from tap_onefile.tap import TapOneFile
from tests.running import config_for, run_tap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SANDBOX = Sandbox(learners=30, organisations=2, seed=7, calls_per_minute=0)


@pytest.fixture(scope="module", autouse=True)
def standing_sandbox() -> Iterator[None]:
    """Stop the sandbox, which the suite needs before any fixture runs, when its last test is done."""
    yield
    _SANDBOX.stop()


_SANDBOX.start()

TestTapOneFile = get_tap_test_class(
    TapOneFile,
    config=config_for(_SANDBOX),
    suite_config=SuiteConfig(max_records_limit=150, ignore_no_records=False),
)


def test_keys_are_unique(tmp_path: Path) -> None:
    run = run_tap(tmp_path, config_for(_SANDBOX))

    for stream, records in run.records.items():
        keys = [record["ID"] for record in records]
        assert len(keys) == len(set(keys)), stream


def test_no_progress_marker_is_left_in_the_state(tmp_path: Path) -> None:
    run = run_tap(tmp_path, config_for(_SANDBOX))

    assert "progress_markers" not in _names(run.state)


def _names(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_names, value.values()))
    if isinstance(value, list):
        return set().union(*map(_names, value))
    return set()
