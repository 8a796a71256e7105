"""After every run the target holds what OneFile holds, although only changes are asked for."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onefile_sandbox import Behaviour, Fault, Sandbox
from tap_onefile.records.convert import to_timestamp
from tap_onefile.streams import STREAMS
from tests.expected import spelled
from tests.running import config_for, run_tap, select

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.running import Run

CHANGING = [stream for stream in STREAMS if stream.name in {"learners", "assessors", "employers", "reviews"}]


class Target:
    """What a database holds after some runs, and the state that goes with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._catalog = select(folder, *(stream.name for stream in CHANGING))
        self.tables: dict[str, dict[Any, dict[str, Any]]] = {stream.name: {} for stream in CHANGING}
        self.state: dict[str, Any] = {}

    def load(self, sandbox: Sandbox, **settings: object) -> Run:
        """Run the tap once with the state that was left, and take over what it sends."""
        (self._folder / "state.json").write_text(json.dumps(self.state), encoding="utf-8")
        config = config_for(sandbox, review_window=36_500, **settings)
        run = run_tap(self._folder, config, *self._catalog, "--state", "state.json")
        for message in run.messages:
            if message["type"] == "RECORD":
                self.tables[message["stream"]][message["record"]["ID"]] = message["record"]
            elif message["type"] == "STATE":
                self.state = message["value"]
        return run

    def assert_holds(self, sandbox: Sandbox) -> None:
        """Assert that all that OneFile holds now is here, as it is now."""
        for stream in CHANGING:
            for row in sandbox.records(stream.name, details=stream.name == "reviews"):
                held = spelled(row, stream.schema, stream.row_defaults)
                assert self.tables[stream.name].get(row["ID"]) == held, stream.name

    def bookmarks(self, stream: str) -> list[str]:
        """Give the bookmarks of all organisations."""
        partitions = self.state["bookmarks"][stream]["partitions"]
        return [partition["replication_key_value"] for partition in partitions if "replication_key_value" in partition]


@contextmanager
def onefile(**behaviour: Any) -> Generator[Sandbox]:  # noqa: ANN401 - they are Behaviour's
    """Start a sandbox whose world is at the present day."""
    settled = Behaviour(**behaviour)
    with Sandbox(learners=16, organisations=2, seed=11, calls_per_minute=0, behaviour=settled) as sandbox:
        sandbox.world.now = datetime.now(UTC) - timedelta(days=90)
        yield sandbox


@pytest.mark.slow
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    days=st.lists(st.integers(0, 20), min_size=2, max_size=3),
    last_modified=st.sampled_from(["present", "sometimes", "absent"]),
    inclusive=st.booleans(),
    minutes_ahead=st.sampled_from([0, 7]),
)
def test_the_target_holds_what_onefile_holds_after_every_run(
    tmp_path_factory: pytest.TempPathFactory,
    days: list[int],
    last_modified: Literal["present", "sometimes", "absent"],
    inclusive: bool,  # noqa: FBT001 - drawn, not called
    minutes_ahead: int,
) -> None:
    target = Target(tmp_path_factory.mktemp("target"))
    behaviour = {"last_modified_inclusive": inclusive, "clock_ahead_minutes": minutes_ahead}
    with onefile(last_modified=last_modified, **behaviour) as sandbox:
        for gone_by in (0, *days):
            sandbox.advance(gone_by)
            # Rows that do not tell their moment make the bookmark that of the run, so the world must be at the present.
            sandbox.world.now = max(sandbox.world.now, datetime.now(UTC) - timedelta(hours=20))
            run = target.load(sandbox)

            assert run.status == 0, run.stderr
            target.assert_holds(sandbox)


def test_a_second_run_asks_for_and_sends_changes_only(tmp_path: Path) -> None:
    target = Target(tmp_path)
    with onefile() as sandbox:
        target.load(sandbox)
        (first, *_) = sandbox.world.ids("learners")
        sandbox.world.now = datetime.now(UTC)
        sandbox.world.change("learners", first, FirstName="Changed")
        sandbox.reset_calls()

        run = target.load(sandbox, lookback=0)

        assert first in {record["ID"] for record in run.records["learners"]}
        assert len(run.records["learners"]) < 5
        asked = [call.body for call in sandbox.calls if "User/Search" in call.route]
        assert all("LastModified" in body for body in asked)
        target.assert_holds(sandbox)


def test_the_search_looks_back_and_the_bookmark_does_not(tmp_path: Path) -> None:
    target = Target(tmp_path)
    with onefile() as sandbox:
        target.load(sandbox)
        before = target.bookmarks("learners")
        sandbox.reset_calls()

        target.load(sandbox, lookback=48)

        asked = {call.body["LastModified"] for call in sandbox.calls if call.body.get("Role") == 1}
        expected = {to_timestamp(str(datetime.fromisoformat(moment) - timedelta(hours=48)))[:23] for moment in before}
        assert {moment[:23] for moment in asked} == expected
        assert target.bookmarks("learners") == before


def test_a_bookmark_never_passes_the_moment_the_run_began(tmp_path: Path) -> None:
    target = Target(tmp_path)
    with onefile() as sandbox:
        (first, *_) = sandbox.world.ids("learners")
        sandbox.world.now = datetime.now(UTC) + timedelta(days=2)
        sandbox.world.change("learners", first, FirstName="From the future")

        target.load(sandbox)

        assert max(target.bookmarks("learners")) <= to_timestamp(datetime.now(UTC).isoformat())


def test_all_of_a_new_organisation_comes_however_old_it_is(tmp_path: Path) -> None:
    target = Target(tmp_path)
    with onefile() as sandbox:
        target.load(sandbox)
        organisation = sandbox.world.add("organisations")["ID"]
        assert isinstance(organisation, int)
        old = datetime(2019, 5, 1, tzinfo=UTC)
        newcomer = sandbox.world.add("learners", organisation_id=organisation, LastModified=old, CreatedOn=old)["ID"]

        target.load(sandbox)

        assert newcomer in target.tables["learners"]


def test_an_organisation_left_out_for_a_while_misses_nothing(tmp_path: Path) -> None:
    target = Target(tmp_path)
    with onefile() as sandbox:
        first, second = (row["ID"] for row in sandbox.records("organisations"))
        target.load(sandbox)
        sandbox.world.now = datetime.now(UTC)
        (learner, *_) = sandbox.world.ids("learners", second)
        sandbox.world.change("learners", learner, FirstName="While nobody looked")
        target.load(sandbox, organisation_ids=[first])
        assert target.tables["learners"][learner]["FirstName"] != "While nobody looked"

        target.load(sandbox)

        target.assert_holds(sandbox)


def test_a_refused_organisation_keeps_its_bookmark(tmp_path: Path) -> None:
    target = Target(tmp_path)
    with onefile() as sandbox:
        target.load(sandbox)
        before = target.bookmarks("learners")
        for learner in sandbox.world.ids("learners"):
            sandbox.world.now = datetime.now(UTC)
            sandbox.world.change("learners", learner, FirstName="Missed")
        refusal = Fault(kind="status", status=403, match="POST /User/Search", where={"Role": 1}, after=1, times=None)
        sandbox.add_fault(refusal)
        assert target.load(sandbox, page_size=5, parallel_requests=1).status == 1
        assert target.bookmarks("learners") == before
        sandbox.clear_faults()

        assert target.load(sandbox).status == 0

        target.assert_holds(sandbox)


def test_a_full_refresh_by_the_catalog_asks_for_all(tmp_path: Path) -> None:
    target = Target(tmp_path)
    with onefile() as sandbox:
        target.load(sandbox)
        catalog = json.loads((tmp_path / "catalog.json").read_text(encoding="utf-8"))
        for stream in catalog["streams"]:
            stream["replication_method"] = "FULL_TABLE"
        (tmp_path / "catalog.json").write_text(json.dumps(catalog), encoding="utf-8")
        sandbox.reset_calls()

        run = target.load(sandbox)

        assert len(run.records["learners"]) == len(sandbox.records("learners"))
        assert not [call for call in sandbox.calls if "LastModified" in call.body]
