"""Compares what a loader holds with what the tap wrote."""

from __future__ import annotations

import ast
import json
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Row = dict[str, Any]

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*")


def differences(records: Sequence[Row], rows: Iterable[Row], keys: Sequence[str]) -> list[str]:
    """Say in what they differ.

    Args:
        records: What the tap wrote of a stream.
        rows: What the loader holds of it.
        keys: The fields that tell records apart.

    Returns:
        A sentence for each difference; it names fields and numbers, and no values.
    """
    # Some loaders write names in lower case, which is their users' choice; no two fields differ in case alone.
    held = [{name.lower(): value for name, value in row.items()} for row in rows]
    by_key = {tuple(str(row.get(key.lower())) for key in keys): row for row in held}
    found = [f"{len(held)} rows, not {len(records)}"] if len(held) != len(records) else []
    if len(by_key) != len(held):
        found.append(f"{len(held) - len(by_key)} rows have the key of another")
    wrong: dict[str, int] = {}
    missing = 0
    for record in records:
        row = by_key.get(tuple(str(record[key]) for key in keys))
        if row is None:
            missing += 1
            continue
        for name, value in record.items():
            if not same(value, row.get(name.lower())):
                wrong[name] = wrong.get(name, 0) + 1
    found += [f"{missing} keys are missing"] if missing else []
    return found + [f"{name} differs in {count} rows" for name, count in wrong.items()]


def same(value: object, held: object) -> bool:
    """Say whether a value is what the tap wrote, however the loader's format spells it.

    Args:
        value: What the tap wrote.
        held: What the loader holds; a text where its format knows nothing else.
    """
    if value is None or held is None or held == "":
        return value is None and held in {None, ""}
    if isinstance(value, bool):
        return str(held).lower() == str(value).lower()
    if isinstance(value, int | float | Decimal):
        return _number(held) == Decimal(str(value))
    if isinstance(value, list):
        return _list(held) == value
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        return _moment(held) == _moment(value)
    return held == value


def _number(held: object) -> Decimal | None:
    try:
        return Decimal(str(held))
    except InvalidOperation:
        return None


def _list(held: object) -> object:
    if not isinstance(held, str):
        return held
    try:
        return json.loads(held)
    except json.JSONDecodeError:
        return ast.literal_eval(held)


def _moment(held: object) -> datetime | None:
    if isinstance(held, str) and not _INSTANT.fullmatch(held):
        return None
    moment = datetime.fromisoformat(held) if isinstance(held, str) else held
    if not isinstance(moment, datetime):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
