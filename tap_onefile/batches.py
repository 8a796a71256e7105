"""From many rows of OneFile to as many records of a stream, where rows have been checked already.

What is left to do depends on the stream and on how its rows come, and is the same for each row: so it is written down
as Python once for each form of row, as dataclasses do it, and nothing is looked up for a record.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

import msgspec

from tap_onefile.fields import is_instant
from tap_onefile.instants import INSTANT_OF_TEXT, NAMES_OF_INSTANT_OF_TEXT, to_instant
from tap_onefile.typed_rows import TypedRow, TypedRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_onefile.data_protection import DataProtection
    from tap_onefile.records import RecordShaper
    from tap_onefile.typed_rows import Convert, RowForm

    Row = dict[str, Any]
    Shape = Callable[[Sequence[TypedRow], Mapping[str, Any]], tuple[int, str] | None]


class BatchShaper:
    """Makes the records of a stream many at a time, as RecordShaper makes them one by one.

    Args:
        shaper: Makes records of plain rows, and says what a record is.
        schema: The JSON schema of the stream, with all fields.
        protection: Says what becomes of each field.
    """

    def __init__(self, shaper: RecordShaper, schema: Mapping[str, Any], protection: DataProtection) -> None:
        self._shaper = shaper
        rules = {name: rule for name, rule in schema["properties"].items() if name not in shaper.held_back}
        always: dict[str, Convert] = {
            name: shaper.converters[name] if protection.makes_pseudonyms_of(rule) else to_instant
            for name, rule in rules.items()
            if protection.makes_pseudonyms_of(rule) or is_instant(rule)
        }
        self._typed_rows = TypedRows(rules, shaper.converters, always=always, ignored=shaper.held_back)
        self._shapes: dict[tuple[object, ...], Shape] = {}
        self.read = self._typed_rows.read
        """Reads a page of rows that need little work; see TypedRows."""

    def shape(self, rows: Sequence[Row | TypedRow], context: Mapping[str, Any], records: list[Any]) -> None:
        """Make records.

        Args:
            rows: What OneFile sent, read by `read`; typed rows are changed into their records.
            context: Values for fields that rows leave open.
            records: The records are added to it.

        Raises:
            UnusableRecord: A key is missing or does not fit; the records before have been added.
        """
        for kind, alike in groupby(rows, type):
            if issubclass(kind, TypedRow):
                self._shape_typed(cast("list[TypedRow]", list(alike)), context, records)
            else:
                for row in alike:
                    records.append(self._shaper.shape(cast("Row", row), context))  # noqa: PERF401 - none is lost when one fails

    def _shape_typed(self, rows: list[TypedRow], context: Mapping[str, Any], records: list[Any]) -> None:
        shape = self._shapes.get((rows[0].__class__, *context))
        if shape is None:
            shape = self._written(self._typed_rows.forms[rows[0].__class__], context)
            self._shapes[rows[0].__class__, *context] = shape
        if unusable := shape(rows, context):
            place, key = unusable
            records += rows[:place]
            raise self._shaper.unusable(key)
        records += rows

    def _written(self, form: RowForm, context: Mapping[str, Any]) -> Shape:
        """Write the function that makes records of rows of one form, up to one that lacks a key, of which it tells."""
        conversions = dict(form.conversions)
        unknown = {attribute: name for name, attribute in form.unknown}
        names: dict[str, Any] = {
            **NAMES_OF_INSTANT_OF_TEXT,
            "UNSET": msgspec.UNSET,
            "converted": self._shaper.converted,
            "tell_unknown": lambda attribute: self._shaper.report.unknown_field(
                self._shaper.stream, unknown[attribute]
            ),
            **{f"convert_{name}": convert for name, convert in conversions.items()},
        }
        filled = [name for name in context if name in self._shaper.converters]
        lines = [
            "def shape(rows, context):",
            *(f"    {name}_ = context[{name!r}]" for name in filled),
            "    for place, row in enumerate(rows):",
            *(f"        {line}" for line in self._steps(form, filled, conversions)),
        ]
        exec("\n".join(lines), names)  # noqa: S102 - nothing in it comes from OneFile
        return cast("Shape", names["shape"])

    def _steps(self, form: RowForm, filled: list[str], conversions: Mapping[str, Convert]) -> Iterator[str]:
        keys = self._shaper.keys
        for name in filled:
            # A part of the key says which search found the row, whatever the row says.
            yield f"row.{name} = {name}_" if name in keys else f"if row.{name} in (None, ''): row.{name} = {name}_"
        for name in sorted(form.empty | (form.loose & conversions.keys())):
            is_text = name in self._typed_rows.texts and name not in form.loose
            yield f"if not row.{name}: row.{name} = None" if is_text else f"if row.{name} == '': row.{name} = None"
        for name in conversions:
            is_instant_of_text = conversions[name] is to_instant and name not in form.loose
            converted = INSTANT_OF_TEXT if is_instant_of_text else f"convert_{name}(text)"
            yield f"text = row.{name}"
            yield "if text is not None:"
            yield "    try:"
            yield f"        row.{name} = {converted}"
            yield "    except (ValueError, OverflowError):"
            yield f"        row.{name} = converted({name!r}, text)"
        for _, attribute in form.unknown:
            yield f"if row.{attribute} is not UNSET:"
            yield f"    tell_unknown({attribute!r})"
            yield f"    row.{attribute} = UNSET"
        for name in self._shaper.held_back:
            yield f"row.{name} = UNSET"
        for key in keys:
            yield f"if row.{key} in (None, ''): return place, {key!r}"
