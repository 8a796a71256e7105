"""Conversion of what OneFile sends into the type of its field.

A value is converted if nothing is lost by it; otherwise ``ValueError`` is raised. ``None``, an absent key and ``""``
never get here: all of them mean that there is no data (API reference, section 6, "Null vs missing vs empty").
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
"""The schema keyword of a text field that takes whatever comes, as JSON if it is no text."""

SMALLEST, LARGEST = -(2**63), 2**63 - 1
"""The limits of a database's whole numbers; JSON has none."""

_WHOLE = len("2022-02-23T12:49:33")
_FORMS = {
    _WHOLE: (_WHOLE, ".000000Z"),
    **{_WHOLE + 1 + digits: (_WHOLE + 1 + min(digits, 6), "000000"[digits:] + "Z") for digits in range(1, 8)},
}
"""By the length of a timestamp before its offset: how much of it is kept, what is added. .NET has up to 7 digits."""
_NO_FORM = (0, "")
_MOMENTS = list[datetime | None]
_HOURS: dict[str, dict[str, str]] = {
    f"+{offset:02}:00": {f"{hour:02}": f"{(hour - offset) % 24:02}" for hour in range(24)} for offset in range(15)
}
"""For each usual offset, the hour that it is in UTC."""
INEXACT = 2**53
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


def to_timestamps(values: Sequence[object]) -> list[str | None]:
    """Convert many values, among them None, as `to_timestamp` does; the error is that of any value, or an odd spelling.

    This is in one piece, as nothing else that is done to records takes as much processor time.
    """
    # Of all at once this says whether they are moments. Then the usual forms only have to be padded or cut, and their
    # hour moved.
    moments: Sequence[Any] = values
    msgspec.convert(moments, _MOMENTS)
    found: list[str | None] = []
    for value in moments:
        if value is None:
            found.append(None)
            continue
        length, hours = len(value), None
        if value[-1] == "Z":
            length -= 1
        elif hours := _HOURS.get(value[-6:]):
            length -= 6
        elif length > _WHOLE and not (value[_WHOLE] == "." and value[_WHOLE + 1 :].isdigit()):
            length = 0
        cut, padding = _FORMS.get(length, _NO_FORM)
        if not cut or value[10] != "T":
            found.append(to_timestamp(value))
        elif hours:
            hour = value[11:13]
            day = value[:11] if hours[hour] <= hour else _day_before(value[:11])
            found.append(f"{day}{hours[hour]}{value[13:cut]}{padding}")
        else:
            found.append(value[:cut] + padding)
    return found


@lru_cache(maxsize=4096)
def _day_before(day: str) -> str:
    try:
        return f"{date.fromisoformat(day[:10]) - timedelta(days=1)}T"
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
    if isinstance(value, float) and value.is_integer() and abs(value) < INEXACT:
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
