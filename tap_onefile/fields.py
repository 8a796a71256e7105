"""The kinds of field that the streams' schemas are put together from, and how a value becomes one of them.

Each kind is a JSON schema; its converter takes whatever OneFile sends for it. A value is converted where nothing is
lost by it; where it cannot be, ``ValueError`` is raised. ``None``, an absent key and ``""`` never come here: they all
mean that there is no data (API reference, section 6, "Null vs missing vs empty").
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from tap_onefile.instants import to_instant

if TYPE_CHECKING:
    from collections.abc import Callable

    Schema = dict[str, Any]

DATA_CLASS = "x-onefile-data-class"
"""The schema keyword that tells how a field bears on the people it is about."""

NOT_PERSONAL = "none"
"""Tells nobody apart by itself. Beside the id of a person it is still data about that person."""
PERSONAL = "personal"
"""Tells who somebody is or how to reach them, or is free text written about them."""
SPECIAL = "special category"
"""Health and ethnicity (UK GDPR, Article 9), and sex, which is kept with them as equality data."""

MATCHING = "x-onefile-matching"
"""The schema keyword of a personal field that stays as it is, as matching with the MIS is what it is for."""


PSEUDONYM = "x-onefile-pseudonym"
"""The schema keyword of a field whose values are replaced by pseudonyms."""


SMALLEST, LARGEST = -(2**63), 2**63 - 1
"""What a whole number of a database can be; JSON has no limits."""


def record(*properties: th.Property[Any]) -> Schema:
    """Put a stream's schema together.

    Args:
        properties: The fields, in the order of the documentation.

    Returns:
        The JSON schema. Fields that it does not name are not part of a record.
    """
    return th.PropertiesList(*properties).to_dict()


def identity(of: str) -> th.Property[Any]:
    """Make the field ``ID``, the key of a record."""
    return _field("ID", th.IntegerType, f"OneFile's id of the {of}.", NOT_PERSONAL, required=True)


def text_identity(of: str, example: str) -> th.Property[Any]:
    """Make the field ``ID`` of a record whose id is a text."""
    return _field("ID", th.StringType, f"OneFile's id of the {of}, a text {example}.", NOT_PERSONAL, required=True)


def text_key(name: str, description: str) -> th.Property[Any]:
    """Make a key that the tap works out, for records that OneFile gives no id."""
    return _field(name, th.StringType, description, NOT_PERSONAL, required=True)


def reference(name: str, description: str) -> th.Property[Any]:
    """Make a field that holds the id of another record; ``0`` stands for none in some of OneFile's data."""
    return _field(name, th.IntegerType, description, NOT_PERSONAL)


def key_reference(name: str, description: str) -> th.Property[Any]:
    """Make a field that holds the id of another record and is a part of the key."""
    return _field(name, th.IntegerType, description, NOT_PERSONAL, required=True)


def person_misid() -> th.Property[Any]:
    """Make the field ``MISID`` of a person."""
    description = "Id in the customer's own MIS. Free text, and not unique."
    keywords: dict[str, Any] = {DATA_CLASS: PERSONAL, MATCHING: True}
    return th.Property("MISID", th.StringType, description=description, **keywords)


def integer(name: str, description: str, data_class: str = NOT_PERSONAL) -> th.Property[Any]:
    """Make a field that holds a whole number."""
    return _field(name, th.IntegerType, description, data_class)


def number(name: str, description: str, data_class: str = NOT_PERSONAL) -> th.Property[Any]:
    """Make a field that holds a number with decimals."""
    return _field(name, th.NumberType, description, data_class)


def text(name: str, description: str, data_class: str = NOT_PERSONAL) -> th.Property[Any]:
    """Make a field that holds text, codes that look like numbers included."""
    return _field(name, th.StringType, description, data_class)


def texts(name: str, description: str, data_class: str = NOT_PERSONAL) -> th.Property[Any]:
    """Make a field that holds a list of texts."""
    return _field(name, th.ArrayType(th.StringType(nullable=True)), description, data_class)


def flag(name: str, description: str, data_class: str = NOT_PERSONAL) -> th.Property[Any]:
    """Make a field that is true or false."""
    return _field(name, th.BooleanType, description, data_class)


def instant(name: str, description: str, data_class: str = NOT_PERSONAL) -> th.Property[Any]:
    """Make a field that holds a moment in time; ``1900-01-01`` stands for not set in some of OneFile's data."""
    return _field(name, th.DateTimeType, description, data_class)


def converter_for(schema: Schema) -> Callable[[Any], Any]:
    """Choose how values of a field are converted.

    Args:
        schema: The JSON schema of the field.

    Returns:
        A function from what OneFile sent to what the record holds; raises ``ValueError`` for what does not fit.
    """
    if is_instant(schema):
        return to_instant
    return _CONVERTERS[kind_of(schema)]


def plain_type_of(schema: Schema) -> type | None:
    """Tell the Python type whose values a field takes as they are.

    Args:
        schema: The JSON schema of the field.

    Returns:
        The type; None where every value must go through the converter.
    """
    return None if is_instant(schema) else _PLAIN_TYPES.get(kind_of(schema))


def is_instant(schema: Schema) -> bool:
    """Tell whether a field holds a moment in time.

    Args:
        schema: The JSON schema of the field.
    """
    return schema.get("format") == "date-time"


def kind_of(schema: Schema) -> str:
    """Tell the JSON type of a field.

    Args:
        schema: The JSON schema of the field.

    Returns:
        The type that is not null.
    """
    kinds: list[str] = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return next(kind for kind in kinds if kind != "null")


def _field(
    name: str,
    kind: th.JSONTypeHelper[Any] | type[th.JSONTypeHelper[Any]],
    description: str,
    data_class: str,
    *,
    required: bool = False,
) -> th.Property[Any]:
    keywords: dict[str, Any] = {DATA_CLASS: data_class}
    return th.Property(name, kind, required=required, description=description, **keywords)


def to_integer(value: object) -> int:
    """Convert a whole number, such as an id, however OneFile spells it: ``12``, ``"12"`` or ``12.0``.

    Args:
        value: What OneFile sent.

    Returns:
        The number, of 64 bits at the most.

    Raises:
        ValueError: The value is no such number.
    """
    if type(value) is int:
        whole = value
    elif (isinstance(value, str) and _DIGITS.fullmatch(value)) or (isinstance(value, float) and value.is_integer()):
        whole = int(value)
    else:
        raise ValueError
    if not SMALLEST <= whole <= LARGEST:
        raise ValueError
    return whole


def _to_number(value: object) -> float:
    if type(value) is int or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value) and Decimal(repr(float(value))) == Decimal(value):
        return float(value)
    raise ValueError


def _to_text(value: object) -> str:
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    raise ValueError


def _to_texts(value: object) -> list[str | None]:
    if isinstance(value, list):
        return [None if item is None else _to_text(item) for item in value]
    raise ValueError


def _to_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, (str, int)) and (known := _FLAGS.get(str(value).lower())) is not None:
        return known
    raise ValueError


_DIGITS = re.compile(r"-?[0-9]+")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}

_PLAIN_TYPES: dict[str, type] = {"integer": int, "string": str, "boolean": bool}

_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "integer": to_integer,
    "number": _to_number,
    "string": _to_text,
    "array": _to_texts,
    "boolean": _to_flag,
}
