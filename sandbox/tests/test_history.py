"""How the world goes on: what a day brings, always the same, and told over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from onefile_sandbox import Behaviour, Sandbox, World
from onefile_sandbox.world.people import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .conftest import Serve

Rows = dict[str, dict[Any, dict[str, Any]]]


def everything(sandbox: Sandbox) -> Rows:
    """Give all rows of all streams, by stream and key."""
    world = sandbox.world
    streams = [stream for stream in world.streams if stream != "customers"]
    return {stream: {i: dict(world.get(stream, i)) for i in world.ids(stream)} for stream in streams}


def lived(days: int, behaviour: Mapping[str, Any] | None = None, **options: int) -> tuple[Rows, Rows, World]:
    """Let days go by, and give the rows before and after."""
    sandbox = Sandbox(behaviour=Behaviour(**(behaviour or {})), **options)
    before = everything(sandbox)
    sandbox.advance(days)
    return before, everything(sandbox), sandbox.world


@pytest.fixture(scope="module")
def half_a_year() -> tuple[Rows, Rows, World]:
    return lived(180, learners=80)


def changed(rows: tuple[Rows, Rows, World], stream: str, field: str) -> list[Any]:
    """Give the keys of those that were there and have another value in a field now."""
    before, after, _ = rows
    return [i for i, row in before[stream].items() if i in after[stream] and after[stream][i][field] != row[field]]


def test_the_same_days_bring_the_same_in_one_go_or_one_by_one() -> None:
    at_once, by_day, other = Sandbox(), Sandbox(), Sandbox(seed=8)
    at_once.advance(45)
    for days in (1, 20, 0, 3, 21):
        by_day.advance(days)
    other.advance(45)
    assert everything(at_once) == everything(by_day)
    assert at_once.world.now == by_day.world.now == datetime(2025, 10, 16, 12, tzinfo=timezone.utc)
    assert set(everything(at_once)["reviews"]) != set(everything(other)["reviews"])


def test_edits_by_hand_and_days_may_take_turns() -> None:
    both = Sandbox(), Sandbox()
    for sandbox in both:
        sandbox.advance(3)
        sandbox.world.change("learners", 1000003, FirstName="Ada")
        due = sandbox.world.add("reviews", LearnerID=1000003, ScheduledFor=sandbox.world.now + timedelta(days=2))
        sandbox.world.remove("learners", 1000004)
        sandbox.advance(30)
        review = sandbox.world.get("reviews", due["ID"])
        assert review["StartedOn"] or review["ScheduledFor"] != due["ScheduledFor"]
    assert everything(both[0]) == everything(both[1])


@pytest.mark.parametrize("days", [-1, 1.5, "1", True, None])
def test_only_days_can_go_by(days: Any) -> None:  # noqa: ANN401 - whatever is no number of days
    with pytest.raises(ValueError, match="no number of days"):
        Sandbox().advance(days)


def test_days_go_by_where_there_is_nobody_too() -> None:
    for options in ({"learners": 0, "organisations": 0}, {"learners": 0, "organisations": 1}):
        sandbox = Sandbox(**options)
        sandbox.advance(5)
        assert sandbox.world.now == datetime(2025, 9, 6, 12, tzinfo=timezone.utc)


def test_people_come_change_move_and_go(half_a_year: tuple[Rows, Rows, World]) -> None:
    before, after, _ = half_a_year
    assert set(after["learners"]) - set(before["learners"])
    for field in ("LastName", "Email", "MISID", "PlacementID", "ClassroomID", "DefaultAssessorID", "Progress"):
        assert changed(half_a_year, "learners", field), field
    assert changed(half_a_year, "learners", "OrganisationID")
    joined = [row for i, row in after["learners"].items() if i not in before["learners"]]
    assert any(row["LastModified"] > row["CreatedOn"] for row in joined)
    gone = set(before["learners"]) - set(after["learners"])
    assert gone & set(after["archived_learners"])
    assert gone - set(after["archived_learners"])
    assert all(row["Role"] == 2 for row in after["archived_learners"].values())
    staff = [stream for stream in ROLES if "learners" not in stream]
    assert any(changed(half_a_year, stream, "LastModified") for stream in staff)
    assert any(set(after[stream]) - set(before[stream]) for stream in staff)
    assert any(set(before[stream]) - set(after[stream]) for stream in staff)
    assert set(after["placements"]) - set(before["placements"])
    assert changed(half_a_year, "placements", "Name")


def test_whoever_changes_is_modified_within_the_time_that_goes_by(half_a_year: tuple[Rows, Rows, World]) -> None:
    before, after, world = half_a_year
    begin = datetime(2025, 9, 1, 12, tzinfo=timezone.utc)
    for stream in ROLES:
        for key, row in after[stream].items():
            was = before[stream].get(key)
            if was is not None and was != row:
                assert begin <= row["LastModified"] <= world.now
            if was == row:
                assert row["LastModified"] < begin


def test_what_moves_in_silence_leaves_last_modified() -> None:
    before, after, _ = lived(20, learners=200)
    untouched = {i for i, row in after["learners"].items() if before["learners"].get(i) == row}
    for stream, parent in (("off_the_job", "ID"), ("learning_aims", "UserID"), ("unit_summaries", "UserID")):
        pairs = [(row, after[stream].get(i)) for i, row in before[stream].items()]
        assert untouched & {now[parent] for was, now in pairs if now and now != was}, stream


def test_hours_only_grow_and_aims_are_achieved(half_a_year: tuple[Rows, Rows, World]) -> None:
    before, after, _ = half_a_year
    grown = changed(half_a_year, "off_the_job", "CachedActualHours")
    assert len(grown) > 10
    for i in grown:
        assert after["off_the_job"][i]["CachedActualHours"] > before["off_the_job"][i]["CachedActualHours"]
        assert after["off_the_job"][i]["PercentOfPlanned"] > before["off_the_job"][i]["PercentOfPlanned"]
    for field in ("Progress", "RegistrationNumber", "CertificateAppliedDate"):
        assert changed(half_a_year, "learning_aims", field), field
    achieved = [i for i in changed(half_a_year, "learning_aims", "Status") if after["learning_aims"][i]["Status"] == 1]
    assert achieved
    for i in achieved:
        assert after["learning_aims"][i]["AchievedDate"]
        assert after["learning_aims"][i]["Progress"] == 100


def test_timesheet_rows_are_added_edited_and_removed(half_a_year: tuple[Rows, Rows, World]) -> None:
    before, after, _ = half_a_year
    rows, later = before["timesheets"], after["timesheets"]
    assert set(later) - set(rows)
    assert any(later[i]["Comments"] != row["Comments"] for i, row in rows.items() if i in later)
    removed = [row for i, row in rows.items() if i not in later]
    assert any(row["LearnerID"] in after["learners"] for row in removed)


def test_reviews_are_scheduled_held_and_signed_in_turn(half_a_year: tuple[Rows, Rows, World]) -> None:
    before, after, world = half_a_year
    new = [row for i, row in after["reviews"].items() if i not in before["reviews"]]
    assert {row["Status"] for row in new} >= {0, 1}
    assert any(row["ScheduledFor"] > world.now + timedelta(days=14) for row in new)
    for row in after["reviews"].values():
        signed = [row[name] for name in ("StartedOn", "AssessorSignedOn", "LearnerSignedOn", "EmployerSignedOn")]
        held = [moment for moment in signed if moment]
        assert signed[: len(held)] == held == sorted(held)
        assert all(moment <= world.now for moment in held)
    overdue = [r for r in after["reviews"].values() if not r["StartedOn"] and r["ScheduledFor"] < world.now]
    assert len(overdue) < len(after["reviews"]) / 5
    plans = [row for i, row in after["plans"].items() if i not in before["plans"]]
    assert {row["StatusID"] for row in plans} >= {5, 8}


def test_signed_reviews_are_unlocked_and_signed_again() -> None:
    sandbox = Sandbox(learners=80)
    signed: dict[int, datetime] = {}
    unlocked: dict[int, datetime] = {}
    again = 0
    for _ in range(70):
        sandbox.advance(1)
        for key in sandbox.world.ids("reviews"):
            row: dict[str, Any] = sandbox.world.get("reviews", key)
            moment = row["LearnerSignedOn"]
            if moment:
                again += moment > unlocked.pop(key, moment)
                signed[key] = moment
            elif key in signed:
                assert (row["AssessorSignedOn"] is None) or key in unlocked
                assert row["StartedOn"]
                unlocked[key] = signed.pop(key)
    assert again > 1


def test_some_changes_share_one_moment(half_a_year: tuple[Rows, Rows, World]) -> None:
    _, after, _ = half_a_year
    moments = [row["LastModified"] for row in after["learners"].values() if row["LastModified"].year >= 2025]
    assert len(set(moments)) < len(moments)


@pytest.mark.parametrize("seed", range(4))
def test_a_new_organisation_comes_with_old_records(seed: int) -> None:
    sandbox = Sandbox(learners=30, seed=seed)
    world = sandbox.world
    before = world.ids("organisations")
    days = 0
    while world.ids("organisations") == before:
        sandbox.advance(1)
        days += 1
    assert days <= 120
    (new,) = set(world.ids("organisations")) - set(before)
    learners = [world.get("learners", i) for i in world.ids("learners", new)]
    assert learners
    assert all(str(row["LastModified"]) < str(world.now - timedelta(days=80)) for row in learners)
    for stream in ("assessors", "classrooms", "placements", "reviews", "learning_aims", "assigned_standards"):
        assert world.ids(stream, new), stream


@pytest.mark.parametrize("bumps", [True, False])
def test_otj_bumps_last_modified(bumps: bool) -> None:  # noqa: FBT001 - it is what is tested
    before, after, _ = lived(15, {"otj_bumps_last_modified": bumps})
    pairs = [(i, row, after["off_the_job"].get(i)) for i, row in before["off_the_job"].items()]
    hours = [i for i, was, now in pairs if now and was != now]
    there = [i for i in hours if i in after["learners"] and i in before["learners"]]
    silent = [i for i in there if after["learners"][i] == before["learners"][i]]
    assert there
    assert bool(silent) != bumps


@pytest.mark.parametrize("bumps", [True, False])
def test_progress_bumps_last_modified(bumps: bool) -> None:  # noqa: FBT001 - it is what is tested
    before, after, _ = lived(40, {"progress_bumps_last_modified": bumps})
    there = [i for i in before["learners"] if i in after["learners"]]
    grown = [i for i in there if before["learners"][i]["Progress"] != after["learners"][i]["Progress"]]
    silent = [i for i in grown if before["learners"][i]["LastModified"] == after["learners"][i]["LastModified"]]
    assert grown
    assert bool(silent) != bumps


def test_clock_ahead_minutes() -> None:
    _, right, world = lived(30)
    _, ahead, _ = lived(30, {"clock_ahead_minutes": 5})
    assert set(right["reviews"]) == set(ahead["reviews"])
    for stream, field in (("learners", "LastModified"), ("reviews", "AssessorSignedOn"), ("reviews", "CreatedOn")):
        pairs = [(row[field], ahead[stream][i][field]) for i, row in right[stream].items()]
        assert {there - here for here, there in pairs if here and there} == {timedelta(), timedelta(minutes=5)}
    sandbox = Sandbox(behaviour=Behaviour(clock_ahead_minutes=5))
    assert sandbox.world.change("learners", 1000003)["LastModified"] == world.now - timedelta(days=30, minutes=-5)


def test_history_is_told_over_http(serve: Serve) -> None:
    client = serve()
    client.search("User", 1, 100, Role=1)
    client.search("Review", 1, 1000)
    begin = client.sandbox.world.now
    client.sandbox.advance(30)
    modified = client.ids("User", 1, 100, Role=1, LastModified=begin.isoformat())
    rows = client.search("User", 1, 100, Role=1).json()
    expected = [row["ID"] for row in rows if row["LastModified"] >= "2025-09-01T12:00:00Z"]
    assert modified == expected
    assert 0 < len(modified) < len(rows)
    assert [row["ID"] for row in rows] == client.sandbox.world.ids("learners")
    for stream, entity in (("reviews", "Review"), ("plans", "Plan"), ("learning_aims", "LearningAim")):
        assert client.ids(entity, 1, 1000) == client.sandbox.world.ids(stream)
    found = client.ids("Review", 1, 1000, DateFrom=begin.isoformat())
    assert found
    for review_id in found:
        told = client.call("GET", f"Review/{review_id}").json()
        row = client.sandbox.world.get("reviews", review_id)
        assert bool(told.get("LearnerSignedOn")) == bool(row["LearnerSignedOn"])


def test_a_world_may_begin_on_another_day() -> None:
    moment = datetime(2031, 5, 5, 10, 0, 0, 123456, tzinfo=timezone.utc)
    world = World(seed=7, learners=50, organisations=2, today=moment)
    assert world.now == moment.replace(microsecond=0)
    shift = world.now - World(seed=7, learners=50, organisations=2).now
    there = World(seed=7, learners=50, organisations=2).get("learners", 1000000)["LastModified"]
    assert isinstance(there, datetime)
    assert world.get("learners", 1000000)["LastModified"] == there + shift
    with pytest.raises(ValueError, match="time zone"):
        World(seed=7, learners=1, organisations=1, today=datetime(2031, 5, 5))  # noqa: DTZ001 - it is what is tested
