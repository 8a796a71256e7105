"""How a run ends when a signal stops it.

The SDK's own handler ends the process in the middle of whatever it is doing, be it half a line of output, and with exit
status 0, so that to a scheduler a run cut short looks finished. Here the run stops between two records.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from tap_onefile.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

logger = logging.getLogger("tap-onefile")

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_POLL_INTERVAL = 0.1
"""Seconds."""


@contextmanager
def signals_blocked() -> Generator[None]:
    """Block signals while a tap is created, as the handler that the SDK installs would end it with status 0."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def interruptible(work: Callable[[], T], check: Callable[[], None]) -> T:
    """Do work in a thread of its own, so that no signal waits for it: `check` is called meanwhile, and may raise."""
    done: Future[T] = Future()

    def do() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the work is waited for
            done.set_exception(error)

    threading.Thread(target=do, name="tap-onefile-check", daemon=True).start()
    while not wait([done], _POLL_INTERVAL).done:
        check()
    return done.result()


class Signals:
    """Notes signals to stop, which may find the tap in the middle of a write.

    A target that has stopped reading must not keep the tap alive: a write may go on for `grace` seconds after a signal.
    When it began, by `time.monotonic`, is what `blocked_since` returns.
    """

    def __init__(self, blocked_since: Callable[[], float | None], grace: float = 1.5) -> None:
        self._signum: int | None = None
        self._blocked_since = blocked_since
        self._grace = grace

    def listen(self) -> None:
        """Start handling signals; does nothing outside the main thread, as Python delivers them only there."""
        if threading.current_thread() is threading.main_thread():
            for signum in _SIGNALS:
                signal.signal(signum, self._note)

    def check(self) -> None:
        """Raise `Interrupted` after a signal."""
        if self._signum is not None:
            raise Interrupted(self._signum)

    def _note(self, signum: int, _frame: FrameType | None) -> None:
        if self._signum is None:
            self._signum = signum
            threading.Thread(target=self._insist, args=(signum,), name="tap-onefile-interruption", daemon=True).start()

    def _insist(self, signum: int) -> None:
        signalled_at = time.monotonic()
        while (since := self._blocked_since()) is None or time.monotonic() - max(since, signalled_at) < self._grace:
            time.sleep(_POLL_INTERVAL)
        interrupted = Interrupted(signum)
        logger.error("%s The target did not read all of it, so its last line may be incomplete.", interrupted)
        os._exit(interrupted.exit_status)
