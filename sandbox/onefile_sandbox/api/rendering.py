"""How a record is sent, spelled as the present behaviour has it."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zlib import crc32

from onefile_sandbox.api.answers import encode
from onefile_sandbox.world.timestamps import LONDON, NOT_SET

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onefile_sandbox.api.behaviour import Behaviour
    from onefile_sandbox.api.search import Found
    from onefile_sandbox.world.entities import Entity
    from onefile_sandbox.world.table import Key, Row, Table

_MISSING = object()
_WAYS_TO_BE_ABSENT = {"missing": (_MISSING,), "null": (None,), "empty": ("",), "mixed": (_MISSING, None, "")}


class Renderer:
    """Renders records, and keeps the invented ones as bytes."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._absent = _WAYS_TO_BE_ABSENT[behaviour.absent_values]
        self._kept: dict[tuple[str, bool], dict[Key, bytes]] = {}

    def pages_are_rich(self, entity: Entity) -> bool:
        """Return whether a page has all fields of a record, or only the fewest."""
        if entity.has_details and self._behaviour.detail_in_search == "thin":
            return False
        return not entity.is_searched or self._behaviour.paged_rows == "rich"

    def render(self, entity: Entity, row: Row, *, rich: bool, carried: bool = False) -> dict[str, Any]:
        """Give a record as it is sent, with all fields or the fewest, and with what a reader asked by if `carried`."""
        names = row if rich else self._thin(entity, row)
        rendered = {name: self._value(row, name) for name in names if name not in entity.unsent}
        for number in range(self._behaviour.unknown_fields):
            rendered[f"Unknown{number}"] = f"{entity.name} {number}" if number % 2 else number
        if carried:
            rendered.update((name, self._value(row, name)) for name in entity.carried if name in row)
        return {name: value for name, value in rendered.items() if value is not _MISSING}

    def _thin(self, entity: Entity, row: Row) -> Iterable[str]:
        is_dated = self._behaviour.paged_rows == "dated" and "LastModified" in row
        return (*entity.thin, "LastModified") if is_dated else entity.thin

    def _value(self, row: Row, name: str) -> object:
        value = row.get(name)
        if isinstance(value, str):
            # Most fields are text, and text is sent as it is.
            if self._behaviour.codes_as_numbers and value.isdecimal() and not value.startswith("0"):
                return float(value)
            return value
        if isinstance(value, datetime):
            if not self._hides(row, name, value):
                return self._spelled(value)
            value = None
        elif isinstance(value, bool):
            return str(value).lower() if self._behaviour.booleans == "text" else value
        elif isinstance(value, int) and name.endswith("ID"):
            if value == 0 and name != "ID" and not self._behaviour.sentinels:
                value = None
            else:
                return str(value) if self._behaviour.ids_as_text else value
        return value if value is not None else self._absent[_scatter(row, name) % len(self._absent)]

    def encoded(self, entity: Entity, found: Found, *, rich: bool) -> list[bytes]:
        """Give what was found, each record as JSON."""
        return [self.encoded_row(entity, found.table(i), i, rich=rich) for i in found.ids]

    def encoded_row(self, entity: Entity, table: Table, record_id: Key, *, rich: bool) -> bytes:
        """Give one record as JSON."""
        kept = self._kept.setdefault((table.stream, rich), {})
        row = kept.get(record_id)
        # An edited row may be edited again, so it is rendered anew each time.
        if row is None or table.is_edited(record_id):
            row = encode(self.render(entity, table.row(record_id), rich=rich)).encode()
            kept[record_id] = row
        return row

    def _spelled(self, moment: datetime) -> str:
        style = self._behaviour.date_style
        if style == "offset":
            there = moment.astimezone(LONDON)
            return there.isoformat(timespec="milliseconds" if there.microsecond else "seconds")
        text = moment.isoformat(timespec="seconds").removesuffix("+00:00")
        millis = f".{moment.microsecond // 1000:03d}"
        if style == "ticks":
            return f"{text}.{moment.microsecond:06d}0Z"
        if style == "z-millis":
            return f"{text}{millis}Z"
        fraction = millis if moment.microsecond else ""
        return f"{text}{fraction}" if style == "naive" else f"{text}{fraction}Z"

    def _hides(self, row: Row, name: str, value: datetime) -> bool:
        if value == NOT_SET:
            return not self._behaviour.sentinels
        if name != "LastModified":
            return False
        if self._behaviour.last_modified == "sometimes":
            return _scatter(row, name) % 3 == 0
        return self._behaviour.last_modified == "absent"


def _scatter(row: Row, name: str) -> int:
    """Give a number that is always the same for a field of a record, and looks like chance."""
    key = row.get("_Key", row.get("ID"))
    if not isinstance(key, int):
        key = _checksum(str(key))
    return ((key * 2_654_435_761 + _checksum(name)) & 0xFFFFFFFF) >> 7


@lru_cache(maxsize=256)
def _checksum(name: str) -> int:
    return crc32(name.encode())
