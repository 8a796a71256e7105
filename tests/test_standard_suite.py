"""The SDK's standard suite, and the tests that it only seems to have.

Its test of unique keys compares generator objects, and its test of the final state looks at one level only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from onefile_sandbox import Sandbox
from tap_onefile.streams import STREAMS
from tap_onefile.tap import TapOneFile
from tests.running import config_for, run_tap, select

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def everything_selected() -> dict[str, Any]:
    """Make a catalog in which all streams are selected."""
    catalog = TapOneFile(validate_config=False).catalog_dict
    for stream in catalog["streams"]:
        (root,) = (entry for entry in stream["metadata"] if not entry["breadcrumb"])
        root["metadata"]["selected"] = True
    return catalog


_SANDBOX = Sandbox(learners=30, organisations=2, seed=7, calls_per_minute=0)


@pytest.fixture(scope="module", autouse=True)
def standing_sandbox() -> Iterator[None]:
    """Stop the sandbox, which the suite needs before any fixture runs, when its last test is done."""
    yield
    _SANDBOX.stop()


_SANDBOX.start()

TestTapOneFile = get_tap_test_class(
    TapOneFile,
    config=config_for(_SANDBOX, page_size=1000),
    catalog=everything_selected(),
    suite_config=SuiteConfig(
        max_records_limit=150,
        ignore_no_records=False,
        # The sandbox does not answer for roles that the vendor does not call supported.
        ignore_no_records_for_streams=[
            "archived_learners",
            "centre_managers",
            "centre_monitors",
            "eqas",
            "lead_iqas",
            "user_managers",
        ],
    ),
)


def test_keys_are_unique(tmp_path: Path) -> None:
    run = run_tap(tmp_path, config_for(_SANDBOX), *select(tmp_path))

    assert run.status == 0, run.stderr
    for stream in STREAMS:
        keys = [tuple(record[key] for key in stream.primary_keys) for record in run.records[stream.name]]
        assert len(keys) == len(set(keys)), stream.name


def test_no_progress_marker_is_left_in_the_state(tmp_path: Path) -> None:
    run = run_tap(tmp_path, config_for(_SANDBOX))

    assert "progress_markers" not in _names(run.state)


def _names(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_names, value.values()))
    if isinstance(value, list):
        return set().union(*map(_names, value))
    return set()
