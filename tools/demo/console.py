"""What the user sees: sentences, tables, and a sign of life while something takes its time."""

from __future__ import annotations

import itertools
import os
import shutil
import textwrap
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

TICK_ON_TERMINAL = 0.1
TICK_IN_LOG = 5.0
"""Seconds between two signs of life."""


class Console:
    """Writes to a terminal with a spinner and a little colour, and elsewhere in plain lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._colour = self._terminal and not os.environ.get("NO_COLOR")

    def say(self, text: str = "") -> None:
        """Write a line."""
        encoding = self._stream.encoding or "ascii"
        print(text.encode(encoding, "replace").decode(encoding), file=self._stream, flush=True)

    def title(self, text: str) -> None:
        """Write a heading."""
        self.say(f"\n{self._painted(text, '1')}")

    def succeed(self, text: str) -> None:
        """Write the good end."""
        self.say(f"\n{self._painted(self._wrapped(text), '32')}")

    def fail(self, text: str) -> None:
        """Write the bad end."""
        self.say(f"\n{self._painted(self._wrapped(text), '1;31')}")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Write a table; numbers stand to the right."""
        numeric = [all(isinstance(row[i], int) for row in rows) for i in range(len(head))]
        lines = [head, *([f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        for line in (lines[0], ["-" * width for width in widths], *lines[1:]):
            cells = (
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(line, widths, numeric, strict=True)
            )
            self.say(f"  {'  '.join(cells).rstrip()}")

    @contextmanager
    def working(self, what: str) -> Generator[None]:
        """Show that something is under way, for how long, and how long it took."""
        start = time.monotonic()
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(what, start, done), daemon=True)
        if not self._terminal:
            self.say(f"{what} ...")
        watch.start()
        outcome = "failed"
        try:
            yield
            outcome = "done"
        finally:
            done.set()
            watch.join()
            self._overwrite(f"{what}: {outcome} in {time.monotonic() - start:.1f} s")

    def _watch(self, what: str, start: float, done: threading.Event) -> None:
        wheel = itertools.cycle("|/-\\")
        while not done.wait(TICK_ON_TERMINAL if self._terminal else TICK_IN_LOG):
            seconds = f"{time.monotonic() - start:.0f} s"
            if self._terminal:
                print(f"\r\x1b[K{next(wheel)} {what} {seconds}", end="", file=self._stream, flush=True)
            else:
                self.say(f"  still at it, {seconds}")

    def _overwrite(self, text: str) -> None:
        if self._terminal:
            print("\r\x1b[K", end="", file=self._stream)
        self.say(text)

    def _wrapped(self, text: str) -> str:
        """Break lines between words; those of a log, and all where nobody is looking, are left alone."""
        if not self._terminal:
            return text
        columns = shutil.get_terminal_size().columns
        first, *others = text.splitlines()
        return "\n".join([textwrap.fill(first, columns - 1, break_long_words=False), *others])

    def _painted(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text
