"""The command line of the SDK: what ``--help`` says, and how a run and a test of the connection begin.

Whatever we rely on that the SDK does not promise has a test in ``tests/unit/test_sdk_assumptions.py``.
"""

from __future__ import annotations

import abc
import logging
import re
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from singer_sdk import Tap
from singer_sdk.exceptions import MapExpressionError, StreamMapConfigError
from singer_sdk.logging import ConsoleFormatter
from typing_extensions import override

from tap_onefile.errors import SettingsError
from tap_onefile.reporting import console
from tap_onefile.reporting.signals import signals_blocked
from tap_onefile.singer.catalog import parse, read_file
from tap_onefile.singer.writer import BufferedWriter, MuteWriter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self


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
    "catalog": "A catalog with the selection of streams and fields.",
    "state": "The state that the last run left, for reading only what has changed.",
}
_VALUES = {"config": "FILE|ENV", "test": "[schema]", "catalog": "FILE", "state": "FILE"}
_WHOLE_TEST = "all"
"""What the SDK makes of ``--test`` without a value."""


_FILE = re.compile(r"[\w ./\\:~-]{1,200}\.\w{1,8}")
"""What is sure to be the name of a file, and no secret in its place."""

# The SDK logs the expressions of stream maps, which may name a person or hold a key.
logging.getLogger("singer_sdk.mapper").addFilter(lambda record: record.levelno >= logging.WARNING)


@dataclass(frozen=True)
class Config:
    """The settings of the command line, with the attributes that the SDK's callbacks read."""

    config: dict[str, Any] = field(default_factory=dict)
    parse_env: bool = False


class CommandTap(Tap, abc.ABC):
    """A tap whose help is in plain words, and whose exit status a scheduler can rely on."""

    @abc.abstractmethod
    def run(self) -> None:
        """Read everything selected."""

    @abc.abstractmethod
    def try_out(self) -> None:
        """Test the connection without writing a record."""

    @abc.abstractmethod
    def listen(self) -> None:
        """Handle signals in place of the SDK, whose handler ends a run with status 0."""

    @classmethod
    @override
    def get_singer_command(cls) -> click.Command:
        _log_for_people()
        command = super().get_singer_command()
        command.help, command.epilog = _PURPOSE, _EXAMPLES
        for option in command.params:
            if isinstance(option, click.Option) and option.name in _OPTIONS:
                option.help = _OPTIONS[option.name]
                option.metavar = _VALUES.get(option.name, option.metavar)
                # Click would run --test before it had read a catalog that comes after it.
                option.is_eager = option.is_eager or option.name in {"catalog", "state"}
        return command

    @classmethod
    @override
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        """Read and merge the files passed to ``--config``."""
        settings: dict[str, Any] = {}
        for file in value:
            if file != "ENV":
                settings |= _read_settings(file)
        return Config(settings, "ENV" in value)

    @classmethod
    @override
    def invoke(  # type: ignore[override] # as the SDK's own Tap does
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: Any = None,  # our Config, where the SDK has one of its own
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
    ) -> None:
        """Run the tap from the command line."""
        if about:
            super().invoke(about=about, about_format=about_format)
        cls.print_version(print_fn=cls.logger.info)
        cls._create(config, read_file(catalog, "catalog"), state=read_file(state, "state")).run()

    @classmethod
    @override
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Test the connection; other values of ``--test`` are left to the SDK."""
        if value != _WHOLE_TEST:
            super().cb_test(ctx, param, value)
            return
        catalog = read_file(ctx.params.get("catalog"), "catalog")
        cls._create(ctx.params.get("config"), catalog, message_writer=MuteWriter()).try_out()
        ctx.exit()

    @classmethod
    def _create(cls, config: Config | None, catalog: dict[str, Any] | None, **options: Any) -> Self:  # noqa: ANN401 - the SDK's
        config = config or Config()
        with signals_blocked():
            tap = cls(config=config.config, parse_env_config=config.parse_env, catalog=catalog, **options)
            tap.listen()
        return tap

    def dry_run(self) -> None:
        """Read one record of each selected stream."""
        streams = [stream for stream in self.streams.values() if stream.selected or stream.has_selected_descendents]
        self.run_sync_dry_run(streams=streams)

    @property
    def buffered_writer(self) -> BufferedWriter | None:
        """The tap's own writer, unless a test has passed another."""
        return self.message_writer if isinstance(self.message_writer, BufferedWriter) else None


def _read_settings(file: str) -> Mapping[str, Any]:
    if file.lstrip()[:1] in {"{", "[", '"', "'"}:
        raise SettingsError(
            "The settings themselves were passed to --config, where any user of the machine can see them: write them to"
            " a file, and pass its name."
        )
    try:
        settings = parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        shown = f": {file}" if _FILE.fullmatch(file) else ""
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise SettingsError(f"A file passed to --config cannot be read: {reason}{shown}") from None
    if not isinstance(settings, dict):
        raise SettingsError(
            'A file passed to --config must hold a JSON object with the settings: {"customer_token": "…"}.'
        )
    return settings


def comes_from_maps(error: BaseException) -> bool:
    """Return whether an error comes from the user's stream maps, whose expressions may raise anything."""
    return isinstance(error, (MapExpressionError, StreamMapConfigError)) or any(
        Path(frame.filename).parts[-2:] == ("singer_sdk", "mapper.py")
        for frame in traceback.extract_tb(error.__traceback__)
    )


def _log_for_people() -> None:
    """Format the log for a person if the tap runs in a terminal."""
    terminal = console.attended()
    for handler in logging.getLogger().handlers:
        if terminal and isinstance(handler.formatter, ConsoleFormatter):
            handler.setFormatter(console.Sentences(terminal))
            handler.addFilter(_is_for_people)


def _is_for_people(record: logging.LogRecord) -> bool:
    """Return whether a log record is the tap's own or a warning.

    The SDK's warnings about a stream's state are about resuming in mid-stream, which this tap does not rely on.
    """
    place = Path(record.pathname)
    return "singer_sdk" not in place.parts or (record.levelno >= logging.WARNING and place.stem != "_state")
