"""Whether the files of the command line hold what they should: a state, and a catalog."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

from jsonschema import Draft7Validator

from tap_onefile.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    Shape = dict[str, Any]

_PARTITION = {"type": "object", "properties": {"context": {"type": "object"}}}
_BOOKMARK = {"type": "object", "properties": {"partitions": {"type": "array", "items": _PARTITION}}}
STATE: Shape = {
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
CATALOG: Shape = {
    "type": ["object", "null"],
    "required": ["streams"],
    "properties": {"streams": {"type": "array", "items": _STREAM}},
}
"""The JSON schema of what the SDK can read a selection from."""

_IN_WORDS = {"state": (STATE, "Give it the last line that the target wrote"), "catalog": (CATALOG, "Discover it anew")}


def read(file: IO[str] | None, name: str) -> dict[str, Any] | None:
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
    found: dict[str, Any] | None = json.load(file)
    schema, advice = _IN_WORDS[name]
    if not Draft7Validator(schema).is_valid(found):
        raise SettingsError(f"The file of the option --{name} holds no {name}. {advice}, or leave it out.")
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
