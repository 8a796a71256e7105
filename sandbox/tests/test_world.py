"""The invented customer: always the same, of any size, valid in form, and open to edits."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from onefile_sandbox import Sandbox, World
from onefile_sandbox.world.people import ROLES
from onefile_sandbox.world.timestamps import LONDON, NOT_SET

if TYPE_CHECKING:
    from .conftest import Client, Serve

FULL_USER = {
    "ID", "Username", "FirstName", "LastName", "Email", "MISID", "PlacementID", "ClassroomID", "EpisodeName",
    "HomeAddress", "Telephone", "MobileNumber", "ULN", "NINO", "DOB", "L12", "L13", "L14", "StartOn",
    "PlannedEndDate", "Progress", "LastModified", "OrganisationID", "Role", "DefaultAssessorID",
    "DefaultEmployerID", "ProviderID", "CreatedOn", "CompanyName", "Website", "WorkAddress", "CentreRegister", "L15",
    "L16", "SupportFunding", "LearnerStatusID", "PrimaryLLDDCode", "SecondaryLLDDCodes",
    "LearningDifficultyAndDisabilityID",
}  # fmt: skip


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=7, learners=2000, organisations=3)


@pytest.fixture(scope="module")
def learners(world: World) -> list[dict[str, Any]]:
    return [world.get("learners", i) for i in world.ids("learners")]


def everything(world: World) -> dict[str, list[dict[str, Any]]]:
    """Give all rows of all streams."""
    streams = [stream for stream in world.streams if stream != "customers"]
    return {stream: [dict(world.get(stream, i)) for i in world.ids(stream)] for stream in streams}


def test_the_same_seed_is_the_same_world_and_another_is_not() -> None:
    options = {"learners": 40, "organisations": 3}
    first, same, other = (World(seed=seed, **options) for seed in (1, 1, 2))
    assert everything(first) == everything(same)
    assert (first.customer, first.customer_token) == (same.customer, same.customer_token)
    assert first.customer_token != other.customer_token
    assert everything(first)["learners"] != everything(other)["learners"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", first.customer_token)


def test_the_world_is_the_same_in_every_version_of_python_and_of_this_package(world: World) -> None:
    row = world.get("learners", 1000000)
    assert (row["FirstName"], row["LastName"], row["ULN"]) == ("Jia-Hui", "Morgan", "4023040915")
    assert str(row["LastModified"]) == "2025-03-31 00:05:12.807000+00:00"


@pytest.mark.parametrize("organisations", [1, 2, 3, 5])
def test_a_record_is_the_same_in_a_customer_of_any_size(organisations: int) -> None:
    small, large = (World(seed=3, learners=size, organisations=organisations) for size in (60, 3000))
    for stream, rows in everything(small).items():
        assert rows == [large.get(stream, i) for i in small.ids(stream)]
    assert len(large.ids("learners")) == 3000
    assert len(large.ids("assessors")) > len(small.ids("assessors"))


def test_the_size_is_exact() -> None:
    for size in (0, 1, 2, 49, 50, 1001):
        for organisations in (1, 2, 4, 9):
            world = World(seed=1, learners=size, organisations=organisations)
            assert len(world.ids("learners")) == size
            by_organisation = [i for o in world.ids("organisations") for i in world.ids("learners", o)]
            assert sorted(by_organisation) == world.ids("learners")


@pytest.mark.parametrize("options", [(-1, 1), (5_000_000, 1), (1, 0), (1, 20_000)])
def test_a_size_that_cannot_be_is_refused(options: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        World(seed=1, learners=options[0], organisations=options[1])


def test_a_million_learners_cost_nothing_until_they_are_read(serve: Serve) -> None:
    client = serve(learners=1_000_000, organisations=4)
    assert len(client.sandbox.world.ids("learners")) == 1_000_000
    assert client.ids("User", 1000, 1000, Role=1) == list(range(1_999_000, 2_000_000))
    assert client.ids("User", 1_000_000, 1, Role=1) == [1_999_999]
    assert client.search("User", 1_000_001, 1, Role=1).status_code == 204


def test_ids_are_unique_among_all_users_and_have_up_to_7_digits() -> None:
    for learners in (50, 1_000_000):
        world = World(seed=1, learners=learners, organisations=4)
        ids = [i for stream in ROLES for i in world.ids(stream)]
        assert len(ids) == len(set(ids))
        assert max(ids) < 9_000_001


def test_what_a_record_points_to_is_there_and_in_the_same_organisation(world: World) -> None:
    pointers = {
        "PlacementID": "placements",
        "ClassroomID": "classrooms",
        "DefaultAssessorID": "assessors",
        "DefaultEmployerID": "employers",
        "ProviderID": "providers",
    }
    followed = set()
    for stream in ("learners", "archived_learners", "employers", "observers"):
        for record_id in world.ids(stream):
            row = world.get(stream, record_id)
            assert row["OrganisationID"] in world.ids("organisations")
            for name, there in pointers.items():
                target = row.get(name)
                if target and isinstance(target, int):
                    followed.add(name)
                    assert world.get(there, target)["OrganisationID"] == row["OrganisationID"]
    assert followed == set(pointers)


def test_learners_have_every_field_of_the_api_page(learners: list[dict[str, Any]]) -> None:
    assert set().union(*learners) == FULL_USER
    for name in FULL_USER - {"Website"}:
        assert any(row[name] not in (None, "") for row in learners), name


def test_other_records_have_every_field_of_the_api_page(world: World) -> None:
    expected = {
        "classrooms": "ID Name MISID OrganisationID StartOn Archive CompletionMessage SendCompletionMessage"
        " IVFinalSignOff",
        "placements": "ID Name MISID OrganisationID Active Address Contact Email Fax Telephone Web",
        "providers": "ID Name OrganisationID",
        "organisations": "ID Name CustomerID KeychainCreationForNewUserActive KeychainEmailSuppression",
    }
    for stream, names in expected.items():
        assert set(world.get(stream, world.ids(stream)[0])) == set(names.split())


def test_numbers_are_valid_in_form(learners: list[dict[str, Any]]) -> None:
    for row in learners:
        if row["ULN"]:
            assert re.fullmatch(r"[1-9]\d{9}", row["ULN"])
            rest = sum(int(digit) * weight for digit, weight in zip(row["ULN"], range(10, 1, -1), strict=False)) % 11
            assert 10 - rest == int(row["ULN"][9])
        if row["NINO"]:
            assert re.fullmatch(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]", row["NINO"])
            assert row["NINO"][:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def test_nobody_can_be_reached(world: World, learners: list[dict[str, Any]]) -> None:
    drama = r"(07700 900|0113 496 0|0114 496 0|0115 496 0|0116 496 0|0117 496 0|0118 496 0|0121 496 0|0131 496 0|"
    drama += r"0141 496 0|0151 496 0|0161 496 0|0191 498 0|029 2018 0|020 7946 0|01632 960)\d{3}"
    rows = [*learners, *(world.get("placements", i) for i in world.ids("placements"))]
    for row in rows:
        assert re.fullmatch(r"[a-z.]+\d+@example\.(org|com|net)", row["Email"] or "x.1@example.org")
        for name in ("Telephone", "MobileNumber", "Fax"):
            assert re.fullmatch(drama, row.get(name) or "07700 900000")


def test_addresses_have_lines_and_end_in_a_postcode(learners: list[dict[str, Any]]) -> None:
    addresses = [row["HomeAddress"] for row in learners if row["HomeAddress"]]
    for address in addresses:
        assert re.search(r"(\r\n|\n|, )[A-Z]{1,2}\d{1,2} \d[ABD-HJLNP-UW-Z]{2}$", address)
    assert sum("\r\n" in address for address in addresses) > len(addresses) / 2
    assert any("\r" not in address and "\n" in address for address in addresses)


def test_names_are_of_many_kinds(learners: list[dict[str, Any]]) -> None:
    text = "\n".join(f"{row['FirstName']} {row['LastName']}" for row in learners)
    for sample in ("Siân", "Zoë", "Łukasz", "O'Brien", "Lloyd-Jones", "الأحمد", "小明"):
        assert sample in text
    assert all(row["FirstName"] and row["LastName"] for row in learners)


def test_misids_are_sometimes_shared_and_sometimes_absent(learners: list[dict[str, Any]]) -> None:
    misids = [row["MISID"] for row in learners]
    assert None in misids
    present = [misid for misid in misids if misid]
    assert len(set(present)) < len(present)


def test_days_are_told_as_moments_and_summer_ones_are_of_the_day_before(learners: list[dict[str, Any]]) -> None:
    seen = set()
    for row in learners:
        for name in ("DOB", "StartOn", "PlannedEndDate", "CentreRegister"):
            moment = row[name]
            if moment and moment != NOT_SET:
                assert moment.astimezone(LONDON).time() == datetime.min.time()
                seen.add(moment.hour)
    assert seen == {0, 23}


def test_absence_and_sentinels_occur(learners: list[dict[str, Any]]) -> None:
    for name in ("DOB", "PlannedEndDate", "CentreRegister"):
        values = [row[name] for row in learners]
        assert None in values
        assert NOT_SET in values
    for name in ("DefaultAssessorID", "ProviderID"):
        assert {0, None} <= {row[name] for row in learners}
    kinds = {json.dumps(row["SecondaryLLDDCodes"]) for row in learners}
    assert {"null", "[]"} < kinds
    assert all(0 <= row["Progress"] <= 100 for row in learners if row["Progress"] is not None)
    assert any(row["Progress"] != int(row["Progress"]) for row in learners if row["Progress"])


def test_changes_are_in_the_past_and_some_share_a_moment(world: World, learners: list[dict[str, Any]]) -> None:
    changes = [row["LastModified"] for row in learners]
    assert max(changes) < world.now
    assert len(set(changes)) < len(changes)
    assert all(row["CreatedOn"] < row["LastModified"] for row in learners)


def test_placement_names_sometimes_hold_control_characters(world: World) -> None:
    names = [str(world.get("placements", i)["Name"]) for i in world.ids("placements")]
    assert any(re.search(r"[\x00-\x1f]", name) for name in names)


def test_a_person_can_be_added(client: Client) -> None:
    world = client.sandbox.world
    centre = world.ids("organisations")[1]
    row = world.add("learners", organisation_id=centre, FirstName="Nia", DOB="2001-07-01")
    assert row["ID"] == client.ids("User", Role=1, FirstName="nia", OrganisationID=centre)[0]
    assert client.ids("User", 6, 10, Role=1) == [row["ID"]]
    told = client.call("GET", f"User/{row['ID']}").json()
    assert (told["FirstName"], told["DOB"], told["Role"]) == ("Nia", "2001-07-01T00:00:00Z", 1)
    assert told in client.sandbox.records("learners")
    assert world.add("assessors")["OrganisationID"] == world.ids("organisations")[0]


def test_places_can_be_added(client: Client) -> None:
    world = client.sandbox.world
    centre = world.add("organisations", Name="New centre")["ID"]
    assert isinstance(centre, int)
    assert client.search("User", Role=1, OrganisationID=centre).status_code == 204
    classroom = world.add("classrooms", organisation_id=centre, Name="Only one")
    assert client.search("Classroom", 1, 5, OrganisationID=centre).json()[0]["Name"] == "Only one"
    assert client.sandbox.records("classrooms")[-1]["OrganisationID"] == classroom["OrganisationID"] == centre
    assert client.sandbox.records("organisations")[-1]["Name"] == "New centre"


def test_a_change_is_told_and_moves_last_modified(client: Client) -> None:
    world = client.sandbox.world
    assert client.call("GET", "User/1000005").json()["FirstName"] != "Changed"
    before = world.now
    row = world.change("learners", 1000005, FirstName="Changed", NINO=None)
    assert row["LastModified"] == before
    assert world.now == before + timedelta(seconds=1)
    assert client.call("GET", "User/1000005").json()["FirstName"] == "Changed"
    assert client.search("User", 6, 1, Role=1).json()[0]["FirstName"] == "Changed"
    assert client.ids("User", Role=1, LastModified="2025-09-01T12:00:00Z") == [1000005]
    world.change("learners", 1000005, FirstName="Again", LastModified="2020-01-01")
    assert client.search("User", 6, 1, Role=1).json()[0]["FirstName"] == "Again"
    assert client.ids("User", Role=1, LastModified="2025-09-01T12:00:00Z") == []


def test_a_removed_record_leaves_no_trace(client: Client) -> None:
    world = client.sandbox.world
    world.change("learners", 1000001, FirstName="Short-lived")
    for gone in (1000000, 1000001):
        world.remove("learners", gone)
        assert client.call("GET", f"User/{gone}").status_code == 404
    assert client.ids("User", 1, 100, Role=1) == list(range(1000002, 1000050))
    assert len(client.sandbox.records("learners")) == client.sandbox.counts()["learners"] == 48
    with pytest.raises(KeyError):
        world.get("learners", 1000000)
    assert world.add("learners")["ID"] != 1000000


def test_an_archived_learner_has_another_role(serve: Serve) -> None:
    client = serve(behaviour={"unsupported_roles": "rows"})
    client.sandbox.world.archive(1000002)
    assert 1000002 not in client.ids("User", Role=1)
    assert 1000002 in client.ids("User", Role=2)
    assert client.call("GET", "User/1000002").json()["Role"] == 2


def test_a_learner_can_move_to_another_organisation(client: Client) -> None:
    world = client.sandbox.world
    first, second = world.ids("organisations")
    mover = world.ids("learners", first)[0]
    world.change("learners", mover, OrganisationID=second)
    assert mover not in client.ids("User", Role=1, OrganisationID=first)
    assert mover in client.ids("User", Role=1, OrganisationID=second)


def test_what_is_given_out_is_a_copy() -> None:
    sandbox = Sandbox()
    sandbox.world.get("learners", 1000000)["FirstName"] = "Other"
    sandbox.world.change("learners", 1000001, FirstName="Same")["FirstName"] = "Other"
    assert sandbox.world.get("learners", 1000000)["FirstName"] != "Other"
    assert sandbox.world.get("learners", 1000001)["FirstName"] == "Same"
