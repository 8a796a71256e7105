"""What is known of the API: its paths, its methods, its ways of asking."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from onefile_sandbox.api.routes import WRITE_ONLY

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Client, Clock, Serve


def test_a_login_gives_an_opaque_session_in_the_body(serve: Serve) -> None:
    client = serve(log_in=False)
    answer = client.log_in()
    assert answer.status_code == 200
    assert len(answer.text) == 340
    assert {"+", "/", "="} <= set(answer.text)
    assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize("body", ["", "a=b", "[]", "{}", '{"a": "b"}'])
def test_a_login_needs_no_body_and_minds_none(serve: Serve, body: str) -> None:
    client = serve(log_in=False)
    answer = client.call(
        "POST", "Authentication", headers={"X-CustomerToken": client.sandbox.customer_token}, data=body
    )
    assert answer.status_code == 200


def test_several_sessions_are_alive_at_once(client: Client) -> None:
    first = client.session
    client.log_in()
    assert client.session != first
    assert client.call("GET", "Customer").status_code == 200
    client.session = first
    assert client.call("GET", "Customer").status_code == 200


@pytest.mark.parametrize("path", ["Customer", "User/Search", "User/Search/1/10", "User/1", "Nothing"])
def test_nothing_is_told_without_a_session(serve: Serve, path: str) -> None:
    client = serve(log_in=False)
    method = "POST" if "Search" in path else "GET"
    assert client.call(method, path).status_code == 401
    assert client.call(method, path, headers={"X-TokenID": "wrong"}).status_code == 401


def test_the_customer_is_one_object(client: Client) -> None:
    assert client.call("GET", "Customer").json() == client.sandbox.records("customers")[0]
    assert set(client.sandbox.records("customers")[0]) == {"ID", "Name"}


@pytest.mark.parametrize(
    "path",
    ["user/search/1/5", "USER/SEARCH/1/5", "User/Search/1/5/", "uSER/sEARCH/1/5/"],
)
def test_case_and_a_last_slash_do_not_matter(client: Client, path: str) -> None:
    expected = client.ids("User", 1, 5, Role=1)
    assert len(expected) == 5
    assert [row["ID"] for row in client.call("POST", path, json={"Role": 1}).json()] == expected
    upper = client.sandbox.api_url.replace("/api/v2.1", "/API/V2.1")
    answer = client.http.post(f"{upper}/{path}", json={"Role": 1}, headers={"X-TokenID": client.session}, timeout=5)
    assert len(answer.json()) == 5


@pytest.mark.parametrize("role", [5, "5"], ids=repr)
@pytest.mark.parametrize("encode", [json.dumps, urlencode])
@pytest.mark.parametrize("name", ["Role", "role", "ROLE"])
def test_parameters_come_in_any_case_and_encoding(
    client: Client, role: object, encode: Callable[[dict[str, Any]], str], name: str
) -> None:
    expected = client.ids("User", Role=5)
    answer = client.call("POST", "User/Search", data=encode({name: role}))
    assert [row["ID"] for row in answer.json()] == expected
    assert expected == client.sandbox.world.ids("assessors")


def test_a_body_that_is_no_json_is_refused(client: Client) -> None:
    assert client.call("POST", "User/Search", data='{"Role": 1').status_code == 400


@pytest.mark.parametrize("entity", ["User", "Classroom", "Placement", "Provider", "Organisation"])
def test_a_page_is_richer_than_the_unpaged_answer(client: Client, entity: str) -> None:
    thin = client.search(entity, Role=1).json()
    rich = client.search(entity, 1, 1000, Role=1).json()
    assert [row["ID"] for row in thin] == [row["ID"] for row in rich]
    least = {
        "User": {"ID", "FirstName", "LastName", "MISID"},
        "Classroom": {"ID", "Name", "MISID"},
        "Placement": {"ID", "Name", "MISID"},
        "Provider": {"ID", "Name"},
        "Organisation": {"ID", "Name", "KeychainCreationForNewUserActive", "KeychainEmailSuppression"},
    }[entity]
    assert set().union(*thin) == least
    assert set().union(*rich) >= least
    if entity in {"User", "Classroom", "Placement"}:
        assert len(set().union(*rich)) > len(least)


@pytest.mark.parametrize(
    ("entity", "stream"),
    [
        ("User", "learners"),
        ("User", "eqas"),
        ("User", "archived_learners"),
        ("Organisation", "organisations"),
        ("Classroom", "classrooms"),
        ("Placement", "placements"),
        ("Provider", "providers"),
    ],
)
def test_an_id_gives_the_full_record(client: Client, entity: str, stream: str) -> None:
    record_id = client.sandbox.world.ids(stream)[0]
    row = client.call("GET", f"{entity}/{record_id}").json()
    assert row["ID"] == record_id
    assert {"FirstName", "LastName"} <= set(row) if entity == "User" else "Name" in row
    # Who has no organisation of its own is in no search by one; what has one need not say which.
    (paged,) = [record for record in client.sandbox.records(stream) if record["ID"] == record_id] or [row]
    assert row == {name: value for name, value in paged.items() if name in row or name != "OrganisationID"}


@pytest.mark.parametrize("entity", ["User", "Organisation", "Classroom", "Placement", "Provider"])
def test_an_id_that_is_not_there_is_not_found(client: Client, entity: str) -> None:
    assert client.call("GET", f"{entity}/9999999").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "Nothing"),
        ("GET", "User"),
        ("GET", "User/Search"),
        ("GET", "User/abc"),
        ("POST", "Users/Search"),
        ("POST", "User/Search/1"),
        ("POST", "User/Search/1/x"),
        ("POST", "User/Search/1/2/3"),
        ("POST", "Customer"),
        ("POST", "Timesheet/Search"),
        ("GET", "Timesheet/1000000"),
        ("GET", "Timesheet/1000000/Learner"),
        ("GET", "Organisation/LearnerStatuses/6071"),
        ("GET", "Organisation/6071/LearnerStatuses/1"),
        ("GET", "Organisation/6071/OffTheJob"),
        ("GET", "User/1000000/Archive"),
        ("GET", "UnitSummary/10000000"),
        ("GET", "FrameworkTemplate/60710"),
        ("GET", "Unit/one/two"),
        ("GET", "../../other"),
        ("GET", f"User/{'9' * 5000}"),
    ],
)
def test_paths_that_are_not_known_are_not_found_and_not_writes(client: Client, method: str, path: str) -> None:
    assert client.call(method, path).status_code == 404
    assert client.sandbox.writes == 0


def test_what_can_only_be_written_cannot_be_searched(client: Client) -> None:
    for entity in WRITE_ONLY:
        assert client.call("POST", f"{entity}/Search/1/10").status_code == 404
    assert client.sandbox.writes == 0


def test_a_path_outside_the_api_is_not_found(client: Client) -> None:
    root = client.sandbox.api_url.removesuffix("/api/v2.1")
    for path in ("/", "/Customer", "/api/v2/Customer", "/x/api/v2.1/Customer"):
        answer = client.http.get(root + path, headers={"X-TokenID": client.session}, timeout=5)
        assert answer.status_code == 404


WRITES = [
    ("POST", "User", "POST /User"),
    ("POST", "User/1000000", "POST /User/{id}"),
    ("DELETE", "User/1000000", "DELETE /User/{id}"),
    ("POST", "User/1000000/Archive", "POST /User/{id}/Archive"),
    ("POST", "User/1000000/unarchive", "POST /User/{id}/Unarchive"),
    ("POST", "User/1000000/Assign", "POST /User/{id}/Assign"),
    ("POST", "User/1/AssignPlacement/2/true", "POST /User/{id}/AssignPlacement/{id}/{other}"),
    ("POST", "Classroom", "POST /Classroom"),
    ("POST", "classroom/15000/", "POST /Classroom/{id}"),
    ("POST", "Placement/18000", "POST /Placement/{id}"),
    ("POST", "Unit/AB_UNIT1/Assign/1/2", "POST /Unit/{other}/Assign/{id}/{id}"),
    ("PUT", "Review/1", "PUT /Review/{id}"),
]


@pytest.mark.parametrize(("method", "path", "route"), WRITES)
def test_writes_are_counted_and_change_nothing(client: Client, method: str, path: str, route: str) -> None:
    before = client.sandbox.records("learners")
    answer = client.call(method, path, json={"FirstName": "Other"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.sandbox.writes == 1
    assert [(call.route, call.write) for call in client.sandbox.calls] == [(route, True)]
    assert client.sandbox.records("learners") == before


def test_a_refused_write_is_counted_too(serve: Serve) -> None:
    client = serve(log_in=False)
    assert client.call("DELETE", "User/1000000").status_code == 401
    assert client.sandbox.writes == 1
    client.sandbox.reset_calls()
    assert client.sandbox.writes == 0


def test_reads_are_no_writes(client: Client) -> None:
    for path in ("User/Search", "User/Search/1/10", "Classroom/Search", "Authentication"):
        client.call("POST", path)
    assert client.sandbox.writes == 0


def test_calls_are_remembered_without_tokens(client: Client, clock: Clock) -> None:
    clock.now = 1234.5
    client.call("POST", "user/search/2/10?x=secret", json={"Role": 1, "customerToken": "t"})
    client.call("POST", "Classroom/Search", data={"Name": "x"})
    first, second = client.sandbox.calls
    assert (first.method, first.path) == ("POST", "/api/v2.1/user/search/2/10")
    assert (first.route, first.status, first.at) == ("POST /User/Search/{page}/{size}", 200, 1234.5)
    assert first.body == {"Role": 1}
    assert (second.route, second.status, second.body) == ("POST /Classroom/Search", 204, {"Name": "x"})
    client.sandbox.reset_calls()
    assert client.sandbox.calls == []
