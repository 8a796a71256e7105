"""A record holds the fields of its schema and nothing else, whatever row comes."""

from __future__ import annotations

import json
import logging
import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from typing_extensions import override

from tap_onefile.api.decode import RepairedText, RowDecoder, read_rows
from tap_onefile.api.transport import Answer
from tap_onefile.records import fields
from tap_onefile.records.convert import LARGEST, SMALLEST
from tap_onefile.records.privacy import PersonalData, Privacy
from tap_onefile.records.shaper import Shaper
from tap_onefile.reporting.problems import Problems

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from tap_onefile.errors import UnusableRow

    Row = dict[str, Any]

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SECRET = "Zaphod"

SCHEMA = fields.record(
    fields.SIMILAR.identity("person"),
    fields.SIMILAR.reference("OrganisationID", "An id."),
    fields.SIMILAR.text("FirstName", "A name.", fields.PERSONAL),
    fields.SIMILAR.texts("Emails", "Addresses.", fields.PERSONAL),
    fields.SIMILAR.number("Hours", "Hours."),
    fields.SIMILAR.flag("Active", "A flag."),
    fields.SIMILAR.timestamp("LastModified", "A moment."),
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
        self.unknown: Counter[str] = Counter()
        self.unfit: Counter[tuple[str, str]] = Counter()
        self.repaired: Counter[str] = Counter()

    @override
    def unknown_fields(self, stream: str, names: Mapping[str, int], declared: Collection[str] = ()) -> None:
        super().unknown_fields(stream, names, declared)
        self.unknown.update(names)

    @override
    def misfits(self, stream: str, values: Mapping[tuple[str, str], int]) -> None:
        super().misfits(stream, values)
        self.unfit.update(values)

    @override
    def repaired_texts(self, stream: str, names: Mapping[str, int]) -> None:
        super().repaired_texts(stream, names)
        self.repaired.update(names)

    def reports(self) -> list[Counter[Any]]:
        return [self.unknown, self.unfit, self.repaired]


def shaper(keys: Sequence[str], notes: Problems | None = None, held_back: Collection[str] = ()) -> Shaper:
    return Shaper("people", SCHEMA, keys, notes or Problems(), privacy=Privacy(), held_back=held_back)


def shape(row: Row, context: Row | None = None, notes: Problems | None = None) -> Row:
    (record,), failure = shaper(["ID"], notes).shape([row], context or {})
    assert failure is None
    return record


def failure_of(row: Row, context: Row | None = None) -> UnusableRow:
    """Give the error for a row of which no record can be made."""
    records, failure = shaper(["ID"]).shape([row], context or {})
    assert list(records) == []
    assert failure
    return failure


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


def unknown_in(row: Row) -> set[str]:
    """Return the unknown fields of a row that hold something: null is as good as absent."""
    return {name for name, value in row.items() if value is not None} - set(NAMES)


@unhurried
@given(row=rows, key=st.integers(SMALLEST, LARGEST))
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
    assert notes.unknown == Counter(unknown_in(row))
    without_data = {name for name in NAMES if row.get(name) in (None, "")}
    unfit = {name for name, _ in notes.unfit}
    assert len(unfit) == notes.unfit.total()
    assert {name for name in NAMES if record[name] is None} == without_data | unfit
    assert without_data.isdisjoint(unfit)
    assert repr(row) == before
    notes.conclude()
    assert not any(SECRET in line for line in heard.lines)


@pytest.mark.parametrize("row", [{}, dict.fromkeys(NAMES[1:]), dict.fromkeys(NAMES[1:], "")])
def test_absent_null_and_empty_are_all_null_and_nothing_to_report(row: dict[str, Any]) -> None:
    notes = Notes()

    assert shape({"ID": 1, **row}, notes=notes) == {"ID": 1, **dict.fromkeys(NAMES[1:])}
    assert not notes.unfit
    assert not notes.unknown


def test_zero_false_and_an_empty_list_are_data() -> None:
    row = {"ID": 0, "OrganisationID": 0, "Hours": 0, "Active": False, "Emails": []}

    assert shape(row) == {"FirstName": None, "LastModified": None, **row}


@pytest.mark.parametrize("missing", [{}, *({"OrganisationID": value} for value in (None, "", 0, "0"))], ids=repr)
def test_the_context_fills_what_the_row_leaves_open_and_adds_nothing_else(missing: dict[str, Any]) -> None:
    record = shape({"ID": 1, **missing}, {"OrganisationID": 5740, "CustomerID": 3})

    assert record == {**dict.fromkeys(NAMES), "ID": 1, "OrganisationID": 5740}


def test_the_context_does_not_stand_in_for_a_value_that_does_not_fit() -> None:
    notes = Notes()

    # The report says that null was sent.
    assert shape({"ID": 1, "OrganisationID": "none"}, {"OrganisationID": 5740}, notes)["OrganisationID"] is None
    assert notes.unfit == {("OrganisationID", "text"): 1}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_cannot_hold_is_null_and_told(value: float) -> None:
    notes = Notes()

    assert shape({"ID": 1, "Hours": value}, notes=notes)["Hours"] is None
    assert notes.unfit == {("Hours", "a number"): 1}


def test_a_list_nested_deeper_than_python_calls_is_null_and_told() -> None:
    notes = Notes()
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    assert shape({"ID": 1, "FirstName": deep}, notes=notes)["FirstName"] is None
    assert notes.unfit == {("FirstName", "a list"): 1}
    # Freed level by level, as older Pythons free what is nested by calls within calls.
    while deep:
        deep = deep.pop()


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
    failure = failure_of({"FirstName": SECRET, "ID": unusable})

    assert "people without a usable ID" in str(failure)
    assert SECRET not in str(failure)
    assert failure.__cause__ is failure.__context__ is None


def test_characters_that_no_target_can_hold_are_replaced_before_and_counted_here(heard: Heard) -> None:
    heard.lines.clear()
    notes = Notes()

    record = shape({"ID": 1, "FirstName": RepairedText("Za\ufffdphod")}, notes=notes)

    assert record["FirstName"] == "Za\ufffdphod"
    assert shape({"ID": 1, "Emails": ["a", RepairedText("\ufffd")]}, notes=notes)["Emails"] == ["a", "\ufffd"]
    assert type(record["FirstName"]) is str
    notes.conclude()
    for name in ("FirstName", "Emails"):
        assert any(f"in {name} were replaced by U+FFFD in 1 records" in line for line in heard.lines)


@pytest.mark.parametrize("name", ["two\nlines", "Gemma Hall", "x" * 65, "", "a@b.c", "\x1b[31m"])
def test_a_field_that_has_no_plain_name_is_told_without_it(name: str, heard: Heard) -> None:
    heard.lines.clear()

    shape({"ID": 1, name: SECRET})

    assert any("Some names are not shown" in line for line in heard.lines)
    assert not any(name in line for line in heard.lines if name)


def test_no_more_unknown_names_are_told_than_anyone_would_read(heard: Heard) -> None:
    heard.lines.clear()
    notes = Problems()

    shape({"ID": 1, **{f"Key{number}": 1 for number in range(1000)}}, notes=notes)

    assert len(heard.lines) < 60
    notes.conclude()
    assert any("left out: 1000 of people" in line and "Some names are not shown" in line for line in heard.lines)
    assert all(line.count("people.Key") <= 50 for line in heard.lines)
    assert heard.lines[-1].count("people.Key") == 50


@unhurried
@given(
    batches=st.lists(st.lists(rows, max_size=6), max_size=4), held_back=st.sets(st.sampled_from(NAMES[1:]), max_size=3)
)
def test_unknown_fields_are_counted_by_name_over_batches_of_any_rows(
    batches: list[list[Row]], held_back: set[str]
) -> None:
    notes = Notes()
    people = shaper(["ID"], notes, held_back)

    for batch in batches:
        records, _ = people.shape([{**row, "ID": 1} for row in batch], {})
        assert all(record.keys() == {name for name in NAMES if name not in held_back} for record in records)

    assert notes.unknown == Counter(name for batch in batches for row in batch for name in unknown_in(row))


def test_a_field_like_a_declared_one_is_not_offered_to_be_asked_for(heard: Heard) -> None:
    """Many databases have one column for both."""
    heard.lines.clear()

    shape({"ID": 1, "firstname": SECRET, "_sdc_batched_at": 1, "Nickname": 1})

    (line,) = heard.lines
    assert line == (
        "OneFile sends fields of people that the tap does not have; they are left out. To read them as text, add to the"
        ' setting extra_fields: ["people.Nickname"]. Some names are not shown: they are too many, no plain names, or'
        " too like fields that it has"
    )


def test_a_row_without_its_key_stops_the_run() -> None:
    assert "people without a usable ID" in str(failure_of({"FirstName": SECRET}, {"OrganisationID": 1}))


def test_a_value_that_does_not_fit_is_null_and_told_by_the_kind_that_came(heard: Heard) -> None:
    heard.lines.clear()
    record = shape({"ID": 1, "Hours": SECRET, "Active": {SECRET: 1}, "LastModified": 20260131})

    assert record == {"ID": 1, **dict.fromkeys(NAMES[1:])}
    for name, kind in (("Hours", "text"), ("Active", "an object"), ("LastModified", "a number")):
        assert sum(f"{name} in people" in line and f"({kind} came)" in line for line in heard.lines) == 1


def test_each_key_of_several_is_needed() -> None:
    both = shaper(["ID", "OrganisationID"])

    (record,), none = both.shape([{"ID": 1}], {"OrganisationID": 2})
    assert (record["OrganisationID"], none) == (2, None)
    records, failure = both.shape([{"ID": 1}], {})
    assert list(records) == []
    assert "OrganisationID" in str(failure)


def test_records_end_before_the_first_row_that_lacks_any_key() -> None:
    rows = [{"ID": 1, "OrganisationID": 2}, {"ID": 3}, {"OrganisationID": 2}]
    (record,), failure = shaper(["ID", "OrganisationID"]).shape(rows, {})

    assert record["ID"] == 1
    assert "OrganisationID" in str(failure)


def test_a_part_of_the_key_is_what_the_context_says_whatever_the_row_says() -> None:
    (record,), _ = shaper(["ID", "OrganisationID"]).shape([{"ID": 1, "OrganisationID": 7}], {"OrganisationID": 2})

    assert record["OrganisationID"] == 2


def test_what_is_held_back_is_neither_in_the_record_nor_reported() -> None:
    notes = Notes()

    row = {"ID": 1, "FirstName": {"any": SECRET}}
    (record,), _ = shaper(["ID"], notes, held_back=["FirstName"]).shape([row], {})

    assert list(record) == [name for name in NAMES if name != "FirstName"]
    assert not notes.unfit
    assert not notes.unknown


WIDE_SCHEMA = fields.record(
    fields.SIMILAR.identity("person"),
    fields.SIMILAR.key_reference("OrganisationID", "An id."),
    fields.SIMILAR.integer("Role", "A number."),
    fields.SIMILAR.text("FirstName", "A name.", fields.PERSONAL),
    fields.SIMILAR.text("L12", "A code.", fields.SPECIAL),
    fields.SIMILAR.texts("Emails", "Addresses.", fields.PERSONAL),
    fields.SIMILAR.number("Hours", "Hours."),
    fields.SIMILAR.flag("Active", "A flag."),
    fields.SIMILAR.timestamp("LastModified", "A moment."),
)
WIDE_NAMES = list(WIDE_SCHEMA["properties"])
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
    st.one_of(
        st.sampled_from(WIDE_NAMES), st.sampled_from(["Nickname", "get", "_unknown_0", "id"]), st.text(max_size=4)
    ),
    odd_values,
    max_size=3,
)
ids = st.one_of(st.integers(0, 10**7), st.integers(0, 10**7), st.sampled_from(["12", 5.0, None, "", 2**63]))
odd_rows = st.builds(
    lambda record_id, left_out, oddity: {
        **{name: value for name, value in ORDINARY.items() if name not in left_out},
        "ID": record_id,
        **oddity,
    },
    ids,
    st.sets(st.sampled_from(WIDE_NAMES), max_size=3),
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


def shaped(pages: Sequence[Sequence[Any]], privacy: Privacy) -> tuple[list[Any], str, Notes]:
    """Make records of pages up to a row that stops the stream; give them, what stopped it, and what was reported."""
    notes = Notes()
    held_back = [name for name, rule in WIDE_SCHEMA["properties"].items() if not privacy.lets_through(rule)]
    wide = Shaper("people", WIDE_SCHEMA, ("OrganisationID", "ID"), notes, privacy=privacy, held_back=held_back)
    found: list[Any] = []
    for page in pages:
        records, failure = wide.shape(page, CONTEXT)
        found += records
        if failure:
            return found, str(failure), notes
    return found, "", notes


def same_whichever_way(pages: Sequence[Sequence[Row]], privacy: Privacy) -> None:
    answers = [Answer(200, json.dumps(page).encode(), None) for page in pages]
    decoded = list(map(read_rows, answers))
    found, stopped, notes = shaped(decoded, privacy)
    one_by_one, stopped_too, notes_of_one = shaped([[row] for page in decoded for row in page], privacy)

    assert repr(found) == repr(one_by_one)
    assert stopped == stopped_too
    decoder = RowDecoder()
    for _ in range(2):
        # The second time, the names of most rows are known.
        known = [read_rows(answer, decoder) for answer in answers]
        of_known, stopped_by_known, notes_of_known = shaped(known, privacy)
        assert (repr(of_known), stopped_by_known) == (repr(found), stopped)
        assert notes_of_known.reports() == notes.reports()
    reports = list(zip(notes.reports(), notes_of_one.reports(), strict=True))
    # A page is looked at as a whole, so that what follows a row that stops the stream may be reported as well.
    assert all(of_pages >= of_rows if stopped else of_pages == of_rows for of_pages, of_rows in reports)
    kept = [name for name in WIDE_NAMES if privacy.lets_through(WIDE_SCHEMA["properties"][name])]
    assert all(list(record) == kept for record in found)


@pytest.mark.parametrize("oddity", ODD, ids=repr)
def test_an_oddity_that_comes_again_and_again_is_reported_again_and_again(oddity: Row) -> None:
    pages = [[{**ORDINARY, **oddity}, ORDINARY]] * 3
    same_whichever_way(pages, Privacy())

    once, thrice = shaped(pages[:1], Privacy())[2], shaped(pages, Privacy())[2]
    assert thrice.reports() == [
        Counter({what: 3 * count for what, count in report.items()}) for report in once.reports()
    ]


@unhurried
@given(pages=st.lists(st.lists(odd_rows, max_size=4), min_size=1, max_size=6), privacy=protections)
def test_records_and_reports_are_the_same_for_a_page_as_for_its_rows_one_by_one(
    pages: list[list[Row]], privacy: Privacy
) -> None:
    same_whichever_way(pages, privacy)


@unhurried
@given(name=st.sampled_from(WIDE_NAMES), value=odd_values, privacy=protections)
def test_a_value_is_what_its_converter_makes_of_it_or_null(name: str, value: object, privacy: Privacy) -> None:
    rule = WIDE_SCHEMA["properties"][name]
    try:
        expected = None if value in (None, "") else privacy.converter_for(rule)(value)
    except (ValueError, OverflowError):
        expected = None
    whole = Shaper("people", WIDE_SCHEMA, (), Problems(), privacy=privacy)
    (record,), _ = whole.shape([{name: value}], {})

    assert repr(record[name]) == repr(expected)


@unhurried
@given(
    name=st.sampled_from(WIDE_NAMES),
    column=st.lists(odd_values | st.sampled_from(["7", "40", 7, 7.0, -1, "null", "1e3", "007", "٣"]), max_size=4),
)
@example(name="FirstName", column=["", 7])
def test_each_value_of_a_column_is_what_it_is_alone(name: str, column: list[object]) -> None:
    rows = [{"ID": 1, name: value} for value in column]
    notes = Notes(), Notes()
    whole, alone = (Shaper("people", WIDE_SCHEMA, (), each, privacy=Privacy()) for each in notes)
    records, _ = whole.shape(rows, {})

    assert repr(list(records)) == repr([record for row in rows for record in alone.shape([row], {})[0]])
    assert notes[0].reports() == notes[1].reports()


def test_those_who_have_left_a_personal_field_blank_do_not_share_a_pseudonym() -> None:
    privacy = Privacy(personal=PersonalData.PSEUDONYMISE, key=b"k" * 32)
    blank, *_ = shaped([[{**ORDINARY, "FirstName": " \t"}]], privacy)[0]

    assert blank["FirstName"] is None


def test_no_ordinary_value_of_a_personal_field_goes_past_its_pseudonym() -> None:
    privacy = Privacy(personal=PersonalData.PSEUDONYMISE, key=b"k" * 32)
    (record,), _, _ = shaped([[ORDINARY]], privacy)

    assert record["FirstName"] == privacy.pseudonym("Ada")
    assert record["Emails"] == privacy.pseudonym(ORDINARY["Emails"])
    assert (record["ID"], record["Hours"]) == (7, 7)


@pytest.mark.parametrize("unusable", [{"ID": None}, {"ID": ""}, {"ID": "x"}], ids=repr)
def test_what_comes_before_a_row_without_its_key_is_kept_and_nothing_after_it(unusable: Row) -> None:
    page = [ORDINARY, {**ORDINARY, "ID": 8}, {**ORDINARY, **unusable}, {**ORDINARY, "ID": 9}]
    for pages in ([page], [[ORDINARY], page]):
        records, stopped, _ = shaped(pages, Privacy())
        assert "without a usable ID" in stopped
        assert [record["ID"] for record in records][-2:] == [7, 8]
        assert len(records) == 2 * len(pages) - (len(pages) - 1)
