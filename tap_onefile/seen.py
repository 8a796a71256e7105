"""Which keys have come already, in little memory however many there are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

_NUMBER = re.compile("0|[1-9][0-9]{0,18}")
"""A text that is written like this in one way only; some ids are texts with leading noughts."""

_BLOCK_BITS = 8
_BLOCK_MASK = (1 << _BLOCK_BITS) - 1


class SeenKeys:
    """A set of keys that stays small however many ids it holds.

    OneFile numbers its records in one sequence (API reference, section 6), so ids lie close together: one byte for each
    takes a fraction of what a set takes.
    """

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._blocks: dict[int, bytearray] = {}
        self._others: set[Hashable] = set()

    def __contains__(self, key: Hashable) -> bool:
        """Tell whether a key was taken in."""
        if isinstance(key, int):
            return bool((block := self._blocks.get(key >> _BLOCK_BITS)) and block[key & _BLOCK_MASK])
        return key in self._others

    def take_in(self, keys: Sequence[Hashable]) -> list[int]:
        """Take keys in.

        Args:
            keys: The keys, as `told_once` tells them. None is no key, and is never seen.

        Returns:
            The places of those that had come before, be it among the same keys.
        """
        before = []
        blocks = self._blocks
        for place, key in enumerate(keys):
            if isinstance(key, int):
                try:
                    block = blocks[key >> _BLOCK_BITS]
                except KeyError:
                    block = blocks[key >> _BLOCK_BITS] = bytearray(1 << _BLOCK_BITS)
                if block[key & _BLOCK_MASK]:
                    before.append(place)
                else:
                    block[key & _BLOCK_MASK] = 1
            elif key in self._others:
                before.append(place)
            elif key is not None:
                self._others.add(key)
        return before


def told_once(key: object) -> Hashable:
    """Tell an id in one way, whether it came as a number or as a text.

    Args:
        key: What OneFile sent.

    Returns:
        The id; None for what is no id.
    """
    if isinstance(key, str):
        return int(key) if _NUMBER.fullmatch(key) else key
    if isinstance(key, float):
        return int(key) if key.is_integer() else key
    return key if isinstance(key, int) else None
