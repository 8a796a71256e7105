"""Rows that are checked while they are decoded become the same records as rows that are looked at one by one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import override

from tap_onefile import fields
from tap_onefile.api.decode import read_rows
from tap_onefile.api.transport import Answer
from tap_onefile.batches import BatchShaper
from tap_onefile.errors import Fault, UnusableRow
from tap_onefile.records.privacy import PersonalData, Privacy
from tap_onefile.records.shaper import Shaper
from tap_onefile.reporting.problems import Problems
from tap_onefile.typed_rows import TypedRow

if TYPE_CHECKING:
    Row = dict[str, Any]

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SCHEMA = fields.record(
    fields.identity("person"),
    fields.key_reference("OrganisationID", "An id."),
    fields.integer("Role", "A number."),
    fields.text("FirstName", "A name.", fields.PERSONAL),
    fields.text("L12", "A code.", fields.SPECIAL),
    fields.texts("Emails", "Addresses.", fields.PERSONAL),
    fields.number("Hours", "Hours."),
    fields.flag("Active", "A flag."),
    fields.instant("LastModified", "A moment."),
)
NAMES = list(SCHEMA["properties"])
CONTEXT = {"OrganisationID": 5740, "Role": 1, "CustomerID": 3}
ORDINARY = {
    "ID": 7,
    "OrganisationID": 1,
    "Role": None,
    "FirstName": "Ada",
    "L12": "31",
    "Emails": ["a@example.org", None, ""],
    "Hours": 7,
    "Active": False,
    "LastModified": "2026-01-31T10:00:00+01:00",
}


class Notes(Problems):
    """Keeps what the shaper reports."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, ...]] = []

    @override
    def unknown_field(self, stream: str, name: str) -> None:
        super().unknown_field(stream, name)
        self.told.append(("unknown", name))

    @override
    def unfit_value(self, stream: str, name: str, kind: str) -> None:
        super().unfit_value(stream, name, kind)
        self.told.append(("unfit", name, kind))

    @override
    def mended_text(self, stream: str, name: str) -> None:
        super().mended_text(stream, name)
        self.told.append(("mended", name))


def shapers(protection: Privacy, notes: Problems) -> tuple[Shaper, BatchShaper]:
    held_back = [name for name, rule in SCHEMA["properties"].items() if not protection.lets_through(rule)]
    keys = ("OrganisationID", "ID")
    one = Shaper("people", SCHEMA, keys, notes, protection=protection, held_back=held_back)
    return one, BatchShaper(one, SCHEMA, protection)


def one_by_one(pages: list[bytes], protection: Privacy) -> tuple[list[Any], list[tuple[str, ...]]]:
    """Make records of plain rows up to one that stops the run, and say what was reported, or what stopped it."""
    notes = Notes()
    shaper, _ = shapers(protection, notes)
    found: list[Any] = []
    try:
        for page in pages:
            for row in read_rows(Answer(200, page, None)):
                found.append(as_sent(shaper.shape(row, CONTEXT)))  # noqa: PERF401 - what came before a failure counts
    except UnusableRow as stopped:
        return found, [(str(stopped),)]
    return found, sorted(notes.told)


def many_at_a_time(pages: list[bytes], protection: Privacy) -> tuple[list[Any], list[tuple[str, ...]]]:
    """Do the same in batches."""
    notes = Notes()
    _, shaper = shapers(protection, notes)
    found: list[Any] = []
    try:
        for page in pages:
            shaper.shape(shaper.read(Answer(200, page, None)), CONTEXT, found)
    except UnusableRow as stopped:
        return [as_sent(record) for record in found], [(str(stopped),)]
    return [as_sent(record) for record in found], sorted(notes.told)


def as_sent(record: object) -> Any:  # noqa: ANN401 - as JSON has it
    return json.loads(msgspec.json.encode(record))


odd_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=5),
        st.sampled_from(
            [
                "",
                "2026-01-31",
                "2026-01-31T10:00:00Z ",
                " 2026-01-31T10:00:00.000Z",
                "12",
                "1.5",
                "False",
                ':""',
                "a\\",
                '"',
                "\0",
                2**63,
                -(2**63),
                5.0,
                "\ud800",
            ]
        ),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)
oddities = st.dictionaries(
    st.one_of(st.sampled_from(NAMES), st.sampled_from(["Nickname", "get", "_unknown_0", "id"]), st.text(max_size=4)),
    odd_values,
    max_size=3,
)
ids = st.one_of(st.integers(0, 10**7), st.integers(0, 10**7), st.sampled_from(["12", 5.0, None, "", 2**63]))
rows = st.builds(
    lambda record_id, left_out, oddity: {
        **{name: value for name, value in ORDINARY.items() if name not in left_out},
        "ID": record_id,
        **oddity,
    },
    ids,
    st.sets(st.sampled_from(NAMES), max_size=3),
    oddities,
)
protections = st.builds(
    Privacy,
    special_category=st.booleans(),
    personal=st.sampled_from(PersonalData),
    key=st.just(b"k" * 32),
)


ODD = [
    {"New": 1},
    {"FirstName": ""},
    {"FirstName": 0},
    {"FirstName": "\0"},
    {"Role": "x"},
    {"Role": ""},
    {"Hours": "x"},
    {"LastModified": "2026-01-31T10:00:00Z "},
    {"LastModified": "2026-01-31T10:00:00.000Z "},
    {"LastModified": "2026-02-30T10:00:00Z"},
    {"LastModified": "2026-01-31T10:00:00"},
]


@pytest.mark.parametrize("oddity", ODD, ids=repr)
def test_an_oddity_that_comes_again_and_again_is_told_again_and_again(oddity: Row) -> None:
    same_whichever_way([[{**ORDINARY, **oddity}, ORDINARY]] * 3, Privacy(), (",", ":"))


@unhurried
@given(
    pages=st.lists(st.lists(rows, max_size=4), min_size=1, max_size=6),
    protection=protections,
    separators=st.sampled_from([(",", ":"), (", ", ": ")]),
)
def test_records_and_reports_are_the_same_whichever_way_rows_are_read(
    pages: list[list[Row]], protection: Privacy, separators: tuple[str, str]
) -> None:
    same_whichever_way(pages, protection, separators)


def same_whichever_way(pages: list[list[Row]], protection: Privacy, separators: tuple[str, str]) -> None:
    bodies = [json.dumps(page, separators=separators).encode() for page in pages]

    assert many_at_a_time(bodies, protection) == one_by_one(bodies, protection)


def typed(makes: BatchShaper, *page: Row) -> bool:
    """Read a page, and tell whether its rows were checked while they were decoded."""
    found = makes.read(Answer(200, json.dumps(page).encode(), None))
    assert found
    assert all(isinstance(row, TypedRow) for row in found) or all(isinstance(row, dict) for row in found)
    return isinstance(found[0], TypedRow)


@pytest.mark.parametrize(
    "oddity", [{"Role": "12"}, {"Hours": "1.5"}, {"FirstName": 7}, {"New": 1}, {"get": 1}], ids=repr
)
def test_what_a_server_always_does_costs_one_page_only(oddity: Row) -> None:
    makes = shapers(Privacy(), Problems())[1]

    assert typed(makes, ORDINARY)
    assert not typed(makes, {**ORDINARY, **oddity})
    assert typed(makes, {**ORDINARY, **oddity}, ORDINARY)


@pytest.mark.parametrize("name", ["", "two\nlines", 'quoted"', "x" * 65, "é"])
def test_a_name_that_is_none_is_never_waited_for(name: str) -> None:
    makes = shapers(Privacy(), Problems())[1]

    assert not typed(makes, {**ORDINARY, name: 1})
    assert not typed(makes, {**ORDINARY, name: 1})
    assert typed(makes, ORDINARY)


def test_a_server_that_makes_up_names_does_not_make_up_ever_larger_rows() -> None:
    makes = shapers(Privacy(), Problems())[1]
    for number in range(60):
        typed(makes, {**ORDINARY, f"New{number}": 1})

    assert not typed(makes, {**ORDINARY, "New59": 1})
    assert typed(makes, {**ORDINARY, "New49": 1})


def test_what_is_held_back_is_not_looked_at() -> None:
    makes = shapers(Privacy(), Problems())[1]

    assert typed(makes, {**ORDINARY, "L12": {"any": "thing"}})


@pytest.mark.parametrize(
    "body", [b"{}", b"[1]", b"<html>", b'[{"ID":1]', b'"text"', b"[" * 100_000], ids=lambda b: str(b[:9])
)
def test_anything_but_a_list_of_rows_is_a_fault(body: bytes) -> None:
    with pytest.raises(Fault):
        shapers(Privacy(), Problems())[1].read(Answer(200, body, None))


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'""', b" [ ] "])
def test_nothing_is_no_rows(body: bytes) -> None:
    assert shapers(Privacy(), Problems())[1].read(Answer(200, body, None)) == []


@pytest.mark.parametrize("unusable", [{"ID": None}, {"ID": ""}, {"ID": "x"}], ids=repr)
def test_what_comes_before_a_row_without_its_key_is_kept_and_nothing_after_it(unusable: Row) -> None:
    _, shaper = shapers(Privacy(), Problems())
    page = [ORDINARY, {**ORDINARY, "ID": 8}, {**ORDINARY, **unusable}, {**ORDINARY, "ID": 9}]
    for _ in range(2):
        # Only a page after the first is read as typed rows.
        rows = shaper.read(Answer(200, json.dumps(page).encode(), None))
        records: list[Any] = []
        with pytest.raises(UnusableRow, match="without a usable ID"):
            shaper.shape(rows, CONTEXT, records)
        assert [record["ID"] for record in records] == [7, 8]
    assert isinstance(rows[0], TypedRow)
