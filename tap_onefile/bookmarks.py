"""How far a run has come, and so where the next one must begin. Knows nothing of Singer."""

from __future__ import annotations


class Progress:
    """Follows the moments of the records of one search, to know where the next run must begin.

    A bookmark never goes back, and never passes the moment at which the run began: what changes while we read may or
    may not be in what we read. Records that do not tell their moment are as new as the run itself.

    Args:
        bookmark: How far earlier runs have come, if there were any.
        run_began: When this run began.
    """

    def __init__(self, bookmark: str | None, run_began: str) -> None:
        self._bookmark = bookmark
        self._run_began = run_began
        self._latest: str | None = None

    def see(self, moment: str | None) -> None:
        """Take note of a record that was read.

        Args:
            moment: The record's moment, if it tells one.
        """
        moment = moment or self._run_began
        if self._latest is None or moment > self._latest:
            self._latest = moment

    @property
    def reached(self) -> str | None:
        """How far all runs have come, this one included; None where nothing was ever read."""
        seen = None if self._latest is None else min(self._latest, self._run_began)
        known = [moment for moment in (self._bookmark, seen) if moment is not None]
        return max(known, default=None)
