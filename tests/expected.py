"""What the tap must make of a row, computed apart from its code."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Row = dict[str, Any]

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d.*")


def expected_records(rows: Iterable[Row], schema: Mapping[str, Any], context: Mapping[str, Any]) -> dict[Any, Row]:
    """Make the records that a stream must emit, by their ids.

    Args:
        rows: The rows as OneFile holds them.
        schema: The JSON schema of the stream.
        context: What the search says and the row does not.
    """
    fields = schema["properties"].items()
    records = [{name: _expected(row.get(name, context.get(name)), field) for name, field in fields} for row in rows]
    return {record["ID"]: record for record in records}


def spelled(row: Row, schema: Mapping[str, Any], context: Mapping[str, Any]) -> Row:
    """Spell a row as a record, but for the keys that the tap works out by itself.

    Args:
        row: The row or record.
        schema: The JSON schema of the stream.
        context: What the call says and the row does not.
    """
    fields = schema["properties"].items()
    return {
        name: _expected(row.get(name) or context.get(name, row.get(name)), field)
        for name, field in fields
        if name != "EntryKey"
    }


def by_id(records: Iterable[Row]) -> dict[Any, Row]:
    """Index records by their ids, and fail where an id comes twice."""
    indexed: dict[Any, Row] = {}
    for record in records:
        assert record["ID"] not in indexed, f"{record['ID']} came twice"
        indexed[record["ID"]] = record
    return indexed


def _expected(value: object, field: Mapping[str, Any]) -> object:
    if value is None or value == "":
        return None
    if field.get("format") == "date-time":
        return _utc(str(value))
    if "boolean" in field["type"]:
        return str(value).lower() == "true"
    if "string" in field["type"] and isinstance(value, int | float):
        return str(value)
    return value


def _utc(text: str) -> str:
    assert _INSTANT.fullmatch(text), text
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")
