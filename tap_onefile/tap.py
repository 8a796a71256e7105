"""The tap: its settings, its streams, and how a run starts and ends."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities
from typing_extensions import override

from tap_onefile import cost, given, summary, terminal, versions
from tap_onefile.answers import read_rows
from tap_onefile.budget import Budget
from tap_onefile.catalog import described, limited, unlisted
from tap_onefile.client import OneFileClient
from tap_onefile.command_help import explained
from tap_onefile.data_protection import DataProtection
from tap_onefile.errors import IncompleteRun, OneFileError, SettingsError
from tap_onefile.heartbeat import heartbeat
from tap_onefile.instants import in_words, to_instant
from tap_onefile.interruption import Interrupted, Interruption, held_back
from tap_onefile.read_ahead import ReadAhead
from tap_onefile.reads import Search
from tap_onefile.report import RunReport
from tap_onefile.settings import SETTINGS, Settings, unfit_settings, unknown_settings
from tap_onefile.statistics import Statistics
from tap_onefile.streams import NEEDED, PARENTS, STREAMS
from tap_onefile.streams.base import OneFileStream
from tap_onefile.streams.each_learner import LearnerIds
from tap_onefile.transport import Transport
from tap_onefile.writer import BufferedWriter, MuteWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import click
    from singer_sdk import Stream
    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.singerlib import Catalog

    from tap_onefile.reads import Read
    from tap_onefile.transport import Answer


_TEST_RETRY_FOR = 10
_WHOLE_TEST = "all"


class TapOneFile(Tap):
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

    def __init__(self, *, validate_config: bool = True, **options: Any) -> None:  # noqa: ANN401 - they are the SDK's
        """Make the tap for one run.

        Args:
            validate_config: Whether the settings must be complete; discovery works without any.
            options: What else the SDK's tap takes.

        Raises:
            SettingsError: A setting is missing or out of range.
        """
        self.report = RunReport()
        self.statistics = Statistics()
        self.interruption = Interruption(lambda: cast("BufferedWriter", self.message_writer).writing_since)
        self._readers: dict[str, Callable[[Answer], list[dict[str, Any]]]] = {}
        try:
            super().__init__(validate_config=validate_config, **options)
        except ConfigValidationError as invalid:
            # The SDK's own sentences repeat the value, which may be a token.
            Settings.from_config(self.config)
            raise SettingsError(" ".join(unfit_settings(self.config, invalid.schema or {}))) from None
        if validate_config:
            for sentence in unknown_settings(self.config, self._all_settings()):
                self.logger.warning(sentence)
            _ = self.settings

    @cached_property
    def settings(self) -> Settings:
        """The settings of this run, checked and with their defaults."""
        return Settings.from_config(self.config)

    @cached_property
    def data_protection(self) -> DataProtection:
        """What of people's data this run lets through."""
        return DataProtection.from_config(self.config)

    @cached_property
    def client(self) -> OneFileClient:
        """The one client of this run, which all streams share."""
        settings = self.settings
        transport = Transport(settings.api_url, user_agent=settings.user_agent, timeout=settings.request_timeout)
        return OneFileClient(
            transport,
            settings.customer_token,
            Budget(settings.requests_per_minute),
            retry_for=settings.retry_for,
            logins=self.statistics.of("logins"),
        )

    @cached_property
    def read_ahead(self) -> ReadAhead:
        """Makes the calls of this run ahead of their turn."""
        return ReadAhead(
            self.fetch,
            self.settings.parallel_requests,
            page_size=self.settings.page_size,
            count=self.count,
            check=self._check,
        )

    def _check(self) -> None:
        self.interruption.check()
        if isinstance(self.message_writer, BufferedWriter):
            self.message_writer.check_reader()

    def count(self, search: Search) -> int | None:
        """Count the rows of a search that may have more than one page, if that can be had.

        Args:
            search: The search.

        Returns:
            The number of rows; None where it cannot be had.
        """
        return self.client.count(search.entity, dict(search.filters), tally=self.statistics.of(search.stream))

    def list_all(self, search: Search) -> list[dict[str, Any]]:
        """Read a search in one call; its rows may be thinner than those of pages.

        Args:
            search: The search.

        Returns:
            The rows.
        """
        tally = self.statistics.of(search.stream)
        return self.read_ahead.at_once(
            lambda: self.client.search_unpaged(search.entity, dict(search.filters), tally=tally),
        )

    def fetch_at_once(self, read: Read, page: int) -> list[dict[str, Any]]:
        """Make one call before all that are planned.

        Args:
            read: What is read.
            page: The number of the page, from 1.

        Returns:
            The rows; none past the end.
        """
        return self.read_ahead.at_once(lambda: self.fetch(read, page))

    def fetch(self, read: Read, page: int) -> list[dict[str, Any]]:
        """Make one call.

        Args:
            read: What is read.
            page: The number of the page, from 1.

        Returns:
            The rows; none past the end.
        """
        tally = self.statistics.of(read.stream)
        read_answer = self._readers.get(read.stream, read_rows)
        if isinstance(read, Search):
            return self.client.search_page(
                read.entity,
                dict(read.filters),
                page,
                self.settings.page_size,
                unpaged_will_do=read.unpaged_will_do,
                read=read_answer,
                tally=tally,
            )
        if read.is_list:
            return self.client.get_rows(read.path, read=read_answer, tally=tally)
        return [self.client.get(read.path, tally=tally, record_id=read.record_id)]

    @cached_property
    def learner_ids(self) -> LearnerIds:
        """Tells which learners an organisation has."""
        return LearnerIds(self.read_ahead, self.fetch_at_once, self.list_all, self.settings.page_size)

    @cached_property
    def run_began(self) -> str:
        """The moment at which this run began, in UTC."""
        return to_instant(datetime.fromtimestamp(self.initialized_at / 1000, tz=UTC).isoformat())

    @cached_property
    def schemas(self) -> dict[str, dict[str, Any]]:
        """The JSON schema of each stream, with the fields that this run lets through."""
        return {stream.name: self.data_protection.protect(stream.schema) for stream in STREAMS}

    @property
    @override
    def catalog_dict(self) -> dict[str, Any]:
        return described(super().catalog_dict, self.schemas)

    @property
    @override
    def input_catalog(self) -> Catalog | None:
        return self._limited_catalog

    @cached_property
    def _limited_catalog(self) -> Catalog | None:
        catalog = super().input_catalog
        if catalog is None:
            return None
        given.check_parents(catalog, PARENTS)
        return limited(catalog, self.schemas, NEEDED)

    @override
    def discover_streams(self) -> Sequence[Stream]:
        return [stream(self) for stream in STREAMS]

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        terminal.dress_log()
        return explained(super().get_singer_command())

    @classmethod
    @override
    def invoke(  # type: ignore[override] # as the SDK's own Tap does
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: Any = None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
    ) -> None:
        """Run the tap from the command line.

        Args:
            about: Show what the tap is, and end.
            about_format: How to show that.
            config: The settings, as the command line has read them.
            state: The state that an earlier run left.
            catalog: The catalog with the selection.

        Raises:
            OneFileError: The run cannot go on, or something is missing at its end.
        """
        if about:
            super().invoke(about=about, about_format=about_format)
        cls.print_version(print_fn=cls.logger.info)
        with held_back():
            tap = cls(
                config=config.config if config else None,
                parse_env_config=bool(config and config.parse_env),
                state=given.read(state, "state"),
                catalog=given.read(catalog, "catalog"),
            )
            tap.interruption.listen()
        tap.run()

    def run(self) -> None:
        """Read all that is selected, and say at the end what there is to say.

        Raises:
            OneFileError: The run cannot go on, or something is missing at its end.
        """
        self.logger.info(self.data_protection.in_words())
        if since := self.settings.start_date:
            # The month in words: whoever wrote 05/04/2026 where Meltano takes dates sees here what it made of it.
            left_out = "People modified and reviews scheduled before %s are left out (start_date)"
            self.logger.info(left_out, in_words(since))
        if self.input_catalog and (fields := unlisted(self.input_catalog, self.schemas)):
            self.logger.warning("The catalog does not list %s: left out. Discover it anew.", ", ".join(fields))
        for stream in self.streams.values():
            # A catalog need not list every stream; the SDK has no maps for what it does not list.
            if isinstance(stream, OneFileStream) and stream.name in self.mapper.stream_maps:
                stream.check_maps()
                self._readers[stream.name] = stream.get_reader()
        writer = cast("BufferedWriter", self.message_writer)
        writer.versions = versions.versions_of(self)
        with heartbeat(self.statistics, self.settings.requests_per_minute):
            try:
                self.sync_all()
                if self.report.is_complete:
                    versions.activate(self, writer.versions)
            finally:
                writer.flush()
        summary.tell(self.statistics.rows())
        self.end_run()

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Test the connection, without writing any record, or leave other values to the SDK.

        Args:
            ctx: The command line.
            param: The option.
            value: What to test.

        Raises:
            OneFileError: Something does not work.
        """
        if value != _WHOLE_TEST:
            super().cb_test(ctx, param, value)
            return
        config = ctx.params.get("config")
        with held_back():
            tap = cls(
                config=config.config if config else None,
                parse_env_config=bool(config and config.parse_env),
                catalog=given.read(ctx.params.get("catalog"), "catalog"),
                message_writer=MuteWriter(),
            )
            tap.interruption.listen()
        tap.settings = replace(tap.settings, retry_for=min(_TEST_RETRY_FOR, tap.settings.retry_for))
        # Before the test, which selects what it reads.
        selected = [stream for stream in tap.streams.values() if stream.selected and isinstance(stream, OneFileStream)]
        tap.run_sync_dry_run(
            streams=[stream for stream in tap.streams.values() if stream.selected or stream.has_selected_descendents],
        )
        tap.end_run()
        tap.logger.info("The connection works. Nothing was written.")
        if empty := [stream.name for stream in selected if not tap.statistics.of(stream.name).records]:
            tap.logger.info("OneFile has no records of: %s.", ", ".join(empty))
        try:
            calls = cost.estimate(selected, tap.statistics.customer, tap.statistics.organisations)
            tap.interruption.check()
        except Interrupted:
            raise
        except OneFileError as error:
            tap.logger.warning("What a full run costs cannot be told: %s", error)
        else:
            tap.logger.info(cost.in_words(calls, tap.settings.requests_per_minute))
        ctx.exit()

    def end_run(self) -> None:
        """Log what the run has to say at its end.

        Raises:
            IncompleteRun: Something could not be read.
        """
        self.report.log_totals()
        if not self.report.is_complete:
            raise IncompleteRun(self.report.sentence())

    @classmethod
    def _all_settings(cls) -> dict[str, Any]:
        schema = copy.deepcopy(cls.config_jsonschema)
        cls.append_builtin_config(schema)
        properties: dict[str, Any] = schema["properties"]
        return properties
