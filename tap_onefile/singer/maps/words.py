"""How a mistake in a stream map is worded: no value from data, and no text that may name a person."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLAUSIBLE = re.compile(r"[A-Za-z_*?\[][\w*?\[\]!-]{0,39}")
"""What looks like the name of a field or a stream, and not like a token or a person."""
_MOST_DIGITS = 4
_CLOSE = 0.75
"""As difflib measures it: one letter of four may differ, or two of five have changed places."""
_LONGEST = 60
"""Characters that are compared."""
_SHORT = 5
"""Characters below which one letter more or less makes another word."""


class Mistake(Exception):
    """What is wrong with one map, as words that follow its name."""

    def at(self, place: str) -> Mistake:
        """Return the whole of the sentence, given the map's name."""
        return Mistake(f"{place} {self}")


def shown(name: str) -> str:
    """Return a name as it may be logged."""
    is_plausible = _PLAUSIBLE.fullmatch(name) and sum(map(str.isdigit, name)) <= _MOST_DIGITS
    return name if is_plausible else "a name that is not shown"


def near(name: str, known: Iterable[str]) -> str | None:
    """Return what may have been meant by a name."""
    folded = {each.casefold(): each for each in known}
    found = difflib.get_close_matches(name[:_LONGEST].strip().casefold(), folded, n=1, cutoff=_CLOSE)
    return folded[found[0]] if found else None


def hint(name: str, known: Iterable[str]) -> str:
    """Return a question that follows a sentence about a name, or nothing."""
    meant = near(name, known)
    return f" Did you mean {meant}?" if meant else ""


def is_slip(name: str, meant: str) -> bool:
    """Return whether a name is another but for its case, a letter, or two that have changed places."""
    first, second = (each.replace("_", "").replace(" ", "").casefold() for each in (name, meant))
    short, long = sorted((first, second), key=len)
    if short == long:
        return True
    if len(short) == len(long):
        (start, *others) = (place for place in range(len(long)) if short[place] != long[place])
        if others == [start + 1] and short[start : start + 2] == long[start : start + 2][::-1]:
            return True
        return not others and len(long) >= _SHORT and not (short[start] + long[start]).isdigit()
    return len(long) > _SHORT and any(
        long[:place] + long[place + 1 :] == short and not long[place].isdigit() for place in range(len(long))
    )


def listed(names: Iterable[str]) -> str:
    """Return names as a part of a sentence."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last
