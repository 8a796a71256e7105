"""Conversions lose nothing, and refuse with ValueError alone."""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tap_onefile.records import fields
from tap_onefile.records.convert import LARGEST, SMALLEST, converter_for, to_timestamp, to_timestamps

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

MICROSECONDS_A_DAY = 86_400 * 10**6


def schema_of(kind: str) -> dict[str, Any]:
    schema: dict[str, Any] = fields.record(getattr(fields.SIMILAR, kind)("Field", "A field."))["properties"]["Field"]
    return schema


def convert(kind: str, value: object) -> Any:  # noqa: ANN401 - whatever the kind is
    """Convert as the records do: by the schema of a field."""
    return converter_for(schema_of(kind))(value)


def is_refused(kind: str, value: object) -> bool:
    try:
        convert(kind, value)
    except ValueError:
        return True
    return False


KINDS = ["reference", "integer", "number", "text", "texts", "flag", "timestamp"]
TYPES: dict[str, type | tuple[type, ...]] = {
    "reference": int,
    "integer": int,
    "number": (int, float),
    "text": str,
    "texts": list,
    "flag": bool,
    "timestamp": str,
}

integers = st.integers(SMALLEST, LARGEST)
finite = st.floats(allow_nan=False, allow_infinity=False)
almost = st.one_of(
    st.from_regex(r"[-+]?[0-9]{1,25}(\.[0-9]{0,25})?([eE][-+]?[0-9]{1,4})?", fullmatch=True),
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?)?.{0,7}", fullmatch=True
    ),
    st.sampled_from(
        ["true", "FALSE", "0", "1", "2", "yes", "no", "٣", "1_000", " 1", "1\n", "NaN", "Infinity", "0x1f", "-"]
    ),
)
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), almost),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=5,
)


@pytest.mark.parametrize("kind", KINDS)
@unhurried
@given(value=anything)
@example(value="9" * 5000)
@example(value=10**5000)
@example(value="0001-01-01T00:00:00+14:00")
@example(value="9999-12-31T23:59:59-14:00")
@example(value="2026-01-01\ud800")
def test_a_value_is_converted_to_the_declared_type_or_refused_with_valueerror(kind: str, value: object) -> None:
    try:
        converted = convert(kind, value)
    except ValueError:
        return
    assert isinstance(converted, TYPES[kind])
    assert isinstance(converted, bool) == (kind == "flag")


@unhurried
@given(value=integers)
@example(value=LARGEST)
@example(value=SMALLEST)
def test_a_whole_number_is_read_from_each_spelling(value: int) -> None:
    assert convert("integer", value) == value
    assert convert("integer", str(value)) == value
    assert convert("integer", float(value % 2**53)) == value % 2**53


@pytest.mark.parametrize("beyond", [LARGEST + 1, SMALLEST - 1, 1e30, "9" * 40])
def test_what_no_database_takes_for_a_whole_number_is_refused(beyond: object) -> None:
    assert is_refused("integer", beyond)


@unhurried
@given(value=anything)
def test_a_whole_number_is_what_the_value_says(value: object) -> None:
    try:
        converted = convert("integer", value)
    except ValueError:
        return
    assert type(converted) is int
    assert isinstance(value, (int, float, str))
    assert Decimal(value) == converted


@pytest.mark.parametrize(
    "value", [True, False, 1.5, math.nan, math.inf, "1.0", " 1", "1\n", "+1", "1_000", "٣", "", "1e3", [1], {}, None]
)
def test_what_is_no_whole_number_is_refused(value: object) -> None:
    assert is_refused("integer", value)


@unhurried
@given(value=finite, whole=st.integers(-(10**15), 10**15))
def test_a_number_stays_as_it_is(value: float, whole: int) -> None:
    assert convert("number", value) == value
    assert convert("number", whole) == whole
    assert convert("number", str(whole)) == whole


@unhurried
@given(value=st.decimals(-(10**9), 10**9, places=4))
def test_a_number_is_read_from_text(value: Decimal) -> None:
    assert Decimal(repr(convert("number", f"{value:f}"))) == value


@unhurried
@given(value=st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,25})?", fullmatch=True))
@example(value="12345678901234567890.5")
@example(value="9" * 400)
def test_a_number_that_would_lose_digits_is_refused(value: str) -> None:
    try:
        converted = convert("number", value)
    except ValueError:
        return
    assert Decimal(repr(converted)) == Decimal(value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_json_cannot_hold_is_refused(value: float) -> None:
    assert is_refused("number", value)


@pytest.mark.parametrize("value", [True, "1,5", "1e3", ".5", "5.", " 1", "NaN", "", [1.5], {}, None])
def test_what_is_no_number_is_refused(value: object) -> None:
    assert is_refused("number", value)


@unhurried
@given(value=st.text())
def test_text_stays_as_it_is(value: str) -> None:
    assert convert("text", value) == value
    assert convert("texts", [value, None]) == [value, None]


@unhurried
@given(value=st.one_of(st.booleans(), integers, finite))
def test_text_made_of_another_value_says_the_same(value: float) -> None:
    converted = convert("text", value)

    assert json.loads(converted) == value
    is_whole = type(value) is float and value.is_integer() and abs(value) < 2**53
    assert type(json.loads(converted)) is (int if is_whole else type(value))
    assert convert("texts", [value]) == [converted]


@pytest.mark.parametrize("spelled", ["1234567890", "1234567890.0", "1234567890.00", "1.23456789e9", "1.23456789E+9"])
def test_a_whole_number_in_a_text_field_is_spelled_in_one_way(spelled: str) -> None:
    assert convert("text", json.loads(spelled)) == "1234567890"
    assert convert("text", json.loads("1e9")) == "1000000000"


any_json = st.recursive(
    st.one_of(st.booleans(), integers, finite, st.text()),
    lambda inner: st.lists(inner | st.none(), max_size=3) | st.dictionaries(st.text(), inner | st.none(), max_size=3),
    max_leaves=6,
)


@unhurried
@given(value=any_json)
def test_a_field_that_was_asked_for_is_text_that_says_the_same(value: object) -> None:
    schema = fields.record(fields.ASKED_FOR.any_as_text("Field", "A field.", fields.PERSONAL))["properties"]["Field"]
    assert schema["type"] == ["string", "null"]

    converted = converter_for(schema)(value)

    assert converted == value if isinstance(value, str) else json.loads(converted) == value


def test_a_field_that_was_asked_for_is_spelled_as_json_spells_it() -> None:
    schema = fields.record(fields.ASKED_FOR.any_as_text("Field", "A field.", fields.PERSONAL))["properties"]["Field"]
    came = ["text", 12, 1e9, 12.5, True, ["Łódź", None, 1], {"ID": 7, "Name": "A"}, [], {}]

    assert [converter_for(schema)(value) for value in came] == [
        "text", "12", "1000000000", "12.5", "true", '["Łódź",null,1]', '{"ID":7,"Name":"A"}', "[]", "{}",
    ]  # fmt: skip
    for unfit in (math.nan, [math.inf], {"a": object()}):
        with pytest.raises(ValueError, match=r"^$|^Out of range float"):
            converter_for(schema)(unfit)


@pytest.mark.parametrize("value", [[], ["a"], {}, {"a": 1}, None, b"a"])
def test_what_is_no_single_value_is_no_text(value: object) -> None:
    assert is_refused("text", value)


@pytest.mark.parametrize("value", ["a", {}, None, 1, [["a"]], [{}], ["a", []]])
def test_what_is_no_list_of_texts_is_refused(value: object) -> None:
    assert is_refused("texts", value)


@pytest.mark.parametrize("value", [True, "true", "True", "TRUE", "1", 1], ids=repr)
def test_what_means_true_is_true(value: object) -> None:
    assert convert("flag", value) is True


@pytest.mark.parametrize("value", [False, "false", "False", "FALSE", "0", 0], ids=repr)
def test_what_means_false_is_false(value: object) -> None:
    assert convert("flag", value) is False


@unhurried
@given(value=anything)
@example(value="no")
@example(value=1.0)
def test_nothing_else_is_a_flag(value: object) -> None:
    assume(str(value).lower() not in {"true", "false", "1", "0"} or isinstance(value, float))
    assert is_refused("flag", value)


@st.composite
def spelled_timestamps(draw: st.DrawFn) -> tuple[str, int]:
    """Make a date as .NET or JavaScript may spell it, and its microseconds since the year 0, counted by hand."""
    day = draw(st.one_of(st.dates(), st.sampled_from([date.min, date.max, date(1900, 1, 1), date(2024, 2, 29)])))
    total = day.toordinal() * MICROSECONDS_A_DAY
    if draw(st.integers(0, 9)) == 0:
        return day.isoformat(), total
    hour, minute, second = draw(st.integers(0, 23)), draw(st.integers(0, 59)), draw(st.integers(0, 59))
    spelled = f"{day.isoformat()}{draw(st.sampled_from('T '))}{hour:02}:{minute:02}"
    total += (hour * 60 + minute) * 60 * 10**6
    if draw(st.booleans()):
        spelled += f":{second:02}"
        total += second * 10**6
        digits = draw(st.from_regex(r"([0-9]{3}|[0-9]{6}|[0-9]{7})?", fullmatch=True))
        if digits:
            spelled += f".{digits}"
            total += int(digits.ljust(6, "0")[:6])
    offset = draw(st.one_of(st.none(), st.just(0), st.integers(-14 * 60, 14 * 60)))
    if offset == 0:
        spelled += draw(st.sampled_from(["Z", "+00:00", "-00:00"]))
    elif offset is not None:
        spelled += f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
        total -= offset * 60 * 10**6
    return spelled, total


def as_text(total: int) -> str | None:
    """Spell microseconds since the year 0 as a timestamp; None outside the calendar."""
    day, rest = divmod(total, MICROSECONDS_A_DAY)
    if not 1 <= day <= date.max.toordinal():
        return None
    seconds, micros = divmod(rest, 10**6)
    return f"{date.fromordinal(day)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{micros:06}Z"


@unhurried
@given(one=spelled_timestamps(), other=spelled_timestamps(), margin=st.text(" \t\n", max_size=2))
def test_a_timestamp_is_utc_in_a_fixed_width_whose_order_is_that_of_time(
    one: tuple[str, int], other: tuple[str, int], margin: str
) -> None:
    results = []
    for spelled, total in (one, other):
        expected = as_text(total)
        if expected is None:
            assert is_refused("timestamp", spelled)
            return
        results.append(convert("timestamp", margin + spelled))
        assert results[-1] == expected
        assert convert("timestamp", expected) == expected
    assert len(results[0]) == len(results[1]) == len("2026-01-31T09:30:00.000000Z")
    assert (results[0] < results[1]) == (one[1] < other[1])


@pytest.mark.parametrize(
    "value", ["", "31/01/2026", "2026-13-01", "2026-02-30", "soon", "/Date(1700000000000)/", 1, None]
)
def test_what_is_no_date_is_refused(value: object) -> None:
    assert is_refused("timestamp", value)


offsets = st.none() | st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
whole_hours = st.integers(-15, 15).map(lambda hours: timezone(timedelta(hours=hours)))
ends = st.sampled_from(["0001-01-01", "9999-12-31T23:59:59.999999", "2024-03-01", "2024-01-01"])
spelled = st.builds(
    lambda moment, zone, precision, ticks, zulu: (
        re.sub(r"(\.\d{6})", rf"\g<1>{ticks}", moment.replace(tzinfo=zone).isoformat(timespec=precision))
        .removesuffix("+00:00")
        .__add__(zulu)
    ),
    st.datetimes() | ends.map(datetime.fromisoformat),
    offsets | whole_hours,
    st.sampled_from(["seconds", "milliseconds", "microseconds", "minutes"]),
    st.sampled_from(["", "7"]),
    st.sampled_from(["", "Z"]),
)


@st.composite
def nearly_spelled(draw: st.DrawFn) -> str:
    """Draw a date in which a place or two hold something else, or nothing, or more."""
    text: str = draw(spelled)
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text)))
        text = text[:place] + draw(st.text("0129-:TZW.,+ ", max_size=2)) + text[place + draw(st.integers(0, 2)) :]
    return text


def the_long_way(text: str) -> object:
    """Convert a date without the short cut for the vendor's spellings."""
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return ValueError
    return f"{moment.isoformat(timespec='microseconds')}Z"


def outcome(text: str) -> object:
    try:
        return to_timestamp(text)
    except ValueError:
        return ValueError


COMPANIONS = {
    "2024-03-01T00:00:00Z": "2024-03-01T00:00:00.000000Z",
    "2024-03-01T00:00:00": "2024-03-01T00:00:00.000000Z",
    "2024-03-01T00:00:00.25+01:00": "2024-02-29T23:00:00.250000Z",
}


def outcome_of_a_column(text: str, companion: str) -> object:
    """Convert a column as the shaper does: value by value where it cannot be converted at once."""
    try:
        (before, found, after, again) = to_timestamps([None, text, companion, text])
    except ValueError:
        return outcome(text)
    assert (before, after, again) == (None, COMPANIONS[companion], found)
    return found


@unhurried
@given(nearly_spelled())
@example("2022-02-23T12:49:33.150Z")
@example("2022-02-23T12:49:33Z")
@example("2022-02-23T12:49:33.1500000Z")
@example("2022-02-23T23:59:59.9999999Z")
@example("2022-02-23T24:00:00Z")
@example("2022-02-23T24:00:00.000Z")
@example("2022-02-23T24:00:00+01:00")
@example("2022-02-23T12:49:33.18+00:00")
@example("2022-02-23T12:49:331+00:00")
@example("2022-02-23T12:49:33.1500000+01:00")
@example("2022-03-01T00:49:33+01:00")
@example("0001-01-01T00:49:33+01:00")
@example("2022-02-23T12:49:33.15-2345-05:30")
@example("2022-02-23T12:49:33.1500000 ")
@example("2022-02:23")
@example("2022-23")
@example("2022-02-30T12:49:33.150Z")
@example("2022-02-23 12:49:33.150Z")
@example("2022-W08-3T12:49:33.150Z")
@example("2022-02-23T12:49:33,150Z")
@example("2022-02-23T12:49:33.1509")
@example("2022-02-23T12:49+01:00")
@example("2022-02-23T12:49:33Z ")
@example("2022-02-23T12:49.33Z")
@example("2022-02-23T12:49.33.150Z")
@example("2022-02-23t12:49:33Z")
@example("2022-02-23T12:49:33z")
@example("2022-02-23T12:49:33.5z")
@example("2022-02-23T12:49:33+0530")
@example("2022-02-23T12:49:33-0530")
@example("2022-02-23T12:49:33.12+0530")
@example("2022-02-23T12:49:33.12345678Z")
@example("2022-02-23T12:49:33.15+05:30")
@example("2022-02-23T12:49:33-00:00")
def test_the_short_cut_for_the_vendors_spellings_gives_what_the_long_way_gives(text: str) -> None:
    assert outcome(text) == the_long_way(text)
    assert all(outcome_of_a_column(text, companion) == the_long_way(text) for companion in COMPANIONS)


@pytest.mark.parametrize("zone", ["", "Z", "+00:00", "+01:00"])
@pytest.mark.parametrize("fraction", ["", ".5", ".150", ".1234567"])
def test_the_short_cut_is_taken_for_the_usual_spellings(zone: str, fraction: str) -> None:
    texts = [f"2024-03-0{day}T00:30:00{each}{zone}" for day in (1, 2) for each in ("", fraction)]

    assert to_timestamps([*texts, None]) == [*map(to_timestamp, texts), None]


@unhurried
@given(st.datetimes(), st.sampled_from(["seconds", "milliseconds"]))
def test_what_the_vendor_spells_is_a_timestamp(moment: datetime, precision: str) -> None:
    text = f"{moment.isoformat(timespec=precision)}Z"

    assert isinstance(outcome(text), str)
    assert outcome(text) == the_long_way(text)


@unhurried
@given(st.datetimes(timezones=offsets))
def test_a_timestamp_is_spelled_in_one_width_whatever_its_offset(moment: datetime) -> None:
    told = outcome(moment.isoformat())

    in_utc = datetime.fromisoformat(told) if isinstance(told, str) else None
    assert in_utc is None or in_utc.replace(tzinfo=None) == moment.replace(tzinfo=None) - (
        moment.utcoffset() or timedelta()
    )
    assert told is ValueError or len(str(told)) == len("2026-01-31T09:30:00.000000Z")
