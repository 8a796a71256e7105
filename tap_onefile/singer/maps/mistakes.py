"""What the settings that the SDK adds may hold before streams and fields are known, and how a mistake is worded.

No sentence holds a value from data, or text that may name a person.
"""

from __future__ import annotations

import difflib
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_onefile.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ELSE, FILTER, ALIAS, SOURCE, KEYS = "__else__", "__filter__", "__alias__", "__source__", "__key_properties__"
_OPTIONS = (ELSE, FILTER, ALIAS, SOURCE, KEYS)
_FAKER = ("seed", "locale")
_NEED_FLATTENING = ("flattening_max_depth", "flattening_max_key_length", "flattening_separator")

_PLAUSIBLE = re.compile(r"[A-Za-z_*?\[][\w*?\[\]!-]{0,39}")
"""What looks like the name of a field or a stream, and not like a token or a person."""
_MOST_DIGITS = 4
_CLOSE = 0.75
"""As difflib measures it: one letter of four may differ, or two of five have changed places."""
_LONGEST = 60
"""Characters that are compared."""
_SHORT = 5
"""Characters below which one letter more or less makes another word."""


def check_structure(config: Mapping[str, Any]) -> None:
    """Raise a `SettingsError` if a setting of the SDK's own does not hold what it may."""
    for name, check in _CHECKS.items():
        if (value := config.get(name)) is not None:
            try:
                check(value)
            except Mistake as mistake:
                raise SettingsError(f"The setting {name} is not valid: {mistake}") from None
    if config.get("flattening_enabled") and not config.get("flattening_max_depth"):
        raise SettingsError(
            "The setting flattening_enabled needs the setting flattening_max_depth: how many levels to flatten, such as"
            " 1."
        )


def leave_to_us(schema: dict[str, Any]) -> None:
    """Take the SDK's rules for the members of its settings out of a schema: ours name the place, theirs can fail."""
    for name in _CHECKS:
        if rule := schema["properties"].get(name):
            kept = {key: value for key, value in rule.items() if key not in {"properties", "additionalProperties"}}
            schema["properties"][name] = kept


def idle_flattening(config: Mapping[str, Any]) -> list[str]:
    """Return the settings that do nothing, as flattening is off."""
    return [] if config.get("flattening_enabled") else [name for name in _NEED_FLATTENING if config.get(name)]


def _check_maps(maps: object) -> None:
    if not isinstance(maps, dict):
        raise Mistake(
            f"it is {_kind(maps)}, and must be an object with a map for each stream, such as"
            ' {"learners": {"Email": null}}, without quotes around it.'
        )
    for stream, rules in maps.items():
        if stream == ELSE:
            if not is_removal(rules):
                raise Mistake('__else__ can only be null or "__NULL__", to remove all other streams.')
        elif stream.startswith("__"):
            raise Mistake(f"there is no option {shown(stream)}, only __else__ and the names of streams.")
        elif isinstance(rules, dict):
            _check_map(stream, rules)
        elif not is_removal(rules):
            raise Mistake(
                f"{map_of(stream)} is {_kind(rules)}, and must be an object with a line for each field, such as"
                ' {"Email": null}; null or "__NULL__" in its place removes the stream.'
            )


def _check_map(stream: str, rules: Mapping[str, Any]) -> None:
    for key, rule in rules.items():
        if key in _OPTIONS:
            _check_option(stream, key, rule)
        elif key.startswith("__"):
            raise Mistake(f"{map_of(stream)} has the option {shown(key)}, which does not exist.{hint(key, _OPTIONS)}")
        elif not is_removal(rule) and not _is_words(rule):
            raise Mistake(
                f"{place_of(stream, key)} is {_kind(rule)}: write an expression as text, or null to remove the field."
            )
    if SOURCE in rules and ALIAS in rules:
        raise Mistake(
            f"{map_of(stream)} has both __source__ and __alias__: with __source__, the name of the map is the name that"
            " is sent."
        )


def _check_option(stream: str, key: str, rule: object) -> None:
    place = place_of(stream, key)
    if key == ELSE:
        if not is_removal(rule):
            raise Mistake(f'{place} can only be null or "__NULL__", to remove all other fields.')
    elif key == KEYS:
        if not _is_list_of_text(rule):
            raise Mistake(f'{place} must be a list of names of fields, such as ["ID"], or [] for none.')
    elif not _is_words(rule):
        raise Mistake(f"{place} is {_kind(rule)}, and must be text.")


def _check_object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Mistake(f"it is {_kind(value)}, and must be an object with names and values.")
    return value


def _check_faker(value: object) -> None:
    members = _check_object(value)
    for member in members:
        if member not in _FAKER:
            raise Mistake(f"it has {shown(member)}, which is neither seed nor locale.{hint(member, _FAKER)}")
    if not isinstance(members.get("seed"), (str, int, float, type(None))):
        raise Mistake("its seed must be a number or text.")
    locale = members.get("locale")
    if not (locale is None or isinstance(locale, str) or _is_list_of_text(locale)):
        raise Mistake("its locale must be text such as en_GB, or a list of those.")


def _check_switch(value: object) -> None:
    if not isinstance(value, bool):
        raise Mistake(f"it is {_kind(value)}, and must be true or false.")


def _check_number(value: object, least: int) -> None:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(whole, bool) or not isinstance(whole, int) or whole < least:
        raise Mistake(f"it must be a whole number from {least}.")


def _check_text(value: object) -> None:
    if not isinstance(value, str):
        raise Mistake(f"it is {_kind(value)}, and must be text.")


_CHECKS: dict[str, Callable[[object], object]] = {
    "stream_maps": _check_maps,
    "stream_map_config": _check_object,
    "faker_config": _check_faker,
    "flattening_enabled": _check_switch,
    "flattening_max_depth": partial(_check_number, least=0),
    "flattening_max_key_length": partial(_check_number, least=1),
    "flattening_separator": _check_text,
}


def is_removal(rule: object) -> bool:
    """Return whether a rule removes a stream or a field."""
    return rule is None or rule == "__NULL__"


def _kind(value: Any) -> str:  # noqa: ANN401 - as JSON may be
    """Return what a value from JSON is, in words."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return "text" if value.strip() else "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "a list"
    return "an object" if isinstance(value, dict) else "a number"


def _is_words(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) and each for each in value)


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


def place_of(stream: str, key: str) -> str:
    """Return the name of a map for one field, or of an option."""
    return f"{shown(key)} in the map of {shown(stream)}" if key in _OPTIONS else f"{map_of(stream)} for {shown(key)}"


def map_of(stream: str) -> str:
    """Return the name of the map of a stream."""
    return f"the map of {shown(stream)}"
