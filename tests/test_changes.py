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
    from collections.abc import Collection, Generator
    from pathlib import Path

    from tests.running import Run

PEOPLE = {"learners", "assessors", "employers"}
CHANGING = [stream for stream in STREAMS if stream.name in PEOPLE | {"reviews"}]


class Target:
    """What a database holds after some runs, and the state that goes with it.

    Args:
        folder: An empty folder.
        changes_only: Whether the catalog asks for changes only, and not as by default for all people.
    """

    def __init__(self, folder: Path, *, changes_only: bool = True) -> None:
        self._folder = folder
        self._catalog = select(folder, *(stream.name for stream in CHANGING))
        if changes_only:
            self.read_people("INCREMENTAL")
        self.tables: dict[str, dict[Any, dict[str, Any]]] = {stream.name: {} for stream in CHANGING}
        self.state: dict[str, Any] = {}

    def read_people(self, method: str) -> None:
        """Have the catalog say how people are read."""
        self.read(method, PEOPLE)

    def read(self, method: str, streams: Collection[str]) -> None:
        """Have the metadata of the catalog say how streams are read, as Singer has it, and Meltano's `metadata` too."""
        path = self._folder / "catalog.json"
        catalog = json.loads(path.read_text(encoding="utf-8"))
        for stream in catalog["streams"]:
            if stream["tap_stream_id"] in streams:
                (root,) = (entry["metadata"] for entry in stream["metadata"] if not entry["breadcrumb"])
                root["replication-method"] = method
        path.write_text(json.dumps(catalog), encoding="utf-8")

    def load(self, sandbox: Sandbox, *, status: int = 0, **settings: object) -> Run:
        """Run the tap once with the state that was left, and take over what it sends."""
        (self._folder / "state.json").write_text(json.dumps(self.state), encoding="utf-8")
        config = config_for(sandbox, **{"review_window": 36_500, **settings})
        run = run_tap(self._folder, config, *self._catalog, "--state", "state.json")
        assert run.status == status, run.stderr
        for message in run.messages:
            if message["type"] == "RECORD":
                self.tables[message["stream"]][message["record"]["ID"]] = message["record"]
            elif message["type"] == "STATE":
                self.state = message["value"]
        return run

    def assert_holds(self, sandbox: Sandbox, *detailed: str) -> None:
        """Assert that all that OneFile holds now is here, as it is now; of some streams in all detail."""
        for stream in CHANGING:
            for row in sandbox.records(stream.name, details=stream.name in {"reviews", *detailed}):
                held = spelled(row, stream.schema, stream.row_defaults)
                assert self.tables[stream.name].get(row["ID"]) == held, stream.name

    def bookmarks(self, stream: str) -> list[str]:
        """Give the bookmarks of all organisations."""
        return list(self.state["bookmarks"][stream].get("organisations", {}).values())


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
    changes_only=st.booleans(),
    minutes_ahead=st.sampled_from([0, 7]),
)
def test_the_target_holds_what_onefile_holds_after_every_run(
    tmp_path_factory: pytest.TempPathFactory,
    days: list[int],
    last_modified: Literal["present", "sometimes", "absent"],
    inclusive: bool,  # noqa: FBT001 - drawn, not called
    changes_only: bool,  # noqa: FBT001 - drawn, not called
    minutes_ahead: int,
) -> None:
    target = Target(tmp_path_factory.mktemp("target"), changes_only=changes_only)
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
        target.load(sandbox, status=1, page_size=5, parallel_requests=1)
        assert target.bookmarks("learners") == before
        sandbox.clear_faults()

        target.load(sandbox)

        target.assert_holds(sandbox)


def test_a_full_refresh_by_the_catalog_asks_for_all(tmp_path: Path) -> None:
    target = Target(tmp_path)
    with onefile() as sandbox:
        target.load(sandbox)
        target.read_people("FULL_TABLE")
        sandbox.reset_calls()

        run = target.load(sandbox)

        assert len(run.records["learners"]) == len(sandbox.records("learners"))
        assert not [call for call in sandbox.calls if "LastModified" in call.body]


# Runs that read more than those before them.


@pytest.mark.parametrize("afterwards", [None, "2001-01-01"], ids=["taken out", "moved back"])
def test_what_a_start_date_left_out_comes_when_it_is_moved_back_or_taken_out(
    tmp_path: Path, afterwards: str | None
) -> None:
    target = Target(tmp_path)
    with onefile() as sandbox:
        target.load(sandbox, start_date="2025-02-01")
        assert 0 < len(target.tables["learners"]) < len(sandbox.records("learners"))

        run = target.load(sandbox, start_date=afterwards)

        assert "Read from the beginning: " in run.stderr
        target.assert_holds(sandbox)
        again = target.load(sandbox, start_date=afterwards)
        assert "Read from the beginning" not in again.stderr
        assert len(again.records["learners"]) < len(run.records["learners"])


def test_what_a_start_date_left_out_of_one_organisation_comes_although_another_was_read_without_it(
    tmp_path: Path,
) -> None:
    target = Target(tmp_path)
    with onefile() as sandbox:
        first, second = (row["ID"] for row in sandbox.records("organisations"))
        target.load(sandbox, start_date="2025-02-01")
        before = target.state["bookmarks"]
        target.state = {}
        target.load(sandbox, organisation_ids=[first])
        # As Meltano merges the state of a run with --full-refresh into what there was.
        target.state = {"bookmarks": merged(before, target.state["bookmarks"])}
        assert target.state["bookmarks"]["learners"]["organisations"].keys() == {str(first), str(second)}

        run = target.load(sandbox)

        assert "Read from the beginning: " in run.stderr
        target.assert_holds(sandbox)


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Merge a dictionary into another, however deep."""
    both = {name: merged(old[name], new[name]) for name in old.keys() & new.keys() if isinstance(old[name], dict)}
    return {**old, **new, **both}


def test_a_run_that_fails_before_anything_is_read_takes_no_note_of_what_it_would_have_read(tmp_path: Path) -> None:
    target = Target(tmp_path)
    with onefile() as sandbox:
        target.load(sandbox, start_date="2025-02-01")
        before = target.state["bookmarks"]
        target.state = {}
        sandbox.add_fault(Fault(kind="status", status=403, match="POST /(User|Review)/Search", times=None))
        target.load(sandbox, status=1)
        sandbox.clear_faults()
        target.state = {"bookmarks": merged(before, target.state["bookmarks"])}

        target.load(sandbox)

        target.assert_holds(sandbox)


def test_a_later_start_date_keeps_the_bookmarks(tmp_path: Path) -> None:
    target = Target(tmp_path)
    with onefile() as sandbox:
        target.load(sandbox)
        before = target.bookmarks("learners")

        run = target.load(sandbox, start_date="2025-02-01")

        assert "Read from the beginning" not in run.stderr
        assert target.bookmarks("learners") == before
        assert "Read from the beginning" in target.load(sandbox).stderr


@pytest.mark.parametrize("method", ["INCREMENTAL", "FULL_TABLE"])
def test_people_whose_bookmarks_note_nothing_are_completed_from_the_beginning(tmp_path: Path, method: str) -> None:
    target = Target(tmp_path)
    with onefile(paged_rows="thin") as sandbox:
        target.load(sandbox)
        for stream in target.state["bookmarks"].values():
            stream.pop("limits", None)
        target.read_people(method)

        run = target.load(sandbox, fetch_details=["learners", "assessors", "employers", "reviews"])

        assert "Read from the beginning: assessors, employers, learners." in run.stderr
        target.assert_holds(sandbox, *PEOPLE)


def test_bookmarks_of_reviews_are_forgotten_where_all_are_read(tmp_path: Path) -> None:
    target = Target(tmp_path)
    with onefile() as sandbox:
        target.load(sandbox)
        target.read("FULL_TABLE", {"reviews"})
        run = target.load(sandbox, fetch_details=["plans"])

        assert "Read in full from now on: reviews." in run.stderr
        target.read("INCREMENTAL", {"reviews"})
        target.load(sandbox)
        target.assert_holds(sandbox)


def test_what_was_read_without_details_is_read_again_with_them(tmp_path: Path) -> None:
    target = Target(tmp_path)
    with onefile(paged_rows="thin") as sandbox:
        thin = target.load(sandbox, fetch_details=["learners"])
        assert "does not name them: reviews" in thin.stderr
        assert not any(record["LearnerID"] for record in thin.records["reviews"])

        full = target.load(sandbox, fetch_details=["learners", "assessors", "employers", "reviews"])

        assert "Read from the beginning: " in full.stderr
        assert "does not name them" not in full.stderr
        target.assert_holds(sandbox, *PEOPLE)
        again = target.load(sandbox, fetch_details=["learners", "assessors", "employers", "reviews"])
        assert "Read from the beginning" not in again.stderr


def test_a_review_without_a_date_is_read_again_however_that_is_spelled(tmp_path: Path) -> None:
    target = Target(tmp_path, changes_only=False)
    with onefile() as sandbox:
        first, second, third = sandbox.world.ids("reviews")[:3]
        target.load(sandbox)
        for review, moment in ((first, "1900-01-01"), (second, "0001-01-01"), (third, "1999-01-01")):
            scheduled = datetime.fromisoformat(f"{moment}T00:00:00+00:00")
            sandbox.world.change("reviews", review, ScheduledFor=scheduled)

        run = target.load(sandbox, review_window=1)

        sent = {record["ID"] for record in run.records["reviews"]}
        assert {first, second} <= sent
        assert third not in sent


# People, read in full.


def test_people_are_read_in_full_by_default_and_have_no_bookmarks(tmp_path: Path) -> None:
    target = Target(tmp_path, changes_only=False)
    with onefile() as sandbox:
        target.load(sandbox)
        first, second = sandbox.world.ids("learners")[:2]
        before = sandbox.world.get("learners", first)["LastModified"]
        sandbox.world.change("learners", first, Progress=99.5, LastModified=before)
        sandbox.world.remove("learners", second)
        sandbox.reset_calls()

        run = target.load(sandbox)

        assert not [call for call in sandbox.calls if "LastModified" in call.body]
        assert {record["ID"] for record in run.records["learners"]} == {
            row["ID"] for row in sandbox.records("learners")
        }
        assert target.tables["learners"][first]["Progress"] == 99.5
        assert not any(target.bookmarks(name) for name in PEOPLE)


def test_the_state_of_a_version_that_read_changes_only_loses_nothing_and_one_line_says_what_changed(
    tmp_path: Path,
) -> None:
    target = Target(tmp_path, changes_only=False)
    with onefile() as sandbox:
        (organisation, *_) = (row["ID"] for row in sandbox.records("organisations"))
        bookmark = {"replication_key": "LastModified", "replication_key_value": datetime.now(UTC).isoformat()}
        partition = {"context": {"OrganisationID": organisation}, **bookmark}
        target.state = {"bookmarks": {name: {"partitions": [partition]} for name in ("learners", "assessors")}}

        runs = [target.load(sandbox), target.load(sandbox)]

        target.assert_holds(sandbox)
        assert not any(target.bookmarks(name) for name in PEOPLE)
        lines = [line for run in runs for line in run.stderr.splitlines() if "from now on" in line]
        assert [("learners" in line, "assessors" in line) for line in lines] == [(True, True)]
        assert "INCREMENTAL" in lines[0]


def test_bookmarks_in_the_form_of_the_sdk_are_gone_on_from(tmp_path: Path) -> None:
    target = Target(tmp_path)
    with onefile() as sandbox:
        target.load(sandbox)
        ours = target.state["bookmarks"]
        for name in PEOPLE:
            held = ours[name]
            partitions = [
                {
                    "context": {"OrganisationID": int(owner)},
                    "replication_key": held["replication_key"],
                    "replication_key_value": value,
                }
                for owner, value in held["organisations"].items()
            ]
            ours[name] = {"partitions": partitions}
        sandbox.reset_calls()

        run = target.load(sandbox)

        assert all("LastModified" in call.body for call in sandbox.calls if "User/Search" in call.route)
        assert run.state["bookmarks"]["learners"]["organisations"].keys() == {
            str(row["ID"]) for row in sandbox.records("organisations")
        }


def test_changes_only_are_logged_with_what_they_miss_and_activate_no_version(tmp_path: Path) -> None:
    with onefile() as sandbox:
        run = Target(tmp_path).load(sandbox, emit_activate_version_messages=True)

    activated = set(run.activated)
    assert not activated
    (line,) = [line for line in run.stderr.splitlines() if "changes only" in line]
    assert all(word in line for word in (*PEOPLE, "archived", "Progress"))


@pytest.mark.parametrize(
    ("settings_given", "is_covered"),
    [({}, True), ({"start_date": "2020-01-01"}, False), ({"fetch_details": ["learners"]}, False)],
)
def test_who_was_archived_leaves_the_active_tables_where_everybody_is_sent(
    tmp_path: Path,
    settings_given: dict[str, Any],
    is_covered: bool,  # noqa: FBT001 - a parameter
) -> None:
    target = Target(tmp_path, changes_only=False)
    with onefile() as sandbox:
        run = target.load(sandbox, emit_activate_version_messages=True, **settings_given)

    activated = set(run.activated)
    assert ("learners" in activated) is is_covered
    assert "reviews" not in activated
    if is_covered:
        assert activated >= PEOPLE


# People, with a call for each.


def details_in(sandbox: Sandbox) -> set[int]:
    """Give the ids of the users that were asked for by a call of their own."""
    return {int(call.path.rpartition("/")[2]) for call in sandbox.calls if call.route == "GET /User/{id}"}


def test_details_of_people_are_fetched_of_those_modified_lately_and_nothing_thin_replaces_them(tmp_path: Path) -> None:
    target = Target(tmp_path, changes_only=False)
    with onefile(paged_rows="dated") as sandbox:
        everybody = {row["ID"] for name in PEOPLE for row in sandbox.records(name)}
        everything: dict[str, Any] = {"fetch_details": ["reviews", *PEOPLE], "detail_window": 0}
        target.load(sandbox, **everything)
        assert details_in(sandbox) == everybody
        (first, *_) = sandbox.world.ids("learners")
        sandbox.world.now = datetime.now(UTC)
        sandbox.world.change("learners", first, FirstName="Changed")
        sandbox.reset_calls()

        run = target.load(sandbox, **everything)

        assert not [call for call in sandbox.calls if "LastModified" in call.body]
        assert first in details_in(sandbox)
        # Whoever was the last to be modified in an organisation is at its bookmark.
        assert len(details_in(sandbox)) <= 2 * len(PEOPLE) + 1 < len(everybody)
        sent = {record["ID"] for name in PEOPLE for record in run.records[name]}
        assert sent == details_in(sandbox)
        assert "learners: " in run.stderr
        assert "detail_window" in run.stderr
        target.assert_holds(sandbox, *PEOPLE)


def test_details_of_all_people_are_fetched_where_nothing_says_when_they_were_modified(tmp_path: Path) -> None:
    target = Target(tmp_path, changes_only=False)
    with onefile(paged_rows="thin") as sandbox:
        for _ in range(2):
            sandbox.reset_calls()
            run = target.load(sandbox, fetch_details=["reviews", *PEOPLE])
            assert "detail_window" not in run.stderr
            assert details_in(sandbox) >= {row["ID"] for row in sandbox.records("learners")}
        target.assert_holds(sandbox, *PEOPLE)
