"""The tap: settings → streams → run."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from singer_sdk.singerlib import ActivateVersionMessage, Catalog
from typing_extensions import override

from tap_onefile.check.report import check_api
from tap_onefile.errors import Interrupted, OneFileError, SettingsError
from tap_onefile.records.convert import in_words, to_timestamp
from tap_onefile.records.fields import extra_fields
from tap_onefile.reporting import console
from tap_onefile.run import Run
from tap_onefile.settings import DETAILED_BY_DEFAULT, check, settings_schema, unfit_settings
from tap_onefile.singer.catalog import (
    Known,
    add_keywords,
    check_parents,
    completed,
    restrict,
    unlisted_fields,
    with_extra_fields,
)
from tap_onefile.singer.command import CommandTap
from tap_onefile.singer.maps.mapper import make_mapper
from tap_onefile.singer.maps.mistakes import check_structure, leave_to_us
from tap_onefile.singer.state import tidied
from tap_onefile.singer.writer import BufferedWriter
from tap_onefile.streams import DETAILED, PARENTS, STREAMS
from tap_onefile.streams.base import OneFileStream
from tap_onefile.streams.kinds import IncrementalStream
from tap_onefile.streams.people import UserStream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from singer_sdk import Stream
    from singer_sdk.helpers.capabilities import CapabilitiesEnum

SETTINGS = settings_schema(DETAILED)
"""Our settings: the source of the tables in the documentation, of meltano.yml and of the Hub definition."""

KNOWN = {
    str(stream.name): Known(
        keys=tuple(stream.primary_keys),
        replication_key=stream.replication_key,
        replication_method=stream.default_replication_method,
        is_default=stream.selected_by_default,
        fields=frozenset(stream.schema["properties"]),
    )
    for stream in STREAMS
}
"""What holds of each stream whatever a catalog or a state says."""

_TEST_RETRY_FOR = 10
"""Seconds."""
_FIRST_CALLS = 5
"""The login, the customer, and the organisations: a page, the empty one after it, and the list that confirms both."""


class TapOneFile(CommandTap):
    """OneFile, the e-portfolio of UK apprenticeship and training providers."""

    name = "tap-onefile"
    # A copy, as the SDK adds its own settings to it.
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(SETTINGS)
    message_writer_class = BufferedWriter

    # BATCH is left out: in the SDK it lets deselected fields and unmapped values through (meltano/sdk#1117).
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        PluginCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, *, validate_config: bool = True, catalog: Any = None, **options: Any) -> None:  # noqa: ANN401 - the SDK's
        """Create the tap for one run; discovery works without any settings, and so without `validate_config`."""
        self._known = KNOWN
        if isinstance(config := options.get("config") or {}, dict):
            self.check_settings(config, needs_all=validate_config)
            self._known = with_extra_fields(KNOWN, extra_fields(config.get("extra_fields") or ()))
        if catalog is not None and not isinstance(catalog, (Catalog, PurePath)):
            catalog = completed(catalog, self._known)
        super().__init__(validate_config=validate_config, catalog=catalog, **options)

    @classmethod
    @override
    def check_settings(
        cls, config: Mapping[str, Any], origins: Mapping[str, str] | None = None, *, needs_all: bool
    ) -> None:
        """Check the settings in place of the SDK, whose messages repeat the value, which may be a token."""
        check(config, SETTINGS if needs_all else {**SETTINGS, "required": []}, origins)
        check_structure(config)
        with_extra_fields(KNOWN, extra_fields(config.get("extra_fields") or ()))
        if unfit := list(unfit_settings(config, {**cls.all_settings(), "required": []})):
            raise SettingsError(" ".join(unfit))

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(tidied(state, self._known, self.onefile.began))

    @cached_property
    def onefile(self) -> Run:
        """The run that the streams share."""
        began = to_timestamp(datetime.fromtimestamp(self.initialized_at / 1000, tz=UTC).isoformat())
        return Run(self.config, SETTINGS, began, self.buffered_writer)

    @cached_property
    def schemas(self) -> dict[str, dict[str, Any]]:
        """The JSON schema of each stream, reduced to the fields that this run lets through."""
        run = self.onefile
        return {each.name: run.privacy.protect(run.whole_schema(each.name, each.schema)) for each in STREAMS}

    @property
    @override
    def catalog_dict(self) -> dict[str, Any]:
        return add_keywords(super().catalog_dict, self.schemas)

    @cached_property
    @override
    def input_catalog(self) -> Catalog | None:
        catalog = super().input_catalog
        if catalog is None:
            return None
        check_parents(catalog, PARENTS)
        return restrict(catalog, self.schemas, self._known)

    @override
    def discover_streams(self) -> Sequence[Stream]:
        return [stream(self, self.onefile) for stream in STREAMS]

    @classmethod
    @override
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        super().append_builtin_config(config_jsonschema)
        leave_to_us(config_jsonschema)

    @override
    def setup_mapper(self) -> None:
        """Make the stream maps; a mistake in them ends the run here, before the first call."""
        schemas = {stream.name: self.onefile.whole_schema(stream.name, stream.schema) for stream in STREAMS}
        self.mapper = make_mapper(self.config, self.catalog, schemas, self.onefile.privacy, PARENTS)

    @override
    def listen(self) -> None:
        self.onefile.signals.listen()

    @override
    def run(self) -> None:
        """Read everything selected, and report at the end; raises if something is missing."""
        run = self.onefile
        # A wrong proxy or certificate is reported here, before anything is written.
        _ = run.reader
        self._settle_bookmarks()
        self._log_omissions()
        versions = self._versions()
        if run.writer:
            run.writer.versions = versions
        with console.heartbeat(run.metrics, run.settings.requests_per_minute):
            try:
                self.sync_all()
                run.reader.confirm_absences()
                if run.problems.is_complete:
                    whole = [stream for stream in self._selected if self._is_whole(stream.name)]
                    for alias in (each for stream in whole for each in stream.aliases):
                        if alias in versions:
                            self.write_message(ActivateVersionMessage(stream=alias, version=versions[alias]))
            except OneFileError:
                # What was sent is counted, too, where the run cannot go on.
                run.problems.log_counts()
                raise
            finally:
                for stream in self._selected:
                    stream.log_metrics()
                self.finish()
        console.summarise(run.metrics.rows(), run.problems)
        run.problems.conclude()

    def _is_whole(self, name: str) -> bool:
        """Return whether nothing of a stream was left out, nor any record that it belongs to."""
        problems = self.onefile.problems
        parent = PARENTS.get(name)
        has_owners = parent is None or (not problems.leaves_out(parent) and self._is_whole(parent))
        return has_owners and name not in {*problems.not_offered, *problems.in_part}

    @override
    def try_out(self) -> None:
        """Test the connection without writing a record, and estimate the calls of a full run."""
        run = self._interactive_run()
        # Before the dry run, which selects what it reads.
        selected = self._selected
        self._warn_if_empty()
        self.dry_run()
        run.problems.conclude()
        self.logger.info("The connection works. Nothing was written.")
        if empty := [stream.name for stream in selected if not run.metrics.of(stream.name).records]:
            since = " since start_date" if run.settings.start_date else ""
            self.logger.info("OneFile has no records%s of: %s.", since, ", ".join(empty))
        try:
            calls = {stream.name: round(stream.estimate_calls()) for stream in selected}
            run.signals.check()
        except Interrupted:
            raise
        except OneFileError as error:
            self.logger.warning("Cannot estimate how many calls a full run makes: %s", error)
        else:
            whose = "your catalog" if self.input_catalog else "the default selection, as no catalog was passed"
            costly = ", ".join(f"{name} {count:,}" for name, count in calls.items() if count)
            self.logger.info("Calls by stream, for %s: %s", whose, costly or "none but the first ones")
            self.logger.info(_cost(_FIRST_CALLS + sum(calls.values()), run.settings.requests_per_minute))

    @override
    def check_api(self, *, as_json: bool) -> None:
        """Write the report on how OneFile answers, as far as it does; raises if it stopped."""
        check_api(self._interactive_run(), click.echo, as_json=as_json)

    def _interactive_run(self) -> Run:
        """Return the run with a shorter retry_for, as somebody is waiting for it."""
        run = self.onefile
        run.settings = replace(run.settings, retry_for=min(_TEST_RETRY_FOR, run.settings.retry_for))
        return run

    @property
    def _selected(self) -> list[OneFileStream]:
        return [stream for stream in self.streams.values() if isinstance(stream, OneFileStream) and stream.selected]

    def _warn_if_empty(self) -> None:
        if not self._selected:
            self.logger.warning(
                "No stream is selected, so nothing is read. Select some in the catalog, or under Meltano by select"
            )

    def _log_omissions(self) -> None:
        run = self.onefile
        self._warn_if_empty()
        self.logger.info(run.privacy.in_words())
        if withheld := [
            f"{stream}.{name}"
            for stream, extra in run.extra_fields.items()
            for name, rule in extra["properties"].items()
            if not run.privacy.lets_through(rule)
        ]:
            self.logger.warning(
                "Left out for their data class, although extra_fields has them: %s", ", ".join(withheld)
            )
        if since := run.settings.start_date:
            # The month in words shows what Meltano made of a date such as 05/04/2026.
            self.logger.info(
                "People modified and reviews scheduled before %s are left out (start_date)", in_words(since)
            )
            if since > run.began:
                self.logger.warning("The setting start_date lies in the future: nobody is read, and few reviews")
        if thin := [
            each.name for each in self._selected if each.name in DETAILED_BY_DEFAULT and not each.fetches_details
        ]:
            self.logger.warning(
                "Read by their searches alone, as the setting fetch_details does not name them: %s. A search may give"
                " less than a table holds, and what it leaves out becomes null there.",
                ", ".join(thin),
            )
        if self.input_catalog and (fields := unlisted_fields(self.input_catalog, self.schemas)):
            self.logger.warning(
                "These fields are not in your catalog and are skipped: %s. Run --discover again to include them.",
                ", ".join(fields),
            )

    def _settle_bookmarks(self) -> None:
        """Forget bookmarks that nothing is read by, or that left out more, and log how people are read."""
        settings = self.onefile.settings
        streams = [stream for stream in self._selected if isinstance(stream, IncrementalStream)]
        if narrowed := [each.name for each in streams if isinstance(each, UserStream) and each.is_incremental]:
            self.logger.info(
                "Read by changes only, as the catalog asks for it: %s. What does not move LastModified is missed: who"
                " was archived, and Progress perhaps.",
                ", ".join(narrowed),
            )
        if changed := [stream.name for stream in streams if stream.forget_bookmarks()]:
            self.logger.info(
                "Read in full from now on: %s. The bookmarks that the state has of them are no longer used. For changes"
                " only, as before, set replication-method to INCREMENTAL.",
                ", ".join(changed),
            )
        if widened := [
            stream.name
            for stream in streams
            if stream.keeps_bookmarks
            and stream.state_manager.limit(
                settings.start_date,
                is_thin=not stream.fetches_details,
                was_thin=stream.name not in DETAILED_BY_DEFAULT,
            )
        ]:
            self.logger.info(
                "Read from the beginning: %s. The bookmarks in the state are of runs that left out more, by start_date"
                " or fetch_details.",
                ", ".join(widened),
            )

    def _versions(self) -> dict[str, int]:
        """Return a version for each stream that is read in full, by stream alias.

        OneFile leaves no trace of deleted records (API reference, section 7, "Deletes"). Singer's answer is
        ACTIVATE_VERSION: every record of a stream carries a version, and a target that gets the active one removes all
        others. The SDK would send it before the first record, and once for each organisation, so that a failed run
        would leave an empty table. Here it is sent once, after everything has been read, and not at all if only a part
        of the customer is read, since that would remove the rest.
        """
        settings = self.onefile.settings
        if not settings.reports_deleted:
            return {}
        if settings.organisation_ids is not None:
            self.logger.warning(
                "Deleted records are not reported to the target, because organisation_ids limits this run to some"
                " organisations"
            )
            return {}
        version = self.initialized_at // 1000
        return {alias: version for stream in self._selected if stream.is_read_in_full for alias in stream.aliases}


def _cost(calls: int, calls_per_minute: int) -> str:
    sentence = f"A full run of the selected streams makes about {calls} calls"
    if not calls_per_minute:
        return f"{sentence}."
    minutes = calls / calls_per_minute
    took = "less than a minute" if minutes < 1 else f"about {minutes:.0f} minutes"
    return f"{sentence}: {took} at {calls_per_minute} calls a minute."
