"""How learners get on: reviews, plans, off-the-job hours and the log of them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Client, Serve

REVIEW = {
    "ID", "LearnerID", "AssessorID", "EmployerID", "CreatedOn", "ScheduledFor", "StartedOn", "AssessorSignedOn",
    "LearnerSignedOn", "EmployerSignedOn", "VisitID", "Progress", "Status", "EndTime",
}  # fmt: skip
PLAN = {"ID", "LearnerID", "Title", "PlanOn", "AssessorSignedOn", "LearnerSignedOn", "StatusID"}
OTJ = {
    "ID", "ContractedHours", "TargetPercentage", "PlannedOTJ", "Duration", "MethodOfCalculatingOTJ", "MinimumOTJ",
    "PercentOfPlanned", "CachedActualHours",
}  # fmt: skip
ENTRY = {"TimesheetCategory", "FromDate", "ToDate", "Comments", "IsOffTheJob"}


def truth(client: Client, stream: str) -> list[dict[str, Any]]:
    """Give all rows of a stream."""
    world = client.sandbox.world
    return [dict(world.get(stream, i)) for i in world.ids(stream)]


@pytest.mark.parametrize(
    ("entity", "stream", "thin", "full"),
    [("Review", "reviews", {"ID", "ScheduledFor"}, REVIEW), ("Plan", "plans", {"ID", "PlanOn"}, PLAN)],
)
def test_detail_in_search(serve: Serve, entity: str, stream: str, thin: set[str], full: set[str]) -> None:
    for behaviour, fields in (
        ({}, thin),
        ({"detail_in_search": "rich"}, full),
        ({"detail_in_search": "rich", "paged_rows": "thin"}, thin),
    ):
        client = serve(behaviour=behaviour)
        assert set().union(*client.search(entity).json()) == thin
        rows = client.search(entity, 1, 1000).json()
        assert set().union(*rows) == fields
        records = client.sandbox.records(stream)
        assert rows == [{k: v for k, v in record.items() if k != "OrganisationID"} for record in records]
        complete = client.sandbox.records(stream, details=True)
        assert set().union(*complete) == full | {"OrganisationID"}
        told = client.call("GET", f"{entity}/{rows[7]['ID']}").json()
        assert {**told, "OrganisationID": complete[7]["OrganisationID"]} == complete[7]
    assert client.call("GET", f"{entity}/1").status_code == 404


@pytest.mark.parametrize(("entity", "stream"), [("Review", "reviews"), ("Plan", "plans")])
def test_they_are_found_by_organisation_and_learner(client: Client, entity: str, stream: str) -> None:
    rows = truth(client, stream)
    for organisation_id in client.sandbox.world.ids("organisations"):
        expected = [row["ID"] for row in rows if row["OrganisationID"] == organisation_id]
        assert client.ids(entity, 1, 1000, OrganisationID=organisation_id) == expected
        assert expected
    row = rows[-1]
    of_learner = [r["ID"] for r in rows if r["LearnerID"] == row["LearnerID"]]
    assert client.ids(entity, LearnerID=str(row["LearnerID"]), OrganisationID=row["OrganisationID"]) == of_learner
    assert client.ids(entity, 1, 50, LearnerID=row["LearnerID"]) == of_learner
    (other,) = {r["OrganisationID"] for r in rows} - {row["OrganisationID"]}
    assert client.search(entity, LearnerID=row["LearnerID"], OrganisationID=other).status_code == 204
    assert client.search(entity, LearnerID=1).status_code == 204
    assert client.search(entity, OrganisationID=1).json()["code"] == -11


def test_there_are_as_many_as_a_learner_has_had_time_for(serve: Serve) -> None:
    client = serve(learners=400)
    world = client.sandbox.world
    for stream, most in (("reviews", 6), ("plans", 8)):
        counts = Counter(row["LearnerID"] for row in truth(client, stream))
        assert max(counts.values()) == most
        assert 0.6 * most < sum(counts.values()) / len(world.ids("learners")) < most
    assert Counter(row["LearnerID"] for row in truth(client, "timesheets")).most_common(1)[0][1] == 12


def test_reviews_are_in_every_state(serve: Serve) -> None:
    client = serve(learners=400)
    now = client.sandbox.world.now
    states = Counter(row["Status"] for row in truth(client, "reviews"))
    assert set(states) == {0, 1, 2, 3}
    assert any(row["ScheduledFor"] > now for row in truth(client, "reviews"))
    for row in truth(client, "reviews"):
        signed = [row[name] for name in ("StartedOn", "AssessorSignedOn", "LearnerSignedOn", "EmployerSignedOn")]
        held = [moment for moment in signed if moment]
        assert signed[: len(held)] == held == sorted(held)
        assert all(moment < now for moment in (*held, row["CreatedOn"]))
        assert row["Status"] == {0: 0, 1: 2, 2: 3, 3: 1, 4: 1}[len(held)]
    assert {row["StatusID"] for row in truth(client, "plans")} == {1, 5, 8}
    assert any(row["PlanOn"] is None for row in truth(client, "plans"))


def test_reviews_are_found_by_status(client: Client) -> None:
    rows = truth(client, "reviews")
    for status in (0, 1):
        assert client.ids("Review", 1, 1000, Status=status) == [r["ID"] for r in rows if r["Status"] == status]


@pytest.mark.parametrize(("tested", "field"), [("scheduled", "ScheduledFor"), ("completed", "LearnerSignedOn")])
def test_review_window(serve: Serve, tested: str, field: str) -> None:
    client = serve(behaviour={"review_window": tested})
    rows = [row for row in truth(client, "reviews") if row[field]]
    moments = sorted(row[field] for row in rows)
    begin, end = moments[len(moments) // 4], moments[len(moments) // 2]
    expected = [row["ID"] for row in rows if begin <= row[field] <= end]
    window = {"DateFrom": begin.isoformat(), "DateTo": end.isoformat().replace("+00:00", "Z")}
    assert client.ids("Review", 1, 1000, **window) == expected
    assert client.ids("Review", 1, 1000, DateFrom=begin.isoformat()) == [r["ID"] for r in rows if r[field] >= begin]
    assert 0 < len(expected) < len(rows)


@pytest.mark.parametrize("inclusive", [True, False])
def test_date_to_inclusive(serve: Serve, inclusive: bool) -> None:  # noqa: FBT001 - it is what is tested
    client = serve(behaviour={"date_to_inclusive": inclusive})
    review = client.sandbox.world.add("reviews", ScheduledFor="2031-05-05T10:00:00Z")
    window = {"DateFrom": "2031-05-05T10:00:00Z", "DateTo": "2031-05-05T11:00:00+01:00"}
    assert client.ids("Review", 1, 50, **window) == ([review["ID"]] if inclusive else [])


@pytest.mark.parametrize("found", [True, False])
def test_archived_portfolios(serve: Serve, found: bool) -> None:  # noqa: FBT001 - it is what is tested
    client = serve(behaviour={"archived_portfolios": found})
    world = client.sandbox.world
    world.archive(1000002)
    world.archive(1000004)
    for entity, name in (("Review", "LearnerID"), ("Plan", "LearnerID"), ("LearningAim", "UserID")):
        stream = {"Review": "reviews", "Plan": "plans", "LearningAim": "learning_aims"}[entity]
        of_archived = {row["ID"] for row in truth(client, stream) if row[name] in {1000002, 1000004}}
        assert of_archived
        assert (set(client.ids(entity, 1, 1000)) & of_archived) == (of_archived if found else set())
        assert bool(client.ids(entity, **{name: 1000004})) == found
        assert {r["ID"] for r in client.sandbox.records(stream)} == set(client.ids(entity, 1, 1000))


def test_hours_are_one_object(client: Client) -> None:
    told = []
    for learner_id in client.sandbox.world.ids("learners"):
        answer = client.call("GET", f"User/{learner_id}/offthejob")
        if answer.status_code == 204:
            continue
        assert set(answer.json()) <= OTJ
        assert answer.json()["ID"] == learner_id
        told.append(answer.json())
    assert 30 < len(told) < 50
    records = client.sandbox.records("off_the_job")
    assert told == [{k: v for k, v in r.items() if k not in {"LearnerID", "OrganisationID"}} for r in records]
    assert all(record["LearnerID"] == record["ID"] for record in records)
    assert any(row["PlannedOTJ"] != int(row["PlannedOTJ"]) for row in told)
    assert {call.route for call in client.sandbox.calls} == {"GET /User/{id}/OffTheJob"}


@pytest.mark.parametrize("status", ["204", "404"])
def test_no_off_the_job(serve: Serve, status: str) -> None:
    client = serve(behaviour={"no_off_the_job": status})
    without = next(
        i for i in client.sandbox.world.ids("learners") if not client.sandbox.world.children("off_the_job").of(i)
    )
    assert client.call("GET", f"User/{without}/offthejob").status_code == int(status)
    assert client.call("GET", "User/1/offthejob").status_code == 404


def test_timesheets_are_lists_of_rows_without_ids(client: Client) -> None:
    told = []
    for learner_id in client.sandbox.world.ids("learners"):
        answer = client.call("GET", f"Timesheet/Learner/{learner_id}")
        rows = answer.json() if answer.status_code == 200 else []
        assert (answer.status_code == 204) == (rows == [])
        assert all(set(row) <= ENTRY for row in rows)
        told += [(learner_id, row) for row in rows]
    records = client.sandbox.records("timesheets")
    assert told == [(r["LearnerID"], {k: v for k, v in r.items() if k in ENTRY}) for r in records]
    assert {call.route for call in client.sandbox.calls} == {"GET /Timesheet/Learner/{id}"}
    assert client.call("GET", "Timesheet/Learner/1").status_code == 404
    assert {row["IsOffTheJob"] for _, row in told} == {True, False, "true"}
    assert max(len(row.get("Comments") or "") for _, row in told) > 65_535
    alike = Counter(str(sorted(truth.items())) for truth in ({**r, "_Key": 0} for r in truth(client, "timesheets")))
    assert max(alike.values()) > 1


def test_they_can_be_edited(client: Client) -> None:
    world = client.sandbox.world
    before = len(client.sandbox.records("timesheets"))
    row = world.add("timesheets", LearnerID=1000007, FromDate="2025-08-04T09:00:00Z", Comments="Mine")
    assert client.call("GET", "Timesheet/Learner/1000007").json()[-1]["Comments"] == "Mine"
    world.change("timesheets", int(str(row["_Key"])), Comments="Changed")
    assert client.call("GET", "Timesheet/Learner/1000007").json()[-1]["Comments"] == "Changed"
    world.remove("timesheets", world.children("timesheets").of(1000003)[0])
    assert len(client.sandbox.records("timesheets")) == before
    world.change("off_the_job", 1000003, CachedActualHours=7.25)
    assert client.call("GET", "User/1000003/offthejob").json()["CachedActualHours"] == 7.25
    review = world.add("reviews", LearnerID=1000007, ScheduledFor=world.now + timedelta(days=9))
    assert review["Status"] == 0
    signed = world.change("reviews", review["ID"], StartedOn="2025-09-01T10:00:00Z", AssessorSignedOn="2025-09-01")
    assert client.call("GET", f"Review/{review['ID']}").json()["Status"] == signed["Status"] == 3
    plan = world.add("plans", LearnerID=1000007, Title="New one")
    assert client.call("GET", f"Plan/{plan['ID']}").json()["Title"] == "New one"


def test_what_hangs_from_a_learner_moves_and_goes_with_the_learner(client: Client) -> None:
    world = client.sandbox.world
    first, second = world.ids("organisations")
    mover, goer = world.ids("learners", first)[:2]
    reviews = client.ids("Review", LearnerID=mover)
    added = world.add("reviews", LearnerID=mover)["ID"]
    world.change("learners", mover, OrganisationID=second)
    assert not set(reviews) & set(client.ids("Review", 1, 1000, OrganisationID=first))
    assert {*reviews, added} <= set(client.ids("Review", 1, 1000, OrganisationID=second))
    gone = client.ids("Review", LearnerID=goer)
    world.remove("learners", goer)
    assert client.search("Review", LearnerID=goer).status_code == 204
    assert not set(gone) & set(client.ids("Review", 1, 1000))
    assert client.call("GET", f"Review/{gone[0]}").status_code == 404
    assert client.call("GET", f"Timesheet/Learner/{goer}").status_code == 404
    assert goer not in {record["LearnerID"] for record in client.sandbox.records("timesheets")}


def test_what_hangs_from_a_learner_may_be_given_to_another(client: Client) -> None:
    world = client.sandbox.world
    review = world.add("reviews", LearnerID=1000001)["ID"]
    world.change("reviews", review, LearnerID=1000040)
    assert review not in client.ids("Review", LearnerID=1000001)
    assert review in client.ids("Review", LearnerID=1000040)
    assert client.ids("Review", 1, 1000).count(review) == 1


def test_added_records_come_last(client: Client) -> None:
    review = client.sandbox.world.add("reviews", LearnerID=1000001)["ID"]
    ids = client.ids("Review", 1, 1000)
    assert ids == sorted(ids)
    assert ids[-1] == review


def test_an_added_learner_has_nothing_until_it_is_added(client: Client) -> None:
    learner = client.sandbox.world.add("learners")["ID"]
    for entity, name in (("Review", "LearnerID"), ("Plan", "LearnerID"), ("LearningAim", "UserID")):
        assert client.search(entity, 1, 50, **{name: learner}).status_code == 204
    for path in (f"User/{learner}/offthejob", f"User/{learner}/UnitSummary", f"Timesheet/Learner/{learner}"):
        assert client.call("GET", path).status_code == 204
    hours = client.sandbox.world.add("off_the_job", LearnerID=learner, PlannedOTJ=100)
    assert client.call("GET", f"User/{learner}/offthejob").json()["ID"] == learner == hours["ID"]


def test_moments_lie_in_office_hours(client: Client) -> None:
    for row in truth(client, "reviews"):
        assert isinstance(row["ScheduledFor"], datetime)
        assert 8 <= row["ScheduledFor"].hour < 17
