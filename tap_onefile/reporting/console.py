"""What a run shows on the console, while it lasts and at its end.

In a file, under Meltano and under a scheduler the log stays as the SDK writes it, since programs read it there. In a
terminal, a person gets the tap's own sentences, a progress line that is rewritten in place, and a table at the end.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import textwrap
import threading
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from tap_onefile.reporting.metrics import Metrics, Tally
    from tap_onefile.reporting.problems import Problems

_BOLD_RED, _YELLOW = "1;31", "33"
_MARKS = {logging.WARNING: ("Warning: ", _YELLOW), logging.ERROR: ("Error: ", _BOLD_RED)}
_ERASED_LINE = "\r\033[K"
_TIME = "%H:%M:%S"
_INDENT = " " * 10
_FEWEST_COLUMNS = 40
_COLUMNS_WHERE_UNKNOWN = 80
_ON_A_TERMINAL, _IN_A_LOG = 0.5, 30.0
"""Seconds between two progress lines."""
_MINUTE = 60.0
_HEADINGS = ("stream", "records", "calls", "repeated", "waited (s)", "took (s)")
_CELLS = ("{}", "{:,}", "{:,}", "{:,}", "{:,.1f}", "{:,.1f}")

logger = logging.getLogger("tap-onefile")


class Terminal:
    """The terminal that stderr goes to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        is_dumb = os.environ.get("TERM", "dumb") == "dumb"
        shows_records = sys.stdout is not None and sys.stdout.isatty()
        self.can_rewrite = not (is_dumb or shows_records)
        """Whether a line can be rewritten in place: not if the terminal can't, nor if it shows the records as well."""
        self.has_colour = not (is_dumb or os.environ.get("NO_COLOR"))
        """Whether colours are supported and wanted (NO_COLOR: set and not empty)."""
        self.eraser = _ERASED_LINE if self.can_rewrite else ""
        """What precedes a line, so that nothing is left of the progress line under it."""

    @property
    def columns(self) -> int:
        """The present width in characters."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except OSError:
            columns = 0
        return max(columns or _COLUMNS_WHERE_UNKNOWN, _FEWEST_COLUMNS)

    def rewrite(self, text: str) -> None:
        """Replace the progress line, by one that is narrower than the terminal, or by nothing."""
        # The cursor returns to the start of the line, where a target's own output to the terminal begins.
        self._stream.write(f"{_ERASED_LINE}{text}\r")
        self._stream.flush()

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Show a table whose first row is the headings and whose last row is the totals."""
        first, *others = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join([name.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, others, strict=True))])
            for name, *cells in rows
        ]
        rule = "-" * len(lines[0])
        shown = [lines[0], rule, *lines[1:-1], rule, lines[-1]]
        self._stream.write(self.eraser + "\n".join(["", *shown, "", ""]))
        self._stream.flush()


class Sentences(logging.Formatter):
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


def attended_terminal() -> Terminal | None:
    """Return the terminal in which somebody runs the tap.

    None if stderr goes elsewhere, or if the user wants the log in full (``TAP_ONEFILE_LOGLEVEL=DEBUG``) or in a format
    of their own (``SINGER_SDK_LOG_CONFIG``).
    """
    wants_the_log = logging.getLogger().level < logging.INFO or "SINGER_SDK_LOG_CONFIG" in os.environ
    return Terminal(sys.stderr) if sys.stderr and sys.stderr.isatty() and not wants_the_log else None


class ProgressLine:
    """The progress of a run in one line; a `calls_per_minute` of 0 is no rate limit."""

    def __init__(self, metrics: Metrics, calls_per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._limit = calls_per_minute
        self._clock = clock
        self._seen = deque([(clock(), 0)])

    def text(self, columns: int | None = None) -> str:
        """Return the stream, how far it and the run are, and the time left, as far as they fit into the columns."""
        total, stream = self._metrics.total, self._metrics.stream or "starting"
        part = self._metrics.part
        # Of an organisation that takes an hour, the number of organisations done says nothing for an hour.
        of_part = [f"{part.done:,} of {part.total:,} in this organisation"] if part else []
        parts = [stream, *of_part, f"{total.records:,} records", f"{total.calls:,} calls", self._pace(total.calls)]
        if self._metrics.organisations:
            parts.append(f"{self._metrics.organisations_done} of {len(self._metrics.organisations)} organisations")
        left = _time_left(self._metrics.seconds_left) or _time_left(self._metrics.part_seconds_left, " for these")
        while columns is not None and len(parts) > 1 and len(" · ".join([*parts, *left])) > columns:
            parts.pop()
        return " · ".join([*parts, *left])[:columns]

    def _pace(self, calls: int) -> str:
        """Return the calls of the last minute, or since the start, if that is shorter."""
        now = self._clock()
        self._seen.append((now, calls))
        while len(self._seen) > 1 and self._seen[1][0] <= now - _MINUTE:
            self._seen.popleft()
        then, calls_then = self._seen[0]
        lately = calls - calls_then
        if self._limit:
            return f"{lately} of {self._limit} in the last minute"
        return f"{lately / max(now - then, _ON_A_TERMINAL) * _MINUTE:.0f} calls a minute"


def _time_left(seconds: float | None, what: str = "") -> list[str]:
    if seconds is None:
        return []
    minutes = seconds / _MINUTE
    return [f"about {f'{minutes:.0f} min' if minutes >= 1.5 else f'{seconds:.0f} s'} left{what}"]  # noqa: PLR2004


@contextmanager
def heartbeat(metrics: Metrics, calls_per_minute: int) -> Generator[None]:
    """Show the progress of a run for as long as a block of code lasts."""
    stopped = threading.Event()
    terminal = attended_terminal()
    rewritten = terminal if terminal and terminal.can_rewrite else None
    line = ProgressLine(metrics, calls_per_minute)

    def beat() -> None:
        while not stopped.wait(_ON_A_TERMINAL if rewritten else _IN_A_LOG):
            if rewritten:
                rewritten.rewrite(line.text(rewritten.columns - 1))
            else:
                logger.info(line.text())

    thread = threading.Thread(target=beat, name="tap-onefile-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        # Otherwise a line that is being shown just now would stay on the screen.
        thread.join()
        if rewritten:
            rewritten.rewrite("")


def summarise(rows: Iterable[tuple[str, Tally]], problems: Problems) -> None:
    """Show the tally of each stream, and what came of it, and last that of all streams together.

    In a log, each is a line for programs: ``SUMMARY:`` and a JSON object.
    """
    screen = attended_terminal()
    if screen:
        cells = [
            (f"{name} (unpaged)" if name in problems.unpaged else name, *_figures(tally).values())
            for name, tally in rows
        ]
        screen.table([_HEADINGS, *(list(map(str.format, _CELLS, row)) for row in cells)])
        return
    for name, tally in rows:
        summary = {"stream": name, "outcome": problems.outcome(name), **_figures(tally)}
        if name in problems.unpaged:
            summary["unpaged"] = True
        logger.info("SUMMARY: %s", json.dumps(summary))


def _figures(tally: Tally) -> dict[str, float]:
    return {
        "records": tally.records,
        "calls": tally.calls,
        "repeated": tally.repeats,
        "waited": round(tally.waited, 1),
        "seconds": round(tally.seconds, 1),
    }
