"""Rows that are checked while they are decoded, as objects of a class made for each stream from its schema.

Looking at each value of each row in Python is most of what a record costs. Here the decoder, which is written in C,
sees whether a value is of its field's own type and in its field's range, so that Python touches the few fields only
that have to be converted. A page on which something does not fit is decoded as plain rows, which any record can be
made of; what did not fit there is looked at by name from then on, so that the next page need not be decoded twice.
"""

from __future__ import annotations

import re
import threading
from contextlib import suppress
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import msgspec

from tap_onefile.answers import may_need_mending, read_rows
from tap_onefile.fields import LARGEST, SMALLEST, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from tap_onefile.transport import Answer

    Row = dict[str, Any]
    Convert = Callable[[Any], Any]
    Rules = Mapping[str, dict[str, Any]]

_PLAIN: dict[str, Any] = {
    "integer": Annotated[int, msgspec.Meta(ge=SMALLEST, le=LARGEST)] | None,
    "number": int | float | None,
    "string": Annotated[str, msgspec.Meta(min_length=1)] | None,
    "array": list[str | None] | None,
    "boolean": bool | None,
}
"""What a value is that needs no work."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_MOST_UNKNOWN = 50
"""Unknown fields that are looked out for. Beyond that a server makes them up, and no class would ever fit."""


class TypedRow(msgspec.Struct):
    """A row with an attribute for each field, and then the record that is made of it."""

    def get(self, name: str) -> Any:  # noqa: ANN401 - as of a dict
        """Give the value of a field, as of a row that is a dict."""
        return getattr(self, name)

    __getitem__ = get


def values_of(name: str, rows: Sequence[Row | TypedRow]) -> Iterator[Any]:
    """Give the values of one field.

    Args:
        name: The field.
        rows: Rows of one page, and so of one kind.

    Returns:
        The values; None where a row has none.
    """
    if rows and isinstance(rows[0], TypedRow):
        return map(getattr, rows, repeat(name))
    return map(dict.get, cast("Sequence[Row]", rows), repeat(name))


@dataclass(frozen=True)
class RowForm:
    """One way in which the rows of a stream have been seen to come."""

    loose: frozenset[str]
    """Fields of the schema that have come with values of other types."""
    empty: frozenset[str]
    """Fields of the schema that have come as an empty text, which says no data."""
    unknown: tuple[tuple[str, str], ...]
    """Fields that the schema does not know, each with the attribute that holds it: not every name can be one."""
    conversions: tuple[tuple[str, Convert], ...]
    """Attributes whose values have to go through a function, unless they say no data."""
    decode: Callable[[bytes], list[TypedRow]]


class TypedRows:
    """Decodes the pages of one stream. Called from several threads.

    Args:
        rules: The JSON schema of each field of the stream, in the order of the records.
        converters: What converts the values of a field, whatever they are, by name.
        always: What converts values of a field's own type, by name, where these do not stay as they are.
        ignored: Further fields, whose values are not looked at.
    """

    def __init__(
        self,
        rules: Rules,
        converters: Mapping[str, Convert],
        *,
        always: Mapping[str, Convert],
        ignored: Collection[str],
    ) -> None:
        self.texts = frozenset(name for name, rule in rules.items() if kind_of(rule) == "string")
        """The fields whose own type is text, moments among them."""
        self._types = {name: _PLAIN[kind_of(rule)] for name, rule in rules.items()} | dict.fromkeys(ignored, Any)
        self._converters = converters
        self._always = always
        self._lock = threading.Lock()
        self.forms: dict[type, RowForm] = {}
        """How rows have come, by their class."""
        self._form = self._made(set(), set(), {})

    def read(self, answer: Answer) -> list[TypedRow] | list[Row]:
        """Read a list of rows.

        Args:
            answer: What OneFile sent.

        Returns:
            The rows; plain ones where something about them is out of the ordinary.

        Raises:
            Fault: It is anything else than a list of rows.
        """
        if not may_need_mending(answer.content):
            # What is wrong is found out, and told, where plain rows are read.
            with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return self._form.decode(answer.content)
        rows = read_rows(answer)
        self._learn_from(rows)
        return rows

    def _learn_from(self, rows: list[Row]) -> None:
        with self._lock:
            loose, empty = set(self._form.loose), set(self._form.empty)
            unknown: dict[str, None] = {name: None for name, _ in self._form.unknown}
            for row in rows:
                for name, value in row.items():
                    if name not in self._types:
                        unknown[name] = None
                    elif value == "":
                        empty.add(name)
                    elif name not in loose and not _fits(value, self._types[name]):
                        loose.add(name)
            known = (len(self._form.loose), len(self._form.empty), len(self._form.unknown))
            is_news = (len(loose), len(empty), len(unknown)) != known
            if is_news and len(unknown) <= _MOST_UNKNOWN and all(map(_NAME.fullmatch, unknown)):
                self._form = self._made(loose, empty, unknown)

    def _type_of(self, name: str, loose: set[str], empty: set[str]) -> Any:  # noqa: ANN401 - as of _fits
        kind = self._types[name]
        if name in loose or kind is Any:
            return Any
        if name not in empty:
            return kind
        return str | None if kind is _PLAIN["string"] else kind | Literal[""]

    def _made(self, loose: set[str], empty: set[str], unknown: Iterable[str]) -> RowForm:
        attributes = {f"_unknown_{place}": name for place, name in enumerate(unknown)}
        row_type = msgspec.defstruct(
            "Row",
            [
                *((name, self._type_of(name, loose, empty), None) for name in self._types),
                *((attribute, Any, msgspec.UNSET) for attribute in attributes),
            ],
            bases=(TypedRow,),
            rename=attributes,
            forbid_unknown_fields=True,
            gc=False,
        )
        for_loose = {name: convert for name, convert in self._converters.items() if name in loose}
        form = self.forms[row_type] = RowForm(
            frozenset(loose),
            frozenset(empty),
            tuple((name, attribute) for attribute, name in attributes.items()),
            tuple({**self._always, **for_loose}.items()),
            msgspec.json.Decoder(list[row_type]).decode,  # type: ignore[valid-type] # ty: ignore[invalid-type-form] # made just now
        )
        return form


def _fits(value: object, kind: Any) -> bool:  # noqa: ANN401 - types have no type in common with their unions
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True
