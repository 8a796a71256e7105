"""What the settings that the SDK adds may hold, before streams and fields are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_onefile.errors import SettingsError
from tap_onefile.singer.maps.words import Mistake, hint, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

ELSE, FILTER, ALIAS, SOURCE, KEYS = "__else__", "__filter__", "__alias__", "__source__", "__key_properties__"
_OPTIONS = (ELSE, FILTER, ALIAS, SOURCE, KEYS)
_FAKER = ("seed", "locale")
_LEAST = {"flattening_max_depth": 0, "flattening_max_key_length": 1}
_NEED_FLATTENING = ("flattening_max_depth", "flattening_max_key_length", "flattening_separator")


def check_structure(config: Mapping[str, Any]) -> None:
    """Raise a `SettingsError` if a setting of the SDK's own does not hold what it may."""
    for name, check in _CHECKS.items():
        if (value := config.get(name)) is not None:
            try:
                check(name, value)
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


def where(stream: str, key: str) -> str:
    """Return the name of a map for one field, or of an option."""
    return f"{shown(key)} in the map of {shown(stream)}" if key in _OPTIONS else f"{of(stream)} for {shown(key)}"


def of(stream: str) -> str:
    """Return the name of the map of a stream."""
    return f"the map of {shown(stream)}"


def _check_maps(_name: str, maps: object) -> None:
    if not isinstance(maps, dict):
        raise Mistake(
            f"it is {kind(maps)}, and must be an object with a map for each stream, such as"
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
                f"{of(stream)} is {kind(rules)}, and must be an object with a line for each field, such as"
                ' {"Email": null}; null or "__NULL__" in its place removes the stream.'
            )


def _check_map(stream: str, rules: Mapping[str, Any]) -> None:
    for key, rule in rules.items():
        if key in _OPTIONS:
            _check_option(stream, key, rule)
        elif key.startswith("__"):
            raise Mistake(f"{of(stream)} has the option {shown(key)}, which does not exist.{hint(key, _OPTIONS)}")
        elif not is_removal(rule) and not _is_words(rule):
            raise Mistake(
                f"{where(stream, key)} is {kind(rule)}: write an expression as text, or null to remove the field."
            )
    if SOURCE in rules and ALIAS in rules:
        raise Mistake(
            f"{of(stream)} has both __source__ and __alias__: with __source__, the name of the map is the name that is"
            " sent."
        )


def _check_option(stream: str, key: str, rule: object) -> None:
    place = where(stream, key)
    if key == ELSE:
        if not is_removal(rule):
            raise Mistake(f'{place} can only be null or "__NULL__", to remove all other fields.')
    elif key == KEYS:
        if not _is_list_of_text(rule):
            raise Mistake(f'{place} must be a list of names of fields, such as ["ID"], or [] for none.')
    elif not _is_words(rule):
        raise Mistake(f"{place} is {kind(rule)}, and must be text.")


def _check_object(_name: str, value: object) -> None:
    if not isinstance(value, dict):
        raise Mistake(f"it is {kind(value)}, and must be an object with names and values.")


def _check_faker(name: str, value: object) -> None:
    _check_object(name, value)
    members: dict[str, Any] = dict(value) if isinstance(value, dict) else {}
    for member in members:
        if member not in _FAKER:
            raise Mistake(f"it has {shown(member)}, which is neither seed nor locale.{hint(member, _FAKER)}")
    if not isinstance(members.get("seed"), (str, int, float, type(None))):
        raise Mistake("its seed must be a number or text.")
    locale = members.get("locale")
    if not (locale is None or isinstance(locale, str) or _is_list_of_text(locale)):
        raise Mistake("its locale must be text such as en_GB, or a list of those.")


def _check_switch(_name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise Mistake(f"it is {kind(value)}, and must be true or false.")


def _check_number(name: str, value: object) -> None:
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(whole, bool) or not isinstance(whole, int) or whole < _LEAST[name]:
        raise Mistake(f"it must be a whole number from {_LEAST[name]}.")


def _check_text(_name: str, value: object) -> None:
    if not isinstance(value, str):
        raise Mistake(f"it is {kind(value)}, and must be text.")


_CHECKS = {
    "stream_maps": _check_maps,
    "stream_map_config": _check_object,
    "faker_config": _check_faker,
    "flattening_enabled": _check_switch,
    "flattening_max_depth": _check_number,
    "flattening_max_key_length": _check_number,
    "flattening_separator": _check_text,
}


def is_removal(rule: object) -> bool:
    """Return whether a rule removes a stream or a field."""
    return rule is None or rule == "__NULL__"


def kind(value: Any) -> str:  # noqa: ANN401 - as JSON may be
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
