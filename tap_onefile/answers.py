"""What the body of an answer holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from tap_onefile.errors import Fault
from tap_onefile.session import read_session

if TYPE_CHECKING:
    from tap_onefile.transport import Answer

    Row = dict[str, Any]


def read_object(answer: Answer) -> Row | None:
    """Read one object; None where there is none. Raises Fault for anything else."""
    found = _decode(answer.content)
    if isinstance(found, list) and len(found) == 1 and isinstance(found[0], dict):
        return found[0]
    if found is None or isinstance(found, dict):
        return found
    raise Fault("something other than one object", is_other_shape=True)


def read_rows(answer: Answer) -> list[Row]:
    """Read a list of records. Raises Fault for anything else."""
    found = _decode(answer.content)
    if found is None:
        return []
    if isinstance(found, list) and all(type(row) is dict for row in found):
        return found
    raise Fault("something other than a list of records", is_other_shape=True)


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
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        # The standard decoder takes what is legal but odd, such as half of a surrogate pair, which nothing can write.
        found: object = json.loads(text, parse_constant=_refuse_constant)
        return json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        what = "an HTML page" if text[:1] == b"<" else "a body that is not JSON"
        raise Fault(f"{what} in place of data") from None


def _refuse_constant(name: str) -> None:
    """Refuse NaN and the infinities, which Python reads although JSON does not have them."""
    raise ValueError(name)


def reason(content: bytes) -> tuple[object, str | None]:
    """Read OneFile's own code and words out of an error, where it gives them (API reference, section 7)."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(found, dict):
        return None, None
    reason = {str(key).lower(): value for key, value in found.items()}
    message = reason.get("message")
    return reason.get("code"), message if isinstance(message, str) else None
