"""The user's catalog: how it is checked and completed, what a run restricts it to, and our own keywords in it."""

from __future__ import annotations

import difflib
import logging
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jsonschema import Draft7Validator
from singer_sdk.singerlib import Catalog, Schema
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL

from tap_onefile.errors import SettingsError
from tap_onefile.records.fields import PSEUDONYM, alike

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    Rule = dict[str, Any]

logger = logging.getLogger("tap-onefile")

_OURS = "x-onefile-"
"""The prefix of our own keywords, which the SDK drops from a catalog as it does not know them."""
_METHODS = (REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL)
_METHOD_KEYS = ("replication-method", "forced-replication-method")
_INCLUSIONS = ("available", "automatic", "unsupported")
_FLAGS = {"true": True, "false": False}
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True)
class Known:
    """What the tap knows of a stream, whatever a catalog says."""

    keys: Sequence[str]
    replication_key: str | None
    replication_method: str
    """How it is read where nothing is said."""
    is_default: bool
    """Whether it is selected where nothing is said."""
    fields: Collection[str]
    """All that OneFile gives, whether this run lets it through or not."""

    @property
    def needed(self) -> list[str]:
        """The fields without which the stream cannot be read."""
        return [*self.keys, *([self.replication_key] if self.replication_key else [])]


def with_extra_fields(streams: Mapping[str, Known], extra: Mapping[str, Rule]) -> dict[str, Known]:
    """Return what is known of the streams, with the fields that the user asks for by the setting extra_fields."""
    known = dict(streams)
    for stream, schema in extra.items():
        fields = schema["properties"]
        if stream not in known:
            names = ", ".join(f"{stream}.{field}" for field in fields)
            raise SettingsError(
                f"The setting extra_fields names {names}, but there is no stream {stream}.{near(stream, known)}"
            )
        for field in fields:
            if own := alike(field, known[stream].fields):
                raise SettingsError(
                    f"The setting extra_fields names {stream}.{field}, but {stream} has the field {own} already: delete"
                    " it there."
                )
        known[stream] = replace(known[stream], fields=frozenset({*known[stream].fields, *fields}))
    return known


def near(name: object, names: Iterable[str]) -> str:
    """Return a hint at the name that was probably meant, if there is one."""
    lowered = {each.lower(): each for each in names}
    found = difflib.get_close_matches(str(name).lower(), lowered, n=1)
    return f" Did you mean {lowered[found[0]]}?" if found else ""


def shown(name: object) -> str:
    """Return a name out of a file if it is a plain one: anything else may be a secret, or forge a line of the log."""
    return name if isinstance(name, str) and _NAME.fullmatch(name) else "(a name that is not shown)"


def completed(catalog: object, streams: Mapping[str, Known]) -> dict[str, Any]:
    """Return a catalog completed from what the tap knows, without streams that do not exist.

    Raises `SettingsError` for what is ambiguous, or would send more than the user wants.
    """
    if not isinstance(catalog, dict) or not isinstance(catalog.get("streams"), list):
        raise SettingsError("The file passed to --catalog is not a Singer catalog: run --discover again.")
    entries: dict[str, _Entry] = {}
    written: list[Rule] = []
    for place, given in enumerate(catalog["streams"], start=1):
        name = _name_of(given, place)
        if name not in streams:
            _refuse_if_selected(name, given, streams)
            continue
        if name in entries:
            raise SettingsError(f"The catalog holds the stream {name} twice: delete the one that does not count.")
        entries[name] = _Entry(name, given, streams[name])
        written.append(entries[name].completed())
    # Each is said once for all streams, as ``'*'`` in Meltano's metadata means all of them.
    if names := [name for name, entry in entries.items() if entry.says_nothing]:
        logger.warning(
            "The catalog does not say whether these streams are selected, so that the defaults hold: %s",
            ", ".join(names),
        )
    if names := [name for name, entry in entries.items() if entry.has_nothing_to_go_by]:
        logger.warning(
            "The catalog's replication-method INCREMENTAL has nothing to go by in these streams, which are read in"
            " full: %s",
            ", ".join(names),
        )
    return {**catalog, "streams": written}


def _name_of(given: object, place: int) -> str:
    name = given.get("tap_stream_id", given.get("stream")) if isinstance(given, dict) else None
    if not isinstance(name, str):
        raise SettingsError(f"Entry {place} of the catalog has no tap_stream_id: run --discover again.")
    return name


def _refuse_if_selected(name: str, given: Rule, streams: Mapping[str, Known]) -> None:
    """Refuse a stream that does not exist; one that is not selected does no harm."""
    alias = str(given.get("stream"))
    safe_name = shown(name)
    if alias in streams:
        raise _misnamed(alias, safe_name)
    hint = near(name, streams)
    if any(_flag(selected, safe_name) for selected in _selections(given)):
        raise SettingsError(
            f"The catalog selects {safe_name}, a stream that tap-onefile does not have.{hint} Another name for a stream"
            " is the __alias__ in the setting stream_maps."
        )
    logger.warning("The catalog lists %s, a stream that tap-onefile does not have; it is ignored.%s", safe_name, hint)


def _misnamed(name: str, alias: str) -> SettingsError:
    return SettingsError(
        f"The catalog calls the stream {name} {alias}, which changes nothing. Rename it by `__alias__` in the setting"
        f' stream_maps: {{"{name}": {{"__alias__": "{alias}"}}}}.'
    )


def _selections(given: Rule) -> Iterator[Any]:
    yield given.get("selected")
    metadata = given.get("metadata")
    for each in metadata if isinstance(metadata, list) else ():
        if isinstance(each, dict) and not each.get("breadcrumb") and isinstance(each.get("metadata"), dict):
            yield each["metadata"].get("selected")


def _flag(value: object, whose: str) -> bool | None:
    """Return what a selection means."""
    if isinstance(value, str):
        value = _FLAGS.get(value.strip().lower(), value)
    if value is None or isinstance(value, bool):
        return value
    raise SettingsError(f"The catalog's selected of {whose} must be true or false.")


def _check_flags(rule: Rule, whose: str) -> None:
    for key in ("selected", "selected-by-default"):
        if key in rule:
            rule[key] = _flag(rule[key], whose)
    if (rule.get("inclusion") or "available") not in _INCLUSIONS:
        raise SettingsError(f"The catalog's inclusion of {whose} must be one of {', '.join(_INCLUSIONS)}.")


class _Entry:
    """The entry of one stream."""

    def __init__(self, name: str, given: Rule, known: Known) -> None:
        self.name = name
        self.given = given
        self.known = known
        self.root: Rule = {}
        self.of_fields: dict[str, Rule] = {}
        self.says_nothing = False
        self.has_nothing_to_go_by = False

    def completed(self) -> Rule:
        """Return the entry with what the tap knows of its stream."""
        alias = self.given.get("stream")
        if alias is not None and alias != self.name:
            raise _misnamed(self.name, shown(alias))
        schema = self._schema()
        self._read_metadata()
        self._read_selection(schema)
        if self._is_selected:
            self._check_keys()
            self._check_replication_key()
        method, keys = self._method(), list(self.known.keys)
        self._keep(self.known.needed)
        for key in ("replication-key", *_METHOD_KEYS):
            self.root.pop(key, None)
        self.root["table-key-properties"] = keys
        fields = [{"breadcrumb": ["properties", name], "metadata": rule} for name, rule in self.of_fields.items()]
        return {
            **self.given,
            "tap_stream_id": self.name,
            "schema": schema,
            "key_properties": keys,
            "replication_key": self.known.replication_key,
            "replication_method": method,
            "metadata": [{"breadcrumb": [], "metadata": self.root}, *fields],
        }

    def _schema(self) -> Rule:
        schema: object = self.given.get("schema") or {}
        if (
            not isinstance(schema, dict)
            or not Draft7Validator(Draft7Validator.META_SCHEMA).is_valid(schema)
            or not all(isinstance(rule, dict) for rule in schema.get("properties", {}).values())
        ):
            raise SettingsError(f"The catalog's schema of {self.name} is not a JSON schema. Run --discover again.")
        if unknown := [shown(name) for name in schema.get("properties", ()) if name not in self.known.fields]:
            logger.warning(
                "The catalog lists fields of %s that tap-onefile does not have; they are ignored: %s",
                self.name,
                ", ".join(unknown),
            )
        return schema

    def _read_metadata(self) -> None:
        metadata = self.given.get("metadata") or []
        if not isinstance(metadata, list):
            raise self._no_metadata()
        for each in metadata:
            match each:
                case {"breadcrumb": [], "metadata": dict(rule)}:
                    self.root |= rule
                case {"breadcrumb": ["properties", str(name)], "metadata": dict(rule)}:
                    self.of_fields.setdefault(name, {}).update(rule)
                case _:
                    raise self._no_metadata()

    def _no_metadata(self) -> SettingsError:
        return SettingsError(
            f"The catalog's metadata of {self.name} is not in Singer's form, which is"
            ' {"breadcrumb": ["properties", "Email"], "metadata": {"selected": false}} for each field. Run --discover'
            " again."
        )

    def _read_selection(self, schema: Rule) -> None:
        """Read what is selected, as catalogs have it today and as older ones have it, beside the names."""
        for place in (self.given, schema):
            if "selected" in place:
                self.root.setdefault("selected", place["selected"])
        for name, rule in schema.get("properties", {}).items():
            if "selected" in rule:
                self.of_fields.setdefault(name, {}).setdefault("selected", rule["selected"])
        _check_flags(self.root, self.name)
        for name, rule in self.of_fields.items():
            whose = f"{self.name}.{shown(name)}"
            _check_flags(rule, whose)
            if rule.get("selected") is False and name not in self.known.fields:
                raise SettingsError(
                    f"The catalog deselects {whose}, a field that OneFile does not have, so that something else may be"
                    f" sent that is not wanted.{near(name, self.known.fields)}"
                )
        if self.root.get("selected") is None and self.root.get("selected-by-default") is None:
            self.says_nothing = True
            self.root["selected"] = self.known.is_default

    @property
    def _is_selected(self) -> bool:
        selected = self.root.get("selected")
        return bool(self.root.get("selected-by-default") if selected is None else selected)

    def _check_keys(self) -> None:
        own = self.known.keys
        for said in _said((self.given, "key_properties"), (self.root, "table-key-properties")):
            # The SDK's own has tuples until it is written.
            names = [*said] if isinstance(said, (list, tuple)) else [said]
            if sorted(map(str, names)) == sorted(own):
                continue
            fault = "Records that share it would be lost."
            if absent := [name for name in map(str, names) if name not in self.known.fields]:
                fault = f"{self.name} has no field {shown(absent[0])}."
            raise SettingsError(
                f"The catalog's key-properties of {self.name} are {', '.join(map(shown, names))}, but OneFile's records"
                f" are told apart by {', '.join(own)}: leave them out, or write that. {fault}"
            )

    def _check_replication_key(self) -> None:
        own = self.known.replication_key
        for said in _said((self.given, "replication_key"), (self.root, "replication-key")):
            if said != own:
                goes_by = f"{own} alone: leave it out, or write that" if own else "nothing: leave it out"
                raise SettingsError(
                    f"The catalog's replication-key of {self.name} is {shown(said)}, but what has changed there can be"
                    f" told by {goes_by}."
                )

    def _method(self) -> str:
        said = _said((self.given, "replication_method"), *((self.root, key) for key in _METHOD_KEYS))
        if any(method not in _METHODS for method in said):
            raise SettingsError(f"The catalog's replication-method of {self.name} must be {' or '.join(_METHODS)}.")
        own = self.known.replication_method
        # Where it is said in several places, what differs is what somebody has changed.
        method = next((method for method in said if method != own), own)
        if method == REPLICATION_INCREMENTAL and self.known.replication_key is None:
            self.has_nothing_to_go_by = bool(self.root.get("selected"))
            return REPLICATION_FULL_TABLE
        return method

    def _keep(self, needed: Iterable[str]) -> None:
        """Select the fields without which the records cannot be told apart, with a warning where they were not."""
        deselected = [name for name, rule in self.of_fields.items() if rule.get("selected") is False]
        # Meltano deselects every field before it selects those that are wanted.
        is_list_of_wanted = 2 * len(deselected) > len(self.of_fields) or self.root.get("selected") is False
        for name in needed:
            rule = self.of_fields.setdefault(name, {})
            is_dropped = rule.get("inclusion") == "unsupported" or rule.get("selected") is False
            if is_dropped and (rule.get("inclusion") != "automatic" or not is_list_of_wanted):
                logger.warning(
                    "The catalog deselects %s.%s, which is sent nevertheless, as the stream cannot be read without it",
                    self.name,
                    name,
                )
            rule["inclusion"] = "automatic"
            rule.pop("selected", None)


def _said(*places: tuple[Rule, str]) -> list[Any]:
    """Return what is said in some places, without what is empty, and without what is said twice."""
    said: list[Any] = []
    for place, key in places:
        if (value := place.get(key)) and value not in said:
            said.append(value)
    return said


def check_parents(catalog: Mapping[str, Any], parents: Mapping[str, str]) -> None:
    """Check that a catalog lists the parent of each child stream in it."""
    if absent := sorted({parent for name, parent in parents.items() if name in catalog and parent not in catalog}):
        raise SettingsError(
            f"The catalog lacks {', '.join(absent)}, which other streams in it need as parents. Run --discover again,"
            " and deselect there what you do not want.",
        )


def add_keywords(catalog: dict[str, Any], schemas: Mapping[str, Rule]) -> dict[str, Any]:
    """Add our own keywords, such as the data class of each field, to a catalog that the SDK has made."""
    for stream in catalog["streams"]:
        rules = schemas[stream["tap_stream_id"]]["properties"]
        for name, rule in stream["schema"]["properties"].items():
            rule.update({key: value for key, value in rules[name].items() if key.startswith(_OURS)})
    return catalog


def restrict(catalog: Catalog, schemas: Mapping[str, Rule], streams: Mapping[str, Known]) -> Catalog:
    """Remove the fields from a catalog that this run does not let through.

    A catalog may be older than the settings, and the SDK sends its schemas to the target whatever the records hold. The
    fields without which a stream cannot be read are always in it.
    """
    ours = {
        name: replace(entry, schema=_restricted(entry.schema, schemas[name], streams[name].needed))
        for name, entry in catalog.items()
        if name in schemas
    }
    return Catalog({**catalog, **ours})


def unlisted_fields(catalog: Catalog, schemas: Mapping[str, Rule]) -> list[str]:
    """Return the fields that this run lets through but the catalog does not list, such as ``learners.L12``."""
    return [
        f"{name}.{field}"
        for name, schema in schemas.items()
        if (entry := catalog.get_stream(name)) and entry.metadata.root.selected
        for field in schema["properties"]
        if field not in (entry.schema.properties or schema["properties"])
    ]


def _restricted(given: Schema, ours: Rule, always: Collection[str]) -> Schema:
    schema: Rule = given.to_dict()
    rules: Rule = ours["properties"]
    listed = {**{name: rules[name] for name in always}, **schema.get("properties", rules)}
    schema["properties"] = {
        # Anything else that a user has written there, such as another type, is meant for the target.
        name: rules[name] if PSEUDONYM in rules[name] else rule
        for name, rule in listed.items()
        if name in rules
    }
    return Schema.from_dict(schema)
