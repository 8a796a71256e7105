"""The kinds of field that the streams' schemas are put together from, and how each field is known.

Each kind is a JSON schema. OneFile publishes no reference of its answers, so each field has the mark of what it was
learnt from. The marks are in the catalog and in the documentation, for whoever has to decide what to build upon.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

if TYPE_CHECKING:
    Schema = dict[str, Any]
    Kind = th.JSONTypeHelper[Any] | type[th.JSONTypeHelper[Any]]

DATA_CLASS = "x-onefile-data-class"
"""The schema keyword for how a field bears on the people it is about."""
MATCHING = "x-onefile-matching"
"""The schema keyword of a personal field that stays as it is, as matching with the MIS is what it is for."""
PSEUDONYM = "x-onefile-pseudonym"
"""The schema keyword of a field whose values are replaced by pseudonyms."""
CERTAINTY = "x-onefile-certainty"
"""The schema keyword for how sure a field is."""
SOURCE = "x-onefile-source"
"""The schema keyword for where a field is shown."""

NOT_PERSONAL = "none"
"""Identifies nobody by itself. Beside the id of a person it is still data about that person."""
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
}
"""What each mark of certainty means, surest first."""


@dataclass(frozen=True)
class Provenance:
    """How some fields are known."""

    certainty: str
    """One of the marks."""
    source: str
    """Where the fields are shown."""


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


def known(provenance: Provenance, *properties: th.Property[Any]) -> list[th.Property[Any]]:
    """Mark some fields with how they are known, and return them."""
    for each in properties:
        each.kwargs |= {CERTAINTY: provenance.certainty, SOURCE: provenance.source}
    return list(properties)


def record(*properties: th.Property[Any]) -> Schema:
    """Make the JSON schema of a stream from its fields, in their order. A record has no other fields."""
    return th.PropertiesList(*properties).to_dict()


def identity(of: str) -> th.Property[Any]:
    """Make the field ``ID``, the key of a record."""
    return _field("ID", th.IntegerType, f"OneFile's id of the {of}.", required=True)


def text_identity(of: str, example: str) -> th.Property[Any]:
    """Make the field ``ID`` of a record whose id is a text."""
    return _field("ID", th.StringType, f"OneFile's id of the {of}, a text {example}.", required=True)


def text_key(name: str, description: str) -> th.Property[Any]:
    """Make a key that the tap works out, for records that OneFile gives no id."""
    return _field(name, th.StringType, description, required=True)


def reference(name: str, description: str) -> th.Property[Any]:
    """Make a field that holds the id of another record; ``0`` stands for none in some of OneFile's data."""
    return _field(name, th.IntegerType, description)


def key_reference(name: str, description: str) -> th.Property[Any]:
    """Make a field that holds the id of another record and is a part of the key."""
    return _field(name, th.IntegerType, description, required=True)


def organisation_id(provenance: Provenance = SEARCH) -> list[th.Property[Any]]:
    """Make the field ``OrganisationID`` of what belongs to one organisation."""
    description = "Id of the organisation; from the search where the row does not say."
    return known(provenance, reference("OrganisationID", description))


def person_misid() -> th.Property[Any]:
    """Make the field ``MISID`` of a person."""
    description = "Id in the customer's own MIS. Free text, and not unique."
    return _field("MISID", th.StringType, description, PERSONAL, **{MATCHING: True})


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


def timestamp(name: str, description: str, data_class: str = NOT_PERSONAL) -> th.Property[Any]:
    """Make a field that holds a timestamp; ``1900-01-01`` stands for not set in some of OneFile's data."""
    return _field(name, th.DateTimeType, description, data_class)


def _field(
    name: str,
    kind: Kind,
    description: str,
    data_class: str = NOT_PERSONAL,
    *,
    required: bool = False,
    **keywords: Any,  # noqa: ANN401 - as a JSON schema has them
) -> th.Property[Any]:
    keywords = {DATA_CLASS: data_class, **keywords}
    return th.Property(name, kind, required=required, description=description, **keywords)
