"""Whether a result is complete: every id, and every value of every field, against what the sandbox holds.

The peers spell the same thing in different ways: a field without data is null, ``""`` or left out, a moment has its
offset written or its zeros cut, or is a timestamp of PostgreSQL's, dlt writes names in snake case and a number as text
where it has met ``""`` before. None of this counts as a difference; everything else does. Each record becomes one
number, and the numbers are added up, so that the order does not matter.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_MOMENTS = frozenset({"createdon", "lastmodified", "starton", "plannedenddate", "dob", "centreregister"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MODULUS = 1 << 128


class Part(Protocol):
    """A part of what a peer has written."""

    def records(self) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Read it: each record, with its stream."""


class _PlainNames(dict[str, str]):
    """Names as all peers have them: without case and without underscores."""

    def __missing__(self, name: str) -> str:
        plain = self[name] = name.replace("_", "").lower()
        return plain


_plain_names = _PlainNames()


@dataclass
class Tally:
    """What is left of a stream's records once they were counted."""

    fields: list[str]
    """The fields that are compared, in plain names."""
    records: int = 0
    ids: int = 0
    """Digest of the ids."""
    values: int = 0
    """Digest of all values of all fields."""

    def __post_init__(self) -> None:
        """Make the fields quick to look up."""
        self._compared = frozenset(self.fields)

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a record."""
        told = []
        record_id: object = None
        for name, value in record.items():
            plain = _plain_names[name]
            if plain not in self._compared or value in (None, "", []):
                continue
            if plain == "id":
                record_id = value
            told.append(f"{plain}={value if type(value) is int else _canonical(plain, value)}")
        told.sort()
        self.records += 1
        self.ids = (self.ids + _digest(str(record_id))) % _MODULUS
        self.values = (self.values + _digest("\x1f".join(told))) % _MODULUS

    def __add__(self, other: Tally) -> Tally:
        """Count the records of two parts together."""
        return Tally(
            self.fields,
            self.records + other.records,
            (self.ids + other.ids) % _MODULUS,
            (self.values + other.values) % _MODULUS,
        )


def field_names(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give the names of all fields that any of the records has."""
    return sorted({_plain_names[name] for record in records for name in record})


def tallied(records: Iterable[tuple[str, Mapping[str, Any]]], expected: Mapping[str, Tally]) -> dict[str, Tally]:
    """Count what a peer has read.

    Args:
        records: The records, each with its stream.
        expected: What a perfect reader gets; it says which fields are compared.
    """
    found = {stream: Tally(fields=tally.fields) for stream, tally in expected.items()}
    for stream, record in records:
        found.setdefault(stream, Tally(fields=[])).add(record)
    return found


def tallied_together(parts: Sequence[Part], expected: Mapping[str, Tally]) -> dict[str, Tally]:
    """Count what a peer has read, with a process for each part of it.

    Args:
        parts: Where the records are.
        expected: What a perfect reader gets.
    """
    with ProcessPoolExecutor(len(parts)) as pool:
        counted = pool.map(_tallied_part, parts, [expected] * len(parts))
        return reduce(_together, counted)


def _tallied_part(part: Part, expected: Mapping[str, Tally]) -> dict[str, Tally]:
    return tallied(part.records(), expected)


def _together(some: dict[str, Tally], more: dict[str, Tally]) -> dict[str, Tally]:
    surplus = {stream: tally for stream, tally in more.items() if stream not in some}
    return {stream: tally + more[stream] if stream in more else tally for stream, tally in some.items()} | surplus


def difference(found: Mapping[str, Tally], expected: Mapping[str, Tally]) -> str | None:
    """Say what is wrong with a result, or None if nothing is."""
    if surplus := found.keys() - expected.keys():
        return f"{', '.join(sorted(surplus))}, which nobody asked for"
    for stream, wanted in expected.items():
        got = found[stream]
        if got.records != wanted.records:
            return f"{got.records} of {wanted.records} {stream}"
        if got.ids != wanted.ids:
            return f"other {stream} than there are"
        if got.values != wanted.values:
            return f"other values in {stream}"
    return None


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest(), "big")


def _canonical(name: str, value: object) -> object:
    if name in _MOMENTS and isinstance(value, str | datetime):
        return _microseconds(datetime.fromisoformat(value) if isinstance(value, str) else value)
    if isinstance(value, Decimal):
        value = float(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _microseconds(moment: datetime) -> int:
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
