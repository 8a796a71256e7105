"""Moments in time, as texts in UTC in one fixed width, so that they sort as moments do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

_MOST_REMEMBERED = 1 << 14
_LAST_HOUR = "T24"
"""The end of a day, which some versions of Python read as the beginning of the next."""

_AS_DOCUMENTED = {len("2022-02-23T12:49:33Z"): ".000000Z", len("2022-02-23T12:49:33.150Z"): "000Z"}
"""What the vendor's two spellings lack (help article 76000037051), by their lengths."""


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
    return _remembered[value]


def _to_instant(text: str) -> str:
    is_plain = text[-1:] == "Z" and text[7:11:3] == "-T" and _LAST_HOUR not in text
    if is_plain and (lacks := _AS_DOCUMENTED.get(len(text))) and text[19] in ".Z":
        # Nearly all moments come like this, and need their fraction filled up and no more.
        datetime.fromisoformat(text)
        return text[:-1] + lacks
    moment = datetime.fromisoformat(text.strip())
    if moment.tzinfo is not None:
        try:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise ValueError from None
    return f"{moment.isoformat(timespec='microseconds')}Z"


class _Remembered(dict[str, str]):
    """Moments by the texts that told them, as most dates of learners stand in many records."""

    def __missing__(self, text: str) -> str:
        if "." in text:
            # A moment told to the millisecond is seldom told twice.
            return _to_instant(text)
        instant = _to_instant(text)
        if len(self) < _MOST_REMEMBERED:
            self[text] = instant
        return instant


_remembered = _Remembered()

text_to_instant: Callable[[str], str] = _remembered.__getitem__
"""Convert a date as `to_instant` does, if it is a text; faster, as nothing is called for a date that came before."""

INSTANT_OF_TEXT = (
    "text[:23] + '000Z'"
    f" if text[23:] == 'Z' and text[19] == '.' and text[7:11:3] == '-T' and {_LAST_HOUR!r} not in text"
    " and moment_of(text) else instant_of(text)"
)
"""The same as an expression, for code that is written for a stream: for a moment told to the millisecond, which is seldom
told twice, a call would cost as much as all the rest."""

NAMES_FOR_INSTANT_OF_TEXT: dict[str, Callable[[str], object]] = {
    "moment_of": datetime.fromisoformat,
    "instant_of": text_to_instant,
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
