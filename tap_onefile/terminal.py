"""What a person sees who runs the tap in a terminal.

In a file, under Meltano and under a scheduler the log stays as the SDK writes it: programs read it there. A person gets
what a person needs: the tap's own sentences without columns of names, one line that is written over while a run lasts,
and a table at its end.
"""

from __future__ import annotations

import logging
import os
import sys
import textwrap
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from singer_sdk.logging import ConsoleFormatter
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Sequence

_BOLD_RED, _YELLOW = "1;31", "33"
_MARKS = {logging.WARNING: ("Warning: ", _YELLOW), logging.ERROR: ("Error: ", _BOLD_RED)}
_ERASED_LINE = "\r\033[K"
_TIME = "%H:%M:%S"
_INDENT = " " * 10
_FEWEST_COLUMNS = 40
_COLUMNS_WHERE_UNKNOWN = 80


class Terminal:
    """The terminal that stderr goes to.

    Args:
        stream: The tap's stderr.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @cached_property
    def can_rewrite(self) -> bool:
        """Whether a line can be written over: not where the terminal cannot, nor where it shows the records as well."""
        return os.environ.get("TERM", "dumb") != "dumb" and not sys.stdout.isatty()

    @cached_property
    def has_colour(self) -> bool:
        """Whether colours are shown and wanted (the convention of NO_COLOR: set and not empty)."""
        return os.environ.get("TERM", "dumb") != "dumb" and not os.environ.get("NO_COLOR")

    @property
    def columns(self) -> int:
        """The width in characters, at this moment."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except OSError:
            columns = 0
        return max(columns or _COLUMNS_WHERE_UNKNOWN, _FEWEST_COLUMNS)

    @property
    def eraser(self) -> str:
        """What goes before a line so that nothing is left of the one that is written over."""
        return _ERASED_LINE if self.can_rewrite else ""

    def rewrite(self, text: str) -> None:
        """Show a line in the place of the last one that was shown so.

        Args:
            text: The line, shorter than the terminal is wide; empty to leave none.
        """
        # Back to the start of the line: what a target writes to the same terminal begins there.
        self._stream.write(f"{_ERASED_LINE}{text}\r")
        self._stream.flush()

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Show a table, its first column to the left and the others to the right.

        Args:
            rows: The cells; first the headings, last the sums.
        """
        first, *others = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join([name.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, others, strict=True))])
            for name, *cells in rows
        ]
        rule = "-" * len(lines[0])
        shown = [lines[0], rule, *lines[1:-1], rule, lines[-1]]
        self._stream.write(self.eraser + "\n".join(["", *shown, "", ""]))
        self._stream.flush()


class _Sentences(logging.Formatter):
    """Log lines as sentences, as wide as the terminal."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__("{message}", style="{")
        self._terminal = terminal

    @override
    def format(self, record: logging.LogRecord) -> str:
        mark, colour = _MARKS.get(record.levelno, ("", ""))
        text = textwrap.fill(
            f"{self.formatTime(record, _TIME)}  {mark}{super().format(record)}",
            self._terminal.columns - 1,
            subsequent_indent=_INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
        if colour and self._terminal.has_colour:
            text = f"\033[{colour}m{text}\033[0m"
        return self._terminal.eraser + text


def _is_for_people(record: logging.LogRecord) -> bool:
    """Tell the tap's own sentences and all warnings from what the SDK counts and passes.

    The SDK's warnings of a stream's state speak of going on in the middle of a stream, which this tap does not rely on.
    """
    place = Path(record.pathname)
    return "singer_sdk" not in place.parts or (record.levelno >= logging.WARNING and place.stem != "_state")


def attended() -> Terminal | None:
    """Give the terminal in which somebody runs the tap.

    Returns:
        The terminal; None where stderr goes elsewhere, or where the user has asked for the log in full
        (``TAP_ONEFILE_LOGLEVEL=DEBUG``) or in a form of their own (``SINGER_SDK_LOG_CONFIG``).
    """
    as_one_likes = logging.getLogger().level < logging.INFO or "SINGER_SDK_LOG_CONFIG" in os.environ
    return Terminal(sys.stderr) if sys.stderr and sys.stderr.isatty() and not as_one_likes else None


def dress_log() -> None:
    """Have the log written for a person, if somebody runs the tap in a terminal."""
    terminal = attended()
    for handler in logging.getLogger().handlers:
        if terminal and isinstance(handler.formatter, ConsoleFormatter):
            handler.setFormatter(_Sentences(terminal))
            handler.addFilter(_is_for_people)
