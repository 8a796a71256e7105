"""Catalog and state files: what is accepted, what a run makes of a catalog, and our own keywords in it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

from jsonschema import Draft7Validator
from singer_sdk.singerlib import Catalog, Schema

from tap_onefile.errors import SettingsError
from tap_onefile.records.fields import PSEUDONYM

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    Rule = dict[str, Any]

_OURS = "x-onefile-"
"""The prefix of our own keywords, which the SDK drops from a catalog as it does not know them."""

_PARTITION = {"type": "object", "properties": {"context": {"type": "object"}}}
_BOOKMARK = {"type": "object", "properties": {"partitions": {"type": "array", "items": _PARTITION}}}
_STATE: Rule = {
    "type": ["object", "null"],
    "properties": {"bookmarks": {"type": "object", "additionalProperties": _BOOKMARK}},
}
"""The JSON schema of a state that the SDK can resume from."""

_STREAM = {
    "type": "object",
    "required": ["tap_stream_id", "schema"],
    "properties": {
        "tap_stream_id": {"type": "string"},
        "schema": {"type": "object", "properties": {"properties": {"type": "object"}}},
        "metadata": {"type": "array", "items": {"type": "object", "required": ["breadcrumb", "metadata"]}},
    },
}
_CATALOG: Rule = {
    "type": ["object", "null"],
    "required": ["streams"],
    "properties": {"streams": {"type": "array", "items": _STREAM}},
}
"""The JSON schema of a catalog that the SDK can read a selection from."""

_KINDS = {"state": (_STATE, "Pass the last line that the target wrote"), "catalog": (_CATALOG, "Run --discover again")}


def parse(text: str) -> Any:  # noqa: ANN401 - as JSON may be
    """Parse a file given on the command line; it may hold secrets, so that an error shows only the place."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise SettingsError(f"A file given on the command line is not valid JSON ({place}).") from None


def read_file(file: IO[str] | None, name: str) -> dict[str, Any] | None:
    """Read the file passed to the option `name`, ``state`` or ``catalog``, and check what it holds."""
    if file is None:
        return None
    found: dict[str, Any] | None = parse(file.read())
    schema, advice = _KINDS[name]
    if not Draft7Validator(schema).is_valid(found):
        raise SettingsError(f"The file passed to --{name} is not a Singer {name}. {advice}, or leave it out.")
    return found


def check_parents(catalog: Mapping[str, Any], parents: Mapping[str, str]) -> None:
    """Check that a catalog lists the parent of each child stream in it."""
    if absent := sorted({parent for name, parent in parents.items() if name in catalog and parent not in catalog}):
        raise SettingsError(
            f"The catalog lacks {', '.join(absent)}, which other streams in it need as parents. Run --discover again,"
            " and deselect there what you do not want.",
        )


def add_keywords(catalog: dict[str, Any], schemas: Mapping[str, Rule]) -> dict[str, Any]:
    """Add our own keywords, such as the data class of each field, to a catalog that the SDK has made."""
    for stream in catalog["streams"]:
        rules = schemas[stream["tap_stream_id"]]["properties"]
        for name, rule in stream["schema"]["properties"].items():
            rule.update({key: value for key, value in rules[name].items() if key.startswith(_OURS)})
    return catalog


def restrict(catalog: Catalog, schemas: Mapping[str, Rule], always: Mapping[str, Collection[str]]) -> Catalog:
    """Remove the fields from a catalog that this run does not let through.

    A catalog may be older than the settings, and the SDK sends its schemas to the target whatever the records hold. The
    fields without which a stream cannot be read are always in it.
    """
    known = [(name, entry) for name, entry in catalog.items() if name in schemas]
    ours = {
        name: replace(entry, schema=_restricted(entry.schema, schemas[name], always[name])) for name, entry in known
    }
    return Catalog({**catalog, **ours})


def unlisted_fields(catalog: Catalog, schemas: Mapping[str, Rule]) -> list[str]:
    """Return the fields that this run lets through but the catalog does not list, such as ``learners.L12``."""
    return [
        f"{name}.{field}"
        for name, schema in schemas.items()
        if (entry := catalog.get_stream(name)) and entry.metadata.root.selected
        for field in schema["properties"]
        if field not in (entry.schema.properties or schema["properties"])
    ]


def _restricted(given: Schema, ours: Rule, always: Collection[str]) -> Schema:
    schema: Rule = given.to_dict()
    rules: Rule = ours["properties"]
    listed = {**{name: rules[name] for name in always}, **schema.get("properties", rules)}
    schema["properties"] = {
        # Anything else that a user has written there, such as another type, is meant for the target.
        name: rules[name] if PSEUDONYM in rules[name] else rule
        for name, rule in listed.items()
        if name in rules
    }
    return Schema.from_dict(schema)
