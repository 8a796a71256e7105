"""A stream map of the SDK's that names the field that it fails for, and no value."""

from __future__ import annotations

import ast
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.mapper import CustomStreamMap
from typing_extensions import override

from tap_onefile.errors import OneFileError, SettingsError
from tap_onefile.singer.maps.expression import Expression
from tap_onefile.singer.maps.mistakes import FILTER, KEYS, is_removal, listed, place_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk.helpers.types import Record

_ENCODER = msgspec.json.Encoder()
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str, date, time),
    "integer": (int,),
    "number": (int, float, Decimal),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
    "null": (type(None),),
}


class Map(CustomStreamMap):
    """The SDK's map of one stream, made of expressions that have been checked."""

    def __init__(self, label: str, map_transform: dict[str, Any], **options: Any) -> None:  # noqa: ANN401 - the SDK's
        self._label = label
        self._options = options
        self._rules = {
            key: rule for key, rule in map_transform.items() if isinstance(rule, str) and not is_removal(rule)
        }
        self._computed = [key for key in self._rules if key != FILTER]
        super().__init__(map_transform=map_transform, **options)

    @override
    def transform(self, record: Record) -> Record | None:
        try:
            mapped = super().transform(record)
            if mapped:
                for key in self._computed:
                    self._check_value(key, mapped.get(key))
        except OneFileError:
            raise
        except Exception as error:  # noqa: BLE001 - an expression may raise anything, with values in it
            raise self._failure(record, error) from None
        return mapped

    @override
    def get_filter_result(self, record: Record) -> bool:
        try:
            return super().get_filter_result(record)
        except Exception as error:  # noqa: BLE001 - as above
            raise self._failure(record, error) from None

    def _check_value(self, key: str, value: object) -> None:
        if callable(value):
            raise _unusable(f"{place_of(self._label, key)} gives a function in place of a value: call it, with ().")
        _ENCODER.encode(value)
        rule = self.transformed_schema["properties"].get(key)
        if rule and not _fits(value, rule):
            kind = "date" if "format" in rule else next(kind for kind in _listed(rule["type"]) if kind != "null")
            raise _unusable(
                f"{place_of(self._label, key)} gives no {kind}, which its column holds: write it all as `str(…)`,"
                " `int(…)` or `float(…)`, which gives the column that type."
            )

    def _failure(self, record: Record, error: Exception) -> SettingsError:
        key = next((key for key in self._rules if self._fails(key, record)), None)
        if key is None:
            return _unusable(f"the map of {self._label} fails for a record ({type(error).__name__}).")
        expression = Expression(self._rules[key])
        properties: Mapping[str, Any] = self.raw_schema["properties"]
        read = expression.reads(properties)
        empty = [name for name in read if record.get(name) is None]
        cause = type(error.__cause__ or error).__name__
        if empty and cause in {"AttributeDoesNotExist", "AttributeError", "TypeError"}:
            function = _called_with(expression, empty)
            got = f": {function} got null" if function else ""
            test = " and ".join(f"{name} is not None" if _is_number(properties[name]) else name for name in empty)
            # An expression with a text in it may name a person.
            shown = "…" if expression.has_literals else expression.text
            fallback = "False" if key == FILTER else "None"
            return _unusable(
                f"{place_of(self._label, key)} fails{got}, as {listed(empty)} can be null. Write `{shown} if {test}"
                f" else {fallback}`."
            )
        values = f" of {', '.join(read)}" if read else ""
        return _unusable(
            f"{place_of(self._label, key)} fails ({cause}) for a value{values}, which is not shown. Write it so that it"
            " fits every value, as in `… if … else None`."
        )

    def _fails(self, key: str, record: Record) -> bool:
        """Return whether one line of the map fails by itself."""
        options: dict[str, Any] = {**self._options, "flattening_options": None}
        alone = CustomStreamMap(map_transform={key: self._rules[key], KEYS: []}, **options)
        try:
            _ENCODER.encode((alone.transform(record) or {}).get(key))
        except Exception:  # noqa: BLE001 - as above
            return True
        return False


def _listed(types: str | list[str]) -> list[str]:
    return [types] if isinstance(types, str) else types


def _fits(value: object, rule: Mapping[str, Any]) -> bool:
    """Return whether a target can store a value by its JSON schema, which loaders need not check again."""
    types = _listed(rule.get("type", []))
    if isinstance(value, str) and "format" in rule:
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return False
    return not types or any(
        isinstance(value, _KINDS[kind]) and (kind == "boolean" or not isinstance(value, bool)) for kind in types
    )


def _unusable(what: str) -> SettingsError:
    return SettingsError(f"The setting stream_maps cannot be used: {what}")


def _called_with(expression: Expression, empty: list[str]) -> str | None:
    for node in expression.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for argument in node.args:
                if isinstance(argument, ast.Name) and argument.id in empty:
                    return node.func.id
    return None


def _is_number(rule: Mapping[str, Any]) -> bool:
    return not {"integer", "number", "boolean"}.isdisjoint(rule.get("type", ()))
