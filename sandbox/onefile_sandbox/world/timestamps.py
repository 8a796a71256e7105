"""Moments of the invented customer, always in UTC."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from onefile_sandbox.world.seeded import hash64

if TYPE_CHECKING:
    from datetime import date

LONDON = ZoneInfo("Europe/London")
NOT_SET = datetime(1900, 1, 1, tzinfo=timezone.utc)
"""The date that stands for "no date" in the vendor's export."""
TODAY = datetime(2025, 9, 1, 12, tzinfo=timezone.utc)
"""The moment at which the invented customer begins by default, so that runs can be compared."""

_SPAN_MS = 900 * 86_400_000
# Nightly imports give many people the very same moment, which is what a bookmark trips over.
_IMPORTED_DAYS_AGO = (3, 31, 90, 200, 400, 700)
_IMPORTED_IN_A_HUNDRED = 10

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE
)


def last_change(seed: int, today: datetime, record_id: int) -> datetime:
    """Return when a record was last changed, without inventing the rest of it."""
    drawn = hash64(seed, "changed", record_id)
    drawn, part = divmod(drawn, 100)
    if part < _IMPORTED_IN_A_HUNDRED:
        days = _IMPORTED_DAYS_AGO[drawn % len(_IMPORTED_DAYS_AGO)]
        return today.replace(hour=1) - timedelta(days=days)
    return today - timedelta(milliseconds=drawn % _SPAN_MS + 1)


def midnight(day: date) -> datetime:
    """Give the start of a UK day as a moment, which in summer is 23:00 UTC of the day before."""
    return datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(timezone.utc)


def at(day: date, minute: int) -> datetime:
    """Give the moment of a UK day that is so many minutes after the clock's midnight."""
    hour, minute = divmod(minute, 60)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=LONDON).astimezone(timezone.utc)


def parse(text: str) -> datetime:
    """Read any of the ISO spellings that OneFile's clients are known to send; without an offset it is UTC."""
    found = _ISO.fullmatch(text.strip())
    if not found:
        raise ValueError("not an ISO 8601 date")
    day, minutes, seconds, fraction, zone = found.groups()
    micros = (fraction or "0").ljust(6, "0")[:6]
    offset = "+00:00" if zone in (None, "Z", "z") else f"{zone[:3]}:{zone[-2:]}"
    spelled = f"{day}T{minutes or '00:00'}:{seconds or '00'}.{micros}{offset}"
    return datetime.fromisoformat(spelled).astimezone(timezone.utc)
