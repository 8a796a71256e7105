"""What fields and values came, by names and types: the only way in which the report speaks of them."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tap_onefile.records.convert import converter_for, kind_of, to_timestamp
from tap_onefile.records.fields import CERTAINTY, SEARCH
from tap_onefile.records.shaper import NOTHING
from tap_onefile.reporting.problems import PLAIN_NAME
from tap_onefile.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from tap_onefile.check.probes import Seen

    Row = dict[str, Any]

RULES: dict[str, dict[str, Any]] = {str(stream.name): stream.schema["properties"] for stream in STREAMS}
"""What each field holds, by stream."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:([T ])\d\d:\d\d(:\d\d)?(?:\.(\d{1,9}))?(?:(Z)|([+-]\d\d:?\d\d))?)?")
_MOST_NAMES = 40
"""Unknown fields of a stream that are named."""

_TYPES: dict[type, str] = {
    type(None): "null",
    bool: "flag",
    int: "whole number",
    float: "number",
    list: "list",
    dict: "object",
}
WORDS = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "date-time": "text",
    "boolean": "flag",
    "array": "list",
}
"""The type that each kind of field is expected to come as."""


def answers(seen: Seen) -> Iterator[tuple[str, list[Row]]]:
    """Yield the rows of each stream, form by form."""
    for (stream, _), reply in seen.replies.items():
        if reply.rows:
            yield stream, reply.rows


def values(seen: Seen) -> Iterator[tuple[str, str, Any, str]]:
    """Yield each value that came in a known field: stream, field, value, kind of field."""
    for stream, rows in answers(seen):
        for row in rows:
            for name in row.keys() & RULES[stream].keys():
                if row[name] not in NOTHING:
                    yield stream, name, row[name], kind_of(RULES[stream][name])


def known_in(stream: str, rows: Collection[Row]) -> set[str]:
    """Return the fields of a stream's schema that rows have."""
    return {name for row in rows for name in row} & RULES[stream].keys()


def fields_of(stream: str, rows: Collection[Row]) -> tuple[list[str], list[str]]:
    """Return the fields of a stream that rows have, and those that they lack; the tap fills in some itself."""
    known = known_in(stream, rows)
    return [name for name in RULES[stream] if name in known], [
        name for name, rule in RULES[stream].items() if name not in known and rule[CERTAINTY] != SEARCH.certainty
    ]


def unknown_fields(seen: Seen) -> dict[str, dict[str, str]]:
    """Return the fields that no schema knows, by stream and name, with their types."""
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for stream, rows in answers(seen):
        for row in rows:
            for name in row.keys() - RULES[stream].keys():
                shown = name if is_plain_name(name) else "a name that is not shown"
                if shown in found[stream] or len(found[stream]) < _MOST_NAMES:
                    found[stream][shown] |= {type_of(row[name])} - {"null"}
    return {
        stream: {name: " or ".join(sorted(kinds)) or "always null" for name, kinds in sorted(names.items())}
        for stream, names in found.items()
        if names
    }


def described(stream: str, rows: Collection[Row]) -> str:
    """Describe the fields that rows have, with their types."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        for name, value in row.items():
            kinds[name if is_plain_name(name) else "a name that is not shown"].add(type_of(value))
    known = RULES[stream]
    return listed(
        f"{name} ({' or '.join(sorted(of))}{'' if name in known else ', unknown'})" for name, of in kinds.items()
    )


def is_plain_name(name: str) -> bool:
    """Return whether a field may be shown."""
    return PLAIN_NAME.fullmatch(name) is not None


def type_of(value: object) -> str:
    """Return the type of a value, in words."""
    return _TYPES.get(type(value), "text" if isinstance(value, str) else "something unreadable")


def timestamp(value: object) -> str:
    """Return a value as a timestamp, or what sorts after all of them."""
    try:
        return to_timestamp(value)
    except ValueError:
        return "~"


def converts(rule: Row, value: object) -> bool:
    """Return whether a value is sent on, perhaps as another type, and not as null."""
    try:
        converter_for(rule)(value)
    except ValueError:
        return False
    return True


def listed(words: Iterable[str]) -> str:
    """Return words as one text."""
    return ", ".join(words)


def shape_of(value: object) -> str:
    """Spell an invented date as another is spelled."""
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return "something else"
    between, seconds, fraction, zulu, offset = found.groups()
    if not between:
        return "2026-01-31"
    digits = f".{'0' * len(fraction)}" if fraction else ""
    zone = "+00:00" if offset and ":" in offset else "+0000" if offset else zulu or ""
    return f"2026-01-31{between}09:30{':00' if seconds else ''}{digits}{zone}"
