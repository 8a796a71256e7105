"""What can be learnt: standards, units, framework templates, and the look-ups of an organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from .conftest import Client, Serve

LOOK_UPS = {
    "learner_statuses": ("LearnerStatuses", {"ID", "Name"}),
    "learning_aim_statuses": ("LearningAimStatuses", {"ID", "Name"}),
    "assigned_standards": ("AssignedStandards", {"ID", "Title"}),
}


@pytest.mark.parametrize("stream", LOOK_UPS)
def test_an_organisation_has_its_own_look_ups(client: Client, stream: str) -> None:
    word, fields = LOOK_UPS[stream]
    told = []
    for organisation_id in client.sandbox.world.ids("organisations"):
        answer = client.call("GET", f"organisation/{organisation_id}/{word.upper()}/")
        assert answer.status_code == 200
        assert all(set(row) == fields for row in answer.json())
        told += [{**row, "OrganisationID": organisation_id} for row in answer.json()]
    assert told == client.sandbox.records(stream)
    assert {call.route for call in client.sandbox.calls} == {f"GET /Organisation/{{id}}/{word}"}
    assert client.call("GET", f"Organisation/1/{word}").status_code == 404


def test_only_organisation_and_id_together_tell_some_look_ups_apart(client: Client) -> None:
    for stream in ("learning_aim_statuses", "assigned_standards"):
        records = client.sandbox.records(stream)
        ids = [record["ID"] for record in records]
        assert len(set(ids)) < len(ids)
        assert len({(record["OrganisationID"], record["ID"]) for record in records}) == len(records)


def test_a_missing_organisation_has_no_look_ups(serve: Serve) -> None:
    client = serve(behaviour={"missing_id_status": 400})
    answer = client.call("GET", "Organisation/1/LearnerStatuses")
    assert (answer.status_code, answer.json()["code"]) == (400, -11)


def test_learners_have_the_statuses_of_their_organisation(client: Client) -> None:
    statuses = {(row["OrganisationID"], row["ID"]) for row in client.sandbox.records("learner_statuses")}
    learners = client.sandbox.records("learners")
    assert {
        (row["OrganisationID"], row["LearnerStatusID"]) for row in learners if row.get("LearnerStatusID")
    } < statuses
    assert any(not row.get("LearnerStatusID") for row in learners)


def test_an_id_of_0_is_told_though_there_are_no_sentinels(serve: Serve) -> None:
    client = serve(behaviour={"sentinels": False})
    organisation_id = client.sandbox.world.ids("organisations")[0]
    assert client.call("GET", f"Organisation/{organisation_id}/LearningAimStatuses").json()[0]["ID"] == 0


def test_standards_are_found_where_they_are_assigned(client: Client) -> None:
    everything = client.ids("Standard", 1, 50)
    assert everything == client.sandbox.world.ids("standards")
    for organisation_id in client.sandbox.world.ids("organisations"):
        assigned = client.call("GET", f"Organisation/{organisation_id}/AssignedStandards").json()
        assert client.ids("Standard", OrganisationID=organisation_id) == [row["ID"] for row in assigned]
        assert 0 < len(assigned) < len(everything)
    assert client.search("Standard", OrganisationID=1).json()["code"] == -11


def test_standards_are_found_by_part_of_the_title_and_by_id(client: Client) -> None:
    found = client.search("Standard", 1, 50, Title="city & GUILDS level 3").json()
    assert found
    assert all(row["Title"].startswith("City & Guilds Level 3") for row in found)
    assert client.ids("Standard", ID=str(found[0]["ID"])) == [found[0]["ID"]]
    own = client.call("GET", "Customer").json()["ID"]
    assert len(client.ids("Standard", CustomerID=own)) == len(client.sandbox.records("standards"))
    assert client.search("Standard", CustomerID=own + 1).status_code == 204
    assert client.call("GET", f"Standard/{found[0]['ID']}").json() == found[0]
    assert client.call("GET", "Standard/1").status_code == 404


def test_unit_ids_are_texts_that_need_encoding(client: Client) -> None:
    rows = client.search("Unit", 1, 1000).json()
    ids = [row["ID"] for row in rows]
    assert len(set(ids)) == len(ids) == len(client.sandbox.records("units"))
    assert any("/" in i and " " in i for i in ids)
    assert {None, ""} & {row.get("NDAQCode") for row in rows}
    assert {None, ""} & {row.get("Display") for row in rows}
    for row in rows[:12]:
        answer = client.call("GET", f"Unit/{quote(row['ID'], safe='')}")
        assert answer.json() == row
    assert {call.route for call in client.sandbox.calls} == {"POST /Unit/Search/{page}/{size}", "GET /Unit/{id}"}
    slashed = next(i for i in ids if "/" in i)
    for path in (slashed, quote(slashed, safe="").lower(), "nothing", "7", "%2F"):
        assert client.call("GET", f"Unit/{path}").status_code == 404


def test_units_are_found_by_standard_and_organisation(client: Client) -> None:
    units = client.sandbox.records("units")
    standard_id = units[0]["StandardID"]
    assert client.ids("Unit", StandardID=standard_id) == [u["ID"] for u in units if u["StandardID"] == standard_id]
    organisation_id = client.sandbox.world.ids("organisations")[0]
    standards = client.ids("Standard", OrganisationID=organisation_id)
    found = client.ids("Unit", OrganisationID=organisation_id)
    assert found == [unit["ID"] for unit in units if unit["StandardID"] in standards]
    assert all("safety" in row["Title"] for row in client.search("Unit", Title="SAFETY").json())
    assert "StandardID" not in client.search("Unit", 1, 1).json()[0]


@pytest.mark.parametrize("paging", [True, False])
def test_framework_template_paging(serve: Serve, paging: bool) -> None:  # noqa: FBT001 - it is what is tested
    client = serve(behaviour={"framework_template_paging": paging})
    told = []
    for organisation_id in client.sandbox.world.ids("organisations"):
        rows = client.search("FrameworkTemplate", OrganisationID=organisation_id).json()
        told += [{**row, "OrganisationID": organisation_id} for row in rows]
    assert told == client.sandbox.records("framework_templates")
    assert client.search("FrameworkTemplate", 1, 50).status_code == (200 if paging else 404)


def test_the_catalogue_can_be_added_to(client: Client) -> None:
    world = client.sandbox.world
    organisation_id = world.ids("organisations")[1]
    standard = world.add("standards", Title="Thatching")
    unit = world.add("units", ID="X/1", StandardID=standard["ID"])
    world.add("assigned_standards", organisation_id=organisation_id, ID=standard["ID"], Title="Thatching")
    world.add("learner_statuses", organisation_id=organisation_id, Name="Resting")
    world.add("framework_templates", organisation_id=organisation_id, Title="Roofs")
    assert client.ids("Standard", Title="thatch") == [standard["ID"]]
    assert client.ids("Unit", StandardID=standard["ID"]) == [unit["ID"]] == ["X/1"]
    assert client.call("GET", "Unit/X%2F1").json()["ID"] == "X/1"
    assert client.call("GET", f"Organisation/{organisation_id}/AssignedStandards").json()[-1]["Title"] == "Thatching"
    assert client.call("GET", f"Organisation/{organisation_id}/LearnerStatuses").json()[-1]["Name"] == "Resting"
    assert client.search("FrameworkTemplate", OrganisationID=organisation_id).json()[-1]["Title"] == "Roofs"
    assert world.remove("units", "X/1") == unit
    assert client.call("GET", "Unit/X%2F1").status_code == 404
