"""Moments are spelled in one way, whichever of the two ways to convert them is taken."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import example, given
from hypothesis import strategies as st

from tap_onefile.records.convert import INSTANT_OF_TEXT, NAMES_OF_INSTANT_OF_TEXT, to_timestamp

offsets = st.none() | st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
spelled = st.builds(
    lambda moment, precision, zulu: moment.isoformat(timespec=precision).removesuffix("+00:00") + zulu,
    st.datetimes(timezones=offsets),
    st.sampled_from(["seconds", "milliseconds", "microseconds", "minutes"]),
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


def outcome_of_expression(text: str) -> object:
    try:
        return eval(INSTANT_OF_TEXT, {**NAMES_OF_INSTANT_OF_TEXT, "text": text})  # noqa: S307 - an expression of our own
    except ValueError:
        return ValueError


def outcome_of_function(text: str) -> object:
    try:
        return to_timestamp(text)
    except ValueError:
        return ValueError


@given(nearly_spelled())
@example("2022-02-23T12:49:33.150Z")
@example("2022-02-23T12:49:33Z")
@example("2022-02-23T12:49:33.1500000Z")
@example("2022-02-23T23:59:59.9999999Z")
@example("2022-02-23T24:00:00Z")
@example("2022-02-23T24:00:00.000Z")
@example("2022-02-30T12:49:33.150Z")
@example("2022-02-23 12:49:33.150Z")
@example("2022-W08-3T12:49:33.150Z")
@example("2022-02-23T12:49:33,150Z")
@example("2022-02-23T12:49:33.1509")
@example("2022-02-23T12:49+01:00")
@example("2022-02-23T12:49:33Z ")
@example("2022-02-23T12:49.33Z")
@example("2022-02-23T12:49.33.150Z")
def test_the_expression_gives_what_the_function_gives_or_leaves_it_to_it(text: str) -> None:
    assert outcome_of_expression(text) in {outcome_of_function(text), ValueError}


@given(st.datetimes(), st.sampled_from(["seconds", "milliseconds"]))
def test_the_expression_gives_what_the_vendor_spells(moment: datetime, precision: str) -> None:
    text = f"{moment.isoformat(timespec=precision)}Z"

    assert isinstance(outcome_of_expression(text), str)
    assert outcome_of_expression(text) == outcome_of_function(text)


@given(st.datetimes(timezones=offsets))
def test_a_moment_is_spelled_in_one_width_whatever_its_offset(moment: datetime) -> None:
    told = outcome_of_function(moment.isoformat())

    in_utc = datetime.fromisoformat(told) if isinstance(told, str) else None
    assert in_utc is None or in_utc.replace(tzinfo=None) == moment.replace(tzinfo=None) - (
        moment.utcoffset() or timedelta()
    )
    assert told is ValueError or len(str(told)) == len("2026-01-31T09:30:00.000000Z")
