"""Every answer to every open question: how a record is sent."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Client, Serve


def test_paged_rows_thin(serve: Serve) -> None:
    client = serve(behaviour={"paged_rows": "thin", "absent_values": "null"})
    assert client.search("User", 1, 50, Role=1).json() == client.search("User", Role=1).json()
    assert set(client.sandbox.records("learners")[0]) == {"ID", "FirstName", "LastName", "MISID", "OrganisationID"}
    assert "ULN" in client.call("GET", "User/1000000").json()


DATES = {
    "z": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z",
    "z-millis": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "offset": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?\+0[01]:00",
    "naive": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?",
    "ticks": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}0Z",
}


@pytest.mark.parametrize("style", DATES)
def test_date_style(serve: Serve, style: str) -> None:
    client = serve(behaviour={"date_style": style})
    seen = set()
    for row in client.search("User", 1, 50, Role=1).json():
        truth = client.sandbox.world.get("learners", row["ID"])
        for name, value in truth.items():
            if not isinstance(value, datetime):
                continue
            assert re.fullmatch(DATES[style], row[name])
            seen.add(row[name][19:])
            text = row[name].replace("Z", "+00:00").replace("0000+", "000+")
            parsed = datetime.fromisoformat(text)
            assert value == (parsed if parsed.tzinfo else parsed.replace(tzinfo=timezone.utc))
    if style == "offset":
        assert any(end.endswith("+01:00") for end in seen)
        assert any(end.endswith("+00:00") for end in seen)


@pytest.mark.parametrize(("way", "expected"), [("null", {None}), ("empty", {""}), ("missing", {"missing"})])
def test_absent_values(serve: Serve, way: str, expected: set[object]) -> None:
    assert absent(serve(behaviour={"absent_values": way})) == expected


def test_unknown_fields(serve: Serve) -> None:
    client, other = serve(behaviour={"unknown_fields": 2}), serve()
    more, usual = (c.search("User", 1, 50, Role=1).json() for c in (client, other))
    assert [row.keys() - known.keys() for row, known in zip(more, usual, strict=True)] == [
        {"Unknown0", "Unknown1"}
    ] * len(usual)


def test_absent_values_are_mixed_the_same_way_every_time(serve: Serve) -> None:
    client, other = serve(), serve()
    assert absent(client) == {None, "", "missing"}
    assert client.search("User", 1, 50, Role=1).text == other.search("User", 1, 50, Role=1).text


def absent(client: Client) -> set[object]:
    """Give the ways in which learners without data say so."""
    ways = set()
    for row in client.search("User", 1, 50, Role=1).json():
        truth = client.sandbox.world.get("learners", row["ID"])
        ways |= {row.get(name, "missing") for name, value in truth.items() if value is None}
    return ways


def test_sentinels(serve: Serve) -> None:
    with_them, without = serve(learners=200), serve(learners=200, behaviour={"sentinels": False})
    rows = with_them.search("User", 1, 200, Role=1).json()
    assert any(row.get("PlannedEndDate") == "1900-01-01T00:00:00Z" for row in rows)
    assert any(row.get("DefaultAssessorID") == 0 for row in rows)
    assert any(row.get("ProviderID") == 0 for row in rows)
    text = without.search("User", 1, 200, Role=1).text
    assert "1900-01-01" not in text
    assert not re.search(r'ID":0\b', text)


def test_booleans_as_text(serve: Serve) -> None:
    rows = serve(behaviour={"booleans": "text"}).search("Placement", 1, 50).json()
    assert {row["Active"] for row in rows} == {"true", "false"}
    assert {row["Active"] for row in serve().search("Placement", 1, 50).json()} == {True, False}


def test_ids_as_text(serve: Serve) -> None:
    client = serve(behaviour={"ids_as_text": True})
    for row in [*client.search("User", 1, 50, Role=1).json(), client.call("GET", "Customer").json()]:
        assert all(isinstance(value, str) for name, value in row.items() if name.endswith("ID") and value is not None)
    record = client.sandbox.records("classrooms")[0]
    assert isinstance(record["OrganisationID"], str)


@pytest.mark.parametrize(("telling", "some", "others"), [("present", 50, 0), ("absent", 0, 50)])
def test_last_modified(serve: Serve, telling: str, some: int, others: int) -> None:
    rows = serve(behaviour={"last_modified": telling}).search("User", 1, 50, Role=1).json()
    told = [row for row in rows if row.get("LastModified")]
    assert (len(told), len(rows) - len(told)) == (some, others)


def test_last_modified_sometimes(serve: Serve) -> None:
    client = serve(behaviour={"last_modified": "sometimes"})
    rows = client.search("User", 1, 50, Role=1, LastModified="1900-01-01").json()
    told = [row for row in rows if row.get("LastModified")]
    assert len(rows) == 50
    assert 20 < len(told) < 45
