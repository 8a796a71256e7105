"""What the docs say of how many calls a night takes is what a night takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from onefile_sandbox import Sandbox
from tests.running import config_for, run_tap, select
from tools.docs import nights

if TYPE_CHECKING:
    from pathlib import Path

LEARNERS = 60


@pytest.mark.parametrize("streams", [nights.BY_DEFAULT, (*nights.BY_DEFAULT, *nights.COSTLY)], ids=len)
def test_a_night_takes_the_calls_that_are_worked_out(tmp_path: Path, streams: tuple[str, ...]) -> None:
    select(tmp_path, *streams)
    one = nights.centre(LEARNERS)
    with Sandbox(learners=LEARNERS, organisations=1, calls_per_minute=0) as sandbox:
        config = config_for(sandbox, page_size=100)
        first = run_tap(tmp_path, config, "--catalog", "catalog.json")
        taken = len(sandbox.calls)

    assert first.status == 0
    assert taken == pytest.approx(nights.calls(one, 1, 100, streams, is_first=True), rel=0.1)
