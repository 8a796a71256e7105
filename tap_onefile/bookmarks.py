"""How far a run has come, and so where the next one must begin. Knows nothing of Singer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


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

    def see(self, moments: Iterable[str | None]) -> None:
        """Take note of records that were read.

        Args:
            moments: The records' moments, so far as they tell one.
        """
        known = [moment or self._run_began for moment in moments]
        if known:
            self._latest = max(known) if self._latest is None else max(self._latest, *known)

    @property
    def reached(self) -> str | None:
        """How far all runs have come, this one included; None where nothing was ever read."""
        seen = None if self._latest is None else min(self._latest, self._run_began)
        known = [moment for moment in (self._bookmark, seen) if moment is not None]
        return max(known, default=None)
