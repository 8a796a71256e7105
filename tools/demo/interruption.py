"""Ctrl-C and its like.

A signal only leaves a note, which is read where stopping is safe. An exception out of nowhere could strike between the
start of a process and the note of its id, and leave it running for ever.
"""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_asked = threading.Event()


class Interrupted(Exception):
    """The user wants to stop."""


def listen() -> None:
    """Take note of the signals that ask for an end, even where the shell has them ignored."""
    for number in SIGNALS:
        signal.signal(number, lambda *_: _asked.set())


def check() -> None:
    """Stop here if asked to.

    Raises:
        Interrupted: A signal has come.
    """
    if _asked.is_set():
        raise Interrupted


@contextmanager
def shielded() -> Generator[None]:
    """Keep signals from processes that start in here and share the terminal; the note is taken afterwards.

    Ctrl-C goes to all that run in the foreground. What starts PostgreSQL must not die of it half way, as PostgreSQL
    itself would live on.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
