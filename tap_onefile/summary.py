"""What a run says at its end about each stream: in a terminal a table, in a log a line each."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tap_onefile import terminal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_onefile.statistics import Tally

logger = logging.getLogger("tap-onefile")

_HEADINGS = ("stream", "records", "calls", "repeated", "waited (s)", "took (s)")


def tell(rows: Iterable[tuple[str, Tally]]) -> None:
    """Say what each stream has cost and brought.

    Args:
        rows: The name and the tally of each stream; last those of all streams together.
    """
    if screen := terminal.attended():
        screen.table([_HEADINGS, *((name, *_cells(tally)) for name, tally in rows)])
        return
    for name, tally in rows:
        logger.info(
            "%s: %d records, %d calls, %d repeated, %.1f s waiting for the budget, %.1f s",
            name,
            tally.records,
            tally.calls,
            tally.repeats,
            tally.waited,
            tally.seconds,
        )


def _cells(tally: Tally) -> tuple[str, ...]:
    return (
        f"{tally.records:,}",
        f"{tally.calls:,}",
        f"{tally.repeats:,}",
        f"{tally.waited:,.1f}",
        f"{tally.seconds:,.1f}",
    )
