"""Small invented facts: addresses, numbers with check digits, telephones."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from onefile_sandbox.world.names import FIRST_NAMES, LAST_NAMES, OTHER_SCRIPTS, STREETS, TOWNS

if TYPE_CHECKING:
    from onefile_sandbox.world.seeded import SeededRandom

_MAIL_HOSTS = ("example.org", "example.com", "example.net")
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"
# HMRC gives out no number that begins with these.
_NINO_FIRST = "ABCEGHJKLMNOPRSTWXYZ"
_NINO_SECOND = "ABCEGHJKLMNPRSTWXYZ"
_NINO_UNUSED = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})


def full_name(rng: SeededRandom) -> tuple[str, str]:
    """Invent a first and a last name."""
    if rng.chance(2):
        return rng.pick(OTHER_SCRIPTS)
    return rng.pick(FIRST_NAMES), rng.pick(LAST_NAMES)


@lru_cache(maxsize=1024)
def plain(text: str) -> str:
    """Reduce a name to the letters that a username or an address is made of."""
    bare = unicodedata.normalize("NFKD", text.replace("Ł", "L").replace("ł", "l"))
    return "".join(letter for letter in bare if letter.isascii() and letter.isalpha())


def email(rng: SeededRandom, first: str, last: str, record_id: int) -> str:
    """Invent an address in a domain that belongs to nobody."""
    name = ".".join(filter(None, (plain(first).lower(), plain(last).lower())))
    return f"{name or 'user'}.{record_id}@{rng.pick(_MAIL_HOSTS)}"


def postcode(rng: SeededRandom, area: str) -> str:
    """Invent a postcode of valid form."""
    return f"{area}{rng.between(1, 29)} {rng.below(10)}{rng.pick(_INWARD)}{rng.pick(_INWARD)}"


def address(rng: SeededRandom, first_line: str = "") -> str:
    """Invent an address of several lines, with the line ends that a Windows form leaves."""
    town, area, _ = rng.pick(TOWNS)
    lines = [first_line, f"{rng.between(1, 180)} {rng.pick(STREETS)}", town, postcode(rng, area)]
    # Some customers' forms join the lines with commas or end them the Unix way.
    end = "\r\n" if rng.chance(85) else rng.pick(("\n", ", "))
    return end.join(filter(None, lines))


def telephone(rng: SeededRandom) -> str:
    """Draw a landline from the ranges that Ofcom keeps for drama."""
    return f"{rng.pick(TOWNS)[2]}{rng.below(1000):03d}"


def mobile(rng: SeededRandom) -> str:
    """Draw a mobile from the range that Ofcom keeps for drama."""
    return f"07700 900{rng.below(1000):03d}"


def uln(rng: SeededRandom) -> str:
    """Invent a Unique Learner Number whose last digit checks."""
    number = rng.between(100_000_000, 999_999_998)
    while not (rest := _uln_remainder(number)):
        number += 1
    return f"{number}{10 - rest}"


def _uln_remainder(number: int) -> int:
    return sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), str(number), strict=True)) % 11


def nino(rng: SeededRandom) -> str:
    """Invent a National Insurance number of valid form."""
    prefix = rng.pick(_NINO_FIRST) + rng.pick(_NINO_SECOND)
    if prefix in _NINO_UNUSED:
        prefix = "AA"
    return f"{prefix}{rng.below(1_000_000):06d}{rng.pick('ABCD')}"
