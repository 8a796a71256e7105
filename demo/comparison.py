"""Whether PostgreSQL holds just what OneFile holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

Key = tuple[Any, ...]


@dataclass(frozen=True)
class Comparison:
    """One stream, on either side."""

    stream: str
    held: Counter[Key]
    """How often each key is in OneFile."""
    loaded: Counter[Key]
    """How often each key is in PostgreSQL."""

    @classmethod
    def of(cls, stream: str, held: list[Key], loaded: list[Key]) -> Comparison:
        """Compare the keys of the two sides."""
        return cls(stream, Counter(held), Counter(loaded))

    @property
    def faults(self) -> list[str]:
        """What is wrong, in a sentence each."""
        doubled = self.loaded - Counter(self.loaded.keys())
        counts = {
            "missing from": len(self.held.keys() - self.loaded.keys()),
            "doubled in": doubled.total(),
            "only in": len(self.loaded.keys() - self.held.keys()),
        }
        faults = [
            f"{self.stream}: {count:,} {'row is' if count == 1 else 'rows are'} {where} PostgreSQL."
            for where, count in counts.items()
            if count
        ]
        if not self.held:
            faults.append(f"{self.stream}: the sandbox holds none, so that nothing is shown.")
        return faults
