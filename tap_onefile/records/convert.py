"""Conversion of what OneFile sends into the type of its field.

A value is converted if nothing is lost by it; otherwise ``ValueError`` is raised. ``None``, an absent key and ``""``
never get here: all of them mean that there is no data (API reference, section 6, "Null vs missing vs empty").
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta

SMALLEST, LARGEST = -(2**63), 2**63 - 1
"""The limits of a database's whole numbers; JSON has none."""

_SECONDS, _MILLISECONDS = "2022-02-23T12:49:33Z", "2022-02-23T12:49:33.150Z"
_WHOLE = {len(_SECONDS): "-T::Z", len(_SECONDS) - 1: "-T::"}
_DIGITS = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


def kind_of(rule: Mapping[str, Any]) -> str:
    """Return what a field holds, by its JSON schema: its JSON type, or ``date-time``."""
    types = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    return str(rule.get("format") or next(kind for kind in types if kind != "null"))


def converter_for(rule: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return the converter of a field, by its JSON schema; it raises ``ValueError`` for misfits."""
    return _CONVERTERS[kind_of(rule)]


def to_timestamp(value: object) -> str:
    """Convert an ISO 8601 date or time to UTC in a fixed width, such as ``2026-01-31T09:30:00.000000Z``.

    So spelled, timestamps sort as text. A value without an offset is UTC, as all known clients of the API take it.
    Microseconds are kept; the seventh digit that .NET may write is not.
    """
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - the error of all misfits
    # The vendor's spellings (help article 76000037051), with or without Z, only need their fraction padded. From 3.14
    # on, Python takes 24:00 for the start of the next day.
    marks = value[7:20:3]
    if marks[:4] == "-T::" and "T24" not in value:
        if len(value) == len(_MILLISECONDS) and marks == "-T::." and value[23] == "Z":
            datetime.fromisoformat(value)
            return f"{value[:23]}000Z"
        if marks == _WHOLE.get(len(value)) and value[18].isdecimal():
            datetime.fromisoformat(value)
            return f"{value[:19]}.000000Z"
    moment = datetime.fromisoformat(value.strip())
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise ValueError from None
    return f"{moment.isoformat(timespec='microseconds')}Z"


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
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    raise ValueError


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
}
