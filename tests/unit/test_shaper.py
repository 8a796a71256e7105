"""A record holds the fields of its schema and nothing else, whatever row comes."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from typing_extensions import override

from tap_onefile import fields
from tap_onefile.api.decode import RepairedText
from tap_onefile.errors import UnusableRow
from tap_onefile.records.privacy import Privacy
from tap_onefile.records.shaper import Shaper
from tap_onefile.reporting.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SECRET = "Zaphod"

SCHEMA = fields.record(
    fields.identity("person"),
    fields.reference("OrganisationID", "An id."),
    fields.text("FirstName", "A name.", fields.PERSONAL),
    fields.texts("Emails", "Addresses.", fields.PERSONAL),
    fields.number("Hours", "Hours."),
    fields.flag("Active", "A flag."),
    fields.instant("LastModified", "A moment."),
)
NAMES = list(SCHEMA["properties"])


class Heard(logging.Handler):
    """Keeps what the tap logs."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture(scope="module")
def heard() -> Iterator[Heard]:
    handler = Heard()
    logger = logging.getLogger("tap-onefile")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


class Notes(Problems):
    """Counts what the shaper reports, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.unknown: list[str] = []
        self.unfit: list[str] = []

    @override
    def unknown_field(self, stream: str, name: str) -> None:
        super().unknown_field(stream, name)
        self.unknown.append(name)

    @override
    def unfit_value(self, stream: str, name: str, kind: str) -> None:
        super().unfit_value(stream, name, kind)
        self.unfit.append(name)


def shaper(keys: list[str], notes: Problems | None = None, held_back: Collection[str] = ()) -> Shaper:
    protection = Privacy()
    return Shaper("people", SCHEMA, keys, notes or Problems(), protection=protection, held_back=held_back)


def shape(row: dict[str, Any], context: dict[str, Any] | None = None, notes: Problems | None = None) -> dict[str, Any]:
    return shaper(["ID"], notes).shape(row, context or {})


values = st.recursive(
    st.one_of(
        st.none(),
        st.just(""),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text().map(lambda text: text + SECRET),
        st.sampled_from(["2026-01-31", "12", "1.5", "False"]),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=2)),
    max_leaves=4,
)
names = st.one_of(
    st.sampled_from(NAMES), st.sampled_from(["Nickname", "id", "firstname", "Hours "]), st.text(max_size=5)
)
rows = st.dictionaries(names, values, max_size=12)


@unhurried
@given(row=rows, key=st.integers(fields.SMALLEST, fields.LARGEST))
def test_a_record_holds_the_fields_of_the_schema_and_no_other_whatever_row_comes(
    row: dict[str, Any], key: int, heard: Heard
) -> None:
    heard.lines.clear()
    row["ID"] = key
    before = repr(row)
    notes = Notes()
    record = shape(row, notes=notes)

    assert list(record) == NAMES
    assert Draft7Validator(SCHEMA).is_valid(record)
    assert sorted(notes.unknown) == sorted(row.keys() - set(NAMES))
    without_data = {name for name in NAMES if row.get(name) in (None, "")}
    assert {name for name in NAMES if record[name] is None} == without_data | set(notes.unfit)
    assert without_data.isdisjoint(notes.unfit)
    assert repr(row) == before
    notes.log_totals()
    assert not any(SECRET in line for line in heard.lines)


@pytest.mark.parametrize("row", [{}, dict.fromkeys(NAMES[1:]), dict.fromkeys(NAMES[1:], "")])
def test_absent_null_and_empty_are_all_null_and_nothing_to_report(row: dict[str, Any]) -> None:
    notes = Notes()

    assert shape({"ID": 1, **row}, notes=notes) == {"ID": 1, **dict.fromkeys(NAMES[1:])}
    assert notes.unfit == notes.unknown == []


def test_zero_false_and_an_empty_list_are_data() -> None:
    row = {"ID": 0, "OrganisationID": 0, "Hours": 0, "Active": False, "Emails": []}

    assert shape(row) == {"FirstName": None, "LastModified": None, **row}


@pytest.mark.parametrize("missing", [{}, {"OrganisationID": None}, {"OrganisationID": ""}], ids=repr)
def test_the_context_fills_what_the_row_leaves_open_and_adds_nothing_else(missing: dict[str, Any]) -> None:
    record = shape({"ID": 1, **missing}, {"OrganisationID": 5740, "CustomerID": 3})

    assert record == {**dict.fromkeys(NAMES), "ID": 1, "OrganisationID": 5740}


def test_the_context_does_not_stand_in_for_a_value_that_does_not_fit() -> None:
    notes = Notes()

    # The report says that null was sent.
    assert shape({"ID": 1, "OrganisationID": "none"}, {"OrganisationID": 5740}, notes)["OrganisationID"] is None
    assert notes.unfit == ["OrganisationID"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_cannot_hold_is_null_and_told(value: float) -> None:
    notes = Notes()

    assert shape({"ID": 1, "Hours": value}, notes=notes)["Hours"] is None
    assert notes.unfit == ["Hours"]


def test_what_the_row_says_goes_before_the_context() -> None:
    assert shape({"ID": 1, "OrganisationID": "7"}, {"OrganisationID": 8})["OrganisationID"] == 7


def test_values_are_converted_by_their_field() -> None:
    record = shape(
        {
            "ID": "12",
            "OrganisationID": 5.0,
            "FirstName": 7,
            "Emails": ["a@example.org", None],
            "Hours": "7.5",
            "Active": "False",
            "LastModified": "2026-01-31T10:00:00+01:00",
        }
    )

    assert record == {
        "ID": 12,
        "OrganisationID": 5,
        "FirstName": "7",
        "Emails": ["a@example.org", None],
        "Hours": 7.5,
        "Active": False,
        "LastModified": "2026-01-31T09:00:00.000000Z",
    }


@pytest.mark.parametrize("unusable", [None, "", SECRET, True, [], {SECRET: SECRET}, 1.5, "1.0", 2**63], ids=repr)
def test_a_row_without_a_usable_key_stops_the_run_without_showing_any_value(unusable: object) -> None:
    with pytest.raises(UnusableRow, match="people without a usable ID") as stopped:
        shape({"FirstName": SECRET, "ID": unusable})
    assert SECRET not in str(stopped.value)
    assert stopped.value.__cause__ is stopped.value.__context__ is None


def test_characters_that_no_target_can_hold_are_replaced_before_and_counted_here(heard: Heard) -> None:
    heard.lines.clear()
    notes = Notes()

    record = shape({"ID": 1, "FirstName": RepairedText("Za\ufffdphod")}, notes=notes)

    assert record["FirstName"] == "Za\ufffdphod"
    assert shape({"ID": 1, "Emails": ["a", RepairedText("\ufffd")]}, notes=notes)["Emails"] == ["a", "\ufffd"]
    assert type(record["FirstName"]) is str
    notes.log_totals()
    for name in ("FirstName", "Emails"):
        assert any(f"in {name} were replaced by U+FFFD in 1 records" in line for line in heard.lines)


@pytest.mark.parametrize("name", ["two\nlines", "Gemma Hall", "x" * 65, "", "a@b.c", "\x1b[31m"])
def test_a_field_that_has_no_plain_name_is_told_without_it(name: str, heard: Heard) -> None:
    heard.lines.clear()

    shape({"ID": 1, name: SECRET})

    assert any("not shown: it is no plain name" in line for line in heard.lines)
    assert not any(name in line for line in heard.lines if name)


def test_no_more_unknown_names_are_told_than_anyone_would_read(heard: Heard) -> None:
    heard.lines.clear()
    notes = Problems()

    shape({"ID": 1, **{f"Key{number}": 1 for number in range(1000)}}, notes=notes)

    assert len(heard.lines) < 60
    notes.log_totals()
    assert any("not shown: there are too many) was left out of 950 records" in line for line in heard.lines)


def test_a_row_without_its_key_stops_the_run() -> None:
    with pytest.raises(UnusableRow, match="people without a usable ID"):
        shape({"FirstName": SECRET}, {"OrganisationID": 1})


def test_a_value_that_does_not_fit_is_null_and_told_by_the_kind_that_came(heard: Heard) -> None:
    heard.lines.clear()
    record = shape({"ID": 1, "Hours": SECRET, "Active": {SECRET: 1}, "LastModified": 20260131})

    assert record == {"ID": 1, **dict.fromkeys(NAMES[1:])}
    for name, kind in (("Hours", "text"), ("Active", "an object"), ("LastModified", "a number")):
        assert sum(f"{name} in people" in line and f"({kind} came)" in line for line in heard.lines) == 1


def test_each_key_of_several_is_needed() -> None:
    both = shaper(["ID", "OrganisationID"])

    assert both.shape({"ID": 1}, {"OrganisationID": 2})["OrganisationID"] == 2
    with pytest.raises(UnusableRow, match="OrganisationID"):
        both.shape({"ID": 1}, {})


def test_what_is_held_back_is_neither_in_the_record_nor_reported() -> None:
    notes = Notes()

    record = shaper(["ID"], notes, held_back=["FirstName"]).shape({"ID": 1, "FirstName": SECRET}, {})

    assert list(record) == [name for name in NAMES if name != "FirstName"]
    assert notes.unknown == notes.unfit == []
