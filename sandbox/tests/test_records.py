"""The records are what a perfect reader gets, whatever the behaviour; and how a behaviour is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from onefile_sandbox import Behaviour
from onefile_sandbox.api.behaviour import choices
from onefile_sandbox.world.entities import ENTITY_OF
from onefile_sandbox.world.people import ROLES

if TYPE_CHECKING:
    from .conftest import Client, Serve

EVERY_ANSWER = [
    pytest.param({name: 13 if option is int else option}, id=f"{name}={option}")
    for name, options in choices().items()
    for option in options
]


def read_all(client: Client, stream: str) -> list[dict[str, Any]]:
    """Read a stream as perfectly as the behaviour allows: page after page, or whole where there are no pages."""
    entity = ENTITY_OF[stream].name
    behaviour = client.sandbox.behaviour
    body = {"Role": ROLES[stream]} if stream in ROLES else {}
    page: int | None = 1
    if entity == "Organisation" and not behaviour.organisation_paging:
        page = None
    rows: list[dict[str, Any]] = []
    while True:
        answer = client.search(entity, page, 20, **body)
        if answer.status_code == behaviour.expired_status and behaviour.session_calls:
            client.log_in()
            continue
        if behaviour.encoding != "gzip":
            answer.encoding = behaviour.encoding
        told = answer.json() if answer.status_code == 200 and answer.content else None
        if not told:
            return rows
        rows += told
        if page is None or behaviour.ignores_paging is True or (behaviour.ignores_paging and entity != "User"):
            return rows
        page += 1


@pytest.mark.parametrize("behaviour", EVERY_ANSWER)
def test_the_records_are_what_a_perfect_reader_gets(serve: Serve, behaviour: dict[str, Any]) -> None:
    client = serve(behaviour=behaviour)
    for stream in ("learners", "assessors", "eqas", "organisations", "classrooms", "placements", "providers"):
        records = client.sandbox.records(stream)
        rows = read_all(client, stream)
        if behaviour != {"order": "unstable"}:
            assert [row["ID"] for row in rows] == [record["ID"] for record in records]
            for row, record in zip(rows, records, strict=True):
                assert {**row, "OrganisationID": None} == {**record, "OrganisationID": None}
        assert all("OrganisationID" in record for record in records) == (stream != "organisations")
        assert client.sandbox.counts()[stream] == len(records)


def test_what_a_reader_knows_of_nothing_is_not_in_a_record_either(serve: Serve) -> None:
    client = serve(behaviour={"absent_values": "missing"})
    unit = client.sandbox.world.add("units", StandardID=None)
    (record,) = (each for each in client.sandbox.records("units") if each["ID"] == unit["ID"])
    assert record == {"ID": unit["ID"], "Title": "New"}


@pytest.mark.parametrize("behaviour", EVERY_ANSWER)
def test_a_behaviour_can_be_spelled_on_a_command_line(behaviour: dict[str, Any]) -> None:
    ((name, value),) = behaviour.items()
    assert Behaviour.parse([f"{name}={value}"]) == Behaviour(**behaviour)
    assert Behaviour.parse([f"{name}={str(value).upper()}"]) == Behaviour(**behaviour)


@pytest.mark.parametrize("setting", ["order=backwards", "speed=1", "expired_status=500", "page_size_cap=0", "order"])
def test_an_unknown_behaviour_is_refused(setting: str) -> None:
    with pytest.raises(ValueError, match=r"called 'speed'|can be "):
        Behaviour.parse([setting])


def test_a_behaviour_with_a_value_of_the_wrong_type_is_refused() -> None:
    options: list[dict[str, Any]] = [
        {"sentinels": 1},
        {"expired_status": "401"},
        {"page_size_cap": -1},
        {"no_hits": None},
    ]
    for option in options:
        with pytest.raises(ValueError, match="can be"):
            Behaviour(**option)
