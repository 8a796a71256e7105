"""From the settings to the SDK's maps: each mistake is named before the first call.

By itself the SDK looks at names only when it evaluates them, uses the last of several maps of one stream, ignores what
it does not find, and before 0.55 refuses maps of streams that are off.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from singer_sdk.mapper import PluginMapper, RemoveRecordTransform
from singer_sdk.singerlib import Catalog

from tap_onefile.errors import SettingsError
from tap_onefile.records.fields import DATA_CLASS, SPECIAL
from tap_onefile.singer.maps.expression import Expression, Known, Toolbox
from tap_onefile.singer.maps.structure import (
    ALIAS,
    ELSE,
    FILTER,
    KEYS,
    SOURCE,
    check_structure,
    idle_flattening,
    is_removal,
    of,
    where,
)
from tap_onefile.singer.maps.transform import Map
from tap_onefile.singer.maps.words import Mistake, hint, is_slip, listed, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from singer_sdk.mapper import StreamMap

    from tap_onefile.records.privacy import Privacy

    Rules = dict[str, Any]

_WILDCARDS = set("*?[")
_LONGEST_KEY = 255
"""The SDK's default for flattening_max_key_length."""

logger = logging.getLogger("tap-onefile")


def make_mapper(
    config: Mapping[str, Any],
    catalog: Catalog,
    schemas: Mapping[str, Mapping[str, Any]],
    privacy: Privacy,
    parents: Mapping[str, str],
) -> PluginMapper:
    """Make the SDK's mapper from the settings; a `SettingsError` names the first mistake in them.

    Args:
        config: The settings, as they are given.
        catalog: What this run may read.
        schemas: The whole schema of each stream.
        privacy: Which fields the run lets through.
        parents: The parent of each child stream.
    """
    check_structure(config)
    settings = {name: value for name, value in config.items() if value is not None}
    known = _known(catalog, schemas, privacy, parents)
    tools = Toolbox(
        settings.get("stream_map_config", {}),
        settings.get("faker_config", {}),
        {name for schema in schemas.values() for name in schema["properties"]},
    )
    mapper = _plain_mapper(settings, catalog, known)
    maps = settings.get("stream_maps", {})
    plan = _Plan(known, schemas, tools)
    try:
        if maps:
            _check_faker(tools)
        for name, rules in maps.items():
            if name != ELSE:
                plan.add(name, rules)
    except Mistake as mistake:
        raise SettingsError(f"The setting stream_maps is not valid: {mistake}") from None
    _install(mapper, plan, removes_others=ELSE in maps)
    _check_parents(mapper, known, parents)
    _check_aliases(mapper, known)
    _check_keys(mapper, known)
    _warn(settings, plan)
    return mapper


@dataclass(frozen=True)
class _Treatment:
    """What one map does with one stream."""

    label: str
    """The map's name in the setting: a stream, a pattern, or the name of a copy."""
    stream: Known
    rules: Rules | None
    """None if it removes the stream."""
    alias: str
    is_copy: bool
    is_pattern: bool

    def build(self, plain: StreamMap, tools: Toolbox) -> StreamMap:
        if self.rules is None:
            return RemoveRecordTransform(self.alias, plain.raw_schema, None, plain.flattening_options)
        if not self.rules and self.alias == plain.stream_alias:
            return plain
        return Map(
            self.label,
            self.rules,
            stream_alias=self.alias,
            map_config=dict(tools.config),
            faker_config=dict(tools.faker),
            raw_schema=plain.raw_schema,
            key_properties=plain.raw_key_properties,
            flattening_options=plain.flattening_options,
            stream_name=self.stream.name,
        )


class _Plan:
    """The maps of a run, each checked, and by the stream that they are for."""

    def __init__(self, known: Mapping[str, Known], schemas: Mapping[str, Any], tools: Toolbox) -> None:
        self.tools = tools
        self.main: dict[str, _Treatment] = {}
        self.copies: list[_Treatment] = []
        self.needless: list[tuple[str, str, str]] = []
        """The names of maps, of fields that they remove, and why those are not there."""
        self.streams: dict[str, list[Known]] = {}
        """The streams that each map is for; none if the catalog does not list them."""
        self.expressions: list[Expression] = []
        self._known = known
        self._schemas = schemas

    def add(self, label: str, given: Rules | str | None) -> None:
        """Add a map of the setting."""
        rules = dict(given) if isinstance(given, dict) else None
        source = rules.pop(SOURCE).strip() if rules and SOURCE in rules else None
        pattern = label if source is None else source
        is_pattern = bool(_WILDCARDS & set(pattern))
        streams = [each for name, each in self._known.items() if fnmatchcase(name, pattern)]
        self.streams[label] = streams
        if not streams:
            self._check_is_known(label, pattern, is_pattern=is_pattern)
            return
        alias = rules.pop(ALIAS).strip() if rules and ALIAS in rules else None
        expressions = {
            key: self._expression(label, key, rule)
            for key, rule in (rules or {}).items()
            if key not in {ELSE, KEYS} and not is_removal(rule)
        }
        takers = self._takers(label, streams, rules or {}, expressions) if is_pattern else {}
        for stream in streams:
            taken = {
                key: expressions[key].text if key in expressions else rule
                for key, rule in (rules or {}).items()
                if not is_pattern or stream.name in takers.get(key, (stream.name,))
            }
            try:
                self._check_rules(label, stream, taken, expressions)
            except Mistake:
                if is_pattern and not stream.is_read:
                    continue
                raise
            sent_as = label if source is not None else _alias(label, alias, stream.name)
            treatment = _Treatment(
                label, stream, None if rules is None else taken, sent_as, source is not None, is_pattern
            )
            if treatment.is_copy:
                self.copies.append(treatment)
            else:
                self._check_overlap(treatment)
                self.main[stream.name] = treatment

    def _check_is_known(self, label: str, name: str, *, is_pattern: bool) -> None:
        if name in self._schemas:
            return
        if is_pattern and any(fnmatchcase(each, name) for each in self._schemas):
            return
        if is_pattern:
            raise Mistake(f"{of(label)} matches no stream.")
        asked = hint(name, self._schemas) or " `tap-onefile --discover` lists the streams."
        if label == name:
            raise Mistake(f"{of(label)} is for a stream that does not exist.{asked}")
        raise Mistake(f"__source__ in {of(label)} is {shown(name)}, a stream that does not exist.{asked}")

    def _expression(self, label: str, key: str, rule: str) -> Expression:
        try:
            expression = Expression(rule)
        except Mistake as mistake:
            raise mistake.at(where(label, key)) from None
        self.expressions.append(expression)
        return expression

    def _takers(
        self, label: str, streams: Sequence[Known], rules: Rules, expressions: Mapping[str, Expression]
    ) -> dict[str, list[str]]:
        """Return, for each field that a pattern names, the streams that have what it needs."""
        together = Known(
            label,
            list(dict.fromkeys(name for stream in streams for name in stream.fields)),
            {name: why for stream in streams for name, why in stream.absent.items()},
        )
        takers: dict[str, list[str]] = {}
        for key in rules:
            if key in {ELSE, KEYS, FILTER}:
                continue
            takers[key] = [stream.name for stream in streams if self._takes(stream, key, expressions.get(key))]
            if not takers[key]:
                self._check_rule(label, together, key, expressions.get(key))
                if key in expressions:
                    raise Mistake(f"{where(label, key)} reads fields that no stream has together.")
        return takers

    def _takes(self, stream: Known, key: str, expression: Expression | None) -> bool:
        if key in stream.fields:
            return True
        if expression is None:
            return False
        try:
            expression.check(stream, key, self.tools)
        except Mistake:
            return False
        return True

    def _check_rules(self, label: str, stream: Known, rules: Rules, expressions: Mapping[str, Expression]) -> None:
        for key in rules:
            if key not in {ELSE, KEYS}:
                self._check_rule(label, stream, key, expressions.get(key))
        removed = {key for key, rule in rules.items() if key not in {ELSE, KEYS, FILTER} and is_removal(rule)}
        computed = [key for key in rules if key in expressions and key != FILTER]
        kept = [] if ELSE in rules else [name for name in stream.fields if name not in removed]
        yielded = dict.fromkeys([*kept, *computed])
        for name in rules.get(KEYS, stream.keys):
            if name in yielded:
                continue
            if KEYS in rules:
                raise Mistake(f"{where(label, KEYS)} names {shown(name)}, which the map does not yield.")
            if name in removed:
                raise Mistake(
                    f"{where(label, name)} removes what identifies the records of {stream.name}: keep it, or name the"
                    " fields that do so instead in __key_properties__."
                )
            raise Mistake(
                f"{of(label)} keeps only the fields that it names, and lacks {name}, which identifies the records of"
                f' {stream.name}: add "{name}": "{name}".'
            )
        if not yielded:
            raise Mistake(
                f"{of(label)} leaves no field of {stream.name}: write null in its place to remove the stream."
            )
        if ELSE not in rules:
            self._check_slips(label, stream, rules, computed)

    def _check_rule(self, label: str, stream: Known, key: str, expression: Expression | None) -> None:
        place = where(label, key)
        if expression is None:
            if key in stream.absent:
                self.needless.append((label, key, stream.absent[key]))
            elif key not in stream.fields:
                raise Mistake(f"{place} removes a field that {shown(stream.name)} does not have{stream.why(key)}")
            return
        if key == FILTER and expression.is_constant:
            raise Mistake(f"{place} is the same for every record: compare a field, as in \"Status == 'Live'\".")
        if expression.is_none and key not in stream.fields and key != FILTER:
            raise Mistake(f"{place} empties a field that {shown(stream.name)} does not have{stream.why(key)}")
        try:
            expression.check(stream, None if key == FILTER else key, self.tools)
        except Mistake as mistake:
            raise mistake.at(place) from None

    def _check_slips(self, label: str, stream: Known, rules: Rules, computed: Iterable[str]) -> None:
        for key in computed:
            if key in stream.fields:
                continue
            meant = next((name for name in stream.fields if name not in rules and is_slip(key, name)), None)
            if meant:
                raise Mistake(
                    f"{where(label, key)} adds a field, and {meant} is sent as it is. Did you mean {meant}? To send"
                    f' both, add "{meant}": "{meant}".'
                )

    def _check_overlap(self, treatment: _Treatment) -> None:
        """Raise if a later map of the same stream, which is the one that holds, lacks something of an earlier one."""
        before = self.main.get(treatment.stream.name)
        if before is None:
            return
        name = treatment.stream.name
        if not before.is_pattern:
            raise Mistake(
                f"{of(treatment.label)} comes after {of(before.label)} and would replace it: write it before."
            )
        if before.rules is None or treatment.rules is None:
            return
        lost = [
            key
            for key, rule in before.rules.items()
            if key not in treatment.rules
            and (
                key == FILTER
                or (ELSE not in treatment.rules and (key in treatment.stream.fields or not is_removal(rule)))
            )
        ]
        if lost:
            raise Mistake(
                f"{of(before.label)} has {shown(lost[0])}, and {of(treatment.label)}, which is used in its place for"
                f" {name}, does not: write {shown(lost[0])} there, too."
            )


def _known(
    catalog: Catalog, schemas: Mapping[str, Mapping[str, Any]], privacy: Privacy, parents: Mapping[str, str]
) -> dict[str, Known]:
    masks = {name: entry.metadata.resolve_selection() for name, entry in catalog.items() if name in schemas}
    read = {name for name, mask in masks.items() if mask[()]}
    for name in [*read]:
        above = parents.get(name)
        while above:
            read.add(above)
            above = parents.get(above)
    known: dict[str, Known] = {}
    for name, mask in masks.items():
        entry = catalog[name]
        listed_fields = entry.schema.properties or {}
        absent: dict[str, str] = {}
        for field, rule in schemas[name]["properties"].items():
            if not privacy.lets_through(rule):
                special = rule[DATA_CLASS] == SPECIAL
                absent[field] = "special_category_data is off" if special else "personal_data is exclude"
            elif field not in listed_fields:
                absent[field] = "the catalog does not list it"
            elif mask[()] and not mask["properties", field]:
                absent[field] = "it is deselected in the catalog"
        known[name] = Known(
            name,
            [field for field in listed_fields if field not in absent],
            absent,
            entry.key_properties or (),
            bool(mask[()]),
            name in read,
        )
    return known


def _plain_mapper(settings: Mapping[str, Any], catalog: Catalog, known: Mapping[str, Known]) -> PluginMapper:
    """Make the mapper of a run without maps; streams that are off keep their fields there, as from the SDK's 0.55."""
    mapper = PluginMapper({**settings, "stream_maps": {}}, logger)
    selected = Catalog(
        {
            # Maps are looked up by the stream's own name, whatever the catalog calls it beside that.
            name: replace(entry, stream=name)
            for name, entry in catalog.items()
            if name not in known or known[name].is_selected
        }
    )
    try:
        mapper.register_raw_streams_from_catalog(selected)
        for name, entry in catalog.items():
            if name not in selected:
                mapper.register_raw_stream_schema(name, entry.schema.to_dict(), entry.key_properties)
    except ValueError:
        raise _too_short(catalog, known) from None
    return mapper


def _check_faker(tools: Toolbox) -> None:
    try:
        _ = tools.sdk
    except Exception:  # noqa: BLE001 - whatever Faker raises for a locale
        raise SettingsError(
            "The setting faker_config is not valid: Faker does not have its locale. One that it has is en_GB."
        ) from None


def _alias(label: str, alias: str | None, stream: str) -> str:
    """Return the name under which a map sends a stream, which may be an expression."""
    if alias is None:
        return stream
    mapper = PluginMapper({"stream_maps": {stream: {ALIAS: alias}}}, logger)
    try:
        mapper.register_raw_stream_schema(stream, {"type": "object", "properties": {}}, None)
        name: object = mapper.stream_maps[stream][0].stream_alias
    except Exception:  # noqa: BLE001 - an expression may raise anything
        name = None
    if not isinstance(name, str) or not name.strip():
        raise Mistake(
            f"{where(label, ALIAS)} is no name: write letters, digits and _, or an expression such as \"'raw_' +"
            ' __stream_name__".'
        )
    return name


def _install(mapper: PluginMapper, plan: _Plan, *, removes_others: bool) -> None:
    plain = {name: maps[0] for name, maps in mapper.stream_maps.items()}
    for name, each in plain.items():
        treatment = plan.main.get(name)
        if treatment:
            mapper.stream_maps[name] = [_built(treatment, each, plan.tools)]
        elif removes_others:
            mapper.stream_maps[name] = [RemoveRecordTransform(name, each.raw_schema, None, each.flattening_options)]
    for treatment in plan.copies:
        name = treatment.stream.name
        mapper.stream_maps[name].append(_built(treatment, plain[name], plan.tools))


def _built(treatment: _Treatment, plain: StreamMap, tools: Toolbox) -> StreamMap:
    try:
        return treatment.build(plain, tools)
    except Exception as error:  # noqa: BLE001 - what has been checked should not fail; the text may hold a value
        raise SettingsError(
            f"The setting stream_maps is not valid: {of(treatment.label)} cannot be used ({type(error).__name__})."
        ) from None


def _check_parents(mapper: PluginMapper, known: Mapping[str, Known], parents: Mapping[str, str]) -> None:
    """Raise if a stream is removed that has child streams: the SDK would skip them in silence."""
    for name in dict.fromkeys(parents[each] for each in known if each in parents and known[each].is_read):
        if isinstance(mapper.stream_maps[name][0], RemoveRecordTransform):
            raise SettingsError(
                f"The setting stream_maps removes {name}, whose child streams would be empty then."
                f" Keep {name} there (as {{}}), and deselect it in the catalog if you do not want it.",
            )


def _sent(mapper: PluginMapper, known: Mapping[str, Known]) -> Iterator[tuple[str, StreamMap]]:
    for name, stream in known.items():
        if stream.is_selected:
            for each in mapper.stream_maps[name]:
                if not isinstance(each, RemoveRecordTransform):
                    yield name, each


def _check_aliases(mapper: PluginMapper, known: Mapping[str, Known]) -> None:
    by_alias: dict[str, list[str]] = {}
    for name, each in _sent(mapper, known):
        by_alias.setdefault(each.stream_alias, []).append(name)
    for names in by_alias.values():
        if len(names) > 1:
            raise SettingsError(
                f"The setting stream_maps sends {listed(names)} under one name, and the target would take one for the"
                " other: give each a name of its own."
            )


def _check_keys(mapper: PluginMapper, known: Mapping[str, Known]) -> None:
    """Raise if flattening has renamed a field that identifies the records."""
    for name, each in _sent(mapper, known):
        if not set(each.transformed_key_properties or ()) <= each.transformed_schema["properties"].keys():
            least = _length_for(each.transformed_key_properties or ())
            raise SettingsError(
                f"The setting flattening_max_key_length is too short for {name}: what identifies its records would get"
                f" another name. Write at least {least}, or leave it out."
            )


def _length_for(names: Iterable[str]) -> int:
    return max(map(len, names), default=_LONGEST_KEY) + 1


def _too_short(catalog: Catalog, known: Mapping[str, Known]) -> SettingsError:
    least = _length_for(field for name in known for field in catalog[name].schema.properties or ())
    return SettingsError(
        "The setting flattening_max_key_length is too short: two fields would get the same name. Write at least"
        f" {least}, or leave it out."
    )


def _warn(settings: Mapping[str, Any], plan: _Plan) -> None:
    """Warn of what does nothing."""
    for label, field, why in dict.fromkeys(plan.needless):
        logger.warning("The stream map of %s need not remove %s, as %s", shown(label), shown(field), why)
    for label, streams in plan.streams.items():
        if not streams:
            logger.warning("The stream map of %s does nothing, as your catalog does not list the stream", shown(label))
        elif not any(stream.is_read for stream in streams):
            names = listed(stream.name for stream in streams)
            logger.warning("The stream map of %s does nothing, as you have not selected %s", shown(label), names)
    for each in plan.copies:
        if (
            each.rules
            and each.stream.name not in plan.main
            and each.stream.is_selected
            and ELSE not in settings["stream_maps"]
        ):
            logger.warning(
                "The stream map of %s copies %s, which is still sent as it is: add %s with null to send the copy alone",
                shown(each.label),
                each.stream.name,
                each.stream.name,
            )
    for name, used in (("stream_map_config", "config"), ("faker_config", "fake")):
        if settings.get(name) and not any(each.uses(used) for each in plan.expressions):
            logger.warning("The setting %s does nothing, as no stream map uses %s", name, used)
    for name in idle_flattening(settings):
        logger.warning("The setting %s does nothing, as flattening_enabled is not on", name)
