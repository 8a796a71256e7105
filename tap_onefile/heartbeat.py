"""Signs of life on stderr while a run is under way."""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from tap_onefile.statistics import Statistics

logger = logging.getLogger("tap-onefile")

_ON_A_TERMINAL = 0.5
_IN_A_LOG = 30.0
"""Seconds between two signs of life."""

# The cursor goes back to the start of the line, so that the next log line overwrites the sign of life.
_REWRITTEN_LINE = "\r\033[K{}\r"


@contextmanager
def heartbeat(statistics: Statistics, calls_per_minute: int) -> Generator[None]:
    """Show how a run is coming on for as long as a block of code lasts.

    Args:
        statistics: What the run has done so far.
        calls_per_minute: The budget; 0 for none.
    """
    stopped = threading.Event()
    on_terminal = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"

    def beat() -> None:
        while not stopped.wait(_ON_A_TERMINAL if on_terminal else _IN_A_LOG):
            line = sign_of_life(statistics, calls_per_minute)
            if on_terminal:
                sys.stderr.write(_REWRITTEN_LINE.format(line))
                sys.stderr.flush()
            else:
                logger.info(line)

    threading.Thread(target=beat, name="tap-onefile-heartbeat", daemon=True).start()
    try:
        yield
    finally:
        stopped.set()
        if on_terminal:
            sys.stderr.write(_REWRITTEN_LINE.format(""))


def sign_of_life(statistics: Statistics, calls_per_minute: int) -> str:
    """Say in one line how a run is coming on.

    Args:
        statistics: What the run has done so far.
        calls_per_minute: The budget; 0 for none.

    Returns:
        The line.
    """
    total = statistics.total
    pace = total.calls / total.seconds * 60 if total.seconds else 0.0
    parts = [
        statistics.stream or "starting",
        f"{total.records} records",
        f"{total.calls} calls",
        f"{pace:.0f} calls a minute" + (f" of {calls_per_minute}" if calls_per_minute else ""),
    ]
    if statistics.organisations:
        parts.append(f"{statistics.organisations_done} of {len(statistics.organisations)} organisations")
    if (left := statistics.seconds_left) is not None:
        parts.append(f"about {left / 60:.0f} min left" if left >= 90 else f"about {left:.0f} s left")  # noqa: PLR2004
    return " · ".join(parts)
