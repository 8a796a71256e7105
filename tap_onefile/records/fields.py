"""The kinds of field that the streams' schemas are put together from, and how each field is known.

OneFile publishes no reference of its answers, so each field is marked with what it was learnt from. The marks are in
the catalog and the documentation, so that users can decide which fields to rely on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partialmethod
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from tap_onefile.errors import SettingsError
from tap_onefile.records.convert import ANY_AS_TEXT
from tap_onefile.reporting.problems import PLAIN_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    Kind = th.JSONTypeHelper[Any] | type[th.JSONTypeHelper[Any]]
    Schema = dict[str, Any]

DATA_CLASS = "x-onefile-data-class"
"""The schema keyword for whether a field is personal or special category data."""
MATCHING = "x-onefile-matching"
"""The schema keyword of a personal field that is never changed, as it serves to match records with the MIS."""
PSEUDONYM = "x-onefile-pseudonym"
"""The schema keyword of a field whose values are replaced by pseudonyms."""
CERTAINTY = "x-onefile-certainty"
"""The schema keyword for how certain a field is; one of the marks."""
SOURCE = "x-onefile-source"
"""The schema keyword for where a field can be seen."""

NOT_PERSONAL = "none"
"""Identifies nobody by itself. Next to a person's id it is still data about that person."""
PERSONAL = "personal"
"""Says who somebody is or how to reach them, or is free text written about them."""
SPECIAL = "special category"
"""Health and ethnicity (UK GDPR, Article 9), and sex, which is kept with them as equality data."""

MARKS = {
    "documented": "OneFile's own help says that answers have it.",
    "seen": "Two or more independent programs read it from answers.",
    "seen once": "One program reads it from answers.",
    "expected": "It is shown for writing, or in OneFile's nightly export, so answers can be expected to have it.",
    "guessed": "Nothing shows it: a guess after similar records, or after the screens.",
    "from the tap": "The tap fills it in from what it asked for, or makes it.",
    "asked for": "You name it in `extra_fields`; the tap knows nothing of it.",
}
"""What each mark of certainty means, surest first."""


@dataclass(frozen=True)
class Provenance:
    """Fields that are known in one way: by a mark, and by where they can be seen."""

    certainty: str
    source: str

    def _field(
        self,
        kind: Kind,
        name: str,
        description: str,
        data_class: str = NOT_PERSONAL,
        *,
        required: bool = False,
        keyword: str | None = None,
    ) -> th.Property[Any]:
        marks: dict[str, Any] = {DATA_CLASS: data_class, **({keyword: True} if keyword else {})}
        marks |= {CERTAINTY: self.certainty, SOURCE: self.source}
        return th.Property(name, kind, required=required, description=description, **marks)

    integer = partialmethod(_field, th.IntegerType)
    number = partialmethod(_field, th.NumberType)
    text = partialmethod(_field, th.StringType)
    """Text, including codes that look like numbers."""
    texts = partialmethod(_field, th.ArrayType(th.StringType(nullable=True)))
    flag = partialmethod(_field, th.BooleanType)
    timestamp = partialmethod(_field, th.DateTimeType)
    """``1900-01-01`` stands for not set in some of OneFile's data."""
    reference = partialmethod(_field, th.IntegerType)
    """The id of another record; ``0`` stands for none in some of OneFile's data."""
    key_reference = partialmethod(_field, th.IntegerType, required=True)
    """The id of another record, as part of the key."""
    text_key = partialmethod(_field, th.StringType, required=True)
    matching_text = partialmethod(_field, th.StringType, keyword=MATCHING)
    any_as_text = partialmethod(_field, th.StringType, keyword=ANY_AS_TEXT)
    """A field of which only the name is known."""

    def identity(self, of: str) -> th.Property[Any]:
        """Return the field ``ID``, the key of a record."""
        return self._field(th.IntegerType, "ID", f"OneFile's id of the {of}.", required=True)

    def organisation_id(self) -> th.Property[Any]:
        """Return the field ``OrganisationID`` of a record that belongs to one organisation."""
        return self._field(
            th.IntegerType, "OrganisationID", "Id of the organisation; from the search where the row does not say."
        )

    def organisation_key(self, description: str = "Id of the organisation.") -> th.Property[Any]:
        """Return the field ``OrganisationID`` where it is part of the key; no row has it."""
        return self._field(th.IntegerType, "OrganisationID", description, required=True)


INITIAL_DOWNLOAD = Provenance("documented", "help article 76000048013")
CLIENTS = Provenance("seen", "public clients")
CLIENT = Provenance("seen once", "a public client")
USERS = Provenance("expected", "help article 76000037051")
LIKE_LEARNERS = Provenance("expected", "learners' records")
FRAMEWORKS = Provenance("expected", "help article 76000037063")
TRACKER = Provenance("expected", "help article 76000057528")
WRITTEN = Provenance("expected", "what a public client writes")
EXPORT = Provenance("expected", "the nightly CSV export")
UNDER_OTHER_NAMES = Provenance("guessed", "a product that reads it by a name not shown")
SIMILAR = Provenance("guessed", "similar records")
SEARCH = Provenance("from the tap", "what was asked for")
ASKED_FOR = Provenance("asked for", "the setting extra_fields")


def record(*properties: th.Property[Any]) -> Schema:
    """Return the JSON schema of a stream with exactly these fields, in their order."""
    return th.PropertiesList(*properties).to_dict()


# Fields that the schemas do not know and the user asks for by name, in the setting extra_fields.

_ENTRY = re.compile(
    rf"(?P<stream>[A-Za-z_]{{1,40}})\.(?P<field>{PLAIN_NAME.pattern})(?::(?P<data_class>[a-z]{{1,20}}))?"
)
_CLASSES = {None: PERSONAL, "personal": PERSONAL, "special": SPECIAL, "none": NOT_PERSONAL}
_SHOWN = re.compile("[A-Za-z_.: ]{1,80}")
"""An entry that is not a secret in the wrong place."""


def extra_fields(entries: Iterable[object]) -> dict[str, Schema]:
    """Return a schema for each stream with the fields asked for, such as ``learners.Pathway`` or ``plans.Aim:none``.

    Raises:
        SettingsError: An entry is not of that form, or repeats another.
    """
    found: dict[str, dict[str, th.Property[Any]]] = {}
    for place, entry in enumerate(entries, start=1):
        parts = _ENTRY.fullmatch(entry) if isinstance(entry, str) else None
        if not parts or parts["data_class"] not in _CLASSES:
            shown = f" ({entry})" if isinstance(entry, str) and _SHOWN.fullmatch(entry) else ""
            raise SettingsError(
                f"Entry {place} of the setting extra_fields{shown} is no name of a field: write it as learners.Pathway,"
                " or as learners.Pathway:none (or :special) if it is not of the class personal."
            )
        name, data_class = parts["field"], _CLASSES[parts["data_class"]]
        fields = found.setdefault(parts["stream"], {})
        if alike(name, fields):
            raise SettingsError(f"The setting extra_fields names {parts['stream']}.{name} twice: delete one of them.")
        fields[name] = ASKED_FOR.any_as_text(name, f"{name} as OneFile sends it, as text.", data_class)
    return {stream: record(*fields.values()) for stream, fields in found.items()}


def extended(schema: Schema, extra: Schema | None) -> Schema:
    """Return the schema of a stream with the fields asked for as well."""
    return {**schema, "properties": {**schema["properties"], **extra["properties"]}} if extra else schema


def alike(name: str, known: Iterable[str]) -> str | None:
    """Return the known field with the same name, whatever its case: many databases have one column for both."""
    return next((each for each in known if each.lower() == name.lower()), None)
