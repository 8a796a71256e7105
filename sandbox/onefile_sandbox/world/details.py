"""Small invented facts: addresses, numbers with check digits, telephones."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from onefile_sandbox.world.names import FIRST_NAMES, LAST_NAMES, OTHER_SCRIPTS, STREETS, TOWNS

if TYPE_CHECKING:
    from onefile_sandbox.world.seeded import Dice

_MAIL_HOSTS = ("example.org", "example.com", "example.net")
_INWARD = "ABDEFGHJLNPQRSTUWXYZ"
# HMRC gives out no number that begins with these.
_NINO_FIRST = "ABCEGHJKLMNOPRSTWXYZ"
_NINO_SECOND = "ABCEGHJKLMNPRSTWXYZ"
_NINO_UNUSED = frozenset({"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"})
_ULN_DIGITS = 9
_ULN_MODULUS = 11
_SAMPLE_NAMES_IN_A_HUNDRED = 2


def full_name(dice: Dice) -> tuple[str, str]:
    """Invent a first and a last name."""
    if dice.chance(_SAMPLE_NAMES_IN_A_HUNDRED):
        return dice.pick(OTHER_SCRIPTS)
    return dice.pick(FIRST_NAMES), dice.pick(LAST_NAMES)


@lru_cache(maxsize=1024)
def plain(text: str) -> str:
    """Reduce a name to the letters that a username or an address is made of."""
    bare = unicodedata.normalize("NFKD", text.replace("Ł", "L").replace("ł", "l"))
    return "".join(letter for letter in bare if letter.isascii() and letter.isalpha())


def email(dice: Dice, first: str, last: str, record_id: int) -> str:
    """Invent an address in a domain that belongs to nobody."""
    name = ".".join(filter(None, (plain(first).lower(), plain(last).lower())))
    return f"{name or 'user'}.{record_id}@{dice.pick(_MAIL_HOSTS)}"


def postcode(dice: Dice, area: str) -> str:
    """Invent a postcode of valid form."""
    return f"{area}{dice.between(1, 29)} {dice.below(10)}{dice.pick(_INWARD)}{dice.pick(_INWARD)}"


def address(dice: Dice, first_line: str = "") -> str:
    """Invent an address of several lines, with the line ends that a Windows form leaves."""
    town, area, _ = dice.pick(TOWNS)
    lines = [first_line, f"{dice.between(1, 180)} {dice.pick(STREETS)}", town, postcode(dice, area)]
    # Some customers' forms join the lines with commas or end them the Unix way.
    end = "\r\n" if dice.chance(85) else dice.pick(("\n", ", "))
    return end.join(filter(None, lines))


def telephone(dice: Dice) -> str:
    """Draw a landline from the ranges that Ofcom keeps for drama."""
    return f"{dice.pick(TOWNS)[2]}{dice.below(1000):03d}"


def mobile(dice: Dice) -> str:
    """Draw a mobile from the range that Ofcom keeps for drama."""
    return f"07700 900{dice.below(1000):03d}"


def uln(dice: Dice) -> str:
    """Invent a Unique Learner Number whose last digit checks."""
    number = dice.between(100_000_000, 999_999_998)
    while not (rest := _uln_remainder(number)):
        number += 1
    return f"{number}{10 - rest}"


def _uln_remainder(number: int) -> int:
    weights = range(10, 10 - _ULN_DIGITS, -1)
    products = (weight * int(digit) for weight, digit in zip(weights, str(number), strict=True))
    return sum(products) % _ULN_MODULUS


def nino(dice: Dice) -> str:
    """Invent a National Insurance number of valid form."""
    prefix = dice.pick(_NINO_FIRST) + dice.pick(_NINO_SECOND)
    if prefix in _NINO_UNUSED:
        prefix = "AA"
    return f"{prefix}{dice.below(1_000_000):06d}{dice.pick('ABCD')}"
