"""Fields that the schemas do not know and the user asks for by name: the setting `extra_fields`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tap_onefile.errors import SettingsError
from tap_onefile.records.fields import ASKED_FOR, NOT_PERSONAL, PERSONAL, SPECIAL, record
from tap_onefile.reporting.problems import PLAIN_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Schema = dict[str, Any]

_ENTRY = re.compile(
    rf"(?P<stream>[A-Za-z_]{{1,40}})\.(?P<field>{PLAIN_NAME.pattern})(?::(?P<data_class>[a-z]{{1,20}}))?"
)
_CLASSES = {None: PERSONAL, "personal": PERSONAL, "special": SPECIAL, "none": NOT_PERSONAL}
_SHOWN = re.compile("[A-Za-z_.: ]{1,80}")
"""An entry that is no secret in the wrong place."""


def extra_fields(entries: Iterable[object]) -> dict[str, Schema]:
    """Return a schema for each stream with the fields asked for, such as ``learners.Pathway`` or ``plans.Aim:none``.

    Raises:
        SettingsError: An entry is not of that form, or repeats another.
    """
    found: dict[str, dict[str, str]] = {}
    for place, entry in enumerate(entries, start=1):
        parts = _ENTRY.fullmatch(entry) if isinstance(entry, str) else None
        if not parts or parts["data_class"] not in _CLASSES:
            shown = f" ({entry})" if isinstance(entry, str) and _SHOWN.fullmatch(entry) else ""
            raise SettingsError(
                f"Entry {place} of the setting extra_fields{shown} is no name of a field: write it as learners.Pathway,"
                " or as learners.Pathway:none (or :special) if it is not of the class personal."
            )
        fields = found.setdefault(parts["stream"], {})
        if alike(parts["field"], fields):
            raise SettingsError(
                f"The setting extra_fields names {parts['stream']}.{parts['field']} twice: delete one of them."
            )
        fields[parts["field"]] = _CLASSES[parts["data_class"]]
    return {stream: _schema(fields) for stream, fields in found.items()}


def extended(schema: Schema, extra: Schema | None) -> Schema:
    """Return the schema of a stream with the fields asked for as well."""
    return {**schema, "properties": {**schema["properties"], **extra["properties"]}} if extra else schema


def alike(name: str, known: Iterable[str]) -> str | None:
    """Return the known field with the same name, whatever its case: many databases have one column for both."""
    return next((each for each in known if each.lower() == name.lower()), None)


def _schema(fields: Mapping[str, str]) -> Schema:
    return record(
        *(
            ASKED_FOR.any_as_text(name, f"{name} as OneFile sends it, as text.", data_class)
            for name, data_class in fields.items()
        )
    )
