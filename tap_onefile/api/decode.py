"""What the body of an answer holds: an object, a list of rows, a session, or a code."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from itertools import chain
from operator import attrgetter
from types import GenericAlias
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec
from typing_extensions import override

from tap_onefile.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, KeysView, Sequence

    from tap_onefile.api.transport import Answer

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""NUL, which PostgreSQL cannot hold, and halves of surrogate pairs, which no encoding can."""
_UNDECODABLE = re.compile("[\udc80-\udcff]")
"""What stands for a byte that is not UTF-8."""
_ESCAPED_NUL = b"\\u0000"
_NO_CONTENT = 204
_MOST_DIGITS = 400
"""Of a number: no double has more, and the time to parse them grows with their square."""
_CODE_LIMIT = 1000
_LONGEST_TOKEN = 4096
_MOST_NAMES = 500
"""Names of fields that are learned of one kind of row; OneFile has some 40."""
_JSON_WORDS = frozenset({"null", "true", "false"})


class RepairedText(str):
    """Text with unstorable characters replaced by U+FFFD. A type of its own, so that they can be counted."""

    __slots__ = ()


class Unreadable:
    """Stands for a value that no reader takes, such as NaN or bytes that are no text, where the rest can be read."""

    __slots__ = ()

    def __init__(self, _value: str = "") -> None:
        """Forget the value."""

    @override
    def __repr__(self) -> str:
        return "?"


class Row(Protocol):
    """What a row says, by OneFile's names: a dictionary, or a row of known names."""

    def get(self, name: str, /) -> Any:  # noqa: ANN401 - whatever OneFile sends
        """Return what a field holds; None where it is absent."""

    def __getitem__(self, name: str, /) -> Any:  # noqa: ANN401 - the same
        """Return what a field holds that is there."""

    def keys(self) -> KeysView[str]:
        """Return the names of the fields that are there."""


class KnownRow(msgspec.Struct, gc=False):
    """A row whose names are known beforehand, so that it takes half the time to decode and to read.

    A field that is null is as good as absent here (API reference, section 6, "Null vs missing vs empty").
    """

    attributes: ClassVar[dict[str, str]]
    """The attribute of each field."""

    def get(self, name: str, /) -> Any:  # noqa: ANN401 - whatever OneFile sends
        """Return what a field holds; None where it is absent."""
        attribute = self.attributes.get(name)
        return None if attribute is None else getattr(self, attribute)

    def __getitem__(self, name: str, /) -> Any:  # noqa: ANN401 - the same
        """Return what a field holds that is there."""
        return getattr(self, self.attributes[name])

    def keys(self) -> KeysView[str]:
        """Return the names of the fields that are there."""
        return {name: None for name in self.attributes if self[name] is not None}.keys()


class Rows(list[Row]):
    """The rows of one answer, with the bytes of its body.

    Its form is ``204``, ``[]`` (any list), ``nothing`` (null or no text), ``404``, or one of those in `extract.query`.
    """

    __slots__ = ("form", "size")

    def __init__(self, rows: Iterable[Row] = (), *, size: int = 0, form: str = "") -> None:
        super().__init__(rows)
        self.size = size
        self.form = form


class RowDecoder:
    """Decodes rows of one kind, and learns their names from those that it cannot decode. Any thread may use it."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._decode: Callable[[bytes], list[Row]] | None = None

    def decode(self, content: bytes) -> list[Row] | None:
        """Decode a list of rows; None where it is something else, odd, or has names that were not learned."""
        if self._decode is None or _may_hold_nul(content):
            return None
        try:
            return self._decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None

    def learn(self, rows: Iterable[Row]) -> None:
        """Learn the names of rows."""
        names = list(dict.fromkeys(chain(self._names, *(row.keys() for row in rows))))
        if len(self._names) < len(names) <= _MOST_NAMES:
            attributes = {name: f"_{place}" for place, name in enumerate(names)}
            # What is spelled so oddly that it cannot be looked for stays as it is.
            with suppress(ValueError):
                row = msgspec.defstruct(
                    "KnownRow",
                    [(attribute, Any, None) for attribute in attributes.values()],
                    bases=(KnownRow,),
                    namespace={"attributes": attributes},
                    rename={attribute: name for name, attribute in attributes.items()},
                    forbid_unknown_fields=True,
                    gc=False,
                )
                self._names, self._decode = names, msgspec.json.Decoder(GenericAlias(list, (row,))).decode


def values_of(rows: Sequence[Row], name: str) -> list[Any]:
    """Return what rows hold in one field; None where it is absent."""
    if known := _known_type(rows):
        attribute = known.attributes.get(name)
        return [None] * len(rows) if attribute is None else list(map(attrgetter(attribute), rows))
    return [row.get(name) for row in rows]


def columns_of(rows: Sequence[Row]) -> dict[str, Sequence[Any]]:
    """Return what rows hold in each of their fields, None where one is absent."""
    if known := _known_type(rows):
        astuple: Any = msgspec.structs.astuple
        # Row by row, as values that were decoded together lie together.
        return dict(zip(known.attributes, zip(*map(astuple, rows), strict=True), strict=True))
    names = dict.fromkeys(chain.from_iterable(row.keys() for row in rows))
    return {name: [row.get(name) for row in rows] for name in names}


def are_as_sent(rows: Sequence[Row]) -> bool:
    """Return whether rows surely hold no text that was repaired, however deep."""
    return _known_type(rows) is not None


def _known_type(rows: Sequence[Row]) -> type[KnownRow] | None:
    """Return the type of rows, if it is the same for all, and their names are known."""
    types = set(map(type, rows))
    one = types.pop() if len(types) == 1 else object
    return one if issubclass(one, KnownRow) else None


def read_object(answer: Answer, record_id: str | None = None) -> dict[str, Any] | None:
    """Read one object, or the record with an id; None where there is none. Raises Fault for anything else."""
    found = _decode(answer.content)
    if isinstance(found, list) and len(found) <= 1:
        # A missing object may come back as an empty list, as from a search.
        found = found[0] if found else None
    if found is None:
        return None
    if not isinstance(found, dict):
        raise Fault("something other than one object", is_other_shape=True)
    own_id = found.get("ID")
    if isinstance(own_id, float) and own_id.is_integer():
        own_id = int(own_id)
    if record_id is not None and str(own_id) != record_id:
        # An error may come as a good answer, and a record of somebody else must not be taken for this one.
        raise Fault("something other than the record", is_other_shape=True)
    return found


def read_rows(answer: Answer, decoder: RowDecoder | None = None) -> Rows:
    """Read a list of records, with a decoder for its kind if there is one. Raises Fault for anything else."""
    if decoder and (rows := decoder.decode(answer.content)) is not None:
        return Rows(rows, size=len(answer.content), form="[]")
    found = _decode(answer.content)
    if isinstance(found, list) and all(type(row) is dict for row in found):
        if decoder:
            decoder.learn(found)
        return Rows(found, size=len(answer.content), form="[]")
    if found is None:
        return Rows(form="204" if answer.status == _NO_CONTENT else "nothing")
    raise Fault("something other than a list of records", is_other_shape=True)


def read_token(answer: Answer) -> str:
    """Read the session out of the answer to a login. Raises Fault for anything else.

    Whether the body is plain text or a JSON string is not settled (API reference, section 1), so both are read.
    """
    token = _as_utf_8(answer.content).decode(errors="replace").strip()
    if len(token) > 1 and token[0] == token[-1] == '"':
        # A JSON string may spell the + and / of base64 as escapes.
        token = _unescaped(token)
    is_header_safe = token.isascii() and token.isprintable() and not any(each in token for each in ' <>{}[]"')
    if not (is_header_safe and 0 < len(token) <= _LONGEST_TOKEN) or token in _JSON_WORDS:
        raise Fault("something other than a session")
    return token


def _unescaped(quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:
        return ""


def _decode(content: bytes) -> object:
    """Decode a body; None for one without data, however that is spelled (API reference, sections 2 and 3)."""
    body = _as_utf_8(content)
    if body in {b"", b'""'}:
        return None
    try:
        found: object = msgspec.json.decode(body)
        return _repaired(found) if _may_hold_nul(body) else found
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        # The standard decoder takes what is odd and yet can be read around, such as NaN or half of a surrogate pair.
        # Bytes that are not UTF-8 become halves that nothing else does.
        text = body.decode("utf-8", "surrogateescape")
        return _repaired(json.loads(text, parse_constant=Unreadable, parse_int=_to_int))
    except (ValueError, RecursionError):
        what = "an HTML page" if body[:1] == b"<" else "a body that is not JSON"
        raise Fault(f"{what} in place of data") from None


def _may_hold_nul(body: bytes) -> bool:
    # Searching from the end takes longer strides.
    return body.rfind(_ESCAPED_NUL) >= 0


def _as_utf_8(content: bytes) -> bytes:
    """Return a body in UTF-8, without byte order mark or surrounding whitespace; zero bytes show that it is UTF-16."""
    encoding = json.detect_encoding(content)
    if encoding.startswith("utf-8"):
        return content.removeprefix(b"\xef\xbb\xbf").strip()
    try:
        return content.decode(encoding).encode().strip()
    except UnicodeError:
        raise Fault("a body that is not text") from None


def _to_int(digits: str) -> int | Unreadable:
    return int(digits) if len(digits) <= _MOST_DIGITS else Unreadable()


def _repaired(found: object) -> object:
    if isinstance(found, str):
        if not _UNSTORABLE.search(found):
            return found
        return Unreadable() if _UNDECODABLE.search(found) else RepairedText(_UNSTORABLE.sub("\ufffd", found))
    if isinstance(found, list):
        return [_repaired(item) for item in found]
    if isinstance(found, dict):
        return {_UNSTORABLE.sub("\ufffd", name): _repaired(value) for name, value in found.items()}
    return found


def read_code(content: bytes) -> int | None:
    """Read OneFile's own code out of an error, where it gives one (API reference, section 7)."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    codes = [value for name, value in found.items() if name.lower() == "code"] if isinstance(found, dict) else []
    # A larger number than any code that was ever seen may identify a person.
    return next((code for code in codes if type(code) is int and abs(code) < _CODE_LIMIT), None)
