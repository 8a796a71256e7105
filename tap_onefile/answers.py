"""What the body of an answer holds."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from tap_onefile.errors import Fault
from tap_onefile.session import read_session

if TYPE_CHECKING:
    from tap_onefile.transport import Answer

    Row = dict[str, Any]


_UNHELD = re.compile("[\0\ud800-\udfff]")
"""NUL, which PostgreSQL cannot hold, and halves of surrogate pairs, which no encoding can."""
_MAY_HOLD_NUL = b"\\u0000"


_LONGEST_CODE = 1000


class MendedText(str):
    """A text in which characters that a target cannot hold were replaced by U+FFFD, for whoever counts such."""

    __slots__ = ()


def read_object(answer: Answer) -> Row | None:
    """Read one object; None where there is none. Raises Fault for anything else."""
    found = _decode(answer.content)
    if isinstance(found, list) and len(found) <= 1:
        # What is there for nobody may be told as a search tells it.
        found = found[0] if found else None
    if found is None or isinstance(found, dict):
        return found
    raise Fault("something other than one object", is_other_shape=True)


def read_record(record_id: str, answer: Answer) -> Row | None:
    """Read the record with an id; None where there is none. Raises Fault for anything else, such as another record."""
    found = read_object(answer)
    if found is None:
        return None
    told = found.get("ID")
    if str(int(told) if isinstance(told, float) and told.is_integer() else told) != record_id:
        # An error may come as a good answer, and a record of somebody else must not be taken for this one.
        raise Fault("something other than the record", is_other_shape=True)
    return found


def read_rows(answer: Answer) -> list[Row]:
    """Read a list of records. Raises Fault for anything else."""
    found = _decode(answer.content)
    if found is None:
        return []
    if isinstance(found, list) and all(type(row) is dict for row in found):
        return found
    raise Fault("something other than a list of records", is_other_shape=True)


def may_need_mending(content: bytes) -> bool:
    """Tell whether a body may hold characters that `read_rows` would replace."""
    # Searching from the end takes longer strides.
    return content.rfind(_MAY_HOLD_NUL) >= 0


def read_token(answer: Answer) -> str:
    """Read the session out of the answer to a login. Raises Fault for anything else."""
    token = read_session(answer.content.decode("utf-8-sig", errors="replace"))
    if token is None:
        raise Fault("something other than a session")
    return token


def _decode(content: bytes) -> object:
    """Decode a body; None for one without data, however that is spelled (API reference, sections 2 and 3)."""
    text = content.removeprefix(b"\xef\xbb\xbf").strip()
    if text in {b"", b'""'}:
        return None
    try:
        found: object = msgspec.json.decode(text)
        return _mended(found) if _MAY_HOLD_NUL in text else found
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        # The standard decoder takes what is legal but odd, such as half of a surrogate pair.
        return _mended(json.loads(text, parse_constant=_refuse_constant))
    except (ValueError, RecursionError):
        what = "an HTML page" if text[:1] == b"<" else "a body that is not JSON"
        raise Fault(f"{what} in place of data") from None


def _mended(found: object) -> object:
    if isinstance(found, str):
        return MendedText(_UNHELD.sub("\ufffd", found)) if _UNHELD.search(found) else found
    if isinstance(found, list):
        return [_mended(item) for item in found]
    if isinstance(found, dict):
        return {str(_mended(name)): _mended(value) for name, value in found.items()}
    return found


def _refuse_constant(name: str) -> None:
    """Refuse NaN and the infinities, which Python reads although JSON does not have them."""
    raise ValueError(name)


def read_code(content: bytes) -> int | None:
    """Read OneFile's own code out of an error, where it gives one (API reference, section 7)."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    codes = [value for name, value in found.items() if name.lower() == "code"] if isinstance(found, dict) else []
    # What is longer than any code that was ever seen may be the number of a person.
    return next((code for code in codes if type(code) is int and abs(code) < _LONGEST_CODE), None)
