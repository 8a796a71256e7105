"""The command line of the SDK: what ``--help`` says, and how a run and a test of the connection begin."""

from __future__ import annotations

import abc
import copy
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from singer_sdk import Tap
from singer_sdk.logging import ConsoleFormatter
from typing_extensions import override

from tap_onefile.errors import SettingsError
from tap_onefile.reporting import console
from tap_onefile.reporting.signals import signals_blocked
from tap_onefile.settings import unknown_settings
from tap_onefile.singer.inputs import read_catalog, read_environment, read_settings, read_state, unread_variables
from tap_onefile.singer.state import RareStateWriter, unwrapped
from tap_onefile.singer.writer import BufferedWriter, MuteWriter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO, Self


_PURPOSE = """Read what a training provider keeps in OneFile, and write it to standard output as Singer messages.

A Singer target takes it from there into a database or files. Nothing in OneFile is changed.
"""
# Click does not rewrap a paragraph that begins with this character.
_EXAMPLES = """\b
Examples:
  tap-onefile --config config.json --test
  tap-onefile --config config.json --discover > catalog.json
  tap-onefile --config config.json | target-jsonl > states.json
  tap-onefile --config ENV --test

config.json holds the settings, at the least {"customer_token": "..."}; --about lists them all. The last line that a
target writes is the state for the next run.
"""
_OPTIONS = {
    "version": "Show the version, and end.",
    "about": "Show what the tap can do and its settings, and end.",
    "about_format": "How --about shows it.",
    "config": "A JSON file with the settings, or ENV for the variables TAP_ONEFILE_...; may be given more than once.",
    "discover": "Write the catalog of all streams and fields, and end.",
    "test": "Try every stream, estimate a full run, and write no record; with schema, write the schemas.",
    "check_api": "Report how this OneFile answers, without any personal data, in at most 60 calls; json for machines.",
    "catalog": "A catalog with the selection of streams and fields.",
    "state": "The state that the last run left, for reading only what has changed.",
}
_VALUES = {"config": "FILE|ENV", "test": "[schema]", "check_api": "[json]", "catalog": "FILE", "state": "FILE"}
_WHOLE_TEST = "all"
"""What the SDK makes of ``--test`` without a value."""
_LEFT_TO_THE_SDK = {"disabled", "schema"}

# What the SDK logs about every stream, read or not, and about an environment that it does not read itself.
_NOISE = ("Added '%s' as child stream", "Skipping deselected stream", "Skipping parse of env var")
logging.getLogger("tap-onefile").addFilter(lambda record: not str(record.msg).startswith(_NOISE))
# The SDK logs the expressions of stream maps, which may name a person or hold a key.
logging.getLogger("singer_sdk.mapper").addFilter(lambda record: record.levelno >= logging.WARNING)


@dataclass(frozen=True)
class Config:
    """The settings of the command line, with the attributes that the SDK's callbacks read."""

    config: dict[str, Any]
    unread: list[str]
    """The variables with settings that are not read."""
    parse_env: bool = False
    """Whether the SDK shall read the environment, which it does without naming what is wrong there."""


class CommandTap(Tap, abc.ABC):
    """A tap whose help is in plain words, and whose exit status a scheduler can rely on."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - they are the SDK's
        super().__init__(**options)
        if self.buffered_writer:
            self._state_writer = RareStateWriter(self.buffered_writer)

    @classmethod
    @abc.abstractmethod
    def check_settings(
        cls, config: Mapping[str, Any], origins: Mapping[str, str] | None = None, *, needs_all: bool
    ) -> None:
        """Check the settings, given where each comes from if a sentence about it has to say so."""

    @abc.abstractmethod
    def run(self) -> None:
        """Read everything selected."""

    @abc.abstractmethod
    def try_out(self) -> None:
        """Test the connection without writing a record."""

    @abc.abstractmethod
    def check_api(self, *, as_json: bool) -> None:
        """Write a report on how OneFile answers what is not known of it."""

    @abc.abstractmethod
    def listen(self) -> None:
        """Handle signals in place of the SDK, whose handler ends a run with status 0."""

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        _log_for_people()
        command = super().get_singer_command()
        command.help, command.epilog = _PURPOSE, _EXAMPLES
        after_test = [option.name for option in command.params].index("test") + 1
        command.params.insert(
            after_test,
            click.Option(
                ["--check-api"], is_flag=False, flag_value="text", callback=cls.cb_check_api, expose_value=False
            ),
        )
        for option in command.params:
            if isinstance(option, click.Option) and option.name in _OPTIONS:
                option.help = _OPTIONS[option.name]
                option.metavar = _VALUES.get(option.name, option.metavar)
                if option.name in {"catalog", "state"}:
                    # As bytes, since nobody knows how their text is encoded.
                    option.type = click.File("rb")
                    # Click would run --test before it had read a catalog that comes after it.
                    option.is_eager = True
        return command

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        """Read and merge what is passed to ``--config``: where two of them hold a setting, the later one counts."""
        settings: dict[str, Any] = {}
        origins: dict[str, str] = {}
        known = cls.all_settings()["properties"]
        for file in value:
            if file == "ENV":
                found, origin = read_environment(known)
            else:
                found = read_settings(file)
                # With one file, it is clear which is meant.
                origin = dict.fromkeys(found, f"in {file}" if len(value) > 1 else "")
            settings |= found
            origins |= origin
        unread = [] if "ENV" in value else unread_variables(settings, known)
        if unread:
            cls.logger.warning("Without --config ENV, these variables are not read: %s", ", ".join(unread))
        for sentence in unknown_settings(settings, known, origins):
            cls.logger.warning(sentence)
        cls.check_settings(settings, origins, needs_all=False)
        return Config(settings, unread)

    @classmethod
    @override
    def invoke(  # type: ignore[override] # as the SDK's own Tap does
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: Any = None,  # our Config, where the SDK has one of its own
        state: Any = None,  # in bytes, where the SDK reads text
        catalog: Any = None,
    ) -> None:
        """Run the tap from the command line."""
        if about:
            super().invoke(about=about, about_format=about_format)
        cls.print_version(print_fn=cls.logger.info)
        if sys.stdout and sys.stdout.isatty():
            raise SettingsError(
                "Nothing takes the records, which would appear on the screen: pipe the tap into a target, as in"
                " `tap-onefile --config config.json | target-jsonl`, or into a file."
            )
        cls._create(config, catalog, state).run()

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Test the connection, or write the schemas."""
        if value == _WHOLE_TEST:
            given = ctx.params
            cls._create(given["config"], given["catalog"], given["state"], MuteWriter()).try_out()
            ctx.exit()
        if value not in _LEFT_TO_THE_SDK:
            # The SDK would write records.
            raise SettingsError("The option --test takes no value other than schema.")
        super().cb_test(ctx, param, value)

    @classmethod
    def cb_check_api(cls, ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
        """Write the report on how OneFile answers."""
        if value is None:
            return
        if value not in {"text", "json"}:
            raise SettingsError("The option --check-api takes no value other than json.")
        tap = cls._create(ctx.params["config"], writer=MuteWriter())
        tap.check_api(as_json=value == "json")
        ctx.exit()

    @classmethod
    def _create(
        cls,
        config: Config,
        catalog: BinaryIO | None = None,
        state: BinaryIO | None = None,
        writer: BufferedWriter | None = None,
    ) -> Self:
        if config.unread and "customer_token" not in config.config:
            raise SettingsError(f"To have {', '.join(config.unread)} read, add --config ENV to the command.")
        with signals_blocked():
            tap = cls(
                config=config.config,
                catalog=read_catalog(catalog) if catalog else None,
                state=unwrapped(read_state(state)) if state else None,
                message_writer=writer,
            )
            tap.listen()
        return tap

    @classmethod
    def all_settings(cls) -> dict[str, Any]:
        """Return the JSON schema of the settings, with the SDK's own."""
        schema = copy.deepcopy(cls.config_jsonschema)
        cls.append_builtin_config(schema)
        return schema

    def finish(self) -> None:
        """Write what is left: the last state, and all that is buffered."""
        if isinstance(self._state_writer, RareStateWriter):
            self._state_writer.finish(self.state)
        if self.buffered_writer:
            self.buffered_writer.flush()

    def dry_run(self) -> None:
        """Read one record of each selected stream."""
        streams = [stream for stream in self.streams.values() if stream.selected or stream.has_selected_descendents]
        self.run_sync_dry_run(streams=streams)

    @property
    def buffered_writer(self) -> BufferedWriter | None:
        """The tap's own writer, unless a test has passed another."""
        return self.message_writer if isinstance(self.message_writer, BufferedWriter) else None


def _log_for_people() -> None:
    """Format the log for a person if the tap runs in a terminal."""
    terminal = console.attended_terminal()
    for handler in logging.getLogger().handlers:
        if terminal and isinstance(handler.formatter, ConsoleFormatter):
            handler.setFormatter(console.Sentences(terminal))
            handler.addFilter(_is_for_people)


def _is_for_people(record: logging.LogRecord) -> bool:
    """Return whether a log record is the tap's own or a warning."""
    return "singer_sdk" not in Path(record.pathname).parts or record.levelno >= logging.WARNING
