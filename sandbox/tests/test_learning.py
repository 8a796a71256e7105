"""What learners are enrolled on: learning aims and unit summaries."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Client, Serve

THIN = {"ID", "StandardID", "UserID", "Status"}
FULL = THIN | {
    "Progress", "StartDate", "PlannedEnd", "RegistrationNumber", "RegistrationDate", "CertificateAppliedDate",
    "AchievedDate",
}  # fmt: skip


def test_aims_are_told_thin_and_rich(client: Client) -> None:
    thin, rich = client.search("LearningAim").json(), client.search("LearningAim", 1, 1000).json()
    assert set().union(*thin) == THIN
    assert set().union(*rich) == FULL
    assert rich == client.sandbox.records("learning_aims") == client.sandbox.records("learning_aims", details=True)
    assert client.call("GET", f"LearningAim/{rich[5]['ID']}").json() == rich[5]
    assert client.call("GET", "LearningAim/5").status_code == 404


def test_a_thin_reader_gets_the_details_by_id(serve: Serve) -> None:
    client = serve(behaviour={"paged_rows": "thin"})
    assert set().union(*client.sandbox.records("learning_aims")) == THIN
    assert set().union(*client.sandbox.records("learning_aims", details=True)) == FULL


def test_aims_are_found_by_learner(client: Client) -> None:
    records = client.sandbox.records("learning_aims")
    counts = set()
    for learner_id in client.sandbox.world.ids("learners"):
        expected = [record["ID"] for record in records if record["UserID"] == learner_id]
        assert client.ids("LearningAim", 1, 50, UserID=learner_id) == expected
        counts.add(len(expected))
    assert counts == {1, 2}
    assert client.search("LearningAim", 1, 50, UserID=1).status_code == 204
    assert client.search("LearningAim", 1, 50, UserID=1000000, OrganisationID=1).status_code == 200


def test_aims_are_found_by_status_and_by_the_day_of_achievement(client: Client) -> None:
    rows = [client.sandbox.world.get("learning_aims", i) for i in client.sandbox.world.ids("learning_aims")]
    achieved = {row["ID"]: row["AchievedDate"] for row in rows if row["Status"] == 1}
    assert client.ids("LearningAim", LearningAimCompletionStatus=1) == list(achieved)
    assert all(row["AchievedDate"] is None for row in rows if row["Status"] != 1)
    day = f"{sorted(str(moment) for moment in achieved.values())[len(achieved) // 2][:10]}T12:00"
    late = client.ids("LearningAim", 1, 50, LearningAimCompletionStatus=1, DateFrom=day)
    early = client.ids("LearningAim", 1, 50, DateTo=day)
    assert sorted(late + early) == list(achieved)
    assert late
    assert early
    assert client.search("LearningAim", DateFrom="soon").status_code == 400


@pytest.mark.parametrize(("way", "status"), [("400", 400), ("nothing", 204)])
def test_learning_without_user(serve: Serve, way: str, status: int) -> None:
    client = serve(behaviour={"learning_without_user": way})
    assert client.search("LearningAim", 1, 50).status_code == status
    assert client.ids("LearningAim", 1, 50, UserID=1000001)
    learners = set(client.sandbox.world.ids("learners"))
    assert {record["UserID"] for record in client.sandbox.records("learning_aims")} == learners
    whole = serve().sandbox.records("learning_aims")
    assert {record["UserID"] for record in whole} > learners


def test_aims_are_of_standards_that_the_organisation_has(client: Client) -> None:
    world = client.sandbox.world
    for aim_id in world.ids("learning_aims"):
        aim = world.get("learning_aims", aim_id)
        assert aim["StandardID"] in world.ids("standards", int(str(aim["OrganisationID"])))
        for name in ("AchievedDate", "RegistrationDate", "CertificateAppliedDate"):
            assert not isinstance(moment := aim[name], datetime) or moment < world.now


@pytest.mark.parametrize("learner_id", [1000000, 1000017])
def test_unit_summaries_are_told_in_two_ways(client: Client, learner_id: int) -> None:
    whole = client.call("GET", f"User/{learner_id}/UnitSummary").json()
    assert client.search("UnitSummary", 1, 50, UserID=learner_id).json() == whole
    assert set().union(*client.search("UnitSummary", UserID=learner_id).json()) == {"ID", "UnitID"}
    expected = [record for record in client.sandbox.records("unit_summaries") if record["UserID"] == learner_id]
    assert whole == [{name: record[name] for name in ("ID", "UnitID", "Title", "Progress")} for record in expected]
    units = client.sandbox.world.ids("units")
    assert all(row["UnitID"] in units for row in whole)
    assert 3 <= len(whole) <= 6


def test_unit_summaries_are_searched_for_one_learner(client: Client) -> None:
    assert client.search("UnitSummary", 1, 50).status_code == 400
    assert client.search("UnitSummary", 1, 50, UserID=1).status_code == 204
    assert client.call("GET", "User/1/UnitSummary").status_code == 404
    assessor = client.sandbox.world.ids("assessors")[0]
    assert client.call("GET", f"User/{assessor}/UnitSummary").status_code == 204


def test_aims_can_be_edited(client: Client) -> None:
    world = client.sandbox.world
    aim = world.add("learning_aims", UserID=1000001, StandardID=4001, StartDate="2025-01-06")
    assert aim["ID"] in client.ids("LearningAim", 1, 50, UserID=1000001)
    before = client.call("GET", "User/1000001").json()["LastModified"]
    world.change("learning_aims", aim["ID"], Progress=40.5, AchievedDate="2025-09-01", Status=1)
    told = client.call("GET", f"LearningAim/{aim['ID']}").json()
    assert (told["Progress"], told["AchievedDate"], told["StartDate"]) == (
        40.5, "2025-09-01T00:00:00Z", "2025-01-06T00:00:00Z",
    )  # fmt: skip
    assert client.call("GET", "User/1000001").json()["LastModified"] == before
    world.remove("learning_aims", aim["ID"])
    assert client.call("GET", f"LearningAim/{aim['ID']}").status_code == 404
    assert world.add("unit_summaries", UserID=1000001)["ID"] in {
        row["ID"] for row in client.call("GET", "User/1000001/UnitSummary").json()
    }
