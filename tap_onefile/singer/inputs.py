"""What the user hands to the tap: files and environment variables, read so that a mistake can be named."""

from __future__ import annotations

import json
import logging
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import find_dotenv, load_dotenv

from tap_onefile.errors import SettingsError
from tap_onefile.settings import plausible

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from typing import BinaryIO

logger = logging.getLogger("tap-onefile")

_PREFIX = "TAP_ONEFILE_"
_LEVEL = f"{_PREFIX}LOGLEVEL"
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_FILE = re.compile(r"[\w ./\\:~-]{1,200}\.\w{1,8}")
"""What is sure to be the name of a file, and no secret in its place."""
_QUOTES = {"'": "single", **dict.fromkeys("\u201c\u201d\u201e\u2018\u2019", "curly")}
_MARKS = {
    "config": ("settings", "customer_token"),
    "catalog": ("a catalog", "streams"),
    "state": ("a state", "bookmarks"),
}
"""What the file of each option holds, and the key by which it is recognised."""
_FLAGS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def _named(file: str, option: str) -> str:
    """Return how a sentence names a file; what may be a secret in its place is not shown."""
    return f"The file {file}" if _FILE.fullmatch(file) else f"The file passed to --{option}"


def read_settings(file: str) -> dict[str, Any]:
    """Read a file with settings. Raises `SettingsError` where it holds none."""
    if file.lstrip()[:1] in {"{", "[", '"', "'"}:
        raise SettingsError(
            "The settings themselves were passed to --config, where any user of the machine can see them: write them to"
            " a file, and pass its name."
        )
    name = _named(file, "config")
    try:
        content = Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "that is no name of a file"
        hint = " For the variables TAP_ONEFILE_…, write ENV in capitals." if file.upper() == "ENV" else ""
        raise SettingsError(f"{name} cannot be read: {reason}.{hint}") from None
    settings = _parse(_decode(content, name), name)
    _check_kind(settings, name, "config")
    if not isinstance(settings, dict):
        raise SettingsError(f'{name} must hold a JSON object with the settings: {{"customer_token": "…"}}.')
    return settings


def read_catalog(file: BinaryIO) -> Any:  # noqa: ANN401 - as JSON may be
    """Read the file passed to ``--catalog``."""
    name = _named(file.name, "catalog")
    catalog = _parse(_decode(file.read(), name), name)
    _check_kind(catalog, name, "catalog")
    return catalog


def read_state(file: BinaryIO) -> Any:  # noqa: ANN401 - as JSON may be
    """Read the file passed to ``--state``: the last state in it, where it has one on each line, as targets write them.

    An empty file is no state yet, as a script leaves it before the first run.
    """
    name = _named(file.name, "state")
    text = _decode(file.read(), name)
    if not text.strip():
        logger.warning("%s is empty, so that everything is read", name)
        return None
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and _is_object(lines[0]):
        if not _is_object(lines[-1]):
            raise SettingsError(f"{name} holds {len(lines)} lines, the last of which is cut: keep the last whole one.")
        logger.warning("%s holds %d lines; the last of them counts", name, len(lines))
        return _parse(lines[-1], name)
    state = _parse(text, name)
    _check_kind(state, name, "state")
    return state


def _check_kind(content: object, name: str, option: str) -> None:
    """Refuse what belongs to another option."""
    for other, (what, mark) in _MARKS.items():
        if isinstance(content, dict) and mark in content and _MARKS[option][1] not in content:
            raise SettingsError(f"{name} holds {what}: pass it to --{other}, and not to --{option}.")


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _decode(content: bytes, name: str) -> str:
    """Decode a file, which editors and PowerShell write in UTF-16 or with a byte order mark."""
    try:
        return content.decode(json.detect_encoding(content)).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise SettingsError(f"{name} is not text in UTF-8 or UTF-16: save it as UTF-8.") from None


def _parse(text: str, name: str) -> Any:  # noqa: ANN401 - as JSON may be
    """Parse a file, which may hold secrets, so that an error shows only the place."""
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _object(pairs, name))
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}{_cause(error)}"
        where = place if text.strip() else "it is empty"
    except (ValueError, RecursionError):
        where = "a number with too many digits, or too many brackets in each other"
    raise SettingsError(f"{name} is not valid JSON ({where}).")


def _cause(error: json.JSONDecodeError) -> str:
    """Return what is probably wrong there."""
    here, before = error.doc[error.pos : error.pos + 1], error.doc[: error.pos].rstrip()[-1:]
    if here in _QUOTES:
        return f": {_QUOTES[here]} quotation marks, where JSON has double ones"
    if here and here in "}]," and (before in {",", "{", "["} or here == ","):
        return ": a comma too many"
    return ": a comma is missing" if "delimiter" in error.msg and here == '"' else ""


def _object(pairs: list[tuple[str, Any]], name: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for index, (key, _) in enumerate(pairs) if any(key == other for other, _ in pairs[:index]))
        raise SettingsError(f"{name} holds {plausible(twice) or 'a name'} twice: delete the one that does not count.")
    return found


def read_environment(known: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the settings in the environment, and in the file .env of this folder or one above, and name their variables.

    What cannot be read as its setting wants it stays text, to be refused where settings are checked.
    """
    load_dotenv(find_dotenv(usecwd=True))
    settings: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for variable, name, text in _variables():
        if stripped := _unquoted(text.strip(), variable):
            settings[name] = _read(stripped, known.get(name, {}))
            origins[name] = f"the variable {variable}"
    return settings, origins


def unread_variables(config: Mapping[str, Any], known: Container[str]) -> list[str]:
    """Return the variables with settings that nothing reads, as ``--config ENV`` is missing."""
    return sorted(variable for variable, name, text in _variables() if text and name in known and name not in config)


def _variables() -> Iterator[tuple[str, str, str]]:
    """Yield each variable with a setting, the name of that, and the text."""
    for variable, text in os.environ.items():
        # Two underscores begin what Meltano calls an extra, such as the selection.
        if variable.startswith(_PREFIX) and not variable.startswith(f"{_PREFIX}_") and variable != _LEVEL:
            yield variable, variable.removeprefix(_PREFIX).lower(), text


def _unquoted(text: str, variable: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        logger.warning("The variable %s has quotes around its value; they are left out", variable)
        return text[1:-1].strip()
    return text


def _read(text: str, rule: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as JSON may be
    kind = next((kind for kind in rule.get("type", ()) if kind != "null"), "string")
    if kind == "boolean":
        return _FLAGS.get(text.lower(), text)
    if kind == "string":
        return text
    with suppress(ValueError, RecursionError):
        read = json.loads(text)
        if kind != "array" or isinstance(read, list):
            return read
    if kind != "array":
        return text
    of = rule["items"]["type"]
    items = [item.strip() for item in text.strip("[]").split(",")]
    return [int(item) if "integer" in of and item.isdecimal() else item for item in items if item]


def check_logging() -> None:
    """Check what the environment says of the log, before the SDK sets it up."""
    # The SDK takes the second only where the first is not set.
    variable = _LEVEL if os.environ.get(_LEVEL) else "LOGLEVEL"
    level = os.environ.get(variable)
    if level and level.upper() not in {*_LEVELS, "WARN", "FATAL", "NOTSET"}:
        raise SettingsError(f"The variable {variable} must be one of {', '.join(_LEVELS)}.")
