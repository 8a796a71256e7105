"""What a search finds, and how pages are cut."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from onefile_sandbox.world import timestamps
from onefile_sandbox.world.people import ROLES, SUPPORTED_ROLES

if TYPE_CHECKING:
    from .conftest import Client, Serve

STREAMS = {
    "learners": ("User", {"Role": 1}),
    "assessors": ("User", {"Role": 5}),
    "employers": ("User", {"Role": 40}),
    "organisations": ("Organisation", {}),
    "classrooms": ("Classroom", {}),
    "placements": ("Placement", {}),
    "providers": ("Provider", {}),
}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("size", [1, 7, 50, 1000])
def test_the_pages_together_are_the_records(client: Client, stream: str, size: int) -> None:
    entity, body = STREAMS[stream]
    rows, page = [], 1
    while (answer := client.search(entity, page, size, **body)).status_code == 200:
        assert 0 < len(answer.json()) <= size
        rows += answer.json()
        page += 1
    assert (answer.status_code, answer.content) == (204, b"")
    expected = client.sandbox.records(stream)
    assert [row["ID"] for row in rows] == [record["ID"] for record in expected]
    for row, record in zip(rows, expected, strict=True):
        assert row == {name: value for name, value in record.items() if name in row}
        assert set(record) - set(row) <= {"OrganisationID"}
    assert page - 1 == -(-len(expected) // size)


@pytest.mark.parametrize("stream", [s for s in STREAMS if s != "organisations"])
def test_an_organisation_narrows_and_none_is_all_of_them(client: Client, stream: str) -> None:
    entity, body = STREAMS[stream]
    found = []
    for organisation_id in client.sandbox.world.ids("organisations"):
        ids = client.ids(entity, OrganisationID=organisation_id, **body)
        assert ids == client.sandbox.world.ids(stream, organisation_id)
        assert ids
        found += ids
    assert sorted(found) == client.ids(entity, **body)
    records = client.sandbox.records(stream)
    assert {record["OrganisationID"] for record in records} == set(client.sandbox.world.ids("organisations"))


def test_learners_are_spread_unevenly_and_a_fourth_organisation_is_empty(serve: Serve) -> None:
    client = serve(learners=100, organisations=4)
    *busy, empty = client.sandbox.world.ids("organisations")
    sizes = [len(client.ids("User", Role=1, OrganisationID=o)) for o in busy]
    assert sum(sizes) == 100
    assert sizes[0] > sizes[1] > sizes[2] > 0
    for entity in ("User", "Classroom", "Placement"):
        assert client.search(entity, 1, 50, OrganisationID=empty, Role=1).status_code == 204
        assert client.search(entity, OrganisationID=empty).status_code == 204


def test_a_customer_may_have_no_learner(serve: Serve) -> None:
    client = serve(learners=0, organisations=1)
    assert client.search("User", 1, 50, Role=1).status_code == 204
    assert len(client.ids("Organisation")) == 1
    assert client.sandbox.records("learners") == []


def test_a_customer_may_have_no_organisation(serve: Serve) -> None:
    client = serve(learners=0, organisations=0)
    assert client.search("Organisation", 1, 50).status_code == 204
    assert client.search("User", Role=5).status_code == 204


@pytest.mark.parametrize("stream", ROLES)
def test_each_role_is_told_apart(serve: Serve, stream: str) -> None:
    client = serve(behaviour={"unsupported_roles": "rows"})
    role = ROLES[stream]
    ids = client.ids("User", 1, 1000, Role=role)
    assert ids == client.sandbox.world.ids(stream)
    assert len(ids) >= 3
    assert all(record["Role"] == role for record in client.sandbox.records(stream))


def test_no_role_is_every_supported_role(client: Client) -> None:
    ids = client.ids("User", 1, 5000)
    everyone = [i for s, role in ROLES.items() if role in SUPPORTED_ROLES for i in client.sandbox.world.ids(s)]
    assert ids == sorted(everyone)
    assert client.ids("User", 2, 10) == ids[10:20]


@pytest.mark.parametrize("field", ["FirstName", "LastName", "Email", "MISID", "PlacementID"])
def test_a_filter_finds_those_who_have_the_value(client: Client, field: str) -> None:
    world = client.sandbox.world
    rows = [world.get("learners", i) for i in world.ids("learners")]
    wanted = next(row[field] for row in rows if row[field])
    expected = [row["ID"] for row in rows if row[field] == wanted]
    assert client.ids("User", Role=1, **{field: wanted}) == expected
    assert client.ids("User", Role=1, **{field: str(wanted).upper()}) == expected
    assert len(expected) < len(rows)


@pytest.mark.parametrize("entity", ["Classroom", "Placement", "Provider", "Organisation"])
def test_a_name_finds_its_own(client: Client, entity: str) -> None:
    row = client.search(entity, 1, 50).json()[-1]
    assert row["ID"] in client.ids(entity, Name=row["Name"].upper())
    assert client.search(entity, Name=row["Name"] + "x").status_code == 204


def test_filters_add_up_and_empty_ones_say_nothing(client: Client) -> None:
    row = client.search("User", Role=1).json()[3]
    assert client.ids("User", Role=1, FirstName=row["FirstName"], LastName=row["LastName"]) == [row["ID"]]
    assert client.search("User", Role=1, FirstName=row["FirstName"], LastName="Nobody").status_code == 204
    assert len(client.ids("User", Role=1, FirstName="", MISID=None, OrganisationID="")) == 50
    assert len(client.ids("User", Role=1, Unheard="of")) == 50


def test_the_customer_id_narrows_organisations(client: Client) -> None:
    own = client.call("GET", "Customer").json()["ID"]
    assert len(client.ids("Organisation", CustomerID=str(own))) == 2
    assert client.search("Organisation", CustomerID=own + 1).status_code == 204
    assert len(client.ids("Organisation", CustomerID=own, OrganisationID=1)) == 2


@pytest.mark.parametrize(
    ("entity", "body", "code"),
    [
        ("User", {"OrganisationID": 1, "Role": 1}, -11),
        ("Classroom", {"OrganisationID": "1"}, -11),
        ("Placement", {"OrganisationID": 1}, -11),
        ("User", {"PlacementID": 1, "Role": 1}, -57),
    ],
)
@pytest.mark.parametrize("page", [None, 1])
def test_what_does_not_exist_cannot_be_searched_in(
    client: Client, entity: str, body: dict[str, Any], code: int, page: int | None
) -> None:
    answer = client.search(entity, page, 50, **body)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["message"]


@pytest.mark.parametrize("body", [{"Role": "learner"}, {"OrganisationID": []}, {"LastModified": "yesterday"}])
def test_values_that_mean_nothing_are_refused(client: Client, body: dict[str, Any]) -> None:
    assert client.search("User", **body).status_code == 400


def test_a_page_must_have_a_size(client: Client) -> None:
    assert client.search("User", 1, 0, Role=1).status_code == 400


@pytest.mark.parametrize(
    "spelling",
    [
        "2024-06-15T10:30:00Z",
        "2024-06-15T10:30:00.000Z",
        "2024-06-15T10:30:00.0000000Z",
        "2024-06-15T10:30:00",
        "2024-06-15 10:30:00",
        "2024-06-15T10:30Z",
        "2024-06-15T11:30:00+01:00",
        "2024-06-15T09:00:00-0130",
        "2024-06-15t10:30:00z",
    ],
)
def test_last_modified_finds_what_changed_since(client: Client, spelling: str) -> None:
    world = client.sandbox.world
    since = datetime(2024, 6, 15, 10, 30, tzinfo=timezone.utc)
    changes = {i: world.get("learners", i)["LastModified"] for i in world.ids("learners")}
    changed = [i for i, change in changes.items() if isinstance(change, datetime) and change >= since]
    assert 0 < len(changed) < 50
    assert client.ids("User", 1, 1000, Role=1, LastModified=spelling) == changed
    assert client.ids("User", Role=1, LastModified=spelling) == changed


def test_fractions_of_a_second_are_told_apart() -> None:
    spellings = {"5": 500_000, "05": 50_000, "123": 123_000, "1234567": 123_456}
    for fraction, micros in spellings.items():
        assert timestamps.parse(f"2024-06-15T10:30:00.{fraction}Z").microsecond == micros


def test_a_date_is_the_start_of_its_day_in_utc(client: Client) -> None:
    world = client.sandbox.world
    first, second, *_ = world.ids("learners")
    world.change("learners", first, LastModified="2030-01-02T00:00:00Z")
    world.change("learners", second, LastModified="2030-01-01T23:59:59.999Z")
    assert client.ids("User", Role=1, LastModified="2030-01-02") == [first]
    assert client.ids("User", Role=5, LastModified="2030-01-02") == []
