"""How a run ends that is told to stop.

The SDK's own handler ends the process from within whatever it was doing, half a line of output included, and with exit
status 0, so that a run cut short looks like a finished one to a scheduler. Here a signal is noted, and the run stops
between two records.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tap_onefile.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

logger = logging.getLogger("tap-onefile")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_BETWEEN_LOOKS = 0.1
"""Seconds."""


@contextmanager
def held_back() -> Generator[None]:
    """Keep signals waiting while a tap is made, as the SDK's handler, which it brings, would end it with status 0."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Signals:
    """Notes that the process was told to stop.

    Args:
        kept_since: Tells since when, on the clock of `time.monotonic`, the run is kept in the middle of a write, if it
            is: where a target reads no more, it cannot stop by itself.
        grace: Seconds for which a target may keep a run that was told to stop.
    """

    def __init__(self, kept_since: Callable[[], float | None], grace: float = 1.5) -> None:
        self._signum: int | None = None
        self._kept_since = kept_since
        self._grace = grace

    def listen(self) -> None:
        """Note signals from now on; does nothing outside the main thread, which alone can receive them."""
        if threading.current_thread() is threading.main_thread():
            for signum in _SIGNALS:
                signal.signal(signum, self._note)

    def check(self) -> None:
        """Stop here if the process was told to.

        Raises:
            Interrupted: It was.
        """
        if self._signum is not None:
            raise Interrupted(self._signum)

    def _note(self, signum: int, _frame: FrameType | None) -> None:
        if self._signum is None:
            self._signum = signum
            threading.Thread(target=self._insist, args=(signum,), name="tap-onefile-interruption", daemon=True).start()

    def _insist(self, signum: int) -> None:
        told_at = time.monotonic()
        while (since := self._kept_since()) is None or time.monotonic() - max(since, told_at) < self._grace:
            time.sleep(_BETWEEN_LOOKS)
        interrupted = Interrupted(signum)
        logger.error("%s The target did not take all of it, so that its last line may be a part of one.", interrupted)
        os._exit(interrupted.exit_status)
