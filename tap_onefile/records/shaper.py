"""The one way from OneFile's rows to the records of a stream: many rows at a time, field by field.

It replaces the SDK's type conformance, which drops unknown fields in silence, reads the text "False" as true, and
accounts for most of the cost of a record.
"""

from __future__ import annotations

from collections import Counter
from math import isfinite
from typing import TYPE_CHECKING, Any

from tap_onefile.api.decode import RepairedText, Unreadable
from tap_onefile.errors import UnusableRow
from tap_onefile.records.convert import INEXACT, LARGEST, SMALLEST, kind_of, to_timestamps

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from tap_onefile.records.privacy import Privacy
    from tap_onefile.reporting.problems import Problems

    Row = dict[str, Any]
    Convert = Callable[[str, Any], Any]
    Column = Callable[[list[Row], str, Convert], None]

_MOST_DIGITS = 18
"""Of a whole number that is within the limits, whatever its digits."""
_TEXT = {str}
_NESTED = {list, dict}
NOTHING = (None, "")
"""How OneFile spells that there is no data, unless it leaves the field out."""
_MOST_STRAYS = 100
"""Names that are looked for in every row."""
_CAME = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
    Unreadable: "something unreadable",
}


class Shaper:
    """Makes records with just the fields of the schema but those held back, and counts unknown fields and misfits."""

    def __init__(
        self,
        stream: str,
        schema: Mapping[str, Any],
        keys: Collection[str],
        problems: Problems,
        *,
        privacy: Privacy,
        held_back: Collection[str] = (),
    ) -> None:
        self._stream = stream
        self._problems = problems
        self._keys = tuple(keys)
        self._held_back = frozenset(held_back)
        rules = {name: rule for name, rule in schema["properties"].items() if name not in self._held_back}
        self._empty: Row = dict.fromkeys(rules)
        self._converters = {name: privacy.converter_for(rule) for name, rule in rules.items()}
        self._declared = frozenset(schema["properties"])
        self._strays = dict.fromkeys(self._held_back)
        """Names that came and are in no record: those held back, and unknown ones."""
        self._columns: dict[str, Column] = {
            name: _each if privacy.pseudonymises(rule) else _COLUMNS.get(kind_of(rule), _each)
            for name, rule in rules.items()
        }
        self._misfits: Counter[tuple[str, str]] = Counter()
        self._repaired: Counter[str] = Counter()

    def shape(self, rows: Sequence[Row], context: Mapping[str, Any]) -> tuple[list[Row], UnusableRow | None]:
        """Return a record for each row, up to the first without a usable key, and that row's error, if there is one.

        A field without data is null, whether OneFile leaves it out, sends null or sends ``""``. `context` has values
        for fields that rows leave empty; for a field of the key, they override the row.
        """
        empty = self._empty
        records = [{**empty, **row} for row in rows]
        self._drop_unknown(records)
        self._fill(records, context)
        for name, column in self._columns.items():
            column(records, name, self._converted)
        self._report()
        if not any(None in [record[key] for record in records] for key in self._keys):
            return records, None
        place, key = next(
            (place, key) for place, record in enumerate(records) for key in self._keys if record[key] is None
        )
        return records[:place], UnusableRow(self._stream, key)

    def _fill(self, records: list[Row], context: Mapping[str, Any]) -> None:
        for name, value in context.items():
            if name in self._keys:
                for record in records:
                    record[name] = value
            elif name in self._empty:
                for record in records:
                    came = record[name]
                    if came is None or came == "" or came.__class__ is Unreadable:
                        record[name] = value

    def _drop_unknown(self, records: list[Row]) -> None:
        known = self._empty.keys()
        unknown: Counter[str] = Counter()
        # To look for names that came before takes a third of the time of looking for unknown ones.
        for name in self._strays:
            if (count := _remove(name, records)) and name not in self._held_back:
                unknown[name] = count
        for record in records:
            if len(record) > len(known):
                extra = record.keys() - known
                for name in extra:
                    del record[name]
                unknown.update(extra)
                if len(self._strays) < _MOST_STRAYS:
                    self._strays.update(dict.fromkeys(extra))
        if unknown:
            self._problems.unknown_fields(self._stream, unknown, self._declared)

    def _converted(self, name: str, value: object) -> object:
        """Convert a value that is not null; count it if it does not fit."""
        if value == "":
            return None
        kind = type(value)
        if kind is RepairedText or (kind in _NESTED and RepairedText in map(type, _parts(value))):
            self._repaired[name] += 1
        try:
            return self._converters[name](value)
        except (ValueError, OverflowError, RecursionError):
            self._misfits[name, _CAME.get(kind, "something else")] += 1
            return None

    def _report(self) -> None:
        self._problems.misfits(self._stream, self._misfits)
        self._misfits.clear()
        self._problems.repaired_texts(self._stream, self._repaired)
        self._repaired.clear()


def _remove(name: str, records: list[Row]) -> int:
    """Remove a field from records, and return how many had it: most often, all or none of them."""
    rest = iter(records)
    try:
        for record in rest:
            del record[name]
    except KeyError:
        others = list(rest)
        having = [record for record in others if name in record]
        for record in having:
            del record[name]
        return len(records) - 1 - len(others) + len(having)
    return len(records)


def _parts(value: object) -> Iterator[object]:
    """Give all values in a value, however deep it is nested."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (list, dict)):
            waiting += part.values() if isinstance(part, dict) else part
        else:
            yield part


# One function for each kind of field: most values need no conversion, and finding that out is most of a record's cost.


def _each(records: list[Row], name: str, convert: Convert) -> None:
    for record in records:
        if record[name] is not None:
            record[name] = convert(name, record[name])


def _texts(records: list[Row], name: str, convert: Convert) -> None:
    for record in records:
        value = record[name]
        if value is not None and (value.__class__ is not str or value == ""):
            record[name] = convert(name, value)


def _integers(records: list[Row], name: str, convert: Convert) -> None:
    for record in records:
        value = record[name]
        if value.__class__ is int:
            if not SMALLEST <= value <= LARGEST:
                record[name] = convert(name, value)
        elif (value.__class__ is str and value.isdecimal() and value.isascii() and len(value) <= _MOST_DIGITS) or (
            value.__class__ is float and value.is_integer() and -INEXACT < value < INEXACT
        ):
            record[name] = int(value)
        elif value is not None:
            record[name] = convert(name, value)


def _lists(records: list[Row], name: str, convert: Convert) -> None:
    for record in records:
        value = record[name]
        if value is not None and not (value.__class__ is list and set(map(type, value)) <= _TEXT):
            record[name] = convert(name, value)


def _numbers(records: list[Row], name: str, convert: Convert) -> None:
    for record in records:
        value = record[name]
        if value is not None and value.__class__ is not int and (value.__class__ is not float or not isfinite(value)):
            record[name] = convert(name, value)


def _flags(records: list[Row], name: str, convert: Convert) -> None:
    for record in records:
        value = record[name]
        if value is not None and value.__class__ is not bool:
            record[name] = convert(name, value)


def _timestamps(records: list[Row], name: str, convert: Convert) -> None:
    values = [record[name] for record in records]
    try:
        timestamps = to_timestamps([None if value == "" else value for value in values] if "" in values else values)
    except ValueError:
        _each(records, name, convert)
        return
    for record, timestamp in zip(records, timestamps, strict=True):
        record[name] = timestamp


_COLUMNS: dict[str, Column] = {
    "string": _texts,
    "array": _lists,
    "integer": _integers,
    "number": _numbers,
    "boolean": _flags,
    "date-time": _timestamps,
    "any": _texts,
}
