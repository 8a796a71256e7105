"""Ctrl-C and its like.

A signal only leaves a note, which is read where stopping is safe. An exception out of nowhere could strike between the
start of a process and the note of its id, and leave it running for ever.
"""

from __future__ import annotations

import signal
import threading

_asked = threading.Event()


class Interrupted(Exception):
    """The user wants to stop."""


def listen() -> None:
    """Take note of the signals that ask for an end, even where the shell has them ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: _asked.set())


def check() -> None:
    """Stop here if asked to.

    Raises:
        Interrupted: A signal has come.
    """
    if _asked.is_set():
        raise Interrupted
