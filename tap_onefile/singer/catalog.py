"""The catalog and the state: what users may hand in, what a run makes of it, and what our catalog says besides."""

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
"""What the keywords begin with that the SDK leaves out of a catalog, as it does not know them."""

_PARTITION = {"type": "object", "properties": {"context": {"type": "object"}}}
_BOOKMARK = {"type": "object", "properties": {"partitions": {"type": "array", "items": _PARTITION}}}
_STATE: Rule = {
    "type": ["object", "null"],
    "properties": {"bookmarks": {"type": "object", "additionalProperties": _BOOKMARK}},
}
"""The JSON schema of what the SDK can go on from."""

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
"""The JSON schema of what the SDK can read a selection from."""

_KINDS = {"state": (_STATE, "Give it the last line that the target wrote"), "catalog": (_CATALOG, "Discover it anew")}


def not_json(error: json.JSONDecodeError) -> SettingsError:
    """Make the error for a file of the command line that cannot be read; its text may hold secrets and is not shown."""
    place = f"line {error.lineno}, column {error.colno}"
    return SettingsError(f"A file given on the command line is not valid JSON ({place}).")


def read_file(file: IO[str] | None, name: str) -> dict[str, Any] | None:
    """Read a file that the user has given.

    Args:
        file: The file, if one was given.
        name: What it should hold: ``state`` or ``catalog``.

    Returns:
        What it holds.

    Raises:
        SettingsError: It holds something else.
    """
    if file is None:
        return None
    try:
        found: dict[str, Any] | None = json.load(file)
    except json.JSONDecodeError as error:
        raise not_json(error) from None
    schema, advice = _KINDS[name]
    if not Draft7Validator(schema).is_valid(found):
        raise SettingsError(f"The file passed to --{name} is not a Singer {name}. {advice}, or leave it out.")
    return found


def check_parents(catalog: Mapping[str, Any], parents: Mapping[str, str]) -> None:
    """See that a catalog has what its streams are read by.

    Args:
        catalog: The streams of the catalog, by name.
        parents: By what each stream is read.

    Raises:
        SettingsError: It has not.
    """
    if absent := sorted({parent for name, parent in parents.items() if name in catalog and parent not in catalog}):
        raise SettingsError(
            f"The catalog lacks {', '.join(absent)}, which other streams in it are read by. Discover it anew, and"
            " deselect there what you do not want.",
        )


def described(catalog: dict[str, Any], schemas: Mapping[str, Rule]) -> dict[str, Any]:
    """Say in a catalog what we know of each field, such as its data class.

    Args:
        catalog: The catalog as the SDK makes it.
        schemas: The JSON schemas of the streams, by name.

    Returns:
        The catalog with our keywords.
    """
    for stream in catalog["streams"]:
        rules = schemas[stream["tap_stream_id"]]["properties"]
        for name, rule in stream["schema"]["properties"].items():
            rule.update({key: value for key, value in rules[name].items() if key.startswith(_OURS)})
    return catalog


def limited(catalog: Catalog, schemas: Mapping[str, Rule], always: Mapping[str, Collection[str]]) -> Catalog:
    """Take out of a catalog what this run does not let through.

    A catalog may be older than the settings. What it says would be told to the target, whatever the records hold.

    Args:
        catalog: The catalog that the user, or Meltano out of its cache, has given.
        schemas: The JSON schemas of the streams as this run works with them, by name.
        always: Fields without which a stream cannot be read, by its name.

    Returns:
        The catalog with the same selection, for the fields that this run knows.
    """
    return Catalog(
        (name, replace(entry, schema=_limited(entry.schema, schemas[name], always[name])) if name in schemas else entry)
        for name, entry in catalog.items()
    )


def unlisted(catalog: Catalog, schemas: Mapping[str, Rule]) -> list[str]:
    """Find the fields that a catalog does not list although this run lets them through.

    Args:
        catalog: The catalog that was given.
        schemas: As for `limited`.

    Returns:
        The fields with their streams, such as ``learners.L12``.
    """
    return [
        f"{name}.{field}"
        for name, schema in schemas.items()
        if (entry := catalog.get_stream(name)) and entry.metadata.root.selected
        for field in schema["properties"]
        if field not in (entry.schema.properties or schema["properties"])
    ]


def _limited(given: Schema, ours: Rule, always: Collection[str]) -> Schema:
    schema: Rule = given.to_dict()
    rules: Rule = ours["properties"]
    listed = {**{name: rules[name] for name in always}, **schema.get("properties", rules)}
    schema["properties"] = {
        # What else a user has written there, such as another type, is meant for the target and none of our business.
        name: rules[name] if PSEUDONYM in rules[name] else rule
        for name, rule in listed.items()
        if name in rules
    }
    return Schema.from_dict(schema)
