"""Whether PostgreSQL holds just what OneFile holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Row = Mapping[str, Any]
    Key = tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """One stream, on either side."""

    stream: str
    held: Counter[Key]
    """How often each key is in OneFile."""
    loaded: Counter[Key]
    """How often each key is in PostgreSQL."""
    distinct: int
    """How many rows of PostgreSQL differ in their keys."""

    @classmethod
    def of(cls, stream: str, key: Sequence[str], held: Sequence[Row], loaded: Sequence[Row]) -> Comparison:
        """Compare the two sides.

        Args:
            stream: The name of the stream.
            key: The fields that tell its records apart.
            held: What OneFile holds.
            loaded: What PostgreSQL holds.
        """
        rows = _count(loaded, key)
        return cls(stream, _count(held, key), rows, len(rows))

    @staticmethod
    def is_possible(key: Sequence[str], held: Sequence[Row]) -> bool:
        """Tell whether OneFile's rows have the key, rather than the search that finds them."""
        return all(name in row for row in held for name in key)

    @property
    def faults(self) -> list[str]:
        """What is wrong, in a sentence each."""
        counts = {
            "missing from": (self.held - self.loaded).total(),
            "doubled in": self.loaded.total() - self.distinct,
            "only in": (self.loaded - self.held).total(),
        }
        return [
            f"{self.stream}: {count:,} {'row is' if count == 1 else 'rows are'} {where} PostgreSQL."
            for where, count in counts.items()
            if count
        ]


def _count(rows: Iterable[Row], key: Sequence[str]) -> Counter[Key]:
    return Counter(tuple(str(row[name]) for name in key) for row in rows)
