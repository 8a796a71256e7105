"""Random numbers that are the same for the same key."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from random import Random
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

_64_BITS = 0xFFFF_FFFF_FFFF_FFFF


class SeededRandom:
    """A run of draws that depends on its key and on nothing else."""

    def __init__(self, *key: object) -> None:
        # Only `random()` itself is promised to give the same numbers in every Python version,
        # so every other draw is made from it.
        self._random = Random("/".join(map(str, key))).random  # noqa: S311 - invents, never guards

    def below(self, limit: int) -> int:
        """Draw a whole number from 0 up to, not including, the limit."""
        return int(self._random() * limit)

    def between(self, low: int, high: int) -> int:
        """Draw a whole number from low to high, both included."""
        return low + int(self._random() * (high - low + 1))

    def chance(self, percent: float) -> bool:
        """Return True in so many of a hundred draws."""
        return self._random() * 100 < percent

    def about(self, expected: float) -> int:
        """Draw a whole number that is on average the one expected."""
        whole = int(expected)
        return whole + self.chance((expected - whole) * 100)

    def pick(self, items: Sequence[T]) -> T:
        """Draw one of the items."""
        return items[int(self._random() * len(items))]


def hash64(*key: object) -> int:
    """Give one 64-bit number for a key, for less than the price of a SeededRandom."""
    text = "/".join(map(str, key)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


@lru_cache(maxsize=256)
def hasher(*key: object) -> Callable[[int], int]:
    """Give what gives one 64-bit number for each id, for a third of the price of `hash64`."""
    salt = hash64(*key)

    def draw(record_id: int) -> int:
        # The mixing of SplitMix64.
        mixed = (record_id * 0x9E37_79B9_7F4A_7C15 + salt) & _64_BITS
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58_476D_1CE4_E5B9) & _64_BITS
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB) & _64_BITS
        return mixed ^ (mixed >> 31)

    return draw
