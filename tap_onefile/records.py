"""From a row of OneFile to a record of a stream, in one pass.

The SDK's own type conformance is switched off in favour of this: it drops unknown fields in silence, reads the text
"False" as true, and is most of what a record costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import msgspec

from tap_onefile.answers import MendedText
from tap_onefile.errors import UnusableRecord
from tap_onefile.fields import LARGEST, SMALLEST, is_instant, plain_type_of
from tap_onefile.typed_rows import TypedRow, TypedRows

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tap_onefile.data_protection import DataProtection
    from tap_onefile.report import RunReport
    from tap_onefile.typed_rows import RowForm

    Row = dict[str, Any]

_NOTHING = (None, "")
_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "an object"}


class RecordShaper:
    """Makes records that hold each field of the schema, and no other.

    Args:
        stream: The name of the stream.
        schema: The JSON schema of the stream, with all fields.
        keys: The fields that must have a value.
        report: Told of unknown fields and of values that do not fit.
        protection: Says what becomes of each field.
        held_back: Fields that a record does not have although OneFile sends them.
    """

    def __init__(
        self,
        stream: str,
        schema: Mapping[str, Any],
        keys: Collection[str],
        report: RunReport,
        *,
        protection: DataProtection,
        held_back: Collection[str] = (),
    ) -> None:
        self._stream = stream
        self._held_back = frozenset(held_back)
        fields = schema["properties"]
        self._empty: Row = dict.fromkeys(fields)
        self._plain_types = {
            name: None if protection.makes_pseudonyms_of(rule) else plain_type_of(rule) for name, rule in fields.items()
        }
        self._converters = {
            name: protection.converter_for(rule) for name, rule in fields.items() if name not in self._held_back
        }
        self._keys = tuple(keys)
        self._report = report
        self._typed_rows = TypedRows(
            {name: rule for name, rule in fields.items() if name not in self._held_back},
            self._converters,
            converted=[
                name for name, rule in fields.items() if protection.makes_pseudonyms_of(rule) or is_instant(rule)
            ],
            ignored=self._held_back,
        )
        self.read = self._typed_rows.read
        """Reads a page of rows that need less work than plain ones; see TypedRows."""

    @overload
    def shape(self, row: Row, context: Mapping[str, Any]) -> Row: ...
    @overload
    def shape(self, row: TypedRow, context: Mapping[str, Any]) -> TypedRow: ...
    def shape(self, row: Row | TypedRow, context: Mapping[str, Any]) -> Row | TypedRow:
        """Make one record.

        Args:
            row: What OneFile sent.
            context: Values for fields that the row leaves open.

        Returns:
            The record. A field without data is null, whether OneFile left it out, sent null or sent ``""``; of a
            typed row, which is changed into its record, an empty text stays one until it is written.

        Raises:
            UnusableRecord: A key is missing or does not fit.
        """
        return self._shape_typed(row, context) if isinstance(row, TypedRow) else self._shape_plain(row, context)

    def _shape_typed(self, row: TypedRow, context: Mapping[str, Any]) -> TypedRow:
        form = self._typed_rows.form_of(row)
        for name, value in context.items():
            if name in self._keys or (name in self._converters and getattr(row, name) in _NOTHING):
                setattr(row, name, value)
        for name, convert in form.conversions:
            value = getattr(row, name)
            if value is not None and value != "":
                try:
                    converted = convert(value)
                except (ValueError, OverflowError):
                    converted = None
                    self._tell_unfit(name, value)
                setattr(row, name, converted)
        if form.unknown:
            self._take_unknown_from(row, form)
        for name in self._held_back:
            setattr(row, name, msgspec.UNSET)
        for key in self._keys:
            if getattr(row, key) in _NOTHING:
                raise self._unusable(key)
        return row

    def _take_unknown_from(self, row: TypedRow, form: RowForm) -> None:
        for name, attribute in form.unknown:
            if getattr(row, attribute) is not msgspec.UNSET:
                self._report.unknown_field(self._stream, name)
                setattr(row, attribute, msgspec.UNSET)

    def _shape_plain(self, row: Row, context: Mapping[str, Any]) -> Row:
        record: Row = {**self._empty, **row}
        if len(record) > len(self._empty):
            row = self._without_unknown(row)
            record = {**self._empty, **row}
        plain_types = self._plain_types
        # Much of what a record costs is spent here, so the common case, a value of its field's own type that is in its
        # place already, takes the fewest steps.
        for name, value in row.items():
            kind = plain_types[name]
            is_plain = value.__class__ is kind and (
                value != "" if kind is str else kind is not int or SMALLEST <= value <= LARGEST  # type: ignore[operator] # an int, as kind says
            )
            if not is_plain and value is not None:
                record[name] = self._converted(name, value)
        for name in self._held_back:
            del record[name]
        self._fill_from(context, record, row)
        for key in self._keys:
            if record[key] is None:
                raise self._unusable(key)
        return record

    def _unusable(self, key: str) -> UnusableRecord:
        return UnusableRecord(
            f"OneFile sent a row of {self._stream} without a usable {key}, so that the row cannot be told from others"
            " and the run stops. Please report it, and deselect the stream until it is mended.",
        )

    def _without_unknown(self, row: Row) -> Row:
        for name in row.keys() - self._empty.keys():
            self._report.unknown_field(self._stream, name)
        return {name: value for name, value in row.items() if name in self._empty}

    def _fill_from(self, context: Mapping[str, Any], record: Row, row: Row) -> None:
        for name, value in context.items():
            # A part of the key says which search found the row, whatever the row says.
            if name in self._keys or (name in record and record[name] is None and row.get(name) in _NOTHING):
                record[name] = value

    def _converted(self, name: str, value: object) -> object:
        if value == "" or name in self._held_back:
            return None
        if MendedText in {type(part) for part in (value if isinstance(value, list) else (value,))}:
            self._report.mended_text(self._stream, name)
        try:
            return self._converters[name](value)
        except (ValueError, OverflowError):
            self._tell_unfit(name, value)
            return None

    def _tell_unfit(self, name: str, value: object) -> None:
        self._report.unfit_value(self._stream, name, _KINDS.get(type(value), "something else"))
