"""Moments in time, as texts in UTC in one fixed width, so that they sort as moments do."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta


def to_instant(value: object) -> str:
    """Convert a date to UTC in one fixed width, so that texts sort as moments do.

    A value without an offset is UTC, as all known clients of the API take it. Microseconds are kept; the seventh
    digit that .NET may write is not.

    Args:
        value: An ISO 8601 date, with or without a time.

    Returns:
        The moment, as ``2026-01-31T09:30:00.000000Z``.

    Raises:
        ValueError: The value is no such date.
    """
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - one error for all that does not fit
    moment = datetime.fromisoformat(value.strip())
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise ValueError from None
    return f"{moment.isoformat(timespec='microseconds')}Z"


# From 3.14 on, Python reads 24 o'clock, and means the beginning of the next day.
_IS_MOMENT = "'T24' not in text and moment_of(text)" if sys.version_info >= (3, 14) else "moment_of(text)"
INSTANT_OF_TEXT = (
    f"text[:19] + '.000000Z' if (marks := text[7::3]) == '-T::Z' and {_IS_MOMENT}"
    f" else text[:23] + '000Z' if marks[:5] == '-T::.' and text[23:] == 'Z' and {_IS_MOMENT}"
    " else to_instant(text)"
)
"""`to_instant` of a text as an expression, for code that is written for a stream.

It raises ValueError for some texts that `to_instant` reads, such as those with spaces around them: whoever uses it has
to ask `to_instant` then. The vendor's two spellings (help article 76000037051), ``2022-02-23T12:49:33.150Z`` and the
same without a fraction, only need their fraction filled up. A call for each moment costs more than that, and so does
looking up those that came before.
"""

NAMES_OF_INSTANT_OF_TEXT: dict[str, Callable[[str], object]] = {
    "moment_of": datetime.fromisoformat,
    "to_instant": to_instant,
}


def earlier(moment: str, by: timedelta) -> str:
    """Give the moment that lies some time before another.

    Args:
        moment: A moment.
        by: How far to go back; forward if negative.

    Returns:
        The earlier moment, or the first that can be told.
    """
    try:
        return to_instant((datetime.fromisoformat(moment) - by).isoformat())
    except OverflowError:
        return to_instant(datetime.min.replace(tzinfo=UTC).isoformat())


def in_milliseconds(moment: str) -> str:
    """Spell a moment as the vendor's examples do: ``2022-02-23T12:49:33.150Z`` (help article 76000037051).

    Args:
        moment: A moment.

    Returns:
        The moment, or one less than a millisecond before it.
    """
    return f"{moment[:23]}Z"


def in_words(moment: str) -> str:
    """Spell a moment so that nobody takes its day for its month: ``5 April 2026, 00:00 UTC``.

    Args:
        moment: A moment.
    """
    told = datetime.fromisoformat(moment)
    return f"{told.day} {told:%B %Y, %H:%M} UTC"
