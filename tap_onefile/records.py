"""From a row of OneFile to a record of a stream, in one pass.

The SDK's own type conformance is switched off in favour of this: it drops unknown fields in silence, reads the text
"False" as true, and is most of what a record costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_onefile.answers import MendedText
from tap_onefile.errors import UnusableRecord
from tap_onefile.fields import LARGEST, SMALLEST, plain_type_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tap_onefile.data_protection import DataProtection
    from tap_onefile.report import RunReport

    Row = dict[str, Any]

NOTHING = (None, "")
"""How OneFile says that there is no data, besides leaving a field out."""
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
        self.stream = stream
        self.held_back = frozenset(held_back)
        fields = schema["properties"]
        self._empty: Row = dict.fromkeys(fields)
        self._plain_types = {
            name: None if protection.makes_pseudonyms_of(rule) else plain_type_of(rule) for name, rule in fields.items()
        }
        self.converters = {
            name: protection.converter_for(rule) for name, rule in fields.items() if name not in self.held_back
        }
        self.keys = tuple(keys)
        self.report = report

    def shape(self, row: Row, context: Mapping[str, Any]) -> Row:
        """Make one record.

        Args:
            row: What OneFile sent.
            context: Values for fields that the row leaves open.

        Returns:
            The record. A field without data is null, whether OneFile left it out, sent null or sent ``""``.

        Raises:
            UnusableRecord: A key is missing or does not fit.
        """
        # A part of the key says which search found the row, whatever the row says.
        row = {**row, **{key: context[key] for key in self.keys if key in context}}
        record: Row = {**self._empty, **row}
        if len(record) > len(self._empty):
            row = self._without_unknown(row)
            record = {**self._empty, **row}
        plain_types = self._plain_types
        for name, value in row.items():
            kind = plain_types[name]
            is_plain = value.__class__ is kind and (
                value != "" if kind is str else kind is not int or SMALLEST <= value <= LARGEST  # type: ignore[operator] # an int, as kind says
            )
            if not is_plain and value is not None:
                record[name] = self.converted(name, value)
        for name in self.held_back:
            del record[name]
        self._fill_from(context, record, row)
        for key in self.keys:
            if record[key] is None:
                raise self.unusable(key)
        return record

    def unusable(self, key: str) -> UnusableRecord:
        """Say that a row has no usable key.

        Args:
            key: The field that lacks.

        Returns:
            The error to raise.
        """
        return UnusableRecord(
            f"OneFile sent a row of {self.stream} without a usable {key}, so that the row cannot be told from others"
            " and the run stops. Please report it, and deselect the stream until it is mended.",
        )

    def _without_unknown(self, row: Row) -> Row:
        for name in row.keys() - self._empty.keys():
            self.report.unknown_field(self.stream, name)
        return {name: value for name, value in row.items() if name in self._empty}

    def _fill_from(self, context: Mapping[str, Any], record: Row, row: Row) -> None:
        for name, value in context.items():
            if name in record and record[name] is None and row.get(name) in NOTHING:
                record[name] = value

    def converted(self, name: str, value: object) -> object:
        """Convert a value of one field, and report where it does not fit.

        Args:
            name: The field.
            value: What OneFile sent.

        Returns:
            The value as a record holds it; None where it says no data or does not fit.
        """
        if value == "" or name in self.held_back:
            return None
        if MendedText in {type(part) for part in (value if isinstance(value, list) else (value,))}:
            self.report.mended_text(self.stream, name)
        try:
            return self.converters[name](value)
        except (ValueError, OverflowError):
            self.report.unfit_value(self.stream, name, _KINDS.get(type(value), "something else"))
            return None
