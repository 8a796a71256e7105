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
from singer_sdk.singerlib import Catalog, MetadataMapping

from tap_onefile.errors import SettingsError
from tap_onefile.records.fields import DATA_CLASS, SPECIAL
from tap_onefile.singer.maps.expression import Expression, MappedStream, Toolbox
from tap_onefile.singer.maps.mistakes import (
    ALIAS,
    ELSE,
    FILTER,
    KEYS,
    SOURCE,
    Mistake,
    hint,
    idle_flattening,
    is_removal,
    is_slip,
    listed,
    map_of,
    place_of,
    shown,
)
from tap_onefile.singer.maps.transform import Map

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from singer_sdk.mapper import StreamMap

    from tap_onefile.records.privacy import Privacy

    Rules = dict[str, Any]

logger = logging.getLogger("tap-onefile")


def make_mapper(
    config: Mapping[str, Any],
    catalog: Catalog,
    schemas: Mapping[str, Mapping[str, Any]],
    privacy: Privacy,
    parents: Mapping[str, str],
) -> PluginMapper:
    """Make the SDK's mapper from the settings, whose structure is right; a `SettingsError` names the first mistake.

    What this run may read is in the catalog; the schemas have all fields of all streams.
    """
    settings = {name: value for name, value in config.items() if value is not None}
    maps = settings.get("stream_maps", {})
    streams = _mapped_streams(catalog, schemas, privacy, parents)
    tools = Toolbox(
        settings.get("stream_map_config", {}),
        settings.get("faker_config", {}),
        {name for schema in schemas.values() for name in schema["properties"]},
    )
    mapper = _plain_mapper(settings, catalog, streams)
    if maps:
        _check_faker(tools)
    try:
        plan = _Plan(maps, streams, schemas, tools)
    except Mistake as mistake:
        raise SettingsError(f"The setting stream_maps is not valid: {mistake}") from None
    plan.install(mapper)
    _check_parents(mapper, streams, parents)
    _check_aliases(mapper, streams)
    _check_keys(mapper, streams)
    _warn_of_maps(plan)
    _warn_of_settings(settings, plan.maps)
    return mapper


class _Given:
    """One map of the setting, for one stream or for all that its pattern matches."""

    def __init__(
        self,
        label: str,
        given: Rules | str | None,
        streams: Mapping[str, MappedStream],
        schemas: Collection[str],
        tools: Toolbox,
    ) -> None:
        rules = dict(given) if isinstance(given, dict) else {}
        self.label = label
        """Its name in the setting: a stream, a pattern, or the name of a copy."""
        self.removes_stream = not isinstance(given, dict)
        self.is_copy = SOURCE in rules
        self.pattern: str = rules.pop(SOURCE).strip() if self.is_copy else label
        self.is_pattern = not set("*?[").isdisjoint(self.pattern)
        self.alias: str | None = rules.pop(ALIAS).strip() if ALIAS in rules else None
        self.streams = [each for name, each in streams.items() if fnmatchcase(name, self.pattern)]
        if not self.streams:
            self._check_exists(schemas)
            # What is in a map of streams that the catalog does not list makes no difference.
            rules = {}
        self.expressions = {
            key: self._expression(key, rule)
            for key, rule in rules.items()
            if key not in {ELSE, KEYS} and not is_removal(rule)
        }
        self.rules = {key: self.expressions[key].text if key in self.expressions else rules[key] for key in rules}
        self.needless: list[tuple[str, str]] = []
        """The fields that it removes and that are not there, with the reason why."""
        self._tools = tools

    def treatments(self) -> Iterator[_Treatment]:
        """Yield what it does with each of its streams; raises the first `Mistake` in it."""
        if self.is_pattern:
            self._check_takers()
        for stream in self.streams:
            rules = {key: rule for key, rule in self.rules.items() if not self.is_pattern or self._takes(stream, key)}
            try:
                self._check_rules(stream, rules)
            except Mistake:
                if self.is_pattern and not stream.is_read:
                    continue
                raise
            yield _Treatment(self, stream, rules, self._alias_of(stream.name))

    def _check_exists(self, schemas: Collection[str]) -> None:
        if any(fnmatchcase(name, self.pattern) if self.is_pattern else name == self.pattern for name in schemas):
            return
        if self.is_pattern:
            raise Mistake(f"{map_of(self.label)} matches no stream.")
        asked = hint(self.pattern, schemas) or " `tap-onefile --discover` lists the streams."
        if self.is_copy:
            named = shown(self.pattern)
            raise Mistake(f"__source__ in {map_of(self.label)} is {named}, a stream that does not exist.{asked}")
        raise Mistake(f"{map_of(self.label)} is for a stream that does not exist.{asked}")

    def _expression(self, key: str, rule: str) -> Expression:
        try:
            return Expression(rule)
        except Mistake as mistake:
            raise mistake.at(place_of(self.label, key)) from None

    def _alias_of(self, stream: str) -> str:
        """Return the name under which a stream is sent, for which the map may have an expression."""
        if self.is_copy:
            return self.label
        if self.alias is None:
            return stream
        mapper = PluginMapper({"stream_maps": {stream: {ALIAS: self.alias}}}, logger)
        try:
            mapper.register_raw_stream_schema(stream, {"type": "object", "properties": {}}, None)
            name: object = mapper.stream_maps[stream][0].stream_alias
        except Exception:  # noqa: BLE001 - an expression may raise anything
            name = None
        if not isinstance(name, str) or not name.strip():
            raise Mistake(
                f"{place_of(self.label, ALIAS)} is no name: write letters, digits and _, or an expression such as"
                " \"'raw_' + __stream_name__\"."
            )
        return name

    def _check_takers(self) -> None:
        """Raise if a line is for no stream that the pattern matches."""
        together = MappedStream(
            self.label,
            list(dict.fromkeys(name for stream in self.streams for name in stream.fields)),
            {name: why for stream in self.streams for name, why in stream.absent.items()},
        )
        for key in self.rules:
            if not any(self._takes(stream, key) for stream in self.streams):
                self._check_rule(together, key)
                if key in self.expressions:
                    raise Mistake(f"{place_of(self.label, key)} reads fields that no stream has together.")

    def _takes(self, stream: MappedStream, key: str) -> bool:
        """Return whether a line of a pattern is for a stream: it has the field, or all that the line reads."""
        if key in {ELSE, KEYS, FILTER} or key in stream.fields:
            return True
        if key not in self.expressions:
            return False
        try:
            self.expressions[key].check(stream, key, self._tools)
        except Mistake:
            return False
        return True

    def _check_rules(self, stream: MappedStream, rules: Rules) -> None:
        for key in rules:
            if key not in {ELSE, KEYS}:
                self._check_rule(stream, key)
        removed = {key for key, rule in rules.items() if is_removal(rule)}
        computed = [key for key in rules if key in self.expressions and key != FILTER]
        kept = [] if ELSE in rules else [name for name in stream.fields if name not in removed]
        yielded = dict.fromkeys([*kept, *computed])
        for name in rules.get(KEYS, stream.keys):
            if name in yielded:
                continue
            if KEYS in rules:
                raise Mistake(f"{place_of(self.label, KEYS)} names {shown(name)}, which the map does not yield.")
            if name in removed:
                raise Mistake(
                    f"{place_of(self.label, name)} removes what identifies the records of {stream.name}: keep it, or"
                    " name the fields that do so instead in __key_properties__."
                )
            raise Mistake(
                f"{map_of(self.label)} keeps only the fields that it names, and lacks {name}, which identifies the"
                f' records of {stream.name}: add "{name}": "{name}".'
            )
        if not yielded:
            raise Mistake(
                f"{map_of(self.label)} leaves no field of {stream.name}: write null in its place to remove the stream."
            )
        if ELSE not in rules:
            self._check_slips(stream, rules, computed)

    def _check_rule(self, stream: MappedStream, key: str) -> None:
        place = place_of(self.label, key)
        expression = self.expressions.get(key)
        if expression is None:
            if key in stream.absent:
                self.needless.append((key, stream.absent[key]))
            elif key not in stream.fields:
                raise Mistake(f"{place} removes a field that {shown(stream.name)} does not have{stream.why(key)}")
            return
        if key == FILTER and expression.is_constant:
            raise Mistake(f"{place} is the same for every record: compare a field, as in \"Status == 'Live'\".")
        if expression.is_none and key not in stream.fields:
            raise Mistake(f"{place} empties a field that {shown(stream.name)} does not have{stream.why(key)}")
        try:
            expression.check(stream, key, self._tools)
        except Mistake as mistake:
            raise mistake.at(place) from None

    def _check_slips(self, stream: MappedStream, rules: Rules, computed: Iterable[str]) -> None:
        for key in computed:
            if key in stream.fields:
                continue
            meant = next((name for name in stream.fields if name not in rules and is_slip(key, name)), None)
            if meant:
                raise Mistake(
                    f"{place_of(self.label, key)} adds a field, and {meant} is sent as it is. Did you mean {meant}? To"
                    f' send both, add "{meant}": "{meant}".'
                )


@dataclass(frozen=True)
class _Treatment:
    """What one map does with one stream."""

    given: _Given
    stream: MappedStream
    rules: Rules
    alias: str

    def build(self, plain: StreamMap, tools: Toolbox) -> StreamMap:
        """Make the SDK's map, given that of a run without maps."""
        if self.given.removes_stream:
            return RemoveRecordTransform(self.alias, plain.raw_schema, None, plain.flattening_options)
        if not self.rules and self.alias == plain.stream_alias:
            return plain
        try:
            return Map(
                self.given.label,
                self.rules,
                stream_alias=self.alias,
                map_config=dict(tools.config),
                faker_config=dict(tools.faker),
                raw_schema=plain.raw_schema,
                key_properties=plain.raw_key_properties,
                flattening_options=plain.flattening_options,
                stream_name=self.stream.name,
            )
        except Exception as error:  # noqa: BLE001 - what has been checked should not fail; the text may hold a value
            raise SettingsError(
                f"The setting stream_maps is not valid: {map_of(self.given.label)} cannot be used"
                f" ({type(error).__name__})."
            ) from None

    def check_replaces(self, before: _Treatment) -> None:
        """Raise if it lacks something of an earlier map of the same stream, in place of which it is used."""
        if not before.given.is_pattern:
            raise Mistake(
                f"{map_of(self.given.label)} comes after {map_of(before.given.label)} and would replace it: write it"
                " before."
            )
        if before.given.removes_stream or self.given.removes_stream:
            return
        lost = [
            key
            for key, rule in before.rules.items()
            if key not in self.rules
            and (key == FILTER or (ELSE not in self.rules and (key in self.stream.fields or not is_removal(rule))))
        ]
        if lost:
            raise Mistake(
                f"{map_of(before.given.label)} has {shown(lost[0])}, and {map_of(self.given.label)}, which is used in"
                f" its place for {self.stream.name}, does not: write {shown(lost[0])} there, too."
            )


class _Plan:
    """All maps of the setting, and what they do with each stream."""

    def __init__(
        self, maps: Rules, streams: Mapping[str, MappedStream], schemas: Collection[str], tools: Toolbox
    ) -> None:
        self.maps: list[_Given] = []
        self.main: dict[str, _Treatment] = {}
        self.copies: list[_Treatment] = []
        self._tools = tools
        for label, given in maps.items():
            if label != ELSE:
                self._add(_Given(label, given, streams, schemas, tools))
        if ELSE in maps:
            for treatment in _Given("*", None, streams, schemas, tools).treatments():
                self.main.setdefault(treatment.stream.name, treatment)

    def _add(self, given: _Given) -> None:
        self.maps.append(given)
        for treatment in given.treatments():
            if given.is_copy:
                self.copies.append(treatment)
                continue
            if before := self.main.get(treatment.stream.name):
                treatment.check_replaces(before)
            self.main[treatment.stream.name] = treatment

    def install(self, mapper: PluginMapper) -> None:
        """Put the maps into a mapper that has none."""
        plain = {name: maps[0] for name, maps in mapper.stream_maps.items()}
        for name, treatment in self.main.items():
            mapper.stream_maps[name] = [treatment.build(plain[name], self._tools)]
        for treatment in self.copies:
            name = treatment.stream.name
            mapper.stream_maps[name].append(treatment.build(plain[name], self._tools))


def _mapped_streams(
    catalog: Catalog, schemas: Mapping[str, Mapping[str, Any]], privacy: Privacy, parents: Mapping[str, str]
) -> dict[str, MappedStream]:
    masks = {name: entry.metadata.resolve_selection() for name, entry in catalog.items() if name in schemas}
    read = {name for name, mask in masks.items() if mask[()]}
    for name in [*read]:
        above = parents.get(name)
        while above:
            read.add(above)
            above = parents.get(above)
    streams: dict[str, MappedStream] = {}
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
        streams[name] = MappedStream(
            name,
            [field for field in listed_fields if field not in absent],
            absent,
            entry.key_properties or (),
            bool(mask[()]),
            name in read,
        )
    return streams


def _plain_mapper(settings: Mapping[str, Any], catalog: Catalog, streams: Mapping[str, MappedStream]) -> PluginMapper:
    """Make the mapper of a run without maps."""
    mapper = PluginMapper({**settings, "stream_maps": {}}, logger)
    off = {name for name, stream in streams.items() if not stream.is_selected}
    # Without their metadata, streams that are off keep all fields there, as from the SDK's 0.55.
    entries = {
        name: replace(entry, metadata=MetadataMapping()) if name in off else entry for name, entry in catalog.items()
    }
    try:
        mapper.register_raw_streams_from_catalog(Catalog(entries))
    except ValueError:
        longest = max(len(field) for name in streams for field in catalog[name].schema.properties or ())
        raise SettingsError(
            "The setting flattening_max_key_length is too short: two fields would get the same name. Write at least"
            f" {longest + 1}, or leave it out."
        ) from None
    return mapper


def _check_faker(tools: Toolbox) -> None:
    try:
        _ = tools.sdk
    except Exception:  # noqa: BLE001 - whatever Faker raises for a locale
        raise SettingsError(
            "The setting faker_config is not valid: Faker does not have its locale. One that it has is en_GB."
        ) from None


def _check_parents(mapper: PluginMapper, streams: Mapping[str, MappedStream], parents: Mapping[str, str]) -> None:
    """Raise if a stream is removed that has child streams: the SDK would skip them in silence."""
    for name in dict.fromkeys(parents[each] for each in streams if each in parents and streams[each].is_read):
        if isinstance(mapper.stream_maps[name][0], RemoveRecordTransform):
            raise SettingsError(
                f"The setting stream_maps removes {name}, whose child streams would be empty then."
                f" Keep {name} there (as {{}}), and deselect it in the catalog if you do not want it.",
            )


def _sent(mapper: PluginMapper, streams: Mapping[str, MappedStream]) -> Iterator[tuple[str, StreamMap]]:
    for name, stream in streams.items():
        if stream.is_selected:
            for each in mapper.stream_maps[name]:
                if not isinstance(each, RemoveRecordTransform):
                    yield name, each


def _check_aliases(mapper: PluginMapper, streams: Mapping[str, MappedStream]) -> None:
    by_alias: dict[str, list[str]] = {}
    for name, each in _sent(mapper, streams):
        # Loaders may write the names of tables in lower case.
        by_alias.setdefault(each.stream_alias.lower(), []).append(name)
    for names in by_alias.values():
        if len(names) > 1:
            raise SettingsError(
                f"The setting stream_maps sends {listed(names)} under one name, and the target would take one for the"
                " other: give each a name of its own."
            )


def _check_keys(mapper: PluginMapper, streams: Mapping[str, MappedStream]) -> None:
    """Raise if flattening has renamed a field that identifies the records."""
    for name, each in _sent(mapper, streams):
        keys = each.transformed_key_properties or ()
        if not set(keys) <= each.transformed_schema["properties"].keys():
            raise SettingsError(
                f"The setting flattening_max_key_length is too short for {name}: what identifies its records would get"
                f" another name. Write at least {max(map(len, keys)) + 1}, or leave it out."
            )


def _warn_of_maps(plan: _Plan) -> None:
    """Warn of what does nothing in the maps."""
    for each in plan.maps:
        for field, why in dict.fromkeys(each.needless):
            logger.warning("The stream map of %s need not remove %s, as %s", shown(each.label), shown(field), why)
    for each in plan.maps:
        label = shown(each.label)
        if not each.streams:
            logger.warning("The stream map of %s does nothing, as your catalog does not list the stream", label)
        elif not any(stream.is_read for stream in each.streams):
            names = listed(stream.name for stream in each.streams)
            logger.warning("The stream map of %s does nothing, as you have not selected %s", label, names)
    for copy in plan.copies:
        name = copy.stream.name
        if copy.rules and name not in plan.main and copy.stream.is_selected:
            logger.warning(
                "The stream map of %s copies %s, which is still sent as it is: add %s with null to send the copy alone",
                shown(copy.given.label),
                name,
                name,
            )


def _warn_of_settings(settings: Mapping[str, Any], maps: Iterable[_Given]) -> None:
    """Warn of settings that do nothing."""
    expressions = [expression for each in maps for expression in each.expressions.values()]
    for setting, used in (("stream_map_config", "config"), ("faker_config", "fake")):
        if settings.get(setting) and not any(expression.uses(used) for expression in expressions):
            logger.warning("The setting %s does nothing, as no stream map uses %s", setting, used)
    for setting in idle_flattening(settings):
        logger.warning("The setting %s does nothing, as flattening_enabled is not on", setting)
