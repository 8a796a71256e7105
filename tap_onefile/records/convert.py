"""Conversion of what OneFile sends into the type of its field.

A value is converted if nothing is lost by it; otherwise ``ValueError`` is raised, for None as well. In records, the
shaper has already made null of an absent field, null and ``""`` (API reference, section 6, "Null vs missing vs empty").
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")
Other = TypeVar("Other")

ANY_AS_TEXT = "x-onefile-any-as-text"
"""The schema keyword of a text field that takes whatever comes, as JSON if it is not a text."""

SMALLEST, LARGEST = -(2**63), 2**63 - 1
"""The limits of a database's whole numbers; JSON has none."""

_WHOLE = len("2022-02-23T12:49:33")
_FORMS = {
    _WHOLE: (_WHOLE, ".000000Z"),
    **{_WHOLE + 1 + digits: (_WHOLE + 1 + min(digits, 6), "000000"[digits:] + "Z") for digits in range(1, 8)},
}
"""By the length of a timestamp before its offset: how much of it is kept, what is added. .NET has up to 7 digits."""
_HOURS: dict[str, dict[str, str]] = {
    f"+{offset:02}:00": {f"{hour:02}": f"{(hour - offset) % 24:02}" for hour in range(24)} for offset in range(15)
}
"""For each usual offset, the hour that it is in UTC."""
_INEXACT = 2**53
"""From where on a float may stand for another whole number than the one that was sent."""
_DIGITS = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def kind_of(rule: Mapping[str, Any]) -> str:
    """Return what a field holds, by its JSON schema: its JSON type, ``date-time``, or ``any``."""
    if rule.get(ANY_AS_TEXT):
        return "any"
    types = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    return str(rule.get("format") or next(kind for kind in types if kind != "null"))


def converter_for(rule: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return the converter of a field, by its JSON schema; it raises ``ValueError`` for misfits."""
    return _CONVERTERS[kind_of(rule)]


def attempt(convert: Callable[[Any], T], value: object, otherwise: Other) -> T | Other:
    """Convert a value, or return something else where it is a misfit."""
    try:
        return convert(value)
    except ValueError:
        return otherwise


def to_timestamp(value: object) -> str:
    """Convert an ISO 8601 date or time to UTC in a fixed width, such as ``2026-01-31T09:30:00.000000Z``.

    So spelled, timestamps sort as text. A value without an offset is UTC, as all known clients of the API take it.
    Microseconds are kept; the seventh digit that .NET may write is not.
    """
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - the error of all misfits
    moment = datetime.fromisoformat(value.strip())
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise ValueError from None
    return f"{moment.isoformat(timespec='microseconds')}Z"


class _Moments(msgspec.Struct):
    """A struct, as msgspec keeps its type: resolving list[datetime] at each call takes longer than the check."""

    moments: list[datetime]


def to_timestamps(values: Sequence[Any]) -> list[str | None]:
    """Convert many values, among them None, as `to_timestamp` does.

    Nothing else that is done to records takes as much processor time. Raises ``ValueError`` for what is no timestamp,
    and for odd spellings, which have to be converted one by one.
    """
    present = [value for value in values if value is not None]
    try:
        # Of all at once this says whether they are moments. Then the usual forms only have to be padded or cut, and
        # their hour moved.
        msgspec.convert({"moments": present}, _Moments)
        texts = "".join(present)
        if 0 < texts.count("Z") < len(present):
            # What .NET has no value for may be spelled otherwise: 0001-01-01T00:00:00.
            zulu, others = [each for each in present if "Z" in each], [each for each in present if "Z" not in each]
            reformed = dict(zip(zulu + others, to_timestamps(zulu) + to_timestamps(others), strict=True))
            return [None if value is None else reformed[value] for value in values]
        offset = _length_of_offsets(texts, len(present))
        if offset > len("Z"):
            return [None if value is None else _in_utc(value) for value in values]
        forms = {length: _FORMS[length - offset] for length in set(map(len, present))}
        if len(forms) == 1:
            ((cut, padding),) = forms.values()
            return [None if value is None else value[:cut] + padding for value in values]
        return [None if value is None else value[: (form := forms[len(value)])[0]] + form[1] for value in values]
    except (KeyError, msgspec.ValidationError):
        raise ValueError from None


def _length_of_offsets(texts: str, number: int) -> int:
    """Return how long the offset of each timestamp is, given a number of them in one text.

    As each is known to be a timestamp, it is enough to count: it has one T or something else in its place, and at most
    one offset, which is Z, or a sign, hours and minutes, with a colon or without.
    """
    if texts.count("T") == number and "z" not in texts:
        if "Z" in texts or not number:
            return len("Z")
        colons = texts.count(":")
        if colons == 3 * number:
            return len("+01:00")
        if colons == texts.count("-") == 2 * number and "+" not in texts:
            return 0
    raise ValueError


def _in_utc(value: str) -> str:
    cut, padding = _FORMS[len(value) - len("+01:00")]
    offset = value[-6:]
    if offset == "+00:00":
        return value[:cut] + padding
    hours, hour = _HOURS[offset], value[11:13]
    day = value[:10] if hours[hour] <= hour else _day_before(value[:10])
    return f"{day}T{hours[hour]}{value[13:cut]}{padding}"


@lru_cache(maxsize=1 << 15)  # 90 years
def _day_before(day: str) -> str:
    try:
        return str(date.fromisoformat(day) - timedelta(days=1))
    except OverflowError:
        raise ValueError from None


def earlier(timestamp: str, by: timedelta) -> str:
    """Return the timestamp some time before another, or the earliest possible."""
    try:
        return to_timestamp((datetime.fromisoformat(timestamp) - by).isoformat())
    except OverflowError:
        return to_timestamp(datetime.min.replace(tzinfo=UTC).isoformat())


def in_milliseconds(timestamp: str) -> str:
    """Format a timestamp as the vendor's examples do (help article 76000037051): ``2022-02-23T12:49:33.150Z``."""
    return f"{timestamp[:23]}Z"


def in_words(timestamp: str) -> str:
    """Format a timestamp so that nobody takes its day for its month: ``5 April 2026, 00:00 UTC``."""
    moment = datetime.fromisoformat(timestamp)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def to_integer(value: object) -> int:
    """Convert a whole number of up to 64 bits, such as an id: ``12``, ``"12"`` or ``12.0``."""
    if type(value) is int:
        whole = value
    elif (isinstance(value, str) and _DIGITS.fullmatch(value)) or (isinstance(value, float) and value.is_integer()):
        whole = int(value)
    else:
        raise ValueError
    if not SMALLEST <= whole <= LARGEST:
        raise ValueError
    return whole


def _to_number(value: object) -> float:
    if type(value) is int or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value) and Decimal(repr(float(value))) == Decimal(value):
        return float(value)
    raise ValueError


def _to_text(value: object) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _INEXACT:
        # 1234567890.0 and 1e9 are other spellings of a whole number.
        return str(int(value))
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    raise ValueError


def _any_to_text(value: object) -> str:
    if not isinstance(value, (list, dict)):
        return _to_text(value)
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except TypeError:
        raise ValueError from None


def _to_texts(value: object) -> list[str | None]:
    if isinstance(value, list):
        return [None if item is None else _to_text(item) for item in value]
    raise ValueError


def _to_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, (str, int)) and (known := _FLAGS.get(str(value).lower())) is not None:
        return known
    raise ValueError


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "integer": to_integer,
    "number": _to_number,
    "string": _to_text,
    "array": _to_texts,
    "boolean": _to_flag,
    "date-time": to_timestamp,
    "any": _any_to_text,
}
