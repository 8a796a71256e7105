"""The one way from OneFile's rows to the records of a stream: many rows at a time, field by field.

It replaces the SDK's type conformance, which drops unknown fields in silence, reads the text "False" as true, and
accounts for most of the cost of a record.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from sys import float_info
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from tap_onefile.api.decode import RepairedText, Unreadable, are_as_sent, columns_of
from tap_onefile.errors import UnusableRow
from tap_onefile.records.convert import LARGEST, SMALLEST, kind_of, to_timestamps

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from tap_onefile.api.decode import Row
    from tap_onefile.records.privacy import Privacy
    from tap_onefile.reporting.problems import Problems

    Column = Sequence[Any]
    """The values of a field in a batch of rows."""
    Convert = Callable[[Any], Any]
    Reform = Callable[[Column, Convert], Column]

_NESTED = {list, dict}
_REPAIRABLE = {RepairedText, *_NESTED}
NOTHING = (None, "")
"""How OneFile spells that there is no data, unless it leaves the field out."""
_SAYS_NOTHING = (*NOTHING, 0, "0")
"""The same of an owner, or of anything else that the search has named."""
_CAME = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
    Unreadable: "something unreadable",
}


@dataclass(frozen=True)
class Records:
    """Records of a stream, field by field."""

    columns: Mapping[str, Column]
    """The values of each field, in the order of the schema."""
    count: int

    def __len__(self) -> int:
        """Return how many records there are."""
        return self.count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield one record after the other."""
        for values in zip(*self.columns.values(), strict=True):
            yield dict(zip(self.columns, values, strict=True))


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
        rules = {name: rule for name, rule in schema["properties"].items() if name not in held_back}
        self._converters = {name: privacy.converter_for(rule) for name, rule in rules.items()}
        self._declared = schema["properties"].keys()
        self._reforms: dict[str, tuple[Reform, Convert]] = {
            name: (
                _each if privacy.pseudonymises(rule) else _REFORMS.get(kind_of(rule), _each),
                partial(self._converted, name),
            )
            for name, rule in rules.items()
        }
        self._misfits: Counter[tuple[str, str]] = Counter()
        self._repaired: Counter[str] = Counter()

    def shape(self, rows: Sequence[Row], context: Mapping[str, Any]) -> tuple[Records, UnusableRow | None]:
        """Return a record for each row, up to the first without a usable key, and that row's error, if there is one.

        A field without data is null, whether OneFile leaves it out, sends null or sends ``""``. `context` has values
        for fields that rows leave empty; for a field of the key, they override the row.
        """
        columns = self._split(rows)
        self._fill(columns, context, len(rows))
        is_as_sent = are_as_sent(rows)
        for name, (reform, convert) in self._reforms.items():
            column = columns[name]
            # Texts that were repaired are counted value by value.
            is_plain = is_as_sent or _REPAIRABLE.isdisjoint(map(type, column))
            columns[name] = reform(column, convert) if is_plain else _each(column, convert)
        self._report()
        lacking = [column.index(None) for key in self._keys if None in (column := columns[key])]
        if not lacking:
            return Records(columns, len(rows)), None
        place = min(lacking)
        key = next(key for key in self._keys if columns[key][place] is None)
        columns = {name: column[:place] for name, column in columns.items()}
        return Records(columns, place), UnusableRow(self._stream, key)

    def _split(self, rows: Sequence[Row]) -> dict[str, Column]:
        """Split rows into the columns of the schema, and count what else there is in them."""
        columns = columns_of(rows)
        unknown = Counter(
            {name: len([1 for value in columns[name] if value is not None]) for name in columns.keys() - self._declared}
        )
        if any(unknown.values()):
            self._problems.unknown_fields(self._stream, +unknown, self._declared)
        nothing = (None,) * len(rows)
        return {name: columns.get(name, nothing) for name in self._reforms}

    def _fill(self, columns: dict[str, Column], context: Mapping[str, Any], count: int) -> None:
        for name, value in context.items():
            if name in self._keys:
                columns[name] = [value] * count
            elif name in columns:
                columns[name] = [
                    value if came in _SAYS_NOTHING or came.__class__ is Unreadable else came for came in columns[name]
                ]

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


def _parts(value: object) -> Iterator[object]:
    """Yield all values in a value, however deep it is nested."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (list, dict)):
            waiting += part.values() if isinstance(part, dict) else part
        else:
            yield part


# Most values need no conversion. Establishing that is most of a record's cost, so it is done for many at once.


def _each(values: Column, convert: Convert) -> Column:
    return [None if value is None else convert(value) for value in values]


def _fitting(column_type: object, *, is_strict: bool = True) -> Callable[[Column], Column]:
    """Return what gives values that fit a type back as they are, and raises one of `_MISFIT` for others."""
    # A struct, as msgspec keeps its type: resolving that of a list at each call takes longer than the check.
    column: Any = msgspec.defstruct("Column", [("values", column_type)])
    return lambda values: msgspec.convert({"values": values}, column, strict=is_strict).values


def _whole_numbers(values: Column) -> Column:
    with suppress(*_MISFIT):
        return _integers(values)
    # Of texts other than digits, msgspec would also take 1e3 for a number, and null for None.
    texts = "".join([value for value in values if value.__class__ is str])
    if texts and not texts.isdecimal():
        raise ValueError
    return _integers_or_digits(values)


def _reformed(attempt: Callable[[Column], Column], values: Column, convert: Convert) -> Column:
    """Convert values at once, or else without empty texts, or else one by one."""
    with suppress(*_MISFIT):
        return attempt(values)
    if "" in values:
        values = [None if value == "" else value for value in values]
        with suppress(*_MISFIT):
            return attempt(values)
    return _each(values, convert)


_MISFIT = (ValueError, msgspec.ValidationError)
"""Before msgspec 0.21, a ValidationError is not a ValueError."""
_INTEGER = Annotated[int, msgspec.Meta(ge=SMALLEST, le=LARGEST)]
_FINITE = Annotated[float, msgspec.Meta(ge=-float_info.max, le=float_info.max)]
_integers = _fitting(list[_INTEGER | None])
_integers_or_digits = _fitting(list[_INTEGER | None], is_strict=False)
_texts = _fitting(list[Annotated[str, msgspec.Meta(min_length=1)] | None])
_REFORMS: dict[str, Reform] = {
    kind: partial(_reformed, attempt)
    for kind, attempt in {
        "string": _texts,
        "array": _fitting(list[list[str] | None]),
        "integer": _whole_numbers,
        "number": _fitting(list[int | _FINITE | None]),
        "boolean": _fitting(list[bool | None]),
        "date-time": to_timestamps,
        "any": _texts,
    }.items()
}
