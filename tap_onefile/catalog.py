"""What the catalog says beyond the Singer specification, and what a catalog from elsewhere may not say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib import Catalog, Schema

from tap_onefile.fields import PSEUDONYM

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    Rule = dict[str, Any]

_OURS = "x-onefile-"
"""What the keywords begin with that the SDK leaves out of a catalog, as it does not know them."""


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
