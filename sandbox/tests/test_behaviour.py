"""Every answer to every open question: what a call is answered with."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Serve

NOTHING = [("204", 204, b""), ("empty-body", 200, b""), ("[]", 200, b"[]"), ("null", 200, b"null"), ("404", 404, None)]


def test_session_in_quotes(serve: Serve) -> None:
    client = serve(behaviour={"quoted_session": True})
    text = client.log_in().text
    assert json.loads(text) == client.session
    assert client.call("GET", "Customer").status_code == 200
    client.session = text
    assert client.call("GET", "Customer").status_code == 401


def test_session_between_line_ends(serve: Serve) -> None:
    client = serve(behaviour={"session_whitespace": True, "quoted_session": True})
    text = client.log_in().text
    assert text == f'\r\n"{client.session}"\r\n'


def test_session_content_type(serve: Serve) -> None:
    client = serve(behaviour={"session_content_type": "text"})
    assert client.log_in().headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("status", [401, 403, 400, 302])
def test_expired_status(serve: Serve, status: int) -> None:
    client = serve(behaviour={"expired_status": status})
    client.sandbox.expire_sessions()
    assert client.call("GET", "Customer").status_code == status
    assert client.search("User", 1, 10).status_code == status


@pytest.mark.parametrize("status", [401, 403, 400])
def test_refused_login_status(serve: Serve, status: int) -> None:
    client = serve(behaviour={"refused_login_status": status})
    assert client.log_in("wrong").status_code == status
    assert client.log_in("").status_code == status


@pytest.mark.parametrize(("body", "start"), [("json", b"{"), ("html", b"<!DOCTYPE"), ("empty", b"")])
def test_refusal_body(serve: Serve, body: str, start: bytes) -> None:
    client = serve(behaviour={"refusal_body": body})
    for answer in (client.log_in("wrong"), client.call("GET", "Customer", headers={"X-TokenID": "x"})):
        assert answer.content.startswith(start)
        assert bool(answer.content) == bool(start)


@pytest.mark.parametrize(("way", "status", "content"), NOTHING)
def test_past_the_end(serve: Serve, way: str, status: int, content: bytes | None) -> None:
    client = serve(behaviour={"past_the_end": way})
    answer = client.search("User", 3, 25, Role=1)
    assert answer.status_code == status
    assert content is None or answer.content == content
    assert client.search("User", 1, 25, Role=1, LastName="Nobody").status_code == 204


@pytest.mark.parametrize(("way", "status", "content"), NOTHING)
def test_no_hits(serve: Serve, way: str, status: int, content: bytes | None) -> None:
    client = serve(behaviour={"no_hits": way})
    for page in (None, 1):
        answer = client.search("User", page, 25, Role=1, LastName="Nobody")
        assert answer.status_code == status
        assert content is None or answer.content == content
    assert client.search("User", 3, 25, Role=1).status_code == 204


def test_page_zero(serve: Serve) -> None:
    first = serve(behaviour={"page_zero": "first"})
    assert first.ids("User", 0, 5, Role=1) == first.ids("User", 1, 5, Role=1)
    assert len(serve(behaviour={"page_zero": "all"}).ids("User", 0, 5, Role=1)) == 50
    assert serve(behaviour={"page_zero": "400"}).search("User", 0, 5, Role=1).status_code == 400


def test_page_size_cap(serve: Serve) -> None:
    client = serve(behaviour={"page_size_cap": 20})
    sizes = [len(client.ids("User", page, 50, Role=1)) for page in (1, 2, 3, 4)]
    assert sizes == [20, 20, 10, 0]
    assert len(client.ids("User", 1, 5, Role=1)) == 5
    assert len(client.ids("User", Role=1)) == 50


def test_ignores_paging(serve: Serve) -> None:
    client = serve(behaviour={"ignores_paging": True})
    assert client.ids("User", 1, 5, Role=1) == client.ids("User", 9, 5, Role=1) == client.ids("User", Role=1)
    assert "ULN" in set().union(*client.search("User", 9, 5, Role=1).json())


def test_ignores_paging_of_some(serve: Serve) -> None:
    client = serve(behaviour={"ignores_paging": "some"})
    assert len(client.ids("User", 1, 5, Role=1)) == 5
    assert len(client.ids("Classroom", 1, 2)) == len(client.ids("Classroom")) > 2


@pytest.mark.parametrize(("unpaged", "status"), [("404", 404), ("400", 400), ("hundred", 200)])
def test_unpaged(serve: Serve, unpaged: str, status: int) -> None:
    client = serve(learners=220, behaviour={"unpaged": unpaged})
    assert client.search("User", Role=1).status_code == status
    assert len(client.ids("User", 1, 220, Role=1)) > 100
    if status == 200:
        assert client.ids("User", Role=1) == client.ids("User", 1, 100, Role=1)


def test_session_calls(serve: Serve) -> None:
    client = serve(behaviour={"session_calls": 2})
    assert [client.call("GET", "Customer").status_code for _ in range(3)] == [200, 200, 401]
    client.log_in()
    assert client.call("GET", "Customer").status_code == 200


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1", "gzip"])
def test_encoding(serve: Serve, encoding: str) -> None:
    client = serve(behaviour={"encoding": encoding})
    answer = client.search("User", 1, 50, Role=1)
    assert answer.headers.get("Content-Encoding") == ("gzip" if encoding == "gzip" else None)
    text = answer.content.decode("utf-8" if encoding == "gzip" else encoding)
    usual = serve().search("User", 1, 50, Role=1)
    assert json.loads(text) == json.loads(usual.content)
    assert not usual.content.isascii(), "there must be letters beyond ASCII"


def test_codes_as_numbers(serve: Serve) -> None:
    client = serve(behaviour={"codes_as_numbers": True})
    found = [row["ULN"] for row in client.search("User", 1, 50, Role=1).json() if row.get("ULN")]
    assert {type(each) for each in found} == {float}


def test_organisation_paging(serve: Serve) -> None:
    client = serve(behaviour={"organisation_paging": False})
    assert client.search("Organisation", 1, 50).status_code == 404
    assert len(client.ids("Organisation")) == 2
    assert client.search("Classroom", 1, 50).status_code == 200


def test_order_by_name(serve: Serve) -> None:
    client = serve(behaviour={"order": "by-name"})
    for entity, field in (("User", "LastName"), ("Classroom", "Name")):
        names = [row[field].casefold() for row in client.search(entity, 1, 100, Role=1).json()]
        assert names == sorted(names)
    assert client.ids("User", Role=1) != sorted(client.ids("User", Role=1))


def test_order_shuffled_is_always_the_same(serve: Serve) -> None:
    client, other = serve(behaviour={"order": "shuffled"}), serve(behaviour={"order": "shuffled"})
    ids = client.ids("User", 1, 20, Role=1) + client.ids("User", 2, 20, Role=1) + client.ids("User", 3, 20, Role=1)
    assert ids == client.ids("User", Role=1) == other.ids("User", Role=1)
    assert ids != sorted(ids)
    assert sorted(ids) == client.sandbox.world.ids("learners")


def test_order_unstable_is_new_for_every_call_and_the_same_in_every_run(serve: Serve) -> None:
    client, other = serve(behaviour={"order": "unstable"}), serve(behaviour={"order": "unstable"})
    pages = [client.ids("User", 1, 50, Role=1) for _ in range(3)]
    assert pages[0] != pages[1] != pages[2]
    assert sorted(pages[0]) == sorted(pages[1]) == client.sandbox.world.ids("learners")
    assert pages == [other.ids("User", 1, 50, Role=1) for _ in range(3)]


@pytest.mark.parametrize("inclusive", [True, False])
def test_last_modified_inclusive(serve: Serve, inclusive: bool) -> None:  # noqa: FBT001 - it is what is tested
    client = serve(behaviour={"last_modified_inclusive": inclusive})
    client.sandbox.world.change("learners", 1000003, LastModified="2031-05-05T05:05:05.123Z")
    found = client.ids("User", 1, 50, Role=1, LastModified="2031-05-05T05:05:05.123Z")
    assert found == ([1000003] if inclusive else [])
    assert client.ids("User", 1, 50, Role=1, LastModified="2031-05-05T05:05:05.122Z") == [1000003]


@pytest.mark.parametrize("role", [2, 3, 11, 50, 60, 62, 65])
def test_unsupported_roles(serve: Serve, role: int) -> None:
    assert serve().search("User", 1, 50, Role=role).status_code == 204
    assert serve(behaviour={"unsupported_roles": "400"}).search("User", 1, 50, Role=role).status_code == 400
    rows = serve(behaviour={"unsupported_roles": "rows"}).ids("User", 1, 50, Role=role)
    assert bool(rows) == (role != 3)


def test_ignored_filter(serve: Serve) -> None:
    client = serve()
    first, _ = client.sandbox.world.ids("organisations")
    here, everywhere = client.ids("User", 1, 90, Role=1, OrganisationID=first), client.ids("User", 1, 90, Role=1)
    assert len(here) < len(everywhere)
    ignoring = serve(behaviour={"ignored_filter": "OrganisationID"})
    assert ignoring.ids("User", 1, 90, Role=1, OrganisationID=first) == everywhere
    ignoring = serve(behaviour={"ignored_filter": "Role"})
    assert set(everywhere) < set(ignoring.ids("User", 1, 900, Role=1))


def test_role_required(serve: Serve) -> None:
    client = serve(behaviour={"role_required": True})
    assert client.search("User", 1, 50).status_code == 400
    assert client.search("User", 1, 50, Role=5).status_code == 200
    assert client.search("Classroom", 1, 50).status_code == 200


def test_name_match(serve: Serve) -> None:
    exact, contains = serve(), serve(behaviour={"name_match": "contains"})
    name = str(exact.sandbox.world.get("learners", 1000001)["LastName"])
    part = name[1:-1]
    assert exact.search("User", Role=1, LastName=part).status_code == 204
    assert 1000001 in contains.ids("User", Role=1, LastName=part.upper())
    assert contains.search("User", Role=1, MISID="W").status_code == 204


@pytest.mark.parametrize("found", [True, False])
def test_archived_by_id(serve: Serve, found: bool) -> None:  # noqa: FBT001 - it is what is tested
    client = serve(behaviour={"archived_by_id": found})
    archived = client.sandbox.world.ids("archived_learners")[0]
    assert client.call("GET", f"User/{archived}").status_code == (200 if found else 404)


@pytest.mark.parametrize(
    ("entity", "code"),
    [("Organisation", -11), ("Placement", -57), ("Classroom", -58), ("User", -59), ("Provider", -59)],
)
def test_missing_id_status(serve: Serve, entity: str, code: int) -> None:
    answer = serve(behaviour={"missing_id_status": 400}).call("GET", f"{entity}/1")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    answer = serve().call("GET", f"{entity}/1")
    assert (answer.status_code, "code" in answer.json()) == (404, False)


def test_retry_after(serve: Serve) -> None:
    answers = {}
    for style in (None, "seconds", "date"):
        client = serve(behaviour={"retry_after": style}, calls_per_minute=1)
        answers[style] = client.call("GET", "Customer")
        assert answers[style].status_code == 429
    assert "Retry-After" not in answers[None].headers
    assert answers["seconds"].headers["Retry-After"] == "60"
    until = parsedate_to_datetime(answers["date"].headers["Retry-After"])
    wait = until - parsedate_to_datetime(answers["date"].headers["Date"])
    assert 60 <= wait.total_seconds() <= 62
